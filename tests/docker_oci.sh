#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# dockerd with cattach-oci as its runtime, as root: what people do with the docker command line, one after
# the other.
#
#   tests/docker_oci.sh RUNTIME ROOTFS DIR    TAP; 77 when dockerd itself does not work here
#
# RUNTIME is the absolute path of cattach-oci, ROOTFS a busybox tree, DIR a short path that does not exist:
# dockerd's data, settings and socket are in it, and are removed. Debian's docker.io and what it needs are
# unpacked there, unless they are installed: a package's scripts would start a daemon. There is no network,
# and no limit is asked for, because the host may have cgroups of version 1.
# shellcheck disable=SC2016,SC2317 # what is quoted is for inner shells; functions are called by name
set -u
export LC_ALL=C TZ=UTC
runtime=$1 rootfs=$2 dir=$3
# shellcheck source=tests/engine.sh
. "$(dirname "$0")/engine.sh"
export DOCKER_HOST=unix://$dir/socket DOCKER_CONFIG=$dir/config
PATH=$dir/unpacked/usr/bin:$dir/unpacked/usr/sbin:$PATH

d() { timeout --foreground -k 5 60 docker "$@"; }

run() { d run --network none "$@"; }

unpack()
{
	local package
	! command -v dockerd || ! command -v containerd || ! command -v docker-init || return 0
	mkdir "$dir/packages" && cd "$dir/packages" || return 1
	for package in docker.io containerd runc tini; do
		apt-get download -q -o APT::Sandbox::User=root "$package" || return 1
	done
	for package in *.deb; do
		dpkg-deb -x "$package" "$dir/unpacked" || return 1
	done
	cd / && rm -rf "$dir/packages"
}

prepare()
{
	mkdir -m 700 "$dir" || return 1
	unpack > "$dir/log" 2>&1 || return 1
	cat > "$dir/daemon.json" <<- END
		{
			"bridge": "none", "iptables": false, "ip-forward": false, "storage-driver": "vfs",
			"data-root": "$dir/data", "exec-root": "$dir/exec", "pidfile": "$dir/pid",
			"hosts": ["$DOCKER_HOST"], "exec-opts": ["native.cgroupdriver=cgroupfs"],
			"default-ulimits": { "nofile": { "Name": "nofile", "Soft": 1024, "Hard": 1024 } },
			"runtimes": { "cattach": { "path": "$runtime" } }, "default-runtime": "cattach"
		}
	END
	# Mounts are its own.
	unshare -m dockerd --config-file "$dir/daemon.json" --log-level error > "$dir/log" 2>&1 &
	within_seconds d version && tar -C "$rootfs" -c . | d import - box > "$dir/import" 2>> "$dir/log"
}

ends() { ! kill -0 "$1"; }

clean()
{
	d ps -aq 2> "$dir/ps" | xargs -r docker rm -f > "$dir/ps" 2>&1
	if [ -s "$dir/pid" ]; then
		pid=$(cat "$dir/pid")
		kill "$pid" && within_seconds ends "$pid"
	fi
	rm -rf "$dir"
}

# ---- what people do ----------------------------------------------------------------------------

in_foreground()
{
	is 'the runtime is ours' 0 cattach d info -f '{{.DefaultRuntime}}'
	is 'run shows the output and ends with the code' 7 $'@(out\nerr|err\nout)' \
		run --rm box sh -c 'echo out; echo err >&2; exit 7'
	is 'a command that is not there is 127' 127 '*no-such-command*' run --rm box no-such-command
	is 'one that cannot be executed is 126, and known when it is made' 126 \
		'*runtime create failed*/etc: is a directory*' run --rm box /etc
	is 'run -i reads' 0 typed bash -c 'echo typed | docker run -i --rm --network none box cat'
	is 'run -it has a terminal' 5 $'*/dev/pts/0\nready*got line*' on_terminal 'line\n' docker run -it --rm \
		--network none box sh -c 'tty; echo ready; read line; echo "got $line"; exit 5'
}

