#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# pause and unpause, and what every other command makes of a container that is paused. Runs where a
# cgroup is delegated (tests/run.sh).

load helpers
load cgroups

setup_file() { need_cgroup; }

# counts: a container that writes a byte again and again into $T/shared/count
counts()
{
	mkdir -p "$T/shared"
	chmod 777 "$T/shared"
	start "$N" "$@" -v "$T/shared:/mnt" "$R" sh -c 'while :; do printf x >> /mnt/count; done'
	eventually test -s "$T/shared/count"
}

size() { stat -c %s "$T/shared/count"; }
grows() { [ "$(size)" -gt "$1" ]; }

@test "what is paused stands still, and goes on where it was" {
	counts
	local before
	is "$(cattach pause "$N")" "$N"
	is "$(leaf_event frozen)" 1
	before=$(size)
	sync
	is "$(size)" "$before"
	is "$(cattach unpause "$N")" "$N"
	is "$(leaf_event frozen)" 0
	eventually grows "$before"
}

@test "ps, inspect and filters show it" {
	start "$N" "$R" sleep 1000
	cattach pause "$N"
	matches "$(cattach ps --format '{{.Names}} {{.State}} {{.Status}}')" \
		"$N paused Up [^(]* \(Paused\)"
	is "$(cattach ps -q -f status=paused)" "${ID:0:12}"
	is "$(cattach ps -q -f status=running)" ""
	is "$(cattach inspect -f '{{.State.Status}} {{.State.Running}} {{.State.Paused}}' "$N")" \
		"paused true true"
	cattach unpause "$N"
	is "$(cattach inspect -f '{{.State.Status}} {{.State.Running}} {{.State.Paused}}' "$N")" \
		"running true false"
}

@test "the wrong state is refused, and the other containers are paused" {
	start "$N" "$R" sleep 1000
	start "$N-b" "$R" sleep 1000
	start "$N-c" "$R" sh -c 'exit 3'
	cattach wait "$N-c"
	# its monitor still has to put things away, which is not to be taken for what unpause did
	eventually test ! -e "$XDG_RUNTIME_DIR/cattach/$ID"
	refused 125 "container $N is not paused" cattach unpause "$N"
	cattach pause "$N"
	refused 125 "container $N is already paused" cattach pause "$N"
	refused 125 "container $N-c is not running: exited (3)" cattach pause "$N-c"
	refused 125 "container $N-c is not running: exited (3)" cattach unpause "$N-c"
	refused 125 "no such container: nosuch" cattach pause nosuch
	run ! --separate-stderr cattach pause "$N" "$N-b"
	is "$status $output" "125 $N-b"
	is "$stderr" "cattach: container $N is already paused (cattach unpause $N)"
	refused 125 "pause needs a CONTAINER, or --all" cattach pause
	refused 125 "unpause takes --all or containers, not both" cattach unpause -a "$N"
}

@test "all that run are paused, all that are paused go on" {
	start "$N" "$R" sleep 1000
	start "$N-b" "$R" sleep 1000
	STARTED+=("$N-c")
	cattach create --name "$N-c" "$R" true
	is "$(cattach pause -a | sort | tr '\n' ' ')" "$N $N-b "
	is "$(cattach pause -a)" ""
	is "$(cattach unpause --all | sort | tr '\n' ' ')" "$N $N-b "
	is "$(cattach ps -q -f status=running | wc -l)" 2
}

@test "without a cgroup it is refused, with the way to one" {
	start "$N" "$R" sleep 1000
	rm "$STORE/containers/$ID/cgroup"
	refused 125 "container $N has no cgroup of its own (" cattach pause "$N"
	refused 125 "container $N is not paused" cattach unpause "$N"
}

@test "exec, attach and start are refused and say what to do" {
	start "$N" -i "$R" cat
	cattach pause "$N"
	refused 125 "container $N is paused, unpause it before exec (cattach unpause $N)" \
		cattach exec "$N" true
	refused 125 "You cannot attach to a paused container, unpause it first: $N (cattach unpause $N)" \
		cattach attach "$N"
	refused 125 "cannot start a paused container, try unpause instead: $N (cattach unpause $N)" \
		cattach start "$N"
	refused 125 "cannot start a paused container, try unpause instead: $N" cattach start -a "$N"
}

@test "what only looks works: logs, top, cp, clients, wait with a time" {
	rootfs "$T/r"
	start "$N" "$T/r" sh -c 'echo hello > /tmp/file; echo ready; exec sleep 1000'
	cattach wait --for-output ready "$N"
	cattach pause "$N"
	is "$(cattach logs "$N")" ready
	is "$(cattach top "$N" pid,args | sed -n '2s/ \+/ /p' | sed 's/ *$//')" "1 sleep 1000"
	cattach cp "$N:/tmp/file" "$T/file"
	is "$(cat "$T/file")" hello
	echo other > "$T/other"
	cattach cp "$T/other" "$N:/tmp/other"
	cattach clients "$N"
	is "$(leaf_event frozen)" 1
	cattach unpause "$N"
	is "$(cattach exec "$N" cat /tmp/other)" other
}

