#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Health checks: what is asked for, what a check is, what follows from it, and who is told.

load helpers
load keepers

# checked NAME ARG...: a container whose check is whether /dev/shm/ok is there, and which no check is
# made of but by hand.
checked()
{
	local name=$1
	shift
	start "$name" --health-cmd 'echo looked; test -e /dev/shm/ok' --health-interval 1h \
		--health-retries 2 "$@" "$R" sleep 1000
}

well() { cattach exec "$1" touch /dev/shm/ok; }

unwell() { cattach exec "$1" rm -f /dev/shm/ok; }

# check NAME CODE [OUTPUT]: a check by hand.
check()
{
	local code=0 out
	out=$(cattach healthcheck run "$1") || code=$?
	is "$code" "$2"
	is "$out" "${3:-}"
}

# health NAME TEMPLATE: of .State.Health
health() { cattach inspect -f "{{with .State.Health}}$2{{end}}" "$1"; }

# happened NAME: what has been told about its health, in order.
happened()
{
	cattach events --since 1h --filter "container=$1" --filter event=health_status \
		--format '{{.Action}}' | xargs
}

@test "what is asked for is in the record, with docker's defaults" {
	cattach create --name "$N" --health-cmd 'true && true' --health-timeout 2s \
		--health-start-period 1m --health-on-failure stop "$R" true > /dev/null
	STARTED+=("$N")
	is "$(cattach inspect -f '{{json .Config.Healthcheck}}' "$N")" \
		'{"Test":["CMD-SHELL","true && true"],"Interval":30000000000,"Timeout":2000000000,"StartPeriod":60000000000,"StartInterval":5000000000,"Retries":3}'
	is "$(cattach inspect -f '{{.Config.HealthcheckOnFailureAction}}' "$N")" stop
	is "$(cattach inspect -f '{{.State.Health.Status}} {{.State.Health.FailingStreak}} {{len .State.Health.Log}}' "$N")" \
		"starting 0 0"
	cattach create --name "$N-n" --no-healthcheck "$R" true > /dev/null
	STARTED+=("$N-n")
	is "$(cattach inspect -f '{{json .Config.Healthcheck.Test}} {{json .State.Health}}' "$N-n")" \
		'["NONE"] null'
	cattach create --name "$N-o" "$R" true > /dev/null
	STARTED+=("$N-o")
	is "$(cattach inspect -f '{{json .Config.Healthcheck}} {{json .State.Health}}' "$N-o")" "null null"
}

@test "what cannot be is refused in docker's words" {
	refused 125 '--no-healthcheck conflicts with --health-* options' \
		cattach run --no-healthcheck --health-cmd true "$R" true
	refused 125 '--health-interval: cannot be negative' \
		cattach create --health-cmd true --health-interval -1s "$R" true
	refused 125 '--health-timeout: there is no command that could be run' \
		cattach run --health-timeout 1s "$R" true
	refused 125 '--health-on-failure: must be none, kill, restart or stop, not "panic"' \
		cattach run --health-cmd true --health-on-failure panic "$R" true
}

@test "a check by hand goes into the record, and everybody sees what follows from it" {
	checked "$N"
	has "$(cattach ps --format '{{.Status}}')" "(health: starting)"
	check "$N" 1 starting
	check "$N" 1 unhealthy
	matches "$(cattach ps --format '{{.Status}}')" "Up .* \(unhealthy\)"
	is "$(health "$N" '{{.Status}} {{.FailingStreak}} {{len .Log}}')" "unhealthy 2 2"
	is "$(health "$N" '{{range .Log}}{{.ExitCode}} {{json .Output}} {{end}}')" '1 "looked\n" 1 "looked\n" '
	well "$N"
	check "$N" 0
	matches "$(cattach ps --format '{{.Status}}')" "Up .* \(healthy\)"
	is "$(health "$N" '{{.Status}} {{.FailingStreak}} {{len .Log}}')" "healthy 0 3"
	unwell "$N"
	check "$N" 1 healthy
	is "$(happened "$N")" "health_status: unhealthy health_status: healthy"
	for _ in 1 2 3 4 5; do
		check "$N" 1 "$(health "$N" '{{if eq .FailingStreak 1}}unhealthy{{else}}{{.Status}}{{end}}')"
	done
	is "$(health "$N" '{{.FailingStreak}} {{len .Log}}')" "6 5"
}

