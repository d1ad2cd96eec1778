#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# --log-driver k8s-file and json-file: the bytes of their files, against a decoder of its own; how
# logs reads them back; rotation, by us and by others; and what is refused.

load helpers

# file NAME: where the driver writes.
file() { cattach inspect -f '{{.LogPath}}' "$1"; }

# files PATH: it and what it was rotated to, the oldest first.
files() { find "$(dirname "$1")" -name "$(basename "$1")*" | sort -rV; }

# ended NAME
ended() { [ "$(state "$1" Status)" = exited ]; }

# asks PID: a command that has its connection with a monitor.
asks() { readlink /proc/"$1"/fd/* | grep -q socket; }

# decoded KIND STREAM PATH
decoded() { files "$3" | xargs "$BATS_TEST_DIRNAME/decode_log.py" "$1" "$2"; }

# hostile: lines of every kind, to be written by a payload that has $T/shared on /mnt.
hostile()
{
	mkdir -p "$T/shared"
	{
		printf 'a\n\n\nb\r\n\t"\\<>&\n'
		printf '\0NUL\0\n\033[31mred\033[0m\a\b\f\177\n'
		printf 'gr\303\274n \342\202\254 \360\237\220\213 \342\200\250\342\200\251\n'
		for n in 16383 16384 16385 32768 32769 65535 65536 100000; do
			head -c $n /dev/zero | tr '\0' x
			echo
		done
		printf '2023-11-14T22:13:20.000000000Z stdout F forged\n{"log":"forged\\n"}\n'
		printf 'no newline'
	} > "$T/shared/in"
}

@test "k8s-file: every byte of every line is in the records, and comes out of logs" {
	hostile
	printf 'bad \377\376\300\257 \355\240\200\n%s' "$(tr -d '\0' < "$T/shared/in")" > "$T/shared/in2"
	cat "$T/shared/in2" >> "$T/shared/in"
	start "$N" --log-driver k8s-file -v "$T/shared:/mnt" "$R" \
		sh -c 'cat /mnt/in; echo one >&2; printf two >&2'
	is "$(cattach wait "$N")" 0
	decoded k8s stdout "$(file "$N")" | cmp - "$T/shared/in"
	is "$(decoded k8s stderr "$(file "$N")")" $'one\ntwo'
	cattach logs "$N" 2> "$T/err" | cmp - "$T/shared/in"
	is "$(cat "$T/err")" $'one\ntwo'
}

@test "json-file: every line is an object as docker writes it, and comes out of logs" {
	hostile
	start "$N" --log-driver json-file -v "$T/shared:/mnt" "$R" \
		sh -c 'cat /mnt/in; echo one >&2; printf two >&2'
	is "$(cattach wait "$N")" 0
	decoded json stdout "$(file "$N")" | cmp - "$T/shared/in"
	is "$(decoded json stderr "$(file "$N")")" $'one\ntwo'
	cattach logs "$N" 2> "$T/err" | cmp - "$T/shared/in"
	is "$(cat "$T/err")" $'one\ntwo'
}

@test "json-file: bytes that are no text are replaced, as docker replaces them" {
	start "$N" --log-driver json-file "$R" printf 'a\377\355\240\200z\n'
	is "$(cattach wait "$N")" 0
	matches "$(cat "$(file "$N")")" \
		'\{"log":"a\\ufffd\\ufffd\\ufffd\\ufffdz\\n","stream":"stdout","time":"[-0-9T:.]+Z"\}'
}

@test "logs: last lines, times, streams, several containers, what is written by and by" {
	local driver at
	for driver in k8s-file json-file; do
		start "$N-$driver" --log-driver $driver "$R" \
			sh -c 'printf part; sleep 0.2; echo ed; echo err >&2; sleep 1.1; seq 1 3; printf end'
		is "$(cattach logs -f "$N-$driver" 2>&1 | sort)" "$(printf '1\n2\n3\nend\nerr\nparted' | sort)"
		is "$(cattach wait "$N-$driver")" 0
		is "$(cattach logs -f -n 2 "$N-$driver" 2> /dev/null)" $'3\nend'
		is "$(cattach logs --stream stdout "$N-$driver")" $'parted\n1\n2\n3\nend'
		is "$(cattach logs --stream stderr "$N-$driver" 2>&1)" err
		is "$(cattach logs -n 3 "$N-$driver" 2> /dev/null)" $'2\n3\nend'
		is "$(cattach logs -n 0 "$N-$driver")" ""
		at=$(cattach logs -t "$N-$driver" 2> /dev/null | sed -n '/ 1$/s/ .*//p')
		is "$(cattach logs --since "$at" "$N-$driver")" $'1\n2\n3\nend'
		is "$(cattach logs --until "${at%.*}.0Z" --stream stdout "$N-$driver" | head -n 1)" parted
		is "$(cattach logs -f "$N-$driver" 2> /dev/null | tail -n 1)" end
		is "$(cattach logs --format json -n 1 "$N-$driver" | jq -c '[.line, .partial]')" \
			'["end",true]'
		refused 125 "$N-$driver: --run: the log driver $driver tells only the last run from the others (-1)" \
			cattach logs --run 1 "$N-$driver"
	done
	is "$(cattach logs --names "$N-k8s-file" "$N-json-file" 2> /dev/null | grep -c end)" 2
}

