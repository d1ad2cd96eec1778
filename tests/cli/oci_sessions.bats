#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Sessions of cattach exec in containers that an engine has made, which end and go with these, whatever
# state they are in; and cattach oci exec in containers of the other face. Terminals are in tests/pty.

load helpers
load oci

# The store that is there without --root is that of oci(), too.
export_root() { export CATTACH_OCI_ROOT=$T/root; }

# engine ID COMMAND...: a container that runs this
engine()
{
	args "${@:2}"
	make "$1"
	oci start "$1"
}

# sessions ID: their names, the newest first
sessions() { cattach exec ls --format '{{.Session}}' "$1"; }

is_state() { [ "$(state "$1" Status)" = "$2" ]; }

runtime() { printf '%s/cattach/%s' "$XDG_RUNTIME_DIR" "$1"; }

# lives PID
lives() { [[ "$(sed 's/.*) //' "/proc/$1/stat" 2> /dev/null)" = [RSDT]* ]]; }

gone() { ! lives "$1"; }

@test "a session in a container of an engine is one like any other" {
	local c=c0ffee0123456789c0ffee0123456789c0ffee0123456789c0ffee0123456789 id name
	export_root
	args sleep 1000
	make $c
	# one that waits for its start, too
	id=$(cattach exec -d --session early $c sh -c 'echo out; echo err >&2; exit 7')
	oci start $c
	is "$(cattach wait "$c/early")" 7
	is "$(cattach logs "$c/early" 2> "$T/err")" out
	is "$(cat "$T/err")" err
	for name in "$c/$id" "$c/${id:0:9}" "c0ffee0/early"; do
		is "$(cattach inspect -f '{{.Name}} {{.ContainerID}} {{.ExitCode}}' "$name")" "$c/early $c 7"
	done
	run -9 cattach exec --session job -e A=b -u 5:6 -w /tmp $c sh -c 'echo $A $(id -u):$(id -g) $PWD; exit 9'
	is "$output" 'b 5:6 /tmp'
	run -0 cattach exec -t --privileged $c sh -c 'tty; sed -n s/^CapEff:.//p /proc/self/status'
	is "${lines[0]%?}" /dev/pts/0
	[ "${lines[1]%?}" != "$(cattach exec $c sed -n 's/^CapEff:.//p' /proc/self/status)" ]
	# what ended in the foreground is gone
	is "$(sessions $c)" early
	cattach exec -d -i --session job $c sh -c 'trap "exit 3" USR1; while read line; do echo "<$line>"; done; sleep 1000'
	refused 125 'name "job" is in use by a running session' cattach exec -d --session job $c true
	cattach send "$c/job" typed
	until [ "$(cattach logs "$c/job")" = '<typed>' ]; do sleep 0.02; done
	is "$(cattach exec ls --format '{{.Session}} {{.Container}} {{.State}}' $c)" "job $c running"$'\n'"early $c exited"
	[[ "$(oci ps $c)" = *'trap "exit 3" USR1'* ]]
	is "$(cattach exec kill -s USR1 $c)" "$c/job"
	is "$(cattach exec wait "$c/job")" 3
	is "$(cattach exec rm $c)" "$c/early"$'\n'"$c/job"
	is "$(sessions $c)" ''
	is "$(ls -A "$T/root/$c/exec" "$T/root/$c/exec-names")" "$T/root/$c/exec:"$'\n\n'"$T/root/$c/exec-names:"
	# of such containers the engine tells; what is above them is not ours
	is "$(ls -A "$T" | grep -c events)" 0
	refused 125 "no such container: $c" cattach logs $c
	refused 125 "no such session: nope in container $c" cattach logs "$c/nope"
	make "${c/0123/4567}"
	refused 125 "\"c0ffee\" matches 2 containers in $T/root (type more of it)" cattach exec c0ffee true
	cattach exec c0ffee0 true
}

