#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# What hand-written runtimes get wrong, as root: propagation, sources that nobody else may read, stdio that
# must stay whose it is. The numbers are those of docs/oci.md. What is mounted here is mounted in a mount
# namespace of the test's own (own_mounts).

load helpers

oci() { cattach oci --root "$T/root" --cgroup-manager disabled "$@"; }

# root_bundle PYTHON...: of root's, without a user namespace, on a root file system of our own
root_bundle()
{
	[ -d "$T/r" ] || rootfs "$T/r"
	bundle "$T/b" 'l["namespaces"] = [n for n in l["namespaces"] if n["type"] != "user"]' \
		"c['root'] = {'path': '$T/r'}" "$@"
}

OWN_IDS='l["namespaces"].append({"type": "user"})
l["uidMappings"] = l["gidMappings"] = [{"containerID": 0, "hostID": 100000, "size": 65536}]'

# own_mounts TEXT: a script where all mounts are shared, as systemd has them, among themselves alone
own_mounts()
{
	unshare -m --propagation private bash -euc '
		oci() { cattach oci --root "$T/root" --cgroup-manager disabled "$@"; }
		mount --make-rshared /
		'"$1"
}

eval "$(declare -f setup | sed '1s/setup/helpers_setup/')"
eval "$(declare -f teardown | sed '1s/teardown/helpers_teardown/')"

setup()
{
	[ "$(id -u)" = 0 ] || skip "needs root"
	helpers_setup
	export T
}

teardown()
{
	[ "$(id -u)" = 0 ] || return 0
	oci list -q | while read -r id; do oci delete -f "$id"; done
	helpers_teardown
	[ -z "$(ls -A "$T/root" 2> /dev/null)" ] || { ls -laR "$T/root"; return 1; }
}

# Of the root's line in mountinfo: what it shares with whom, without the numbers.
ROOT_LINE='sh("for m in / /proc; do grep \" $m [a-z]\" /proc/self/mountinfo | tail -n 1 | cut -d\" \" -f7- | sed \"s/:[0-9]*//g; s/ *- .*//\"; done")'

@test "F24: rootfsPropagation is that of the root at last, whatever was shared with the host before, and reaches submounts with an r" {
	local row
	while read -r row; do
		set -- $row
		root_bundle "l['rootfsPropagation'] = '$1'" "$ROOT_LINE"
		run -0 own_mounts 'mount --bind "$T/r" "$T/r"; oci run -b "$T/b" f1 < /dev/null 2>&1
			grep -c "$T/r/" /proc/self/mountinfo || true'
		is "$(tr '\n' '|' <<< "$output")" "${2//_/ }|"
	done <<- END
		private ||0
		rprivate ||0
		slave master||0
		rslave master||0
		shared shared_master||0
		rshared shared_master|shared|0
		unbindable unbindable||0
		runbindable unbindable|unbindable|0
	END
	root_bundle "$ROOT_LINE"
	run -0 own_mounts 'mount --bind "$T/r" "$T/r"; oci run -b "$T/b" f1 < /dev/null 2>&1'
	is "$output" ""
}

@test "F24: a mount follows the host as its options say, from the first moment to the end of the container" {
	mkdir "$T/private" "$T/slave" "$T/shared"
	root_bundle 'args("sleep", "1000")
for s in p["capabilities"]: p["capabilities"][s].append("CAP_SYS_ADMIN")
for kind in "private", "slave", "shared": mount("/mnt/" + kind, "none", "'"$T"'/" + kind, ["rbind", "r" + kind, "ro"])'
	run -0 own_mounts '
		for kind in private slave shared; do mount -t tmpfs "$kind" "$T/$kind"; mkdir "$T/$kind/sub" "$T/$kind/own"; done
		oci create -b "$T/b" --pid-file "$T/pid" f1 < /dev/null > "$T/out" 2>&1
		oci start f1
		for kind in private slave shared; do mount -t tmpfs later "$T/$kind/sub"; done
		oci exec f1 sh -c "sed -n \"s,.* \(/mnt/[^ ]*\) .*,\1,p\" /proc/self/mountinfo | sort | tr \"\n\" \" \"; grep -c \" /mnt/[a-z]* ro,\" /proc/self/mountinfo
			mount -t tmpfs own /mnt/private/own; mount -t tmpfs own /mnt/slave/own"
		grep -c "/own " /proc/self/mountinfo || true
		oci exec f1 mount -t tmpfs own /mnt/shared/own
		grep -c "$T/shared/own " /proc/self/mountinfo
		oci delete --force f1
		grep -c "$T/shared/own " /proc/self/mountinfo
		grep -c " $T/\(private\|slave\|shared\) rw," /proc/self/mountinfo'
	is "$output" '/mnt/private /mnt/shared /mnt/shared/sub /mnt/slave /mnt/slave/sub 3
0
1
1
3'
}

