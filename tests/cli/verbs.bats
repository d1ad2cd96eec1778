#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# rename and port; what kill, stop, start, restart and rm do to all; names under many hands.

load helpers

# ---- rename ----

@test "a container that runs gets another name, and the old one is free" {
	start "$N-a" -i "$R" sh -c 'echo ready; exec cat'
	STARTED+=("$N-b")
	cattach logs -f "$N-a" > "$T/log" &
	local follower=$!
	eventually grep -q ready "$T/log"
	is "$(cattach rename "$N-a" "$N-b")" ""
	is "$(cattach inspect -f '{{.Name}} {{.State.Status}}' "$ID")" "$N-b running"
	refused 125 "no such container: $N-a" cattach inspect -f x "$N-a"
	is "$(cattach ps --format '{{.Names}}' -f "id=$ID")" "$N-b"
	# whoever follows goes on, and what is done by the new name is done to it
	cattach send "$N-b" hello
	cattach send --eof "$N-b"
	is "$(cattach wait "$N-b")" 0
	wait $follower
	is "$(xargs < "$T/log")" "ready hello"
	start "$N-a" "$R" true
	is "$(cattach events --filter "container=$N-b" --format '{{.Status}} {{.Attributes.oldName}}' --filter event=rename)" \
		"rename $N-a"
	is "$(cattach events --filter "container=$N-b" --filter event=died --format '{{.Name}}')" "$N-b"
}

@test "a container that has ended, or was created, is renamed, and started again by its new name" {
	STARTED+=("$N-b" "$N-d")
	cattach run --name "$N-a" "$R" true
	cattach create --name "$N-c" "$R" true
	cattach rename "$N-a" "$N-b"
	cattach rename "$N-c" "/$N-d"
	cattach start "$N-b" "$N-d"
	is "$(cattach wait "$N-b" "$N-d" | xargs)" "0 0"
}

@test "with --rm a container that was renamed leaves no name behind" {
	STARTED+=("$N-b")
	start "$N-a" --rm "$R" sleep 1000
	STARTED=()
	cattach rename "$N-a" "$N-b"
	cattach kill "$N-b"
	eventually eval '[ -z "$(stored)" ]'
	is "$(cattach events --filter "container=$N-b" --format '{{.Status}}' | xargs)" \
		"rename kill died remove"
}

@test "rename refuses names that are taken, are none, or are its own" {
	start "$N-a" "$R" sleep 1000
	start "$N-b" "$R" sleep 1000
	refused 125 "name \"$N-b\" is in use by a running container" cattach rename "$N-a" "$N-b"
	refused 125 "container $N-a has that name already" cattach rename "$N-a" "$N-a"
	refused 125 'NAME: must be' cattach rename "$N-a" "../x"
	refused 125 'NAME: must be' cattach rename "$N-a" ""
	refused 125 "no such container: $N-c" cattach rename "$N-c" "$N-d"
	refused 125 "rename needs a CONTAINER and a NAME" cattach rename "$N-a"
	cattach exec -d --session s "$N-a" sleep 1000
	refused 125 "$N-a/s is a session of a container, and cannot be renamed" cattach rename "$N-a/s" x
	is "$(cattach ps --format '{{.Names}}' | sort | xargs)" "$N-a $N-b"
}

@test "of many who rename to one name one succeeds" {
	local i pids=
	for i in 1 2 3 4 5 6 7 8; do
		cattach create --name "$N-$i" "$R" true > /dev/null
		STARTED+=("$N-$i")
	done
	STARTED+=("$N")
	for i in 1 2 3 4 5 6 7 8; do
		{ cattach rename "$N-$i" "$N" 2> "$T/err$i" && echo "$i" >> "$T/won"; } &
		pids+=" $!"
	done
	# shellcheck disable=SC2086 # pids; the last may have lost
	wait $pids || true
	is "$(wc -l < "$T/won")" 1
	i=$(cat "$T/won")
	is "$(cattach ps -a --format '{{.Names}}' | wc -l)" 8
	is "$(cattach ps -a --format '{{.Names}}' | grep -cx "$N-$i")" 0
	is "$(cat "$T"/err* | grep -c "name \"$N\" is in use by a new container")" 7
	STARTED=($(cattach ps -a --format '{{.Names}}'))
}

