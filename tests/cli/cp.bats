#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# cattach cp: docker's rules for paths, what of a file survives, owners, states, failures. Tar streams
# and hostile containers are in cp_tar.bats and cp_hostile.bats.

load helpers

# A container that runs, with a root file system of its own in $T/r.
running()
{
	rootfs "$T/r"
	start "$N" "$@" "$T/r" sleep 1000
}

# What is at a path of the container, from outside.
content() { cat "$T/r/$1"; }

# Everything about a tree but its owners and where it is.
tree_hash()
{
	tar --sort=name --format=posix --numeric-owner --owner=0 --group=0 \
		--pax-option=delete=atime,delete=ctime -C "$1" -cf - . | sha256sum
}

# no_leftovers DIR: nothing of a copy's own
no_leftovers() { is "$(find "$1" -name '.cattach-cp-*')" ""; }

quietly() { is "$("$@" 2>&1)" ""; }

@test "a file gets the name that it is given, goes into a directory, takes the place of a file" {
	running
	echo one > "$T/f"
	quietly cattach cp "$T/f" "$N:/tmp/name"
	is "$(content tmp/name)" one
	quietly cattach cp "$T/f" "$N:/tmp"
	quietly cattach cp "$T/f" "$N:root/"
	is "$(content tmp/f)$(content root/f)" oneone
	echo two > "$T/f"
	quietly cattach cp "$T/f" "$N:tmp/name"
	is "$(content tmp/name)" two
	no_leftovers "$T/r"
	quietly cattach cp "$N:/tmp/name" "$T/out"
	mkdir "$T/dir"
	quietly cattach cp "$N:tmp/name" "$T/dir"
	is "$(cat "$T/out" "$T/dir/name")" $'two\ntwo'
}

@test "a directory gets the name that is not there, goes into the one that is, or what is in it does" {
	running
	mkdir -p "$T/d/sub"
	echo x > "$T/d/sub/f"
	quietly cattach cp "$T/d" "$N:/tmp/new"
	is "$(content tmp/new/sub/f)" x
	quietly cattach cp "$T/d" "$N:/tmp/new"
	is "$(content tmp/new/d/sub/f)" x
	quietly cattach cp "$T/d/." "$N:/root"
	is "$(content root/sub/f)" x
	quietly cattach cp "$T/d/." "$N:/tmp/other/"
	is "$(content tmp/other/sub/f)" x
	quietly cattach cp "$N:/tmp/new/." "$T/out"
	is "$(cat "$T/out/sub/f" "$T/out/d/sub/f")" $'x\nx'
	mkdir "$T/into"
	(cd "$T/into" && quietly cattach cp "$N:/tmp/new" .)
	is "$(cat "$T/into/new/sub/f")" x
	(cd "$T/d/sub" && quietly cattach cp .. "$N:/tmp/up" && quietly cattach cp .. "$N:/tmp/up")
	is "$(content tmp/up/sub/f)$(content tmp/up/d/sub/f)" xx
}

@test "what the rules do not allow is refused, with the path" {
	running
	mkdir "$T/d"
	echo x > "$T/f"
	refused 125 "there is no directory $N:/tmp/no/" cattach cp "$T/f" "$N:/tmp/no/"
	refused 125 "there is no directory /tmp/no/ (cp makes no directories above" \
		cattach cp "$T/f" "$N:/tmp/no/name"
	refused 125 "a directory cannot take the place of $N:/etc/passwd, which is a file" \
		cattach cp "$T/d" "$N:/etc/passwd"
	refused 125 "$N:/etc/passwd/ is not a directory" cattach cp "$T/f" "$N:/etc/passwd/"
	refused 125 "$N:/nosuch: cannot be opened: No such file or directory" \
		cattach cp "$N:/nosuch" "$T/out"
	refused 125 "$N:/etc/passwd/: cannot be opened: Not a directory" \
		cattach cp "$N:/etc/passwd/" "$T/out"
	refused 125 "$T/nosuch: cannot be opened: No such file or directory" \
		cattach cp "$T/nosuch" "$N:/tmp"
	refused 125 "$N:/dev/null is neither a file nor a directory" cattach cp "$T/f" "$N:/dev/null"
	mkfifo "$T/fifo"
	refused 125 "$T/fifo is neither a file nor a directory" cattach cp "$N:/etc/passwd" "$T/fifo"
	refused 125 "which cannot be copied" cattach cp "$N:/dev/null" "$T/out"
}

