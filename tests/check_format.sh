#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# "make format" formats what somebody has just written, and leaves alone what others aligned.
set -eu
cd "$(dirname "$0")/.."
export MAKEFLAGS=

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
file=$work/src/base/a.c

git init -q "$work"
mkdir -p "$work/src/base"
cp Makefile VERSION .clang-format "$work"
printf '#define A\t\t1\t/* by hand */\n\nint f(void)\n{\n\treturn A;\n}\n' > "$file"
sed 's/return A;/return A + 1;/' "$file" > "$work/wanted"
git -C "$work" add .
git -C "$work" -c user.name=x -c user.email=x@x commit -q -m x

sed -i 's/return A;/return   A+1 ;/' "$file"
make --no-print-directory -C "$work" format
diff "$work/wanted" "$file"
