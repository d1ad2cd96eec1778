#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# What a review by eye found and an experiment confirmed: one test for each.

load helpers

running() { [ "$(state "$1" Status)" = running ]; }

# ---- root file systems that the container's root cannot reach -----------------------------------

@test "nomap: a root file system in a home that is closed to others" {
	mkdir -m 700 "$T/home"
	rootfs "$T/home/root"
	run -0 --separate-stderr cattach run --rm --userns=nomap "$T/home/root" id -u
	is "$output" 0
	run -0 cattach run --rm --userns=nomap --rootfs "$T/home/root:O" \
		sh -c 'touch /etc/x /tmp/x && echo ok'
	is "$output" ok
	[ ! -e "$T/home/root/etc/x" ]
}

@test "keep-id: the directory of the user is theirs below a throw-away overlay, too" {
	rootfs "$T/root"
	run -0 cattach run --rm --userns=keep-id --rootfs "$T/root:O" \
		sh -c 'touch /x /etc/x && stat -c %u /x'
	is "$output" "$(id -u)"
	[ ! -e "$T/root/x" ]
}

@test "a composed throw-away root takes names of any length" {
	local name
	name=$(printf 'n%.0s' $(seq 255))
	rootfs "$T/root"
	mkdir "$T/root/$name"
	run -0 cattach run --rm --userns=nomap --rootfs "$T/root:O" sh -c "touch /$name/x && echo ok"
	is "$output" ok
	[ ! -e "$T/root/$name/x" ]
}

# ---- mounts ------------------------------------------------------------------------------------

@test "--read-only: a composed throw-away root is read-only all over" {
	run -0 cattach run --rm --read-only --tmpfs /mnt --rootfs /:O sh -c \
		'for d in / /etc /usr; do touch $d/x 2> /dev/null && echo $d; done; touch /mnt/x && echo ok'
	is "$output" ok
}

@test "a link of the root file system does not lead a mount into /proc or /sys" {
	rootfs "$T/root"
	mkdir "$T/fake"
	ln -s proc "$T/root/lnk"
	ln -s /proc/sys "$T/root/deep"
	ln -s ../sys/fs "$T/root/srv/sysfs"
	refused 125 "/lnk leads into /proc by a symbolic link" \
		cattach run --rm -v "$T/fake:/lnk" "$T/root" true
	refused 125 "/lnk/self leads into /proc" \
		cattach run --rm --tmpfs /lnk/self "$T/root" true
	refused 125 "/deep/kernel leads into /proc" \
		cattach run --rm --tmpfs /deep/kernel "$T/root" true
	refused 125 "/srv/sysfs leads into /sys" \
		cattach run --rm --tmpfs /srv/sysfs "$T/root" true
	refused 125 "/lnk/version leads into /proc" \
		cattach run --rm -v "$T/canary/passwd:/lnk/version" "$T/root" true
}

@test "a mount below a proc file system of the user's own is none of that" {
	rootfs "$T/root"
	mkdir "$T/root/srv/proc"
	bundle "$T/b" 'c["root"]["path"] = "'"$T/root"'"' 'args("cat", "/srv/proc/version")' \
		'mount("/srv/proc", "proc", "proc", [])' \
		'mount("/srv/proc/version", "bind", "'"$CANARY/passwd"'", ["bind", "ro"])'
	run -0 cattach run --rm "$T/b"
	is "$output" "root:x:0:0"
}

@test "tmpcopyup keeps set-user-id and the modes of directories" {
	rootfs "$T/root"
	mkdir -p "$T/root/srv/copy/dir"
	echo x > "$T/root/srv/copy/su"
	chmod 4755 "$T/root/srv/copy/su"
	chmod 2750 "$T/root/srv/copy/dir"
	run -0 cattach run --rm --tmpfs /srv/copy:tmpcopyup,suid "$T/root" \
		stat -c '%n %a' /srv/copy/su /srv/copy/dir
	is "$output" "/srv/copy/su 4755
/srv/copy/dir 2750"
}