@test "one path is in a container, and what it means is said" {
	refused 125 "both paths are in containers" cattach cp a:/x b:/y
	refused 125 "neither path is in a container" cattach cp /x ./y:z
	refused 125 "cp needs a source and a target" cattach cp x
	refused 125 "no such container: nosuch" cattach cp nosuch:/x .
	running
	refused 125 "there is no path behind \"$N:\"" cattach cp "$N:" "$T/out"
	echo x > "$T/a:b"
	(cd "$T" && quietly cattach cp ./a:b "$N:/tmp")
	is "$(content tmp/a:b)" x
}

@test "a tree is the same there and back: modes, times, links, FIFOs, holes, odd names" {
	running
	mkdir -p "$T/s/d/empty" "$T/s/ro"
	echo x > "$T/s/f"
	ln "$T/s/f" "$T/s/d/hard"
	ln -s ../nowhere "$T/s/d/link"
	ln -s "$CANARY/dir" "$T/s/out"
	mkfifo -m 640 "$T/s/d/fifo"
	echo y > "$T/s/"$'a\nb\e[31m'
	echo z > "$T/s/-rf"
	: > "$T/s/zero"
	chmod 1751 "$T/s/d"
	chmod 4640 "$T/s/zero"
	echo in > "$T/s/ro/f"
	chmod 555 "$T/s/ro"
	truncate -s 64M "$T/s/sparse"
	echo data | dd of="$T/s/sparse" bs=1 seek=30000000 conv=notrunc status=none
	find "$T/s" -exec touch -h -d '2001-02-03 04:05:06.123456789' {} +
	quietly cattach cp "$T/s" "$N:/tmp/s"
	quietly cattach cp "$N:/tmp/s" "$T/back"
	# set-id bits go with the owner
	is "$(stat -c %a "$T/back/zero")" 640
	chmod 640 "$T/s/zero"
	touch -d '2001-02-03 04:05:06.123456789' "$T/s/zero"
	is "$(tree_hash "$T/back")" "$(tree_hash "$T/s")"
	is "$(stat -c %i "$T/back/f")" "$(stat -c %i "$T/back/d/hard")"
	is "$(stat -c %h "$T/r/tmp/s/f")" 2
	[ "$(du -k "$T/r/tmp/s/sparse" | cut -f1)" -lt 1024 ]
	[ "$(du -k "$T/back/sparse" | cut -f1)" -lt 1024 ]
	chmod -R u+w "$T/s" "$T/back" "$T/r/tmp/s"
}

@test "attributes of the user go along" {
	running
	echo x > "$T/f"
	python3 -c "import os, sys; os.setxattr(sys.argv[1], 'user.colour', b'blue')" "$T/f"
	quietly cattach cp "$T/f" "$N:/root/f"
	quietly cattach cp "$N:/root/f" "$T/g"
	is "$(python3 -c "import os, sys; print(os.getxattr(sys.argv[1], 'user.colour').decode())" "$T/g")" blue
}

@test "what goes in is the container's root's, with -a its owner's as the container counts" {
	running
	mkdir "$T/d"
	echo x > "$T/d/f"
	cattach unshare chown 33:44 "$T/d/f"
	quietly cattach cp "$T/d" "$N:/tmp/plain"
	quietly cattach cp -a "$T/d" "$N:/tmp/kept"
	is "$(cattach exec "$N" stat -c %u:%g /tmp/plain /tmp/plain/f)" $'0:0\n0:0'
	is "$(cattach exec "$N" stat -c %u:%g /tmp/kept /tmp/kept/f)" $'0:0\n33:44'
	quietly cattach cp -a "$N:/tmp/kept" "$T/out"
	is "$(stat -c %u "$T/out/f")" "$(id -u)"
	cattach unshare rm -r "$T/d"
}

@test "-a says when an owner is nobody's there" {
	running
	run --separate-stderr cattach cp -a /etc/hostname "$N:/tmp"
	is "$status" 0
	has "$stderr" "some owners could not be kept"
	is "$(cattach exec "$N" stat -c %u /tmp/hostname)" 0
}

@test "with keep-id what goes in is root's, too" {
	running --userns=keep-id
	echo x > "$T/f"
	quietly cattach cp "$T/f" "$N:/tmp/f"
	is "$(cattach exec "$N" stat -c %u /tmp/f)" 0
}

