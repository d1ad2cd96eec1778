#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# The specification, property by property, without root: each row of docs/oci.md that names this file. Many
# rows share a container. The numbers F1 to F40 are those of the list there.

load helpers
load oci_store

# look PYTHON...: run a bundle changed like that to its end, in the face for engines
look()
{
	bundle "$T/b" "$@"
	oci run -b "$T/b" look < /dev/null 2>&1
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

@test "F6: a container without a process can be created, and not started" {
	bundle "$T/b" 'del c["process"]'
	oci create -b "$T/b" none < /dev/null > /dev/null 2>&1
	has "$(oci state none)" '"status": "created"'
	run -1 oci start none
	has "$output" 'config.json has no process'
	oci delete -f none
	refused 125 'process: missing' cattach run "$T/b"
}

@test "F18: system calls by number, argument and architecture, before and after privileges are dropped" {
	local nnp
	for nnp in True False; do
		run -0 look "p['noNewPrivileges'] = $nnp" 'l["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW",
"architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"], "flags": ["SECCOMP_FILTER_FLAG_LOG"], "syscalls": [
{"names": ["mkdir", "mkdirat", "no_such_call"], "action": "SCMP_ACT_ERRNO", "errnoRet": 7},
{"names": ["rmdir", "unlinkat"], "action": "SCMP_ACT_ERRNO"},
{"names": ["kill"], "action": "SCMP_ACT_ERRNO", "errnoRet": 5, "args": [{"index": 1, "value": 10, "op": "SCMP_CMP_EQ"}]},
{"names": ["chdir", "setresuid", "setgroups", "pivot_root", "open_tree"], "action": "SCMP_ACT_KILL_PROCESS"}]}
sh("mkdir /tmp/x 2>&1 | grep -o \"Argument list too long\"; rmdir /tmp 2>&1 | grep -o \"Operation not permitted\"; kill -0 $$ && kill -USR1 $$ 2>&1; grep Seccomp: /proc/self/status")'
		matches "$output" "(.*does not know no_such_call.*
)?Argument list too long
Operation not permitted
.*(I/O|Input/output) error
Seccomp:	2"
	done
	bundle "$T/b" 'l["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_ALLOW", "errnoRet": 1}]}'
	refused 125 'linux.seccomp.syscalls[0].errnoRet' cattach run "$T/b"
}

@test "F21, F22: masks and read-only paths: files, directories, what is missing, what is listed twice" {
	run -0 look 'l["maskedPaths"] = ["/proc/version", "/proc/version", "/proc/no-such", "/no/such", "/sys/firmware", "/proc/acpi"]
l["readonlyPaths"] = ["/proc/sys", "/proc/sys", "/no/such"]
mount("/mnt", "none", "'"$T"'", ["bind", "ro", "nosuid", "nodev"])
sh("wc -c < /proc/version; ls -A /sys/firmware; grep -c \" /proc/version \" /proc/self/mountinfo; grep -c \" /proc/sys \" /proc/self/mountinfo; echo 1 2> /dev/null > /proc/sys/kernel/msgmax || echo refused; touch /mnt/x 2> /dev/null || echo refused; grep \" /mnt \" /proc/self/mountinfo | cut -d\" \" -f6 | cut -d, -f1-3")'
	is "$output" $'0\n1\n1\nrefused\nrefused\nro,nosuid,nodev'
	rootfs "$T/r"
	rmdir "$T/r/proc"
	ln -s "$CANARY/dir" "$T/r/proc"
	bundle "$T/b" "c['root']['path'] = '$T/r'"
	run -125 cattach run --rm "$T/b"
	has "$output" 'mounts[0]: '
}

