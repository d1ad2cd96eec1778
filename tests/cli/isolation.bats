#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# What separates a container from its host, as seen from inside, and what config.json says about
# namespaces, mounts and the process.

load helpers

# in_bundle COMMAND PYTHON...: run a shell command in a bundle that the PYTHONs change.
in_bundle()
{
	COMMAND=$1 bundle "$T/bundle" 'import os; sh(os.environ["COMMAND"])' "${@:2}"
	cattach run --rm "$T/bundle"
}

KINDS="user mnt pid net ipc uts cgroup"

# ---- namespaces --------------------------------------------------------------------------------

@test "the command is pid 1 of a container" {
	is "$(inside sh -c 'echo $$')" 1
	# The shell itself, which starts nothing for this, and nobody else.
	is "$(inside sh -c 'echo /proc/[0-9]*')" /proc/1
}

@test "all seven namespaces are its own" {
	local kind
	inside sh -c "cd /proc/self/ns; for kind in $KINDS; do readlink \$kind; done" > "$T/ns"
	is "$(wc -l < "$T/ns")" 7
	for kind in $KINDS; do
		if grep -qxF "$(readlink "/proc/self/ns/$kind")" "$T/ns"; then
			echo "the $kind namespace is the host's"
			return 1
		fi
	done
}

@test "two containers share no namespace" {
	inside sh -c "cd /proc/self/ns; for kind in $KINDS; do readlink \$kind; done; sleep 1" \
		> "$T/one" 3>&- &
	inside sh -c "cd /proc/self/ns; for kind in $KINDS; do readlink \$kind; done; sleep 1" > "$T/two"
	wait $!
	is "$(sort -u "$T/one" "$T/two" | wc -l)" 14
}

@test "namespaces of a running container can be joined by path" {
	local kind pid
	start "$N" --hostname joined "$R" sleep 100
	pid=$(state "$N" Pid)
	run -0 in_bundle "cd /proc/self/ns; for kind in $KINDS; do readlink \$kind; done; hostname" \
		"for kind, file in dict(user='user', pid='pid', network='net', ipc='ipc', uts='uts',
			cgroup='cgroup').items(): join(kind, f'/proc/$pid/ns/{file}')" \
		"del c['hostname']"
	for kind in user pid net ipc uts cgroup; do
		has "$output" "$(readlink "/proc/$pid/ns/$kind")"
	done
	[[ $output != *"$(readlink "/proc/$pid/ns/mnt")"* ]]
	is "${lines[7]}" joined
	# The joined container goes on, and is the only one.
	is "$(cattach ps -aq --no-trunc)" "$ID"
	is "$(state "$N" Status)" running
}

@test "some namespaces can be joined and others made" {
	local pid
	start "$N" "$R" sleep 100
	pid=$(state "$N" Pid)
	run -0 in_bundle 'readlink /proc/self/ns/net; readlink /proc/self/ns/uts; hostname; echo $$' \
		"join('user', '/proc/$pid/ns/user'); join('network', '/proc/$pid/ns/net')"
	is "${lines[0]}" "$(readlink "/proc/$pid/ns/net")"
	[ "${lines[1]}" != "$(readlink "/proc/$pid/ns/uts")" ]
	is "${lines[2]} ${lines[3]}" "bundle 1"
}

@test "a namespace that cannot be joined is named" {
	local pid
	start "$N" "$R" sleep 100
	pid=$(state "$N" Pid)
	refused 125 "linux.namespaces[6].path: /proc/$pid/ns/uts is a uts namespace, not ipc" \
		in_bundle true "join('ipc', '/proc/$pid/ns/uts')"
	refused 125 "linux.namespaces[6].path: /nope: No such file or directory" \
		in_bundle true "join('ipc', '/nope')"
	refused 125 "linux.namespaces[6].path: /etc/passwd is not a namespace" \
		in_bundle true "join('ipc', '/etc/passwd')"
	refused 125 "linux.namespaces[6].path: cannot join the uts namespace" \
		in_bundle true "join('uts', '/proc/$pid/ns/uts'); del c['hostname']"
}