@test "logs -f and attach follow while it runs; the next run goes on in the same file" {
	local driver
	for driver in k8s-file json-file none; do
		start "$N-$driver" --log-driver $driver -i "$R" sh -c 'echo up; read x; echo "got $x"'
		cattach wait --for-output up "$N-$driver"
		is "$(cattach logs "$N-$driver" 2> /dev/null)" up
		cattach logs -f "$N-$driver" > "$T/followed" 3>&- &
		eventually grep -q up "$T/followed"
		echo hey | cattach attach --replay "$N-$driver" > "$T/attached"
		wait $!
		is "$(cat "$T/attached")" $'up\ngot hey'
		is "$(cat "$T/followed")" $'up\ngot hey'
		is "$(cattach wait "$N-$driver")" 0
		cattach start "$N-$driver" > /dev/null
		cattach wait --for-output up "$N-$driver"
		[ $driver = none ] || is "$(cattach logs "$N-$driver")" $'up\ngot hey\nup'
		echo you | cattach attach --no-stdin=false "$N-$driver" > /dev/null
		is "$(cattach wait "$N-$driver")" 0
		[ $driver != none ] || continue
		is "$(cattach logs "$N-$driver")" $'up\ngot hey\nup\ngot you'
		is "$(cattach logs --run -1 "$N-$driver")" $'up\ngot you'
		is "$(cattach logs --run -1 -n 1 "$N-$driver")" 'got you'
		cattach wait --for-output 'got you' --timeout 10 "$N-$driver"
		run -1 cattach wait --for-output 'got hey' --timeout 10 "$N-$driver"
	done
	refused 125 "$N-none: this container is using the 'none' log driver, cannot read logs" \
		cattach logs "$N-none"
}

@test "rotation under load: by renaming, within its bound, and nothing is lost" {
	local driver path size
	for driver in k8s json; do
		start "$N-$driver" --log-driver $driver-file --log-opt max-size=256k \
			--log-opt max-file=128 "$R" seq 1 200000
		is "$(cattach wait "$N-$driver")" 0
		path=$(file "$N-$driver")
		seq 1 200000 | cmp - <(decoded $driver stdout "$path")
		seq 1 200000 | cmp - <(cattach logs "$N-$driver")
		seq 199000 200000 | cmp - <(cattach logs -n 1001 "$N-$driver")
		[ "$(files "$path" | wc -l)" -gt 20 ]
		for size in $(files "$path" | xargs stat -c %s); do
			[ "$size" -le 262144 ]
		done
		is "$(state "$N-$driver" LogLost)" 0
	done
}

