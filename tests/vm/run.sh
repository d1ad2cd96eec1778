#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Boot small virtual machines and run the suites in them, for what the machine that tests cannot
# show: limits that the kernel enforces, and systemd handing a part of its tree to users.
#
#   tests/vm/run.sh STAGE RESULTS FLAVOUR...     as a part of tests/run.sh ("make check-vm")
#
# STAGE is the installed tree of tests/run.sh with the program unit-tests in it. Flavours:
#   uml       user-mode Linux on the host's own files, read-only; a cgroup given to a user
#   plain     qemu, a newer kernel, two processors; a cgroup given to a user, no systemd
#   systemd   qemu, the same kernel and image; systemd, a user who lingers, a bus
#
# Each flavour is one boot that runs all suites. What it leaves in RESULTS/FLAVOUR, in a directory
# for each user: SUITE.tap, SUITE.status, SUITE.err; and the file "status", which comes last. Without that file
# the machine has failed: the console is shown and the exit status is 125. Nothing is ever skipped.
set -u -o pipefail
here=$(cd "$(dirname "$0")" && pwd) || exit 125
# shellcheck source=tests/vm/common.sh
. "$here/common.sh"

# What the guest reads: seconds for one suite and for all of them. The host waits longer.
describe()
{
	printf 'flavour=%s\nsuite_seconds=%s\nall_seconds=%s\n' "$1" "$2" "$3" > "$stage/vm.env"
}

boot()
{
	case $1 in
	uml)
		describe uml 120 240
		"$here/uml.sh" "$stage" "$results/uml" 290 ;;
	plain | systemd)
		describe "$1" 240 500
		"$here/qemu.sh" "$1" "$stage" "$results/$1" 600 ;;
	*)
		vm_fail "no such flavour: $1 (uml, plain, systemd)" ;;
	esac
}

run_flavour()
{
	local out=$results/$1 begin=$SECONDS status=0
	rm -rf "$out"
	mkdir -p "$out" || vm_fail "cannot make $out"
	(boot "$1") || status=$?
	if [ ! -s "$out/status" ]; then
		echo "vm: $1: the guest has left no status (the machine ended with $status)"
		vm_show_console "$out/console"
		return 125
	fi
	echo "vm: $1: $((SECONDS - begin)) s, in the guest: $(tr '\n' ' ' < "$out/times")"
	status=$(cat "$out/status")
	# 1: a test has failed, which its own output explains; else suites ended early.
	[ "$status" -le 1 ] || vm_show_console "$out/console"
	return "$status"
}

[ $# -ge 3 ] || vm_fail "usage: tests/vm/run.sh STAGE RESULTS FLAVOUR..."
stage=$1 results=$2 worst=0
shift 2
for flavour; do
	run_flavour "$flavour" || worst=$?
done
exit $worst
