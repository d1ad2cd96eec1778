#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Install what was built, and the example bundles, where any user can read and run it, and print
# the place. The checkout itself may lie in a home that only its owner may enter.
#
#   dir=$(tools/stage.sh [MODE])      the caller removes it
set -eu

mode=${1:-release}

# Programs must be allowed to run there: /tmp is mounted noexec on some machines.
for parent in "${TMPDIR:-/tmp}" /var/tmp; do
	dir=$(mktemp -d "$parent/cattach-stage.XXXXXX") || continue
	chmod 755 "$dir"
	printf '#!/bin/sh\nexit 0\n' > "$dir/probe"
	chmod 755 "$dir/probe"
	if "$dir/probe" 2> /dev/null; then
		rm -f "$dir/probe"
		break
	fi
	rm -rf "$dir"
	dir=
done
if [ -z "${dir:-}" ]; then
	echo "error: no directory to run programs from: ${TMPDIR:-/tmp} and /var/tmp are noexec" >&2
	exit 1
fi

umask 022
if ! make --no-print-directory MODE="$mode" DESTDIR="$dir" PREFIX=/usr install > "$dir/log" 2>&1
then
	cat "$dir/log" >&2
	rm -rf "$dir"
	exit 1
fi
mkdir "$dir/examples"
cp -a --no-preserve=ownership examples/bundles examples/ci "$dir/examples/"
chmod -R a+rX,go-w "$dir/examples"
chmod 1777 "$dir/examples/bundles/rootfs/tmp" "$dir/examples/bundles/rootfs/var/tmp"
rm -f "$dir/log"
echo "$dir"
