#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# cattach attach without a terminal: streams, exit codes, states and their words, stdin and its end,
# many at once, replay, waiting for a start, signals. Terminals are in tests/pty.

load helpers

# A payload that waits until $T/shared/go exists.
WAIT='while [ ! -e /mnt/go ]; do sleep 0.02; done;'

# waiting ARG...: start $N with a directory /mnt that the test shares with it.
waiting()
{
	mkdir -p "$T/shared"
	start "$N" -v "$T/shared:/mnt" "$@"
}

go() { touch "$T/shared/go"; }

# clients N: so many are attached.
clients() { [ "$(cattach clients "$N" 2> /dev/null | grep -c '^ *[0-9]')" -eq "$1" ]; }

# attached N FILE ARG...: attach in the background, and wait until N are.
attached()
{
	local count=$1 file=$2
	shift 2
	cattach attach "$@" "$N" > "$file" 2> "$file.err" < /dev/null 3>&- &
	CLI=$!
	eventually clients "$count"
}

ends()
{
	local code=0
	wait "$CLI" || code=$?
	is "$code" "$1"
}

@test "both streams come out where they belong, and the exit code is the payload's" {
	waiting "$R" sh -c "$WAIT echo out; echo err >&2; exit 7"
	attached 1 "$T/out"
	go
	ends 7
	is "$(cat "$T/out")" out
	is "$(cat "$T/out.err")" err
}

@test "a signal that ended the payload is 128 and its number" {
	start "$N" "$R" sleep 1000
	attached 1 "$T/out"
	cattach kill "$N"
	ends 137
}

@test "-a picks streams" {
	waiting "$R" sh -c "$WAIT echo out; echo err >&2"
	attached 1 "$T/out" -a stdout
	local first=$CLI
	attached 2 "$T/err" -a STDERR
	go
	ends 0
	CLI=$first
	ends 0
	is "$(cat "$T/out")$(cat "$T/out.err")" out
	is "$(cat "$T/err")" ""
	is "$(cat "$T/err.err")" err
	refused 125 "valid streams are STDIN, STDOUT and STDERR" cattach attach -a all "$N"
}

@test "what is not running is refused with the way out, on one line" {
	start "$N" "$R" sh -c 'exit 5'
	is "$(cattach wait "$N")" 5
	refused 125 "cattach: You cannot attach to a stopped container, start it first: $N exited (5)" \
		cattach attach "$N"
	has "$stderr" "(cattach start $N)"
	refused 125 "no such container: nosuch" cattach attach nosuch
	refused 125 "attach needs a CONTAINER, or --latest" cattach attach
	refused 125 "attach takes one CONTAINER, not 2" cattach attach "$N" "$N"
}

@test "the beginning of an id is a name, when it is the only one" {
	local id=
	waiting "$R" sh -c "$WAIT exit 3"
	id=$ID
	cattach attach "${id:0:7}" < /dev/null 3>&- &
	CLI=$!
	eventually clients 1
	go
	ends 3
}

@test "an ambiguous beginning of an id is refused" {
	local i
	# with 17 ids two begin with the same digit
	for ((i = 0; i < 17; i++)); do
		STARTED+=("$N-$i")
		cattach create --name "$N-$i" "$R" true >> "$T/ids"
	done
	i=$(cut -c1 "$T/ids" | sort | uniq -d | head -n 1)
	refused 125 "\"$i\" matches " cattach attach "$i"
}

@test "attach -l takes the newest" {
	waiting "$R" sh -c "$WAIT exit 4"
	cattach attach -l < /dev/null 3>&- &
	CLI=$!
	eventually clients 1
	go
	ends 4
}

