#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Each option of cattach run at least once, by what it does as seen from inside, and the values that
# it refuses.

load helpers

# run_with OPTION... -- COMMAND...: in the example root file system.
run_with()
{
	local options=()
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	cattach run --rm "${options[@]}" "$R" "$@"
}

# The ranges of the caller; a machine may give it none, and then these tests say so.
need_ranges()
{
	SUBUID=$(awk -F: -v user="$(id -un)" '$1 == user && $3 >= 65536 { print $2; exit }' /etc/subuid)
	SUBGID=$(awk -F: -v user="$(id -un)" '$1 == user && $3 >= 65536 { print $2; exit }' /etc/subgid)
	if [ -z "$SUBUID" ] || [ -z "$SUBGID" ] || ! type -P newuidmap > /dev/null; then
		skip "this user has no range of 65536 subordinate ids"
	fi
}

# A mount of the container, as "OPTIONS" of its line.
mount_options() { awk -v at="$1" '$2 == at { options = $4 } END { print options }'; }

# ---- how options are written -------------------------------------------------------------------

@test "short options cluster" {
	STARTED+=("$N")
	matches "$(cattach run -itd --name "$N" "$R" < /dev/null)" '[0-9a-f]{64}'
	is "$(cattach inspect -f '{{.Config.Tty}} {{.Config.OpenStdin}} {{.State.Status}}' "$N")" \
		"true true running"
	is "$(cattach run --rm -ieA=1 "$R" sh -c 'echo $A; cat' <<< x)" $'1\nx'
}

@test "parsing stops at the first operand" {
	is "$(inside echo --rm -x -- --name)" "--rm -x -- --name"
	is "$(cattach run --rm -- "$R" echo -d)" "-d"
	is "$(cattach run --rm --rootfs "$R" echo --rootfs)" "--rootfs"
	is "$(cattach run --rm --bundle "$CT_BUNDLES/hello" echo --bundle)" "--bundle"
}

@test "a directory with config.json is a bundle, another one a root file system" {
	has "$(cattach run --rm "$CT_BUNDLES/hello")" "Hello"
	is "$(cattach run --rm "$CT_BUNDLES/hello" echo x)" x
	refused 125 "config.json" cattach run --rm --bundle "$R" true
	is "$(cd "$CT_BUNDLES" && cattach run --rm ./hello echo x && cattach run --rm rootfs echo y)" \
		$'x\ny'
}

@test "a root file system without a command runs a shell" {
	is "$(cattach run --rm -i "$R" <<< 'echo $0')" /bin/sh
	rootfs "$T/rootfs"
	printf '#!/bin/sh\necho a better shell\n' > "$T/rootfs/bin/bash"
	chmod +x "$T/rootfs/bin/bash"
	is "$(cattach run --rm "$T/rootfs")" "a better shell"
}

# ---- process -----------------------------------------------------------------------------------

@test "-e sets, takes ours, and the last one wins" {
	export MINE="one two" SECRET=s
	unset NOT_THERE
	run -0 run_with -e A=1 -e MINE -e NOT_THERE -e EMPTY= -e A=2 -e B=x=y -- env
	is "$(sort <<< "$output" | grep -v ^HOSTNAME=)" "A=2
B=x=y
EMPTY=
HOME=/root
MINE=one two
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	refused 125 '--env: has no name before the "="' run_with -e =x -- true
	refused 125 '--env: ' run_with -e '' -- true
}

@test "--env-file reads lines, which -e overrides" {
	export MINE=ours
	printf '# comment\n\nA=1\nMINE\nNOT_THERE\nB=a=b\nC="quoted"\n' > "$T/env"
	run -0 run_with --env-file "$T/env" -e A=2 -- env
	is "$(sort <<< "$output" | grep '^[ABCMN]')" $'A=2\nB=a=b\nC="quoted"\nMINE=ours'
	refused 125 "--env-file: " run_with --env-file "$T/nope" -- true
	refused 125 "--env-file: " run_with --env-file "$T" -- true
	printf 'A=1\n=x\n' > "$T/env"
	refused 125 "$T/env:2" run_with --env-file "$T/env" -- true
}

