#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# The runtime command line: what engines and their monitors ask of it, called as they call it. The
# numbers are those of the list of what hand-written runtimes get wrong (docs/integrations.md).

load helpers
load oci

@test "create waits, start runs, delete takes away" {
	args sh -c 'echo ran; id -u'
	make c1
	[ "$(status c1)" = created ]
	[ ! -s "$T/out" ]
	[ "$(cat "$T/pid")" = "$(oci state c1 | sed -n 's/.*"pid": \(.*\),/\1/p')" ]
	oci start c1
	until_status c1 stopped
	[ "$(cat "$T/out")" = $'ran\n0' ]
	oci delete c1
	run -1 oci state c1
	[[ "$output" = *'container does not exist'* ]]
}

@test "F1: kill takes every spelling, and fails when the container has stopped" {
	args sh -c 'trap "exit 3" TERM; while :; do sleep 0.05; done'
	make c1
	oci start c1
	oci kill c1 0
	oci kill c1 WINCH
	oci kill c1 SIGWINCH
	oci kill c1 28
	[ "$(status c1)" = running ]
	oci kill --all c1 KILL
	until_status c1 stopped
	for signal in KILL SIGKILL 9; do
		run -1 oci kill c1 "$signal"
		[[ "$output" = *'container not running'* ]]
	done
	run -1 oci kill c1 NOSUCH
	run -1 oci kill nosuch KILL
	[[ "$output" = *'container does not exist'* ]]
}

@test "F1: a container that waits ends by a signal" {
	args true
	make c1
	oci kill c1 TERM
	until_status c1 stopped
	oci delete c1
}

@test "F2: the state of one that has ended is stopped, of one that is unknown an error" {
	args true
	make c1
	oci start c1
	until_status c1 stopped
	oci state c1 | python3 -c '
import json, sys
state = json.load(sys.stdin)
assert state["status"] == "stopped" and state["id"] == "c1" and state["pid"] == 0, state
assert state["bundle"] == sys.argv[1] and state["ociVersion"], state' "$T/b"
	run -1 oci state other
}

@test "F3: delete refuses what runs, without force" {
	args sleep 100
	make c1
	oci start c1
	run -1 oci delete c1
	[[ "$output" = *'cannot delete container c1 that is not stopped: running'* ]]
	oci delete --force c1
	oci delete --force c1
	oci delete --force never-there
	run -1 oci delete never-there
	# one that waits goes without
	make c2
	oci delete c2
}

@test "F4: config.json is read once" {
	args echo first
	make c1
	[ ! -s "$T/out" ]
	args echo second
	oci start c1
	until_status c1 stopped
	[ "$(cat "$T/out")" = first ]
}

@test "start comes back when the program has been executed" {
	args sleep 100
	make c1
	[ "$(cat "/proc/$(pid c1)/comm")" != sleep ]
	oci start c1
	[ "$(cat "/proc/$(pid c1)/comm")" = sleep ]
}

@test "it is running when its program runs: until then, with its hooks, it is created, and nobody starts it again" {
	args sleep 100
	bundle "c['mounts'].append({'destination': '/mnt', 'source': '$T', 'options': ['bind']})
c['hooks'] = {'startContainer': [{'path': '/bin/sh', 'args': ['sh', '-c', 'touch /mnt/hook; until [ -e /mnt/go ]; do sleep 0.02; done']}]}"
	make c1
	cattach oci --root "$T/root" start c1 3>&- &
	eventually test -e "$T/hook"
	[ "$(status c1)" = created ]
	run -1 oci start c1
	[[ "$output" = *'cannot start an already running container'* ]]
	kill -9 $!
	wait $! || true
	run -1 oci start c1
	[[ "$output" = *'cannot start an already running container'* ]]
	touch "$T/go"
	until_status c1 running
	[ "$(cat "/proc/$(pid c1)/comm")" = sleep ]
}

@test "F5: a second start is an error without effect" {
	args sh -c 'echo once; sleep 100'
	make c1
	oci start c1
	run -1 oci start c1
	[[ "$output" = *'cannot start an already running container'* ]]
	[ "$(status c1)" = running ]
	oci kill c1 KILL
	until_status c1 stopped
	run -1 oci start c1
	[ "$(cat "$T/out")" = once ]
}

@test "F7: a name that is taken, and what is no name" {
	args sleep 100
	make c1
	pid=$(cat "$T/pid")
	run -1 oci create -b "$T/b" c1
	[[ "$output" = *'container with given ID already exists'* ]]
	[ "$(status c1)" = created ]
	[ "$(oci state c1 | sed -n 's/.*"pid": \(.*\),/\1/p')" = "$pid" ]
	mkdir "$T/precious"
	for id in .. . '' a/b /c "$(printf 'x%.0s' $(seq 300))" 'a b'; do
		run -1 oci create -b "$T/b" -- "$id"
		[[ "$output" = *'invalid id'* ]]
		run -1 oci delete --force -- "$id"
	done
	[ -d "$T/precious" ]
}

