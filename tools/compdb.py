#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Print compile_commands.json: tools/compdb.py 'COMPILER FLAGS...' SOURCE..."""
import json
import os
import shlex
import sys

command = shlex.split(sys.argv[1])
here = os.getcwd()
entries = [{"directory": here, "file": source, "arguments": [*command, "-c", source]} for source in sys.argv[2:]]
json.dump(entries, sys.stdout, indent=1)
print()
