#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Containers in the mount namespace of their caller, or in one that they join (docs/adr/0016), as root. The host is a namespace of the
# test's own here, whose mounts are shared as systemd makes them, and a lodger in another one follows it.

load helpers
load oci_store

oci() { nsenter --mount --target "$HOST" cattach oci --root "$T/root" --cgroup-manager disabled "$@"; }

HOSTS='l["namespaces"] = [n for n in l["namespaces"] if n["type"] not in ("user", "mount", "pid")]
args("sleep", "1000")'

eval "$(declare -f setup | sed '1s/setup/helpers_setup/')"
eval "$(declare -f teardown | sed '1s/teardown/store_teardown/')"

# host COMMAND...: start it in the background, which becomes a sleep; its pid is in $REPLY
host()
{
	"$@" > /dev/null 2>&1 3>&- &
	REPLY=$!
	eventually grep -qx sleep "/proc/$REPLY/comm"
}

setup()
{
	[ "$(id -u)" = 0 ] || skip "needs root"
	helpers_setup
	host unshare --mount --propagation private sh -c 'mount --make-rshared / && exec sleep 1000'
	HOST=$REPLY
	host nsenter --mount --target "$HOST" unshare --mount --propagation slave sleep 1000
	LODGER=$REPLY
	HOST_BEFORE=$(table "$HOST")
	LODGER_BEFORE=$(table "$LODGER")
}

teardown()
{
	local failed=0
	[ "$(id -u)" = 0 ] || return 0
	store_teardown_of_containers || failed=1
	kill "$HOST" "$LODGER"
	wait "$HOST" "$LODGER" || true
	store_teardown || failed=1
	return $failed
}

# The containers go while there is a host in which they can.
store_teardown_of_containers()
{
	local id
	for id in $(oci list -q); do
		oci delete -f "$id"
	done
	untouched
}

table() { cat "/proc/$1/mountinfo"; }

# What is in the host's table now and was not there before: where it is mounted.
added() { comm -13 <(sort <<< "$HOST_BEFORE") <(table "$HOST" | sort) | cut -d ' ' -f 5; }

added_to_lodger() { comm -13 <(sort <<< "$LODGER_BEFORE") <(table "$LODGER" | sort) | cut -d ' ' -f 5; }

# same BEFORE PID: no mount more there, or less, or another one; but for those of the machine's whose
# directories others have removed meanwhile, which the kernel takes off everywhere.
same()
{
	local path
	is "$(comm -13 <(sort <<< "$1") <(table "$2" | sort))" ''
	comm -23 <(sort <<< "$1") <(table "$2" | sort) | cut -d ' ' -f 5 | while read -r path; do
		if [ -e "$path" ]; then
			echo "$path is not mounted any more"
			return 1
		fi
	done
}

# Neither the host nor who follows it sees anything of the containers.
untouched()
{
	same "$HOST_BEFORE" "$HOST"
	same "$LODGER_BEFORE" "$LODGER"
}

create() { oci create -b "$T/b" "$@" < /dev/null; }
pid() { oci state "$1" | sed -n 's/.*"pid": \(.*\),/\1/p'; }
# shellcheck disable=SC2120
has_ended() { ! grep -qs '^State:[[:space:]][^ZX]' "/proc/$1/status"; }

