# SPDX-License-Identifier: Apache-2.0
"""kill -9 at random points: ps tells the truth afterwards, and rm -f leaves nothing.

The victim is the command or, where there is one, a process that it left behind: the monitor, or
what stands between the two during a start. The seed is printed with a failure.
"""
import json
import os
import random
import signal
import subprocess
import time

from harness import (PATIENCE, Failure, WITH_LINES, cattach, ends, eventually, fields, make,
                     nothing_left, processes, rootfs, spawn)

# Long enough to be killed anywhere in it on a slow machine, too.
LONGEST = 0.06
PAYLOADS = (("stamps", "15", "1000"), ("stamps", "1000000", "1000"), ("write", "640000"))


def payloads():
    """Pids of living payloads."""
    return [p for p in processes() if fields(p, "cmdline").startswith("/opt/lines\0")]


def listed():
    """What ps says: state by id. It must answer, whatever was killed."""
    text = cattach("ps", "-a", "--no-trunc", "--format", "json")
    return {row["ID"]: row["State"] for row in map(json.loads, text.splitlines())}


def is_true():
    """What ps says is what /proc says: what has a payload is running, and nothing else is."""
    before = payloads()
    states = list(listed().values())
    return before == payloads() and len(before) == states.count("running")


def begin(rng, name):
    """One command in the background, with what has to be there before it."""
    what = rng.choice(("run", "run -d", "run --rm", "create", "start", "start -a", "attach",
                       "stop", "rm -f"))
    command = ("/opt/lines", *rng.choice(PAYLOADS))
    if what.startswith("run"):
        args = (*what.split(), "--name", name, *WITH_LINES, "--rootfs", rootfs(), *command)
    elif what == "create":
        args = ("create", "--name", name, *WITH_LINES, "--rootfs", rootfs(), *command)
    else:
        make(name, *command, options=rng.choice(((), ("--rm",))))
        if what in ("attach", "stop", "rm -f") and rng.random() < 0.7:
            cattach("start", name)
        args = (*what.split(), *(("-t", "0") if what == "stop" else ()), name)
    return what, spawn(*args, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def strike(rng, command):
    """Kill the command, or another process of ours: which kind it was."""
    others = [p for p in processes() if p != command.pid
              and fields(p, "cmdline").startswith("cattach")]
    if others and rng.random() < 0.6:
        try:
            os.kill(rng.choice(others), signal.SIGKILL)
        except ProcessLookupError:
            pass
        return "monitor"
    command.kill()
    return "command"


def let_end(command, name):
    """What was not killed ends by itself; what follows a long payload, when that is killed."""
    for _ in range(PATIENCE):
        try:
            command.wait(0.3)
            return
        except subprocess.TimeoutExpired:
            cattach("kill", "-s", "KILL", name, code=None)
            cattach("start", name, code=None)
            cattach("kill", "-s", "KILL", name, code=None)
    command.kill()
    raise Failure(f"{command.args}: does not end")


def one(rng, number):
    name = f"k{number}"
    what, command = begin(rng, name)
    time.sleep(rng.uniform(0, LONGEST))
    victim = strike(rng, command)
    try:
        if victim == "command":
            ends(command, command.wait(PATIENCE))
        eventually(is_true, "the truth from ps")
        if victim != "command":
            let_end(command, name)
            eventually(is_true, "the truth from ps")
        known = listed()
        for identity, status in known.items():
            if status == "exited":
                cattach("wait", identity, code=None)
            cattach("rm", "-f", identity)
        nothing_left(known)
    except Failure as failure:
        raise Failure(f"{what}, {victim} killed, ps: {listed()}: {failure}") from None


def random_kills(count):
    """after kill -9 of command or monitor at a random point ps is truthful and rm -f leaves nothing"""
    seed = int(os.environ.get("CT_SEED", time.time_ns() % 1000000))
    rng = random.Random(seed)
    for number in range(count):
        try:
            one(rng, number)
        except Failure as failure:
            raise Failure(f"seed {seed}, round {number}: {failure}") from None
