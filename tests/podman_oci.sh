#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# podman with cattach-oci as its runtime, and podman's own monitor: what people do with it, one after the
# other. As whoever calls it, root or not.
#
#   tests/podman_oci.sh RUNTIME ROOTFS DIR [OPTION...]     TAP; 77 when podman itself does not work here
#
# RUNTIME is the absolute path of cattach-oci, ROOTFS a busybox tree, DIR a short path that does not
# exist: podman's stores, settings and sockets are in it, and are removed. OPTION goes before podman's
# command (--conmon PATH). Needs no network; pause needs a cgroup of version 2, and is skipped without.
# shellcheck disable=SC2016,SC2317 # what is quoted is for inner shells; functions are called by name
set -u
export LC_ALL=C TZ=UTC
runtime=$1 rootfs=$2 dir=$3
shift 3
options=("$@")
# shellcheck source=tests/engine.sh
. "$(dirname "$0")/engine.sh"

p()
{
	# In the foreground: it may have a terminal.
	timeout --foreground -k 5 60 podman --root "$dir/root" --runroot "$dir/runroot" --tmpdir "$dir/tmp" \
		--storage-driver vfs --cgroup-manager cgroupfs --events-backend file \
		--runtime "$runtime" "${options[@]}" "$@"
}

run() { p run --network none --pull never "$@"; }

# For what stands on a terminal: the function p as a program.
write_program()
{
	{
		echo '#!/bin/bash'
		declare -p runtime dir options
		declare -f p
		# shellcheck disable=SC2016 # of the program
		echo 'p "$@"'
	} > "$dir/p"
	chmod 755 "$dir/p"
}

state_is() { [ "$(p inspect -f '{{.State.Status}}' "$1")" = "$2" ]; }

# until_state NAME STATE
until_state() { within_seconds state_is "$1" "$2"; }

prepare()
{
	mkdir -m 700 "$dir" "$dir/home" "$dir/xdg" || return 1
	printf '[containers]\ndefault_ulimits=["nofile=1024:1024","nproc=4096:4096"]\n[engine]\n' \
		> "$dir/containers.conf"
	echo '{"default": [{"type": "insecureAcceptAnything"}]}' > "$dir/policy.json"
	export CONTAINERS_CONF=$dir/containers.conf HOME=$dir/home
	[ "$(id -u)" = 0 ] || export XDG_RUNTIME_DIR=$dir/xdg
	mkdir -p "$HOME/.config/containers"
	cp "$dir/policy.json" "$HOME/.config/containers/policy.json"
	write_program
	tar -C "$rootfs" -c . | p import - busybox > "$dir/import" 2>&1
}

clean()
{
	p rm -f -t 0 -a > "$dir/log" 2>&1
	[ "$(id -u)" = 0 ] || podman unshare rm -rf "$dir/root" > "$dir/log" 2>&1
	# Its process that holds the user namespace, and no other.
	[ ! -s "$dir/tmp/pause.pid" ] || kill "$(cat "$dir/tmp/pause.pid")" 2> /dev/null
	[ ! -s "$dir/xdg/libpod/tmp/pause.pid" ] || kill "$(cat "$dir/xdg/libpod/tmp/pause.pid")" 2> /dev/null
	rm -rf "$dir"
}

# ---- what people do ----------------------------------------------------------------------------

in_foreground()
{
	is 'run shows the output and ends with the code' 7 $'@(out\nerr|err\nout)' \
		run --rm busybox sh -c 'echo out; echo err >&2; exit 7'
	is 'a command that is not there is 127' 127 '*no-such-command*' run --rm busybox no-such-command
	is 'one that cannot be executed is 126' 126 '*' run --rm busybox /etc
	# shellcheck disable=SC2016 # of the shells inside
	is 'run -i reads' 0 'got typed' bash -c 'echo typed | "$0/p" run -i --rm --network none busybox \
		sh -c "read line; echo got \$line"' "$dir"
	# shellcheck disable=SC2016
	is 'run -it has a terminal' 5 $'*/dev/pts/0\nready*got line*' on_terminal 'line\n' "$dir/p" run -it --rm \
		--network none busybox sh -c 'tty; echo ready; read line; echo "got $line"; exit 5'
	is 'options are heeded' 0 $'1000\n/tmp\nb\nhosty' run --rm -u 1000 -w /tmp -e A=b --hostname hosty busybox \
		sh -c 'id -u; pwd; echo $A; hostname'
	is 'a read-only root is one' 1 '*Read-only*' run --rm --read-only busybox touch /x
}

