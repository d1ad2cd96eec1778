#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# What a review by eye found and an experiment confirmed: one test for each.

load helpers

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

# ---- mounts ------------------------------------------------------------------------------------

@test "--read-only: a composed throw-away root is read-only all over" {
	run -0 cattach run --rm --read-only --tmpfs /mnt --rootfs /:O sh -c \
		'for d in / /etc /usr; do touch $d/x 2> /dev/null && echo $d; done; touch /mnt/x && echo ok'
	is "$output" ok
}
