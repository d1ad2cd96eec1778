#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# events: what happens to containers is told once, in order, and in the words of docker and podman.

load helpers

# told NAME [OPTION...]: what has happened to this container, with the details, a line each
told()
{
	local name=$1
	shift
	cattach events --filter "container=$name" --format \
		'{{.Status}}{{range $k, $v := .Attributes}}{{if or (eq $k "signal") (eq $k "exitCode") (eq $k "oomKilled")}} {{$k}}={{$v}}{{end}}{{end}}' "$@"
}

@test "a run in the foreground is created, attached to, started, and dies" {
	cattach run --rm --name "$N" "$R" sh -c 'exit 7' || is "$?" 7
	is "$(told "$N")" "create
attach
start
died exitCode=7 oomKilled=false
remove"
}

@test "a start that fails is no start, and what was created goes" {
	run ! cattach run --name "$N" "$R" /nonexistent
	is "$(told "$N")" "create
attach
remove"
}

@test "stop, restart, kill and rm tell of the signals that they send" {
	start "$N" --stop-signal INT "$R" sh -c 'trap "exit 3" INT; echo ready; while :; do sleep 0.1; done'
	cattach wait --for-output ready "$N"
	cattach restart "$N"
	cattach kill -s HUP "$N"
	cattach kill -s KILL "$N"
	cattach wait "$N"
	cattach start "$N"
	cattach rm -f "$N"
	is "$(told "$N")" "create
start
kill signal=2
died exitCode=3 oomKilled=false
stop
start
restart
kill signal=1
kill signal=9
died exitCode=137 oomKilled=false
start
kill signal=9
died exitCode=137 oomKilled=false
remove"
	STARTED=()
}

@test "exec tells of its process, with and without a session" {
	start "$N" "$R" sleep 1000
	cattach exec "$N" sh -c 'exit 4' || is "$?" 4
	cattach exec -d --session job "$N" sh -c 'exit 5'
	is "$(cattach wait "$N/job")" 5
	is "$(told "$N" --filter event=exec_create --filter event=exec_start --filter event=exec_die)" \
		"exec_create
exec_start
exec_died exitCode=4
exec_create
exec_start
exec_died exitCode=5 oomKilled=false"
	# the three of one process have one id; that of a session is its own
	cattach events --filter "container=$N" --format '{{.Attributes.execID}}' --filter event=exec_create \
		--filter event=exec_start --filter event=exec_died > "$T/ids"
	is "$(uniq -c < "$T/ids" | awk '{ print $1 }' | xargs)" "3 3"
	is "$(tail -n 1 "$T/ids")" "$(cattach inspect -f '{{.Id}}' "$N/job")"
}

@test "died is told when the record says so" {
	local i name code
	for i in 1 2 3 4 5; do
		cattach events -f --filter event=died --filter "container=$N-$i" --until -20s \
			--format '{{.Name}} {{.ContainerExitCode}}' > "$T/out" &
		eventually eval "[ -n \"\$(ls -l /proc/$!/fd 2> /dev/null | grep inotify)\" ]"
		start "$N-$i" "$R" sh -c "exit $i"
		eventually test -s "$T/out"
		read -r name code < "$T/out"
		is "$name $(state "$N-$i" ExitCode)" "$N-$i $code"
		is "$(state "$N-$i" Status)" exited
		kill $!
		wait $! || true
	done
}

@test "events -f begins now, with --since earlier, and ends with --until" {
	start "$N" "$R" sleep 1000
	is "$(cattach events -f --until -0.2s)" ""
	cattach events -f --since 10m --until -1s --filter "container=$N" --format '{{.Status}}' > "$T/out" &
	eventually grep -q start "$T/out"
	cattach kill -s KILL "$N"
	wait $!
	is "$(cat "$T/out")" "create
start
kill
died"
	is "$(cattach events --until 1h)" ""
}

@test "events -f sees what happens while the record is set aside" {
	start "$N" "$R" sleep 1000
	local log=$STORE/events/log
	cattach events -f --filter "container=$N" --format '{{.Attributes.signal}}' > "$T/out" &
	eventually eval "[ -n \"\$(ls -l /proc/$!/fd 2> /dev/null | grep inotify)\" ]"
	cattach kill -s URG "$N"
	printf '%1048576s\n' '' >> "$log"
	cattach kill -s CONT "$N"
	cattach kill -s WINCH "$N"
	eventually grep -qx 28 "$T/out"
	kill $!
	wait $! || true
	is "$(xargs < "$T/out")" "23 18 28"
	test "$(stat -c %s "$log.1")" -gt 1048576
	test "$(stat -c %s "$log")" -lt 4096
	is "$(told "$N" --filter event=kill | xargs)" "kill signal=23 kill signal=18 kill signal=28"
}

@test "json is one object a line with docker's and podman's members" {
	start "$N" --label a=b --label c= "$R" sh -c 'exit 9'
	cattach wait "$N"
	eventually eval '[ -n "$(cattach events --filter event=died --filter "container=$N")" ]'
	cattach events --format json --filter "container=$ID" --filter event=died > "$T/json"
	python3 -ESs - "$T/json" "$N" "$ID" "$R" <<- 'END'
		import json, sys, time
		path, name, id, image = sys.argv[1:]
		(line,) = open(path)
		event = json.loads(line)
		attributes = {"name": name, "image": image, "a": "b", "c": "", "exitCode": "9",
		              "execDuration": "0", "oomKilled": "false"}
		assert event["Actor"] == {"ID": id, "Attributes": attributes}, event
		assert event["Attributes"] == attributes
		for key, value in {"status": "died", "id": id, "from": image, "Type": "container",
		                   "Action": "died", "scope": "local", "Name": name, "Image": image,
		                   "ContainerExitCode": 9}.items():
		    assert event[key] == value, key
		assert event["timeNano"] // 10**9 == event["time"]
		assert abs(time.time() - event["time"]) < 60
	END
	is "$(cattach events --format '{{json .}}' --filter "container=$ID" --filter event=died)" \
		"$(cat "$T/json")"
}

