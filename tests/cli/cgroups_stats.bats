#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# stats: rounds, rows, formats, and what is said where there is nothing to be read. The numbers are
# proven in tests/unit/test_stats.c. Runs where a cgroup is delegated (tests/run.sh).

load helpers
load cgroups

setup_file() { need_cgroup; }

# once ARG...: one round, soon
once() { cattach stats --no-stream -i 0.05 "$@"; }

@test "docker's columns, and what the kernel has counted" {
	start "$N" "$R" sh -c 'i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done; exec sleep 1000'
	run -0 once "$N"
	matches "${lines[0]}" \
		"CONTAINER ID +NAME +CPU % +MEM USAGE / LIMIT +MEM % +NET I/O +BLOCK I/O +PIDS"
	is "${#lines[@]}" 2
	matches "${lines[1]}" "${ID:0:12} +$N +[0-9.]+% .*"
	local counted
	counted=$(once --format '{{.Usage.CPUUsec}}' "$N")
	[ "$counted" -gt 0 ]
	[ "$counted" -le "$(sed -n 's/^usage_usec //p' "$(leaf_of "$N")/cpu.stat")" ]
}

@test "templates, json and ids in full" {
	start "$N" "$R" sleep 1000
	is "$(once --format '{{.Name}} {{.ID}}' "$N")" "$N ${ID:0:12}"
	is "$(once --no-trunc --format '{{.ID}} {{.Container}}' "$N")" "$ID $N"
	is "$(once --format 'table {{.Name}}\t{{.NetIO}}' "$N" | tr -s ' ')" \
		"NAME NET I/O"$'\n'"$N 0B / 0B"
	is "$(once --format json "$N" | python3 -c 'import json, sys
row = json.load(sys.stdin)
print(row["Name"], sorted(row), row["Usage"]["NetReceivedBytes"], sorted(row["Pressure"]))')" \
		"$N ['BlockIO', 'CPUPerc', 'Container', 'ID', 'MemPerc', 'MemUsage', 'Name', 'NetIO', 'PIDs', 'Pressure', 'Usage'] 0 ['CPU', 'IO', 'Memory']"
}

@test "those that run are shown, with -a all, or those that are named" {
	start "$N" "$R" sleep 1000
	start "$N-b" "$R" sleep 1000
	start "$N-c" "$R" true
	cattach wait "$N-c"
	cattach pause "$N-b"
	is "$(once --format '{{.Name}}' | sort | tr '\n' ' ')" "$N $N-b "
	is "$(once -a --format '{{.Name}}' | sort | tr '\n' ' ')" "$N $N-b $N-c "
	is "$(once --format '{{.Name}}' "$N-c" "$N" | tr '\n' ' ')" "$N-c $N "
	is "$(once --format '{{.CPUPerc}} {{.MemUsage}} {{.PIDs}}' "$N-c")" "-- -- / -- --"
	is "$(once --format '{{.CPUPerc}}' "$N-b")" "0.00%"
}

@test "one without a cgroup is a row without numbers, and one line says why" {
	start "$N" "$R" sleep 1000
	rm "$STORE/containers/$ID/cgroup"
	run -0 --separate-stderr once --format '{{.Name}} {{.CPUPerc}} {{.NetIO}}' "$N"
	is "$output" "$N -- -- / --"
	is "${#stderr_lines[@]}" 1
	has "$stderr" "cattach: warning: $N: container $N has no cgroup of its own ("
}

@test "on the host's network there are no numbers of its own" {
	start "$N" --network host "$R" sleep 1000
	is "$(once --format '{{.NetIO}}' "$N")" "-- / --"
}

@test "without a terminal rounds follow each other until the containers are gone" {
	start "$N" "$R" sleep 1000
	cattach stats -i 0.05 --format '{{.Name}} {{.PIDs}}' "$N" > "$T/out" 3>&- &
	local watcher=$!
	eventually eval '[ "$(grep -c "^$N " "$T/out")" -ge 3 ]'
	cattach rm -f "$N"
	STARTED=()
	wait $watcher
	is "$(tr -d -c '\033' < "$T/out")" ""
}

@test "a container that comes later is in the next round" {
	cattach stats -i 0.05 --format '{{.Name}}' > "$T/out" 3>&- &
	local watcher=$!
	start "$N" "$R" sleep 1000
	eventually grep -q "^$N\$" "$T/out"
	kill $watcher
	wait $watcher || true
}

@test "top --totals is the table, and a line with what the cgroup has counted" {
	start "$N" "$R" sh -c 'sleep 1234 & exec sleep 1000'
	eventually eval '[ "$(cattach top $N pid | wc -l)" -eq 3 ]'
	run -0 cattach top --totals "$N" pid,args
	is "${#lines[@]}" 4
	matches "${lines[3]}" \
		"Total: 2 processes, processor time 00:00:0[0-9](, memory [0-9.]+[KMG]iB)?"
	rm "$STORE/containers/$ID/cgroup"
	run ! --separate-stderr cattach top --totals "$N" pid
	is "$status ${#lines[@]}" "125 3"
	has "$stderr" "cattach: --totals: container $N has no cgroup of its own ("
}

@test "what cannot be is refused" {
	start "$N" "$R" sleep 1000
	refused 125 "no such container: nosuch" once nosuch
	refused 125 "--interval: must be" once -i never "$N"
	refused 125 "--interval: must be 0.01 seconds at least, not \"0\"" cattach stats -i 0 "$N"
	refused 125 "--format: " once --format '{{.Nosuch}}' "$N"
	cattach exec -d --session s "$N" sleep 1000
	refused 125 "$N/s is a session of a container, and cannot be measured by itself" once "$N/s"
}
