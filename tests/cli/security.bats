#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# What hostile root file systems, configurations and payloads try: the ways out of containers that
# were found elsewhere over the years, one by one. That the canaries on the host are as they were
# is checked after each test.

load helpers

# hostile [PYTHON...]: a bundle in $T/bundle on a root file system of its own, $T/root.
hostile()
{
	bundle "$T/bundle" "c['root'] = {'path': '$T/root'}" "$@"
}

without_dev="unmount('/dev', '/dev/pts', '/dev/shm', '/dev/mqueue')"

# ---- links in the root file system -------------------------------------------------------------

@test "mounts through links stay inside" {
	rootfs "$T/root"
	ln -s /etc "$T/root/absolute"
	ln -s ../../../../.. "$T/root/up"
	ln -s "$CANARY" "$T/root/canary"
	run -0 cattach run --rm -v "$T:/absolute/x" -v "$T:/up/y" -v /etc/passwd:/up/file \
		-v "$T:/canary/z" --tmpfs /up/../../t "$T/root" \
		sh -c "cut -d ' ' -f 2 /proc/self/mounts | grep -v -e ^/dev -e ^/proc -e ^/sys | sort"
	is "$output" "$(printf '%s\n' / /etc/x /file /t "$CANARY/z" /y | LC_ALL=C sort)"
	[ -d "$T/root/etc/x" ]
	[ -d "$T/root/y" ]
	[ ! -e /etc/x ]
}

@test "masks, read-only paths and the working directory stay inside, too" {
	rootfs "$T/root"
	ln -s "$CANARY" "$T/root/canary"
	ln -s ../../../../.. "$T/root/up"
	is "$(cattach run --rm --security-opt mask=/up/etc "$T/root" ls -A /etc)" ""
	is "$(cattach run --rm -w /up/made "$T/root" pwd)" /made
	is "$(cattach run --rm -w /canary/made "$T/root" pwd)" "$CANARY/made"
	[ -d "$T/root$CANARY/made" ]
	[ ! -e "$CANARY/made" ]
	hostile "l['maskedPaths'].append('/canary'); l['readonlyPaths'].append('/up/etc')" \
		"sh('touch /etc/x; ls -A /canary')"
	run cattach run --rm "$T/bundle"
	has "$output" "/etc/x: Read-only file system"
}

@test "a neighbour that exchanges directories for links wins nothing in a hundred starts" {
	local i code ok=0
	rootfs "$T/root"
	mkdir -p "$T/root/v/dir/sub" "$T/root/v/real"
	ln -s "$CANARY" "$T/root/v/link"
	"$CT_PROBES/exchange" "$T/root/v" dir link 3>&- &
	for ((i = 0; i < 50; i++)); do
		code=0
		cattach run --rm -v "$T/root/v/real:/v/dir/sub" --tmpfs /v/dir/new "$T/root" true \
			2> "$T/err" || code=$?
		[ $code -eq 0 ] || grep -q "changed while\|does not exist\|not a directory\|cannot" "$T/err"
		ok=$((ok + (code == 0)))
	done
	kill $!
	wait $! || true
	# The same with the source.
	ln -s "$CANARY" "$T/source"
	mkdir "$T/sourcedir"
	"$CT_PROBES/exchange" "$T" source sourcedir 3>&- &
	for ((i = 0; i < 50; i++)); do
		cattach run --rm -v "$T/source:/mnt:ro" "$R" true 2> "$T/err" ||
			grep -q "was exchanged while" "$T/err"
	done
	kill $!
	wait $! || true
	[ $ok -gt 0 ]
}

@test "a working directory behind a descriptor or a magic link is outside the container" {
	local path
	rootfs "$T/root"
	ln -s /proc/self/fd/5 "$T/root/link"
	exec 5< "$CANARY" 6< / 7< "$T"
	for path in /proc/self/fd/{3..20} /proc/1/cwd /proc/1/root /proc/self/cwd \
		/proc/thread-self/root/tmp /link /link/..; do
		run ! cattach run --rm -w "$path" "$T/root" sh -c 'echo here; pwd'
		[ "$status" = 125 ] || [ "$status" = 126 ]
		[[ $output == "cattach: process.cwd: "* ]]
		is "${#lines[@]}" 1
	done
	exec 5<&- 6<&- 7<&-
}

# ---- /dev --------------------------------------------------------------------------------------

