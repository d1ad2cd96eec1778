#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Bad inputs that need a real run to be found out: what is said, with which exit code, and that
# nothing is left behind. What the parser alone refuses is in tests/golden, what the options alone
# refuse in usage.bats.

load helpers

# bad CODE TEXT PYTHON...: a bundle with these changes is refused so.
bad()
{
	local code=$1 text=$2
	shift 2
	bundle "$T/bundle" "$@"
	refused "$code" "$text" timeout 20 cattach run --rm "$T/bundle"
}

# In a root file system of its own, $T/root.
OWN="c['root'] = {'path': '../root'}"

# ---- the bundle --------------------------------------------------------------------------------

@test "no config.json" {
	mkdir "$T/empty"
	refused 125 "bundle $T/empty: config.json not found (is this a bundle directory?)" \
		cattach run --rm --bundle "$T/empty"
	refused 125 "no such directory: $T/nope" cattach run --rm --bundle "$T/nope"
}

@test "config.json is no regular file" {
	mkdir "$T/bundle"
	mkfifo "$T/bundle/config.json"
	refused 125 "config.json: not a regular file" timeout 5 cattach run --rm "$T/bundle"
	rm "$T/bundle/config.json"
	mkdir "$T/bundle/config.json"
	refused 125 "config.json: is a directory" timeout 5 cattach run --rm "$T/bundle"
	rmdir "$T/bundle/config.json"
	ln -s /dev/zero "$T/bundle/config.json"
	refused 125 "config.json: not a regular file" timeout 5 cattach run --rm "$T/bundle"
}

@test "config.json cannot be read" {
	[ "$(id -u)" != 0 ] || skip "root reads everything"
	bundle "$T/bundle"
	chmod 0 "$T/bundle/config.json"
	refused 125 "$T/bundle/config.json: Permission denied" cattach run --rm "$T/bundle"
}

@test "config.json is too large" {
	bad 125 "config.json: has" "c['annotations'] = {'a': 'x' * 2000000}"
	has "$stderr" "at most 1048576 are allowed"
}

@test "the root file system is missing, a file, the host's, or behind a link" {
	bad 125 "root.path: no such directory: $T/bundle/nope" "c['root']['path'] = 'nope'"
	bad 125 "root.path: not a directory: $T/bundle/config.json" "c['root']['path'] = 'config.json'"
	bad 125 "root.path: refusing the host's root" "c['root']['path'] = '/'"
	refused 125 "refusing the host's root" cattach run --rm --rootfs / true
	refused 125 "refusing the host's root" cattach run --rm / true
	ln -s / "$T/host"
	bad 125 "refusing the host's root" "c['root']['path'] = '../host'"
	refused 125 "refusing the host's root" cattach run --rm "$T/host" true
	ln -s "$R" "$T/link"
	bundle "$T/bundle" "c['root']['path'] = '../link'; args('echo', 'fine')"
	is "$(cattach run --rm "$T/bundle")" fine
}

@test "the process is missing, or its arguments are" {
	bad 125 "process: missing" "del c['process']"
	bad 125 "process.args: is empty" "args()"
	bad 125 "process.args: must be a list of strings" "p['args'] = 'true'"
	bad 125 "process.args[0]: is empty" "args('')"
	refused 125 "the name of the command is empty" cattach run --rm "$R" ""
}

# ---- the command -------------------------------------------------------------------------------

@test "a command that is not there" {
	bad 127 "/bin/nope: not found in the container" "args('/bin/nope')"
	bad 127 "nope: not found in the container's PATH (/usr/local/sbin:" "args('nope')"
	bad 127 "/etc/passwd/x: not found" "args('/etc/passwd/x')"
	bad 127 "x: not found in the container's PATH (/nowhere)" \
		"args('x'); p['env'] = ['PATH=/nowhere']"
}

@test "a command that is there but cannot be executed" {
	rootfs "$T/root"
	printf 'just text\n' > "$T/root/bin/text"
	: > "$T/root/bin/empty"
	printf '\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\xf3\0\x01\0\0\0' > "$T/root/bin/riscv"
	chmod +x "$T/root/bin/"{text,empty,riscv}
	ln -s loop "$T/root/bin/loop"
	bad 126 "/etc/passwd: permission denied (is it executable? chmod +x)" "args('/etc/passwd')"
	bad 126 "/etc: is a directory" "args('/etc')"
	bad 126 "/bin/text: exec format error (built for another machine" "$OWN" "args('text')"
	bad 126 "/bin/empty: exec format error" "$OWN" "args('empty')"
	bad 126 "/bin/riscv: exec format error" "$OWN" "args('riscv')"
	bad 126 "/bin/loop: Too many levels of symbolic links" "$OWN" "args('/bin/loop')"
	chmod 644 "$T/root/bin/text"
	bad 126 "/bin/text: permission denied" "$OWN" "args('text')"
}

