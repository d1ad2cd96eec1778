#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Run a command with a file as descriptor 3, and its sync pipe out of the way, as 9.
eval "exec 9<&$_OCI_SYNCPIPE $_OCI_SYNCPIPE<&-"
: > "$FAKE/passed"
exec 3< "$FAKE/passed"
export _OCI_SYNCPIPE=9
exec "$@"
