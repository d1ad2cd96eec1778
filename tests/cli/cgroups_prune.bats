#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# prune: what crashes leave goes, and nothing else. Runs where a cgroup is delegated (tests/run.sh).

load helpers
load cgroups

setup_file() { need_cgroup; }

# group NAME: the cgroup that was made for a container which runs
group() { dirname "$(leaf_of "$1")"; }

# crash NAME: the monitor is killed, and with it the payload; the cgroup stays
crash()
{
	kill -9 "$(state "$1" ConmonPid)"
	eventually eval "[ \"\$(state $1 Status)\" = exited ]"
}

@test "the cgroup of a container whose monitor was killed goes" {
	start "$N" "$R" sleep 1000
	local group
	group=$(group "$N")
	crash "$N"
	test -d "$group"
	is "$(cattach prune)" "1 cgroup removed"
	test ! -d "$group"
	is "$(cattach prune)" "0 cgroups removed"
	is "$(cattach ps -aq | wc -l)" 1
}

@test "what is left in it is ended" {
	start "$N" --pid host "$R" sh -c 'sleep 1234 & exec sleep 1000'
	local group
	group=$(group "$N")
	eventually eval '[ $(wc -l < "$(leaf_of "$N")/cgroup.procs") -eq 2 ]'
	crash "$N"
	is "$(cattach prune)" "1 cgroup removed"
	test ! -d "$group"
}

@test "a container whose monitor was killed while it was paused can be started again" {
	start "$N" "$R" sleep 1000
	cattach pause "$N"
	crash "$N"
	cattach start "$N"
	is "$(state "$N" Status)" running
	cattach pause "$N"
	crash "$N"
	is "$(cattach prune)" "1 cgroup removed"
}

@test "containers that run or are paused, and their cgroups, stay" {
	start "$N" "$R" sleep 1000
	start "$N-b" "$R" sleep 1000
	cattach pause "$N-b"
	is "$(cattach prune --containers)" "0 containers and 0 cgroups removed"
	test -d "$(leaf_of "$N")"
	is "$(state "$N" Status) $(state "$N-b" Status)" "running paused"
	cattach exec "$N" true
}

@test "an empty cgroup of no container goes, one with a process stays" {
	local place
	place=$(dirname "$(own_cgroup)")
	mkdir -p "$place/cattach-gone/container" "$place/cattach-gone/monitor" \
		"$place/cattach-used/container" "$place/other"
	sleep 1000 3>&- &
	echo $! > "$place/cattach-used/container/cgroup.procs"
	is "$(cattach prune)" "1 cgroup removed"
	test ! -d "$place/cattach-gone"
	test -d "$place/cattach-used/container"
	test -d "$place/other"
	kill $!
	wait $! || true
	eventually eval "grep -qx 'populated 0' $place/cattach-used/cgroup.events"
	is "$(cattach prune)" "1 cgroup removed"
	rmdir "$place/other"
}

@test "with --containers all go that do not run, by name" {
	start "$N" "$R" sleep 1000
	start "$N-b" "$R" true
	cattach wait "$N-b"
	cattach create --name "$N-c" "$R" true
	start "$N-d" "$R" sleep 1000
	local group
	group=$(group "$N-d")
	crash "$N-d"
	is "$(cattach prune --containers | sort | tr '\n' ' ')" \
		"3 containers and 1 cgroup removed $N-b $N-c $N-d "
	test ! -d "$group"
	is "$(cattach ps -a --format '{{.Names}}')" "$N"
	STARTED=("$N")
}

@test "it takes no operands" {
	refused 125 "prune takes no operands" cattach prune web
}

@test "what is left below a --cgroup-parent goes with the parents that were made for it" {
	local place group
	place=$(dirname "$(own_cgroup)")
	mkdir "$place/mine"
	start "$N" --cgroup-parent "jobs/a" "$R" sleep 1000
	start "$N-b" --cgroup-parent "jobs/b" "$R" sleep 1000
	start "$N-c" --cgroup-parent "mine/a" "$R" sleep 1000
	for group in "$(group "$N")" "$(group "$N-c")"; do
		echo 1 > "$group/cgroup.kill"
		eventually grep -qx 'populated 0' "$group/cgroup.events"
	done
	# as if nobody knew of them any more
	rm "$STORE/containers/$(cattach inspect -f '{{.Id}}' "$N")/cgroup"
	is "$(cattach prune)" "2 cgroups removed"
	is "$(cd "$place" && echo jobs/[ab] mine mine/[ab])" "jobs/b mine mine/[ab]"
	cattach rm -f "$N-b"
	test ! -d "$place/jobs"
	STARTED=("$N" "$N-c")
	rmdir "$place/mine"
}
