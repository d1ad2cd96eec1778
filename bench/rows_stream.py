# SPDX-License-Identifier: Apache-2.0
"""Rows about throughput: what it costs to log everything, and what it costs that others watch.

A payload of ours and of conmon's does the same: it waits until everything is in place, notes the
time, writes, notes the time and sleeps on, so that the monitor's own processor time can be read.
"""
import functools
import os
import shutil
import signal
import subprocess
import time

from harness import (AS_USER, GIB, HAVE_CONMON, LINES, MIB, ROOTFS, WORK, Conmon, cattach,
                     cpu_seconds, eventually, inspect, monitor_of, own_directory, read, remove,
                     start, us)

PEER_SIZE = GIB // 4	# conmon takes its time
STUCK = 10		# seconds that a stuck peer is watched


def rate(size, seconds):
    return f"{size / MIB / seconds:.0f} MiB/s"


def payload(lines, directory, size, chunk):
    return (f"while [ ! -e {directory}/go ]; do sleep 0.01; done; cat /proc/uptime > "
            f"{directory}/began; {lines} write {size} {chunk}; cat /proc/uptime > "
            f"{directory}/ended; exec sleep 1000")


def clock(directory, file):
    return float(read(f"{directory}/{file}").split()[0])


def go(directory):
    with open(f"{directory}/go", "w", encoding="utf-8"):
        pass


def finished(directory, seconds=180):
    """Seconds from the first byte to the last that the payload has got rid of."""
    eventually(lambda: os.path.exists(f"{directory}/ended") and read(f"{directory}/ended"),
               "the end of the payload", seconds, 0.01)
    return clock(directory, "ended") - clock(directory, "began")


def attached(name):
    return len(cattach("clients", name).splitlines()) - 1


@functools.total_ordering
class Run:
    """A container that writes, with clients: "view", "stopped", "killed"."""

    def __init__(self, size, chunk=64, kinds=()):
        shared = own_directory()
        cattach("run", "-d", "--name", "stream", "--log-opt", "max-size=2g", "-v",
                f"{shared}:/mnt", "--rootfs", ROOTFS, "sh", "-c",
                payload("lines", "/mnt", size, chunk))
        monitor = monitor_of("stream")
        clients = [start("cattach", "attach", "--no-stdin", "stream") for _ in kinds]
        eventually(lambda: attached("stream") == len(kinds), "all clients", pause=0.1)
        before = cpu_seconds(monitor)
        go(shared)
        eventually(lambda: os.path.exists(f"{shared}/began"), "the beginning")
        for client, kind in zip(clients, kinds):
            if kind != "view":
                client.send_signal(signal.SIGSTOP if kind == "stopped" else signal.SIGKILL)
        self.wall = finished(shared)
        time.sleep(0.1)
        self.cpu = cpu_seconds(monitor) - before
        self.check(size)
        for client in clients:
            client.kill()
            client.wait()
        remove("stream")
        shutil.rmtree(shared)

    def __lt__(self, other):
        return self.wall < other.wall

    def __eq__(self, other):
        return self.wall == other.wall

    @staticmethod
    def check(size):
        """A rate of bytes that are not there would be none."""
        log = f"{WORK}/home/.local/share/cattach/containers/{inspect('stream', '.Id')}/main"
        held = sum(os.stat(f"{log}/{n}").st_size for n in os.listdir(log) if n.startswith("log."))
        if held < size:
            raise RuntimeError(f"{held} bytes in the log, not {size}")


def shell(command):
    """Seconds that a command takes."""
    began = time.monotonic()
    subprocess.run(["sh", "-c", command], check=True, **AS_USER)
    return time.monotonic() - began


def floor(size, chunk):
    """Seconds of the same into a pipe, and out of it into a file."""
    path = f"{WORK}/floor"
    took = shell(f"{LINES} write {size} {chunk} | cat > {path}")
    os.unlink(path)
    return took


def peer(size, chunk=64, kinds=()):
    """Seconds of the same at conmon, or None when it is not there, or stands still."""
    if not HAVE_CONMON:
        return None
    shared = own_directory()
    conmon = Conmon(payload(LINES, shared, size, chunk))
    clients = [conmon.client() for _ in kinds]
    time.sleep(0.3)
    conmon.go()
    go(shared)
    eventually(lambda: os.path.exists(f"{shared}/began"), "the beginning")
    for client, kind in zip(clients, kinds):
        if kind != "view":
            client.send_signal(signal.SIGSTOP if kind == "stopped" else signal.SIGKILL)
    try:
        took = finished(shared, STUCK if "stopped" in kinds else 180)
    except TimeoutError:
        took = None
    for client in clients:
        client.kill()
        client.wait()
    conmon.close()
    shutil.rmtree(shared)
    return took


