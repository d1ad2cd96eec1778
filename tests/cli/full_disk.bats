#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# A disk that is full while a payload writes: it goes on, in memory; nothing of what is followed is
# lost, and the exit status is recorded. The disk is a small tmpfs in a mount
# namespace of the test's own, with a ballast in it.

@test "a payload on a full disk goes on, and who follows it gets every byte" {
	cat > "$BATS_TEST_TMPDIR/script" <<'END'
set -eu
disk=$1/disk
mkdir "$disk"
mount -t tmpfs -o size=4m,mode=700 small "$disk"
head -c 4000000 /dev/zero > "$disk/ballast"
export XDG_DATA_HOME=$disk XDG_RUNTIME_DIR=$disk
status=0
timeout 50 cattach run --name full "$CT_ROOTFS" \
	sh -c 'seq 1 200000; sleep 1; echo done >&2; exit 3' > "$1/out" 2> "$1/err" || status=$?
echo "status $status"
cattach inspect -f '{{.State.Status}} {{.State.ExitCode}}' full
# What is left on the disk is the beginning, and the rest is said to be missing.
cattach logs full > "$1/left" 2> "$1/said"
cattach rm full
END
	run unshare --user --map-root-user --mount sh "$BATS_TEST_TMPDIR/script" "$BATS_TEST_TMPDIR"
	echo "$output"
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = "status 3" ]
	[ "${lines[1]}" = "exited 3" ]
	[ "$(cat "$BATS_TEST_TMPDIR/err")" = "done" ]
	seq 1 200000 | cmp - "$BATS_TEST_TMPDIR/out"
	cmp -n "$(stat -c %s "$BATS_TEST_TMPDIR/left")" "$BATS_TEST_TMPDIR/left" "$BATS_TEST_TMPDIR/out"
}
