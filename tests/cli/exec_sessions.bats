#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# exec -d and --session: sessions of a container, what can be done to them by their names, what is
# refused, and that they go with their container and leave nothing. Terminals are in tests/pty.

load helpers

# A container that waits; /mnt is $T/shared.
container()
{
	mkdir -p "$T/shared"
	start "$N" -v "$T/shared:/mnt" "$@" "$R" sleep 1000
}

go() { touch "$T/shared/go"; }

# ended PID: there is none, or one that nobody has reaped yet.
ended() { [ ! -e "/proc/$1" ] || grep -q '^State:[[:space:]]*[ZX]' "/proc/$1/status"; }

# Of $N, the newest first.
sessions() { cattach exec ls --format '{{.Session}}' "$N"; }

no_sessions() { [ -z "$(sessions)" ]; }

is_state() { [ "$(state "$1" Status)" = "$2" ]; }

runtime() { printf '%s/cattach/%s' "$XDG_RUNTIME_DIR" "$1"; }

# ---- in the background -------------------------------------------------------------------------

@test "exec -d prints the id of a session, whose record, log and code are kept" {
	container
	local id
	id=$(cattach exec -d --session job "$N" sh -c 'echo out; echo err >&2; exit 7')
	matches "$id" '[0-9a-f]{64}'
	is "$(cattach wait "$N/job")" 7
	is "$(cattach logs "$N/job" 2> "$T/err")" out
	is "$(cat "$T/err")" err
	is "$(cattach inspect -f '{{.ID}} {{.ExitCode}}' "$N/job")" "$id 7"
	is "$(sessions)" job
}

@test "a session goes by its name, by its id and by the beginning of that" {
	container
	local id name
	id=$(cattach exec -d --session job "$N" sleep 1000)
	for name in "$N/job" "/$N/job" "$N/$id" "$N/${id:0:9}" "$ID/job" "${ID:0:12}/$id"; do
		is "$(cattach inspect -f '{{.Name}}' "$name")" "$N/job"
	done
	refused 125 "no such session: nope in container $N (known: job)" cattach logs "$N/nope"
	refused 125 "no such container: nope-$N" cattach logs "nope-$N/job"
	refused 125 'name of a session: must be 1...128 of a-z' cattach logs "$N/"
	refused 125 'name of a session: must be 1...128 of a-z' cattach logs "$N/a/b"
	[[ $stderr == *"(cattach exec ls $N lists them)" ]]
	refused 125 'name of a container: must be 1...128 of a-z' cattach logs "../$N"
	[[ $stderr == *"(cattach ps -a lists them)" ]]
}

@test "a session without a name gets one, and one that is taken is refused" {
	container
	cattach exec -d "$N" sleep 1000
	matches "$(sessions)" '[a-z]+_[a-z]+'
	cattach exec -d --session job "$N" sleep 1000
	refused 125 "name \"job\" is in use by a running session" cattach exec -d --session job "$N" true
	refused 125 "(cattach rm -f $N/job)" cattach exec --session job "$N" true
	refused 125 "--session: must be 1...128 of" cattach exec --session a/b "$N" true
	start "$N-2" "$R" sleep 1000
	cattach exec -d --session job "$N-2" sleep 1000
	cattach rm -f "$N/job"
	is "$(cattach exec ls -q "$N-2" | wc -l)" 1
}

@test "the options of exec hold in a session: environment, user, directory, capabilities" {
	container
	is "$(cattach exec --session s -e A=b -u 65534:65534 -w /tmp "$N" \
		sh -c 'echo $A $(id -u):$(id -g) $PWD; grep CapEff /proc/self/status' | tr -s '\t\n' '  ')" \
		"b 65534:65534 /tmp CapEff: 0000000000000000 "
	is "$(cattach exec --session s "$N" cat /proc/1/cmdline | tr '\0' ' ')" "sleep 1000 "
}

@test "a session has its own standard input: send puts something into it, and closes it" {
	container
	cattach exec -d -i --session cat "$N" sh -c 'cat; echo end'
	cattach send "$N/cat" hello
	cattach wait --for-output '^hello$' --timeout 10s "$N/cat"
	cattach send --eof "$N/cat"
	is "$(cattach wait "$N/cat")" 0
	is "$(cattach logs "$N/cat")" $'hello\nend'
	cattach exec -d --session none "$N" sleep 1000
	refused 125 'make it with -i: cattach exec -d -i' cattach send "$N/none" x
}

