#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Hooks, in both faces: their order, where each runs, what it reads, and what its failure undoes. The
# numbers are those of docs/oci.md.

load helpers
load oci_store

# A program that notes its words, its environment, its namespaces and what it reads.
make_note()
{
	cat > "$T/note" <<- END
		#!/bin/sh
		{ echo "\$*|\$(env | sort | tr '\n' ',')|\$(readlink /proc/self/ns/mnt)|\$(cat)"; } >> $T/log
	END
	chmod +x "$T/note"
	: > "$T/log"
	chmod 777 "$T" "$T/log"
}

NOTED='
h = c.setdefault("hooks", {})
def note(kind, word=None):
    h.setdefault(kind, []).append({"path": "'"$BATS_TEST_TMPDIR"'/note",
        "args": ["note", word or kind], "env": ["A=B", "PATH=/bin:/usr/bin"]})
def hook(kind, text, **more):
    h.setdefault(kind, []).append(dict({"path": "/bin/sh", "args": ["sh", "-c", text]}, **more))
'

words() { cut -d'|' -f1 "$T/log" | tr '\n' ' '; }

# field WORD NUMBER: of its line in the log
field() { grep "^$1|" "$T/log" | cut -d'|' -f"$2"; }

@test "F13, F14: hooks run in their order and namespaces, with the state on stdin and only their environment" {
	local own kind
	own=$(readlink /proc/self/ns/mnt)
	make_note
	bundle "$T/b" "$NOTED" '
for kind in "poststop", "poststart", "createContainer", "createRuntime", "prestart": note(kind)
note("prestart", "again")
c["annotations"] = {"org.example/k": "a \"b\""}
hook("startContainer", "cat; echo $$ $(id -u) $A; exit 0", env=["A=C"])
m.append({"destination": "/mnt", "type": "bind", "source": "'"$T"'", "options": ["bind"]})
h["startContainer"][0]["args"][2] = "exec >> /mnt/inside; " + h["startContainer"][0]["args"][2]
p["user"] = {"uid": 7, "gid": 7}
sh("echo program >> /mnt/inside")'
	: > "$T/inside"
	chmod 666 "$T/inside"
	oci create -b "$T/b" --pid-file "$T/pid" h1 < /dev/null > /dev/null
	is "$(words)" "prestart again createRuntime createContainer "
	is "$(cat "$T/inside")" ""
	oci start h1
	is "$(words)" "prestart again createRuntime createContainer poststart "
	eventually eval 'oci state h1 | grep -q stopped'
	oci delete h1
	is "$(words)" "prestart again createRuntime createContainer poststart poststop "
	is "$(sed 1d "$T/inside" | tr '\n' ' ')" "$(sed -n 2p "$T/inside") program "
	matches "$(sed -n 2p "$T/inside")" '[0-9]+ 7 C'
	for kind in prestart createRuntime poststart poststop; do
		is "$(field $kind 3)" "$own"
		matches "$(field $kind 2)" "A=B,PATH=/bin:/usr/bin,PWD=$T/b,"
	done
	[ "$(field createContainer 3)" != "$own" ]
	{ cut -d'|' -f4 "$T/log"; sed -n 1p "$T/inside"; } | python3 -c '
import json, sys
states = [json.loads(line) for line in sys.stdin]
pid = int(open(sys.argv[1] + "/pid").read())
assert [s["status"] for s in states] == ["created"] * 4 + ["running", "stopped", "created"], states
assert [s["pid"] for s in states] == [pid] * 3 + [1, pid, 0, 1], states
for s in states:
    assert s["id"] == "h1" and s["bundle"] == sys.argv[1] + "/b", s
    assert s["ociVersion"] and s["annotations"] == {"org.example/k": "a \"b\""}, s' "$T"
}

@test "F8, F15: a hook that fails before the start undoes the container, and says why" {
	local kind
	for kind in prestart createRuntime createContainer; do
		make_note
		bundle "$T/b" "$NOTED" 'hook("'$kind'", "echo first >&2; echo no such network >&2; exit 3"); note("poststop")'
		run -1 oci create -b "$T/b" h2 < /dev/null
		has "$output" "hooks.$kind[0]: /bin/sh: exit status 3: no such network"
		run -1 oci state h2
		is "$(words)" "poststop "
		refused 125 "hooks.$kind[0]: /bin/sh: exit status 3: no such network" cattach run --rm "$T/b"
		is "$(words)" "poststop poststop "
	done
}

@test "F15: a failure of startContainer or poststart ends the container, one of poststop is a warning" {
	local kind
	for kind in startContainer poststart; do
		make_note
		bundle "$T/b" "$NOTED" 'hook("'$kind'", "echo not today; exit 1"); note("poststop"); args("sleep", "1000")'
		oci create -b "$T/b" h3 < /dev/null > /dev/null 2>&1
		run -1 oci start h3
		has "$output" "hooks.$kind[0]: /bin/sh: exit status 1: not today"
		run -1 oci state h3
		is "$(words)" "poststop "
		refused 125 "hooks.$kind[0]: /bin/sh: exit status 1: not today" cattach run -d "$T/b"
		is "$(words)" "poststop poststop "
	done
	make_note
	bundle "$T/b" "$NOTED" 'hook("poststop", "echo gone; exit 4"); note("poststop")'
	oci run -b "$T/b" h4 < /dev/null > "$T/out" 2>&1
	has "$(cat "$T/out")" "hooks.poststop[0]: /bin/sh: exit status 4: gone"
	is "$(words)" "poststop "
	cattach run --rm "$T/b"
	is "$(words)" "poststop poststop "
}

