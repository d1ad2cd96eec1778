# SPDX-License-Identifier: Apache-2.0
"""Rows about how long somebody waits: for a line, for a key's echo, for an end."""
import os
import pty
import subprocess
import time

from harness import (AS_USER, HAVE_CONMON, LINES, ROOTFS, STAGE, Conmon, cattach, eventually,
                     median, remove, start, timed, us, waiting)

LONE = ("stamps", 200, 5000)	# count, microseconds between two
KEYS = (150, 15000)
STORM = "lines write 1000000000000 >&2 & exec cat"


def words(numbers):
    """What lines says about delays."""
    return f"{us(numbers[0])} (99 %: {us(numbers[1])})"


class Delays:
    """Looks at how old the stamps are that come out of a process."""

    def __init__(self, source):
        self.reader = start(LINES, "delays", 10, stdin=source.stdout, stderr=subprocess.PIPE)
        source.stdout.close()

    def numbers(self):
        """Median, 99th percentile and greatest, once the process has ended."""
        return [float(n) for n in self.reader.communicate(timeout=60)[1].split()]


def beside(raw, theirs):
    return f"pipe {us(raw[0])}" + (f"; conmon {words(theirs)}" if theirs else "")


def lone_lines_at_conmon():
    if not HAVE_CONMON:
        return None
    conmon = Conmon(f"{LINES} {' '.join(map(str, LONE))}; exec sleep 1000")
    client = conmon.client(stdout=subprocess.PIPE)
    delays = Delays(client)
    time.sleep(0.3)
    conmon.go()
    time.sleep(LONE[1] * LONE[2] / 1e6 + 0.7)
    conmon.close()
    client.wait(60)
    return delays.numbers()


def lone_lines(table):
    """a lone line on its way to a client"""
    cattach("create", "--name", "lone", "--rootfs", ROOTFS, "lines", *LONE)
    client = start("cattach", "attach", "--no-stdin", "lone", stdout=subprocess.PIPE)
    waiting("lone", 1)
    delays = Delays(client)
    cattach("start", "lone")
    ours = delays.numbers()
    client.wait(60)
    remove("lone")
    raw = Delays(start(LINES, *LONE, stdout=subprocess.PIPE)).numbers()
    theirs = lone_lines_at_conmon()
    table.row("a lone line from the payload to an attached client", words(ours),
              beside(raw, theirs), ours[0] / theirs[0] if theirs else None, "< 1 ms",
              ours[0] < 1000)


def type_and_wait(client, near, far):
    """Delays of what is typed into a client and comes back; closes our copies of the ends."""
    keyboard = start(LINES, "echo", *KEYS, stdin=near[0], stdout=near[1], stderr=subprocess.PIPE)
    for fd in {*near, *far}:
        os.close(fd)
    numbers = [float(n) for n in keyboard.communicate(timeout=60)[1].split()]
    client.kill()
    client.wait()
    return numbers


def echo(*command):
    ours, theirs = os.pipe(), os.pipe()
    client = start(*command, stdin=theirs[0], stdout=ours[1])
    return type_and_wait(client, (ours[0], theirs[1]), (theirs[0], ours[1]))


