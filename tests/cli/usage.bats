#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# How the command is called, and what every wrong call is told: exit code 125, one line on standard
# error that names the thing and the way out, nothing on standard output, nothing left behind.

bats_require_minimum_version 1.5.0

# refused TEXT COMMAND...: 125, exactly this line on stderr, nothing on stdout.
refused()
{
	local text=$1
	shift
	run --separate-stderr "$@"
	if [ "$status" -ne 125 ] || [ -n "$output" ] || [ "$stderr" != "cattach: $text" ]; then
		printf 'command: %s\nstatus:  %s\nstdout:  %s\nstderr:  %s\nwanted:  cattach: %s\n' \
			"$*" "$status" "$output" "$stderr" "$text"
		return 1
	fi
}

# absent PATTERN FILE: "! grep" would not fail a test unless it stood last.
absent()
{
	if grep -q -- "$1" "$2"; then
		echo "found in $2: $1"
		return 1
	fi
}

# Nothing was made by anything in a test.
nothing_left() { [ -z "$(cattach ps -aq)" ]; }

teardown()
{
	for id in $(cattach ps -aq); do
		cattach rm -f "$id"
	done
}

@test "no command, unknown commands and near misses" {
	refused 'no command given ("cattach help" lists the commands)' cattach
	refused 'no command given ("cattach help" lists the commands)' cattach --
	refused 'unknown command "rnu" (did you mean "run"?)' cattach rnu
	refused 'unknown command "" ("cattach help" lists the commands)' cattach ''
	refused 'unknown command "frobnicate" ("cattach help" lists the commands)' cattach frobnicate x
	refused 'unknown command "\x1b[2J" ("cattach help" lists the commands)' cattach $'\e[2J'
}

@test "unknown options before and after the command" {
	refused 'unknown option --x (see "cattach --help")' cattach --x run
	refused 'unknown option --verison (did you mean --version?)' cattach --verison
	refused 'unknown option --x for "run" (see "cattach run --help")' cattach run --x rootfs
	refused 'unknown option --detatch for "run" (did you mean --detach?)' cattach run --detatch rootfs
	refused 'unknown option -x in -itx for "run" (see "cattach run --help")' cattach run -itx rootfs
	refused 'unknown option --x for "ps" (see "cattach ps --help")' cattach ps -a --x
	refused 'unknown option --forec for "rm" (did you mean --force?)' cattach rm a --forec
	nothing_left
}

@test "values that are missing or not wanted" {
	refused '--name: needs a value (--name NAME)' cattach run --name
	refused '-e: needs a value (-e NAME[=VALUE])' cattach run -ie
	refused '--man: takes no value, not "x"' cattach help --man=x
	run cattach run --rm=maybe "$CT_ROOTFS" true
	[ "$status" -eq 125 ]
	[[ $output == "cattach: --rm: "*maybe* ]]
	nothing_left
}

@test "run wants a bundle or a rootfs" {
	usage='usage: cattach run [OPTIONS] BUNDLE|ROOTFS [COMMAND [ARG...]]'
	refused "run needs a BUNDLE or ROOTFS ($usage)" cattach run
	refused "run needs a BUNDLE or ROOTFS ($usage)" cattach run -it --
	refused '--bundle and --rootfs exclude each other (a bundle names its own root file system)' \
		cattach run --bundle "$CT_BUNDLES/hello" --rootfs "$CT_ROOTFS"
	nothing_left
}

@test "options of the payload stay untouched" {
	[ "$(cattach run --rm "$CT_ROOTFS" echo -i --rm --help -- --x)" = '-i --rm --help -- --x' ]
	[ "$(cattach run --rm -- "$CT_ROOTFS" echo -- -n)" = '-- -n' ]
	[ "$(cattach run --rm --rootfs "$CT_ROOTFS" echo -d)" = '-d' ]
}

