#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# cattach create, start and restart: states, exit codes, what is kept from one run to the next, and
# what a failed or refused start leaves behind.

load helpers

# create NAME ARG...: teardown() removes the container.
create()
{
	local name=$1
	shift
	STARTED+=("$name")
	ID=$(cattach create --name "$name" "$@")
}

@test "create prints the id, and the container is created" {
	create "$N" "$R" true
	matches "$ID" '[0-9a-f]{64}'
	is "$(state "$N" Status)" created
	is "$(state "$N" Running)" false
	is "$(state "$N" Pid)" 0
	is "$(cattach ps -a --filter "name=^$N\$" --format '{{.ID}} {{.State}} {{.Status}}')" \
		"${ID:0:12} created Created"
	is "$(cattach ps --filter "name=^$N\$" -q)" ""
}

@test "create refuses what run refuses before it starts anything" {
	refused 125 "no such directory" cattach create /nonexistent true
	refused 125 "unknown option --detach" cattach create --detach "$R" true
	refused 125 "unknown option --sig-proxy" cattach create --sig-proxy "$R" true
	refused 125 "unknown option --detach-keys" cattach create --detach-keys a "$R" true
	refused 125 'invalid argument "bogus" for "-a, --attach" flag: valid streams are STDIN, STDOUT and STDERR' \
		cattach create -a bogus "$R" true
	refused 125 "create needs a BUNDLE or ROOTFS" cattach create
}

@test "create writes the id file, once" {
	create "$N" --cidfile "$T/cid" "$R" true
	is "$(cat "$T/cid")" "$ID"
	refused 125 "--cidfile" cattach create --cidfile "$T/cid" "$R" true
}

@test "a name is taken also by a container that has not run" {
	create "$N" "$R" true
	refused 125 "name \"$N\" is in use" cattach create --name "$N" "$R" true
}

@test "a created container can be removed, stopped and waited for, but not killed" {
	create "$N" "$R" true
	run -0 cattach wait "$N"
	is "$output" 0
	run -0 cattach stop "$N"
	run -125 cattach kill "$N"
	has "$output" "is not running (created)"
	is "$(state "$N" Status)" created
	run -0 cattach rm "$N"
	STARTED=()
}

@test "start prints the name and starts" {
	create "$N" "$R" sleep 1000
	run -0 --separate-stderr cattach start "$N"
	is "$output" "$N"
	is "$stderr" ""
	is "$(state "$N" Status)" running
}

@test "starting what runs is no error and changes nothing" {
	local pid
	create "$N" "$R" sleep 1000
	cattach start "$N"
	pid=$(state "$N" Pid)
	run -0 cattach start "$N"
	is "$output" "$N"
	is "$(state "$N" Pid)" "$pid"
}

@test "several are started, and one that is missing does not keep the others" {
	create "$N-a" "$R" sleep 1000
	create "$N-b" "$R" sleep 1000
	run -125 --separate-stderr cattach start "$N-a" "$N-none" "$N-b"
	is "$output" "$N-a
$N-b"
	has "$stderr" "no such container: $N-none"
	is "$(state "$N-a" Status) $(state "$N-b" Status)" "running running"
}

@test "several cannot be followed at once" {
	create "$N-a" "$R" true
	create "$N-b" "$R" true
	refused 125 "you cannot start and attach multiple containers at once" \
		cattach start -a "$N-a" "$N-b"
	is "$(state "$N-a" Status) $(state "$N-b" Status)" "created created"
}

@test "start -a has the output, both streams, and the exit code" {
	create "$N" "$R" sh -c 'echo out; echo err >&2; exit 7'
	run -7 --separate-stderr cattach start -a "$N"
	is "$output" out
	is "$stderr" err
	is "$(state "$N" ExitCode)" 7
}

@test "start -ai gives stdin and its end" {
	create "$N" -i "$R" sh -c 'cat; echo end'
	run -0 bash -c "printf 'one\ntwo\n' | cattach start -ai $N"
	is "$output" "one
two
end"
}

