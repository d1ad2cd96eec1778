#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# What hand-written runtimes get wrong, the finer points: those that the files of the runtime command line
# (oci*.bats, hooks.bats) do not have. The numbers are those of docs/oci.md. Many rows share a container.

load helpers
load oci_look

@test "F1, F12: the first process gets TERM when no signal is said; run waits for it alone" {
	changed "$T/b" 'sh("trap \"echo got; exit 3\" TERM; echo up; while :; do sleep 0.02; done")'
	make f1
	oci start f1
	eventually grep -q up "$T/out"
	oci kill f1
	until_status f1 stopped
	is "$(cat "$T/out")" $'up\ngot'
	run -5 look 'sh("(sleep 1000; exit 9) & exit 5")'
	run -0 oci list -q
	is "$output" f1
}

@test "F8, F9: a pid file that cannot be written undoes the container" {
	changed "$T/b" 'sh("echo ran")'
	run -1 oci create -b "$T/b" --pid-file /no/such/pid f1 < /dev/null
	has "$output" '--pid-file: cannot open /no/such'
	is "$(ls -A "$T/root")" ""
}

@test "F10: what cannot be executed is named, with the words that engines look for" {
	printf '#!/no/interpreter\n' > "$T/script"
	chmod 755 "$T/script"
	run -255 look 'args("/etc/passwd")'
	has "$output" '/etc/passwd: permission denied'
	run -255 look 'args("/no/such")'
	has "$output" '/no/such: not found in the container: executable file not found in $PATH'
	run -255 look "mount('/mnt', 'none', '$T', ['bind']); args('/mnt/script')"
	has "$output" '/no/interpreter'
	run -255 look 'args("/etc")'
	has "$output" '/etc: is a directory'
	changed "$T/b" 'args("sleep", "1000")'
	make f1
	run -255 oci exec --cwd /no/such f1 true
	is "$output" 'cattach: working directory /no/such: No such file or directory'
	run -255 oci exec --cwd relative f1 true
	has "$output" '--cwd: must be an absolute path, not "relative"'
	oci kill f1 KILL
	until_status f1 stopped
	run -255 oci exec f1 true
	has "$output" 'container not running'
}

@test "F16: a capability that nobody knows is a warning, one that cannot be ambient too" {
	run -0 look 'for s in "bounding", "permitted", "effective": p["capabilities"][s] = ["CAP_KILL", "CAP_NEWER"]
p["capabilities"]["ambient"] = ["CAP_KILL"]
sh("grep ^Cap /proc/self/status | cut -f2 | tr \"\\n\" \" \"")'
	has "$output" 'process.capabilities.bounding[1]: CAP_NEWER: unknown capability, and is left out'
	has "$output" 'CAP_KILL is not permitted and inheritable, so it cannot be ambient and is left out'
	is "${lines[-1]}" "0000000000000000 0000000000000020 0000000000000020 0000000000000020 0000000000000000 "
}

@test "F17, F33, F34, F39, F40: exec has what the container has, but for what is said" {
	changed "$T/b" 'p["user"] = {"uid": 33, "gid": 8, "additionalGids": [9], "umask": 0o027}; p["cwd"] = "/tmp"
p["env"] += ["X=y", "X=z", "HOME="]; p["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 33, "hard": 44}]
for s in p["capabilities"]: p["capabilities"][s] = ["CAP_KILL"]
for s in "inheritable", "ambient": p["capabilities"][s] = ["CAP_KILL"]
p["oomScoreAdj"] = 500; p["noNewPrivileges"] = True
l["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_ERRNO", "errnoRet": 7}]}
args("sleep", "1000")'
	make f1
	oci start f1
	is "$(oci exec f1 sh -c 'echo $(id -u) $(id -g) $(id -G) $(pwd) $X $HOME $(umask) $(ulimit -n) $(ulimit -Hn)
cat /proc/self/oom_score_adj; grep -E "^(NoNew|Seccomp:)" /proc/self/status; mkdir /tmp/x 2>&1; cut -d" " -f1,5,6 /proc/self/stat
for ns in cgroup ipc; do readlink /proc/self/ns/$ns; done' | sed 's/^\([0-9]*\) [0-9]* \([0-9]*\)$/session of its own/')" \
		"33 8 8 9 /tmp z /var/www 0027 33 44
