#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Containers that write to a journald that hangs, or is restarted, which takes root to do.
# shellcheck disable=SC2016,SC2317 # functions are called by name; some text is for other shells
# shellcheck source=tests/vm/suite/lib.sh
. "$(dirname "$0")/lib.sh"

# ---- one that hangs ----

# What is shown and what is called missing are together what was written; the line before a hole may
# have got an end.
adds_up()
{
	local shown more lost
	cattach logs "$N" > "$HOME/out" 2> "$HOME/err"
	shown=$(wc -c < "$HOME/out")
	lost=$(sed -n 's/.* \([0-9]*\) bytes are missing here.*/\1/p' "$HOME/err" | paste -sd +)
	lost=$((lost))
	more=$((shown + lost - $(wc -c < "$T/in")))
	echo "shown $shown, lost $lost"
	[ "$lost" -gt 0 ] && [ "$more" -ge 0 ] && [ "$more" -le 1 ] && [ "$(state LogLost)" = "$lost" ]
}

hangs()
{
	local line
	journald=$(systemctl show -P MainPID systemd-journald)
	trap 'kill -CONT "$journald" || true' EXIT
	line=$(head -c 16000 /dev/zero | tr '\0' x)
	for i in $(seq 1200); do
		echo "$i $line"
	done > "$T/in"
	start --log-driver journald -v "$T:/mnt" "$R" sh -c 'until [ -e /mnt/go ]; do sleep 0.1; done
		cat /mnt/in; : > /mnt/over; exec sleep 1000'
	kill -STOP "$journald"
	: > "$T/go"
	# nobody waits for it, and who reads meanwhile has what memory has
	until_true test -e "$T/over"
	same "$(cattach logs -n 1 "$N" 2> /dev/null | cut -d ' ' -f 1)" 1200
	kill -CONT "$journald"
	cattach kill "$N" > /dev/null
	cattach wait "$N" > /dev/null
	until_true adds_up
	same "$(head -n 1 "$HOME/out" | md5sum)" "$(head -n 1 "$T/in" | md5sum)"
}
row systemd "L11 L13 a journald that hangs holds up nobody, and every byte it has not got is told" hangs

# ---- one that is restarted ----

shows() { [ "$(cattach logs "$N" | md5sum)" = "$(seq 2000 | md5sum)" ]; }

restarted()
{
	start --log-driver journald -i "$R" sh -c 'while read from to; do
		while [ $from -le $to ]; do echo $from; from=$((from + 1)); done; done'
	cattach send "$N" "1 500"
	systemctl restart systemd-journald
	cattach send "$N" "501 1000"
	cattach wait --timeout 60 --for-output '^1000$' "$N" > /dev/null
	cattach send "$N" "1001 2000"
	systemctl restart systemd-journald
	cattach wait --timeout 60 --for-output '^2000$' "$N" > /dev/null
	cattach kill "$N" > /dev/null
	cattach wait "$N" > /dev/null
	until_true shows
	same "$(state LogLost)" 0
	same "$(journalctl -q -o cat "CONTAINER_ID_FULL=$(cattach inspect -f '{{.Id}}' "$N")" | md5sum)" "$(seq 2000 | md5sum)"
}
row systemd "a journald that is restarted gets every line once, in its order" restarted

end