@test "a link in place of /dev/null is neither followed nor used for masks" {
	local target
	for target in /proc/sys/kernel/core_pattern /proc/sysrq-trigger "$CANARY/null"; do
		rm -rf "$T/root"
		rootfs "$T/root"
		ln -s "$target" "$T/root/dev/null"
		is "$(cattach run --rm "$T/root" stat -c %t:%T /dev/null /proc/timer_list)" $'1:3\n1:3'
		hostile "$without_dev"
		refused 125 "/dev/null is a symbolic link in the root file system" \
			cattach run --rm "$T/bundle"
	done
}

@test "links in place of /dev/console, /dev/pts and /dev/ptmx are refused or left alone" {
	local keep="unmount('/dev', '/dev/shm', '/dev/mqueue'); p['terminal'] = True; sh('tty')"
	rootfs "$T/root"
	ln -s "$CANARY/console" "$T/root/dev/console"
	hostile "$keep"
	refused 125 "/dev/console is a symbolic link in the root file system" \
		cattach run --rm "$T/bundle"
	rm "$T/root/dev/console"
	hostile "$keep" "c['root']['readonly'] = True"
	is "$(cattach run --rm "$T/bundle" < /dev/null | tr -d '\r')" /dev/pts/0

	rmdir "$T/root/dev/pts"
	ln -s "$CANARY" "$T/root/dev/pts"
	hostile "$keep"
	refused 125 "/dev/pts is a symbolic link in the root file system" cattach run --rm "$T/bundle"
	rm "$T/root/dev/pts"
	mkdir "$T/root/dev/pts"

	rm -f "$T/root/dev/ptmx"
	ln -s "$CANARY/ptmx" "$T/root/dev/ptmx"
	is "$(cattach run --rm "$T/bundle" < /dev/null | tr -d '\r')" /dev/pts/0
	is "$(readlink "$T/root/dev/ptmx")" "$CANARY/ptmx"
}

@test "a terminal without a devpts of its own is refused" {
	rootfs "$T/root"
	hostile "$without_dev; p['terminal'] = True"
	refused 125 "/dev/pts" cattach run --rm "$T/bundle"
}

@test "/dev as a link is refused" {
	rootfs "$T/root"
	rm -r "$T/root/dev"
	ln -s "$CANARY" "$T/root/dev"
	hostile "$without_dev"
	refused 125 "is a symbolic link in the root file system" cattach run --rm "$T/bundle"
	hostile
	refused 125 "/dev is a symbolic link in the root file system" cattach run --rm "$T/bundle"
	refused 125 "/dev is a symbolic link in the root file system" cattach run --rm "$T/root" true
}

# ---- /proc and /sys ----------------------------------------------------------------------------

@test "/proc and /sys as links are refused" {
	local path
	for path in proc sys; do
		rootfs "$T/root-$path"
		rmdir "$T/root-$path/$path"
		ln -s /tmp "$T/root-$path/$path"
		refused 125 "/$path is a symbolic link in the root file system" \
			cattach run --rm "$T/root-$path" true
		rm "$T/root-$path/$path"
		ln -s "$CANARY" "$T/root-$path/$path"
		refused 125 "/$path is a symbolic link in the root file system" \
			cattach run --rm "$T/root-$path" true
	done
}

@test "nothing is mounted over /proc or below it, but files that report something" {
	local path
	refused 125 "anything but type proc on /proc" cattach run --rm -v "$T:/proc" "$R" true
	for path in self sys self/attr 1 net sys/kernel sysrq-trigger fs bus; do
		refused 125 "refusing to mount over /proc/$path" \
			cattach run --rm -v "$T:/proc/$path" "$R" true
		refused 125 "refusing to mount over /proc/$path" \
			cattach run --rm --tmpfs "/tmp/../proc/./$path" "$R" true
		bundle "$T/bundle" "m.append(dict(destination='/proc/$path', type='tmpfs', source='x'))"
		refused 125 "refusing to mount over /proc/$path" cattach run --rm "$T/bundle"
	done
	for path in cpuinfo meminfo stat uptime diskstats loadavg swaps; do
		is "$(cattach run --rm -v "$CANARY/null:/proc/$path:ro" "$R" cat "/proc/$path")" null
	done
}

@test "the cgroup file system cannot be written" {
	local namespace file
	for namespace in private host; do
		for file in cgroup.procs x unified/cgroup.procs memory/x; do
			run ! cattach run --rm --cgroupns $namespace "$R" \
				sh -c "echo 1 > /sys/fs/cgroup/$file"
			[[ $output == *"Read-only file system"* || $output == *"nonexistent"* ]]
		done
		run ! cattach run --rm --cgroupns $namespace "$R" mkdir /sys/fs/cgroup/x
		has "$output" "Read-only file system"
	done
}

