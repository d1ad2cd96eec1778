#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# The specification as root, in the face for engines: each row of docs/oci.md that only root can have. Nothing
# is kept but below the test's own directory.

load helpers

oci() { cattach oci --root "$T/root" --cgroup-manager disabled "$@"; }

# look PYTHON...: run a bundle of root's, without a user namespace, changed like that, to its end
look()
{
	bundle "$T/b" 'l["namespaces"] = [n for n in l["namespaces"] if n["type"] != "user"]' "$@"
	oci run -b "$T/b" look < /dev/null 2>&1
}

OWN_IDS='l["namespaces"].append({"type": "user"})
l["uidMappings"] = l["gidMappings"] = [{"containerID": 0, "hostID": 100000, "size": 65536}]'

eval "$(declare -f setup | sed '1s/setup/helpers_setup/')"
eval "$(declare -f teardown | sed '1s/teardown/helpers_teardown/')"

setup()
{
	[ "$(id -u)" = 0 ] || skip "needs root"
	helpers_setup
}

teardown()
{
	[ "$(id -u)" = 0 ] || return 0
	oci list -q | while read -r id; do oci delete -f "$id"; done
	if [ -n "${OPEN:-}" ]; then
		cattach oci --root "$OPEN/theirs" delete -f c1
		rm -rf "$OPEN"
	fi
	helpers_teardown
	[ -z "$(ls -A "$T/root" 2> /dev/null)" ] || { ls -laR "$T/root"; return 1; }
}

@test "idmap: the files of a bind have the container's ids, those below it with ridmap only" {
	local maps='"uidMappings": [{"containerID": 0, "hostID": 77, "size": 10}]'
	mkdir -p "$T/src/sub"
	touch "$T/src/a" "$T/src/sub/b"
	chmod 755 "$T" "$T/src"
	run -0 look "$OWN_IDS" "mount('/mnt', 'none', '$T/src', ['rbind', 'ridmap'])" \
		'sh("stat -c %u:%g /mnt/a /mnt/sub/b; touch /mnt/new; stat -c %u:%g /mnt/new")'
	is "$output" $'0:0\n0:0\n0:0'
	is "$(stat -c %u:%g "$T/src/new")" 0:0
	run -0 look "$OWN_IDS" "mount('/mnt', 'none', '$T/src', ['bind'])" 'args("stat", "-c", "%u:%g", "/mnt/a")'
	is "$output" 65534:65534
	run -0 look "mount('/mnt', 'none', '$T/src', ['bind']); m[-1].update({$maps}); m[-1]['gidMappings'] = m[-1]['uidMappings']" \
		'args("stat", "-c", "%u:%g", "/mnt/a")'
	is "$output" 77:77
	run -255 look "mount('/mnt', 'none', '$T/src', ['bind', 'idmap'])"
	has "$output" 'options: idmap needs uidMappings and gidMappings, or a user namespace'
	run -255 look "$OWN_IDS" "mount('/mnt', 'none', '/proc', ['rbind', 'idmap'])"
	has "$output" 'does not take idmapped mounts'
}

@test "F30: devices are made with their owner and mode, whatever the umask; what is in the way is an error" {
	umask 077
	run -0 look 'l["devices"] = [
{"path": "/dev/mine", "type": "c", "major": 1, "minor": 3, "fileMode": 0o622, "uid": 3, "gid": 4},
{"path": "/dev/deep/b", "type": "b", "major": 7, "minor": 9, "fileMode": 0o660},
{"path": "/dev/null", "type": "c", "major": 1, "minor": 3, "fileMode": 0o666},
{"path": "/dev/pipe", "type": "p", "fileMode": 0o600}]
sh("stat -c \"%A %u:%g %t:%T %n\" /dev/mine /dev/deep/b /dev/null /dev/pipe; echo x > /dev/mine && echo written")'
	is "$output" "crw--w--w- 3:4 1:3 /dev/mine
