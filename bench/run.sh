#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What a start costs ("make bench"): cattach beside the floor, and beside bubblewrap when it is
# there, as an unprivileged user.
#
#   bench/run.sh BUILD-DIRECTORY [ROUNDS]
set -eu
cd "$(dirname "$0")/.."

build=$1
rounds=${2:-300}

stage=$(tools/stage.sh release)
trap 'rm -rf "$stage"' EXIT
cp "$build/bench/floor" "$build/bench/timer" "$stage/"
chmod 755 "$stage/floor" "$stage/timer"

rootfs=$stage/examples/bundles/rootfs
cattach=$stage/usr/bin/cattach
account=$(tools/as-user.sh --prepare cattach-test)
uid=$(id -u "$account") gid=$(id -g "$account")

# The floor maps one id. Where the user has subordinate ranges cattach maps them, which takes
# newuidmap and newgidmap: so once with them and once without.
commands=(
	"floor" "$stage/floor" "$rootfs" true
	-- "cattach run" "$cattach" run --rm --rootfs "$rootfs" true
	-- "cattach run, one id" "$cattach" run --rm --uidmap "0:$uid:1" --gidmap "0:$gid:1"
		--rootfs "$rootfs" true
)
if command -v bwrap > /dev/null 2>&1; then
	commands+=(-- "bwrap" bwrap --unshare-all --uid 0 --gid 0 --die-with-parent --new-session
		--bind "$rootfs" / --proc /proc --dev /dev --mqueue /dev/mqueue --cap-drop ALL true)
fi

echo "Starting and ending /bin/true, $rounds rounds:"
tools/as-user.sh "$account" "$stage/timer" -n "$rounds" "${commands[@]}"
