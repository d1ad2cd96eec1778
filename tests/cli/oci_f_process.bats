#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# What hand-written runtimes get wrong, continued: the process, its end, what it leaves behind, and what it
# is given. The numbers are those of docs/oci.md.

load helpers
load oci_look

HOST_PIDS='l["namespaces"] = [n for n in l["namespaces"] if n["type"] != "pid"]'

# Who has lost its parents in two ways, and has children of its own; the first process ends before them.
LEFT='mkfifo /dev/shm/f; (sleep 1000 & (setsid sh -c "sleep 1001 & echo up; wait" &); wait) > /dev/shm/f & read up < /dev/shm/f; exit 5'

no_cgroup() { cattach oci --root "$T/root" --cgroup-manager disabled "$@"; }

# left: processes of this test that are in a container
left()
{
	local pid mounts
	for pid in $(marked_processes); do
		# one of our own subshells may be gone already
		mounts=$(readlink "/proc/$pid/ns/mnt") || continue
		[ "$mounts" = "$(readlink /proc/self/ns/mnt)" ] || echo "$pid"
	done 2> /dev/null
}

# alive COMMAND-LINE: the pid of such a process of this test
alive()
{
	local pid
	for pid in $(marked_processes); do
		[ "$(tr '\0' ' ' < "/proc/$pid/cmdline")" != "$1 " ] || echo "$pid"
	done 2> /dev/null | grep .
}

@test "F1: a container that waits, and one that runs, ends by every spelling of a signal" {
	local signal
	changed "$T/b" 'sh("echo up; while :; do sleep 0.02; done")'
	for signal in KILL SIGKILL 9 kill; do
		make f1
		oci kill f1 "$signal"
		until_status f1 stopped
		oci delete f1
		make f1
		oci start f1
		eventually grep -q up "$T/out"
		oci kill f1 "$signal"
		until_status f1 stopped
		oci delete f1
	done
}

@test "F10: who is ended by a signal has 128 and its number, in run and in exec" {
	local pid code=0
	changed "$T/b" 'sh("echo up; while :; do sleep 0.02; done")'
	oci run -b "$T/b" f1 > "$T/out" < /dev/null 3>&- &
	pid=$!
	eventually grep -q up "$T/out"
	run -137 oci exec f1 sh -c 'kill -9 $$'
	run -143 oci exec f1 sh -c 'kill -TERM $$'
	oci kill f1 KILL
	wait $pid || code=$?
	is $code 137
}

@test "F12: run ends and reaps what is left of a container without a pid namespace and a cgroup" {
	changed "$T/b" "$HOST_PIDS" "sh('''$LEFT''')"
	run -5 no_cgroup run -b "$T/b" f1 < /dev/null
	is "$(left)" ""
	run -0 no_cgroup list -q
	is "$output" ""
	# and when it is kept: who has stopped has no processes
	run -5 no_cgroup run --keep -b "$T/b" f1 < /dev/null
	is "$(left)" ""
	is "$(status f1)" stopped
	# a start that fails late leaves no more than others
	changed "$T/b" "$HOST_PIDS" "sh('''$LEFT''')" \
		'c["hooks"] = {"poststart": [{"path": "/bin/sh", "args": ["sh", "-c", "echo no; exit 1"]}]}'
	run -255 no_cgroup run -b "$T/b" f2 < /dev/null
	has "$output" 'hooks.poststart[0]'
	is "$(left)" ""
}

