# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What logs.bats asks of logs, and how it waits for what it has asked for: conditions, never times.

# refused TEXT COMMAND...: 125, exactly this line on stderr, nothing on stdout.
refused()
{
	local text=$1
	shift
	run --separate-stderr "$@"
	if [ "$status" -ne 125 ] || [ -n "$output" ] || [ "$stderr" != "cattach: $text" ]; then
		printf 'command: %s\nstatus:  %s\nstdout:  %s\nstderr:  %s\nwanted:  cattach: %s\n' \
			"$*" "$status" "$output" "$stderr" "$text"
		return 1
	fi
}

# made NAME SCRIPT [OPTION...]: a container that has run the script to its end.
made()
{
	local name=$1 script=$2
	shift 2
	cattach run -d --name "$name" "$@" "$CT_ROOTFS" sh -c "$script" > /dev/null
	cattach wait "$name" > /dev/null
}

# following FILE ARG...: "cattach logs ARG..." in the background, stdout to FILE, stderr to FILE.err.
following()
{
	local file=$1
	shift
	timeout 60 cattach logs "$@" > "$file" 2> "$file.err" 3>&- &
	follower=$!
}

# until_file PATTERN FILE: wait until a line of the file matches.
until_file()
{
	for _ in $(seq 1000); do
		if grep -q -- "$1" "$2" 2> /dev/null; then
			return 0
		fi
		sleep 0.02
	done
	echo "never came: $1"
	cat "$2"
	return 1
}

# until_log TEXT: wait until this is in the log of a.
until_log()
{
	for _ in $(seq 1000); do
		[[ $(cattach logs a 2>&1) != *"$1"* ]] || return 0
		sleep 0.02
	done
	echo "never came: $1"
	cattach logs a
	return 1
}

# Wait until the follower waits for names that are not there: it watches a directory then.
awaiting()
{
	for _ in $(seq 1000); do
		if find "/proc/$(pgrep -P "$follower")/fd" -lname '*inotify*' 2> /dev/null | grep -q .; then
			return 0
		fi
		sleep 0.02
	done
	echo "does not wait for names"
	return 1
}
