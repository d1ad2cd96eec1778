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

@test "about to be started again: every verb" { matrix restarting; }

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

# ---- directories that no run has left like that --------------------------------------------------

# spoil HOW: the record of $C, so that it is damaged; what is to be said of it is in $WHY
spoil()
{
	case $1 in
	half) truncate -s 50 "$(record meta.json)" && WHY='meta.json*' ;;
	form) echo '[]' > "$(record meta.json)" && WHY='meta.json*' ;;
	newer) sed -i 's/"version": *1,/"version": 2,/' "$(record meta.json)" &&
		WHY='meta.json: written by a newer cattach: format 2, this one knows 1' ;;
	closed) chmod 0 "$(record meta.json)" && WHY='meta.json cannot be opened: Permission denied' ;;
	open) chmod 666 "$(record meta.json)" && WHY='meta.json is open to other users (mode 0666)' ;;
	link) ln -sf /dev/zero "$(record meta.json)" && WHY='meta.json cannot be opened: *' ;;
	fifo) rm "$(record meta.json)" && mkfifo -m 600 "$(record meta.json)" && WHY='meta.json*' ;;
	directory) rm "$(record meta.json)" && mkdir "$(record meta.json)" && WHY='meta.json*' ;;
	nothing) rm "$(record meta.json)" && WHY='its creation or removal was interrupted' ;;
	bare) rm -r "${STORE:?}/containers/$ID" && mkdir -m 700 "$STORE/containers/$ID" &&
		WHY='its creation or removal was interrupted' ;;
	status) rm "$(record status)" && WHY='its status file is missing' ;;
	empty) : > "$(record status)" && WHY='status is damaged (empty file)' ;;
	cut) truncate -s 100 "$(record status)" && WHY='status is damaged (100 bytes instead of *)' ;;
	later) sed -i 's/"version":1,/"version":2,/' "$(record status)" && WHY='status*' ;;
	strange) sed -i 's/"state":"none"/"state":"n\xc3ne"/' "$(record status)" && WHY='status*' ;;
	public) chmod 777 "$STORE/containers/$ID" && WHY='its directory is open to other users (mode 0777)' ;;
	shut) chmod 0 "$STORE/containers/$ID" && WHY='its directory cannot be opened: Permission denied' ;;
	esac
}

# glob TEXT PATTERN
glob()
{
	# shellcheck disable=SC2053 # it is a pattern
	[[ $1 == $2 ]] && return 0
	printf 'got:    %q\nwanted: %s\n' "$1" "$2"
	return 1
}

@test "what is damaged, in any way, is named, shown, and removed, and hides nobody" {
	local how again=()
	cattach create --name "$N" "$R" true
	STARTED+=("$N")
	for how in half form newer closed open link fifo directory nothing bare status empty cut later \
		strange public shut; do
		for again in '' -f; do
			C=$N-$how$again
			make_created
			spoil "$how"
			glob "$how: $(state "$C" Status): $(state "$C" Error)" "$how: damaged: $WHY"
			is "$(cattach ps -aq --no-trunc -f status=damaged)" "$ID"
			is "$(cattach ps -a --format '{{.Names}} {{.Status}}' | sort | tr '\n' ' ')" \
				"$N Created $C Damaged "
			# shellcheck disable=SC2086 # an option or none
			is "$(cattach rm $again "$C")" "$C"
			is "$(cattach ps -aq | wc -l)" 1
		done
	done
	cattach rm "$N"
	STARTED=()
}

@test "what runs behind a damaged record is ended by rm -f, and refused without" {
	local how pid
	for how in half newer nothing status empty later shut; do
		C=$N-$how
		make_bare
		STARTED=("$C")
		pid=$(state "$C" Pid)
		spoil "$how"
		is "$(state "$C" Status)" damaged
		run -125 --separate-stderr cattach rm "$C"
		is "$stderr" "cattach: container $C is running; stop it first or use -f"
		# well below the time that an orderly end is waited for
		timeout 8 cattach rm -f "$C"
		eventually eval "[ ! -e /proc/$pid ]"
		is "$(stored)" ""
	done
	STARTED=()
}

@test "who has lost the name goes by the id, and a name that leads nowhere can be had again" {
	C=$N
	make_created
	STARTED+=("$C")
	rm "$STORE/names/$C"
	is "$(cattach ps -a --format '{{.Names}}')" "${ID:0:12}"
	refused 125 "no such container: $C" cattach inspect -f x "$C"
	cattach create --name "$C" "$R" true
	is "$(cattach ps -aq | wc -l)" 2
	cattach rm "${ID:0:12}"
	is "$(cattach ps -a --format '{{.Names}}')" "$C"
}

@test "after the host has restarted a container is started as before, and its end stays unknown" {
	C=$N
	STARTED+=("$C")
	make_rebooted
	is "$(cattach inspect -f '{{.State.ExitCode}} {{.State.Pid}} {{.State.Error}}' "$C")" \
		"255 0 the host restarted"
	is "$(cattach start "$C")" "$C"
	is "$(state "$C" Status)" running
	kill -9 "$(state "$C" ConmonPid)"
	eventually is_state exited
	is "$(state "$C" Error)" "its monitor was killed"
}

@test "a container of another machine is left alone by all and every verb that means all" {
	C=$N
	make_foreign
	is "$(cattach start --all; cattach stop --all; cattach kill --all; cattach restart --all
		cattach pause --all; cattach unpause --all)" ""
	run -125 --separate-stderr cattach rm -fa
	is "$(state "$C" Status)" foreign
	is "$(cattach inspect -f '{{.Host}}' "$C")" other/0123456789abcdef0123456789abcdef
	cp "$T/meta.json" "$(record meta.json)"
	is "$(cattach rm -a)" "$C"
}
