#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# cattach unshare: root of one's subordinate ids.

load helpers

@test "the id maps are those of a container" {
	is "$(cattach unshare cat /proc/self/uid_map)" "$(inside cat /proc/self/uid_map)"
	is "$(cattach unshare cat /proc/self/gid_map)" "$(inside cat /proc/self/gid_map)"
	is "$(cattach unshare id -u)$(cattach unshare id -g)" 00
}

@test "what a container left behind can be removed, and nothing of others" {
	rootfs "$T/r"
	cattach run --rm "$T/r" sh -c 'mkdir -m 700 /left && touch /left/f && chown -R 33:33 /left'
	run rm -rf "$T/r/left"
	[ "$status" -ne 0 ]
	cattach unshare rm -rf "$T/r/left"
	[ ! -e "$T/r/left" ]
	run cattach unshare touch /etc/cattach-test
	[ "$status" -ne 0 ]
	[ ! -e /etc/cattach-test ]
}

@test "it is the command: its pid, its exit code, its signals, its descriptors, its directory" {
	run cattach unshare sh -c 'exit 7'
	is "$status" 7
	is "$(sh -c 'echo $$; exec cattach unshare sh -c "echo \$\$"' | uniq | wc -l)" 1
	run cattach unshare sh -c 'kill -9 $$'
	is "$status" 137
	is "$(echo x | cattach unshare cat)" x
	is "$(cd "$T" && cattach unshare pwd)" "$T"
	is "$(cattach unshare sh -c 'ls /proc/self/fd' | wc -l)" "$(sh -c 'ls /proc/self/fd' | wc -l)"
	# What its caller ignores it ignores, and what we do it does not.
	is "$(trap '' HUP; cattach unshare sh -c 'kill -HUP $$; echo here')" here
	run cattach unshare sh -c 'kill -PIPE $$'
	is "$status" 141
}

@test "words after the command are the command's" {
	is "$(cattach unshare echo -n --help x)" "--help x"
	is "$(SHELL=/bin/echo cattach unshare)" ""
	is "$(echo 'echo from $0' | SHELL=/bin/sh cattach unshare)" "from /bin/sh"
}

@test "mounts stay in there" {
	mkdir "$T/m"
	cattach unshare sh -c "mount -t tmpfs none '$T/m' && touch '$T/m/x' && ls '$T/m'" > "$T/out"
	is "$(cat "$T/out")" x
	[ -z "$(ls -A "$T/m")" ]
}

@test "what cannot be executed is 126, what there is not 127, what is ours 125" {
	refused 127 "cannot execute nosuchcommand: No such file or directory" cattach unshare nosuchcommand
	refused 126 "cannot execute /etc: Permission denied" cattach unshare /etc
	refused 125 "--rootless-netns: there is no network namespace that containers share" \
		cattach unshare --rootless-netns true
	is "$(cattach unshare --rootless-netns=no echo x)" x
	refused 125 "unshare is for users who are not root" cattach unshare cattach unshare true
}