# ---- in the foreground -------------------------------------------------------------------------

@test "exec --session is followed: both streams, stdin, its code; then it is gone" {
	container
	local code=0
	printf 'in' | cattach exec -i --session fg "$N" sh -c 'cat; echo err >&2; exit 9' \
		> "$T/out" 2> "$T/err" || code=$?
	is "$code" 9
	is "$(cat "$T/out") $(cat "$T/err")" "in err"
	eventually no_sessions
	is "$(cattach exec --session big "$N" sh -c 'head -c 20000000 /dev/zero' | wc -c)" 20000000
}

@test "--rm=false keeps what was in the foreground, --rm removes what was not" {
	container
	cattach exec --rm=false --session kept "$N" echo kept
	is "$(sessions) $(cattach logs "$N/kept")" "kept kept"
	cattach exec rm "$N/kept"
	cattach exec -d --rm --session gone "$N" true
	eventually no_sessions
}

@test "126, 127 and 125 as in the fast path, and nothing is left of it" {
	container
	cattach exec --session s "$N" true
	eventually no_sessions
	refused 127 "nosuch" cattach exec --session s "$N" nosuch
	refused 126 "/etc" cattach exec -d "$N" /etc
	refused 125 "--workdir" cattach exec -d -w x "$N" true
	is "$(sessions)" ""
}

@test "a signal goes to the process of a session that is followed" {
	container
	cattach exec --session trap "$N" sh -c 'trap "exit 5" TERM; echo up; while :; do sleep 0.05; done' \
		> "$T/out" 3>&- &
	eventually grep -q up "$T/out"
	kill -TERM $!
	local code=0
	wait $! || code=$?
	is "$code" 5
}

@test "a session's time ends it whoever looks on, with code 124" {
	container
	local id code=0
	id=$(cattach exec -d --timeout 1s "$N" sleep 1000)
	is "$(cattach wait "$N/$id")" 124
	is "$(cattach inspect -f '{{.ExitCode}}' "$N/$id")" 124
	id=$(cattach exec -d --timeout 1s "$N" sh -c 'trap "echo told; exit 3" TERM; while :; do sleep 0.05; done')
	is "$(cattach wait "$N/$id")" 124
	is "$(cattach logs "$N/$id")" told
	run -124 cattach exec --session short --timeout 1s "$N" sleep 1000
	# In time is in time.
	run -4 cattach exec --session quick --timeout 100s "$N" sh -c 'exit 4'
}

@test "what contradicts itself is refused before anything starts" {
	container
	refused 125 "--on-client-exit: kill and --detach exclude each other" \
		cattach exec -d --on-client-exit kill "$N" true
	refused 125 "--tty: the input device is not a TTY" cattach exec -it "$N" true < /dev/null
	refused 125 "--detach-keys" cattach exec -d --detach-keys 'nonsense' "$N" true
	refused 125 "--lag: must be block or skip" cattach exec --session s --lag x "$N" true
}

# ---- verbs -------------------------------------------------------------------------------------

@test "ls, kill, wait, rm, attach and logs cannot be names of containers" {
	local name
	for name in ls kill wait rm attach logs; do
		refused 125 "--name: \"$name\" cannot be the name of a container: \"cattach exec $name\" is a command (choose another name)" \
			cattach create --name $name "$R" true
	done
	is "$(cattach run --rm --name list "$R" echo ok)" ok
}

@test "exec ls is a table, JSON or a template" {
	container
	local id
	id=$(cattach exec -d --session job -u 0 "$N" sleep 1000)
	matches "$(cattach exec ls "$N" | head -n 1)" 'SESSION +ID +COMMAND +CREATED +STATUS +USER *'
	matches "$(cattach exec ls --noheading "$N")" "job +${id:0:12} +\"sleep 1000\" .* ago +Up .* 0"
	is "$(cattach exec ls -q --no-trunc "$N")" "$id"
	is "$(cattach exec ls --format json "$N" | python3 -c \
		'import json, sys; r = json.load(sys.stdin); print(r["Container"], r["Session"], r["State"], r["TTY"])')" \
		"$N job running False"
	is "$(cattach exec ls --help | head -n 1)" "Usage: cattach exec ls [OPTIONS] CONTAINER"
	refused 125 'exec ls needs a CONTAINER' cattach exec ls
	refused 125 'exec ls takes no option before it' cattach exec -i ls "$N"
	refused 125 "is a session of a container, and cannot be listed" cattach exec ls "$N/job"
}

