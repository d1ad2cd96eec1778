#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What things cost ("make bench"): cattach beside floors, and beside its peers where they are
# installed (conmon, bubblewrap), as an unprivileged user. Prints a table in markdown.
#
#   bench/run.sh BUILD-DIRECTORY [WORD...]    only rows whose name has one of the words
set -eu
cd "$(dirname "$0")/.."

build=$1
shift
account=$(tools/as-user.sh --prepare cattach-bench)
stage=$(tools/stage.sh release)

cleanup()
{
	# What a row that broke has left would keep the stage busy.
	CT_STAGE='' tools/as-user.sh "$account" env HOME="$stage/work/home" \
		XDG_RUNTIME_DIR="$stage/work/run" sh -c "\"$stage/usr/bin/cattach\" ps -aq |
		xargs -r \"$stage/usr/bin/cattach\" rm -f" > /dev/null 2>&1 || true
	rm -rf "$stage"
}
trap cleanup EXIT

cp "$build"/bench/{floor,timer,confine,conmon_client} "$stage/"
cp "$build/probe/lines" "$stage/examples/bundles/rootfs/bin/"
cp -r bench "$stage/bench"
mkdir "$stage/work"
chmod -R a+rX "$stage"
if [ "$(id -u)" = 0 ]; then
	chown "$account:" "$stage/work"
fi
# Pages of programs that are not on disk yet would count as dirty memory of who runs them.
sync -f "$stage"

echo "$(nproc) processors, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)," \
	"Linux $(uname -r), $(conmon --version 2> /dev/null | head -n 1 || echo no conmon)," \
	"load $(cut -d ' ' -f 1-3 /proc/loadavg)"
echo
CT_STAGE=$stage CT_ACCOUNT=$account python3 "$stage/bench/run.py" "$@"
