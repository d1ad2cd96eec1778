#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# What hand-written runtimes get wrong about cgroups, where one is delegated (tests/run.sh). The numbers are
# those of docs/oci.md.

load helpers
load oci
load cgroups

setup_file() { need_cgroup; }

leaf() { echo "$CGROUP$(sed -n 's/^0:://p' "/proc/$(pid "$1")/cgroup")"; }

@test "F3: delete leaves no cgroup, neither those below nor processes in them" {
	args sleep 1000
	make f1
	oci start f1
	directory=$(leaf f1)
	mkdir -p "$directory/one/two"
	oci exec --detach f1 sleep 1000
	oci delete --force f1
	[ ! -e "$directory" ]
	[ ! -e "$(dirname "$directory")" ]
}

@test "F40: exec is in the container's cgroups, or below them, and nowhere else" {
	args sleep 1000
	make f1
	oci start f1
	directory=$(leaf f1)
	oci exec --detach --pid-file "$T/exec.pid" f1 sleep 1000
	is "$(cat "/proc/$(cat "$T/exec.pid")/cgroup")" "$(cat "/proc/$(pid f1)/cgroup")"
	for path in .. ../.. /.. no/such; do
		run -255 oci exec --cgroup "$path" f1 true
		has "$output" --cgroup
	done
	oci pause f1
	run -255 oci exec f1 true
	has "$output" paused
	oci resume f1
	oci delete --force f1
	[ ! -e "$directory" ]
}