@test "it is the host's namespace: all mounts are below one, nobody else has them, and they go with delete" {
	local pid
	bundle "$T/b" "$HOSTS" 'l["devices"] = [{"path": "/dev/mine", "type": "c", "major": 1, "minor": 5}]'
	create c1
	pid=$(pid c1)
	is "$(readlink "/proc/$pid/ns/mnt")" "$(readlink "/proc/$HOST/ns/mnt")"
	is "$(added | grep -c "^$T/root/c1/mounts$")" 1
	is "$(added | grep -v "^$T/root/c1/mounts" || true)" ''
	is "$(table "$LODGER" | grep -c "$T/root/c1/mounts/root" || true)" 0
	# before the start and after it, from the host and from elsewhere
	run -0 oci exec c1 cat /proc/self/comm
	is "$output" cat
	oci start c1
	run -0 oci exec c1 sh -c 'exec 2> /dev/null; head -c 1 /dev/mine | wc -c; wc -c < /proc/keys
! touch /here; ! touch /proc/sys/here; awk "\$5 == \"/\" || \$5 == \"/dev/shm\"" /proc/self/mountinfo | wc -l'
	is "${lines[*]}" '1 0 2'
	run -0 cattach oci --root "$T/root" exec c1 sh -c 'test -e /dev/mine && echo inside'
	is "$output" inside
	run -0 oci delete --force c1
	untouched
	eventually has_ended "$pid"
}

@test "no namespace at all: all of them are the host's, and what belongs to them is mounted" {
	local pid
	bundle "$T/b" "$HOSTS" 'l["namespaces"] = []' 'c.pop("hostname", None)'
	create c1
	pid=$(pid c1)
	is "$(readlink /proc/"$pid"/ns/{mnt,pid,net,ipc,uts,cgroup})" "$(readlink /proc/"$HOST"/ns/{mnt,pid,net,ipc,uts,cgroup})"
	oci start c1
	run -0 oci exec c1 sh -c 'stat -f -c %T /dev/mqueue /proc /dev/shm; cat /proc/self/comm'
	is "${lines[*]:1}" 'proc tmpfs cat'
}

@test "run takes it away at its end, with a terminal and with a root that is written to" {
	rootfs "$T/r"
	bundle "$T/b" "$HOSTS" "c['root'] = {'path': '$T/r'}" 'p["terminal"] = True' \
		'sh("tty; stty size; touch /written; exit 7")'
	run -7 script -qec "nsenter --mount --target $HOST cattach oci --root '$T/root' --cgroup-manager disabled \
run -b '$T/b' c1" /dev/null < /dev/null
	has "$output" /dev/pts/0
	[ -e "$T/r/written" ]
	untouched
}

@test "a create that fails takes off what it has mounted, before poststop hooks run" {
	local note="{'path': '/bin/sh', 'args': ['sh', '-c', 'grep -c \"$T/root\" /proc/self/mountinfo > $T/left']}"
	bundle "$T/b" "$HOSTS" 'args("/no/such/program")' "c['hooks'] = {'poststop': [$note]}"
	run -1 create c1
	has "$output" /no/such/program
	is "$(cat "$T/left")" 0
	untouched
	bundle "$T/b" "$HOSTS" 'mount("/mnt", "nosuchfs", "none")'
	run -1 create c1
	untouched
	bundle "$T/b" "$HOSTS" "c['hooks'] = {'createContainer': [{'path': '/bin/false'}]}"
	run -1 create c1
	has "$output" createContainer
	untouched
	# the last step of all
	bundle "$T/b" "$HOSTS"
	run -1 create --pid-file "$T/nowhere/pid" c1
	untouched
}

@test "what a killed create or delete has left is taken off by delete --force" {
	local creator
	bundle "$T/b" "$HOSTS"
	# nobody accepts: it waits there with everything made
	python3 - "$T/full" 3>&- <<- 'END' &
		import socket, sys, time
		s = socket.socket(socket.AF_UNIX)
		s.bind(sys.argv[1])
		s.listen(0)
		c = socket.socket(socket.AF_UNIX)
		c.connect(sys.argv[1])
		open(sys.argv[1] + ".ready", "w")
		time.sleep(1000)
	END
	local listener=$!
	eventually test -e "$T/full.ready"
	nsenter --mount --target "$HOST" cattach oci --root "$T/root" --cgroup-manager disabled \
		create -b "$T/b" --pidfd-socket "$T/full" c1 < /dev/null 3>&- &
	creator=$!
	eventually test -e "$T/root/c1/status"
	is "$(added | grep -c "^$T/root/c1/mounts$")" 1
	kill -9 "$creator" "$listener"
	wait "$creator" "$listener" || true
	run -0 oci delete --force c1
	untouched
	# a record that is half gone
	create c1
	kill -9 "$(pid c1)"
	rm "$T/root/c1/status" "$T/root/c1/meta.json" "$T/root/c1/config.json"
	run -0 oci delete --force c1
	untouched
	# and its mounts
	create c1
	nsenter --mount --target "$HOST" umount --lazy "$T/root/c1/mounts"
	run -0 oci delete --force c1
	untouched
}

