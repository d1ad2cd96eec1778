#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The life of a container's cgroup: who is in it, pausing, statistics, its end, and what crashes
# leave.
# shellcheck disable=SC2016,SC2119,SC2317 # functions are called by name; some take names; some text is for other shells
# shellcheck source=tests/vm/suite/lib.sh
. "$(dirname "$0")/lib.sh"

born_inside()
{
	local dir pid
	same "$(cattach run --rm "$R" cat /proc/self/cgroup)" "0::/"
	start "$R" sleep 1000
	dir=$(leaf)
	pid=$(state Pid)
	same "$(cat "$dir/cgroup.procs")" "$pid"
	[ -n "$(cat "$dir/../monitor/cgroup.procs")" ]
	same "$(basename "$dir")" container
	same "$(cat "$dir/../monitor/pids.max" "$dir/pids.max" | tr '\n' ' ')" "max 2048 "
}
row "uml plain systemd" "the payload is born in its leaf, its monitor beside it" born_inside

exec_goes_in()
{
	local dir
	start --pids-limit 10 "$R" sleep 1000
	dir=$(leaf)
	same "$(cattach exec "$N" cat /proc/self/cgroup)" "0::/"
	cattach exec -d "$N" sleep 999 > /dev/null
	until_true test "$(wc -l < "$dir/cgroup.procs")" -eq 2
	cattach exec "$N" sh -c 'sleep 30; :' &
	until_true test_lines "$dir/cgroup.procs" 4
	cattach rm -f "$N" > /dev/null
	wait || true
}
test_lines() { [ "$(wc -l < "$1")" -ge "$2" ]; }
row "uml plain systemd" "what is executed later lands in the leaf" exec_goes_in

count_on() { [ "$(cattach logs --tail 1 "$N")" -gt "$1" ]; }

pause_stops()
{
	local dir before
	start "$R" sh -c 'i=0; while :; do i=$((i + 1)); echo $i; sleep 0.1; done'
	dir=$(leaf)
	until_true count_on 3
	cattach pause "$N" > /dev/null
	same "$(key "$dir/cgroup.events" frozen) $(state Status)" "1 paused"
	before=$(cattach logs --tail 1 "$N")
	sleep 1
	same "$(cattach logs --tail 1 "$N")" "$before"
	cattach unpause "$N" > /dev/null
	same "$(key "$dir/cgroup.events" frozen) $(state Status)" "0 running"
	until_true count_on "$before"
}
row "uml plain systemd" "pause stops a counter, and unpause has it go on" pause_stops

paused_can_be_ended()
{
	start "$R" sleep 1000
	cattach pause "$N" > /dev/null
	cattach kill "$N" > /dev/null
	same "$(cattach wait "$N")" 137
	cattach start "$N" > /dev/null
	cattach pause "$N" > /dev/null
	cattach rm -f "$N" > /dev/null
	same "$(leaves)" ""
}
row "uml plain systemd" "who is paused can be killed and removed" paused_can_be_ended

stats_agree()
{
	local dir json
	start -m 64m --pids-limit 33 "$R" sh -c \
		'dd if=/dev/zero of=/dev/shm/x bs=1M count=10 2> /dev/null; sleep 1000 & wait'
	dir=$(leaf)
	until_true test_lines "$dir/cgroup.procs" 2
	# what is frozen does not change between two looks
	cattach pause "$N" > /dev/null
	json=$(cattach stats --no-stream --format json "$N")
	echo "$json"
	has "$json" "\"PIDs\":\"$(cat "$dir/pids.current")\""
	has "$json" "$(($(cat "$dir/memory.current") - $(key "$dir/memory.stat" inactive_file)))"
	has "$json" 67108864
	has "$json" "$(key "$dir/cpu.stat" usage_usec)"
}
row "uml plain systemd" "stats agree with the kernel's files" stats_agree

nothing_stays()
{
	cattach run --rm "$R" true
	same "$(leaves)" ""
	start "$R" true
	cattach wait "$N" > /dev/null
	until_true test -z "$(leaves)"
	cattach rm "$N" > /dev/null
	same "$(leaves)" ""
	# cgroups that the container made itself go, too
	cattach run --rm --privileged "$R" sh -c 'mkdir -p /sys/fs/cgroup/a/b/c || echo no'
	same "$(leaves)" ""
}
row "uml plain systemd" "run --rm and rm return when the leaf is gone" nothing_stays

# systemd removes what is in a scope that has ended.
is_empty() { [ ! -e "$1" ] || grep -q 'populated 0' "$1/cgroup.events"; }

# Everything of it at once, the monitor too: nobody is left who could tidy up.
crash()
{
	local dir=${1%/container}
	echo 1 > "$dir/cgroup.kill"
	until_true is_empty "$dir"
}

crash_and_rm()
{
	local dir
	start "$R" sleep 1000
	dir=$(leaf)
	crash "$dir"
	cattach rm -f "$N" > /dev/null
	same "$(leaves)" ""
}
row "uml plain systemd" "what a crash of every process leaves, rm removes" crash_and_rm

crash_and_prune()
{
	start "$R" sleep 1000
	crash "$(leaf)"
	cattach prune
	same "$(leaves)" ""
	same "$(cattach prune)" "0 cgroups removed"
	same "$(cattach ps -aq | wc -l)" 1
}
row "uml plain systemd" "what a crash of every process leaves, prune removes" crash_and_prune

crash_and_start()
{
	start "$R" sleep 1000
	crash "$(leaf)"
	cattach start "$N" > /dev/null
	same "$(state Status)" running
	[ -d "$(leaf)" ]
}
row "uml plain systemd" "what a crash of every process leaves can be started again" crash_and_start

end