@test "tmpcopyup keeps the holes of a sparse file" {
	rootfs "$T/root"
	mkdir "$T/root/srv/copy"
	truncate -s 1T "$T/root/srv/copy/sparse"
	printf middle | dd of="$T/root/srv/copy/sparse" bs=1 seek=100000 conv=notrunc status=none
	seq 1 20000 > "$T/root/srv/copy/dense"
	: > "$T/root/srv/copy/empty"
	run -0 cattach run --rm --tmpfs /srv/copy:tmpcopyup,size=4m "$T/root" sh -c 'cd /srv/copy
		stat -c "%n %s" *; dd if=sparse bs=1 skip=100000 count=6 2> /dev/null; echo; md5sum < dense'
	is "$output" "dense 108894
empty 0
sparse 1099511627776
middle
$(seq 1 20000 | md5sum)"
	run -125 cattach run --rm --tmpfs /srv/copy:tmpcopyup,size=64k "$T/root" true
	has "$output" "tmpcopyup: cannot copy dense: No space left on device"
}

@test "what covers /dev gets the nodes, and a terminal needs a devpts that is not covered" {
	mkdir "$T/dev"
	: > "$T/dev/null"
	bundle "$T/b" "m.append({'destination': '/dev', 'type': 'bind', 'source': '$T/dev',
		'options': ['rbind']})" 'l["devices"] = [{"path": "/dev/null", "type": "c",
		"major": 1, "minor": 3}]' 'args("stat", "-c", "%t:%T", "/dev/null")'
	run -0 cattach run --rm "$T/b"
	is "$output" 1:3
	bundle "$T/b" "m.append({'destination': '/dev', 'type': 'tmpfs', 'source': 'tmpfs'})" \
		'p["terminal"] = True'
	refused 125 "a terminal needs a devpts mount on /dev/pts" cattach run -d "$T/b"
}

@test "root without a user namespace cannot change the host's device nodes" {
	# As root of a user namespace with many ids, in which a container needs none of its own.
	bundle "$T/b" "l['namespaces'] = [n for n in l['namespaces'] if n['type'] != 'user']" \
		"l['maskedPaths'] = ['/etc/group']" \
		'sh("for f in /dev/null /etc/group; do chmod 600 $f 2>&1; done; echo x > /dev/null && echo ok")'
	run -0 unshare --map-root-user --map-auto cattach run --rm "$T/b"
	[[ ${lines[0]} == *"Read-only file system" && ${lines[1]} == *"Read-only file system" ]]
	is "${lines[2]}" ok
}

# ---- the last steps before the program ---------------------------------------------------------

# profile NAME...: a seccomp profile that kills on everything but these calls.
profile()
{
	local names
	names=$(printf '"%s",' "$@")
	echo "l['seccomp'] = {'defaultAction': 'SCMP_ACT_KILL_PROCESS', 'syscalls':" \
		"[{'names': [${names%,}], 'action': 'SCMP_ACT_ALLOW'}]}"
}

@test "a profile that kills on the way to the program is a failed start, not a mystery 159" {
	local without='p["noNewPrivileges"] = False'
	bundle "$T/b" "$(profile execve exit_group)" "$without"
	refused 125 "linux.seccomp: the seccomp profile stops the program before it starts" \
		cattach run --rm "$T/b"
	# What is behind execve is the program's own end.
	bundle "$T/b" "$(profile execve exit_group capget capset prctl)" "$without"
	run -159 cattach run --rm "$T/b"
	bundle "$T/b" "$(profile execve exit_group)"
	run -159 cattach run --rm "$T/b"
}

@test "under a profile that kills a missing program is still said to be missing" {
	bundle "$T/b" "$(profile execve)" 'args("/bin/nope")'
	refused 127 "/bin/nope: not found in the container" cattach run --rm "$T/b"
	bundle "$T/b" "$(profile execve)" 'args("/etc/passwd")'
	refused 126 "/etc/passwd: permission denied" cattach run --rm "$T/b"
}

