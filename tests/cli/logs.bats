#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# cattach logs: which bytes, which lines, in which order, where they go, and when it ends. Content
# and order are asserted, never time: a limit is only there so that what hangs fails.

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

# made NAME SCRIPT [OPTION...]: a container that has run the script to its end.
made()
{
	local name=$1 script=$2
	shift 2
	cattach run -d --name "$name" "$@" "$CT_ROOTFS" sh -c "$script" > /dev/null
	cattach wait "$name" > /dev/null
}

# following FILE ARG...: "cattach logs ARG..." in the background, stdout to FILE, stderr to FILE.err.
following()
{
	local file=$1
	shift
	timeout 60 cattach logs "$@" > "$file" 2> "$file.err" 3>&- &
	follower=$!
}

# until_file PATTERN FILE: wait until a line of the file matches.
until_file()
{
	for _ in $(seq 500); do
		if grep -q -- "$1" "$2" 2> /dev/null; then
			return 0
		fi
		sleep 0.02
	done
	echo "never came: $1"
	cat "$2"
	return 1
}

setup() { cd "$BATS_TEST_TMPDIR" || return 1; }

teardown()
{
	if [ -n "${follower:-}" ]; then
		kill "$follower" 2> /dev/null || true
	fi
	for id in $(cattach ps -aq); do
		cattach rm -f "$id" > /dev/null
	done
}

stamp='[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{9}Z'

@test "L1: the last lines, none, all, and numbers that are none" {
	made a 'for i in 1 2 3 4 5; do echo $i; done'
	[ "$(cattach logs a)" = $'1\n2\n3\n4\n5' ]
	[ "$(cattach logs -n 1 a)" = 5 ]
	[ "$(cattach logs --tail 2 a)" = $'4\n5' ]
	[ "$(cattach logs -n2 a)" = $'4\n5' ]
	[ -z "$(cattach logs -n 0 a)" ]
	[ "$(cattach logs -n all a | wc -l)" -eq 5 ]
	[ "$(cattach logs -n -1 a | wc -l)" -eq 5 ]
	[ "$(cattach logs -n 5 a | wc -l)" -eq 5 ]
	[ "$(cattach logs -n 6 a | wc -l)" -eq 5 ]
	[ "$(cattach logs -n 18446744073709 a | wc -l)" -eq 5 ]
	for bad in x '' 1x 0x1 ' 1' 1e9; do
		refused "--tail: must be a number of lines or \"all\", not \"$bad\"" cattach logs -n "$bad" a
	done
}

@test "L1: lines are counted and not the pieces in which they came" {
	made a 'printf one; sleep 0.05; printf " line"; sleep 0.05; echo; echo two; printf three'
	[ "$(cattach logs -n 1 a)" = three ]
	[ "$(cattach logs -n 2 a)" = $'two\nthree' ]
	[ "$(cattach logs -n 3 a)" = $'one line\ntwo\nthree' ]
	made b 'echo 1; printf "half "; sleep 0.1; echo err >&2; sleep 0.1; echo done'
	[ "$(cattach logs -n 1 b 2> err)" = 'half done' ]
	[ ! -s err ]
	[ "$(cattach logs -n 2 b 2> err)" = 'half done' ]
	[ "$(cat err)" = err ]
}

@test "L1: the last lines of a part: one stream, one run, until a time" {
	made a 'for i in 1 2 3; do echo o$i; sleep 0.02; echo e$i >&2; sleep 0.02; done; for i in 1 2 3 4 5 6 7 8 9; do echo x$i; done'
	[ "$(cattach logs -n 2 --stream stderr a 2>&1)" = $'e2\ne3' ]
	[ "$(cattach logs -n 1 --stream stdout a)" = x9 ]
	[ "$(cattach logs -n 5 --stream stderr a 2>&1)" = $'e1\ne2\ne3' ]
	time=$(cattach logs -t -n 1 --stream stderr a 2>&1 | cut -d ' ' -f 1)
	[ "$(cattach logs -n 2 --until "$time" a 2>&1)" = $'o3\ne3' ]
	[ "$(cattach logs -n 3 --stream stderr --since "$time" a 2>&1)" = e3 ]
	cattach start a > /dev/null
	cattach wait a > /dev/null
	[ "$(cattach logs -n 1 --run 1 --stream stderr a 2>&1)" = e3 ]
	[ "$(cattach logs -n 100 --run 1 a 2>&1 | wc -l)" -eq 15 ]
	[ "$(cattach logs -n 2 --run 1 a)" = $'x8\nx9' ]
	[ "$(cattach logs -n 16 a 2>&1 | head -n 1)" = x9 ]
}

