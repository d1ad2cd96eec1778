# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# shellcheck disable=SC2034 # much is for those who read this file
#
# What the first processes of guests share; runs as the guest's root. What a guest has to say goes
# to $out, and from there out of the machine when it is over.

export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
user=cattach-vm uid=7000
guest=/run/job/tests/vm/guest
out=/run/out
times=$out/times
mkdir -p $out
flavour='' suite_seconds='' all_seconds=''
# shellcheck disable=SC1091 # it is made for each boot
. /run/job/vm.env

uptime_seconds() { cut -d ' ' -f 1 /proc/uptime; }

# The disk that results go out on, where there is no directory of the host's.
out_disk=/dev/vdc

# worse STATUS: the greater of two is the one that is told: suites that ended early, not a row that failed.
worse() { [ "$1" -le "$status" ] || status=$1; }

# finish STATUS: hand out what there is, the verdict last, and switch off.
finish()
{
	echo "over $(uptime_seconds)" >> "$times"
	if mountpoint -q /run/host; then
		cp -r $out/. /run/host/
		echo "$1" > /run/host/status
	else
		echo "$1" > $out/status
		tar -C $out -cf $out_disk .
	fi
	sync
	busybox poweroff -f
	sleep 60
}

give_up()
{
	echo "guest: $*" > /dev/console
	busybox poweroff -f
	sleep 60
}

# The user of the suites, with ranges of ids and a home in memory.
make_user()
{
	local file
	for file in passwd group shadow subuid subgid; do
		sed -i "/^$user:/d" /etc/$file 2> /dev/null || true
	done
	echo "$user:x:$uid:$uid::/home/$user:/bin/bash" >> /etc/passwd
	echo "$user:x:$uid:" >> /etc/group
	echo "$user:*:19000::::::" >> /etc/shadow
	echo "$user:1000000:65536" >> /etc/subuid
	echo "$user:1000000:65536" >> /etc/subgid
	mkdir -p /home/$user $out/user-$uid
	mount -t tmpfs -o mode=700,uid=$uid,gid=$uid home /home/$user
	chown $user: $out/user-$uid
}

# A disk that the user may read and write, for limits of input and output: vm_disk is its path.
make_disk()
{
	for vm_disk in /dev/vdd /dev/ubda; do
		if [ -b "$vm_disk" ]; then
			chmod 666 "$vm_disk"
			return
		fi
	done
	give_up "no disk for the tests"
}

# suite_env UID HOME: what suites find in the environment, a word a line.
suite_env()
{
	printf '%s\n' "HOME=$2" TERM=dumb LC_ALL=C "PATH=/run/job/usr/bin:$PATH" \
		"CT_FLAVOUR=$flavour" "CT_OUT=$out/user-$1" CT_JOB=/run/job "CT_DISK=$vm_disk" \
		"CT_SECONDS=$suite_seconds"
}

# as_user COMMAND..., as_root COMMAND...: with that environment.
as_user()
{
	mapfile -t words < <(suite_env "$uid" /home/$user)
	setpriv --reuid "$uid" --regid "$uid" --init-groups env -i "${words[@]}" USER=$user \
		LOGNAME=$user SHELL=/bin/bash XDG_RUNTIME_DIR="/run/user/$uid" "$@" < /dev/null
}

as_root()
{
	mapfile -t words < <(suite_env 0 /root)
	mkdir -p $out/user-0
	env -i "${words[@]}" USER=root "$@" < /dev/null
}