@test "-w is the working directory, which is made if it is missing" {
	is "$(run_with -w /tmp -- pwd)" /tmp
	is "$(cattach run --rm -w /tmp/new/dir "$R:O" pwd)" /tmp/new/dir
	refused 125 "--workdir: must be an absolute path" run_with -w tmp -- true
	refused 125 "/etc/passwd" run_with -w /etc/passwd -- true
}

@test "-u is a user by name or number, with the groups of the root file system" {
	need_ranges
	is "$(run_with -u 1000 -- id)" "uid=1000(user) gid=1000(user) groups=29(audio),100(users),1000(user)"
	is "$(run_with -u user -- sh -c 'id -u; id -g; echo $HOME')" $'1000\n1000\n/home/user'
	is "$(run_with -u 1000:33 -- id -G)" 33
	is "$(run_with -u user:audio -- id -G)" 29
	is "$(run_with -u 12345 -- sh -c 'id -u; id -g; echo $HOME')" $'12345\n0\n/'
	refused 125 "unable to find user nobody2" run_with -u nobody2 -- true
	refused 125 "unable to find group nogroup2" run_with -u user:nogroup2 -- true
}

@test "--entrypoint goes before the arguments, or clears what the bundle has" {
	is "$(run_with --entrypoint echo -- a b)" "a b"
	is "$(cattach run --rm --entrypoint echo "$CT_BUNDLES/hello" x)" x
	is "$(cattach run --rm --entrypoint '' "$CT_BUNDLES/hello" echo y)" y
}

@test "--init is pid 1, forwards signals and reaps" {
	is "$(run_with --init -- sh -c 'echo $$')" 2
	is "$(run_with --init -- sh -c 'kill -9 $$' || echo $?)" 137
	run -7 run_with --init -- sh -c 'exit 7'
	# The child of a process that has ended becomes init's, and is no zombie.
	is "$(run_with --init -- sh -c '(sleep 0.1 &); sleep 0.3; cat /proc/[0-9]*/stat | grep -c " Z "' \
		|| true)" 0
	start "$N" --init "$R" sh -c 'trap "exit 5" USR1; echo ready; while :; do sleep 0.05; done'
	eventually grep -qa ready "$STORE/containers/$ID/main/log.0"
	cattach kill -s USR1 "$N"
	is "$(cattach wait "$N")" 5
	refused 127 "nope: not found" run_with --init -- nope
}

@test "--hostname; without it the short id" {
	is "$(run_with --hostname some.name -- sh -c 'hostname; echo $HOSTNAME')" $'some.name\nsome.name'
	start "$N" "$R" sh -c 'hostname; sleep 100'
	eventually grep -qa "${ID:0:12}" "$STORE/containers/$ID/main/log.0"
	refused 125 "--hostname: " run_with --hostname "$(printf 'a%.0s' {1..65})" -- true
}

@test "--stop-signal and --stop-timeout are what stop uses" {
	start "$N" --stop-signal USR1 "$R" sh -c \
		'trap "exit 6" USR1; echo ready; while :; do sleep 0.05; done'
	eventually grep -qa ready "$STORE/containers/$ID/main/log.0"
	cattach stop "$N"
	is "$(cattach wait "$N")" 6

	start "$N-2" --stop-timeout 1 "$R" sleep 100
	local before=$SECONDS
	cattach stop "$N-2"
	[ $((SECONDS - before)) -le 3 ]
	is "$(cattach wait "$N-2")" 137
	refused 125 "BOGUS" run_with --stop-signal BOGUS -- true
	refused 125 "--stop-timeout: " run_with --stop-timeout abc -- true
}

