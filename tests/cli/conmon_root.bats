#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# What CRI-O does to cattach-conmon and cattach-oci as root, which it always is: containers without a user
# namespace, in cgroups of their own. The cases are functions of conmon_crio.py.

bats_require_minimum_version 1.5.0

export BATS_TEST_TIMEOUT=120 PYTHONDONTWRITEBYTECODE=1

setup()
{
	[ "$(id -u)" = 0 ] || skip "needs root"
	ln -s "$(command -v cattach)" "$BATS_TEST_TMPDIR/cattach-conmon"
	ln -s "$(command -v cattach)" "$BATS_TEST_TMPDIR/cattach-oci"
	export CONMON=$BATS_TEST_TMPDIR/cattach-conmon OCI=$BATS_TEST_TMPDIR/cattach-oci
}

@test "CRI-O as root: containers, ExecSync and terminals" {
	local name
	for name in container exec_sync terminal; do
		mkdir "$BATS_TEST_TMPDIR/$name"
		echo "case $name"
		"$BATS_TEST_DIRNAME/conmon_crio.py" "$name" "$BATS_TEST_TMPDIR/$name"
	done
	# Nothing of theirs is left in the host's cgroups.
	[ -z "$(find /sys/fs/cgroup -maxdepth 3 -name 'cattach-tests-crio-*')" ]
}
