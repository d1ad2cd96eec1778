#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Run the tests and count them.
#
#   tests/run.sh check              what "make check" runs: all parts but analysis
#   tests/run.sh all                what "make check-all" adds
#   tests/run.sh PART...            only these: build make unit layers size hardening fuzz cli
#                                   pty acceptance; tidy cppcheck shellcheck format dynamic clang
#                                   dist storm podman podman_oci podman_conmon docker_oci vm
#   tests/run.sh cli FILE.bats...   only these files of command tests
#   tests/run.sh unit SUITE...      only these suites of unit tests, by the names of their files
#   tests/run.sh pty WORD...        only terminal tests whose name has one of the words
#   tests/run.sh storm SECONDS      a storm of commands for so long, not for a minute
#   tests/run.sh vm FLAVOUR...      only these virtual machines (uml, plain, systemd)
#
# Unit tests and command tests run as an unprivileged user, from a copy that this user can read:
# as root an account is made for it (cattach-test). The tests of what only root can do (*_root) run as
# root, and are skipped otherwise. Every unit test, command test and check counts
# as one. The last line is "N passed, N failed, N skipped"; what failed and why something was
# skipped stands before it. The exit status is 0 only when nothing failed and something passed.
set -u -o pipefail
cd "$(dirname "$0")/.." || exit 1
export LC_ALL=C

account=cattach-test
jobs=$(nproc 2> /dev/null || echo 2)
stage=
offered=			# the controller that was enabled for tests in delegated cgroups
cgroups=/sys/fs/cgroup		# the top of version 2
[ -e "$cgroups/cgroup.controllers" ] || cgroups=$cgroups/unified
results=$(mktemp)
logs=$(mktemp -d)
tty_state=$(stty -g 2> /dev/null || true)