@test "what it has changed can be seen" {
	start "$N" "$R:O" sh -c 'echo > /root/f; echo ready; exec sleep 1000'
	cattach wait --for-output ready "$N"
	cattach pause "$N"
	is "$(cattach diff "$N")" $'C /root\nA /root/f'
}

@test "top and cp find their way into one that nobody may look at" {
	rootfs "$T/r"
	start "$N" -v "$CT_PROBES:/mnt:ro" "$T/r" /mnt/closed
	cattach pause "$N"
	is "$(cattach top "$N" pid | tail -n 1 | tr -d ' ')" 1
	cattach cp "$N:/etc/passwd" "$T/passwd"
	test -s "$T/passwd"
	is "$(state "$N" Status)" paused
}

@test "logs -f and wait go on over a pause" {
	start "$N" -i "$R" sh -c 'echo one; read line; echo two; exit 7'
	cattach logs -f "$N" > "$T/log" 3>&- &
	local follower=$!
	eventually grep -q one "$T/log"
	cattach pause "$N"
	cattach send "$N" $'go\n'
	is "$(cat "$T/log")" one
	cattach unpause "$N"
	is "$(cattach wait "$N")" 7
	wait $follower
	is "$(cat "$T/log")" $'one\ntwo'
}

@test "stop sends its signal and lets the container act on it" {
	start "$N" "$R" sh -c 'trap "exit 9" TERM; echo ready; while :; do sleep 1000 & wait $!; done'
	cattach wait --for-output ready "$N"
	cattach pause "$N"
	is "$(cattach stop -t 20 "$N")" "$N"
	is "$(state "$N" ExitCode) $(state "$N" Status)" "9 exited"
}

@test "stop without any time ends one that is paused" {
	start "$N" "$R" sleep 1000
	cattach pause "$N"
	cattach stop -t 0 "$N"
	is "$(state "$N" ExitCode)" 137
}

@test "kill ends it where it is, other signals have it go on" {
	start "$N" "$R" sh -c 'trap "echo got" USR1; echo ready; while :; do sleep 1000 & wait $!; done'
	cattach wait --for-output ready "$N"
	cattach pause "$N"
	cattach kill -s USR1 "$N"
	cattach wait --for-output got "$N"
	is "$(state "$N" Status)" running
	cattach pause "$N"
	cattach kill "$N"
	is "$(cattach wait "$N")" 137
}

@test "restart begins anew, and is not paused" {
	start "$N" "$R" sleep 1000
	local before
	before=$(state "$N" Pid)
	cattach pause "$N"
	cattach restart -t 0 "$N"
	is "$(state "$N" Status)" running
	[ "$(state "$N" Pid)" != "$before" ]
}

@test "rm is refused, rm -f removes it with everything" {
	start "$N" "$R" sleep 1000
	cattach pause "$N"
	local leaf
	leaf=$(leaf_of "$N")
	test -d "$leaf"
	refused 125 "container $N is paused; stop it first or use -f" cattach rm "$N"
	cattach rm -f "$N"
	STARTED=()
	eventually test ! -d "$leaf"
}

@test "a client that is attached stays, and gets what comes afterwards" {
	start "$N" -i "$R" cat
	mkfifo "$T/in"
	cattach attach "$N" < "$T/in" > "$T/out" 3>&- &
	local client=$!
	exec 7> "$T/in"
	echo one >&7
	eventually grep -q one "$T/out"
	cattach pause "$N"
	echo two >&7
	cattach unpause "$N"
	eventually grep -q two "$T/out"
	exec 7>&-
	cattach kill "$N"
	wait $client || true
}
@test "what exec has started is paused too, a session cannot be paused by itself" {
	counts
	cattach exec -d --session s "$N" sh -c 'while :; do printf y >> /mnt/other; done'
	eventually test -s "$T/shared/other"
	refused 125 "$N/s is a session of a container, and cannot be paused" cattach pause "$N/s"
	cattach pause "$N"
	local before
	before=$(stat -c %s "$T/shared/other")
	sync
	is "$(stat -c %s "$T/shared/other")" "$before"
	cattach unpause "$N"
	eventually eval '[ $(stat -c %s "$T/shared/other") -gt '"$before"' ]'
}


@test "wait --condition paused sees a pause, and running that it is over" {
	start "$N" "$R" sleep 1000
	cattach wait --condition paused --timeout 20s "$N" > "$T/out" &
	eventually grep -q poll "/proc/$!/wchan"
	cattach pause "$N"
	wait $!
	is "$(cat "$T/out")" -1
	cattach wait --condition running --timeout 20s "$N" > "$T/out" &
	eventually grep -q poll "/proc/$!/wchan"
	cattach unpause "$N"
	wait $!
	is "$(cat "$T/out")" -1
	is "$(cattach events --filter "container=$N" --filter event=pause --filter event=unpause \
		--format '{{.Status}}' | xargs)" "pause unpause"
}