@test "bad detach keys are an error whoever is meant" {
	refused 125 "--detach-keys: invalid detach keys (foo): Unknown character: 'foo'" \
		cattach attach --detach-keys foo nosuch
	refused 125 "invalid detach keys (ctrl-A): Unknown character: 'ctrl-A'" \
		cattach run --detach-keys ctrl-A "$R" true
	refused 125 "CATTACH_DETACH_KEYS: invalid detach keys" \
		env CATTACH_DETACH_KEYS=a,,b cattach attach nosuch
	CATTACH_DETACH_KEYS=none run -125 cattach attach nosuch
	has "$output" "no such container"
}

@test "bad words for other options are errors" {
	refused 125 "--lag: must be block or skip" cattach attach --lag wait nosuch
	refused 125 "--stdin-eof: must be close, keep or detach" cattach attach --stdin-eof no nosuch
	refused 125 "--tail: must be" cattach attach --tail x nosuch
	refused 125 "--since: \"garbage\" is no time or duration" cattach attach --since garbage nosuch
	refused 125 "--size-policy: must be" cattach run --size-policy mine "$R" true
	refused 125 '--log-driver: there is no log driver "syslog"' \
		cattach run --log-driver syslog "$R" true
	refused 125 '--log-opt: unknown log option "labels=x"' cattach run --log-opt labels=x "$R" true
	refused 125 "--log-opt max-size: must be more than nothing" \
		cattach run --log-opt max-size=0 "$R" true
	refused 125 "conflicting options: cannot specify both --attach and --detach" \
		cattach run -d -a stdout "$R" true
	refused 125 "conflicting options: cannot specify both --tie and --detach" \
		cattach run -d --tie "$R" true
}

@test "--no-stdin does not eat the input of a loop" {
	waiting -i "$R" sh -c "$WAIT exit 0"
	printf '1\n2\n3\n' > "$T/lines"
	go
	while read -r line; do
		cattach attach --no-stdin "$N" > /dev/null 2>&1 || true
		echo "$line"
	done < "$T/lines" > "$T/out"
	is "$(cat "$T/out")" "1
2
3"
}

@test "a container without -i leaves the input alone, too" {
	waiting "$R" sh -c "$WAIT exit 0"
	(sleep 0.3; go) &
	run -0 bash -c "printf '1\n2\n' | { cattach attach $N; cat; }"
	is "$output" "1
2"
}

@test "input of two clients arrives, and the end of one is not the end of the other" {
	start "$N" -i "$R" cat
	attached 1 "$T/out"
	(printf 'one\n' | cattach attach "$N" > "$T/one" 3>&-) &
	eventually grep -q one "$T/out"
	is "$(state "$N" Status)" running
	(printf 'two\n' | cattach attach "$N" > "$T/two" 3>&-) &
	eventually grep -q two "$T/out"
	is "$(state "$N" Status)" running
	cattach kill "$N"
	ends 137
	is "$(cat "$T/out")" "one
two"
}

@test "--stdin-eof=close ends the payload's input whoever opened it" {
	start "$N" -i "$R" sh -c 'cat; exit 8'
	run -8 bash -c "echo bye | cattach attach --stdin-eof=close $N"
	is "$output" bye
}

@test "--stdin-eof=detach lets go when the input is over" {
	start "$N" -i "$R" cat
	run -0 --separate-stderr bash -c "echo hello | cattach attach --stdin-eof=detach $N"
	is "$stderr" "detached from $N"
	is "$(state "$N" Status)" running
	eventually bash -c "cattach logs $N | grep -qx hello"
}

@test "--stdin-eof=keep of a run leaves the input open" {
	STARTED+=("$N")
	cattach run -i --stdin-eof=keep --name "$N" "$R" cat < /dev/null > "$T/out" 3>&- &
	CLI=$!
	eventually clients 1
	sleep 0.2
	is "$(state "$N" Status)" running
	printf 'x\n' | cattach attach --stdin-eof=detach "$N" > /dev/null 2>&1
	eventually grep -qx x "$T/out"
	cattach kill "$N"
	ends 137
}