@test "sysctls of the host, or outside /proc/sys, are refused before anything is written" {
	local key before
	before=$(cat /proc/sys/kernel/core_pattern)
	for key in kernel.core_pattern net/../kernel/x net.../kernel kernel.shmmax+x kernel/shmmax \
		kernel..shmmax .kernel.shmmax vm.swappiness fs.file-max; do
		refused 125 "$key" cattach run --rm --sysctl "$key=1" "$R" true
	done
	refused 125 "kernel.shmmax" cattach run --rm --sysctl $'kernel.shmmax=1\n2' "$R" true
	refused 125 "kernel.core_pattern" \
		cattach run --rm --sysctl $'kernel.shmmax=1+kernel.core_pattern=x' \
		--sysctl kernel.core_pattern=x "$R" true
	refused 125 "needs a namespace of type ipc" \
		cattach run --rm --ipc host --sysctl kernel.shmmax=1 "$R" true
	is "$(cat /proc/sys/kernel/core_pattern)" "$before"
}

# ---- system calls, capabilities, ids -----------------------------------------------------------

@test "system calls answer as the default policy says" {
	[ "$(uname -m)" = x86_64 ] || skip "the table of answers is that of x86-64"
	run -0 cattach run --rm -v "$CT_PROBES:/mnt:ro" "$R" /mnt/syscalls
	is "$output" "$(cat "$BATS_TEST_DIRNAME/probe/syscalls.expected")"
}

@test "the same for another user, and under no_new_privs" {
	[ "$(uname -m)" = x86_64 ] || skip "the table of answers is that of x86-64"
	local blocked='bpf|keyctl|socket ALG|socket VSOCK|clone3|call 999|ioctl TIOCSTI|userfaultfd'
	local wanted
	wanted=$(grep -E "^($blocked)" "$BATS_TEST_DIRNAME/probe/syscalls.expected")
	run -0 cattach run --rm -v "$CT_PROBES:/mnt:ro" -u 1000 "$R" /mnt/syscalls
	is "$(grep -E "^($blocked)" <<< "$output")" "$wanted"
	run -0 cattach run --rm -v "$CT_PROBES:/mnt:ro" --security-opt no-new-privileges "$R" \
		/mnt/syscalls
	is "$(grep -E "^($blocked)" <<< "$output")" "$wanted"
}

@test "the environment is what was asked for, and nothing of the host's" {
	export SECRET=hunter2 WANTED=yes
	run -0 cattach run --rm -e WANTED "$R" env
	has "$output" "WANTED=yes"
	[[ $output != *hunter2* ]]
	run -0 cattach run --rm "$CT_BUNDLES/hello" env
	is "$output" "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
HOME=/root"
	bundle "$T/bundle" "p['env'].append('SECRET')"
	refused 125 "process.env[1]" cattach run --rm "$T/bundle"
	bundle "$T/bundle" "p['env'].append('=x')"
	refused 125 "process.env[1]" cattach run --rm "$T/bundle"
}

@test "capabilities: none is inheritable, and other users have none" {
	local sets='/^Cap/ { printf "%s%s ", $1, $2 }'
	is "$(inside awk "$sets" /proc/self/status)" "CapInh:0000000000000000 CapPrm:00000000800405fb \
CapEff:00000000800405fb CapBnd:00000000800405fb CapAmb:0000000000000000 "
	is "$(cattach run --rm -u 1000 "$R" awk "$sets" /proc/self/status)" \
		"CapInh:0000000000000000 CapPrm:0000000000000000 CapEff:0000000000000000 \
CapBnd:00000000800405fb CapAmb:0000000000000000 "
	is "$(cattach run --rm -u 1000 --cap-add ALL "$R" awk "$sets" /proc/self/status |
		cut -d ' ' -f 1-3,5)" \
		"CapInh:0000000000000000 CapPrm:0000000000000000 CapEff:0000000000000000 \
CapAmb:0000000000000000"
	run -1 cattach run --rm --privileged -u 1000 "$R" chroot / true
	has "$output" "Operation not permitted"
}

@test "groups: the caller's are dropped, or cannot be changed" {
	is "$(inside id -G)" 0
	run -0 cattach run --rm --uidmap "0:$(id -u):1" --gidmap "0:$(id -g):1" "$R" \
		sh -c 'cat /proc/self/setgroups; id -G'
	is "$output" $'deny\n0'
	refused 125 "--group-add: groups cannot be added" cattach run --rm \
		--uidmap "0:$(id -u):1" --gidmap "0:$(id -g):1" --group-add 5 "$R" true
}

