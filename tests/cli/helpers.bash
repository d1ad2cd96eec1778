# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What the command tests share. A file that loads it gets setup() and teardown(): each test has a
# directory $T, a name $N that no other container has, and a directory of canaries; teardown()
# removes what start() started and then fails the test if anything else is left: a container, a
# process, a file of the store, or a canary that changed.
#
# Left-over processes are found by a mark that children inherit and containers do not change: an
# odd soft limit of RLIMIT_MSGQUEUE.

# Bats notes the place of every command, which takes longer than most of them: functions of many commands
# go without ("set +T"), and a failure in them is told with the line that called them.

bats_require_minimum_version 1.5.0

export BATS_TEST_TIMEOUT=120	# seconds: nothing may hang

STORE=$HOME/.local/share/cattach
R=$CT_ROOTFS

setup()
{
	local -
	set +T
	T=$BATS_TEST_TMPDIR
	N=t$BATS_TEST_NUMBER-$$
	CANARY=$T/canary
	STARTED=()
	make_canary
	CANARY_BEFORE=$(canary_hash)
	mark_before=$(ulimit -S -q)
	mark=$((200000 + $$ % 500000))
	ulimit -S -q $mark
}

teardown()
{
	local - failed=0
	set +T
	ulimit -S -q "$mark_before"
	if [ ${#STARTED[@]} -gt 0 ]; then
		cattach rm -f "${STARTED[@]}" > "$T/rm" 2>&1 || { cat "$T/rm"; failed=1; }
	fi
	nothing_left || failed=1
	no_process_left || failed=1
	if [ "$(canary_hash)" != "$CANARY_BEFORE" ]; then
		echo "a canary changed:"
		ls -laR "$CANARY"
		failed=1
	fi
	return $failed
}

# ---- canaries ----------------------------------------------------------------------------------

# A directory of the host that nothing in a container may ever touch.
make_canary()
{
	mkdir -p "$CANARY/dir/sub"
	echo root:x:0:0 > "$CANARY/passwd"
	echo null > "$CANARY/null"
	echo ptmx > "$CANARY/ptmx"
	echo console > "$CANARY/console"
	echo inner > "$CANARY/dir/inner"
	chmod 600 "$CANARY/passwd"
}

# What there is of it. A time of change cannot be set, so contents need not be read.
canary_hash() { find "$CANARY" -printf '%P %y %i %m %U %G %n %s %T@ %C@ %l\n'; }

# ---- what must not be left ---------------------------------------------------------------------

# What is in the store, but for the cache.
stored()
{
	find "$STORE/containers" "$STORE/names" "$XDG_RUNTIME_DIR" -mindepth 1 \
		-not -path "$XDG_RUNTIME_DIR/cattach" 2> /dev/null | sort
}

# Nothing in the store; what is there is shown and removed.
nothing_left()
{
	local left id
	left=$(stored)
	[ -n "$left" ] || return 0
	echo "left behind:"
	echo "$left"
	for id in $(cattach ps -aq --no-trunc); do
		cattach rm -f "$id" 2>&1
	done
	return 1
}

# Those that carry the mark and are alive; when init reaps is not ours to say.
marked_processes()
{
	local file
	grep -ls "^Max msgqueue size  *$mark " /proc/[0-9]*/limits | while read -r file; do
		file=${file%/limits}
		if [ "$file" != "/proc/$$" ] && grep -q '^State:[[:space:]][^ZX]' "$file/status"; then
			echo "${file#/proc/}"
		fi
	done 2> /dev/null
}

# What was told to end may take a moment to be gone.
no_process_left()
{
	local i pid left
	for ((i = 0; i < 400; i++)); do
		left=$(marked_processes)
		[ -n "$left" ] || return 0
		sleep 0.05
	done
	echo "processes left behind:"
	for pid in $left; do
		ps -o pid,ppid,stat,args -p "$pid" --no-headers
		kill -9 "$pid"
	done
	return 1
}

# ---- running -----------------------------------------------------------------------------------

# start NAME ARG...: run -d; teardown removes the container. Its id is in $ID.
start()
{
	local name=$1
	shift
	STARTED+=("$name")
	ID=$(cattach run -d --name "$name" "$@")
}

# inside ARG...: a container of the example root file system that is gone afterwards.
inside() { cattach run --rm "$R" "$@"; }

# state NAME FIELD: of .State
state() { cattach inspect -f "{{.State.$2}}" "$1"; }

# eventually COMMAND...: within twenty seconds it succeeds; patience costs nothing where all is well.
eventually()
{
	local - i
	set +T
	for ((i = 0; i < 400; i++)); do
		if "$@" > /dev/null 2>&1; then
			return 0
		fi
		sleep 0.05
	done
	echo "not within twenty seconds: $*"
	return 1
}

# ---- assertions --------------------------------------------------------------------------------

# is GOT WANTED
is()
{
	[ "$1" = "$2" ] && return 0
	printf 'got:    %q\nwanted: %q\n' "$1" "$2"
	return 1
}

# matches TEXT REGEX (extended; the whole text)
matches()
{
	[[ $1 =~ ^($2)$ ]] && return 0
	printf 'got:    %q\nwanted: %s\n' "$1" "$2"
	return 1
}

# has TEXT PART
has()
{
	[[ $1 == *"$2"* ]] && return 0
	printf 'got:    %q\nwanted in it: %s\n' "$1" "$2"
	return 1
}

# refused CODE TEXT COMMAND...: it says one line on stderr, "cattach: " with TEXT in it, nothing on
# stdout, exits with CODE within 20 seconds, and leaves nothing in the store.
refused()
{
	local - code=$1 text=$2 before
	set +T
	shift 2
	before=$(stored)
	run ! --separate-stderr "$@"
	# shellcheck disable=SC2154 # run sets them
	if [ "$status" -ne "$code" ] || [ -n "$output" ] || [[ $stderr != *"$text"* ]] ||
		[[ $stderr != "cattach: "* ]] || [ "${#stderr_lines[@]}" -ne 1 ]; then
		printf 'command: %s\nstatus: %s, not %s\nstdout: %s\nstderr: %s\nwanted: %s\n' \
			"$*" "$status" "$code" "$output" "$stderr" "$text"
		return 1
	fi
	is "$(stored)" "$before"
}

# ---- bundles -----------------------------------------------------------------------------------

# bundle DIR [PYTHON...]: make a bundle; each PYTHON changes c, the configuration, whose root is the
# example root file system, read-only. args(...) sets the arguments, sh(text) a command for a shell.
bundle()
{
	local dir=$1
	shift
	mkdir -p "$dir"
	python3 -ESs "$BATS_TEST_DIRNAME/bundle.py" "$dir/config.json" "$R" "$@"
}

# rootfs DIR: a small root file system of our own, which a test may spoil. What other tests have put
# into /tmp of the shared one at that moment is not in it.
rootfs()
{
	mkdir -p "$1/tmp"
	chmod 1777 "$1/tmp"
	find "$R" -mindepth 1 -maxdepth 1 ! -name tmp -exec cp -a -t "$1" {} +
}
