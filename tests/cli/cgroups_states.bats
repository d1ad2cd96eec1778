#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Every verb, of containers that run in a cgroup of their own or are paused there (states.table). Runs
# where a cgroup is delegated (tests/run.sh).

load helpers
load cgroups
load states

setup_file() { need_cgroup; }

# What can be changed here.
a_change()
{
	a_limit
	LIMIT=(--cgroup-conf "$FILE=$A")
}

@test "running: every verb" {
	a_change
	matrix running
}

@test "paused: every verb" {
	a_change
	matrix paused
}
