#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# A disk that is full while a payload writes: it goes on, in memory; nothing of what is followed is
# lost, and the exit status is recorded. The disk is a small tmpfs in a mount
# namespace of the test's own, with a ballast in it.

bats_require_minimum_version 1.5.0

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

# on_disk SCRIPT: on a small disk that is full but for its last kilobytes; the script may free it.
on_disk()
{
	{
		cat << 'END'
set -eu
disk=$1/disk
mkdir "$disk"
mount -t tmpfs -o size=4m,mode=700 small "$disk"
export XDG_DATA_HOME=$disk XDG_RUNTIME_DIR=$disk
cattach create --name full "$CT_ROOTFS" sh -c 'cat /dev/stdin > /dev/null; seq 1 100000; exit 4' > "$1/id"
head -c 4000000 /dev/zero > "$disk/ballast"
END
		cat
	} > "$BATS_TEST_TMPDIR/script"
	unshare --user --map-root-user --mount sh "$BATS_TEST_TMPDIR/script" "$BATS_TEST_TMPDIR"
}

@test "what the disk did not take until the end is told by logs and inspect, and by later runs' logs" {
	run -0 on_disk << 'END'
status=0
cattach start -a full > "$1/out" 2> "$1/err" || status=$?
echo "status $status"
cattach inspect -f '{{.State.ExitCode}} {{.State.LogLost}} {{.State.Warnings}}' full
cattach logs full > "$1/left" 2> "$1/said"
cattach logs -n 1 full > "$1/last" 2> "$1/said-of-last"
rm "$disk/ballast"
cattach start -a full > "$1/again" || :
cattach inspect -f '{{.State.LogLost}} {{.State.Warnings}}' full
cattach logs full > "$1/both" 2> "$1/said-of-both"
cattach logs --run 2 full 2>&1 | cmp - "$1/out"
cattach rm full > "$1/rm"
END
	echo "$output"
	cd "$BATS_TEST_TMPDIR"
	seq 1 100000 | cmp - out
	[ ! -s err ]
	local all left lost
	all=$(stat -c %s out)
	left=$(stat -c %s left)
	lost=$((all - left))
	[ "$lost" -gt 0 ]
	[ "${lines[0]}" = "status 4" ]
	[[ ${lines[1]} == "4 $lost [the disk was full, or took no more of the log for another reason "* ]]
	cmp -n "$left" left out
	[ "$(cat said)" = "cattach: full: $lost bytes are missing here: the disk was full until the container ended" ]
	cmp said said-of-last
	[ "${lines[2]}" = "0 []" ]
	cat left out | cmp - both
	[ "$(cat said-of-both)" = "cattach: full: $lost bytes are missing here: the disk was full" ]
}

@test "a disk that is full is on record while the container runs, and no more when it is not" {
	run -0 on_disk << 'END'
cattach rm full > "$1/rm"
cattach run -d --name live "$CT_ROOTFS" sh -c 'seq 1 100000; exec sleep 1000' > "$1/id"
warned() { cattach inspect -f '{{.State.Warnings}}' live | grep -q "$1"; }
until warned "in the memory of the monitor alone"; do sleep 0.05; done
rm "$disk/ballast"
while warned "in the memory of the monitor alone"; do sleep 0.05; done
warned "the disk was full"
cattach rm -f live > "$1/rm"
END
}