@test "a program with file capabilities that the container lacks is not blamed on seccomp" {
	rootfs "$T/root"
	cp "$T/root/bin/busybox" "$T/root/srv/true"
	# cap_net_raw=ep, see capabilities(7)
	unshare -r python3 -c 'import os, struct, sys
os.setxattr(sys.argv[1], "security.capability", struct.pack("<5I", 0x02000001, 1 << 13, 0, 0, 0))' \
		"$T/root/srv/true"
	refused 126 "/srv/true: has file capabilities that the container's processes cannot have" \
		cattach run --rm "$T/root" /srv/true
	run -0 cattach run --rm --cap-add NET_RAW "$T/root" /srv/true
}

@test "the payload is never our own program, by whatever way it leads there" {
	# A program of the user's own, which the container's root could write to.
	local cattach=$T/bin/cattach way
	mkdir "$T/bin"
	cp "$(type -P cattach)" "$cattach"
	rootfs "$T/root"
	ln -s /proc/self/exe "$T/root/srv/link"
	printf '#!/proc/self/exe\n' > "$T/root/srv/script"
	printf '#!/srv/script\n' > "$T/root/srv/nested"
	chmod +x "$T/root/srv/script" "$T/root/srv/nested"
	for way in /proc/self/exe /srv/link /srv/script /srv/nested; do
		refused 126 "$way: leads to cattach itself" "$cattach" run --rm "$T/root" "$way" version
	done
	run -0 "$cattach" run --rm "$T/root" true
	# The same file, mounted by the user, is the user's business.
	refused 127 "/srv/cattach: found, but" \
		"$cattach" run --rm -v "$T/bin:/srv" "$T/root" /srv/cattach version
}

# ---- --init where it is not pid 1 --------------------------------------------------------------

ended() { ! grep -q '^State:[[:space:]][^ZX]' "/proc/$1/status" 2> /dev/null; }

children() { cat "/proc/$1/task/$1/children"; }

@test "--init --pid host: the command does not outlive its monitor" {
	start "$N" --init --pid host "$R" sleep 100
	local payload
	payload=$(children "$(state "$N" Pid)")
	payload=${payload% }
	run ! ended "$payload"
	kill -9 "$(state "$N" ConmonPid)"
	eventually ended "$payload"
}

@test "--init --pid host: orphans are reaped" {
	start "$N" --init --pid host "$R" sh -c '(sh -c "sleep 0.1 & exec true") & sleep 100'
	# shellcheck disable=SC2016 # expanded by the inner shell
	eventually sh -c '[ "$(wc -w < /proc/$1/task/$1/children)" = 1 ]' sh "$(state "$N" Pid)"
	sleep 0.3
	# shellcheck disable=SC2016
	eventually sh -c '[ "$(wc -w < /proc/$1/task/$1/children)" = 1 ]' sh "$(state "$N" Pid)"
}

# ---- the process -------------------------------------------------------------------------------

@test "the group of a bundle's process is among its groups" {
	bundle "$T/b" 'args("grep", "Groups", "/proc/self/status")' \
		'p["user"] = {"uid": 1000, "gid": 1000}'
	run -0 cattach run --rm "$T/b"
	matches "$output" 'Groups:[[:space:]]+1000 '
	bundle "$T/b" 'args("grep", "Groups", "/proc/self/status")' \
		'p["user"] = {"uid": 1000, "gid": 1000, "additionalGids": [5, 1000]}'
	run -0 cattach run --rm "$T/b"
	matches "$output" 'Groups:[[:space:]]+5 1000 '
	# A single id: groups cannot be set, and need not be.
	bundle "$T/b" "l['uidMappings'] = [{'containerID': 0, 'hostID': $(id -u), 'size': 1}]" \
		"l['gidMappings'] = [{'containerID': 0, 'hostID': $(id -g), 'size': 1}]"
	run -0 cattach run --rm "$T/b"
}

# ---- surroundings ------------------------------------------------------------------------------

@test "newuidmap is found without a PATH that leads to it" {
	[ -x /usr/bin/newuidmap ] || skip "newuidmap is not in /usr/bin"
	run -0 env PATH=/nowhere "$(type -P cattach)" run --rm "$R" cat /proc/self/uid_map
	[ "${#lines[@]}" -gt 1 ]
}

