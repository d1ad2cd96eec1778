#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# info: the place that it names is the one in which containers have their cgroups. Runs where a cgroup
# is delegated (tests/run.sh); texts for other hosts are proven in tests/unit/test_info_cgroups.c.

load helpers
load cgroups

setup_file() { need_cgroup; }

@test "info names the place in which a container's cgroup is made, and its controllers" {
	local place what
	place=$(dirname "$(own_cgroup)")
	what=$(cattach info --format '{{.CgroupDelegation.What}}')
	matches "$what" "containers get cgroups below ${place#"$CGROUP"}, (but only )?with .*"
	has "$what" "with $(sed 's/^$/no controllers/' "$place/cgroup.controllers")"
	start "$N" "$R" sleep 1000
	is "$(leaf_of "$N")" "$place/cattach-$ID/container"
}

@test "info prefers the nearest place without processes, as a start does" {
	local place what
	place=$(dirname "$(own_cgroup)")
	mkdir "$place/crowded"
	what=$(sh -c 'echo $$ > "$1/cgroup.procs"; exec cattach info --format "{{.CgroupDelegation.What}}"' \
		sh "$place/crowded")
	rmdir "$place/crowded"
	# the nearest one without processes is better than one from which they must be moved
	has "$what" "below ${place#"$CGROUP"}, "
	[[ $what != *cattach-callers* ]]
}
