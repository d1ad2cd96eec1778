#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Help texts and manual pages: they are there, they are the same however they are asked for, and
# they are what tests/golden/help and man say. After a change of the option tables:
#   for v in '' $(verbs); do cattach help $v > tests/golden/help/${v:-cattach}.txt
#                            cattach help --man $v > man/cattach${v:+-$v}.1; done

bats_require_minimum_version 1.5.0

verbs="run create start attach exec logs send clients detach cp diff ps top stats events inspect port stop restart kill pause unpause update rename healthcheck wait rm prune unshare spec generate oci info version help"

@test "cattach help is the golden text and lists every command" {
	cattach help > "$BATS_TEST_TMPDIR/out"
	diff -u "$CT_GOLDEN/help/cattach.txt" "$BATS_TEST_TMPDIR/out"
	for verb in $verbs; do
		grep -q "^  $verb  " "$BATS_TEST_TMPDIR/out"
	done
	[ "$(sed -n '/^Commands:/,/^$/p' "$BATS_TEST_TMPDIR/out" | grep -c '^  [a-z]')" -eq "$(wc -w <<< "$verbs")" ]
}

@test "help of every command is the golden text" {
	for verb in $verbs; do
		cattach help "$verb" > "$BATS_TEST_TMPDIR/out"
		diff -u "$CT_GOLDEN/help/$verb.txt" "$BATS_TEST_TMPDIR/out"
	done
}

@test "cattach VERB --help prints the same as cattach help VERB" {
	for verb in $verbs; do
		cattach help "$verb" > "$BATS_TEST_TMPDIR/a"
		cattach "$verb" --help > "$BATS_TEST_TMPDIR/b"
		cmp "$BATS_TEST_TMPDIR/a" "$BATS_TEST_TMPDIR/b"
	done
}

@test "cattach --help and cattach -h print the same as cattach help" {
	cattach help > "$BATS_TEST_TMPDIR/a"
	cattach --help > "$BATS_TEST_TMPDIR/b"
	cattach -h > "$BATS_TEST_TMPDIR/c"
	cmp "$BATS_TEST_TMPDIR/a" "$BATS_TEST_TMPDIR/b"
	cmp "$BATS_TEST_TMPDIR/a" "$BATS_TEST_TMPDIR/c"
}

@test "help wins over wrong operands and goes to standard output" {
	run --separate-stderr cattach ps --help x y z
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	[[ $output == "Usage: cattach ps"* ]]
}

@test "-h after run is the host name and not help" {
	run cattach run -h
	[ "$status" -eq 125 ]
	[ "$output" = "cattach: -h: needs a value (-h NAME)" ]
}

@test "help of an unknown command suggests one" {
	run cattach help insepct
	[ "$status" -eq 125 ]
	[ "$output" = 'cattach: unknown command "insepct" (did you mean "inspect"?)' ]
}

@test "manual pages have every option of their command" {
	for verb in $verbs; do
		cattach help --man "$verb" > "$BATS_TEST_TMPDIR/page"
		sed -n 2p "$BATS_TEST_TMPDIR/page" | grep -q "^\.TH cattach-$verb 1 "
		for option in $(cattach help "$verb" | sed -n 's/^  \(-[a-zA-Z], \|    \)--\([a-z-]*\).*/\2/p'); do
			grep -qF -- "\\-\\-${option//-/\\-}" "$BATS_TEST_TMPDIR/page"
		done
	done
}

@test "manual pages that are installed are those that the command prints" {
	pages=$CT_STAGE/usr/share/man/man1
	[ -d "$pages" ]
	cattach help --man > "$BATS_TEST_TMPDIR/page"
	diff -u "$pages/cattach.1" "$BATS_TEST_TMPDIR/page"
	for verb in $verbs; do
		cattach help --man "$verb" > "$BATS_TEST_TMPDIR/page"
		diff -u "$pages/cattach-$verb.1" "$BATS_TEST_TMPDIR/page"
	done
}

@test "version prints a version, and --version the same" {
	[[ $(cattach version --format '{{.Version}}') =~ ^[0-9]+\.[0-9]+\.[0-9]+ ]]
	[ "$(cattach version)" = "$(cattach --version)" ]
	[[ $(cattach version) == "cattach $(cattach version --format '{{.Client.Version}}')"* ]]
	[ "$(cattach version --format '{{.SpecVersion}}')" = 1.3.0 ]
}

@test "info says for each fact how it stands, and how to fix what is missing" {
	cattach info > "$BATS_TEST_TMPDIR/out"
	[ "$(wc -l < "$BATS_TEST_TMPDIR/out")" -ge 12 ]
	[ -z "$(grep -vE '^(ok  |warn|no  )  [^ ]' "$BATS_TEST_TMPDIR/out")" ]
	[ -z "$(grep -E '^(warn|no  )' "$BATS_TEST_TMPDIR/out" | grep -v -- '  -> ')" ]
	[ "$(cattach info --format '{{.Kernel.Level}}')" = ok ]
	[ "$(cattach info --format '{{.UserNamespaces.Level}}')" = ok ]
}

@test "info knows the caller, its ranges and its directories" {
	[[ $(cattach info --format '{{.Caller.What}}') == *"uid $(id -u)"* ]]
	[[ $(cattach info --format '{{.RuntimeDir.What}}') == *"$XDG_RUNTIME_DIR"* ]]
	[[ $(cattach info --format '{{.DataDir.What}}') == *"$HOME/.local/share/cattach"* ]]
	[[ $(XDG_DATA_HOME=/nope cattach info --format '{{.DataDir.What}}') == *"/nope/cattach"* ]]
	[ "$(XDG_RUNTIME_DIR=/ cattach info --format '{{.RuntimeDir.Level}}')" = warn ]
	[ "$(env -u XDG_RUNTIME_DIR cattach info --format '{{.RuntimeDir.Level}}')" = warn ]
}