@test "rotation: the oldest goes, and what is left is the end" {
	start "$N" --log-driver k8s-file --log-opt max-size=256k --log-opt max-file=3 "$R" seq 1 100000
	is "$(cattach wait "$N")" 0
	is "$(files "$(file "$N")" | wc -l)" 3
	is "$(cattach logs "$N" | tail -n 1)" 100000
	cattach logs "$N" > "$T/out"
	seq "$(head -n 1 "$T/out")" 100000 | cmp - "$T/out"
	start "$N-1" --log-driver k8s-file --log-opt max-size=256k --log-opt max-file=1 "$R" seq 1 50000
	is "$(cattach wait "$N-1")" 0
	is "$(files "$(file "$N-1")" | wc -l)" 1
	is "$(cattach logs -n 1 "$N-1")" 50000
}

@test "logs --reopen: others rotate the file under load, and nothing is lost" {
	local i
	mkdir "$T/logs"
	start "$N" --log-driver json-file --log-opt "path=$T/logs/web.log" --log-opt max-size=1g "$R" \
		sh -c 'i=0; while [ $i -lt 30000 ]; do echo $i; i=$((i + 1)); done'
	is "$(file "$N")" "$T/logs/web.log"
	for i in 5 4 3 2 1; do
		mv "$T/logs/web.log" "$T/logs/web.log.$i"
		cattach logs --reopen "$N" || [ "$(state "$N" Status)" = exited ]
		# From then on the old one is complete.
		cp "$T/logs/web.log.$i" "$T/copy.$i"
		sleep 0.1
		cmp "$T/copy.$i" "$T/logs/web.log.$i"
		[ "$(state "$N" Status)" = running ] || break
	done
	is "$(cattach wait "$N")" 0
	seq 0 29999 | cmp - <(decoded json stdout "$T/logs/web.log")
}

@test "logs --reopen: whoever is killed meanwhile, command or monitor, no line is lost" {
	local monitor status=0
	mkdir "$T/logs"
	start "$N" --log-driver k8s-file --log-opt "path=$T/logs/x" -i "$R" sh -c 'while read x; do echo "$x"; done'
	monitor=$(state "$N" ConmonPid)
	cattach send "$N" one
	eventually grep -q one "$T/logs/x"
	# It asks a monitor that does not answer, and is killed.
	kill -STOP "$monitor"
	mv "$T/logs/x" "$T/logs/first"
	cattach logs --reopen "$N" 2> "$T/err" 3>&- &
	CLI=$!
	eventually asks $CLI
	kill -9 $CLI
	wait $CLI || status=$?
	is $status 137
	kill -CONT "$monitor"
	cattach send "$N" two
	cattach wait --for-output two "$N"
	cattach logs --reopen "$N"
	is "$(sed 's/.* //' "$T/logs/first" "$T/logs/x" | tr '\n' ' ')" "one two "
	# The monitor is killed before it answers.
	kill -STOP "$monitor"
	mv "$T/logs/x" "$T/logs/second"
	cattach logs --reopen "$N" 2> "$T/err" 3>&- &
	CLI=$!
	eventually asks $CLI
	kill -9 "$monitor"
	wait $CLI || status=$?
	is $status 125
	is "$(cat "$T/err")" "cattach: container $N has ended meanwhile"
	eventually ended "$N"
	[ ! -e "$T/logs/x" ]
	# The next run has a file of the name again, and the rest is as it was.
	cattach start "$N" > /dev/null
	cattach send "$N" three
	eventually grep -q three "$T/logs/x"
	is "$(cat "$T/logs/first" "$T/logs/second" "$T/logs/x" | sed 's/.* //' | tr '\n' ' ')" "one two three "
	is "$(cattach logs "$N")" three
}

