#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# podman.sh as root.
# shellcheck source=tests/vm/suite/podman.sh
. "$(dirname "$0")/podman.sh"
