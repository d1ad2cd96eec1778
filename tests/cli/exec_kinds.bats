#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# cattach exec into containers of every kind: from every source, with every kind of namespace given
# up or joined, with payloads that cannot be looked into. Each time the process is where the payload
# is, and as confined.

load helpers

KINDS="user mnt pid net ipc uts cgroup"

ready() { start "$N" "$@" sleep 1000; }

in_it() { cattach exec "$N" "$@"; }

# joined: the seven namespaces of a process are those of the payload, as the host sees them.
joined()
{
	local pid kind
	pid=$(state "$N" Pid)
	for kind in $KINDS; do
		readlink "/proc/$pid/ns/$kind"
	done > "$T/payload"
	in_it sh -c "cd /proc/self/ns; for kind in $KINDS; do readlink \$kind; done" > "$T/process"
	is "$(cat "$T/process")" "$(cat "$T/payload")"
}

# confined: what the kernel says about the process is what it says about the payload.
confined()
{
	local pattern='^(Uid|Gid|Groups|Cap...|NoNewPrivs|Seccomp):'
	grep -E "$pattern" "/proc/$(state "$N" Pid)/status" | grep -vE '^(Uid|Gid|Groups)' > "$T/payload"
	in_it grep -E "$pattern" /proc/self/status | grep -vE '^(Uid|Gid|Groups)' > "$T/process"
	is "$(cat "$T/process")" "$(cat "$T/payload")"
	in_it grep -E '^(Uid|Gid|Groups)' /proc/1/status > "$T/payload"
	in_it grep -E '^(Uid|Gid|Groups)' /proc/self/status > "$T/process"
	is "$(cat "$T/process")" "$(cat "$T/payload")"
}

# through_monitor ARG...: exec with the descriptors that the monitor has kept.
through_monitor()
{
	run -0 --separate-stderr env CATTACH_DEBUG=ns cattach exec "$@"
	has "$stderr" "asking the monitor for the way in"
}

# ---- sources -----------------------------------------------------------------------------------

@test "into a bundle, with what its configuration says" {
	bundle "$T/bundle" "args('sleep', '1000')" "p['user'] = {'uid': 5, 'gid': 6, 'umask': 0o77}" \
		"p['env'].append('ODD=yes')" "p['cwd'] = '/tmp'" \
		"p['rlimits'] = [{'type': 'RLIMIT_NOFILE', 'soft': 55, 'hard': 66}]"
	start "$N" "$T/bundle"
	joined
	confined
	is "$(in_it sh -c 'id -u; id -g; umask; pwd; echo $ODD; ulimit -n; hostname')" \
		"$(printf '5\n6\n0077\n/tmp\nyes\n55\nbundle')"
	is "$(in_it grep NoNewPrivs /proc/self/status)" "NoNewPrivs:	1"
}

@test "into a root file system, as it is and as a copy" {
	rootfs "$T/root"
	ready "$T/root"
	joined
	confined
	in_it touch /made
	[ -e "$T/root/made" ]
	N=$N-copy ready "$T/root:O"
	cattach exec "$N-copy" sh -c 'test -e /made && echo changed > /made'
	is "$(cattach exec "$N-copy" cat /made)" changed
	is "$(cat "$T/root/made")" ""
}

@test "into one that is read-only, and one without limits" {
	ready --read-only "$R"
	run -1 in_it touch /x
	has "$output" "Read-only file system"
	confined
	N=$N-all ready --privileged "$R"
	is "$(cattach exec "$N-all" grep CapEff /proc/self/status)" \
		"$(grep CapEff "/proc/$(state "$N-all" Pid)/status")"
	# Not more than the container has, when only exec asks for it, but for capabilities.
	is "$(cattach exec --privileged "$N" grep '^Seccomp:' /proc/self/status)" "Seccomp:	2"
	run -1 cattach exec --privileged "$N" touch /x
}

