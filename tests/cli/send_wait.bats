#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# The verbs around attach: send, clients, detach, and wait with its limits.

bats_require_minimum_version 1.5.0

# refused TEXT COMMAND...: 125, exactly this line on stderr, nothing on stdout.
refused()
{
	local text=$1
	shift
	run --separate-stderr "$@"
	if [ "$status" -ne 125 ] || [ -n "$output" ] || [ "$stderr" != "cattach: $text" ]; then
		printf 'command: %s\nstatus:  %s\nstdout:  %s\nstderr:  %s\nwanted:  cattach: %s\n' \
			"$*" "$status" "$output" "$stderr" "$text"
		return 1
	fi
}

setup() { cd "$BATS_TEST_TMPDIR" || return 1; }

teardown()
{
	for pid in ${helpers:-}; do
		kill "$pid" 2> /dev/null || true
	done
	for id in $(cattach ps -aq); do
		cattach rm -f "$id" > /dev/null
	done
}

# clients NAME COUNT: wait until so many are attached.
clients()
{
	for _ in $(seq 500); do
		[ "$(cattach clients -q "$1" | wc -l)" -eq "$2" ] && return 0
		sleep 0.02
	done
	cattach clients "$1"
	return 1
}

# ---- send ----

@test "send puts a line into stdin, or text as it is" {
	cattach run -d -i --name a "$CT_ROOTFS" cat > /dev/null
	cattach send a hello
	cattach send a $'with newline\n'
	cattach send -n a 'no '
	cattach send a newline
	cattach send a ''
	cattach send a -- -x
	cattach send --eof a end
	[ "$(cattach wait a)" = 0 ]
	[ "$(cattach logs a)" = $'hello\nwith newline\nno newline\n\n-x\nend' ]
}

@test "send - sends stdin whole, however much it is" {
	cattach run -d -i --name a "$CT_ROOTFS" sha256sum > /dev/null
	head -c 3000000 /dev/urandom > data
	cattach send --eof a - < data
	[ "$(cattach wait a)" = 0 ]
	[ "$(cattach logs a)" = "$(sha256sum < data)" ]
}

@test "send --eof alone closes stdin, and then it is closed" {
	cattach run -d -i --name a "$CT_ROOTFS" sh -c 'cat; echo end; sleep 1000' > /dev/null
	cattach send --eof a
	cattach wait --for-output '^end$' --timeout 20 a
	refused 'the stdin of container a has been closed' cattach send a x
}

@test "send ends no stdin that stays open" {
	cattach run -d -i --name a "$CT_ROOTFS" cat > /dev/null
	for i in 1 2 3; do
		cattach send a "$i"
	done
	cattach wait --for-output '^3$' --timeout 20 a
	[ "$(cattach inspect -f '{{.State.Status}}' a)" = running ]
}

@test "send to a terminal is typed there" {
	cattach run -d -i -t --name a "$CT_ROOTFS" sh -c 'stty -echo; echo ready; read x; echo "got $x"; cat; echo end' > /dev/null
	cattach wait --for-output ready --timeout 20 a
	cattach send a hello
	cattach wait --for-output '^got hello$' --timeout 20 a
	cattach send --eof -n a half
	cattach wait --for-output 'end$' --timeout 20 a
	[ "$(cattach wait a)" = 0 ]
	[ "$(cattach logs -n 1 a | tr -d '\r')" = halfend ]
}

@test "send is refused where nothing can be taken" {
	cattach run -d --name a "$CT_ROOTFS" sleep 1000 > /dev/null
	refused 'the stdin of container a is not open (make it with -i: cattach run -d -i)' cattach send a x
	refused 'send needs a TEXT, "-" for its stdin, or --eof (usage: cattach send [OPTIONS] CONTAINER [TEXT|-])' cattach send a
	refused 'send takes at most 2 operands, not 3 (usage: cattach send [OPTIONS] CONTAINER [TEXT|-])' cattach send a x y
	refused 'no such container: nope (known: a)' cattach send nope x
	cattach kill a > /dev/null
	cattach wait a > /dev/null
	refused 'container a is not running (exited) (cattach start a)' cattach send a x
}

@test "what many send at once arrives whole" {
	cattach run -d -i --name a "$CT_ROOTFS" cat > /dev/null
	senders=
	for i in 1 2 3 4 5; do
		for n in $(seq 20); do
			cattach send a "$i-$n-$(printf '%0200d' "$i")"
		done &
		senders="$senders $!"
	done
	wait $senders
	cattach send --eof a
	[ "$(cattach wait a)" = 0 ]
	[ "$(cattach logs a | sort -u | wc -l)" -eq 100 ]
	[ "$(cattach logs a | grep -cE '^([1-5])-[0-9]+-0{199}\1$')" -eq 100 ]
}

# ---- clients, detach ----

