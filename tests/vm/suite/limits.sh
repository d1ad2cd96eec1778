#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Limits of containers as an unprivileged user has them: who exceeds one is killed, refused or
# waits, the monitor is not, and what has happened is told.
# shellcheck disable=SC2016,SC2119,SC2317 # functions are called by name; some take names; some text is for other shells
# shellcheck source=tests/vm/suite/lib.sh
. "$(dirname "$0")/lib.sh"

# files DIR FILE...: what is in them, on one line
files()
{
	(cd "$1" && shift && tail -q -n 1 "$@") | tr '\n' ' '
}

options_are_files()
{
	start -m 64m --memory-reservation 32m --cpus 0.5 -c 512 --pids-limit 20 "$R" sleep 1000
	same "$(files "$(leaf)" memory.max memory.low cpu.max cpu.weight pids.max)" \
		"67108864 33554432 50000 100000 59 20 "
	[ ! -e "$(leaf)/memory.swap.max" ] || same "$(cat "$(leaf)/memory.swap.max")" 67108864
	cattach rm -f "$N" > /dev/null
	start -m 64m --memory-swap 100m --pids-limit 0 "$R" sleep 1000
	same "$(files "$(leaf)" pids.max cpu.max)" "max max 100000 "
	[ ! -e "$(leaf)/memory.swap.max" ] || same "$(cat "$(leaf)/memory.swap.max")" 37748736
}
row "uml plain systemd" "limits of options are in the files of the cgroup" options_are_files

update_keeps_order()
{
	local dir
	start -m 64m --cgroup-conf memory.max=40m "$R" sleep 1000
	dir=$(leaf)
	same "$(cat "$dir/memory.max")" 41943040
	# what is given by its own name has the last word, live as at the next start
	cattach update -m 128m "$N" > /dev/null
	same "$(cat "$dir/memory.max")" 41943040
	cattach restart -t 0 "$N" > /dev/null
	same "$(cat "$(leaf)/memory.max")" 41943040
}
row "uml plain systemd" "a file by its name overrules an option, live as at the next start" update_keeps_order

memory_kills()
{
	local status=0
	cattach run --name "$N" -m 24m "$R" \
		sh -c 'echo before; exec dd if=/dev/zero of=/dev/shm/x bs=1M count=60' > "$T/out" 2>&1 ||
		status=$?
	same "$status" 137
	same "$(head -n 1 "$T/out")" before
	same "$(state Status) $(state ExitCode) $(state OOMKilled)" "exited 137 true"
	same "$(cattach logs "$N" 2>&1 | head -n 1)" before
	has "$(cattach ps -a --filter "name=$N" --format '{{.Status}}')" "(out of memory)"
	same "$(cattach events --filter event=oom --filter "container=$N" --format '{{.Status}}')" oom
	cattach rm "$N" > /dev/null
}
row "uml plain systemd" "memory.max kills the payload and not the monitor: 137, OOMKilled" memory_kills

memory_kills_another()
{
	same "$(cattach run --name "$N" -m 24m "$R" \
		sh -c 'dd if=/dev/zero of=/dev/shm/x bs=1M count=60 2> /dev/null; rm -f /dev/shm/x; echo $?')" 0
	same "$(state ExitCode) $(state OOMKilled)" "0 true"
}
row "uml plain systemd" "OOMKilled is true whoever was killed" memory_kills_another

sigkill_is_not_oom()
{
	start -m 24m "$R" sleep 1000
	cattach kill "$N" > /dev/null
	same "$(cattach wait "$N")" 137
	same "$(state OOMKilled)" false
	[[ $(cattach ps -a --format '{{.Status}}') == 'Exited (137) '*' ago' ]]
}
row "uml plain systemd" "a SIGKILL is not taken for a lack of memory" sigkill_is_not_oom

memory_ends_a_start()
{
	refused 125 "killed by signal 9 while it was being set up (its memory ran out: " \
		cattach run --rm --cgroup-conf memory.max=4096 "$R" true
}
row "uml plain systemd" "a start that memory.max ends says so" memory_ends_a_start

