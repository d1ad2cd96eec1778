# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What the programs share that test engines with our runtime (tests/podman_oci.sh, tests/docker_oci.sh):
# one line of TAP for each thing that people do. They count in $count, and $failed is their exit code.
# shellcheck disable=SC2034 # of who reads this
count=0 failed=0

# is NAME CODE TEXT COMMAND...: the exit code and the output, both patterns
is()
{
	local name=$1 code=$2 text=$3 got status=0
	shift 3
	got=$("$@" 2>&1 < /dev/null) || status=$?
	count=$((count + 1))
	# shellcheck disable=SC2053 # patterns
	if [[ "$status" == $code && "$got" == $text ]]; then
		echo "ok $count - $name"
		return
	fi
	failed=1
	echo "not ok $count - $name"
	printf '# exit code %s, not %s; output:\n%s\n' "$status" "$code" "$got" | sed '2,$s/^/# /'
}

skip()
{
	count=$((count + 1))
	echo "ok $count - $1 # skip $2"
}

# within_seconds COMMAND...: it succeeds, in the end
within_seconds()
{
	for _ in $(seq 300); do
		! "$@" > /dev/null 2>&1 || return 0
		sleep 0.05
	done
	return 1
}

# on_terminal TYPED COMMAND...: on a pty of its own, with what is typed there once something is shown
on_terminal()
{
	python3 - "$@" <<- 'END'
		import os, pty, select, sys
		typed, command = sys.argv[1].encode().decode("unicode_escape").encode(), sys.argv[2:]
		pid, fd = pty.fork()
		if pid == 0:
		    os.execvp(command[0], command)
		seen = b""
		while select.select([fd], [], [], 60)[0]:
		    try:
		        data = os.read(fd, 4096)
		    except OSError:
		        break
		    if not data:
		        break
		    seen += data
		    if typed and b"ready" in seen:
		        os.write(fd, typed)
		        typed = b""
		sys.stdout.write(seen.decode(errors="replace").replace("\r", ""))
		sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
	END
}