options()
{
	is 'ids, directory, variables, host name' 0 '1000 1000 /tmp b hosty' run --rm -u 1000:1000 -w /tmp \
		-e A=b --hostname hosty box sh -c 'echo $(id -u) $(id -g) $(pwd) $A $(hostname)'
	is 'a read-only root, a volume, a tmpfs' 0 $'*Read-only*\n*Read-only*\n1' run --rm --read-only \
		-v "$rootfs:/mnt:ro" --tmpfs /t:size=1m box \
		sh -c 'exec 2>&1; touch /x; touch /mnt/x; grep -c " /t tmpfs .*size=1024k" /proc/mounts'
	is 'no capabilities, no new privileges' 0 $'CapEff:\t0000000000000000\nNoNewPrivs:\t1' run --rm \
		--cap-drop all --security-opt no-new-privileges box \
		sh -c 'grep -e CapEff -e NoNewPrivs /proc/self/status'
	is 'sysctls, limits of the process, the score of the OOM killer' 0 $'1000\n77\n100' run --rm \
		--sysctl kernel.msgmax=1000 --ulimit nofile=77:88 --oom-score-adj 100 box \
		sh -c 'cat /proc/sys/kernel/msgmax; ulimit -n; cat /proc/self/oom_score_adj'
	is 'an init' 0 docker-init run --rm --init box cat /proc/1/comm
	is 'all privileges, and no word of ours on its stderr' 0 '' run --rm --privileged box true
	is 'a device' 0 'brw*7, *0*' run --rm --device /dev/loop0:/dev/other box ls -l /dev/other
	is 'namespaces of the host' 0 "$(hostname)" run --rm --pid host --uts host box \
		sh -c '[ $$ -ne 1 ] && hostname'
}

in_background()
{
	is 'run -d' 0 '*' run -d --name one box \
		sh -c 'trap "exit 3" TERM; echo up; while :; do sleep 0.05; done'
	within_seconds bash -c 'docker logs one | grep -q up'
	is 'the runtime has its record' 0 "$(d inspect -f '{{.Id}}' one)" of_runtime
	is 'exec' 6 in d exec one sh -c 'echo in; exit 6'
	is 'exec -it' 4 $'*/dev/pts/*ready*got line*' on_terminal 'line\n' docker exec -it one \
		sh -c 'tty; echo ready; read line; echo "got $line"; exit 4'
	is 'exec -d' 0 '' d exec -d one sh -c 'exec sleep 999'
	is 'exec of a command that is not there' '12[67]' '*no-such-command*' d exec one no-such-command
	is 'exec -u -w -e' 0 $'1000\n/tmp\nb' d exec -u 1000 -w /tmp -e A=b one sh -c 'id -u; pwd; echo $A'
	is 'top has what exec -d has started' 0 '*sleep 999*' within_top 'sleep 999'
	is 'logs' 0 up d logs one
	is 'stop by a trap' 0 one d stop -t 20 one
	is 'wait has the code' 0 3 d wait one
	is 'start again' 0 one d start one
	is 'kill' 0 one d kill one
	is 'the code of a kill' 0 137 d wait one
	is 'rm' 0 one d rm one
}

# The containers that the runtime has a record of.
of_runtime()
{
	local root
	for root in "$dir"/exec/runtime-*/moby; do
		"$runtime" --root "$root" list -q || return
	done
}

within_top()
{
	within_seconds bash -c 'docker top one | grep -q "$0"' "$1" && d top one
}

healthy() { [ "$(d inspect -f '{{.State.Health.Status}}' two)" = healthy ]; }

attached()
{
	run -d -i --name two --health-cmd 'test -e /dev/null' --health-interval 1s box \
		sh -c 'echo ready; read line; echo "got $line"; exit 8' > "$dir/ps"
	is 'health checks' 0 '' within_seconds healthy
	# It stops showing when its stdin ends.
	is 'attach' '[08]' '*got typed*' bash -c '{ echo typed; docker wait two > "$0/ps"; } |
		docker attach --sig-proxy=false two' "$dir"
	is 'the code of what was attached to' 0 8 d wait two
	is 'rm -f' 0 two d rm -f two
	is 'nothing is left' 0 '' d ps -aq
	is 'nor in the runtime' 0 '' of_runtime
}

trap clean EXIT
if ! prepare; then
	tail -n 1 "$dir/log" >&2
	exit 77
fi
in_foreground
options
in_background
attached
echo "1..$count"
exit "$failed"
