#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# One boot of qemu: FLAVOUR is what its first process is (guest/FLAVOUR*.sh).
#
#   tests/vm/qemu.sh FLAVOUR STAGE OUT SECONDS
#   tests/vm/qemu.sh --probe IMAGE        does this host's KVM work? (the exit status)
#
# The machine has four disks: the root (what it writes is forgotten), the staged tree as a tar,
# room for a tar of results, and one for tests. The processor is translated (TCG) unless a boot has
# shown that KVM works: that /dev/kvm is there proves nothing.
set -u -o pipefail
here=$(cd "$(dirname "$0")" && pwd) || exit 125
# shellcheck source=tests/vm/common.sh
. "$here/common.sh"

# The first file system: busybox, the modules, guest/initramfs.sh.
make_initramfs()
{
	local image=$1 into=$2
	mkdir -p "$into/tree/bin" "$into/tree/dev" "$into/tree/proc" "$into/tree/mnt" \
		"$into/tree/modules"
	cp "$(command -v busybox)" "$into/tree/bin/busybox" || return 1
	ln -s busybox "$into/tree/bin/sh"
	install -m 755 "$here/guest/initramfs.sh" "$into/tree/init" || return 1
	cp "$image"/modules/*.ko "$into/tree/modules" || return 1
	bsdtar --format=newc --uid 0 --gid 0 -C "$into/tree" -cf - . | gzip -1 > "$into/initramfs"
}

# machine SECONDS WORD-FOR-THE-KERNEL... -- ARG-FOR-QEMU...
machine()
{
	local seconds=$1 words=
	shift
	while [ "$1" != -- ]; do
		words="$words $1"
		shift
	done
	shift
	timeout -k 10 "$seconds" qemu-system-x86_64 -smp 2 -m 1024 -no-reboot -nographic -nodefaults \
		-serial stdio -kernel "$image/vmlinuz" -initrd "$scratch/initramfs" \
		-append "console=ttyS0 quiet panic=-1 mitigations=off random.trust_cpu=1 nokaslr$words" \
		"$@" < /dev/null
}

probe_kvm()
{
	machine 10 vm_probe=1 -- -accel kvm -cpu host 2> /dev/null | grep -q userspace-is-up
}

# The answer is kept for this kernel of the host.
accelerator()
{
	local answer
	answer=$(vm_cache)/kvm-$(uname -r) || exit 125
	if [ -r /dev/kvm ] && [ -w /dev/kvm ]; then
		if [ ! -s "$answer" ]; then
			if probe_kvm; then echo yes; else echo no; fi > "$answer.$$"
			mv "$answer.$$" "$answer"
		fi
		if [ "$(cat "$answer")" = yes ]; then
			echo "-accel kvm -cpu host"
			return
		fi
	fi
	# One thread for all processors: with more of them the emulation sometimes runs stale code
	# where the kernel has patched its own, and the guest dies of an int3 while it boots.
	echo "-accel tcg,thread=single,tb-size=256 -cpu max"
}

disk() { echo "file=$1,format=raw,if=virtio,$2"; }

run()
{
	local flavour=$1 stage=$2 out=$3 seconds=$4 how status=0
	tar -C "$stage" -cf "$scratch/job" . || vm_fail "cannot pack $stage"
	truncate -s %512 "$scratch/job"
	truncate -s 32M "$scratch/results"
	truncate -s 64M "$scratch/disk"
	how=$(accelerator)
	echo "vm: $flavour: qemu $how" > "$out/engine"
	# shellcheck disable=SC2086 # words are wanted
	machine "$seconds" "vm_flavour=$flavour" systemd.unit=vm.target systemd.show_status=0 -- $how \
		-drive "$(disk "$image/root.img" snapshot=on)" \
		-drive "$(disk "$scratch/job" readonly=on)" \
		-drive "$(disk "$scratch/results" cache=unsafe)" \
		-drive "$(disk "$scratch/disk" cache=unsafe)" > "$out/console" 2>&1 || status=$?
	tar -C "$out" --no-same-owner -xf "$scratch/results" 2> /dev/null
	return $status
}

vm_need qemu-system-x86_64 qemu-system-x86
vm_need busybox busybox-static
vm_need bsdtar libarchive-tools
scratch=$(mktemp -d /var/tmp/cattach-vm.XXXXXX) || vm_fail "no temporary directory"
trap 'rm -rf "$scratch"' EXIT
export TMPDIR=$scratch
if [ "$1" = --probe ]; then
	image=$2
	make_initramfs "$image" "$scratch" || vm_fail "no initial file system"
	probe_kvm
	exit
fi
image=$("$here/image.sh") || exit 125
make_initramfs "$image" "$scratch" || vm_fail "no initial file system"
run "$@"