@test "F13: a hook that takes longer than its timeout is killed with what it has started" {
	bundle "$T/b" "$NOTED" 'hook("prestart", "echo $$ > '"$T"'/p; sleep 1000 & wait", timeout=1)'
	run -1 oci create -b "$T/b" h5 < /dev/null
	has "$output" "hooks.prestart[0]: /bin/sh: took more than its 1 s and was killed"
	! pgrep -r S,R,D -g "$(cat "$T/p")" || false
}

@test "F19: a startContainer hook has the program's filter, capabilities and limits, and we need neither" {
	bundle "$T/b" "$NOTED" '
l["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
    {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 7},
    {"names": ["clone3", "waitid", "memfd_create"], "action": "SCMP_ACT_KILL_PROCESS"}]}
hook("startContainer", "mkdir /tmp/x && exit 0; grep -E \"^(CapEff|NoNewPrivs|Seccomp):\" /proc/self/status | tr \"\\n\\t\" \"  \" >&2; exit 1")
m.append({"destination": "/tmp", "type": "tmpfs", "source": "tmpfs"})
for s in p["capabilities"]: p["capabilities"][s] = ["CAP_KILL"]'
	run -255 oci run -b "$T/b" h6 < /dev/null
	has "$output" "exit status 1: CapEff: 0000000000000020 NoNewPrivs: 1 Seccomp: 2"
	bundle "$T/b" "$NOTED" 'hook("startContainer", "kill -KILL $$")' 'p["noNewPrivileges"] = False'
	run -255 oci run -b "$T/b" h6 < /dev/null
	has "$output" "hooks.startContainer[0]: /bin/sh: killed by SIGKILL"
}

@test "hooks that cannot be are refused before anything is made" {
	make_note
	bundle "$T/b" "$NOTED" 'note("prestart"); hook("createRuntime", "true"); h["createRuntime"][0]["path"] = "/no/such/hook"'
	refused 125 'hooks.createRuntime[0].path: /no/such/hook: No such file' cattach run "$T/b"
	run -1 oci create -b "$T/b" h7 < /dev/null
	has "$output" "/no/such/hook"
	is "$(words)" ""
	bundle "$T/b" "$NOTED" 'hook("poststop", "true", timeout=0)'
	refused 125 'hooks.poststop[0].timeout' cattach run "$T/b"
	bundle "$T/b" "$NOTED" 'hook("poststop", "true", env=["A"])'
	refused 125 'hooks.poststop[0].env[0]: must be NAME=VALUE' cattach run "$T/b"
	bundle "$T/b" "$NOTED" 'hook("startContainer", "true"); h["startContainer"][0]["path"] = "sh"'
	refused 125 'hooks.startContainer[0].path: must be absolute, not "sh"' cattach run "$T/b"
	bundle "$T/b" "$NOTED" 'hook("startContainer", "true"); h["startContainer"][0]["path"] = "/no/such"'
	refused 125 'hooks.startContainer[0]: /no/such: cannot be executed: No such file' cattach run "$T/b"
}

@test "poststop hooks have run when stop, rm and run --rm come back, and between two runs" {
	make_note
	bundle "$T/b" "$NOTED" 'note("prestart"); note("poststop"); args("sleep", "1000")
h["poststop"].insert(0, {"path": "/bin/sleep", "args": ["sleep", "0.2"]})'
	start "$N" "$T/b"
	cattach stop -t 0 "$N"
	is "$(words)" "prestart poststop "
	cattach start "$N"
	cattach kill "$N"
	cattach restart "$N"
	is "$(words)" "prestart poststop prestart poststop prestart "
	cattach rm -f "$N"
	STARTED=()
	is "$(words)" "prestart poststop prestart poststop prestart poststop "
	make_note
	cattach run -d --rm --name "$N" "$T/b"
	cattach stop -t 0 "$N"
	is "$(words)" "prestart poststop "
}

@test "poststop hooks run when the monitor is killed, and when a policy starts the container again" {
	make_note
	bundle "$T/b" "$NOTED" 'note("prestart"); note("poststop"); args("sleep", "1000")'
	start "$N" "$T/b"
	kill -9 "$(cattach inspect -f '{{.State.ConmonPid}}' "$N")"
	eventually eval '[ "$(words)" = "prestart poststop " ]'
	cattach rm "$N"
	STARTED=()
	make_note
	bundle "$T/b" "$NOTED" 'note("prestart"); note("poststop"); args("false")'
	run -1 cattach run --name "$N" --restart on-failure:1 "$T/b"
	STARTED=("$N")
	is "$(words)" "prestart poststop prestart poststop "
}