@test "logs --reopen: what has no such file, or does not run, is refused" {
	start "$N" "$R" sleep 1000
	refused 125 "$N: the log driver native has no file to be opened again (k8s-file and json-file have one)" \
		cattach logs --reopen "$N"
	STARTED+=("$N-new")
	cattach create --name "$N-new" --log-driver k8s-file "$R" true > /dev/null
	refused 125 "container $N-new is not running (created) (cattach start $N-new)" \
		cattach logs --reopen "$N-new"
	mkdir "$T/logs"
	start "$N-dir" --log-driver k8s-file --log-opt "path=$T/logs/x" "$R" sh -c 'echo a; sleep 1000'
	eventually grep -q a "$T/logs/x"
	rm "$T/logs/x"
	mkdir "$T/logs/x"
	refused 125 "$N-dir: the log is written on as it was: cannot open its file: Is a directory" \
		cattach logs --reopen "$N-dir"
}

@test "a file that is deleted or moved is made again, within a second or with the next line after" {
	mkdir "$T/logs"
	start "$N" --log-driver k8s-file --log-opt "path=$T/logs/x" "$R" \
		sh -c 'i=0; while sleep 0.05; do i=$((i + 1)); echo $i; done'
	eventually grep -q ' 3$' "$T/logs/x"
	chmod 640 "$T/logs/x"
	mv "$T/logs/x" "$T/logs/moved"
	eventually test -s "$T/logs/x"
	# Between the two nothing is missing, and who could read the old one can read the new one.
	cat "$T/logs/moved" "$T/logs/x" | sed 's/.* //' > "$T/numbers"
	seq 1 "$(tail -n 1 "$T/numbers")" | cmp - "$T/numbers"
	is "$(stat -c %a "$T/logs/x")" 640
}

@test "path: relative, with a tag; removing the container leaves the file" {
	mkdir "$T/logs"
	cd "$T/logs"
	start "$N" --log-driver json-file --log-opt path=x.log --log-opt 'tag={{.Name}}/{{.ID}}' "$R" echo a
	is "$(cattach wait "$N")" 0
	is "$(jq -r .attrs.tag x.log)" "$N/${ID:0:12}"
	"$BATS_TEST_DIRNAME/decode_log.py" json check x.log
	is "$(cattach inspect -f '{{json .HostConfig.LogConfig}}' "$N" | jq -cS .)" \
		"{\"Config\":{\"path\":\"$T/logs/x.log\",\"tag\":\"{{.Name}}/{{.ID}}\"},\"Type\":\"json-file\"}"
	is "$(cattach logs "$N")" a
	cattach rm "$N" > /dev/null
	STARTED=()
	is "$(jq -r .log x.log)" a
}

@test "a session of exec has a file of its own" {
	start "$N" --log-driver json-file "$R" sleep 1000
	cattach exec -d --session s "$N" echo from s > /dev/null
	eventually sh -c "[ \"\$(cattach logs $N/s)\" = 'from s' ]"
	is "$(cat "$(file "$N")")" ""
	is "$(cat "$STORE/containers/$ID"/exec/*/main/container.log | jq -r .log)" "from s"
}

@test "lines that are no records are passed over and told, those of others are read" {
	start "$N" --log-driver k8s-file "$R" echo ours
	is "$(cattach wait "$N")" 0
	{
		echo '2023-11-14T23:13:20.5+01:00 stdout F:x of another'
		echo 'what is this'
		echo '2023-11-14T22:13:21Z stdout P cut'
	} >> "$(file "$N")"
	printf '2023-11-14T22:13:22.000000000Z std' >> "$(file "$N")"
	run -0 --separate-stderr cattach logs "$N"
	is "$output" $'ours\nof another\ncut'
	is "$stderr" "cattach: warning: $N: 2 lines of its log file are no records of k8s-file"
	# The next run begins a line of its own.
	cattach start "$N" > /dev/null
	is "$(cattach wait "$N")" 0
	is "$(tail -n 1 "$(file "$N")" | sed 's/.* //')" ours
	rm "$(file "$N")"
	refused 125 "$N: cannot read the log file container.log: No such file or directory" \
		cattach logs "$N"
}

