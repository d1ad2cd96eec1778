#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# What hostile containers try with those who enter them: reach our program and our descriptors while
# a process is made, stop or kill it half-made, lead it out by its directory, lie in passwd. And
# what the process may do: capabilities, ids, groups.

load helpers

ready() { start "$N" "$@" "$R" sleep 1000; }

in_it() { cattach exec "$N" "$@"; }

# scanning HOW ARG...: start $N with the scanner as its payload.
scanning()
{
	local how=$1
	shift
	start "$N" -v "$CT_PROBES:/mnt:ro" "$@" "$R" /mnt/scanner "$how"
	eventually logged looking
}

logged() { cattach logs "$N" | grep -q "$1"; }

# scanned: two hundred execs, four at a time, some of which were looked at half-made.
scanned()
{
	local i pids
	sha256sum "$(command -v cattach)" > "$T/sum"
	for ((i = 0; i < 50; i++)); do
		pids=()
		for _ in 1 2 3 4; do
			in_it true 3>&- &
			pids+=($!)
		done
		wait "${pids[@]}"
	done
	sha256sum --quiet -c "$T/sum"
	cattach logs "$N" > "$T/log"
	if grep -v -x -e looking -e caught "$T/log"; then
		return 1
	fi
	echo "caught: $(grep -c caught "$T/log")"
	[ "$(grep -c caught "$T/log")" -ge 20 ]
}

# ---- while a process is made -------------------------------------------------------------------

@test "a payload that stops each new process reaches nothing of it" {
	scanning look
	scanned
}

@test "nor does one with all capabilities and no filter" {
	scanning look --privileged --security-opt seccomp=unconfined
	scanned
}

@test "nor does another user in it" {
	scanning look -u 1000 --security-opt seccomp=unconfined
	for _ in 1 2 3 4 5; do
		cattach exec -u 1000 "$N" true
	done
	cattach logs "$N" > "$T/log"
	run ! grep -v -x -e looking -e caught "$T/log"
}

@test "one that sees all processes of the host sees nothing of ours, either" {
	local i
	start "$N" --pid host --privileged --security-opt seccomp=unconfined -v "$CT_PROBES:/mnt:ro" \
		"$R" /mnt/spy
	eventually logged looking
	for ((i = 0; i < 50; i++)); do
		in_it true
	done
	is "$(cattach logs "$N")" looking
}

@test "a process that is killed half-made is an error, not a mystery" {
	local i code
	scanning kill
	for ((i = 0; i < 10; i++)); do
		code=0
		in_it sleep 1000 > "$T/out" 2>&1 || code=$?
		# It was the program already, or it was not.
		if [ $code -ne 137 ]; then
			is "$code $(cat "$T/out")" \
				"125 cattach: killed by signal 9 while it was being set up"
		fi
	done
	logged killed
}

# until_stopped ARG...: exec in the background until one of them stands still half-made: $CLI.
until_stopped()
{
	local before i
	before=$(cattach logs "$N" | grep -c stopped) || true
	for ((i = 0; i < 50; i++)); do
		cattach exec "$@" "$N" true > "$T/out" 2>&1 3>&- &
		CLI=$!
		while kill -0 $CLI 2> /dev/null; do
			[ "$(cattach logs "$N" | grep -c stopped || true)" -eq "$before" ] || return 0
		done
		wait $CLI
	done
	echo "none was stopped"
	return 1
}

@test "a process that is stopped half-made holds nobody up: signals and time limits end us" {
	local signal code
	scanning stop
	for signal in TERM HUP USR1; do
		until_stopped
		code=0
		kill -s $signal $CLI
		wait $CLI || code=$?
		is $code $((128 + $(kill -l $signal)))
	done
	until_stopped --timeout 2s
	code=0
	wait $CLI || code=$?
	is "$code $(cat "$T/out")" "124 cattach: the time was up before the program ran"
}

# ---- descriptors -------------------------------------------------------------------------------

@test "whatever descriptors we are given, the process has three, and those it was promised" {
	local fd
	ready
	mkdir "$T/dir"
	for ((fd = 5; fd <= 40; fd++)); do
		case $((fd % 3)) in
		0) eval "exec $fd< '$T/dir'" ;;
		1) eval "exec $fd<> '$T/file'" ;;
		*) eval "exec $fd< /" ;;
		esac
	done
	is "$(in_it sh -c 'ls /proc/$$/fd; :')" "$(printf '0\n1\n2')"
	is "$(cattach exec -i "$N" sh -c 'ls /proc/$$/fd; :' < /dev/null)" "$(printf '0\n1\n2')"
	is "$(cattach exec --preserve-fds 3 "$N" sh -c 'ls /proc/$$/fd; :' 3< /dev/null 4< /dev/null)" \
		"$(printf '0\n1\n2\n3\n4\n5')"
	for ((fd = 5; fd <= 40; fd++)); do
		eval "exec $fd<&-"
	done
}

