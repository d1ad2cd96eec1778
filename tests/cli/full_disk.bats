#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# A disk that is full while a payload writes: it waits, and goes on when there is room; nothing is
# lost, nothing spins, and the exit status is recorded. The disk is a small tmpfs in a mount
# namespace of the test's own, with a ballast in it that can be taken away.

@test "a payload that fills the disk waits for room and loses nothing" {
	cat > "$BATS_TEST_TMPDIR/script" <<'END'
set -eu
disk=$1/disk
mkdir "$disk"
mount -t tmpfs -o size=4m,mode=700 small "$disk"
head -c 3900000 /dev/zero > "$disk/ballast"
export XDG_DATA_HOME=$disk XDG_RUNTIME_DIR=$disk
# It is looked at before the command may have come to open it.
: > "$1/out"
# Whatever fails here, nothing stays that waits for room.
trap 'rm -f "$disk/ballast"; cattach rm -f full > /dev/null 2>&1 || true' EXIT
timeout 60 cattach run --name full "$CT_ROOTFS" \
	sh -c 'seq 1 200000; echo done >&2; exit 3' > "$1/out" 2> "$1/err" &
run=$!
# Full: no byte has come for half a second.
seen=-1
while [ "$seen" = 0 ] || [ "$seen" != "$(stat -c %s "$1/out")" ]; do
	seen=$(stat -c %s "$1/out")
	sleep 0.5
done
echo "seen $seen"
kill -0 $run
monitor=$(cattach inspect -f '{{.State.ConmonPid}}' full)
ticks=$(awk '{ print $14 + $15 }' "/proc/$monitor/stat")
sleep 0.5
echo "spun $(($(awk '{ print $14 + $15 }' "/proc/$monitor/stat") - ticks))"
rm "$disk/ballast"
status=0
wait $run || status=$?
echo "status $status"
cattach inspect -f '{{.State.Status}} {{.State.ExitCode}}' full
cattach rm full
END
	run unshare --user --map-root-user --mount sh "$BATS_TEST_TMPDIR/script" "$BATS_TEST_TMPDIR"
	echo "$output"
	[ "$status" -eq 0 ]
	[[ ${lines[0]} == "seen "* ]]
	seen=${lines[0]#seen }
	[ "$seen" -gt 0 ] && [ "$seen" -lt 1000000 ]
	[[ ${lines[1]} == "spun "[0-5] ]]
	[ "${lines[2]}" = "status 3" ]
	[ "${lines[3]}" = "exited 3" ]
	[ "$(cat "$BATS_TEST_TMPDIR/err")" = "done" ]
	seq 1 200000 | cmp - "$BATS_TEST_TMPDIR/out"
}
