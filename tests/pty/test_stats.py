# SPDX-License-Identifier: Apache-2.0
"""stats at a terminal: one screen, drawn again and again."""
import signal

import pexpect

from terminal import ROOTFS, Session, capture


def interrupt(session):
    """End it by ctrl-c, which kills it as it does any program; what it still printed."""
    session.send("\x03")
    session.pty.expect(pexpect.EOF)
    rest = session.pty.before.decode(errors="replace")
    session.pty.wait()
    assert session.pty.signalstatus == signal.SIGINT, session.pty.signalstatus
    assert session.settings() == session.before, "the terminal's settings were not restored"
    return rest


def test_redraw():
    """stats draws each round in the place of the last, until ctrl-c"""
    capture("run", "-d", "--name", "watched", ROOTFS, "sleep", "1000")
    session = Session("cattach", "stats", "-i", "0.05")
    for _ in range(3):
        session.expect("\x1b[H\x1b[JCONTAINER ID")
        session.expect("watched")
    interrupt(session)


def test_no_reset():
    """stats with --no-reset or --no-stream clears nothing"""
    capture("run", "-d", "--name", "rounds", ROOTFS, "sleep", "1000")
    session = Session("cattach", "stats", "-i", "0.05", "--no-reset", "rounds")
    session.expect("CONTAINER ID")
    session.expect("CONTAINER ID")
    assert "\x1b" not in interrupt(session)
    session = Session("cattach", "stats", "-i", "0.05", "--no-stream", "rounds")
    assert "\x1b" not in session.ends(0)


def test_one_screen():
    """stats counts what does not fit on the screen"""
    for number in range(4):
        capture("run", "-d", "--name", f"many{number}", ROOTFS, "sleep", "1000")
    session = Session("cattach", "stats", "-i", "0.05")
    session.expect("many0")
    session.resize(5, 120)
    session.expect("... and 2 more")
    interrupt(session)


def test_why():
    """stats says below the table why one of the containers cannot be read"""
    capture("run", "-d", "--name", "unknown", "--cgroups", "disabled", ROOTFS, "sleep", "1000")
    capture("create", "--name", "idle", ROOTFS, "true")
    session = Session("cattach", "stats", "-i", "0.05", "idle", "unknown")
    session.expect("\x1b[H\x1b[JCONTAINER ID")
    session.expect("unknown: container unknown has no cgroup of its own")
    interrupt(session)