@test "ids are digits and nothing else, and digits are never a name" {
	local user
	for user in 4294967295 4294967296 18446744073709551616 99999999999999999999999 -1 +1 " 1" "1 " \
		1x 0x0 1e3 1:4294967296 1:-1 : :1 1: "" $'1\n' 1:1:1; do
		refused 125 "--user: " cattach run --rm -u "$user" "$R" id
	done
	is "$(cattach run --rm -u 0 "$R" id -u)" 0
	is "$(cattach run --rm -u 1 "$R" id -u)" 1
	rootfs "$T/root"
	printf 'root:x:0:0::/:/bin/sh\n7:x:0:0::/:/bin/sh\n' > "$T/root/etc/passwd"
	is "$(cattach run --rm -u 7 "$T/root" id -u)" 7
	printf 'a:x:4294967296:0::/:/bin/sh\nb:x:-1:0::/:/bin/sh\nc:x::0::/:/bin/sh\n' \
		> "$T/root/etc/passwd"
	for user in a b c; do
		refused 125 "--user: " cattach run --rm -u $user "$T/root" id
	done
}

@test "a hostile /etc/passwd costs no time and leads nowhere" {
	local file
	rootfs "$T/root"
	file=$T/root/etc/passwd
	rm "$file"
	mkfifo "$file"
	refused 125 "/etc/passwd" timeout 2 cattach run --rm -u user "$T/root" true
	rm "$file"
	ln -s "$CANARY/passwd" "$file"
	refused 125 "unable to find user root2" timeout 2 cattach run --rm -u root2 "$T/root" true
	rm "$file"
	ln -s /dev/zero "$file"
	refused 125 "--user: " timeout 2 cattach run --rm -u user "$T/root" true
	rm "$file"
	mkdir "$file"
	refused 125 "/etc/passwd" timeout 2 cattach run --rm -u user "$T/root" true
	rmdir "$file"
	truncate -s 100M "$file"
	refused 125 "/etc/passwd of the rootfs: has 104857600 bytes" \
		timeout 2 cattach run --rm -u user "$T/root" true
	yes a | tr -d '\n' | head -c 1000000 > "$file"
	refused 125 "unable to find user user" timeout 2 cattach run --rm -u user "$T/root" true
}

# ---- the store ---------------------------------------------------------------------------------

@test "the store is closed to others whatever the umask" {
	STARTED+=("$N")
	export XDG_DATA_HOME=$T/data
	(umask 000; mkdir -m 755 "$T/data"; cattach run -d --name "$N" "$R" sleep 100)
	is "$(find "$T/data/cattach" "$XDG_RUNTIME_DIR" ! -type l -perm /077)" ""
	cattach rm -f "$N"
	is "$(find "$T/data/cattach" "$XDG_RUNTIME_DIR" ! -type l -perm /077)" ""
}

@test "a store that others may change, or a link to one, is refused" {
	export XDG_DATA_HOME=$T/data
	mkdir -p -m 755 "$T/data"
	mkdir -m 777 "$T/data/cattach"
	chmod 777 "$T/data/cattach"
	refused 125 "$T/data/cattach is open to other users (mode 0777)" cattach run --rm "$R" true
	refused 125 "$T/data/cattach is open to other users (mode 0777)" cattach ps
	rmdir "$T/data/cattach"
	ln -s "$CANARY" "$T/data/cattach"
	refused 125 "$T/data/cattach is a symbolic link" cattach run --rm "$R" true
	rm "$T/data/cattach"
	ln -s / "$T/data/cattach"
	refused 125 "$T/data/cattach is a symbolic link" cattach ps
	rm "$T/data/cattach"
	XDG_DATA_HOME=/ run ! cattach run --rm "$R" true
	has "$output" "/cattach"
}

@test "no socket has an abstract name" {
	start "$N" --network host "$R" sleep 100
	run ! grep -E "@.*(cattach|${ID:0:12}|$N)" /proc/net/unix
}

