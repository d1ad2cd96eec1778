#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# cattach exec without a terminal: what it does with streams and descriptors, signals, the ends of
# client and container, time limits, and many at once. Terminals are in tests/pty/test_exec.py.

load helpers

ready() { start "$N" "$@" "$R" sleep 1000; }

in_it() { cattach exec "$N" "$@"; }

# Processes inside that run "sleep NUMBER".
sleepers() { in_it sh -c 'cat /proc/[0-9]*/cmdline 2> /dev/null' | tr '\0' ' ' | grep -c "sleep $1"; }

is_running() { [ "$(sleepers "$1")" -gt 0 ]; }
# Nobody is in there but the payload and who looks.
is_alone() { [ "$(in_it sh -c 'set -- /proc/[0-9]*; echo $#')" = "${1:-2}" ]; }
is_gone() { [ "$(sleepers "$1")" -eq 0 ]; }

# background ARG...: exec in the background with a shell that says when it is up; output in $T/out.
background()
{
	: > "$T/out"
	cattach exec "$@" > "$T/out" 2> "$T/err" < /dev/null 3>&- &
	CLI=$!
	eventually grep -q up "$T/out"
}

ends()
{
	local code=0
	wait "$CLI" || code=$?
	is "$code" "$1"
}

TRAPS='for s in HUP INT QUIT USR1 USR2 TERM ALRM WINCH CONT 34 64; do trap "echo $s; exit 7" $s; done
	echo up; while :; do sleep 0.02; done'

# ---- streams -----------------------------------------------------------------------------------

@test "both streams are ours, not copies of them" {
	ready
	in_it sh -c 'echo out; echo err >&2' > "$T/out" 2> "$T/err"
	is "$(cat "$T/out") $(cat "$T/err")" "out err"
	# One file description: what is appended comes behind what was there, from both sides.
	{ echo a; in_it echo b; echo c; } > "$T/file"
	is "$(cat "$T/file")" "$(printf 'a\nb\nc')"
	is "$(in_it readlink /proc/self/fd/1 > "$T/link"; cat "$T/link")" "$T/link"
}

@test "stdin is /dev/null without -i, and nothing of ours is consumed" {
	ready
	is "$(printf 'one\ntwo\n' | { in_it cat; cat; })" "$(printf 'one\ntwo')"
	is "$(in_it readlink /proc/self/fd/0)" /dev/null
}

@test "with -i it is ours, and what is not read stays there" {
	ready
	is "$(printf 'one\ntwo\n' | cattach exec -i "$N" cat)" "$(printf 'one\ntwo')"
	printf 'one\ntwo\nthree\n' > "$T/in"
	is "$({ cattach exec -i "$N" sh -c 'read -r l; echo "<$l>"'; cat; } < "$T/in")" \
		"$(printf '<one>\ntwo\nthree')"
}

@test "10 MiB in and 100 MiB out are whole" {
	local sum
	ready
	head -c 10485760 /dev/urandom > "$T/in"
	sum=$(sha256sum < "$T/in")
	is "$(cattach exec -i "$N" sha256sum < "$T/in")" "$sum"
	is "$(cat "$T/in" | cattach exec -i "$N" cat | sha256sum)" "$sum"
	sum=$(yes 0123456789abcdef | head -c 104857600 | sha256sum)
	is "$(in_it sh -c 'yes 0123456789abcdef | head -c 104857600' | sha256sum)" "$sum"
	in_it sh -c 'yes 0123456789abcdef | head -c 104857600 >&2' 2> "$T/big"
	is "$(sha256sum < "$T/big")" "$sum"
}

@test "a directory is refused as any of the three" {
	ready
	refused 125 "standard input is a directory, which is not handed into a container" \
		sh -c 'exec cattach exec -i "$0" true < /' "$N"
	has "$stderr" "(redirect it to or from a file, or /dev/null)"
	refused 125 "standard output is a directory" \
		sh -c 'exec cattach exec "$0" true 1< /' "$N"
	run -125 sh -c 'exec cattach exec "$0" true 2< /' "$N"
	# Not given to the process, so no matter.
	sh -c 'exec cattach exec "$0" true < /' "$N"
}

