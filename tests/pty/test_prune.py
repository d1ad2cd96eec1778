# SPDX-License-Identifier: Apache-2.0
"""prune at a terminal: it asks before it removes containers."""
from terminal import ROOTFS, Session, capture


def names():
    """Of all containers."""
    return capture("ps", "-a", "--format", "{{.Names}}")


def test_no():
    """prune --containers removes nothing when the answer is not yes"""
    capture("create", "--name", "kept", ROOTFS, "true")
    for answer in "", "n", "why":
        session = Session("cattach", "prune", "--containers")
        session.expect("Go on? [y/N] ")
        session.send(answer + "\r")
        assert "nothing was removed" in session.ends(125)
    assert names() == "kept"


def test_unheard():
    """prune --containers removes nothing when its question would go into a file"""
    capture("create", "--name", "unasked", ROOTFS, "true")
    session = Session("sh", "-c", "cattach prune --containers 2> /dev/null")
    session.ends(125)
    assert names() == "unasked"
    session = Session("sh", "-c", "cattach prune --containers -f 2> /dev/null")
    assert "unasked\r\n" in session.ends(0)


def test_yes():
    """prune --containers removes them when the answer is yes, and with -f does not ask"""
    for words, answer in (["prune", "--containers"], "y\r"), (["prune", "--containers", "-f"], ""):
        capture("create", "--name", "gone", ROOTFS, "true")
        session = Session("cattach", *words)
        if answer:
            session.expect("Go on? [y/N] ")
            session.send(answer)
        assert "gone\r\n1 container and " in session.ends(0)
        assert names() == ""