@test "ps finds containers by their health" {
	checked "$N-h"
	well "$N-h"
	check "$N-h" 0
	checked "$N-u" --health-retries 1
	check "$N-u" 1 unhealthy
	checked "$N-s"
	start "$N-n" "$R" sleep 1000
	is "$(cattach ps -f health=healthy --format '{{.Names}}')" "$N-h"
	is "$(cattach ps -f health=unhealthy --format '{{.Names}}')" "$N-u"
	is "$(cattach ps -f health=starting --format '{{.Names}}')" "$N-s"
	is "$(cattach ps -f health=none --format '{{.Names}}')" "$N-n"
	is "$(cattach ps -f health=none -f health=healthy --format '{{.Names}}' | sort | xargs)" "$N-h $N-n"
	refused 125 '--filter: unknown health "well"' cattach ps -f health=well
}

@test "wait --condition wakes when it becomes healthy, and when it becomes unhealthy" {
	checked "$N"
	cattach wait --condition unhealthy "$N" > "$T/out" &
	eventually grep -q poll "/proc/$!/wchan"
	check "$N" 1 starting
	check "$N" 1 unhealthy
	wait "$!"
	cattach wait --condition unhealthy "$N"
	cattach wait --condition healthy "$N" > "$T/out" &
	eventually grep -q poll "/proc/$!/wchan"
	well "$N"
	check "$N" 0
	wait "$!"
	is "$(cat "$T/out")" -1
	cattach wait --condition healthy --condition unhealthy "$N"
}

# ends_while_awaited NAME CODE ARG...: "wait ARG..." sleeps, and ends with CODE when the container does.
ends_while_awaited()
{
	local name=$1 wanted=$2 code=0
	shift 2
	cattach wait "$@" "$name" > "$T/out" 2> "$T/err" 3>&- &
	eventually grep -q poll "/proc/$!/wchan"
	cattach kill "$name"
	wait "$!" || code=$?
	is "$code" "$wanted"
}

@test "wait for health ends when the container does, and nobody starts it again" {
	local never
	checked "$N"
	ends_while_awaited "$N" 1 --condition healthy --condition unhealthy
	never="cattach: --condition: container $N has ended, and has not come to that (cattach start $N, or --condition exited besides)"
	is "$(cat "$T/out" "$T/err")" "$never"
	refused 1 "$never" cattach wait --condition healthy "$N"
	checked "$N-r" --rm
	ends_while_awaited "$N-r" 1 --condition healthy
	# With others: all have to come to it, or one.
	checked "$N-b"
	refused 1 "$never" cattach wait --condition healthy "$N-b" "$N"
	run -124 cattach wait --timeout 0 --exit-first-match --condition healthy "$N-b" "$N"
	ends_while_awaited "$N-b" 0 --condition healthy --condition exited
	is "$(cat "$T/out")" 137
}

@test "wait for health goes on through a restart, and before the first start" {
	start "$N" --restart on-failure --health-cmd 'test -e /mnt/first' --health-interval 20ms \
		-v "$T:/mnt" "$R" sh -c 'while [ ! -e /mnt/go ]; do sleep 0.02; done
			[ -e /mnt/second ] && { touch /mnt/first; exec sleep 1000; }
			touch /mnt/second; exit 3'
	chmod 777 "$T"
	cattach wait --condition healthy "$N" > "$T/healthy" &
	eventually grep -q poll "/proc/$!/wchan"
	touch "$T/go"
	wait "$!"
	is "$(cattach inspect -f '{{.RestartCount}}' "$N")" 1
	cattach create --name "$N-c" --health-cmd true "$R" sleep 1000 > "$T/out"
	STARTED+=("$N-c")
	run -124 cattach wait --timeout 0 --condition healthy "$N-c"
}

