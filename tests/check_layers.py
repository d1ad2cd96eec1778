#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Includes may only point downwards.

  tests/check_layers.py [TREE]     check a source tree (default: this one)

A layer may include its own headers and the public headers of the layers that it may know. Some
libraries have one file that may know them. Before it checks, the program proves on a throw-away
tree that it finds what it looks for.
"""
import os
import re
import sys
import tempfile

# A layer, and the layers whose public headers it may include besides its own.
LAYERS = {
    "base": [],
    "ns": ["base"],
    "cgroups": ["base"],
    "oci": ["base"],
    "conmon": ["base"],
    "dropin": ["base", "conmon"],
    "copy": ["base"],
    "container": ["base", "ns", "cgroups", "oci", "conmon", "copy"],
    "cli": ["base", "ns", "cgroups", "oci", "conmon", "copy", "container", "dropin"],
    "init": ["base", "ns"],
}

# Internal headers that another layer may include, and why.
SHARED = {
    # The init is the last step of a start, and reports a failure in the words of src/ns/sync.c.
    ("init", "../ns/child.h"),
}

# The public headers in include/cattach/ and the layer that each belongs to.
HEADERS = {
    "base": "arena buf encode err fd hook id_file io json library log num path proc resources timespec",
    "ns": "caps idmap mount ns plan probe seccomp",
    "cgroups": "cgroup resctrl",
    "oci": "spec",
    "conmon": "adopt attach client monitor protocol streamlog",
    "copy": "copy",
    "dropin": "dropin",
    "container": "age container cp diff event exec health keeper run runtime size states stats top",
}
LAYER_OF = {f"cattach/{name}.h": layer for layer, names in HEADERS.items() for name in names.split()}

# Made by the Makefile; knows nothing.
GENERATED = {"cattach/version.h"}

# Libraries behind one file each, as a beginning of the header's name.
FENCED = {
    "yajl/": ["src/base/json.c", "src/base/json_write.c"],
    "seccomp.h": ["src/ns/seccomp_compile.c"],
    "sys/capability.h": ["src/ns/caps.c"],
    "libmount": ["src/ns/mounted.c"],
    "blkid": [],
}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)


def strip_comments(text):
    """Blank out comments, keeping line numbers."""
    return re.sub(r"/\*.*?\*/|//[^\n]*", lambda m: re.sub(r"[^\n]", " ", m.group(0)), text, flags=re.S)


def judge_public(path, layer, name):
    """What is wrong with layer's include of the public header name, or None."""
    if name in GENERATED:
        return None
    target = LAYER_OF.get(name)
    if target is None:
        return f"{path} includes {name}, which is no known header: give it a layer in tests/check_layers.py"
    if target != layer and target not in LAYERS[layer]:
        return f"{path} ({layer}) includes {name} ({target}): {layer} may know {', '.join(LAYERS[layer]) or 'nothing'}"
    return None


def judge(tree, path, layer, bracket, name):
    """What is wrong with one include, or None."""
    if name.startswith("cattach/"):
        return judge_public(path, layer, name)
    for prefix, allowed in FENCED.items():
        if name.startswith(prefix) and path not in allowed:
            return f"{path} includes {name}: only {' '.join(allowed) or 'nobody'} may"
    if bracket == '"':
        if "/" in name:
            if (layer, name) in SHARED:
                return None
            return f'{path} includes "{name}": a header of another directory must be public'
        beside = os.path.join(tree, os.path.dirname(path), name)
        if not os.path.exists(beside):
            return f'{path} includes "{name}", which is not beside it'
    return None


def files_of(tree):
    """Pairs of path and layer: sources by their directory, public headers by the table."""
    for layer in LAYERS:
        directory = os.path.join(tree, "src", layer)
        for name in sorted(os.listdir(directory) if os.path.isdir(directory) else []):
            if name.endswith((".c", ".h")):
                yield f"src/{layer}/{name}", layer
    public = os.path.join(tree, "include", "cattach")
    for name in sorted(os.listdir(public) if os.path.isdir(public) else []):
        yield f"include/cattach/{name}", LAYER_OF.get(f"cattach/{name}")


def check(tree):
    """All faults of a tree, as lines, and the number of includes that were judged."""
    faults, judged = [], 0
    known = set(LAYERS)
    source = os.path.join(tree, "src")
    for name in sorted(os.listdir(source) if os.path.isdir(source) else []):
        if os.path.isdir(os.path.join(source, name)) and name not in known:
            faults.append(f"src/{name}: no such layer: give it one in tests/check_layers.py")
    for path, layer in files_of(tree):
        if layer is None:
            faults.append(f"{path}: no layer: give it one in tests/check_layers.py")
            continue
        with open(os.path.join(tree, path), encoding="utf-8") as file:
            text = strip_comments(file.read())
        for match in INCLUDE.finditer(text):
            judged += 1
            fault = judge(tree, path, layer, match.group(1), match.group(2))
            if fault:
                line = text.count("\n", 0, match.start(1)) + 1
                faults.append(f"{path}:{line}: {fault}")
    return faults, judged


def self_test():
    """Each of these includes must be found, each of the others must not."""
    bad = {
        "src/ns/a.c": "#include <cattach/spec.h>\n",
        "src/base/a.c": "#include <cattach/caps.h>\n",
        "src/conmon/a.c": "/* x */\n# include <cattach/ns.h>\n",
        "src/cgroups/a.c": '#include "../ns/x.h"\n',
        "src/oci/a.c": "#include <yajl/yajl_parse.h>\n",
        "src/ns/b.c": "#include <seccomp.h>\n",
        "src/container/a.c": "#include <cattach/unheard_of.h>\n",
        "src/cli/a.c": '#include "not_there.h"\n',
        "include/cattach/err.h": "#include <cattach/buf.h>\n#include <cattach/monitor.h>\n",
    }
    good = {
        "src/ns/c.c": "#include <cattach/err.h>\n/* #include <cattach/spec.h> */\n",
        "src/cli/b.c": "#include <cattach/run.h>\n#include <stdio.h>\n",
        "src/base/json.c": "#include <yajl/yajl_parse.h>\n",
    }
    with tempfile.TemporaryDirectory() as tree:
        for path, text in {**bad, **good}.items():
            os.makedirs(os.path.join(tree, os.path.dirname(path)), exist_ok=True)
            with open(os.path.join(tree, path), "w", encoding="utf-8") as file:
                file.write(text)
        found = {fault.split(":")[0] for fault in check(tree)[0]}
    if found != set(bad):
        print(f"the check is broken: missed {sorted(set(bad) - found)}, wrong about {sorted(found - set(bad))}")
        return False
    return True


def main():
    tree = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
    if not self_test():
        return 1
    faults, judged = check(tree)
    for fault in faults:
        print(fault)
    if not judged:
        print(f"{tree}: no includes found: is this a source tree?")
    return 1 if faults or not judged else 0


if __name__ == "__main__":
    sys.exit(main())