# by_cattach ID: the other command line, in a container of podman's; its session ends with that at the latest.
by_cattach()
{
	local cattach=${runtime%-oci}
	is 'cattach exec -it' 4 $'*/dev/pts/*ready*got line*' on_terminal 'line\n' "$cattach" exec -it "$1" \
		sh -c 'tty; echo ready; read line; echo "got $line"; exit 4'
	is 'cattach exec -it, let go of' 0 '*detached from *job*' on_terminal '\x10\x11' "$cattach" exec -it \
		--session job "$1" sh -c 'echo ready; read line; echo "got $line"; exit 6'
	is 'cattach attach comes back' 6 '*got again*' on_terminal 'again\n' "$cattach" attach --replay "$1/job"
	is 'cattach exec -d, which ends with the container' 0 '????????*' "$cattach" exec -d --session end "$1" sleep 100
	is 'cattach exec ls' 0 'end running' "$cattach" exec ls --format '{{.Session}} {{.State}}' "$1"
}

in_background()
{
	is 'run -d' 0 '*' run -d --name one busybox \
		sh -c 'trap "exit 3" TERM; echo up; while :; do sleep 0.05; done'
	until_state one running
	is 'exec' 6 in p exec one sh -c 'echo in; exit 6'
	is 'exec -it' 4 $'*/dev/pts/*ready*got line*' on_terminal 'line\n' "$dir/p" exec -it one \
		sh -c 'tty; echo ready; read line; echo "got $line"; exit 4'
	is 'exec -d' 0 '*' p exec -d one sh -c 'echo there > /dev/shm/file; exec sleep 100'
	by_cattach "$(p inspect -f '{{.Id}}' one)"
	is 'exec of a command that is not there is 127' 127 '*no-such-command*' p exec one no-such-command
	is 'exec -u -w -e' 0 $'1000\n/tmp\nb' p exec -u 1000 -w /tmp -e A=b one sh -c 'id -u; pwd; echo $A'
	is 'what exec -d has started runs' 0 '*sleep 100*' p exec one sh -c 'until [ -s /dev/shm/file ]; do
		sleep 0.02; done; ps'
	is 'top' 0 '*sleep*' p top one
	is 'inspect' 0 'running true' p inspect -f '{{.State.Status}} {{.State.Running}}' one
	is 'inspect names the runtime' 0 "*cattach-oci" p inspect -f '{{.OCIRuntime}}' one
	is 'logs' 0 up p logs one
	is 'kill' 0 '*' p kill -s WINCH one
	is 'stop by a trap' 0 '*' p stop -t 20 one
	is 'wait has the code' 0 3 p wait one
	is 'start again' 0 one p start one
	until_state one running
	is 'kill -s KILL' 0 '*' p kill one
	until_state one exited
	is 'the code of a kill' 0 137 p inspect -f '{{.State.ExitCode}}' one
	is 'rm' 0 '*' p rm one
}

attached()
{
	run -d -i --name two busybox sh -c 'echo ready; read line; echo "got $line"; exit 8' > "$dir/log"
	until_state two running
	# shellcheck disable=SC2016 # of the shell inside
	is 'attach' 0 '*got typed*' bash -c 'echo typed | "$0/p" attach --sig-proxy=false two || :' "$dir"
	is 'the code of what was attached to' 0 8 p wait two
	p rm -f two > "$dir/log" 2>&1
	is 'healthcheck, one that succeeds and one that does not' 0 $'0\n1' bash -c '
		for command in true false; do
			"$0/p" run -d --name three --network none --health-cmd $command --health-interval disable \
				busybox sleep 100 > "$0/log" 2>&1
			"$0/p" healthcheck run three > "$0/log" 2>&1
			echo $?
			"$0/p" rm -f -t 0 three > "$0/log" 2>&1
		done' "$dir"
}

paused()
{
	local said
	run -d --name four busybox sleep 100 > "$dir/log" 2>&1
	if ! said=$(p pause four 2>&1); then
		skip 'pause and unpause' "podman does not pause here: $(tail -n 1 <<< "$said")"
	else
		is 'pause' 0 paused p inspect -f '{{.State.Status}}' four
		is 'unpause' 0 '*' p unpause four
		is 'running again' 0 running p inspect -f '{{.State.Status}}' four
	fi
	is 'rm -f' 0 '*' p rm -f -t 0 four
	is 'nothing is left' 0 '' p ps -aq
	# There may be those of others.
	is 'nor in the runtime' 1 '' bash -c '"$1" list | grep -F "$2/"' sh "$runtime" "$dir"
}

if ! prepare; then
	tail -n 1 "$dir/import" >&2
	clean
	exit 77
fi
trap clean EXIT
in_foreground
in_background
attached
paused
echo "1..$count"
exit "$failed"