# ---- what the process has ----------------------------------------------------------------------

@test "the bounding set is the eleven documented capabilities" {
	run -0 inside grep -E '^(Cap|Seccomp:|NoNewPrivs)' /proc/self/status
	# chown dac_override fowner fsetid kill net_bind_service setfcap setgid setpcap setuid sys_chroot
	is "$output" "CapInh:	0000000000000000
CapPrm:	00000000800405fb
CapEff:	00000000800405fb
CapBnd:	00000000800405fb
CapAmb:	0000000000000000
NoNewPrivs:	0
Seccomp:	2"
}

@test "only descriptors 0 to 2 are open" {
	# The last one is of ls itself.
	is "$(inside ls /proc/self/fd)" $'0\n1\n2\n3'
	is "$(inside readlink /proc/self/fd/0)" /dev/null
	matches "$(inside readlink /proc/self/fd/1)" 'pipe:\[[0-9]+\]'
	is "$(cattach run --rm -t "$R" ls -1 /proc/self/fd | tr -d '\r')" $'0\n1\n2\n3'
}

@test "the session, the process group and the parent are the container's" {
	# pid (comm) state ppid pgrp session
	is "$(inside sh -c 'cut -d " " -f 4-6 /proc/1/stat')" "0 1 1"
}

@test "it starts with clean signals" {
	run -0 inside grep -E '^Sig(Blk|Ign|Cgt)' /proc/self/status
	is "$output" $'SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\nSigCgt:\t0000000000000000'
}

@test "/dev has six devices and no other" {
	is "$(inside sh -c 'cd /dev; for f in *; do [ ! -c $f ] || [ -L $f ] || stat -c "%n %t:%T" $f; done')" \
		$'full 1:7\nnull 1:3\nrandom 1:8\ntty 5:0\nurandom 1:9\nzero 1:5'
	is "$(inside sh -c 'cd /dev; ls -d */')" $'fd/\nmqueue/\npts/\nshm/'
	is "$(inside find /dev -type b)" ""
	is "$(inside readlink /dev/ptmx)" pts/ptmx
	is "$(inside sh -c 'echo x > /dev/null; head -c 1 /dev/zero | wc -c; echo y > /dev/stderr' 2>&1)" \
		$'1\ny'
}

@test "masked paths are empty" {
	local path
	for path in acpi asound interrupts kcore keys latency_stats sched_debug scsi timer_list \
		timer_stats; do
		run inside sh -c "[ ! -e /proc/$path ] || find /proc/$path -mindepth 1; cat /proc/$path"
		[[ $output == "" || $output == *"Is a directory"* || $output == *"No such file"* ]]
	done
	for path in /sys/firmware /sys/devices/virtual/powercap /sys/fs/selinux; do
		run inside ls -A $path
		[[ $output == "" || $output == *"No such file"* ]]
	done
}

@test "read-only paths cannot be written" {
	local path
	for path in bus fs irq sys; do
		[ ! -e /proc/$path ] || inside cat /proc/self/mounts |
			grep -q "^proc /proc/$path proc ro,"
	done
	run -1 inside sh -c 'echo x > /proc/sys/kernel/hostname'
	has "$output" "Read-only file system"
	run -1 inside sh -c 'echo x > /proc/sysrq-trigger'
	run -1 inside touch /sys/x
	has "$output" "Read-only file system"
	run -1 inside mkdir /sys/fs/cgroup/x
	has "$output" "Read-only file system"
}