@test "a line is docker's" {
	start "$N" "$R" true
	cattach wait "$N"
	run -0 env TZ=UTC cattach events --filter "container=$N" --filter event=create
	matches "$output" "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{9}Z container create $ID \(image=$R, name=$N\)"
}

@test "filters: by label, image, type and beginning of an id" {
	start "$N" --label "k=$N" "$R" true
	cattach wait "$N"
	is "$(cattach events --filter "label=k=$N" --filter event=create | wc -l)" 1
	is "$(cattach events --filter label=k --filter "container=${ID:0:12}" --filter event=create | wc -l)" 1
	is "$(cattach events --filter "label=k=other" | wc -l)" 0
	is "$(cattach events --filter "image=$R" --filter "container=$N" --filter event=start | wc -l)" 1
	is "$(cattach events --filter type=image)" ""
}

@test "since and until are times in any form, and filters of several keys must all match" {
	local from to
	start "$N" --label a=1 "$R" sleep 1000
	from=$(cattach events --filter "container=$N" --filter event=start --format '{{.TimeNano}}')
	cattach kill -s URG "$N"
	cattach rename "$N" "$N-b"
	STARTED+=("$N-b")
	to=$(cattach events --filter "container=$N-b" --filter event=rename --format '{{.timeNano}}')
	told_between() { cattach events --filter "container=$ID" --format '{{.Action}}' "$@" | xargs; }
	is "$(told_between)" "create start kill rename"
	is "$(told_between --since "${from:0:10}.${from:10}")" "start kill rename"
	is "$(told_between --since "$(date -u -d "@${from:0:10}" +%FT%T).${from:10}Z" --until "$(date -d "@${to:0:10}" +%FT%T.)${to:10}$(date +%:z)")" \
		"start kill rename"
	is "$(told_between --until "${from:0:10}.${from:10}")" "create start"
	is "$(told_between --since 10m --until 5m)" ""
	is "$(told_between --stream=false --since 10m)" "create start kill rename"
	is "$(told_between --filter event=kill --filter event=start --filter type=container --filter label=a)" "start kill"
	is "$(told_between --filter event=kill --filter label=a=2)" ""
	is "$(told_between --filter event=kill --filter "image=$R")" "kill"
	# who is told as it happens is told of the same
	cattach events --stream --since 10m --filter "container=$ID" --filter event=update --until -20s > "$T/out" &
	eventually eval "[ -n \"\$(ls -l /proc/$!/fd 2> /dev/null | grep inotify)\" ]"
	cattach update --pids-limit 100 "$N-b" || cattach stop -t 0 "$N-b"
	cattach update --pids-limit 101 "$N-b"
	eventually grep -q " container update $ID (" "$T/out"
	kill $!
	wait $! || true
}

@test "words for what only docker or podman tells of are understood, and never come" {
	local word
	start "$N" "$R" true
	cattach wait "$N"
	for word in checkpoint cleanup commit copy exec_detach export health_status init mount resize restore \
		sync top unmount; do
		is "$(cattach events --filter "event=$word")" ""
	done
	is "$(cattach events --filter "container=$N" --filter event=top --filter event=die --filter event=destroy \
		--format '{{.Status}}')" died
	for word in image volume network daemon pod; do
		is "$(cattach events --filter "type=$word")" ""
	done
	refused 125 '--filter: unknown type "thing"' cattach events --filter type=thing
}

@test "what cannot be understood is refused before anything is printed" {
	refused 125 '--filter: unknown event "dies"' cattach events --filter event=dies
	refused 125 '--filter: unknown filter "name"' cattach events --filter name=x
	refused 125 '--since: "x" is no time' cattach events --since x
	refused 125 '--until: "x" is no time' cattach events --until x
	refused 125 'events takes no operands (-f follows; --filter KEY=VALUE says which ones)' \
		cattach events -f event=die
	refused 125 '--format' cattach events --format '{{.Nope'
}

@test "events ends when nobody reads it any more" {
	start "$N" "$R" sleep 1000
	cattach events -f --filter "container=$N" > >(head -n 1 > "$T/out") &
	local pid=$!
	eventually eval "[ -n \"\$(ls -l /proc/$pid/fd 2> /dev/null | grep inotify)\" ]"
	cattach kill -s URG "$N"
	local status=0
	wait $pid || status=$?
	is "$status" 141
	is "$(wc -l < "$T/out")" 1
}

@test "events ends when the socket that it prints into is closed" {
	run -0 python3 - <<'EOF'
import os, socket, subprocess, time
ours, theirs = socket.socketpair()
events = subprocess.Popen(["cattach", "events", "-f"], stdout=theirs)
theirs.close()
fds = "/proc/%d/fd/" % events.pid
follows = lambda: any("inotify" in os.readlink(fds + fd) for fd in os.listdir(fds))
while events.poll() is None and not follows():
    time.sleep(0.01)
ours.close()
print(events.wait(10))
EOF
	is "$output" 141
}

@test "attaching and detaching are told" {
	start "$N" -i "$R" cat
	cattach attach --no-stdin "$N" &
	eventually eval '[ -n "$(cattach clients -q "$N")" ]'
	cattach detach --all "$N"
	wait $!
	eventually eval '[ "$(told "$N" | tail -n 2 | xargs)" = "attach detach" ]'
}