@test "F8: a create that fails leaves nothing" {
	args no-such-command
	run -1 oci create -b "$T/b" --pid-file "$T/pid" c1
	[[ "$output" = *'no-such-command'*'executable file not found in $PATH'* ]]
	[ ! -e "$T/pid" ]
	[ -z "$(ls -A "$T/root")" ]
	bundle "c['mounts'].append({'destination': '/x', 'type': 'bind', 'source': '/no/such', 'options': ['bind']})"
	run -1 oci create -b "$T/b" c1
	[ -z "$(ls -A "$T/root")" ]
	run -1 oci create -b "$T/nowhere" c1
	[ -z "$(ls -A "$T/root")" ]
}

@test "F9: the pid file is there when create returns, relative to the caller" {
	args sleep 100
	mkdir "$T/cwd"
	cd "$T/cwd"
	oci create -b ../b --pid-file here.pid c1 < /dev/null > "$T/out" 2>&1
	[ "$(wc -l < here.pid)" = 0 ]
	kill -0 "$(cat here.pid)"
	cd "$T"
}

@test "F10: run gives the code of the command, exec too" {
	args sh -c 'exit 7'
	run -7 oci run -b "$T/b" c1
	args sh -c 'sh -c "kill -9 \$\$"; exit $?'
	run -137 oci run -b "$T/b" c1
	args no-such-command
	run -255 oci run -b "$T/b" c1
	[[ "$output" = *no-such-command* ]]
	[ -z "$(oci list -q)" ]
	args sleep 100
	make c2
	oci start c2
	run -5 oci exec c2 sh -c 'exit 5'
	run -255 oci exec c2 no-such-command
	[[ "$output" = *'executable file not found in $PATH'* ]]
}

@test "F11: descriptors above 2 are closed, but for those that are to be kept" {
	args sh -c 'ls /proc/self/fd | tr "\n" " "; cat <&3'
	echo three > "$T/three"
	[ "$(oci run -b "$T/b" --preserve-fds 1 c1 3< "$T/three" 4< "$T/three")" = "0 1 2 3 4 three" ]
	args ls /proc/self/fd
	[ "$(oci run -b "$T/b" c1 3< "$T/three" | tr '\n' ' ')" = "0 1 2 3 " ]
}

@test "F12: run passes signals on and takes the container away" {
	args sh -c 'trap "exit 9" TERM; echo ready; while :; do sleep 0.05; done'
	cattach oci --root "$T/root" run -b "$T/b" c1 > "$T/out" &
	pid=$!
	until grep -q ready "$T/out"; do sleep 0.02; done
	kill -TERM $pid
	code=0
	wait $pid || code=$?
	[ $code = 9 ]
	[ -z "$(oci list -q)" ]
	args true
	oci run --keep -b "$T/b" c2
	[ "$(status c2)" = stopped ]
}

@test "F40: exec has the container's namespaces, and its own user, directory and variables" {
	args sh -c 'echo $$ > /proc/self/comm; exec sleep 100'
	make c1
	oci start c1
	[ "$(oci exec --cwd /bin -e A=b c1 sh -c 'pwd; echo $A; readlink /proc/self/ns/pid')" = \
		$'/bin\nb\n'"$(readlink "/proc/$(cat "$T/pid")/ns/pid")" ]
	[ "$(oci exec -u 5:6 -g 7 --additional-gids 8 --no-new-privs c1 \
		sh -c 'id -u; id -g; id -G; grep -c "NoNewPrivs:.1" /proc/self/status')" = $'5\n6\n6 7 8\n1' ]
	run -255 oci exec -g x c1 true
	[[ "$output" = *--additional-gids* ]]
	cat > "$T/process.json" <<- END
		{ "args": ["sh", "-c", "echo \$X; id -u; exit 4"], "cwd": "/", "env": ["PATH=/bin", "X=y"],
		  "user": { "uid": 0, "gid": 0 } }
	END
	run -4 oci exec --process "$T/process.json" c1
	[ "$output" = $'y\n0' ]
	run -4 oci exec --process <(cat "$T/process.json") c1
	oci exec --detach --pid-file "$T/exec.pid" c1 sleep 100
	kill -0 "$(cat "$T/exec.pid")"
	oci kill c1 KILL
	until_status c1 stopped
	run -255 oci exec c1 true
}