@test "paths of the host are not reachable" {
	local root='/.. /proc/1/root /proc/1/root/.. /proc/self/cwd/.. /dev/../..'
	local list="for p in $root; do ls -A \$p | tr '\\n' ' '; echo; done | sort -u | wc -l"
	is "$(inside sh -c "$list")" 1
	is "$(cattach run --rm "$R:O" sh -c "$list")" 1
	is "$(cattach run --rm --rootfs /:O sh -c "$list")" 1
	is "$(cattach run --rm "$CT_BUNDLES/hello" sh -c "$list")" 1
	run -1 inside ls "$T"
	is "$(cattach run --rm "$R:O" sh -c "ls -d /..$T /../..$T" 2> /dev/null || true)" ""
	is "$(cattach run --rm --rootfs /:O sh -c "echo x > /../tmp/$N"; ls "/tmp/$N" 2>&1 || true)" \
		"ls: cannot access '/tmp/$N': No such file or directory"
}

@test "the mount table shows nothing of the host" {
	local target
	run -0 inside cut -d ' ' -f 2 /proc/self/mounts
	for target in "${lines[@]}"; do
		[[ $target =~ ^/$|^/(proc|sys|dev)(/|$) ]] || {
			echo "mounted: $target"
			return 1
		}
	done
}

# ---- mounts of config.json ---------------------------------------------------------------------

# optional FIELDS of the line for /mnt in mountinfo: "shared:N", "unbindable", ...
optional() { in_bundle 'awk "\$5 == \"/mnt\" { for (i = 7; \$i != \"-\"; i++) print \$i }" /proc/self/mountinfo' "$@"; }
root_optional() { in_bundle 'awk "\$5 == \"/\" { for (i = 7; \$i != \"-\"; i++) print \$i }" /proc/self/mountinfo' "$@"; }

@test "a mount has the propagation that it asks for" {
	local value
	for value in private rprivate slave rslave; do
		is "$(optional "mount('/mnt', 'bind', '$T', ['rbind', '$value'])")" ""
	done
	for value in shared rshared; do
		matches "$(optional "mount('/mnt', 'bind', '$T', ['rbind', '$value'])")" 'shared:[0-9]+'
	done
	for value in unbindable runbindable; do
		is "$(optional "mount('/mnt', 'bind', '$T', ['rbind', '$value'])")" unbindable
	done
	matches "$(optional "mount('/mnt', 'tmpfs', 'tmpfs', ['shared'])")" 'shared:[0-9]+'
}

@test "the root has the propagation that it asks for" {
	local value
	for value in private rprivate slave rslave; do
		is "$(root_optional "l['rootfsPropagation'] = '$value'")" ""
	done
	matches "$(root_optional "l['rootfsPropagation'] = 'shared'")" 'shared:[0-9]+'
	matches "$(root_optional "l['rootfsPropagation'] = 'rshared'")" 'shared:[0-9]+'
	is "$(root_optional "l['rootfsPropagation'] = 'unbindable'")" unbindable
	# A mount of its own keeps what it asked for.
	matches "$(optional "l['rootfsPropagation'] = 'rprivate'" \
		"mount('/mnt', 'bind', '$T', ['rbind', 'shared'])")" 'shared:[0-9]+'
}

@test "what the host mounts later appears where it was asked for, and nowhere else" {
	unshare -Urm true 2> /dev/null || skip "unshare -Urm does not work here"
	mkdir "$T/source"
	bundle "$T/bundle" "mount('/mnt', 'bind', '$T/source', ['rbind', 'rslave'])" \
		"mount('/media', 'bind', '$T/source', ['rbind'])" \
		"sh('echo ready; read x; ls /mnt/later /media/later')"
	mkdir "$T/source/later"
	mkfifo "$T/in"
	run unshare -Urm --propagation shared bash -c '
		mount --bind "$1/source" "$1/source"
		exec 9<> "$1/in"
		cattach run --rm -i "$1/bundle" < "$1/in" > "$1/out" 2>&1 9>&- &
		until grep -q ready "$1/out"; do sleep 0.05; done
		mount -t tmpfs tmpfs "$1/source/later"
		touch "$1/source/later/file"
		echo >&9
		wait $!' - "$T"
	is "$(cat "$T/out")" $'ready\n/media/later:\n\n/mnt/later:\nfile'
}

