#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# cattach cp with a container that lies in wait: links out of it, exchanged under the copy's hands.

load helpers

running()
{
	rootfs "$T/r"
	start "$N" "$T/r" sleep 1000
}

# The user's own files, at the end of a link in the container.
trap_in() { ln -s "$CANARY/dir" "$1"; }

@test "a link in the container leads to what is in the container" {
	running
	trap_in "$T/r/abs"
	ln -s ../../../../../../../../../.."$CANARY/dir" "$T/r/tmp/rel"
	echo x > "$T/f"
	refused 125 "cannot be opened: No such file or directory" cattach cp "$N:/abs/inner" "$T/out"
	refused 125 "cannot be opened: No such file or directory" cattach cp "$N:/tmp/rel/inner" "$T/out"
	refused 125 "there is no directory" cattach cp "$T/f" "$N:/abs/new"
	refused 125 "there is no directory" cattach cp "$T/f" "$N:/tmp/rel/new"
	refused 125 "" cattach cp "$N:/proc/1/root/etc/passwd" "$T/out"
	cattach stop -t 0 "$N"
	refused 125 "cannot be opened: No such file or directory" cattach cp "$N:/abs/inner" "$T/out"
	refused 125 "there is no directory" cattach cp "$T/f" "$N:/abs/new"
}

@test "a link that comes out of the container is not followed by what comes after it" {
	running
	trap_in "$T/r/tmp/dir"
	mkdir "$T/out"
	cattach cp "$N:/tmp/." "$T/out"
	is "$(readlink "$T/out/dir")" "$CANARY/dir"
	rm "$T/r/tmp/dir"
	mkdir "$T/r/tmp/dir"
	echo evil > "$T/r/tmp/dir/inner"
	refused 125 "$T/out/dir: is there and no directory" cattach cp "$N:/tmp/." "$T/out"
	is "$(cat "$CANARY/dir/inner")" inner
}

@test "directories exchanged for links while they are copied show nothing of the host" {
	running
	mkdir -p "$T/r/tmp/top/dir/sub"
	echo own > "$T/r/tmp/top/dir/sub/f"
	echo own > "$T/r/tmp/top/dir/inner"
	trap_in "$T/r/tmp/top/trap"
	"$CT_PROBES/exchange" "$T/r/tmp/top" dir trap 3>&- &
	local racer=$! i
	for ((i = 0; i < 150; i++)); do
		rm -rf "$T/out"
		cattach cp "$N:/tmp/top" "$T/out" > /dev/null 2>&1 || true
		cattach cp "$N:/tmp/top/dir/." "$T/out" > /dev/null 2>&1 || true
		# "inner" is what the canary says
		if grep -rqs '^inner$' "$T/out"; then
			kill $racer
			ls -lR "$T/out"
			return 1
		fi
	done
	kill $racer
	wait $racer || true
}

@test "directories exchanged for links while they are written to lead nowhere outside" {
	running
	mkdir -p "$T/r/tmp/top/dir" "$T/s/dir/sub"
	trap_in "$T/r/tmp/top/trap"
	# the same path in the container, so that the link leads somewhere
	mkdir -p "$T/r$CANARY/dir"
	echo evil > "$T/s/dir/inner"
	echo evil > "$T/s/dir/sub/new"
	"$CT_PROBES/exchange" "$T/r/tmp/top" dir trap 3>&- &
	local racer=$! i
	for ((i = 0; i < 150; i++)); do
		cattach cp "$T/s/." "$N:/tmp/top" > /dev/null 2>&1 || true
		cattach cp "$T/s/dir/inner" "$N:/tmp/top/dir/inner" > /dev/null 2>&1 || true
	done
	kill $racer
	wait $racer || true
	is "$(cat "$CANARY/dir/inner")" inner
	[ ! -e "$CANARY/dir/sub/new" ]
}

@test "a payload that lets nobody look at it is copied from, too" {
	mkdir "$T/bin"
	cp "$CT_PROBES/closed" "$T/bin/closed"
	chmod 711 "$T/bin/closed"
	# A program of somebody whom the container does not know, and that nobody may read.
	cattach run --rm -v "$T/bin:/mnt" "$R" chown 7:7 /mnt/closed
	start "$N" --uidmap "0:$(id -u):1" --gidmap "0:$(id -g):1" -v "$T/bin:/mnt:ro" "$R" \
		/mnt/closed open
	eventually says_up
	run ! readlink "/proc/$(state "$N" Pid)/ns/mnt"
	cattach cp "$N:/etc/passwd" "$T/out"
	is "$(cat "$T/out")" "$(cat "$R/etc/passwd")"
	cattach run --rm -v "$T/bin:/mnt" "$R" chown 0:0 /mnt/closed
}

says_up() { cattach logs "$N" | grep -qx "up, dumpable 0"; }

@test "nothing of the container is executed" {
	rootfs "$T/r"
	mkdir -p "$T/r/usr/bin" "$T/r/lib"
	local name
	for name in tar cp cat ps sh ldconfig; do
		rm -f "$T/r/bin/$name"
		printf '#!/bin/busybox sh\n/bin/busybox touch /executed\n' > "$T/r/bin/$name"
		chmod 755 "$T/r/bin/$name"
	done
	start "$N" "$T/r" /bin/busybox sleep 1000
	cattach cp "$N:/etc" "$T/out"
	cattach cp "$N:/etc" - | cattach cp - "$N:/tmp"
	cattach top "$N" > /dev/null
	[ ! -e "$T/r/executed" ]
}
