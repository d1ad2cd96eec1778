#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# cattach run: exit codes, stdin and the two output streams, the background, --rm, what survives
# whom, and the surroundings that a command may be started in.

load helpers

# A payload that says "ready", and on a signal says which and exits 3.
TRAPS='for s in HUP INT QUIT USR1 USR2 TERM; do trap "echo got $s; exit 3" $s; done
	echo ready; while :; do sleep 0.05; done'

running() { [ "$(state "$1" Status)" = running ]; }

# foreground FILE ARG...: a run in the background of the test, its pid in $CLI.
foreground()
{
	local out=$1
	shift
	# What an earlier one wrote must not be taken for this one's.
	rm -f "$out"
	cattach run "$@" > "$out" 2>&1 < /dev/null 3>&- &
	CLI=$!
}

# ends CODE: how the last foreground() ended.
ends()
{
	local code=0
	wait $CLI || code=$?
	is "$code" "$1"
}

# ---- exit codes --------------------------------------------------------------------------------

@test "the example prints a line and exits 0" {
	run -0 --separate-stderr cattach run --rm "$CT_BUNDLES/hello"
	is "$output" "Hello from cattach: pid 1, uid 0, host name hello."
	is "$stderr" ""
}

@test "the exit code is the command's" {
	run -7 inside sh -c 'exit 7'
	run -0 inside true
	run -1 inside false
	run -255 inside sh -c 'exit 255'
	is "$output" ""
}

@test "a caller that has SIGCHLD ignored hears the exit code all the same" {
	run -4 env --ignore-signal=CHLD cattach run --rm --rootfs "$CT_ROOTFS" sh -c 'exit 4'
	run -4 env --ignore-signal=CHLD cattach run --rm --init --rootfs "$CT_ROOTFS" sh -c 'true; exit 4'
}

@test "a command that is not there is 127" {
	refused 127 "nope: not found in the container's PATH" inside nope
	refused 127 "/bin/nope: not found in the container" inside /bin/nope
	refused 127 "bin/nope: not found" inside bin/nope
}

@test "a command that cannot be executed is 126" {
	refused 126 "/etc/passwd: permission denied" inside /etc/passwd
	refused 126 "/etc: is a directory" inside /etc
}

@test "a bad option is 125" {
	refused 125 "unknown option --bogus" cattach run --bogus "$R" true
	refused 125 "no such directory: $T/nope" cattach run --rm "$T/nope" true
}

@test "killed from outside is 137, also for the command that follows" {
	foreground "$T/out" --name "$N" "$R" sleep 100
	STARTED+=("$N")
	eventually running "$N"
	kill -9 "$(state "$N" Pid)"
	ends 137
	is "$(state "$N" ExitCode)" 137
	is "$(cattach wait "$N")" 137
}

@test "a signal that ends the command is 128 and its number" {
	foreground "$T/out" --init --name "$N" "$R" sleep 100
	STARTED+=("$N")
	eventually running "$N"
	cattach kill -s TERM "$N"
	ends 143
	is "$(state "$N" ExitCode)" 143
}

# ---- streams -----------------------------------------------------------------------------------

@test "stdin reaches the command with -i" {
	is "$(echo x | cattach run --rm -i "$R" cat)" x
	is "$(cattach run --rm -i "$R" cat < /dev/null)" ""
	head -c 3000000 /dev/urandom > "$T/data"
	is "$(cattach run --rm -i "$R" cat < "$T/data" | sha256sum)" "$(sha256sum < "$T/data")"
	# shellcheck disable=SC2002 # a pipe is wanted
	is "$(cat "$T/data" | cattach run --rm -i "$R" cat | sha256sum)" \
		"$(sha256sum < "$T/data")"
}

@test "stdin is left alone without -i" {
	is "$(echo x | cattach run --rm "$R" cat)" ""
	is "$(printf 'a\nb\n' | while read -r line; do inside true; echo "$line"; done)" $'a\nb'
}

@test "with -i a command that does not read stdin ends all the same" {
	mkfifo "$T/stdin"
	exec 9<> "$T/stdin"
	run -0 timeout 20 cattach run --rm -i "$R" true <&9
	exec 9>&-
	run -4 timeout 20 cattach run --rm -i "$R" sh -c 'exec 0<&-; exit 4' < /dev/zero
}