@test "short options cluster and take values in every form" {
	[ "$(cattach run --rm -eA=1 -e B=2 -e=C=3 "$CT_ROOTFS" sh -c 'echo $A$B$C')" = 123 ]
	[ "$(echo x | cattach run --rm -iw/tmp -e A=1 "$CT_ROOTFS" sh -c 'cat; pwd; echo $A')" = $'x\n/tmp\n1' ]
	[ "$(cattach run --rm=true --interactive=false "$CT_ROOTFS" echo a)" = a ]
	nothing_left
}

@test "an entrypoint is put before the command, and an empty one clears the bundle's" {
	[ "$(cattach run --rm --entrypoint echo "$CT_ROOTFS" a b)" = 'a b' ]
	[ "$(cattach run --rm --entrypoint '' --bundle "$CT_BUNDLES/hello" echo c)" = c ]
}

@test "operands that are missing or too many" {
	for verb in inspect logs; do
		refused "$verb needs a CONTAINER (usage: cattach $verb [OPTIONS] CONTAINER...)" cattach $verb
	done
	refused "wait needs a CONTAINER, or --latest (usage: cattach wait [OPTIONS] CONTAINER...)" cattach wait
	for verb in rm kill stop; do
		refused "$verb needs a CONTAINER, or --all (usage: cattach $verb [OPTIONS] CONTAINER...)" cattach $verb
	done
	refused 'clients takes one CONTAINER, not 2 (usage: cattach clients [OPTIONS] CONTAINER)' cattach clients x y
	refused 'detach takes at most 2 operands, not 3 (usage: cattach detach [OPTIONS] CONTAINER [CLIENT])' cattach detach x y z
	refused 'ps takes no operands (usage: cattach ps [OPTIONS])' cattach ps x
	refused 'version takes no operands (usage: cattach version [OPTIONS])' cattach version x
	refused 'help takes one COMMAND, not 2 (usage: cattach help [COMMAND])' cattach help ps rm
}

@test "a container that does not exist is told by every command" {
	for verb in rm kill stop wait logs clients detach; do
		refused 'no such container: nope' cattach $verb nope
	done
	run --separate-stderr cattach inspect nope
	[ "$status" -eq 125 ]
	[ "$output" = '[]' ] || [ "$(tr -d ' \n' <<< "$output")" = '[]' ]
	[ "$stderr" = 'cattach: no such container: nope' ]
}

@test "the others are named when there are some" {
	cattach run -d --name alpha "$CT_ROOTFS" sleep 1000
	refused 'no such container: alhpa (known: alpha)' cattach rm alhpa
}

@test "rm -f of what is not there is no error, twice neither" {
	cattach run -d --name a "$CT_ROOTFS" sleep 1000
	[ "$(cattach rm -f a nope)" = a ]
	run cattach rm -f a
	[ "$status" -eq 0 ]
	[ -z "$output" ]
}

@test "one operand that fails does not keep the others from being served" {
	cattach run -d --name a "$CT_ROOTFS" sleep 1000
	cattach run -d --name b "$CT_ROOTFS" sleep 1000
	run --separate-stderr cattach kill a nope b
	[ "$status" -eq 125 ]
	[ "$output" = $'a\nb' ]
	[[ $stderr == 'cattach: no such container: nope (known: '* ]]
	run --separate-stderr cattach wait a nope b
	[ "$status" -eq 125 ]
	[ "$output" = $'137\n137' ]
	run --separate-stderr cattach inspect -f '{{.Name}}' a nope b
	[ "$status" -eq 125 ]
	[ "$output" = $'a\nb' ]
	run --separate-stderr cattach rm a nope b
	[ "$status" -eq 125 ]
	[ "$output" = $'a\nb' ]
	nothing_left
}