@test "start -a without -i leaves stdin alone" {
	create "$N" -i "$R" sh -c 'echo hello'
	run -0 bash -c "printf 'one\ntwo\n' | { cattach start -a $N; cat; }"
	is "$output" "hello
one
two"
}

@test "the exit codes of a start that is not possible are those of run, and it stays created" {
	create "$N-127" "$R" nosuch
	create "$N-126" "$R" /etc/passwd
	run -127 --separate-stderr cattach start "$N-127"
	is "$output" ""
	has "$stderr" "nosuch: not found"
	run -126 cattach start -a "$N-126"
	has "$output" "permission denied"
	is "$(state "$N-127" Status) $(state "$N-126" Status)" "created created"
	run -127 cattach start -a "$N-127"
}

@test "a failed start of a container that has run leaves its exit code" {
	rootfs "$T/root"
	create "$N" "$T/root" /bin/tool
	printf '#!/bin/sh\nexit 5\n' > "$T/root/bin/tool"
	chmod +x "$T/root/bin/tool"
	run -5 cattach start -a "$N"
	rm "$T/root/bin/tool"
	run -127 cattach start "$N"
	is "$(state "$N" Status) $(state "$N" ExitCode)" "exited 5"
	cattach wait "$N" > "$T/code"
	is "$(cat "$T/code")" 5
}

@test "a container runs again and again, with what it was made with" {
	create "$N" -e COLOUR=red -w /tmp --hostname box -u 0 "$R" \
		sh -c 'echo "$COLOUR $(pwd) $(hostname) $$"; exit 3'
	for _ in 1 2 3; do
		run -3 cattach start -a "$N"
		is "$output" "red /tmp box 1"
	done
}

@test "what run made runs again, with its id as host name" {
	local id
	run -4 cattach run --name "$N" "$R" sh -c 'hostname; echo $HOSTNAME; exit 4'
	STARTED+=("$N")
	id=$(cattach inspect -f '{{.Id}}' "$N")
	is "$output" "${id:0:12}
${id:0:12}"
	run -4 cattach start -a "$N"
	is "$output" "${id:0:12}
${id:0:12}"
}

@test "the system call filter is there in the second run, too" {
	run -0 cattach run --name "$N" "$R" sh -c 'grep ^Seccomp: /proc/self/status'
	STARTED+=("$N")
	local first=$output
	run -0 cattach start -a "$N"
	is "$output" "$first"
	has "$output" 2
}

@test "a changed configuration that is wrong is refused with its place" {
	create "$N" "$R" true
	sed -i 's/"cwd":.*/"cwd": 5,/' "$STORE/containers/$ID/config.json"
	run -125 cattach start "$N"
	matches "$output" "cattach: $N: config.json:[0-9]+:[0-9]+: process.cwd.*"
	is "$(state "$N" Status)" created
}

@test "the log goes on over runs, and start -a shows only the one that is on" {
	local round
	mkdir "$T/shared"
	create "$N" -v "$T/shared:/mnt" "$R" sh -c 'echo x >> /mnt/runs; wc -l < /mnt/runs'
	for round in 1 2 3; do
		run -0 cattach start -a "$N"
		is "$output" "$round"
	done
	run -0 cattach logs "$N"
	is "$output" "1
2
3"
}

@test "a container with --rm is gone after its run" {
	cattach create --rm --name "$N" "$R" sh -c 'exit 6'
	run -6 cattach start -a "$N"
	eventually bash -c "! cattach inspect $N"
}

@test "the pid file is written at each start" {
	create "$N" --pidfile "$T/pid" "$R" sleep 1000
	[ ! -e "$T/pid" ]
	cattach start "$N"
	is "$(cat "$T/pid")" "$(state "$N" Pid)"
}