@test "--ulimit sets soft and hard limits" {
	is "$(run_with --ulimit nofile=100:200 --ulimit core=0 -- \
		sh -c 'ulimit -Sn; ulimit -Hn; ulimit -Hc')" $'100\n200\n0'
	is "$(run_with --ulimit nofile=123 -- sh -c 'ulimit -Sn; ulimit -Hn')" $'123\n123'
	refused 125 "--ulimit: unknown limit" run_with --ulimit bogus=1 -- true
	refused 125 "soft limit is above the hard limit" run_with --ulimit nofile=5:2 -- true
	refused 125 "--ulimit: nofile: the hard limit of this user is $(ulimit -Hn)" \
		run_with --ulimit nofile=$(($(ulimit -Hn) + 1)) -- true
}

@test "--umask" {
	is "$(run_with --umask 027 -- sh -c umask)" 0027
	is "$(run_with -- sh -c umask)" 0022
	refused 125 "--umask: " run_with --umask 999 -- true
}

@test "--group-add" {
	need_ranges
	is "$(run_with --group-add 33 --group-add audio -- id -G)" "0 29 33"
	is "$(run_with -u 1000:33 --group-add 5 -- id -G)" "33 5"
	refused 125 "unable to find group nope" run_with --group-add nope -- true
	refused 125 "--group-add: gid 99999 is not mapped" run_with --group-add 99999 -- true
	run -0 run_with --group-add keep-groups -- grep ^Groups: /proc/self/status
}

@test "--oom-score-adj" {
	is "$(run_with --oom-score-adj 500 -- cat /proc/self/oom_score_adj)" 500
	refused 125 "-1000...1000" run_with --oom-score-adj 5000 -- true
	refused 125 "an unprivileged user can only raise it" run_with --oom-score-adj -500 -- true
}

@test "--cidfile and --pidfile" {
	start "$N" --cidfile "$T/cid" --pidfile "$T/pid" "$R" sleep 100
	is "$(cat "$T/cid")" "$ID"
	is "$(cat "$T/pid")" "$(state "$N" Pid)"
	cattach rm -f "$N"
	refused 125 "$T/cid" run_with --cidfile "$T/cid" -- true
	is "$(cat "$T/cid")" "$ID"
	refused 125 "$T/nope/cid" run_with --cidfile "$T/nope/cid" -- true
	refused 125 "$T/nope/pid" run_with --pidfile "$T/nope/pid" -- true
	# A start that fails leaves no file that it made.
	echo theirs > "$T/pid"
	refused 127 "nope: not found" run_with --pidfile "$T/pid" -- nope
	is "$(cat "$T/pid")" theirs
	refused 127 "nope: not found" run_with --cidfile "$T/cid2" --pidfile "$T/pid2" -- nope
	[ ! -e "$T/cid2" ] && [ ! -e "$T/pid2" ]
}

@test "--label and --annotation" {
	start "$N" --label a=b -l c --label 'd=e f=g' --annotation org.example.x=y "$R" true
	is "$(cattach inspect -f '{{json .Config.Labels}}' "$N")" '{"a":"b","c":"","d":"e f=g"}'
	is "$(cattach inspect -f '{{index .Config.Annotations "org.example.x"}}' "$N")" y
	is "$(cattach ps -a --format '{{.Label "a"}}')" b
}

@test "--name" {
	start "$N" "$R" true
	is "$(cattach inspect -f '{{.Name}}' "$ID")" "$N"
	matches "$(cattach run --rm -d "$R" sleep 100 > "$T/id"; cattach ps --format '{{.Names}}')" \
		'[a-z]+_[a-z]+'
	cattach rm -f "$(cat "$T/id")"
}

@test "--preserve-fds gives exactly so many more" {
	run -0 run_with --preserve-fds 2 -- sh -c 'cat <&3; cat <&4; ls /proc/self/fd | tr "\n" " "' \
		3< <(echo three) 4< <(echo four) 5< /dev/null
	# The last descriptor is of ls itself.
	is "$output" $'three\nfour\n0 1 2 3 4 5 '
	refused 125 "--preserve-fds: descriptor 4 is not open" \
		bash -c 'exec cattach run --rm --preserve-fds 2 "$0" true 3< /dev/null 4<&-' "$R"
}