@test "stdout and stderr stay apart" {
	run -0 --separate-stderr inside sh -c 'echo out; echo err >&2; echo out2'
	is "$output" $'out\nout2'
	is "$stderr" "err"
}

@test "fifty megabytes on both streams at once arrive to the byte" {
	inside sh -c '(seq 1 9999999 | head -c 50000000 >&2) & yes cattach | head -c 50000000; wait' \
		2> >(sha256sum > "$T/err") | sha256sum > "$T/out"
	is "$(cat "$T/out")" "$(yes cattach | head -c 50000000 | sha256sum)"
	eventually test -s "$T/err"
	is "$(cat "$T/err")" "$(seq 1 9999999 | head -c 50000000 | sha256sum)"
}

@test "a hundred commands that write 100 kB and exit at once lose nothing" {
	local i wanted
	head -c 100000 /dev/urandom | base64 -w 0 | head -c 100000 > "$T/data"
	wanted=$(sha256sum < "$T/data")
	for ((i = 0; i < 100; i++)); do
		is "$(cattach run --rm -v "$T/data:/etc/hosts:ro" "$R" cat /etc/hosts | sha256sum)" "$wanted"
	done
}

@test "a reader that goes away ends the command quietly" {
	STARTED+=("$N")
	run -0 --separate-stderr bash -c 'cattach run --name "$1" "$CT_ROOTFS" yes | head -n 1
		exit "$((PIPESTATUS[0] == 141 ? 0 : PIPESTATUS[0]))"' - "$N"
	is "$output" y
	is "$stderr" ""
	running "$N"
}

@test "stdout may be closed" {
	run -3 --separate-stderr bash -c 'cattach run --rm "$CT_ROOTFS" sh -c "echo x; exit 3" >&-'
	is "$stderr" ""
	run -3 bash -c 'cattach run --rm "$CT_ROOTFS" sh -c "echo x; exit 3" >&- 2>&- <&-'
}

@test "a full stdout is said, and leaves nothing" {
	run -125 bash -c 'cattach run --rm "$CT_ROOTFS" sh -c "echo x; exit 3" 2>&1 > /dev/full'
	matches "$output" "cattach: .*cannot write to stdout: No space left on device"
	eventually nothing_left
}

@test "stdin may be a directory" {
	run -0 timeout 20 cattach run --rm -i "$R" cat < "$T"
	is "$output" ""
}

@test "a stopped reader does not stop the command" {
	STARTED+=("$N")
	cattach run --name "$N" "$R" sh -c 'head -c 5000000 /dev/zero; sleep 100' 3>&- |
		{ head -c 1 > /dev/null; sleep 2; } 3>&- &
	eventually running "$N"
	eventually eval '[ "$(ps -o args= -p "$(state "$N" Pid)")" = "sleep 100" ]'
}

# ---- the background ----------------------------------------------------------------------------

@test "-d prints the id once the command has been executed" {
	start "$N" "$R" sleep 100
	matches "$ID" '[0-9a-f]{64}'
	is "$(ps -o args= -p "$(state "$N" Pid)")" "sleep 100"
	is "$(cattach ps -q --no-trunc)" "$ID"
	is "$(cattach ps -q)" "${ID:0:12}"
}

@test "-d that cannot start says why and leaves nothing, not even its name" {
	refused 127 "nope: not found" cattach run -d --name "$N" "$R" nope
	refused 126 "/etc: is a directory" cattach run -d --name "$N" "$R" /etc
	start "$N" "$R" true
	is "$(cattach wait "$N")" 0
}

@test "--rm removes the container before run returns" {
	local i
	for ((i = 0; i < 20; i++)); do
		cattach run --rm --name "$N" "$R" true
	done
	is "$(cattach ps -aq)" ""
}

@test "without --rm the container stays, with its exit code" {
	STARTED+=("$N")
	run -9 cattach run --name "$N" "$R" sh -c 'exit 9'
	is "$(state "$N" Status) $(state "$N" ExitCode)" "exited 9"
	refused_name=$(cattach run --name "$N" "$R" true 2>&1) && return 1
	has "$refused_name" "$N"
	has "$refused_name" "in use"
}

