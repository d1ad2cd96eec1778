#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# --restart: each policy, who may end it, what others see of it, and what a keeper or a command that
# is killed leaves.

load helpers
load keepers

# policy NAME
policy() { cattach inspect -f '{{with .HostConfig.RestartPolicy}}{{.Name}} {{.MaximumRetryCount}}{{end}}' "$1"; }

# actions NAME: what the record of events says, in one line.
actions()
{
	cattach events --since 1h --until 0s --filter "container=$1" --format '{{.Action}}' |
		tr '\n' ' '
}

# waiting NAME ARG...: a container that fails, and whose keeper waits more than a second for its next run.
waiting()
{
	local name=$1
	shift
	start "$name" --restart always "$@" "$R" sh -c '[ ! -e /mnt/stay ] || exec sleep 1000; exit 5'
	eventually has_count "$name" 5
	eventually in_state "$name" restarting
}

@test "what is no policy is refused in docker's words" {
	refused 125 "--restart: invalid restart policy: unknown policy 'never'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'" \
		cattach run --restart never "$R" true
	refused 125 "invalid restart policy format: maximum retry count must be an integer" \
		cattach create --restart on-failure:x "$R" true
	refused 125 "conflicting options: cannot specify both --restart and --rm" \
		cattach run --rm --restart always "$R" true
	refused 125 "conflicting options: cannot specify both --restart and --tie" \
		cattach run --tie --restart always "$R" true
	run -3 cattach run --rm --restart no "$R" sh -c 'exit 3'
}

@test "on-failure:2 is started twice more, and the code is the last one" {
	start "$N" --restart on-failure:2 "$R" sh -c 'echo run; exit 3'
	is "$(policy "$N")" "on-failure 2"
	run -0 cattach wait "$N"
	is "$output" 3
	is "$(count "$N")" 2
	is "$(state "$N" Status) $(state "$N" ExitCode)" "exited 3"
	is "$(cattach logs "$N")" $'run\nrun\nrun'
	is "$(actions "$N")" "create start died start died start died "
	eventually no_keeper "$N"
}

@test "on-failure leaves alone what ends well" {
	start "$N" --restart on-failure "$R" true
	run -0 cattach wait "$N"
	is "$output" 0
	is "$(count "$N") $(state "$N" Status)" "0 exited"
	eventually no_keeper "$N"
}

@test "without a policy, and with no, there is no keeper" {
	start "$N" "$R" sleep 1000
	is "$(policy "$N")" "no 0"
	start "$N-2" --restart no "$R" sleep 1000
	is "$(policy "$N-2")" "no 0"
	no_keeper "$N"
	no_keeper "$N-2"
}

@test "always starts again what ends well, until it is stopped, and a start begins anew" {
	start "$N" --restart always "$R" true
	eventually has_count "$N" 2
	cattach stop "$N"
	is "$(state "$N" Status)" exited
	eventually no_keeper "$N"
	is "$(state "$N" Status)" exited
	cattach start "$N"
	eventually has_count "$N" 1
}

@test "a container that waits for its next run is restarting, and says so everywhere" {
	waiting "$N"
	is "$(state "$N" Running) $(state "$N" Restarting) $(state "$N" Pid) $(state "$N" ExitCode)" "true true 0 5"
	has "$(cattach ps --filter "name=^$N\$" --format '{{.State}} {{.Status}}')" "restarting Restarting (5) "
	is "$(cattach ps -q --no-trunc --filter status=restarting --filter "name=^$N\$")" "$ID"
	run -125 cattach attach "$N"
	has "$output" "You cannot attach to a restarting container, wait until it is running"
	run -125 cattach exec "$N" true
	has "$output" "container $N is restarting, wait until the container is running"
	run -125 cattach pause "$N"
	has "$output" "container $N is restarting, wait until the container is running"
	run -125 cattach rm "$N"
	has "$output" "container $N is restarting; stop it first or use -f"
	run -0 cattach start "$N"
	is "$output" "$N"
	run -124 cattach wait --timeout 0 "$N"
	run -0 cattach wait --condition stopped --condition created --condition running "$N"
	cattach rename "$N" "$N-new"
	STARTED+=("$N-new")
	has "$(cattach logs "$N-new" 2>&1; echo end)" end
	cattach rm -f "$N-new"
	STARTED=()
}

@test "stop and kill end the wait at once" {
	waiting "$N"
	cattach stop "$N"
	is "$(state "$N" Status) $(state "$N" Restarting)" "exited false"
	eventually no_keeper "$N"
	waiting "$N-2"
	cattach kill "$N-2"
	is "$(state "$N-2" Status)" exited
	eventually no_keeper "$N-2"
	run -125 cattach kill "$N-2"
	run -0 cattach wait "$N" "$N-2"
	is "$output" $'5\n5'
}

@test "what is killed by us stays that way, what is killed by others does not" {
	local pid
	start "$N" --restart always "$R" sleep 1000
	pid=$(state "$N" Pid)
	kill -9 "$pid"
	eventually has_count "$N" 1
	eventually in_state "$N" running
	cattach kill "$N"
	run -0 cattach wait "$N"
	is "$output" 137
	is "$(state "$N" Status) $(count "$N")" "exited 1"
	eventually no_keeper "$N"
}

