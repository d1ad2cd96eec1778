#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# The specification, property by property, without root: each row of docs/oci.md that names this file. Many
# rows share a container. The numbers F1 to F40 are those of the list there.

load helpers

oci() { cattach oci --root "$T/root" "$@"; }

# look PYTHON...: run a bundle changed like that to its end, in the face for engines
look()
{
	bundle "$T/b" "$@"
	oci run -b "$T/b" look < /dev/null 2>&1
}

eval "$(declare -f teardown | sed '1s/teardown/helpers_teardown/')"

teardown()
{
	local id
	for id in $(oci list -q 2> /dev/null); do
		oci delete -f "$id"
	done
	helpers_teardown
	[ -z "$(ls -A "$T/root" 2> /dev/null)" ] || { ls -laR "$T/root"; return 1; }
}

@test "scheduler, I/O priority, memory policy, personality, umask, OOM score, limits: as asked for" {
	run look '
p["scheduler"] = {"policy": "SCHED_BATCH", "nice": 19}
p["ioPriority"] = {"class": "IOPRIO_CLASS_BE", "priority": 6}
l["memoryPolicy"] = {"mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_STATIC_NODES"]}
l["personality"] = {"domain": "LINUX32"}
p["user"] = {"uid": 3, "gid": 4, "umask": 0o027, "additionalGids": [5, 6]}
p["oomScoreAdj"] = 777
p["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 33, "hard": 34}, {"type": "RLIMIT_CORE", "soft": 0, "hard": 0}]
sh("""cut -d" " -f 19,41 /proc/self/stat; ionice -p $$; grep -q " bind=static:0" /proc/self/numa_maps && echo bound
uname -m; id -u; id -g; id -G; umask; cat /proc/self/oom_score_adj; ulimit -n; ulimit -H -n; ulimit -c""")'
	is "$output" "19 3
best-effort: prio 6
bound
i686
3
4
4 5 6
0027
777
33
34
0"
	refused 125 'process.scheduler: cannot be set: Operation not permitted' cattach run --rm "$(
		bundle "$T/b" 'p["scheduler"] = {"policy": "SCHED_FIFO", "priority": 10}'; echo "$T/b")"
	refused 125 'linux.memoryPolicy: cannot be set: Invalid argument' cattach run --rm "$(
		bundle "$T/b" 'l["memoryPolicy"] = {"mode": "MPOL_BIND", "nodes": "1000"}'; echo "$T/b")"
}

@test "a time namespace with offsets; exec comes into it; another container joins it by path" {
	bundle "$T/b" 'l["namespaces"].append({"type": "time"})
l["timeOffsets"] = {"monotonic": {"secs": 1000000, "nanosecs": 5}, "boottime": {"secs": 500000000}}
args("sleep", "1000")'
	start "$N" "$T/b"
	is "$(cattach exec "$N" cat /proc/self/timens_offsets | tr -s ' ')" "monotonic 1000000 5
boottime 500000000 0"
	matches "$(cattach exec "$N" cut -c 1-2 /proc/uptime)" 50
	own=/proc/$(cattach inspect -f '{{.State.Pid}}' "$N")/ns
	run -0 look "join('user', '$own/user'); join('time', '$own/time'); args('readlink', '/proc/self/ns/time')"
	is "$output" "$(readlink "$own/time")"
	[ "$output" != "$(readlink /proc/self/ns/time)" ]
	bundle "$T/b" 'l["namespaces"].append({"type": "time"}); l["timeOffsets"] = {"monotonic": {"secs": -10**12}}'
	refused 125 'linux.timeOffsets: would put a clock before zero' cattach run "$T/b"
}

@test "F36: every namespace can be joined by its path, and the wrong type at a path is an error" {
	local own kind file
	bundle "$T/b" 'l["namespaces"].append({"type": "time"}); args("sleep", "1000")'
	start "$N" "$T/b"
	own=/proc/$(cattach inspect -f '{{.State.Pid}}' "$N")/ns
	run -0 look "
for kind, name in ('user', 'user'), ('pid', 'pid'), ('network', 'net'), ('ipc', 'ipc'), ('uts', 'uts'), ('cgroup', 'cgroup'), ('time', 'time'), ('mount', 'mnt'):
    join(kind, '$own/' + name)
del c['hostname']
sh('for n in user pid net ipc uts cgroup time mnt; do readlink /proc/self/ns/\$n; done; tr \"\\\\0\" \" \" < /proc/1/cmdline')"
	is "$output" "$(for file in user pid net ipc uts cgroup time mnt; do readlink "$own/$file"; done)
sleep 1000 "
	for kind in user pid network ipc uts cgroup time; do
		file=ipc
		[ "$kind" != ipc ] || file=uts
		bundle "$T/b" "join('$kind', '$own/$file'); c.pop('hostname')"
		refused 125 "/$file is a $file namespace, not $kind" cattach run "$T/b"
	done
}

@test "execCPUAffinity counts for exec, and not for the container" {
	local last
	last=$(grep Cpus_allowed_list /proc/self/status | grep -o '[0-9]*$')
	bundle "$T/b" "p['execCPUAffinity'] = {'initial': '0-$last', 'final': '$last'}; args('sleep', '1000')"
	start "$N" "$T/b"
	is "$(cattach exec "$N" grep Cpus_allowed_list /proc/self/status | cut -f2)" "$last"
	is "$(grep Cpus_allowed_list "/proc/$(cattach inspect -f '{{.State.Pid}}' "$N")/status")" \
		"$(grep Cpus_allowed_list /proc/self/status)"
	cattach rm -f "$N"
	bundle "$T/b" "p['execCPUAffinity'] = {'final': '1023'}; args('sleep', '1000')"
	start "$N" "$T/b"
	refused 125 'process.execCPUAffinity.final: cannot be set: Invalid argument' cattach exec "$N" true
}