@test "links: the source's own is copied, -L follows it, the target's is followed" {
	running
	mkdir "$T/d"
	echo x > "$T/d/f"
	ln -s d "$T/l"
	ln -s d/f "$T/lf"
	quietly cattach cp "$T/l" "$N:/tmp/link"
	is "$(readlink "$T/r/tmp/link")" d
	quietly cattach cp -L "$T/l" "$N:/tmp/followed"
	is "$(content tmp/followed/f)" x
	quietly cattach cp -L "$T/lf" "$N:/tmp/file"
	is "$(content tmp/file)" x
	ln -s file "$T/r/tmp/to"
	ln -s /tmp/made "$T/r/tmp/dangling"
	echo new > "$T/f"
	quietly cattach cp "$T/f" "$N:/tmp/to"
	quietly cattach cp "$T/f" "$N:/tmp/dangling"
	is "$(readlink "$T/r/tmp/to")$(content tmp/file)$(content tmp/made)" filenewnew
}

@test "a directory that is there keeps its mode, and no file takes the place of a directory" {
	running
	mkdir -p "$T/d/sub/name"
	echo x > "$T/d/f"
	chmod 700 "$T/d" "$T/d/sub"
	mkdir -m 751 "$T/r/have" "$T/r/have/sub"
	quietly cattach cp "$T/d/." "$N:/have"
	is "$(stat -c %a "$T/r/have" "$T/r/have/sub" "$T/r/have/sub/name")" $'751\n751\n755'
	mkdir "$T/e"
	echo x > "$T/e/sub"
	refused 125 "$N:/have/sub: is a directory, whose place a file cannot take" \
		cattach cp "$T/e/." "$N:/have"
	mkdir -p "$T/g/f"
	refused 125 "$N:/have/f: is there and no directory" cattach cp "$T/g/." "$N:/have"
	no_leftovers "$T/r"
}

@test "a file that is a mount is written in place" {
	echo old > "$T/hosts"
	running -v "$T/hosts:/etc/hosts"
	echo new > "$T/f"
	quietly cattach cp "$T/f" "$N:/etc/hosts"
	is "$(cat "$T/hosts")" new
	is "$(cattach exec "$N" cat /etc/hosts)" new
	is "$(cattach exec "$N" ls -A /etc | grep -c cattach-cp || true)" 0
}

@test "what does not run is reached in its root directory" {
	running
	cattach stop -t 0 "$N"
	echo x > "$T/f"
	quietly cattach cp "$T/f" "$N:/root/f"
	is "$(cattach unshare stat -c %u:%g "$T/r/root/f")" 0:0
	quietly cattach cp "$N:/root/f" "$T/back"
	is "$(cat "$T/back")" x
	cattach unshare chown 7:8 "$T/f"
	quietly cattach cp -a "$T/f" "$N:/root/owned"
	is "$(cattach unshare stat -c %u:%g "$T/r/root/owned")" 7:8
	refused 125 "/proc of container $N is a mount, which is there only while it runs" \
		cattach cp "$N:/proc/self/status" "$T/out"
	STARTED+=("$N-new")
	cattach create --name "$N-new" -v "$T:/mnt" "$T/r" true
	refused 125 "it is $T on this host" cattach cp "$N-new:/mnt/f" "$T/out"
	cattach start -a "$N-new"
	cattach unshare rm "$T/r/root/owned" "$T/f"
}

@test "an overlay that is gone is not copied from" {
	start "$N" "$R:O" true
	cattach wait "$N"
	refused 125 "container $N does not run, and what it wrote over $R went with it" \
		cattach cp "$N:/etc/passwd" "$T/out"
	has "$stderr" "(cattach start $N)"
}

@test "an overlay that is there is" {
	start "$N" "$R:O" sleep 1000
	echo x > "$T/f"
	quietly cattach cp "$T/f" "$N:/etc/f"
	is "$(cattach exec "$N" cat /etc/f)" x
	[ ! -e "$R/etc/f" ]
}

@test "a full disk is said, and what was there stays whole" {
	running --tmpfs /full:size=1m
	echo old > "$T/big"
	quietly cattach cp "$T/big" "$N:/full/big"
	truncate -s 0 "$T/big"
	head -c 3000000 /dev/urandom > "$T/big"
	refused 125 "$N:/full/big: cannot be written: No space left on device" \
		cattach cp "$T/big" "$N:/full/big"
	is "$(cattach exec "$N" sh -c 'cat /full/big; ls -A /full')" $'old\nbig'
}