@test "options that a driver has no use for, and files that cannot be, are refused" {
	mkdir "$T/dir"
	refused 125 '--log-driver: there is no log driver "syslog" (native, k8s-file, json-file, journald, passthrough, or none to keep only what fits into memory)' \
		cattach run --log-driver syslog "$R" true
	refused 125 '--log-opt max-size: journald keeps what journald.conf says (SystemMaxUse= there)' \
		cattach create --log-driver journald --log-opt max-size=1m "$R" true
	refused 125 '--log-opt path: only the log drivers k8s-file and json-file have a file' \
		cattach create --log-driver journald --log-opt path=/tmp/x "$R" true
	refused 125 '--log-opt path: only the log drivers k8s-file and json-file have a file' \
		cattach run --log-opt path=/x "$R" true
	refused 125 '--log-opt tag: only the log drivers json-file and journald have a place for it' \
		cattach run --log-driver k8s-file --log-opt tag=x "$R" true
	refused 125 '--log-opt tag: cannot fill in "{{.Nope}}" ({{.ID}}, {{.FullID}}, {{.Name}} or {{.ImageName}})' \
		cattach create --log-driver json-file --log-opt 'tag={{.Nope}}' "$R" true
	refused 125 "--log-opt path: no such directory: $T/no (mkdir -p $T/no)" \
		cattach create --log-driver json-file --log-opt "path=$T/no/x" "$R" true
	refused 125 "--log-opt path: is a directory: $T/dir" \
		cattach create --log-driver json-file --log-opt "path=$T/dir" "$R" true
	mkfifo "$T/fifo"
	refused 125 "--log-opt path: is not a regular file: $T/fifo" \
		cattach create --log-driver json-file --log-opt "path=$T/fifo" "$R" true
	chmod 500 "$T/dir"
	refused 125 "log file $T/dir/x: cannot be written: Permission denied" \
		cattach run --log-driver json-file --log-opt "path=$T/dir/x" "$R" true
}

@test "what stands in the place of the file is neither followed, nor waited for, nor replaced" {
	local at
	mkdir "$T/logs"
	echo mine > "$T/file"
	for at in link dangling device fifo socket dir; do
		STARTED+=("$N-$at")
		cattach create --name "$N-$at" --log-driver k8s-file --log-opt "path=$T/logs/$at" "$R" true > /dev/null
	done
	ln -s "$T/file" "$T/logs/link"
	ln -s "$T/none" "$T/logs/dangling"
	ln -s /dev/null "$T/logs/device"
	mkfifo "$T/logs/fifo"
	python3 -c "import os, socket, sys; os.chdir(sys.argv[1]); socket.socket(socket.AF_UNIX).bind('socket')" "$T/logs"
	mkdir "$T/logs/dir"
	for at in link dangling device; do
		refused 125 "log file $T/logs/$at: is a symbolic link, which rotation would lose" cattach start "$N-$at"
	done
	for at in fifo socket; do
		refused 125 "log file $T/logs/$at: is not a regular file" cattach start "$N-$at"
	done
	refused 125 "log file $T/logs/dir: cannot be written: Is a directory" cattach start "$N-dir"
	is "$(cat "$T/file")" mine
	[ ! -e "$T/none" ]
}

@test "root may not have it in a directory of another user, where its monitor could not rotate" {
	mkdir -m 700 "$T/home"
	refused 125 "log file $T/logs/x: its directory is another user's, where root's monitor may not rotate (give it a directory of root's)" \
		unshare --user --map-root-user --map-auto sh -c "mkdir $T/logs && chown 1 $T/logs &&
			XDG_DATA_HOME=$T/home XDG_RUNTIME_DIR=$T/home cattach run --log-driver k8s-file \
				--log-opt path=$T/logs/x $R true"
	unshare --user --map-root-user --map-auto rm -r "$T/logs" "$T/home"
}