@test "who is still being set up when its creator and its directory are gone mounts nothing" {
	local creator setup
	bundle "$T/b" "$HOSTS" "c['hooks'] = {'createContainer': [{'path': '/bin/sh', 'args': ['sh', '-c',
'echo \$PPID > $T/setup.new; mv $T/setup.new $T/setup; until [ -e $T/go ]; do sleep 0.02; done']}]}"
	nsenter --mount --target "$HOST" cattach oci --root "$T/root" --cgroup-manager disabled \
		create -b "$T/b" c1 < /dev/null 3>&- &
	creator=$!
	eventually test -e "$T/setup"
	setup=$(cat "$T/setup")
	is "$(added)" ''
	kill -9 "$creator"
	wait "$creator" || true
	run -0 oci delete --force c1
	touch "$T/go"
	eventually has_ended "$setup"
	untouched
}

@test "what is mounted on something of the host's that was bound stays in the container" {
	mkdir -p "$T/shared/below"
	HOST_BEFORE=$(nsenter --mount --target "$HOST" sh -c "mount --bind '$T/shared' '$T/shared'; cat /proc/self/mountinfo")
	LODGER_BEFORE=$(table "$LODGER")
	matches "$(grep -c "$T/shared .* shared:" <<< "$HOST_BEFORE")" '[1-9]'
	bundle "$T/b" "$HOSTS" "mount('/mnt', 'none', '$T/shared', ['rbind'])" 'mount("/mnt/below", "tmpfs")'
	create c1
	is "$(added | grep -v "^$T/root/c1/mounts" || true)" ''
	oci exec c1 sh -c 'echo here > /mnt/below/file; test -e /mnt/below/file'
	is "$(ls "$T/shared/below")" ''
	# and the other way round, for a mount that asks for it only
	bundle "$T/b" "$HOSTS" "mount('/mnt', 'none', '$T/shared', ['rbind', 'rslave'])"
	create c2
	nsenter --mount --target "$HOST" sh -c "mount -t tmpfs none '$T/shared/below'; echo late > '$T/shared/below/late'"
	is "$(oci exec c2 cat /mnt/below/late)" late
	is "$(oci exec c1 ls /mnt/below)" file
	nsenter --mount --target "$HOST" umount "$T/shared/below"
	run ! oci exec c2 cat /mnt/below/late
	oci delete --force c1
	oci delete --force c2
}

@test "two over one root do not see each other, and go in any order, bound by another one or not" {
	bundle "$T/b" "$HOSTS"
	create c1
	create c2
	is "$(oci exec c2 sh -c 'grep -c . /proc/self/mountinfo')" "$(oci exec c1 sh -c 'grep -c . /proc/self/mountinfo')"
	bundle "$T/b" "$HOSTS" "mount('/mnt', 'none', '$T', ['rbind'])" 'args("sleep", "1000")'
	create c3
	run -0 oci delete --force c1
	is "$output" ''
	is "$(oci exec c2 sh -c 'ls -d /proc/self /dev/null')" $'/dev/null\n/proc/self'
	is "$(oci exec c3 sh -c 'ls -d /mnt/root/* /proc/self /dev/null')" $'/dev/null\n/mnt/root/c2\n/mnt/root/c3\n/proc/self'
	is "$(added | grep -c "c1/mounts" || true)" 0
	run -0 oci delete --force c2
	is "$(added | grep -c "^$T/root/c3/mounts$")" 1
}