def echo_on_terminal(*command):
    master, slave = pty.openpty()
    client = start(*command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
    time.sleep(0.2)	# until the terminal is raw
    return type_and_wait(client, (master, master), (slave,))


def echo_of(options, *command, attach=(), measure=echo):
    cattach("run", *options, "--name", "echo", "--rootfs", ROOTFS, *command)
    time.sleep(0.3)
    numbers = measure("cattach", "attach", *attach, "echo")
    remove("echo")
    return numbers


def echo_at_conmon(command):
    if not HAVE_CONMON:
        return None
    conmon = Conmon(command, "-i")
    conmon.go()
    time.sleep(0.3)
    numbers = echo(f"{STAGE}/conmon_client", conmon.bundle, 2)
    conmon.close()
    return numbers


def keys(table):
    """the echo of a key"""
    raw = echo("cat")
    ours, theirs = echo_of(("-di",), "cat"), echo_at_conmon("exec cat")
    table.row("a key through a client to the payload and back", words(ours), beside(raw, theirs),
              ours[0] / theirs[0] if theirs else None, "< 1 ms", ours[0] < 1000)
    ours = echo_of(("-dit",), "sh", "-c", "stty raw -echo; exec cat",
                   measure=echo_on_terminal)
    table.row("the same with a terminal", words(ours), target="< 1 ms", met=ours[0] < 1000)
    ours = echo_of(("-di",), "sh", "-c", STORM, attach=("-a", "stdin", "-a", "stdout"))
    theirs = echo_at_conmon(STORM.replace("lines", LINES))
    table.row("the same while stderr storms", words(ours),
              f"conmon {words(theirs)}" if theirs else "–",
              ours[0] / theirs[0] if theirs else None)


def attaching(table):
    """how soon a client shows something"""
    cattach("run", "-d", "--name", "shown", "--rootfs", ROOTFS, "sh", "-c",
            "echo here; exec sleep 1000")
    version, attach = timed(("version", "cattach", "version"),
                            ("attach", "cattach", "attach", "--no-stdin", "--replay", "shown"),
                            option="-b")
    table.row("attach to its first byte", us(attach), f"cattach version {us(version)}",
              attach / version, "< 20 ms", attach < 20000)
    remove("shown")


def typed_detach():
    """ns from ctrl-p ctrl-q to the end of the client."""
    master, slave = pty.openpty()
    client = subprocess.Popen(["cattach", "attach", "typed"], stdin=slave, stdout=slave,
                              stderr=slave, start_new_session=True, **AS_USER)
    os.close(slave)
    eventually(lambda: len(cattach("clients", "typed").splitlines()) == 2, "the client")
    time.sleep(0.05)
    began = time.monotonic_ns()
    os.write(master, b"\x10\x11")
    client.wait(20)
    took = time.monotonic_ns() - began
    os.close(master)
    return took


def detaching(table):
    """how soon the detach keys let go"""
    cattach("run", "-dit", "--name", "typed", "--rootfs", ROOTFS, "sleep", 1000)
    took = median([typed_detach() for _ in range(15)]) / 1e3
    table.row("detach keys to the client's exit", us(took), target="< 20 ms", met=took < 20000)
    remove("typed")


def age_at_exit(process):
    """µs from the stamp that a process shows last to its exit."""
    said = process.stdout.read().split()
    process.wait(60)
    return (time.monotonic_ns() - int(said[-1])) / 1e3


def ends(table):
    """how soon the end is known"""
    run = median([age_at_exit(start("cattach", "run", "--rm", "--rootfs", ROOTFS, "lines",
                                    "stamps", 1, 0, stdout=subprocess.PIPE)) for _ in range(50)])
    raw = median([age_at_exit(start(f"{STAGE}/floor", ROOTFS, "lines", "stamps", 1, 0,
                                    stdout=subprocess.PIPE)) for _ in range(50)])
    table.row("the payload's last byte to the exit of run", us(run), f"floor {us(raw)}", run / raw,
              "< 100 ms", run < 100000)
    for what, command in (("logs -f", ("logs", "-f")), ("attach", ("attach",))):
        took = median([end_of(command) for _ in range(20)])
        table.row(f"the same to the exit of {what}", us(took), f"floor {us(raw)}", took / raw,
                  "< 100 ms", took < 100000)
    for what, measure in (("wait", end_waited_for), ("the line of events -f", end_told)):
        took = median([measure() for _ in range(20)])
        table.row(f"the same to {'the exit of ' if what == 'wait' else ''}{what}", us(took),
                  f"floor {us(raw)}", took / raw, "< 100 ms", took < 100000)


def short_lived():
    cattach("run", "-d", "--name", "end", "--rootfs", ROOTFS, "sh", "-c",
            "sleep 0.2; exec lines stamps 1 0")


def age_of_end(now):
    """µs from the stamp in the log to a time; the container goes."""
    said = cattach("logs", "-n", "1", "end").split()
    remove("end")
    return (now - int(said[-1])) / 1e3


def end_waited_for():
    short_lived()
    start("cattach", "wait", "end", stdout=subprocess.DEVNULL).wait(60)
    return age_of_end(time.monotonic_ns())


def end_told():
    follower = start("cattach", "events", "-f", "--filter", "event=died", stdout=subprocess.PIPE)
    short_lived()
    follower.stdout.readline()
    now = time.monotonic_ns()
    follower.kill()
    follower.communicate()
    return age_of_end(now)


def end_of(command):
    short_lived()
    took = age_at_exit(start("cattach", *command, "end", stdout=subprocess.PIPE))
    remove("end")
    return took


ROWS = (lone_lines, keys, attaching, detaching, ends)