cleanup()
{
	withdraw_controller
	rm -rf "$results" "$logs"
	if [ -n "$stage" ]; then
		# Containers own files through subordinate ids; root may remove them, a user not.
		rm -rf "$stage" 2> /dev/null || chmod -R u+rwx "$stage" 2> /dev/null
		rm -rf "$stage" 2> /dev/null
	fi
	if [ -n "$tty_state" ]; then
		stty "$tty_state" 2> /dev/null
	fi
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

. tests/side_by_side.sh
. tests/parts/analysis.sh
. tests/parts/machines.sh
. tests/parts/callers.sh

# record pass|fail|skip NAME [REASON]
record() { printf '%s\t%s\t%s\n' "$1" "$2" "${3:-}" >> "$results"; }

heading() { printf '== %s\n' "$*"; }

# quiet_make ARG...: a build; its output is shown when it fails.
quiet_make()
{
	# One failure is not to hide the others, nor is make's own flag from above to hold here.
	if ! MAKEFLAGS='' make --no-print-directory -k -j"$jobs" ${WERROR:+"WERROR=$WERROR"} "$@" \
		> "$logs/make" 2>&1; then
		tail -n 60 "$logs/make"
		return 1
	fi
	grep -E 'warning:' "$logs/make" || true
}

# quietly COMMAND...: its output is shown when it fails.
quietly()
{
	if ! "$@" > "$logs/quietly" 2>&1; then
		tail -n 60 "$logs/quietly"
		return 1
	fi
}

# one NAME COMMAND...: a check that counts as one; what it says is shown.
one()
{
	local name=$1
	shift
	if "$@"; then
		record pass "$name"
	else
		echo "FAILED: $name"
		record fail "$name"
	fi
}

# as_user COMMAND...: as the unprivileged user, in the staged tree.
as_user() { (cd "$stage" && CT_STAGE=$stage "$OLDPWD/tools/as-user.sh" "$account" "$@"); }

# as_root COMMAND...: the same for what only root of the host can do.
as_root() { (cd "$stage" && CT_STAGE=$stage "$@"); }

# The staged tree: the installed programs, the example bundles, the tests and their programs.
make_stage()
{
	[ -z "$stage" ] || return 0
	local user
	user=$(tools/as-user.sh --prepare "$account") || return 1
	stage=$(tools/stage.sh release) || return 1
	cp -a --no-preserve=ownership tests "$stage/tests" || return 1
	mkdir -p "$stage/probe" "$stage/work" || return 1
	find build/release/probe -maxdepth 1 -type f -perm -u+x \
		-exec cp -t "$stage/probe" {} + 2> /dev/null
	chmod -R a+rX "$stage/tests" "$stage/probe"
	if [ "$(id -u)" = 0 ]; then
		chown "$user:" "$stage/work"
	fi
}

# count_tap PREFIX STATUS FILE: results from TAP, which must be as long as its plan says. The first
# complaint behind a test that has failed is its reason in the summary, which may be all that is read; of a
# traceback of Python it is the last line.
count_tap()
{
	local prefix=$1 status=$2 file=$3
	awk -v prefix="$prefix" -v status="$status" -v OFS='\t' '
		function put() {
			if (kind != "")
				print kind, prefix ": " name, reason
			kind = ""
		}
		/^1\.\.[0-9]+/ { plan = substr($1, 4); have_plan = 1; next }
		/^# Traceback/ { trace = 1; next }
		/^# / && kind == "fail" && (trace ? /^# [^ ]/ : !given) && !/^# (seed |[0-9.]+ s$|\((in|from) )/ {
			reason = substr($0, 3)
			gsub(/\t/, " ", reason)
			sub(/^ +/, "", reason)
			reason = "(" (length(reason) > 300 ? substr(reason, 1, 300) "..." : reason) ")"
			given = 1
		}
		/^(not )?ok / {
			put()
			kind = /^not / ? "fail" : "pass"
			given = trace = 0
			name = $0
			sub(/^(not )?ok [0-9]+ (- )?/, "", name)
			reason = ""
			if (match(name, / # skip/)) {
				reason = substr(name, RSTART + 7)
				sub(/^ */, "", reason)
				name = substr(name, 1, RSTART - 1)
				kind = "skip"
				if (reason == "") {
					kind = "fail"
					reason = "skipped without a reason"
				}
			}
			gsub(/\t/, " ", name)
			count++
			if (kind == "fail")
				failed++
		}
		END {
			put()
			if (!have_plan || plan != count)
				print "fail", prefix, "ended early: " count + 0 " of " (have_plan ? plan : "?") " results"
			else if (count == 0)
				print "fail", prefix, "has no tests"
			else if (status != 0 && !failed)
				print "fail", prefix, "ended with status " status
		}' "$file" >> "$results"
}

# show_tap FILE: what it says besides, of each test that has failed no more than can be read in a log
# that was cut.
show_tap()
{
	awk '
		function more() {
			if (count > 20)
				print "# ... and " count - 20 " lines more"
			count = 0
		}
		/^(not )?ok / { more() }
		/^(ok |1\.\.|# [0-9.]+ s$)/ { next }
		/^# / && ++count > 20 { next }
		{ print (length($0) > 400 ? substr($0, 1, 400) "..." : $0) }
		END { more() }' "$1" | head -n 300
}

part_build()
{
	heading "build"
	one "build" quiet_make MODE=release all test-probes
}

# delegated COMMAND...: for suites cgroup_real* and files cgroups*.bats. Where root runs the tests, in a
# cgroup of version 2 whose parent is given to the account of the tests, as docs/cgroups.md tells root
# to do it for people.
delegated()
{
	local cg=$cgroups/cattach-tests-$BASHPID owner status file
	if [ "$(id -u)" != 0 ] || ! mkdir "$cg" 2> /dev/null; then
		"$@"
		return
	fi
	owner=$(stat -c %U "$stage/work")
	for file in . cgroup.procs cgroup.threads cgroup.subtree_control; do
		chown "$owner" "$cg/$file"
	done
	mkdir "$cg/tests"
	(
		echo "$BASHPID" > "$cg/tests/cgroup.procs"
		"$@"
	)
	status=$?
	find "$cg" -depth -type d -exec rmdir {} \; 2> /dev/null
	return $status
}

# The tests in delegated cgroups need one controller at least. It is enabled before the first of them
# begins and disabled after the last has ended, unless somebody else's run is still at it.
offer_controller()
{
	if [ "$(id -u)" != 0 ] ||
		grep -qwE 'memory|pids|hugetlb' "$cgroups/cgroup.subtree_control" 2> /dev/null; then
		return 0
	fi
	offered=$(grep -owE 'memory|pids|hugetlb' "$cgroups/cgroup.controllers" 2> /dev/null | head -n 1)
	[ -z "$offered" ] || echo "+$offered" > "$cgroups/cgroup.subtree_control" || offered=
}

withdraw_controller()
{
	if [ -n "$offered" ] && ! compgen -G "$cgroups/cattach-tests-*" > /dev/null; then
		echo "-$offered" > "$cgroups/cgroup.subtree_control"
	fi
}

# One suite in a process of its own: every test is a fork, and what Check and the sanitizer remember
# of all the suites before would be copied for each, which makes it five times as slow.
run_suite()
{
	local how=as_user
	case $1 in
	cgroup_real*) how="delegated as_user" ;;
	cgroup_root) [ "$(id -u)" != 0 ] || how=as_root ;;
	esac
	# shellcheck disable=SC2016 # it is the inner shell that expands them
	$how sh -c 'TMPDIR=$PWD/work/unit CT_TAP=$PWD/work/unit/$1.tap CK_TIMEOUT_MULTIPLIER=15 \
		UBSAN_OPTIONS=print_stacktrace=1 exec timeout -k 10 400 ./unit-tests "$1"' sh "$1" \
		< /dev/null > "$logs/$1.unit" 2>&1
	echo $? > "$logs/$1.status"
}

