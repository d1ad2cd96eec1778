#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# The monitor and its socket: who may connect, where it is, what becomes of it when its directory or
# its monitor goes, how it is confined, and that nobody waits for clients that are still reading.

load helpers

runtime() { printf '%s/cattach/%s' "$XDG_RUNTIME_DIR" "$ID"; }

monitor() { state "$N" ConmonPid; }

is_state() { [ "$(state "$N" Status)" = "$1" ]; }

mode() { stat -c %a "$1"; }

# ---- who may connect ---------------------------------------------------------------------------

@test "directories and socket are private, whatever the umask" {
	umask 0
	rm -rf "$XDG_RUNTIME_DIR/cattach"
	start "$N" "$R" sleep 1000
	is "$(mode "$XDG_RUNTIME_DIR/cattach") $(mode "$(runtime)") $(mode "$(runtime)/attach")" \
		"700 700 700"
	is "$(find "$XDG_RUNTIME_DIR/cattach" "$STORE" -perm /077 -not -type l)" ""
}

@test "somebody else's uid is refused, in words, even where the directory was opened by force" {
	start "$N" "$R" sleep 1000
	chmod 755 "$XDG_RUNTIME_DIR/cattach" "$(runtime)"
	chmod 777 "$(runtime)/attach"
	local dial=(run --rm -v "$CT_PROBES:/mnt:ro" -v "$(runtime):/opt")
	local before=$XDG_RUNTIME_DIR
	# Its own socket is elsewhere: this place is refused from now on.
	XDG_RUNTIME_DIR=$T/other
	mkdir "$XDG_RUNTIME_DIR"
	# Uid 1000 of that container is another one of the host, root of it is ours.
	is "$(cattach "${dial[@]}" -u 1000 "$R" /mnt/dial /opt/attach)" \
		"error: permission denied: the container belongs to somebody else"
	is "$(cattach "${dial[@]}" "$R" /mnt/dial /opt/attach)" "type 67"
	XDG_RUNTIME_DIR=$before
	chmod 700 "$XDG_RUNTIME_DIR/cattach" "$(runtime)"
	is "$(state "$N" Status)" running
}

@test "a runtime directory that is open to others is refused with the way out" {
	start "$N" "$R" sleep 1000
	chmod 755 "$XDG_RUNTIME_DIR/cattach"
	refused 125 "$XDG_RUNTIME_DIR/cattach is open to other users (mode 0755) (chmod 700 $XDG_RUNTIME_DIR/cattach)" \
		cattach attach "$N"
	refused 125 "is open to other users (mode 0755)" cattach run --rm "$R" true
	chmod 700 "$XDG_RUNTIME_DIR/cattach"
	chmod 770 "$(runtime)"
	refused 125 "$(runtime) is open to other users (mode 0770)" cattach attach "$N"
	chmod 700 "$(runtime)"
}

@test "a runtime directory that is a link is refused" {
	rm -rf "$XDG_RUNTIME_DIR/cattach"
	mkdir -m 700 "$T/elsewhere"
	ln -s "$T/elsewhere" "$XDG_RUNTIME_DIR/cattach"
	refused 125 "$XDG_RUNTIME_DIR/cattach is a symbolic link; a directory is needed" \
		cattach run --rm "$R" true
	is "$(ls "$T/elsewhere")" ""
	rm "$XDG_RUNTIME_DIR/cattach"
}

@test "no socket has an abstract name, which a payload with the host's network could reach" {
	start "$N" --network host "$R" sleep 1000
	cattach attach "$N" > "$T/out" 2>&1 < /dev/null 3>&- &
	local client=$!
	eventually grep -q "$(runtime)/attach\|/attach" /proc/net/unix
	run ! grep -i '@.*cattach\|@.*attach' /proc/net/unix
	kill "$client"
}

# ---- where it is -------------------------------------------------------------------------------

@test "paths longer than a socket's address can be" {
	local long=$T/$(printf 'x%.0s' {1..200})
	mkdir -m 700 "$long"
	local before=$XDG_RUNTIME_DIR
	XDG_RUNTIME_DIR=$long
	start "$N" "$R" sh -c 'sleep 0.5; exit 3'
	run cattach attach "$N"
	is "$status" 3
	XDG_RUNTIME_DIR=$before
}