@test "into one with an init, which reaps what is left behind" {
	ready --init "$R"
	joined
	confined
	is "$(in_it sh -c 'tr "\0" " " < /proc/2/cmdline')" "sleep 1000 "
	in_it sh -c '(sleep 0.1 &) ; :'
	eventually sh -c '[ "$(cattach exec "$0" sh -c "set -- /proc/[0-9]*; echo \$#")" = 3 ]' "$N"
}

# ---- namespaces --------------------------------------------------------------------------------

@test "into one with other id maps" {
	ready --userns=keep-id "$R"
	joined
	confined
	is "$(in_it id -u)" "$(id -u)"
	is "$(cattach exec -u 0 "$N" id -u)" 0
	N=$N-nomap ready --userns=nomap "$R"
	is "$(cattach exec "$N-nomap" sh -c 'id -u; cat /proc/self/uid_map')" \
		"$(printf 0; echo; cattach exec "$N-nomap" cat /proc/1/uid_map)"
	N=$N-one ready --uidmap "0:$(id -u):1" --gidmap "0:$(id -g):1" "$R"
	is "$(cattach exec "$N-one" sh -c 'id -u; id -G')" "$(printf '0\n0')"
	refused 125 "uid 5 is not mapped in the user namespace" cattach exec -u 5:0 "$N-one" true
}

@test "into one with the host's processes, which ends it all the same" {
	local code=0
	start "$N" --pid host "$R" sleep 1000
	joined
	is "$(in_it sh -c 'readlink /proc/self/ns/pid')" "$(readlink /proc/self/ns/pid)"
	cattach exec "$N" sh -c 'trap "" TERM; echo up; while :; do sleep 0.02; done' > "$T/out" 3>&- &
	eventually grep -q up "$T/out"
	cattach kill "$N"
	wait $! || code=$?
	is $code 137
}

@test "into one with the host's network and names" {
	ready --network host --ipc host --uts host "$R"
	joined
	is "$(in_it hostname)" "$(hostname)"
	is "$(in_it readlink /proc/self/ns/net)" "$(readlink /proc/self/ns/net)"
}

@test "into one that joined another one's namespaces by path" {
	local pid
	start "$N-1" --hostname joined "$R" sleep 1000
	pid=$(state "$N-1" Pid)
	bundle "$T/bundle" "args('sleep', '1000')" "join('user', '/proc/$pid/ns/user')" \
		"join('network', '/proc/$pid/ns/net')" "join('uts', '/proc/$pid/ns/uts')" "del c['hostname']"
	start "$N" "$T/bundle"
	joined
	is "$(in_it hostname)" joined
	is "$(in_it readlink /proc/self/ns/net)" "$(readlink "/proc/$pid/ns/net")"
}

# ---- users and groups --------------------------------------------------------------------------

@test "into one whose payload is another user" {
	ready -u 33 "$R"
	joined
	confined
	is "$(in_it id -u)" 33
	is "$(cattach exec -u 0 "$N" id -u)" 0
	N=$N-name ready -u user:audio "$R"
	is "$(cattach exec "$N-name" sh -c 'id -u; id -G')" "$(printf '1000\n29')"
}

@test "groups that the container keeps, the process keeps" {
	ready -u 1000 --group-add keep-groups "$R"
	confined
	# Ours is the container's group 0, under every map; -u says otherwise.
	is "$(in_it grep Groups /proc/self/status)" "$(in_it grep Groups /proc/1/status)"
	[[ " $(in_it sed -n 's/^Groups:[[:space:]]*//p' /proc/self/status)" == *" 0 "* ]]
	is "$(cattach exec -u user "$N" id -G)" "1000 29 100"
}

# ---- payloads that cannot be looked into -------------------------------------------------------

@test "into one whose payload is not dumpable" {
	start "$N" -v "$CT_PROBES:/mnt:ro" "$R" /mnt/closed
	eventually says_up
	is "$(in_it sh -c 'hostname; id -u; tr "\0" " " < /proc/1/cmdline')" \
		"$(printf '%s\n0\n/mnt/closed ' "${ID:0:12}")"
	is "$(cattach exec -u user -w /tmp "$N" sh -c 'id -un; pwd')" "$(printf 'user\n/tmp')"
}