memory_is_enough()
{
	same "$(cattach run --rm -m 48m "$R" sh -c \
		'dd if=/dev/zero of=/dev/shm/x bs=1M count=20 2> /dev/null && echo $?')" 0
}
row "uml plain systemd" "who stays below memory.max is left alone" memory_is_enough

pids_stop_forks()
{
	local dir status=0
	start --pids-limit 8 "$R" sh -c \
		'for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 1000 & done 2> /dev/null; wait'
	cattach wait "$N" > "$T/status"
	same "$(cat "$T/status")" 2
	cattach rm "$N" > /dev/null
	cattach run --name "$N" --pids-limit 8 "$R" sh -c \
		'bomb() { bomb | bomb & }; bomb; sleep 1' > /dev/null 2>&1 || status=$?
	echo "the bomb ended with $status"
	cattach rm "$N" > /dev/null
	# those of the host are not counted
	start "$R" sleep 1000
	dir=$(leaf)
	same "$(cat "$dir/pids.max")" 2048
}
row "uml plain systemd" "pids.max stops a fork bomb, and is 2048 where nobody asks" pids_stop_forks

# share DIR: percents of one processor, over twenty-five periods of the kernel's own.
share()
{
	local periods usage
	periods=$(key "$1/cpu.stat" nr_periods)
	usage=$(key "$1/cpu.stat" usage_usec)
	until [ "$(key "$1/cpu.stat" nr_periods)" -ge $((periods + 25)) ]; do
		sleep 0.5
	done
	periods=$(($(key "$1/cpu.stat" nr_periods) - periods))
	echo $((($(key "$1/cpu.stat" usage_usec) - usage) / periods / 1000))
}

cpu_throttles()
{
	local dir
	start --cpus 0.2 "$R" sh -c 'while :; do :; done'
	dir=$(leaf)
	same "$(cat "$dir/cpu.max")" "20000 100000"
	between 16 "$(share "$dir")" 24
	cattach update --cpus 0.4 "$N" > /dev/null
	between 32 "$(share "$dir")" 48
}
row "uml plain systemd" "cpu.max throttles to within a fifth of the quota, and update changes it" cpu_throttles

cpuset_confines()
{
	same "$(cattach run --rm --cpuset-cpus 1 "$R" \
		sed -n 's/^Cpus_allowed_list:\t//p' /proc/self/status)" 1
	refused 125 "--cpuset-cpus" cattach run --rm --cpuset-cpus 77 "$R" true
}
row "plain systemd" "cpuset.cpus confines, and a processor that is not there is an error" cpuset_confines

io_throttles()
{
	local begin=$SECONDS
	cattach run --rm --device "$CT_DISK" --device-read-bps "$CT_DISK:1m" "$R" \
		dd if="$CT_DISK" of=/dev/null bs=64k count=48 iflag=direct 2> "$T/said" ||
		{ cat "$T/said"; return 1; }
	# three seconds, less what may come at once
	[ $((SECONDS - begin)) -ge 2 ] || { echo "in $((SECONDS - begin)) s"; return 1; }
}
row "uml plain systemd" "io.max throttles what is read from a device" io_throttles

update_changes()
{
	local dir
	start -m 64m "$R" sleep 1000
	dir=$(leaf)
	same "$(cat "$dir/memory.max")" 67108864
	cattach update -m 128m --memory-swap 128m --pids-limit 50 -c 2048 "$N" > /dev/null
	same "$(cat "$dir/memory.max" "$dir/pids.max" | tr '\n' ' ')" "134217728 50 "
	[ "$(cat "$dir/cpu.weight")" -gt 100 ]
	# what cannot be had changes nothing
	refused 125 "" cattach update --pids-limit 60 --cgroup-conf memory.high=nonsense "$N"
	same "$(cat "$dir/pids.max")" 50
	cattach restart -t 0 "$N" > /dev/null
	same "$(cat "$(leaf)/pids.max" "$(leaf)/memory.max" | tr '\n' ' ')" "50 134217728 "
}
row "uml plain systemd" "update changes live values, all or none, and the next start has them" update_changes

end
