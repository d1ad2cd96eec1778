#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# What hand-written runtimes get wrong about mounts, the finer points, without root; what only root can see
# is in oci_f_root.bats. The numbers are those of docs/oci.md. Many rows share a container.

load helpers
load oci_store

# look PYTHON...: run a bundle changed like that to its end
look()
{
	bundle "$T/b" "$@"
	oci run -b "$T/b" look < /dev/null 2>&1
}

without() { echo "l['namespaces'] = [n for n in l['namespaces'] if n['type'] not in '$*'.split()]"; }

@test "F21: a masked file is /dev/null, a directory an empty one that nobody writes, and a link on the way is refused" {
	rootfs "$T/r"
	mkdir -p "$T/r/etc/secrets"
	echo secret > "$T/r/etc/secrets/key"
	echo secret > "$T/r/etc/file"
	ln -s etc/secrets "$T/r/link"
	run -0 look "c['root'] = {'path': '$T/r'}" 'l["maskedPaths"] = ["/etc/file", "/etc/secrets", "/no/such", "/etc/file", "/etc/secrets"]
sh("wc -c < /etc/file; echo x > /etc/file; wc -c < /etc/file; ls -A /etc/secrets; touch /etc/secrets/x 2> /dev/null || echo read-only; ls -A /link; grep -c \" /etc/\\(file\\|secrets\\) \" /proc/self/mountinfo")'
	is "$output" $'0\n0\nread-only\n2'
	is "$(cat "$T/r/etc/file" "$T/r/etc/secrets/key")" $'secret\nsecret'
	rmdir "$T/r/sys"
	ln -s etc "$T/r/sys"
	run -255 look "c['root'] = {'path': '$T/r'}"
	has "$output" '/sys is a symbolic link in the root file system'
}

@test "F23, F26: a tmpfs has the size, the owner and the mode that it is given; the last of several options counts" {
	run -0 look 'mount("/mnt", "tmpfs", "tmpfs", ["size=128k", "uid=3", "gid=4", "mode=0751", "noexec", "nodev", "exec"])
mount("/media", "none", "'"$T"'", ["bind", "ro", "noexec", "rw", "exec", "nosuid", "suid", "nodev", "dev"])
sh("stat -f -c %b:%S /mnt; stat -c %u:%g:%a /mnt; for d in /mnt /media; do grep \" $d \" /proc/self/mountinfo | cut -d\" \" -f6 | sed \"s/,[a-z]*atime//\"; done; touch /media/made && echo written")'
	is "$output" $'32:4096\n3:4:751\nrw,nodev\nrw\nwritten'
}

@test "F24: propagation comes after the other flags, in a call of its own, and unbindable last of all" {
	run -0 look 'for i, o in enumerate(("ro,unbindable", "unbindable,nosuid,bind,rw", "rshared,ro", "shared,rprivate", "rslave,shared,noexec")):
    mount("/mnt%d" % i, "none", "'"$T"'", ["bind"] + o.split(","))
mount("/t0", "tmpfs", "tmpfs", ["unbindable", "ro"]); mount("/t1", "tmpfs", "tmpfs", ["shared", "nosuid"])
mount("/seen", "none", "/", ["rbind"])' "c['root'] = {'path': '$(rootfs "$T/r"; echo "$T/r")'}" \
		'sh("for d in /mnt0 /mnt1 /mnt2 /mnt3 /mnt4 /t0 /t1; do grep \" $d \" /proc/self/mountinfo | cut -d\" \" -f6- | sed \"s/:[0-9]*//g; s/ *- .*//; s/ master//; s/,[a-z]*atime//\"; done")'
	is "$output" "ro unbindable
rw,nosuid unbindable
ro shared
rw
rw,noexec shared
ro unbindable
rw,nosuid shared"
}

GROUP_OF_TERMINALS='p["terminal"] = True; sh("stat -c %g $(tty)")
for x in m:
    if x["destination"] == "/dev/pts": x["options"].append("gid=5")'

@test "F29: mqueue, sysfs and proc of namespaces that are the host's are bound or told by name; the group of terminals counts if it is mapped" {
	local gids first
	run -0 look "$(without network pid)" 'sh("ls /sys/class/net > /dev/null && touch /sys/x 2>&1 | grep -o \"Read-only\"; test -r /proc/1/stat && readlink /proc/self/ns/pid")'
	is "$output" $'Read-only\n'"$(readlink /proc/self/ns/pid)"
	run -0 look "$GROUP_OF_TERMINALS"
	is "${output%$'\r'}" 5
	# one of the caller's and three more: 5 is none of them
	first=$(sed -n "s/^$(id -un):\([0-9]*\):.*/\1/p" /etc/subgid | head -n 1)
	gids="[{'containerID': 0, 'hostID': $(id -g), 'size': 1}, {'containerID': 1, 'hostID': $first, 'size': 3}]"
	run -0 look "l['gidMappings'] = $gids" \
		"l['uidMappings'] = [{'containerID': 0, 'hostID': $(id -u), 'size': 1}]" "$GROUP_OF_TERMINALS"
	is "${output%$'\r'}" 0
	run look "$(without ipc)" 'sh("grep -c \" /dev/mqueue \" /proc/self/mountinfo; ls -d /dev/mqueue; readlink /proc/self/ns/ipc")'
	if [ -d /dev/mqueue ]; then
		is "$output" $'1\n/dev/mqueue\n'"$(readlink /proc/self/ns/ipc)"
	else
		matches "$output" "cattach: config.json:[0-9:]* mounts\[4\]: /dev/mqueue: No such file or directory .*without a namespace of type ipc has the host's mqueue, and this host has none: .*"
	fi
}
