#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# generate systemd: units from containers' records. That systemd runs them is shown in tests/vm.

load helpers

# says TEXT PART...
says()
{
	local text=$1
	shift
	for part; do
		has "$text" "$part"
	done
}

@test "a unit starts and stops the container that is there" {
	local id
	start "$N" --stop-timeout 3 --stop-signal INT "$R" true
	id=$(cattach inspect -f '{{.Id}}' "$N")
	cattach generate systemd "$N" > "$T/unit"
	says "$(cat "$T/unit")" "Description=Container $N" "Type=notify" "NotifyAccess=all" "Delegate=yes" \
		"Restart=on-failure" "SuccessExitStatus=130" "TimeoutStopSec=63" "/cattach start --sdnotify=monitor $id" \
		"/cattach stop --time=3 $id" "WantedBy=default.target"
	! grep -q 'rm --force' "$T/unit"
	says "$(cattach generate systemd -n --restart-policy=always -t 7 "$N")" "Restart=always" \
		"TimeoutStopSec=67" "start --sdnotify=monitor $N" "stop --time=7 $N"
	# where the containers are is a part of it
	mkdir "$T/data dir"
	XDG_DATA_HOME="$T/data dir" cattach create --name x "$R" true > "$T/out"
	says "$(XDG_DATA_HOME="$T/data dir" cattach generate systemd x)" \
		"Environment=\"XDG_DATA_HOME=$T/data dir\""
}

@test "--new makes one like it, and the line can be run" {
	local line
	STARTED+=("$N")
	cd "$T"
	mkdir share
	cattach create --name "$N" --cidfile cid -e 'A=$x  "100%"' -v ./share:/mnt --sdnotify conmon "$R" \
		sh -c 'echo "$A" "$1" > /mnt/out' sh $'a\\b\nc' > out
	cattach generate systemd --new "$N" > unit
	says "$(cat unit)" "WorkingDirectory=$T" "--env=A=\$\$x  \\\"100%%\\\"" "--volume=./share:/mnt" \
		"ExecStopPost=" "rm --force --ignore $N"
	is "$(cattach inspect -f '{{index .Config.CreateCommand 0}}' "$N")" create
	cattach rm "$N" > out
	# systemd's quotes, as a shell would have them
	line=$(sed -n 's/^ExecStart=//p' unit | sed 's/%%/%/g; s/\$\$/\\$/g; s/\\n/\n/g')
	eval "$line" > out
	eventually test -s share/out
	is "$(cat share/out)" $'$x  "100%" a\\b\nc'
}

@test "--files writes the unit where we are, and replaces what is there" {
	start "$N" "$R" true
	cd "$T"
	is "$(cattach generate systemd --name --files "$N")" "$T/cattach-$N.service"
	cattach generate systemd --name "$N" | diff - "cattach-$N.service"
	is "$(cattach generate systemd -nf -t 1 "$N")" "$T/cattach-$N.service"
	grep -q -- --time=1 "cattach-$N.service"
	is "$(find . -name '.cattach*')" ""
	mkdir "$T/closed"
	chmod 500 "$T/closed"
	cd "$T/closed"
	refused 125 "$T/closed/cattach-$N.service: Permission denied" cattach generate systemd -nf "$N"
}

@test "what starts itself again or removes itself: a warning, and with --new it is the service that does" {
	start "$N" --rm "$R" sleep 1000
	run -0 --separate-stderr cattach generate systemd "$N"
	is "$stderr" "cattach: warning: $N has --rm, and is gone when the service has stopped: generate systemd --new makes it anew"
	cattach rm -f -t 0 "$N" > "$T/out"
	start "$N" --health-cmd true --health-on-failure restart "$R" sleep 1000
	run -0 --separate-stderr cattach generate systemd "$N"
	is "$stderr" "cattach: warning: $N has --health-on-failure restart, and would be started again outside of the service: generate systemd --new has the service do it"
	run -0 --separate-stderr cattach generate systemd --new "$N"
	is "$stderr" ""
	cattach rm -f -t 0 "$N" > "$T/out"
	eval "$(sed -n 's/^ExecStart=//p' <<< "$output")" > "$T/out"
	is "$(cattach inspect -f '{{.State.Status}} {{.HostConfig.AutoRemove}}' "$N")" "running true"
	has "$(cattach inspect -f '{{json .Config.CreateCommand}}' "$N")" '"--health-on-failure=kill"'
}

@test "what cannot be a service is refused" {
	start "$N" -i "$R" sleep 1000
	refused 125 "cannot generate \"kube\" (cattach generate systemd CONTAINER)" cattach generate kube "$N"
	refused 125 "generate systemd needs a CONTAINER" cattach generate systemd
	refused 125 "no such container: nobody" cattach generate systemd nobody
	refused 125 '--restart-policy: must be no, always, on-success, on-failure, on-abnormal, on-abort or on-watchdog, not "unless-stopped"' \
		cattach generate systemd --restart-policy unless-stopped "$N"
	refused 125 "--stop-timeout: " cattach generate systemd -t x "$N"
	cattach exec -d --session s "$N" sleep 1000 > /dev/null
	refused 125 "and cannot be a service of its own" cattach generate systemd "$N/s"
	# a record of before
	sed -i '/"create_command"/,/\]/d' "$STORE/containers/$(cattach inspect -f '{{.Id}}' "$N")/meta.json"
	refused 125 "the record does not say how it was made (leave out --new: the service starts the container that is there)" \
		cattach generate systemd --new "$N"
}