@test "of many who rename one container each finds it, and one name stays" {
	cattach create --name "$N" "$R" true > "$T/id"
	STARTED+=("$N")
	local i pids=
	for i in 1 2 3 4 5 6 7 8; do
		cattach rename "$(cat "$T/id")" "$N-$i" &
		pids+=" $!"
	done
	# shellcheck disable=SC2086 # pids
	wait $pids
	is "$(ls "$STORE/names" | wc -l)" 1
	is "$(ls "$STORE/names")" "$(cattach inspect -f '{{.Name}}' "$(cat "$T/id")" | tr -d /)"
	STARTED=("$(ls "$STORE/names")")
}

# ---- many runs of one name ----

@test "of 64 runs of one name at the same time one wins, and the others say who" {
	local i pids=
	STARTED+=("$N")
	for i in $(seq 64); do
		{ cattach run -d --name "$N" "$R" sleep 1000 > "$T/out$i" 2> "$T/err$i" || echo $? > "$T/code$i"; } &
		pids+=" $!"
	done
	# shellcheck disable=SC2086 # pids
	wait $pids || true
	is "$(cat "$T"/code* | sort | uniq -c | xargs)" "63 125"
	is "$(cat "$T"/out* | wc -l)" 1
	is "$(cattach inspect -f '{{.Id}}' "$N")" "$(cat "$T"/out*)"
	is "$(cat "$T"/err* | grep -c "^cattach: name \"$N\" is in use by ")" 63
	is "$(cattach ps -aq | wc -l)" 1
	is "$(ls "$STORE/containers" | wc -l) $(ls "$STORE/names")" "1 $N"
}

# ---- port ----

@test "port lists nothing, and says that nothing is published" {
	start "$N" "$R" sleep 1000
	is "$(cattach port "$N")" ""
	refused 125 "no public port '80/tcp' published for $N" cattach port "$N" 80
	refused 125 "no public port '53/udp' published for $N" cattach port "$N" 53/udp
	refused 125 'PORT: must be 1...65535, not "0"' cattach port "$N" 0
	refused 125 'PORT: must be PORT/tcp, PORT/udp or PORT/sctp, not "1/x"' cattach port "$N" 1/x
	refused 125 "no such container: $N-x" cattach port "$N-x"
}

# ---- all of them ----

# states: name and state of all, sorted
states() { cattach ps -a --format '{{.Names}} {{.State}}' | sort | xargs; }

@test "kill, start, restart, stop and rm take all that they can be done to" {
	start "$N-a" "$R" sleep 1000
	cattach create --name "$N-b" "$R" sleep 1000 > /dev/null
	STARTED+=("$N-b")
	is "$(cattach kill -a)" "$N-a"
	eventually eval "[ \"\$(states)\" = '$N-a exited $N-b created' ]"
	is "$(cattach kill -a)" ""
	is "$(cattach start --all | sort | xargs)" "$N-a $N-b"
	is "$(states)" "$N-a running $N-b running"
	is "$(cattach start --all)" ""
	cattach kill "$N-b"
	eventually eval "[ \"\$(states)\" = '$N-a running $N-b exited' ]"
	is "$(cattach restart -t 0 --running)" "$N-a"
	is "$(cattach restart -t 0 -a | sort | xargs)" "$N-a $N-b"
	is "$(cattach stop -t 0 -a | sort | xargs)" "$N-a $N-b"
	is "$(cattach stop -a)" ""
	is "$(cattach rm -v -a | sort | xargs)" "$N-a $N-b"
	is "$(cattach rm -a)" ""
	STARTED=()
}

@test "--all beside names is refused, and so is neither" {
	local verb
	for verb in kill start restart stop rm pause unpause; do
		option=--all
		refused 125 "$verb takes --all or containers, not both" cattach $verb --all x
		run ! cattach $verb
		has "$output" "cattach: $verb needs a CONTAINER, or --"
	done
	refused 125 "exec kill needs a CONTAINER" cattach exec kill -a
	refused 125 "exec rm needs a CONTAINER" cattach exec rm -fa
}

