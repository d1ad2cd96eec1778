#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# kill -9 of commands and keepers at every point: before each system call that others could see anything
# of (tests/cli/probe/killer.c), one container for each. What is left of every one answers all verbs, can
# be started, stopped and removed, and no process stays.

load helpers
load keepers

# Nothing hangs.
cattach() { timeout -s KILL 30 "$(type -P cattach)" "$@"; }

is_settled() { [ -z "$(cattach ps -aq --filter status=creating --filter status=restarting)" ]; }

# points MAKE [-k] ARG...: for I = 1, 2, ... "MAKE NAME" makes a container, and "cattach ARG..." (@ is its
# name) is killed at the Ith point, or with -k the keeper that it makes, until there are no more. In $NAMES
# are all of them, in $POINTS who was killed where.
points()
{
	local - make=$1 number=1 code=137 name flags=()
	set +T
	shift
	NAMES=()
	POINTS=
	if [ "$1" = -k ]; then
		flags=(-k)
		shift
	fi
	while [ "$code" = 137 ]; do
		name=$N-$number
		NAMES+=("$name")
		STARTED+=("$name")
		"$make" "$name" > "$T/out"
		code=0
		timeout 30 "$CT_PROBES/killer" "${flags[@]}" $number "$(type -P cattach)" "${@/#@/$name}" \
			> "$T/point" 2> "$T/point.err" < /dev/null 3>&- || code=$?
		POINTS+=$(grep -e '^cattach' -e ^ended "$T/point")$'\n'
		number=$((number + 1))
	done
	[ "$code" != 99 ] || skip "nothing can be traced here"
	echo "$POINTS"
	is "$code" 0
	# Not all of it is one point.
	[ "$number" -gt 6 ]
	eventually is_settled
}

# say CODES ARG...: "cattach ARG..." ends with one of these codes, and on stderr are refusals only.
say()
{
	local codes=$1 code=0
	shift
	cattach "$@" > "$T/out" 2> "$T/err" || code=$?
	if [[ " $codes " != *" $code "* ]] || grep -qv '^cattach: ' "$T/err"; then
		printf 'cattach %s: exit %s, not of %s: ' "$*" "$code" "$codes"
		cat "$T/err"
		return 1
	fi
}

# Of all of them at a time, where a verb takes more than one; none of them changes the state.
every_verb_answers()
{
	local - name
	set +T
	say 0 ps -a
	say 0 inspect "${NAMES[@]}"
	say 0 logs "${NAMES[@]}"
	say "0 124" wait --timeout 0 "${NAMES[@]}"
	say 0 stats --no-stream "${NAMES[@]}"
	say "0 125" update --restart on-failure:1 "${NAMES[@]}"
	say "0 125" pause "${NAMES[@]}"
	say "0 125" unpause "${NAMES[@]}"
	say "0 125" kill -s WINCH "${NAMES[@]}"
	for name in "${NAMES[@]}"; do
		say "0 125" exec "$name" true
		say "0 125" top "$name"
		say "0 125" clients "$name"
	done
	say 125 run --name "$name" "$R" true
	say 0 rename "$name" "$name-x"
	say 0 rename "$name-x" "$name"
}

# all_are STATE
all_are()
{
	is "$(cattach ps -a --format '{{.State}}' | sort | uniq -c | tr -s ' ')" " ${#NAMES[@]} $1"
}

live_on()
{
	every_verb_answers
	say 0 start "${NAMES[@]}"
	all_are running
	say 0 stop -t 0 "${NAMES[@]}"
	all_are exited
	say 0 start "${NAMES[@]}"
	say 125 rm "${NAMES[@]}"
	say 0 rm -f "${NAMES[@]}"
	nothing_left
}

make_created() { cattach create --restart always --name "$1" "$R" sleep 1000; }

make_running() { cattach run -d --restart always --name "$1" "$R" sleep 1000; }

# It has the time to end by itself once, and is started again once; what is started later stays.
make_failing()
{
	mkdir "$T/$1"
	cattach create --restart on-failure:1 -v "$T/$1:/mnt" --name "$1" "$R" \
		sh -c 'echo >> /mnt/runs; [ "$(wc -l < /mnt/runs)" -le 2 ] || exec sleep 1000; exit 5'
}

@test "start may be killed at any point" {
	# Compiles the filters: once they are cached a start has fewer points, and some would be left out.
	cattach run --rm "$R" true
	points make_created start @
	# What one that was killed has left in the store may cost the next a call, so that one point is passed over.
	[[ "$POINTS" == *"cattach vfork"* || "$POINTS" == *"cattach mkdirat"*"cattach wait4"* ]]
	live_on
}

@test "stop may be killed at any point" {
	points make_running stop -t 0 @
	has "$POINTS" "cattach pidfd_send_signal"
	live_on
}

@test "restart may be killed at any point" {
	points make_running restart -t 0 @
	live_on
}

@test "kill and update may be killed at any point" {
	points make_running kill @
	live_on
	points make_running update --restart no @
	live_on
}

@test "a keeper may be killed at any point, from its beginning to its end" {
	points make_failing -k start @
	has "$POINTS" "cattach-keeper clone3"
	has "$POINTS" "cattach-keeper exit_group"
	rm "$T"/*/runs
	for name in "${NAMES[@]}"; do
		printf '1\n2\n' > "$T/$name/runs"
	done
	live_on
}


# What is left may be damaged, or without a name, or nothing.
# One that is half gone is waited for before it is refused: all at a time, then. 123: some were refused.
start_at_a_time()
{
	local code=0
	printf '%s\n' "${NAMES[@]}" | xargs -P 20 -n 1 timeout -s KILL 30 "$(type -P cattach)" start \
		> "$T/out" 2> "$T/err" || code=$?
	[ "$code" = 0 ] || is "$code" 123
	! grep -v '^cattach: ' "$T/err"
}

all_go()
{
	eventually is_settled
	say 0 ps -a
	mapfile -t NAMES < <(cattach ps -a --no-trunc -q)
	if [ "${#NAMES[@]}" -gt 0 ]; then
		say 0 inspect "${NAMES[@]}"
		say "0 125" logs "${NAMES[@]}"
		say "0 124 125" wait --timeout 0 "${NAMES[@]}"
		start_at_a_time
		say "0 125" stop -t 0 "${NAMES[@]}"
		say 0 rm -f "${NAMES[@]}"
	fi
	nothing_left
}

@test "run may be killed at any point: what it leaves can be looked at and removed" {
	points true run -d --restart always --name @ "$R" sleep 1000
	has "$POINTS" "cattach symlinkat"
	all_go
	# The names are free again.
	say 0 create --name "$N-9" "$R" true
}

@test "rm -f may be killed at any point: what it leaves can be looked at and removed" {
	points make_running rm -f @
	has "$POINTS" "cattach unlinkat"
	all_go
}
