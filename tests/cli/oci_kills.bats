#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# kill -9 of commands of the runtime command line at every point: before each system call that others
# could see anything of (tests/cli/probe/killer.c), one container for each. No process stays that no
# record knows of, and all that is left can be looked at and deleted.

load helpers
load oci

# points MAKE ARG...: for I = 1, 2, ... "MAKE cI" makes a container, and "cattach oci ARG..." (@ is its id)
# is killed at the Ith point, until there are no more. In $POINTS is who was killed where, in $LAST the
# last I, which ended by itself.
points()
{
	local - make=$1 number=0 code=137
	set +T
	shift
	POINTS=
	while [ "$code" = 137 ]; do
		number=$((number + 1))
		"$make" "c$number"
		code=0
		timeout 30 "$CT_PROBES/killer" $number "$(type -P cattach)" oci --root "$T/root" \
			"${@/#@/c$number}" > "$T/point" 2> "$T/point.err" < /dev/null 3>&- || code=$?
		POINTS+=$(grep -e '^cattach' -e ^ended "$T/point")$'\n'
	done
	LAST=$number
	[ "$code" != 99 ] || skip "nothing can be traced here"
	echo "$POINTS"
	is "$code" 0
	[ "$number" -gt 6 ]
}

# known: the pids that the records have of processes that are there
known() { oci list | awk 'NR > 1 && $2 { print $2 }' | sort; }

# find_living: into $LIVING, the processes that this test has made, but for its own
find_living()
{
	ulimit -S -q "$mark_before"
	LIVING=$(marked_processes | sort)
	ulimit -S -q "$mark"
}

none_lives() { find_living; is "$LIVING" ""; }

all_known() { find_living; is "$LIVING" "$(known)"; }

# statuses: of all containers, "CREATED RUNNING STOPPED" in numbers
statuses() { oci list | awk 'NR > 1 { n[$3]++ } END { print n["created"] + 0, n["running"] + 0, n["stopped"] + 0 }'; }

@test "create may be killed at any point: a process is on record, or ends" {
	local id created
	args sleep 100
	points true create -b "$T/b" --pid-file "$T/pid" @
	has "$POINTS" "cattach sendmsg"
	eventually all_known
	# nothing is damaged so that nobody could say what it is, or take it away
	for id in $(oci list -q); do
		oci state "$id" > "$T/state"
		[[ "$(status "$id")" =~ ^(created|stopped)$ ]]
	done
	read -r created _ <<< "$(statuses)"
	[ "$created" -ge 1 ]
	[ "$(status "c$LAST")" = created ]
	# by whom it was made does not matter any more
	oci start "c$LAST"
	[ "$(status "c$LAST")" = running ]
	oci delete --force "c$LAST"
	for id in $(oci list -q); do
		oci delete "$id"
	done
	[ -z "$(ls -A "$T/root")" ]
	eventually none_lives
	# the ids are free
	make c1
}

@test "start may be killed at any point: what waits goes on waiting, or runs" {
	local stopped
	args sleep 100
	points make start @
	eventually all_known
	read -r _ _ stopped <<< "$(statuses)"
	is "$stopped" 0
	for id in $(oci list -q); do
		[ "$(status "$id")" = running ] || oci start "$id"
	done
	is "$(statuses)" "0 $LAST 0"
}

@test "delete may be killed at any point, and be said once more" {
	args sleep 100
	points make delete --force @
	has "$POINTS" "cattach pidfd_send_signal"
	has "$POINTS" "cattach unlinkat"
	for id in $(oci list -q); do
		oci state "$id" > "$T/state"
		oci delete --force "$id"
	done
	[ -z "$(ls -A "$T/root")" ]
	eventually none_lives
}

@test "one that waits and is stopped by a signal is created, however often somebody asks" {
	args sleep 100
	make c1
	kill -STOP "$(pid c1)"
	for _ in $(seq 20); do
		timeout 10 "$(type -P cattach)" oci --root "$T/root" state c1 || true
	done > "$T/states"
	kill -CONT "$(cat "$T/pid")"
	[ "$(grep -c '"status": "created"' "$T/states")" = 20 ]
	oci start c1
	[ "$(status c1)" = running ]
}