@test "events tells of changes, in docker's form" {
	checked "$N" --health-retries 1
	well "$N"
	check "$N" 0
	unwell "$N"
	check "$N" 1 unhealthy
	local filter=(--since 1h --filter "container=$N")
	matches "$(cattach events "${filter[@]}" --filter 'event=health_status: healthy')" \
		".* container health_status: healthy $ID \(image=.*, name=$N\)"
	is "$(cattach events "${filter[@]}" --filter event=health_status --format '{{.Status}}' | xargs)" \
		"health_status: healthy health_status: unhealthy"
	is "$(cattach events "${filter[@]}" --filter 'event=health_status: unhealthy' --format json |
		python3 -c 'import json, sys; e = json.load(sys.stdin); print(e["Action"], e["status"], e["Actor"]["Attributes"]["name"])')" \
		"health_status: unhealthy health_status: unhealthy $N"
	refused 125 'unknown event "health_status: well"' \
		cattach events --filter 'event=health_status: well'
}

@test "a check runs as exec does: user, directory, environment, capabilities, no input" {
	start "$N" -u 12:34 -w /dev/shm -e A=b --cap-drop ALL --health-interval 1h \
		--health-cmd 'id -u; id -g; pwd; echo $A; grep CapBnd /proc/self/status; cat; echo err >&2' \
		"$R" sleep 1000
	check "$N" 0
	is "$(health "$N" '{{range .Log}}{{.Output}}{{end}}')" "$(cattach exec "$N" sh -c \
		'id -u; id -g; pwd; echo $A; grep CapBnd /proc/self/status; echo err')"
}

@test "of much output the beginning is kept, of any output text is made, and nobody waits" {
	start "$N" --health-interval 1h --health-cmd 'printf "\377\000x"; head -c 1000000 /dev/zero | tr "\0" y' \
		"$R" sleep 1000
	check "$N" 0
	cattach inspect "$N" | python3 -c '
import json, sys
out = json.load(sys.stdin)[0]["State"]["Health"]["Log"][0]["Output"]
assert out == "\ufffd\ufffdx" + "y" * (500 - 3 - 3 - 1), out
'
}

@test "a check that takes too long is killed with what it has started, and has failed" {
	start "$N" --health-interval 1h --health-timeout 200ms --health-retries 1 \
		--health-cmd 'sleep 2345 & echo begun; sleep 3456' --init "$R" sleep 1000
	check "$N" 1 unhealthy
	is "$(health "$N" '{{range .Log}}{{.ExitCode}} {{json .Output}}{{end}}')" \
		'-1 "Health check exceeded timeout (200ms): begun\n"'
	eventually bash -c "! cattach top $N -o args | grep -E 'sleep (2345|3456)'"
}

@test "a check that cannot be started has failed, and says why" {
	start "$N" --health-interval 1h --health-retries 1 --health-cmd '["/no/such", "x"]' "$R" sleep 1000
	check "$N" 1 unhealthy
	is "$(health "$N" '{{range .Log}}{{.ExitCode}}{{end}}')" 127
	has "$(health "$N" '{{range .Log}}{{.Output}}{{end}}')" /no/such
}

@test "what ends under a check was not checked" {
	start "$N" --health-interval 1h --health-cmd 'touch /dev/shm/begun; sleep 1000' "$R" sleep 1000
	cattach healthcheck run "$N" 2> "$T/err" &
	eventually cattach exec "$N" test -e /dev/shm/begun
	cattach kill "$N"
	local code=0
	wait "$!" || code=$?
	is "$code" 125
	has "$(cat "$T/err")" "container $N"
	is "$(health "$N" '{{.Status}} {{len .Log}}')" "starting 0"
}

@test "an end makes it starting again, and so does the next start" {
	checked "$N"
	well "$N"
	check "$N" 0
	cattach kill "$N"
	cattach wait "$N"
	is "$(health "$N" '{{.Status}} {{.FailingStreak}} {{len .Log}}')" "starting 0 1"
	matches "$(cattach ps -a --format '{{.Status}}')" "Exited .*"
	is "$(cattach ps -aqf health=healthy)" ""
	cattach start "$N"
	is "$(health "$N" '{{.Status}} {{.FailingStreak}} {{len .Log}}')" "starting 0 0"
}