@test "--detach-keys is taken" {
	run_with --detach-keys ctrl-a,b -- true
	run_with --detach-keys '' -- true
	refused 125 'invalid detach keys (ctrl-p ctrl-q): Unknown character' run_with --detach-keys 'ctrl-p ctrl-q' -- true
}

# ---- file systems ------------------------------------------------------------------------------

@test "-v binds, for reading only if asked to" {
	mkdir "$T/dir"
	echo content > "$T/dir/file"
	is "$(run_with -v "$T/dir:/mnt" -- sh -c 'cat /mnt/file; echo new > /mnt/new')" content
	is "$(cat "$T/dir/new")" new
	is "$(stat -c %U "$T/dir/new")" "$(id -un)"
	run -1 run_with -v "$T/dir:/mnt:ro" -- sh -c 'echo x > /mnt/file'
	has "$output" "Read-only file system"
	is "$(cd "$T" && run_with -v ./dir:/mnt -- cat /mnt/new)" new
	is "$(run_with -v "$T/dir/file:/etc/hosts:ro" -- cat /etc/hosts)" content
}

@test "-v refuses what it cannot do, and makes no source" {
	refused 125 "No such file or directory" run_with -v "$T/nope:/mnt" -- true
	[ ! -e "$T/nope" ]
	refused 125 "absolute path" run_with -v "$T:mnt" -- true
	refused 125 'unknown option "bogus"' run_with -v "$T:/mnt:bogus" -- true
	refused 125 "two mounts at /mnt" run_with -v "$T:/mnt" --tmpfs /mnt -- true
	refused 125 "named volumes" run_with -v data:/mnt -- true
	refused 125 "/mnt is a directory" run_with -v /etc/passwd:/mnt -- true
	refused 125 "/etc/passwd" run_with -v "$T:/etc/passwd" -- true
}

@test "--mount type=bind and type=tmpfs" {
	echo x > "$T/file"
	is "$(run_with --mount "type=bind,source=$T,target=/mnt" -- cat /mnt/file)" x
	run -1 run_with --mount "type=bind,src=$T,dst=/mnt,readonly" -- touch /mnt/y
	has "$output" "Read-only file system"
	is "$(run_with --mount type=tmpfs,target=/mnt,tmpfs-size=1m,tmpfs-mode=700 -- \
		sh -c 'stat -c %a /mnt; df -k /mnt | awk "NR == 2 { print \$2 }"')" $'700\n1024'
	refused 125 'type "bogus"' run_with --mount type=bogus,target=/mnt -- true
	refused 125 "--mount: " run_with --mount type=bind,target=/mnt -- true
	refused 125 "--mount: " run_with --mount "type=bind,source=$T" -- true
	refused 125 "--mount: " run_with --mount type=tmpfs,target=/mnt,nonsense=1 -- true
}

@test "--tmpfs, which is nosuid, nodev and noexec unless asked otherwise" {
	is "$(run_with --tmpfs /mnt:size=1m,mode=750 -- \
		sh -c 'touch /mnt/x; stat -c %a /mnt; df -k /mnt | awk "NR == 2 { print \$2 }"')" \
		$'750\n1024'
	has "$(run_with --tmpfs /mnt -- cat /proc/self/mounts | mount_options /mnt)" \
		"rw,nosuid,nodev,noexec"
	has "$(run_with --tmpfs /mnt:exec,ro -- cat /proc/self/mounts | mount_options /mnt)" \
		"ro,nosuid,nodev,"
	is "$(run_with --tmpfs /etc -- ls -A /etc)" ""
	refused 125 'unknown option "bogus"' run_with --tmpfs /mnt:bogus -- true
}

@test "--read-only" {
	rootfs "$T/rootfs"
	run -1 cattach run --rm --read-only "$T/rootfs" touch /x
	has "$output" "Read-only file system"
	[ ! -e "$T/rootfs/x" ]
	cattach run --rm "$T/rootfs" touch /x
	[ -e "$T/rootfs/x" ]
	cattach run --rm --read-only "$T/rootfs" touch /dev/shm/x
}

