#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# ps --ns, --size and --watch.

load helpers

@test "--ns shows the first process and the namespaces that it is in, and nothing of what does not run" {
	local pid name
	start "$N" "$R" sleep 1000
	cattach create --name "$N-c" "$R" true
	STARTED+=("$N-c")
	pid=$(state "$N" Pid)
	matches "$(cattach ps --ns | head -n 1)" \
		'CONTAINER ID +NAMES +PID +CGROUPNS +IPC +MNT +NET +PIDNS +USERNS +UTS'
	is "$(cattach ps --ns --noheading | xargs)" "${ID:0:12} $N $pid $(
		for name in cgroup ipc mnt net pid user uts; do
			readlink "/proc/$pid/ns/$name" | tr -dc '0-9\n'
		done | xargs)"
	is "$(cattach ps -a --ns --noheading --filter "name=^$N-c\$" | xargs)" \
		"$(cattach ps -aq --filter "name=^$N-c\$") $N-c 0"
	is "$(cattach ps --ns --filter "name=^$N\$" --format '{{.Pid}} {{.USERNS}}')" \
		"$pid $(readlink "/proc/$pid/ns/user" | tr -dc 0-9)"
	has "$(cattach ps --ns --format json)" "\"Pid\":$pid,"
	is "$(cattach ps -q --ns)" "${ID:0:12}"
}

@test "--ns of one on the host's network has the number of ours" {
	start "$N" --network host "$R" sleep 1000
	is "$(cattach ps --ns --format '{{.NET}}')" "$(readlink /proc/self/ns/net | tr -dc 0-9)"
}

@test "--size has what a throw-away layer holds, and all files, and is not looked for without" {
	local root=$T/root total
	rootfs "$root"
	cattach create --name "$N" "$root" true
	STARTED+=("$N")
	is "$(cattach ps -a --format '{{.Size}}')" 0B
	total=$(cattach ps -as --format '{{.Size}}')
	matches "$total" '0B \(virtual [0-9.]+[kM]B\)'
	head -c 20000000 /dev/zero > "$root/file"
	matches "$(cattach ps -as --format '{{.Size}}')" '0B \(virtual 2[0-9.]+MB\)'
	matches "$(cattach ps -as | head -n 1)" 'CONTAINER ID .* NAMES +SIZE'
	start "$N-o" "$root:O" sh -c 'head -c 3000000 /dev/zero > /more; echo ready; exec sleep 1000'
	cattach wait --for-output ready "$N-o"
	matches "$(cattach ps -s --format '{{.Size}}')" '3[0-9.]*MB \(virtual 2[0-9.]+MB\)'
	refused 125 '--size and --ns exclude each other' cattach ps -s --ns
	matches "$(cattach ps -s --ns --format '{{.Pid}} {{.Size}}')" '[0-9]+ 3[0-9.]*MB .*'
	mv "$root" "$T/elsewhere"
	run -0 --separate-stderr cattach ps -as --filter "name=^$N\$" --format '{{.Names}} {{.Size}}'
	is "$output" "$N 0B (virtual 0B)"
	is "$stderr" "cattach: warning: container $N has no size: $root: No such file or directory"
}

# The last line of what was watched is this.
last_is() { [ "$(tail -n 1 "$T/out")" = "$1" ]; }

@test "--watch shows them anew, what has come and what has gone, until it is interrupted" {
	local watcher code=0
	cattach ps -a -w 0.05 --format '{{len .Names}} {{.Names}} {{.State}}' > "$T/out" 3>&- &
	watcher=$!
	cattach create --name "$N" "$R" sleep 1000
	STARTED+=("$N")
	eventually last_is "${#N} $N created"
	cattach start "$N"
	eventually last_is "${#N} $N running"
	cattach kill "$N"
	eventually last_is "${#N} $N exited"
	# no terminal: nothing is wiped
	is "$(tr -dc '\033' < "$T/out")" ""
	kill "$watcher"
	# not in a subshell, whose child it is not
	wait "$watcher" || code=$?
	is "$code" 143
}

@test "--watch ends with whoever reads it, and refuses what is no time" {
	local rounds
	start "$N" "$R" sleep 1000
	rounds=$(timeout 20 cattach ps -w 0.01 -q 2> "$T/err" | head -n 3)
	is "$(xargs <<< "$rounds")" "${ID:0:12} ${ID:0:12} ${ID:0:12}"
	refused 125 '--watch: must be 0.01 seconds at least, not "0"' cattach ps -w 0
	refused 125 '--watch: ' cattach ps --watch now
}
