#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# cattach-conmon as podman and CRI-O use it, with a runtime that is a script: options, descriptors,
# files, the attach socket's frames, the log; and what must not hold it up. The cases are functions of
# conmon_cases.py. (With podman: tests/podman_conmon.sh.) And as CRI-O does it all, with cattach-oci:
# conmon_crio.py; as root, too: conmon_root.bats.

bats_require_minimum_version 1.5.0

export BATS_TEST_TIMEOUT=120 PYTHONDONTWRITEBYTECODE=1

setup()
{
	ln -s "$(command -v cattach)" "$BATS_TEST_TMPDIR/cattach-conmon"
	ln -s "$(command -v cattach)" "$BATS_TEST_TMPDIR/cattach-oci"
	export CONMON=$BATS_TEST_TMPDIR/cattach-conmon OCI=$BATS_TEST_TMPDIR/cattach-oci
}

# cases NAME...: each in a directory of its own.
cases()
{
	local name
	for name in "$@"; do
		mkdir "$BATS_TEST_TMPDIR/$name"
		echo "case $name"
		"$BATS_TEST_DIRNAME/conmon_cases.py" "$name" "$BATS_TEST_TMPDIR/$name" || return 1
	done
}

# crio NAME...: the same of those that do what CRI-O does.
crio()
{
	local name
	for name in "$@"; do
		mkdir "$BATS_TEST_TMPDIR/$name"
		echo "case $name"
		"$BATS_TEST_DIRNAME/conmon_crio.py" "$name" "$BATS_TEST_TMPDIR/$name" || return 1
	done
}

@test "the exit code is in its files, and then the exit command runs with its arguments" { cases exit_files; }

@test "the runtime is called as callers want it, with its descriptors and no others" {
	cases command_lines descriptors
}

@test "the sync pipe tells a failure in the runtime's own words, and what is wrong with options" {
	cases failures
}

@test "the exit command runs once for each monitor that is on its own, and for no other" { cases exit_command; }

@test "a runtime that has more to say than a pipe holds is not held up" { cases noise; }

@test "nothing is done before the start pipe says so; an exec waits for its client as well" {
	cases start_pipe exec_attach
}

@test "who attaches before the start gets every byte, tagged and in records of 8 KiB" { cases attach; }

@test "stdin in records of any size arrives whole, and a full one holds up nobody else" {
	cases stdin slow_stdin
}

@test "the terminal has the size that ctl and winsz say" { cases terminal; }

@test "the log is in conmon's format, in local time" { cases log_format; }

@test "the log is begun anew, rotated or cut off at its size, or not there" { cases log_sizes; }

@test "the log is opened again by its name" { cases reopen; }

@test "a file and journald at a time both have everything" {
	mkdir "$BATS_TEST_TMPDIR/two_logs"
	# shellcheck disable=SC2016 # of the inner shell
	unshare --user --map-root-user --mount sh -c 'mount -t tmpfs none /run && exec "$1/conmon_cases.py" \
		two_logs "$2"' sh "$BATS_TEST_DIRNAME" "$BATS_TEST_TMPDIR/two_logs"
}

@test "stuck clients hold up neither payload nor log nor other clients nor the end" {
	cases stuck_client stopped_terminal
}

@test "descendants that hold the pipes are not waited for, and orphans are reaped" {
	cases descendants orphans
}

@test "SIGTERM is passed on, or ends a runtime that hangs; a session that takes too long is killed" {
	cases signals hanging_runtime timeout
}

@test "on a full disk records stay whole, and come when there is room" {
	mkdir "$BATS_TEST_TMPDIR/full_disk"
	cat > "$BATS_TEST_TMPDIR/script" << 'END'
set -eu
mkdir "$2/disk"
mount -t tmpfs -o size=8m small "$2/disk"
head -c 8000000 /dev/zero > "$2/disk/ballast"
exec "$1/conmon_cases.py" full_disk "$2"
END
	unshare --user --map-root-user --mount sh "$BATS_TEST_TMPDIR/script" "$BATS_TEST_DIRNAME" \
		"$BATS_TEST_TMPDIR/full_disk"
}

@test "limits that were set for the container are neither its clients' nor its log's" { cases limits; }

@test "without a free descriptor clients are sent away, and nothing spins" { cases no_descriptors; }

@test "that memory was short is on record when it happens, and at the end" {
	mkdir "$BATS_TEST_TMPDIR/out_of_memory"
	# shellcheck disable=SC2016 # of the inner shell
	unshare --user --map-root-user --mount sh -c 'mount -t tmpfs none /sys/fs/cgroup &&
		exec "$1/conmon_cases.py" out_of_memory "$2"' sh "$BATS_TEST_DIRNAME" "$BATS_TEST_TMPDIR/out_of_memory"
}

@test "what the container notifies goes on to the host, as far as it may" { cases notify; }

@test "a session without a fork, without a link, with the caller's stdio" {
	cases sync socket_link passthrough
}

@test "CRI-O: a container from its creation to its end" { crio container killed; }

@test "CRI-O: ExecSync, with a terminal, too long, too much, and of what is not there" { crio exec_sync; }

@test "CRI-O: a container with a terminal" { crio terminal; }

@test "the version is in the form that podman reads, and --help names every option" {
	"$CONMON" --version | grep -qE '^conmon version [0-9]+\.[0-9]+\.[0-9]+$'
	"$CONMON" --version | grep -q '^cattach-conmon '
	"$CONMON" --help | grep -q -- '--exec-process-spec FILE'
	run -1 --separate-stderr "$CONMON" --no-such-option
	# shellcheck disable=SC2154 # set by run
	[[ $stderr == *"--no-such-option"* ]]
}
