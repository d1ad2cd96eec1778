#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# What "logs" shows is the same whatever the driver: each test is run with every one of them, while
# the container runs and, but for "none", which keeps nothing, once more when it has ended.

load helpers

DRIVERS="native k8s-file json-file none"

# wrote SCRIPT [OPTION...]: container $C has run the script, and lives; the last line is END.
wrote()
{
	local script=$1
	shift
	C=$N-$D
	start "$C" --log-driver "$D" "$@" "$R" sh -c "$script
		echo END; exec sleep 1000"
	cattach wait --timeout 30 --for-output '^END.?$' "$C"
}

# twice CHECK: while it runs, and then when it does not.
twice()
{
	echo "# $D, running"
	"$1"
	cattach kill "$C" > /dev/null
	cattach wait "$C" > /dev/null
	[ "$D" != none ] || return 0
	echo "# $D, ended"
	"$1"
}

# comes PATTERN FILE: a whole line, in time for a machine that is busy with much output.
comes()
{
	local i
	for ((i = 0; i < 900; i++)); do
		! grep -aqx "$1" "$2" || return 0
		sleep 0.05
	done
	echo "never came: $1"
	tail -n 3 "$2"
	return 1
}

# says TEXT ARG...: "cattach logs ARG... $C" has TEXT on stdout.
says()
{
	local text=$1
	shift
	is "$(cattach logs "$@" "$C" 2> /dev/null)" "$text"
}

L1_tail()
{
	says END -n 1
	says $'2\n3\nEND' --tail 3
	says "" -n 0
	says $'1\n2\n3\nEND' -n all
	says $'1\n2\n3\nEND' -n 100
	says $'1\n2\n3\nEND' -n -1
}

@test "L1 the last lines: none, one, some, more than there are, all" {
	for D in $DRIVERS; do
		wrote 'seq 1 3'
		twice L1_tail
	done
}

@test "L2 a follower from the beginning has every line once, over rotations" {
	mkdir "$T/shared"
	for D in $DRIVERS; do
		C=$N-$D
		rm -f "$T/shared/go"
		start "$C" --log-driver "$D" --log-opt max-size=256k --log-opt max-file=64 \
			-v "$T/shared:/mnt" "$R" sh -c 'seq 1 50000; while [ ! -e /mnt/go ]; do sleep 0.02; done
				seq 50001 100000 | sed p; echo END; exec sleep 1000'
		eventually sh -c "[ \"\$(cattach logs -n 1 $C)\" = 50000 ]"
		cattach logs -f "$C" > "$T/followed" 3>&- &
		comes 50000 "$T/followed"
		touch "$T/shared/go"
		comes END "$T/followed"
		cattach kill "$C" > /dev/null
		wait $!
		{ seq 1 50000; seq 50001 100000 | sed p; echo END; } | cmp - "$T/followed"
	done
}