@test "a signal that does not ask it to end does not end the policy" {
	start "$N" --restart on-failure "$R" sh -c 'trap "exit 4" USR1; echo ready; while :; do sleep 0.02; done'
	cattach wait --for-output ready "$N"
	cattach kill -s USR1 "$N"
	eventually has_count "$N" 1
	eventually in_state "$N" running
}

@test "a monitor that is killed counts as a failure" {
	start "$N" --restart on-failure "$R" sleep 1000
	kill -9 "$(state "$N" ConmonPid)"
	eventually has_count "$N" 1
	eventually in_state "$N" running
}

@test "restart makes a new keeper and counts from nothing" {
	start "$N" --restart always "$R" sleep 1000
	kill -9 "$(state "$N" Pid)"
	eventually has_count "$N" 1
	eventually in_state "$N" running
	cattach restart -t 0 "$N"
	is "$(count "$N") $(state "$N" Status)" "0 running"
	keeper "$N"
}

@test "a keeper that is killed changes nothing for what runs, and the next start makes a new one" {
	local pid
	start "$N" --restart always "$R" sleep 1000
	pid=$(state "$N" Pid)
	kill -9 "$(keeper "$N")"
	eventually no_keeper "$N"
	is "$(state "$N" Status) $(state "$N" Pid)" "running $pid"
	kill -9 "$pid"
	run -0 cattach wait "$N"
	is "$(state "$N" Status) $(state "$N" Restarting)" "exited false"
	cattach start "$N"
	kill -9 "$(state "$N" Pid)"
	eventually has_count "$N" 1
}

@test "a keeper that is killed while it waits leaves an exited container" {
	waiting "$N"
	kill -9 "$(keeper "$N")"
	run -0 cattach wait "$N"
	is "$output" 5
	is "$(state "$N" Status)" exited
}

# held_up NAME ARG...: its keeper has begun to start it again, and cannot before there is a file $T/go. In
# $keeper is its pid.
held_up()
{
	waiting "$@"
	keeper=$(keeper "$1")
	flock "$STORE/containers/$ID" \
		sh -c "echo > $T/locked; while [ ! -e $T/go ]; do sleep 0.02; done" 3>&- &
	eventually test -e "$T/locked"
	eventually has_phase starting "$ID"
}

@test "a keeper that is killed while it starts the container leaves an exited container" {
	local keeper before
	held_up "$N"
	before=$(state "$N" StartedAt)
	kill -9 "$keeper"
	touch "$T/go"
	# the child that was about to start it, too
	eventually no_keeper "$N"
	is "$(state "$N" Status) $(state "$N" StartedAt)" "exited $before"
}

# is_locked DIR: somebody is at it.
is_locked() { ! flock -n "$1" true; }

@test "update that finds a keeper about to go waits for its end, and makes another" {
	local keeper updater record
	start "$N" --restart always "$R" sleep 1000
	keeper=$(keeper "$N")
	kill -STOP "$keeper"
	record=$STORE/containers/$ID/keeper
	sed 's/"watching"/"ended"/; s/$/   /' "$record" > "$T/record"
	cp "$T/record" "$record"
	cattach update --restart on-failure "$N" > "$T/out" 3>&- &
	updater=$!
	eventually is_locked "$STORE/containers/$ID"
	kill -9 "$keeper"
	wait "$updater"
	kill -9 "$(state "$N" Pid)"
	eventually has_count "$N" 1
	eventually in_state "$N" running
}

@test "update to no and back at once leaves a keeper" {
	local i
	start "$N" --restart always "$R" sleep 1000
	for ((i = 0; i < 5; i++)); do
		cattach update --restart no "$N"
		cattach update --restart always "$N"
	done > "$T/out"
	keeper "$N"
	kill -9 "$(state "$N" Pid)"
	eventually has_count "$N" 1
}

@test "update to no while it is being started again ends the keeper, and not the run" {
	local keeper
	mkdir "$T/shared"
	held_up "$N" -v "$T/shared:/mnt"
	touch "$T/shared/stay"
	kill -STOP "$keeper"
	touch "$T/go"
	eventually in_state "$N" running
	cattach update --restart no "$N"
	kill -CONT "$keeper"
	eventually no_keeper "$N"
	is "$(state "$N" Status)" running
}

# ends_by NAME SIGNAL: by itself, while its keeper is stopped and cannot see that. Its pid is in $keeper.
ends_by()
{
	cattach wait --for-output ready "$1"
	keeper=$(keeper "$1")
	kill -STOP "$keeper"
	cattach kill -s "$2" "$1"
	eventually bash -c "! cattach top $1"
}

# USR1 ends it well, USR2 badly.
WELL_OR_BADLY='trap "exit 0" USR1; trap "exit 4" USR2; echo ready; while :; do sleep 1000 & wait $!; done'