@test "options that hold for the whole tree below a mount" {
	local options
	mkdir "$T/source"
	options=$(in_bundle 'grep " /mnt " /proc/self/mounts' \
		"mount('/mnt', 'bind', '$T/source', ['rbind', 'rro', 'rnosuid', 'rnodev', 'rnoexec'])")
	has "$options" " ro,nosuid,nodev,noexec,"
	run -1 in_bundle 'touch /mnt/x' "mount('/mnt', 'bind', '$T/source', ['rbind', 'rro'])"
	has "$output" "Read-only file system"
	# Below it, too: /proc/sys of the host is a mount on some hosts, so take one of our own.
	unshare -Urm true 2> /dev/null || return 0
	mkdir "$T/source/below"
	bundle "$T/bundle" "sh('touch /mnt/x /mnt/below/x')" \
		"mount('/mnt', 'bind', '$T/source', ['rbind', 'rro'])"
	run unshare -Urm bash -c 'mount -t tmpfs tmpfs "$1/source/below"
		cattach run --rm "$1/bundle"' - "$T"
	is "$output" $'touch: /mnt/x: Read-only file system\ntouch: /mnt/below/x: Read-only file system'
	bundle "$T/bundle" "sh('touch /mnt/x; touch /mnt/below/x && echo written')" \
		"mount('/mnt', 'bind', '$T/source', ['rbind', 'ro'])"
	run unshare -Urm bash -c 'mount -t tmpfs tmpfs "$1/source/below"
		cattach run --rm "$1/bundle"' - "$T"
	# Two streams: their order is that of reading them.
	is "$(sort <<< "$output")" $'touch: /mnt/x: Read-only file system\nwritten'
}

@test "options of one mount" {
	local option
	# The kernel locks how access times are kept on the host's mounts.
	for option in ro nosuid nodev noexec noatime nodiratime; do
		has "$(in_bundle 'grep " /mnt " /proc/self/mounts' \
			"mount('/mnt', 'tmpfs', 'tmpfs', ['$option'])")" "$option"
	done
	for option in ro nosuid nodev noexec; do
		has "$(in_bundle 'grep " /mnt " /proc/self/mounts' \
			"mount('/mnt', 'bind', '$T', ['bind', '$option'])")" "$option"
	done
	has "$(in_bundle 'grep " /mnt " /proc/self/mounts' \
		"mount('/mnt', 'tmpfs', 'tmpfs', ['size=1m', 'mode=711', 'nr_inodes=99'])")" \
		"size=1024k,nr_inodes=99,mode=711"
	run -126 in_bundle /mnt/busybox "mount('/mnt', 'bind', '$R/bin', ['bind', 'noexec'])" \
		"args('/mnt/busybox')"
}

@test "tmpcopyup fills a tmpfs with what it hides" {
	is "$(in_bundle 'cat /etc/hostname; touch /etc/new; ls /etc | wc -l' \
		"mount('/etc', 'tmpfs', 'tmpfs', ['tmpcopyup'])")" \
		"$(cat "$R/etc/hostname")"$'\n'$(($(find "$R/etc" -mindepth 1 -maxdepth 1 | wc -l) + 1))
	[ ! -e "$R/etc/new" ]
	run -1 in_bundle 'cat /etc/hostname; touch /etc/new' \
		"mount('/etc', 'tmpfs', 'tmpfs', ['tmpcopyup', 'ro'])"
	has "$output" "Read-only file system"
	is "${lines[0]}" "$(cat "$R/etc/hostname")"
}

# ---- the process of config.json ----------------------------------------------------------------

@test "host name and domain name" {
	is "$(in_bundle 'hostname; cat /proc/sys/kernel/domainname' \
		"c['hostname'] = 'some-host'; c['domainname'] = 'some.domain'")" $'some-host\nsome.domain'
}