500
NoNewPrivs:	1
Seccomp:	2
mkdir: can't create directory '/tmp/x': Argument list too long
session of its own
$(readlink "/proc/$(cat "$T/pid")/ns/cgroup" "/proc/$(cat "$T/pid")/ns/ipc")"
	# a capability counts for whoever it is, in every set that it needs
	caps='grep ^Cap /proc/self/status | cut -f2 | tr "\n" " "'
	is "$(oci exec --cap CAP_CHOWN f1 sh -c "$caps")" \
		"0000000000000021 0000000000000021 0000000000000021 0000000000000021 0000000000000021 "
	is "$(oci exec --user 0 --cap CHOWN f1 sh -c "$caps")" \
		"0000000000000020 0000000000000021 0000000000000021 0000000000000021 0000000000000020 "
	run -255 oci exec --cap CAP_NEWER f1 true
	has "$output" 'cattach: --cap: CAP_NEWER: unknown capability'
	# what a process file does not speak of is the container's, and HOME is the user's
	cat > "$T/process.json" <<- 'END'
		{ "args": ["sh", "-c", "echo $(id -u) $(id -G) $HOME $X $(umask) $(ulimit -n); cat /proc/self/oom_score_adj; grep CapPrm /proc/self/status"],
		  "cwd": "/", "env": ["PATH=/bin", "HOME="], "user": { "uid": 1, "gid": 1, "additionalGids": [12] } }
	END
	is "$(oci exec --process "$T/process.json" f1)" $'1 1 12 /usr/sbin 0027 33\n500\nCapPrm:\t0000000000000020'
}

@test "F18: under no_new_privs the filter comes after all that we do ourselves" {
	run -1 look 'l["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
{"names": ["getcwd", "openat2", "capset", "setgroups", "setresuid", "chdir"], "action": "SCMP_ACT_KILL_PROCESS"},
{"names": ["mkdir"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38}]}
p["user"] = {"uid": 5, "gid": 5}; p["cwd"] = "/tmp"; p["noNewPrivileges"] = True' 'args("mkdir", "/tmp/x")'
	has "$output" 'Function not implemented'
}

@test "F26, F30, F34: modes and owners are as asked for, whatever the caller's umask" {
	rootfs "$T/r"
	umask 077
	run -0 look "c['root'] = {'path': '$T/r'}; mount('/new/dir', 'tmpfs', 'tmpfs'); mount('/newf/file', 'none', '/etc/hostname', ['bind'])
mount('/mnt', 'tmpfs', 'tmpfs', ['uid=5', 'gid=6', 'mode=0700']); mount('/root', 'tmpfs', 'tmpfs')" \
		'l["devices"] = [{"path": "/devs/p", "type": "p", "fileMode": 0o666}, {"path": "/dev/null", "type": "c", "major": 1, "minor": 3}]
p["cwd"] = "/cwd/x"
sh("umask; touch /f; stat -c \"%a %u:%g %n\" /f /new /new/dir /newf /devs /devs/p /cwd /mnt /root")'
	umask 022
	is "$output" "0022
644 0:0 /f
755 0:0 /new
1777 0:0 /new/dir
755 0:0 /newf
755 0:0 /devs
666 0:0 /devs/p
755 0:0 /cwd
700 5:6 /mnt
$(stat -c %a "$T/r/root") 0:0 /root"
	run -255 look 'l["devices"] = [{"path": "/etc/passwd", "type": "c", "major": 1, "minor": 3}]'
	has "$output" 'linux.devices[0]: '
	run -255 look 'l["devices"] = [{"path": "/dev/x", "type": "z", "major": 1, "minor": 3}]'
	has "$output" 'linux.devices[0].type: '
}

@test "F29, F35: a single id: setgroups is denied, gid=5 is dropped, devices are there" {
	run -0 look "l['uidMappings'] = [{'containerID': 0, 'hostID': $(id -u), 'size': 1}]
l['gidMappings'] = [{'containerID': 0, 'hostID': $(id -g), 'size': 1}]
for x in m:
    if x['destination'] == '/dev/pts': x['options'].append('gid=5')
sh('cat /proc/self/setgroups; stat -c %t:%T /dev/null; grep -c \" /dev/pts .*gid=5\" /proc/self/mounts; exit 0')"
	is "$output" $'deny\n1:3\n0'
	run -255 look "l['uidMappings'] = l['gidMappings'] = [{'containerID': 0, 'hostID': 0, 'size': 1}]"
	has "$output" 'linux.uidMappings[0]: host id 0 is not in your subuid range'
	run -255 look 'p["user"] = {"uid": 4000000000, "gid": 0}'
	has "$output" 'process.user.uid: uid 4000000000 is not mapped'
	# without a user namespace in config.json there is one all the same
	run -0 look 'l["namespaces"] = [n for n in l["namespaces"] if n["type"] != "user"]; sh("wc -l < /proc/self/uid_map; id -u")'
	is "$output" $'2\n0'
}

