#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# The edges of containers of the runtime command line that have a cgroup by a name of the caller's: whose
# it is, what goes with the container and what stays, and who is in it when the first process has ended.

load helpers
load oci
load cgroups

setup_file() { need_cgroup; }

PLACE=$(dirname "$(own_cgroup)")

# at NAME: cgroupsPath of the bundle is PLACE/NAME
at() { bundle "c['linux']['cgroupsPath'] = '${PLACE#"$CGROUP"}/$1'"; }

# shared: a bundle in the host's pid namespace, whose first process leaves another one behind
shared()
{
	bundle "
c['process']['args'] = ['sh', '-c', 'sleep 1000 & exec sleep 2000']
c['linux']['namespaces'] = [n for n in c['linux']['namespaces'] if n['type'] != 'pid']
c['mounts'] = [m for m in c['mounts'] if m['destination'] != '/proc']"
}

# first_ends ID: its first process is killed, the other one is there
first_ends()
{
	make "$1" || { cat "$T/out"; return 1; }
	oci start "$1"
	eventually has_two "$1"
	oci kill "$1" KILL
	until_status "$1" stopped
}

has_two() { [ "$(pgrep -c -x sleep -P "$(pid "$1")")" = 1 ] && [ "$(wc -l < "$PLACE/$N/cgroup.procs")" = 2 ]; }

populated() { grep -q "^populated $1" "$PLACE/$N/cgroup.events"; }

@test "kill --all reaches what a first process that has ended has left in the cgroup" {
	local signal
	shared
	at "$N"
	for signal in KILL TERM 15; do
		first_ends c1
		populated 1
		run -1 oci kill c1 KILL
		[ "$output" = "cattach: container not running" ]
		oci kill --all c1 0
		oci kill --all c1 "$signal"
		eventually populated 0
		run -1 oci kill --all c1 KILL
		[ "$output" = "cattach: container not running" ]
		oci delete c1
		[ ! -e "$PLACE/$N" ]
	done
	# in cgroups below it, and while it is paused, too
	make c1
	oci start c1
	eventually has_two c1
	mkdir "$PLACE/$N/below"
	oci exec --detach --cgroup below c1 sleep 3000 3>&-
	oci pause c1
	oci kill -a c1 TERM
	oci resume c1 || true
	eventually populated 0
	until_status c1 stopped
	oci delete c1
}

@test "without a cgroup kill --all says what cannot be known" {
	local left
	shared
	oci --cgroup-manager disabled create -b "$T/b" c1 < /dev/null > "$T/out" 2>&1
	oci start c1
	eventually pgrep -x sleep -P "$(pid c1)"
	left=$(pgrep -x sleep -P "$(pid c1)")
	oci kill c1 KILL
	until_status c1 stopped
	run -1 oci kill --all c1 KILL
	[[ "$output" = 'cattach: container not running: '*'cannot be found without a cgroup or a pid namespace'* ]]
	kill -KILL "$left"
	oci delete c1
	# with one nobody is left
	rm -r "$T/b"
	args sleep 1000
	oci --cgroup-manager disabled create -b "$T/b" c1 < /dev/null > "$T/out" 2>&1
	oci kill --all c1 KILL
	until_status c1 stopped
	run -1 oci kill --all c1 KILL
	[ "$output" = "cattach: container not running" ]
}

@test "a cgroup that was there stays, without what the container has made in it" {
	args sleep 1000
	at "$N"
	mkdir "$PLACE/$N"
	make c1
	oci start c1
	mkdir -p "$PLACE/$N/of/container"
	oci delete --force c1
	[ -d "$PLACE/$N" ]
	[ ! -e "$PLACE/$N/of" ]
	# nothing says any more that it was a container's
	[ "$(python3 -c 'import os, sys; print(os.listxattr(sys.argv[1]))' "$PLACE/$N")" = "[]" ]
	# one with others in it stays whole
	mkdir "$PLACE/$N/others"
	make c1 || { cat "$T/out"; false; }
	oci delete --force c1
	rmdir "$PLACE/$N/others" "$PLACE/$N"
	# and so does one in which a container cannot be made
	mkdir "$PLACE/$N"
	bundle "c['hooks'] = {'createRuntime': [{'path': '/bin/false'}]}"
	run -1 oci create -b "$T/b" c1
	[[ "$output" = *'hooks.createRuntime'* ]]
	rmdir "$PLACE/$N"
	# what was not there goes
	run -1 oci create -b "$T/b" c1
	[ ! -e "$PLACE/$N" ]
}

@test "of two containers with one id in two stores each ends its own processes alone" {
	args sleep 1000
	at "$N"
	make c1
	oci kill c1 KILL
	until_status c1 stopped
	cattach oci --root "$T/other" create -b "$T/b" --pid-file "$T/pid" c1 < /dev/null > "$T/out" 2>&1
	cattach oci --root "$T/other" start c1
	# the cgroup has another container in it by now
	run -1 oci kill --all c1 KILL
	[[ "$output" = *'container not running'* ]]
	oci delete --force c1
	[ "$(cat "$PLACE/$N/cgroup.procs")" = "$(cat "$T/pid")" ]
	cattach oci --root "$T/other" state c1 | grep -q '"status": "running"'
	cattach oci --root "$T/other" delete --force c1
	[ ! -e "$PLACE/$N" ]
}

@test "who is killed while making a container leaves no cgroup that is not removed with it" {
	local number=0 code=137
	args sleep 1000
	at "$N/web"
	while [ "$code" = 137 ]; do
		number=$((number + 1))
		code=0
		timeout 30 "$CT_PROBES/killer" $number "$(type -P cattach)" oci --root "$T/root" create \
			-b "$T/b" c1 > "$T/point" 2>&1 < /dev/null 3>&- || code=$?
		grep -h -e '^cattach' -e ^ended "$T/point" | tee -a "$T/points"
		if [ -e "$T/root/c1" ]; then
			oci delete --force c1
		fi
		[ ! -e "$PLACE/$N/web" ]
		# a parent that nothing was made in goes with the next one
		[ ! -e "$PLACE/$N" ] || rmdir "$PLACE/$N"
	done
	[ "$code" != 99 ] || skip "nothing can be traced here"
	is "$code" 0
	grep -q 'cattach fsetxattr' "$T/points"
}

@test "updates at the same time come one after the other" {
	local i updates=()
	a_limit
	args sleep 1000
	at "$N"
	make c1
	oci start c1
	printf '{"unified": {"%s": "%s"}}' "$FILE" "$A" > "$T/a.json"
	printf '{"unified": {"%s": "%s"}}' "$FILE" "$B" > "$T/b.json"
	for _ in $(seq 12); do
		oci update -r "$T/a.json" c1 3>&- &
		updates+=($!)
		oci update -r "$T/b.json" c1 3>&- &
		updates+=($!)
	done
	for i in "${updates[@]}"; do
		wait "$i"
	done
	# the record says what the kernel does
	[ "$(python3 -c 'import json, sys
print(json.load(open(sys.argv[1]))["linux"]["resources"]["unified"][sys.argv[2]])' \
		"$T/root/c1/config.json" "$FILE")" = "$(cat "$PLACE/$N/$FILE")" ]
}
