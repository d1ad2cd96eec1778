#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# wait --condition: states of containers, several at a time, and never by asking again and again.

load helpers

# waits ARG...: "wait ARG..." in the background, its output in $T/out; returns when it sleeps.
waits()
{
	cattach wait "$@" > "$T/out" 2> "$T/err" &
	waiter=$!
	eventually grep -q poll "/proc/$waiter/wchan"
}

# told TEXT: what the waiter has printed when it has ended.
told()
{
	wait "$waiter"
	is "$(xargs < "$T/out")" "$1"
}

@test "what is so already is answered at once" {
	cattach create --name "$N-c" "$R" true > /dev/null
	start "$N-r" "$R" sleep 1000
	cattach run --name "$N-e" "$R" sh -c 'exit 3' || is "$?" 3
	STARTED+=("$N-c" "$N-e")
	is "$(cattach wait --condition created "$N-c")" -1
	is "$(cattach wait --condition configured "$N-c")" -1
	is "$(cattach wait --condition running "$N-r")" -1
	is "$(cattach wait --condition exited "$N-e")" 3
	is "$(cattach wait --condition stopped "$N-e")" 3
	is "$(cattach wait --condition not-running "$N-e" "$N-c" | xargs)" "3 -1"
	is "$(cattach wait --condition running --condition exited "$N-r" "$N-e" | xargs)" "-1 3"
}

@test "running is waited for, and counts however short it was" {
	cattach create --name "$N" "$R" true > /dev/null
	STARTED+=("$N")
	waits --condition running "$N"
	cattach start "$N"
	wait "$waiter"
	matches "$(cat "$T/out")" "-1|0"
}

@test "next-exit is an end that is still to come, of a container that has ended, too" {
	cattach run --name "$N" "$R" true
	STARTED+=("$N")
	waits --condition next-exit "$N"
	cattach start "$N"
	told 0
	start "$N-b" "$R" sleep 1000
	waits --condition next-exit "$N-b"
	cattach kill "$N-b"
	told 137
}

@test "removed is told with the last code, by --rm and by rm" {
	start "$N" --rm "$R" sleep 1000
	STARTED=()
	waits --condition removed "$N"
	cattach kill "$N"
	told 137
	cattach run --name "$N" "$R" sh -c 'exit 4' || is "$?" 4
	waits --condition removed "$N"
	cattach rm "$N"
	told 4
	cattach create --name "$N" "$R" true > /dev/null
	waits --condition removed "$N"
	cattach rm "$N"
	told -1
}

@test "stopping and removing are told as what comes of them, and an interval is no business of ours" {
	start "$N" "$R" sleep 1000
	waits -i 250ms --condition stopping "$N"
	cattach kill "$N"
	told 137
	waits --interval 1 --condition removing "$N"
	cattach rm "$N"
	STARTED=()
	told 137
	refused 125 '--interval: ' cattach wait -i often "$N"
}

@test "several are waited for at the same time, or for the first of them" {
	start "$N-a" "$R" sleep 1000
	start "$N-b" "$R" sleep 1000
	waits --condition exited "$N-a" "$N-b"
	cattach kill "$N-b"
	cattach stop -t 0 -s KILL "$N-a"
	told "137 137"
	cattach start "$N-a" "$N-b"
	waits --condition exited --exit-first-match "$N-a" "$N-b"
	cattach kill "$N-b"
	told 137
	is "$(state "$N-a" Status)" running
}

@test "a container that is renamed meanwhile is still the one" {
	start "$N-a" "$R" sleep 1000
	STARTED+=("$N-b")
	waits --condition exited "$N-a"
	cattach rename "$N-a" "$N-b"
	cattach kill "$N-b"
	told 137
}

@test "a state that cannot come any more is an error, a time that is over 124" {
	start "$N" --rm "$R" sleep 1000
	STARTED=()
	waits --condition paused "$N"
	cattach rm -f "$N"
	local code=0
	wait "$waiter" || code=$?
	is "$code" 125
	has "$(cat "$T/err")" "--condition: container $N has been removed, and never came to that"
	start "$N" "$R" sleep 1000
	refused 124 '--timeout: it has not come to that in this time' \
		cattach wait --condition exited --timeout 0.1s "$N"
}

@test "--ignore passes over what is missing, and conditions that nobody knows are refused" {
	is "$(cattach wait --ignore "$N")" -1
	start "$N" "$R" true
	is "$(cattach wait --ignore "$N-x" "$N" | xargs)" "-1 0"
	refused 125 "no such container: $N-x" cattach wait --condition exited "$N" "$N-x"
	refused 125 '--condition: unknown condition "ended"' cattach wait --condition ended "$N"
	refused 125 "--condition: container $N has no health check: that never comes" \
		cattach wait --condition healthy "$N"
	refused 125 '--for-output' cattach wait --for-output x --condition exited "$N"
}