@test "--shm-size" {
	is "$(run_with --shm-size 1m -- df -k /dev/shm | awk 'NR == 2 { print $2 }')" 1024
	is "$(run_with -- df -k /dev/shm | awk 'NR == 2 { print $2 }')" 65536
	refused 125 "--shm-size: " run_with --shm-size abc -- true
}

@test "--device" {
	is "$(run_with --device /dev/zero:/dev/nothing -- sh -c 'head -c 3 /dev/nothing | od -An -tx1')" \
		" 00 00 00"
	is "$(run_with --device /dev/full -- stat -c '%t:%T' /dev/full)" 1:7
	refused 125 "/etc/passwd is not a device" run_with --device /etc/passwd -- true
	refused 125 "/dev/nope: No such file or directory" run_with --device /dev/nope -- true
	refused 125 'permissions "r" cannot be enforced' run_with --device /dev/zero:r -- true
}

# ---- namespaces --------------------------------------------------------------------------------

# shared OPTION...: which namespaces are the host's.
shared()
{
	local kind inside
	inside=$(run_with "$@" -- sh -c 'cd /proc/self/ns
		for kind in user mnt pid net ipc uts cgroup; do readlink $kind; done')
	for kind in user mnt pid net ipc uts cgroup; do
		grep -qxF "$(readlink "/proc/self/ns/$kind")" <<< "$inside" && echo $kind
	done
	is "$(wc -l <<< "$inside")" 7
}

@test "each namespace is the host's when asked, and no other" {
	is "$(shared --network host)" net
	is "$(shared --net host)" net
	is "$(shared --pid host)" pid
	is "$(shared --ipc host)" ipc
	is "$(shared --uts host)" uts
	is "$(shared --cgroupns host)" cgroup
	is "$(shared --userns host)" ""
	is "$(shared --pid private --ipc private --uts private --cgroupns private --network none)" ""
	refused 125 "--pid: " run_with --pid bogus -- true
	refused 125 "--network: " run_with --network bridge -- true
}

@test "--network none has lo, up, and nothing else" {
	is "$(run_with -- sh -c 'ls /sys/class/net; ip -o -4 addr show lo' | awk '{ print $1, $4 }')" \
		$'lo \n1: 127.0.0.1/8'
	is "$(run_with --network host -- ls /sys/class/net)" "$(ls /sys/class/net)"
}

@test "--pid host sees the host's processes" {
	is "$(run_with --pid host -- sh -c "readlink /proc/self/ns/pid; echo \$PPID" | head -n 1)" \
		"$(readlink /proc/self/ns/pid)"
	run_with --pid host -- test -d "/proc/$$"
	run -1 run_with -- test -d "/proc/$$/ns"
}

@test "--userns keep-id stays oneself, nomap is not mapped, host is root" {
	need_ranges
	local uid gid
	uid=$(id -u) gid=$(id -g)
	is "$(run_with --userns keep-id -- sh -c 'id -u; id -g')" $uid$'\n'$gid
	is "$(run_with --userns keep-id:uid=7,gid=8 -- sh -c 'id -u; id -g')" $'7\n8'
	run_with --userns keep-id -v "$T:/mnt" -- touch /mnt/kept
	is "$(stat -c '%u %g' "$T/kept")" "$uid $gid"
	is "$(run_with --userns host -- sh -c 'id -u; set -- $(cat /proc/self/uid_map); echo $1 $2')" \
		$'0\n'"0 $uid"
	is "$(run_with --userns nomap -- sh -c 'id -u; set -- $(cat /proc/self/uid_map); echo $1 $2')" \
		$'0\n'"0 $SUBUID"
	refused 125 "--userns: " run_with --userns bogus -- true
}

@test "--userns nomap cannot write where only the caller may" {
	need_ranges
	mkdir -m 755 "$T/dir"
	run -1 run_with --userns nomap -v "$T/dir:/mnt" -- touch /mnt/x
	has "$output" "Permission denied"
	[ ! -e "$T/dir/x" ]
}

@test "--uidmap and --gidmap" {
	need_ranges
	is "$(run_with --uidmap 0:$SUBUID:100 --gidmap 0:$SUBGID:200 -- \
		sh -c 'set -- $(cat /proc/self/uid_map /proc/self/gid_map); echo $*')" \
		"0 $SUBUID 100 0 $SUBGID 200"
	is "$(run_with --uidmap "0:$(id -u):1" --uidmap 1:$SUBUID:10 -- \
		sh -c 'set -- $(cat /proc/self/uid_map); echo $*')" "0 $(id -u) 1 1 $SUBUID 10"
}

@test "--uidmap refuses ids of others, with the range that is allowed" {
	need_ranges
	local range="not in your subuid range $SUBUID-"
	refused 125 "--uidmap: host id 0 is $range" run_with --uidmap 0:0:1 -- true
	refused 125 "$range" run_with --uidmap 0:$((SUBUID - 1)):2 -- true
	refused 125 "$range" run_with --uidmap 0:$SUBUID:4000000000 -- true
	refused 125 "--gidmap: host id 0 is not in your subgid range" run_with --gidmap 0:0:1 -- true
	refused 125 "overlap" run_with --uidmap 0:$SUBUID:5 --uidmap 3:$((SUBUID + 9)):5 -- true
	refused 125 "CONTAINER_ID:HOST_ID:SIZE" run_with --uidmap nonsense -- true
	refused 125 "uid 0 is not mapped" run_with --uidmap 1:$SUBUID:10 -- true
	refused 125 "--user: uid 500 is not mapped" run_with --uidmap 0:$SUBUID:10 -u 500 -- true
}

# ---- security ----------------------------------------------------------------------------------

# capabilities OPTION...: "PERMITTED EFFECTIVE BOUNDING INHERITABLE+AMBIENT"
capabilities()
{
	run_with "$@" -- cat /proc/self/status | awk '
		/^Cap/ { sub(/^0+/, "", $2); set[substr($1, 4, 3)] = $2 == "" ? 0 : $2 }
		END { print set["Prm"], set["Eff"], set["Bnd"], set["Inh"] set["Amb"] }'
}

@test "--cap-add and --cap-drop" {
	local all
	all=$(printf '%x' $(((1 << ($(cat /proc/sys/kernel/cap_last_cap) + 1)) - 1)))
	is "$(capabilities)" "800405fb 800405fb 800405fb 00"
	is "$(capabilities --cap-add NET_RAW)" "800425fb 800425fb 800425fb 00"
	is "$(capabilities --cap-add cap_net_raw --cap-drop Chown)" "800425fa 800425fa 800425fa 00"
	is "$(capabilities --cap-drop ALL)" "0 0 0 00"
	is "$(capabilities --cap-drop all --cap-add CAP_CHOWN)" "1 1 1 00"
	is "$(capabilities --cap-add ALL)" "$all $all $all 00"
	is "$(capabilities --cap-add ALL --cap-drop CHOWN)" "${all%f}e ${all%f}e ${all%f}e 00"
	refused 125 "--cap-add: CAP_BOGUS: unknown capability" run_with --cap-add CAP_BOGUS -- true
	refused 125 "--cap-drop: " run_with --cap-drop '' -- true
}

@test "a capability that was dropped cannot be used, one that was added can" {
	rootfs "$T/rootfs"
	cattach run --rm "$T/rootfs" chroot / true
	run -1 cattach run --rm --cap-drop SYS_CHROOT "$T/rootfs" chroot / true
	has "$output" "Operation not permitted"
	run -1 cattach run --rm "$T/rootfs" hostname x
	cattach run --rm --cap-add SYS_ADMIN "$T/rootfs" hostname x
}

@test "--privileged: all capabilities, no filter, no masks, a writable /sys" {
	local all
	all=$(printf '%x' $(((1 << ($(cat /proc/sys/kernel/cap_last_cap) + 1)) - 1)))
	is "$(capabilities --privileged)" "$all $all $all 00"
	is "$(run_with --privileged -- sh -c 'grep -E "^(Seccomp|NoNewPrivs):" /proc/self/status')" \
		$'NoNewPrivs:\t0\nSeccomp:\t0'
	is "$(run_with --privileged -- cat /proc/self/mounts | grep -c ' /proc/')" 0
	has "$(run_with --privileged -- cat /proc/self/mounts | mount_options /sys)" "rw,"
}

@test "--security-opt no-new-privileges" {
	is "$(run_with --security-opt no-new-privileges -- grep NoNewPrivs /proc/self/status)" \
		$'NoNewPrivs:\t1'
	is "$(run_with --security-opt no-new-privileges=false -- grep NoNewPrivs /proc/self/status)" \
		$'NoNewPrivs:\t0'
	is "$(run_with -- grep NoNewPrivs /proc/self/status)" $'NoNewPrivs:\t0'
}

@test "--security-opt seccomp=FILE and seccomp=unconfined" {
	echo '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir", "mkdirat"],
		"action": "SCMP_ACT_ERRNO", "errnoRet": 95}]}' > "$T/profile"
	run -1 run_with --security-opt "seccomp=$T/profile" -- mkdir /tmp/x
	has "$output" "Operation not supported"
	is "$(run_with --security-opt seccomp=unconfined -- grep Seccomp: /proc/self/status)" \
		$'Seccomp:\t0'
	is "$(run_with --privileged --security-opt "seccomp=$T/profile" -- \
		grep Seccomp: /proc/self/status)" $'Seccomp:\t2'
	refused 125 "$T/nope" run_with --security-opt "seccomp=$T/nope" -- true
	echo '{"defaultAction": "SCMP_ACT_BOGUS"}' > "$T/profile"
	refused 125 "$T/profile:1:" run_with --security-opt "seccomp=$T/profile" -- true
}

