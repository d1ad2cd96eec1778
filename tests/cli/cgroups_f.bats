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

@test "F8: a create that fails leaves no cgroup, no mount and no process, and the next one finds its name free" {
	local before change
	before=$(find "$(dirname "$(own_cgroup)")" -type d | sort)
	mounts=$(cat /proc/self/mountinfo)
	for change in "c['process']['args'] = ['no-such-command']" \
		"c['process']['args'] = ['true']; c['mounts'].append({'destination': '/x', 'type': 'bind', 'source': '/no/such', 'options': ['bind']})" \
		"c['mounts'].pop(); c['hooks'] = {'createContainer': [{'path': '/bin/false'}]}" \
		"del c['hooks']; c['linux']['resources'] = {'unified': {'no-such.max': '1'}}"; do
		bundle "$change"
		run -1 oci create -b "$T/b" f1 < /dev/null
		is "$(find "$(dirname "$(own_cgroup)")" -type d | sort)" "$before"
		is "$(cat /proc/self/mountinfo)" "$mounts"
		is "$(ls -A "$T/root")" ""
	done
	bundle "c['linux']['resources'] = {}"
	make f1
	oci delete f1
}

@test "F36: the cgroup namespace is made in the container's cgroup, which is its top, for exec too" {
	args sh -c 'cat /proc/self/cgroup; exec sleep 1000'
	make f1
	oci start f1
	eventually grep -q '^0::/$' "$T/out"
	is "$(oci exec f1 sed -n 's/^0:://p' /proc/self/cgroup)" /
	is "$(oci exec f1 readlink /proc/self/ns/cgroup)" "$(readlink "/proc/$(pid f1)/ns/cgroup")"
	oci delete --force f1
}

@test "F37: a cgroup that is frozen, or has processes, is refused, and nobody waits for it; an empty one is taken" {
	local place path
	place=$(dirname "$(own_cgroup)")
	path=${place#"$CGROUP"}/given-$$
	mkdir "$CGROUP$path"
	bundle "c['linux']['cgroupsPath'] = '$path'; c['process']['args'] = ['sleep', '1000']"
	echo 1 > "$CGROUP$path/cgroup.freeze"
	run -1 timeout 20 cattach oci --root "$T/root" create -b "$T/b" f1 < /dev/null 3>&-
	has "$output" frozen
	is "$(cat "$CGROUP$path/cgroup.freeze" "$CGROUP$path/cgroup.procs")" 1
	# a new one below it would stop as well, whoever makes it
	bundle "c['linux']['cgroupsPath'] = '$path/below'"
	run -1 timeout 20 cattach oci --root "$T/root" create -b "$T/b" f1 < /dev/null
	has "$output" "$path/below is frozen, or one above it"
	refused 125 "is frozen, or one above it" \
		timeout 20 cattach run --cgroup-parent "$(basename "$path")" "$R" true
	is "$(ls -d "$CGROUP$path"/*/ 2> /dev/null)" ""
	bundle "c['linux']['cgroupsPath'] = '$path'"
	echo 0 > "$CGROUP$path/cgroup.freeze"
	make f1
	run -1 oci create -b "$T/b" f2 < /dev/null
	has "$output" 'has processes'
	oci delete --force f1
	[ ! -d "$CGROUP$path" ] || rmdir "$CGROUP$path"
}

@test "F38: what cannot be limited here is a clear error that names it, and leaves nothing; without limits it runs" {
	local missing before
	before=$(find "$(dirname "$(own_cgroup)")" -type d | sort)
	missing=$(for name in memory pids cpu io; do
		grep -qw $name "$(dirname "$(own_cgroup)")/cgroup.controllers" || echo $name; done | head -n 1)
	[ -n "$missing" ] || skip "every controller is delegated here"
	bundle "c['linux']['resources'] = {'unified': {'$missing.max': '1000'}}; c['process']['args'] = ['true']"
	run -1 oci create -b "$T/b" f1 < /dev/null
	has "$output" "linux.resources.unified[\"$missing.max\"]"
	has "$output" "$missing"
	is "$(find "$(dirname "$(own_cgroup)")" -type d | sort)" "$before"
	bundle "c['linux']['resources'] = {'memory': {'limit': -1}, 'cpu': {}}"
	oci run -b "$T/b" f1 < /dev/null
}