@test "L1: a stream that has fewer lines than that is shown whole, also over runs and rotation" {
	made a 'seq 1 2000; echo one >&2; seq 1 100000; echo two >&2; seq 1 2000; printf half >&2' \
		--log-opt max-size=256k
	[ "$(cattach logs --stream stderr -n 10 a 2>&1)" = $'one\ntwo\nhalf' ]
	[ "$(cattach logs --stream stderr -n 3 a 2>&1)" = $'one\ntwo\nhalf' ]
	[ "$(cattach logs --stream stderr -n 2 a 2>&1)" = $'two\nhalf' ]
	cattach start a > /dev/null
	cattach wait a > /dev/null
	[ "$(cattach logs --stream stderr -n 10 --run 2 a 2>&1)" = $'one\ntwo\nhalf' ]
	made b 'seq 1 100000' --log-opt max-size=256k
	[ -z "$(cattach logs --stream stderr -n 10 b 2>&1)" ]
}

@test "L2: following over rotation loses nothing and doubles nothing" {
	cattach run -d --name a --log-opt max-size=64k --log-opt max-file=4 "$CT_ROOTFS" sh -c \
		'n=0; while [ $n -lt 80 ]; do seq $((n * 5000)) $((n * 5000 + 4999)); n=$((n + 1)); sleep 0.02; done' > /dev/null
	following out -f a
	wait "$follower"
	seq 0 399999 > expected
	cmp out expected
	[ ! -s out.err ]
	# what is left of it begins somewhere, which is told, and goes on to the end
	cattach logs a > left 2> err
	[ "$(tail -n 1 left)" = 399999 ]
	[ "$(wc -l < left)" -lt 400000 ]
	tail -c "$(wc -c < left)" expected | cmp - left
}

@test "L3: since and until in every form" {
	made a 'echo one; sleep 1.2; echo two'
	first=$(cattach logs -t a | sed -n '1s/ .*//p')
	second=$(cattach logs -t a | sed -n '2s/ .*//p')
	[[ $first =~ ^$stamp$ ]]
	middle=$(date -u -d "$second - 0.6 seconds" +%s.%N)
	utc=$(date -u -d "@$middle" +%Y-%m-%dT%H:%M:%S.%N)
	local=$(TZ=Asia/Tokyo date -d "@$middle" +%Y-%m-%dT%H:%M:%S.%N 2> /dev/null || true)
	for time in "${utc}Z" "$middle" "$(TZ=TST-2 date -d "@$middle" +%Y-%m-%dT%H:%M:%S.%N)+02:00"; do
		[ "$(cattach logs --since "$time" a)" = two ]
		[ "$(cattach logs --until "$time" a)" = one ]
	done
	[ -n "$local" ]
	[ "$(TZ=TST-2 cattach logs --since "$(TZ=TST-2 date -d "@$middle" +%Y-%m-%dT%H:%M:%S.%N)" a)" = two ]
	[ "$(TZ=UTC0 cattach logs --since "$utc" a)" = two ]
	# at a time: both ends belong to it
	[ "$(cattach logs --since "$second" a)" = two ]
	[ "$(cattach logs --until "$first" a)" = one ]
	[ "$(cattach logs --since "$first" --until "$second" a)" = $'one\ntwo' ]
	[ -z "$(cattach logs --since "$second" --until "$first" a)" ]
	# durations, plain seconds, days
	[ "$(cattach logs --since 10m a | wc -l)" -eq 2 ]
	[ "$(cattach logs --since 1h30m a | wc -l)" -eq 2 ]
	[ "$(cattach logs --since 600 a | wc -l)" -eq 2 ]
	[ -z "$(cattach logs --until 10m a)" ]
	[ -z "$(cattach logs --since 0s a)" ]
	[ "$(cattach logs --since 2006-01-02 a | wc -l)" -eq 2 ]
	[ "$(cattach logs --since 2006-01-02Z a | wc -l)" -eq 2 ]
	[ "$(cattach logs --until 9999-12-31T23:59:59+07:00 a | wc -l)" -eq 2 ]
	hint='such as 10m, 1h30m, 2006-01-02T15:04:05Z, 2006-01-02 or 1700000000'
	for bad in garbage '' 1m30 2006-13-01 99999999999999999999; do
		refused "--since: \"$bad\" is no time or duration ($hint)" cattach logs --since "$bad" a
		refused "--until: \"$bad\" is no time or duration ($hint)" cattach logs --until "$bad" a
	done
}

