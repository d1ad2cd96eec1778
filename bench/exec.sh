#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What another process in a running container costs ("make bench"): cattach exec beside nsenter of
# util-linux, which joins the same namespaces and does nothing else: no user, no limits, no
# capabilities, no filter. In turns, as an unprivileged user.
#
#   bench/exec.sh BUILD-DIRECTORY [ROUNDS]
set -eu
cd "$(dirname "$0")/.."

build=$1
rounds=${2:-300}

stage=$(tools/stage.sh release)
trap 'rm -rf "$stage"' EXIT
cp "$build/bench/timer" "$stage/"
mkdir "$stage/work"
account=$(tools/as-user.sh --prepare cattach-test)
chown "$account:" "$stage/work" 2> /dev/null || true
chmod 755 "$stage/timer"

# In a store of its own, with one container that sleeps.
# shellcheck disable=SC2016 # it is the inner shell that expands them
CT_STAGE=$stage CT_ROUNDS=$rounds tools/as-user.sh "$account" bash -eu -c '
	export XDG_DATA_HOME=$CT_STAGE/work/data XDG_RUNTIME_DIR=$CT_STAGE/work/run
	mkdir -m 700 "$XDG_DATA_HOME" "$XDG_RUNTIME_DIR"
	cattach=$CT_STAGE/usr/bin/cattach
	rootfs=$CT_STAGE/examples/bundles/rootfs
	trap "\"$cattach\" rm -f bench bench-open > /dev/null" EXIT
	"$cattach" run -d --name bench "$rootfs" sleep 100000 > /dev/null
	"$cattach" run -d --name bench-open --security-opt seccomp=unconfined "$rootfs" \
		sleep 100000 > /dev/null
	pid=$("$cattach" inspect -f "{{.State.Pid}}" bench)
	join=(-t "$pid" -U -m -n -p -i -u -C --preserve-credentials)

	echo "Executing /bin/true in a running container, $CT_ROUNDS rounds:"
	"$CT_STAGE/timer" -n "$CT_ROUNDS" \
		"nsenter" nsenter "${join[@]}" true \
		-- "cattach exec" "$cattach" exec bench true \
		-- "cattach exec, no filter" "$cattach" exec bench-open true
'
