#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The parts of tests/run.sh, which reads this, in which programs of others call ours: podman with
# cattach-oci for its runtime, and with cattach-conmon for its monitor; dockerd with cattach-oci. What is
# called here (record, quiet_make, make_stage, as_user, as_root, count_tap) and $stage and $logs are
# tests/run.sh's. Without podman, or a way to Debian's docker.io, a part is skipped, and says so.
# shellcheck disable=SC2154

# is_ready PART: is what it calls there, and can it call us?
is_ready()
{
	local tool
	for tool in podman conmon runc; do
		if ! command -v "$tool" > /dev/null 2>&1; then
			record skip "$1" "$tool is not installed"
			return 1
		fi
	done
	if ! quiet_make MODE=release all || ! make_stage; then
		record fail "$1" "cannot be built and installed"
		return 1
	fi
}

# scenarios NAME COMMAND...: TAP, or 77 and why not on stderr
scenarios()
{
	local name=$1 status=0
	shift
	"$@" > "$logs/$name.tap" 2> "$logs/$name.err" < /dev/null || status=$?
	if [ "$status" -eq 77 ]; then
		record skip "$name" "nothing makes containers here: $(tail -n 1 "$logs/$name.err" | tr '\t' ' ')"
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
	is_ready podman_oci || return
	set -- timeout -k 10 300 tests/podman_oci.sh "$stage/usr/bin/cattach-oci" \
		"$stage/examples/bundles/rootfs"
	scenarios podman_oci as_user "$@" "$stage/work/pu"
	if [ "$(id -u)" = 0 ]; then
		scenarios podman_oci_root as_root "$@" "$stage/work/pr"
	else
		record skip podman_oci_root "only root can be root"
	fi
}

# podman with our monitor, and with Debian's runtime or ours, as a user and as root. Names of directories are
# short: podman's cleanup does not take long ones.
part_podman_conmon()
{
	local runtime name
	heading "podman with cattach-conmon"
	is_ready podman_conmon || return
	for runtime in "$(command -v runc)" "$stage/usr/bin/cattach-oci"; do
		name=podman_conmon_$(basename "$runtime")
		set -- timeout -k 10 300 tests/podman_conmon.sh "$runtime" "$stage/usr/bin/cattach-conmon"
		scenarios "$name" as_user "$@" "$stage/work/cu"
		if [ "$(id -u)" = 0 ]; then
			scenarios "${name}_root" as_root "$@" "$stage/work/cr"
		else
			record skip "${name}_root" "only root can be root"
		fi
	done
}

# dockerd with our runtime. It is root's.
part_docker_oci()
{
	heading "dockerd with cattach-oci"
	if [ "$(id -u)" != 0 ]; then
		record skip docker_oci "dockerd needs root"
		return
	fi
	if ! quiet_make MODE=release all || ! make_stage; then
		record fail docker_oci "cannot be built and installed"
		return
	fi
	scenarios docker_oci as_root timeout -k 10 300 tests/docker_oci.sh "$stage/usr/bin/cattach-oci" \
		"$stage/examples/bundles/rootfs" "$stage/work/dk"
}
