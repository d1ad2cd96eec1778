#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# cattach exec without a terminal: exit codes, states and their words, options, the environment and
# the user. What it does with streams and signals is in exec_run.bats.

load helpers

# ready ARG...: a container $N that sleeps, made with these options.
ready() { start "$N" "$@" "$R" sleep 1000; }

in_it() { cattach exec "$N" "$@"; }

# code N COMMAND...
code()
{
	local wanted=$1 got=0
	shift
	"$@" > "$T/code.out" 2>&1 || got=$?
	is "$got" "$wanted"
}

# ---- exit codes --------------------------------------------------------------------------------

@test "the exit code is the command's, and 128 and the number for a signal" {
	local n
	ready
	for n in 0 1 3 125 126 127 128 255; do
		code $n in_it sh -c "exit $n"
	done
	for n in 1 2 9 11 15; do
		code $((128 + n)) in_it sh -c "kill -$n \$\$"
	done
}

@test "what is not there is 127, what cannot be executed 126, each by name" {
	local code
	ready -v "$T:/mnt"
	refused 127 "nope: not found in the container's PATH (/usr/local/sbin:" in_it nope
	refused 127 "/no/such: not found in the container" in_it /no/such
	refused 126 "/etc: is a directory" in_it /etc
	refused 126 "/etc/passwd: permission denied" in_it /etc/passwd
	printf '#!/no/such/shell\n' > "$T/script"
	printf 'not a program' > "$T/text"
	chmod +x "$T/script" "$T/text"
	refused 127 "/mnt/script: found, but /no/such/shell, which it needs to run, is missing" \
		in_it /mnt/script
	refused 126 "/mnt/text: " in_it /mnt/text
	start "$N-2" --ulimit stack=262144 "$R" sleep 1000
	code=$(head -c 100000 /dev/zero | tr '\0' x)
	refused 126 "argument list too long (0.2 MB)" cattach exec "$N-2" true "$code" "$code"
}

@test "a working directory that is not there is 127, one that is a file 126" {
	ready
	refused 127 "working directory /nope: No such file or directory" \
		cattach exec -w /nope "$N" true
	refused 126 "working directory /etc/passwd: Not a directory" \
		cattach exec -w /etc/passwd "$N" true
	in_it mkdir -m 700 /dev/shm/private
	refused 126 "working directory /dev/shm/private: Permission denied" \
		cattach exec -u 1000 -w /dev/shm/private "$N" true
	refused 125 '--workdir: must be an absolute path, not "tmp"' cattach exec -w tmp "$N" true
	refused 125 '--workdir: must be an absolute path, not ""' cattach exec -w '' "$N" true
	# Nothing was made.
	code 1 in_it test -e /nope
}

@test "what is asked wrongly is 125" {
	ready
	refused 125 "exec needs a CONTAINER" cattach exec
	refused 125 "exec needs a COMMAND (usage: cattach exec [OPTIONS] CONTAINER COMMAND" \
		cattach exec "$N"
	refused 125 "no such container: nosuch" cattach exec nosuch true
	refused 125 'unknown option --bad for "exec"' cattach exec --bad "$N" true
	refused 125 "unable to find user nouser: no matching entries in passwd file" \
		cattach exec -u nouser "$N" true
	refused 125 "unable to find group nogrp: no matching entries in group file" \
		cattach exec -u root:nogrp "$N" true
	refused 125 "--cap-add: " cattach exec --cap-add CAP_NONE "$N" true
	refused 125 "--cap-drop: " cattach exec --cap-drop CAP_NONE "$N" true
	refused 125 "--on-client-exit: must be keep or kill" cattach exec --on-client-exit x "$N" true
	refused 125 "--timeout: " cattach exec --timeout x "$N" true
	refused 125 "--timeout: must be more than 0" cattach exec --timeout 0 "$N" true
	refused 125 "--env-file: cannot open $T/nope: No such file" cattach exec --env-file "$T/nope" "$N" true
	refused 125 "--env: has no name" cattach exec -e =x "$N" true
	refused 125 "--latest and --cidfile exclude each other" cattach exec -l --cidfile "$T/x" true
}

@test "what follows the container is the command's, however much it looks like an option" {
	ready
	is "$(in_it echo --user -i -- -e)" "--user -i -- -e"
	refused 127 "--user: not found" in_it --user
	is "$(cattach exec -- "$N" echo x)" x
}

# ---- states ------------------------------------------------------------------------------------

@test "a container that was never started is refused" {
	STARTED+=("$N")
	cattach create --name "$N" "$R" true
	refused 125 "container $N is not running: it was created and never started (cattach start $N)" \
		in_it true
}

@test "one that has ended is refused, with how and when" {
	start "$N" "$R" sh -c 'exit 5'
	cattach wait "$N"
	refused 125 "container $N is not running: exited (5) " in_it true
	has "$stderr" "(cattach start $N)"
	cattach rm "$N"
	STARTED=()
	refused 125 "no such container: $N" in_it true
}

@test "one whose monitor was killed is refused, and so is one of another machine" {
	ready
	kill -9 "$(state "$N" ConmonPid)"
	run -255 cattach wait "$N"
	refused 125 "container $N is not running" in_it true
	start "$N-2" "$R" sleep 1000
	local file=$STORE/containers/$ID/meta.json
	cp "$file" "$T/meta"
	sed -i 's/"host": *"[^"]*"/"host": "elsewhere\/1"/' "$file"
	refused 125 "container $N-2 runs on another machine, if it does (exec into it on elsewhere" \
		cattach exec "$N-2" true
	cp "$T/meta" "$file"
}

# ---- which container ---------------------------------------------------------------------------

