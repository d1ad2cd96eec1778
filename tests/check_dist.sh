#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The tarball of "make dist" builds without .git, says the version of the file VERSION, and gives
# the same bytes wherever it is built.
set -eu
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
version=$(cat VERSION)

make --no-print-directory DISTDIR="$work" dist
mkdir "$work/one" "$work/another-place"
for place in one another-place; do
	tar -C "$work/$place" -xzf "$work/cattach-$version.tar.gz"
	if ! make -C "$work/$place/cattach-$version" -j"$(nproc)" all > "$work/log" 2>&1; then
		tail -n 40 "$work/log"
		exit 1
	fi
done

one=$work/one/cattach-$version/build/release/cattach
another=$work/another-place/cattach-$version/build/release/cattach
if ! "$one" version | grep -q -F "$version"; then
	echo "cattach version does not say $version"
	exit 1
fi
if ! cmp "$one" "$another"; then
	echo "two builds of the same source differ"
	exit 1
fi