@test "signals by name and number, and those that are none" {
	cattach run -d --name a "$CT_ROOTFS" sleep 1000
	for signal in BOGUS '' 0 99 -1 9x; do
		run --separate-stderr cattach kill -s "$signal" a
		[ "$status" -eq 125 ]
		[[ $stderr == 'cattach: --signal: '*"\"$signal\""* ]]
		run --separate-stderr cattach stop -s "$signal" a
		[ "$status" -eq 125 ]
		[[ $stderr == 'cattach: --signal: '*"\"$signal\""* ]]
	done
	[ "$(cattach ps -q | wc -l)" -eq 1 ]
	# pid 1 ignores what it does not handle; each of these is taken all the same
	for signal in SIGTERM term 15 TERM CONT RTMIN+3; do
		[ "$(cattach kill -s $signal a)" = a ]
	done
	[ "$(cattach kill --signal=9 a)" = a ]
	[ "$(cattach wait a)" = 137 ]
}

@test "times that are none are refused before anything is signalled" {
	cattach run -d --name a "$CT_ROOTFS" sleep 1000
	for time in abc -2 1e9 '' ' 1' 99999999999; do
		run --separate-stderr cattach stop -t "$time" a
		[ "$status" -eq 125 ]
		[[ $stderr == 'cattach: --timeout: '*"\"$time\""* ]]
	done
	[ "$(cattach inspect -f '{{.State.Status}}' a)" = running ]
	[ "$(cattach stop -t 0 a)" = a ]
	[ "$(cattach stop -t -1 a)" = a ]
	[ "$(cattach inspect -f '{{.State.Status}} {{.State.ExitCode}}' a)" = 'exited 137' ]
}

@test "several containers are stopped at the same time, in the order of the operands" {
	for name in a b c; do
		cattach run -d --name $name "$CT_ROOTFS" sleep 1000
	done
	start=$SECONDS
	run --separate-stderr cattach stop -t 2 c nope a b
	[ "$status" -eq 125 ]
	[ "$output" = $'c\na\nb' ]
	[[ $stderr == 'cattach: no such container: nope'* ]]
	[ $((SECONDS - start)) -le 5 ]
}

@test "a template that is wrong says where" {
	cattach run -d --name a "$CT_ROOTFS" sleep 1000
	refused '--format: template:1:3: no such field .Nmae (did you mean .Name?)' cattach inspect -f '{{.Nmae}}' a
	refused '--format: template:1:3: this block has no {{end}}' cattach inspect -f '{{if .Id}}' a
	refused '--format: template:1:3: no such function foo (fields begin with a dot: .foo)' cattach ps --format '{{foo}}'
	refused '--filter: unknown state "runing" (there is created, running, paused, restarting, exited, damaged, foreign)' \
		cattach ps -f status=runing
	refused '--last: must be -1...2147483647, not "x"' cattach ps -n x
}

@test "nobody reads the output: quiet, and no error storm" {
	cattach run -d --name a "$CT_ROOTFS" sleep 1000
	for command in 'ps' 'inspect a' 'help run' 'info'; do
		run --separate-stderr bash -c "cattach $command | true; exit \${PIPESTATUS[0]}"
		[ "$status" -eq 0 ] || [ "$status" -eq 141 ]
		[ -z "$stderr" ]
		# whoever started us may have ignored SIGPIPE
		run --separate-stderr bash -c "trap '' PIPE; cattach $command | true; exit \${PIPESTATUS[0]}"
		[ "$status" -eq 0 ] || [ "$status" -eq 141 ]
		[ -z "$stderr" ]
	done
	run bash -c 'cattach ps >&-'
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	run bash -c 'cattach nope 2>&-'
	[ "$status" -eq 125 ]
	[ -z "$output" ]
}

@test "a full disk is an error" {
	run --separate-stderr bash -c 'cattach help > /dev/full'
	[ "$status" -eq 125 ]
	[ "$stderr" = 'cattach: cannot write to standard output: No space left on device' ]
}