@test "10 MiB through stdin and back" {
	head -c 10485760 /dev/urandom > "$T/data"
	start "$N" -i "$R" cat
	cattach attach --stdin-eof=close --lag block "$N" < "$T/data" > "$T/out"
	cmp "$T/data" "$T/out"
}

@test "ten clients see the same" {
	local i
	local -a pids
	waiting "$R" sh -c "$WAIT seq 1 20000"
	for ((i = 1; i <= 10; i++)); do
		attached "$i" "$T/out.$i"
		pids+=("$CLI")
	done
	go
	for CLI in "${pids[@]}"; do
		ends 0
	done
	seq 1 20000 > "$T/expected"
	for ((i = 1; i <= 10; i++)); do
		cmp "$T/expected" "$T/out.$i"
		is "$(cat "$T/out.$i.err")" ""
	done
}

@test "what was written before is not shown, but with --replay, --tail and --since" {
	waiting "$R" sh -c "seq 1 100; $WAIT echo new"
	eventually bash -c "cattach logs $N | grep -qx 100"
	attached 1 "$T/now"
	local -a pids=("$CLI")
	attached 2 "$T/all" --replay
	pids+=("$CLI")
	attached 3 "$T/logs" --logs
	pids+=("$CLI")
	attached 4 "$T/three" --tail 3
	pids+=("$CLI")
	attached 5 "$T/since" --since 1h
	pids+=("$CLI")
	attached 6 "$T/future" --since -1h
	pids+=("$CLI")
	go
	for CLI in "${pids[@]}"; do
		ends 0
	done
	{ seq 1 100; echo new; } > "$T/expected"
	is "$(cat "$T/now")" new
	cmp "$T/expected" "$T/all"
	cmp "$T/expected" "$T/logs"
	cmp "$T/expected" "$T/since"
	is "$(cat "$T/three")" "98
99
100
new"
}

@test "a replay runs into the live stream without a gap" {
	local i
	start "$N" "$R" sh -c 'seq 1 300000'
	for i in 1 2 3; do
		if cattach attach --replay --lag block "$N" > "$T/out" 2> "$T/err"; then
			seq 1 300000 | cmp - "$T/out"
		else
			has "$(cat "$T/err")" "You cannot attach to a stopped container"
		fi
	done
}

@test "a created container is waited for, and not a byte is lost" {
	local i
	for ((i = 0; i < 20; i++)); do
		cattach create --rm --name "$N" "$R" sh -c 'seq 1 150000; exit 3' > /dev/null
		cattach attach --lag block "$N" > "$T/out" 2> "$T/err" < /dev/null 3>&- &
		CLI=$!
		eventually bash -c "ls $XDG_RUNTIME_DIR/cattach/*/wait.*"
		cattach start "$N" > /dev/null
		ends 3
		seq 1 150000 | cmp - "$T/out"
		is "$(cat "$T/err")" ""
		eventually bash -c "! cattach inspect $N"
	done
}

@test "waiting for a start goes on when one fails, and ends with the container" {
	rootfs "$T/root"
	STARTED+=("$N")
	cattach create --name "$N" "$T/root" /bin/tool > /dev/null
	cattach attach "$N" > "$T/out" 2> "$T/err" < /dev/null 3>&- &
	CLI=$!
	eventually bash -c "ls $XDG_RUNTIME_DIR/cattach/*/wait.*"
	run -127 cattach start "$N"
	sleep 0.2
	kill -0 "$CLI"
	is "$(state "$N" Status)" created
	printf '#!/bin/sh\necho here\nexit 5\n' > "$T/root/bin/tool"
	chmod +x "$T/root/bin/tool"
	run -0 cattach start "$N"
	ends 5
	is "$(cat "$T/out")" here

	cattach create --name "$N-gone" "$R" true > /dev/null
	cattach attach "$N-gone" > "$T/out" 2> "$T/err" < /dev/null 3>&- &
	CLI=$!
	eventually bash -c "ls $XDG_RUNTIME_DIR/cattach/*/wait.*"
	cattach rm "$N-gone"
	ends 125
	has "$(cat "$T/err")" "container $N-gone was removed before it was started"
}