@test "its processes are those below its root, not the host's, wherever its first one goes" {
	bundle "$T/b" "$HOSTS" 'sh("setsid sleep 1001 & exec sleep 1000")'
	create c1
	oci start c1
	eventually pgrep -f 'sleep 1001'
	is "$(oci ps -f json c1 | tr -dc '0-9 ,' | tr ',' '\n' | wc -w)" 2
	# out of its root, as far as a chroot holds anybody
	bundle "$T/b" "$HOSTS" 'for s in p["capabilities"]: p["capabilities"][s] = ["CAP_SYS_CHROOT", "CAP_SYS_PTRACE", "CAP_SYS_ADMIN"]' \
		"args('chroot', '/proc/$HOST/root', 'sleep', '1002')"
	create c2
	oci start c2
	eventually grep -qx sleep "/proc/$(pid c2)/comm"
	[ "/proc/$(pid c2)/root" -ef / ]
	is "$(oci ps -f json c2 | tr -dc '0-9 ,' | tr ',' '\n')" "$(pid c2)"
	run ! oci exec c2 ls "$T"
	# and one that had a mount namespace of its own
	bundle "$T/b" 'l["namespaces"] = [n for n in l["namespaces"] if n["type"] not in ("user", "pid")]' \
		'for s in p["capabilities"]: p["capabilities"][s] = ["CAP_SYS_CHROOT", "CAP_SYS_PTRACE", "CAP_SYS_ADMIN"]' \
		"args('nsenter', '-m', '-t', '$HOST', 'sleep', '1003')"
	create c3
	oci start c3
	eventually grep -qx sleep "/proc/$(pid c3)/comm"
	is "$(oci ps -f json c3 | tr -dc '0-9 ,' | tr ',' '\n')" "$(pid c3)"
	oci kill --all c2 KILL
	eventually has_ended "$(pid c2)"
	oci kill --all c1 KILL
	eventually has_ended "$(pid c1)"
}

@test "what cannot be had there is an error by name" {
	bundle "$T/b" "$HOSTS" 'l["rootfsPropagation"] = "shared"'
	run -1 create c1
	has "$output" 'linux.rootfsPropagation: "shared" needs a mount namespace: linux.namespaces has none'
	bundle "$T/b" "$HOSTS" "mount('/mnt', 'none', '$T/canary', ['bind', 'unbindable'])"
	run -1 create c1
	has "$output" 'unbindable needs a mount namespace'
	bundle "$T/b" "$HOSTS" 'l["namespaces"].append({"type": "user"})' \
		'l["uidMappings"] = l["gidMappings"] = [{"containerID": 0, "hostID": 100000, "size": 65536}]'
	run -1 create c1
	has "$output" "the root of a user namespace may not change the host's mounts (add { \"type\": \"mount\" })"
	bundle "$T/b" "$HOSTS" 'l["rootfsPropagation"] = "rprivate"'
	create c1
	oci delete c1
	refused 125 "without a mount namespace the host's mounts would change" cattach run --rm "$T/b"
	# what is not the container's is not taken off
	bundle "$T/b" "$HOSTS"
	create c1
	nsenter --mount --target "$HOST" sh -c "umount -l '$T/root/c1/mounts'; mount -t tmpfs none '$T/root/c1/mounts'"
	run -1 oci delete --force c1
	has "$output" "$T/root/c1: something that is not the container's is mounted on its directory mounts"
	nsenter --mount --target "$HOST" umount "$T/root/c1/mounts"
	oci delete --force c1
}

