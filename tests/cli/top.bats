#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# cattach top: who is in a container, by the host's /proc alone.

load helpers

# column NAME: of the container's processes, without the title
column() { cattach top "$N" "$1" | sed 1d | sed 's/ *$//'; }

@test "docker's columns, as the host counts" {
	start "$N" "$R" sleep 1234
	run cattach top "$N"
	is "$status" 0
	matches "${lines[0]}" "UID +PID +PPID +C +STIME +TTY +TIME +CMD"
	is "${#lines[@]}" 2
	matches "${lines[1]}" "$(id -un) +$(state "$N" Pid) +[0-9]+ +[0-9]+ +[0-9]+:[0-9]+ +\? +00:00:0[0-9] +sleep 1234"
}

@test "columns by name, as operands and options, joined by commas or not" {
	start "$N" "$R" sh -c 'sleep 1000 & exec sleep 1234'
	eventually eval '[ "$(cattach top $N pid | wc -l)" -eq 3 ]'
	is "$(column pid)" $'1\n2'
	is "$(column ppid)" $'0\n1'
	is "$(column hpid | head -n 1)" "$(state "$N" Pid)"
	is "$(column user)" $'root\nroot'
	is "$(column huser | sort -u)" "$(id -un)"
	is "$(column seccomp | sort -u)" filter
	is "$(column state)" $'S\nS'
	is "$(column capeff | sort -u)" \
		CHOWN,DAC_OVERRIDE,FOWNER,FSETID,KILL,SETGID,SETUID,SETPCAP,NET_BIND_SERVICE,SYS_CHROOT,SETFCAP
	is "$(column args)" $'sleep 1234\nsleep 1000'
	is "$(cattach top "$N" pid,args comm | head -n 1 | tr -s ' ')" "PID COMMAND COMMAND"
	is "$(cattach top -o pid,user -o nice -l | tr -s ' ' | head -n 2)" "PID USER NI"$'\n'"1 root $(nice)"
	local name
	for name in capbnd capinh capprm etime group hgroup hpgid hppid label pcpu %cpu rgroup rss \
		ruser stime time tty vsz; do
		is "$(column $name | wc -l)" 2
	done
	matches "$(column etime | head -n 1)" "00:[0-9][0-9]"
}

@test "what is unknown is refused, and what there is listed" {
	start "$N" "$R" sleep 1000
	refused 125 'unknown column "aux" (there are: args capbnd' cattach top "$N" aux
	refused 125 'unknown column "" (there are' cattach top "$N" pid,
	refused 125 "top needs a CONTAINER, or --latest" cattach top
	refused 125 "no such container: nosuch" cattach top nosuch
}

@test "a container that does not run is refused with its state" {
	start "$N" "$R" sh -c 'exit 3'
	cattach wait "$N"
	refused 125 "container $N is not running: exited (3)" cattach top "$N"
	STARTED+=("$N-new")
	cattach create --name "$N-new" "$R" true
	refused 125 "container $N-new is not running: it was created and never started" \
		cattach top "$N-new"
}

@test "ids of the container and of the host" {
	start "$N" -u 33:44 "$R" sleep 1000
	is "$(column user) $(column group) $(column ruser) $(column rgroup)" "33 44 33 44"
	is "$(column huser)" "$(stat -c %u "/proc/$(state "$N" Pid)")"
}

@test "commands of exec are shown, those of other containers are not" {
	start "$N" "$R" sleep 1000
	start "$N-b" "$R" sleep 2000
	cattach exec "$N" sleep 1500 3>&- &
	local cli=$!
	eventually eval '[ "$(cattach top $N args | wc -l)" -eq 3 ]'
	is "$(column args | sort)" $'sleep 1000\nsleep 1500'
	is "$(cattach top "$N-b" args | sed 1d)" "sleep 2000"
	kill $cli
	wait $cli || true
}

@test "with the host's pids it is the payload, who is in with it, and their children" {
	start "$N" --pid host "$R" sh -c 'sleep 1111 & exec sleep 1000'
	cattach exec "$N" sh -c 'sleep 1600; true' 3>&- &
	local cli=$!
	eventually eval '[ "$(cattach top $N args | wc -l)" -eq 5 ]'
	is "$(column args | sort)" $'sh -c sleep 1600; true\nsleep 1000\nsleep 1111\nsleep 1600'
	is "$(column pid)" "$(column hpid)"
	# without a pid namespace nobody ends them with the payload
	kill $(cattach top "$N" pid,args | awk '$3 == 1600 || $3 == 1111 { print $1 }')
	wait $cli || true
}

@test "an init is shown as what it is, and a payload that nobody may look at, too" {
	rootfs "$T/r"
	chmod 711 "$T/r/bin/busybox"
	start "$N" --init "$T/r" sleep 1000
	is "$(column pid)" $'1\n2'
	has "$(column comm)" sleep
	start "$N-closed" -v "$CT_PROBES:/mnt:ro" "$T/r" /mnt/closed
	eventually eval '[ "$(cattach top $N-closed pid,comm | wc -l)" -eq 2 ]'
}

@test "names and command lines do not drive the terminal or the table" {
	start "$N" "$R" sh -c 'while :; do sleep 1; done' "$(printf 'a\033[2Jb\nc\td')"
	local text
	text=$(cattach top "$N" args pid | sed -n 2p)
	has "$text" 'a\x1b[2Jb\nc\td'
	is "$(cattach top "$N" args pid | grep -c $'\033' || true)" 0
}
