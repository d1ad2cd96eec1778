#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Install the Debian packages that are missing, and nothing when none is.
#
#   tools/deps.sh GROUP...       build: to build and to run; check: for "make check";
#                                vm: for "make check-vm"; analysis, podman: for
#                                "make check-all" (and "make bench")
#
# Uses apt-get, through sudo when not root, and says what it does before it does it. Elsewhere
# than on Debian and its children it checks nothing and says so: the build names what it misses.
set -eu

# "su" leaves root without them, and what apt-get installs needs them.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

packages=
for group; do
	case $group in
	build)
		packages="$packages gcc libc6-dev make pkg-config libseccomp-dev libcap-dev
			libmount-dev libyajl-dev uidmap busybox-static binutils procps
			libarchive-tools" ;;
	check)
		packages="$packages check bats python3 python3-pexpect" ;;
	vm)
		packages="$packages user-mode-linux qemu-system-x86 mmdebstrap e2fsprogs" ;;
	analysis)
		packages="$packages clang clang-tidy clang-format cppcheck shellcheck
			bubblewrap conmon" ;;
	podman)
		packages="$packages podman conmon runc" ;;
	*)
		echo "deps.sh: no such group: $group" >&2
		exit 1 ;;
	esac
done

if ! command -v dpkg-query > /dev/null 2>&1; then
	echo "deps: no dpkg here; nothing is installed for you" >&2
	exit 0
fi

missing=
for package in $packages; do
	state=$(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2> /dev/null || true)
	case $state in
	?i*) ;;
	*) missing="$missing $package" ;;
	esac
done
if [ -z "$missing" ]; then
	exit 0
fi

if ! command -v apt-get > /dev/null 2>&1; then
	echo "error: missing packages:$missing; no apt-get here to install them" >&2
	exit 1
fi
as_root=
if [ "$(id -u)" != 0 ]; then
	if ! command -v sudo > /dev/null 2>&1; then
		echo "error: missing packages: run as root: apt-get install$missing" >&2
		exit 1
	fi
	as_root=sudo
fi

install="apt-get install -y --no-install-recommends$missing"
echo "deps: installing:$missing"
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086 # words are wanted
if ! $as_root $install -qq > /dev/null 2>&1; then
	# Fresh machines have no package lists, old ones have lists of packages that are gone.
	echo "deps: ${as_root:+$as_root }apt-get update"
	$as_root apt-get update -qq
	echo "deps: ${as_root:+$as_root }$install"
	# shellcheck disable=SC2086
	$as_root $install -qq > /dev/null
fi
echo "deps: done"
