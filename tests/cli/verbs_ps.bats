#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# ps: its columns, what stands in them, which containers are shown, in which order, and each filter. One
# container that was created, one that has ended and two that run serve all rows of a test.

load helpers

# names OPTION...: the names that ps shows, in its order
names() { cattach ps --format '{{.Names}}' "$@" | xargs; }

# four: $N-made was created, $N-done has ended with 3, $N-up and $N-new run; the newest is $N-new
four()
{
	STARTED+=("$N-made" "$N-done")
	mkdir "$T/data" "$T/more"
	MADE=$(cattach create --name "$N-made" -l app=db -l tier=back -v "$T/data:/data" --network host "$R" true)
	cattach run --name "$N-done" -l app=web "$R" sh -c 'exit 3' || is "$?" 3
	start "$N-up" -l app=web -l tier=front "$R" sleep 1000
	UP=$ID
	start "$N-new" --mount "type=bind,source=$T/more,target=/more" "$R:O" \
		sh -c 'exec sleep 1000 # with a long tail'
	NEW=$ID
}

@test "columns: docker's seven, with its texts for each state" {
	four
	is "$(cattach ps | head -n 1 | tr -s ' ')" "CONTAINER ID IMAGE COMMAND CREATED STATUS PORTS NAMES"
	is "$(cattach ps -a | wc -l)" 5
	# the same, as one asks for it
	is "$(cattach ps -a --format 'table {{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}')" \
		"$(cattach ps -a)"
	is "$(cattach ps -a --format table)" "$(cattach ps -a)"
	local ago='(Less than a second|1 second|[0-9]+ seconds) ago'
	matches "$(cattach ps -a --format '{{.Names}}|{{.Status}}|{{.State}}|{{.RunningFor}}')" \
		"$N-new\|Up [^|]*\|running\|$ago
$N-up\|Up [^|]*\|running\|$ago
$N-done\|Exited \(3\) $ago\|exited\|$ago
$N-made\|Created\|created\|$ago"
	# commands and ids are cut, or not
	is "$(cattach ps -l --format '{{.ID}} {{.Command}} {{.Image}}')" "${NEW:0:12} \"sh -c exec sleep 10…\" $R:O"
	is "$(cattach ps -l --no-trunc --format '{{.ID}} {{.Command}}')" "$NEW \"sh -c exec sleep 1000 # with a long tail\""
	has "$(cattach ps --no-trunc)" "$NEW"
}

@test "templates: every placeholder, tables with titles of their own, json" {
	four
	is "$(cattach ps -a -f name=made --no-trunc --format \
		'{{.ID}} {{.Image}} {{.Command}} {{.Ports}}|{{.State}} {{.Status}} {{.Size}} {{.Names}} {{.Labels}} {{.Label "tier"}}|{{.Label "none"}} {{.Mounts}} {{.Networks}} {{.LocalVolumes}}')" \
		"$MADE $R \"true\" |created Created 0B $N-made app=db,tier=back back| $T/data host 0"
	matches "$(TZ=UTC cattach ps -l --format '{{.CreatedAt}}')" \
		'[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2} \+0000 UTC'
	is "$(cattach ps -l --no-trunc --format '{{.Networks}} {{.Mounts}}')" "none $T/more"
	is "$(cattach ps -a --format 'table {{.State}}\t{{.Label "app"}}\t{{.Label "com.x.build-id"}}' -f status=created | sed 's/ *$//')" \
		"STATE     app       build id
created   db"
	is "$(cattach ps --format '{{upper .Names}}' -f name=up)" "$(tr a-z A-Z <<< "$N-up")"
	is "$(cattach ps --noheading --format 'table {{.Names}}')" "$N-new
$N-up"
	cattach ps -a --format json > "$T/json"
	python3 -ESs - "$T/json" "$NEW" <<- 'END'
		import json, sys
		rows = [json.loads(line) for line in open(sys.argv[1])]
		keys = {"Command", "CreatedAt", "ID", "Image", "Labels", "LocalVolumes", "Mounts", "Names",
		        "Networks", "Ports", "RunningFor", "Size", "State", "Status"}
		assert len(rows) == 4 and all(keys <= set(row) for row in rows), rows
		assert all(isinstance(v, str) for row in rows for k, v in row.items() if k in keys), rows
		assert rows[0]["ID"] == sys.argv[2][:12], rows
	END
	is "$(cattach ps -a --format '{{json .}}' | wc -l)" 4
	refused 125 'no such field .Nmaes' cattach ps --format '{{.Nmaes}}'
}