@test "what is not going to be started again is exited as soon as it has ended, for every verb" {
	local keeper starter
	start "$N" --restart on-failure "$R" sh -c "$WELL_OR_BADLY"
	ends_by "$N" USR1
	run -0 cattach wait "$N"
	is "$output" 0
	is "$(state "$N" Status) $(state "$N" Restarting)" "exited false"
	is "$(cattach ps -aq --no-trunc --filter status=exited --filter "name=^$N\$")" "$ID"
	cattach start "$N" > "$T/out" 3>&- &
	starter=$!
	eventually is_locked "$STORE/containers/$ID"
	kill -CONT "$keeper"
	wait "$starter"
	is "$(state "$N" Status)" running
	ends_by "$N" USR1
	kill -CONT "$keeper"
	cattach rm "$N"
	STARTED=()
}

@test "what is going to be started again is restarting before its keeper knows of the end" {
	local keeper
	start "$N" --restart on-failure:1 "$R" sh -c "$WELL_OR_BADLY"
	ends_by "$N" USR2
	eventually in_state "$N" restarting
	run -124 cattach wait --timeout 0 "$N"
	run -125 cattach rm "$N"
	has "$output" "container $N is restarting; stop it first or use -f"
	run -0 cattach start "$N"
	kill -CONT "$keeper"
	eventually has_count "$N" 1
	eventually in_state "$N" running
	# That was the only one.
	ends_by "$N" USR2
	run -0 cattach wait "$N"
	is "$output $(state "$N" Status)" "4 exited"
	kill -CONT "$keeper"
}

@test "update gives a running container a policy, changes it and takes it away" {
	start "$N" "$R" sleep 1000
	cattach update --restart always "$N"
	is "$(policy "$N")" "always 0"
	kill -9 "$(state "$N" Pid)"
	eventually has_count "$N" 1
	eventually in_state "$N" running
	cattach update --restart no "$N"
	is "$(policy "$N")" "no 0"
	eventually no_keeper "$N"
	cattach update --restart on-failure:1 "$N"
	kill -9 "$(state "$N" Pid)"
	eventually has_count "$N" 1
	eventually in_state "$N" running
	kill -9 "$(state "$N" Pid)"
	run -0 cattach wait "$N"
	is "$(count "$N")" 1
	run -125 cattach update --restart sometimes "$N"
	has "$output" "unknown policy 'sometimes'"
	is "$(policy "$N")" "on-failure 1"
}

@test "update to no ends the wait for the next run" {
	waiting "$N"
	cattach update --restart no "$N"
	run -0 cattach wait "$N"
	is "$output" 5
	is "$(state "$N" Status)" exited
}

@test "a restart that fails is on record, counts, and is tried again" {
	rootfs "$T/root"
	printf '#!/bin/sh\nexit 3\n' > "$T/root/bin/job"
	chmod 755 "$T/root/bin/job"
	start "$N" --restart on-failure:3 "$T/root" /bin/job
	mv "$T/root/bin/job" "$T/root/bin/away"
	run -0 cattach wait "$N"
	is "$(count "$N") $(state "$N" Status)" "3 exited"
	has "$(state "$N" Error)" "/bin/job"
}

@test "a first start that fails leaves neither keeper nor container" {
	run -127 cattach run -d --name "$N" --restart always "$R" nonesuch
	[ -z "$(pgrep -xf "cattach: keeper of $N")" ]
	nothing_left
}

@test "the command may be killed as soon as it likes" {
	local i
	STARTED+=("$N")
	cattach create --name "$N" --restart always "$R" sleep 1000
	for i in 0 0.001 0.002 0.003 0.005 0.008; do
		timeout -s KILL "$i" cattach start "$N" || true
		cattach stop -t 0 "$N"
		eventually no_keeper "$N"
		is "$(state "$N" Restarting)" false
	done
	cattach start "$N"
	keeper "$N"
	cattach stop -t 0 "$N"
}

@test "filters by policy, and by what is to be started with the machine" {
	local policy
	for policy in no always unless-stopped on-failure:2; do
		STARTED+=("$N-${policy%:*}")
		cattach create --name "$N-${policy%:*}" --restart "$policy" "$R" sleep 1000 > /dev/null
	done
	is "$(cattach ps -a --filter restart-policy=on-failure --format '{{.Names}}')" "$N-on-failure"
	is "$(cattach ps -a --filter restart-policy=no --format '{{.Names}}')" "$N-no"
	is "$(cattach start --filter should-start-on-boot=true | sort)" "$N-always"$'\n'"$N-unless-stopped"
	cattach stop -t 0 "$N-always" "$N-unless-stopped" > /dev/null
	is "$(cattach start --all --filter should-start-on-boot=1)" "$N-always"
	refused 125 '--filter: ' cattach ps --filter restart-policy=sometimes
	refused 125 '--filter: ' cattach ps --filter should-start-on-boot=maybe
	refused 125 "--log-driver passthrough: who starts it again has not the stdout and stderr of who started it (leave out --restart, or choose another log driver)" \
		cattach create --restart always --log-driver passthrough "$R" true
	run -0 --separate-stderr cattach generate systemd "$N-always"
	has "$stderr" "warning: $N-always has --restart always, and would be started again twice: cattach update --restart no $N-always"
}
