#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Limits as run and create take them: what is kept, what is refused, by which name. Nothing here
# depends on whether the host has a cgroup for us; that is cgroups_limits.bats.

load helpers

# kept PYTHON: an expression about r, the resources in the record of the container $ID, or about l, all
# of its linux section
kept()
{
	python3 -ESs -c 'import json, sys
l = json.load(open(sys.argv[1]))["linux"]
r = l.get("resources")
print(eval(sys.argv[2]))' "$STORE/containers/$ID/config.json" "$1"
}

create()
{
	STARTED+=("$N")
	ID=$(cattach create --name "$N" "$@")
}

@test "limits are kept with the container, in the words of config.json" {
	create -m 64m --memory-reservation 32m --cpus 1.5 -c 512 --cpuset-cpus 0 --pids-limit 20 \
		--blkio-weight 100 --cgroup-conf memory.high=48m --cgroup-parent jobs "$R" true
	is "$(kept 'r["memory"]')" "{'limit': 67108864, 'reservation': 33554432, 'swap': 134217728}"
	is "$(kept 'r["cpu"]')" "{'shares': 512, 'quota': 150000, 'period': 100000, 'cpus': '0'}"
	is "$(kept 'r["pids"], r["blockIO"], r["unified"]')" \
		"({'limit': 20}, {'weight': 100}, {'memory.high': '48m'})"
	is "$(kept 'l["cgroupsPath"]')" jobs
}

@test "who asks for nothing has nothing kept" {
	create "$R" true
	is "$(kept r)" None
}

@test "options come over the limits of a bundle, and leave its others" {
	bundle "$T/b" 'l["resources"] = {"memory": {"limit": 67108864}, "pids": {"limit": 5}}'
	create --memory 128m "$T/b"
	is "$(kept 'r["memory"]["limit"], r["pids"]["limit"]')" "(134217728, 5)"
}

@test "create and run refuse what cannot be, by the name of the option" {
	local verb
	for verb in create run; do
		refused 125 "--memory: the minimum memory limit is 6m" cattach "$verb" -m 1m "$R" true
		refused 125 "--cpus: conflicting options: --cpus and --cpu-quota cannot both be set" \
			cattach "$verb" --cpus 1 --cpu-quota 5000 "$R" true
		refused 125 "--memory-swappiness: has no equivalent in cgroup v2" \
			cattach "$verb" --memory-swappiness 60 "$R" true
		refused 125 "--oom-kill-disable: has no equivalent" \
			cattach "$verb" --oom-kill-disable "$R" true
		refused 125 "--pids-limit: there are no limits without a cgroup" \
			cattach "$verb" --cgroups=disabled --pids-limit 5 "$R" true
		refused 125 "--cgroup-parent: ../x is outside the delegated cgroup" \
			cattach "$verb" --cgroup-parent ../x "$R" true
		refused 125 "--device-read-bps: /dev/null is not a block device" \
			cattach "$verb" --device-read-bps /dev/null:1m "$R" true
	done
}

@test "the reason that info gives for no cgroups is the one that a start has" {
	local what
	what=$(cattach info --format '{{.CgroupDelegation.What}}')
	case $what in
	"containers run without limits and cannot be paused: "*)
		run -125 --separate-stderr cattach run --rm --cgroups enabled "$R" true
		has "$stderr" "no cgroup can be made: ${what#*: }"
		has "$stderr" "($(cattach info --format '{{.CgroupDelegation.Fix}}'))"
		;;
	*)
		run -0 cattach run --rm --cgroups enabled "$R" true
		;;
	esac
}

@test "create and run refuse what cannot be, by line and column of the bundle" {
	bundle "$T/b" 'l["resources"] = {"memory": {"swappiness": 60}}'
	refused 125 "linux.resources.memory.swappiness: has no equivalent" cattach run "$T/b"
	run -125 --separate-stderr cattach create "$T/b"
	# shellcheck disable=SC2154 # run sets it
	matches "$stderr" "cattach: config\.json:[0-9]+:[0-9]+: linux\.resources\..*"
}

@test "device rules are root's" {
	[ "$(id -u)" -ne 0 ] || skip "root may have them"
	refused 125 "--device-cgroup-rule: only root can have device rules enforced" \
		cattach run --device-cgroup-rule 'c 1:3 rwm' "$R" true
}

@test "without a cgroup, and with limits of nothing, everything runs" {
	run -0 --separate-stderr inside echo plain
	is "$output$stderr" plain
	run -0 --separate-stderr cattach run --rm --cgroups=disabled "$R" echo disabled
	is "$output$stderr" disabled
	run -0 --separate-stderr cattach run --rm -m 0 --pids-limit -1 --cpus 0 --memory-swap -1 "$R" \
		echo unlimited
	is "$output$stderr" unlimited
}

@test "best effort goes without, and says what" {
	run -0 --separate-stderr cattach run --rm --cgroups=best-effort --memory-swappiness 60 "$R" \
		echo ran
	is "$output" ran
	has "$stderr" "cattach: warning: --memory-swappiness: has no equivalent in cgroup v2"
}

@test "inspect shows what was asked for, as docker has it" {
	cattach create --name "$N" -m 64m --cpus 1.5 --pids-limit 7 --cgroup-parent a/b "$R" true > /dev/null
	STARTED+=("$N")
	is "$(cattach inspect -f '{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}} {{.HostConfig.PidsLimit}}' "$N")" \
		"67108864 1500000000 7"
	is "$(cattach inspect -f '{{.HostConfig.CgroupParent}} {{.HostConfig.Cgroups}}' "$N")" "a/b default"
	is "$(state "$N" CgroupPath)" ""
	cattach update -m 0 "$N"
	is "$(cattach inspect -f '{{.HostConfig.Memory}}' "$N")" 0
}

@test "a parent that a bundle names is a wish, one of an option is not" {
	bundle "$T/b" 'l["cgroupsPath"] = "somewhere"' 'args("echo", "ran")'
	if grep -q '^ok .*CgroupDelegation' <(cattach info); then
		skip "a cgroup is delegated here"
	fi
	is "$(cattach run --rm "$T/b")" ran
	refused 125 '--cgroup-parent: "elsewhere" is outside the delegated cgroup' \
		cattach run --rm --cgroup-parent elsewhere "$T/b"
}
