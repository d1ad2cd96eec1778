#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# cattach diff: what a container has changed over ROOTFS:O, whole and composed, with mounts, hostile
# names, and everything that has no overlay or no run.

load helpers

# A container with an overlay over a root file system of its own in $T/r.
running()
{
	rootfs "$T/r"
	start "$N" "$@" "$T/r:O" sleep 1000
}

inside() { cattach exec "$N" sh -c "$1"; }

# Changes, a line each, and nothing else.
changes()
{
	run --separate-stderr cattach diff "$N"
	is "$stderr" ""
	is "$status" 0
	is "$output" "$1"
}

hasnt() { [[ $1 != *"$2"* ]]; }

@test "of a container that has changed nothing nothing is printed" {
	running --tmpfs /mnt -v "$T:/srv"
	changes ""
	is "$(cattach diff --format json "$N")" "{}"
	inside 'echo x > /mnt/x; echo y > /dev/shm/y; touch -d 2001-02-03 /etc; ls -lR /etc /usr /dev > /dev/null'
	changes ""
}

@test "added, changed, deleted, replaced" {
	rootfs "$T/r"
	mkdir -p "$T/r/d/gone/sub" "$T/r/d/file" "$T/r/d/again" "$T/r/d/mode"
	touch "$T/r/d/gone/sub/f" "$T/r/d/file/f" "$T/r/d/again/f" "$T/r/d/same" "$T/r/d/kept"
	ln -s one "$T/r/d/link"
	# of a layer of somebody's: it does not show
	mknod "$T/r/d/white" c 0 0
	start "$N" "$T/r:O" sleep 1000
	changes ""
	inside 'cd /d && rm -r gone && rm -r file && echo > file && rm -r again && mkdir again &&
		chmod 700 mode && ln -sf two link && echo x >> same && mkdir new && echo > new/f &&
		: >> kept && chmod 4755 kept && chmod 644 kept && rm /etc/passwd && ln -s /etc /etcetera'
	changes "C /d
C /d/again
D /d/again/f
C /d/file
D /d/gone
C /d/link
C /d/mode
A /d/new
A /d/new/f
C /d/same
C /etc
D /etc/passwd
A /etcetera"
	# podman's
	cattach diff --format json "$N" | python3 -c '
import json, sys
d = json.load(sys.stdin)
assert list(d) == ["changed", "added", "deleted"], d
assert d["deleted"] == ["/d/again/f", "/d/gone", "/etc/passwd"], d
assert d["added"] == ["/d/new", "/d/new/f", "/etcetera"], d
assert d["changed"][0] == "/d" and len(d["changed"]) == 7, d'
	is "$(cattach diff -l)" "$(cattach diff "$N")"
	# as it is again, it has not changed; what is on the host is as it was
	inside 'rm /etcetera && rm -r /d/new'
	hasnt "$(cattach diff "$N")" /new
	[ -e "$T/r/d/gone/sub/f" ]
	[ -e "$T/r/etc/passwd" ]
}

@test "owners are compared as the container counts them, and files of theirs are looked at" {
	rootfs "$T/r"
	# shellcheck disable=SC2016 # it is the inner shell that expands it
	cattach unshare sh -c 'mkdir "$1" && touch "$1/f" "$1/g" && chmod 700 "$1" && chown -R 5:6 "$1"' \
		sh "$T/r/theirs"
	start "$N" "$T/r:O" sleep 1000
	changes ""
	inside 'rm /theirs/f'
	run --separate-stderr cattach diff "$N"
	cattach unshare rm -r "$T/r/theirs"
	is "$stderr$output" "C /theirs
D /theirs/f"
	cattach restart -t 0 "$N"
	inside 'chown 33:44 /etc/passwd && touch /root/f && chown 7 /root/f'
	changes "C /etc
C /etc/passwd
C /root
A /root/f"
}

@test "mounts are left out, and what is on the host at their places" {
	rootfs "$T/r"
	mkdir -p "$T/r/data/below" "$T/v"
	touch "$T/r/data/f" "$T/v/new" "$T/file"
	start "$N" -v "$T/v:/data" -v "$T/file:/etc/passwd" -v "$T/v:/opt/x/y" "$T/r:O" sleep 1000
	# a directory that was made for a mount is in the overlay
	has "$(cattach diff "$N")" "A /opt/x"
	hasnt "$(cattach diff "$N")" /data
	hasnt "$(cattach diff "$N")" passwd
	hasnt "$(cattach diff "$N")" /opt/x/y
}

@test "somebody else's tree is composed, too" {
	[ "$(stat -c %u /usr)" != "$(id -u)" ] || skip "/usr belongs to the one who tests"
	start "$N" -v "$R/bin/busybox:/busybox" -v "$T:/share" /usr:O /busybox sleep 1000
	# directories that were made for mounts to be in
	run --separate-stderr cattach diff "$N"
	is "$status $stderr" "0 "
	is "$output" ""
	cattach exec "$N" /busybox sh -c '/busybox mkdir /new /bin/new; /busybox chmod 700 /sbin; echo > /share/f'
	changes "C /bin
A /bin/new
A /new
C /sbin"
}

