#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Files and functions stay small enough to be read, there is no goto, and files say what they are.

  tests/check_size.py [TREE]       check a source tree (default: this one)

Limits: 600 lines a file, 80 a function; median of all functions 15. A function is what stands
between a "{" and a "}" in the first column, as the style demands. Before it checks, the program
proves on a throw-away tree that it finds what it looks for.
"""
import os
import re
import statistics
import sys
import tempfile

FILE_LINES = 600
FUNCTION_LINES = 80
MEDIAN_LINES = 15
DIRECTORIES = ("src", "include", "tests", "bench", "tools")
SUFFIXES = (".c", ".h", ".sh", ".py", ".bats", ".bash")
SPDX = "SPDX-License-Identifier: Apache-2.0"

NOISE = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def blank(text):
    """Comments and strings as spaces, lines kept."""
    return NOISE.sub(lambda m: re.sub(r"[^\n]", " ", m.group(0)), text)


def functions(lines):
    """(first line, length) of every function body of a C file; lines count from 1."""
    start = None
    for number, line in enumerate(lines, 1):
        if line.rstrip() == "{":
            start = number
        elif line.startswith("}") and start is not None:
            yield start, number - start + 1
            start = None


def name_of(lines, start):
    """The name of the function whose body begins at a line."""
    for line in reversed(lines[max(0, start - 8):start - 1]):
        match = re.match(r"[A-Za-z_].*?([A-Za-z_]\w*)\s*\(", line)
        if match:
            return match.group(1)
    return "?"


def check_c(path, text, lengths):
    """Faults of a C file; the lengths of the functions in src/ are collected."""
    lines = blank(text).split("\n")
    for start, length in functions(lines):
        if path.startswith("src"):
            lengths.append(length)
        if length > FUNCTION_LINES:
            yield f"{path}:{start}: {name_of(lines, start)}() has {length} lines, more than {FUNCTION_LINES}"
    for number, line in enumerate(lines, 1):
        if re.search(r"\bgoto\b", line):
            yield f"{path}:{number}: goto: use a cleanup attribute or a function"
    if path.startswith("src") and path.endswith(".c"):
        if not re.match(r"/\* SPDX[^\n]*\*/\n/\*", text):
            yield f"{path}:1: no opening comment: what it owns, where it runs, what may fail"


def check_file(tree, path, lengths):
    """Faults of one file."""
    with open(os.path.join(tree, path), encoding="utf-8") as file:
        text = file.read()
    count = text.count("\n")
    if count > FILE_LINES:
        yield f"{path}: {count} lines, more than {FILE_LINES}"
    if SPDX not in "\n".join(text.split("\n", 3)[:3]):
        yield f"{path}:1: no line with {SPDX}"
    if path.endswith((".c", ".h")):
        yield from check_c(path, text, lengths)


def files_of(tree):
    """Paths of all files that are judged."""
    for directory in DIRECTORIES:
        for root, below, names in os.walk(os.path.join(tree, directory)):
            below.sort()
            for name in sorted(names):
                if name.endswith(SUFFIXES):
                    yield os.path.relpath(os.path.join(root, name), tree)


def check(tree):
    """All faults of a tree as lines, and the lengths of its functions."""
    faults, lengths = [], []
    for path in files_of(tree):
        faults.extend(check_file(tree, path, lengths))
    if lengths and statistics.median(lengths) > MEDIAN_LINES:
        faults.append(f"src: the median function has {statistics.median(lengths)} lines, more than {MEDIAN_LINES}")
    return faults, lengths


def self_test():
    """Each of these files has one fault that must be found; the last has none."""
    head = f"/* {SPDX} */\n/* x */\n"
    body = "\tx();\n"
    bad = {
        "src/a.c": head + "void f(void)\n{\n" + body * FUNCTION_LINES + "}\n",
        "src/b.c": head + body * FILE_LINES,
        "src/c.c": head + "void f(void)\n{\n\tgoto out;\nout:\n}\n",
        "src/d.c": f"/* {SPDX} */\nint x;\n",
        "include/e.h": "int x;\n",
        "tests/f.bats": "true\n",
    }
    good = {
        "src/g.c": head + 'void f(void)\n{\n\tputs("goto");\t/* goto */\n' + body * (FUNCTION_LINES - 3) + "}\n",
        "src/h.h": f"/* {SPDX} */\nint x;\n",
    }
    with tempfile.TemporaryDirectory() as tree:
        for path, text in {**bad, **good}.items():
            os.makedirs(os.path.join(tree, os.path.dirname(path)), exist_ok=True)
            with open(os.path.join(tree, path), "w", encoding="utf-8") as file:
                file.write(text)
        found = {fault.split(":")[0] for fault in check(tree)[0]} - {"src"}
    if found != set(bad):
        print(f"the check is broken: missed {sorted(set(bad) - found)}, wrong about {sorted(found - set(bad))}")
        return False
    return True


def main():
    tree = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
    if not self_test():
        return 1
    faults, lengths = check(tree)
    for fault in faults:
        print(fault)
    if not lengths:
        print(f"{tree}: no functions found: is this a source tree?")
        return 1
    print(f"{len(lengths)} functions, median {statistics.median(lengths):g}, longest {max(lengths)} lines")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
