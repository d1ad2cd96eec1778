#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# "make run": run the example bundles as an unprivileged user and show what happened.
set -eu
cd "$(dirname "$0")/.."

account=cattach-demo

if [ "${1:-}" != --inside ]; then
	stage=$(tools/stage.sh release)
	trap 'rm -rf "$stage"' EXIT
	cp tools/demo.sh "$stage/demo.sh"
	mkdir -p "$stage/tools"
	mv "$stage/demo.sh" "$stage/tools/demo.sh"
	chmod 755 "$stage/tools" "$stage/tools/demo.sh"
	CT_STAGE=$stage tools/as-user.sh "$account" "$stage/tools/demo.sh" --inside < /dev/null
	exit 0
fi

# From here on: the unprivileged user, in a tree that is installed below CT_STAGE.
PATH=$CT_STAGE/usr/bin:$PATH
rootfs=examples/bundles/rootfs

# show COMMAND...: print it as one would type it, then run it.
show()
{
	printf '\n$ %s\n' "$*"
	"$@"
}

echo
echo "As $(id -un) (uid $(id -u)), no daemon, no root:"
show cattach run --rm examples/bundles/hello

printf '\n$ %s\n' "cattach run --rm $rootfs sh -c 'id; ps; grep -E \"Cap(Bnd|Eff)|Seccomp:\" /proc/self/status'"
cattach run --rm "$rootfs" sh -c 'id; ps; grep -E "Cap(Bnd|Eff)|Seccomp:" /proc/self/status'

printf '\n$ %s\n' "cattach run --rm $rootfs sh -c 'exit 7'; echo \$?"
code=0
cattach run --rm "$rootfs" sh -c 'exit 7' || code=$?
echo "$code"
[ "$code" = 7 ]

# A detached one: its monitor is its parent, and belongs to no terminal.
name=demo-ticker-$$
trap 'cattach rm -f "$name" > /dev/null 2>&1 || true' EXIT
show cattach run -d --name "$name" examples/bundles/ticker
sleep 1
show cattach ps -a
pid=$(cattach inspect -f '{{.State.Pid}}' "$name")
monitor=$(cattach inspect -f '{{.State.ConmonPid}}' "$name")
show ps -o pid,ppid,user,args -p "$monitor,$pid"
show cattach stop "$name"
show cattach ps -a
show cattach rm "$name"

echo
echo "It worked. Next: build/release/cattach run --rm -it $rootfs, and README.md."
