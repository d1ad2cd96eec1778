#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# A container's leaf against those who would spoil it: runs that overlap, records that lie, payloads
# that may write to their cgroup. Runs where a cgroup is delegated (tests/run.sh).

load helpers
load cgroups

setup_file() { need_cgroup; }

place() { dirname "$(own_cgroup)"; }

# leaves: the directories of containers below the place
leaves()
{
	find "$(place)" -mindepth 1 -maxdepth 1 -name 'cattach-*' ! -name cattach-callers \
		-printf '%f\n' | sort
}

no_leaves() { [ -z "$(leaves)" ]; }

record() { echo "$STORE/containers/$ID/cgroup"; }

@test "a run that begins while the last one's output is still being read has a leaf of its own" {
	local reader
	STARTED+=("$N")
	mkdir "$T/shared"
	chmod 777 "$T/shared"
	mkfifo "$T/out"
	cattach run --name "$N" -v "$T/shared:/mnt" "$R" sh -c '[ -e /mnt/again ] && exec sleep 1000
		touch /mnt/again; seq 100001 140000' \
		> "$T/out" 3>&- &
	reader=$!
	exec 7< "$T/out"
	eventually cattach inspect "$N"
	cattach wait "$N"
	ID=$(cattach inspect -f '{{.Id}}' "$N")
	is "$(leaves)" "cattach-$ID"
	cattach start "$N"
	is "$(leaves)" "cattach-$ID"$'\n'"cattach-$ID+1"
	is "$(basename "$(cat "$(record)")")" "cattach-$ID+1"
	is "$(basename "$(dirname "$(leaf_of "$N")")")" "cattach-$ID+1"
	# the end of the one is not that of the other, and nothing of it is lost
	is "$(wc -l <&7)" 40000
	exec 7<&-
	wait $reader
	is "$(leaves)" "cattach-$ID+1"
	cattach pause "$N"
	cattach stop -t 0 "$N"
	eventually no_leaves
	is "$(cattach prune)" "0 cgroups removed"
}

@test "a record that names another container's leaf, or what is no leaf, ends nobody" {
	start "$N-b" "$R" sleep 1000
	local other kind
	other=$(cat "$(record)")
	for kind in "echo $other" "echo ${other%/*}/x/../${other##*/}" "echo $(dirname "$other")" \
		"echo /" "echo none" "head -c 100000 /dev/zero"; do
		STARTED=("$N-b" "$N")
		start "$N" "$R" true
		cattach wait "$N"
		eventually test ! -e "$(record)"
		$kind > "$(record)"
		cattach start "$N"
		cattach wait "$N"
		eventually test ! -e "$(record)"
		$kind > "$(record)"
		cattach rm "$N"
		is "$(state "$N-b" Status)" running
	done
	STARTED=("$N-b")
}

@test "a record that is no file of ours is not followed, and keeps nobody from his container" {
	start "$N-b" "$R" sleep 1000
	local kind other
	other=$(record)
	for kind in "ln -s $other" mkdir mkfifo; do
		start "$N" "$R" true
		cattach wait "$N"
		eventually test ! -e "$(record)"
		$kind "$(record)"
		cattach start "$N"
		cattach wait "$N"
		eventually test ! -e "$(record)"
		$kind "$(record)"
		cattach rm "$N"
	done
	STARTED=("$N-b")
	is "$(state "$N-b" Status)" running
}

@test "a payload that takes away the modes of its cgroup loses nothing but time" {
	cattach run --rm --privileged "$R" sh -c \
		'cd /sys/fs/cgroup; mkdir -p a/b/c; chmod 0 a/b a cgroup.* .'
	is "$(leaves)" ""
	start "$N" --privileged "$R" sh -c \
		'cd /sys/fs/cgroup; mkdir -p a/b/c; chmod 0 a/b a cgroup.* .; echo ready; exec sleep 1000'
	cattach wait --for-output ready "$N"
	cattach pause "$N"
	is "$(state "$N" Status)" paused
	cattach unpause "$N"
	cattach exec "$N" true
	cattach stats --no-stream "$N"
	cattach rm -f "$N"
	STARTED=()
	is "$(leaves)" ""
}