@test "L4: -f ends with the container and has its last line" {
	for i in 1 2 3 4 5; do
		cattach run -d --name "a$i" -i "$CT_ROOTFS" sh -c 'echo ready; read x; echo last; printf end' > /dev/null
		following "out$i" -f "a$i"
		until_file ready "out$i"
		cattach send "a$i" go
		wait "$follower"
		[ "$(cat "out$i")" = $'ready\nlast\nend' ]
		[ ! -s "out$i.err" ]
	done
	# of one that has ended it is what there is
	[ "$(timeout 10 cattach logs -f a1)" = $'ready\nlast\nend' ]
	[ "$(timeout 10 cattach logs -f -n 1 a1)" = end ]
}

@test "L4: -f of a container that removes itself has everything" {
	for _ in 1 2 3 4 5; do
		cattach run -d --rm --name a -i "$CT_ROOTFS" sh -c 'echo ready; read x; seq 20000; echo last' > /dev/null
		following out -f a
		until_file ready out
		cattach send a go
		wait "$follower"
		{ echo ready; seq 20000; echo last; } | cmp - out
	done
	refused 'no such container: a' cattach logs a
}

@test "L4: --until ends -f, and nothing is followed that has ended" {
	cattach run -d --name a "$CT_ROOTFS" sh -c 'while :; do echo tick; sleep 0.1; done' > /dev/null
	run timeout 30 cattach logs -f --until -1s a
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = tick ]
	[ "$(cattach inspect -f '{{.State.Status}}' a)" = running ]
}

@test "L5: a line of 100 KB is one line, intact" {
	made a 'head -c 100000 /dev/zero | tr "\0" x; echo; echo end'
	cattach logs a > out
	{ head -c 100000 /dev/zero | tr '\0' x; echo; echo end; } | cmp - out
	cattach logs -t a > out
	[ "$(wc -l < out)" -eq 2 ]
	[ "$(head -n 1 out | wc -c)" -eq $((100000 + 32)) ]
	[ "$(cattach logs -n 2 a | wc -c)" -eq 100005 ]
	[ "$(cattach logs --format json a | wc -l)" -eq 2 ]
	[ "$(cattach logs --format json a | grep -c '"partial":false}$')" -eq 2 ]
}

