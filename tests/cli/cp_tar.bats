#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# cattach cp with "-": tar streams out of a container and into one, of strangers' making too.

load helpers

running()
{
	rootfs "$T/r"
	start "$N" "$T/r" sleep 1000
}

# tarball PYTHON: write $T/x.tar; add(name, type, link, data, **more) adds an entry.
tarball()
{
	python3 - "$T/x.tar" "$1" <<-'END'
		import io, sys, tarfile
		out = tarfile.open(sys.argv[1], "w")
		def add(name, type=tarfile.REGTYPE, link="", data=b"", **more):
		    info = tarfile.TarInfo(name)
		    info.type, info.linkname, info.size = type, link, len(data)
		    for key, value in more.items():
		        setattr(info, key, value)
		    out.addfile(info, io.BytesIO(data))
		LINK, HARD, DIR, DEVICE = tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.CHRTYPE
		exec(sys.argv[2])
		out.close()
	END
}

@test "a stream that comes out is one that tar reads: names, links, holes, owners of the container" {
	running
	mkdir -p "$T/r/d/sub"
	echo x > "$T/r/d/f"
	ln "$T/r/d/f" "$T/r/d/sub/hard"
	ln -s f "$T/r/d/link"
	truncate -s 50M "$T/r/d/hole"
	truncate -s 20M "$T/r/d/sparse"
	echo data | dd of="$T/r/d/sparse" bs=1 seek=10000000 conv=notrunc status=none
	cattach unshare chown 33:44 "$T/r/d/f"
	cattach cp "$N:/d" - > "$T/x.tar"
	[ "$(stat -c %s "$T/x.tar")" -lt 200000 ]
	is "$(tar tf "$T/x.tar" | sort)" $'d/\nd/f\nd/hole\nd/link\nd/sparse\nd/sub/\nd/sub/hard'
	has "$(tar tvf "$T/x.tar" --numeric-owner)" " 33/44 "
	mkdir "$T/out"
	tar -C "$T/out" -xf "$T/x.tar" --no-same-owner
	diff -r --no-dereference "$T/out/d" "$T/r/d"
	is "$(stat -c %h "$T/out/d/f")" 2
	is "$(stat -c %s "$T/out/d/hole")" 52428800
	is "$(cattach cp "$N:/d/f" - | tar -xOf -)" x
	is "$(cattach cp "$N:/d/." - | tar tf - | sort | tr '\n' ' ')" "./ f hole link sparse sub/ sub/hard "
	cattach unshare rm -r "$T/r/d"
}

@test "a stream that goes in is unpacked into a directory, compressed or not" {
	running
	mkdir -p "$T/s/a/b"
	echo x > "$T/s/a/b/f"
	ln "$T/s/a/b/f" "$T/s/a/hard"
	ln -s b/f "$T/s/a/link"
	truncate -s 30M "$T/s/a/sparse"
	tar -C "$T/s" -Scf - a | cattach cp - "$N:/tmp"
	diff -r --no-dereference "$T/s" "$T/r/tmp"
	is "$(stat -c %h "$T/r/tmp/a/hard")" 2
	[ "$(du -k "$T/r/tmp/a/sparse" | cut -f1)" -lt 1024 ]
	tar -C "$T/s" -czf - a | cattach cp - "$N:/root/."
	diff -r --no-dereference "$T/s/a" "$T/r/root/a"
	refused 125 "a directory cannot take the place of $N:/etc/passwd" \
		cattach cp - "$N:/etc/passwd" < "$T/s/a/b/f"
}

@test "directories for which a stream has no entry are made, and are of now" {
	running
	tarball 'add("deep/er/f", data=b"x", mtime=1)'
	cattach cp - "$N:/tmp" < "$T/x.tar"
	is "$(stat -c %Y "$T/r/tmp/deep/er/f")" 1
	[ "$(stat -c %Y "$T/r/tmp/deep")" -gt 1700000000 ]
	[ "$(stat -c %Y "$T/r/tmp/deep/er")" -gt 1700000000 ]
}

@test "owners in a stream are numbers of the container's, kept with -a" {
	running
	tarball 'add("f", uid=33, gid=44, data=b"x", mode=0o6755)'
	cattach cp - "$N:/tmp" < "$T/x.tar"
	is "$(cattach exec "$N" stat -c '%u:%g %a' /tmp/f)" "0:0 755"
	cattach cp -a - "$N:/tmp" < "$T/x.tar"
	is "$(cattach exec "$N" stat -c '%u:%g %a' /tmp/f)" "33:44 6755"
}

@test "a stream from one container goes into another" {
	running
	start "$N-b" "$R:O" sleep 1000
	echo x > "$T/r/tmp/f"
	cattach cp "$N:/tmp" - | cattach cp - "$N-b:/root"
	is "$(cattach exec "$N-b" cat /root/tmp/f)" x
}

@test "names in a stream lead nowhere but into the directory" {
	running
	tarball 'add("/abs", data=b"1"); add("./a//b/./f", data=b"2")'
	cattach cp - "$N:/tmp" < "$T/x.tar"
	is "$(cat "$T/r/tmp/abs" "$T/r/tmp/a/b/f")" 12
	tarball 'add("a/../../x", data=b"3")'
	refused 125 "a/../../x: the tar stream has a path that leads elsewhere" \
		cattach cp - "$N:/tmp" < "$T/x.tar"
	tarball 'add("l", LINK, "/etc"); add("l/new", data=b"4")'
	refused 125 "$N:/tmp/l: is there and no directory" cattach cp - "$N:/tmp" < "$T/x.tar"
	[ ! -e "$T/r/etc/new" ] && [ ! -e "$T/r/x" ]
	tarball "add('h', HARD, '../etc/passwd')"
	refused 125 "leads elsewhere" cattach cp - "$N:/tmp" < "$T/x.tar"
	tarball "add('h', HARD, 'abs')"
	refused 125 "h: linked to abs, which does not stand before it" cattach cp - "$N:/tmp" < "$T/x.tar"
}

@test "devices in a stream are left out" {
	running
	tarball 'add("null", DEVICE, devmajor=1, devminor=3); add("f", data=b"x")'
	run --separate-stderr cattach cp - "$N:/tmp" < "$T/x.tar"
	is "$status" 0
	is "$stderr" "cattach: warning: null: left out: it is neither file, directory, link nor FIFO"
	is "$(cat "$T/r/tmp/f")" x
}

@test "what is no stream, or a part of one, is refused" {
	running
	refused 125 "cannot read the tar stream: Unrecognized archive format" \
		cattach cp - "$N:/tmp" < /etc/passwd
	tarball 'add("f", data=b"x" * 100000)'
	head -c 50000 "$T/x.tar" > "$T/y.tar"
	refused 125 "f: cannot read the tar stream: Truncated" cattach cp - "$N:/tmp" < "$T/y.tar"
	[ -z "$(ls -A "$T/r/tmp")" ]
}

@test "a stream that nobody reads ends quietly, and one that failed has no end" {
	running
	head -c 3000000 /dev/urandom > "$T/r/tmp/f"
	local codes
	set +o pipefail
	cattach cp "$N:/tmp/f" - 2> "$T/err" | head -c 1 > /dev/null
	codes=("${PIPESTATUS[@]}")
	is "${codes[0]}" 141
	is "$(cat "$T/err")" ""
	cattach cp "$N:/nosuch" - > "$T/x.tar" 2> "$T/err" || true
	is "$(stat -c %s "$T/x.tar")" 0
}