@test "rm --ignore and rm -f pass over what is missing" {
	is "$(cattach rm -i "$N-x")" ""
	is "$(cattach rm -f "$N-x")" ""
	refused 125 "no such container: $N-x" cattach rm -v "$N-x"
}

# ---- signals ----

@test "kill knows every spelling of a signal" {
	local spelling
	start "$N" "$R" sh -c 'trap "echo 10" USR1; trap "echo 37" 37; echo ready; while :; do sleep 0.02; done'
	cattach wait --for-output ready "$N"
	for spelling in USR1 SIGUSR1 usr1 sigusr1 SigUsr1 10; do
		cattach kill -s "$spelling" "$N"
		eventually eval "[ \"\$(cattach logs \"$N\" | grep -cx 10)\" -eq 1 ]"
		cattach events --filter "container=$N" --filter event=kill --format '{{.Attributes.signal}}' |
			tail -n 1 | grep -qx 10
		cattach rm -f "$N"
		start "$N" "$R" sh -c 'trap "echo 10" USR1; trap "echo 37" 37; echo ready; while :; do sleep 0.02; done'
		cattach wait --for-output ready "$N"
	done
	for spelling in RTMIN+3 SIGRTMIN+3 rtmin+3 37 RTMAX-27; do
		cattach kill -s "$spelling" "$N"
	done
	is "$(cattach events --filter "container=$ID" --filter event=kill --format '{{.Attributes.signal}}' | xargs)" \
		"37 37 37 37 37"
	for spelling in BOGUS 0 65 -1 '' SIG RTMIN+31 RTMAX+1 'TERM '; do
		refused 125 'unknown signal' cattach kill --signal="$spelling" "$N"
	done
}

# ---- ps ----

# names OPTION...: the names that ps -a shows, in its order
names() { cattach ps -a --format '{{.Names}}' "$@" | xargs; }

@test "ps sorts by every key, and the newest ones are those of the store" {
	cattach create --name "$N-b" -v "$T:/data" "$R" true > /dev/null
	cattach run --name "$N-c" --network host "$R" sh -c 'exit 0'
	start "$N-a" "$R" sleep 1000
	STARTED+=("$N-b" "$N-c")
	is "$(names)" "$N-a $N-c $N-b"
	is "$(names --sort names)" "$N-a $N-b $N-c"
	is "$(names --sort created)" "$N-b $N-c $N-a"
	is "$(names --sort runningfor)" "$N-a $N-c $N-b"
	is "$(names --sort command)" "$N-c $N-a $N-b"
	is "$(names --sort status)" "$N-b $N-c $N-a"
	is "$(names --sort image)" "$N-a $N-c $N-b"
	is "$(cattach ps -aq --no-trunc --sort id)" "$(cattach ps -aq --no-trunc | LC_ALL=C sort)"
	is "$(names -n 2 --sort names)" "$N-a $N-c"
	refused 125 '--sort: unknown key "size"' cattach ps --sort size
}

@test "ps filters by time, command, network and volume" {
	cattach create --name "$N-b" -v "$T:/data:ro" "$R" true > /dev/null
	cattach create --name "$N-c" --network host "$R" sleep 1000 > /dev/null
	STARTED+=("$N-b" "$N-c")
	is "$(names -f command=true)" "$N-b"
	is "$(names -f "command=sleep 1000")" "$N-c"
	is "$(names -f command=sleep)" "$N-c"
	is "$(names -f command=1000)" ""
	is "$(names -f network=host)" "$N-c"
	is "$(names -f network=none)" "$N-b"
	is "$(names -f "volume=$T")" "$N-b"
	is "$(names -f volume=/data -f volume=/nowhere)" "$N-b"
	is "$(names -f volume=ro)" ""
	is "$(names -f until=1h)" ""
	is "$(names -f until=-1h)" "$N-c $N-b"
	refused 125 '--filter: "x" is no time' cattach ps -f until=x
}
