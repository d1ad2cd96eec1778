#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The check, inside the service's container: its exit code is that of the whole job.
set -eu

answer=$(wget -q -O - http://127.0.0.1:8080/health)
if [ "$answer" != ok ]; then
	echo "health: $answer" >&2
	exit 3
fi
echo "health: $answer"
