#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# inspect: each member that scripts use, with docker's type and the right value, in every state (what
# is paused is in cgroups_inspect.bats); options; several containers, and those that are missing.

load helpers

# keys NAME PATH=VALUE...
keys()
{
	local name=$1
	shift
	cattach inspect "$name" | python3 -ESs "$BATS_TEST_DIRNAME/inspect_keys.py" "$@"
}

never=0001-01-01T00:00:00Z

@test "one that was created: what was asked for is there, and nothing has happened" {
	mkdir "$T/data"
	STARTED+=("$N")
	(cd "$T" && cattach create --name "$N" -i -t -e A=1 -e B= -w /tmp -u 0:0 --label k=v --label e= \
		--hostname box --stop-signal HUP --stop-timeout 7 --cidfile "$T/cid" --pidfile "$T/pid" \
		-v ./data:/srv:ro --tmpfs /run/x:size=1m --device /dev/null:/dev/none --ulimit nofile=100:200 \
		--oom-score-adj 500 --shm-size 2m --network host --init --read-only --cap-drop KILL --log-driver k8s-file \
		--log-opt max-size=1m --entrypoint echo "$R:O" a "b c") > "$T/id"
	ID=$(cat "$T/id")
	is "$(cat "$T/cid")" "$ID"
	keys "$N" State.Status=created State.Running=false State.Paused=false State.Restarting=false \
		State.OOMKilled=false State.Dead=false State.Pid=0 State.ConmonPid=0 State.ExitCode=0 \
		State.Error='""' State.StartedAt=$never State.FinishedAt=$never State.Health=null \
		Id="\"$ID\"" Name="$N" Path=echo Args='["a", "b c"]' Image="$R:O" RestartCount=0 \
		PidFile="$T/pid" ExecIDs=null LogPath="$STORE/containers/$ID/main/container.log" \
		Config.Tty=true Config.OpenStdin=true Config.StdinOnce=true Config.User=0:0 \
		Config.WorkingDir=/tmp Config.StopSignal=SIGHUP Config.StopTimeout=7 Config.Hostname=box \
		Config.Cmd='["a", "b c"]' Config.Entrypoint='["echo"]' \
		Config.Labels='{"k": "v", "e": ""}' Config.Image="$R:O" \
		HostConfig.Binds="[\"$T/data:/srv:ro\"]" HostConfig.ContainerIDFile="$T/cid" \
		HostConfig.NetworkMode=host HostConfig.AutoRemove=false HostConfig.Init=true \
		HostConfig.ReadonlyRootfs=true HostConfig.CapDrop='["KILL"]' HostConfig.CapAdd='[]' \
		HostConfig.LogConfig='{"Type": "k8s-file", "Config": {"max-size": "1048576"}}' \
		HostConfig.Ulimits='[{"Name": "nofile", "Hard": 200, "Soft": 100}]' \
		HostConfig.OomScoreAdj=500 HostConfig.ShmSize=2097152 \
		HostConfig.Tmpfs='{"/run/x": "nosuid,nodev,noexec,size=1m"}' \
		HostConfig.Devices='[{"PathOnHost": "/dev/null", "PathInContainer": "/dev/none", "CgroupPermissions": "rwm"}]' \
		Mounts.0.Type=bind Mounts.0.Source="$T/data" Mounts.0.Destination=/srv Mounts.0.RW=false \
		Mounts.0.Propagation=rprivate NetworkSettings.Ports='{}' NetworkSettings.Networks='{}'
	cattach inspect -f '{{range .Config.Env}}{{println .}}{{end}}' "$N" > "$T/env"
	grep -qx A=1 "$T/env"
	grep -qx B= "$T/env"
}

@test "one that runs, and has ended: pids, times, code, sessions, and what nobody asked for" {
	local pid monitor session
	start "$N" "$R" sh -c 'while [ ! -e /proc/self/nothing ]; do sleep 0.02; done'
	session=$(cattach exec -d --session s "$N" sleep 1000)
	pid=$(state "$N" Pid) monitor=$(state "$N" ConmonPid)
	is "$(awk '/^PPid/ { print $2 }' "/proc/$pid/status")" "$monitor"
	keys "$N" State.Status=running State.Running=true State.Paused=false State.ExitCode=0 \
		State.Error='""' State.FinishedAt=$never ExecIDs="[\"$session\"]" Path=sh \
		LogPath="$STORE/containers/$ID/main" PidFile='""' Config.Tty=false Config.OpenStdin=false \
		Config.Labels='{}' Config.User='""' Config.StopSignal=SIGTERM Config.StopTimeout=10 \
		Config.WorkingDir=/ Config.Hostname="\"${ID:0:12}\"" HostConfig.Binds='[]' HostConfig.NetworkMode=none \
		HostConfig.RestartPolicy='{"Name": "no", "MaximumRetryCount": 0}' Mounts='[]' \
		HostConfig.LogConfig='{"Type": "native", "Config": {}}'
	[[ $(state "$N" StartedAt) > $(cattach inspect -f '{{.Created}}' "$N") ]]
	cattach kill -s TERM "$N"
	cattach kill "$N"
	is "$(cattach wait "$N")" 137
	keys "$N" State.Status=exited State.Running=false State.Pid=0 State.ConmonPid=0 \
		State.ExitCode=137 State.OOMKilled=false State.Error='""' HostConfig.AutoRemove=false
	[[ $(state "$N" FinishedAt) > $(state "$N" StartedAt) ]]
}

