#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# What a delegated cgroup makes possible: inspect of what is paused, and stop, restart, kill and rm of
# it by filter and by file.

load helpers
load cgroups

setup_file() { need_cgroup; }

@test "inspect of what is paused: it runs, and stands still" {
	start "$N" --cidfile "$T/cid" "$R" sleep 1000
	cattach pause "$N"
	cattach inspect "$N" | python3 -ESs "$BATS_TEST_DIRNAME/inspect_keys.py" State.Status=paused \
		State.Running=true State.Paused=true State.ExitCode=0 State.Pid="$(state "$N" Pid)" \
		State.FinishedAt=0001-01-01T00:00:00Z State.Restarting=false State.Dead=false
	[ -d "/proc/$(state "$N" Pid)" ]
	is "$(cattach stop -t 0 --filter status=paused)" "$N"
	is "$(state "$N" Status) $(state "$N" Paused)" "exited false"
	cattach start "$N"
	cattach pause "$N"
	is "$(cattach rm -f -t 0 --cidfile "$T/cid")" "$ID"
	STARTED=()
}