@test "works without HOME, TERM, with any locale and COLUMNS" {
	cattach ps > "$BATS_TEST_TMPDIR/plain"
	env -u TERM -u LANG LC_ALL=C COLUMNS=0 cattach ps > "$BATS_TEST_TMPDIR/other"
	cmp "$BATS_TEST_TMPDIR/plain" "$BATS_TEST_TMPDIR/other"
	LC_ALL=de_DE.UTF-8 COLUMNS=-5 TERM=nope cattach help run > "$BATS_TEST_TMPDIR/help"
	cmp "$CT_GOLDEN/help/run.txt" "$BATS_TEST_TMPDIR/help"
	export XDG_DATA_HOME=$BATS_TEST_TMPDIR/data
	env -u HOME cattach ps
	env -i PATH="$PATH" XDG_DATA_HOME="$XDG_DATA_HOME" cattach ps
}

@test "bad log levels and topics are refused, good ones log" {
	refused '--log-level: unknown log level "loud" (levels are none, error, warn, info and debug)' \
		cattach --log-level loud ps
	refused 'CATTACH_DEBUG: unknown log topic "nope" (topics are cli, spec, ns, mount, seccomp, cgroup, monitor, attach, state and all)' \
		env CATTACH_DEBUG=nope cattach ps
	run --separate-stderr env CATTACH_DEBUG=cli cattach --log-level debug ps
	[ "$status" -eq 0 ]
	[[ $stderr == *'cattach: cli: ps'* ]]
}

@test "each topic says what a start does, and no secret" {
	run -0 --separate-stderr env CATTACH_DEBUG=mount cattach run --rm -v /etc:/mnt:ro "$CT_ROOTFS" true
	[[ $stderr == *"cattach: mount: /: $CT_ROOTFS"* ]]
	[[ $stderr == *'proc on /proc'* ]]
	[[ $stderr == *'bind of /etc on /mnt'* ]]
	[[ $stderr == *'masked /proc/kcore'* ]]
	[[ $stderr != *'cattach: ns: '* ]]
	run -0 --separate-stderr env CATTACH_DEBUG=all cattach run --rm --name dbg -e WORD=hunter2 "$CT_ROOTFS" true
	[[ $stderr == *'cattach: ns: new namespaces: user mount pid network ipc uts cgroup'* ]]
	[[ $stderr == *'cattach: ns: uid: 0 → '"$(id -u)"' ×1'* ]]
	[[ $stderr == *'cattach: seccomp: default seccomp policy: '* ]]
	[[ $stderr == *', named dbg, in '* ]]
	[[ $stderr == *'cattach: monitor: pid '* ]]
	[[ $stderr != *hunter2* ]]
}

@test "ps shows what docker shows" {
	cattach run -d --name web --label app=x --label note=a,b=c "$CT_ROOTFS" sleep 1000
	cattach run --name done "$CT_ROOTFS" sh -c 'exit 3' || [ $? -eq 3 ]
	[ "$(cattach ps | head -n 1 | tr -s ' ')" = 'CONTAINER ID IMAGE COMMAND CREATED STATUS PORTS NAMES' ]
	[ "$(cattach ps --format '{{.Names}}')" = web ]
	[ "$(cattach ps -a --format '{{.Names}}')" = $'done\nweb' ]
	[ "$(cattach ps -l --format '{{.Names}}')" = done ]
	[ "$(cattach ps -n 1 --format '{{.State}}')" = exited ]
	[ "$(cattach ps -n0 -q)" = '' ]
	[ "$(cattach ps -q)" = "$(cattach inspect -f '{{slice .Id 0 12}}' web)" ]
	[ "$(cattach ps -q --no-trunc)" = "$(cattach inspect -f '{{.Id}}' web)" ]
	[ "$(cattach ps --format '{{.Command}} {{.Image}}')" = "\"sleep 1000\" $CT_ROOTFS" ]
	[ "$(cattach ps --format '{{.Label "note"}}')" = 'a,b=c' ]
	[[ $(cattach ps -a -f name=done --format '{{.Status}}') == 'Exited (3) '*' ago' ]]
	[ "$(cattach ps -f status=exited --format '{{.Names}}')" = done ]
	[ "$(cattach ps -f exited=3 --format '{{.Names}}')" = done ]
	[ "$(cattach ps -a -f exited=4 -q)" = '' ]
	[ "$(cattach ps -a -f label=app --format '{{.Names}}')" = web ]
	[ "$(cattach ps -a -f before=done --format '{{.Names}}')" = web ]
	[ "$(cattach ps --noheading | wc -l)" -eq 1 ]
	[ "$(cattach ps --format 'table {{.Names}}\t{{.State}}')" = $'NAMES     STATE\nweb       running' ]
	[[ $(cattach ps --format json) == '{"Command":"\"sleep 1000\"",'*'"Names":"web",'* ]]
}

