# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What command tests need that look at containers' cgroups. tests/run.sh runs the files cgroups*.bats
# in a cgroup that is delegated to the user of the tests, when root starts it.

CGROUP=/sys/fs/cgroup
[ -e "$CGROUP/cgroup.controllers" ] || CGROUP=$CGROUP/unified

# The cgroup that we are in, as a directory.
own_cgroup() { echo "$CGROUP$(sed -n 's/^0:://p' /proc/self/cgroup)"; }

# Without a cgroup of our own there is nothing to be tested: for setup_file().
need_cgroup()
{
	local place
	place=$(dirname "$(own_cgroup)")
	if [ ! -w "$place/cgroup.procs" ] || [ ! -w "$place" ]; then
		skip "no cgroup is delegated to $(id -un): start tests/run.sh as root"
	fi
}

# leaf_of NAME: where the processes of a container are, which runs
leaf_of() { echo "$CGROUP$(sed -n 's/^0:://p' "/proc/$(state "$1" Pid)/cgroup")"; }

# leaf_event KEY: of cgroup.events of the container $N
leaf_event() { sed -n "s/^$1 //p" "$(leaf_of "$N")/cgroup.events"; }

# a_limit: what can be limited here, as a file of a cgroup in $FILE, and two values for it, $A and $B
a_limit()
{
	local list
	list=" $(cat "$(dirname "$(own_cgroup)")/cgroup.controllers") "
	A=67108864 B=134217728
	case $list in
	*' memory '*) FILE=memory.high ;;
	*' hugetlb '*) FILE=hugetlb.2MB.max ;;
	*' pids '*) FILE=pids.max A=100 B=200 ;;
	*) skip "no controller is delegated that has limits: $list" ;;
	esac
}