@test "exec goes into a container that waits" {
	args sleep 100
	make c1
	[ "$(oci exec c1 sh -c 'echo in; readlink /proc/self/ns/mnt')" = \
		$'in\n'"$(readlink "/proc/$(cat "$T/pid")/ns/mnt" 2> /dev/null || oci exec c1 readlink /proc/self/ns/mnt)" ]
	[ "$(status c1)" = created ]
	oci start c1
	[ "$(status c1)" = running ]
}

@test "ps and list say who is there" {
	args sleep 100
	make c1
	oci start c1
	[ "$(oci ps --format json c1)" = "[$(cat "$T/pid")]" ]
	oci ps c1 | grep -q 'sleep 100'
	oci ps c1 -o hpid,args | grep -q "^$(cat "$T/pid") *sleep 100$"
	oci ps c1 -ef | grep -q '^UID.*STIME.*CMD$'
	run -1 oci ps c1 -Z
	[[ "$output" = *'ps: "-Z" is not supported'* ]]
	run -1 oci ps c1 aux
	[[ "$output" = *'unknown column "aux"'* ]]
	make c2
	[ "$(oci list -q)" = $'c1\nc2' ]
	oci list -f json | python3 -c '
import json, sys
assert [(c["id"], c["status"]) for c in json.load(sys.stdin)] == [("c1", "running"), ("c2", "created")]'
}

@test "errors go to the log, as one JSON object on a line" {
	run -1 cattach oci --root "$T/root" --log "$T/log" --log-format=json state nope
	python3 -c '
import json, sys
record = json.load(open(sys.argv[1]))
assert record["level"] == "error" and "container does not exist" in record["msg"] and record["time"]' "$T/log"
}

@test "what callers of runc and crun write is taken" {
	args true
	oci --debug --systemd-cgroup=false --cgroup-manager cgroupfs --rootless=true --log-format=text \
		create --no-pivot --no-new-keyring -no-subreaper --bundle "$T/b" c1 < /dev/null > "$T/out" 2>&1
	oci delete --force c1
	oci --version | head -n 1 | grep -q '^runc version '
	oci --version | grep -q '^+SYSTEMD .*+SECCOMP'
	oci --version | grep -q cattach
	oci features | python3 -c '
import json, sys
features = json.load(sys.stdin)
assert features["ociVersionMin"] and features["ociVersionMax"] and "rro" in features["mountOptions"]
cgroup = features["linux"]["cgroup"]
assert cgroup["v2"] and cgroup["systemd"] and cgroup["systemdUser"] and not cgroup["v1"]
assert features["linux"]["netDevices"] == {"enabled": True}
assert features["linux"]["intelRdt"] == {"enabled": True, "schemata": True, "monitoring": True}'
	for command in create start state kill delete run exec ps list pause resume update events features spec; do
		oci $command --help | grep -q "^Usage: cattach oci $command"
	done
	run -1 oci checkpoint c1
	[[ "$output" = *'not supported'* ]]
	ln -s "$(command -v cattach)" "$T/cattach-oci"
	"$T/cattach-oci" --root "$T/root" list -q
}

@test "a terminal goes to the console socket, of create and of exec" {
	bundle "c['process']['terminal'] = True
c['process']['args'] = ['sh', '-c', 'tty; test -t 0 && echo yes; exec sleep 100']"
	run -1 oci create -b "$T/b" c1
	[[ "$output" = *config.json:*process.terminal*'--console-socket'* ]]
	[ -z "$(oci list -q)" ]
	listen "$T/console" yes
	oci create -b "$T/b" --console-socket "$T/console" c1 < /dev/null > "$T/out" 2>&1
	oci start c1
	wait "$LISTENER"
	[ "$(cat "$T/console.out")" = $'/dev/pts/0\nyes' ]
	# by --tty, by the file, and by both, as monitors of different ages do
	cat > "$T/process.json" <<- END
		{ "args": ["sh", "-c", "tty; test -t 2 && echo yes; exec sleep 100"], "cwd": "/",
		  "env": ["PATH=/bin"], "user": { "uid": 0, "gid": 0 }, "terminal": true }
	END
	listen "$T/console" yes
	oci exec --pid-file "$T/exec.pid" --process "$T/process.json" --detach --tty \
		--console-socket "$T/console" c1 < /dev/null
	wait "$LISTENER"
	[ "$(cat "$T/console.out")" = $'/dev/pts/1\nyes' ]
	kill -0 "$(cat "$T/exec.pid")"
	listen "$T/console" yes
	oci exec --process "$T/process.json" --detach --console-socket "$T/console" c1 < /dev/null
	wait "$LISTENER"
	listen "$T/console" yes
	oci exec --tty --detach --console-socket "$T/console" c1 sh -c 'echo yes; sleep 100' < /dev/null
	wait "$LISTENER"
}
