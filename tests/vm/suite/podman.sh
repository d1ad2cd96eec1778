#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Debian's podman and its conmon, told to call us in place of runc or crun, where there are cgroups:
# what the host's tests of podman cannot show. In the systemd machine without root, in scopes of the
# user's systemd; in the plain one as root (root_podman.sh), in a tree of cgroups that podman names.
# shellcheck disable=SC2119,SC2317 # functions are called by name
# shellcheck source=tests/vm/suite/lib.sh
. "$(dirname "$0")/lib.sh"
P=$HOME/podman
runtime=$P/cattach-oci
export CONTAINERS_CONF=$P/conf

if [ "$(id -u)" = 0 ]; then
	machine=plain manager=cgroupfs
else
	machine=systemd manager=systemd
fi

podman()
{
	command podman --root "$P/store" --runroot "$P/run" --storage-driver vfs --events-backend file \
		--cgroup-manager "$manager" --runtime "$runtime" "$@"
}

# What podman has running is killed and removed with all that it has.
made()
{
	mkdir -p "$P"
	ln -s "$CT_JOB/usr/bin/cattach" "$runtime"
	printf '[containers]\ndefault_ulimits = ["nofile=%s", "nproc=%s"]\n' "$(ulimit -Hn)" "$(ulimit -Hu)" > "$P/conf"
	tar -C "$R" -cf - . | podman import -q - box > /dev/null
	has "$(podman images -q)" ""
}

# run ARG...: in the foreground, removed at the end
run() { podman run --rm --network none "$@"; }

cgroup_of() { sed -n 's/^0:://p' "/proc/$(podman inspect -f '{{.State.Pid}}' "$1")/cgroup"; }

runs()
{
	local status=0
	made
	same "$(run box sh -c 'echo out; echo err >&2' 2> "$P/err")" out
	same "$(cat "$P/err")" err
	run box sh -c 'exit 7' || status=$?
	same "$status" 7
	status=0
	run box /no/such > /dev/null 2> "$P/err" || status=$?
	same "$status" 127
	same "$(head -c 100000 /dev/zero | run -i box wc -c)" 100000
}
row "$machine" "podman run: streams, codes, a command that is not there" runs


limits()
{
	local dir status=0
	podman run -d --network none --name c2 --memory 64m --pids-limit 50 box \
		sh -c 'trap "echo got; exit 3" TERM; echo up; while :; do sleep 0.1; done' > /dev/null
	dir=/sys/fs/cgroup$(cgroup_of c2)
	same "$(cat "$dir/memory.max")" 67108864
	same "$(cat "$dir/pids.max")" 50
	podman exec c2 sh -c 'echo in; exit 5' > "$P/out" || status=$?
	same "$(cat "$P/out") $status" "in 5"
	same "$(podman exec c2 cat /proc/self/cgroup)" 0::/
	has "$(podman top c2 args)" "sleep 0.1"
	has "$(podman stats --no-stream --format '{{.MemUsage}}' c2)" "67.11MB"
	podman update --memory 80m c2 > /dev/null
	same "$(cat "$dir/memory.max")" 83886080
	podman pause c2 > /dev/null
	same "$(podman inspect -f '{{.State.Status}}' c2)" paused
	same "$(key "$dir/cgroup.events" frozen)" 1
	podman unpause c2 > /dev/null
	podman stop -t 10 c2 > /dev/null
	same "$(podman inspect -f '{{.State.ExitCode}}' c2)" 3
	same "$(podman logs c2)" "$(printf 'up\ngot')"
	podman rm c2 > /dev/null
	[ ! -e "$dir" ]
}
row "$machine" "podman run -d: limits, exec, top, stats, update, pause, stop, logs" limits

nothing_left()
{
	podman system reset -f > /dev/null
	same "$("$runtime" list -q)" ""
	rm -rf "$P"
}
row "$machine" "and nothing is left" nothing_left
end