@test "a container by the beginning of its id, -l and --cidfile" {
	start "$N" --cidfile "$T/cid" --hostname first "$R" sleep 1000
	is "$(cattach exec "${ID:0:7}" hostname)" first
	is "$(cattach exec --cidfile "$T/cid" hostname)" first
	start "$N-2" --hostname second "$R" sleep 1000
	is "$(cattach exec -l hostname)" second
	is "$(cattach exec --latest -u 1000 id -u)" 1000
	is "$(cattach exec --cidfile "$T/cid" hostname)" first
	refused 125 "--cidfile: cannot open $T/none: No such file or directory" cattach exec --cidfile "$T/none" hostname
	mkfifo "$T/fifo"
	refused 125 "--cidfile: $T/fifo" cattach exec --cidfile "$T/fifo" hostname
	: > "$T/empty"
	refused 125 "" cattach exec --cidfile "$T/empty" hostname
}

# ---- environment -------------------------------------------------------------------------------

@test "the environment is the container's, then HOME, then files, then options" {
	ready -e FROM=container -e OVER=container -e FILE=container
	printf 'OVER=file\nFILE=file\n' > "$T/env"
	printf 'SECOND=2\n' > "$T/env2"
	export OURS=ours
	run -0 cattach exec -e OVER=option --env-file "$T/env" -e OURS -e NOT_THERE -e EMPTY= \
		--env-file "$T/env2" "$N" env
	is "$(sort <<< "$output")" "$(printf '%s\n' EMPTY= FILE=file FROM=container HOME=/root \
		"HOSTNAME=${ID:0:12}" OURS=ours OVER=option \
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin SECOND=2 | sort)"
}

@test "nothing of our own environment gets in, and no TERM without a terminal" {
	ready
	SECRET=x TERM=xterm LD_PRELOAD='' run -0 in_it env
	[[ $output != *SECRET* && $output != *TERM* && $output != *LD_* && $output != *XDG* ]]
}

@test "HOME is that of the user, unless somebody says otherwise" {
	ready -e HOME=/container
	is "$(in_it sh -c 'echo $HOME')" /container
	is "$(cattach exec -u user "$N" sh -c 'echo $HOME')" /home/user
	is "$(cattach exec -u 33 "$N" sh -c 'echo $HOME')" /var/www
	is "$(cattach exec -u 4000 "$N" sh -c 'echo $HOME')" /
	is "$(cattach exec -u user -e HOME=/mine "$N" sh -c 'echo $HOME')" /mine
}

# ---- who and where -----------------------------------------------------------------------------

@test "-u takes names and numbers, and numbers are never looked up as names" {
	rootfs "$T/root"
	printf '1000:x:0:0::/trap:/bin/sh\n7:x:0:0::/trap:/bin/sh\n' >> "$T/root/etc/passwd"
	printf '7:x:0:\n33:x:0:\n' >> "$T/root/etc/group"
	start "$N" "$T/root" sleep 1000
	is "$(cattach exec -u user "$N" sh -c 'id -u; id -g; id -G')" "$(printf '1000\n1000\n1000 29 100')"
	is "$(cattach exec -u 1000 "$N" sh -c 'id -u; id -g; id -G')" "$(printf '1000\n1000\n1000 29 100')"
	is "$(cattach exec -u 7 "$N" sh -c 'id -u; id -g; echo $HOME')" "$(printf '7\n0\n/')"
	is "$(cattach exec -u 7:33 "$N" sh -c 'id -u; id -g; id -G')" "$(printf '7\n33\n33')"
	is "$(cattach exec -u user:audio "$N" sh -c 'id -u; id -g; id -G')" "$(printf '1000\n29\n29')"
	is "$(cattach exec -u nobody:0 "$N" sh -c 'id -u; id -g')" "$(printf '65534\n0')"
	# The files as they are now, not as they were at the start.
	echo 'late:x:44:44::/late:/bin/sh' >> "$T/root/etc/passwd"
	is "$(cattach exec -u late "$N" sh -c 'id -u; echo $HOME')" "$(printf '44\n/late')"
}

@test "without options it is the container's user, groups, directory and umask" {
	start "$N" -u user:users --group-add audio -w /tmp --umask 027 "$R" sleep 1000
	is "$(in_it sh -c 'id -u; id -g; id -G; pwd; umask')" \
		"$(printf '1000\n100\n100 29\n/tmp\n0027')"
	is "$(cattach exec -w /usr "$N" pwd)" /usr
}

@test "limits, no_new_privs and the filter are the container's" {
	start "$N" --ulimit nofile=77:88 --security-opt no-new-privileges "$R" sleep 1000
	is "$(in_it sh -c 'ulimit -S -n; ulimit -H -n')" "$(printf '77\n88')"
	is "$(in_it grep -c -e '^NoNewPrivs:.1' -e '^Seccomp:.2' /proc/self/status)" 2
	start "$N-2" --security-opt seccomp=unconfined "$R" sleep 1000
	is "$(cattach exec "$N-2" grep '^Seccomp:' /proc/self/status)" "Seccomp:	0"
}

@test "a process starts clean, whatever state we are in" {
	ready
	(
		trap '' HUP USR1
		nice -n 5 cattach exec "$N" grep -e '^Sig[BI]' /proc/self/status
	) > "$T/out"
	is "$(cat "$T/out")" "$(printf 'SigBlk:\t%016d\nSigIgn:\t%016d' 0 0)"
	# A session of its own: stat's fields are pid, comm, state, ppid, pgrp, session, tty.
	is "$(in_it sh -c 'read -r pid comm state ppid pgrp session tty rest < /proc/self/stat
		[ $pgrp = $session ] && echo $tty')" 0
}
