#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The parts of tests/run.sh, which reads this, in which programs of others call ours: podman with
# cattach-conmon for its monitor. What they call is tests/run.sh's.
# shellcheck disable=SC2154

# podman_conmon RUNTIME: the scenarios, by one runtime.
podman_conmon_with()
{
	local status=0 runtime=$1 name
	name=podman-conmon-$(basename "$1")
	# shellcheck disable=SC2016 # it is the inner shell that expands them
	as_user sh -c 'timeout -k 10 300 tests/podman_conmon.sh "$1" "$CT_STAGE/usr/bin/cattach-conmon" \
		"$PWD/work/$2"' sh "$runtime" "$name" > "$logs/$name.tap" 2> "$logs/$name.err" < /dev/null || status=$?
	if [ "$status" -eq 77 ]; then
		record skip "$name" "podman runs no containers here: $(tail -n 1 "$logs/$name.err" | tr '\t' ' ')"
		return
	fi
	count_tap "$name" "$status" "$logs/$name.tap"
	printf '%s: %s of %s ok\n' "$name" "$(grep -cE '^ok ' "$logs/$name.tap")" \
		"$(grep -cE '^(not )?ok ' "$logs/$name.tap")"
	grep -vE '^(ok |1\.\.)' "$logs/$name.tap" | head -n 100
}

# podman with cattach-conmon, and with each runtime that there is; ours, too.
part_podman_conmon()
{
	local runtime
	heading "podman with cattach-conmon"
	if ! command -v podman > /dev/null 2>&1; then
		record skip podman-conmon "podman is not installed"
		return
	fi
	if ! quiet_make MODE=release all || ! make_stage; then
		record fail podman-conmon "cannot be built and installed"
		return
	fi
	for runtime in crun runc; do
		if command -v "$runtime" > /dev/null 2>&1; then
			podman_conmon_with "$(command -v "$runtime")"
		else
			record skip "podman-conmon-$runtime" "$runtime is not installed"
		fi
	done
	podman_conmon_with "$stage/usr/bin/cattach-oci"
}
