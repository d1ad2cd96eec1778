#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# The options of run, create, start, attach and restart that say how a session is followed: what
# each does, also where one command stores it and another one carries it out.

load helpers

# clients N [NAME]: so many are attached.
clients() { [ "$(cattach clients -q "${2:-$N}" 2> /dev/null | wc -l)" -eq "$1" ]; }

# aside FILE COMMAND...: in the background, both streams to files; with default actions for signals,
# some of which a shell ignores in what it starts in the background.
aside()
{
	local file=$1
	shift
	env --default-signal "$@" > "$file" 2> "$file.err" < "${INPUT:-/dev/null}" 3>&- &
	CLI=$!
}

ends()
{
	local code=0
	wait "$CLI" || code=$?
	is "$code" "$1"
}

create()
{
	local name=$1
	shift
	STARTED+=("$name")
	ID=$(cattach create --name "$name" "$@")
}

# ---- signals -----------------------------------------------------------------------------------

@test "attach passes on every signal but those of children, pipes, urgent data and job control" {
	local s
	start "$N" "$R" sh -c 'for s in TERM INT HUP QUIT USR1 USR2 WINCH ALRM CHLD PIPE URG TSTP TTIN TTOU \
			IO PWR VTALRM PROF 34 37 64; do
		trap "echo got $s" $s; done; echo up; while :; do read -t 0.02 x < /dev/zero; done'
	cattach wait --for-output up "$N"
	aside "$T/out" cattach attach "$N"
	eventually clients 1
	# Those of the others that do not end or stop a command.
	for s in CHLD URG CONT; do
		kill -s $s "$CLI"
	done
	for s in TERM INT HUP QUIT USR1 USR2 WINCH ALRM IO PWR VTALRM PROF 34 37 64; do
		kill -s $s "$CLI"
		eventually grep -qx "got $s" "$T/out"
	done
	is "$(sed 's/got //' "$T/out" | tr '\n' ' ')" \
		"TERM INT HUP QUIT USR1 USR2 WINCH ALRM IO PWR VTALRM PROF 34 37 64 "
	cattach kill "$N"
	ends 137
}

@test "start --sig-proxy=false keeps signals from the payload: ctrl-c detaches, TERM ends the command" {
	local script='trap "echo got INT" INT; trap "echo got TERM" TERM; echo up; while :; do sleep 0.05; done'
	create "$N" "$R" sh -c "$script"
	aside "$T/out" cattach start -a --sig-proxy=false "$N"
	eventually grep -q up "$T/out"
	kill -INT "$CLI"
	ends 0
	is "$(cat "$T/out.err")" "detached from $N"
	aside "$T/again" cattach start -a --sig-proxy=false "$N"
	eventually clients 1
	kill -TERM "$CLI"
	ends 143
	is "$(state "$N" Status)" running
	is "$(cattach logs "$N")" up
}

# ---- streams -----------------------------------------------------------------------------------

@test "a hundred clients see the same, to the byte" {
	local i
	local -a pids
	mkdir "$T/shared"
	start "$N" -v "$T/shared:/mnt" "$R" \
		sh -c 'while [ ! -e /mnt/go ]; do sleep 0.02; done; seq 1 100000; exit 9'
	for ((i = 1; i <= 100; i++)); do
		aside "$T/out.$i" cattach attach "$N"
		pids+=("$CLI")
	done
	eventually clients 100
	touch "$T/shared/go"
	for CLI in "${pids[@]}"; do
		ends 9
	done
	is "$(cat "$T"/out.*.err)" ""
	seq 1 100000 > "$T/expected"
	is "$(sha256sum "$T"/out.*[0-9] | cut -d ' ' -f 1 | sort -u)" \
		"$(sha256sum < "$T/expected" | cut -d ' ' -f 1)"
}

@test "attach -a stdin gives input and shows nothing; -a stdout takes none" {
	start "$N" -i "$R" sh -c 'cat; echo end >&2; exit 4'
	run -0 --separate-stderr bash -c "echo no | cattach attach -a stdout -a stderr --read-only $N & \
		sleep 0.3; kill \$(cattach clients --format '{{.PID}}' $N); wait"
	is "$output" ""
	run -4 --separate-stderr bash -c "echo in | cattach attach -a stdin --stdin-eof=close $N"
	is "$output$stderr" ""
	is "$(cattach logs "$N" 2>&1)" "in
end"
}

@test "create -a is no obstacle, and start -a shows both streams" {
	create "$N" -a stdout "$R" sh -c 'echo out; echo err >&2'
	run -0 --separate-stderr cattach start -a "$N"
	is "$output" out
	is "$stderr" err
}

