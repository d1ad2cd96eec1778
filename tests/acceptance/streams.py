# SPDX-License-Identifier: Apache-2.0
"""Nothing lost: what a payload writes reaches the log and everybody who is to get it, to the byte.

Sizes are those of the full tests; SMALL, the ones of "make check", are in the table of run.py.
"""
import hashlib
import os
import re
import signal
import subprocess
import threading
import time

from harness import (MIB, PATIENCE, Failure, cattach, digest, digest_of_lines, ends, equal,
                     eventually, hashing, make, nothing_left, rootfs, spawn, state, WITH_LINES)

LOG_OF_ALL = ("--log-opt", "max-size=1g", "--log-opt", "max-file=4")
SMALL_LOG = ("--log-opt", "max-size=1m")


def waiting(identity, count):
    """So many wait for the start of a container that was created."""
    directory = os.path.join(os.environ["XDG_RUNTIME_DIR"], "cattach", identity)

    def all_there():
        try:
            return sum(n.startswith("wait.") for n in os.listdir(directory)) == count
        except FileNotFoundError:
            return False
    eventually(all_there, f"{count} who wait for the start of {identity}")


def written(path):
    return os.stat(path).st_size


def viewers(size):
    """the log and two attached clients get every byte while a third is stopped and a fourth killed"""
    wanted = digest_of_lines(size)[0]
    identity = make("viewers", "/opt/lines", "write", str(size), options=LOG_OF_ALL)
    good = [hashing("attach", "viewers") for _ in range(2)]
    seen = os.path.join(os.environ["TMPDIR"], "killed")
    with open(seen, "wb") as out:
        stopped = spawn("attach", "viewers", stdout=subprocess.DEVNULL)
        killed = spawn("attach", "viewers", stdout=out)
    waiting(identity, 4)
    cattach("start", "viewers")
    stopped.send_signal(signal.SIGSTOP)
    eventually(lambda: written(seen) > size // 64, "output at the client that is to be killed")
    killed.kill()
    ends(killed, -signal.SIGKILL)
    for reader, hasher in good:
        ends(reader)
        equal(hasher.communicate()[0].split()[0].decode(), wanted, "hash of an attached client")
    logs, hasher = hashing("logs", "viewers")
    ends(logs)
    equal(hasher.communicate()[0].split()[0].decode(), wanted, "hash of the log")
    equal(state("viewers", "ExitCode"), "0", "exit code")
    stopped.send_signal(signal.SIGCONT)
    ends(stopped)
    cattach("rm", "viewers")
    nothing_left([identity])


def whole(process, wanted, code, what):
    """Its stdout is what was wanted, it has nothing to complain of and ends with the code."""
    got = digest(process.stdout)
    complaint = process.stderr.read()
    process.stdout.close()
    process.stderr.close()
    ends(process, code)
    equal(got, wanted, what)
    equal(complaint, b"", what)


def bursts(runs):
    """a payload that writes a mebibyte and exits at once is followed to its last byte"""
    wanted = digest_of_lines(MIB)
    for i in range(runs):
        code = i % 120
        chunk = ("64", "4096", "65536", str(MIB))[i % 4]
        process = spawn("run", "--rm", *WITH_LINES, "--rootfs", rootfs(), "/opt/lines", "write",
                        str(MIB), chunk, str(code), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        whole(process, wanted, code, f"run {i}")
    nothing_left()


def awaited_bursts(runs):
    """the same for who was attached before the start"""
    wanted = digest_of_lines(MIB)
    for i in range(runs):
        code = i % 120
        chunk = ("64", "4096", "65536", str(MIB))[i % 4]
        identity = make("awaited", "/opt/lines", "write", str(MIB), chunk, str(code),
                        options=("--rm",))
        process = spawn("attach", "awaited", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        waiting(identity, 1)
        cattach("start", "awaited")
        whole(process, wanted, code, f"start {i}")
        eventually(lambda: not cattach("ps", "-aq"), "the removal of the container")
    nothing_left()


def slow_digest(source, size, halfway=lambda: None):
    """Read it, but always slower than it could come, and sometimes not at all for a while."""
    sha, length = hashlib.sha256(), 0
    while data := source.read(MIB):
        sha.update(data)
        before, length = length, length + len(data)
        if before < size // 2 <= length:
            halfway()
        time.sleep(0.1 if length // MIB % 256 == 0 else 0.001)
    return sha.hexdigest(), length


def slow_pipe(size):
    """a slow pipe gets everything, however much more than the log may hold"""
    wanted = digest_of_lines(size)
    process = spawn("run", "--rm", *SMALL_LOG, *WITH_LINES, "--rootfs", rootfs(), "/opt/lines",
                    "write", str(size), "65536", stdout=subprocess.PIPE)
    with process.stdout as source:
        equal(slow_digest(source, size), wanted, "at the end of the pipe")
    ends(process)
    nothing_left()


def skipped(text):
    """How many bytes a viewer was told that it missed."""
    lines = text.splitlines()
    told = [re.fullmatch(r"cattach: (\d+) bytes? (?:was|were) skipped: .*", line) for line in lines]
    if not all(told):
        raise Failure(f"stderr of the viewer: {text}")
    return sum(int(t.group(1)) for t in told)


class Viewer(threading.Thread):
    """Reads what an attached client writes: how much, and the end of it."""

    def __init__(self, process):
        super().__init__(daemon=True)
        self.process, self.length, self.end = process, 0, b""
        self.start()

    def run(self):
        while data := os.read(self.process.stdout.fileno(), MIB):
            self.length += len(data)
            self.end = (self.end + data)[-64:]


def slow_pipe_and_viewer(size):
    """the same beside a viewer that is stopped: woken, it reads on and is told what it missed"""
    wanted = digest_of_lines(size)
    identity = make("slow", "/opt/lines", "write", str(size), "65536", options=SMALL_LOG)
    process = spawn("attach", "--lag", "skip", "slow", stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE)
    viewer = Viewer(process)
    waiting(identity, 1)
    pipe = spawn("start", "-a", "slow", stdout=subprocess.PIPE)
    eventually(lambda: viewer.length > 0, "the first bytes at the viewer")
    process.send_signal(signal.SIGSTOP)
    with pipe.stdout as source:
        got = slow_digest(source, size, lambda: process.send_signal(signal.SIGCONT))
    equal(got, wanted, "at the end of the pipe")
    ends(pipe)
    told = process.stderr.read().decode()
    ends(process)
    viewer.join(PATIENCE)
    missed = skipped(told)
    if missed < size // 8:
        raise Failure(f"the viewer missed no more than {missed} bytes: it was not stopped")
    equal(viewer.length + missed, size, "bytes that the viewer got, and those it was told of")
    equal(int(viewer.end[:16]), size // 64 - 1, "the last line at the viewer")
    cattach("rm", "slow")
    nothing_left([identity])
