#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Stands where conmon has its runtime: "create" starts the file "command" of the bundle, with the
# stdio that conmon gives, and writes its pid. No namespaces, no root: what is measured is conmon.
case " $* " in
*" create "*) ;;
*) exit 0 ;;
esac
while [ $# -gt 0 ]; do
	case $1 in
	--bundle) bundle=$2 ;;
	--pid-file) pid_file=$2 ;;
	esac
	shift
done
exec 3<&0
sh "$bundle/command" 0<&3 3<&- &
printf %s $! > "$pid_file"
