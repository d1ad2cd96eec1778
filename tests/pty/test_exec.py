# SPDX-License-Identifier: Apache-2.0
"""exec at a terminal: sizes, detach keys and back, a terminal that is closed, whose end is whose."""
import os
import signal
import tempfile
import time

from terminal import (COLUMNS, ROOTFS, ROWS, Session, capture, inspect, monitor_pid, payload_pid,
                      wait_until)

LOOP = "while :; do sleep 0.05; done"
LEAVE = "\x10\x11"


def container(*options, name="c1"):
    """A container that only waits."""
    capture("run", "-d", "--name", name, *options, ROOTFS, "sleep", "1000", start_new_session=True)


def exec_session(*args, redirect=""):
    """cattach exec with these arguments on a pty."""
    return Session("cattach", "exec", *args, redirect=redirect)


def raw_shell(*options):
    """A shell in a session c1/s1, ready, and the terminal raw."""
    session = exec_session("-it", "--session", "s1", "-e", "PS1=prompt> ", *options, "c1", "sh")
    session.expect("prompt> ")
    wait_until(session.is_raw)
    return session


def detaches(session, name="c1/s1"):
    """It ends with 0, and says how to come back; the session runs on."""
    rest = session.ends(0)
    assert rest.endswith(f"detached from {name}, cattach attach {name} comes back\r\n"), rest
    assert inspect(name, ".State.Status") == "running"


def sessions():
    """The names of the sessions that are there."""
    return capture("exec", "ls", "--format", "{{.Session}}", "c1").split()


def is_gone(name="s1"):
    """Has the session removed itself?"""
    wait_until(lambda: name not in sessions())


def runs(command, name="c1"):
    """Wait until a command runs in the container, told by its line of arguments: then it has been
    executed. A shell's child between fork and exec has the shell's handlers still, and a signal
    that comes there may be lost."""
    wait_until(lambda: command in capture("top", name, "args").splitlines())


def close_terminal(session):
    """Close the master; the client stays pexpect's to be waited for."""
    client = session.pty
    os.close(client.child_fd)
    wait_until(lambda: not client.isalive())
    client.child_fd = client.ptyproc.fd = -1
    client.closed = client.ptyproc.closed = True


def test_size():
    """exec -it: the terminal has our size at the first stty size"""
    container()
    session = exec_session("-it", "c1", "stty", "size")
    session.expect(f"{ROWS} {COLUMNS}\r\n")
    session.ends(0)
    assert sessions() == []


def test_resize():
    """exec -it: each new size of the window is followed, and nobody has a wrong one in between"""
    container()
    session = exec_session("-it", "--session", "s1", "c1", "sh", "-c",
                           f"stty size; trap 'stty size' WINCH; echo up; {LOOP}")
    session.expect(f"{ROWS} {COLUMNS}\r\nup")
    for rows, columns in (50, 132), (24, 80), (200, 300):
        session.resize(rows, columns)
        session.expect(f"{rows} {columns}\r\n")
    capture("kill", "c1/s1")
    session.ends(137)


def test_terminal_without_input():
    """exec -t without -i: a terminal, and nothing that is typed gets there"""
    container()
    session = exec_session("-t", "c1", "sh", "-c", "stty size; tty; echo $TERM")
    session.expect(f"{ROWS} {COLUMNS}\r")
    session.expect("/dev/pts/")
    session.expect("xterm")
    session.ends(0)


def test_terminal_is_its_own():
    """exec: job control, ctrl-c and the controlling terminal are the session's own"""
    container()
    session = raw_shell()
    session.send("echo ready-$((1)); sleep 100\r")
    session.expect("ready-1\r\n")
    runs("sleep 100")
    session.send("\x03")
    session.expect("prompt> ")
    session.send("echo mark >/dev/tty; exit 7\r")
    session.expect("mark\r\n")
    session.ends(7)
    is_gone()