@test "F24: what config.json mounts, masks or makes read-only below a shared mount never reaches the host" {
	local row
	mkdir "$T/shared"
	for row in "mount('/mnt/s/sub', 'tmpfs', 'nested', [])" "mount('/mnt/s', 'tmpfs', 'over', [])" \
		"l['maskedPaths'] = ['/mnt/s/file', '/mnt/s/sub']" "l['readonlyPaths'] = ['/mnt/s/sub']"; do
		root_bundle "mount('/mnt/s', 'none', '$T/shared', ['rbind', 'rshared'])" "$row" \
			'sh("grep -c \" /mnt/s\" /proc/self/mountinfo")'
		run -0 own_mounts 'mount -t tmpfs own "$T/shared"; mkdir "$T/shared/sub"; echo whole > "$T/shared/file"
			sort /proc/self/mountinfo > "$T/before"; oci run -b "$T/b" f1 < /dev/null 2>&1
			sort /proc/self/mountinfo | diff "$T/before" - && cat "$T/shared/file"'
		is "$row: ${lines[-1]} $((lines[0] > 0))" "$row: whole 1"
	done
}

@test "F24, F25: nothing of a container is seen on the host, where the root and what is above it are shared" {
	root_bundle 'mount("/mnt", "tmpfs", "tmpfs"); mount("/new/deep", "none", "'"$T"'/b", ["bind"])' \
		'sh("grep -c \" /new/deep \" /proc/self/mountinfo; ls /new/deep")'
	run -0 own_mounts 'mount --bind "$T" "$T"; sort /proc/self/mountinfo > "$T/before"
		oci run -b "$T/b" f1 < /dev/null 2>&1; sort /proc/self/mountinfo | diff "$T/before" -'
	is "$output" $'1\nconfig.json'
}

@test "F27: a source that only root of the host can reach is bound into a user namespace" {
	mkdir -m 700 "$T/secret"
	echo reached > "$T/secret/file"
	chmod 644 "$T/secret/file"
	root_bundle "$OWN_IDS" "mount('/etc/passwd', 'none', '$T/secret/file', ['bind'])" 'args("cat", "/etc/passwd")'
	chmod 755 "$T"
	run oci run -b "$T/b" f1 < /dev/null
	is "$output" reached
}

@test "a mount below one with ridmap has the container's ids, one below idmap has not" {
	mkdir -p "$T/src/sub"
	local option
	for option in idmap ridmap; do
		root_bundle "$OWN_IDS" "mount('/mnt', 'none', '$T/src', ['rbind', '$option'])" \
			'args("stat", "-c", "%u", "/mnt", "/mnt/sub")'
		run -0 own_mounts 'mount -t tmpfs sub "$T/src/sub"; oci run -b "$T/b" f1 < /dev/null 2>&1'
		is "$option $(tr '\n' ' ' <<< "$output")" "$option $([ $option = ridmap ] && echo '0 0 ' || echo '0 65534 ')"
	done
}

@test "F30, F31: /dev/null keeps its owner as stdio of another user, in run, in create and in exec, and so do files on a read-only file system" {
	local before
	before=$(stat -c '%u:%g:%a' /dev/null)
	root_bundle 'p["user"] = {"uid": 5, "gid": 6}; args("sleep", "1000")'
	oci create -b "$T/b" f1 < /dev/null > /dev/null 2>&1
	oci start f1
	oci exec -u 7:8 f1 true < /dev/null > /dev/null 2>&1
	oci exec -u 7:8 --detach f1 true < /dev/null > /dev/null 2>&1
	oci delete --force f1
	root_bundle 'p["user"] = {"uid": 5, "gid": 6}; args("true")'
	oci run -b "$T/b" f1 < /dev/null > /dev/null 2>&1
	is "$(stat -c '%u:%g:%a' /dev/null)" "$before"
	root_bundle 'p["user"] = {"uid": 5, "gid": 6}; sh("cat; cat /dev/stdin; stat -L -c %u:%a /dev/stdin")'
	echo text > "$T/in"
	run -0 own_mounts 'mount --bind "$T/in" "$T/in"; mount -o remount,bind,ro "$T/in"
		oci create -b "$T/b" f1 < "$T/in" > "$T/out" 2>&1; oci start f1
		until oci state f1 | grep -q stopped; do sleep 0.02; done; cat "$T/out"; oci delete f1'
	is "$output" $'text\ntext\n0:644'
}

@test "F22, F23: flags that the host has locked stay in a user namespace, and read-only is added; without one they are cleared" {
	local flags='sh("for d in /mnt/a /mnt/b; do grep \" $d \" /proc/self/mountinfo | cut -d\" \" -f6 | sed \"s/,[a-z]*atime//\"; done")' ids wanted
	mkdir "$T/locked"
	rootfs "$T/r"
	mkdir "$T/r/mnt/a" "$T/r/mnt/b"
	chmod 755 "$T"
	for ids in "$OWN_IDS" pass; do
		root_bundle "$ids" "mount('/mnt/a', 'none', '$T/locked', ['bind', 'ro'])" \
			"mount('/mnt/b', 'none', '$T/locked', ['bind', 'suid', 'dev', 'exec', 'rw'])" "$flags"
		run -0 own_mounts 'mount -t tmpfs -o nosuid,nodev,noexec locked "$T/locked"; oci run -b "$T/b" f1 < /dev/null 2>&1'
		wanted=$'ro,nosuid,nodev,noexec\nrw,nosuid,nodev,noexec'
		[ "$ids" != pass ] || wanted=$'ro,nosuid,nodev,noexec\nrw'
		is "$output" "$wanted"
	done
}
