#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Containers of the runtime command line in cgroups: update, events, pause. Runs where a cgroup is
# delegated (tests/run.sh); which limits there are depends on the host.

load helpers
load oci
load cgroups

setup_file() { need_cgroup; }

# leaf ID: the directory of the container's cgroup
leaf() { echo "$CGROUP$(sed -n 's/^0:://p' "/proc/$(pid "$1")/cgroup")"; }

# limits JSON: as callers of update write them
limits() { printf '{"unified": {"%s": "%s"}, "memory": {"limit": 0}, "cpu": {"shares": 0, "quota": 0}, "pids": {"limit": 0}}' "$FILE" "$1"; }

@test "update takes an object from a file or from standard input, and zeros say nothing" {
	a_limit
	args sleep 100
	make c1
	limits "$A" > "$T/limits.json"
	# one that waits has its limits already
	oci update --resources "$T/limits.json" c1
	[ "$(cat "$(leaf c1)/$FILE")" = "$A" ]
	oci start c1
	limits "$B" | oci update --resources=- c1
	[ "$(cat "$(leaf c1)/$FILE")" = "$B" ]
	limits "$A" | oci update -r - c1
	[ "$(cat "$(leaf c1)/$FILE")" = "$A" ]
	limits "$B" | oci update --resources - c1
	[ "$(cat "$(leaf c1)/$FILE")" = "$B" ]
	# what cannot be had changes nothing
	printf '{"unified": {"%s": "%s", "no-such.max": "1"}}' "$FILE" "$A" > "$T/limits.json"
	run -1 oci update -r "$T/limits.json" c1
	[[ "$output" = *no-such* ]]
	[ "$(cat "$(leaf c1)/$FILE")" = "$B" ]
	oci update c1
	oci update --memory 0 --cpu-share 0 --pids-limit 0 --kernel-memory 64m c1
	[ "$(cat "$(leaf c1)/$FILE")" = "$B" ]
	oci kill c1 KILL
	until_status c1 stopped
	limits "$A" > "$T/limits.json"
	run -1 oci update -r "$T/limits.json" c1
	[[ "$output" = *'container not running'* ]]
}

@test "what update is asked for wrongly is told by its place" {
	args sleep 100
	make c1
	echo '{"memory": {"limit": "much"}}' > "$T/limits.json"
	run -1 oci update -r "$T/limits.json" c1
	[[ "$output" = *limits.json:1:*memory.limit* ]]
	echo '[]' > "$T/limits.json"
	run -1 oci update -r "$T/limits.json" c1
	[[ "$output" = *'must be an object'* ]]
	for option in '--memory much' '--memory-swap -2' '--cpu-quota x' '--cpuset-cpus 3-1-2' \
		'--pids-limit -5' '--blkio-weight 5' '--cpu-idle 2 --cpu-share 100'; do
		# shellcheck disable=SC2086 # words
		run -1 oci update $option c1
		[[ "$output" = *"${option%% *}"* ]]
	done
	run -1 oci update --l3-cache-schema 'L3:0=f' c1
	[[ "$output" = *'--l3-cache-schema is not supported'* ]]
	run -1 oci update --memory 64m nosuch
	[[ "$output" = *'container does not exist'* ]]
}

@test "events has a reading in the form of runc's, once or again and again" {
	args sleep 100
	make c1
	oci start c1
	oci events --stats c1 | python3 -c '
import json, sys
lines = sys.stdin.read().splitlines()
event = json.loads(lines[0])
data = event["data"]
assert len(lines) == 1 and event["type"] == "stats" and event["id"] == "c1", event
assert data["cpu"]["usage"]["total"] > 0 and data["cpu"]["throttling"]["periods"] == 0, data
assert {"memory", "pids", "blkio", "hugetlb", "network_interfaces"} <= set(data), data
assert isinstance(data["blkio"]["ioServiceBytesRecursive"], list), data'
	cattach oci --root "$T/root" events --interval 20ms c1 > "$T/events" 3>&- &
	watcher=$!
	until [ "$(grep -c '"type": *"stats"' "$T/events")" -gt 2 ]; do sleep 0.02; done
	oci kill c1 KILL
	# it ends with the container
	wait "$watcher"
	run -1 oci events --stats c1
	[[ "$output" = *'container not running'* ]]
	run -1 oci events --interval 0s c1
	[[ "$output" = *--interval* ]]
}

