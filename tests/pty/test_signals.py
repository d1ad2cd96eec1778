# SPDX-License-Identifier: Apache-2.0
"""Signals and stdin of run without -t, at a terminal that stays as it is."""
import signal
import subprocess
import time

from terminal import ROOTFS, capture, inspect, run_session

TRAPS = ("for s in INT TERM HUP USR1 USR2 QUIT; do trap \"echo got $s\" $s; done; "
         "echo up; while :; do sleep 0.05; done")


def start(*options):
    """A payload that says which signals it got."""
    session = run_session(*options, ROOTFS, "sh", "-c", TRAPS)
    session.expect("up")
    return session


def test_proxied():
    """INT, TERM, HUP, USR1, USR2 and QUIT to the command reach the payload, each of them"""
    session = start("--rm", "--name", "proxied")
    for name in "INT", "TERM", "HUP", "USR1", "USR2", "QUIT":
        session.signal(getattr(signal, "SIG" + name))
        session.expect(f"got {name}\r\n")
    assert session.settings() == session.before
    capture("kill", "proxied")
    session.ends(137)


def test_keys():
    """ctrl-c and ctrl-\\ at the terminal reach the payload as signals"""
    session = start("--rm", "--name", "keys")
    session.send("\x03")
    session.expect("got INT")
    session.send("\x1c")
    session.expect("got QUIT")
    capture("kill", "keys")
    session.ends(137)


def test_without_proxy():
    """with --sig-proxy=false ctrl-c detaches at once with 0 and the payload lives on"""
    session = start("--sig-proxy=false", "--name", "alone")
    before = time.monotonic()
    session.send("\x03")
    session.ends(0)
    assert time.monotonic() - before < 2
    time.sleep(0.3)
    assert inspect("alone", ".State.Status") == "running"


def test_term_without_proxy():
    """with --sig-proxy=false TERM ends the command alone"""
    session = start("--sig-proxy=false", "--name", "alone")
    session.signal(signal.SIGTERM)
    rest = session.ends(143)
    assert "got TERM" not in rest
    assert inspect("alone", ".State.Status") == "running"


def test_terminated():
    """a payload that a proxied signal ends gives 128 and the signal's number"""
    session = run_session("--rm", "--init", ROOTFS, "sh", "-c", "echo up; exec sleep 1000")
    session.expect("up")
    session.signal(signal.SIGUSR1)
    session.ends(128 + signal.SIGUSR1)


def test_lines():
    """with -i lines typed at the cooked terminal arrive, and ctrl-d is the end of file"""
    session = run_session("--rm", "-i", ROOTFS, "sh", "-c", "while read l; do echo \"<$l>\"; done")
    session.send("one\r")
    session.expect("<one>\r\n")
    session.send("two\r")
    session.expect("<two>\r\n")
    assert session.settings() == session.before
    session.send("\x04")
    session.ends(0)


def test_no_stdin():
    """without -i the payload's stdin is empty and what is typed stays the shell's"""
    session = run_session("--rm", ROOTFS, "sh", "-c", "cat; echo end of file; sleep 0.5; exit 3")
    session.send("typed\r")
    session.expect("end of file")
    session.ends(3)


def test_control_before_stdin():
    """a signal does not queue behind stdin that the payload never reads"""
    script = "trap 'exit 5' INT; echo up; while :; do sleep 0.05; done"
    with subprocess.Popen(["yes"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as yes:
        with subprocess.Popen(["cattach", "run", "--rm", "-i", ROOTFS, "sh", "-c", script],
                              stdin=yes.stdout, stdout=subprocess.PIPE) as run:
            yes.stdout.close()
            assert run.stdout.readline() == b"up\n"
            time.sleep(0.5)  # the pipe to the payload is full
            before = time.monotonic()
            run.send_signal(signal.SIGINT)
            assert run.wait(timeout=20) == 5
            assert time.monotonic() - before < 2
        # Nobody reads it any more.
        assert yes.wait(timeout=20) == -signal.SIGPIPE
