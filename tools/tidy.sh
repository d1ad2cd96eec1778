#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# clang-tidy on one source file, by compile_commands.json: tools/tidy.sh FILE.c
set -eu

tidy=${CLANG_TIDY:-clang-tidy}
set -- "$1" --quiet -p . --extra-arg=-Wno-unknown-warning-option

# The files that define the functions that analyzer.h redefines cannot have it.
if ! grep -qE '^int ct_(fail|hint|wrap|fail_nomem|spec_fail|spec_wrap)\(' "$1"; then
	set -- "$@" --extra-arg=-include --extra-arg=tools/analyzer.h --extra-arg=-Wno-unused-value
fi
"$tidy" "$@" 2> /dev/null
