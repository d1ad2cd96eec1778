# SPDX-License-Identifier: Apache-2.0
"""Rows about reading a log: what must not cost more because the log is larger."""
import os
import subprocess

from harness import AS_USER, GIB, MIB, ROOTFS, WORK, cattach, eventually, remove, timed, us

SIZES = {"small": MIB, "large": GIB}


def fill(name, size):
    """A container that has written so much, and lives."""
    cattach("run", "-d", "--log-opt", "max-size=2g", "--name", name, "--rootfs", ROOTFS, "sh",
            "-c", f"lines write {size} 4096; exec sleep 1000")
    last = f"{size // 64 - 1:016d} "
    eventually(lambda: cattach("logs", "-n", 1, name).startswith(last), f"the log of {name}")


def compare(table, what, *options, command=("logs",), option=None, small=(), large=()):
    a, b = timed(("small", "cattach", *command, *options, *small, "small"),
                 ("large", "cattach", *command, *options, *large, "large"), rounds=60,
                 option=option)
    table.row(f"{what}, log of 1 GiB", us(b), f"log of 1 MiB: {us(a)}", b / a, "≤ 1.2",
              b / a <= 1.2)


def last_time(name):
    return ("--since", cattach("logs", "-t", "-n", 1, name).split()[0])


def tails(table):
    """the last lines of logs of different sizes"""
    for name, size in SIZES.items():
        fill(name, size)
    compare(table, "logs -n 10", "-n", 10)
    compare(table, "logs --since its last write", small=last_time("small"),
            large=last_time("large"))
    compare(table, "attach -n 10 to its first byte", "--no-stdin", "-n", 10, command=("attach",),
            option="-b")
    whole(table)
    for name in SIZES:
        remove(name)


def whole(table):
    """All of it, beside cat of a file with the same bytes."""
    path = f"{WORK}/whole"
    with open(path, "wb") as file:
        os.fchmod(file.fileno(), 0o644)
        subprocess.run(["cattach", "logs", "large"], stdout=file, check=True, **AS_USER)
    ours, raw = timed(("logs", "cattach", "logs", "--format", "raw", "large"),
                      ("cat", "cat", path), rounds=3)
    text, _ = timed(("logs", "cattach", "logs", "large"), ("cat", "cat", path), rounds=3)
    os.unlink(path)
    table.row("logs --format raw of 1 GiB, to /dev/null", us(ours), f"cat of a file: {us(raw)}", ours / raw)
    table.row("logs of 1 GiB, line by line, to /dev/null", us(text), f"cat of a file: {us(raw)}", text / raw)


ROWS = (tails,)
