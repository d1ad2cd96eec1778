# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What tests of the runtime command line share: a store (oci_store.bash) and a bundle below $T,
# and a helper that listens as an engine's monitor does.

load oci_store

# bundle JSON: $T/b with config.json changed by JSON, a Python expression on "c".
bundle()
{
	mkdir -p "$T/b"
	[ -e "$T/b/config.json" ] || cattach spec -b "$T/b"
	python3 -c '
import json, sys
path, rootfs, change = sys.argv[1:]
c = json.load(open(path))
c["process"]["terminal"] = False
c["root"] = {"path": rootfs, "readonly": True}
exec(change)
json.dump(c, open(path, "w"))' "$T/b/config.json" "$CT_ROOTFS" "$1"
}

# args WORD...: what the process is.
args() { bundle "c['process']['args'] = $(python3 -c 'import sys; print(sys.argv[1:])' "$@")"; }

# make ID: create it, with its output in $T/out.
make() { oci create -b "$T/b" --pid-file "$T/pid" "$1" < /dev/null > "$T/out" 2>&1; }

status() { oci state "$1" | sed -n 's/.*"status": "\(.*\)",/\1/p'; }

# until_status ID STATUS
until_status()
{
	for _ in $(seq 500); do
		[ "$(status "$1")" = "$2" ] && return 0
		sleep 0.01
	done
	echo "still $(status "$1")"
	return 1
}

# pid ID: of the process, as the host sees it.
pid() { oci state "$1" | sed -n 's/.*"pid": \(.*\),/\1/p'; }

# listen SOCKET UNTIL: in the background, take a terminal's master there and what comes from it, up to
# the text UNTIL, into $T/console.out; LISTENER is its pid.
listen()
{
	rm -f "$1"
	python3 - "$1" "$2" > "$T/console.out" 3>&- <<- 'END' &
		import array, os, socket, sys
		listener = socket.socket(socket.AF_UNIX)
		listener.bind(sys.argv[1])
		listener.listen(1)
		connection = listener.accept()[0]
		data, ancillary, flags, address = connection.recvmsg(100, socket.CMSG_SPACE(4))
		fd = array.array("i", ancillary[0][2])[0]
		seen = b""
		while sys.argv[2].encode() not in seen:
		    seen += os.read(fd, 1000)
		sys.stdout.write(seen.decode().replace("\r", ""))
	END
	LISTENER=$!
	until [ -S "$1" ]; do sleep 0.02; done
}
