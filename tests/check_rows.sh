#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What the suites in virtual machines promise without one: a row whose flavour is misspelt, and a
# suite without rows, fail in every flavour; and only a suite that has rows for other flavours alone
# is passed over when results are counted.
set -eu
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
. tests/parts/machines.sh

# Nothing here is the machine's: neither containers nor cgroups.
mkdir -p "$work/home/rootfs" "$work/bin"
printf '#!/bin/sh\nexit 0\n' | tee "$work/bin/cattach" > "$work/bin/find"
chmod +x "$work/bin/cattach" "$work/bin/find"
cp tests/vm/suite/lib.sh "$work"

fail()
{
	echo "$*"
	cat "$work/suite.tap"
	exit 1
}

# suite FLAVOUR ROW...: a suite with these rows, as this flavour runs it.
suite()
{
	local flavour=$1 status=0
	shift
	{
		echo ". '$work/lib.sh'; good() { :; }; bad() { false; }"
		printf '%s\n' "$@"
		echo end
	} > "$work/suite.sh"
	HOME=$work/home PATH=$work/bin:$PATH CT_FLAVOUR=$flavour CT_JOB=$work bash "$work/suite.sh" \
		> "$work/suite.tap" 2> "$work/suite.err" || status=$?
	echo "$status" > "$work/suite.status"
}

# passes FLAVOUR ROW..., fails FLAVOUR ROW..., passed_over FLAVOUR ROW...
passes()
{
	suite "$@"
	[ "$(cat "$work/suite.status")" = 0 ] || fail "not ok in $*"
	! is_for_others "$work/suite.tap" || fail "passed over: $*"
	grep -q '^ok 1 ' "$work/suite.tap" || fail "ran nothing: $*"
}

fails()
{
	suite "$@"
	[ "$(cat "$work/suite.status")" != 0 ] || fail "ok in $*"
	! is_for_others "$work/suite.tap" || fail "passed over: $*"
	grep -q '^not ok ' "$work/suite.tap" || fail "nothing is not ok: $*"
}

passed_over()
{
	suite "$@"
	is_for_others "$work/suite.tap" || fail "not passed over: $*"
}

for flavour in uml plain systemd; do
	passes $flavour "row 'uml plain systemd' x good"
	passes $flavour "row $flavour x good" "row 'uml plain systemd' x good"
	fails $flavour "row 'uml plain systemd' x bad"
	fails $flavour
	for wrong in systmd "uml plan" "plain,uml" "" " " "uml plain systemd other"; do
		fails $flavour "row '$wrong' x good"
		fails $flavour "row 'uml plain systemd' x good" "row '$wrong' y good"
	done
	fails $flavour "row $flavour x misspelt"
done
passed_over uml "row systemd x good" "row 'plain systemd' y good"
passed_over plain "row systemd x bad"
passed_over systemd "row plain x good"
fails plain "row systemd x good" "row systmd y good"
echo 1 > "$work/suite.status"
! is_for_others "$work/suite.tap" || fail "passed over, though it has failed"
# What ended before its first row says nothing of the kind.
printf '1..0\n' > "$work/suite.tap"
echo 0 > "$work/suite.status"
! is_for_others "$work/suite.tap" || fail "passed over, though it says nothing"