@test "-f gives one value a line for each container, --type containers only, as json too" {
	start "$N-a" --rm "$R" sleep 1000
	start "$N-b" "$R" sleep 1000
	is "$(cattach inspect -f '{{.Name}} {{.State.Status}} {{.HostConfig.AutoRemove}}' "$N-a" "/$N-b" "$N-a")" \
		"$N-a running true
$N-b running false
$N-a running true"
	is "$(cattach inspect --type container -f '{{.Id}}' "$N-b")" "$ID"
	is "$(cattach inspect -t all --format '{{.Id}}' "${ID:0:12}")" "$ID"
	refused 125 '--type: unknown type "image" (there are only containers)' cattach inspect -t image "$N-b"
	is "$(cattach inspect -f '{{json .State.Running}} {{index .Config.Cmd 1}} {{len .Args}}' "$N-a")" \
		"true 1000 1"
	is "$(cattach inspect -f json "$N-a" | python3 -c 'import json, sys; print(json.load(sys.stdin)["Name"])')" "$N-a"
	refused 125 'no such field .Statsu (did you mean .Status?)' \
		cattach inspect -f '{{.State.Statsu}}' "$N-a"
	# an array of all that are there
	is "$(cattach inspect "$N-b" "$N-a" | python3 -c 'import json, sys; print(*(c["Name"] for c in json.load(sys.stdin)))')" \
		"$N-b $N-a"
}

@test "-s adds sizes: of the files, and of the throw-away layer" {
	local total
	rootfs "$T/root"
	truncate -s 3M "$T/root/sparse"
	ln "$T/root/sparse" "$T/root/again"
	mkdir "$T/root/closed"
	total=$(find "$T/root" \( -type f -o -type l \) ! -name again -printf '%s\n' | awk '{ s += $1 } END { print s }')
	cattach create --name "$N" "$T/root" true
	STARTED+=("$N")
	is "$(cattach inspect -s -f '{{.SizeRootFs}} {{.SizeRw}}' "$N")" "$total 0"
	refused 125 'no such field .SizeRw' cattach inspect -f '{{.SizeRw}}' "$N"
	start "$N-o" "$T/root:O" sh -c 'head -c 100000 /dev/zero > /file; echo ready; exec sleep 1000'
	cattach wait --for-output ready "$N-o"
	cattach inspect --size "$N-o" > "$T/json"
	python3 -ESs - "$T/json" "$total" <<- 'END'
		import json, sys
		(c,), total = json.load(open(sys.argv[1])), int(sys.argv[2])
		assert 100000 <= c["SizeRw"] < 1000000, c["SizeRw"]
		assert c["SizeRootFs"] == total + c["SizeRw"], c["SizeRootFs"]
	END
	# what cannot be seen is said, and the rest is shown
	chmod 0 "$T/root/closed"
	run -0 --separate-stderr cattach inspect -s -f '{{.SizeRootFs}}' "$N"
	is "$output" "$total"
	is "$stderr" "cattach: warning: container $N is larger: directories may not be read (cattach unshare du)"
	chmod 700 "$T/root/closed"
	mv "$T/root" "$T/elsewhere"
	run -0 --separate-stderr cattach inspect -s -f '{{.SizeRootFs}} {{.Name}}' "$N"
	is "$output" "0 $N"
	is "$stderr" "cattach: warning: container $N has no size: $T/root: No such file or directory"
}

@test "what is missing is an error, and an array of what is there" {
	run -125 --separate-stderr cattach inspect "$N-none"
	is "$output" "[]"
	is "$stderr" "cattach: no such container: $N-none"
	start "$N" "$R" sleep 1000
	run -125 --separate-stderr cattach inspect "$N-none" "$N" "$N-other"
	is "$(python3 -c 'import json, sys; print(*(c["Name"] for c in json.load(sys.stdin)))' <<< "$output")" "$N"
	is "$stderr" "cattach: no such container: $N-none (known: $N)
cattach: no such container: $N-other (known: $N)"
	run -125 --separate-stderr cattach inspect -f '{{.Name}}' "$N-none" "$N"
	is "$output" "$N"
}

@test "of one whose record is damaged all members are there, too, and say nothing wrong" {
	start "$N" "$R" sleep 1000
	cattach kill "$N"
	cattach wait "$N"
	echo '{' > "$STORE/containers/$ID/meta.json"
	keys "$ID" State.Status=damaged State.Running=false State.Pid=0 Id="\"$ID\"" Name="$N" \
		Image='""' Config.Labels='{}'
	has "$(state "$ID" Error)" "meta.json"
}
