#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# What goes wrong around a container while somebody looks on: monitors and commands that are killed,
# records that are damaged, newer or somebody else's, removals from under those who follow, and
# descendants that hold the output open. Every command says what is known, none hangs.

load helpers

monitor() { state "$N" ConmonPid; }

is_state() { [ "$(state "$N" Status)" = "$1" ]; }

record() { printf '%s/containers/%s/%s' "$STORE" "$ID" "$1"; }

# aside FILE COMMAND...: in the background, both streams to files.
aside()
{
	local file=$1
	shift
	timeout 40 "$@" > "$file" 2> "$file.err" < /dev/null 3>&- &
	CLI=$!
}

ends()
{
	local code=0
	wait "$1" || code=$?
	is "$code" "$2"
}

# Nothing of this test runs any more; what looks is not marked itself.
alone()
{
	ulimit -S -q "$mark_before"
	no_process_left || return 1
	ulimit -S -q "$mark"
}

# ---- the end comes from outside ----------------------------------------------------------------

@test "rm -f under those who follow: attach gets the code, logs and wait their end" {
	start "$N" "$R" sh -c 'echo up; sleep 1000'
	aside "$T/attach" cattach attach --replay "$N"
	local attach=$CLI
	aside "$T/logs" cattach logs -f "$N"
	local logs=$CLI
	aside "$T/output" cattach wait --for-output never "$N"
	local output=$CLI
	aside "$T/wait" cattach wait "$N"
	local wait=$CLI
	eventually grep -q up "$T/attach"
	eventually grep -q up "$T/logs"
	sleep 0.1
	cattach rm -f "$N"
	STARTED=()
	ends "$attach" 137
	ends "$logs" 0
	ends "$output" 1
	ends "$wait" 0
	is "$(cat "$T/attach" "$T/logs" "$T/output" "$T/wait")" "up
up
137"
	is "$(cat "$T/attach.err" "$T/logs.err" "$T/output.err" "$T/wait.err")" ""
}

@test "the monitor is killed under those who follow: each says so, once, and ends" {
	start "$N" "$R" sh -c 'echo up; sleep 1000'
	aside "$T/attach" cattach attach --replay "$N"
	local attach=$CLI
	aside "$T/logs" cattach logs -f "$N"
	local logs=$CLI
	aside "$T/output" cattach wait --for-output never "$N"
	local output=$CLI
	eventually grep -q up "$T/attach"
	eventually grep -q up "$T/logs"
	sleep 0.1
	kill -9 "$(monitor)"
	ends "$attach" 255
	ends "$logs" 0
	ends "$output" 1
	is "$(cat "$T/attach" "$T/logs")" "up
up"
	is "$(cat "$T/attach.err")" \
		"cattach: $N: the container's monitor was killed: how the container ended is unknown"
	is "$(cat "$T/logs.err")" "cattach: $N: its monitor was killed: the log ends here"
	is "$(cat "$T/output.err")" "cattach: $N: its monitor was killed: the log ends here"
}

@test "a killed command, a killed monitor, at any moment: the truth is told and nothing stays" {
	local i
	# More rounds: CT_ROUNDS=100.
	for ((i = 0; i < ${CT_ROUNDS:-10}; i++)); do
		cattach run --name "$N" "$R" sh -c 'sleep 100 & seq 1 1000; sleep 100' \
			> /dev/null 2>&1 3>&- &
		sleep "0.0$((RANDOM % 50 + 10))"
		kill -9 $!
		wait $! 2> /dev/null || true
		matches "$(timeout 20 cattach ps -a --filter "name=^$N\$" --format '{{.State}}')" \
			'running|damaged|creating|'
		timeout 20 cattach rm -f "$N" > /dev/null
		# What was cut short before it had its name has only an id.
		cattach ps -aq --no-trunc | xargs -r timeout 20 cattach rm -f > /dev/null
		nothing_left
		alone

		cattach run -d --name "$N" "$R" sh -c 'sleep 100 & seq 1 100000; sleep 100' > /dev/null
		ID=$(cattach inspect -f '{{.Id}} {{.State.ConmonPid}}' "$N")
		sleep "0.0$((RANDOM % 50 + 10))"
		kill -9 "${ID#* }"
		eventually is_state exited
		is "$(timeout 20 cattach wait "$N")" 255
		timeout 20 cattach rm -f "$N" > /dev/null
		nothing_left
		alone
	done
}

