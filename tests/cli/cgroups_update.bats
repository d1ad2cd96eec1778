#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# update: limits change in config.json and in the cgroup, or in neither. Runs where a cgroup is
# delegated (tests/run.sh); which limits there are depends on the host.

load helpers
load cgroups

setup_file() { need_cgroup; }

# limit: what the kernel has for the container that runs
limit() { cat "$(leaf_of "$N")/$FILE"; }

# configured: what its next start will have
configured()
{
	python3 -c 'import json, sys
print(json.load(open(sys.argv[1]))["linux"].get("resources", {}).get("unified", {}).get(sys.argv[2]))' \
		"$STORE/containers/$ID/config.json" "$FILE"
}

@test "a limit of one that runs changes at once, and stays for the next start" {
	a_limit
	start "$N" --cgroup-conf "$FILE=$A" "$R" sleep 1000
	is "$(limit)" "$A"
	is "$(cattach update --cgroup-conf "$FILE=$B" "$N")" "$N"
	is "$(limit) $(configured)" "$B $B"
	is "$(state "$N" Status)" running
	cattach restart -t 0 "$N"
	is "$(limit)" "$B"
}

@test "one that was started without any limit gets one" {
	a_limit
	start "$N" "$R" sleep 1000
	cattach update --cgroup-conf "$FILE=$A" "$N"
	is "$(limit) $(configured)" "$A $A"
}

@test "a limit of one that does not run is for its next start" {
	a_limit
	STARTED+=("$N")
	ID=$(cattach create --name "$N" "$R" sleep 1000)
	cattach update --cgroup-conf "$FILE=$A" "$N"
	is "$(configured)" "$A"
	cattach start "$N"
	is "$(limit)" "$A"
	cattach kill "$N"
	cattach wait "$N"
	cattach update --cgroup-conf "$FILE=$B" "$N"
	cattach start "$N"
	is "$(limit)" "$B"
}

@test "one that is paused is updated, and stays paused" {
	a_limit
	start "$N" "$R" sleep 1000
	cattach pause "$N"
	cattach update --cgroup-conf "$FILE=$A" "$N"
	is "$(limit) $(state "$N" Status)" "$A paused"
}

@test "what the kernel refuses changes nothing, neither there nor here" {
	a_limit
	start "$N" --cgroup-conf "$FILE=$A" "$R" sleep 1000
	refused 125 "--cgroup-conf" cattach update --cgroup-conf "$FILE=$B" \
		--cgroup-conf "$FILE=nonsense" "$N"
	is "$(limit) $(configured)" "$A $A"
	refused 125 "--cgroup-conf cgroup.max.depth: the kernel refuses \"nonsense\"" \
		cattach update --cgroup-conf "$FILE=$B" --cgroup-conf cgroup.max.depth=nonsense "$N"
	is "$(limit) $(configured)" "$A $A"
}

@test "when config.json cannot be written the kernel has the old limit again" {
	a_limit
	start "$N" --cgroup-conf "$FILE=$A" "$R" sleep 1000
	chmod 500 "$STORE/containers/$ID"
	run ! --separate-stderr cattach update --cgroup-conf "$FILE=$B" "$N"
	chmod 700 "$STORE/containers/$ID"
	is "$status" 125
	has "$stderr" "config.json"
	is "$(limit) $(configured)" "$A $A"
}

@test "of several the one that fails is named" {
	start "$N" "$R" sleep 1000
	start "$N-d" --cgroups=disabled "$R" sleep 1000
	run -125 --separate-stderr cattach update --cgroup-conf cgroup.max.depth=3 "$N-d" "$N"
	is "$output" "$N"
	is "$stderr" "cattach: $N-d: --cgroup-conf cgroup.max.depth: there are no limits without a\
 cgroup (it was created with --cgroups=disabled, and that stays so)"
}

@test "a controller that is not delegated is an error that says so" {
	a_limit
	start "$N" "$R" sleep 1000
	refused 125 "--cgroup-conf misc.max: " cattach update --cgroup-conf "misc.max=x 1" "$N"
	is "$(configured)" None
}

@test "without a cgroup one that runs is refused and stays as it was" {
	a_limit
	start "$N" "$R" sleep 1000
	rm "$STORE/containers/$ID/cgroup"
	refused 125 "container $N has no cgroup of its own (" \
		cattach update --cgroup-conf "$FILE=$A" "$N"
	is "$(configured)" None
	start "$N-d" --cgroups=disabled "$R" sleep 1000
	refused 125 "there are no limits without a cgroup" \
		cattach update --cgroup-conf "$FILE=$A" "$N-d"
}

@test "what makes no sense is refused, one after the other" {
	start "$N" "$R" sleep 1000
	refused 125 "update needs an option that says what is to change" cattach update "$N"
	refused 125 "update needs a CONTAINER" cattach update -m 64m
	refused 125 "--memory: must be a size" cattach update -m lots "$N"
	refused 125 "no such container: nosuch" cattach update --pids-limit 5 nosuch
	cattach exec -d --session s "$N" sleep 1000
	refused 125 "$N/s is a session of a container, and cannot be updated" \
		cattach update --pids-limit 5 "$N/s"
}