@test "-d --rm removes the container when it ends" {
	cattach run -d --rm --name "$N" "$R" sleep 0.2
	is "$(cattach ps -q | wc -l)" 1
	eventually nothing_left
}

@test "the walk through of the tutorials" {
	STARTED+=(centos_bash centos_ping)
	matches "$(cattach run -itd --name centos_bash "$R" < /dev/null)" '[0-9a-f]{64}'
	matches "$(cattach run -itd --cap-add NET_RAW --name centos_ping "$R" ping 127.0.0.1 \
		< /dev/null)" '[0-9a-f]{64}'
	run -0 cattach ps -a
	matches "${lines[0]}" 'CONTAINER ID +IMAGE +COMMAND +CREATED +STATUS +PORTS +NAMES'
	matches "${lines[1]}" '[0-9a-f]{12} .*"ping 127.0.0.1" .* Up .* centos_ping'
	matches "${lines[2]}" '[0-9a-f]{12} .*"/bin/sh" .* Up .* centos_bash'
	is "${#lines[@]}" 3

	# The monitor's parent is 1 or the nearest subreaper, which is above us; the payload is below.
	local name monitor payload parent
	ps axo pid,ppid,args > "$T/ps"
	for name in centos_bash centos_ping; do
		monitor=$(state "$name" ConmonPid)
		payload=$(state "$name" Pid)
		parent=$(awk -v pid="$monitor" '$1 == pid { print $2 }' "$T/ps")
		[ "$parent" = 1 ] || ancestors | grep -qx "$parent"
		is "$(awk -v pid="$payload" '$1 == pid { print $2 }' "$T/ps")" "$monitor"
	done
	is "$(ps -o args= -p "$payload")" "ping 127.0.0.1"
	# It really pings: what it writes is in the log, at a line per second.
	eventually grep -qa "64 bytes from 127.0.0.1" "$STORE"/containers/*/main/log.0
}

ancestors()
{
	local pid=$$
	while [ "$pid" -gt 1 ]; do
		pid=$(ps -o ppid= -p "$pid" | tr -d ' ')
		echo "$pid"
	done
}

@test "ping is refused by the kernel without --cap-add NET_RAW" {
	run -1 inside ping -c 1 127.0.0.1
	has "$output" "permission denied"
	run -0 cattach run --rm --cap-add NET_RAW "$R" ping -c 1 127.0.0.1
	has "$output" "1 packets received"
}

# ---- signals -----------------------------------------------------------------------------------

@test "signals to the command that follows reach the payload" {
	local signal
	for signal in HUP INT QUIT USR1 USR2 TERM; do
		foreground "$T/out" --rm "$R" sh -c "$TRAPS"
		eventually grep -q ready "$T/out"
		kill -s $signal $CLI
		ends 3
		is "$(cat "$T/out")" $'ready\ngot '$signal
	done
}

@test "with --sig-proxy=false they end the command alone" {
	foreground "$T/out" --sig-proxy=false --name "$N" "$R" sh -c "$TRAPS"
	STARTED+=("$N")
	eventually grep -q ready "$T/out"
	kill -s TERM $CLI
	ends 143
	running "$N"
	is "$(cat "$T/out")" ready
}

@test "SIGTERM to the monitor reaches the payload" {
	start "$N" "$R" sh -c "$TRAPS"
	eventually grep -qa ready "$STORE/containers/$ID/main/log.0"
	kill -s TERM "$(state "$N" ConmonPid)"
	is "$(timeout 20 cattach wait "$N")" 3
}

# ---- who survives whom -------------------------------------------------------------------------

@test "kill -9 of the command that follows changes nothing for the container" {
	mkfifo "$T/go"
	foreground "$T/out" --name "$N" -v "$T:/mnt" "$R" \
		sh -c 'echo one; read -r x < /mnt/go; echo two; exit 5'
	STARTED+=("$N")
	eventually grep -q one "$T/out"
	kill -9 $CLI
	ends 137
	running "$N"
	echo > "$T/go"
	is "$(timeout 20 cattach wait "$N")" 5
	grep -qa two "$STORE"/containers/*/main/log.0
}