@test "json-file: each field and each byte is as docker has them" {
	mkdir "$T/shared"
	python3 - "$T/shared/in" << 'END'
import sys
with open(sys.argv[1], "wb") as f:
    f.write(b"<a href='x'>&\"\\/\n" + "\u2028\u2029\u00fc\u20ac\U0001f40b\n".encode())
    f.write(bytes(range(0, 10)) + b"\n" + bytes(range(11, 32)) + b"\x7f\n")
    f.write(b"\xff\xc0\xaf\xed\xa0\x80\xf4\x90\x80\x80\xe2\x82\n")
    f.write(b"x" * 16383 + b"\n" + b"y" * 16384 + b"\n" + b"z" * 40000 + b"\nend")
END
	start "$N" --log-driver json-file --log-opt 'tag={{.Name}}<&>' -v "$T/shared:/mnt" "$R" \
		sh -c 'cat /mnt/in; echo err >&2'
	is "$(cattach wait "$N")" 0
	python3 - "$(file "$N")" "$N" << 'END'
import json, re, sys
lines = open(sys.argv[1], "rb").read().split(b"\n")
assert lines.pop() == b""
tag = sys.argv[2] + "\\u003c\\u0026\\u003e"
out = []
for line in lines:
    # The members in their order, nothing between them, time in UTC without zeros at the end.
    match = re.fullmatch(rb'\{"log":"((?:[^"\\]|\\.)*)","stream":"(stdout|stderr)",'
                         rb'"attrs":\{"tag":"' + re.escape(tag.encode()) + rb'"\},'
                         rb'"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{0,8}[1-9])?Z"\}', line)
    assert match, line[:300]
    record = json.loads(line)
    assert list(record) == ["log", "stream", "attrs", "time"]
    assert record["attrs"] == {"tag": sys.argv[2] + "<&>"}
    if match[2] == b"stdout":
        out.append(match[1])
    else:
        assert record["log"] == "err\n"
control = b"".join(b"\\r" if c == 13 else b"\\u00%02x" % c for c in range(11, 32)) + b"\x7f\\n"
wanted = [
    b"\\u003ca href='x'\\u003e\\u0026\\\"\\\\/\\n",
    b"\\u2028\\u2029" + "\u00fc\u20ac\U0001f40b".encode() + b"\\n",
    b"".join(b"\\u00%02x" % c for c in range(0, 10)) + b"\\n",
    control,
    b"\\ufffd" * 12 + b"\\n",
    b"x" * 16383 + b"\\n",
    b"y" * 16384, b"\\n",
    b"z" * 16384, b"z" * 16384, b"z" * (40000 - 32768) + b"\\n",
    b"end",
]
for got, want in zip(out, wanted):
    assert got == want, (got[:200], want[:200])
assert len(out) == len(wanted), len(out)
# One time for all parts of a line.
times = [json.loads(line)["time"] for line in lines]
texts = [json.loads(line)["log"] for line in lines]
parts = [time for time, text in zip(times, texts) if text.startswith("z")]
assert len(parts) == 3 and len(set(parts)) == 1, parts
END
}

@test "a confined monitor rotates in a directory of somebody's choice" {
	mkdir "$T/logs"
	start "$N" --log-driver k8s-file --log-opt "path=$T/logs/x" --log-opt max-size=256k \
		--log-opt max-file=100 "$R" seq 1 50000
	is "$(cattach wait "$N")" 0
	seq 1 50000 | cmp - <(decoded k8s stdout "$T/logs/x")
	[ "$(files "$T/logs/x" | wc -l)" -gt 5 ]
	is "$(state "$N" Warnings)" '[]'
}

