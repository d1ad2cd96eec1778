#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# A job as a CI system runs it, in plain sh: start a service, wait until it says that it is ready, run
# a check beside it, keep its log and its events, and leave nothing behind, however this ends.
#
#   examples/ci/run.sh [ROOTFS]
#
#   READY     what the service writes when it is ready (a regular expression)
#   TIMEOUT   how long it may take
#   RESULTS   the directory for service.log and events.json
#
# Exit codes: that of the check, 124 when the service is not ready in time, 1 when it has ended before
# that, 125 when cattach could not do something, 128 + N for signal N.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
rootfs=${1:-$here/../bundles/rootfs}
results=${RESULTS:-.}
# Chosen here and not by cattach, so that cleaning up needs nothing but the name, at any time.
name=ci-service-$$
began=$(date +%s)
child=

cleanup()
{
	status=$?
	# A second signal is not to interrupt this, and this is not to end in itself.
	trap '' INT TERM HUP
	trap - EXIT
	set +e
	if [ -n "$child" ]; then
		kill "$child" 2> /dev/null
		wait "$child"
	fi
	cattach stop -t 5 "$name" > /dev/null 2>&1
	cattach logs "$name" > "$results/service.log" 2>&1
	cattach rm -f "$name" > /dev/null
	cattach events --since "$began" --filter "container=$name" --format json > "$results/events.json"
	exit "$status"
}

# sh runs a trap when the command it waits for has ended. That may be long, so such commands run in
# the background: "wait" is what a signal interrupts.
step()
{
	"$@" &
	child=$!
	code=0
	wait "$child" || code=$?
	child=
	return "$code"
}

trap cleanup EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

cattach run -d --name "$name" --tmpfs /tmp -v "$here:/mnt:ro" "$rootfs" sh /mnt/service.sh > /dev/null
step cattach wait --for-output "${READY:-^listening on }" --timeout "${TIMEOUT:-30s}" "$name"
step cattach exec "$name" sh /mnt/check.sh