@test "kill -9 of the monitor takes the payload with it, and nothing hangs" {
	local payload monitor
	start "$N" "$R" sh -c 'sleep 100 & sleep 100'
	payload=$(state "$N" Pid)
	monitor=$(state "$N" ConmonPid)
	kill -9 "$monitor"
	eventually eval "! kill -0 $payload"
	run -0 timeout 20 cattach ps -a
	has "${lines[1]}" "Exited (unknown)"
	is "$(timeout 20 cattach ps -q)" ""
	is "$(timeout 20 cattach wait "$N")" 255
	run -0 timeout 20 cattach stop "$N"
	is "$(state "$N" Status)" exited
	has "$(state "$N" Error)" "monitor was killed"
	run -125 timeout 20 cattach kill "$N"
	has "$output" "is not running"
}

@test "a command that follows sees the death of the monitor" {
	foreground "$T/out" --name "$N" "$R" sleep 100
	STARTED+=("$N")
	eventually running "$N"
	kill -9 "$(state "$N" ConmonPid)"
	ends 255
	has "$(cat "$T/out")" "cattach: "
}

@test "rm -f works where the monitor was killed" {
	start "$N" "$R" sleep 100
	kill -9 "$(state "$N" ConmonPid)"
	run -0 timeout 20 cattach rm -f "$N"
	nothing_left
}

# ---- surroundings ------------------------------------------------------------------------------

@test "descriptors that the caller left open stay outside" {
	local count
	for count in 5 40 900 4000; do
		run -0 python3 -c '
import os, resource, sys
count = int(sys.argv[1])
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
for i in range(count):
    os.set_inheritable(os.open(("/", "/etc/passwd", "/dev/null")[i % 3], os.O_RDONLY), True)
os.execvp("cattach", sys.argv[2:])' "$count" cattach run --rm "$R" ls /proc/self/fd
		# The last one is of ls itself.
		is "$output" $'0\n1\n2\n3'
	done
}

@test "neither monitor nor payload hold a descriptor of the caller" {
	STARTED+=("$N")
	# The substitution ends when the last writer of its pipe has closed it.
	is "$(timeout 20 cattach run -d --name "$N" "$R" sleep 100 7>&1 8>&1 > /dev/null 2>&1)" ""
	running "$N"
}

@test "SIGPIPE may be ignored, and other signals, by the caller" {
	run -0 bash -c 'trap "" PIPE HUP INT TERM USR1
		cattach run --rm "$CT_ROOTFS" grep -E "Sig(Ign|Blk)" /proc/self/status'
	is "$output" $'SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000'
}

@test "the working directory may be read-only, or gone" {
	mkdir "$T/ro" "$T/gone"
	chmod 555 "$T/ro"
	is "$(cd "$T/ro" && inside echo here)" here
	is "$(cd / && inside pwd)" /
	is "$(cd "$T/gone" && rmdir "$T/gone" && inside echo here)" here
}

@test "XDG_RUNTIME_DIR, HOME and TERM may be unset" {
	is "$(env -u XDG_RUNTIME_DIR -u TERM cattach run --rm "$R" echo x)" x
	is "$(env -u XDG_RUNTIME_DIR -u HOME -u TERM XDG_DATA_HOME="$T/data" \
		cattach run --rm "$R" sh -c 'echo $HOME')" /root
	is "$(env -i XDG_DATA_HOME="$T/data" "$(type -P cattach)" run --rm "$R" echo x)" x
}

@test "paths may be long" {
	local long=$T i
	for i in {1..14}; do
		long=$long/$(printf '%0200d' $i)
	done
	mkdir -p "$long"
	rootfs "$long/rootfs"
	is "$(cattach run --rm "$long/rootfs" echo x)" x
	is "$(cattach run --rm -v "$long:/mnt" "$R" ls /mnt)" rootfs
	bundle "$long/bundle" 'args("echo", "y")' "c['root']['path'] = '../rootfs'"
	is "$(cattach run --rm "$long/bundle")" y
	mkdir -p "$long/home" -m 700
	is "$(XDG_RUNTIME_DIR=$long/home XDG_DATA_HOME=$long/home cattach run --rm "$R" echo z)" z
	rm -rf "${T:?}"/0*
}

@test "the umask of the caller stays outside" {
	run -0 bash -c 'umask 000; cattach run --rm "$CT_ROOTFS" sh -c "umask; umask -S"'
	is "${lines[0]}" 0022
	run -0 bash -c 'umask 777; cattach run --rm "$CT_ROOTFS" sh -c umask'
	is "$output" 0022
}

