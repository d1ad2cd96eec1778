#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Limits as the kernel has them: what options and bundles ask for is in the files of the container's
# cgroup. Runs where a cgroup is delegated (tests/run.sh); what needs a controller, where that is
# delegated, too.

load helpers
load cgroups

setup_file() { need_cgroup; }

# limit FILE: of the container $N
limit() { cat "$(leaf_of "$N")/$1"; }

# need CONTROLLER
need()
{
	grep -qw "$1" "$(dirname "$(own_cgroup)")/cgroup.controllers" ||
		skip "the controller $1 is not delegated"
}

@test "a file of the cgroup is written as asked, at every start" {
	start "$N" --cgroup-conf cgroup.max.descendants=3 "$R" sleep 1000
	is "$(limit cgroup.max.descendants)" 3
	cattach restart -t 0 "$N"
	is "$(limit cgroup.max.descendants)" 3
}

@test "so is one that a bundle names" {
	bundle "$T/b" 'l["resources"] = {"unified": {"cgroup.max.depth": "2"}}' 'args("sleep", "1000")'
	start "$N" "$T/b"
	is "$(limit cgroup.max.depth)" 2
}

@test "a file that cannot be had is an error that names who asked" {
	refused 125 "--cgroup-conf memory.nosuch: " \
		cattach run --cgroup-conf memory.nosuch=1 "$R" true
	bundle "$T/b" 'l["resources"] = {"unified": {"memory.nosuch": "1"}}'
	run -125 --separate-stderr cattach run "$T/b"
	# shellcheck disable=SC2154 # run sets it
	matches "$stderr" 'cattach: config\.json:[0-9]+:[0-9]+: linux\.resources\.unified\["memory\.nosuch"\]: .*'
}

@test "best effort goes without it, and says so" {
	run -0 --separate-stderr cattach run --rm --cgroups=best-effort \
		--cgroup-conf memory.nosuch=1 --cgroup-conf cgroup.max.depth=2 "$R" echo ran
	is "$output" ran
	has "$stderr" "cattach: warning: "
	has "$stderr" memory.nosuch
}

@test "memory" {
	need memory
	start "$N" -m 64m --memory-reservation 32m "$R" sleep 1000
	is "$(limit memory.max) $(limit memory.low)" "67108864 33554432"
	[ ! -e "$(leaf_of "$N")/memory.swap.max" ] || is "$(limit memory.swap.max)" 67108864
}

@test "processors" {
	need cpu
	start "$N" --cpus 0.5 -c 512 "$R" sleep 1000
	is "$(limit cpu.max)" "50000 100000"
	[ "$(limit cpu.weight)" -lt 100 ]
}

@test "processes: as asked, none, and by default" {
	need pids
	start "$N" --pids-limit 20 "$R" sleep 1000
	is "$(limit pids.max)" 20
	cattach rm -f "$N"
	start "$N" --pids-limit 0 "$R" sleep 1000
	is "$(limit pids.max)" max
	cattach rm -f "$N"
	start "$N" "$R" sleep 1000
	is "$(limit pids.max)" 2048
}
