#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# --sdnotify of run, create and start: what is said to a service manager, by whom, and that a container
# never hears of its socket otherwise.

load helpers

# listen COUNT [ADDRESS]: a service manager that writes down so many words; its socket is exported.
listen()
{
	NOTIFY_SOCKET=${2:-$T/notify}
	export NOTIFY_SOCKET
	COUNT=$1
	"$BATS_TEST_DIRNAME/notified.py" "$NOTIFY_SOCKET" "$1" > "$T/said" 3>&- &
	eventually grep -q listening "$T/said"
}

told() { [ "$(wc -l < "$T/said")" -gt "$COUNT" ]; }

# heard: all that was said, once it was said
heard()
{
	eventually told
	sed 1d "$T/said"
	rm -f "$T/notify"
}

monitor_of() { sed -n 's/.*"monitor_pid": *\([0-9]*\).*/\1/p' "$STORE/containers/$(cattach inspect -f '{{.Id}}' "$1")/status"; }

@test "monitor: run, start and start --sdnotify say who is the main process, and that it is ready" {
	listen 1
	start "$N" --sdnotify monitor "$R" sleep 1000
	is "$(heard)" "MAINPID=$(monitor_of "$N");READY=1"
	cattach stop -t 0 "$N" > /dev/null
	listen 1
	cattach start "$N" > /dev/null
	is "$(heard)" "MAINPID=$(monitor_of "$N");READY=1"
	refused 125 "container $N is running" cattach start "$N"
	NOTIFY_SOCKET='' cattach start "$N"
	cattach stop -t 0 "$N" > /dev/null
	STARTED+=("$N-2")
	cattach create --name "$N-2" "$R" sleep 1000 > /dev/null
	listen 1
	cattach start --sdnotify conmon "$N-2" > /dev/null
	is "$(heard)" "MAINPID=$(monitor_of "$N-2");READY=1"
	# in the foreground, too
	listen 1
	is "$(cattach run --rm --sdnotify monitor "$R" echo out)" out
	matches "$(heard)" 'MAINPID=[0-9]+;READY=1'
}

@test "container: its command gets the socket, and says itself when it is ready" {
	listen 2
	start "$N" --sdnotify container --read-only -v "$CT_PROBES:/mnt:ro" "$R" /mnt/notify READY=1
	is "$(cattach wait "$N")" 0
	is "$(cattach logs "$N")" "told /dev/notify"
	is "$(heard | sort)" "MAINPID=$(monitor_of "$N")"$'\n'READY=1
	# without a manager it has none, and a start does without
	unset NOTIFY_SOCKET
	cattach start "$N" > /dev/null
	is "$(cattach wait "$N")" 0
	is "$(cattach logs -n 1 "$N")" "no socket"
}

@test "an abstract socket is for containers on the host's network, and for the monitor" {
	listen 2 "@cattach-$N"
	is "$(cattach run --rm --sdnotify container --network host -v "$CT_PROBES:/mnt:ro" "$R" \
		/mnt/notify READY=1)" "told @cattach-$N"
	matches "$(heard | sort | tr '\n' ' ')" 'MAINPID=[0-9]+ READY=1 '
	refused 125 "--sdnotify: NOTIFY_SOCKET=@cattach-$N is abstract, and cannot be reached from another network (--network host, or --sdnotify monitor)" \
		cattach run --rm --sdnotify container "$R" true
	listen 1 "@cattach-$N"
	cattach run --rm --sdnotify monitor "$R" true
	matches "$(heard)" 'MAINPID=[0-9]+;READY=1'
}

@test "nobody else hears of the socket, and nothing is said" {
	listen 1
	is "$(cattach run --rm -v "$CT_PROBES:/mnt:ro" "$R" /mnt/notify x)" "no socket"
	is "$(cattach run --rm --sdnotify ignore -v "$CT_PROBES:/mnt:ro" "$R" /mnt/notify x)" "no socket"
	is "$(cattach run --rm --sdnotify monitor -v "$CT_PROBES:/mnt:ro" "$R" /mnt/notify x)" "no socket"
	start "$N" --sdnotify monitor -v "$CT_PROBES:/mnt:ro" "$R" sleep 1000 2> "$T/err"
	is "$(cattach exec "$N" /mnt/notify x)" "no socket"
	matches "$(heard)" 'MAINPID=[0-9]+;READY=1'
}

@test "words that are none, sockets that are not there, and several at once are refused" {
	refused 125 '--sdnotify: must be container, monitor (conmon) or ignore, not "yes"' \
		cattach run --sdnotify yes "$R" true
	refused 125 '--sdnotify: must be container, monitor (conmon) or ignore, not "yes"' \
		cattach start --sdnotify yes "$N"
	refused 125 '--sdnotify: a service has one main process, and this would be several' \
		cattach start --sdnotify monitor "$N" "$N-2"
	export NOTIFY_SOCKET=$T/nobody
	refused 125 "--sdnotify: no such socket: NOTIFY_SOCKET=$T/nobody" \
		cattach run --sdnotify container "$R" true
	run -0 --separate-stderr cattach run --rm --sdnotify monitor "$R" echo out
	is "$output" out
	is "$stderr" "cattach: warning: cannot notify systemd: NOTIFY_SOCKET=$T/nobody: No such file or directory"
	NOTIFY_SOCKET=vsock:2:1 refused 125 "--sdnotify: NOTIFY_SOCKET=vsock:2:1 is no path, nor the name of an abstract socket" \
		cattach run --sdnotify monitor "$R" true
}

@test "a monitor ends with the exit code of its container" {
	cat > "$T/reap.py" <<- 'END'
		import ctypes, os, subprocess, sys
		ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)    # orphans are ours
		subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
		print(os.waitstatus_to_exitcode(os.wait()[1]))
	END
	is "$(python3 "$T/reap.py" cattach run -d --rm "$R" sh -c 'exit 7')" 7
	is "$(python3 "$T/reap.py" cattach run -d --rm --init "$R" sh -c 'kill -TERM $$')" 143
}
