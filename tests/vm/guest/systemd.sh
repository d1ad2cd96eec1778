#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The first process of the flavour systemd: it makes the user, who lingers and gets every
# controller, and the unit that runs the suites, and becomes systemd. That unit is this script, too
# (with the argument "suites"): it waits for the user's bus, has the user's own systemd run the
# suites as a service, then runs those of root, and switches off.
set -u
cd /
# shellcheck source=tests/vm/guest/common.sh
. /run/job/tests/vm/guest/common.sh
units=/run/systemd/system

set_up()
{
	local unit
	make_user
	# The journal is in memory here, and who is to read it back must be in the group.
	sed -i "s/^\(systemd-journal:.*:\)$/\1$user/" /etc/group
	echo 5f1e0c1f6e0f4a7f9d4c2b7a35d0a7c1 > /etc/machine-id
	echo vm > /etc/hostname
	mkdir -p /var/lib/systemd/linger "$units/user@.service.d" /etc/systemd/journald.conf.d
	touch /var/lib/systemd/linger/$user
	printf '[Service]\nDelegate=cpu cpuset io memory pids\n' > "$units/user@.service.d/delegate.conf"
	printf '[Journal]\nStorage=volatile\n' > /etc/systemd/journald.conf.d/vm.conf
	# Nothing that takes time and that no test needs.
	for unit in systemd-firstboot systemd-hwdb-update systemd-journal-catalog-update ldconfig \
		systemd-random-seed systemd-update-utmp systemd-pstore systemd-sysusers \
		systemd-binfmt systemd-timesyncd systemd-machine-id-commit; do
		ln -sf /dev/null "$units/$unit.service"
	done
	cat > "$units/vm.service" <<-END
		[Unit]
		Wants=systemd-logind.service user@$uid.service
		After=systemd-logind.service user@$uid.service
		[Service]
		Type=oneshot
		TimeoutStartSec=infinity
		ExecStart=$guest/systemd.sh suites
		StandardOutput=tty
		StandardError=tty
		TTYPath=/dev/console
	END
	printf '[Unit]\nRequires=basic.target vm.service\nAfter=basic.target\nAllowIsolate=yes\n' \
		> "$units/vm.target"
}

# as_service COMMAND...: as a service of the user's systemd, which is not delegated anything.
as_service()
{
	as_user systemd-run --user --wait --collect --quiet --pipe -p IgnoreSIGPIPE=no \
		-E PATH -E LC_ALL -E TERM -E CT_FLAVOUR -E CT_OUT -E CT_JOB -E CT_DISK -E CT_SECONDS \
		"$@"
}

suites()
{
	local status=0 tries=0
	echo "booted $(uptime_seconds)" > "$times"
	make_disk
	until [ -S /run/user/$uid/bus ]; do
		tries=$((tries + 1))
		[ $tries -lt 300 ] || {
			journalctl -b --no-pager | tail -n 40
			give_up "the user has no bus"
		}
		sleep 0.1
	done
	echo "ready $(uptime_seconds)" >> "$times"
	as_service timeout -k 5 "$all_seconds" "$guest/suites.sh" || status=$?
	as_root timeout -k 5 "$all_seconds" "$guest/suites.sh" || worse $?
	[ $status = 0 ] || journalctl -b --no-pager > $out/journal 2>&1
	finish "$status"
}

if [ "${1:-}" = suites ]; then
	suites
else
	set_up
	exec /lib/systemd/systemd
fi
