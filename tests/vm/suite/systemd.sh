#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What only a machine with systemd shows: lines in the journal, and containers that are services.
# shellcheck disable=SC2016,SC2317 # functions are called by name; some text is for other shells
# shellcheck source=tests/vm/suite/lib.sh
. "$(dirname "$0")/lib.sh"

# journal FIELD...: of the container's entries, one a line; journalctl's --output-fields= is not old enough.
journal() { journalctl -q -a -o json --no-pager "CONTAINER_ID_FULL=$(id_of)"; }
id_of() { cattach inspect -f '{{.Id}}' "$N"; }
entries() { [ "$(journal | wc -l)" -ge "$1" ]; }

# Fields of json lines, without a parser: their values have no quotes here.
field() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }

journald_fields()
{
	local id
	start --log-driver journald --log-opt 'tag={{.Name}}-tag' "$R" \
		sh -c 'echo one; echo two >&2; head -c 20000 /dev/zero | tr "\0" x; echo; printf end; sleep 1000'
	id=$(id_of)
	until_true entries 4
	journal > "$HOME/json"
	same "$(field MESSAGE < "$HOME/json" | sed -n '1,2p' | sort | tr '\n' ' ')" "one two "
	same "$(grep '"MESSAGE":"one"' "$HOME/json" | field PRIORITY)" 6
	same "$(grep '"MESSAGE":"two"' "$HOME/json" | field PRIORITY)" 3
	same "$(field CONTAINER_ID < "$HOME/json" | sort -u)" "${id:0:12}"
	same "$(field CONTAINER_NAME < "$HOME/json" | sort -u)" "$N"
	same "$(field CONTAINER_TAG < "$HOME/json" | sort -u)" "$N-tag"
	same "$(field SYSLOG_IDENTIFIER < "$HOME/json" | sort -u)" "$N-tag"
	same "$(field CONTAINER_PARTIAL_MESSAGE < "$HOME/json")" "true"
	# while it runs, from memory: also what journald has not got yet
	same "$(cattach logs "$N" 2>&1 | tail -n 1)" end
	cattach stop -t 0 "$N" > /dev/null
	until_true entries 5
	same "$(journal | field CONTAINER_PARTIAL_MESSAGE | wc -l)" 2
	same "$(state Warnings)" "[]"
}
row "systemd" "journald gets every line with its fields" journald_fields

has_line() { cattach logs --stream stdout "$N" | grep -qx "$1"; }

# What is read from the container in one go has one time: "end" is written when the lines have been read.
journald_read_back()
{
	mkdir -p "$T/share"
	start --log-driver journald -v "$T/share:/mnt" "$R" sh -c \
		'i=0; while [ $i -lt 3000 ]; do i=$((i + 1)); echo "line $i"; done; printf "\201\n" >&2
		until [ -e /mnt/go ]; do :; done; printf end'
	until_true has_line "line 3000"
	touch "$T/share/go"
	same "$(cattach wait "$N")" 0
	until_true entries 3002
	cattach logs "$N" > "$HOME/stdout" 2> "$HOME/stderr"
	same "$(md5sum < "$HOME/stdout")" "$({ seq -f 'line %g' 3000; printf end; } | md5sum)"
	same "$(cat "$HOME/stderr")" "$(printf '\201')"
	same "$(cattach logs -n 2 --stream stdout "$N")" "$(printf 'line 3000\nend')"
	same "$(cattach logs --since "$(cattach logs -t -n 1 --stream stdout "$N" | cut -d ' ' -f 1)" \
		--stream stdout "$N")" end
	cattach start "$N" > /dev/null
	same "$(cattach wait "$N")" 0
	until_true entries 6004
	same "$(cattach logs --run -1 --stream stdout "$N" | wc -l)" 3000
	same "$(state LogLost)" 0
}
row "systemd" "what journald has of a container that has ended comes out of logs" journald_read_back

# ---- services ----

U=$HOME/.config/systemd/user

# install ARG...: the unit that is generated for the container, as the user's. Its name is in $UNIT.
install_unit()
{
	mkdir -p "$U"
	UNIT=$(basename "$(cd "$U" && cattach generate systemd --files "$@" "$N")")
	systemctl --user daemon-reload
}

# Also when the row has failed, which it explains then.
uninstall_unit()
{
	[ $? = 0 ] || journalctl -q --no-pager -o cat -n 40 "_SYSTEMD_USER_UNIT=$UNIT" + \
		"USER_UNIT=$UNIT" || true
	systemctl --user stop "$UNIT" || true
	systemctl --user reset-failed "$UNIT" 2> /dev/null || true
	rm -f "$U/$UNIT"
	systemctl --user daemon-reload
}