@test "what containers bring along cannot drive a terminal or break the table" {
	cattach run -d --name a --label $'x=\e]0;t\a' "$CT_ROOTFS" sh -c $'sleep 1000 # \e[2J\n\ttab'
	[ "$(cattach ps | wc -l)" -eq 2 ]
	cattach ps --no-trunc > "$BATS_TEST_TMPDIR/ps"
	absent $'\e' "$BATS_TEST_TMPDIR/ps"
	# on a terminal nothing is sent raw, through a template neither
	script -qec "cattach inspect -f '{{index .Args 1}} {{.Config.Labels.x}}' a" /dev/null < /dev/null > "$BATS_TEST_TMPDIR/tty"
	absent $'\e' "$BATS_TEST_TMPDIR/tty"
	grep -qF '\x1b[2J' "$BATS_TEST_TMPDIR/tty"
	# in a pipe the bytes are what they are
	cattach inspect -f '{{.Config.Labels.x}}' a | grep -q $'\e]0;t'
}

@test "inspect prints a JSON array that has what scripts ask for" {
	cattach run -d --name a -e A=1 -w /tmp "$CT_ROOTFS" sleep 1000
	[ "$(cattach inspect -f '{{.State.Status}} {{.State.Running}} {{.Name}}' a)" = 'running true a' ]
	[ "$(cattach inspect -f '{{.Path}} {{join .Args ","}} {{.Config.WorkingDir}}' a)" = 'sleep 1000 /tmp' ]
	cattach inspect -f '{{range .Config.Env}}{{println .}}{{end}}' a | grep -qx A=1
	pid=$(cattach inspect -f '{{.State.Pid}}' a)
	[ "$(tr '\0' ' ' < "/proc/$pid/cmdline")" = 'sleep 1000 ' ]
	monitor=$(cattach inspect -f '{{.State.ConmonPid}}' a)
	[ "$(awk '/^PPid/ { print $2 }' "/proc/$pid/status")" = "$monitor" ]
	[ "$(cattach inspect -f '{{json .State.Health}}' a)" = null ]
	[[ $(cattach inspect -f json a) == '{"Id":"'* ]]
	cattach inspect a a > "$BATS_TEST_TMPDIR/all"
	[ "$(head -n 1 "$BATS_TEST_TMPDIR/all")" = '[' ]
	[ "$(grep -c '"ConmonPid": ' "$BATS_TEST_TMPDIR/all")" -eq 2 ]
	grep -qE '^[[:space:]]*"Labels": \{\},$' "$BATS_TEST_TMPDIR/all"
	[ "$(cattach inspect -f '{{.Config.Hostname}}' a)" = "$(cattach ps -q)" ]
	cattach run -d --name b --hostname box "$CT_ROOTFS" sleep 1000
	cattach run -d --name c --uts host "$CT_ROOTFS" sleep 1000
	[ "$(cattach inspect -f '{{.Config.Hostname}}' b c)" = box ]
}

@test "ps can show what was mounted" {
	mkdir -p "$BATS_TEST_TMPDIR/a/long/way/down"
	cattach run -d --name a -v /etc:/mnt:ro -v "$BATS_TEST_TMPDIR/a/long/way/down:/srv" "$CT_ROOTFS" sleep 1000
	[ "$(cattach ps --no-trunc --format '{{.Mounts}}')" = "/etc,$BATS_TEST_TMPDIR/a/long/way/down" ]
	[ "$(cattach ps --format '{{.Mounts}}')" = "/etc,${BATS_TEST_TMPDIR:0:14}…" ]
}