# ---- namespaces that are joined ----------------------------------------------------------------

# joining NAME KIND...: what makes a bundle join these namespaces of a container.
joining()
{
	local pid kind
	pid=$(state "$1" Pid)
	shift
	echo "c.pop('hostname', None)"
	for kind; do
		case $kind in
		network) echo "join('network', '/proc/$pid/ns/net')" ;;
		mount) echo "join('mount', '/proc/$pid/ns/mnt')" ;;
		*) echo "join('$kind', '/proc/$pid/ns/$kind')" ;;
		esac
	done
}

@test "who is in the pid namespace that is joined sees nothing of how it is joined" {
	# With SYS_PTRACE and full capabilities, as far as they reach.
	start "$N" --privileged -v "$CT_PROBES:/mnt" -v "$T:/srv" "$R" \
		sh -c '/mnt/spy > /srv/seen & exec sleep 100'
	eventually grep -q looking "$T/seen"
	bundle "$T/b" 'args("true")' "$(joining "$N" user pid)"
	for _ in $(seq 15); do
		cattach run --rm "$T/b"
	done
	is "$(cat "$T/seen")" looking
}

@test "proc, mqueue and sysfs of joined namespaces show these, not the host's" {
	start "$N" "$R" sh -c 'touch /dev/mqueue/queue; exec sleep 100'
	bundle "$T/b" "$(joining "$N" user pid ipc network)" \
		'sh("ls -d /proc/[0-9]* | wc -l; cat /proc/1/cmdline; ls /sys/class/net /dev/mqueue")'
	eventually test -e "/proc/$(state "$N" Pid)/root/dev/mqueue/queue"
	run -0 cattach run --rm "$T/b"
	matches "${lines[0]}" '[2-5]'
	has "${lines[1]}" sleep
	has "$output" queue
	[[ $output == *lo* && $output != *eth0* ]]
}

@test "a joined mount namespace: its root is the root, and stays as it is" {
	rootfs "$T/root"
	echo here > "$T/root/etc/where"
	start "$N" -v "$CANARY:/mnt:ro" "$T/root" sleep 100
	local pid before
	pid=$(state "$N" Pid)
	before=$(cat "/proc/$pid/mountinfo")
	bundle "$T/b" "$(joining "$N" user pid mount)" \
		'sh("cat /etc/where /mnt/passwd; grep -c . /proc/self/oom_score_adj; pwd")'
	run -0 cattach run --rm "$T/b"
	is "$output" "here
root:x:0:0
1
/"
	is "$(cat "/proc/$pid/mountinfo")" "$before"
}

@test "a joined mount namespace gives a terminal of its own devpts" {
	start "$N" "$R" sleep 100
	bundle "$T/b" "$(joining "$N" user pid mount)" 'p["terminal"] = True' \
		'sh("tty; test -t 0 && stty size")'
	run -0 script -qec "stty rows 31 cols 97; cattach run --rm -t '$T/b'" /dev/null < /dev/null
	is "$(tr -d '\r' <<< "${lines[0]}")" /dev/pts/0
	start "$N-2" -v "$T:/dev/pts" "$R" sleep 100
	bundle "$T/b" "$(joining "$N-2" user pid mount)" 'p["terminal"] = True'
	refused 125 "a terminal needs a devpts mount on /dev/pts" \
		cattach run -d "$T/b" < /dev/null
}

@test "a joined user namespace with one id: its root, and terminals without the tty group" {
	unshare -Ur sleep 100 3>&- &
	local pid=$!
	eventually grep -q ' 0 ' "/proc/$pid/uid_map"
	bundle "$T/b" "c.pop('hostname', None)" "join('user', '/proc/$pid/ns/user')" \
		'mount("/dev/pts", "devpts", "devpts", ["newinstance", "ptmxmode=0666", "mode=0620", "gid=5"])' \
		'args("id")'
	run -0 cattach run --rm "$T/b"
	matches "$output" 'uid=0\(root\) gid=0\(root\).*'
	kill "$pid"
}

