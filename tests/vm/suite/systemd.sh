#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What only a machine with systemd shows: lines in the journal.
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

journald_read_back()
{
	start --log-driver journald "$R" sh -c \
		'i=0; while [ $i -lt 3000 ]; do i=$((i + 1)); echo "line $i"; done; printf "\201\n" >&2; printf end'
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

end