@test "F12: what is not the container's lives on: daemons of hooks, and all of it with --no-subreaper" {
	local left hook='{"path": "/bin/sh", "args": ["sh", "-c", "setsid sleep %d > /dev/null 2>&1 < /dev/null & exit 0"], "env": ["PATH=/bin:/usr/bin"]}'
	changed "$T/b" "$HOST_PIDS" "sh('sleep 2001 & exit 0')" \
		"hook = '''$hook'''; c['hooks'] = {'createRuntime': [json.loads(hook % 2002)], 'poststart': [json.loads(hook % 2003)]}"
	no_cgroup run -b "$T/b" f1 < /dev/null
	alive 'sleep 2002'
	alive 'sleep 2003'
	run ! alive 'sleep 2001'
	# nor are children that our caller has made
	changed "$T/b" "$HOST_PIDS" "sh('sleep 2004 & exit 0')"
	bash -c 'sleep 2005 & exec cattach oci --root "$1/root" --cgroup-manager disabled run -b "$1/b" f1' \
		bash "$T" < /dev/null > /dev/null 3>&-
	alive 'sleep 2005'
	run ! alive 'sleep 2004'
	no_cgroup run --no-subreaper -b "$T/b" f1 < /dev/null
	alive 'sleep 2004'
	for left in 2002 2003 2004 2005; do
		kill -9 "$(alive "sleep $left")"
	done
}

@test "F13, F14: a hook has the name that it is given, and its own; annotations are in the state" {
	changed "$T/b" 'c["annotations"] = {"org.example/k": "v", "empty": ""}
c["hooks"] = {"createRuntime": [{"path": "/bin/sh", "args": ["its own name", "-c", "tr \\\\0 , < /proc/$$/cmdline > '"$T"'/named; env >> '"$T"'/named"], "env": ["A=B"]},
    {"path": "/bin/true"}]}' 'args("true")'
	make f1
	has "$(head -n 1 "$T/named")" 'its own name,-c,'
	is "$(sed 1d "$T/named" | grep -v '^PWD=\|^SHLVL=\|^_=')" ""
	oci state f1 | python3 -c '
import json, sys
assert json.load(sys.stdin)["annotations"] == {"org.example/k": "v", "empty": ""}'
}

# allow NAMES PYTHON...: everything but these is an error
allow()
{
	local names=$1
	shift
	changed "$T/b" "l['seccomp'] = {'defaultAction': 'SCMP_ACT_ERRNO', 'syscalls': [{'names': '$names'.split(), 'action': 'SCMP_ACT_ALLOW'}]}" \
		"mount('/mnt', 'none', '$CT_PROBES', ['bind', 'ro'])" "$@"
}

@test "F18: what is newer than the filter is ENOSYS on each of its architectures, what it refuses EPERM, or defaultErrnoRet" {
	local names='execve arch_prctl brk read write writev close fstat newfstatat mmap mprotect munmap exit exit_group getpid getuid prctl prlimit64 getrandom rseq set_tid_address set_robust_list readlink readlinkat ioctl statx'
	[ "$(uname -m)" = x86_64 ] || skip "the numbers are those of x86-64"
	# newer than statx (332), older (chroot), the highest; the same of i386 (383, 61) and x32 (530, 161)
	allow "$names" 'args("/mnt/call", "435", "161", "99999", "0x40000258", "i386:435", "i386:61", "i386:99999", "i386:20")'
	run -0 oci run -b "$T/b" f1 < /dev/null
	is "$output" "ENOSYS EPERM ENOSYS EPERM ENOSYS EPERM ENOSYS 0"
	allow "$names" 'l["seccomp"]["architectures"] = ["SCMP_ARCH_X86", "SCMP_ARCH_X86_64", "SCMP_ARCH_X32"]
args("/mnt/call", "435", "161", "0x40000258", "0x400000a1", "i386:435", "i386:61", "i386:20")'
	run -0 oci run -b "$T/b" f1 < /dev/null
	is "$output" "ENOSYS EPERM ENOSYS EPERM ENOSYS EPERM 0"
	allow "$names" 'l["seccomp"]["defaultErrnoRet"] = 7; args("/mnt/call", "435", "161", "i386:435", "i386:61", "i386:20")'
	run -0 oci run -b "$T/b" f1 < /dev/null
	is "$output" "E2BIG E2BIG E2BIG E2BIG 0"
}

