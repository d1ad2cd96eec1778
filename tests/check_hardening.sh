#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What the hardening flags promise, asserted on the programs with readelf.
#
#   tests/check_hardening.sh DYNAMIC-PROGRAM STATIC-PROGRAM
#
# Before it judges them it builds a program without the flags and one with an executable stack,
# and proves that it finds fault with both.
set -u
export LC_ALL=C

faults=0
fault() { echo "$1"; faults=$((faults + 1)); }

# Position independent, read-only after relocation, no executable stack, nothing both writable
# and executable.
check_layout()
{
	local program=$1 headers dynamic
	headers=$(readelf -lWh "$program") || { fault "$program: not an ELF file"; return; }
	dynamic=$(readelf -dW "$program")
	grep -q 'Type: *DYN' <<< "$headers" || fault "$program: not position independent"
	grep -q GNU_RELRO <<< "$headers" || fault "$program: no RELRO segment"
	grep -qE 'FLAGS.*(NOW)' <<< "$dynamic" || fault "$program: not bound at start (-z now)"
	grep -q 'GNU_STACK' <<< "$headers" || fault "$program: no GNU_STACK header"
	grep -qE 'GNU_STACK.* RWE ' <<< "$headers" && fault "$program: executable stack"
	grep -qE 'LOAD.* RWE ' <<< "$headers" && fault "$program: a segment is writable and executable"
	grep -qE 'TEXTREL' <<< "$dynamic" && fault "$program: text relocations"
	grep -qE 'R(UN)?PATH' <<< "$dynamic" && fault "$program: has a search path for libraries"
	return 0
}

# What only shows in the symbols of a dynamic program.
check_symbols()
{
	local program=$1 symbols
	symbols=$(readelf -W --dyn-syms "$program")
	grep -q __stack_chk_fail <<< "$symbols" || fault "$program: no stack protector"
	grep -qE ' __[a-z]+_chk(@|$)' <<< "$(grep -v __stack_chk <<< "$symbols")" \
		|| fault "$program: no calls checked by _FORTIFY_SOURCE"
}

# Linked with nothing but the C library, unless a distribution asked for LINK=dynamic.
check_needed()
{
	local program=$1 needed
	needed=$(readelf -dW "$program" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | sort | xargs)
	[ "$needed" = "${2-libc.so.6}" ] || fault "$program: needs $needed; expected ${2-libc.so.6}"
}

check_static()
{
	readelf -lW "$1" | grep -q INTERP && fault "$1: has an interpreter; it must be static"
	check_needed "$1" ""
}

# A program that breaks every rule must be found out.
self_test()
{
	local work seen
	work=$(mktemp -d)
	printf 'int main(int c, char **v) { return c + !v; }\n' > "$work/bad.c"
	"${CC:-gcc}" -O0 -no-pie -fno-stack-protector -U_FORTIFY_SOURCE -Wl,-z,norelro -Wl,-z,lazy \
		-Wl,-z,execstack -o "$work/bad" "$work/bad.c" -lm -Wl,--no-as-needed -lpthread -ldl \
		-lutil 2> /dev/null || { echo "cannot build the counter-example"; exit 1; }
	seen=$( (check_layout "$work/bad"; check_symbols "$work/bad") | sed 's/^[^:]*: //' | xargs)
	rm -rf "$work"
	for expected in 'not position independent' 'no RELRO' 'not bound' 'executable stack' \
		'no stack protector' 'no calls checked'; do
		case $seen in
		*"$expected"*) ;;
		*) echo "the check is broken: misses '$expected'"; exit 1 ;;
		esac
	done
}

if [ $# -ne 2 ]; then
	echo "usage: $0 DYNAMIC-PROGRAM STATIC-PROGRAM" >&2
	exit 2
fi
self_test
check_layout "$1"
check_symbols "$1"
check_needed "$1"
check_layout "$2"
check_static "$2"
[ $faults -eq 0 ]