@test "start -i follows like -a, and gives stdin" {
	create "$N" -i "$R" sh -c 'cat; exit 6'
	run -6 bash -c "echo in | cattach start -i $N"
	is "$output" in
}

# ---- stdin -------------------------------------------------------------------------------------

@test "where stdin was opened for one client, the end of the first one's input is its end" {
	create "$N" -i "$R" sh -c 'cat; echo end'
	is "$(cattach inspect -f '{{.Config.OpenStdin}} {{.Config.StdinOnce}}' "$N")" "true true"
	cattach start "$N"
	run -0 bash -c "echo once | cattach attach $N"
	is "$output" "once
end"
	start "$N-many" -i "$R" cat
	is "$(cattach inspect -f '{{.Config.OpenStdin}} {{.Config.StdinOnce}}' "$N-many")" "true false"
}

@test "there too a client that lets go, is killed without input or only reads ends nothing" {
	create "$N" -i "$R" sh -c 'cat; echo end'
	cattach start "$N"
	run -0 --separate-stderr bash -c "echo one | cattach attach --stdin-eof=detach $N"
	aside "$T/out" cattach attach --no-stdin "$N"
	eventually clients 1
	kill -9 "$CLI"
	ends 137
	aside "$T/out" cattach attach --read-only "$N"
	eventually clients 1
	kill -9 "$CLI"
	ends 137
	run -0 bash -c "echo two | cattach attach --stdin-eof=keep --replay $N & \
		cattach wait --for-output two $N; cattach send --eof $N; wait \$!"
	is "$output" "one
two
end"
}

@test "--stdin-eof of create is carried out by start, and attach may say otherwise" {
	create "$N" -i --stdin-eof=keep "$R" sh -c 'cat; exit 5'
	aside "$T/out" cattach start -ai "$N"
	eventually clients 1
	sleep 0.2
	is "$(state "$N" Status)" running
	run -5 bash -c "echo x | cattach attach --stdin-eof=close $N"
	ends 5
	is "$(cat "$T/out")" x
}

@test "run -i --stdin-eof=detach lets go when the input is over" {
	STARTED+=("$N")
	run -0 --separate-stderr bash -c "echo hello | cattach run -i --stdin-eof=detach --name $N $R cat"
	is "$stderr" "detached from $N"
	is "$(state "$N" Status)" running
	cattach wait --for-output '^hello$' "$N"
}

@test "a client's input is read only as fast as the payload takes it" {
	mkdir "$T/shared"
	start "$N" -i -v "$T/shared:/mnt" "$R" \
		sh -c 'while [ ! -e /mnt/go ]; do sleep 0.02; done; exec sha256sum'
	seq 1 1000000 > "$T/input"
	INPUT=$T/input aside "$T/out" cattach attach --stdin-eof=close "$N"
	eventually clients 1
	sleep 0.5
	# The pipe, what the monitor keeps for it, and what the client has in hand.
	[ "$(awk '/^pos:/ { print $2 }' "/proc/$CLI/fdinfo/0")" -le $((65536 + 4 * 32768)) ]
	# Others may still talk to it.
	clients 1
	touch "$T/shared/go"
	ends 0
	is "$(cat "$T/out")" "$(sha256sum < "$T/input")"
}

@test "without a terminal the detach keys are bytes like others" {
	start "$N" -i "$R" sh -c 'od -An -tx1; exit 3'
	run -3 bash -c "printf 'a\x10\x11b' | cattach attach --detach-keys ctrl-p,ctrl-q --stdin-eof=close $N"
	is "$output" " 61 10 11 62"
}

# ---- where to begin ----------------------------------------------------------------------------

@test "attach --tail and --since: all, none, both, and what is no number" {
	mkdir "$T/shared"
	start "$N" -v "$T/shared:/mnt" "$R" sh -c 'seq 1 5; while [ ! -e /mnt/go ]; do sleep 0.02; done; echo new'
	cattach wait --for-output '^5$' "$N"
	local -a pids
	local at
	at=$(cattach logs -t "$N" | sed -n '3s/ .*//p')
	aside "$T/all" cattach attach --tail all "$N"; pids+=("$CLI")
	aside "$T/less" cattach attach -n -1 "$N"; pids+=("$CLI")
	aside "$T/none" cattach attach -n 0 "$N"; pids+=("$CLI")
	aside "$T/both" cattach attach --tail 2 --since "$at" "$N"; pids+=("$CLI")
	aside "$T/late" cattach attach --tail 2 --since 0s "$N"; pids+=("$CLI")
	aside "$T/more" cattach attach --tail 100 "$N"; pids+=("$CLI")
	eventually clients 6
	touch "$T/shared/go"
	for CLI in "${pids[@]}"; do
		ends 0
	done
	is "$(cat "$T/all")" "$(seq 1 5; echo new)"
	is "$(cat "$T/less")" "$(seq 1 5; echo new)"
	is "$(cat "$T/more")" "$(seq 1 5; echo new)"
	is "$(cat "$T/none")" new
	is "$(cat "$T/both")" "$(seq 4 5; echo new)"
	is "$(cat "$T/late")" new
	refused 125 '--tail: must be a number of lines or "all", not "1x"' cattach attach --tail 1x "$N"
	refused 125 '--tail: must be a number of lines or "all", not ""' cattach attach --tail= "$N"
}