@test "few descriptors are enough, and too few are said" {
	run -0 bash -c 'ulimit -n 64; cattach run --rm "$CT_ROOTFS" echo x'
	is "$output" x
	run bash -c 'ulimit -n 8; cattach run --rm "$CT_ROOTFS" echo x'
	is "$status" 125
	has "$output" "cattach: "
	is "${#lines[@]}" 1
}

# ---- a container in a container, and a copy of the host ----------------------------------------

# nested OPTION...: cattach in a container with these options.
nested()
{
	rootfs "$T/rootfs"
	cattach run --rm "$@" -e XDG_DATA_HOME=/tmp/data --tmpfs /tmp:mode=1777 -v "$CT_STAGE:$CT_STAGE:ro" \
		-v /lib:/lib:ro -v /lib64:/lib64:ro -v /usr/lib:/usr/lib:ro "$T/rootfs" \
		"$CT_STAGE/usr/bin/cattach" run --rm "$R" sh -c 'echo nested $$'
}

@test "a container runs in a container with --privileged" {
	run -0 nested --privileged
	is "$output" "nested 1"
	run -0 nested --privileged -u 1000
	is "$output" "nested 1"
}

@test "a container runs in a container without filter and masks" {
	run -0 nested --security-opt seccomp=unconfined --security-opt unmask=ALL
	is "$output" "nested 1"
	run -0 nested --security-opt seccomp=unconfined --security-opt unmask=ALL -u 1000
	is "$output" "nested 1"
	run -0 nested --security-opt seccomp=unconfined --security-opt unmask=ALL --cap-add SYS_ADMIN
	is "$output" "nested 1"
}

@test "elsewhere it is refused, with the way out" {
	local hint="--privileged, or with --security-opt seccomp=unconfined --security-opt unmask=ALL"
	refused 125 "$hint" nested
	refused 125 "$hint" nested --security-opt seccomp=unconfined
	refused 125 "$hint" nested --security-opt unmask=ALL
	run -0 cattach run --rm --tmpfs /tmp -v "$CT_STAGE:$CT_STAGE:ro" -v /lib:/lib:ro -v /lib64:/lib64:ro \
		-v /usr/lib:/usr/lib:ro "$T/rootfs" "$CT_STAGE/usr/bin/cattach" info
	has "$output" "--privileged or seccomp=unconfined and unmask=ALL"
}

@test "root of a user namespace with a single id runs containers, too" {
	unshare -Ur true 2> /dev/null || skip "unshare -Ur does not work here"
	is "$(unshare -Ur cattach run --rm "$R" sh -c 'id -u; echo $$' 2> "$T/err")" $'0\n1'
	is "$(unshare -Ur cattach run --rm -u 7 "$R:O" sh -c 'id -u' 2> "$T/err")" 7
}

@test "--rootfs /:O is a throwaway copy of the host" {
	local before
	before=$(stat -c '%Y %Z' /etc)
	[ ! -e "/etc/x-$N" ]
	run -0 cattach run --rm --rootfs /:O sh -c "touch /etc/x-$N && ls /etc/x-$N"
	is "$output" "/etc/x-$N"
	[ ! -e "/etc/x-$N" ]
	is "$(stat -c '%Y %Z' /etc)" "$before"
	run -0 cattach run --rm --rootfs /:O sh -c 'rm -f /etc/passwd && ! ls /etc/passwd 2> /dev/null'
	[ -s /etc/passwd ]
	# What is running on the host is not in it.
	run -0 cattach run --rm --rootfs /:O sh -c 'ls -A /run /tmp; echo $$'
	is "$output" $'/run:\n\n/tmp:\n1'
}

@test "a root file system of one's own is left as it was under :O" {
	rootfs "$T/rootfs"
	before=$(cd "$T/rootfs" && find . -printf '%p %m %T@ %i\n' | sort | sha256sum)
	run -0 cattach run --rm "$T/rootfs:O" sh -c 'rm -r /etc; echo x > /x; mkdir /y; echo /*'
	has "$output" "/x /y"
	[[ $output != *etc* ]]
	is "$(cd "$T/rootfs" && find . -printf '%p %m %T@ %i\n' | sort | sha256sum)" "$before"
}
