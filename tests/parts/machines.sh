#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The parts of tests/run.sh, which reads this, that "make check-all" has because they need more than a
# minute or more than this machine: the storm, the virtual machines, podman. What they call (record,
# quiet_make, make_stage, as_user, count_tap, show_tap, count_python) and $stage and $logs are tests/run.sh's.
# shellcheck disable=SC2154,SC2034

# storm [SECONDS]: "make soak" has ten minutes of it. In a delegated cgroup where root runs it.
part_storm()
{
	if ! quiet_make MODE=release all test-probes || ! make_stage; then
		record fail "storm" "cannot be built and installed"
		return
	fi
	offer_controller
	python_limit=$((${1:-60} + 400)) delegated run_python storm "${1:-60}"
	count_python storm
}

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
			if is_for_others "$file"; then
				printf '%s: %s: nothing for it\n' "$flavour" "$name"
				continue
			fi
			count_tap "vm: $flavour: $name" "$(cat "${file%.tap}.status")" "$file"
			printf '%s: %s: %s of %s ok\n' "$flavour" "$name" "$(grep -cE '^ok ' "$file")" \
				"$(grep -cE '^(not )?ok ' "$file")"
			[ "$(cat "${file%.tap}.status")" = 0 ] || tail -n 50 "${file%.tap}.err"
			show_tap "$file"
		done
	done
}

# The log that podman reads in place of its own.
part_podman()
{
	local status=0
	heading "podman reads our k8s-file"
	if ! command -v podman > /dev/null 2>&1; then
		record skip podman "podman is not installed"
		return
	fi
	if ! quiet_make MODE=release all || ! make_stage; then
		record fail podman "cannot be built and installed"
		return
	fi
	# shellcheck disable=SC2016 # it is the inner shell that expands them
	if ! as_user sh -c 'mkdir -m 700 work/podman-home work/podman-run && HOME=$PWD/work/podman-home \
		XDG_RUNTIME_DIR=$PWD/work/podman-run PATH=$CT_STAGE/usr/bin:$PATH \
		CT_ROOTFS=$CT_STAGE/examples/bundles/rootfs tests/podman.sh write "$PWD/work/podman"'; then
		record fail podman "the containers that are to be read did not run"
		return
	fi
	timeout -k 10 120 tests/podman.sh compare "$stage/work/podman" > "$logs/podman.tap" \
		2> "$logs/podman.err" || status=$?
	if [ "$status" -eq 77 ]; then
		record skip podman "podman makes no containers here: $(tail -n 1 "$logs/podman.err" | tr '\t' ' ')"
		return
	fi
	count_tap podman "$status" "$logs/podman.tap"
	printf 'podman: %s of %s ok\n' "$(grep -cE '^ok ' "$logs/podman.tap")" \
		"$(grep -cE '^(not )?ok ' "$logs/podman.tap")"
	show_tap "$logs/podman.tap"
}
