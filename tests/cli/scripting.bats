#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# What docs/scripting.md promises scripts: one stream of events, exit codes, json, ids and nothing
# else, and an output that is the same whoever reads it.

load helpers

LOOP='trap "exit 3" TERM; echo up; while :; do sleep 0.1; done'

# code WANTED COMMAND...: its exit code; output goes to a file.
code()
{
	local wanted=$1 got=0
	shift
	timeout 20 "$@" > "$T/code.out" 2> "$T/code.err" < /dev/null || got=$?
	[ "$got" -eq "$wanted" ] && return 0
	echo "exit code $got, not $wanted: $*"
	cat "$T/code.out" "$T/code.err"
	return 1
}

clients() { [ "$(cattach clients -q "$N" | wc -l)" -eq "$1" ]; }

@test "one stream tells a script what each command has done" {
	local follower name
	cattach events -f --format json > "$T/stream" 3>&- &
	follower=$!
	# it follows when it has seen the first
	eventually sh -c "cattach prune > /dev/null; grep -q prune '$T/stream'"
	: > "$T/wanted"
	# does ACTION... -- COMMAND...: these it tells of, with the name that the container has then
	name=$N
	does()
	{
		while [ "$1" != -- ]; do
			echo "$1 $name" >> "$T/wanted"
			shift
		done
		shift
		"$@" > /dev/null
	}
	STARTED+=("$N" "$N-new")
	does create -- cattach create --name "$N" "$R" sh -c "$LOOP"
	does start -- cattach start "$N"
	cattach wait --for-output up "$N"
	does exec_create exec_start exec_died -- cattach exec "$N" true
	does exec_create exec_start -- cattach exec -d --session s "$N" sh -c 'read x'
	does attach -- true
	cattach attach --no-stdin "$N" > /dev/null 2>&1 3>&- &
	eventually clients 1
	does detach -- cattach detach "$N"
	wait $! || true
	does kill -- cattach kill -s HUP "$N"
	name=$N-new
	does rename -- cattach rename "$N" "$N-new"
	does kill died stop start restart -- cattach restart "$N-new"
	cattach wait --for-output up "$N-new"
	does kill died stop -- cattach stop "$N-new"
	does start -- cattach start "$N-new"
	does kill died remove -- cattach rm -f "$N-new"
	name=$N-run
	does create attach start died remove -- cattach run --rm --name "$N-run" "$R" true
	name=$N-gone
	does create start died -- cattach run -d --name "$N-gone" "$R" true
	cattach wait "$N-gone" > /dev/null
	does remove -- cattach prune --containers
	# reading changes nothing, and is not told
	cattach ps -a > /dev/null
	cattach info > /dev/null
	eventually grep -q '"Action":"remove".*-gone' "$T/stream"
	kill "$follower"
	wait "$follower" || true
	# The session's process dies with the container, in no order with that.
	python3 - "$T/stream" "$T/wanted" <<-'END'
		import json, sys
		rows = [json.loads(line) for line in open(sys.argv[1])]
		told = [f"{r['Action']} {r['Name']}" for r in rows if r["Action"] != "prune"]
		session = [t for t in told if t.startswith("exec_died")]
		wanted = open(sys.argv[2]).read().split("\n")[:-1]
		assert len(session) == 2, session
		told = [t for t in told if not t.startswith("exec_died")]
		wanted = [w for w in wanted if not w.startswith("exec_died")]
		assert told == wanted, f"\ntold:   {told}\nwanted: {wanted}"
		times = [r["timeNano"] for r in rows]
		assert times == sorted(times), "out of order"
	END
}

@test "exit codes" {
	code 125 cattach
	code 125 cattach no-such-command
	code 125 cattach ps --no-such-option
	code 125 cattach ps operand
	for verb in start attach logs send clients detach diff inspect port stop restart kill pause unpause \
		wait rm top; do
		code 125 cattach $verb "$N-none"
	done
	code 0 cattach rm -f "$N-none"
	code 0 cattach rm --ignore "$N-none"
	code 0 cattach wait --ignore "$N-none"
	code 7 cattach run --rm "$R" sh -c 'exit 7'
	code 127 cattach run --rm "$R" no-such-program
	code 126 cattach run --rm "$R" /etc/passwd
	code 125 cattach run --rm "$T/no-such-rootfs" true
	start "$N" "$R" sh -c "$LOOP"
	cattach wait --for-output up "$N"
	code 0 cattach start "$N"
	code 125 cattach run --name "$N" "$R" true
	code 125 cattach rm "$N"
	code 9 cattach exec "$N" sh -c 'exit 9'
	code 127 cattach exec "$N" no-such-program
	code 126 cattach exec "$N" /etc/passwd
	code 137 cattach exec "$N" sh -c 'kill -9 $$'
	code 124 cattach exec --timeout 100ms "$N" sleep 100
	code 124 cattach wait --timeout 50ms "$N"
	code 124 cattach wait --for-output never --timeout 50ms "$N"
	code 0 cattach stop "$N"
	code 0 cattach stop "$N"
	code 0 cattach wait "$N"
	is "$(cat "$T/code.out")" 3
	code 1 cattach wait --for-output never "$N"
	code 125 cattach kill "$N"
	code 125 cattach exec "$N" true
	code 125 cattach attach "$N"
	rm "$T/code.out"
	code 3 cattach start -a "$N" &
	eventually grep -q up "$T/code.out"
	cattach stop "$N"
	wait $!
	# one of several fails: the others are done
	code 125 cattach rm "$N-none" "$N"
	is "$(cat "$T/code.out")" "$N"
	STARTED=()
}