@test "-l and --cidfile name the container, so what follows is the command" {
	container
	has "$(cattach exec -l ls /)" bin
	echo "$ID" > "$T/cid"
	has "$(cattach exec --cidfile "$T/cid" ls /)" bin
}

@test "exec kill, wait and rm do it to one session, or to all of a container" {
	container
	local name
	for name in a b c; do
		cattach exec -d --session $name "$N" sleep 1000
	done
	is "$(cattach exec kill "$N/b")" "$N/b"
	is "$(cattach exec wait "$N/b")" 137
	is "$(cattach exec kill -s TERM "$N")" "$N/a"$'\n'"$N/c"
	is "$(cattach exec wait "$N" | sort | uniq -c | tr -s ' \n' ' ')" " 1 137 2 143 "
	is "$(cattach exec rm "$N" | wc -l)" 3
	is "$(sessions)" ""
	is "$(cattach exec kill "$N")$(cattach exec wait "$N")$(cattach exec rm "$N")" ""
	is "$(state "$N" Status)" running
	refused 125 'exec kill needs a CONTAINER[/SESSION]' cattach exec kill
}

@test "exec attach and logs want one session" {
	container
	cattach exec -d --session job "$N" echo text
	is "$(cattach exec wait "$N/job") $(cattach exec logs "$N/job")" "0 text"
	refused 125 "exec logs needs a CONTAINER/SESSION, not \"$N\" (cattach exec ls $N lists the sessions)" \
		cattach exec logs "$N"
	refused 125 'exec attach needs a CONTAINER/SESSION' cattach exec attach
	refused 125 "You cannot attach to a session that has ended: $N/job exited (0)" \
		cattach exec attach "$N/job"
}

@test "attach follows a session from its beginning, and has its code" {
	container
	cattach exec -d --session job "$N" sh -c 'echo first; while [ ! -e /mnt/go ]; do sleep 0.05; done; exit 4'
	cattach attach --replay "$N/job" > "$T/out" 3>&- &
	local client=$! code=0
	eventually grep -q first "$T/out"
	is "$(cattach clients -q "$N/job" | wc -l)" 1
	go
	wait $client || code=$?
	is "$code" 4
}

@test "logs -f follows a session to its end, -F waits for one that does not exist yet" {
	container
	cattach exec -d --session job "$N" sh -c 'echo one; while [ ! -e /mnt/go ]; do sleep 0.05; done; echo two'
	cattach logs -f "$N/job" > "$T/out" 3>&- &
	local follower=$! waiter
	eventually grep -q one "$T/out"
	cattach logs -F "$N/late" > "$T/late" 2> "$T/err" 3>&- &
	waiter=$!
	cattach logs -F "$N-2/first" > "$T/first" 2> "$T/err" 3>&- &
	local third=$!
	go
	wait $follower
	is "$(cat "$T/out")" $'one\ntwo'
	cattach exec -d --session late "$N" echo late
	eventually grep -q late "$T/late"
	start "$N-2" "$R" sleep 1000
	cattach exec -d --session first "$N-2" echo first
	eventually grep -q first "$T/first"
	kill $waiter $third
}

@test "stop ends a session, rm needs -f for one that runs" {
	container
	cattach exec -d --session a "$N" sleep 1000
	refused 125 "session $N/a is running; stop it first or use -f" cattach rm "$N/a"
	refused 125 "container $N is running; stop it first or use -f" cattach rm "$N"
	is "$(state "$N/a" Status)" running
	is "$(cattach stop -t 5 "$N/a")" "$N/a"
	is "$(cattach wait "$N/a")" 143
	is "$(cattach rm "$N/a")" "$N/a"
	cattach exec -d --session a "$N" sleep 1000
	is "$(cattach rm -f "$N/a")" "$N/a"
	is "$(sessions)" ""
}

