# SPDX-License-Identifier: Apache-2.0
"""ps --watch at a terminal: one screen, drawn again and again."""
import signal

import pexpect

from terminal import ROOTFS, Session, capture


def test_watch():
    """ps --watch draws each round in the place of the last, until ctrl-c"""
    capture("create", "--name", "seen", ROOTFS, "true")
    session = Session("cattach", "ps", "-a", "-w", "0.05")
    for _ in range(3):
        session.expect("\x1b[H\x1b[JCONTAINER ID")
        session.expect("seen")
    session.send("\x03")
    session.pty.expect(pexpect.EOF)
    session.pty.wait()
    assert session.pty.signalstatus == signal.SIGINT, session.pty.signalstatus
    assert session.settings() == session.before, "the terminal's settings were not restored"