@test "a stream that it is given cannot be followed out of its root" {
	ready
	echo secret > "$T/beside"
	in_it sh -c 'cat /proc/self/fd/1/../beside /proc/self/fd/2/../beside' > "$T/out" 2> "$T/err" ||
		true
	run ! grep -q secret "$T/out"
}

# ---- the working directory ---------------------------------------------------------------------

@test "a directory behind a descriptor or a magic link is outside the container" {
	local fd path
	rootfs "$T/root"
	ln -s /proc/self/fd/0 "$T/root/link"
	ln -s /proc/1/cwd "$T/root/link2"
	ln -s "$CANARY" "$T/root/canary"
	start "$N" "$T/root" sleep 1000
	exec 5< / 6< "$CANARY" 7< "$CANARY/dir"
	for ((fd = 3; fd <= 20; fd++)); do
		run ! --separate-stderr cattach exec -w "/proc/self/fd/$fd" "$N" ls
		is "${#stderr_lines[@]}$output" 1
		[[ $stderr == "cattach: working directory /proc/self/fd/$fd"* ]]
		[ "$status" -ge 125 ] && [ "$status" -le 127 ]
	done
	for path in /proc/1/cwd /proc/self/root /proc/1/root/etc /link /link2; do
		refused 125 "working directory $path is outside the container" \
			cattach exec -w "$path" "$N" ls
	done
	exec 5<&- 6<&- 7<&-
	refused 127 "working directory /canary: No such file or directory" \
		cattach exec -w /canary "$N" ls
	is "$(cattach exec -w /../../etc/.. "$N" pwd)" /
}

# ---- capabilities ------------------------------------------------------------------------------

# caps ARG...: inheritable, permitted, effective, bounding and ambient set of the process.
caps() { cattach exec "$@" sed -n 's/^Cap...:\t0*\([0-9a-f]\)/\1/p' /proc/self/status | tr '\n' ' '; }

@test "the capabilities of a process are the container's, and what was added or taken" {
	local all
	ready
	all=$(sed 's/$/\n/' /proc/sys/kernel/cap_last_cap)
	all=$(printf '%x' $(((1 << (all + 1)) - 1)))
	is "$(caps "$N")" "0 800405fb 800405fb 800405fb 0 "
	is "$(caps -u 1000 "$N")" "0 0 0 800405fb 0 "
	is "$(caps --cap-add net_raw "$N")" "0 800425fb 800425fb 800425fb 0 "
	is "$(caps -u 1000 --cap-add CAP_NET_RAW "$N")" "0 0 0 800425fb 0 "
	is "$(caps --cap-drop ALL "$N")" "0 0 0 0 0 "
	is "$(caps --cap-drop ALL --cap-add NET_RAW "$N")" "0 2000 2000 2000 0 "
	is "$(caps --cap-drop chown "$N")" "0 800405fa 800405fa 800405fa 0 "
	is "$(caps --privileged "$N")" "0 $all $all $all 0 "
	is "$(caps --privileged -u 1000 "$N")" "0 0 0 $all 0 "
}

@test "what the container was denied the process is, too" {
	start "$N" --cap-drop ALL "$R" sleep 1000
	is "$(caps "$N")" "0 0 0 0 0 "
	is "$(caps -u 0 "$N")" "0 0 0 0 0 "
	start "$N-user" -u 1000 "$R" sleep 1000
	is "$(caps "$N-user")" "0 0 0 800405fb 0 "
	is "$(caps -u 0 "$N-user")" "0 800405fb 800405fb 800405fb 0 "
	bundle "$T/bundle" "args('sleep', '1000')" \
		"p['capabilities'] = {'bounding': ['CAP_KILL', 'CAP_CHOWN'], 'permitted': ['CAP_KILL'],
			'effective': ['CAP_KILL'], 'inheritable': ['CAP_KILL'], 'ambient': ['CAP_KILL']}" \
		"p['user'] = {'uid': 9, 'gid': 9}"
	start "$N-bundle" "$T/bundle"
	is "$(caps "$N-bundle")" "20 20 20 21 20 "
}

@test "under no_new_privs nothing is won by a program that is set-user-id" {
	rootfs "$T/root"
	mkdir "$T/root/suid"
	cp "$T/root/bin/busybox" "$T/root/suid/sed"
	chmod 4755 "$T/root/suid/sed"
	start "$N" --security-opt no-new-privileges "$T/root" sleep 1000
	is "$(cattach exec -u 1000 "$N" /suid/sed -n 's/^Uid:\t//p' /proc/self/status)" \
		"$(printf '1000\t1000\t1000\t1000')"
}

# ---- ids ---------------------------------------------------------------------------------------

