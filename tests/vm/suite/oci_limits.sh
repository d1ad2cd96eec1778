#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Limits of containers of the runtime command line, as the kernel has them: what linux.resources says, and
# what update makes of them. The numbers are those of docs/oci.md.
# shellcheck disable=SC2119,SC2317 # functions are called by name; some take names
# shellcheck source=tests/vm/suite/lib.sh
. "$(dirname "$0")/lib.sh"

# oci WORD...: the store goes with the row
oci() { cattach oci --root "$T/store" "$@"; }

# create RESOURCES: a container $N with these linux.resources, whose directory is in $LEAF then
create()
{
	mkdir -p "$T/b"
	cat > "$T/b/config.json" <<- END
		{ "ociVersion": "1.3.0", "root": { "path": "$R", "readonly": true },
		  "process": { "user": { "uid": 0, "gid": 0 }, "args": ["sleep", "1000"], "cwd": "/",
			"env": ["PATH=/bin:/usr/bin"] },
		  "mounts": [{ "destination": "/proc", "type": "proc", "source": "proc" }],
		  "linux": { "namespaces": [{ "type": "user" }, { "type": "mount" }, { "type": "pid" },
			{ "type": "cgroup" }], "resources": $1 } }
	END
	oci create -b "$T/b" --pid-file "$T/pid" "$N" < /dev/null > "$T/out" 2>&1 || { cat "$T/out"; return 1; }
	LEAF=/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$(cat "$T/pid")/cgroup")
}

# limits FILE...: what is in them, on one line; "-" for those that this kernel has not
limits()
{
	local file
	for file; do
		cat "$LEAF/$file" 2> /dev/null || echo -
	done | tr '\n' ' '
}

# swap VALUE: what is expected of memory.swap.max
swap() { [ -e "$LEAF/memory.swap.max" ] && echo "$1" || echo -; }

pids()
{
	local row
	for row in '{"pids":{"limit":-1}}=max' '{"pids":{"limit":7}}=7' '{"pids":{"limit":0}}=1' '{"pids":{}}=max' '{}=max'; do
		create "${row%=*}"
		same "$(limits pids.max)" "${row##*=} "
		oci delete --force "$N"
	done
	# a limit of none at all is for what the container makes, not for its first process
	create '{"pids":{"limit":0}}'
	oci start "$N"
	until_true grep -q sleep "/proc/$(cat "$T/pid")/cmdline"
	oci update --pids-limit -1 "$N"
	same "$(limits pids.max)" "max "
	oci delete --force "$N"
}
row "uml plain" "F37: pids.limit: -1 is none, 0 lets nothing fork, and without one nothing is set" pids

memory()
{
	create '{"memory":{"limit":67108864,"swap":104857600,"reservation":33554432}}'
	same "$(limits memory.max memory.swap.max memory.low)" "67108864 $(swap 37748736) 33554432 "
	oci start "$N"
	# one alone is kept in sight of the other, both at a time go in either direction
	oci update --memory 268435456 --memory-swap 536870912 "$N"
	same "$(limits memory.max memory.swap.max)" "268435456 $(swap 268435456) "
	oci update --memory 33554432 --memory-swap 50331648 "$N"
	same "$(limits memory.max memory.swap.max)" "33554432 $(swap 16777216) "
	printf '{"memory":{"limit":134217728,"swap":134217728}}' | oci update -r - "$N"
	same "$(limits memory.max memory.swap.max)" "134217728 $(swap 0) "
	printf '{"memory":{"limit":-1,"swap":-1}}' | oci update -r - "$N"
	same "$(limits memory.max memory.swap.max)" "max $(swap max) "
	# a contradiction changes nothing
	oci update --memory 67108864 --memory-swap 67108864 "$N"
	if oci update --memory 67108864 --memory-swap 33554432 "$N" 2> "$T/said"; then
		return 1
	fi
	has "$(cat "$T/said")" "swap"
	same "$(limits memory.max memory.swap.max)" "67108864 $(swap 0) "
	oci delete --force "$N"
}
row "uml plain" "F37: memory and swap grow and shrink together, by options and by an object" memory

memory_is_looked_at()
{
	create '{"memory":{"limit":134217728}}'
	oci start "$N"
	oci exec "$N" true
	if printf '{"memory":{"limit":4096,"checkBeforeUpdate":true}}' | oci update -r - "$N" 2> "$T/said"; then
		return 1
	fi
	same "$(limits memory.max)" "134217728 "
	oci delete --force "$N"
}
row "uml plain" "F37: checkBeforeUpdate refuses a limit below what is in use" memory_is_looked_at

cpu()
{
	create '{"cpu":{"shares":1024,"quota":50000,"period":100000}}'
	same "$(limits cpu.max cpu.weight)" "50000 100000 100 "
	oci start "$N"
	oci update --cpu-quota -1 --cpu-share 2048 "$N"
	has "$(limits cpu.max)" "max"
	oci delete --force "$N"
}
row "uml plain" "F37: shares and quota are weight and maximum, and -1 takes a quota away" cpu

end