def test_detach_and_back():
    """exec: ctrl-p ctrl-q ends with 0 at once, and attach comes back to the same shell"""
    container()
    session = raw_shell()
    session.send("x=kept\r")
    session.expect("prompt> ")
    before = time.monotonic()
    session.send(LEAVE)
    detaches(session)
    assert time.monotonic() - before < 5
    session = Session("cattach", "attach", "c1/s1")
    wait_until(session.is_raw)
    session.send("echo $x; exit 5\r")
    session.expect("kept\r\n")
    session.ends(5)
    is_gone()


def test_detach_keys():
    """exec: --detach-keys of exec hold for attach, too, unless that has its own"""
    container()
    session = raw_shell("--detach-keys", "ctrl-x,x")
    session.send("\x18x")
    detaches(session)
    session = Session("cattach", "exec", "attach", "c1/s1")
    wait_until(session.is_raw)
    session.send("\x18x")
    detaches(session)
    session = Session("cattach", "attach", "--detach-keys", "ctrl-y,y", "c1/s1")
    wait_until(session.is_raw)
    session.send("\x19y")
    detaches(session)


def test_closed_terminal():
    """exec: a terminal that is closed leaves the session, and attach --replay has its output"""
    for options in (("-it",), ("-t",)):
        shared = tempfile.mkdtemp()
        container("-v", f"{shared}:/mnt")
        session = exec_session(*options, "--session", "s1", "c1", "sh", "-c",
                               "echo before; while [ ! -e /mnt/go ]; do sleep 0.05; done; "
                               "echo after; sleep 1000")
        session.expect("before")
        close_terminal(session)
        assert inspect("c1/s1", ".State.Status") == "running"
        with open(f"{shared}/go", "w", encoding="ascii"):
            pass
        session = Session("cattach", "attach", "--replay", "c1/s1")
        session.expect("before\r")
        session.expect("after\r")
        session.signal(signal.SIGTERM)
        session.ends(143)
        is_gone()
        capture("rm", "-f", "c1")


def test_closed_terminal_ends():
    """exec: with --on-client-exit=kill a terminal that is closed ends the session"""
    container()
    session = exec_session("-it", "--session", "s1", "--on-client-exit", "kill", "c1", "sh", "-c",
                           "trap '' HUP; echo up; sleep 1000")
    session.expect("up")
    close_terminal(session)
    is_gone()


def test_client_killed():
    """exec: kill -9 of exec -it: the session lives; with --on-client-exit=kill it ends"""
    container()
    session = raw_shell()
    session.signal(signal.SIGKILL)
    session.pty.wait()
    session = Session("cattach", "attach", "c1/s1")
    wait_until(session.is_raw)
    session.send("echo still-$((1))\r")
    session.expect("still-1\r\n")
    session.send("exit\r")
    session.ends(0)
    is_gone()
    session = raw_shell("--on-client-exit", "kill")
    session.signal(signal.SIGKILL)
    session.pty.wait()
    is_gone()


def test_monitor_killed():
    """exec: kill -9 of the session's monitor ends it with 255, restores the terminal, leaves no record"""
    container()
    session = raw_shell()
    os.kill(monitor_pid("c1/s1"), signal.SIGKILL)
    rest = session.ends(255)
    assert "c1/s1: the container's monitor was killed" in rest, rest
    assert sessions() == []


def test_payload_killed():
    """exec: kill -9 of the container's payload, or of the session's process, ends the session with 137"""
    container()
    session = raw_shell()
    os.kill(payload_pid("c1/s1"), signal.SIGKILL)
    session.ends(137)
    session = raw_shell()
    os.kill(payload_pid("c1"), signal.SIGKILL)
    session.ends(137)
    assert capture("wait", "c1") == "137"
    capture("rm", "c1")


def test_two_terminals():
    """exec: two terminals at one session see the same"""
    container()
    one = raw_shell()
    two = Session("cattach", "attach", "c1/s1")
    wait_until(two.is_raw)
    wait_until(lambda: len(capture("clients", "-q", "c1/s1").split()) == 2)
    two.send("echo from-$((2))\r")
    one.expect("from-2\r\n")
    two.expect("from-2\r\n")
    capture("detach", "--all", "c1/s1")
    detaches(one)
    detaches(two)
