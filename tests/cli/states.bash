# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# The matrix of verbs and states: how a container comes into each state, how each verb is called, and
# whether its answer is the one in the table (states.table). states.bats has the states that can be had
# everywhere, cgroups_states.bats the one that takes a cgroup.
#
# C is the container of a cell, ID its id, H who holds it in the making, LIMIT what update is to change.

EXPECTED=$BATS_TEST_DIRNAME/states.table

# Verbs that take no container, or none of these.
FREE='help info oci spec unshare version'

# Every state; "bare" is a way to be running, "interrupted" to be damaged, "rebooted" to be exited.
STATES='creating created bare running paused restarting exited damaged foreign interrupted rebooted'

# Nothing hangs.
cattach() { timeout -k 5 30 "$(type -P cattach)" "$@"; }

record() { printf '%s/containers/%s/%s' "$STORE" "$ID" "$1"; }

is_state() { [ "$(state "$C" Status)" = "$1" ]; }

# ---- into a state ------------------------------------------------------------------------------

make_created() { ID=$(cattach create -i --name "$C" "$R" sleep 1000); }

make_running() { ID=$(cattach run -d -i --name "$C" "$R" sleep 1000); }

make_bare() { ID=$(cattach run -d -i --cgroups=disabled --name "$C" "$R" sleep 1000); }

make_paused()
{
	make_running
	cattach pause "$C" > "$T/out"
}

make_exited()
{
	make_running
	cattach kill "$C" > "$T/out"
	cattach wait "$C" > "$T/out"
}

make_damaged()
{
	make_created
	: > "$(record status)"
}

make_foreign()
{
	make_created
	cp "$(record meta.json)" "$T/meta.json"
	sed -i 's,"host": "[^"]*","host": "other/0123456789abcdef0123456789abcdef",' "$(record meta.json)"
}

make_interrupted()
{
	make_created
	rm "$(record created)"
}

# Somebody is at it, until H ends.
make_creating()
{
	make_interrupted
	rm -f "$T/locked"
	# shellcheck disable=SC2016 # it is the inner shell that expands them
	flock "$STORE/containers/$ID" sh -c 'echo > "$1"; exec sleep 1000' sh "$T/locked" 3>&- &
	H=$!
	eventually test -e "$T/locked"
}

# Its keeper is about to start it again, and stands still. From then on it would run.
make_restarting()
{
	mkdir -p "$T/shared"
	rm -f "$T/shared/again"
	ID=$(cattach run -d -i --restart always -v "$T/shared:/mnt" --name "$C" "$R" \
		sh -c '[ ! -e /mnt/again ] || exec sleep 1000; exit 3')
	KEEPER=$(pgrep -fx "cattach: keeper of $C")
	eventually stands_still
	touch "$T/shared/again"
}

# Between two runs, and not in a start.
stands_still()
{
	kill -STOP "$KEEPER"
	if is_state restarting && ! pgrep -P "$KEEPER"; then
		return 0
	fi
	kill -CONT "$KEEPER"
	return 1
}

go_on() { [ -z "${KEEPER:-}" ] || kill -CONT "$KEEPER" 2> /dev/null || :; }

# The host went down while it ran: nobody is there any more, and the boot is another.
make_rebooted()
{
	make_running
	kill -9 "$(state "$C" ConmonPid)"
	eventually is_state exited
	sed -i 's/"boot_id":"[^"]*"/"boot_id":"00000000-0000-0000-0000-000000000000"/' "$(record status)"
}

# The holder, and what it has started: the lock is the child's, too.
let_go()
{
	[ -n "${H:-}" ] || return 0
	pkill -9 -P "$H" || :
	kill -9 "$H" 2> /dev/null || :
	wait "$H" 2> /dev/null || :
	H=
}

# again: the container of this cell, whatever the last one has left of it.
again()
{
	let_go
	go_on
	KEEPER=
	[ ! -e "$T/meta.json" ] || mv "$T/meta.json" "$(record meta.json)"
	cattach rm -f "$C" "$C-x" > "$T/out"
	"make_$1"
}

# ---- verbs -------------------------------------------------------------------------------------

is_attached_to() { [ "$(cattach clients "$C" | wc -l)" -gt 1 ]; }

# Those that wait are waited for as long as it takes them to begin to.
do_attach()
{
	local pid
	case $1 in
	bare | running | created) ;;
	*)
		cattach attach --no-stdin "$C"
		return
		;;
	esac
	cattach attach --no-stdin "$C" 3>&- &
	pid=$!
	if [ "$1" = created ]; then
		eventually compgen -G "$XDG_RUNTIME_DIR/cattach/$ID/*"
		cattach start "$C"
	fi
	eventually is_attached_to
	cattach detach --all "$C"
	wait "$pid"
}

# Those that wait for whoever makes it: that one gives up.
waiting()
{
	local pid
	"$@" &
	pid=$!
	let_go
	wait "$pid"
}

