#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Have a kernel and a root file system for qemu, and print the directory that holds them:
#
#   vmlinuz   Debian's kernel for clouds, 6.12 or newer
#   modules/  what of it is loaded before there is a root file system
#   root.img  ext4: this release of Debian, small, with systemd and what the suites need
#
#   dir=$(tests/vm/image.sh)
#
# They are kept in the cache under a name made from all that goes into them, so that another list of
# packages, another kernel or another version of this script is another directory, and nothing that
# a running machine uses is ever rewritten. The tests themselves are not in it.
set -u -o pipefail
here=$(cd "$(dirname "$0")" && pwd) || exit 125
# shellcheck source=tests/vm/common.sh
. "$here/common.sh"

# libsubunit0 is for the unit tests, which Check links against it.
packages="systemd dbus-user-session libpam-systemd uidmap libsystemd0 libsubunit0
	busybox-static iproute2 procps mount containerd podman conmon crun"
# Loaded from the initial file system, in this order; those with a question mark are a part of newer
# kernels.
modules="virtio? virtio_ring? virtio_pci_modern_dev? virtio_pci_legacy_dev? virtio_pci? virtio_blk
	crc16? crc32c_generic? mbcache? jbd2? ext4? overlay tun"

[ "$(uname -m)" = x86_64 ] || vm_fail "qemu's machines are for x86_64 alone, this is $(uname -m)"
vm_need mmdebstrap mmdebstrap
vm_need mkfs.ext4 e2fsprogs
vm_need apt-get apt
# shellcheck disable=SC1091 # it is the machine's
release=$(. /etc/os-release && [ "${ID:-}" = debian ] && echo "${VERSION_CODENAME:-}")
[ -n "$release" ] || vm_fail "the guest is made from Debian's packages; this is no Debian"

# Debian 12's own kernel is older, and its security updates have a newer one beside it.
meta=linux-image-cloud-amd64
[ "$release" != bookworm ] || meta=linux-image-6.12-cloud-amd64

# "linux-image-6.12.94+deb12-cloud-amd64 6.12.94-1": the package behind that name, its version.
find_kernel()
{
	local package
	package=$(apt-cache depends "$meta" 2> /dev/null |
		sed -n 's/^ *Depends: \(linux-image-.*\)/\1/p' | head -n 1)
	[ -n "$package" ] || return 1
	echo "$package $(apt-cache show --no-all-versions "$package" | sed -n 's/^Version: //p')"
}

# Fresh machines have no package lists, others old ones.
update_lists()
{
	local sudo=
	[ "$(id -u)" = 0 ] || sudo=sudo
	echo "vm: $sudo apt-get update" >&2
	$sudo apt-get update -qq >&2
}

# Debian's own sources, as this machine has them, one line each: other sources stay outside.
sources()
{
	# shellcheck disable=SC2016 # it is apt-get that expands them
	apt-get indextargets --format '$(ORIGIN) deb $(REPO_URI) $(RELEASE) $(COMPONENT)' \
		'Created-By: Packages' | sed -n 's/^Debian deb /deb /p' | sort -u
}

get_kernel()
{
	local package=$1 into=$2 module file number=10
	(cd "$into" && apt-get download -q -o APT::Sandbox::User=root "$package" > log 2>&1) ||
		vm_fail "cannot download $package: $(tail -n 1 "$into/log")"
	dpkg-deb -x "$into"/*.deb "$into/kernel" || vm_fail "cannot unpack $package"
	rm -f "$into"/*.deb "$into/log"
	mv "$into"/kernel/boot/vmlinuz-* "$into/vmlinuz" || vm_fail "no vmlinuz in $package"
	mkdir "$into/modules"
	for module in $modules; do
		file=$(find "$into/kernel" -name "${module%\?}.ko*" | head -n 1)
		case $file,$module in
		*.xz,*) busybox xzcat "$file" > "$into/modules/$number-${module%\?}.ko" ;;
		*.ko,*) cp "$file" "$into/modules/$number-${module%\?}.ko" ;;
		,*\?) ;;
		*) vm_fail "no module $module in $package" ;;
		esac
		number=$((number + 1))
	done
	rm -rf "$into/kernel"
}

make_root()
{
	local into=$1 proxy list
	list=$(echo "$packages" | tr -s ' \t\n' ,)
	mapfile -t lines < <(sources)
	[ ${#lines[@]} -gt 0 ] || vm_fail "apt-get knows no sources of Debian's"
	proxy=$(apt-config shell proxy Acquire::http::Proxy | sed "s/^proxy='\(.*\)'$/\1/")
	mmdebstrap --quiet --variant=essential --include="${list%,}" --format=tar \
		${proxy:+--aptopt="Acquire::http::Proxy \"$proxy\""} --dpkgopt=force-unsafe-io \
		--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' \
		"$release" "$into/root.tar" "${lines[@]}" > "$into/log" 2>&1 ||
		vm_fail "mmdebstrap: $(tail -n 5 "$into/log")"
	truncate -s 1G "$into/root.img"
	# shellcheck disable=SC2016 # it is the inner shell that expands them
	vm_as_root sh -c 'mkdir "$1/root" && tar -C "$1/root" -xf "$1/root.tar" --exclude="./dev/*" &&
		mkfs.ext4 -q -F -m 0 -O ^has_journal -E lazy_itable_init=1 -d "$1/root" \
			"$1/root.img" > "$1/log" 2>&1
		status=$?; rm -rf "$1/root" "$1/root.tar"; exit $status' sh "$into" ||
		vm_fail "mkfs.ext4: $(tail -n 5 "$into/log")"
	rm -f "$into/log"
}

if ! kernel=$(find_kernel); then
	update_lists
	# The release's own kernel will not do: users cannot enable cpuset in it.
	kernel=$(find_kernel) ||
		vm_fail "apt-get knows no $meta: are Debian's security updates in /etc/apt/sources.list?"
fi
key=$({ echo "$release $kernel $packages $modules"; cat "$here/image.sh"; } | sha256sum | cut -c 1-16)
cache=$(vm_cache) || exit 125
image=$cache/$key
if [ ! -d "$image" ]; then
	echo "vm: making an image of $release with ${kernel% *} in $image" >&2
	new=$(mktemp -d "$cache/new.XXXXXX") || vm_fail "cannot write in $cache"
	trap 'rm -rf "$new"' EXIT
	chmod 755 "$new"
	get_kernel "${kernel% *}" "$new"
	make_root "$new"
	# Somebody else may have been faster.
	mv -T "$new" "$image" 2> /dev/null || [ -d "$image" ] || vm_fail "cannot make $image"
fi

# What nobody has used for two weeks goes, and what a killed run left half-made.
touch "$image"
find "$cache" -mindepth 1 -maxdepth 1 -type d -mtime +14 -exec rm -rf {} + 2> /dev/null
echo "$image"
