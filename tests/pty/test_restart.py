# SPDX-License-Identifier: Apache-2.0
"""A terminal at a container that is started again: it stays, raw, from one run to the next."""
from terminal import ROOTFS, Session, capture, inspect, wait_until

# Says which run it is, by the word that it is given, and ends by the next one.
ASK = "stty -echo; echo up; read word; echo \"<$word>\"; exit 3"


def runs(policy, command):
    """run -it of a container with a policy, up and raw."""
    session = Session("cattach", "run", "-it", "--name", "again", "--restart", policy, ROOTFS,
                      "sh", "-c", command)
    session.expect("up")
    wait_until(session.is_raw)
    return session


def test_restart_stays():
    """run -it --restart: the terminal stays raw, the next run answers, the code is the last one"""
    session = runs("on-failure:1", ASK)
    session.send("one\r")
    session.expect("<one>\r\n")
    session.expect("\r\nagain exited with 3; it is started again in 100 ms\r\n")
    assert session.is_raw()
    session.expect("up")
    session.send("two\r")
    session.expect("<two>\r\n")
    session.ends(3)
    assert inspect("again", ".RestartCount") == "1"


def test_restart_detach_keys():
    """between two runs the detach keys detach, and attach comes back to a later one"""
    session = runs("always", "echo up; sleep 0.1; exit 3")
    session.expect("it is started again in 800 ms\r\n")
    session.send("\x10\x11")
    rest = session.ends(0)
    assert rest.endswith("detached from again\r\n"), rest
    assert inspect("again", ".State.Status") in ("restarting", "running")
    capture("stop", "-t", "0", "again")
    assert inspect("again", ".State.Status") == "exited"


def test_restart_typed_between():
    """what is typed between two runs is the next one's"""
    session = runs("always", "echo up; read word; echo \"<$word>\"; exit 3")
    for word in ("a", "b", "c"):
        session.send(word + "\r")
        session.expect(f"<{word}>")
        session.expect("up")
    session.send("d\r")
    session.expect("it is started again in 800 ms\r\n")
    session.send("early\r")
    session.expect("<early>")
    session.expect("it is started again in 1.6 s\r\n")
    capture("stop", "-t", "0", "again")
    session.ends(3)


def test_restart_size():
    """each run has the size that the terminal has when it begins"""
    session = runs("always", "echo up; sleep 0.05; stty size; exit 3")
    session.expect("it is started again in 800 ms\r\n")
    session.resize(33, 44)
    session.expect("33 44")
    capture("stop", "-t", "0", "again")
    session.finish()
