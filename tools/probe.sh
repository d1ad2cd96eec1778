#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Ask the compiler and pkg-config what they can do, and print the answers as make variables.
#
#   tools/probe.sh static|dynamic CC [ARG...]      (the compiler may be several words: ccache gcc)
#
# The Makefile keeps the output in build/, so this runs once per compiler and way of linking.
# What is missing is named with the package that has it, and nothing is printed.
set -eu

link=$1
shift

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
echo 'int main(void) { return 0; }' > "$work/main.c"
missing=

# The first words of a command are looked up, not run: CC may be "ccache gcc".
if ! command -v "$1" > /dev/null 2>&1; then
	echo "error: compiler not found: $1: apt-get install gcc libc6-dev (or: make deps)" >&2
	exit 1
fi
if ! "$@" "$work/main.c" -o "$work/main" 2> "$work/log"; then
	sed 's/^/  /' "$work/log" >&2
	echo "error: $* cannot build a program: apt-get install gcc libc6-dev (or: make deps)" >&2
	exit 1
fi
if ! command -v pkg-config > /dev/null 2>&1; then
	echo "error: pkg-config not found: apt-get install pkg-config (or: make deps)" >&2
	exit 1
fi

# need MODULE MINIMUM PACKAGE: a library that building needs.
need()
{
	if ! pkg-config --exists "$1 >= $2"; then
		echo "error: $1 >= $2 not found: apt-get install $3" >&2
		missing="$missing $3"
	fi
}
need libseccomp 2.5 libseccomp-dev
need libcap 2.44 libcap-dev
need mount 2.36 libmount-dev
need yajl 2.1 libyajl-dev
if [ -n "$missing" ]; then
	echo "error: install all of it with: apt-get install$missing (or: make deps)" >&2
	exit 1
fi

# Of the flags given, those that the compiler takes without a word, for compiling and linking.
accepted()
{
	kept=
	for flag in $flags; do
		if "$@" -Werror -O2 "$flag" "$work/main.c" -o "$work/main" > /dev/null 2>&1; then
			kept="$kept $flag"
		fi
	done
	echo "$kept"
}

flags='-fstack-protector-strong -fstack-clash-protection -fcf-protection=full
	-mbranch-protection=standard -ftrivial-auto-var-init=zero
	-fno-delete-null-pointer-checks -fno-strict-overflow'
echo "probed_cflags :=$(accepted "$@")"
flags='-Wlogical-op -Wduplicated-cond'
warnings=$(accepted "$@")
# clang takes a variable that only has a cleanup for unused; gcc finds those that really are.
if "$@" --version 2> /dev/null | grep -q clang; then
	warnings="$warnings -Wno-unused-variable"
fi
echo "probed_warnings := $warnings"
flags='-Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,-z,separate-code'
echo "probed_ldflags :=$(accepted "$@")"

# glibc knows level 3 of _FORTIFY_SOURCE since 2.34, gcc since 12; older ones warn about it.
printf '#include <string.h>\nint main(void) { return (int)strlen(""); }\n' > "$work/main.c"
if "$@" -Werror -O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 "$work/main.c" -o "$work/main" \
	> /dev/null 2>&1; then
	echo "probed_fortify := 3"
else
	echo "probed_fortify := 2"
fi

if "$@" -static-pie -fPIE "$work/main.c" -o "$work/main" > /dev/null 2>&1; then
	echo "probed_static := -static-pie"
else
	echo "probed_static := -static"
fi

echo "lib_cflags := $(pkg-config --cflags libseccomp libcap mount yajl)"
if [ "$link" = dynamic ]; then
	# libmount is loaded by name at run time; a needed entry tells packagers about it.
	echo "lib_ldlibs := $(pkg-config --libs libseccomp libcap yajl)" \
		"-Wl,--no-as-needed $(pkg-config --libs mount) -Wl,--as-needed"
else
	libs=
	for module in libseccomp:libseccomp.a libcap:libcap.a yajl:libyajl_s.a; do
		dir=$(pkg-config --variable=libdir "${module%%:*}")
		if [ -f "$dir/${module#*:}" ]; then
			libs="$libs $dir/${module#*:}"
		elif "$@" "$work/main.c" "-l:${module#*:}" -o "$work/main" > /dev/null 2>&1; then
			libs="$libs -l:${module#*:}"
		else
			echo "error: no static archive ${module#*:}: install it, or use make LINK=dynamic" >&2
			exit 1
		fi
	done
	echo "lib_ldlibs :=$libs"
fi