call()
{
	local verb=$1 state=$2
	case $verb:$state in
	start:creating | update:creating | rename:creating | 'rm -f:creating') set -- waiting ;;
	stop:restarting | kill:restarting | restart:restarting | 'rm -f:restarting')
		go_on
		set --
		;;
	*) set -- ;;
	esac
	case $verb in
	run | create) "$@" cattach "$verb" --name "$C" "$R" true ;;
	attach) do_attach "$state" ;;
	exec) cattach exec "$C" echo inside ;;
	generate) cattach generate systemd "$C" ;;
	healthcheck) cattach healthcheck run "$C" ;;
	send) cattach send "$C" text ;;
	detach) cattach detach --all "$C" ;;
	cp) cattach cp "$C:/etc/passwd" "$T/passwd" ;;
	ps) cattach ps -a --filter "name=^$C\$" --format '{{.State}} {{.Status}}' ;;
	inspect) cattach inspect -f '{{.State.Status}}, {{.State.Error}}' "$C" ;;
	top) cattach top "$C" args ;;
	stats) cattach stats --no-stream --format '{{.Name}} {{.CPUPerc}}' "$C" ;;
	events) cattach events --since 1h --until 0s --filter "container=$ID" --filter event=create \
		--format '{{.Action}}' ;;
	stop | restart) cattach "$verb" -t 0 "$C" ;;
	update) "$@" cattach update "${LIMIT[@]}" "$C" ;;
	rename) "$@" cattach rename "$C" "$C-x" ;;
	wait) cattach wait --timeout 0 "$C" ;;
	prune) cattach prune --containers -f ;;
	'rm -f') "$@" cattach rm -f "$C" ;;
	*) "$@" cattach "$verb" "$C" ;;
	esac
}

# What became of it: a state, or "gone".
after()
{
	cattach inspect -f '{{.State.Status}}' "$C" 2> /dev/null ||
		cattach inspect -f '{{.State.Status}}' "$C-x" 2> /dev/null || echo gone
}

# What a container in this state is called by the others.
called()
{
	case $1 in
	bare) echo running ;;
	interrupted) echo damaged ;;
	rebooted) echo exited ;;
	*) echo "$1" ;;
	esac
}

# ---- the table ---------------------------------------------------------------------------------

# "rm -f" is a verb by itself here.
verbs()
{
	cattach help | sed -n 's/^  \([a-z]\+\)  .*/\1/p' | grep -vxF "$(tr ' ' '\n' <<< "$FREE")"
	echo 'rm -f'
}

# cells STATE: verb|code|after|text of each row that speaks of it; "=": it stays as it is
cells()
{
	awk -F ' *[|] *' -v state="$1" '
		/^#/ || NF < 5 { next }
		{ n = split($2, list, " ")
		  for (i = 1; i <= n; i++) if (list[i] == state) print $1 "|" $3 "|" $4 "|" $5 }' "$EXPECTED"
}

# cell STATE VERB CODE AFTER TEXT: the answer, in time, and what becomes of the container
cell()
{
	local state=$1 verb=$2 code=$3 wanted=$4 text=$5 got=0 became
	[ "$wanted" != = ] || wanted=$(called "$state")
	text=${text//NAME/$C}
	call "$verb" "$state" > "$T/answer" 2>&1 < /dev/null || got=$?
	# A signal is on its way when kill ends.
	[ "$verb:$wanted" != kill:exited ] || eventually is_state exited
	became=$(after)
	tr '\n' ' ' < "$T/answer" > "$T/line"
	if [ "$got" != "$code" ] || [ "$became" != "$wanted" ] || [[ $(< "$T/line") != *$text* ]]; then
		printf '%s of one that is %s:\ngot:    %s, %s: %s\nwanted: %s, %s: %s\n' \
			"$verb" "$state" "$got" "$became" "$(cat "$T/line")" "$code" "$wanted" "$text"
		DIRTY=1
		return 1
	fi
	[ "$verb" != rename ] && [ "$became" = "$(called "$state")" ] || DIRTY=1
}

# matrix STATE...: all cells of these states. A verb without a cell, and one with two, is told.
matrix()
{
	local state verb row failed=0 count
	C=$N
	STARTED+=("$C" "$C-x")
	for state; do
		DIRTY=1
		while read -r verb; do
			cells "$state" | grep "^$verb|" > "$T/cell" || :
			count=$(wc -l < "$T/cell")
			if [ "$count" != 1 ]; then
				echo "$verb of one that is $state: $count rows"
				failed=1
				continue
			fi
			[ -z "$DIRTY" ] || again "$state"
			DIRTY=
			IFS='|' read -r -a row < "$T/cell"
			cell "$state" "$verb" "${row[1]}" "${row[2]}" "${row[3]:-}" || failed=1
			echo x >> "$T/counted"
		done < <(verbs)
		again created
	done
	is "$(wc -l < "$T/counted")" $(($(verbs | wc -l) * $#)) || failed=1
	return $failed
}
