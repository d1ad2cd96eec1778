#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# The five example bundles, as the README describes them.

load helpers

log() { cat "$STORE/containers/$ID/main/log.0"; }

@test "hello prints a line and exits 0" {
	run -0 --separate-stderr cattach run --rm "$CT_BUNDLES/hello"
	is "$output" "Hello from cattach: pid 1, uid 0, host name hello."
	is "$stderr" ""
}

@test "shell is an interactive shell on a terminal" {
	run -5 python3 - "$CT_BUNDLES/shell" <<- 'END'
		import sys, pexpect
		p = pexpect.spawn("cattach", ["run", "--rm", "-it", sys.argv[1]], timeout=20,
		                  dimensions=(33, 101), encoding="utf-8")
		p.expect("[#$] ")
		p.sendline("tty; stty size; echo $(hostname) $$ $TERM; touch /tmp/x /run/x && echo written")
		p.expect_exact("/dev/pts/0\r\n33 101\r\nshell 1 xterm\r\nwritten\r\n")
		p.expect("[#$] ")
		p.sendline("exit 5")
		p.expect(pexpect.EOF)
		p.close()
		sys.exit(p.exitstatus)
	END
}

@test "shell takes its input from a pipe, too" {
	run -0 cattach run --rm -i "$CT_BUNDLES/shell" <<< $'echo a$((1 + 1))b\nexit 0'
	has "$output" "a2b"
}

@test "ticker counts on stdout and every third time on stderr" {
	cattach run --rm --name "$N" "$CT_BUNDLES/ticker" > "$T/out" 2> "$T/err" 3>&- &
	eventually grep -q tock "$T/err"
	is "$(cat "$T/out")" $'tick 1\ntick 2\ntick 3'
	is "$(cat "$T/err")" "tock 3"
	cattach kill -s INT "$N"
	wait $!
	matches "$(tail -n 1 "$T/out")" "caught INT after [34]"
}

@test "ticker ends on TERM, so that stop needs no KILL" {
	start "$N" "$CT_BUNDLES/ticker"
	eventually eval 'log | grep -qa "tick 1"'
	cattach stop "$N"
	is "$(cattach wait "$N")" 0
	log | grep -qa "caught TERM after"
}

@test "streams writes all byte values, upwards on stdout and downwards on stderr, and exits 3" {
	local code=0
	cattach run --rm "$CT_BUNDLES/streams" > "$T/out" 2> "$T/err" || code=$?
	is "$code" 3
	python3 -c 'import sys; sys.stdout.buffer.write(bytes(range(256)))' | cmp - "$T/out"
	python3 -c 'import sys; sys.stdout.buffer.write(bytes(range(255, -1, -1)))' | cmp - "$T/err"
}

@test "stubborn ignores TERM, and stop uses KILL after its time-out" {
	start "$N" "$CT_BUNDLES/stubborn"
	eventually eval 'log | grep -qa "SIGTERM is ignored here"'
	cattach kill -s TERM "$N"
	cattach stop -t 1 "$N"
	is "$(cattach wait "$N")" 137
}

@test "stubborn ends on INT" {
	start "$N" "$CT_BUNDLES/stubborn"
	eventually eval 'log | grep -qa "SIGTERM is ignored here"'
	cattach kill -s INT "$N"
	is "$(cattach wait "$N")" 130
}

@test "they share a root file system that none of them can write" {
	local name
	for name in hello shell ticker streams stubborn; do
		run -1 cattach run --rm "$CT_BUNDLES/$name" touch /x
		has "$output" "Read-only file system"
		is "$(cattach run --rm "$CT_BUNDLES/$name" hostname | tr -d '\r')" "$name"
	done
}
