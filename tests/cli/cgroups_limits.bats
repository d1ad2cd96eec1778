#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Limits as the kernel has them: what options and bundles ask for is in the files of the container's
# cgroup. Runs where a cgroup is delegated (tests/run.sh), with files that every one has; what needs a
# controller is in tests/vm/suite/limits.sh.

load helpers
load cgroups

setup_file() { need_cgroup; }

# limit FILE: of the container $N
limit() { cat "$(leaf_of "$N")/$1"; }

@test "a file of the cgroup is written as asked, at every start" {
	start "$N" --cgroup-conf cgroup.max.descendants=3 "$R" sleep 1000
	is "$(limit cgroup.max.descendants)" 3
	cattach restart -t 0 "$N"
	is "$(limit cgroup.max.descendants)" 3
}

@test "so is one that a bundle names" {
	bundle "$T/b" 'l["resources"] = {"unified": {"cgroup.max.depth": "2"}}' 'args("sleep", "1000")'
	start "$N" "$T/b"
	is "$(limit cgroup.max.depth)" 2
}

@test "a file that cannot be had is an error that names who asked" {
	refused 125 "--cgroup-conf memory.nosuch: " \
		cattach run --cgroup-conf memory.nosuch=1 "$R" true
	bundle "$T/b" 'l["resources"] = {"unified": {"memory.nosuch": "1"}}'
	run -125 --separate-stderr cattach run "$T/b"
	# shellcheck disable=SC2154 # run sets it
	matches "$stderr" 'cattach: config\.json:[0-9]+:[0-9]+: linux\.resources\.unified\["memory\.nosuch"\]: .*'
}

@test "best effort goes without it, and says so" {
	run -0 --separate-stderr cattach run --rm --cgroups=best-effort \
		--cgroup-conf memory.nosuch=1 --cgroup-conf cgroup.max.depth=2 "$R" echo ran
	is "$output" ran
	has "$stderr" "cattach: warning: "
	has "$stderr" memory.nosuch
}

@test "best effort says of each thing why it goes without" {
	run -0 --separate-stderr cattach run --rm --cgroups=best-effort --cgroup-conf nosuch.a=1 \
		--cgroup-conf nosuch.b=1 --cgroup-conf other.c=1 "$R" echo ran
	is "$output" ran
	has "$stderr" '--cgroup-conf nosuch.a, --cgroup-conf nosuch.b: '
	has "$stderr" '; --cgroup-conf other.c: '
}

@test "parents that a start has made go with it, however they were written" {
	local before parent
	before=$(find "$(dirname "$(own_cgroup)")" -type d)
	for parent in a//b ./a/./b/ a/.; do
		cattach run --rm --cgroup-parent "$parent" "$R" true
		is "$(find "$(dirname "$(own_cgroup)")" -type d)" "$before"
	done
}
