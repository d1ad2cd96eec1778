#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A runtime for the tests of cattach-conmon: as much of one as a monitor sees.

It writes its command line to $FAKE/argv, forks a process that runs the shell script $FAKE_PAYLOAD,
sends a terminal where it is asked for, writes the pid and ends. "create" leaves the process waiting
until somebody writes to the FIFO $FAKE/start, by another name than it will have. $FAKE_FAIL is said on
stderr instead of all that, with exit status 3; before it all, $FAKE_NOISE MiB on stdout and on stderr. With
$FAKE_HANGS it does nothing, and writes its pid to $FAKE/hangs; with $FAKE_FORGETS it succeeds in nothing.
"""
import array
import fcntl
import json
import os
import pty
import signal
import socket
import sys
import termios


def value(option):
    return sys.argv[sys.argv.index(option) + 1] if option in sys.argv else None


def send_terminal(path, master):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.connect(path)
        sock.sendmsg([b"pty"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [master]))])


def payload(waits, terminal):
    os.setsid()
    if terminal is not None:
        fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
        for fd in range(3):
            os.dup2(terminal, fd)
    os.closerange(3 + int(os.environ.get("FAKE_PRESERVE", "0")), 64)
    if waits:
        with open("/proc/self/comm", "w", encoding="ascii") as file:
            file.write("fake-runtime")
        with open(os.environ["FAKE"] + "/start", "rb") as file:
            file.read()
    os.execv("/bin/sh", ["sh", "-c", os.environ["FAKE_PAYLOAD"]])


def noise(fd, mebibytes):
    """What a hook may have to say: more than a pipe holds, in lines."""
    line = b"noise " + b"." * 57 + b"\n"
    left = line * (mebibytes * (1 << 20) // len(line))
    while left:
        left = left[os.write(fd, left):]


def main():
    with open(os.environ["FAKE"] + "/argv", "w", encoding="utf-8") as file:
        json.dump(sys.argv[1:], file)
    with open(os.environ["FAKE"] + "/fds", "w", encoding="utf-8") as file:
        json.dump({fd: os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd")
                   if os.path.lexists(f"/proc/self/fd/{fd}")}, file)
    if "FAKE_HANGS" in os.environ:
        with open(os.environ["FAKE"] + "/hangs", "w", encoding="ascii") as file:
            file.write(str(os.getpid()))
        signal.pause()
    if "FAKE_NOISE" in os.environ:
        noise(2, int(os.environ["FAKE_NOISE"]))
        noise(1, int(os.environ["FAKE_NOISE"]))
    if "FAKE_FAIL" in os.environ:
        sys.stderr.write(os.environ["FAKE_FAIL"])
        return 3
    if "FAKE_FORGETS" in os.environ:
        return 0
    master = terminal = None
    console = value("--console-socket")
    if console:
        master, terminal = pty.openpty()
        send_terminal(console, master)
    pid = os.fork()
    if pid == 0:
        payload("create" in sys.argv, terminal)
    with open(value("--pid-file"), "w", encoding="ascii") as file:
        file.write(str(pid))
    return 0


sys.exit(main())