@test "logs -F goes on with the next run; a monitor that is killed leaves whole records" {
	start "$N" --log-driver k8s-file "$R" sh -c 'echo begins; sleep 0.2; echo ends'
	timeout 50 cattach logs -F "$N" > "$T/out" 3>&- &
	CLI=$!
	eventually ended "$N"
	cattach start "$N" > /dev/null
	eventually sh -c "[ \$(grep -c ends '$T/out') = 2 ]"
	kill $CLI
	is "$(cat "$T/out")" $'begins\nends\nbegins\nends'

	start "$N-k" --log-driver k8s-file "$R" sh -c 'i=0; while :; do echo $i; i=$((i + 1)); done'
	eventually sh -c "[ \$(cattach logs -n 1 $N-k) -gt 1000 ]"
	kill -9 "$(state "$N-k" ConmonPid)"
	eventually ended "$N-k"
	cattach logs "$N-k" > "$T/out"
	seq 0 "$(tail -n 1 "$T/out")" | cmp - "$T/out"
}

@test "journald: a host that has none refuses the start, and the container stays as it was" {
	STARTED+=("$N")
	cattach create --name "$N" --log-driver journald --log-opt 'tag={{.Name}}!' "$R" true > /dev/null
	is "$(cattach inspect -f '{{.HostConfig.LogConfig.Type}} {{.LogPath}}' "$N")" "journald "
	if [ -S /run/systemd/journal/socket ]; then
		is "$(cattach start "$N")" "$N"
		is "$(cattach wait "$N")" 0
	else
		refused 125 "no journald here: /run/systemd/journal/socket: No such file or directory (--log-driver native, k8s-file or json-file)" \
			cattach start "$N"
		is "$(state "$N" Status)" created
	fi
}

@test "passthrough: the command has its starter's own stdin, stdout and stderr" {
	is "$(echo in | cattach run -i --rm --log-driver passthrough "$R" \
		sh -c 'cat; echo out; echo err >&2; exit 3' 2> "$T/err" || echo "code $?")" $'in\nout\ncode 3'
	is "$(cat "$T/err")" err
	# without -i it has no input
	is "$(echo in | cattach run --rm --log-driver passthrough "$R" sh -c 'cat; echo end')" end
	# each start has its own, and its reader sees the end when the container has ended
	STARTED+=("$N")
	cattach create --name "$N" --log-driver passthrough "$R" sh -c 'echo one; echo two >&2' > "$T/out"
	is "$(cattach start "$N" 2>&1 | sort)" $'one\n'"$N"$'\ntwo'
	is "$(cattach wait "$N")" 0
	cattach start -a "$N" > "$T/out" 2> "$T/err"
	is "$(cat "$T/out" "$T/err")" $'one\ntwo'
	# the file is its owner's as before
	is "$(stat -c %u "$T/out")" "$(id -u)"
	is "$(cattach inspect -f '{{.LogPath}}' "$N")" ""
}

@test "passthrough: there is nothing to be read elsewhere" {
	STARTED+=("$N")
	cattach run -d --name "$N" --log-driver passthrough "$R" sleep 1000 > "$T/out" 2>&1
	refused 125 "$N: this container is using the 'passthrough' log driver, cannot attach (its output is where it was started; cattach wait waits for its end)" \
		cattach attach "$N"
	refused 125 "$N: this container is using the 'passthrough' log driver, cannot read logs" \
		cattach logs "$N"
	refused 125 "cannot read logs" cattach wait --for-output x "$N"
	# sessions have a log of their own
	cattach exec -d --session s "$N" echo here > /dev/null
	eventually test "$(cattach wait "$N/s")" = 0
	is "$(cattach logs "$N/s")" here
	refused 125 "--log-driver passthrough: a container with a terminal writes to that (leave out -t, or choose another log driver)" \
		cattach run -t --log-driver passthrough "$R" true
	refused 125 "--log-opt max-file: with the log driver passthrough nothing is kept" \
		cattach create --log-driver passthrough --log-opt max-file=2 "$R" true
}
