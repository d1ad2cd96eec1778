#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# The edges of the runtime command line: what is refused has no effect, what is written for others comes
# whole, and the words are those that callers look for.

load helpers
load oci

@test "a pid file comes in one step, of create and of exec" {
	args sleep 100
	echo old > "$T/pid"
	exec 7< "$T/pid"
	oci create -b "$T/b" --pid-file "$T/pid" c1 < /dev/null > "$T/out" 2>&1 7<&-
	oci start c1
	[ "$(cat "$T/pid")" = "$(pid c1)" ]
	echo old > "$T/exec.pid"
	exec 8< "$T/exec.pid"
	oci exec --detach --pid-file "$T/exec.pid" c1 sleep 100 7<&- 8<&- 3>&-
	[ "$(tr '\0' ' ' < "/proc/$(cat "$T/exec.pid")/cmdline")" = 'sleep 100 ' ]
	# who has the one of before open has it still
	[ "$(cat <&7)" = old ]
	[ "$(cat <&8)" = old ]
	exec 7<&- 8<&-
	# nothing else stays beside them
	[ -z "$(find "$T" -maxdepth 1 -name '.*.tmp')" ]
	run -255 oci exec --detach --pid-file "$T/nosuch/pid" c1 true
	[[ "$output" = *"--pid-file: cannot open $T/nosuch"* ]]
}

@test "a record of --log is one line in either form, whatever the error says" {
	local id='c"1\2
x'
	run -1 oci --log "$T/log" state "$id"
	[ "$(wc -l < "$T/log")" = 1 ]
	grep -q '^time="[^"]*" level=error msg="invalid id format: \\"c\\"1\\\\2\\\\nx\\" (1 to' "$T/log"
	# as others read it back: it is the line that stands on standard error
	python3 - "$T/log" "$output" <<- 'END'
		import json, re, sys
		line = open(sys.argv[1]).read()
		quoted = re.fullmatch(r'time="[^"]+" level=error msg=("(?:[^"\\]|\\.)*")\n', line).group(1)
		assert "cattach: " + json.loads(quoted) == sys.argv[2], (quoted, sys.argv[2])
	END
	run -1 oci --log "$T/json" --log-format json state "$id"
	[ "$(wc -l < "$T/json")" = 1 ]
	python3 - "$T/json" "$output" <<- 'END'
		import json, sys
		record = json.load(open(sys.argv[1]))
		assert record["level"] == "error" and "cattach: " + record["msg"] == sys.argv[2], record
	END
}

@test "F6: a start that is refused for want of a process has no effect, with hooks neither" {
	bundle "c.pop('process'); c['hooks'] = {
	'startContainer': [{'path': '/bin/true'}],
	'poststop': [{'path': '/bin/sh', 'args': ['sh', '-c', 'echo gone > $T/poststop']}]}"
	# bundle() asks for no process
	oci create -b "$T/b" c1 < /dev/null > "$T/out" 2>&1
	for _ in 1 2; do
		run -1 oci start c1
		[[ "$output" = *'config.json has no process'* ]]
		[ "$(status c1)" = created ]
	done
	[ ! -e "$T/poststop" ]
	oci delete c1
	[ -s "$T/poststop" ]
}

@test "a start whose process was killed before leaves a stopped container, one whose hook fails none" {
	bundle "c['process']['args'] = ['sleep', '100']
c['hooks'] = {'startContainer': [{'path': '/bin/true'}]}"
	make c1
	kill -KILL "$(pid c1)"
	until_status c1 stopped
	run -1 oci start c1
	[[ "$output" = *'cannot start a container that has stopped'* ]]
	[ "$(status c1)" = stopped ]
	oci delete c1
	bundle "c['hooks'] = {'startContainer': [{'path': '/bin/false'}]}"
	make c1
	run -1 oci start c1
	[[ "$output" = *'hooks.startContainer[0]'* ]]
	run -1 oci state c1
	[[ "$output" = *'container does not exist'* ]]
}

@test "what is not there is said as callers probe for it" {
	for command in 'checkpoint --help' 'checkpoint --image-path x c1' 'restore --help' \
		'restore --lsm-mount-context' 'mounts add c1'; do
		# shellcheck disable=SC2086 # words
		run -1 oci $command
		[[ "$output" = "cattach: ${command%% *} is not supported ("*')' ]]
		[[ "$output" != *'requires an argument'* ]]
	done
	for command in 'frobnicate' 'frobnicate --help' 'help frobnicate'; do
		# shellcheck disable=SC2086 # words
		run -1 oci $command
		[[ "$output" = 'cattach: unknown command "frobnicate" ('* ]]
	done
	run -1 oci --nosuch list
	[[ "$output" = *'"cattach oci --help"'* ]]
	[ "$(oci help kill)" = "$(oci kill --help)" ]
	[ "$(oci help)" = "$(oci --help)" ]
	# what others of its kind take
	oci delete --all --force c1
	run -1 oci delete -a c1
	[[ "$output" = *'container does not exist'* ]]
}

@test "descriptors of ours never pass for those that the caller keeps for a process" {
	args sleep 100
	run -1 oci create -b "$T/b" --preserve-fds 1 c1 < /dev/null 3>&-
	[[ "$output" = *'--preserve-fds: descriptor 3 is not open'* ]]
	run -255 oci run -b "$T/b" --preserve-fds 1 c1 < /dev/null 3>&-
	[[ "$output" = *'--preserve-fds: descriptor 3 is not open'* ]]
	# shellcheck disable=SC2016 # of the inner shell
	run -1 sh -c 'LISTEN_PID=$$ LISTEN_FDS=1 exec cattach oci --root "$1" create -b "$2" c1' sh \
		"$T/root" "$T/b" < /dev/null 3>&-
	[[ "$output" = *'LISTEN_FDS: descriptor 3 is not open'* ]]
	[ -z "$(oci list -q)" ]
	make c1
	oci start c1
	run -255 oci exec --preserve-fds 1 c1 true 3>&-
	[[ "$output" = *'--preserve-fds: descriptor 3 is not open'* ]]
	echo kept > "$T/kept"
	[ "$(oci exec --preserve-fds 1 c1 sh -c 'cat <&3' 3< "$T/kept")" = kept ]
}

@test "what cannot be made is told by its own reason, and what cannot be read hides no other" {
	[ "$(id -u)" != 0 ] || skip "root may do anything"
	args sleep 100
	make c1
	make c2
	chmod 500 "$T/root"
	run -1 oci create -b "$T/b" c3
	chmod 700 "$T/root"
	[[ "$output" = *"/c3: Permission denied"* ]]
	chmod 000 "$T/root/c1"
	[ "$(oci list | awk 'NR > 1 { print $1, $3 }' | tr '\n' ' ')" = 'c1 stopped c2 created ' ]
	chmod 700 "$T/root/c1"
	[ "$(status c1)" = created ]
}

@test "in the table of ps a process is one line, whatever it calls itself" {
	args sh -c 'exec sh -c "sleep 100; :" "$(printf "x\nroot 1 1 forged")"'
	make c1
	oci start c1
	eventually ps_has_sleep
	[ "$(oci ps c1 | wc -l)" = 3 ]
	[[ "$(oci ps c1)" = *'x\nroot 1 1 forged'* ]]
}

ps_has_sleep() { oci ps c1 | grep -q 'sleep 100$'; }