@test "a client of a container that is stopped while another does not read: stop does not wait" {
	local client
	start "$N" "$R" sh -c 'while :; do echo a line that takes some room; done'
	aside "$T/out" cattach attach "$N"
	eventually test -s "$T/out"
	# The command itself: timeout is only its parent.
	client=$(cattach clients --format '{{.PID}}' "$N" | grep .)
	kill -STOP "$client"
	run -0 timeout 20 cattach stop -t 0 "$N"
	is "$(state "$N" ExitCode)" 137
	run -0 timeout 20 cattach rm "$N"
	STARTED=()
	kill -CONT "$client"
	ends "$CLI" 137
}

@test "descendants that hold the output open: what they write soon is there, and nothing hangs" {
	run -3 --separate-stderr timeout 30 cattach run --rm --pid host "$R" \
		sh -c '(sleep 0.3; echo late) & echo now; exit 3'
	is "$output" "now
late"
	run -3 --separate-stderr timeout 30 cattach run --rm --pid host "$R" \
		sh -c 'sleep 1000 & echo $!; exit 3'
	kill "$output"
	is "$stderr" ""
}

# ---- records ------------------------------------------------------------------------------------

@test "a damaged status is said by every command, with the way out, and the log can be read" {
	start "$N" -i "$R" sh -c 'echo up; exec sleep 1000'
	cattach wait --for-output up "$N"
	: > "$(record status)"
	is "$(cattach ps -a --filter "name=^$N\$" --format '{{.State}} {{.Status}}')" "damaged Damaged"
	is "$(cattach ps -aq --filter status=damaged)" "${ID:0:12}"
	is "$(state "$N" Status): $(state "$N" Error)" "damaged: status is damaged (empty file)"
	refused 125 "You cannot attach to a damaged container: $N (damaged: status is damaged (empty file)) (cattach rm -f $N)" \
		cattach attach "$N"
	refused 125 "container $N is not running (damaged) (cattach rm -f $N)" cattach send "$N" x
	refused 125 "container $N is not running (damaged) (cattach rm -f $N)" cattach clients "$N"
	refused 125 "container $N is not running (damaged) (cattach rm -f $N)" cattach detach --all "$N"
	local why="(damaged: status is damaged (empty file)) (cattach rm -f $N)"
	refused 125 "cannot wait for container $N $why" timeout 20 cattach wait "$N"
	refused 125 "container $N cannot be started $why" cattach start "$N"
	refused 125 "container $N cannot be stopped $why" cattach stop "$N"
	refused 125 "container $N is running; stop it first or use -f" cattach rm "$N"
	is "$(cattach logs "$N")" up
	run -0 cattach rm -f "$N"
	STARTED=()
	alone
}

@test "a record that is half, of another form, closed or newer is damaged, and only that one" {
	local what
	start "$N" "$R" sleep 1000
	for what in half form closed newer; do
		ID=$(cattach create --name "$N-$what" "$R" true)
		STARTED+=("$N-$what")
		case $what in
		half) truncate -s 50 "$(record meta.json)" ;;
		form) echo '[]' > "$(record meta.json)" ;;
		closed) chmod 0 "$(record meta.json)" ;;
		newer) sed -i 's/"version": *1,/"version": 99,/' "$(record meta.json)" ;;
		esac
		refused 125 "You cannot attach to a damaged container: $N-$what (damaged: meta.json" \
			cattach attach "$N-$what"
		has "$stderr" "(cattach rm -f $N-$what)"
		refused 125 "container $N-$what cannot be started (damaged: meta.json" \
			cattach start "$N-$what"
	done
	has "$stderr" "written by a newer cattach: format 99, this one knows 1"
	is "$(cattach ps -a --filter status=damaged -q | wc -l)" 4
	is "$(cattach ps --noheading --format '{{.Names}}')" "$N"
	is "$(state "$N" Status)" running
}

@test "what else lies in the store is passed over" {
	start "$N" "$R" sleep 1000
	touch "$STORE/containers/file" "$STORE/names/file"
	mkdir "$STORE/containers/dir" "$(record dir)"
	ln -s /nonexistent "$STORE/containers/link"
	ln -s nowhere "$STORE/names/dangling"
	ln -s "${ID//[0-9a-f]/0}" "$STORE/names/removed"
	python3 -c "import os, socket; os.chdir('$STORE/containers'); socket.socket(socket.AF_UNIX).bind('socket')"
	is "$(cattach ps -a --noheading --format '{{.Names}}')" "$N"
	refused 125 "no such container: dangling (known: $N)" cattach attach dangling
	refused 125 "no such container: removed (known: $N)" cattach attach removed
	refused 125 "no such container: file (known: $N)" cattach attach file
	cattach rm -f "$N"
	STARTED=()
	rm "$STORE/containers"/{file,link,socket} "$STORE/names"/{file,dangling,removed}
	rmdir "$STORE/containers/dir"
}

