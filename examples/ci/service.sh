#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The service that is tested, inside its container: a web server on port 8080 of the container's own
# loopback. It says so when it listens, and ends on TERM.
set -eu

# The first process of a container gets only the signals that it asks for.
trap 'echo "asked to end"; exit 0' TERM INT

mkdir -p /tmp/www
echo ok > /tmp/www/health
httpd -p 127.0.0.1:8080 -h /tmp/www
# Last: who waits for this line may go on at once.
echo "listening on 8080"
while :; do
	sleep 3600 &
	wait $!
done