# hanging NAME FIFO: created, with a start that waits for a line in a FIFO, and fails by one that is "no"
hanging()
{
	mkfifo "$2"
	mkdir "$T/b"
	cattach spec -b "$T/b"
	python3 - "$T/b/config.json" "$R" "$2" <<- 'END'
		import json, sys
		path, rootfs, fifo = sys.argv[1:]
		c = json.load(open(path))
		c["root"] = {"path": rootfs, "readonly": True}
		c["process"].update(terminal=False, args=["sh", "-c", "echo first; echo last; exit 4"])
		c["hooks"] = {"createRuntime": [{"path": "/bin/sh",
		    "args": ["sh", "-c", f'read line < {fifo}; test "$line" != no']}]}
		json.dump(c, open(path, "w"))
	END
	STARTED+=("$1")
	cattach create --name "$1" --bundle "$T/b" > "$T/out"
}

# Who opens the FIFO to write waits for the hook.
let_go() { echo "$1" > "$T/fifo"; }

@test "a start that hangs is waited for as long as it takes, but for signals" {
	local early late
	hanging "$N" "$T/fifo"
	cattach attach "$N" > "$T/early" < /dev/null 3>&- &
	early=$!
	eventually bash -c "ls $XDG_RUNTIME_DIR/cattach/*/wait.*"
	cattach attach "$N" > "$T/out" < /dev/null 3>&- &
	CLI=$!
	eventually bash -c "ls $XDG_RUNTIME_DIR/cattach/*/wait.* | grep -c . | grep -x 2"
	cattach start "$N" > "$T/out" 3>&- &
	eventually bash -c "ls $XDG_RUNTIME_DIR/cattach/*/attach"
	is "$(state "$N" Status)" creating
	# it is connected to what starts by now, and waits for an answer
	run ! bash -c "ls $XDG_RUNTIME_DIR/cattach/*/wait.*"
	kill -TERM "$CLI"
	ends 143
	cattach attach "$N" > "$T/out" < /dev/null 3>&- &
	CLI=$!
	eventually bash -c "ls -l /proc/$CLI/fd | grep socket:"
	kill -TERM "$CLI"
	ends 143
	cattach attach "$N" > "$T/late" < /dev/null 3>&- &
	late=$!
	eventually bash -c "ls -l /proc/$late/fd | grep socket:"
	is "$(state "$N" Status)" creating
	let_go yes
	CLI=$early
	ends 4
	CLI=$late
	ends 4
	is "$(cat "$T/early")" $'first\nlast'
	is "$(cat "$T/late")" $'first\nlast'
	# one that has been run before, and cannot be started again
	cattach start "$N" > "$T/start" 2>&1 3>&- &
	eventually is_creating
	cattach attach "$N" > "$T/out" 2> "$T/err" < /dev/null 3>&- &
	CLI=$!
	eventually bash -c "ls -l /proc/$CLI/fd | grep socket:"
	let_go no
	ends 125
	is "$(cat "$T/out")" ''
	has "$(cat "$T/err")" "You cannot attach to a stopped container, start it first: $N exited (4)"
}

is_creating() { [ "$(state "$N" Status)" = creating ]; }

@test "who waits and is killed is no trouble for the start" {
	STARTED+=("$N")
	cattach create --name "$N" "$R" sleep 1000 > /dev/null
	cattach attach "$N" > "$T/out" 2>&1 < /dev/null 3>&- &
	CLI=$!
	eventually bash -c "ls $XDG_RUNTIME_DIR/cattach/*/wait.*"
	kill -9 "$CLI"
	wait "$CLI" || true
	cattach attach "$N" > "$T/out" 2>&1 < /dev/null 3>&- &
	CLI=$!
	sleep 0.2
	kill -TERM "$CLI"
	ends 143
	run -0 cattach start "$N"
	is "$(state "$N" Status)" running
}