def peer_text(size, seconds):
    if not HAVE_CONMON:
        return "conmon is not installed"
    return f"conmon {rate(size, seconds)}" if seconds else f"conmon: not done after {STUCK} s"


def in_turns(*measures, rounds=3):
    """The best of each, taken in turns, so that what else the machine does hits all alike."""
    taken = [[measure() for measure in measures] for _ in range(rounds)]
    return [min(values) for values in zip(*taken)]


def lines_to_log(table):
    """1 GiB of 64-byte lines to the log"""
    alone, unread, raw = in_turns(
        lambda: Run(GIB), lambda: Run(GIB, kinds=("stopped", "killed")), lambda: floor(GIB, 64))
    theirs = peer(PEER_SIZE)
    table.row("1 GiB of 64-byte lines to the log", f"{alone.wall:.1f} s, {rate(GIB, alone.wall)}",
              f"pipe into cat > file {raw:.1f} s", alone.wall / raw, "≤ 1.1",
              alone.wall / raw <= 1.1)
    table.row("the same", rate(GIB, alone.wall), peer_text(PEER_SIZE, theirs),
              alone.wall / GIB * PEER_SIZE / theirs if theirs else None, "≤ 6 s", alone.wall <= 6)
    table.row("the same, processor time of the monitor", f"{alone.cpu:.2f} s")
    ratio = unread.wall / alone.wall
    table.row("the same, with one client stopped and one killed", f"{unread.wall:.1f} s",
              f"without clients {alone.wall:.1f} s", ratio, "≤ 1.1", ratio <= 1.1)
    table.row("the same", f"{unread.wall:.1f} s",
              peer_text(PEER_SIZE, peer(PEER_SIZE, kinds=("stopped", "killed"))))
    watched(table, alone)
    crowd(table, alone)


def watched(table, alone):
    run = Run(GIB, kinds=("view", "view"))
    theirs = peer(PEER_SIZE, kinds=("view", "view"))
    table.row("the same, with two clients that read", f"{run.wall:.1f} s",
              f"without clients {alone.wall:.1f} s", run.wall / alone.wall)
    table.row("the same", rate(GIB, run.wall), peer_text(PEER_SIZE, theirs),
              run.wall / GIB * PEER_SIZE / theirs if theirs else None)


def crowd(table, alone):
    run = Run(GIB, kinds=("view",) * 100)
    ratio = run.cpu / alone.cpu
    table.row("the same, with 100: processor time of the monitor", f"{run.cpu:.2f} s",
              f"without clients {alone.cpu:.2f} s", ratio, "≤ 1.1", ratio <= 1.1)


def large_writes(table):
    """1 GiB in writes of 64 KiB to the log"""
    run, raw = in_turns(lambda: Run(GIB, 65536), lambda: floor(GIB, 65536))
    table.row("1 GiB in writes of 64 KiB to the log", f"{run.wall:.2f} s, {rate(GIB, run.wall)}",
              f"pipe into cat > file {raw:.2f} s", run.wall / raw, "≤ 1.11", run.wall / raw <= 1.11)
    theirs = peer(PEER_SIZE, 65536)
    table.row("the same", rate(GIB, run.wall), peer_text(PEER_SIZE, theirs),
              run.wall / GIB * PEER_SIZE / theirs if theirs else None)


def foreground(table):
    """1 GiB of lines through run"""
    took, raw = in_turns(
        lambda: shell(f"cattach run --rm --rootfs {ROOTFS} lines write {GIB} | cat > /dev/null"),
        lambda: shell(f"{LINES} write {GIB} | cat | cat > /dev/null"), rounds=2)
    table.row("1 GiB of 64-byte lines through run, to a pipe", f"{took:.1f} s",
              f"two pipes {raw:.1f} s", took / raw)


def stop_beside_stuck(table):
    """stop of a noisy container with a stuck client"""
    cattach("run", "-d", "--name", "noisy", "--rootfs", ROOTFS, "sh", "-c",
            "trap 'exit 0' TERM; while :; do lines write 1048576; done")
    client = start("cattach", "attach", "--no-stdin", "noisy")
    eventually(lambda: attached("noisy") == 1, "the client")
    client.send_signal(signal.SIGSTOP)
    time.sleep(1)
    began = time.monotonic()
    cattach("stop", "noisy")
    took = time.monotonic() - began
    table.row("stop of what writes all the time, with a stopped client", us(took * 1e6),
              "podman with conmon: fails after 6 s", target="< 2 s", met=took < 2)
    client.kill()
    client.wait()
    remove("noisy")


ROWS = (lines_to_log, large_writes, foreground, stop_beside_stuck)
