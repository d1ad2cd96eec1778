# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What command tests share that are about containers which are started again.

# count NAME: .RestartCount
count() { cattach inspect -f '{{.RestartCount}}' "$1"; }

# has_count NAME N: it has been started again so often, or more.
has_count() { [ "$(count "$1")" -ge "$2" ]; }

# in_state NAME STATE
in_state() { [ "$(state "$1" Status)" = "$2" ]; }

# keeper NAME: its pid. What ps shows of it may be cut, the directory that it has open is not.
keeper()
{
	local id pid
	id=$(cattach inspect -f '{{.Id}}' "$1")
	for pid in $(pgrep -x cattach-keeper); do
		if [ "$(readlink "/proc/$pid/fd/3")" = "$STORE/containers/$id" ]; then
			echo "$pid"
			return 0
		fi
	done
	return 1
}

# has_phase PHASE ID: its keeper has put that down.
has_phase() { grep -q "\"phase\":\"$1\"" "$STORE/containers/$2/keeper"; }

no_keeper() { ! keeper "$1"; }