@test "signals go to the payload, each of them" {
	local s
	start "$N" "$R" sh -c 'for s in TERM INT HUP USR1 WINCH; do trap "echo got $s" $s; done
		trap "echo got RTMIN" 34; echo up; while :; do sleep 0.05; done'
	eventually bash -c "cattach logs $N | grep -qx up"
	attached 1 "$T/out"
	for s in TERM HUP USR1 WINCH; do
		kill -s "$s" "$CLI"
		eventually grep -qx "got $s" "$T/out"
	done
	cattach kill "$N"
	ends 137
}

@test "a client that is killed changes nothing" {
	start "$N" "$R" sleep 1000
	attached 1 "$T/out"
	kill -9 "$CLI"
	wait "$CLI" || true
	eventually clients 0
	is "$(state "$N" Status)" running
}

@test "a read-only client's signals are its own" {
	start "$N" "$R" sh -c 'trap "echo got TERM" TERM; while :; do sleep 0.05; done'
	attached 1 "$T/out" --read-only
	kill -TERM "$CLI"
	ends 143
	is "$(cat "$T/out")" ""
	is "$(state "$N" Status)" running
}

@test "a container with --log-driver none is attached to, from now on and from its start" {
	waiting --log-driver none "$R" sh -c "echo before; $WAIT echo after; exit 6"
	attached 1 "$T/now"
	local first=$CLI
	sleep 0.2
	attached 2 "$T/all" --replay
	go
	ends 6
	CLI=$first
	ends 6
	is "$(cat "$T/all")" "before
after"
	has "$(cat "$T/now")" after
}

@test "a stopped client does not slow the payload, and is told what it missed" {
	waiting --log-opt max-size=64k --log-opt max-file=1 "$R" \
		sh -c "$WAIT seq 1 400000; echo last"
	attached 1 "$T/slow"
	kill -STOP "$CLI"
	go
	is "$(cattach wait "$N")" 0
	kill -CONT "$CLI"
	ends 0
	has "$(tail -n 1 "$T/slow")" last
	matches "$(cat "$T/slow.err")" 'cattach: [0-9]+ bytes were skipped: this reader was too slow'
}

@test "run into a slow pipe loses nothing, however small the log" {
	local option sum
	sum=$(seq 1 300000 | sha256sum)
	for option in max-size=1k max-size=1m max-file=1; do
		run -0 --separate-stderr bash -c "cattach run --rm --log-opt max-file=2 --log-opt $option $R seq 1 300000 |
			{ sleep 1; cat; } | sha256sum"
		is "$output" "$sum"
	done
}

@test "run -a stdout shows only that, and -a stdin nothing" {
	run -0 --separate-stderr cattach run --rm -a stdout "$R" sh -c 'echo out; echo err >&2'
	is "$output" out
	is "$stderr" ""
	run -3 --separate-stderr cattach run --rm -i -a stdin "$R" sh -c 'cat; exit 3' <<< in
	is "$output$stderr" ""
}

@test "run --tie: the payload dies with its client, but not when that detaches" {
	STARTED+=("$N")
	cattach run --tie --name "$N" "$R" sleep 1000 > "$T/out" 2>&1 3>&- &
	CLI=$!
	eventually clients 1
	kill -9 "$CLI"
	wait "$CLI" || true
	is "$(cattach wait "$N")" 137
	cattach rm "$N" > /dev/null
	cattach run --tie --sig-proxy=false --name "$N" "$R" sleep 1000 > "$T/out" 2>&1 3>&- &
	CLI=$!
	eventually clients 1
	kill -TERM "$CLI"
	ends 143
	sleep 0.3
	is "$(state "$N" Status)" running
}