@test "the host's own mount namespace is no place to join, its user namespace is none" {
	bundle "$T/b" "c.pop('hostname', None)" "join('mount', '/proc/self/ns/mnt')"
	refused 125 "/proc/self/ns/mnt is the host's own mount namespace" cattach run --rm "$T/b"
	# As root of a user namespace, which may make the others without another one.
	bundle "$T/b" 'args("readlink", "/proc/self/ns/user")' \
		"c.pop('hostname', None)" "join('user', '/proc/self/ns/user')"
	run -0 unshare --user --map-root-user sh -c 'readlink /proc/self/ns/user; cattach run --rm "$1"' \
		sh "$T/b"
	is "${lines[0]}" "${lines[1]}"
}

@test "a new user namespace has no rights in a pid namespace that is joined, and that is said" {
	bundle "$T/b" "join('pid', '$T/ns')" \
		"l['uidMappings'] = [{'containerID': 0, 'hostID': 1, 'size': 100}]" \
		"l['gidMappings'] = [{'containerID': 0, 'hostID': 1, 'size': 100}]"
	cat > "$T/script" <<'END'
unshare --pid --fork sleep 100 > /dev/null 2>&1 3>&- &
until child=$(cat /proc/$!/task/$!/children) && [ "$child" ]; do sleep 0.05; done
ln -s "/proc/${child% }/ns/pid" "$1/ns"
cattach run --rm "$1/b"
status=$?
kill -9 "${child% }"
exit $status
END
	run -125 unshare --map-root-user --map-auto sh "$T/script" "$T"
	has "$output" "cannot mount proc: Operation not permitted (a new user namespace has no rights in"
}

@test "joins do not lose the OOM score" {
	start "$N" "$R" sleep 100
	bundle "$T/b" "$(joining "$N" user pid)" 'p["oomScoreAdj"] = 300' \
		'sh("cat /proc/self/oom_score_adj")'
	run -0 cattach run --rm "$T/b"
	is "$output" 300
}

@test "the caller's session keyring stays the caller's" {
	run -0 "$CT_PROBES/keyring" with "$CT_PROBES/keyring" look
	is "$output" secret
	local option
	for option in --privileged --security-opt=seccomp=unconfined; do
		run -0 "$CT_PROBES/keyring" with cattach run --rm "$option" -v "$CT_PROBES:/mnt" "$R" \
			/mnt/keyring look
		is "$output" ENOKEY
	done
	run -0 "$CT_PROBES/keyring" with cattach run --rm -v "$CT_PROBES:/mnt" "$R" /mnt/keyring look
	is "$output" EPERM
}

# ---- the monitor -------------------------------------------------------------------------------

@test "a payload that closes its stdin leaves what it has not read, and nothing spins" {
	local ticks
	seq 1 1000000 | {
		cattach run --rm -i -v "$T:/mnt" --name "$N" "$R" \
			sh -c 'head -n 1; exec 0<&-; while [ ! -e /mnt/go ]; do sleep 0.05; done' <&0 3>&- &
		eventually running "$N"
		sleep 0.5
		ticks=$(awk '{ print $14 + $15 }' "/proc/$(state "$N" ConmonPid)/stat")
		touch "$T/go"
		wait $!
		wc -c
		echo "$ticks"
	} > "$T/out"
	is "$(sed -n 1p "$T/out")" 1
	# All but what fits in pipes and buffers.
	[ "$(sed -n 2p "$T/out")" -gt $((6888896 - 400000)) ]
	[ "$(sed -n 3p "$T/out")" -lt 20 ]
}

@test "a limit on file sizes is the payload's, not that of its log" {
	run -0 --separate-stderr bash -c 'ulimit -S -f 64; cattach run --rm "$1" sh -c "seq 1 50000; ulimit -f"' \
		bash "$R"
	is "${#lines[@]}" 50001
	is "${lines[50000]}" 128
	is "$stderr" ""
	# A hard one is the log's, too, which goes on in memory.
	run -0 bash -c 'ulimit -f 1024; cattach run --rm "$1" seq 1 300000 | sha256sum' bash "$R"
	is "$output" "$(seq 1 300000 | sha256sum)"
}