@test "descriptors that are closed are /dev/null inside" {
	ready
	is "$(in_it readlink /proc/self/fd/0 <&-)" /dev/null
	is "$(cattach exec -i "$N" readlink /proc/self/fd/0 <&-)" /dev/null
	in_it sh -c 'x=$(readlink /proc/$$/fd/1); echo "$x" >&2' 2> "$T/one" >&-
	in_it sh -c 'readlink /proc/$$/fd/2' > "$T/two" 2>&-
	in_it sh -c 'echo x; echo y >&2' >&- 2>&- <&-
	is "$(cat "$T/one") $(cat "$T/two")" "/dev/null /dev/null"
}

@test "a reader that goes away is SIGPIPE for the process" {
	ready
	in_it sh -c 'trap "" TERM; yes' | head -n 1
	is "${PIPESTATUS[0]}" 141
}

@test "--preserve-fds gives exactly so many, with their content" {
	ready
	printf four > "$T/four"
	exec 4< "$T/four" 5< "$T/four" 6< "$T/four"
	is "$(cattach exec --preserve-fds 2 "$N" cat /proc/self/fd/4 3< /dev/null)" four
	is "$(cattach exec --preserve-fds 2 "$N" sh -c 'cat <&4; ls /proc/$$/fd; :' 3< /dev/null)" \
		"$(printf 'four0\n1\n2\n3\n4')"
	is "$(in_it sh -c 'ls /proc/$$/fd; :' 3< /dev/null)" "$(printf '0\n1\n2')"
	exec 4<&- 5<&- 6<&-
	refused 125 "--preserve-fds: descriptor 4 is not open" \
		sh -c 'exec cattach exec --preserve-fds 2 "$0" true 3< /dev/null 4<&-' "$N"
	refused 125 "--preserve-fds: " cattach exec --preserve-fds x "$N" true
}

# ---- signals -----------------------------------------------------------------------------------

@test "signals to us reach the process, and its code is ours" {
	local signal number
	ready
	for signal in HUP INT QUIT USR1 USR2 TERM ALRM WINCH CONT RTMIN RTMAX; do
		background "$N" sh -c "$TRAPS"
		kill -s $signal $CLI
		ends 7
		number=$signal
		case $signal in RTMIN) number=34 ;; RTMAX) number=64 ;; esac
		is "$(tail -n 1 "$T/out")" $number
	done
}

@test "a signal reaches the process from its first moment, whatever we are still busy with" {
	local signal log=$STORE/events/log
	ready
	# A record of events that nobody can write to now.
	rm "$log"
	mkfifo "$log"
	exec 7<> "$log"
	for signal in TERM INT HUP; do
		run ! dd if=/dev/zero of="$log" bs=4096 oflag=nonblock status=none
		background "$N" sh -c "$TRAPS"
		kill -s $signal $CLI
		cat <&7 > /dev/null 3>&- &
		local reader=$!
		ends 7
		kill $reader
		is "$(tail -n 1 "$T/out")" $signal
	done
	exec 7>&-
	rm "$log"
}

@test "a process that a proxied signal ends gives 128 and its number" {
	local signal
	ready
	for signal in TERM INT HUP USR1 RTMIN; do
		background "$N" sh -c 'echo up; exec sleep 1001'
		eventually is_running 1001
		kill -s $signal $CLI
		ends $((128 + $(kill -l $signal)))
	done
}

@test "with --sig-proxy=false a signal ends us, and the process with us" {
	local signal
	ready --init
	# INT is ignored in the background of a shell.
	for signal in TERM HUP USR1; do
		background --sig-proxy=false "$N" sh -c 'trap "echo got" TERM HUP USR1; echo up
			while :; do sleep 0.02; done'
		kill -s $signal $CLI
		ends $((128 + $(kill -l $signal)))
		eventually is_alone 3
		is "$(cat "$T/out")" up
	done
}

@test "when we are killed the process is, too" {
	ready
	background "$N" sh -c 'echo up; exec sleep 1003'
	eventually is_running 1003
	kill -9 $CLI
	ends 137
	eventually is_gone 1003
}

@test "--on-client-exit keep lets it live, kill does not" {
	ready
	background --on-client-exit keep "$N" sh -c 'echo up; sleep 1; echo still; exec sleep 1004'
	kill -9 $CLI
	ends 137
	eventually grep -q still "$T/out"
	eventually is_running 1004
	background --on-client-exit kill "$N" sh -c 'echo up; exec sleep 1005'
	eventually is_running 1005
	kill -9 $CLI
	ends 137
	eventually is_gone 1005
	is_running 1004
}