@test "L5: a line of three megabytes comes in parts and is whole" {
	made a 'head -c 3000000 /dev/zero | tr "\0" x; echo; echo end'
	[ "$(cattach logs -t -n 2 a | head -n 1 | wc -c)" -eq 3000032 ]
	[ "$(cattach logs --format json a | sed '$d' | grep -c '"partial":true}$')" -eq 2 ]
	[ "$(cattach logs --format json a | grep -o '"line":"x*' | tr -d '\n' | tr -cd x | wc -c)" -eq 3000000 ]
}

@test "L6: invalid UTF-8, NUL and CR stay what they are" {
	made a 'printf "a\\000b\\377c\\r\\nx\\ry\\n\\303\\274\\n"'
	printf 'a\000b\377c\r\nx\ry\n\303\274\n' > expected
	cattach logs a | cmp - expected
	cattach logs -n 3 a | cmp - expected
	cattach logs --format raw a | cmp - expected
	cattach logs -t a | sed 's/^[^ ]* //' | cmp - expected
	cattach logs --format json a > json
	[ "$(wc -l < json)" -eq 3 ]
	sed -n 1p json | grep -qF '"data_base64":"YQBi/2MN"'
	sed -n 2p json | grep -qF '"line":"x\ry"'
	sed -n 3p json | grep -qF '"line":"ü"'
}

@test "L7: an unterminated last line is shown, also while it waits" {
	cattach run -d --name a -i "$CT_ROOTFS" sh -c 'echo hello; printf "name? "; read x; printf "hi $x"' > /dev/null
	following out -f a
	following_t=$follower
	until_file 'name? ' out
	[ "$(cattach logs a)" = $'hello\nname? ' ]
	following outt -ft a
	until_file 'name? ' outt
	following outj -f --format json a
	until_file '"line":"name? ","partial":true}' outj
	cattach send a joe
	wait "$follower" "$following_t"
	[ "$(cat out)" = $'hello\nname? hi joe' ]
	sleep 0.2
	[ "$(sed -E "s/^$stamp //" outt)" = $'hello\nname? hi joe' ]
	[ "$(cattach logs -n 1 a)" = 'name? hi joe' ]
}

@test "L8: one time per logical line, that of its first byte" {
	made a 'printf one; sleep 0.3; printf two; sleep 0.3; echo three; echo next'
	cattach logs -t a > out
	[ "$(wc -l < out)" -eq 2 ]
	[ "$(grep -cE "^$stamp (onetwothree|next)$" out)" -eq 2 ]
	first=$(date -d "$(sed -n '1s/ .*//p' out)" +%s%N)
	next=$(date -d "$(sed -n '2s/ .*//p' out)" +%s%N)
	[ $((next - first)) -ge 500000000 ]
	following outf -ft -n 0 a
	wait "$follower"
	[ ! -s outf ]
}

@test "L8: streams do not tear each other's lines" {
	made a 'printf "out "; sleep 0.1; echo err >&2; sleep 0.1; echo put'
	[ "$(cattach logs -t a 2>&1 | sed -E "s/^$stamp //")" = $'err\nout put' ]
	[ "$(cattach logs -t a 2>&1 | grep -cE "^$stamp ")" -eq 2 ]
}

@test "L9: of a container with a terminal all is stdout, as it was" {
	cattach run -d -t --name a "$CT_ROOTFS" sh -c 'echo out; echo err >&2; printf "\033[2Jx"' > /dev/null
	cattach wait a > /dev/null
	cattach logs a > out 2> err
	printf 'out\r\nerr\r\n\033[2Jx' | cmp - out
	[ ! -s err ]
	[ -z "$(cattach logs --stream stderr a)" ]
}

@test "L10: stdout to stdout, stderr to stderr, or one of them" {
	made a 'echo o1; sleep 0.05; echo e1 >&2; sleep 0.05; echo o2'
	cattach logs a > out 2> err
	[ "$(cat out)" = $'o1\no2' ]
	[ "$(cat err)" = e1 ]
	[ "$(cattach logs a 2>&1)" = $'o1\ne1\no2' ]
	[ "$(cattach logs -t a 2> /dev/null | wc -l)" -eq 2 ]
	[ "$(cattach logs --stream stdout a 2>&1)" = $'o1\no2' ]
	[ "$(cattach logs --stream stderr a 2>&1)" = e1 ]
	[ -z "$(cattach logs --stream stderr a 2> /dev/null)" ]
	refused '--stream: must be stdout or stderr, not "both"' cattach logs --stream both a
}

@test "L11: a full disk stops no container, and what is missing is told in its place" {
	# A small file system of our own: mounted by a namespace's root, used in it by a user who has no
	# subordinate ids, for those cannot be mapped there.
	cat > full.sh <<-'SH'
	set -e
	export XDG_DATA_HOME=$1
	trap 'cattach rm -f a > /dev/null' EXIT	# nobody else sees this store
	cattach run -d -i --name a "$CT_ROOTFS" sh -c 'echo begin; seq 3000000; echo middle; cat' > /dev/null
	timeout 60 cattach wait --for-output '^middle$' a
	cattach logs a > "$2/out1" 2> "$2/err1"
	rm "$1/filler"
	cattach send --eof a end
	timeout 60 cattach wait a
	cattach logs a > "$2/out2" 2> "$2/err2"
	SH
	mkdir data
	cat > small.sh <<-'SH'
	mount -t tmpfs -o size=16m,mode=700 tmpfs "$1" || exit 77
	head -c 16100000 /dev/zero > "$1/filler"
	exec unshare -U --map-user=54321 --map-group=54321 sh full.sh "$1" "$2"
	SH
	status=0
	unshare -Urm sh small.sh "$PWD/data" "$PWD" || status=$?
	if [ "$status" -eq 77 ]; then
		skip "a user's namespaces cannot mount a tmpfs here"
	fi
	[ "$status" -eq 0 ]
	for i in 1 2; do
		[ "$(head -n 1 out$i)" = begin ]
		grep -qE '^cattach: a: [0-9]+ bytes are missing here: the disk was full$' "err$i"
		[ "$(wc -l < "err$i")" -eq 1 ]
		# what is there and what is missing is all there was
		missing=$(tr -cd 0-9 < "err$i")
		echo $(($(wc -c < "out$i") + missing))
	done > sizes
	all=$({ echo begin; seq 3000000; echo middle; } | wc -c)
	[ "$(cat sizes)" = "$all"$'\n'"$((all + 4))" ]
	[ "$(tail -n 1 out1)" = middle ]
	[ "$(tail -n 2 out2)" = $'middle\nend' ]
}

@test "L12: several containers are merged by time" {
	cattach run -d --name a -i "$CT_ROOTFS" cat > /dev/null
	cattach run -d --name b -i "$CT_ROOTFS" cat > /dev/null
	following outf -f --names a b
	for i in 1 2 3 4; do
		cattach send a "a$i"
		cattach wait --for-output "a$i" --timeout 20 a
		cattach send b "b$i"
		cattach wait --for-output "b$i" --timeout 20 b
	done
	cattach logs --names a b > out
	[ "$(cat out)" = $'a a1\nb b1\na a2\nb b2\na a3\nb b3\na a4\nb b4' ]
	[ "$(cattach logs --names b a)" = "$(cat out)" ]
	short_a=$(cattach inspect -f '{{slice .Id 0 12}}' a)
	short_b=$(cattach inspect -f '{{slice .Id 0 12}}' b)
	[ "$(cattach logs -n 1 a b)" = "$short_a a4"$'\n'"$short_b b4" ]
	cattach logs -t -n 1 a b | grep -qE "^$short_a $stamp a4$"
	[ "$(cattach logs --names -n 1 a)" = 'a a4' ]
	[ "$(cattach logs --color --names -n 1 a)" = $'\e[32ma\e[0m a4' ]
	cattach logs --format json -n 1 a b | grep -qF "\"container\":\"$short_b\",\"line\":\"b4\""
	[ "$(cattach logs --format raw a b | sort | tr -d '\n')" = a1a2a3a4b1b2b3b4 ]
	cattach send --eof a
	cattach send --eof b
	wait "$follower"
	[ "$(sort outf)" = "$(sort out)" ]
}

@test "L12: one that cannot be read does not keep the others from being shown" {
	made a 'echo hello'
	run --separate-stderr cattach logs --names nope a
	[ "$status" -eq 125 ]
	[ "$output" = 'a hello' ]
	[ "$stderr" = 'cattach: no such container: nope (known: a)' ]
}

@test "L13: the log of a container that writes as fast as it can" {
	cattach run -d --name a "$CT_ROOTFS" yes 0123456789abcdef0123456789abcdef > /dev/null
	cattach wait --for-output . --timeout 20 a
	# without -f it ends where the log ended when it came
	timeout 60 cattach logs a > out 2> err
	[ -s out ]
	[ "$(head -n 5000 out | sed 1d | sort -u)" = 0123456789abcdef0123456789abcdef ]
	for _ in 1 2 3; do
		[ "$(timeout 20 cattach logs -n 7 a | grep -c '^0123456789abcdef0123456789abcdef$')" -ge 6 ]
		[ "$(timeout 20 cattach logs -n 7 a | wc -l)" -le 7 ]
	done
	timeout 20 cattach logs -f a | head -n 100000 | tail -n +2 | sort -u > out
	[ "$(cat out)" = 0123456789abcdef0123456789abcdef ]
	cattach kill a > /dev/null
}

@test "the whole record is shown: every run, or one of them" {
	made a 'echo run; printf end'
	cattach start a > /dev/null && cattach wait a > /dev/null
	cattach start a > /dev/null && cattach wait a > /dev/null
	[ "$(cattach logs a)" = $'run\nendrun\nendrun\nend' ]
	[ "$(cattach logs -t a | sed -E "s/^$stamp //")" = $'run\nend\nrun\nend\nrun\nend' ]
	for run in 1 2 3 -1 -2 -3; do
		[ "$(cattach logs --run $run a)" = $'run\nend' ]
	done
	[ "$(cattach logs --run all a)" = "$(cattach logs a)" ]
	[ "$(cattach logs --format json a | grep -o '"run":[0-9]*' | tr -d '\n')" = '"run":1"run":1"run":2"run":2"run":3"run":3' ]
	[ "$(cattach logs --format json -n 1 a | grep -o '"run":[0-9]*')" = '"run":3' ]
	hint='the last one is 3, older ones may have been rotated away'
	refused "a: --run: there is no run 4 in the log ($hint)" cattach logs --run 4 a
	refused "a: --run: there is no run -4 in the log ($hint)" cattach logs --run -4 a
	for bad in 0 x '' 1.5; do
		refused "--run: must be \"all\", a number from 1, or one from -1 down, not \"$bad\"" cattach logs --run "$bad" a
	done
}

@test "-F waits for a name that does not exist yet, and goes on with its next run" {
	following out -F a
	sleep 0.2
	made a 'echo first'
	until_file first out
	cattach start a > /dev/null
	for _ in $(seq 200); do
		[ "$(grep -c first out)" -eq 2 ] && break
		sleep 0.02
	done
	[ "$(cat out)" = $'first\nfirst' ]
	# and with another container of that name
	cattach wait a > /dev/null
	cattach rm a > /dev/null
	made a 'echo second'
	until_file second out
	[ "$(cat out)" = $'first\nfirst\nsecond' ]
	kill -0 "$follower"
	[ ! -s out.err ]
}

# waiters COUNT: so many wait for a start.
waiters()
{
	for _ in $(seq 500); do
		[ "$(find "$XDG_RUNTIME_DIR/cattach" -name 'wait.*' | wc -l)" -eq "$1" ] && return 0
		sleep 0.02
	done
	return 1
}

@test "-F of a created container that removes itself at once has all of it, each time" {
	following out -F a
	seq 1 2000 > once
	for round in 1 2 3 4 5; do
		cattach create --name a --rm "$CT_ROOTFS" sh -c 'seq 1 2000' > /dev/null
		waiters 1
		cattach start a > /dev/null
		cat once >> all
		for _ in $(seq 500); do
			[ "$(grep -c '^2000$' out)" -eq "$round" ] && [ -z "$(cattach ps -aq)" ] && break
			sleep 0.02
		done
		cmp all out
	done
	[ ! -s out.err ]
	waiters 0
}

@test "-F goes on waiting when a start fails" {
	cp -a "$CT_ROOTFS" rootfs
	cattach create --name a "$PWD/rootfs" /bin/late > /dev/null
	following out -F a
	waiters 1
	run -127 cattach start a
	waiters 1
	printf '#!/bin/sh\necho here\n' > rootfs/bin/late
	chmod 755 rootfs/bin/late
	cattach start a > /dev/null
	until_file here out
	[ ! -s out.err ]
}

@test "-F of several, and from the end" {
	made a 'echo old'
	following out -F -n 0 --names a b
	sleep 0.2
	made b 'echo new'
	until_file 'b new' out
	cattach start a > /dev/null
	until_file 'a old' out
	[ "$(cat out)" = $'b new\na old' ]
}

@test "JSON is one object a line with all there is to know" {
	made a 'echo "say \"hi\" \\ \t\033[1m"; sleep 0.05; printf half >&2'
	cattach logs --format json a > out 2> err
	[ ! -s err ]
	[ "$(wc -l < out)" -eq 2 ]
	sed -n 1p out | grep -qE "^\{\"time\":\"$stamp\",\"stream\":\"stdout\",\"run\":1,\"line\":\"say \\\\\"hi\\\\\" .*\",\"partial\":false\}$"
	sed -n 2p out | grep -qE "^\{\"time\":\"$stamp\",\"stream\":\"stderr\",\"run\":1,\"line\":\"half\",\"partial\":true\}$"
	refused '--format: must be text, json or raw, not "xml"' cattach logs --format xml a
	refused '--format: raw is the bytes alone: it excludes --timestamps, --names and --color' cattach logs --format raw -t a
}

@test "on a terminal control sequences are shown and colours pass, unless --raw" {
	made a 'printf "\033[31mred\033[0m \033[2Jx\a\n"'
	cattach logs a > out
	printf '\033[31mred\033[0m \033[2Jx\a\n' | cmp - out
	script -qec 'cattach logs a' /dev/null < /dev/null > out
	printf '\033[31mred\033[0m \\x1b[2Jx\\x07\r\n' | cmp - out
	script -qec 'cattach logs --raw a' /dev/null < /dev/null > out
	printf '\033[31mred\033[0m \033[2Jx\a\r\n' | cmp - out
}

@test "the log driver none keeps nothing to read once it has ended" {
	made a 'echo x' --log-driver none
	refused "a: this container is using the 'none' log driver, cannot read logs" cattach logs a
	cattach run -d --name b --log-driver none "$CT_ROOTFS" sh -c 'echo x; sleep 1000' > /dev/null
	cattach wait --for-output x b
	[ "$(cattach logs b)" = x ]
}

@test "containers that were created, that are not there, and none at all" {
	cattach create --name a "$CT_ROOTFS" echo x > /dev/null
	[ -z "$(timeout 10 cattach logs a)" ]
	[ -z "$(timeout 10 cattach logs -f a)" ]
	refused 'no such container: nope (known: a)' cattach logs nope
	refused 'logs needs a CONTAINER (usage: cattach logs [OPTIONS] CONTAINER...)' cattach logs
}

@test "a damaged record is told in one line, and what stands behind it is shown" {
	made a 'for i in 1 2 3; do echo line$i; sleep 0.05; done'
	log=$(echo "$HOME"/.local/share/cattach/containers/*/main/log.*)
	[ -f "$log" ]
	# the header of the second frame: 8 bytes and "line1\n" stand before it
	printf '\377\377\377\377\377\377\377\377' | dd of="$log" bs=1 seek=14 conv=notrunc 2> /dev/null
	run --separate-stderr cattach logs a
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = line1 ]
	[ "${lines[-1]}" = line3 ]
	[[ $stderr == 'cattach: a: damaged record '*'at offset 14'* ]]
	[ "$(wc -l <<< "$stderr")" -eq 1 ]
}

@test "inspect tells where the log is, and how it is kept" {
	run cattach run -d --name a --log-opt max-size=10k --log-opt max-file=3 "$CT_ROOTFS" true
	[[ $output == *"warning: --log-opt max-size=10k: 256k is used, the least that a log file can have"* ]]
	cattach wait a
	local path
	path=$(cattach inspect -f '{{.LogPath}}' a)
	[ -f "$path/log.0" ]
	[ "$(cattach inspect -f '{{json .HostConfig.LogConfig}}' a)" = \
		'{"Type":"native","Config":{"max-size":"262144","max-file":"3"}}' ]
}

@test "nobody reads: quiet, and noticed while there is nothing to say" {
	cattach run -d --name a -i "$CT_ROOTFS" sh -c 'seq 100000; cat' > /dev/null
	cattach wait --for-output '^100000$' --timeout 30 a
	run --separate-stderr bash -c 'cattach logs a | head -n 1; exit ${PIPESTATUS[0]}'
	[ "$status" -eq 141 ]
	[ "$output" = 1 ]
	[ -z "$stderr" ]
	run --separate-stderr timeout 30 bash -c 'cattach logs -f -n 1 a | head -n 1; exit ${PIPESTATUS[0]}'
	[ "$status" -eq 141 ]
	[ "$output" = 100000 ]
	[ -z "$stderr" ]
}

@test "a reader that does not read slows no container" {
	cattach run -d --name a "$CT_ROOTFS" sh -c 'seq 400000; echo done' > /dev/null
	mkfifo pipe
	timeout 60 cattach logs -f a > pipe 3>&- &
	follower=$!
	exec 7< pipe
	[ "$(timeout 60 cattach wait a)" = 0 ]
	cat <&7 > out
	exec 7<&-
	{ seq 400000; echo done; } | cmp - out
}

@test "what is being started again is read whole: its earlier runs do not go missing" {
	cattach create --name a "$CT_ROOTFS" sh -c 'echo first; echo second' > /dev/null
	cattach start -a a > /dev/null
	(
		for _ in $(seq 30); do
			cattach restart a > /dev/null && cattach wait a > /dev/null
		done
		touch over
	) 3>&- &
	while [ ! -e over ]; do
		timeout 30 cattach logs a > out 2>&1
		printf 'first\nsecond\n' | cmp -n 13 - out
	done
	[ "$(cattach logs a | grep -c first)" -eq 31 ]
}
