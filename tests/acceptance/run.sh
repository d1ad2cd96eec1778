#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The acceptance tests in full size ("make acceptance"), as an unprivileged user, from a copy of the
# program that this user can read. Prints TAP; the exit status is 0 only when all passed.
#
#   tests/acceptance/run.sh full|small [WORD...]
set -eu
cd "$(dirname "$0")/../.."

account=$(tools/as-user.sh --prepare cattach-bench)
stage=$(tools/stage.sh release)
trap 'rm -rf "$stage"' EXIT
mkdir "$stage/probe" "$stage/work"
cp build/release/probe/lines "$stage/probe/"
cp -r tests/acceptance "$stage/acceptance"
chmod -R a+rX "$stage/probe" "$stage/acceptance"
if [ "$(id -u)" = 0 ]; then
	chown "$account:" "$stage/work"
fi
export CT_STAGE=$stage
tools/as-user.sh "$account" python3 "$stage/acceptance/run.py" "$@"
