#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests that need a terminal: cattach under a pty, driven by pexpect (Debian's python3-pexpect).

  tests/pty/run.py [WORD...]    all tests, or those whose name contains one of the words

Prints TAP. Every test is a function test_...() of a test_*.py beside this file, its first line of
documentation is its name. A test may take two minutes, then it counts as failed, and whatever it
started is killed with it. Runs as the unprivileged user in the staged tree that CT_STAGE names
(tests/run.sh), with the environment that command tests have.
"""
import importlib
import os
import signal
import sys
import tempfile
import traceback

SECONDS = 120


class TookTooLong(Exception):
    """Not a failure of an assertion: the test hung."""


def on_alarm(_number, _frame):
    raise TookTooLong(f"took longer than {SECONDS} s")


def prepare():
    """A home and a runtime directory of our own, as tests/bats-file.sh gives to command tests."""
    stage = os.environ["CT_STAGE"]
    work = tempfile.mkdtemp(prefix="pty.", dir=os.path.join(stage, "work"))
    for name, variable in ("home", "HOME"), ("run", "XDG_RUNTIME_DIR"), ("tmp", "TMPDIR"):
        os.environ[variable] = os.path.join(work, name)
        os.mkdir(os.environ[variable], 0o700)
    os.environ["PATH"] = f"{stage}/usr/bin:{os.environ['PATH']}"
    os.environ["CT_ROOTFS"] = f"{stage}/examples/bundles/rootfs"
    os.environ["CT_PROBES"] = f"{stage}/probe"
    os.environ["TERM"] = "xterm"
    for name in "XDG_DATA_HOME", "CATTACH_DEBUG":
        os.environ.pop(name, None)


def collect(words):
    """All tests, in the order of files and lines."""
    here = os.path.dirname(os.path.abspath(__file__))
    tests = []
    for file in sorted(os.listdir(here)):
        if not (file.startswith("test_") and file.endswith(".py")):
            continue
        module = importlib.import_module(file[:-3])
        functions = [f for n, f in vars(module).items() if n.startswith("test_") and callable(f)]
        tests += sorted(functions, key=lambda f: f.__code__.co_firstlineno)
    return [t for t in tests if not words or any(w in name_of(t) for w in words)]


def name_of(test):
    """The first line of its documentation."""
    return (test.__doc__ or test.__name__).strip().split("\n")[0].rstrip(".")


def run(test, clean_up):
    """None, or why it failed."""
    signal.alarm(SECONDS)
    try:
        test()
    except Exception:  # whatever it is, the next test gets its turn
        signal.alarm(0)
        return traceback.format_exc()
    finally:
        signal.alarm(0)
        clean_up()
    return None


def main():
    """Exit status 0 when all passed."""
    prepare()
    tests = collect(sys.argv[1:])
    clean_up = importlib.import_module("terminal").clean_up
    failed = 0
    signal.signal(signal.SIGALRM, on_alarm)
    print(f"1..{len(tests)}", flush=True)
    for number, test in enumerate(tests, 1):
        why = run(test, clean_up)
        print(f"{'not ' if why else ''}ok {number} {name_of(test)}", flush=True)
        if why:
            failed += 1
            print("\n".join("# " + line for line in why.split("\n")), flush=True)
    return 1 if failed or not tests else 0


if __name__ == "__main__":
    sys.exit(main())