@test "which: running, -a, -l, -n, -q, and options that only podman needs" {
	is "$(cattach ps -q)$(cattach ps -aq)$(cattach ps -lq)$(cattach ps --noheading)" ""
	is "$(cattach ps --format json)" ""
	is "$(cattach ps | wc -l)" 1
	four
	is "$(names)" "$N-new $N-up"
	is "$(names -a)" "$N-new $N-up $N-done $N-made"
	is "$(names --all --sync --external)" "$N-new $N-up $N-done $N-made"
	is "$(names -l)" "$N-new"
	is "$(names -n 3)" "$N-new $N-up $N-done"
	is "$(names --last 0)" ""
	is "$(names -n -1)" "$N-new $N-up"
	is "$(names -n 2 --sort names)" "$N-new $N-up"
	is "$(cattach ps -q)" "${NEW:0:12}
${UP:0:12}"
	is "$(cattach ps -aq --no-trunc | tail -n 1)" "$MADE"
	is "$(cattach ps -q --noheading -f name=up)" "${UP:0:12}"
	refused 125 '--last: ' cattach ps -n x
	refused 125 'ps takes no operands' cattach ps "$N-up"
}

@test "filters: each key, and what matches it" {
	four
	local all="$N-new $N-up $N-done $N-made"
	while read -r filter wanted; do
		is "$filter: $(names -a -f "$filter")" "$filter: $wanted"
	done <<- END
		id=$UP $N-up
		id=${UP:0:12} $N-up
		id=${UP:1:12}
		name=$N-up $N-up
		name=up $N-up
		name=^$N-(up|done)\$ $N-up $N-done
		name=^/$N-up\$ $N-up
		name=^up
		label=tier $N-up $N-made
		label=app=web $N-up $N-done
		label=app=we
		label=ap
		label!=app $N-new
		label!=app=web $N-new $N-made
		status=created $N-made
		status=configured $N-made
		status=running $N-new $N-up
		status=exited $N-done
		status=stopped $N-done
		status=paused
		status=restarting
		status=removing
		status=dead
		status=initialized
		status=stopping
		status=unknown
		exited=3 $N-done
		exited=0
		ancestor=$R $N-new $N-up $N-done $N-made
		ancestor=$R:O $N-new
		ancestor=$R/bin
		before=$N-up $N-done $N-made
		before=${UP:0:12} $N-done $N-made
		since=$N-done $N-new $N-up
		since=$NEW
		until=1h
		until=-1h $all
		command=sleep $N-up
		command=true $N-made
		network=host $N-made
		network=none $N-new $N-up $N-done
		network=bridge
		volume=/data $N-made
		volume=$T/data $N-made
		volume=/more $N-new
		volume=$T/more $N-new
		volume=$T
		publish=80
		publish=8000-8010/udp
		expose=80/tcp
		pod=any
	END
	# what has ended is meant by its state and code without -a
	is "$(names -f status=exited) $(names -f exited=3) $(names -f name=done)" "$N-done $N-done "
}

@test "filters: of one key any, of several keys and all labels each; bad ones are refused" {
	four
	is "$(names -a -f status=created -f status=exited)" "$N-done $N-made"
	is "$(names -a -f name=up -f name=made -f label=tier=back)" "$N-made"
	is "$(names -a -f label=app=web -f label=tier)" "$N-up"
	is "$(names -a -f label!=app=web -f label!=tier=back)" "$N-new"
	is "$(names -a -f volume=/data -f volume=/more)" "$N-new $N-made"
	is "$(names -a -n 1 -f label=app)" "$N-up"
	refused 125 '--filter: unknown filter "nmae" (there is id, name, ' cattach ps -f nmae=x
	refused 125 '--filter: "web" has no "=" (--filter KEY=VALUE)' cattach ps -f web
	refused 125 '--filter: unknown state "runing" (there is created, running' cattach ps -f status=runing
	refused 125 '--filter: "(" is no regular expression: ' cattach ps -f 'name=('
	refused 125 '--filter: must be 0...255, not "x"' cattach ps -f exited=x
	refused 125 "--filter: no such container: $N-none" cattach ps -f before="$N-none"
	refused 125 "--filter: no such container: $N-none" cattach ps -f since="$N-none"
	refused 125 '--filter: must be 1...65535, not "http"' cattach ps -f publish=http
	refused 125 '--filter: must be PORT[-PORT][/tcp|udp|sctp], not "80/x"' cattach ps -f expose=80/x
}

@test "--sort: every key, either way the newest first among equals" {
	four
	is "$(names -a --sort names)" "$N-done $N-made $N-new $N-up"
	is "$(names -a --sort created)" "$N-made $N-done $N-up $N-new"
	is "$(names -a --sort runningfor)" "$N-new $N-up $N-done $N-made"
	is "$(names -a --sort command)" "$N-new $N-done $N-up $N-made"
	is "$(names -a --sort status)" "$N-made $N-done $N-new $N-up"
	is "$(names -a --sort image)" "$N-up $N-done $N-made $N-new"
	is "$(cattach ps -aq --no-trunc --sort id)" "$(cattach ps -aq --no-trunc | LC_ALL=C sort)"
	refused 125 '--sort: unknown key "age"' cattach ps --sort age
}