@test "a working directory that cannot be is 125" {
	refused 'process.cwd: working directory /proc/self/fd/3 is outside the container' \
		cattach run --rm -w /proc/self/fd/3 "$CT_ROOTFS" true
	run --separate-stderr cattach run --rm -w /etc/passwd/x "$CT_ROOTFS" true
	[ "$status" -eq 125 ]
	[[ $stderr == 'cattach: process.cwd: '*/etc/passwd/x* ]]
}

@test "a security label that cannot be had is named as it was written" {
	mkdir "$BATS_TEST_TMPDIR/bundle"
	ln -s "$CT_ROOTFS" "$BATS_TEST_TMPDIR/bundle/rootfs"
	cattach spec -o - | sed 's/"noNewPrivileges"/"apparmorProfile": "no-such", &/' > "$BATS_TEST_TMPDIR/bundle/config.json"
	run --separate-stderr cattach run --rm "$BATS_TEST_TMPDIR/bundle" true
	[ "$status" -eq 125 ]
	[[ $stderr == 'cattach: process.apparmorProfile: '*'"no-such"'* ]]
}

@test "with few descriptors left a start is refused, and nothing stays behind" {
	local n
	for n in $(seq 8 6 50); do
		run --separate-stderr sh -c 'ulimit -n "$1"; exec cattach run --rm -d "$2" true' sh "$n" "$CT_ROOTFS"
		[ "$status" -eq 125 ]
		[[ $stderr == *'oo many open files'* ]]
		[ -z "$(cattach ps -aq)" ]
	done
	[[ $stderr == *' more are possible here, a start needs 48 (raise the limit: ulimit -n 1024)' ]]
	sh -c 'ulimit -n 64; exec cattach run --rm "$1" true' sh "$CT_ROOTFS"
}

@test "spec writes a bundle that runs, and overwrites nothing" {
	cd "$BATS_TEST_TMPDIR"
	mkdir bundle
	cattach spec --bundle bundle
	ln -s "$CT_ROOTFS" bundle/rootfs
	[ "$(cattach run --rm bundle < /dev/null | wc -c)" -eq 0 ]
	refused 'bundle/config.json exists already (remove it first, or choose another place with --bundle or -o)' \
		cattach spec -b bundle
	cattach spec -o - > printed
	cmp printed bundle/config.json
	cattach spec -o other.json
	cmp other.json printed
	refused '--bundle and --output exclude each other (--bundle DIR writes DIR/config.json)' \
		cattach spec -b bundle -o x
	run cattach spec -b nope
	[ "$status" -eq 125 ]
	[[ $output == *nope* ]]
	grep -q uidMappings printed
	cattach spec --rootless=false -o - > privileged
	absent uidMappings privileged
}

@test "a copy with more privileges than its caller refuses to run" {
	inside() { unshare --user --map-root-user --map-auto "$@"; }
	inside true || skip "unshare cannot map subordinate ids here"
	case ,$(findmnt -no OPTIONS -T "$BATS_TEST_TMPDIR"), in
	*,nosuid,*) skip "the directory for tests is on a mount with nosuid" ;;
	esac
	# a set-user-id copy whose owner is another id, as only a user namespace lets us make it
	cp "$(command -v cattach)" "$BATS_TEST_TMPDIR/copy"
	chmod 755 "$BATS_TEST_TMPDIR"
	inside sh -c 'chown 1:1 "$1" && chmod 4755 "$1"' sh "$BATS_TEST_TMPDIR/copy"
	refused 'refusing to run with more privileges than the caller has (remove the set-user-id bit or the file capabilities: chmod ug-s, setcap -r)' \
		inside "$BATS_TEST_TMPDIR/copy" version
	# without the bit the same copy runs
	inside chmod 755 "$BATS_TEST_TMPDIR/copy"
	inside "$BATS_TEST_TMPDIR/copy" version
	inside rm "$BATS_TEST_TMPDIR/copy"
}
