#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A storm: commands of every kind on twenty names, many at a time, and nothing left in the end.

  tests/storm/run.py SECONDS     for so long (60 in "make check-all", ten minutes in "make soak")

Prints TAP: one test that every command ended, and with a code and a text that its verb has for what
the others had just done (tables.py), one that nothing is left: no process, file, mount, cgroup. What
was seen how often is printed besides. CT_SEED repeats the choices, though not the races. Runs as an
unprivileged user in the staged tree that CT_STAGE names.
"""
import collections
import os
import random
import re
import subprocess
import sys
import threading
import time

sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../acceptance"))

import harness  # noqa: E402
import tables   # noqa: E402

WORKERS = 6
FOLLOWERS = 8		# who follow to the end of a container, besides
SHOWN = 40		# answers that are wrong, of thousands perhaps
NAMES = [f"storm{i}" for i in range(20)]


class Storm:
    """What all threads share."""

    def __init__(self, seconds, seed):
        self.deadline = time.monotonic() + seconds
        self.seed = seed
        self.lock = threading.Lock()
        self.seen = collections.Counter()
        self.wrong = []
        self.identities = set()

    def is_over(self):
        return time.monotonic() > self.deadline or len(self.wrong) >= SHOWN

    def note(self, verb, args, code, out, err):
        """Judge one answer."""
        text = tables.answer(verb, code, err)
        with self.lock:
            self.seen[f"{verb}: {text or 'NOT RIGHT'}"] += 1
            self.identities.update(re.findall(r"^[0-9a-f]{64}$", out, re.M))
            if not text:
                self.wrong.append(f"cattach {' '.join(args)}: exit {code}: {err.strip()!r}")

    def run(self, verb, args):
        """One command to its end. Who follows may do so to the end of the storm."""
        patience = harness.PATIENCE
        if verb in tables.FOLLOWING:
            patience += max(0, self.deadline - time.monotonic())
        with subprocess.Popen(["cattach", *args], stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            try:
                out, err = process.communicate(timeout=patience)
            except subprocess.TimeoutExpired:
                process.kill()
                out, err = process.communicate()
                err = f"still there after {patience:.0f} s: {err}"
        self.note(verb, args, process.returncode, out, err)

    def thread(self, verbs, number):
        """One command after the other."""
        rng = random.Random(f"{self.seed}/{number}")
        while not self.is_over():
            verb = rng.choice(verbs)
            self.run(verb, tables.command(verb, rng, NAMES, harness.rootfs()))


def whole(seconds, seed):
    """The storm itself: what was seen. Followers end when what they follow is removed."""
    storm = Storm(seconds, seed)
    workers = [threading.Thread(target=storm.thread, args=(tables.ACTING, i)) for i in range(WORKERS)]
    followers = [threading.Thread(target=storm.thread, args=(tables.FOLLOWING, WORKERS + i))
                 for i in range(FOLLOWERS)]
    for thread in workers + followers:
        thread.start()
    for thread in workers:
        thread.join()
    # Now and then a follower makes one, or attaches to what is there for the first time now.
    following = True
    while following:
        following = any(thread.is_alive() for thread in followers)
        # Once more when all have gone: what they have made or started last runs on.
        for identity in harness.cattach("ps", "-aq", "--no-trunc").split():
            storm.run("rm -f", ("rm", "-f", identity))
        time.sleep(0.1)
    return storm


def cgroups_of(identities):
    """Cgroups that are named after one of them; the names of some thousands are looked for at once."""
    return [path for path, _, _ in os.walk("/sys/fs/cgroup")
            if identities.intersection(re.findall("[0-9a-f]{64}", path))]


def report(number, name, complaints):
    print(f"{'not ' if complaints else ''}ok {number} - {name}")
    for line in complaints:
        print(f"# {line}")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    harness.prepare()
    seed = os.environ.get("CT_SEED", str(time.time_ns() % 1000000))
    storm = whole(float(sys.argv[1]), seed)
    print("1..2")
    report(1, f"every command in a storm of {sum(storm.seen.values())} ends as it says it does",
           storm.wrong and [f"seed {seed}"] + storm.wrong)
    left = []
    try:
        harness.nothing_left()
        harness.equal(cgroups_of(storm.identities), [], "cgroups")
    except harness.Failure as failure:
        left = str(failure).splitlines()
    report(2, f"{len(storm.identities)} containers leave nothing", left)
    for text, count in sorted(storm.seen.items()):
        print(f"#: {count:6} {text}")
    sys.exit(1 if storm.wrong or left or not storm.identities else 0)


if __name__ == "__main__":
    main()
