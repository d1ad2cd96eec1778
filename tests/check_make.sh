#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What the Makefile promises beside building: help names every target that is meant for people,
# packages installed after the first build are seen, uninstall removes what install put there.
set -eu
cd "$(dirname "$0")/.."
export MAKEFLAGS=

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail()
{
	echo "$*"
	exit 1
}

make help > "$work/help"
for target in all deps run check check-all install uninstall format tidy cppcheck asan compdb \
	acceptance soak bench dist clean help; do
	grep -qE "^  $target +[a-z]" "$work/help" || fail "make help does not explain $target"
done

# "make run" comes before "make check" has installed Check: what was found out then must not stay.
mkdir -p "$work/tree/tests/unit" "$work/bin"
cp -a Makefile VERSION tools "$work/tree"
cp tests/unit/main.c tests/unit/test_num.c "$work/tree/tests/unit"
cat > "$work/bin/pkg-config" <<END
#!/bin/sh
case \$* in *check*) exit 1 ;; esac
exec $(command -v pkg-config) "\$@"
END
chmod +x "$work/bin/pkg-config"
if PATH=$work/bin:$PATH make -C "$work/tree" -n unit-tests > "$work/log" 2>&1; then
	fail "make unit-tests goes on without Check"
fi
grep -q 'Check not found: apt-get install check' "$work/log" || fail "$(cat "$work/log")"
make -C "$work/tree" -n unit-tests > "$work/log" 2>&1 || fail "$(cat "$work/log")"

# A tool that is missing is named with its package.
for target in format:CLANG_FORMAT cppcheck:CPPCHECK tidy:CLANG_TIDY; do
	if make "${target%:*}" "${target#*:}=no-such-tool" FILES=src/base/num.c > "$work/log" 2>&1; then
		fail "make ${target%:*} goes on without its tool"
	fi
	grep -q 'no-such-tool not found: apt-get install' "$work/log" || fail "$(cat "$work/log")"
done

make DESTDIR="$work/dest" PREFIX=/usr install > "$work/log" 2>&1 || fail "$(cat "$work/log")"
[ -x "$work/dest/usr/bin/cattach" ] || fail "make install installs no cattach"
"$work/dest/usr/bin/cattach" version > /dev/null || fail "what is installed does not run"
"$work/dest/usr/bin/cattach-oci" --version | grep -q 'cattach-oci' || fail "make install installs no cattach-oci"
"$work/dest/usr/bin/cattach-conmon" --version | grep -q '^cattach-conmon ' || fail "make install installs no cattach-conmon"
make DESTDIR="$work/dest" PREFIX=/usr uninstall > "$work/log" 2>&1 || fail "$(cat "$work/log")"
left=$(find "$work/dest" ! -type d)
[ -z "$left" ] || fail "make uninstall leaves $left"
