#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# wait, kill, stop, restart, rm and rename: each option, what is printed and in which order, what a wrong
# state or a missing container is answered with, and which containers options stand for.

load helpers

# says CODE STDOUT STDERR COMMAND...: with spaces for newlines
says()
{
	local code=$1 out=$2 err=$3
	shift 3
	run --separate-stderr "$@"
	is "$status|$(xargs <<< "$output")" "$code|$out"
	is "$stderr" "$err"
}

# obstinate NAME: it has a handler for TERM that only tells of it, and ends with 5 on HUP
obstinate()
{
	start "$1" "$R" sh -c 'trap "echo term" TERM; trap "exit 5" HUP; echo ready; while :; do sleep 0.02; done'
	cattach wait --for-output ready "$1"
}

signals() { cattach events --filter "container=$1" --filter event=kill --format '{{.Attributes.signal}}' | xargs; }

# ---- wait ----

@test "wait: a code a line, at the end, in the order of the operands; what has not run is 0" {
	start "$N-a" "$R" sleep 1000
	start "$N-b" "$R" sh -c 'exit 4'
	cattach create --name "$N-c" "$R" true
	STARTED+=("$N-c")
	cattach wait "$N-a" "$N-b" "$N-c" > "$T/codes" &
	says 0 4 "" cattach wait "$N-b"
	is "$(cat "$T/codes")" ""
	cattach kill -s KILL "$N-a"
	wait $!
	is "$(xargs < "$T/codes")" "137 4 0"
	is "$(cattach wait -l)" 0
	says 0 "137 -1" "" cattach wait --ignore "$N-a" "$N-none"
	says 125 137 "cattach: no such container: $N-none (known: $N-a, $N-b, $N-c)" cattach wait "$N-none" "$N-a"
	refused 125 "--latest and a CONTAINER exclude each other" cattach wait -l "$N-a"
}

# ---- kill ----

@test "kill: KILL unless said otherwise, by any spelling, and only what runs" {
	local spelling
	obstinate "$N"
	for spelling in TERM SIGTERM term sigterm SigTerm 15; do
		is "$(cattach kill -s "$spelling" "$N")" "$N"
	done
	for spelling in RTMIN+3 SIGRTMIN+3 sigrtmin+3 37 RTMAX-27 SIGRTMAX-27; do
		is "$(cattach kill --signal "$spelling" "$N")" "$N"
	done
	for spelling in USR1 10 URG 23 WINCH SIGCHLD CLD; do
		is "$(cattach kill --signal="$spelling" "$N")" "$N" || break
	done
	is "$(signals "$N")" "15 15 15 15 15 15 37 37 37 37 37 37 10 10 23 23 28 17 17"
	for spelling in BOGUS SIGBOGUS 0 65 -9 9x '' SIG RTMIN+31; do
		refused 125 "--signal: unknown signal \"$spelling\"" cattach kill -s "$spelling" "$N"
	done
	eventually eval "[ \"\$(cattach logs \"$N\" | grep -c term)\" -ge 1 ]"
	for spelling in KILL SIGKILL kill sigkill 9; do
		is "$(cattach kill -s "$spelling" "$N")" "$N"
		is "$(cattach wait "$N")" 137
		cattach start "$N"
	done
	is "$(cattach kill "$N")" "$N"
	is "$(cattach wait "$N")" 137
	refused 125 "container $N is not running (exited" cattach kill "$N"
	refused 125 "no such container: $N-none" cattach kill "$N-none"
}

@test "kill: of several each is told, and the newest, those of a file, all that run" {
	start "$N-a" --cidfile "$T/a" "$R" sleep 1000
	start "$N-b" --cidfile "$T/b" "$R" sleep 1000
	local b=$ID
	cattach create --name "$N-c" "$R" sleep 1000
	STARTED+=("$N-c")
	says 125 "$N-b $N-a" "cattach: no such container: $N-none (known: $N-a, $N-b, $N-c)
cattach: container $N-c is not running (created) (cattach start $N-c)" cattach kill -s URG "$N-b" "$N-none" "$N-c" "$N-a"
	is "$(cattach kill -s URG -a | xargs)" "$N-b $N-a"
	is "$(cattach kill -s URG --cidfile "$T/b" --cidfile "$T/a" | head -n 1)" "$b"
	refused 125 "container $N-c is not running (created) (cattach start $N-c)" cattach kill -l
	is "$(signals "$N-a")" "23 23 23"
	refused 125 "kill takes --latest or containers, not both" cattach kill -l "$N-a"
	refused 125 "kill takes --cidfile or containers, not both" cattach kill --cidfile "$T/a" "$N-a"
	refused 125 "--all and --latest exclude each other" cattach kill -a -l
	refused 125 "--cidfile: cannot open $T/none: No such file or directory" cattach kill --cidfile "$T/none"
	refused 125 "--cidfile: $T: is a directory, not a file" cattach kill --cidfile "$T"
	: > "$T/empty"
	refused 125 "--cidfile: $T/empty: there is no id in it (cattach run --cidfile writes one)" \
		cattach kill --cidfile "$T/empty"
	is "$(signals "$N-a")" "23 23 23"
}