@test "a command whose loader or interpreter is not there" {
	rootfs "$T/root"
	printf '#!/nope/sh -x\n' > "$T/root/bin/script"
	chmod +x "$T/root/bin/script"
	bad 127 "/bin/script: found, but /nope/sh, which it needs to run, is missing" \
		"$OWN" "args('script')"
	# Our own program is dynamic, and the example root file system has no libraries.
	cp "$(type -P cattach)" "$T/root/bin/dynamic"
	bad 127 "/bin/dynamic: found, but /lib" "$OWN" "args('dynamic')"
}

@test "arguments that are too long" {
	bad 126 "argument list too long" "args('true', 'x' * 200000)"
	bad 126 "argument list too long" "p['env'].append('A=' + 'x' * 200000)"
}

@test "a root file system on a noexec mount" {
	unshare -Urm true 2> /dev/null || skip "unshare -Urm does not work here"
	rootfs "$T/root"
	mkdir "$T/noexec"
	refused 126 "/bin/true: its file system is mounted noexec" unshare -Urm sh -c '
		mount --bind "$1/root" "$1/noexec" && mount -o remount,bind,noexec "$1/noexec" &&
		cattach run --rm "$1/noexec" true' - "$T"
}

# ---- its working directory and user ------------------------------------------------------------

@test "a working directory that is missing is made, if it can be" {
	rootfs "$T/root"
	bundle "$T/bundle" "$OWN" "p['cwd'] = '/new/dir'; args('pwd')"
	is "$(cattach run --rm "$T/bundle")" /new/dir
	[ -d "$T/root/new/dir" ]
	bad 125 "process.cwd: /tmp/nope does not exist and cannot be made here" "p['cwd'] = '/tmp/nope'"
	has "$stderr" "Read-only file system"
}

@test "a working directory that cannot be entered" {
	bad 125 "working directory /proc/self/fd/3 is outside the container" \
		"p['cwd'] = '/proc/self/fd/3'"
	bad 125 "working directory /etc/passwd: Not a directory" "p['cwd'] = '/etc/passwd'"
	grep -q "^$(id -un):" /etc/subuid || skip "this user has no subordinate ids"
	rootfs "$T/root"
	mkdir -m 700 "$T/root/secret"
	bad 125 "working directory /secret: Permission denied" "$OWN" \
		"p['cwd'] = '/secret'; p['user'] = {'uid': 1000, 'gid': 1000}"
}

@test "a user that is not mapped" {
	bad 125 "process.user.uid: uid 5 is not mapped (mapping: 0→$(id -u) ×1)" \
		"p['user']['uid'] = 5" \
		"for kind, host in ('uid', $(id -u)), ('gid', $(id -g)):
			l[kind + 'Mappings'] = [dict(containerID=0, hostID=host, size=1)]"
	refused 125 "--user: uid 4000000000 is not mapped" \
		cattach run --rm -u 4000000000 "$R" true
}

@test "id maps that are empty, overlap or belong to somebody else" {
	local own="l['gidMappings'] = [dict(containerID=0, hostID=$(id -g), size=1)]"
	local maps="l['uidMappings'] = [dict(containerID=a, hostID=b, size=c) for a, b, c in"
	bad 125 "linux.uidMappings: is empty" "$own" "l['uidMappings'] = []"
	bad 125 "linux.uidMappings[0]: host id 0 is not" "$own" "$maps [(0, 0, 1)]]"
	bad 125 "linux.uidMappings[1]: container ids 3...7 overlap those of line 1" "$own" \
		"$maps [(0, 1000000, 5), (3, 2000000, 5)]]"
	bad 125 "linux.uidMappings[1]: host ids" "$own" "$maps [(0, $(id -u), 1), (1, $(id -u), 1)]]"
	bad 125 "linux.uidMappings[0].size: must be 1..." "$own" "$maps [(0, $(id -u), 0)]]"
}

# ---- namespaces and mounts ---------------------------------------------------------------------

