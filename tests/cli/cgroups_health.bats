#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Health checks of a container that is paused: there are none. Runs where a cgroup is delegated
# (tests/run.sh).

load helpers
load cgroups

setup_file() { need_cgroup; }

# hanging N: so many checks are under way
hanging() { [ "$(cattach top "$N" -o args | grep -c '^sleep 1234')" -eq "$1" ]; }

@test "what is paused is not checked, and a check that was under way says nothing" {
	mkdir "$T/shared"
	chmod 777 "$T/shared"
	start "$N" --health-cmd 'test ! -e /mnt/hang || exec sleep 1234' --health-interval 50ms \
		--health-timeout 2s --health-retries 1 -v "$T/shared:/mnt" "$R" sleep 1000
	cattach wait --condition healthy "$N"
	touch "$T/shared/hang"
	cattach healthcheck run "$N" 2> "$T/err" &
	eventually hanging 2
	cattach pause "$N"
	local code=0
	wait "$!" || code=$?
	is "$code" 125
	has "$(cat "$T/err")" "container $N was paused during the check (cattach unpause $N)"
	refused 125 "container $N is paused" cattach healthcheck run "$N"
	is "$(state "$N" Status)" paused
	rm "$T/shared/hang"
	cattach unpause "$N"
	is "$(state "$N" Health.Status)" healthy
	is "$(cattach inspect -f '{{range .State.Health.Log}}{{.ExitCode}}{{end}}' "$N" | tr -d 0)" ""
}