# ---- time limits -------------------------------------------------------------------------------

@test "--timeout is SIGTERM, and 124" {
	ready
	run -124 cattach exec --timeout 300ms "$N" sh -c \
		'trap "echo got TERM; exit 3" TERM; while :; do sleep 0.02; done'
	is "$output" "got TERM"
	# One that is quicker has its own code.
	run -3 cattach exec --timeout 20s "$N" sh -c 'exit 3'
}

@test "--timeout is SIGKILL ten seconds later for one that ignores SIGTERM" {
	ready
	run -124 cattach exec --timeout 200ms "$N" sh -c \
		'trap "" TERM; i=0; while [ $i -lt 300 ]; do sleep 0.1; i=$((i + 1)); done; echo survived'
	is "$output" ""
}

# ---- the container's end -----------------------------------------------------------------------

@test "the process ends with its container" {
	ready
	background "$N" sh -c 'trap "" TERM; echo up; while :; do sleep 0.02; done'
	cattach kill "$N"
	ends 137
	is "$(cat "$T/err")" ""
}

@test "the process ends with the container's monitor" {
	ready
	background "$N" sh -c 'trap "" TERM; echo up; while :; do sleep 0.02; done'
	kill -9 "$(state "$N" ConmonPid)"
	ends 137
	is "$(cat "$T/err")" ""
	refused 125 "container $N is not running" in_it true
}

@test "exec that races with the container's end has a result or a clean refusal" {
	local i code how who
	for ((i = 0; i < 100; i++)); do
		case $((i % 4)) in
		0) how="stop -t 0" ;;
		1) how="kill" ;;
		2) how="rm -f" ;;
		*) how="kill -s KILL" ;;
		esac
		who=$(cattach run -d --name "$N" "$R" sleep 1000)
		# While it is removed the name goes first.
		who="($N|${who:0:12})"
		# shellcheck disable=SC2086 # two words
		cattach $how "$N" > /dev/null 2>&1 3>&- &
		while :; do
			code=0
			cattach exec "$N" true > "$T/out" 2>&1 || code=$?
			[ $code -eq 0 ] || break
		done
		wait $!
		if [ $code -ne 137 ] || [ -s "$T/out" ]; then
			is $code 125
			is "$(wc -l < "$T/out")" 1
			grep -Eq "^cattach: (container $who (is not running: exited|has just ended)|no such container: $N)" \
				"$T/out" || { cat "$T/out"; return 1; }
		fi
		cattach rm -f "$N" > /dev/null 2>&1 || true
	done
}

@test "exec works right after run -d, fifty times" {
	local i
	for ((i = 0; i < 50; i++)); do
		cattach run -d --name "$N" "$R" sleep 1000 > /dev/null
		is "$(in_it echo "$i")" "$i"
		cattach rm -f "$N" > /dev/null
	done
}

@test "200 at once each have their own result, and nothing of them stays" {
	local i pids=() before
	ready
	before=$(find "$STORE" "$XDG_RUNTIME_DIR" | sort)
	for ((i = 0; i < 200; i++)); do
		cattach exec "$N" sh -c "echo $i; exit $((i % 100))" > "$T/out.$i" 2>&1 3>&- &
		pids+=($!)
	done
	for ((i = 0; i < 200; i++)); do
		CLI=${pids[$i]}
		ends $((i % 100))
		is "$(cat "$T/out.$i")" "$i"
	done
	# No zombies, nothing that runs on; no files.
	is_alone
	is "$(find "$STORE" "$XDG_RUNTIME_DIR" | sort)" "$before"
}

@test "clients that are killed in the middle leave nothing, either" {
	local i
	ready
	for ((i = 0; i < 100; i++)); do
		(cattach exec "$N" sleep 1006 > /dev/null 2>&1 3>&- & sleep "0.00$((i % 10))"; kill -9 $!)
	done
	eventually is_gone 1006
	eventually is_alone
}

@test "a throwaway copy of the host can be entered, and started again" {
	STARTED+=("$N")
	cattach run -d --name "$N" --rootfs /:O sleep 1007 > /dev/null
	is "$(cattach exec "$N" echo inside)" inside
	cattach stop -t 0 "$N" > /dev/null
	cattach start "$N" > /dev/null
	is "$(cattach exec "$N" echo again)" again
}
