#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The first process of the flavour uml. The root is the host's through hostfs, read-only: a tmpfs
# goes over it, and guest/plain.sh goes on in there. With the kernel's arguments come the paths of
# the staged tree (vm_stage) and of the directory for results (vm_out), as the host knows them.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

give_up()
{
	echo "guest: $*" > /dev/console
	exec busybox poweroff -f
}

mount -t proc proc /proc || give_up "no /proc"
# shellcheck disable=SC2013 # it is words that are wanted
for word in $(cat /proc/cmdline); do
	case $word in
	vm_stage=*) stage=${word#*=} ;;
	vm_out=*) out=${word#*=} ;;
	esac
done

modules=/usr/lib/uml/modules/$(uname -r)/kernel
busybox insmod "$modules/fs/overlayfs/overlay.ko" || give_up "no overlay.ko in $modules"
mount -t tmpfs -o mode=755 tmpfs /mnt || give_up "no tmpfs"
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work overlay /mnt/root ||
	give_up "no overlay"
root=/mnt/root
mount -t devtmpfs dev $root/dev || give_up "no /dev"
mount -t tmpfs -o mode=755 run $root/run
mkdir $root/run/job $root/run/host
mount -t hostfs -o "$stage" none $root/run/job || give_up "no $stage"
mount -o remount,ro,bind $root/run/job
mount -t hostfs -o "$out" none $root/run/host || give_up "no $out"
umount /proc
cd $root || give_up "no $root"
pivot_root . mnt || give_up "no pivot_root"
exec chroot . /run/job/tests/vm/guest/plain.sh < /dev/console > /dev/console 2>&1