@test "F30, F33: the program is found by the PATH that it gets, has a HOME, no console that nobody asked for, and the caller's score" {
	mkdir "$T/bin"
	printf '#!/bin/sh\necho found by "$PATH"\n' > "$T/bin/only-here"
	chmod 755 "$T/bin" "$T/bin/only-here" "$T"
	run -0 look "mount('/mnt', 'none', '$T/bin', ['bind'])" 'p["env"] = ["PATH=/nowhere:/mnt"]; args("only-here")'
	is "$output" 'found by /nowhere:/mnt'
	run -255 look 'p["env"] = ["PATH=/nowhere"]; args("sh")'
	has "$output" 'sh'
	run -0 look 'p["consoleSize"] = {"height": 5, "width": 6}' 'p["env"] += ["X=1", "X=", "X=2"]; p["user"] = {"uid": 33, "gid": 33}
sh("echo $HOME $X; env | grep -c ^X=; test -e /dev/console || echo none; cat /proc/self/oom_score_adj")'
	is "$output" $'/var/www 2\n1\nnone\n'"$(cat /proc/self/oom_score_adj)"
	run -0 look 'p["env"] += ["HOME="]; p["user"] = {"uid": 4321, "gid": 33}; c["domainname"] = "example"
sh("echo $HOME; cat /proc/sys/kernel/domainname")'
	is "$output" $'/\nexample'
	run -0 look 'p["env"] += ["HOME=/given"]; sh("echo $HOME")'
	is "$output" /given
}

@test "F32: exec has the size that its process file says, and a terminal of the container's devpts" {
	changed "$T/b" 'args("sleep", "1000")'
	make f1
	oci start f1
	cat > "$T/process.json" <<- END
		{ "args": ["sh", "-c", "tty; stty size; echo end"], "cwd": "/", "env": ["PATH=/bin:/usr/bin"],
		  "user": { "uid": 0, "gid": 0 }, "terminal": true, "consoleSize": { "height": 21, "width": 43 } }
	END
	listen "$T/console" end
	oci exec --process "$T/process.json" --detach --console-socket "$T/console" f1 < /dev/null
	wait "$LISTENER"
	is "$(cat "$T/console.out")" $'/dev/pts/0\n21 43\nend'
}

@test "what cannot be is an error of both faces, and nothing is left of it" {
	local change text
	while IFS='|' read -r change text; do
		changed "$T/b" "$change"
		run -1 oci create -b "$T/b" f1 < /dev/null
		has "$output" "$text"
		is "$(ls -A "$T/root")" ""
		refused 125 "$text" cattach run "$T/b"
	done <<- 'END'
		c["root"]["path"] = "/no/such/root"|/no/such/root
		mount("/mnt", "nosuchfs", "none")|mounts[6]: nosuchfs: file system not known to kernel
		mount("/mnt", "bind", "/etc")|a bind mount needs the option bind or rbind
		mount("/mnt", None, "/etc")|mounts[6]: neither a type nor the option bind or rbind
		mount("/mnt", "none", "/no/such", ["bind"])|mounts[6]: 
		mount("/mnt", "none", "/etc", ["bind", "tmpcopyup"])|mounts[6]: tmpcopyup works on a tmpfs only
		p["oomScoreAdj"] = -900|process.oomScoreAdj: cannot be set to -900
		p["apparmorProfile"] = "nobody-has-it"|process.apparmorProfile: 
		c["domainname"] = "x"; l["namespaces"] = [n for n in l["namespaces"] if n["type"] != "uts"]; del c["hostname"]|domainname: needs a UTS namespace
		l["resources"] = {"memory": {"limit": 67108864}}|linux.resources.memory.limit
	END
	changed "$T/b"
	run -1 oci state
	run -1 oci create -b "$T/b"
	run -1 oci start nobody
	has "$output" 'container does not exist'
}