@test "several who start the same one: it runs once" {
	local -a pids
	mkdir "$T/shared"
	create "$N" -v "$T/shared:/mnt" "$R" sh -c 'echo started >> /mnt/x; sleep 1000'
	for _ in 1 2 3 4; do
		cattach start "$N" > /dev/null 2>> "$T/errors" 3>&- &
		pids+=($!)
	done
	wait "${pids[@]}"
	is "$(cat "$T/errors")" ""
	eventually test -s "$T/shared/x"
	is "$(cat "$T/shared/x")" started
}

@test "a start that was killed leaves a container that can be started" {
	local i
	create "$N" "$R" sleep 1000
	for i in 1 2 3 4 5 6 7 8; do
		cattach start "$N" > /dev/null 2>&1 3>&- &
		sleep "0.00$i"
		kill -9 $! 2> /dev/null || true
		wait $! 2> /dev/null || true
		eventually bash -c "[[ \$(cattach inspect -f '{{.State.Status}}' $N) =~ created|running ]]"
	done
	run -0 cattach start "$N"
	is "$(state "$N" Status)" running
}

has_socket() { readlink /proc/"$1"/fd/* 2> /dev/null | grep -q '^socket:'; }

@test "start -a starts what ends before it can be followed" {
	local monitor payload client
	create "$N" -v "$T:/mnt" "$R" sh -c 'echo up; [ -e /mnt/second ] || exec sleep 1000'
	cattach start "$N"
	monitor=$(state "$N" ConmonPid)
	payload=$(state "$N" Pid)
	# It runs and does not answer, so whoever comes now has found it running when it ends.
	kill -STOP "$monitor"
	cattach start -a "$N" > "$T/out" 2>&1 3>&- &
	client=$!
	eventually has_socket $client
	: > "$T/second"
	kill -9 "$payload"
	eventually grep -q '^State:.Z' "/proc/$payload/status"
	kill -9 "$monitor"
	wait $client || { cat "$T/out"; false; }
	is "$(cat "$T/out")" up
}

@test "start -l starts the newest" {
	create "$N-old" "$R" sleep 1000
	sleep 0.01
	create "$N-new" "$R" sleep 1000
	run -0 cattach start -l
	is "$(state "$N-old" Status) $(state "$N-new" Status)" "created running"
	refused 125 "exclude each other" cattach start -l "$N-old"
	refused 125 "start needs a CONTAINER, or --latest" cattach start
}

@test "start -a of what runs follows it" {
	start "$N" "$R" sleep 1000
	cattach start -a "$N" > "$T/out" 3>&- &
	local code=0 cli=$!
	eventually bash -c "cattach clients $N | grep -qw $cli"
	cattach kill "$N"
	wait $cli || code=$?
	is "$code" 137
}

@test "restart stops and starts" {
	local pid
	start "$N" "$R" sleep 1000
	pid=$(state "$N" Pid)
	run -0 cattach restart -t 0 "$N"
	is "$output" "$N"
	is "$(state "$N" Status)" running
	[ "$(state "$N" Pid)" != "$pid" ]
	cattach stop -t 0 "$N"
	run -0 cattach restart "$N"
	is "$(state "$N" Status)" running
	refused 125 "--timeout" cattach restart -t x "$N"
}

@test "who follows with start -a what runs already is in nobody's way" {
	start "$N" -i "$R" cat
	STARTED+=("$N-new")
	cattach start -a "$N" > "$T/out" 2>&1 3>&- &
	local cli=$! code=0
	eventually sh -c "cattach clients -q $N | grep -q ."
	run -0 timeout 60 cattach rename "$N" "$N-new"
	is "$output" ""
	run -0 timeout 60 cattach start "$N-new"
	is "$output" "$N-new"
	cattach rm -f "$N-new" > /dev/null
	wait $cli || code=$?
	is "$code $(cat "$T/out")" "137 "
	STARTED=()
}

@test "restarts of one container at a time all have it restarted" {
	local i k clients
	start "$N" "$R" sleep 1000
	for i in 1 2 3; do
		clients=()
		for k in 1 2 3 4; do
			cattach restart -t 0 "$N" > "$T/out$k" 2>&1 3>&- &
			clients+=($!)
		done
		for k in 1 2 3 4; do
			wait "${clients[k - 1]}" || grep -q "cannot be stopped (being created)" "$T/out$k" ||
				{ cat "$T/out$k"; return 1; }
		done
		is "$(state "$N" Status)" running
	done
}

@test "one that is about to be started is not removed meanwhile, and one that has been is refused" {
	create "$N" "$R" sh -c 'exec sleep 1000'
	cattach start "$N" > /dev/null
	cattach stop -t 0 "$N" > /dev/null
	local dir=$STORE/containers/$ID
	# Another start, as far as it holds the lock; then it has a monitor.
	flock "$dir" sh -c "echo > $T/locked; while [ ! -e $T/go ]; do sleep 0.02; done; [ -e $dir/lock ] && echo > $T/kept" 3>&- &
	eventually [ -e "$T/locked" ]
	timeout 30 cattach rm "$N" > "$T/out" 2>&1 3>&- &
	local rm=$!
	sleep 0.3
	echo > "$T/go"
	wait $rm
	[ -e "$T/kept" ]
	is "$(cattach ps -aq --filter "name=^$N\$")" ""
}

@test "whoever starts what is going says so and leaves it alone" {
	create "$N" "$R" true
	cattach start -a "$N"
	local dir=$STORE/containers/$ID
	rm "$dir/lock"
	refused 125 "container $N cannot be started: its file \"lock\" has been removed (cattach rm -f $N)" \
		cattach start "$N"
	is "$(state "$N" Status)" exited
	# Half of it was gone, and then all of it.
	flock "$dir" sh -c "echo > $T/locked; while [ ! -e $T/go ]; do sleep 0.02; done" 3>&- &
	local holder=$! start code=0
	eventually [ -e "$T/locked" ]
	cattach start "$N" > "$T/out" 2>&1 3>&- &
	start=$!
	eventually sh -c "ls -l /proc/$start/fd | grep -q ' $dir\$'"
	echo > "$T/go"
	wait $holder
	sleep 0.1
	rm -r "$dir"
	wait $start || code=$?
	is "$code $(grep -v warning "$T/out")" "125 cattach: container $N has been removed meanwhile"
	rm "$STORE/names/$N"
	STARTED=()
}

@test "start of several: what fails is named, and the others are started" {
	STARTED+=("$N-1" "$N-2")
	cattach create --name "$N-1" "$R" /nope > "$T/out"
	cattach create --name "$N-2" "$R" sleep 1000 > "$T/out"
	run -127 --separate-stderr cattach start "$N-1" "$N-2"
	is "$output" "$N-2"
	is "$stderr" "cattach: $N-1: /nope: not found in the container"
	run -127 --separate-stderr cattach start --all
	is "$stderr" "cattach: $N-1: /nope: not found in the container"
	run -125 --separate-stderr cattach start "$N-2" nobody
	is "$stderr" "cattach: no such container: nobody (known: $N-1, $N-2)"
}

@test "start --filter: those that do not run and match" {
	local i
	for i in 1 2 3; do
		STARTED+=("$N-$i")
		cattach create --name "$N-$i" --label "group=$((i / 2))" "$R" sleep 1000 > /dev/null
	done
	is "$(cattach start --all --filter label=group=1 | sort)" "$N-2"$'\n'"$N-3"
	is "$(state "$N-1" Status)" created
	is "$(cattach start -f label=group=1)" ""
	is "$(cattach start --filter label=group=0)" "$N-1"
	refused 125 "start takes --filter or containers, not both" cattach start -f label=x "$N-1"
	refused 125 "--filter and --attach exclude each other" cattach start -f label=x -a
	refused 125 "--sdnotify: a service has one main process" \
		cattach start --filter label=x --sdnotify monitor
}
