# SPDX-License-Identifier: Apache-2.0
"""cp, diff and unshare at a terminal: what is shown of files, and whose the terminal is."""
import os
import tempfile

from terminal import ROOTFS, Session, capture


def container(name):
    """A container that runs, with a place to copy to."""
    capture("run", "-d", "--name", name, "--tmpfs", "/tmp", ROOTFS, "sleep", "1000")


def source(directory):
    """A file that is worth showing progress for."""
    path = os.path.join(directory, "file")
    with open(path, "wb") as file:
        file.write(os.urandom(1000000))
    return path


def test_progress():
    """progress is shown at a terminal, and is gone when the copy is done"""
    container("shown")
    with tempfile.TemporaryDirectory() as directory:
        session = Session("cattach", "cp", source(directory), "shown:/tmp")
        session.expect("kB")
        rest = session.ends(0)
    assert rest.rstrip("\r\n").endswith("\x1b[K"), repr(rest)
    assert capture("exec", "shown", "stat", "-c", "%s", "/tmp/file").strip() == "1000000"


def test_quiet():
    """with -q nothing is shown"""
    container("quiet")
    with tempfile.TemporaryDirectory() as directory:
        session = Session("cattach", "cp", "-q", source(directory), "quiet:/tmp")
        rest = session.ends(0)
    assert "kB" not in rest and "\x1b" not in rest, repr(rest)


def test_no_stream():
    """a tar stream is not written to a terminal, nor read from one"""
    session = Session("cattach", "cp", "nosuch:/etc", "-")
    assert "a tar stream does not go to or come from a terminal" in session.ends(125)
    session = Session("cattach", "cp", "-", "nosuch:/etc")
    assert "a tar stream does not go to or come from a terminal" in session.ends(125)


def test_changes():
    """names of changed files do nothing to the terminal, and forge no line"""
    capture("run", "-d", "--name", "changed", ROOTFS + ":O", "sleep", "1000")
    capture("exec", "changed", "sh", "-c", r'touch "/root/$(printf "a\033[2J\nA forged")"')
    rest = Session("cattach", "diff", "changed").ends(0)
    assert rest == "C /root\r\nA /root/a\\x1b[2J\\nA forged\r\n", repr(rest)


def test_unshare():
    """a command of unshare has the terminal: its size, its keys, its end"""
    session = Session("cattach", "unshare", "sh", "-c",
                      "trap 'echo got it; exit 3' INT; test -t 0 && echo ready; "
                      "while :; do sleep 0.05; done")
    session.expect("ready")
    session.send("\x03")
    session.expect("got it")
    session.ends(3)
