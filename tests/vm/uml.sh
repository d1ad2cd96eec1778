#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# One boot of user-mode Linux (Debian's package user-mode-linux): its root is the host's, read-only
# through hostfs and under a tmpfs, so there is no image to build, and nothing of the host changes.
#
#   tests/vm/uml.sh STAGE OUT SECONDS
set -u -o pipefail
here=$(cd "$(dirname "$0")" && pwd) || exit 125
# shellcheck source=tests/vm/common.sh
. "$here/common.sh"
stage=$1 out=$2 seconds=$3

vm_need linux.uml user-mode-linux
vm_need busybox busybox-static

# The guest's memory is a file that is mapped executable. A small /dev/shm, as containers have it,
# would end the guest with SIGBUS in the middle of a test.
memory=640
memory_dir()
{
	local dir free
	for dir in /dev/shm /tmp /var/tmp; do
		free=$(df -Pm "$dir" 2> /dev/null | awk 'NR == 2 { print $4 }')
		case ,$(findmnt -nro OPTIONS -T "$dir"), in
		*,noexec,*) continue ;;
		esac
		if [ "${free:-0}" -gt $((memory + 64)) ] && [ -w "$dir" ]; then
			echo "$dir"
			return 0
		fi
	done
	return 1
}
TMPDIR=$(memory_dir) ||
	vm_fail "no place for $memory MB of guest memory in /dev/shm, /tmp and /var/tmp (or noexec)"
export TMPDIR

scratch=$(mktemp -d) || vm_fail "no temporary directory"
trap 'rm -rf "$scratch"' EXIT
truncate -s 64M "$scratch/disk"

# Its own directory for sockets instead of ~/.uml; the console is what it prints.
timeout -k 10 "$seconds" linux.uml "mem=${memory}M" "uml_dir=$scratch" umid=vm \
	root=/dev/root rootfstype=hostfs rootflags=/ ro "init=$stage/tests/vm/guest/uml.sh" \
	"vm_stage=$stage" "vm_out=$out" "ubd0=$scratch/disk" con=null con0=null,fd:1 quiet \
	> "$out/console" 2>&1 < /dev/null
