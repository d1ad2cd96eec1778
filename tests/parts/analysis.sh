#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The parts of tests/run.sh, which reads this, that look at the source or build it in another way, and
# that need tools which not everybody has: without its tool a check is skipped, and says so.

# with_tool NAME TOOL COMMAND...
with_tool()
{
	local name=$1 tool=$2
	shift 2
	heading "$name"
	if ! command -v "$tool" > /dev/null 2>&1; then
		record skip "$name" "$tool is not installed"
		return
	fi
	one "$name" "$@"
}

part_tidy() { with_tool tidy clang-tidy quiet_make tidy; }
part_cppcheck() { with_tool cppcheck cppcheck quiet_make cppcheck; }

part_format() { with_tool format clang-format-diff tests/check_format.sh; }

part_shellcheck()
{
	with_tool shellcheck shellcheck \
		shellcheck .ci/run tools/*.sh examples/ci/*.sh tests/*.sh tests/parts/*.sh \
		tests/acceptance/*.sh bench/*.sh tests/vm/*.sh tests/vm/guest/*.sh tests/vm/suite/*.sh
}

# The other compiler, the other way of linking, and a build from a tarball.
part_clang() { with_tool clang clang quiet_make B=build/clang CC=clang build/clang/cattach; }

part_dynamic()
{
	heading "LINK=dynamic"
	one "LINK=dynamic" quiet_make B=build/dynamic LINK=dynamic build/dynamic/cattach
}

part_dist()
{
	heading "build from a tarball"
	one "dist" tests/check_dist.sh
}
