#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The first process of a guest without systemd (flavours uml and plain). It finds a root that may
# be written, /dev, and /run with the job in it. It makes what is missing, gives a user a cgroup as
# docs/cgroups.md tells people without a service manager to do it, and runs the suites as that user.
set -u
cd /
# shellcheck source=tests/vm/guest/common.sh
. /run/job/tests/vm/guest/common.sh

mount -t proc proc /proc
mount -t sysfs sysfs /sys
for link in fd:/proc/self/fd stdin:/proc/self/fd/0 stdout:/proc/self/fd/1 stderr:/proc/self/fd/2; do
	ln -sfn "${link#*:}" "/dev/${link%%:*}"
done
mkdir -p /dev/pts /dev/shm /dev/mqueue
mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
mount -t tmpfs -o mode=1777 shm /dev/shm
mount -t mqueue mqueue /dev/mqueue
mount -t tmpfs -o mode=1777 tmp /tmp
mount -t tmpfs -o mode=1777 tmp /var/tmp
if mountpoint -q /mnt; then
	umount -l /mnt
fi
mount --make-rshared /
mount -t cgroup2 none /sys/fs/cgroup || give_up "no cgroup2"
hostname vm
ip link set lo up
echo "booted $(uptime_seconds)" > "$times"

make_user
make_disk
mkdir -p "/run/user/$uid"
chown "$user:" "/run/user/$uid"
chmod 700 "/run/user/$uid"

# Only this process leaves the top: kernels with RT_GROUP_SCHED refuse "+cpu" once threads of
# their own have been moved.
mkdir /sys/fs/cgroup/init
echo $$ > /sys/fs/cgroup/init/cgroup.procs
for controller in cpu cpuset io memory pids; do
	echo "+$controller" > /sys/fs/cgroup/cgroup.subtree_control
done 2> /dev/null
cg=/sys/fs/cgroup/$user
mkdir -p "$cg/shell"
for dir in "$cg" "$cg/shell"; do
	chown "$user" "$dir" "$dir/cgroup.procs" "$dir/cgroup.threads" "$dir/cgroup.subtree_control"
done

echo "ready $(uptime_seconds)" >> "$times"
(
	echo "$BASHPID" > "$cg/shell/cgroup.procs"
	as_user timeout -k 5 "$all_seconds" "$guest/suites.sh"
)
status=$?
as_root timeout -k 5 "$all_seconds" "$guest/suites.sh" || worse $?
finish "$status"