@test "in one that is joined: all mounts are below the place, others keep their root, and they go with delete" {
	local pid
	bundle "$T/b" "$HOSTS" "join('mount', '/proc/$LODGER/ns/mnt')" 'sh("setsid sleep 1001 & exec sleep 1000")' \
		'l["devices"] = [{"path": "/dev/mine", "type": "c", "major": 1, "minor": 5}]'
	create c1
	pid=$(pid c1)
	is "$(readlink "/proc/$pid/ns/mnt")" "$(readlink "/proc/$LODGER/ns/mnt")"
	is "$(added_to_lodger | grep -c "^$T/root/c1/mounts$")" 1
	is "$(added_to_lodger | grep -v "^$T/root/c1/mounts" || true)" ''
	same "$HOST_BEFORE" "$HOST"
	[ "/proc/$LODGER/root" -ef / ]
	run -0 oci exec c1 sh -c 'cat /proc/self/comm; test -e /dev/mine'
	is "$output" cat
	oci start c1
	eventually pgrep -f 'sleep 1001'
	# not the one that was there before
	is "$(oci ps -f json c1 | tr -dc '0-9 ,' | tr ',' '\n' | wc -w)" 2
	run -0 oci exec c1 sh -c 'exec 2> /dev/null; head -c 1 /dev/mine | wc -c; wc -c < /proc/keys
! touch /here; ! touch /proc/sys/here; test -e '"$T"' || echo inside'
	is "${lines[*]}" '1 0 inside'
	oci kill --all c1 KILL
	eventually has_ended "$pid"
	grep -qx sleep "/proc/$LODGER/comm"
	run -0 oci delete c1
	untouched
	# and by somebody who is elsewhere, or in there
	create c1
	run -0 cattach oci --root "$T/root" delete --force c1
	untouched
	create c1
	run -0 nsenter --mount --target "$LODGER" cattach oci --root "$T/root" delete --force c1
	untouched
}

@test "in one that is joined exec has the container's root, wherever its first process goes" {
	bundle "$T/b" "$HOSTS" "join('mount', '/proc/$LODGER/ns/mnt')" \
		'for s in p["capabilities"]: p["capabilities"][s] = ["CAP_SYS_CHROOT", "CAP_SYS_PTRACE", "CAP_SYS_ADMIN"]' \
		"args('chroot', '/proc/$LODGER/root', 'sleep', '1002')"
	create c1
	oci start c1
	eventually grep -qx sleep "/proc/$(pid c1)/comm"
	[ "/proc/$(pid c1)/root" -ef / ]
	run ! oci exec c1 ls "$T"
	run -0 oci exec c1 ls -d /proc/self
	is "$(oci ps -f json c1 | tr -dc '0-9 ,' | tr ',' '\n')" "$(pid c1)"
	run -0 oci delete --force c1
	untouched
}

@test "in one that is joined: with its pid namespace, its shared mounts, and the caller's own by its path" {
	local peer before parent
	nsenter --mount --target "$HOST" unshare --mount --pid --fork --kill-child --propagation unchanged \
		sleep 1000 > /dev/null 2>&1 3>&- &
	parent=$!
	eventually pgrep -P "$parent" -x sleep
	peer=$(pgrep -P "$parent")
	before=$(table "$peer")
	bundle "$T/b" "$HOSTS" "join('mount', '/proc/$peer/ns/mnt')" "join('pid', '/proc/$peer/ns/pid')" \
		'sh("tty; ls -d /proc/[0-9]* | wc -l; exit 7")' 'p["terminal"] = True'
	run -7 script -qec "nsenter --mount --target $HOST cattach oci --root '$T/root' --cgroup-manager disabled \
run -b '$T/b' c1" /dev/null < /dev/null
	has "$output" /dev/pts/0
	untouched
	same "$before" "$peer"
	bundle "$T/b" "$HOSTS" "join('mount', '/proc/$peer/ns/mnt')" "join('pid', '/proc/$peer/ns/pid')"
	create c1
	# an empty directory
	is "$(added | grep -v "^$T/root/c1/mounts$" || true)" ''
	oci start c1
	is "$(oci ps -f json c1 | tr -dc '0-9 ,' | tr ',' '\n')" "$(pid c1)"
	run -0 oci exec c1 test -d /proc/self
	run -0 oci delete --force c1
	untouched
	same "$before" "$peer"
	grep -qx sleep "/proc/$peer/comm"
	kill -9 "$peer"
	wait "$parent" || true
	bundle "$T/b" "$HOSTS" "join('mount', '/proc/self/ns/mnt')"
	create c1
	is "$(readlink "/proc/$(pid c1)/ns/mnt")" "$(readlink "/proc/$HOST/ns/mnt")"
	is "$(added | grep -v "^$T/root/c1/mounts" || true)" ''
	run -0 oci exec c1 test -d /proc/self
}