@test "healthcheck refuses what has no check, does not run, or is no container" {
	start "$N" "$R" sleep 1000
	refused 125 "container $N has no health check (cattach update --health-cmd COMMAND $N)" \
		cattach healthcheck run "$N"
	cattach create --name "$N-c" --health-cmd true "$R" true > /dev/null
	STARTED+=("$N-c")
	refused 125 "container $N-c is not running" cattach healthcheck run "$N-c"
	refused 125 "no such container: $N-x" cattach healthcheck run "$N-x"
	refused 125 "healthcheck run needs a CONTAINER (usage: cattach healthcheck run CONTAINER)" \
		cattach healthcheck run
	refused 125 'unknown command "healthcheck walk"' cattach healthcheck walk "$N"
	cattach exec -d --session s "$N" sleep 1000 > /dev/null
	refused 125 "$N/s is a session" cattach healthcheck run "$N/s"
}

# ---- at intervals ------------------------------------------------------------------------------

# changes NAME ACTION...: what has been told about its health is exactly this.
changes()
{
	local name=$1
	shift
	is "$(happened "$name")" "$(printf 'health_status: %s\n' "$@" | xargs)"
}

# log_has NAME N: at least so many checks are on record.
log_has() { [ "$(health "$1" '{{len .Log}}')" -ge "$2" ]; }

@test "checks are made at intervals, and a container becomes unhealthy and healthy by them" {
	start "$N" --health-cmd 'test -e /dev/shm/ok' --health-interval 50ms --health-retries 2 \
		"$R" sleep 1000
	cattach wait --condition unhealthy "$N"
	well "$N"
	cattach wait --condition healthy "$N"
	unwell "$N"
	cattach wait --condition unhealthy "$N"
	changes "$N" unhealthy healthy unhealthy
	eventually log_has "$N" 5
}

@test "in the start period failures do not count, and checks come at the start interval" {
	start "$N" --health-cmd 'test -e /dev/shm/ok' --health-interval 1h --health-start-period 1h \
		--health-start-interval 50ms --health-retries 1 "$R" sleep 1000
	eventually log_has "$N" 3
	is "$(health "$N" '{{.Status}} {{.FailingStreak}}')" "starting 0"
	well "$N"
	cattach wait --condition healthy "$N"
	changes "$N" healthy
}

@test "a restart begins anew, and so does a container that was created first" {
	cattach create --name "$N" --health-cmd 'test -e /dev/shm/ok' --health-interval 50ms \
		--stop-timeout 0 "$R" sh -c 'touch /dev/shm/ok; sleep 1000' > /dev/null
	STARTED+=("$N")
	cattach start "$N"
	cattach wait --condition healthy "$N"
	cattach restart "$N"
	cattach wait --condition healthy "$N"
	changes "$N" healthy healthy
	is "$(cattach inspect -f '{{.RestartCount}}' "$N")" 0
}

@test "a container in the foreground ends as it would, and --rm keeps nothing" {
	local code=0
	cattach run --rm --name "$N" --health-cmd 'echo >> /dev/shm/checks' --health-interval 10ms \
		"$R" sh -c 'until [ "$(wc -l < /dev/shm/checks)" -gt 1 ]; do sleep 0.05; done 2> /dev/null
			echo out; exit 3' > "$T/out" || code=$?
	is "$code" 3
	is "$(cat "$T/out")" out
	changes "$N" healthy
	is "$(cattach ps -aqf "name=$N")" ""
}

@test "a check that hangs does not hold up the end, and does not survive it" {
	start "$N" --health-cmd 'echo $$ > /dev/shm/begun; exec sleep 1234' --health-interval 10ms \
		--stop-signal KILL "$R" sleep 1000
	eventually cattach exec "$N" test -s /dev/shm/begun
	is "$(cattach stop "$N")" "$N"
	is "$(state "$N" Status)" exited
	start "$N-h" --health-cmd 'touch /dev/shm/begun; exec sleep 2345' --health-interval 10ms \
		--pid host "$R" sleep 1000
	eventually cattach exec "$N-h" test -e /dev/shm/begun
	cattach kill "$N-h"
	is "$(cattach wait "$N-h")" 137
	eventually bash -c '! pgrep -u "$(id -u)" -f "^sleep 2345"'
}

# ---- what is done about it ---------------------------------------------------------------------

