#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Command lines as podman, conmon, containerd's shim and CRI-O write them, and as scripts for runc and
# crun do: each is taken word for word. Most name a container or a bundle that does not exist, and the
# answer must be that: whatever is wrong with a word would be said before.

load helpers
load oci

# say CODE PATTERN WORD...: what the runtime answers to a command line
say()
{
	local code=$1 pattern=$2
	shift 2
	run cattach oci "$@" < /dev/null
	# shellcheck disable=SC2053 # a pattern
	if [ "$status" = "$code" ] && [[ "$output" == $pattern ]]; then
		return
	fi
	echo "cattach oci $*: exit code $status, not $code: $output"
	return 1
}

# Each line: exit code | pattern | words. ROOT, B, P, F, L, S are a store, a bundle, a pid file, a file of
# JSON, a log and a socket. Nobody of the name "nosuch" is there.
replay()
{
	local code pattern words rest
	while IFS='|' read -r code pattern words rest; do
		[ -n "${code// /}" ] || continue
		pattern=${pattern# } pattern=${pattern% }
		words=${words//ROOT/$T/root}
		words=${words//BUNDLE/$T/none}
		words=${words//PIDFILE/$T/pid}
		words=${words//JSON/$T/file.json}
		words=${words//LOG/$T/log}
		words=${words//SOCKET/$T/socket}
		# shellcheck disable=SC2086 # words
		say "${code// /}" "$pattern" $words
	done
}

@test "podman and conmon" {
	echo '{}' > "$T/file.json"
	replay <<- 'END'
		0 | runc version * | --version
		1 | *none* | --root ROOT --log-format=json --log LOG create --bundle BUNDLE --pid-file PIDFILE nosuch
		1 | *none* | --root ROOT --systemd-cgroup --log-format=json --log LOG create --bundle BUNDLE --pid-file PIDFILE --no-pivot --no-new-keyring --preserve-fds 2 --console-socket SOCKET nosuch
		1 | *none* | --root ROOT --log-format=json --log LOG --cgroup-manager disabled create --bundle BUNDLE --pid-file PIDFILE nosuch
		1 | *does not exist | --root ROOT start nosuch
		1 | *does not exist | --root ROOT pause nosuch
		1 | *does not exist | --root ROOT resume nosuch
		1 | *does not exist | --root ROOT kill nosuch 15
		1 | *does not exist | --root ROOT kill nosuch 9
		1 | *does not exist | --root ROOT kill nosuch 18
		1 | *does not exist | --root ROOT kill --all nosuch 9
		0 |  | --root ROOT delete --force nosuch
		255 | *does not exist | --root ROOT --log-format=json --log LOG exec --pid-file PIDFILE --process JSON --detach nosuch
		255 | *does not exist | --root ROOT exec --pid-file PIDFILE --process JSON --detach --preserve-fds 1 --tty --console-socket SOCKET nosuch
		255 | *does not exist | --root ROOT --cgroup-manager disabled exec --pid-file PIDFILE --process JSON -d -t nosuch
		1 | *does not exist | --root ROOT update --resources=JSON nosuch
		1 | *does not exist | --root ROOT state nosuch
		1 | *not supported* | checkpoint --help
		1 | *not supported* | restore --lsm-mount-context
		1 | *not supported* | --root ROOT checkpoint --image-path DIR --work-path DIR --leave-running --tcp-established --file-locks --pre-dump --parent-path ../pre-checkpoint nosuch
		1 | *not supported* | --root ROOT restore --bundle BUNDLE --pid-file PIDFILE --detach --image-path DIR --work-path BUNDLE --tcp-established nosuch
	END
}

@test "containerd's shim" {
	echo '{}' > "$T/file.json"
	replay <<- 'END'
		1 | *none* | --root ROOT --log LOG --log-format json create --bundle BUNDLE --pid-file PIDFILE nosuch
		1 | *none* | --root ROOT --log LOG --log-format json --systemd-cgroup --debug --rootless=true create --bundle BUNDLE --pid-file PIDFILE --console-socket SOCKET --pidfd-socket SOCKET --no-pivot --no-new-keyring --preserve-fds 1 nosuch
		1 | *none* | --root ROOT --rootless=false --log LOG --log-format json create -b BUNDLE -p PIDFILE nosuch
		1 | *does not exist | --root ROOT --log LOG --log-format json start nosuch
		1 | *does not exist | --root ROOT --log LOG --log-format json delete nosuch
		0 |  | --root ROOT --log LOG --log-format json delete --force nosuch
		1 | *does not exist | --root ROOT kill nosuch 15
		1 | *does not exist | --root ROOT kill --all nosuch 9
		1 | *does not exist | --root ROOT kill -a nosuch 9
		255 | *does not exist | --root ROOT --log LOG --log-format json exec --process JSON --console-socket SOCKET --pidfd-socket SOCKET --detach --pid-file PIDFILE nosuch
		1 | *does not exist | --root ROOT pause nosuch
		1 | *does not exist | --root ROOT resume nosuch
		1 | *does not exist | --root ROOT ps --format json nosuch
		1 | *does not exist | --root ROOT update --resources=JSON nosuch
		1 | *not supported* | --root ROOT checkpoint --image-path DIR --work-path DIR --parent-path DIR --tcp-established --ext-unix-sk --shell-job --file-locks --empty-ns network --leave-running nosuch
		1 | *not supported* | --root ROOT restore --image-path DIR --detach --pid-file PIDFILE --console-socket SOCKET --no-pivot -no-subreaper --bundle BUNDLE nosuch
		255 | *none* | --root ROOT run --detach --pid-file PIDFILE --no-pivot -no-subreaper --bundle BUNDLE nosuch
		0 | *ociVersionMin* | features
		1 | *does not exist | --root ROOT state nosuch
		0 | * | --root ROOT list --format=json
		1 | *does not exist | --root ROOT events --stats nosuch
		1 | *does not exist | --root ROOT events --interval=1s nosuch
		1 | *does not exist | --root ROOT ps --format table nosuch -ef
	END
}

@test "CRI-O" {
	echo '{}' > "$T/file.json"
	replay <<- 'END'
		1 | *does not exist | --root ROOT start nosuch
		1 | *does not exist | --root ROOT --systemd-cgroup state nosuch
		1 | *does not exist | --root ROOT kill nosuch KILL
		1 | *does not exist | --root ROOT kill -a nosuch 15
		0 |  | --root ROOT delete --force nosuch
		1 | *not supported* | checkpoint --help
		1 | *not supported* | --root ROOT checkpoint --file-locks --image-path DIR --work-path DIR --leave-running nosuch
		255 | *does not exist | --root ROOT exec --process JSON nosuch
		1 | *does not exist | --root ROOT update --resources JSON nosuch
		1 | *does not exist | --root=ROOT pause nosuch
	END
	run -1 cattach oci --root "$T/root" update --resources - nosuch <<< '{}'
	[[ "$output" = *'does not exist' ]]
}

# The words of oci.conf in docs/integrations.md, and "run" in the order in which others write it.
@test "Slurm" {
	replay <<- 'END'
		1 | *does not exist | --rootless=true --root=ROOT state node1.alice.17.0.0
		1 | *does not exist | --rootless=true --root=ROOT kill -a node1.alice.17.0.0
		0 |  | --rootless=true --root=ROOT delete --force node1.alice.17.0.0
		255 | *none* | --rootless=true --root=ROOT run --bundle BUNDLE node1.alice.17.0.0
		255 | *none* | --rootless=true --root=ROOT run node1.alice.17.0.0 -b BUNDLE
	END
}

@test "scripts for crun and runc" {
	echo '{}' > "$T/file.json"
	replay <<- 'END'
		255 | *file.json* | --root ROOT --debug --cgroup-manager cgroupfs run --config JSON --preserve-fds 1 --keep --pid-file PIDFILE -b . nosuch
		255 | *none* | --root ROOT --cgroup-manager=systemd run -b BUNDLE -d nosuch
		0 |  | --root ROOT delete -f nosuch
		0 |  | --root ROOT delete -f --regex nosuch.*
		255 | *does not exist | --root ROOT exec --cwd / --env A=b -e C=d --user 1:1 --cap CAP_CHOWN --no-new-privs --pid-file PIDFILE --detach -t --cgroup=sub nosuch ls -l --force
		255 | *does not exist | --root ROOT exec -u 1 -g 5 --additional-gids 6 --apparmor p --process-label l --ignore-paused nosuch ls
		0 | * | --root ROOT list -q
		0 | ID* | --root ROOT list
		0 | ID* | --root ROOT list -f table
		1 | *does not exist | --root ROOT --rootless auto --log-level debug ps -f table nosuch
		1 | *does not exist | --root ROOT kill --all nosuch SIGTERM
		1 | *not supported* | --root ROOT mounts nosuch
		0 | Usage:*--pid-file* | create --help
		0 | Usage:*--detach* | exec --help
		0 | Usage:* | list --help
		0 | Usage:*Options:* | --help
		0 | Usage:*Options:* | help
		1 | *unknown command*no-such-command* | no-such-command
		1 | *--no-such-option* | --no-such-option list
		1 | *--no-such-option* | --root ROOT delete --no-such-option nosuch
	END
	cattach oci --version | grep -q '^+.*SECCOMP'
	mkdir "$T/spec"
	cattach oci spec --rootless --bundle "$T/spec"
	python3 -c '
import json, sys
c = json.load(open(sys.argv[1]))
assert any(m["containerID"] == 0 for m in c["linux"]["uidMappings"]), c["linux"]' "$T/spec/config.json"
	(cd "$T/spec" && rm config.json && cattach oci spec && [ -s config.json ])
}

@test "a directory below ROOT is a container's, and names the file of its state" {
	args sleep 100
	make c1
	[ -s "$T/root/c1/status" ]
	oci delete c1
	[ ! -e "$T/root/c1" ]
}

@test "delete --regex takes several" {
	args sleep 100
	make web1
	make web2
	make db
	oci delete --force --regex 'web[0-9]'
	[ "$(oci list -q)" = db ]
	run -1 oci delete --regex 'd(b'
	[[ "$output" = *'d(b'* ]]
	oci delete --regex '^db$'
	[ -z "$(oci list -q)" ]
}

@test "a container that goes without the cgroup it names leaves a warning in the log" {
	bundle "c['process']['args'] = ['true']
c['linux']['cgroupsPath'] = '/no-cgroup-of-ours/of/this/name'
c['linux'].pop('resources', None)"
	oci --log "$T/log" --log-format json create -b "$T/b" c1 < /dev/null > "$T/out" 2>&1
	[ -z "$(cat "$T/out")" ]
	if grep -q no-cgroup-of-ours "/proc/$(pid c1)/cgroup"; then
		[ ! -s "$T/log" ]
	else
		grep -q '^{"level":"warning","msg":"made without a cgroup at /no-cgroup-of-ours/of/this/name: ' "$T/log"
	fi
	# who has it that none be made has asked for none
	rm -f "$T/log"
	oci delete c1
	oci --cgroup-manager disabled --log "$T/log" create -b "$T/b" c1 < /dev/null > "$T/out" 2>&1
	[ ! -e "$T/log" ]
}

@test "warnings go to the log alone, and make room for an error where the log is one object" {
	bundle "c['process']['args'] = ['true']
c['process']['capabilities'] = {'bounding': ['CAP_NO_SUCH_THING']}"
	oci --log "$T/log" --log-format json create -b "$T/b" c1 < /dev/null > "$T/out" 2>&1
	[ -z "$(cat "$T/out")" ]
	grep -q '^{"level":"warning","msg":".*CAP_NO_SUCH_THING' "$T/log"
	oci delete -f c1
	# with no log it is standard error that has them
	oci create -b "$T/b" c1 < /dev/null > "$T/out" 2>&1
	grep -q 'warning: .*CAP_NO_SUCH_THING' "$T/out"
	oci delete -f c1
	rm "$T/log"
	bundle "c['process']['args'] = ['/no/such']
c['process']['capabilities'] = {'bounding': ['CAP_NO_SUCH_THING']}"
	run -1 oci --log "$T/log" --log-format json create -b "$T/b" c1 < /dev/null
	python3 -c "import json, sys; assert json.load(open(sys.argv[1]))['level'] == 'error'" "$T/log"
	rm "$T/log"
	run -1 oci --log "$T/log" create -b "$T/b" c1 < /dev/null
	[ "$(sed 's/.*level=\([a-z]*\).*/\1/' "$T/log")" = $'warning\nerror' ]
}

@test "a directory for a program is found out when the container is made" {
	bundle "c['process']['args'] = ['/etc']"
	run -1 oci create -b "$T/b" c1 < /dev/null
	[[ "$output" == *"/etc: is a directory"* ]]
	[ -z "$(oci list -q)" ]
}
