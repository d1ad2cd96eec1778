#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The rows of the benchmark, as a table in markdown: docs/performance.md says how to read it.

  bench/run.py [WORD...]     all rows, or those whose name or documentation has one of the words

Started by bench/run.sh, which makes the stage that CT_STAGE names. A row whose target is missed is
shown and counted; the exit status is 1 only when something could not be measured at all.
"""
import os
import sys
import time
import traceback

import harness
import rows_latency
import rows_logs
import rows_start
import rows_stream


def main():
    words = sys.argv[1:]
    os.environ["PATH"] = f"{harness.STAGE}/usr/bin:{os.environ['PATH']}"
    for directory in "home", "run":
        harness.own_directory(f"{harness.WORK}/{directory}")
    rows = [row for module in (rows_start, rows_latency, rows_logs, rows_stream)
            for row in module.ROWS
            if not words or any(w in row.__name__ or w in row.__doc__ for w in words)]
    table = harness.Table()
    broken, began = 0, time.monotonic()
    for row in rows:
        try:
            row(table)
        except Exception:  # the other rows are worth having
            broken += 1
            print(f"cannot be measured: {row.__doc__}\n{traceback.format_exc()}", file=sys.stderr)
    print(f"\n{table.met} targets met, {table.missed} missed, {broken} not measured, "
          f"{time.monotonic() - began:.0f} s")
    sys.exit(broken > 0 or not rows)


if __name__ == "__main__":
    main()