@test "the store is removed under a running container: its monitor ends with the payload" {
	local monitor payload
	mkdir "$T/shared"
	start "$N" -v "$T/shared:/mnt" "$R" \
		sh -c 'while [ ! -e /mnt/go ]; do sleep 0.02; done; seq 1 100000; touch /mnt/done; exit 3'
	monitor=$(monitor)
	payload=$(state "$N" Pid)
	mv "$STORE" "$T/moved"
	rm -r "$T/moved"
	is "$(cattach ps -aq)" ""
	kill -0 "$payload"
	touch "$T/shared/go"
	eventually test -e "$T/shared/done"
	STARTED=()
	alone
	eventually bash -c "! grep -s '^State:[[:space:]][^ZX]' /proc/$monitor/status"
	is "$(ls "$XDG_RUNTIME_DIR/cattach")" ""
}

@test "a log that ends in half a frame: a killed monitor's is shown up to there, and told of once" {
	start "$N" "$R" sh -c 'echo whole; sleep 1000'
	cattach wait --for-output whole "$N"
	kill -9 "$(monitor)"
	eventually is_state exited
	# A header that promises 64 bytes, and three of them.
	printf '\001\000\000\000\000\000\000\100abc' >> "$(record main/log.0)"
	run -0 --separate-stderr cattach logs "$N"
	is "$output" whole
	is "${#stderr_lines[@]}" 1
	matches "$stderr" "cattach: $N: the log ends in the middle of a record"
	# The next run goes on behind it.
	cattach start "$N"
	cattach wait --for-output whole "$N"
	run -0 --separate-stderr cattach logs "$N"
	is "$output" "whole
whole"
}

@test "one that has ended and waits for a client that does not read: it can be sent away" {
	STARTED+=("$N")
	cattach run --log-opt max-size=256k --log-opt max-file=2 --name "$N" -i "$R" \
		sh -c 'read go; yes line | head -c 8000000; sleep 1000' > "$T/out" 2> "$T/err" < /dev/zero 3>&- &
	CLI=$!
	eventually is_state running
	kill -STOP $CLI
	cattach send "$N" go
	eventually sh -c "[ \"\$(cattach clients --format '{{.Behind}}' $N)\" -gt 200000 ]"
	cattach kill "$N"
	eventually is_state exited
	is "$(cattach clients --format '{{.Mode}}' "$N")" rw,block
	cattach detach --all "$N"
	cattach start "$N"
	cattach stop -t 0 "$N"
	kill -CONT $CLI
	# Sent away, or told of the end, whichever it sees first.
	local code=0
	wait $CLI || code=$?
	matches "$code" '0|137'
}

# ---- locks --------------------------------------------------------------------------------------

@test "a start that was stopped halfway is named to who waits for it" {
	cattach create --name "$N" "$R" sleep 1000 > /dev/null
	STARTED+=("$N")
	ID=$(cattach inspect -f '{{.Id}}' "$N")
	# What a start holds that hangs: the lock on the container's directory.
	flock "$STORE/containers/$ID" sh -c "echo > $T/locked; while [ ! -e $T/go ]; do sleep 0.02; done" \
		3>&- &
	local holder=$!
	eventually test -e "$T/locked"
	aside "$T/out" cattach start "$N"
	eventually grep -q . "$T/out.err"
	matches "$(cat "$T/out.err")" \
		"cattach: warning: waiting for the lock of container $N, held by pid $holder \(.*\)"
	touch "$T/go"
	ends "$CLI" 0
	is "$(cat "$T/out")" "$N"
	is "$(wc -l < "$T/out.err")" 1
}

# ---- monitors that do not answer, or cannot be reached -----------------------------------------

