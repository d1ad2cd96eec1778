#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Every verb and every state that can be had without a cgroup: exit code, answer, and what becomes of
# the container (states.table). And the directories that no run has left like that: damaged in every
# way, from another machine, of a later version, from before the host restarted.

load helpers
load states

LIMIT=(--pids-limit 100)

@test "created: every verb" { matrix created; }

@test "being created: every verb" { matrix creating; }

@test "running, without a cgroup: every verb" { matrix bare; }

@test "exited: every verb" { matrix exited; }

@test "exited with the host: every verb" { matrix rebooted; }

@test "damaged: every verb" { matrix damaged; }

@test "damaged by a creation that was killed: every verb" { matrix interrupted; }

@test "of another machine: every verb" { matrix foreign; }

@test "the table has no verb that does not exist, and no state that is not made" {
	local states
	states=$(awk -F ' *[|] *' '/^#/ || NF < 5 { next } { print $2 }' "$EXPECTED" | tr ' ' '\n' | sort -u)
	is "$states" "$(tr ' ' '\n' <<< "$STATES" | sort)"
	is "$(awk -F ' *[|] *' '/^#/ || NF < 5 { next } { print $1 }' "$EXPECTED" | sort -u)" \
		"$(verbs | sort)"
}
