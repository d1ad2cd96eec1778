#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# The runtime command line where things are not as they should be, and beside the other face: no
# process, spoilt records, zombies, descriptors of socket activation, names of the other face. The
# numbers are those of oci.bats.

load helpers
load oci

# own WORD...: with the store that is there without --root
own() { cattach oci "$@"; }

# Does the process of the last make live? Who is nobody's child but a lazy init's may be a zombie for long.
lives() { [[ "$(sed 's/.*) //' "/proc/$(cat "$T/pid")/stat" 2> /dev/null)" = [RSDT]* ]]; }

@test "F6: create needs no process, start does" {
	bundle "del c['process']"
	make c1
	[ "$(status c1)" = created ]
	run -1 oci start c1
	[[ "$output" = *'no process'* ]]
	[ "$(status c1)" = created ]
	oci delete c1
	rm "$T/b/config.json"
	bundle "c['process'] = {'cwd': '/', 'user': {'uid': 0, 'gid': 0}, 'args': []}"
	run -1 oci create -b "$T/b" c1
	[[ "$output" = *config.json*process.args* ]]
}

@test "F2: a zombie is stopped" {
	args true
	python3 - "$T" <<- 'END'
		import ctypes, json, subprocess, sys, time
		t = sys.argv[1]
		ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)     # PR_SET_CHILD_SUBREAPER: nobody reaps it
		def oci(*words):
		    return subprocess.run(["cattach", "oci", "--root", t + "/root", *words], check=True,
		                          stdin=subprocess.DEVNULL, stdout=open(t + "/out", "w"))
		oci("create", "-b", t + "/b", "--pid-file", t + "/pid", "c1")
		oci("start", "c1")
		pid = int(open(t + "/pid").read())
		while open(f"/proc/{pid}/stat").read().split(") ")[1][0] != "Z":
		    time.sleep(0.01)
		oci("state", "c1")
		state = json.load(open(t + "/out"))
		assert state["status"] == "stopped" and state["pid"] == 0, state
		oci("delete", "c1")
	END
}

@test "a spoilt record is shown, and removed with its process" {
	args sleep 100
	for file in status meta.json; do
		make c1
		oci start c1
		: > "$T/root/c1/$file"
		[ "$(oci list -q)" = c1 ]
		run -1 oci start c1
		run -255 oci exec c1 true
		run -1 oci delete c1
		[[ "$output" = *'delete --force c1'* ]]
		lives
		oci delete --force c1
		run -1 lives
		[ -z "$(oci list -q)" ]
	done
	# nothing but a directory, and what is no container at all
	mkdir -m 700 "$T/root/c2"
	oci delete --force c2
	echo > "$T/root/c3"
	run -1 oci state c3
	[[ "$output" = *'container does not exist'* ]]
	rm "$T/root/c3"
}

@test "a record of before the host restarted is stopped, and nobody is killed for it" {
	args sleep 100
	make c1
	sed -i 's/"boot_id":"[^"]*"/"boot_id":"00000000-0000-0000-0000-000000000000"/' "$T/root/c1/status"
	[ "$(status c1)" = stopped ]
	run -1 oci kill c1 KILL
	[[ "$output" = *'container not running'* ]]
	oci delete c1
	kill "$(cat "$T/pid")"
}

@test "F11: descriptors of socket activation are the first, and the process is told" {
	args sh -c 'echo "$LISTEN_FDS $LISTEN_PID"; cat <&3; cat <&4'
	echo three > "$T/three"
	echo four > "$T/four"
	# shellcheck disable=SC2016 # of the inner shell
	is "$(sh -c 'LISTEN_PID=$$ LISTEN_FDS=1 exec cattach oci --root "$1" run --preserve-fds 1 -b "$2" c1' \
		sh "$T/root" "$T/b" 3< "$T/three" 4< "$T/four")" $'1 1\nthree\nfour'
	# meant for somebody else
	args sh -c 'echo "<$LISTEN_FDS>"; ls /proc/self/fd | tr "\n" " "'
	is "$(LISTEN_PID=1 LISTEN_FDS=1 oci run -b "$T/b" c1 3< "$T/three")" $'<>\n0 1 2 3 '
}

@test "config.json may be elsewhere, relative to the caller" {
	args echo elsewhere
	mkdir "$T/cwd"
	mv "$T/b/config.json" "$T/cwd/other.json"
	cd "$T/cwd"
	[ "$(oci run --config other.json -b ../b c1)" = elsewhere ]
	run -255 oci run -f nosuch.json -b ../b c1
	[[ "$output" = *nosuch.json* ]]
	cd "$T"
}

@test "each face executes in the containers of the other" {
	args sleep 100
	own create -b "$T/b" engine1 < /dev/null > "$T/out" 2>&1
	run -0 cattach exec engine1 sh -c 'echo in $HOSTNAME; exit 0'
	own start engine1
	run -6 cattach exec -e A=b engine1 sh -c 'echo $A; exit 6'
	[ "$output" = b ]
	run -5 cattach exec -t engine1 sh -c 'exit 5'
	run -125 cattach exec nosuch true
	[[ "$output" = *'no such container: nosuch'* ]]
	own delete --force engine1
	run -125 cattach exec engine1 true
	# and the other way round
	start "$N" "$R" sleep 100
	run -7 own exec "$N" sh -c 'echo there; exit 7'
	[ "$output" = there ]
	run -255 oci exec "$N" true
	[[ "$output" = *'container does not exist'* ]]
	run -1 own state "$N"
}

@test "in the pid namespace of a pod ps, kill --all and delete mean the container's own" {
	local pod way
	args sleep 100
	make pod
	oci start pod
	pod=$(pid pod)
	args sh -c 'sleep 101 & exec sleep 102'
	bundle "for n in c['linux']['namespaces']:
    if n['type'] in ('pid', 'user'): n['path'] = '/proc/$pod/ns/' + n['type']
c['linux'].pop('uidMappings')
c['linux'].pop('gidMappings')"
	for way in 'kill --all one KILL' 'delete -f one'; do
		make one
		oci start one
		until [[ "$(oci ps one)" = *'sleep 101'* ]]; do sleep 0.02; done
		[[ "$(oci ps one)" = *'sleep 102'* && "$(oci ps one)" != *'sleep 100'* ]]
		[[ "$(oci ps pod)" = *'sleep 100'*'sleep 10'* ]]
		# shellcheck disable=SC2086 # words
		oci $way
		while [[ "$(oci ps pod)" = *'sleep 10'[12]* ]]; do sleep 0.02; done
		[[ "$(oci ps pod)" = *'sleep 100'* ]]
		oci delete -f one
	done
}