@test "pause and resume, and what a paused container is" {
	args sh -c 'while :; do echo tick; sleep 0.01; done'
	make c1
	oci start c1
	oci pause c1
	[ "$(status c1)" = paused ]
	before=$(wc -c < "$T/out")
	oci events --stats c1 > "$T/stats"
	run -1 oci delete c1
	[[ "$output" = *'not stopped: paused'* ]]
	run -255 oci exec c1 true
	[[ "$output" = *paused* ]]
	[ "$(wc -c < "$T/out")" = "$before" ]
	oci resume c1
	[ "$(status c1)" = running ]
	until [ "$(wc -c < "$T/out")" -gt "$before" ]; do sleep 0.01; done
	# F3: delete --force of one that is paused leaves no cgroup
	oci pause c1
	directory=$(leaf c1)
	[ -d "$directory" ]
	oci delete --force c1
	[ ! -e "$directory" ]
}

@test "F40: exec is in the container's cgroup, or in one below it, and nowhere else" {
	args sleep 100
	make c1
	oci start c1
	top=$(oci exec c1 sed -n 's/^0:://p' /proc/self/cgroup)
	mkdir "$(leaf c1)/sub"
	[ "$(oci exec --cgroup sub c1 sed -n 's/^0:://p' /proc/self/cgroup)" = "${top%/}/sub" ]
	[ "$(oci exec --cgroup /sub c1 sed -n 's/^0:://p' /proc/self/cgroup)" = "${top%/}/sub" ]
	[ "$(oci exec --cgroup / c1 sed -n 's/^0:://p' /proc/self/cgroup)" = "$top" ]
	for outside in .. ../.. sub/../.. nosuch; do
		run -255 oci exec --cgroup "$outside" c1 true
		[[ "$output" = *--cgroup*"$outside"* ]]
	done
}

@test "F37: linux.cgroupsPath is the container's cgroup, to the letter" {
	place=$(dirname "$(own_cgroup)")
	path=${place#"$CGROUP"}/oci-test-$$/web
	bundle "c['linux']['cgroupsPath'] = '$path'; c['process']['args'] = ['sleep', '100']"
	make c1
	[ "$(leaf c1)" = "$CGROUP$path" ]
	oci start c1
	[ "$(cat "$CGROUP$path/cgroup.procs")" = "$(pid c1)" ]
	oci exec --detach c1 sleep 100
	[ "$(wc -l < "$CGROUP$path/cgroup.procs")" = 2 ]
	oci pause c1
	[ "$(status c1)" = paused ]
	oci resume c1
	oci events --stats c1 > "$T/stats"
	a_limit
	printf '{"unified": {"%s": "%s"}}' "$FILE" "$A" | oci update -r - c1
	[ "$(cat "$CGROUP$path/$FILE")" = "$A" ]
	# taken
	run -1 oci create -b "$T/b" c2
	[[ "$output" = *"$path"*'has processes'* ]]
	[ "$(status c1)" = running ]
	oci delete --force c1
	[ ! -e "$CGROUP$path" ]
	[ ! -e "$(dirname "$CGROUP$path")" ]
	# one that somebody has made is taken, with what is set there; a relative path is below our own
	mkdir -p "$place/oci-made-$$/empty"
	bundle "c['linux']['cgroupsPath'] = 'oci-made-$$/empty'"
	make c1
	[ "$(leaf c1)" = "$place/oci-made-$$/empty" ]
	oci delete --force c1
	rmdir "$place/oci-made-$$/empty" "$place/oci-made-$$"
	# out of what is ours: without it, as long as nothing is limited; never upwards
	bundle "c['linux']['cgroupsPath'] = '/not-ours-$$/web'"
	make c1
	oci delete --force c1
	bundle "c['linux']['cgroupsPath'] = '/not-ours-$$/web'; c['linux']['resources'] = {'unified': {'$FILE': '$A'}}"
	run -1 oci create -b "$T/b" c1
	bundle "c['linux']['cgroupsPath'] = '../up'; c['linux']['resources'] = {}"
	run -1 oci create -b "$T/b" c1
	[ -z "$(oci list -q)" ]
}