@test "a reader that has enough ends a command as SIGPIPE would, a full disk as an error" {
	run -125 --separate-stderr sh -c 'cattach version > /dev/full'
	has "$stderr" "No space left on device"
	is "$( (cattach info; echo $? > "$T/status") | true; cat "$T/status")" 141
}

@test "followers end by signals with 128 + N" {
	local signal
	start "$N" "$R" sh -c "$LOOP"
	cattach wait --for-output up "$N"
	for signal in INT:130 TERM:143; do
		for command in "events -f" "logs -f $N" "wait $N" "stats --no-reset"; do
			# shellcheck disable=SC2086 # words
			env --default-signal cattach $command > "$T/out" 2>&1 3>&- < /dev/null &
			# it has its own handlers, or none, once it sleeps
			eventually grep -q '^State:.S' "/proc/$!/status"
			kill -s "${signal%:*}" $!
			wait $! || is "$? $command" "${signal#*:} $command"
		done
	done
}

@test "json is json, an object a line or one document, for every command that has it" {
	start "$N" --label a=b "$R" sh -c "echo one; echo two >&2; $LOOP"
	cattach wait --for-output up "$N"
	cattach exec -d --session s "$N" sleep 100 > /dev/null
	cattach attach --no-stdin "$N" > /dev/null 2>&1 3>&- &
	eventually clients 1
	for command in "ps -a" "ps --sessions" "exec ls $N" "clients $N" "inspect $N" "events --since 10m" \
		"stats --no-stream" "logs $N" "info" "version"; do
		# shellcheck disable=SC2086 # words
		cattach $command --format json > "$T/json" 2> "$T/err"
		python3 - "$T/json" "$command" <<-'END'
			import json, sys
			text = open(sys.argv[1]).read()
			assert text.endswith("\n"), sys.argv[2]
			try:
			    rows = [json.loads(text)]
			except ValueError:
			    rows = [json.loads(line) for line in text.splitlines()]
			assert rows and all(isinstance(r, (dict, list)) and r for r in rows), sys.argv[2]
		END
	done
	cattach detach "$N"
	wait $! || true
}

@test "templates name podman's members of ps, too" {
	local row='{{.Pid}} {{.Exited}} {{.ExitCode}} {{.ExitedAt}} {{.CIDFile}}'
	start "$N" --cidfile "$T/cid" "$R" sh -c "$LOOP"
	cattach wait --for-output up "$N"
	is "$(cattach ps --format "$row")" "$(state "$N" Pid) false 0 0 $T/cid"
	matches "$(cattach ps --format '{{.StartedAt}} {{.Created}}')" "[0-9]{10} .* ago"
	cattach stop "$N"
	matches "$(cattach ps -a --format "$row")" "0 true 3 [0-9]{10} $T/cid"
	has "$(cattach ps -a --format 'table {{.Pid}}\t{{.ExitCode}}')" "EXIT CODE"
}

@test "-q is ids and nothing else" {
	is "$(cattach ps -aq)" ""
	STARTED+=("$N")
	matches "$(cattach run -q -d --tmpfs /tmp --name "$N" "$R" sh -c "$LOOP")" "[0-9a-f]{64}"
	matches "$(cattach ps -q)" "[0-9a-f]{12}"
	matches "$(cattach ps -q --no-trunc)" "[0-9a-f]{64}"
	cattach exec -d "$N" sleep 100 > /dev/null
	matches "$(cattach exec ls -q "$N")" "[0-9a-f]{12}"
	is "$(cattach clients -q "$N")" ""
	is "$(cattach cp -q /etc/passwd "$N:/tmp/copy" 2>&1)" ""
}

@test "with no terminal nothing asks, nothing moves and nothing is coloured" {
	local command
	start "$N" --tmpfs /tmp "$R" sh -c "echo plain; $LOOP"
	cattach wait --for-output up "$N"
	head -c 3000000 /dev/zero > "$T/large"
	export TERM=xterm-256color CLICOLOR_FORCE=1 FORCE_COLOR=1
	for command in "ps -a" "info" "version" "help" "inspect $N" "logs $N" "top $N" "clients $N" \
		"stats --no-stream" "events --since 10m" "exec $N echo x" "exec ls $N" "wait --for-output up $N" \
		"run --rm $R echo x" "cp $T/large $N:/tmp/large" "cp $N:/etc/passwd $T/" "logs $N $N" \
		"spec -o -" "port $N" "stop $N" "start $N" "restart $N" "rm $N-none" "ps --nope" \
		"stop $N" "prune --containers"; do
		# shellcheck disable=SC2086 # words
		timeout 20 cattach $command < /dev/null > "$T/out" 2> "$T/err" || true
		if grep -qP '[\x1b\x07\x08\r]|\[y/N\]' "$T/out" "$T/err"; then
			echo "not plain: $command"
			cat -v "$T/out" "$T/err"
			return 1
		fi
	done
	# it has not asked, it has done it
	is "$(cattach ps -aq)" ""
	STARTED=()
}