@test "personality" {
	case $(uname -m) in
	x86_64) is "$(in_bundle 'uname -m' "l['personality'] = {'domain': 'LINUX32'}")" i686 ;;
	*) skip "what LINUX32 shows is known here for x86-64 only" ;;
	esac
	is "$(in_bundle 'uname -m' "l['personality'] = {'domain': 'LINUX'}")" x86_64
}

@test "umask, limits, OOM score, sysctls" {
	is "$(in_bundle umask "p['user']['umask'] = 0o27")" 0027
	is "$(in_bundle 'ulimit -Sn; ulimit -Hn' \
		"p['rlimits'] = [{'type': 'RLIMIT_NOFILE', 'soft': 33, 'hard': 44}]")" $'33\n44'
	is "$(in_bundle 'cat /proc/self/oom_score_adj' "p['oomScoreAdj'] = 300")" 300
	is "$(in_bundle 'cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shmmax' \
		"l['sysctl'] = {'net.ipv4.ip_forward': '1', 'kernel.shmmax': '7777'}")" $'1\n7777'
}

@test "scheduler and I/O priority" {
	is "$(in_bundle 'cut -d " " -f 19,41 /proc/self/stat' \
		"p['scheduler'] = {'policy': 'SCHED_BATCH', 'nice': 19}")" "19 3"
	is "$(in_bundle 'ionice -p $$' \
		"p['ioPriority'] = {'class': 'IOPRIO_CLASS_IDLE', 'priority': 0}")" idle
}

@test "user, groups, environment and working directory" {
	is "$(in_bundle 'id -u; id -g; pwd; echo $A' "p['cwd'] = '/tmp'; p['env'].append('A=1')")" \
		$'0\n0\n/tmp\n1'
	grep -q "^$(id -un):" /etc/subuid || skip "this user has no subordinate ids"
	is "$(in_bundle 'id -u; id -G' \
		"p['user'] = {'uid': 1000, 'gid': 33, 'additionalGids': [5, 6]}")" $'1000\n33 5 6'
}

@test "capability sets of config.json" {
	is "$(in_bundle 'grep Cap /proc/self/status | cut -f 2 | xargs' \
		"p['capabilities'] = dict(bounding=['CAP_KILL'], permitted=['CAP_KILL'], effective=[])")" \
		"0000000000000000 0000000000000020 0000000000000020 0000000000000020 0000000000000000"
	is "$(in_bundle 'grep -E "Cap(Prm|Eff|Amb|Inh)" /proc/self/status | cut -f 2 | sort -u' \
		"for s in ('ambient', 'inheritable'): p['capabilities'][s] = ['CAP_KILL']" \
		"p['user'] = {'uid': 1000, 'gid': 1000}")" "0000000000000020"
	is "$(in_bundle 'grep Cap /proc/self/status | cut -f 2 | sort -u' \
		"del p['capabilities']")" "0000000000000000"
}

@test "no_new_privs is as config.json says" {
	is "$(in_bundle 'grep NoNewPrivs /proc/self/status' "p['noNewPrivileges'] = True")" \
		$'NoNewPrivs:\t1'
	is "$(in_bundle 'grep NoNewPrivs /proc/self/status' "p['noNewPrivileges'] = False")" \
		$'NoNewPrivs:\t0'
}

@test "a terminal has the size that config.json says where there is no other" {
	is "$(in_bundle 'stty size; tty' \
		"p['terminal'] = True; p['consoleSize'] = {'height': 11, 'width': 22}" < /dev/null |
		tr -d '\r')" $'11 22\n/dev/pts/0'
}

@test "a device of the host that config.json asks for" {
	is "$(in_bundle 'stat -c %t:%T /dev/zero2' "l['devices'] = [dict(path='/dev/zero', type='c',
		major=1, minor=5)]" "mount('/dev/zero2', 'bind', '/dev/zero', ['bind'])")" 1:5
	refused 125 "/dev/nope" in_bundle true \
		"l['devices'] = [dict(path='/dev/nope', type='c', major=1, minor=5)]"
}
