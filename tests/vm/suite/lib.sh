# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What the suites in virtual machines share. A suite is a program of rows:
#
#   . "$(dirname "$0")/lib.sh"
#   row "uml plain systemd" "a sentence that is true" function
#   end
#
# Each row runs in a shell of its own with -e, in a directory $T that is its own and with a name $N
# for its container, in the flavours that it names and in no other. Afterwards every container is
# removed, and a cgroup of ours that is still there fails the row.
#
# A flavour that there is not, and a suite without any row, are failures: nobody would miss what they
# do not run. A suite whose rows are all for other flavours says so, and that is all it says.

export LC_ALL=C
R=$HOME/rootfs		# the root file system of containers, on a disk of this machine
N=row T=$HOME/row
suite_count=0 suite_failed=0
suite_elsewhere=0	# rows that are for other flavours

# The job's is read-only: containers get a copy.
if [ ! -d "$R" ]; then
	cp -a "$CT_JOB/examples/bundles/rootfs" "$R"
fi

# The cgroups of containers, as paths: none when all is tidy.
leaves()
{
	find /sys/fs/cgroup -type d -name 'cattach-*' ! -name '*.scope' ! -name cattach-callers \
		! -name cattach-vm ! -name "cattach-tests-*"
}

# The scopes of containers, where systemd makes them; it takes a moment to notice their end.
scopes() { find /sys/fs/cgroup -type d -name 'cattach-*.scope'; }
no_scopes() { [ -z "$(scopes)" ]; }

# What a row leaves; what is removed here is no failure, what cannot be is.
tidy()
{
	local id
	for id in $(cattach ps -aq 2> /dev/null); do
		cattach rm -f "$id" > /dev/null 2>&1
	done
	rm -rf "$T"
	[ -z "$(leaves)" ] || { echo "left behind: $(leaves)"; return 1; }
	until_true no_scopes || { echo "left behind: $(scopes)"; return 1; }
}

# fault NAME WHY: what is wrong with the suite itself.
fault()
{
	suite_count=$((suite_count + 1))
	suite_failed=1
	printf 'not ok %s - %s\n# %s\n' "$suite_count" "$1" "$2"
}

# has_flavour FLAVOURS: is this one among them? 2: one of them there is not.
has_flavour()
{
	local word found=1
	[[ $1 =~ [^[:space:]] ]] || return 2
	for word in $1; do
		case $word in
		"$CT_FLAVOUR") found=0 ;;
		uml | plain | systemd) ;;
		*) return 2 ;;
		esac
	done
	return $found
}

# row FLAVOURS NAME FUNCTION
row()
{
	local status=0
	has_flavour "$1" || status=$?
	case $status in
	1)
		suite_elsewhere=$((suite_elsewhere + 1))
		return ;;
	2)
		fault "$2" "\"$1\": a flavour is one of uml, plain, systemd"
		return ;;
	esac
	if ! declare -F "$3" > /dev/null; then
		fault "$2" "there is no function \"$3\""
		return
	fi
	SECONDS=0
	suite_count=$((suite_count + 1))
	N=row$suite_count
	mkdir -p "$T"
	# Not within a condition, where -e has no meaning.
	(set -eE; trap 'echo "line $LINENO: $BASH_COMMAND"' ERR; "$3") > "$HOME/log" 2>&1
	status=$?
	tidy >> "$HOME/log" 2>&1 || status=1
	echo "row $suite_count: $SECONDS s" >&2
	if [ $status = 0 ]; then
		echo "ok $suite_count - $2"
	else
		echo "not ok $suite_count - $2"
		sed 's/^/# /' "$HOME/log"
		suite_failed=1
	fi
}

end()
{
	[ $((suite_count + suite_elsewhere)) != 0 ] || fault "a suite has rows" "there is none"
	if [ $suite_count = 0 ]; then
		echo "1..0 # all $suite_elsewhere rows are for other machines than $CT_FLAVOUR"
	else
		echo "1..$suite_count"
	fi
	exit $suite_failed
}

# same GOT WANTED
same() { [ "$1" = "$2" ] || { echo "not \"$2\" but \"$1\""; return 1; }; }

# has TEXT PART
has() { case $1 in *"$2"*) ;; *) echo "no \"$2\" in \"$1\""; return 1 ;; esac; }

# between LOW VALUE HIGH
between()
{
	if [ "$2" -lt "$1" ] || [ "$2" -gt "$3" ]; then
		echo "$2 is not in $1...$3"
		return 1
	fi
}

# until_true COMMAND...: for what becomes true on its own; a limit only for what never does.
until_true()
{
	local tries=0
	until "$@" > /dev/null 2>&1; do
		tries=$((tries + 1))
		[ $tries -lt 300 ] || { echo "never true: $*"; return 1; }
		sleep 0.1
	done
}

# leaf [NAME]: the directory of a running container's cgroup, the one with the limits.
leaf()
{
	local pid
	pid=$(cattach inspect --format '{{.State.Pid}}' "${1:-$N}") || return 1
	echo "/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$pid/cgroup")"
}

# key FILE KEY: a number from a file of lines "KEY NUMBER".
key() { sed -n "s/^$2 //p" "$1"; }

# start ARG...: a container $N in the background.
start() { cattach run -d --name "$N" "$@" > /dev/null; }

# state FIELD: of .State
state() { cattach inspect -f "{{.State.$1}}" "$N"; }

# refused CODE TEXT COMMAND...: nothing on stdout, and a line of ours on stderr with TEXT in it.
refused()
{
	local code=$1 text=$2 status=0 said
	shift 2
	said=$("$@" 2>&1 > "$HOME/stdout") || status=$?
	same "$status" "$code"
	has "$said" "cattach: "
	has "$said" "$text"
	same "$(cat "$HOME/stdout")" ""
}
