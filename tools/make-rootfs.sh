#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Assemble the root file system that the example bundles share, from Debian's busybox-static.
#
#   tools/make-rootfs.sh DIRECTORY
#
# Everything in it may be read by everybody and belongs to whoever builds, so that any user can
# run from it. Every mount point exists: a rootfs of another owner cannot be given new ones.
# It is made beside its place and renamed, so that a broken or parallel run leaves no half of it.
set -eu

rootfs=$1
busybox=${BUSYBOX:-}

for candidate in "$busybox" /bin/busybox /usr/bin/busybox; do
	if [ -n "$candidate" ] && [ -x "$candidate" ]; then
		busybox=$candidate
		break
	fi
done
if [ -z "$busybox" ] || [ ! -x "$busybox" ]; then
	echo "error: busybox not found: apt-get install busybox-static (or: make deps)" >&2
	exit 1
fi
# A program with an interpreter would need a C library that the rootfs does not have.
if LC_ALL=C readelf -lW "$busybox" 2> /dev/null | grep -q INTERP; then
	echo "error: $busybox is linked dynamically: apt-get install busybox-static" >&2
	exit 1
fi

# Nothing to do when it is there, made by this version of this script from this busybox.
stamp="$(cksum < "$0") $(cksum < "$busybox")"
if [ -f "$rootfs/etc/cattach-example" ] && [ "$(cat "$rootfs/etc/cattach-example")" = "$stamp" ]
then
	exit 0
fi

umask 022
mkdir -p "$(dirname "$rootfs")"
new=$(mktemp -d "$rootfs.XXXXXX")
trap 'rm -rf "$new"' EXIT
chmod 755 "$new"

cd "$new"
mkdir -p bin sbin usr/bin usr/sbin usr/lib usr/share lib lib64 etc proc sys dev/pts dev/shm \
	dev/mqueue run tmp var/tmp var/log var/lib var/cache root home/user mnt media opt srv
ln -s ../run var/run
chmod 1777 tmp var/tmp
cp "$busybox" bin/busybox
chmod 755 bin/busybox

# Links relative to their directory: /usr/bin may one day be merged, / may be anywhere.
for applet in $("$busybox" --list); do
	[ "$applet" = busybox ] || ln -s busybox "bin/$applet"
done
ln -s ../bin/busybox sbin/init
ln -s ../../bin/env usr/bin/env

cat > etc/passwd <<'END'
root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/bin/false
bin:x:2:2:bin:/bin:/bin/false
www-data:x:33:33:www-data:/var/www:/bin/false
user:x:1000:1000:user:/home/user:/bin/sh
nobody:x:65534:65534:nobody:/nonexistent:/bin/false
END
cat > etc/group <<'END'
root:x:0:
daemon:x:1:
bin:x:2:
tty:x:5:
disk:x:6:
audio:x:29:user
www-data:x:33:
users:x:100:user
user:x:1000:
nogroup:x:65534:
END
cat > etc/hosts <<'END'
127.0.0.1	localhost
::1	localhost ip6-localhost ip6-loopback
END
cat > etc/profile <<'END'
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
if [ "$(id -u)" = 0 ]; then PS1='\h:\w# '; else PS1='\h:\w$ '; fi
END
cat > etc/os-release <<'END'
ID=cattach-example
NAME="cattach example"
PRETTY_NAME="cattach example (busybox)"
END
cat > etc/nsswitch.conf <<'END'
passwd: files
group: files
hosts: files dns
END
echo example > etc/hostname
: > etc/resolv.conf
: > etc/mtab
printf 'export PS1\n' > root/.profile
printf '/bin/sh\n' > etc/shells
cd - > /dev/null

# The stamp comes last: with it the tree is whole.
echo "$stamp" > "$new/etc/cattach-example"
chmod -R a+rX,go-w "$new"
chmod 1777 "$new/tmp" "$new/var/tmp"

if [ -e "$rootfs" ]; then
	mv "$rootfs" "$new.old"
fi
mv -T "$new" "$rootfs"
rm -rf "$new.old"