@test "an id that is none is refused, and never somebody else's" {
	local id
	rootfs "$T/root"
	printf '%s:x:0:0::/:/bin/sh\n' 1000 4294967296 -1 +1 1x 0x0 >> "$T/root/etc/passwd"
	start "$N" "$T/root" sleep 1000
	for id in 4294967295 4294967296 18446744073709551616 18446744073709551617 -1 +1 " 1" "1 " 1: \
		:1 : 1:4294967295 1:4294967296 1:-1 "1: 1" "" "root " "ro:ot:" 1:2:3 "$(printf 'a\nb')"; do
		run -125 --separate-stderr cattach exec -u "$id" "$N" id
		is "${#stderr_lines[@]}$output" 1
		[[ $stderr == "cattach: --user: "* ]]
	done
	for id in 1x 0x0; do
		# Names that look odd, but they are somebody's in there.
		is "$(cattach exec -u "$id" "$N" id -u)" 0
	done
	is "$(cattach exec -u 0 "$N" id -u)" 0
	is "$(cattach exec -u 1 "$N" id -u)" 1
	is "$(cattach exec -u 1000 "$N" id -u)" 1000
	is "$(cattach exec -u 0001 "$N" id -u)" 1
}

@test "an id that is not mapped is refused by name" {
	ready
	refused 125 "uid 4000000 is not mapped in the user namespace" cattach exec -u 4000000 "$N" id
	refused 125 "gid 4000000 is not mapped in the user namespace" cattach exec -u 0:4000000 "$N" id
}

@test "groups are those of the user, our own are gone" {
	ready
	is "$(cattach exec -u 4000 "$N" sed -n 's/^Groups:\t//p' /proc/self/status)" "0 "
	is "$(cattach exec -u 1000:33 "$N" sed -n 's/^Groups:\t//p' /proc/self/status)" "33 "
	is "$(in_it sed -n 's/^Groups:\t//p' /proc/self/status)" "0 "
	run -1 cattach exec -u 1000 "$N" chgrp 5 /proc/self/comm
}

# ---- lies in the container ---------------------------------------------------------------------

@test "a passwd that is a FIFO, a device, a link out or too large is dealt with" {
	rootfs "$T/root"
	start "$N" -v /dev/zero:/zero "$T/root" sleep 1000
	rm "$T/root/etc/passwd"
	mkfifo "$T/root/etc/passwd"
	refused 125 "--user: " cattach exec -u user "$N" true
	rm "$T/root/etc/passwd"
	ln -s /zero "$T/root/etc/passwd"
	refused 125 "--user: " cattach exec -u user "$N" true
	ln -sf "$CANARY/passwd" "$T/root/etc/passwd"
	refused 125 "unable to find user root: no matching entries" cattach exec -u root "$N" true
	ln -sf /proc/self/environ "$T/root/etc/passwd"
	run -125 cattach exec -u user "$N" true
	rm "$T/root/etc/passwd"
	head -c 104857600 /dev/zero > "$T/root/etc/passwd"
	refused 125 "--user: " cattach exec -u user "$N" true
	# Who is a number needs none of it, or says so.
	rm "$T/root/etc/passwd"
	is "$(cattach exec -u 1000 "$N" id -u)" 1000
}

@test "mounts over /proc and /dev in the container are nothing to us" {
	ready --privileged
	in_it sh -c 'mkdir -p /tmp/p/self/fd /tmp/p/1 && mount -o bind /tmp/p /proc'
	is "$(in_it sh -c 'echo works; ls /proc')" "$(printf 'works\n1\nself')"
	in_it umount /proc
	in_it mount -t tmpfs none /dev
	is "$(in_it sh -c 'cat; echo still; ls /dev')" still
	in_it mount -t tmpfs none /proc
	refused 127 "working directory /proc/self/fd/0: No such" \
		cattach exec -w /proc/self/fd/0 "$N" true
}

@test "a PATH with tricks finds programs of the container, or none" {
	rootfs "$T/root"
	printf '#!/bin/sh\necho here\n' > "$T/root/tmp/trick"
	chmod 755 "$T/root/tmp/trick"
	start "$N" -e PATH=relative::/proc/self/fd:/proc/1/cwd:/tmp "$T/root" /bin/sleep 1000
	is "$(in_it trick)" here
	is "$(cattach exec -e PATH= -w /tmp "$N" trick)" here
	refused 127 "nope: not found" cattach exec -e "PATH=$(printf '/%.0sx' $(seq 3000))" "$N" nope
	refused 127 "cattach: not found" in_it cattach
	run ! in_it /proc/self/exe
	[[ $output != *Usage* ]]
}

@test "a program of its own that the container puts in our way is never run by us" {
	rootfs "$T/root"
	cat > "$T/root/bin/trap" <<- 'END'
		#!/bin/sh
		echo trapped > /trapped
	END
	chmod 755 "$T/root/bin/trap"
	mkdir -p "$T/root/usr/bin" "$T/root/usr/sbin"
	cp "$T/root/bin/trap" "$T/root/usr/bin/newuidmap"
	cp "$T/root/bin/trap" "$T/root/usr/bin/nsenter"
	start "$N" "$T/root" sleep 1000
	in_it true
	cattach exec -u user -w /tmp "$N" true
	[ ! -e "$T/root/trapped" ]
}