@test "what cannot be read is reported, the rest is copied, and the code is 125" {
	running
	mkdir -p "$T/d/locked"
	echo x > "$T/d/a"
	echo x > "$T/d/b"
	chmod 0 "$T/d/a" "$T/d/locked"
	run --separate-stderr cattach cp "$T/d" "$N:/tmp/d"
	is "$status" 125
	is "${#stderr_lines[@]}" 2
	has "$stderr" "cattach: $T/d/a: cannot be opened: Permission denied"
	has "$stderr" "cattach: $T/d/locked: cannot be opened: Permission denied"
	is "$(ls -A "$T/r/tmp/d")" b
	chmod 700 "$T/d/locked"
}

@test "what may not be written is refused" {
	running
	mkdir -m 555 "$T/ro"
	refused 125 "$T/ro/passwd: cannot be made: Permission denied" cattach cp "$N:/etc/passwd" "$T/ro"
	start "$N-ro" --read-only "$T/r" sleep 1000
	echo x > "$T/motd"
	refused 125 "$N-ro:/etc/motd: cannot be made: Read-only file system" \
		cattach cp "$T/motd" "$N-ro:/etc"
}

@test "devices and sockets are left out, with a line for each" {
	running
	python3 -c "import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])" "$T/r/tmp/sock"
	run --separate-stderr cattach cp "$N:/tmp" "$T/tmp"
	is "$status" 0
	is "$stderr" "cattach: warning: $N:/tmp/sock: left out: it is a socket"
	run --separate-stderr cattach cp "$N:/dev" "$T/dev"
	is "$status" 0
	has "$stderr" "cattach: warning: $N:/dev/null: left out: it is a device"
	is "$(readlink "$T/dev/fd")" /proc/self/fd
	[ -z "$(ls -A "$T/dev/pts")" ]
}

@test "the kernel's file systems are left empty below a source, and are copied when they are it" {
	running
	quietly cattach cp "$N:/proc/sys/kernel/ostype" "$T/ostype"
	is "$(cat "$T/ostype")" Linux
	run --separate-stderr cattach cp "$N:/" "$T/all"
	is "$status" 0
	[ -z "$(ls -A "$T/all/proc")" ]
	is "$(cat "$T/all/etc/passwd")" "$(cat "$T/r/etc/passwd")"
}

@test "a copy does not go into itself" {
	running
	mkdir "$T/r/work"
	echo x > "$T/r/work/f"
	run --separate-stderr cattach cp "$T/r" "$N:/work"
	is "$status" 125
	is "$stderr" "cattach: $T/r/work: left out: the copy itself goes there"
	is "$(content work/r/etc/passwd)" "$(content etc/passwd)"
	[ ! -e "$T/r/work/r/work" ]
}

@test "directories can be deep, and what is too deep is said" {
	running
	python3 - "$T" <<-'END'
		import os, sys
		os.chdir(sys.argv[1])
		os.mkdir("deep")
		os.chdir("deep")
		for i in range(1100):
		    os.mkdir("d")
		    os.chdir("d")
	END
	run --separate-stderr cattach cp "$T/deep" "$N:/tmp"
	is "$status" 125
	has "$stderr" "left out: more than 1000 directories deep"
	is "$(find "$T/r/tmp/deep" -type d | wc -l)" 1000
}

@test "an interrupted copy removes what is half there and ends by the signal" {
	running
	mkfifo "$T/stream"
	echo old > "$T/r/tmp/f"
	mkdir "$T/d"
	head -c 2000000 /dev/urandom > "$T/d/f"
	cattach cp - "$N:/tmp" < "$T/stream" 2> "$T/err" 3>&- &
	local cli=$! code=0
	exec 9> "$T/stream"
	tar -C "$T/d" -cf - f | head -c 1000000 >&9
	eventually ls "$T"/r/tmp/.cattach-cp-*
	kill -INT $cli
	wait $cli || code=$?
	exec 9>&-
	is "$code" 130
	is "$(cat "$T/err")" "cattach: f: the copy was interrupted"
	eventually no_leftovers "$T/r/tmp"
	is "$(content tmp/f)" old
}
