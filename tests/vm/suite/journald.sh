#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What "logs" shows of a container that writes to the journal: while it runs, from memory, and the
# same when it has ended, from the journal. What else an entry has is in systemd.sh, a journald that
# hangs or is restarted in root_journald.sh.
# shellcheck disable=SC2016,SC2317 # functions are called by name; some text is for other shells
# shellcheck source=tests/vm/suite/lib.sh
. "$(dirname "$0")/lib.sh"

said() { cattach logs "$@" "$N"; }
sum() { said "$@" 2> "$HOME/stderr" | md5sum; }
shows() { [ "$(sum)" = "$(md5sum < "$T/in")" ]; }
ends() { [ "$(said -n 1 --stream stdout)" = "$1" ]; }

# twice CHECK CONDITION...: while it runs, and when it has ended and journald has come so far.
twice()
{
	local check=$1
	shift
	until_true "$@"
	echo "running"
	"$check"
	cattach kill "$N" > /dev/null
	cattach wait "$N" > /dev/null
	until_true "$@"
	echo "ended"
	"$check"
}

check_bytes()
{
	shows
	same "$(said 2>&1 > /dev/null)" $'err\npart'
	same "$(said --stream stderr 2>&1)" $'err\npart'
	same "$(said --stream stderr -n 1 2>&1)" part
	same "$(said -n 0)" ""
	same "$(said -n 1 --stream stdout)" "no end"
	same "$(said --tail 2 --stream stdout)" $'last\nno end'
	same "$(said -n 3 --stream stdout | wc -c)" $((100001 + 5 + 6))
	same "$(sum -n all --stream stdout)" "$(md5sum < "$T/in")"
}

bytes()
{
	{
		printf '1\n\n2\r\n\0NUL\0\n\033[31mred\033[0m\n\377\376\303\nMESSAGE=3\n\n'
		head -c 100000 /dev/zero | tr '\0' x
		printf '\nlast\nno end'
	} > "$T/in"
	start --log-driver journald -v "$T:/mnt" "$R" \
		sh -c 'echo err >&2; printf part >&2; cat /mnt/in; exec sleep 1000'
	twice check_bytes shows
}
row systemd "L1 L5 L6 L7 L10 lines, bytes, long lines, ends and streams are as they were written" bytes

followed()
{
	start --log-driver journald -i "$R" \
		sh -c 'read x; i=0; while [ $i -lt 2000 ]; do i=$((i + 1)); echo $i; done; printf end'
	timeout 120 cattach logs -f "$N" > "$T/out" &
	cattach send "$N" go
	wait $!
	{ seq 2000; printf end; } > "$T/in"
	same "$(md5sum < "$T/out")" "$(md5sum < "$T/in")"
	until_true shows
	# what has ended is not followed
	same "$(said -f | md5sum)" "$(md5sum < "$T/in")"
}
row systemd "L2 L4 a follower has every line once, and ends with the container" followed

# ---- times ----

# tell NAME TEXT: it says so, and that can be seen.
tell() { cattach send "$1" "$2" && cattach wait --timeout 60 --for-output "$2\$" "$1" > /dev/null; }

check_times()
{
	local at
	[ -e "$HOME/times" ] || said -t > "$HOME/times"
	same "$(said -t)" "$(cat "$HOME/times")"
	same "$(sed 's/^[-0-9]*T[:0-9]*\.[0-9]\{9\}Z //' "$HOME/times" | tr '\n' ' ')" "one three halves end "
	at=$(sed -n 's/ three$//p' "$HOME/times")
	same "$(said --since "$at")" $'three\nhalves\nend'
	same "$(said --until "$at")" $'one\nthree'
	same "$(said --since 1h -n 1)" end
	same "$(said --until 1h)" ""
	same "$(cattach logs --names "$N" "$N-2" | grep -v end)" \
		"$(printf '%s\n' "$N one" "$N-2 two" "$N three" "$N-2 four" "$N halves")"
}

times()
{
	local name
	rm -f "$HOME/times"
	for name in "$N" "$N-2"; do
		cattach run -d --name "$name" --log-driver journald -i "$R" sh -c 'while read x; do
			case $x in ha) printf ha ;; *) echo "$x" ;; esac; done' > /dev/null
	done
	tell "$N" one
	tell "$N-2" two
	tell "$N" three
	tell "$N-2" four
	tell "$N" ha
	tell "$N" lves
	tell "$N" end
	twice check_times ends end
}
row systemd "L3 L8 L12 each line has its time, by which it is found and put among others" times

# ---- a terminal ----

check_terminal()
{
	same "$(said)" $'out\r\nerr\r\nprompt'
	same "$(said --stream stderr)" ""
}

terminal()
{
	start --log-driver journald -t "$R" sh -c 'echo out; echo err >&2; printf prompt; exec sleep 1000'
	twice check_terminal ends prompt
	journalctl -q -o json "CONTAINER_NAME=$N" > "$HOME/json"
	same "$(grep -v '"PRIORITY":"6"' "$HOME/json" || true)" ""
}
row systemd "L9 of a terminal all is stdout" terminal

end