# frail NAME ACTION ARG...: a container that turns out unhealthy in its first run as soon as there is a file
# $T/shared/go, and in no later one.
frail()
{
	local name=$1 action=$2
	shift 2
	mkdir -p "$T/shared"
	chmod 777 "$T/shared"
	start "$name" --health-cmd 'test -e /dev/shm/second' --health-interval 50ms --health-retries 1 \
		--health-start-period 1h --health-start-interval 50ms --health-on-failure "$action" \
		-v "$T/shared:/mnt" "$@" "$R" sh -c 'trap "exit 7" TERM
			touch /dev/shm/second
			while [ ! -e /mnt/go ]; do sleep 0.05 & wait $!; done
			[ -e /mnt/first ] || { touch /mnt/first; rm /dev/shm/second; }
			while :; do sleep 1000 & wait $!; done'
	# before that failures would not count
	cattach wait --condition healthy "$name"
}

sick()
{
	frail "$@"
	touch "$T/shared/go"
}

@test "--health-on-failure kill is a crash: it stays down, or its restart policy brings it back" {
	sick "$N" kill
	is "$(cattach wait "$N")" 137
	is "$(state "$N" Status)" exited
	rm "$T/shared/first" "$T/shared/go"
	sick "$N-r" kill --restart on-failure
	eventually is_restarted "$N-r" 1
	cattach wait --condition healthy "$N-r"
	changes "$N-r" healthy unhealthy healthy
}

# is_restarted NAME N
is_restarted() { [ "$(cattach inspect -f '{{.RestartCount}} {{.State.Status}}' "$1")" = "$2 running" ]; }

@test "--health-on-failure stop stops it for good" {
	sick "$N" stop --restart always
	is "$(cattach wait "$N")" 7
	eventually [ "$(state "$N" Status)" = exited ]
	is "$(cattach inspect -f '{{.RestartCount}}' "$N")" 0
}

@test "what is to be done about a run is done to no other" {
	local pid
	frail "$N" stop --restart always
	flock "$STORE/containers/$ID" \
		sh -c "echo > $T/locked; while [ ! -e $T/unlock ]; do sleep 0.02; done" 3>&- &
	eventually test -e "$T/locked"
	pid=$(state "$N" Pid)
	touch "$T/shared/go"
	cattach wait --condition unhealthy "$N"
	kill -9 "$pid"
	eventually has_phase starting "$ID"
	touch "$T/unlock"
	eventually is_restarted "$N" 1
	cattach wait --condition healthy "$N"
	[ ! -e "$STORE/containers/$ID/stop-asked" ]
	is "$(state "$N" Status)" running
}

@test "--health-on-failure restart starts it again without a policy, and counts" {
	sick "$N" restart
	eventually is_restarted "$N" 1
	cattach wait --condition healthy "$N"
	changes "$N" healthy unhealthy healthy
	is "$(state "$N" ExitCode)" 0
	refused 125 'conflicting options: cannot specify both --health-on-failure restart and --rm' \
		cattach run --rm --health-cmd true --health-on-failure restart "$R" true
}

@test "who follows a container stays while it is restarted for its health" {
	mkdir -p "$T/shared"
	chmod 777 "$T/shared"
	STARTED+=("$N")
	local code=0
	cattach run --name "$N" --health-cmd 'test -e /mnt/second' --health-interval 50ms \
		--health-retries 1 --health-on-failure restart --stop-signal KILL -v "$T/shared:/mnt" "$R" \
		sh -c 'if [ -e /mnt/first ]; then touch /mnt/second; echo second; exit 3; fi
			touch /mnt/first; echo first; while :; do sleep 1000; done' \
		> "$T/out" 2> "$T/err" || code=$?
	is "$code" 3
	is "$(cat "$T/out")" $'first\nsecond'
	has "$(cat "$T/err")" "$N exited with 137"
	is "$(cattach inspect -f '{{.RestartCount}} {{.State.Status}}' "$N")" "1 exited"
}

@test "when the keeper is killed the container runs on, and its check goes" {
	start "$N" --health-cmd 'test ! -e /dev/shm/hang || { touch /dev/shm/begun; exec sleep 1234; }' \
		--health-interval 10ms "$R" sleep 1000
	cattach wait --condition healthy "$N"
	cattach exec "$N" touch /dev/shm/hang
	eventually cattach exec "$N" test -e /dev/shm/begun
	kill -9 "$(keeper "$N")"
	eventually bash -c "! cattach top $N -o args | grep 'sleep 1234'"
	is "$(state "$N" Status)" running
	cattach exec "$N" rm /dev/shm/hang
	check "$N" 0
}