@test "F31: pipes become the process's own, files and sockets stay whose they are" {
	changed "$T/b" 'p["user"] = {"uid": 7, "gid": 7}; sh("echo to > /dev/stdout; cat /dev/stdin > /dev/stderr")'
	is "$(echo in | oci run -b "$T/b" f1 2>&1 | cat)" $'to\nin'
	changed "$T/b" 'p["user"] = {"uid": 7, "gid": 7}; sh("echo to; cat; exec sleep 1000")'
	echo in > "$T/in"
	oci create -b "$T/b" f1 < "$T/in" > "$T/out" 2>&1
	oci start f1
	eventually grep -q in "$T/out"
	is "$(cat "$T/out")" $'to\nin'
	is "$(stat -c %u:%a "$T/out" "$T/in")" "$(id -u):644"$'\n'"$(id -u):644"
	is "$(oci exec f1 sh -c 'echo again > /dev/stdout' < /dev/null | cat)" again
	oci delete -f f1
	run -0 python3 - "$T" <<- 'END'
		import socket, subprocess, sys
		a, b = socket.socketpair()
		a.sendall(b"in")
		a.shutdown(socket.SHUT_WR)
		oci = ["cattach", "oci", "--root", sys.argv[1] + "/root"]
		subprocess.run(oci + ["create", "-b", sys.argv[1] + "/b", "f2"], stdin=b, stdout=b, stderr=b, check=True)
		subprocess.run(oci + ["start", "f2"], check=True)
		b.close()
		text = b""
		while b"in" not in text:
		    text += a.recv(100)
		assert text == b"to\nin", text
	END
}

@test "F32: run -t needs no terminal of ours, and has the size that config.json says" {
	changed "$T/b" 'p["terminal"] = True; p["consoleSize"] = {"height": 12, "width": 34}
sh("tty; stty size; read x; echo got $x; exit 6")'
	run -6 oci run -b "$T/b" f1 <<< in
	has "$output" /dev/pts/0
	has "$output" '12 34'
	has "$output" 'got in'
}

@test "F36: what cannot be joined is told by its place" {
	run -255 look 'l["namespaces"].append({"type": "mount"})'
	has "$output" 'linux.namespaces[7].type: mount listed twice'
	run -255 look 'l["namespaces"].append({"type": "zork"})'
	has "$output" 'linux.namespaces[7].type: unknown value "zork"'
	run -255 look 'join("uts", "relative/path")'
	has "$output" 'linux.namespaces[6].path'
	run -255 look 'l["namespaces"] = [n for n in l["namespaces"] if n["type"] != "uts"]'
	has "$output" 'hostname: needs a UTS namespace'
}

@test "F38: without a cgroup a limit is a clear error, and what is no limit is nothing" {
	run -0 look 'l["cgroupsPath"] = "/some/where"; l["resources"] = {"pids": {"limit": 0}, "cpu": {}}; sh("echo ran")'
	has "$output" ran
	run -255 look 'l["cgroupsPath"] = "../up"'
	has "$output" 'linux.cgroupsPath: must not contain ".."'
}

@test "F39: a limit of a few descriptors is as given, and enough" {
	run -0 look 'p["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 4, "hard": 5}]; sh("ulimit -n; ulimit -Hn")'
	is "$output" $'4\n5'
	changed "$T/b" 'p["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 4, "hard": 5}]; args("sleep", "1000")'
	make f1
	oci start f1
	is "$(oci exec f1 sh -c 'ulimit -n; ulimit -Hn')" $'4\n5'
}

@test "F2: a stranger who has got the pid of the first process is not it, and is left alone" {
	local own stranger
	changed "$T/b" 'args("sleep", "1000")'
	make f2
	oci start f2
	own=$(cat "$T/pid")
	# The kernel tells when a process was started in hundredths of a second.
	sleep 0.05
	sleep 1000 3>&- &
	stranger=$!
	python3 - "$T/root/f2" "$own" "$stranger" <<- 'END'
		import sys
		directory, own, stranger = sys.argv[1:]
		for name in "process", "status":
		    text = open(f"{directory}/{name}").read()
		    changed = text.replace(own + " ", stranger + " ", 1) if name == "process" else \
		        text.replace(f'"pid":{own},', f'"pid":{stranger},').rstrip().ljust(len(text))
		    assert changed != text
		    open(f"{directory}/{name}", "w").write(changed)
	END
	is "$(status f2)" stopped
	run -1 oci kill f2 KILL
	has "$output" 'container not running'
	run -255 oci exec f2 true
	oci delete f2
	kill "$stranger"
	kill -KILL "$own"
}