@test "a process that got the pid of a container's is left alone" {
	local innocent
	start "$N" "$R" sleep 100
	kill -9 "$(state "$N" ConmonPid)"
	# The kernel tells when a process was started in hundredths of a second.
	sleep 0.05
	sleep 100 3>&- &
	innocent=$!
	python3 - "$STORE/containers/$ID/status" $innocent <<- 'END'
		import json, sys
		with open(sys.argv[1], "r+") as f:
		    old = f.read()
		    status = json.loads(old)
		    status["pid"] = status["monitor_pid"] = int(sys.argv[2])
		    new = json.dumps(status, separators=(",", ":"))
		    f.seek(0)
		    f.write(new.ljust(len(old) - 1) + "\n")
	END
	is "$(state "$N" Status)" exited
	run timeout 20 cattach kill "$N"
	run timeout 20 cattach stop -t 0 "$N"
	is "$(timeout 20 cattach wait "$N")" 255
	run -0 timeout 20 cattach rm -f "$N"
	kill -0 $innocent
	kill $innocent
}

# ---- the terminal, and what is inherited -------------------------------------------------------

@test "a payload cannot type into a terminal" {
	run -0 cattach run --rm -v "$CT_PROBES:/mnt:ro" "$R" /mnt/terminal
	is "$output" "$(for end in stdin stdout stderr; do
		for request in TIOCSTI 'TIOCSTI|1<<32' TIOCLINUX; do echo "$end $request: EPERM"; done
		for request in TIOCSCTTY tcsetpgrp; do echo "$end $request: ENOTTY"; done
	done)"$'\ntty: none'
	run -0 cattach run --rm -t -v "$CT_PROBES:/mnt:ro" "$R" /mnt/terminal
	is "$(grep -c 'TIOC\(STI\|LINUX\).*: EPERM' <<< "$output")" 12
}

@test "without the filter it types into its own terminal, never into ours" {
	run -0 python3 - "$CT_PROBES" "$R" <<- 'END'
		import sys, pexpect
		p = pexpect.spawn("/bin/sh", timeout=20, encoding="utf-8", env={
		    **__import__("os").environ, "PS1": "prompt> "})
		for option in "-it", "-t", "-i", "":
		    p.expect_exact("prompt> ")
		    p.sendline(f"cattach run --rm --privileged {option} -v {sys.argv[1]}:/mnt:ro "
		               f"{sys.argv[2]} /mnt/terminal; echo 'en'd")
		    p.expect_exact("end\r\n")
		p.expect_exact("prompt> ")
		# What was typed into this terminal would be part of the next line.
		p.sendline("echo $((6 * 7))")
		p.expect("\r\n(.*)\r\n")
		assert p.match.group(1) == "42", p.match.group(1)
		assert "X" not in p.before, p.before
	END
}

@test "signal masks, ignored signals, niceness and death signals of the caller stay outside" {
	run -0 python3 - "$R" <<- 'END'
		import ctypes, os, signal, sys
		signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
		for number in (1, 2, 3, 10, 12, 13, 15, 17, 28):
		    signal.signal(number, signal.SIG_IGN)
		ctypes.CDLL(None).prctl(1, signal.SIGTERM)
		os.umask(0o777)
		os.execvp("cattach", ["cattach", "run", "--rm", sys.argv[1], "sh", "-c",
		                      "grep -E '^Sig(Blk|Ign)' /proc/self/status; umask"])
	END
	is "$output" $'SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n0022'
}

@test "a binary with set-user-id or set-group-id refuses to run" {
	grep -q "^$(id -un):" /etc/subuid || skip "this user has no subordinate ids"
	local where=$T/bin
	mkdir -m 777 "$where"
	chmod 777 "$where"
	cp "$(type -P cattach)" "$T/cattach"
	cattach run --rm -u 5:6 -v "$where:/mnt" -v "$T/cattach:/etc/hosts:ro" "$R" sh -c '
		cp /etc/hosts /mnt/user && chmod 4755 /mnt/user
		cp /etc/hosts /mnt/group && chmod 2755 /mnt/group'
	if findmnt -n -o OPTIONS --target "$where" 2> /dev/null | grep -q nosuid; then
		cattach run --rm -v "$where:/mnt" "$R" rm /mnt/user /mnt/group
		skip "the tests' directory is on a file system that is mounted nosuid"
	fi
	is "$(stat -c %a "$where/user" "$where/group")" $'4755\n2755'
	run -125 --separate-stderr "$where/user" version
	is "$output" ""
	run -125 --separate-stderr "$where/group" version
	is "$output" ""
	# They belong to subordinate ids.
	cattach run --rm -v "$where:/mnt" "$R" rm /mnt/user /mnt/group
	[[ $stderr == "cattach: "* ]]
}
