#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# How the health of a container is checked, changed while it runs and while it does not.

load helpers
load keepers

# health NAME TEMPLATE: of .State.Health
health() { cattach inspect -f "{{with .State.Health}}$2{{end}}" "$1"; }

# log_has NAME N: at least so many checks are on record.
log_has() { [ "$(health "$1" '{{len .Log}}')" -ge "$2" ]; }

@test "a container that nothing checks gets a check, another one, and none, while it runs" {
	start "$N" "$R" sleep 1000
	no_keeper "$N"
	cattach update --health-cmd 'test -e /dev/shm/ok' --health-interval 20ms --health-retries 1 "$N"
	keeper "$N"
	cattach wait --condition unhealthy "$N"
	cattach exec "$N" touch /dev/shm/ok
	cattach wait --condition healthy "$N"
	# What the old command has said is no answer of the new one.
	cattach update --health-cmd 'echo new; test -e /dev/shm/new' --health-interval 1h "$N"
	is "$(health "$N" '{{.Status}} {{.FailingStreak}} {{len .Log}}')" "starting 0 0"
	matches "$(cattach ps --format '{{.Status}}')" "Up .* \(health: starting\)"
	run -1 cattach healthcheck run "$N"
	is "$(health "$N" '{{range .Log}}{{.Output}}{{end}}')" new
	# The rest stays.
	is "$(cattach inspect -f '{{.Config.Healthcheck.Retries}} {{.Config.Healthcheck.Timeout}}' "$N")" \
		"1 30000000000"
	cattach update --health-interval 20ms "$N"
	eventually log_has "$N" 3
	cattach update --no-healthcheck "$N"
	eventually no_keeper "$N"
	is "$(cattach inspect -f '{{json .Config.Healthcheck.Test}} {{json .State.Health}}' "$N")" \
		'["NONE"] null'
	matches "$(cattach ps --format '{{.Status}}')" 'Up [^(]*'
	is "$(state "$N" Status)" running
}

@test "a check that is under way ends with an update, and what it says does not count" {
	start "$N" --health-cmd 'touch /dev/shm/begun; exec sleep 1234' --health-interval 10ms \
		"$R" sleep 1000
	eventually cattach exec "$N" test -e /dev/shm/begun
	cattach update --health-timeout 1h --health-interval 1h "$N"
	eventually bash -c "! cattach top $N -o args | grep 'sleep 1234'"
	is "$(health "$N" '{{.Status}} {{len .Log}}')" "starting 0"
	cattach update --health-interval 10ms "$N"
	eventually bash -c "cattach top $N -o args | grep 'sleep 1234'"
	cattach update --no-healthcheck "$N"
	eventually no_keeper "$N"
	eventually bash -c "! cattach top $N -o args | grep 'sleep 1234'"
	is "$(state "$N" Status)" running
}

@test "a check by hand that an update overtakes says so, and is not recorded" {
	local code=0
	start "$N" --health-cmd 'touch /dev/shm/begun; while [ ! -e /dev/shm/go ]; do sleep 0.02; done' \
		--health-interval 1h "$R" sleep 1000
	cattach healthcheck run "$N" 2> "$T/err" 3>&- &
	eventually cattach exec "$N" test -e /dev/shm/begun
	cattach update --health-cmd true "$N"
	cattach exec "$N" touch /dev/shm/go
	wait "$!" || code=$?
	is "$code" 125
	is "$(cat "$T/err")" "cattach: the health check of container $N has just been changed"
	is "$(health "$N" '{{.Status}} {{len .Log}}')" "starting 0"
}

@test "what is done about an unhealthy container can be changed, and takes it as it is" {
	chmod 777 "$T"
	start "$N" --health-cmd 'test -e /dev/shm/ok' --health-interval 20ms --health-retries 1 \
		--stop-signal KILL -v "$T:/mnt" "$R" \
		sh -c '[ -e /mnt/second ] && touch /dev/shm/ok; touch /mnt/second; exec sleep 1000'
	cattach wait --condition unhealthy "$N"
	cattach update --health-on-failure restart "$N"
	cattach wait --condition healthy "$N"
	is "$(count "$N") $(state "$N" Status)" "1 running"
	# A policy and a check have one keeper, which stays for either.
	cattach update --restart always --no-healthcheck "$N"
	keeper "$N"
	cattach update --restart no --health-cmd true "$N"
	keeper "$N"
	cattach update --no-healthcheck "$N"
	eventually no_keeper "$N"
}

@test "what does not run has it from its next start on" {
	cattach create --name "$N" "$R" sleep 1000 > /dev/null
	STARTED+=("$N")
	cattach update --health-cmd true --health-interval 20ms "$N"
	no_keeper "$N"
	is "$(health "$N" '{{.Status}}')" starting
	cattach start "$N"
	cattach wait --condition healthy "$N"
	cattach kill "$N"
	cattach wait "$N"
	cattach update --no-healthcheck "$N"
	cattach start "$N"
	no_keeper "$N"
	is "$(cattach inspect -f '{{json .State.Health}}' "$N")" null
}

@test "who waits for health hears that nobody checks it any more" {
	local code=0
	start "$N" --health-cmd false --health-interval 1h "$R" sleep 1000
	cattach wait --condition healthy "$N" > "$T/out" 2> "$T/err" 3>&- &
	eventually grep -q poll "/proc/$!/wchan"
	cattach update --no-healthcheck "$N"
	wait "$!" || code=$?
	is "$code" 1
	is "$(cat "$T/out" "$T/err")" "cattach: --condition: container $N is not checked any more, and has not come to that (cattach update --health-cmd COMMAND $N)"
}

@test "what cannot be is refused as by run, and nothing changes" {
	start "$N" --rm "$R" sleep 1000
	refused 125 '--health-retries: there is no command that could be run (--health-cmd COMMAND)' \
		cattach update --health-retries 2 "$N"
	refused 125 '--no-healthcheck conflicts with --health-* options' \
		cattach update --no-healthcheck --health-cmd true "$N"
	refused 125 '--health-cmd: there is no command that could be run (--no-healthcheck takes the check away)' \
		cattach update --health-cmd '' "$N"
	refused 125 '--health-interval: Interval in Healthcheck cannot be less than 1ms' \
		cattach update --health-cmd true --health-interval 999us "$N"
	refused 125 '--health-on-failure: must be none, kill, restart or stop, not "panic"' \
		cattach update --health-cmd true --health-on-failure panic "$N"
	refused 125 'conflicting options: cannot specify both --health-on-failure restart and --rm' \
		cattach update --health-cmd true --health-on-failure restart "$N"
	is "$(cattach inspect -f '{{json .Config.Healthcheck}}' "$N")" null
	no_keeper "$N"
}