@test "names of any bytes: as they are into a pipe, replaced in JSON" {
	running
	inside 'cd /tmp && touch -- "$(printf "a\nA forged")" "$(printf "\033[2J")" "$(printf "\377")" "-x"'
	cattach diff "$N" > "$T/out"
	printf 'C /tmp\nA /tmp/\033[2J\nA /tmp/-x\nA /tmp/a\nA forged\nA /tmp/\377\n' | cmp - "$T/out"
	cattach diff --format json "$N" | python3 -c '
import json, sys
added = json.load(sys.stdin)["added"]
assert added == ["/tmp/\x1b[2J", "/tmp/-x", "/tmp/a\nA forged", "/tmp/\ufffd"], added'
}

@test "links lead nowhere, and directories exchanged for them show nothing of the host" {
	running
	inside "mkdir -p /tmp/top/dir && echo > /tmp/top/dir/own && ln -s $CANARY/dir /tmp/top/trap &&
		ln -s ../../../../../../..$CANARY/dir /tmp/rel"
	"$CT_PROBES/exchange" "/proc/$(state "$N" Pid)/root/tmp/top" dir trap 3>&- &
	local racer=$! i
	for ((i = 0; i < 50; i++)); do
		cattach diff "$N" > "$T/out" 2> "$T/err" || true
		if grep inner "$T/out"; then
			kill $racer
			return 1
		fi
	done
	kill $racer
	wait $racer || true
}

@test "a payload that nobody may look at" {
	rootfs "$T/r"
	chmod 711 "$T/r/bin/busybox"
	start "$N" "$T/r:O" sleep 1000
	inside 'echo > /root/f'
	changes "C /root
A /root/f"
}

@test "a directory below that is another by now, or not there" {
	running
	mv "$T/r" "$T/moved"
	refused 125 "cannot open $T/r, over which container $N runs: No such file or directory" \
		cattach diff "$N"
	mkdir "$T/r"
	refused 125 "$T/r is not the directory any more over which container $N runs" cattach diff "$N"
	rmdir "$T/r"
	mv "$T/moved" "$T/r"
	changes ""
	# each start says anew which one it is
	mv "$T/r" "$T/moved"
	cp -a "$T/moved" "$T/r"
	cattach restart -t 0 "$N"
	changes ""
}

@test "without an overlay or a run there is nothing to compare, and that is said" {
	start "$N" "$R" sleep 1000
	refused 125 "container $N writes to $R itself, there is nothing to compare it with" \
		cattach diff "$N"
	STARTED+=("$N-o")
	cattach create --name "$N-o" "$R:O" sh -c 'echo > /etc/f' > "$T/id"
	refused 125 "container $N-o has changed nothing: it was created and never started" \
		cattach diff "$N-o"
	cattach start -a "$N-o"
	refused 125 "container $N-o does not run (exited (0)" cattach diff "$N-o"
	has "$stderr" "and what it had changed went with its run (cattach start $N-o)"
	STARTED+=("$N-r")
	cattach create --name "$N-r" --read-only "$R" true > "$T/id"
	refused 125 "container $N-r has $R for its root, read-only and without an overlay" \
		cattach diff "$N-r"
	bundle "$T/b" "c['root']['readonly'] = False"
	STARTED+=("$N-b")
	cattach create --name "$N-b" "$T/b" > "$T/id"
	refused 125 "container $N-b writes to $R itself" cattach diff "$N-b"
	has "$stderr" "(BUNDLE:O in place of BUNDLE"
	cattach exec -d --session "$N-s" "$N" sleep 1000
	refused 125 "is a session" cattach diff "$N/$N-s"
}

is_between_runs()
{
	run --separate-stderr cattach diff "$N"
	[[ $stderr == *"does not run (restarting"* ]]
}

@test "between two runs there is nothing to compare either" {
	start "$N" --restart always "$R:O" sh -c 'exit 3'
	eventually is_between_runs
	is "$status" 125
	has "$stderr" "and what it had changed went with its run"
}

@test "what is asked wrongly is refused" {
	refused 125 "diff needs a CONTAINER, or --latest" cattach diff
	refused 125 '--format: must be "json", not "{{.Path}}"' cattach diff --format '{{.Path}}' x
	refused 125 "no such container: $N-x" cattach diff "$N-x"
}

@test "nobody reads any more" {
	running
	inside 'cd /tmp && i=0 && while [ $i -lt 3000 ]; do : > /tmp/file-with-a-rather-long-name-$i; i=$((i + 1)); done'
	run bash -c 'set -o pipefail; cattach diff "$1" | head -n 1' bash "$N"
	is "$output" "C /tmp"
	is "$(cattach diff "$N" | wc -l)" 3001
}