@test "clients lists who is attached, and detach sends them away" {
	cattach run -d -i --name a "$CT_ROOTFS" sh -c 'echo hello; cat' > /dev/null
	[ -z "$(cattach clients -q a)" ]
	[ "$(cattach clients a | tr -s ' ')" = 'ID PID USER MODE SINCE BEHIND' ]
	refused 'nobody is attached to a' cattach detach a
	timeout 60 cattach attach --no-stdin a > out1 2> err1 3>&- &
	one=$!
	timeout 60 cattach attach --read-only a > out2 2> err2 3>&- < /dev/null &
	two=$!
	helpers="$one $two"
	clients a 2
	[ "$(cattach clients --format '{{.Mode}}' a | sort | tr '\n' ' ')" = 'ro rw ' ]
	[ "$(cattach clients --format '{{.User}}' a | sort -u)" = "$(id -un)" ]
	[ "$(cattach clients --format '{{.UID}}' a | sort -u)" = "$(id -u)" ]
	[ "$(cattach clients --format '{{.Behind}}' a | sort -u)" = 0 ]
	cattach clients --format '{{.Since}}' a | grep -q 'ago$'
	pid=$(cattach clients --format '{{if eq .Mode "rw"}}{{.PID}}{{end}}' a | grep .)
	tr '\0' ' ' < "/proc/$pid/cmdline" | grep -q 'attach --no-stdin a'
	id=$(cattach clients --format '{{if eq .Mode "rw"}}{{.ID}}{{end}}' a | grep .)
	[ "$(cattach clients --format json a | grep -c '"Behind":0')" -eq 2 ]
	run --separate-stderr cattach detach a
	[ "$status" -eq 125 ]
	[[ $stderr == 'cattach: 2 clients are attached to a: say which, or --all (attached: '* ]]
	run --separate-stderr cattach detach a 999999
	[ "$status" -eq 125 ]
	[[ $stderr == 'cattach: no client 999999 is attached to a (attached: '* ]]
	[ "$(cattach detach a "$id")" = "$id" ]
	wait "$one"
	clients a 1
	cattach detach a > /dev/null
	wait "$two"
	clients a 0
	[ "$(cattach inspect -f '{{.State.Status}}' a)" = running ]
	cattach send a still
	cattach wait --for-output '^still$' --timeout 20 a
}

@test "detach --all sends everybody away and closes nothing" {
	cattach run -d -i --name a "$CT_ROOTFS" cat > /dev/null
	helpers=
	for i in 1 2 3; do
		timeout 60 cattach attach --no-stdin a > /dev/null 2>&1 3>&- &
		helpers="$helpers $!"
	done
	clients a 3
	[ "$(cattach detach --all a | wc -l)" -eq 3 ]
	wait $helpers
	clients a 0
	refused '--all and a CLIENT exclude each other (usage: cattach detach [OPTIONS] CONTAINER [CLIENT])' cattach detach --all a 1
	[ -z "$(cattach detach --all a)" ]
	cattach send a still
	cattach wait --for-output '^still$' --timeout 20 a
}

@test "the client that is waited for is told apart" {
	mkfifo in
	exec 9<> in
	timeout 60 cattach run -i --name a "$CT_ROOTFS" cat < in > /dev/null 2>&1 3>&- 9>&- &
	helpers=$!
	for _ in $(seq 500); do
		[ "$(cattach inspect -f '{{.State.Status}}' a 2> /dev/null)" = running ] && break
		sleep 0.02
	done
	clients a 1
	[ "$(cattach clients --format '{{.Mode}}' a)" = rw,block ]
}

@test "clients and detach of what does not run" {
	cattach create --name a "$CT_ROOTFS" true > /dev/null
	refused 'container a is not running (created) (cattach start a)' cattach clients a
	refused 'container a is not running (created) (cattach start a)' cattach detach --all a
	refused 'no such container: nope (known: a)' cattach clients nope
}

# ---- wait ----

@test "wait --for-output sees what is written already, and what comes" {
	cattach run -d -i --name a "$CT_ROOTFS" sh -c 'echo begin; echo "listening on 80"; cat; exit 3' > /dev/null
	timeout 30 cattach wait --for-output 'listening on [0-9]+$' a
	timeout 30 cattach wait --for-output '^begin$' a
	timeout 30 cattach wait --for-output '^later' a 3>&- &
	waiter=$!
	cattach send a 'not yet'
	kill -0 "$waiter"
	cattach send a later
	wait "$waiter"
	run --separate-stderr timeout 30 cattach wait --for-output later --timeout 20s a
	[ "$status" -eq 0 ]
	[ -z "$output" ] && [ -z "$stderr" ]
	cattach send --eof a
	[ "$(cattach wait a)" = 3 ]
	# of one that has ended
	run timeout 30 cattach wait --for-output later a
	[ "$status" -eq 0 ]
	run timeout 30 cattach wait --for-output never a
	[ "$status" -eq 1 ]
	[ -z "$output" ]
}

@test "wait --for-output matches a prompt, and a line that comes in pieces" {
	cattach run -d -i --name a "$CT_ROOTFS" sh -c 'printf "login: "; read x; printf "wel"; sleep 0.2; printf "come "; sleep 0.2; echo "$x"; cat' > /dev/null
	timeout 30 cattach wait --for-output '^login: $' a
	cattach send a joe
	timeout 30 cattach wait --for-output '^login: welcome joe$' a
}

