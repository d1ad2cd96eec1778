#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The first process of qemu's guests, in the initial file system: loads what the disks need, mounts
# the root and, on /run, the job, and hands over to the first process of the flavour.
PATH=/bin
busybox mount -t proc proc /proc
busybox mount -t devtmpfs dev /dev
# shellcheck disable=SC2013 # it is words that are wanted
for word in $(busybox cat /proc/cmdline); do
	case $word in
	vm_flavour=*) flavour=${word#*=} ;;
	vm_probe=*)
		echo userspace-is-up
		busybox poweroff -f ;;
	esac
done

give_up()
{
	echo "guest: $*"
	busybox poweroff -f
}

for module in /modules/*.ko; do
	busybox insmod "$module" || give_up "$module cannot be loaded"
done
tries=0
while [ ! -b /dev/vdd ]; do
	tries=$((tries + 1))
	[ $tries -lt 200 ] || give_up "no disks"
	busybox usleep 50000
done
busybox mount -t ext4 -o rw,noatime /dev/vda /mnt || give_up "no root"
busybox mount --move /dev /mnt/dev
busybox mount -t tmpfs -o mode=755 run /mnt/run
busybox mkdir /mnt/run/job
busybox tar -C /mnt/run/job -xf /mnt/dev/vdb || give_up "no job"
busybox umount /proc
exec busybox switch_root -c /dev/console /mnt "/run/job/tests/vm/guest/$flavour.sh"