# ---- who is waited for -------------------------------------------------------------------------

@test "run --lag skip waits for nobody and says what was left out" {
	STARTED+=("$N")
	cattach run --lag skip --log-opt max-size=256k --log-opt max-file=1 --name "$N" "$R" \
		sh -c 'seq 1 400000; echo last' 2> "$T/err" 3>&- |
		{ while [ ! -e "$T/read" ]; do sleep 0.02; done; cat > "$T/out"; } 3>&- &
	local reader=$!
	eventually cattach inspect "$N"
	is "$(cattach wait "$N")" 0
	touch "$T/read"
	wait "$reader"
	is "$(tail -n 1 "$T/out")" last
	grep -q . "$T/err"
	# Once, or once more where it came late to the beginning.
	run ! grep -vxE 'cattach: [0-9]+ bytes were skipped: this reader was too slow' "$T/err"
	# What was said to be missing and what is there is all there was.
	is "$(($(wc -c < "$T/out") + $(awk '{ n += $2 } END { print n }' "$T/err")))" "$({ seq 1 400000; echo last; } | wc -c)"
}

@test "attach --lag block is listed as such, and waited for" {
	mkdir "$T/shared"
	start "$N" --log-opt max-size=256k --log-opt max-file=2 -v "$T/shared:/mnt" "$R" \
		sh -c 'while [ ! -e /mnt/go ]; do sleep 0.02; done; seq 1 400000; touch /mnt/done'
	aside "$T/out" cattach attach --lag block "$N"
	eventually clients 1
	is "$(cattach clients --format '{{.Mode}}' "$N")" rw,block
	kill -STOP "$CLI"
	touch "$T/shared/go"
	eventually sh -c "[ \"\$(cattach clients --format '{{.Behind}}' $N)\" -gt 200000 ]"
	sleep 0.2
	[ ! -e "$T/shared/done" ]
	is "$(state "$N" Status)" running
	kill -CONT "$CLI"
	ends 0
	seq 1 400000 | cmp - "$T/out"
}

# ---- the log -----------------------------------------------------------------------------------

@test "--log-opt max-size and max-file bound what is on disk" {
	local sizes
	start "$N" --log-opt max-size=256k --log-opt max-file=3 "$R" seq 1 400000
	is "$(cattach wait "$N")" 0
	sizes=$(stat -c %s "$STORE/containers/$ID"/main/log.*)
	is "$(wc -l <<< "$sizes")" 3
	[ "$(sort -n <<< "$sizes" | tail -n 1)" -le 262144 ]
	is "$(cattach logs -n 1 "$N")" 400000
	# Two full segments at least, and a frame of up to 64 KiB goes whole into the next one.
	[ "$(cattach logs "$N" | wc -c)" -gt 393216 ]
	refused 125 '--log-opt max-file: must be 1...128, not "0"' \
		cattach run --log-opt max-file=0 "$R" true
	refused 125 '--log-opt max-file: must be 1...128, not "129"' \
		cattach create --log-opt max-file=129 "$R" true
	refused 125 '--log-opt max-size: must be a size in bytes or with b, k, m, g or t, such as 64m, not "x"' \
		cattach run --log-opt max-size=x "$R" true
	refused 125 '--log-opt: unknown log option "max-size" (max-size=SIZE, max-file=N, path=FILE or tag=TEXT)' \
		cattach run --log-opt max-size "$R" true
}

# ---- life and death ----------------------------------------------------------------------------

@test "create --tie: the payload dies with the client that starts it" {
	create "$N" --tie "$R" sleep 1000
	aside "$T/out" cattach start -a "$N"
	eventually clients 1
	kill -9 "$CLI"
	ends 137
	is "$(cattach wait "$N")" 137
}