# ---- stop ----

@test "stop: the stop signal, KILL when the time is up, the container's own of both, and no error twice" {
	obstinate "$N-a"
	is "$(cattach stop -t 0 "$N-a")" "$N-a"
	is "$(signals "$N-a") $(state "$N-a" ExitCode)" "15 9 137"
	is "$(cattach stop "$N-a")" "$N-a"
	is "$(signals "$N-a")" "15 9"
	cattach start "$N-a"
	cattach wait --for-output ready "$N-a"
	is "$(cattach stop -s HUP --time -1 "$N-a")" "$N-a"
	is "$(signals "$N-a") $(state "$N-a" ExitCode)" "15 9 1 5"
	start "$N-b" --stop-signal 2 --stop-timeout 0 "$R" sh -c 'trap "echo int" INT; echo ready; while :; do sleep 0.02; done'
	cattach wait --for-output ready "$N-b"
	is "$(cattach stop "$N-b")" "$N-b"
	is "$(signals "$N-b") $(state "$N-b" ExitCode)" "2 9 137"
	cattach create --name "$N-c" "$R" true
	STARTED+=("$N-c")
	is "$(cattach stop "$N-c") $(state "$N-c" Status)" "$N-c created"
	refused 125 '--timeout: must be -1...2147483, not "x"' cattach stop -t x "$N-a"
}

@test "stop: several at the same time, printed in the order of the operands, whoever ends first" {
	# b ends only when it is told to by a, which has to be asked at the same time for that
	mkdir -m 777 "$T/shared"
	start "$N-a" -v "$T/shared:/s" "$R:O" sh -c 'trap "until [ -e /s/b ]; do sleep 0.02; done; exit 1" TERM; touch /s/up-a; while :; do sleep 0.02; done'
	start "$N-b" -v "$T/shared:/s" "$R:O" sh -c 'trap "touch /s/b; exit 2" TERM; touch /s/up-b; while :; do sleep 0.02; done'
	eventually test -e "$T/shared/up-a" -a -e "$T/shared/up-b"
	says 125 "$N-a $N-b" "cattach: no such container: $N-none (known: $N-a, $N-b)" \
		cattach stop -t 50 "$N-a" "$N-none" "$N-b"
	is "$(state "$N-a" ExitCode) $(state "$N-b" ExitCode)" "1 2"
}

@test "stop: by filter, by file, the newest, and what is missing is passed over" {
	start "$N-a" -l k=a --cidfile "$T/a" "$R" sleep 1000
	local a=$ID
	start "$N-b" -l k=b "$R" sleep 1000
	start "$N-c" -l k=c "$R" sleep 1000
	local c=$ID
	is "$(cattach stop -t 0 --filter label=k=b)" "$N-b"
	is "$(cattach stop -t 0 -f label=k=b -f status=running)" ""
	is "$(cattach stop -t 0 -l)" "$c"
	says 0 "$N-c $N-b" "" cattach stop -i "$N-none" "$N-c" "$N-other" "$N-b"
	says 0 "" "" cattach stop --ignore "$N-none"
	is "$(cattach stop -t 0 --ignore --cidfile "$T/none" --cidfile "$T/a")" "$a"
	is "$(cattach ps -q)" ""
	refused 125 'stop takes --filter or containers, not both' cattach stop -f label=k "$N-a"
	refused 125 '--filter: unknown filter "x"' cattach stop -f x=y
	refused 125 'stop needs a CONTAINER, or --all' cattach stop -t 0
}

# ---- restart ----

@test "restart: by name, what runs, all, by filter, by file, with a signal and a time" {
	local pid
	obstinate "$N-a"
	pid=$(state "$N-a" Pid)
	is "$(cattach restart -s HUP -t 30 "$N-a")" "$N-a"
	cattach wait --for-output ready "$N-a"
	is "$(signals "$N-a") $(state "$N-a" Status)" "1 running"
	[ "$(state "$N-a" Pid)" != "$pid" ]
	is "$(cattach restart -t 0 "$N-a")" "$N-a"
	is "$(signals "$N-a")" "1 15 9"
	cattach create --name "$N-b" -l k --cidfile "$T/b" "$R" sleep 1000 > "$T/id"
	STARTED+=("$N-b")
	is "$(cattach restart -t 0 --running)" "$N-a"
	is "$(state "$N-b" Status)" created
	is "$(cattach restart --running -f label=k)" ""
	is "$(cattach restart -f label=k)" "$N-b"
	is "$(state "$N-b" Status)" running
	is "$(cattach restart -t 0 --cidfile "$T/b")" "$(cat "$T/id")"
	is "$(cattach restart -t 0 --latest)" "$(cat "$T/id")"
	is "$(cattach restart -t 0 --all | xargs)" "$N-b $N-a"
	says 125 "$N-b $N-a" "cattach: no such container: $N-none (known: $N-a, $N-b)" \
		cattach restart -t 0 "$N-b" "$N-none" "$N-a"
	is "$(cattach events --filter "container=$N-a" --filter event=restart | wc -l)" 5
	refused 125 "--timeout: must be -1...2147483, not \"x\"" cattach restart -t x "$N-a"
	refused 125 "--running and --latest exclude each other" cattach restart --running -l
}

