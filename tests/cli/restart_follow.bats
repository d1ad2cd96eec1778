#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Who follows a container that is started again follows all of its runs: every byte, what is said in
# between, whom a signal is for, and how it ends.

load helpers
load keepers

# has_line FILE TEXT
has_line() { grep -q -- "$2" "$1"; }

# Forty thousand bytes, and a failure.
LINES='i=0; while [ $i -lt 1000 ]; do echo "line $i of a run, all of which must be there"; i=$((i + 1)); done; exit 3'

# runs N: what as many of these runs write.
runs()
{
	local i
	for ((i = 0; i < $1; i++)); do
		sh -c "$LINES" || true
	done
}

# follow COMMAND...: in the background, its output in out and err, its pid in $follower.
follow()
{
	rm -f "$T/out" "$T/err"
	"$@" > "$T/out" 2> "$T/err" &
	follower=$!
}

# follower_ends CODE
follower_ends()
{
	local code=0
	wait "$follower" || code=$?
	is "$code" "$1"
}

@test "run stays, has every byte of every run, and the code of the last one" {
	STARTED+=("$N")
	run -3 --separate-stderr cattach run --name "$N" --restart on-failure:2 "$R" sh -c "$LINES"
	is "$output" "$(runs 3)"
	is "$stderr" "$N exited with 3; it is started again in 100 ms
$N exited with 3; it is started again in 200 ms"
	is "$(count "$N") $(state "$N" Status)" "2 exited"
}

@test "a reader that is slower than the runs has every byte, too" {
	STARTED+=("$N")
	cattach run --name "$N" --restart on-failure:3 "$R" sh -c "$LINES" 2> "$T/err" |
		{ eventually cattach inspect "$N"; cattach wait "$N" > /dev/null; cat; } > "$T/out"
	diff <(runs 4) "$T/out"
}

@test "so has who follows a log that is in memory alone" {
	STARTED+=("$N")
	run -3 --separate-stderr cattach run --name "$N" --log-driver none --restart on-failure:2 "$R" sh -c "$LINES"
	is "$output" "$(runs 3)"
}

@test "attach before the first start and start -a follow all runs" {
	STARTED+=("$N")
	cattach create --name "$N" --restart on-failure:1 "$R" sh -c "$LINES"
	follow cattach attach "$N"
	eventually compgen -G "$XDG_RUNTIME_DIR/cattach/*/wait.*"
	cattach start "$N"
	follower_ends 3
	diff <(runs 2) "$T/out"
	run -3 --separate-stderr cattach start -a "$N"
	is "$output" "$(runs 2)"
}

@test "each run has the end of our input" {
	STARTED+=("$N")
	run -4 --separate-stderr cattach run -i --name "$N" --restart on-failure:1 "$R" \
		sh -c 'cat; echo end; exit 4' <<< hello
	is "$output" $'hello\nend\nend'
}

@test "a signal to who follows ends the run, and the policy" {
	STARTED+=("$N")
	follow cattach run --name "$N" --restart always "$R" \
		sh -c 'trap "echo got it; exit 6" TERM; echo ready; while :; do sleep 0.02; done'
	eventually has_line "$T/out" ready
	kill -TERM "$follower"
	follower_ends 6
	is "$(cat "$T/out")" $'ready\ngot it'
	is "$(count "$N") $(state "$N" Status)" "0 exited"
}

@test "between two runs a signal to who follows ends the policy, and the code is the last run's" {
	STARTED+=("$N")
	follow cattach run --name "$N" --restart always "$R" sh -c 'exit 5'
	eventually has_line "$T/err" 'again in 8'
	kill -INT "$follower"
	follower_ends 5
	is "$(state "$N" Status)" exited
}

@test "between two runs a hang-up ends who follows, and not the policy" {
	STARTED+=("$N")
	follow cattach run --name "$N" --restart always "$R" sh -c 'exit 5'
	eventually has_line "$T/err" 'again in 8'
	kill -HUP "$follower"
	follower_ends 129
	[ ! -e "$STORE/containers/$(cattach inspect -f '{{.Id}}' "$N")/stop-asked" ]
}

@test "without a proxy a signal is for who follows alone" {
	STARTED+=("$N")
	follow cattach run --sig-proxy=false --name "$N" --restart always "$R" sh -c 'exit 5'
	eventually has_line "$T/err" 'again in 8'
	kill -TERM "$follower"
	follower_ends 143
	eventually in_state "$N" restarting
}

@test "stop, update and the end of the keeper end the waiting" {
	local what
	for what in stop update keeper; do
		STARTED+=("$N-$what")
		follow cattach run --name "$N-$what" --restart always "$R" sh -c 'exit 5'
		eventually has_line "$T/err" 'again in 8'
		case $what in
		stop)	cattach stop "$N-$what" ;;
		update)	cattach update --restart no "$N-$what" ;;
		keeper)	kill -9 "$(keeper "$N-$what")" ;;
		esac
		follower_ends 5
		is "$(state "$N-$what" Status)" exited
	done
}

@test "a container that is removed while we wait for its next run ends the waiting" {
	follow cattach run --name "$N" --restart always "$R" sh -c 'exit 5'
	eventually has_line "$T/err" 'again in 1'
	cattach rm -f "$N"
	follower_ends 5
}

@test "a restart that fails is told, and waited for" {
	STARTED+=("$N")
	rootfs "$T/root"
	printf '#!/bin/sh\nmv /bin/job /bin/away; exit 3\n' > "$T/root/bin/job"
	chmod 755 "$T/root/bin/job"
	run -3 --separate-stderr cattach run --name "$N" --restart on-failure:2 "$T/root" /bin/job
	has "$stderr" "$N exited with 3; it is started again in 100 ms"
	has "$stderr" "$N could not be started again: "
	has "$stderr" "/bin/job"
	has "$stderr" "; it is tried again in 200 ms"
}

@test "a monitor that is killed is told, and the next run followed" {
	STARTED+=("$N")
	follow cattach run --name "$N" --restart on-failure "$R" sh -c 'echo up; sleep 1000'
	eventually has_line "$T/out" up
	kill -9 "$(state "$N" ConmonPid)"
	eventually has_line "$T/err" "$N has ended, nobody knows how; it is started again in 100 ms"
	eventually in_state "$N" running
	cattach stop -t 0 "$N"
	follower_ends 137
	is "$(cat "$T/out")" $'up\nup'
}

@test "who follows and is killed changes nothing" {
	STARTED+=("$N")
	follow cattach run --name "$N" --restart always "$R" sh -c 'exit 5'
	eventually has_line "$T/err" 'again in 8'
	kill -9 "$follower"
	eventually has_count "$N" 4
	eventually in_state "$N" restarting
}