@test "F23, F24, F26: mount options all count, the last one wins; propagation; tmpfs" {
	run -0 look 'mount("/mnt", "tmpfs", "tmpfs", ["noexec", "nosuid", "exec", "suid", "ro", "rw", "sync", "async", "noatime", "lazytime", "silent", "loud", "iversion", "noiversion", "nolazytime", "lazytime", "nosymfollow", "mode=1750", "size=64k", "defaults", "dev", "norelatime", "unbindable"])
mount("/media", "tmpfs", "tmpfs", ["tmpcopyup", "ro", "shared"])
mount("/etc", "tmpfs", "tmpfs", ["tmpcopyup"])
mount("/srv", "tmpfs", "tmpfs", ["relatime", "diratime", "private"])
sh("for d in /mnt /media /srv; do grep \" $d \" /proc/self/mountinfo | cut -d\" \" -f6- | sed \"s/shared:[0-9]*/shared/; s/ - .*//\"; done; stat -c %a /mnt /etc; test -s /etc/passwd && echo copied; touch /etc/x && echo writable; grep -o lazytime /proc/self/mountinfo | sort -u")'
	is "$output" "rw,relatime,nosymfollow unbindable
ro,relatime shared
rw,relatime
1750
755
copied
writable
lazytime"
	bundle "$T/b" 'mount("/mnt", "tmpfs", "tmpfs", ["nosuchoption"])'
	refused 125 "Unknown parameter 'nosuchoption'" cattach run "$T/b"
}