@test "--security-opt mask= and unmask=" {
	is "$(run_with --security-opt mask=/etc/passwd:/usr -- sh -c 'cat /etc/passwd; ls -A /usr')" ""
	run -0 run_with -- cat /proc/timer_list
	is "$output" ""
	run -1 run_with --security-opt unmask=/proc/timer_list -- cat /proc/timer_list
	has "$output" "Permission denied"
	is "$(run_with --security-opt unmask=ALL -- cat /proc/self/mounts | grep -c ' /proc/')" 0
	is "$(run_with --security-opt 'unmask=/proc/*' -- cat /proc/self/mounts | grep -c ' /proc/')" 0
	refused 125 "must be absolute paths" run_with --security-opt mask=etc -- true
}

@test "--security-opt refuses what is not there" {
	refused 125 "AppArmor" run_with --security-opt apparmor=foo -- true
	refused 125 "SELinux" run_with --security-opt label=type:foo -- true
	refused 125 'unknown option "bogus"' run_with --security-opt bogus -- true
	run_with --security-opt apparmor=unconfined --security-opt label=disable -- true
}

@test "--sysctl" {
	is "$(run_with --sysctl net.ipv4.ip_unprivileged_port_start=80 --sysctl kernel.msgmax=1234 -- \
		cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/kernel/msgmax)" $'80\n1234'
	is "$(run_with --userns keep-id --sysctl kernel.shmmax=4321 -- cat /proc/sys/kernel/shmmax)" 4321
	is "$(run_with --sysctl fs.mqueue.msg_max=12 -- cat /proc/sys/fs/mqueue/msg_max)" 12
	refused 125 "kernel.core_pattern is not per-container" \
		run_with --sysctl kernel.core_pattern=x -- true
	refused 125 "needs a namespace" \
		run_with --network host --sysctl net.ipv4.ip_forward=1 -- true
	refused 125 "--sysctl: " run_with --sysctl nonsense -- true
}