# All suites but vm_*: those are for kernels with every controller, part_vm has them.
all_suites()
{
	find tests/unit -name 'test_*.c' ! -name 'test_vm_*' | sed 's,.*/test_,,; s,\.c$,,' | sort
}

# run_suites SUITE...: in the background; the program has been built.
run_suites()
{
	local suite
	cp build/asan/unit-tests "$stage/unit-tests"
	as_user mkdir -p work/unit
	for suite in $(first "$long_suites" "$@"); do
		background run_suite "$suite"
	done
}

count_suites()
{
	local suite status
	heading "unit tests (AddressSanitizer, UndefinedBehaviorSanitizer)"
	if [ $# -eq 0 ]; then
		record fail "unit" "no unit tests found"
	fi
	for suite; do
		status=$(cat "$logs/$suite.status")
		touch "$stage/work/unit/$suite.tap" 2> /dev/null
		count_tap "unit: $suite" "$status" "$stage/work/unit/$suite.tap"
		if [ "$status" -ne 0 ]; then
			grep -vE ':P:' "$logs/$suite.unit" | tail -n 100
		fi
	done
	grep -hE '^[0-9]+%: Checks: ' "$logs"/*.unit | awk -F '[:,]' '
		{ checks += $3; failures += $5; errors += $7 }
		END { print checks + 0 " checks, " failures + 0 " failures, " errors + 0 " errors" }'
}

part_unit()
{
	if ! quiet_make MODE=asan unit-tests || ! make_stage; then
		record fail "unit" "cannot be built"
		return
	fi
	# shellcheck disable=SC2046 # names of suites, a word each
	[ $# -gt 0 ] || set -- $(all_suites)
	offer_controller
	run_suites "$@"
	wait
	count_suites "$@"
}

part_make() { heading "make"; one "make" tests/check_make.sh; }
part_layers()
{
	heading "layers"
	one "layers" tests/check_layers.py
	one "states" tests/check_states.py
	one "rows" tests/check_rows.sh
}
part_size() { heading "sizes"; one "size" tests/check_size.py; }

part_hardening()
{
	heading "hardening"
	if ! quiet_make MODE=release LINK=static all; then
		record fail "hardening" "cannot be built"
		return
	fi
	one "hardening" tests/check_hardening.sh build/release/cattach build/release/cattach-init
	if [ "$(uname -m)" = x86_64 ]; then
		one "the monitor's reach" tests/check_monitor.py build/release/cattach
	else
		record skip "the monitor's reach" "follows code for x86-64 only"
	fi
}

# Each corpus through its target, under the sanitizers; an empty corpus would prove nothing.
part_fuzz()
{
	local source name corpus
	heading "fuzz corpora"
	if ! quiet_make MODE=asan fuzz-replay; then
		record fail "fuzz" "cannot be built"
		return
	fi
	for source in tests/fuzz/fuzz_*.c; do
		[ -e "$source" ] || continue
		name=$(basename "$source" .c)
		corpus=tests/fuzz/corpus/${name#fuzz_}
		one "fuzz: $name" quietly timeout -k 10 120 "build/asan/fuzz/$name" "$corpus"
	done
}

# One file of command tests; its output goes to a file.
run_bats()
{
	local base how=as_user
	base=$(basename "$1" .bats)
	case $base in
	cgroups*) how="delegated as_user" ;;
	*_root) [ "$(id -u)" != 0 ] || how=as_root ;;
	esac
	$how tests/bats-file.sh "tests/cli/$base.bats" < /dev/null > "$logs/$base.tap" 2>&1
	echo $? > "$logs/$base.status"
}

# run_files FILE...: in the background.
run_files()
{
	local file
	for file in $(first "$long_files" "$@"); do
		background run_bats "$file"
	done
}

count_files()
{
	local file base
	heading "command tests"
	for file; do
		base=$(basename "$file" .bats)
		count_tap "$base" "$(cat "$logs/$base.status")" "$logs/$base.tap"
		printf '%s: %s of %s ok\n' "$base" "$(grep -E '^ok ' "$logs/$base.tap" | grep -vc ' # skip')" \
			"$(grep -cE '^(not )?ok ' "$logs/$base.tap")"
		show_tap "$logs/$base.tap"
	done
}

part_cli()
{
	local file
	if ! quiet_make MODE=release all test-probes || ! make_stage; then
		record fail "cli" "cannot be built and installed"
		return
	fi
	[ $# -gt 0 ] || set -- tests/cli/*.bats
	for file; do
		shift
		if [ -e "$file" ]; then
			set -- "$@" "$file"
		else
			record fail "cli" "no such file: $file"
		fi
	done
	offer_controller
	run_files "$@"
	wait
	count_files "$@"
}

# run_python NAME ARG...: the tests of tests/NAME/run.py, one TAP for all of them; count_python counts it.
run_python()
{
	local status=0
	as_user timeout -k 10 "${python_limit:-600}" python3 "tests/$1/run.py" "${@:2}" < /dev/null > "$logs/$1.tap" 2>&1 ||
		status=$?
	echo $status > "$logs/$1.status"
}

count_python()
{
	heading "$1 tests"
	count_tap "$1" "$(cat "$logs/$1.status")" "$logs/$1.tap"
	printf '%s: %s of %s ok\n' "$1" "$(grep -cE '^ok ' "$logs/$1.tap")" \
		"$(grep -cE '^(not )?ok ' "$logs/$1.tap")"
	show_tap "$logs/$1.tap"
}

# part_python NAME ARG...
part_python()
{
	if ! quiet_make MODE=release all test-probes || ! make_stage; then
		record fail "$1" "cannot be built and installed"
		return
	fi
	run_python "$@"
	count_python "$1"
}

# What needs a terminal.
part_pty() { part_python pty "$@"; }

# The acceptance tests, small; "make acceptance" runs them large.
part_acceptance() { part_python acceptance small; }

# ---- the whole ---------------------------------------------------------------------------------

summary()
{
	local passed failed skipped
	passed=$(grep -c '^pass' "$results")
	failed=$(grep -c '^fail' "$results")
	skipped=$(grep -c '^skip' "$results")
	echo
	awk -F '\t' '$1 == "skip" { print "skipped: " $2 ": " $3 }' "$results"
	awk -F '\t' '$1 == "fail" { print "failed: " $2 ($3 == "" ? "" : ": " $3) }' "$results"
	echo "$passed passed, $failed failed, $skipped skipped"
	[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}

run_parts()
{
	local part
	for part; do
		"part_$part"
	done
}

# run_beside: unit, command, terminal and acceptance tests, and fuzz corpora, all at once: while some
# wait others compute, and what the sanitizers need is built meanwhile.
run_beside()
{
	local suites
	if ! make_stage; then
		record fail "stage" "cannot be installed"
		return
	fi
	suites=$(all_suites)
	offer_controller
	{
		quiet_make MODE=asan unit-tests fuzz-replay > "$logs/asan" 2>&1
		echo $? > "$logs/asan.status"
	} &
	builder=$!
	background run_python pty
	run_files tests/cli/*.bats
	background run_python acceptance small
	wait "$builder" 2> /dev/null	# gone already, perhaps
	if [ "$(cat "$logs/asan.status")" = 0 ]; then
		# shellcheck disable=SC2086 # a word each
		run_suites $suites
		wait
		# shellcheck disable=SC2086
		count_suites $suites
		part_fuzz
	else
		cat "$logs/asan"
		record fail "unit and fuzz" "cannot be built"
		wait
	fi
	count_files tests/cli/*.bats
	count_python pty
	count_python acceptance
}

case ${1:-check} in
check)
	run_parts build make layers size hardening
	run_beside
	slowest ;;
all) run_parts tidy cppcheck shellcheck format clang dynamic dist storm podman podman_oci podman_conmon docker_oci vm ;;
cli | unit | pty | storm | vm)
	part=$1
	shift
	"part_$part" "$@" ;;
-h | --help)
	sed -n '/^# Run/,/^set/s/^# \{0,1\}//p' "$0"
	exit 0 ;;
*)
	for part; do
		if ! declare -F "part_$part" > /dev/null; then
			echo "tests/run.sh: no such part: $part (tests/run.sh --help lists them)" >&2
			exit 2
		fi
	done
	run_parts "$@" ;;
esac
summary