@test "a monitor that was stopped: what it has written is shown, the rest is refused in words" {
	start "$N" -i "$R" sh -c 'echo up; cat'
	cattach wait --for-output up "$N"
	local monitor
	monitor=$(monitor)
	kill -STOP "$monitor"
	local silent="the container's monitor does not answer (was it stopped? kill -CONT the process \"cattach: monitor of ...\")"
	aside "$T/attach" cattach attach "$N"
	local attach=$CLI
	aside "$T/send" cattach send "$N" x
	local send=$CLI
	aside "$T/clients" cattach clients "$N"
	local clients=$CLI
	aside "$T/follow" cattach logs -f "$N"
	local follow=$CLI
	aside "$T/logs" cattach logs "$N"
	ends "$CLI" 0
	ends "$attach" 125
	ends "$send" 125
	ends "$clients" 125
	ends "$follow" 125
	is "$(cat "$T/logs")" up
	is "$(cat "$T/logs.err")" \
		"cattach: warning: $N: the container's monitor does not answer: what it has put on disk is shown"
	is "$(cat "$T/attach.err")" "cattach: $silent"
	is "$(cat "$T/send.err")" "cattach: $silent"
	is "$(cat "$T/clients.err")" "cattach: $silent"
	is "$(cat "$T/follow.err")" "cattach: $N: $silent"
	is "$(state "$N" Status)" running
	# It goes on as if nothing had been, and they have left nothing behind in it.
	kill -CONT "$monitor"
	eventually is "$(cattach clients -q "$N")" ""
	cattach send "$N" again
	cattach wait --for-output '^again$' "$N"
	kill -STOP "$monitor"
	run -0 timeout 40 cattach rm -f "$N"
	STARTED=()
	alone
}

@test "a monitor without a socket is told from one that is gone" {
	start "$N" -i "$R" sh -c 'echo up; cat'
	cattach wait --for-output up "$N"
	local dir=$XDG_RUNTIME_DIR/cattach/$ID
	local text="container $N is running, but its monitor (pid $(monitor)) has no socket (is its runtime directory on a full or read-only file system?)"
	rm "$dir/attach"
	chmod 500 "$dir"
	refused 125 "$text" cattach attach "$N"
	refused 125 "$text" cattach detach --all "$N"
	run -0 --separate-stderr cattach logs "$N"
	is "$output" up
	has "$stderr" "has no socket: what it has put on disk is shown"
	chmod 700 "$dir"
	cattach send "$N" back
	cattach wait --for-output '^back$' "$N"
}

@test "a log that was removed is said to be gone, and the next run begins a new one" {
	start "$N" "$R" echo hello
	cattach wait "$N"
	rm -r "$(record main)"
	refused 125 "container $N has no log any more" cattach logs "$N"
	refused 125 "container $N has no log any more" cattach logs -f "$N"
	run -0 cattach start -a "$N"
	is "$output" hello
	is "$(cattach logs "$N")" hello
}

@test "a container of another machine is shown and never touched" {
	cattach create --name "$N" "$R" true > "$T/id"
	ID=$(cat "$T/id")
	local there=other/0123456789abcdef0123456789abcdef
	local before
	before=$(cat "$(record meta.json)")
	sed -i "s,\"host\": \"[^\"]*\",\"host\": \"$there\"," "$(record meta.json)"
	is "$(state "$N" Status)" foreign
	refused 125 "You cannot attach to a container of another machine: $N (attach to it on $there)" \
		cattach attach "$N"
	refused 125 "container $N cannot be started (made on $there) (start it there)" cattach start "$N"
	refused 125 "cannot wait for container $N (made on $there)" cattach wait "$N"
	refused 125 "cannot wait for container $N (made on $there)" cattach wait --for-output x "$N"
	refused 125 "container $N cannot be stopped (made on $there)" cattach stop "$N"
	refused 125 "container $N belongs to another machine ($there) (remove it there; if that machine is gone: rm -r " \
		cattach rm -f "$N"
	echo "$before" > "$(record meta.json)"
	cattach rm "$N"
}

@test "a container that is being made cannot be attached to yet" {
	cattach create --name "$N" "$R" true > "$T/id"
	STARTED+=("$N")
	ID=$(cat "$T/id")
	rm "$(record created)"
	flock "$STORE/containers/$ID" sh -c "echo > $T/locked; while [ ! -e $T/go ]; do sleep 0.02; done" \
		3>&- &
	local holder=$!
	eventually test -e "$T/locked"
	is "$(state "$N" Status)" creating
	run -125 --separate-stderr timeout 30 cattach attach "$N"
	is "$stderr" \
		"cattach: You cannot attach to a container that is being created: $N (try again in a moment)"
	touch "$T/go" "$(record created)"
	wait "$holder"
}
