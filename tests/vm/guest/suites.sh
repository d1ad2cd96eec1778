#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Run the suites of the caller, who is the guest's user or root: for each the TAP, what it said
# besides, and its status go to $CT_OUT. suite/root_*.sh are root's, the others the user's. A line of
# suite/units is a suite of the unit tests: its name, the flavours that have it, and where it runs:
# "own" as it is, "scope" in a scope that systemd delegates (in its flavour), "root" as root. Which
# one runs is said on the console, for the case that the machine stops in the middle of it.
set -u
cd "$HOME" || exit 125
worst=0

# one NAME COMMAND...: a suite whose TAP is its stdout.
one()
{
	local name=$1 status=0
	shift
	timeout -k 5 "$CT_SECONDS" "$@" > "$CT_OUT/$name.tap" 2> "$CT_OUT/$name.err" || status=$?
	# Whoever starts a machine does it to have what a suite may otherwise miss.
	if grep -q '^ok .* # skip' "$CT_OUT/$name.tap"; then
		sed -i 's/^ok \([0-9]* .*\) # skip \(.*\)/not ok \1: skipped in a machine: \2/' \
			"$CT_OUT/$name.tap"
		[ "$status" != 0 ] || status=1
	fi
	echo "$status" > "$CT_OUT/$name.status"
	echo "suite $name: $status, $(cut -d ' ' -f 1 /proc/uptime)"
	[ $status = 0 ] || worst=1
}

# Check writes TAP to a file alone; what it prints belongs into the other.
unit()
{
	local name=$1 where=$2
	set -- "$CT_JOB/unit-tests" "$name"
	if [ "$CT_FLAVOUR" = systemd ] && [ "$where" = scope ]; then
		set -- systemd-run --user --scope --quiet -p Delegate=yes "$@"
	fi
	# What takes a second elsewhere may take ten here; the suite has its own limit.
	# shellcheck disable=SC2016 # it is the inner shell that expands it
	CT_TAP=$HOME/tap CK_TIMEOUT_MULTIPLIER=15 one "unit-$name" \
		sh -c '"$@" >&2; status=$?; cat "$CT_TAP"; exit $status' sh "$@"
	rm -f "$HOME/tap"
}

# Does it run as root, and is that the caller? Or neither.
is_mine()
{
	local caller=user wants=user
	[ "$(id -u)" != 0 ] || caller=root
	[ "$1" != root ] || wants=root
	[ $caller = $wants ]
}

while read -r name flavours where; do
	case $name,,$flavours, in
	'#'* | ,*) continue ;;
	esac
	# What is misspelt would run nowhere, and nobody would miss it.
	if ! [[ $flavours =~ ^(uml|plain|systemd)(,(uml|plain|systemd))*$ && $where =~ ^(own|scope|root)$ ]]; then
		echo "suite/units: not a line of it: $name $flavours $where"
		exit 125
	fi
	case ,$flavours, in
	*",$CT_FLAVOUR,"*) ! is_mine "$where" || unit "$name" "$where" ;;
	esac
done < "$CT_JOB/tests/vm/suite/units"

for suite in "$CT_JOB"/tests/vm/suite/*.sh; do
	name=$(basename "$suite" .sh)
	case $name in
	lib) ;;
	root_*) ! is_mine root || one "$name" bash "$suite" ;;
	*) ! is_mine user || one "$name" bash "$suite" ;;
	esac
done
exit $worst
