#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# One file of command tests, with a home and a runtime directory of its own, so that files can run
# side by side and nobody's containers are touched.
#
#   tests/bats-file.sh FILE.bats     as the unprivileged user (*_root: as root), in a staged tree (tests/run.sh)
#
# What the tests find in the environment:
#   PATH        begins with the directory of the installed cattach
#   CT_STAGE    the staged tree          CT_BUNDLES  the example bundles
#   CT_ROOTFS   their root file system   CT_GOLDEN   tests/golden
#   CT_PROBES  static programs made from tests/cli/probe/*.c, to be copied or mounted
#   HOME, XDG_RUNTIME_DIR, TMPDIR        fresh, empty, the caller's
set -u

stage=$CT_STAGE
work=$stage/work/$(basename "$1" .bats)
umask 022
mkdir -m 700 "$work" "$work/home" "$work/run" "$work/tmp" || exit 1

export HOME=$work/home XDG_RUNTIME_DIR=$work/run TMPDIR=$work/tmp
export PATH=$stage/usr/bin:$PATH
export CT_BUNDLES=$stage/examples/bundles CT_ROOTFS=$stage/examples/bundles/rootfs
export CT_GOLDEN=$stage/tests/golden CT_PROBES=$stage/probe
unset XDG_DATA_HOME XDG_CONFIG_HOME CATTACH_DEBUG

status=0
timeout --kill-after=10 "${CT_TIMEOUT:-600}" bats --formatter tap "$1" || status=$?

# Tests clean up after themselves; a failed one may not have. Root's containers are somebody's: tests that
# run as root have a place of their own.
[ "$(id -u)" != 0 ] || exit $status
for id in $(cattach ps -aq 2> /dev/null); do
	cattach rm -f "$id" > /dev/null 2>&1
done
exit $status
