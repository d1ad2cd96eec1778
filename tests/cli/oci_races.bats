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

# hook LINE...: an executable that the host runs while c1 is being made, and that fails.
hook()
{
	{
		printf '#!/bin/sh\nexport PATH="%s" HOME="%s" XDG_RUNTIME_DIR="%s"\n' "$PATH" "$HOME" \
			"${XDG_RUNTIME_DIR-}"
		printf '%s\n' "$@" 'exit 1'
	} > "$T/hook"
	chmod 755 "$T/hook"
	bundle "c['process']['args'] = ['sleep', '100']"
	rm -rf "$T/plain"
	cp -a "$T/b" "$T/plain"
	bundle "c['hooks'] = {'createRuntime': [{'path': '$T/hook'}]}"
}

@test "one that is being made is creating, and is not deleted without force" {
	hook "cattach oci --root $T/root state c1 > $T/state" \
		"cattach oci --root $T/root start c1 2> $T/start" \
		"cattach oci --root $T/root delete c1 2> $T/err"
	run -1 oci create -b "$T/b" c1
	grep -q '"status": "creating"' "$T/state"
	grep -q 'cannot start a container that is being created' "$T/start"
	grep -q 'cannot delete container c1 that is not stopped: creating' "$T/err"
	run -1 oci state c1
}

@test "what fails late leaves another one alone that has its id by then" {
	hook "cattach oci --root $T/root delete --force c1" \
		"cattach oci --root $T/root create -b $T/plain c1 < /dev/null > $T/out 2>&1"
	run -1 oci create -b "$T/b" c1
	[[ "$output" = *hooks.createRuntime* ]]
	[ "$(status c1)" = created ]
	oci start c1
	[ "$(status c1)" = running ]
}

@test "of several deletes at the same time one runs the poststop hooks" {
	local deletes round
	bundle "c['process']['args'] = ['sleep', '100']
c['hooks'] = {'poststop': [{'path': '/bin/sh', 'args': ['sh', '-c', 'echo gone >> $T/gone']}]}"
	for round in 1 2 3 4 5; do
		make c1
		rm -f "$T/gone"
		deletes=()
		for _ in 1 2 3 4; do
			oci delete --force c1 2>> "$T/err" 3>&- &
			deletes+=($!)
		done
		wait "${deletes[@]}"
		run -1 oci state c1
		[ "$(wc -l < "$T/gone")" = 1 ]
	done
}