@test "a namespace that is not there, or of another type" {
	bad 125 "linux.namespaces[6].path: /nope: No such file or directory" "join('ipc', '/nope')"
	bad 125 "linux.namespaces[6].path: /proc/self/ns/uts is a uts namespace, not ipc" \
		"join('ipc', '/proc/self/ns/uts')"
	bad 125 "linux.namespaces[6].path: /etc/passwd is not a namespace" "join('ipc', '/etc/passwd')"
}

@test "a mount source that is not there" {
	bad 125 "mounts[6]: /nope: No such file or directory" "mount('/mnt', 'bind', '/nope', ['bind'])"
	bad 125 "mounts[6]: a bind mount needs a source" "mount('/mnt', 'bind', None, ['bind'])"
}

@test "file systems and options that the kernel does not know, in its own words" {
	bad 125 "mounts[6]: bogusfs: file system not known to kernel $(uname -r)" \
		"mount('/mnt', 'bogusfs', 'x')"
	bad 125 "mounts[6]: tmpfs: Unknown parameter 'bogus'" "mount('/mnt', 'tmpfs', 'x', ['bogus=1'])"
	bad 125 "mounts[6]: tmpfs: Bad value for 'size'" "mount('/mnt', 'tmpfs', 'x', ['size=abc'])"
	bad 125 "mounts[6]: cannot mount ext4: Operation not permitted" \
		"mount('/mnt', 'ext4', '/dev/null')"
}

@test "mounts over /proc and /proc/sys" {
	bad 125 "refusing to mount anything but type proc on /proc" "mount('/proc', 'tmpfs', 'x')"
	bad 125 "refusing to mount over /proc/sys" "mount('/proc/sys', 'tmpfs', 'x')"
}

@test "a mount that is relative or climbs stays inside, with a warning" {
	bundle "$T/bundle" "mount('mnt', 'tmpfs', 'x', ['mode=711']); args('stat', '-c', '%a', '/mnt')"
	run -0 --separate-stderr cattach run --rm "$T/bundle"
	is "$output" 711
	has "$stderr" 'mounts[6].destination: "mnt" is relative, taken as /mnt'
	bundle "$T/bundle" "mount('/usr/../../mnt', 'tmpfs', 'x', ['mode=711'])" \
		"args('stat', '-c', '%a', '/mnt')"
	run -0 --separate-stderr cattach run --rm "$T/bundle"
	is "$output" 711
	has "$stderr" 'taken as /mnt'
}

@test "a mount point that is missing where nothing can be made" {
	mkdir "$T/empty"
	bad 125 "mounts[7]: /mnt/x does not exist and cannot be made here: Read-only file system" \
		"mount('/mnt', 'bind', '$T/empty', ['bind', 'ro']); mount('/mnt/x', 'tmpfs', 'x')"
	has "$stderr" "ROOTFS:O"
	# In one of our own it is made.
	rootfs "$T/root"
	cattach run --rm --read-only --tmpfs /x/y "$T/root" touch /x/y/z
}

# ---- seccomp and security modules --------------------------------------------------------------

@test "seccomp: unknown actions, operators and indices" {
	bad 125 'linux.seccomp.defaultAction: unknown value "BOGUS"' \
		"l['seccomp'] = dict(defaultAction='BOGUS')"
	local rule="rule = dict(names=['read'], action='SCMP_ACT_ERRNO')"
	local profile="l['seccomp'] = dict(defaultAction='SCMP_ACT_ALLOW', syscalls=[rule])"
	bad 125 'linux.seccomp.syscalls[0].action: unknown value "BOGUS"' \
		"$rule; rule['action'] = 'BOGUS'; $profile"
	bad 125 "linux.seccomp.syscalls[0].args[0].index: must be 0...5, not 9" \
		"$rule; rule['args'] = [dict(index=9, value=1, op='SCMP_CMP_EQ')]; $profile"
	bad 125 'linux.seccomp.syscalls[0].args[0].op: unknown value "BOGUS"' \
		"$rule; rule['args'] = [dict(index=1, value=1, op='BOGUS')]; $profile"
}

@test "seccomp: an unknown call is warned of once" {
	bundle "$T/bundle" "l['seccomp'] = dict(defaultAction='SCMP_ACT_ALLOW', syscalls=[
		dict(names=['nosuchcall'], action='SCMP_ACT_ERRNO')] * 2); args('echo', 'fine')"
	run -0 --separate-stderr cattach run --rm "$T/bundle"
	is "$output" fine
	is "$(grep -c nosuchcall <<< "$stderr")" 1
}

