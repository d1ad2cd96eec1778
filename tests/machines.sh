#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The part of tests/run.sh, which reads this, that boots virtual machines: runs tests/vm/run.sh and
# counts what they have left. It sets $logs and $stage (directories) and has the functions.
# shellcheck disable=SC2154

# is_for_others TAP: did tests/vm/suite/lib.sh find rows for other flavours, none for this one, and no
# fault?
is_for_others()
{
	[ "$(cat "${1%.tap}.status")" = 0 ] && [ "$(wc -l < "$1")" = 1 ] &&
		grep -qE '^1\.\.0 # all [1-9][0-9]* rows are for other machines' "$1"
}

# What needs a kernel of its own: the suites of tests/vm, in every flavour. No machine is a failure.
part_vm()
{
	local flavour file name status
	heading "virtual machines"
	if ! quiet_make MODE=release all test-probes unit-tests || ! make_stage; then
		record fail "vm" "cannot be built and installed"
		return
	fi
	cp build/release/unit-tests "$stage/unit-tests"
	if [ $# -eq 0 ]; then
		set -- uml plain systemd
	fi
	for flavour; do
		if ! tests/vm/run.sh "$stage" "$logs/vm" "$flavour"; then
			# 1: a row has failed, which is counted below; else some may never have begun.
			status=$(cat "$logs/vm/$flavour/status" 2> /dev/null)
			[ "$status" = 1 ] ||
				record fail "vm: $flavour" "the machine left ${status:-no} status"
		fi
		for file in "$logs/vm/$flavour"/*/*.tap; do
			[ -e "$file" ] || continue
			name=$(basename "$file" .tap)
			# A suite says itself that it has rows, and none of them for this flavour.
			if [ "$flavour" != systemd ] && is_for_others "$file"; then
				printf '%s: %s: nothing for it\n' "$flavour" "$name"
				continue
			fi
			count_tap "vm: $flavour: $name" "$(cat "${file%.tap}.status")" "$file"
			printf '%s: %s: %s of %s ok\n' "$flavour" "$name" "$(grep -cE '^ok ' "$file")" \
				"$(grep -cE '^(not )?ok ' "$file")"
			[ "$(cat "${file%.tap}.status")" = 0 ] || tail -n 50 "${file%.tap}.err"
			grep -vE '^(ok |1\.\.)' "$file" | head -n 200
		done
	done
}