@test "who starts without a runtime directory of his own and attaches with one finds it" {
	local before=$XDG_RUNTIME_DIR value
	# None, and ones that are passed over: relative, missing, somebody else's.
	for value in "" relative "$T/missing" /etc; do
		XDG_RUNTIME_DIR=$value cattach run -d --name "$N" "$R" sleep 1000
		has "$(cattach clients "$N")" ID
		cattach rm -f "$N"
	done
	is "$XDG_RUNTIME_DIR" "$before"
	is "$(find "/tmp/cattach-$(id -u)" "/run/user/$(id -u)/cattach" -mindepth 1 2> /dev/null)" ""
}

@test "a directory that has vanished is made again by whoever attaches" {
	start "$N" -i "$R" cat
	# Some time later, when the monitor has given back what only the start needed.
	sleep 0.3
	rm -r "$XDG_RUNTIME_DIR/cattach"
	cattach send "$N" "still there"
	eventually grep -q "still there" <(cattach logs "$N")
	is "$(mode "$XDG_RUNTIME_DIR/cattach") $(mode "$(runtime)")" "700 700"
}

@test "a directory that was made again goes with --rm, at a ps seconds later at the latest" {
	start "$N" --rm -i "$R" cat
	rm -r "$XDG_RUNTIME_DIR/cattach"
	cattach send "$N" here
	[ -S "$(runtime)/attach" ]
	cattach send --eof "$N"
	eventually test ! -e "$STORE/containers/$ID"
	STARTED=()
	# A socket that is younger might be one that is just being made.
	find "$XDG_RUNTIME_DIR/cattach" -type s -exec touch -d '1 minute ago' {} +
	is "$(cattach ps -aq)" ""
	is "$(ls "$XDG_RUNTIME_DIR/cattach")" ""
}

@test "what lives in another store keeps its socket" {
	start "$N" "$R" sleep 1000
	XDG_DATA_HOME=$T/other cattach ps -a
	is "$(cattach clients -q "$N")" ""
	[ -S "$(runtime)/attach" ]
}

@test "a monitor that was killed leaves a container that can be removed, and started again" {
	cattach create --name "$N" "$R" sleep 1000 > /dev/null
	STARTED+=("$N")
	cattach start "$N"
	ID=$(cattach inspect -f '{{.Id}}' "$N")
	kill -9 "$(monitor)"
	eventually is_state exited
	[ -S "$(runtime)/attach" ]
	refused 125 "You cannot attach to a stopped container, start it first: $N exited" cattach attach "$N"
	cattach start "$N"
	has "$(cattach clients "$N")" ID
	kill -9 "$(monitor)"
	eventually is_state exited
	cattach rm "$N"
	STARTED=()
	[ ! -e "$(runtime)" ]
}

@test "socket and directory are gone after the end, with --rm and without" {
	start "$N" "$R" true
	cattach wait "$N"
	[ ! -e "$(runtime)" ]
	inside true
	is "$(ls "$XDG_RUNTIME_DIR/cattach")" ""
}

@test "a start that fails leaves no socket" {
	run ! cattach run --name "$N" "$R" /nosuch
	is "$(ls "$XDG_RUNTIME_DIR/cattach")" ""
}

# ---- confinement -------------------------------------------------------------------------------

@test "a monitor that is killed during the start leaves nothing" {
	local start
	type -P newuidmap > /dev/null || skip "newuidmap is not installed (package uidmap)"
	grep -qs "^$(id -un):" /etc/subuid || skip "no subordinate ids for $(id -un) in /etc/subuid"
	mkdir "$T/bin"
	printf '#!/bin/sh\necho > %s/here\nkill -9 $PPID\n' "$T" > "$T/bin/newuidmap"
	chmod +x "$T/bin/newuidmap"
	for start in "run" "run -d" "run --rm"; do
		# shellcheck disable=SC2086 # words
		PATH=$T/bin:$PATH run -125 cattach $start --name "$N" "$R" true
		[ -e "$T/here" ]
		rm "$T/here"
		is "$(ls "$XDG_RUNTIME_DIR/cattach")" ""
	done
}

@test "a monitor is confined, and the payload is not by it" {
	start "$N" "$R" sleep 1000
	local status
	eventually grep -q '^Seccomp:.*2' "/proc/$(monitor)/status"
	status=$(cat "/proc/$(monitor)/status")
	has "$status" $'NoNewPrivs:\t1'
	has "$status" $'CapEff:\t0000000000000000'
	has "$status" $'CapPrm:\t0000000000000000'
	# Not dumpable: its files in /proc belong to root.
	is "$(stat -c %u "/proc/$(monitor)/environ")" 0
	run ! cat "/proc/$(monitor)/maps"
	is "$(inside grep NoNewPrivs /proc/self/status)" $'NoNewPrivs:\t0'
}

