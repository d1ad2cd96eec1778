#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The parts of tests/run.sh, which reads this, in which programs of others call us: engines whose runtime
# is cattach-oci. What is called here (record, quiet_make, make_stage, as_user, as_root, count_tap) and
# $stage and $logs are tests/run.sh's. Without the engine a part is skipped, and says so.
# shellcheck disable=SC2154

# podman_scenarios NAME WHO DIR: as_user or as_root
podman_scenarios()
{
	local name=$1 who=$2 status=0
	"$who" timeout -k 10 300 tests/podman_oci.sh "$stage/usr/bin/cattach-oci" \
		"$stage/examples/bundles/rootfs" "$stage/work/$3" > "$logs/$name.tap" 2> "$logs/$name.err" ||
		status=$?
	if [ "$status" -eq 77 ]; then
		record skip "$name" "podman makes no containers here: $(tail -n 1 "$logs/$name.err" | tr '\t' ' ')"
		return
	fi
	count_tap "$name" "$status" "$logs/$name.tap"
	printf '%s: %s of %s ok\n' "$name" "$(grep -cE '^ok ' "$logs/$name.tap")" \
		"$(grep -cE '^(not )?ok ' "$logs/$name.tap")"
	grep -vE '^(ok |1\.\.)' "$logs/$name.tap" | head -n 100
}

# podman with our runtime and its own monitor, as a user and as root.
part_podman_oci()
{
	heading "podman with cattach-oci"
	if ! command -v podman > /dev/null 2>&1 || ! command -v conmon > /dev/null 2>&1; then
		record skip podman_oci "podman or conmon is not installed"
		return
	fi
	if ! quiet_make MODE=release all || ! make_stage; then
		record fail podman_oci "cannot be built and installed"
		return
	fi
	podman_scenarios podman_oci as_user pu
	if [ "$(id -u)" = 0 ]; then
		podman_scenarios podman_oci_root as_root pr
	else
		record skip podman_oci_root "only root can be root"
	fi
}