@test "wait --for-output ends with 1 when it ended without, 124 when it took too long" {
	cattach run -d -i --name a "$CT_ROOTFS" sh -c 'echo x; cat; printf y' > /dev/null
	run --separate-stderr timeout 30 cattach wait --for-output never --timeout 200ms a
	[ "$status" -eq 124 ]
	[ "$stderr" = 'cattach: --for-output: it was not written in this time' ]
	timeout 30 cattach wait --for-output never a 3>&- &
	waiter=$!
	timeout 30 cattach wait --for-output '^y$' a 3>&- &
	other=$!
	cattach send --eof a
	status=0
	wait "$waiter" || status=$?
	[ "$status" -eq 1 ]
	wait "$other"
	# the time may be over already: what is there counts
	timeout 30 cattach wait --for-output x --timeout 0 a
}

@test "wait --for-output looks at the current run and at one stream" {
	cattach run -d --name a "$CT_ROOTFS" sh -c 'echo out; echo err >&2; echo first' > /dev/null
	cattach wait a > /dev/null
	timeout 30 cattach wait --for-output '^first$' a
	timeout 30 cattach wait --for-output err --stream stderr a
	run timeout 30 cattach wait --for-output err --stream stdout a
	[ "$status" -eq 1 ]
	cattach run -d --name b -v "$PWD":/mnt "$CT_ROOTFS" sh -c '[ -e /mnt/x ] || echo first; : > /mnt/x; echo any' > /dev/null
	cattach wait b > /dev/null
	timeout 30 cattach wait --for-output '^first$' b
	cattach start b > /dev/null
	cattach wait b > /dev/null
	run timeout 30 cattach wait --for-output '^first$' b
	[ "$status" -eq 1 ]
}

@test "wait --for-output of several waits for all, of a created one for its start" {
	cattach create --name a "$CT_ROOTFS" sh -c 'echo up; sleep 1000' > /dev/null
	cattach run -d --name b "$CT_ROOTFS" sh -c 'echo up; sleep 1000' > /dev/null
	timeout 30 cattach wait --for-output '^up$' a b 3>&- &
	waiter=$!
	sleep 0.2
	kill -0 "$waiter"
	cattach start a > /dev/null
	wait "$waiter"
	run --separate-stderr timeout 30 cattach wait --for-output up a nope b
	[ "$status" -eq 125 ]
	[[ $stderr == 'cattach: no such container: nope (known: '* ]]
}

@test "wait --for-output sees what a container says that is gone at once" {
	for pattern in '^last$' '^never$'; do
		cattach create --name a --rm "$CT_ROOTFS" sh -c 'seq 1 1000; echo last' > /dev/null
		timeout 30 cattach wait --for-output "$pattern" a 2> err 3>&- &
		waiter=$!
		for _ in $(seq 500); do
			[ -z "$(find "$XDG_RUNTIME_DIR/cattach" -name 'wait.*')" ] || break
			sleep 0.02
		done
		cattach start a > /dev/null
		status=0
		wait "$waiter" || status=$?
		echo "$status" >> codes
		[ ! -s err ]
		for _ in $(seq 500); do
			[ -n "$(cattach ps -aq)" ] || break
			sleep 0.02
		done
	done
	[ "$(cat codes)" = $'0\n1' ]
}

@test "wait --timeout ends with 124, and nothing else changes" {
	cattach run -d --name a "$CT_ROOTFS" sleep 1000 > /dev/null
	run --separate-stderr timeout 30 cattach wait --timeout 200ms a
	[ "$status" -eq 124 ]
	[ -z "$output" ]
	[ "$stderr" = 'cattach: --timeout: container a has not ended in this time' ]
	run --separate-stderr timeout 30 cattach wait --timeout 0 a
	[ "$status" -eq 124 ]
	cattach kill a > /dev/null
	[ "$(cattach wait --timeout 20s a)" = 137 ]
	[ "$(cattach wait --timeout 0 a)" = 137 ]
}

@test "wait prints 255 when the monitor was killed, says why, and fails with it" {
	cattach run -d --name a "$CT_ROOTFS" sleep 1000
	kill -9 "$(cattach inspect -f '{{.State.ConmonPid}}' a)"
	run -255 --separate-stderr cattach wait a
	[ "$output" = 255 ]
	[ "$stderr" = "cattach: exit code unknown: container a exited, nobody knows how: its monitor was killed (cattach logs a has what it wrote)" ]
}

@test "waits that make no sense are refused" {
	cattach run -d --name a "$CT_ROOTFS" sleep 1000 > /dev/null
	run --separate-stderr cattach wait --for-output '(' a
	[ "$status" -eq 125 ]
	[[ $stderr == 'cattach: --for-output: "(" is no regular expression: '* ]]
	refused '--timeout: must be seconds or a duration such as 1m30s or 250ms, not "x"' cattach wait --timeout x a
	refused '--stream: must be stdout or stderr, not "x"' cattach wait --for-output y --stream x a
	refused '--stream: says which output counts, so it needs --for-output' cattach wait --stream stdout a
}