@test "what is for containers is refused for sessions, with the way out" {
	container
	cattach exec -d --session job "$N" sleep 1000
	local out="(cattach exec $N COMMAND starts another)"
	refused 125 "$N/job is a session of a container, and cannot be started again $out" \
		cattach start "$N/job"
	refused 125 "cannot be started again $out" cattach restart "$N/job"
	refused 125 "cannot be entered $out" cattach exec "$N/job" true
	is "$(state "$N/job" Status)" running
}

@test "inspect and ps show sessions" {
	container
	is "$(cattach inspect -f '{{json .ExecIDs}}' "$N")" null
	local id
	id=$(cattach exec -d -i --session job -u nobody --detach-keys ctrl-a,b "$N" sleep 1000)
	cattach exec -d --session over "$N" sh -c 'exit 3'
	is "$(cattach wait "$N/over")" 3
	has "$(cattach inspect -f '{{json .ExecIDs}}' "$N")" "\"$id\""
	is "$(cattach inspect -f '{{.Running}} {{.ExitCode}} {{.ContainerID}} {{.OpenStdin}} {{.DetachKeys}}' \
		"$N/job")" "true <no value> $ID true ctrl-a,b"
	is "$(cattach inspect -f '{{json .ProcessConfig}}' "$N/job")" \
		'{"tty":false,"entrypoint":"sleep","arguments":["1000"],"privileged":false,"user":"nobody"}'
	is "$(cattach inspect -f '{{.Running}} {{.ExitCode}} {{.CanRemove}} {{.Pid}} {{.State.Status}}' \
		"$N/over")" "false 3 true 0 exited"
	is "$(cattach ps -q | wc -l)" 1
	is "$(cattach ps --sessions --format '{{.Names}}')" "$N"$'\n'"$N/job"
	is "$(cattach ps -a --sessions --format '{{.Names}}')" "$N"$'\n'"$N/over"$'\n'"$N/job"
}

# ---- whose end is whose ------------------------------------------------------------------------

@test "sessions end with their container, whose plain rm then works" {
	container
	cattach exec -d --session a "$N" sleep 1000
	cattach exec -d -t --session b "$N" sleep 1000
	cattach kill "$N"
	is "$(cattach wait "$N/a" "$N/b" "$N")" $'137\n137\n137'
	is "$(sessions | sort)" $'a\nb'
	cattach rm "$N"
	STARTED=()
}

@test "with the pid namespace of the host they end with it, too" {
	container --pid host
	cattach exec -d --session a "$N" sleep 1000
	local pid
	pid=$(state "$N/a" Pid)
	cattach kill "$N"
	is "$(cattach wait "$N/a")" 137
	ended "$pid"
}

@test "a session lives on without its client; --on-client-exit=kill ends it" {
	container
	local how
	for how in keep kill; do
		cattach exec --session job --on-client-exit $how "$N" sh -c 'echo up; exec sleep 1000' \
			> "$T/out" 3>&- &
		local client=$!
		eventually grep -q up "$T/out"
		kill -9 $client
		wait $client || true
		if [ $how = keep ]; then
			is "$(state "$N/job" Status)" running
			is "$(cattach logs "$N/job")" up
			cattach rm -f "$N/job"
		fi
		: > "$T/out"
	done
	eventually no_sessions
}

@test "a session whose monitor is killed ends, and can be removed" {
	container
	local id pid
	id=$(cattach exec -d --session job "$N" sleep 1000)
	pid=$(state "$N/job" Pid)
	kill -9 "$(state "$N/job" ConmonPid)"
	is "$(cattach wait "$N/job")" 255
	ended "$pid"
	is "$(state "$N" Status)" running
	cattach exec rm "$N/job"
	[ ! -e "$(runtime "$id")" ]
	cattach exec -d --session job "$N" sleep 1000
	kill -9 "$(state "$N/job" ConmonPid)"
}

@test "a monitor that is stopped keeps nobody from removing the container" {
	container
	cattach exec -d --session job "$N" sleep 1000
	kill -STOP "$(state "$N/job" ConmonPid)"
	cattach rm -f "$N"
	STARTED=()
}

