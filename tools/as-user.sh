#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Run a command as an unprivileged user, in a clean environment.
#
#   tools/as-user.sh ACCOUNT COMMAND [ARG...]
#   tools/as-user.sh --prepare ACCOUNT        make the account (root) and print the user's name
#
# As root: makes ACCOUNT when there is none (with ranges of subordinate ids, a home and a runtime
# directory) and becomes it. Otherwise there is nothing to become: the command runs as the caller.
# Variables whose names begin with CT_ pass through, besides PATH and TERM.
set -eu

# "su" leaves root without them.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

prepare=
if [ "$1" = --prepare ]; then
	prepare=yes
	shift
fi
account=$1
shift

# The end of the highest range in a file of ranges (name:first:count), or 100000.
next_range()
{
	awk -F: 'BEGIN { next_id = 100000 }
		$2 + $3 > next_id { next_id = $2 + $3 }
		END { print next_id }' "$1" 2> /dev/null || echo 100000
}

make_account()
{
	if ! id "$account" > /dev/null 2>&1; then
		echo "making the account $account" >&2
		useradd --create-home --user-group --shell /bin/sh "$account"
	fi
	touch /etc/subuid /etc/subgid
	if ! grep -q "^$account:" /etc/subuid; then
		first=$(next_range /etc/subuid)
		usermod --add-subuids "$first-$((first + 65535))" "$account"
	fi
	if ! grep -q "^$account:" /etc/subgid; then
		first=$(next_range /etc/subgid)
		usermod --add-subgids "$first-$((first + 65535))" "$account"
	fi
}

# logind makes /run/user/UID at login; this account never logs in.
make_runtime_dir()
{
	mkdir -p /run/user
	if [ ! -d "/run/user/$1" ]; then
		mkdir -m 700 "/run/user/$1"
		chown "$account:" "/run/user/$1"
	fi
}

if [ "$(id -u)" = 0 ]; then
	make_account
	uid=$(id -u "$account")
	make_runtime_dir "$uid"
	home=$(getent passwd "$account" | cut -d : -f 6)
	PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
else
	account=$(id -un)
	uid=$(id -u)
	home=${HOME:-/}
fi
if [ -n "$prepare" ]; then
	echo "$account"
	exit 0
fi

# set -- NAME=VALUE... COMMAND...: what the environment will be, before the command.
for name in $(env | sed -n 's/^\(CT_[A-Z0-9_]*\)=.*/\1/p'); do
	value=
	eval "value=\${$name:-}"
	set -- "$name=$value" "$@"
done
runtime=/run/user/$uid
if [ ! -d "$runtime" ]; then
	runtime=${XDG_RUNTIME_DIR:-}
fi
set -- HOME="$home" USER="$account" LOGNAME="$account" SHELL=/bin/sh TERM="${TERM:-dumb}" \
	PATH="$PATH" ${runtime:+"XDG_RUNTIME_DIR=$runtime"} "$@"

# Stay in the directory that root's shell stands in where the account may enter it too.
if [ "$(id -u)" = 0 ]; then
	if ! setpriv --reuid "$account" --regid "$account" --init-groups test -x "$PWD/."; then
		cd "$home"
	fi
	exec setpriv --reuid "$account" --regid "$account" --init-groups env -i "$@"
fi
exec env -i "$@"
