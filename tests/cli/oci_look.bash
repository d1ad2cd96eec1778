# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# For tests of the runtime command line that change one thing of a bundle and look what becomes of it. The
# bundle() of helpers.bash is changed() here, and oci.bash has one of its own.

eval "$(declare -f bundle | sed '1s/bundle/changed/')"
load oci

# look PYTHON...: run a bundle changed like that to its end
look()
{
	changed "$T/b" "$@"
	oci run -b "$T/b" look < /dev/null 2>&1
}
