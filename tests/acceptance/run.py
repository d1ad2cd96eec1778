#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Acceptance of the promise that nothing is lost: large, and with kill -9 all over.

  tests/acceptance/run.py full|small [WORD...]   all tests, or those whose name has one of the words

Prints TAP. Full sizes take some minutes and four gigabytes of disk ("make acceptance"), the small
ones some seconds (a part of "make check"). Content and order are asserted, never time. Runs as an
unprivileged user in the staged tree that CT_STAGE names.
"""
import sys
import time
import traceback

import harness
import kills
import streams

MIB = harness.MIB

# Test, full size, small size: bytes or rounds.
TESTS = (
    (streams.viewers, 1024 * MIB, 32 * MIB),
    (streams.bursts, 1000, 20),
    (streams.awaited_bursts, 1000, 20),
    (streams.slow_pipe, 4096 * MIB, 64 * MIB),
    (streams.slow_pipe_and_viewer, 4096 * MIB, 128 * MIB),
    (kills.random_kills, 200, 20),
)


def run(number, test, size, work):
    name = f"{test.__doc__} ({size})"
    began = time.monotonic()
    try:
        test(size)
    except Exception as error:  # whatever it is, the next test is run
        print(f"not ok {number} - {name}")
        text = str(error) if isinstance(error, harness.Failure) else traceback.format_exc()
        print("\n".join("# " + line for line in text.splitlines()), flush=True)
        harness.clean(work)
        return False
    print(f"ok {number} - {name}\n# {time.monotonic() - began:.1f} s", flush=True)
    return True


def main():
    if len(sys.argv) < 2 or sys.argv[1] not in ("full", "small"):
        sys.exit(__doc__)
    work = harness.prepare()
    words = sys.argv[2:]
    tests = [(test, full if sys.argv[1] == "full" else small) for test, full, small in TESTS
             if not words or any(w in test.__name__ or w in test.__doc__ for w in words)]
    print(f"1..{len(tests)}", flush=True)
    passed = [run(number, test, size, work) for number, (test, size) in enumerate(tests, 1)]
    sys.exit(0 if all(passed) and passed else 1)


if __name__ == "__main__":
    main()
