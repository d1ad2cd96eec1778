#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What takes root to set up: people who log in, beside their own systemd's services; and root's own
# containers.
# shellcheck disable=SC2016,SC2119,SC2317 # functions are called by name; some take names; some text is for other shells
# shellcheck source=tests/vm/suite/lib.sh
. "$(dirname "$0")/lib.sh"
user=cattach-vm

# login COMMAND: in a session of its own, as "su -" makes it; its cgroup is not the user's.
login()
{
	su - "$user" -c "export PATH=/run/job/usr/bin:\$PATH XDG_RUNTIME_DIR=/run/user/$(id -u "$user"); $1" \
		< /dev/null
}

# service COMMAND: below the user's own systemd.
service() { login "systemd-run --user --wait --collect --quiet --pipe -E PATH bash -c '$1'"; }

session_runs()
{
	[ -d "/home/$user/rootfs" ] || login "cp -a /run/job/examples/bundles/rootfs rootfs"
	has "$(login 'cat /proc/self/cgroup')" "/session-"
	login "cattach run -d --name $N -m 64m ~/rootfs sleep 1000" > /dev/null
	has "$(login "cat /proc/\$(cattach inspect -f {{.State.Pid}} $N)/cgroup")" ".scope/cattach-"
	same "$(login "cattach exec $N cat /proc/self/cgroup")" "0::/"
	login "cattach rm -f $N" > /dev/null
	until_true no_scopes
	same "$(leaves)" ""
}
row systemd "who logs in gets a scope, though the session's own cgroup is not theirs" session_runs

sessions_meet()
{
	local dir
	service "cattach run -d --name $N -m 64m ~/rootfs sleep 1000" > /dev/null
	dir=$(login "cat /proc/\$(cattach inspect -f {{.State.Pid}} $N)/cgroup")
	dir=/sys/fs/cgroup${dir#0::}
	login "cattach exec -d $N sleep 999" > /dev/null
	same "$(wc -l < "$dir/cgroup.procs")" 2
	same "$(login "cattach exec $N cat /proc/self/cgroup")" "0::/"
	login "cattach pause $N && cattach unpause $N && cattach update -m 96m $N" > /dev/null
	same "$(cat "$dir/memory.max")" $((96 * 1024 * 1024))
	login "cattach rm -f $N" > /dev/null
	until_true no_scopes
	same "$(leaves)" ""
}
row systemd "what one session has started, another executes in, pauses and changes" sessions_meet

root_runs()
{
	local dir status=0
	start -m 64m "$R" sleep 1000
	dir=$(leaf)
	same "$(cat "$dir/memory.max")" 67108864
	if [ "$CT_FLAVOUR" = systemd ]; then
		has "$dir" /system.slice/cattach-
	fi
	cattach rm -f "$N" > /dev/null
	cattach run --rm -m 24m "$R" dd if=/dev/zero of=/dev/shm/x bs=1M count=60 || status=$?
	same "$status" 137
}
row "uml plain systemd" "root's containers have limits, too" root_runs

end
