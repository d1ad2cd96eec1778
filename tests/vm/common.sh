# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What the scripts of the host's side share.

# vm_fail TEXT: the machine cannot be had, which is a failure of the harness and not of a test.
vm_fail()
{
	printf 'vm: %s\n' "$*" >&2
	exit 125
}

# vm_need COMMAND PACKAGE
vm_need()
{
	command -v "$1" > /dev/null 2>&1 || vm_fail "$1 not found: apt-get install $2 (or: make deps-vm)"
}

# The end of what a machine has said, without escapes.
vm_show_console()
{
	echo "--- the end of the console:"
	if [ -s "$1" ]; then
		tr -d '\r' < "$1" | sed 's/\x1b\[[0-9;?]*[a-zA-Z]//g' | tail -n 60
	else
		echo "(nothing)"
	fi
	echo "---"
}

# Where kernels and images are kept: losable, shared by all checkouts of an account.
vm_cache()
{
	local dir=${CATTACH_VM_CACHE:-}
	if [ -z "$dir" ] && [ "$(id -u)" = 0 ]; then
		dir=/var/cache/cattach-vm
	elif [ -z "$dir" ]; then
		dir=${XDG_CACHE_HOME:-$HOME/.cache}/cattach-vm
	fi
	mkdir -p "$dir" || vm_fail "cannot make $dir"
	echo "$dir"
}

# vm_as_root COMMAND...: root, or what looks like it to archives and file systems.
vm_as_root()
{
	if [ "$(id -u)" = 0 ]; then
		"$@"
	else
		unshare --map-auto --map-root-user "$@"
	fi
}