@test "restart: another signal, several, one that never ran, one that is missing" {
	local script='trap "echo got HUP; exit 3" HUP; trap "" TERM; echo up; while :; do sleep 0.05; done'
	start "$N" "$R" sh -c "$script"
	create "$N-new" "$R" sleep 1000
	cattach wait --for-output up "$N"
	run -125 --separate-stderr cattach restart -s HUP "$N" "$N-none" "$N-new"
	is "$output" "$N
$N-new"
	has "$stderr" "no such container: $N-none"
	is "$(state "$N" Status) $(state "$N-new" Status)" "running running"
	is "$(cattach logs --run 1 "$N")" "up
got HUP"
	run -0 cattach restart -t 0 "$N"
	refused 125 "--signal: unknown signal \"BOGUS\"" cattach restart -s BOGUS "$N"
	refused 125 "restart needs a CONTAINER" cattach restart
}

@test "the newest, where there is none or another one is named" {
	refused 125 "--latest: there are no containers (cattach run makes one)" cattach attach -l
	refused 125 "--latest: there are no containers (cattach run makes one)" cattach start -l
	refused 125 "--latest and a CONTAINER exclude each other" cattach attach -l x
}

@test "words that an option does not know, in every command that has it" {
	local verb
	for verb in run create attach; do
		refused 125 '--stdin-eof: must be close, keep or detach, not "x"' \
			cattach $verb --stdin-eof x "$R"
	done
	for verb in run attach; do
		refused 125 '--lag: must be block or skip, not "x"' cattach $verb --lag x "$R"
	done
	for verb in run attach start; do
		refused 125 '--sig-proxy: must be true or false, not "x"' cattach $verb --sig-proxy=x "$R"
		refused 125 "--detach-keys: invalid detach keys (a,,b): Unknown character: ''" \
			cattach $verb --detach-keys a,,b "$R"
	done
	for verb in run create; do
		refused 125 '--size-policy: must be latest, smallest, largest or none, not "x"' \
			cattach $verb --size-policy x "$R"
		refused 125 '--log-driver: there is no log driver "x" (native, k8s-file, json-file, journald, passthrough, or none to keep only what fits into memory)' \
			cattach $verb --log-driver x "$R"
	done
}

@test "what has a terminal refuses input that is none, with the way out of each command" {
	create "$N" -it "$R" sh -c 'echo shown'
	refused 125 "the input device is not a TTY (the container has a terminal: leave out -i to watch it, or cattach send)" \
		cattach start -ai "$N"
	refused 125 "the input device is not a TTY (the container has a terminal: --no-stdin to watch it, or cattach send)" \
		cattach attach "$N"
	refused 125 "the input device is not a TTY (leave out -t, or -i, or run in the background with -d)" \
		cattach run -it "$R" true
	is "$(state "$N" Status)" created
	run -0 cattach start -a "$N"
	is "$output" $'shown\r'
}

# ---- lists -------------------------------------------------------------------------------------

@test "clients: titles or none, a table of one's own, when each came; detach -a" {
	local id since
	start "$N" "$R" sleep 1000
	aside "$T/out" cattach attach "$N"
	eventually clients 1
	is "$(cattach clients --noheading "$N" | wc -l)" 1
	is "$(cattach clients --format 'table {{.PID}} {{.Mode}}' "$N" | tr -s ' ')" "PID MODE
$CLI rw"
	since=$(cattach clients --format '{{.AttachedAt}}' "$N" | grep .)
	[ "$(date -d "$since" +%s)" -le "$(date +%s)" ]
	[ "$(date -d "$since" +%s)" -gt "$(($(date +%s) - 60))" ]
	id=$(cattach clients -q "$N")
	is "$(cattach detach -a "$N")" "$id"
	ends 0
	is "$(cat "$T/out.err")" "detached from $N"
	refused 125 "detach needs a CONTAINER" cattach detach
	refused 125 'CLIENT: must be 1...4294967295, not "x"' cattach detach "$N" x
	refused 125 "clients takes one CONTAINER, not 2" cattach clients "$N" "$N"
}

@test "wait of several prints their codes in the order of the operands" {
	start "$N-a" "$R" sh -c 'sleep 0.5; exit 3'
	start "$N-b" "$R" sh -c 'exit 4'
	is "$(cattach wait "$N-a" "$N-b" "$N-a")" "3
4
3"
	run -125 --separate-stderr cattach wait "$N-b" "$N-none" "$N-a"
	is "$output" "4
3"
	has "$stderr" "no such container: $N-none"
	refused 125 "wait needs a CONTAINER" cattach wait
}

@test "send: what cannot be read, and a container that is missing" {
	start "$N" -i "$R" cat
	refused 125 "cannot read stdin: Is a directory" bash -c "cattach send $N - < /"
	refused 125 "send needs a CONTAINER" cattach send
	is "$(state "$N" Status)" running
}
