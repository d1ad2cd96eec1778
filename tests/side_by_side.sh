#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# How tests/run.sh, which reads this, runs many tests at a time: so many slots, whoever takes longest
# first, and a note of how long each took. It sets $jobs (processors) and $logs (a directory).
# shellcheck disable=SC2154,SC2034

builder=			# pid of a build beside the tests

# What takes longest, the longest first.
long_files="trouble exec_run states kills run exec_sessions exec_security conmon oci_kills exec_kinds security logs attach options"
long_suites="log_record log_rotation seccomp_default names run_resources load log_driver cursor_seek"

# background COMMAND...: tests wait half of their time, so there are twice as many as processors. The
# build that goes on beside them is not one of them.
background()
{
	while [ "$(jobs -rp | grep -cvx "${builder:-none}")" -ge $((jobs * 2)) ]; do
		wait -n
	done
	timed "$@" &
}

# timed COMMAND...: how long it took is noted for slowest().
timed()
{
	local began=$SECONDS
	"$@"
	printf '%s\t%s\n' $((SECONDS - began)) "$*" >> "$logs/times"
}

slowest()
{
	echo "the whole took $SECONDS s; the longest of it, beside other tests:"
	sort -rn "$logs/times" | head -n 5 | awk -F '\t' '{ print "  " $1 " s: " $2 }'
}

# first "WORD..." NAME...: the names, a line each: first those that are, or end in, one of the words, in
# the order of the words. What takes longest has to begin first, or all the others wait for it at the end.
first()
{
	local word name
	local -A taken=()
	for word in $1; do
		for name in "${@:2}"; do
			case $name in
			"$word" | */"$word".bats) echo "$name"; taken[$name]=yes ;;
			esac
		done
	done
	for name in "${@:2}"; do
		[ -n "${taken[$name]:-}" ] || echo "$name"
	done
}