@test "what other ids have made in a cgroup keeps nobody from his container" {
	start "$N" --privileged "$R" sh -c \
		'cd /sys/fs/cgroup; mkdir -p a/b; chown 1000:1000 a; chmod 700 a; echo ready; exec sleep 1000'
	cattach wait --for-output ready "$N"
	if [ "$(stat -c %u "$(leaf_of "$N")/a")" = "$(id -u)" ]; then
		skip "$(id -un) has no other ids"
	fi
	cattach kill "$N"
	cattach wait "$N"
	run --separate-stderr cattach start "$N"
	is "$status" 0
	has "$stderr" "an empty cgroup stays: cannot remove cgroup"
	cattach wait --for-output ready "$N"
	is "$(basename "$(dirname "$(leaf_of "$N")")")" "cattach-$ID+1"
	run --separate-stderr cattach rm -f "$N"
	is "$status" 0
	has "$stderr" "an empty cgroup stays: cannot remove cgroup"
	STARTED=()
	cattach unshare find "$(place)/cattach-$ID" "$(place)/cattach-$ID+1" -depth -type d -exec rmdir {} +
	is "$(leaves)" ""
}

@test "what is left of a start that was killed is found, with a record and without" {
	start "$N" "$R" true
	cattach wait "$N"
	eventually test ! -e "$(record)"
	mkdir -p "$(place)/cattach-$ID/monitor"
	is "$(cattach prune)" "1 cgroup removed"
	is "$(leaves)" ""
	mkdir "$(place)/cattach-$ID"
	sed -n "s|^0::\(.*\)/[^/]*$|\1/cattach-$ID|p" /proc/self/cgroup > "$(record)"
	cattach rm "$N"
	STARTED=()
	is "$(leaves)" ""
}

@test "one that freezes itself again and again can be stopped and removed" {
	local payload='while :; do echo 1 > /sys/fs/cgroup/cgroup.freeze; done'
	start "$N" --privileged "$R" sh -c "$payload"
	eventually eval '[ "$(state "$N" Status)" = paused ]'
	cattach stop -t 0 "$N"
	is "$(state "$N" ExitCode)" 137
	cattach start "$N"
	cattach rm -f "$N"
	STARTED=()
	is "$(leaves)" ""
}

# What a start that fails has made goes, even if the command that would have taken it back is no more.
@test "a start that fails when nobody is there to hear of it leaves no leaf" {
	type -P newuidmap > /dev/null || skip "newuidmap is not installed (package uidmap)"
	grep -qs "^$(id -un):" /etc/subuid || skip "no subordinate ids for $(id -un) in /etc/subuid"
	mkdir "$T/bin"
	# Its parent is the monitor, which asks for the maps; the command is the one with our name.
	printf '#!/bin/sh\nkill -9 $(cat %s/cli)\n: > %s/here\nsleep 0.1\nexit 1\n' "$T" "$T" \
		> "$T/bin/newuidmap"
	chmod +x "$T/bin/newuidmap"
	# shellcheck disable=SC2016 # it is the inner shell that expands it
	PATH=$T/bin:$PATH run -137 sh -c 'echo $$ > "$1/cli"; exec cattach run --name "$2" "$3" true' \
		sh "$T" "$N" "$R"
	eventually test -e "$T/here"
	eventually no_leaves
	is "$(cattach ps -aq)" ""
	is "$(cattach prune)" "0 cgroups removed"
}

@test "one that is started again has one leaf at a time, and none between and after its runs" {
	STARTED+=("$N")
	run -3 --separate-stderr cattach run --name "$N" --restart on-failure:2 "$R" \
		sh -c 'cat /proc/self/cgroup; exit 3'
	is "$(sort -u <<< "$output" | grep -c '^0::/$')" 1
	is "$(cattach inspect -f '{{.RestartCount}}' "$N")" 2
	eventually no_leaves
	is "$(cattach prune)" "0 cgroups removed"
}
