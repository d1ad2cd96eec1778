#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Where a container's cgroup is: below what was delegated and nowhere else; scopes from systemd; a
# cattach in a container of cattach's.
# shellcheck disable=SC2016,SC2119,SC2317 # functions are called by name; some take names; some text is for other shells
# shellcheck source=tests/vm/suite/lib.sh
. "$(dirname "$0")/lib.sh"

parents()
{
	local dir
	start --cgroup-parent jobs/nightly "$R" sleep 1000
	dir=$(leaf)
	has "$dir" /cattach-vm/jobs/nightly/cattach-
	cattach rm -f "$N" > /dev/null
	[ ! -e /sys/fs/cgroup/cattach-vm/jobs ]
}
row "uml plain" "--cgroup-parent is made below the place, and goes with the last container" parents

info_here() { has "$(cattach info)" "containers get cgroups below /cattach-vm, with "; }
row "uml plain" "info says where containers get their cgroups" info_here

info_scope() { has "$(cattach info)" "systemd makes a scope for each container, with "; }
row "systemd" "info says that systemd makes a scope, and with which controllers" info_scope

escapes()
{
	local path
	for path in .. ../init ../../init /init / /cattach-vm/../init jobs/../../init /cattach-vmx \
		/sys/fs/cgroup/init; do
		echo "$path"
		refused 125 "outside the delegated cgroup" \
			cattach run --rm --cgroup-parent "$path" "$R" true
	done
	same "$(leaves)" ""
	[ ! -e /sys/fs/cgroup/cattach-vmx ] && [ ! -e /sys/fs/cgroup/sys ]
}
row "uml plain systemd" "--cgroup-parent does not lead out of what is delegated" escapes

# bundle CGROUPSPATH
bundle()
{
	rm -rf "$T/bundle"
	mkdir "$T/bundle"
	sed "s#\"linux\": {#&\"cgroupsPath\": \"$1\",#; s#\"path\": \"[^\"]*rootfs\"#\"path\": \"$R\"#" \
		"$CT_JOB/examples/bundles/hello/config.json" > "$T/bundle/config.json"
	grep -q "\"cgroupsPath\": \"$1\"" "$T/bundle/config.json"
}

bundles_escape()
{
	local path
	for path in ../init /cattach-vm/../init jobs/../../init; do
		echo "$path"
		bundle "$path"
		refused 125 "linux.cgroupsPath: must not contain \"..\"" cattach run --rm "$T/bundle"
	done
	bundle /init
	refused 125 "outside the delegated cgroup" cattach run --rm "$T/bundle"
	bundle jobs/hello
	cattach run --rm "$T/bundle" > /dev/null
}
row "uml plain" "nor does linux.cgroupsPath" bundles_escape

limits_need_a_cgroup()
{
	refused 125 "no limits without a cgroup" cattach run --rm --cgroups disabled -m 64m "$R" true
	same "$(cattach run --rm --cgroups disabled "$R" sh -c 'echo ran')" ran
	# what only some kernels have is an error that says so
	refused 125 "hugetlb" cattach run --rm --cgroup-conf hugetlb.3MB.max=0 "$R" true
}
row "uml plain systemd" "a limit that cannot be had is an error that names it" limits_need_a_cgroup

scope_is_made()
{
	local dir
	start "$R" sleep 1000
	dir=$(leaf)
	has "$dir" ".scope/cattach-"
	same "$(systemctl --user list-units --plain --no-legend 'cattach-*.scope' | wc -l)" 1
	same "$(systemctl --user show -p Delegate --value "$(basename "$(scopes)")")" yes
	cattach rm -f "$N" > /dev/null
	until_true no_scopes
	same "$(systemctl --user list-units --all --plain --no-legend 'cattach-*.scope' | wc -l)" 0
}
row systemd "systemd makes a scope for a container, and it goes with the container" scope_is_made

slice_is_kept()
{
	start --cgroup-parent nightly.slice "$R" sleep 1000
	has "$(leaf)" /nightly.slice/cattach-
	refused 125 "outside the delegated cgroup" cattach run --rm --cgroup-parent jobs "$R" true
}
row systemd "--cgroup-parent is a slice of systemd's" slice_is_kept

delegated_scope_is_used()
{
	systemd-run --user --scope --quiet --unit around.scope -p Delegate=yes bash -c '
		set -e
		cattach run -d --name "$1" -m 64m "$2" sleep 1000 > /dev/null
		pid=$(cattach inspect -f "{{.State.Pid}}" "$1")
		cat "/proc/$pid/cgroup" > "$3/cgroup"
		cattach rm -f "$1"' sh "$N" "$R" "$T" > /dev/null
	has "$(cat "$T/cgroup")" /around.scope/cattach-
	same "$(scopes)" ""
}
row systemd "in a scope that is delegated no other is made" delegated_scope_is_used

nested()
{
	local inside
	# shellcheck disable=SC2016 # it is the inner shell that expands them
	inside='
		set -e
		mkdir -p /run/xdg
		export XDG_RUNTIME_DIR=/run/xdg HOME=/root PATH=/job/usr/bin:$PATH
		cattach run -d --name inner -m 32m --pids-limit 9 /inner sleep 1000 > /dev/null
		pid=$(cattach inspect -f "{{.State.Pid}}" inner)
		dir=/sys/fs/cgroup$(sed "s/^0:://" /proc/$pid/cgroup)
		cat $dir/memory.max $dir/pids.max
		cattach rm -f inner > /dev/null
		cattach run --rm -m 16m /inner dd if=/dev/zero of=/dev/shm/x bs=1M count=40 ||
			echo "ended with $?"
		find /sys/fs/cgroup -name "cattach-*" -type d ! -name cattach-callers'
	cattach run --name "$N" --privileged -m 128m -v "$CT_JOB:/job:ro" -v "$R:/inner" \
		-v /lib:/lib:ro -v /lib64:/lib64:ro -v /usr/lib:/usr/lib:ro \
		"$R" sh -c "$inside" > "$T/out" 2> "$T/err" || { cat "$T/out" "$T/err"; return 1; }
	cat "$T/err"
	same "$(tr '\n' ' ' < "$T/out")" "33554432 9 ended with 137 "
	same "$(state ExitCode)" 0
}
row "uml plain systemd" "a cattach in a privileged container limits containers of its own" nested

end