@test "mounts are listed in the order of the configuration, binds too" {
	mkdir "$T/one"
	run -0 look "mount('/mnt', 'tmpfs', 'tmpfs')
for i in range(6):
    mount('/mnt/%d' % i, *[('tmpfs', 'tmpfs'), ('none', '$T/one', [['rbind', 'rslave'], ['bind', 'unbindable']][i % 4 // 2])][i % 2])" \
		'sh("grep -o \" /mnt/[0-9] \" /proc/self/mountinfo | tr -dc 0-9")'
	is "$output" 012345
}

@test "a tree of the host that holds the root is bound without the container's mounts in it" {
	local inside="test -e /media/r/etc && test -e /mnt$T/tree/r/etc && grep -c ' /media' /proc/self/mountinfo
		grep -c ' /mnt$T/tree/r' /proc/self/mountinfo; grep -c ' / .*unbindable' /proc/self/mountinfo"
	mkdir "$T/tree"
	chmod 711 "$T"
	rootfs "$T/tree/r"
	run look "c['root'] = {'path': '$T/tree/r'}" "sh(\"\"\"$inside\"\"\")" \
		"mount('/media', 'none', '$T/tree', ['rbind']); mount('/mnt', 'none', '/', ['rbind'])"
	is "$output" $'1\n0\n0'
	run cattach run --rm -v "$T/tree:/media" -v "/:/mnt" --rootfs "$T/tree/r:O" sh -c "$inside"
	is "$output" $'1\n0\n0'
}

@test "F25, F27: targets are made inside of the root, through dangling links too; files for files; sources as the caller sees them" {
	rootfs "$T/r"
	ln -s "$CANARY/dir/made" "$T/r/link"
	ln -s ../../../../../../../..${CANARY}/up "$T/r/up"
	mkdir -m 700 "$T/b" "$T/b/private"
	echo text > "$T/b/private/file"
	chmod 644 "$T/b/private/file"
	run -0 look "c['root'] = {'path': '$T/r'}" 'p["user"] = {"uid": 5, "gid": 5}
mount("/link/sub", "tmpfs", "tmpfs"); mount("/up", "tmpfs", "tmpfs"); mount("/new/deep/file", "none", "private/file", ["bind"])
sh("cat /new/deep/file; stat -c %F /new/deep/file; grep -c canary /proc/self/mountinfo")'
	is "$output" $'text\nregular file\n2'
	is "$(find "$T/r$CANARY" -type d -name sub)" "$T/r$CANARY/dir/made/sub"
	bundle "$T/b" 'mount("/proc/self/attr", "tmpfs", "tmpfs")'
	refused 125 'refusing to mount over /proc/self/attr' cattach run "$T/b"
}

@test "F28, F29: recursive options reach submounts; file systems of namespaces that are the host's are bound" {
	run -0 look 'mount("/mnt", "none", "/dev", ["rbind", "rro", "rnosuid", "rnoexec"])
sh("grep -c \" /mnt/\" /proc/self/mountinfo | grep -qv ^0 && echo below; grep \" /mnt[ /]\" /proc/self/mountinfo | cut -d\" \" -f6 | grep -v ^ro,.*nosuid.*noexec; touch /mnt/shm/x 2>&1 | grep -o \"Read-only\"")'
	is "$output" $'below\nRead-only'
	run -0 look 'l["namespaces"] = [n for n in l["namespaces"] if n["type"] not in ("network", "cgroup", "pid")]
mount("/sys/fs/cgroup", "cgroup", "cgroup", ["ro"])
for x in m:
    if x["destination"] == "/dev/pts": x["options"].append("gid=5")
sh("ls /sys/class/net > /dev/null && ls /sys/fs/cgroup > /dev/null && touch /sys/x 2>&1 | grep -o \"Read-only\"; test -d /dev/mqueue && ls /proc/self/status")'
	is "$output" $'Read-only\n/proc/self/status'
}

@test "F30, F31, F33, F34, F35: devices, stdio, groups, variables, umask, maps of a container without root" {
	local mine
	mine=$(stat -c %a:%u /dev/null)
	bundle "$T/b" 'p["user"] = {"uid": 7, "gid": 8, "additionalGids": [9]}; p["env"] += ["A=1", "A=2"]
sh("for d in null zero full random urandom tty; do test -c /dev/$d || echo no $d; done; for d in fd stdin stdout stderr ptmx; do test -L /dev/$d || echo no $d; done; echo to > /dev/stdout; echo $A; id -G; umask; wc -l < /proc/self/uid_map; cat /proc/self/setgroups; exit 9")'
	output=$({ oci create -b "$T/b" look < /dev/null && oci start look; } 2>&1 | cat)
	oci delete -f look
	is "$output" $'to\n2\n8 9\n0022\n2\nallow'
	run -0 python3 -c '
import socket, subprocess, sys
a, b = socket.socketpair()
p = subprocess.run(["cattach", "oci", "--root", sys.argv[1], "run", "-b", sys.argv[2], "look"], stdin=b, stdout=b, stderr=b)
assert p.returncode == 9 and a.recv(100).startswith(b"sh: ") or p.returncode == 9, p' "$T/root" "$T/b"
	is "$(stat -c %a:%u /dev/null)" "$mine"
	python3 -c '
import json, sys
lx = json.loads(sys.stdin.read())["linux"]
for key in "uidMappings", "gidMappings":
    assert lx[key][0]["containerID"] == 0, lx[key]' < <(oci spec --rootless -b "$T/s" > /dev/null 2>&1 || { mkdir -p "$T/s"; oci spec --rootless -b "$T/s"; }; cat "$T/s/config.json")
}

@test "F32: the master of the terminal comes by the console socket, with a size, and is the controlling terminal" {
	bundle "$T/b" 'p["terminal"] = True; p["consoleSize"] = {"height": 33, "width": 101}' 'sh("tty; stty size; cat /proc/self/stat | cut -d\" \" -f7; ls /dev/console")'
	run -0 python3 - "$T/root" "$T/b" "$T/s" <<- 'END'
		import array, os, socket, subprocess, sys
		root, bundle, path = sys.argv[1:]
		s = socket.socket(socket.AF_UNIX)
		s.bind(path)
		s.listen()
		oci = ["cattach", "oci", "--root", root]
		subprocess.run(oci + ["create", "-b", bundle, "--console-socket", path, "look"], check=True, stdin=subprocess.DEVNULL)
		text, fds, _, _ = socket.recv_fds(s.accept()[0], 4096, 1)
		assert text, "a name comes with it"
		subprocess.run(oci + ["start", "look"], check=True)
		out = b""
		try:
		    while True:
		        out += os.read(fds[0], 4096)
		except OSError:
		    pass
		sys.stdout.write(out.decode().replace("\r", ""))
	END
	is "${lines[0]} ${lines[1]} ${lines[3]}" "/dev/pts/0 33 101 /dev/console"
	[ "${lines[2]}" != 0 ]
}

@test "labels are applied or an error: this host has no SELinux" {
	[ ! -e /sys/fs/selinux/enforce ] || skip "there is SELinux"
	bundle "$T/b" 'l["mountLabel"] = "system_u:object_r:container_file_t:s0"'
	refused 125 'linux.mountLabel: this host has no SELinux' cattach run "$T/b"
	bundle "$T/b" 'p["selinuxLabel"] = "system_u:system_r:container_t:s0"'
	refused 125 'process.selinuxLabel' cattach run "$T/b"
}

@test "F37, F38, F39: what is no limit is none, what cannot be had is an error that says so; limits are as given" {
	run -0 look 'l["resources"] = {"pids": {"limit": -1}, "memory": {"limit": -1}, "devices": [{"allow": False, "access": "rwm"}]}'
	bundle "$T/b" 'l["resources"] = {"memory": {"limit": 1000000, "swap": 1000}}'
	refused 125 'linux.resources.memory.swap' cattach run "$T/b"
	bundle "$T/b" 'p["rlimits"] = [{"type": "RLIMIT_CORE", "soft": 0, "hard": 0}] * 2'
	refused 125 'process.rlimits[1]' cattach run "$T/b"
	bundle "$T/b" 'p["rlimits"] = [{"type": "RLIMIT_CPUS", "soft": 0, "hard": 0}]'
	refused 125 'process.rlimits[0].type' cattach run "$T/b"
	bundle "$T/b" 'p["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 1, "hard": 2**40}]'
	refused 125 'process.rlimits[0]: cannot be set' cattach run "$T/b"
}

@test "F20: system calls are handed to an agent: one state and listener a connection, even those that we make ourselves" {
	local agent nnp notify='l["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "'"$T"'/agent", "listenerMetadata": "who: \"me\"",
"flags": ["SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"], "syscalls": [
{"names": ["mkdir", "mkdirat", "sendmsg", "futex", "nanosleep", "clock_nanosleep"], "action": "SCMP_ACT_NOTIFY"}]}'
	python3 "$BATS_TEST_DIRNAME/agent.py" "$T/agent" "$T/states" 4 3>&- &
	agent=$!
	eventually test -S "$T/agent"
	for nnp in True False; do
		run -1 look "$notify" "p['noNewPrivileges'] = $nnp" 'c["annotations"] = {"a": "b"}' 'args("mkdir", "/tmp/x")'
		has "$output" "No anode"
	done
	bundle "$T/b" "$notify" 'args("sleep", "1000"); l["seccomp"]["syscalls"][0]["names"] = ["mkdir", "mkdirat"]'
	start "$N" "$T/b"
	run -1 cattach exec "$N" mkdir /tmp/x
	has "$output" "No anode"
	python3 - "$T" "$(cattach inspect -f '{{.State.Pid}}' "$N")" "$ID" <<- 'END'
		import json, sys
		s = [json.loads(line) for line in open(sys.argv[1] + "/states")]
		assert len(s) == 4 and all(x["metadata"] == 'who: "me"' and x["state"]["bundle"] == sys.argv[1] + "/b" for x in s), s
		assert all(x["pid"] == x["state"]["pid"] and x["state"]["status"] == "creating" for x in s[:3]), s
		assert s[0]["state"]["id"] == "look" and s[0]["state"]["annotations"] == {"a": "b"}, s
		payload = int(sys.argv[2])
		assert s[2]["pid"] == payload and s[2]["state"]["id"] == sys.argv[3], s
		assert s[3]["pid"] != payload and s[3]["state"]["pid"] == payload and s[3]["state"]["status"] == "running", s
	END
	cattach rm -f "$N"
	STARTED=()
	wait "$agent"
	bundle "$T/b" "$notify" 'l["seccomp"]["listenerPath"] = "/no/such/agent"'
	refused 125 'linux.seccomp.listenerPath: cannot connect to /no/such/agent: No such file' cattach run "$T/b"
	bundle "$T/b" "$notify" 'del l["seccomp"]["listenerPath"]'
	refused 125 'linux.seccomp.listenerPath: missing' cattach run "$T/b"
	bundle "$T/b" "$notify" 'del l["seccomp"]["listenerPath"], l["seccomp"]["listenerMetadata"]'
	refused 125 'linux.seccomp.syscalls[0].action: needs somebody who answers' cattach run "$T/b"
}
