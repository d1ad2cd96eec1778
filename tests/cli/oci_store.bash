# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# A store of the runtime command line below $T, for tests of it. Every container in it is deleted after
# a test, and nothing may be left of them.

oci() { cattach oci --root "$T/root" "$@"; }

eval "$(declare -f teardown | sed '1s/teardown/helpers_teardown/')"

teardown()
{
	local id
	for id in $(oci list -q 2> /dev/null); do
		oci delete -f "$id"
	done
	helpers_teardown
	[ -z "$(ls -A "$T/root" 2> /dev/null)" ] || { ls -laR "$T/root"; return 1; }
}