brw-rw---- 0:0 7:9 /dev/deep/b
crw-rw-rw- 0:0 1:3 /dev/null
prw------- 0:0 0:0 /dev/pipe
written"
	umask 022
	rootfs "$T/r"
	echo root > "$T/r/etc/mine"
	run -255 look "c['root'] = {'path': '$T/r'}" 'l["devices"] = [{"path": "/etc/mine", "type": "c", "major": 1, "minor": 3}]'
	has "$output" 'linux.devices[0]: /etc/mine exists in the root file system and is something else'
	is "$(cat "$T/r/etc/mine")" root
}

@test "intelRdt: without a resctrl file system it is an error, and nothing is made" {
	bundle "$T/b" 'l["namespaces"] = [n for n in l["namespaces"] if n["type"] != "user"]' 'l["intelRdt"] = {"closID": "/"}'
	run -255 unshare -m sh -c "umount -a -t resctrl; exec cattach oci --root $T/root run -b $T/b look 2>&1"
	matches "$output" '.*config.json:[0-9]+:[0-9]+: linux.intelRdt: no resctrl file system is mounted here \(mount -t resctrl resctrl /sys/fs/resctrl, where processor and kernel have it\)'
	is "$(ls "$T/root")" ''
}

@test "F16, F17: capabilities are exactly those of the sets; another uid without ambient ones has none effective" {
	run -0 look 'caps = p["capabilities"]
caps["bounding"] = caps["permitted"] = caps["effective"] = ["CAP_CHOWN", "CAP_KILL"]
sh("grep ^Cap /proc/self/status | tr -d \"\\n\\t\"")'
	is "$output" "CapInh:0000000000000000CapPrm:0000000000000021CapEff:0000000000000021CapBnd:0000000000000021CapAmb:0000000000000000"
	run -0 look 'p["user"] = {"uid": 5, "gid": 5}' 'args("grep", "CapEff", "/proc/self/status")'
	is "$output" $'CapEff:\t0000000000000000'
	run -0 look 'p["user"] = {"uid": 5, "gid": 5}; caps = p["capabilities"]
caps["inheritable"] = caps["ambient"] = caps["permitted"] = caps["effective"] = ["CAP_KILL"]' 'args("grep", "CapEff", "/proc/self/status")'
	is "$output" $'CapEff:\t0000000000000020'
}

# What Slurm's daemon does: a user's job has run containers, root looks after them.
@test "root becomes the owner of --root for what is there, and makes nothing in it" {
	local user="setpriv --reuid 7321 --regid 7322 --clear-groups env -u XDG_RUNTIME_DIR HOME=/"
	theirs() { cattach oci --root "$OPEN/theirs" "$@"; }
	# where that user may go
	OPEN=$(mktemp -d /tmp/cattach-theirs.XXXXXX)
	chmod 711 "$OPEN"
	install -d -o 7321 -g 7322 -m 700 "$OPEN/theirs" "$OPEN/hooked"
	bundle "$OPEN/b" 'args("sleep", "1000")' \
		"c['hooks'] = {'poststop': [{'path': '/bin/sh', 'args': ['sh', '-c', 'id -u > $OPEN/hooked/id; id -G >> $OPEN/hooked/id']}]}"
	chmod 711 "$OPEN/b"
	chmod 644 "$OPEN/b/config.json"
	$user cattach oci --root "$OPEN/theirs" run -d -b "$OPEN/b" c1 < /dev/null
	has "$(theirs state c1)" '"status": "running"'
	run -1 theirs create -b "$OPEN/b" c2 < /dev/null
	has "$output" "$OPEN/theirs belongs to uid 7321, not to you (uid 0)"
	is "$(theirs list -q)" c1
	theirs kill c1 KILL
	theirs delete -f c1
	is "$(theirs list -q)" ""
	is "$(stat -c %u:%g "$OPEN/hooked/id")" 7321:7322
	is "$(cat "$OPEN/hooked/id")" $'7321\n7322'
}

@test "who asks for containers where there are none leaves no directory" {
	run -1 cattach oci --root "$T/none" state c1
	has "$output" 'container does not exist'
	cattach oci --root "$T/none" delete -f c1
	is "$(cattach oci --root "$T/none" list -q)" ""
	run -1 cattach oci --root "$T/none" delete -f ..
	has "$output" 'invalid id format'
	[ ! -e "$T/none" ]
}