L3_times()
{
	local fraction=${AT#*.}
	says $'two\nEND' --since "$AT"
	says $'two\nEND' --since "${AT%Z}+00:00"
	says $'two\nEND' --since "$(date -ud "$AT" +%s).${fraction%Z}"
	says $'one\ntwo\nEND' --since 1h
	says $'one\ntwo\nEND' --since 3600
	says $'one\ntwo\nEND' --since 2006-01-02
	says $'one\ntwo\nEND' --since 2006-01-02T15:04:05
	says "" --since 2106-01-02
	says "" --until 2006-01-02T15:04:05Z
	says "" --until 1h
	says one --until "$BEFORE"
	says one --since "$BEFORE" --until "$BEFORE"
	says $'one\ntwo' --until "$AT"
	says two -n 1 --until "$AT"
}

@test "L3 since and until, however a time is written" {
	for D in $DRIVERS; do
		wrote 'echo one; sleep 0.1; echo two; sleep 0.1'
		AT=$(cattach logs -t "$C" | sed -n 's/ two$//p')
		BEFORE=$(cattach logs -t "$C" | sed -n 's/ one$//p')
		twice L3_times
	done
}

@test "L4 a follower ends with the container, after its last line" {
	for D in $DRIVERS; do
		C=$N-$D
		start "$C" --log-driver "$D" -i "$R" sh -c 'echo up; read x; echo "$x"; printf "the last"'
		cattach wait --for-output up "$C"
		cattach logs -f "$C" > "$T/out" 3>&- &
		eventually grep -q up "$T/out"
		echo down | cattach attach "$C" > /dev/null
		wait $!
		is "$(cat "$T/out")" $'up\ndown\nthe last'
	done
}

L5_long()
{
	cattach logs "$C" | head -n 1 > "$T/out"
	{ head -c 100000 /dev/zero | tr '\0' x; echo; } | cmp - "$T/out"
	is "$(cattach logs -n 2 "$C" | wc -lc | tr -s ' ')" " 2 100005"
	is "$(cattach logs -t "$C" | wc -l)" 2
}

@test "L5 a line of 100 KB is one line" {
	for D in $DRIVERS; do
		wrote "head -c 100000 /dev/zero | tr '\\0' x; echo"
		twice L5_long
	done
}

L6_hostile()
{
	cattach logs "$C" | cmp - "$T/$WANTED"
}

@test "L6 bytes that are no text, zeros, returns and escapes" {
	mkdir "$T/shared"
	printf 'a\377\300z\n\0NUL\0\r\nc\rd\n\033[31m\a\n\342\202\n2006-01-02T15:04:05Z stdout F x\nEND\n' > "$T/raw"
	# The file of json-file cannot have what is no character.
	printf 'a\357\277\275\357\277\275z\n\0NUL\0\r\nc\rd\n\033[31m\a\n\357\277\275\357\277\275\n2006-01-02T15:04:05Z stdout F x\nEND\n' > "$T/json"
	head -n -1 "$T/raw" > "$T/shared/in"
	for D in $DRIVERS; do
		wrote 'cat /mnt/in' -v "$T/shared:/mnt"
		WANTED=raw
		[ $D != json-file ] || WANTED=json
		twice L6_hostile
	done
}

@test "L7 what has no newline is shown, once, when it is there and when it is done" {
	for D in $DRIVERS; do
		C=$N-$D
		start "$C" --log-driver "$D" -i "$R" sh -c 'echo a; printf "prompt> "; read x
			printf "got \377 "; read x; printf "end\n"; printf tail'
		cattach wait --for-output '^prompt> $' "$C"
		cattach logs -f "$C" > "$T/out" 3>&- &
		follower=$!
		eventually grep -q '^prompt> $' "$T/out"
		cattach send "$C" 1
		eventually grep -aq '^prompt> got' "$T/out"
		cattach send "$C" 2
		wait $follower
		printf 'a\nprompt> got \377 end\ntail' > "$T/raw"
		cmp "$T/raw" "$T/out"
		[ $D != none ] || continue
		is "$(cattach logs "$C" | tail -n 1)" tail
		is "$(cattach logs -n 1 "$C")" tail
		is "$(cattach logs -n 2 "$C" | wc -l)" 1
	done
}

L8_stamps()
{
	is "$(cattach logs -t "$C" | sed -E 's/^[0-9-]{10}T[0-9:]{8}\.[0-9]{9}Z /T /')" $'T a\nT bc\nT \nT END'
}

@test "L8 one timestamp a line, however many writes it took" {
	for D in $DRIVERS; do
		wrote 'echo a; printf b; sleep 0.1; echo c; echo'
		twice L8_stamps
	done
}

L9_tty()
{
	cattach logs "$C" 2> "$T/err" | cmp - <(printf 'out\r\nerr\r\n\033[1mx\r\nEND\r\n')
	is "$(cat "$T/err")" ""
	is "$(cattach logs --stream stderr "$C")" ""
}

@test "L9 of a terminal all is stdout" {
	for D in $DRIVERS; do
		wrote 'echo out; echo err >&2; printf "\033[1mx\n"' -t
		twice L9_tty
	done
}

L10_streams()
{
	says $'o1\no2\nEND'
	is "$(cattach logs "$C" 2>&1 > /dev/null)" $'e1\ne2'
	says $'o1\no2\nEND' --stream stdout
	is "$(cattach logs --stream stderr "$C" 2>&1)" $'e1\ne2'
	is "$(cattach logs -n 1 --stream stderr "$C" 2>&1)" e2
	is "$(cattach logs "$C" 2>&1)" $'o1\ne1\no2\ne2\nEND'
	is "$(cattach logs --format json "$C" | jq -r .stream | tr '\n' ' ')" "stdout stderr stdout stderr stdout "
}

@test "L10 stdout and stderr stay apart, in their order" {
	for D in $DRIVERS; do
		wrote 'for i in 1 2; do echo o$i; sleep 0.1; echo e$i >&2; sleep 0.1; done'
		twice L10_streams
	done
}

@test "L12 several containers, of every driver, come by time" {
	local i names=()
	for D in $DRIVERS; do
		C=$N-$D
		names+=("$C")
		start "$C" --log-driver "$D" -i "$R" sh -c 'while read x; do echo "$x"; done; exec sleep 1000'
	done
	for i in 1 2; do
		for D in $DRIVERS; do
			cattach send "$N-$D" "$D $i"
			cattach wait --for-output "^$D $i\$" "$N-$D"
		done
	done
	is "$(cattach logs --names "${names[@]}" | sed 's/.* \(.* .\)$/\1/')" \
		"$(for i in 1 2; do for D in $DRIVERS; do echo "$D $i"; done; done)"
}

@test "L13 it can be read while much is written, and a follower of a file has it all" {
	mkdir "$T/shared"
	for D in $DRIVERS; do
		C=$N-$D
		start "$C" --log-driver "$D" --log-opt max-size=1m --log-opt max-file=128 "$R" \
			sh -c 'i=0; while [ $i -lt 8 ]; do seq 1 60000; i=$((i + 1)); done; echo END; exec sleep 1000'
		cattach logs -f "$C" > "$T/followed" 2> "$T/err" 3>&- &
		follower=$!
		# Each look is at whole lines up to some moment.
		for _ in 1 2 3; do
			is "$(cattach logs -n 3 "$C" | grep -cvxE '[0-9]+|END')" 0
		done
		comes END "$T/followed"
		if [ $D != none ]; then
			for _ in 1 2 3 4 5 6 7 8; do seq 1 60000; done | cat - <(echo END) | cmp - "$T/followed"
			is "$(cat "$T/err")" ""
		fi
		cattach kill "$C" > /dev/null
		wait $follower
	done
}

# In a mount namespace: the store on a disk of 4 MiB that is full but for 300 KiB. Arguments: the
# directory for results, the driver.
full_disk()
{
	cat > "$T/script" << 'END'
set -eu
disk=$1/disk-$2
mkdir "$disk"
mount -t tmpfs -o size=4m,mode=700 small "$disk"
export XDG_DATA_HOME=$disk XDG_RUNTIME_DIR=$disk
cattach run -d -i --name full --log-driver "$2" "$CT_ROOTFS" \
	sh -c 'echo up; read x; seq 1 60000; echo END; read x; exit 3' > "$1/id"
cattach wait --for-output up full
cattach logs -f full > "$1/followed" 2> "$1/said" 3>&- &
follower=$!
head -c 5000000 /dev/zero > "$disk/ballast" 2> "$1/ignored" || :
truncate -s -300K "$disk/ballast"
cattach send full go
cattach wait --for-output '^END$' full
cattach logs full > "$1/now"
cattach send full go
code=$(cattach wait full)
wait $follower && echo "$code $?"
cattach logs full > "$1/left" 2> "$1/missing" || :
cattach rm full > "$1/id"
END
	unshare --user --map-root-user --mount sh "$T/script" "$T" "$1"
}

@test "L11 a full disk: nobody waits, who follows has every byte, and what is lost is told" {
	local missing
	for D in $DRIVERS; do
		is "$(full_disk "$D")" "3 0"
		{ echo up; seq 1 60000; echo END; } > "$T/all"
		cmp "$T/all" "$T/followed"
		cmp "$T/all" "$T/now"
		is "$(cat "$T/said")" ""
		[ "$D" != none ] || continue
		cmp -n "$(stat -c %s "$T/left")" "$T/left" "$T/all"
		missing=$(($(stat -c %s "$T/all") - $(stat -c %s "$T/left")))
		[ "$missing" -gt 0 ]
		has "$(cat "$T/missing")" "$missing bytes are missing here: the disk was full until the container ended"
	done
}

@test "a follower begins with earlier runs, and with what was rotated away from the file" {
	local D
	for D in native k8s-file json-file; do
		C=$N-$D
		start "$C" --log-driver "$D" --log-opt max-size=256k --log-opt max-file=128 "$R" seq 1 100000
		cattach wait "$C" > /dev/null
		cattach start "$C" > /dev/null
		cattach logs -f "$C" > "$T/followed" 3>&-
		cattach wait "$C" > /dev/null
		{ seq 1 100000; seq 1 100000; } | cmp - "$T/followed"
		is "$(cattach logs -f -n 2 "$C")" $'99999\n100000'
		is "$(cattach logs -f --run -1 "$C" | sha256sum)" "$(seq 1 100000 | sha256sum)"
	done
}

# The follower has nothing to read, and watches for a start.
is_waiting()
{
	local fds
	fds=$(readlink "/proc/$(pgrep -P "$follower")/fd/"*)
	[[ $fds == *inotify* && $fds == *socket* ]]
}

# attached FILE ARG...: "cattach attach ARG..." in the background, when it is there.
attached()
{
	local file=$1 before
	shift
	before=$(cattach clients -q "$C" | wc -l)
	timeout 60 cattach attach --no-stdin "$@" "$C" > "$file" 3>&- &
	attached+=($!)
	eventually sh -c "[ \$(cattach clients -q $C | wc -l) -gt $before ]"
}

@test "attach begins with what the files have, earlier runs and rotated ones, and goes on at that byte" {
	local at attached=()
	mkdir "$T/shared"
	# more than memory has
	seq -f '%0200.0f' 60000 > "$T/shared/in"
	for D in native k8s-file json-file; do
		C=$N-$D
		start "$C" --log-driver $D --log-opt max-size=5m --log-opt max-file=20 -i -v "$T/shared:/mnt" "$R" \
			sh -c 'cat /mnt/in; printf "prompt> "; read x; echo "got $x"'
		cattach send "$C" one
		is "$(cattach wait "$C")" 0
		at=$(date +%s.%N)
		cattach start "$C" > /dev/null
		cattach wait --timeout 60 --for-output 'prompt> $' "$C"
		{ cat "$T/shared/in"; echo "prompt> got one"; cat "$T/shared/in"; printf 'prompt> '; } > "$T/all"
		attached "$T/replay" --replay
		attached "$T/many" --tail 70000
		attached "$T/few" --tail 2
		attached "$T/none" --tail 0
		attached "$T/since" --since "$at"
		attached "$T/both" --since "$at" --tail 100000
		cattach send "$C" two
		wait "${attached[@]}"
		{ cat "$T/all"; echo "got two"; } | cmp - "$T/replay"
		{ tail -n 70000 "$T/all"; echo "got two"; } | cmp - "$T/many"
		{ tail -n 2 "$T/all"; echo "got two"; } | cmp - "$T/few"
		is "$(cat "$T/none")" "got two"
		{ tail -n 60001 "$T/all"; echo "got two"; } | cmp - "$T/since"
		cmp "$T/since" "$T/both"
		cattach rm "$C" > /dev/null
	done
}

@test "attach --replay in the middle of a storm has every byte once" {
	local attached=()
	for D in k8s-file json-file; do
		C=$N-$D
		start "$C" --log-driver $D --log-opt max-size=1m --log-opt max-file=128 -i "$R" \
			sh -c 'seq 600000; read x; seq 600001 700000 >&2'
		attached "$T/a" --replay --lag block 2> "$T/a.err"
		attached "$T/b" --replay --lag block 2> "$T/b.err"
		cattach send "$C" go
		wait "${attached[@]}"
		seq 600000 | cmp - "$T/a"
		seq 600001 700000 | cmp - "$T/a.err"
		cmp "$T/a" "$T/b"
		cmp "$T/a.err" "$T/b.err"
	done
}

@test "logs -F goes on over runs that are over in a moment, each once" {
	local D i
	for D in $DRIVERS; do
		C=$N-$D
		start "$C" --log-driver "$D" "$R" sh -c 'echo begin; echo err >&2; printf end'
		cattach wait "$C" > /dev/null
		timeout 50 cattach logs -F "$C" > "$T/out" 2> "$T/err" 3>&- &
		follower=$!
		# "none" has nothing of the first one.
		[ "$D" = none ] || eventually grep -q end "$T/out"
		[ "$D" != none ] || eventually is_waiting
		for i in 2 3 4; do
			cattach start "$C" > /dev/null
			cattach wait "$C" > /dev/null
			# Nobody can read a run that was over before he looked.
			[ "$D" != none ] || eventually is_waiting
		done
		[ "$D" = none ] || eventually sh -c "[ \$(grep -o end '$T/out' | wc -l) -ge 4 ]"
		kill $follower
		i=4
		[ "$D" != none ] || i=3
		is "$(tr '\n' ' ' < "$T/out" | sed 's/endbegin/end begin/g')" \
			"$(for ((; i > 0; i--)); do printf 'begin end '; done | sed 's/ $//')"
		is "$(grep -c err "$T/err")" "$(grep -c begin "$T/out")"
	done
}

@test "a follower goes on while others rotate the file: renamed, with and without a word, cut" {
	local D i
	mkdir "$T/shared"
	for D in k8s-file json-file; do
		C=$N-$D
		mkdir "$T/$D"
		rm -f "$T/shared/stop"
		start "$C" --log-driver "$D" --log-opt "path=$T/$D/x" --log-opt max-size=1g -i \
			-v "$T/shared:/mnt" "$R" \
			sh -c 'i=0; while [ ! -e /mnt/stop ]; do echo $i; i=$((i + 1)); done
				echo stopped; while read x; do echo "$x"; done'
		cattach logs -f "$C" > "$T/followed" 3>&- &
		follower=$!
		for i in x-first x.3 x.1 elsewhere; do
			# What is moved away before the follower has opened it is told, and lost to it.
			eventually grep -q . "$T/$D/x"
			eventually grep -qx "$(head -n 1 "$T/$D/x" |
				sed 's/.* F //; s/.*"log":"\([0-9]*\).*/\1/')" "$T/followed"
			mv "$T/$D/x" "$T/$D/$i"
			cattach logs --reopen "$C"
		done
		touch "$T/shared/stop"
		comes stopped "$T/followed"
		eventually test -s "$T/$D/x"
		# Nobody has told the monitor: it sees with a write that the name is another's.
		mv "$T/$D/x" "$T/$D/y"
		for ((i = 1; i < 1000; i++)); do
			cattach send "$C" "more $i"
			[ ! -s "$T/$D/x" ] || break
			sleep 0.05
		done
		comes "more $i" "$T/followed"
		cp "$T/$D/x" "$T/$D/copy"
		: > "$T/$D/x"
		cattach send "$C" "more $((i + 1))"
		comes "more $((i + 1))" "$T/followed"
		cattach kill "$C" > /dev/null
		wait $follower
		{
			seq 0 $(($(grep -n stopped "$T/followed" | cut -d: -f1) - 2))
			echo stopped
			seq -f 'more %g' 1 $((i + 1))
		} | cmp - "$T/followed"
	done
}

@test "a storm through small files: a follower has every byte, and the files keep to their bounds" {
	local D size files
	mkdir "$T/shared"
	head -c 775000 /dev/urandom | base64 > "$T/shared/in"
	for D in k8s-file json-file; do
		C=$N-$D
		start "$C" --log-driver "$D" --log-opt max-size=256k --log-opt max-file=128 \
			-v "$T/shared:/mnt" -i "$R" \
			sh -c 'read x; i=0; while [ $i -lt 15 ]; do cat /mnt/in; i=$((i + 1)); done'
		cattach logs -f "$C" > "$T/followed" 2> "$T/err" 3>&- &
		follower=$!
		cattach send "$C" go
		wait $follower
		is "$(cat "$T/err")" ""
		for ((i = 0; i < 15; i++)); do cat "$T/shared/in"; done | cmp - "$T/followed"
		files=0
		for size in $(stat -c %s "$STORE/containers/$ID/main/container.log"*); do
			[ "$size" -le 262144 ]
			files=$((files + 1))
		done
		[ "$files" -gt 60 ]
		cattach logs "$C" | cmp - "$T/followed"
	done
}