@test "sessions end with the container and go when it is deleted, whatever they do" {
	local id name monitor pids=()
	export_root
	engine c1 sleep 1000
	for name in one two three; do
		id=$(cattach exec -d --session $name c1 sh -c 'trap "" TERM HUP INT; while :; do sleep 100; done')
		pids+=("$(state "c1/$name" Pid)")
	done
	oci kill c1 KILL
	until_status c1 stopped
	for name in one two three; do
		is "$(cattach wait "c1/$name")" 137
	done
	[ ! -e "$(runtime "$id")" ]
	# their records are there as long as it is
	is "$(sessions c1)" $'three\ntwo\none'
	run -125 cattach exec -t c1 true
	[[ "$output" = *'container c1 is not running'* ]]
	oci delete c1
	[ ! -e "$T/root/c1" ]
	# one that is stopped, with its monitor; one whose record is spoilt; and what is no session at all
	engine c2 sleep 1000
	id=$(cattach exec -d --session stopped c2 sleep 1000)
	pids+=("$(state c2/stopped Pid)")
	monitor=$(state c2/stopped ConmonPid)
	kill -STOP "$monitor" "${pids[3]}"
	spoilt=$(cattach exec -d --session spoilt c2 sleep 1000)
	pids+=("$(state c2/spoilt Pid)")
	: > "$T/root/c2/exec/$spoilt/meta.json"
	echo > "$T/root/c2/exec/none"
	ln -s nowhere "$T/root/c2/exec-names/none"
	oci delete -f c2
	[ ! -e "$T/root/c2" ]
	[ ! -e "$(runtime "$id")" ]
	eventually gone "$monitor"
	for id in "${pids[@]}"; do
		eventually gone "$id"
	done
}

@test "delete ends sessions of a container without a pid namespace" {
	local session container
	export_root
	bundle "c['linux']['namespaces'] = [n for n in c['linux']['namespaces'] if n['type'] != 'pid']
c['mounts'] = [m for m in c['mounts'] if m['destination'] != '/proc']"
	engine c1 sleep 1000
	cattach exec -d --session job c1 sh -c 'trap "" TERM; while :; do sleep 100 & wait; done'
	cattach exec -d --session left c1 sh -c 'sleep 99999 & exec sleep 99998'
	session=$(state c1/job Pid)
	container=$(pid c1)
	lives "$session"
	oci delete --force c1
	gone "$session"
	gone "$container"
	[ ! -e "$T/root/c1" ]
}

@test "what stands where sessions would be kept fails no delete" {
	export_root
	engine c1 sleep 1000
	echo > "$T/root/c1/exec"
	refused 125 "$T/root/c1/exec is not a directory" cattach exec -d c1 true
	oci delete -f c1
	engine c2 sleep 1000
	ln -s "$CANARY" "$T/root/c2/exec"
	refused 125 "$T/root/c2/exec is a symbolic link" cattach exec -d c2 true
	oci delete -f c2
	[ -z "$(ls -A "$T/root")" ]
	# nor is a root that others can change taken for none
	chmod 755 "$T/root"
	refused 125 "$T/root is open to other users" cattach exec nosuch true
	chmod 700 "$T/root"
	refused 125 'no such container: nosuch' cattach exec nosuch true
}

@test "an engine executes in a container of ours, which is removed as ever" {
	local other=$T/oci id pid
	start "$N" "$R" sleep 1000
	oci() { cattach oci "$@"; }
	export CATTACH_OCI_ROOT=$other
	echo '{"args": ["sh", "-c", "trap '\'''\'' HUP; tty; echo $A; pwd; echo yes; exec sleep 1000"], "cwd": "/tmp", "terminal": true,
		"env": ["A=b", "PATH=/bin"], "user": {"uid": 3, "gid": 4}}' > "$T/process.json"
	listen "$T/console" yes
	oci exec --process "$T/process.json" --detach --tty --console-socket "$T/console" --pid-file "$T/pid" "$N" < /dev/null
	wait "$LISTENER"
	is "$(cat "$T/console.out")" $'/dev/pts/0\nb\n/tmp\nyes'
	pid=$(cat "$T/pid")
	lives "$pid"
	has "$(cattach top "$N" pid,args)" 'sleep 1000'
	is "$(oci exec "${ID:0:12}" sh -c 'echo out')" out
	oci exec --detach --pid-file "$T/pid2" "$N" sh -c 'echo detached; exec sleep 1000' < /dev/null > "$T/out" 2> "$T/err"
	eventually grep -q detached "$T/out"
	lives "$(cat "$T/pid2")"
	run -255 oci exec "$N" no-such-command
	[[ "$output" = *no-such-command* ]]
	# the rest of that face is for its own containers
	for id in state ps pause start delete; do
		run -1 oci $id "$N"
		[[ "$output" = *'container does not exist'* ]]
	done
	is "$(oci list -q)" ''
	is "$(state "$N" Status)" running
	cattach rm -f "$N"
	STARTED=()
	eventually gone "$pid"
	eventually gone "$(cat "$T/pid2")"
	[ ! -e "$other" ]
}