@test "SIGTERM to the monitor is the payload's, and monitoring goes on" {
	start "$N" "$R" sh -c 'trap "echo got it; exit 9" TERM; while :; do sleep 0.05; done'
	kill "$(monitor)"
	is "$(cattach wait "$N")" 9
	is "$(cattach logs "$N")" "got it"
}

@test "a monitor that has given back what only the start needed still does all of its work" {
	start "$N" --rm -i "$R" sh -c 'while read -r n; do seq "$n"; done; exit 7'
	says() { cattach logs "$N" | grep -qx "$1"; }
	local i
	# It does so at the first quiet moment, and in part after much output again.
	for i in 100 30000 200; do
		sleep 0.3
		cattach send "$N" "$i"
		eventually says "$i"
	done
	is "$(cattach logs "$N" | sha256sum)" "$({ seq 100; seq 30000; seq 200; } | sha256sum)"
	sleep 0.3
	cattach attach --no-stdin "$N" > "$T/out" 3>&- &
	local client=$! code=0
	attached() { cattach clients "$N" | grep -qw "$client"; }
	eventually attached
	cattach send --eof "$N"
	wait $client || code=$?
	is "$code" 7
	eventually [ ! -e "$STORE/containers/$ID" ]
	run ! cattach inspect "$N"
	[ ! -e "$(runtime)" ]
}

# ---- after the end -----------------------------------------------------------------------------

# A run whose output goes into a pipe that nobody reads before $T/read exists.
stuck()
{
	cattach run "$@" "$R" sh -c 'seq 1 300000; exit 4' 2> "$T/err" 3>&- |
		{ while [ ! -e "$T/read" ]; do sleep 0.05; done; sha256sum > "$T/sum"; } 3>&- &
	READER=$!
}

whole() { seq 1 300000 | sha256sum; }

@test "nobody waits for a client that is still reading: wait, ps, start, rm" {
	stuck --name "$N"
	eventually is_state exited
	is "$(cattach wait "$N")" 4
	has "$(cattach ps -a --filter "name=$N")" "Exited (4)"
	cattach start "$N" > /dev/null
	is "$(cattach wait "$N")" 4
	cattach rm "$N"
	touch "$T/read"
	wait "$READER"
	is "$(cat "$T/sum")" "$(whole)"
}

@test "with --rm everything is removed at once, and the client reads on to the last byte" {
	local i
	for i in 1 2 3 4 5; do
		rm -f "$T/read"
		stuck --rm --log-opt max-size=256k --name "$N"
		# The bound makes the payload wait, unless it fits into log and pipes.
		sleep 0.3
		touch "$T/read"
		wait "$READER"
		is "$(cat "$T/sum")" "$(whole)"
		is "$(cat "$T/err")" ""
	done
}

@test "the payload waits for a stopped client that must get everything, and for no killed one" {
	cattach run --name "$N" --log-opt max-size=256k "$R" \
		sh -c 'dd if=/dev/zero bs=65536 count=400 2> /dev/null; exit 6' 3>&- > "$T/out" &
	local client=$!
	STARTED+=("$N")
	eventually is_state running
	kill -STOP "$client"
	sleep 0.5
	is "$(state "$N" Status)" running
	kill -KILL "$client"
	is "$(cattach wait "$N")" 6
}

@test "attaching while a container ends gives its code or says that it is stopped" {
	local i code seen=0 rounds=${CT_ROUNDS:-40}
	for ((i = 0; i < rounds; i++)); do
		cattach run -d --name "$N-$i" "$R" sh -c "sleep 0.0$((i % 5)); exit 7" > /dev/null
		code=0
		cattach attach "$N-$i" > "$T/out" 2>&1 < /dev/null || code=$?
		case $code in
		7) seen=$((seen + 1)) ;;
		125) has "$(cat "$T/out")" "You cannot attach to a stopped container" ;;
		*) cat "$T/out"; return 1 ;;
		esac
		cattach wait "$N-$i" > /dev/null
		cattach rm "$N-$i" > /dev/null
	done
	echo "$seen of $rounds were there in time"
}
