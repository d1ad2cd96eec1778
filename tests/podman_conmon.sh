#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# podman with cattach-conmon as its monitor: everything that people do with containers, and what podman must
# see of it. As whoever calls it, root or not.
#
#   tests/podman_conmon.sh RUNTIME CONMON DIR    TAP; 77 when podman can run nothing with RUNTIME here,
#                                                whatever the monitor
#
# Nothing of podman's outlives it: store, run directory and settings are in DIR, which must not be there.
# Its path must be short: what podman has its monitor execute at the end of a container, its cleanup, takes
# a runroot of 50 characters, and podman waits 20 s for the one that has failed.
# shellcheck disable=SC2016,SC2317 # what is quoted is for inner shells; functions are called by name
set -u
export LC_ALL=C TZ=UTC
runtime=$1 conmon=$2 dir=$3
here=$(cd "$(dirname "$0")" && pwd)

if [ ${#dir} -gt 42 ]; then
	echo "tests/podman_conmon.sh: podman's cleanup takes no path as long as $dir" >&2
	exit 1
fi
mkdir -m 700 "$dir" "$dir/home" "$dir/xdg" || exit 1
export HOME=$dir/home CONTAINERS_CONF=$dir/containers.conf
[ "$(id -u)" = 0 ] || export XDG_RUNTIME_DIR=$dir/xdg
cat > "$CONTAINERS_CONF" << 'END'
[containers]
default_ulimits=["nofile=1024:1024","nproc=4096:4096"]
END
mkdir -p "$HOME/.config/containers"
echo '{"default": [{"type": "insecureAcceptAnything"}]}' > "$HOME/.config/containers/policy.json"
cd "$dir" || exit 1
podman=(podman --root "$dir/root" --runroot "$dir/runroot" --tmpdir "$dir/tmp" --cgroup-manager=cgroupfs
	--storage-driver=vfs --events-backend=file --runtime "$runtime")

# P COMMAND...: podman, without its remark about mounts.
P()
{
	"${podman[@]}" --conmon "$monitor" "$@" 2> "$dir/err.all"
	local status=$?
	grep -v -e 'not a shared mount' -e 'systemd connection' -e 'Removing timer' "$dir/err.all" >&2
	return $status
}

# shellcheck disable=SC2317 # the trap calls it
finish()
{
	local file
	P rm -f -a -t 0 > /dev/null 2>&1
	[ "$(id -u)" = 0 ] || podman unshare rm -rf "$dir/root" > /dev/null 2>&1
	# Its process that holds the user namespace, and no other.
	for file in "$dir/tmp/pause.pid" "$dir/xdg/libpod/tmp/pause.pid"; do
		[ ! -s "$file" ] || kill "$(cat "$file")" 2> /dev/null
	done
	rm -rf "$dir"
}
trap finish EXIT

count=0 failed=0

# is TEXT GOT WANTED
is()
{
	count=$((count + 1))
	if [ "$2" = "$3" ]; then
		echo "ok $count - $1"
		return
	fi
	failed=1
	echo "not ok $count - $1"
	printf 'got: %s\nwanted: %s\n' "$2" "$3" | sed 's/^/# /'
}

# until COMMAND...: it succeeds, in the end.
until_()
{
	for _ in $(seq 400); do
		"$@" > /dev/null 2>&1 && return
		sleep 0.05
	done
	return 1
}

image()
{
	local name
	mkdir -p "$dir"/tree/{bin,etc,tmp,proc,sys,dev}
	cp "$(command -v busybox)" "$dir/tree/bin/busybox"
	for name in sh ls cat echo seq sleep stty true wc head yes test; do
		ln -s busybox "$dir/tree/bin/$name"
	done
	tar -C "$dir/tree" -cf - . | P import - img > /dev/null
}

run_and_exit()
{
	is "run: its output" "$(P run --rm --network none img echo hi)" hi
	is "run: both streams and the exit code" \
		"$(P run --rm --network none img sh -c 'echo out; echo err >&2; exit 5' 2> "$dir/err"
		echo $?; cat "$dir/err")" $'out\n5\nerr'
	is "run -i: stdin and its end" "$(seq 1 200000 | P run --rm -i --network none img wc -l)" 200000
	is "run: all of much output" "$(P run --rm --network none img seq 1 300000 | md5sum)" \
		"$(seq 1 300000 | md5sum)"
	P run --rm --network none img no-such-program > "$dir/out" 2> "$dir/err"
	is "run: what is not there" $? 127
	is "run: and in whose words" "$(grep -c no-such-program "$dir/err")" 1
	is "nothing stays of them" "$(P ps -aq | wc -l)" 0
}

detached()
{
	P run -d --name d --network none img sh -c 'echo started; trap "echo term; exit 9" TERM
		while :; do sleep 0.1; done' > /dev/null
	is "run -d" $? 0
	is "it runs" "$(P inspect -f '{{.State.Status}}' d)" running
	is "its monitor is ours" "$(grep -c cattach-conmon "/proc/$(P inspect -f '{{.State.ConmonPid}}' d)/cmdline")" 1
	is "exec" "$(P exec d echo inside)" inside
	is "exec -i" "$(echo word | P exec -i d cat)" word
	P exec d sh -c 'exit 3'
	is "exec: its exit code" $? 3
	P exec d no-such-program > "$dir/out" 2>&1
	is "exec: what is not there" $? 127
	P exec -d d sh -c 'echo made > /tmp/made' > /dev/null
	is "exec -d" $? 0
	until_ P exec d test -s /tmp/made
	is "exec -d: what it did" "$(P exec d cat /tmp/made)" made
	is "top" "$(P top d pid | sed -n 2p | tr -d ' ')" 1
	P stop -t 20 d > /dev/null
	is "stop" $? 0
	is "stop: its end" "$(P inspect -f '{{.State.Status}} {{.State.ExitCode}}' d)" "exited 9"
	is "logs" "$(P logs d)" $'started\nterm'
	P start d > /dev/null
	is "start" $? 0
	P kill d > /dev/null
	is "kill, wait" "$(P wait d)" 137
	P rm d > /dev/null
	is "rm" $? 0
}

health()
{
	P run -d --name h --network none --health-cmd 'test -e /tmp/well' img sleep 1000 > /dev/null 2>&1
	P healthcheck run h > /dev/null 2>&1
	is "healthcheck run: ill" $? 1
	P exec h sh -c 'echo > /tmp/well'
	P healthcheck run h > /dev/null 2>&1
	is "healthcheck run: well" $? 0
	P rm -f -t 0 h > /dev/null
	is "rm -f" $? 0
}

# As root, where the runtime has a cgroup to limit.
memory()
{
	local name="a container that ran out of memory is known as one"
	if ! P run --rm --memory 24m --network none img true > "$dir/out" 2> "$dir/err"; then
		count=$((count + 1))
		echo "ok $count - $name # skip no limits here: $(tail -n 1 "$dir/err")"
		return
	fi
	P run --name o --memory 24m --network none img sh -c 'x=$(yes | head -c 100000000); echo there is more' \
		> "$dir/out" 2> "$dir/err"
	is "$name" "$? $(P inspect -f '{{.State.OOMKilled}} {{.State.ExitCode}}' o)" "137 true 137"
	P rm -f o > /dev/null
}

# A client that reads nothing: with conmon this stops the container, and stop fails.
stuck()
{
	local attached
	P run -d --name s --network none img sh -c 'trap "exit 4" TERM; until [ -e /tmp/go ]; do sleep 0.1; done
		seq 1 300000; echo done; while :; do sleep 0.1; done' > /dev/null
	mkfifo "$dir/nobody"
	exec 8<> "$dir/nobody"
	"${podman[@]}" --conmon "$monitor" attach --sig-proxy=false --no-stdin s > "$dir/nobody" \
		2> /dev/null 8<&- &
	attached=$!
	sleep 1
	kill -STOP "$attached"
	P exec s sh -c 'echo > /tmp/go'
	until_ eval 'P logs --tail 1 s | grep -q done'
	is "a stuck client: the log is whole" "$(P logs s | md5sum)" "$({ seq 1 300000; echo "done"; } | md5sum)"
	P stop -t 20 s > /dev/null
	is "a stuck client: stop" $? 0
	is "a stuck client: the exit code" "$(P inspect -f '{{.State.ExitCode}}' s)" 4
	kill -KILL "$attached"
	wait "$attached" 2> /dev/null
	exec 8<&-
	P rm -f s > /dev/null
}

# run -it, exec -it, attach and detach, on terminals.
terminals()
{
	local name status
	while read -r status name; do
		is "$name" "$status" ok
	done < <(python3 "$here/podman_terminals.py" "${podman[@]}" --conmon "$monitor" 2> "$dir/err.pty")
	sed 's/^/# /' "$dir/err.pty"
}

monitor=$(command -v conmon || echo "$conmon")
image || exit 77
if ! P run --rm --network none img true > /dev/null 2> "$dir/err"; then
	tail -n 1 "$dir/err" >&2
	exit 77
fi
monitor=$conmon
run_and_exit
detached
health
terminals
stuck
[ "$(id -u)" != 0 ] || memory
until_ eval '! pgrep -f "cattach-conmon --api-version.*$dir/"'
is "no monitor is left" $? 0
echo "1..$count"
exit $failed