@test "seccomp: a profile that stops the program before it starts" {
	local action
	for action in ERRNO KILL KILL_PROCESS TRAP; do
		bad 125 "the seccomp profile stops the program before it starts" \
			"l['seccomp'] = dict(defaultAction='SCMP_ACT_ALLOW', syscalls=[
			dict(names=['execve', 'execveat'], action='SCMP_ACT_$action')])"
		bad 125 "the seccomp profile stops the program before it starts" \
			"l['seccomp'] = dict(defaultAction='SCMP_ACT_$action')"
	done
}

@test "AppArmor and SELinux where there is none" {
	[ ! -d /sys/kernel/security/apparmor ] ||
		skip "this kernel has AppArmor, and may know the profile"
	bad 125 'process.apparmorProfile: "foo" was asked for but AppArmor is not available here' \
		"p['apparmorProfile'] = 'foo'"
	bad 125 'process.selinuxLabel: "foo" was asked for but SELinux is not available here' \
		"p['selinuxLabel'] = 'foo'"
}

# ---- the command line --------------------------------------------------------------------------

@test "a name that is in use" {
	start "$N" "$R" sleep 100
	refused 125 "name \"$N\" is in use by a running container (${ID:0:12}, up " \
		cattach run --name "$N" "$R" true
	has "$stderr" "(cattach rm -f $N)"
	refused 125 "container $N is running; stop it first or use -f" cattach rm "$N"
	cattach stop -t 0 "$N"
	refused 125 "name \"$N\" is in use by an exited container (${ID:0:12}, exited (137) " \
		cattach run --name "$N" "$R" true
	has "$stderr" "(cattach rm $N)"
	cattach rm "$N"
	refused 125 "no such container: $N" cattach rm "$N"
	run -0 cattach rm -f "$N"
}

@test "a name that two ask for at once goes to one of them" {
	local i pids=()
	STARTED+=("$N")
	for i in {1..8}; do
		cattach run -d --name "$N" "$R" sleep 100 > "$T/out.$i" 2> "$T/err.$i" 3>&- &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i" || true
	done
	is "$(cat "$T"/out.* | wc -l)" 1
	is "$(grep -l "name \"$N\" is in use" "$T"/err.* | wc -l)" 7
	is "$(cattach ps -aq | wc -l)" 1
}

@test "a terminal where there is none" {
	refused 125 "the input device is not a TTY" cattach run --rm -it "$R" true < /dev/null
	run -0 cattach run --rm -t "$R" true < /dev/null
}

@test "environments that are odd but no reason to fail" {
	local value
	for value in /nope /etc relative "/$(printf '%0300d' 0)"; do
		is "$(XDG_RUNTIME_DIR=$value cattach run --rm "$R" echo x)" x
	done
	is "$(LC_ALL=C COLUMNS=0 LINES=x TERM=nonsense cattach run --rm "$R" echo x)" x
}

@test "a store that cannot be made" {
	[ "$(id -u)" != 0 ] || skip "root can make it"
	export XDG_DATA_HOME=/nope/data
	refused 125 "cannot make directory /nope: Permission denied" cattach run --rm "$R" true
	export XDG_DATA_HOME=/proc
	refused 125 "/proc/cattach" cattach run --rm "$R" true
	export XDG_DATA_HOME=$T/file
	: > "$T/file"
	refused 125 "$T/file" cattach run --rm "$R" true
}

@test "limits that are too low are named" {
	local limit
	for limit in 10 20 40; do
		refused 125 "too many open files" \
			bash -c "ulimit -n $limit; exec cattach run --rm \"\$CT_ROOTFS\" true"
		has "$stderr" "ulimit -n"
	done
	refused 125 "cannot make a process: Resource temporarily unavailable" \
		bash -c 'ulimit -u 1; exec cattach run --rm "$CT_ROOTFS" true'
	has "$stderr" "ulimit -u"
	refused 125 "ulimit -v" bash -c 'ulimit -v 20000; exec cattach run --rm "$CT_ROOTFS" true'
	# What it says goes through a pipe: files take nothing.
	run bash -c '(ulimit -f 0; exec cattach run --rm "$CT_ROOTFS" true) 2>&1 | cat
		exit "${PIPESTATUS[0]}"'
	is "$status" 125
	has "$output" "File too large"
}