@test "in one that is joined a create that fails leaves nothing, before poststop hooks run" {
	local note="{'path': '/bin/sh', 'args': ['sh', '-c', 'grep -c \"$T/root\" /proc/$LODGER/mountinfo > $T/left']}"
	local joined="join('mount', '/proc/$LODGER/ns/mnt')"
	bundle "$T/b" "$HOSTS" "$joined" 'args("/no/such/program")' "c['hooks'] = {'poststop': [$note]}"
	run -1 create c1
	has "$output" /no/such/program
	is "$(cat "$T/left")" 0
	untouched
	bundle "$T/b" "$HOSTS" "$joined" "c['hooks'] = {'createContainer': [{'path': '/bin/false'}]}"
	run -1 create c1
	untouched
	bundle "$T/b" "$HOSTS" "$joined"
	run -1 create --pid-file "$T/nowhere/pid" c1
	untouched
	# what kills have left
	create c1
	kill -9 "$(pid c1)"
	rm "$T/root/c1/status" "$T/root/c1/meta.json" "$T/root/c1/config.json"
	run -0 oci delete --force c1
	untouched
}

@test "in one that is joined what cannot be had is an error by name, and with its user namespace it has that root" {
	local joined="join('mount', '/proc/$LODGER/ns/mnt')" other
	bundle "$T/b" "$HOSTS" "$joined" 'l["rootfsPropagation"] = "shared"'
	run -1 create c1
	has "$output" '"shared" needs a mount namespace of its own: linux.namespaces joins one'
	bundle "$T/b" "$HOSTS" "$joined"
	nsenter --mount --target "$LODGER" mount -t tmpfs none "$T/root"
	run -1 create c1
	has "$output" "the place for the container's mounts, $T/root/c1/mounts, is not seen in that mount namespace"
	has "$output" 'linux.namespaces['
	# nor is a directory that has its name only
	bundle "$T/b" "$HOSTS" "$joined" "c['hooks'] = {'createContainer': [{'path': '/usr/bin/nsenter', 'args': \
['nsenter', '--mount', '--target', '$LODGER', 'mkdir', '-p', '$T/root/c1/mounts/root']}]}"
	run -1 create c1
	has "$output" "is not seen in that mount namespace"
	nsenter --mount --target "$LODGER" umount "$T/root"
	untouched
	host nsenter --mount --target "$HOST" unshare --user --map-root-user --mount sleep 1000
	other=$REPLY
	bundle "$T/b" "$HOSTS" "join('mount', '/proc/$other/ns/mnt')"
	run -1 create c1
	has "$output" 'the mount namespace belongs to another user namespace (join that one, too'
	bundle "$T/b" "$HOSTS" "join('mount', '/proc/$other/ns/mnt')" "join('user', '/proc/$other/ns/user')" \
		'l["namespaces"] = [n for n in l["namespaces"] if n["type"] in ("user", "mount")]' \
		'c.pop("hostname", None)'
	create c1
	[ "/proc/$(pid c1)/root" -ef / ]
	run -0 oci exec c1 test -d "$T"
	run -0 oci delete --force c1
	kill "$other"
	wait "$other" || true
}