# ---- rm ----

@test "rm: what runs is refused without -f, several are removed in order, -v is understood" {
	start "$N-a" "$R" sleep 1000
	cattach run --name "$N-b" "$R" true
	cattach create --name "$N-c" "$R" true
	STARTED+=("$N-b" "$N-c")
	refused 125 "container $N-a is running" cattach rm "$N-a"
	run -125 --separate-stderr cattach rm -v --depend "$N-c" "$N-none" "$N-a" "$N-b"
	is "$(xargs <<< "$output")" "$N-c $N-b"
	is "${#stderr_lines[@]}" 2
	has "${stderr_lines[0]}" "cattach: no such container: $N-none"
	is "$(cattach ps -a --format '{{.Names}} {{.State}}')" "$N-a running"
	is "$(cattach rm -fv "$N-a" "$N-none")" "$N-a"
	says 0 "" "" cattach rm -f "$N-a"
	says 0 "" "" cattach rm --ignore "$N-a"
	refused 125 "no such container: $N-a" cattach rm "$N-a"
	is "$(cattach ps -aq)" ""
	STARTED=()
}

@test "rm: by filter, by file, the newest; with a time it is asked to end first" {
	obstinate "$N-a"
	cattach run --name "$N-b" --cidfile "$T/b" "$R" true
	cattach run --name "$N-c" -l k "$R" sh -c 'exit 1' || is "$?" 1
	STARTED+=("$N-b" "$N-c")
	cattach create --name "$N-d" -l k "$R" true > "$T/d"
	STARTED+=("$N-d")
	is "$(cattach rm -l)" "$(cat "$T/d")"
	is "$(cattach rm --filter label=k --filter status=created)" ""
	is "$(cattach rm --filter status=exited --filter label=k)" "$N-c"
	is "$(cattach rm --ignore --cidfile "$T/none" --cidfile "$T/b")" "$(cat "$T/b")"
	refused 125 "--timeout: needs --force" cattach rm -t 5 "$N-a"
	refused 125 '--timeout: must be -1...2147483, not "x"' cattach rm -f -t x "$N-a"
	refused 125 "container $N-a is running" cattach rm --filter "name=$N"
	refused 125 '--filter: "name=" has no value (--all stands for all of them)' cattach rm -f --filter name=
	is "$(cattach rm -f --time 0 "$N-a")" "$N-a"
	is "$(signals "$N-a")" "15 9"
	start "$N-e" --stop-signal HUP "$R" sh -c 'trap "exit 6" HUP; echo ready; while :; do sleep 0.02; done'
	cattach wait --for-output ready "$N-e"
	is "$(cattach rm -f -t 50 "$N-e")" "$N-e"
	is "$(cattach events --filter "container=$N-e" --filter event=die --format '{{.ContainerExitCode}}')" 6
	refused 125 "there are no containers" cattach rm -l
	STARTED=()
}

@test "rm: --filter means the containers that match, whoever has their names by then" {
	start "$N-a" -l k --stop-signal KILL "$R" sleep 1000
	start "$N-b" -l k "$R" sleep 1000
	start "$N-c" -l k "$R" sh -c 'trap "" TERM; echo ready; while :; do sleep 0.02; done'
	cattach wait --for-output ready "$N-c"
	cattach rm -f -t -1 --filter label=k > "$T/removed" 3>&- &
	eventually eval "[ \"\$(signals \"$N-c\")\" = 15 ]"
	cattach rename "$N-a" "$N-d"
	start "$N-a" "$R" sleep 1000
	cattach rm -f "$N-b"
	cattach kill "$N-c"
	wait $!
	is "$(xargs < "$T/removed")" "$N-c $N-a"
	is "$(cattach ps -a --format '{{.Names}} {{.State}}')" "$N-a running"
}

# ---- rename ----

@test "rename: a name that is taken names who has it; one that runs is renamed" {
	start "$N-a" "$R" sleep 1000
	cattach create --name "$N-b" "$R" true > "$T/b"
	STARTED+=("$N-b")
	refused 125 "name \"$N-a\" is in use by a running container" cattach rename "$N-b" "$N-a"
	refused 125 "name \"$N-b\" is in use by a new container" cattach rename "$N-a" "$N-b"
	says 0 "" "" cattach rename "$N-a" "$N-c"
	STARTED+=("$N-c")
	says 0 "" "" cattach rename "$N-b" "$N-a"
	is "$(cattach ps -a --format '{{.Names}} {{.State}}' | sort | xargs)" "$N-a created $N-c running"
	is "$(cattach inspect -f '{{.Name}}' "$ID" "$(cat "$T/b")" | xargs)" "$N-c $N-a"
	is "$(cattach events --filter event=rename --filter "container=$ID" --format '{{.Name}} {{.Attributes.oldName}}')" \
		"$N-c $N-a"
}
