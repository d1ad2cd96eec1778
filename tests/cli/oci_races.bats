#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# The runtime command line when commands on one container come at the same time.

load helpers
load oci

# attempt N: start c1, its code to $T/rcN and its words to $T/errN
attempt()
{
	local code=0
	oci start c1 2> "$T/err$1" || code=$?
	echo $code > "$T/rc$1"
}

@test "of two starts at the same time one fails, and the container runs on" {
	local first second
	bundle "c['process']['args'] = ['sleep', '100']
c['hooks'] = {'startContainer': [{'path': '/bin/true'}]}"
	make c1
	# it hears of nobody until both are there
	kill -STOP "$(pid c1)"
	attempt 1 3>&- &
	first=$!
	attempt 2 3>&- &
	second=$!
	for _ in $(seq 100); do
		[ -s "$T/rc1" ] || [ -s "$T/rc2" ] || sleep 0.01
	done
	kill -CONT "$(pid c1)"
	wait "$first" "$second"
	[ "$(sort "$T/rc1" "$T/rc2" | tr '\n' ' ')" = '0 1 ' ]
	grep -q 'cannot start an already running container' "$T/err1" "$T/err2"
	[ "$(status c1)" = running ]
}