active() { systemctl --user show -P ActiveState "$UNIT"; }
property() { systemctl --user show -P "$1" "$UNIT"; }
is_state() { [ "$(active)" = "$1" ]; }
is_running() { [ "$(state Status 2> /dev/null)" = running ]; }
monitor_pid() { sed -n 's/.*"monitor_pid": *\([0-9]*\).*/\1/p' "$HOME/.local/share/cattach/containers/$(id_of)/status"; }
restarted() { [ "$(property NRestarts)" -ge "$1" ] && is_state active; }

unit_of_what_is_there()
{
	cattach create --name "$N" "$R" sh -c 'trap "exit 0" TERM; sleep 1000 & wait' > /dev/null
	install_unit --name
	trap uninstall_unit EXIT
	timeout 30 systemctl --user start "$UNIT"
	same "$(active) $(state Status)" "active running"
	same "$(property MainPID)" "$(monitor_pid)"
	has "$(leaf)" "/$UNIT/"
	same "$(cat "$(leaf)/pids.max")" 2048
	systemctl --user stop "$UNIT"
	same "$(active) $(state Status)" "inactive exited"
	same "$(property Result)" success
	timeout 30 systemctl --user start "$UNIT"
	same "$(active) $(state Status)" "active running"
	# somebody else stops it: the service has ended, and well
	cattach stop "$N" > /dev/null
	until_true is_state inactive
}
row "systemd" "a generated unit starts, stops and starts again what is there" unit_of_what_is_there

unit_restarts()
{
	local before
	cattach create --name "$N" --init "$R" sleep 1000 > /dev/null
	install_unit --restart-policy on-failure
	trap uninstall_unit EXIT
	timeout 30 systemctl --user start "$UNIT"
	before=$(state Pid)
	kill -9 "$before"
	until_true restarted 1
	[ "$(state Pid)" != "$before" ]
	same "$(property MainPID)" "$(monitor_pid)"
	# its stop by SIGTERM is no failure
	systemctl --user stop "$UNIT"
	same "$(active) $(property Result)" "inactive success"
}
row "systemd" "a unit restarts a container that has failed" unit_restarts

unit_of_its_own()
{
	mkdir -p "$T/share"
	cd "$T"
	cattach create --name "$N" --log-driver journald -v ./share:/mnt -e 'A=$HOME %n  "x"' "$R" \
		sh -c 'printf "%s|%s|" "$A" "$1" > /mnt/out; echo up; trap "exit 0" TERM; sleep 1000 & wait' sh $'a\\b\nc;' > /dev/null
	install_unit --new
	trap uninstall_unit EXIT
	cattach rm "$N" > /dev/null
	timeout 30 systemctl --user start "$UNIT"
	same "$(active) $(state Status)" "active running"
	until_true test -s share/out
	same "$(cat share/out)" $'$HOME %n  "x"|a\\b\nc;|'
	until_true entries 1
	same "$(journalctl -q -o cat "_SYSTEMD_USER_UNIT=$UNIT" "CONTAINER_NAME=$N")" up
	systemctl --user restart "$UNIT"
	is_running
	systemctl --user stop -- "$UNIT"
	same "$(cattach ps -aq)" ""
	same "$(property Result)" success
}
row "systemd" "a unit of --new makes its container, as it was made, and removes it" unit_of_its_own

restart_unit()
{
	local policy
	for policy in always unless-stopped on-failure no; do
		cattach create --name "$N-$policy" --restart "$policy" "$R" sleep 1000 > /dev/null
	done
	cattach run -d --name "$N-stopped" --restart unless-stopped "$R" sleep 1000 > /dev/null
	cattach stop -t 0 "$N-stopped" > /dev/null
	UNIT=cattach-restart.service
	mkdir -p "$U"
	sed "s,/usr/bin/,$CT_JOB/usr/bin/," "$CT_JOB/usr/lib/systemd/user/$UNIT" > "$U/$UNIT"
	systemctl --user daemon-reload
	trap uninstall_unit EXIT
	timeout 60 systemctl --user start "$UNIT"
	same "$(cattach ps --format '{{.Names}}' | sort | tr '\n' ' ')" "$N-always $N-unless-stopped "
	# they are not the service's
	systemctl --user stop "$UNIT"
	same "$(cattach ps -q | wc -l)" 2
	has "$(leaf "$N-always")" ".scope/"
}
row "systemd" "the unit for boots starts what has a policy, unless somebody has stopped it" restart_unit

end
