#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# podman reads what --log-driver k8s-file writes, in place of a log of its own: a container of
# podman's that is never started has the file as its log.
#
#   tests/podman.sh write DIR      as the user of the tests: run containers, keep what "logs" says
#   tests/podman.sh compare DIR    TAP: podman must say the same, 77 when podman can make no container
#
# Nothing of podman's outlives it: its store, its run directory and its settings are in a temporary
# directory. Needs no network, no cgroups and no runtime.
set -u
export LC_ALL=C TZ=UTC
dir=$2

# ---- as the user of the tests ------------------------------------------------------------------

# wrote NAME SCRIPT [OPTION...]: a container has run it; its log is NAME.log, with what logs says of it.
wrote()
{
	local name=$1 script=$2 at
	shift 2
	cattach run -d --name "$name" --log-driver k8s-file --log-opt "path=$dir/$name.log" "$@" \
		"$CT_ROOTFS" sh -c "$script" > /dev/null || return 1
	cattach wait "$name" > /dev/null || return 1
	cattach logs "$name" > "$dir/$name.out" 2> "$dir/$name.err" || return 1
	cattach logs -t "$name" > "$dir/$name.times" 2> "$dir/$name.err-times" || return 1
	cattach logs -n 2 "$name" > "$dir/$name.tail" 2> /dev/null || return 1
	at=$(sed -n '2s/ .*//p' "$dir/$name.times")
	# "since" is at a time or later here, and later there.
	sed -n '1s/ .*//p' "$dir/$name.times" > "$dir/$name.before"
	cattach logs --since "$at" "$name" > "$dir/$name.since" 2> /dev/null || return 1
	cattach rm "$name" > /dev/null
}

write()
{
	mkdir -m 755 "$dir" || return 1
	# shellcheck disable=SC2016 # the container's shell expands them
	wrote lines 'for i in 1 2 3 4; do echo "line $i"; sleep 0.01; done; echo; echo last' &&
		wrote streams 'for i in 1 2 3; do echo "o $i"; sleep 0.05; echo "e $i" >&2; sleep 0.05; done' &&
		wrote bytes 'printf "\377\300 \033[31mred\007 \r\n\tü € \n2006-01-02T15:04:05.000000000Z stdout F x\n"' &&
		wrote parts 'printf a; sleep 0.1; printf b; sleep 0.1; echo c
			head -c 100000 /dev/zero | tr "\0" x; echo; echo end' &&
		wrote terminal 'echo out; echo err >&2' -t &&
		chmod 644 "$dir"/*
}

# ---- with podman -------------------------------------------------------------------------------

count=0 failed=0

ok()
{
	count=$((count + 1))
	echo "ok $count - $1"
}

# same NAME GOT WANTED: files.
same()
{
	if cmp "$2" "$3" > "$own/cmp" 2>&1; then
		ok "$1"
		return
	fi
	count=$((count + 1)) failed=1
	echo "not ok $count - $1"
	sed 's/^/# /' "$own/cmp" "$own/err"
}

podman_()
{
	podman --root "$own/root" --runroot "$own/runroot" --tmpdir "$own/tmp" --storage-driver vfs \
		--cgroup-manager cgroupfs --events-backend file "$@"
}

made()
{
	podman_ create --name "$1" --network none --log-driver k8s-file \
		--log-opt "path=$own/$1.log" --rootfs "$own/rootfs" /bin/true > /dev/null 2> "$own/err"
}

compare_one()
{
	local name=$1 text=$2
	if ! made "$name"; then
		count=$((count + 1)) failed=1
		echo "not ok $count - $text: podman makes a container"
		sed 's/^/# /' "$own/err"
		return
	fi
	cp "$dir/$name.log" "$own/$name.log"
	podman_ logs "$name" > "$own/out" 2> "$own/err"
	same "$text: stdout" "$own/out" "$dir/$name.out"
	same "$text: stderr" "$own/err" "$dir/$name.err"
	podman_ logs -t "$name" > "$own/out" 2> "$own/err"
	# A line in parts has the time of its first byte here and of its last part there, which counts
	# parts as lines, too.
	if [ "$name" != parts ]; then
		same "$text: times, stdout" "$own/out" "$dir/$name.times"
		same "$text: times, stderr" "$own/err" "$dir/$name.err-times"
	fi
	if [ "$name" = lines ]; then
		podman_ logs --tail 2 "$name" > "$own/out" 2> "$own/err"
		same "$text: the last lines" "$own/out" "$dir/$name.tail"
		podman_ logs --since "$(cat "$dir/$name.before")" "$name" > "$own/out" 2> "$own/err"
		same "$text: since" "$own/out" "$dir/$name.since"
	fi
	podman_ rm -f "$name" > /dev/null 2>&1
}

compare()
{
	own=$(mktemp -d) || return 1
	trap 'rm -rf "$own"' EXIT
	mkdir -p "$own/rootfs/bin"
	printf '[containers]\n[engine]\n' > "$own/containers.conf"
	printf '[storage]\ndriver = "vfs"\nrunroot = "%s"\ngraphroot = "%s"\n' "$own/runroot" \
		"$own/root" > "$own/storage.conf"
	export CONTAINERS_CONF=$own/containers.conf CONTAINERS_STORAGE_CONF=$own/storage.conf
	if ! made probe; then
		tail -n 1 "$own/err" >&2
		return 77
	fi
	compare_one lines "whole lines"
	compare_one streams "two streams"
	compare_one bytes "bytes that are no text"
	compare_one parts "lines in parts"
	compare_one terminal "of a terminal"
	echo "1..$count"
	return $failed
}

case $1 in
write) write ;;
compare) compare ;;
esac
