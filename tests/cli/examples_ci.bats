#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# examples/ci: a job under plain sh, in each way in which it can end. teardown() finds what is left.

load helpers

# The job, with a service and a check that a test may replace.
job()
{
	mkdir -p "$T/results"
	cp -r "$CT_STAGE/examples/ci" "$T/ci"
	export RESULTS=$T/results
}

# service TEXT, check TEXT: instead of those that are there.
service() { printf 'echo up\n%s\n' "$1" > "$T/ci/service.sh"; }
check() { printf '%s\n' "$1" > "$T/ci/check.sh"; }

happened() { grep -o '"Action":"[a-z_]*"' "$T/results/events.json" | cut -d '"' -f 4 | tr '\n' ' '; }

# aside: the job in the background; $JOB is its shell.
aside()
{
	env --default-signal sh "$T/ci/run.sh" "$R" > "$T/out" 2> "$T/err" < /dev/null 3>&- &
	JOB=$!
}

ends()
{
	local code=0
	wait "$JOB" || code=$?
	is "$code" "$1"
}

nothing_runs() { is "$(cattach ps -aq)" ""; }

@test "a job whose check passes" {
	job
	run --separate-stderr sh "$T/ci/run.sh" "$R"
	is "$status $output $stderr" "0 health: ok "
	is "$(cat "$T/results/service.log")" "listening on 8080
asked to end"
	is "$(happened)" "create start exec_create exec_start exec_died kill died stop remove "
	nothing_runs
}

@test "a job finds the example root file system by itself, from anywhere" {
	job
	cd /
	is "$(sh "$CT_STAGE/examples/ci/run.sh")" "health: ok"
	nothing_runs
}

@test "a job whose check fails has its exit code" {
	job
	check 'echo wrong >&2; exit 3'
	run --separate-stderr sh "$T/ci/run.sh" "$R"
	is "$status $stderr" "3 wrong"
	is "$(tail -n 1 "$T/results/service.log")" "asked to end"
	has "$(happened)" " remove "
	nothing_runs
	rm -r "$T/ci"
	job
	check 'no-such-command'
	run -127 --separate-stderr sh "$T/ci/run.sh" "$R"
	nothing_runs
}

@test "a job whose service never gets ready ends by its timeout" {
	job
	service 'trap "exit 0" TERM; while :; do sleep 0.1; done'
	TIMEOUT=2s run --separate-stderr sh "$T/ci/run.sh" "$R"
	is "$status $output" "124 "
	is "$(cat "$T/results/service.log")" up
	has "$(happened)" "create start kill died stop remove "
	nothing_runs
}

@test "a job whose service ends before it is ready, or cannot be started" {
	job
	service 'echo "no port left" >&2; exit 9'
	run --separate-stderr sh "$T/ci/run.sh" "$R"
	is "$status" 1
	is "$(cat "$T/results/service.log")" "up
no port left"
	nothing_runs
	run --separate-stderr sh "$T/ci/run.sh" "$T/no-rootfs"
	is "$status" 125
	has "$stderr" "no such directory: $T/no-rootfs"
	nothing_runs
}

@test "a job that is cancelled while it waits, and while it checks, cleans up at once" {
	local signal
	job
	service 'trap "echo asked; exit 0" TERM; echo listening on nothing; while :; do sleep 0.1; done'
	check 'echo checking; exec sleep 1000'
	for signal in TERM:143 INT:130 HUP:129; do
		aside
		eventually grep -q checking "$T/out"
		kill -s "${signal%:*}" "$JOB"
		ends "${signal#*:}"
		is "$(tail -n 1 "$T/results/service.log")" asked
		nothing_runs
	done
	READY=never aside
	eventually cattach wait --for-output listening "ci-service-$JOB"
	kill -s TERM "$JOB"
	ends 143
	nothing_runs
}