@test "rm -f ends all sessions first, and no directory of theirs stays" {
	local i
	for i in 1 2 3 4 5; do
		container
		cattach exec -d "$N" sh -c 'trap "" TERM; sleep 1000'
		cattach exec -d -t "$N" sleep 1000
		cattach exec -d "$N" true
		cattach rm -f "$N"
		is "$(stored)" ""
	done
	STARTED=()
}

@test "a container with --rm goes with its sessions, thirty times" {
	local i
	mkdir "$T/shared"
	for ((i = 0; i < 30; i++)); do
		rm -f "$T/shared/go"
		start "$N" --rm -v "$T/shared:/mnt" "$R" sh -c 'while [ ! -e /mnt/go ]; do sleep 0.01; done'
		cattach exec -d "$N" sleep 1000
		cattach exec -d -t --rm "$N" sleep 1000
		cattach exec -d "$N" sh -c ': > /mnt/go'
		cattach wait "$N" > "$T/code" 2>&1 || true
		eventually nothing_is_stored
	done
	STARTED=()
}

nothing_is_stored() { [ -z "$(stored)" ]; }

@test "exec -d that races with the end of its container starts or says so, and leaves nothing" {
	local i code
	for ((i = 0; i < 20; i++)); do
		start "$N" --rm "$R" sleep 0.0$((i % 10))
		code=0
		cattach exec -d "$N" sleep 1000 > "$T/out" 2> "$T/err" || code=$?
		if [ $code -eq 0 ]; then
			matches "$(cat "$T/out")" '[0-9a-f]{64}'
		else
			is "$code" 125
			matches "$(cat "$T/err")" "cattach: (no such container: $N.*|container ($N|[0-9a-f]{12}) .*)"
		fi
		eventually nothing_is_stored
	done
	STARTED=()
}

@test "exec -d that races with rm -f starts or says so, and leaves nothing" {
	local i k code clients
	for ((i = 0; i < 15; i++)); do
		container
		clients=()
		: > "$T/err"
		for k in 1 2 3 4 5; do
			cattach exec -d "$N" sleep 1000 > "$T/out" 2>> "$T/err" 3>&- &
			clients+=($!)
		done
		sleep 0.0$((i % 10))
		cattach rm -f "$N"
		for k in "${clients[@]}"; do
			code=0
			wait "$k" || code=$?
			matches "$code" '0|125'
		done
		is "$(grep -vE "^cattach: (no such container: $N|container ($N|[0-9a-f]{12}) )" "$T/err")" ""
		eventually nothing_is_stored
	done
	STARTED=()
}

@test "sixty sessions at a time, each with its own log and code" {
	container
	local i clients=()
	for ((i = 0; i < 60; i++)); do
		cattach exec -d --session "s$i" "$N" sh -c "echo text$i; while [ ! -e /mnt/go ]; do sleep 0.2; done; exit $i" \
			> "$T/id$i" 3>&- &
		clients+=($!)
	done
	wait "${clients[@]}"
	is "$(cattach exec ls -q "$N" | wc -l)" 60
	is "$(cattach ps -q --sessions | wc -l)" 61
	go
	for ((i = 0; i < 60; i++)); do
		is "$(cattach wait "$N/s$i")" $i
		is "$(cattach logs "$N/s$i")" text$i
	done
	cattach exec rm "$N" > "$T/rm"
	is "$(sessions)" ""
}

@test "a client that is killed at once leaves a session that runs, or none" {
	local i dir
	container
	dir=$STORE/containers/$ID/exec
	for ((i = 0; i < 40; i++)); do
		timeout -s KILL "0.00$((i % 9 + 1))" cattach exec -d "$N" sleep 1000 > "$T/out" 2>&1 < /dev/null || true
	done
	# those whose maker is gone are left to their monitors, or to who looks
	eventually bash -c "cattach exec ls --format '{{.State}}' $N | { ! grep -v running; }"
	is "$(cattach exec ls -q "$N" | grep -c .)" "$(ls "$dir" | grep -c .)"
	is "$(ls "$dir-names" | grep -c .)" "$(ls "$dir" | grep -c .)"
}