@test "into one whose payload has made itself a user namespace, it is the container's" {
	start "$N" --privileged --security-opt seccomp=unconfined "$R" \
		sh -c 'exec unshare -U sh -c "echo moved; exec sleep 1000"'
	eventually has_moved
	is "$(in_it sh -c 'id -u; hostname')" "$(printf '0\n%s' "${ID:0:12}")"
	in_it touch /tmp/made
	cattach cp "$N:/tmp/made" "$T"
	[ -f "$T/made" ]
}

@test "into one whose payload has changed its root, files and users are the container's" {
	start "$N" "$R" sh -c 'mkdir -p /tmp/jail/bin /tmp/jail/etc; cp /bin/busybox /tmp/jail/bin/
		echo "jailed:x:77:77::/:/bin/sh" > /tmp/jail/etc/passwd; echo moved
		exec chroot /tmp/jail /bin/busybox sleep 1000'
	eventually has_moved
	is_jailed() { [ "$(readlink "/proc/$(state "$N" Pid)/root")" != / ]; }
	eventually is_jailed
	refused 125 "unable to find user jailed" cattach exec -u jailed "$N" true
	is "$(cattach exec -u nobody "$N" cat /tmp/jail/etc/passwd)" "jailed:x:77:77::/:/bin/sh"
	cattach cp "$N:/etc/passwd" "$T"
	grep -q nobody "$T/passwd"
}

has_moved() { cattach logs "$N" | grep -qx moved; }

# unreadable: start $N with a program that belongs to nobody whom it knows, and that nobody may read.
unreadable()
{
	mkdir "$T/bin"
	cp "$CT_PROBES/closed" "$T/bin/closed"
	chmod 711 "$T/bin/closed"
	cattach run --rm -v "$T/bin:/mnt" "$R" chown 7:7 /mnt/closed
	start "$N" --uidmap "0:$(id -u):1" --gidmap "0:$(id -g):1" -v "$T/bin:/mnt:ro" "$R" \
		/mnt/closed open
	eventually says_up
}

says_up() { cattach logs "$N" | grep -qx "up, dumpable 0"; }

@test "into one whose program cannot be read" {
	local code=0
	unreadable
	run ! readlink "/proc/$(state "$N" Pid)/ns/mnt"
	through_monitor "$N" sh -c 'hostname; id -u; tr "\0" " " < /proc/1/cmdline'
	is "$output" "$(printf '%s\n0\n/mnt/closed open ' "${ID:0:12}")"
	through_monitor -w /tmp "$N" pwd
	is "$output" /tmp
	run -5 in_it sh -c 'exit 5'
	refused 125 "unable to find user nouser" cattach exec -u nouser "$N" true
	# It ends with its container, too.
	cattach exec "$N" sh -c 'echo in; exec sleep 1000' > "$T/out" 3>&- &
	eventually grep -q in "$T/out"
	cattach kill "$N"
	wait $! || code=$?
	is $code 137
	# Until its monitor has left, too.
	is "$(cattach wait "$N")" 137
	refused 125 "container $N is not running: exited (137)" in_it true
}

@test "while its monitor does not answer there is no way into that one, and it is said" {
	local monitor
	unreadable
	monitor=$(state "$N" ConmonPid)
	kill -STOP "$monitor"
	run ! --separate-stderr in_it true
	kill -CONT "$monitor"
	is "$status ${#stderr_lines[@]}" "125 1"
	has "$stderr" "cattach: "
	has "$stderr" "monitor"
	in_it true
}

@test "into one with a single id and the host's network" {
	ready --uidmap "0:$(id -u):1" --gidmap "0:$(id -g):1" --network host "$R"
	joined
	confined
}
