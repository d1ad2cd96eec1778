# SPDX-License-Identifier: Apache-2.0
"""exec without -t at a terminal: the process never gets it, and it stays as it is."""
import signal
import subprocess

from terminal import PROBES, ROOTFS, Session, capture, wait_until

TRAPS = ("for s in INT TERM HUP USR1 QUIT; do trap \"echo got $s; exit 7\" $s; done; "
         "echo up; while :; do sleep 0.05; done")


def container(*options):
    """A container that sleeps."""
    capture("run", "-d", "--name", "box", *options, ROOTFS, "sleep", "1000")


def execute(*command, options=(), redirect=""):
    """cattach exec into it, on a pty."""
    return Session("cattach", "exec", *options, "box", *command, redirect=redirect)


def test_no_terminal_inside():
    """exec: none of its streams is a terminal, there is no controlling one, and none can be opened"""
    container()
    session = execute("sh", "-c", "tty; for f in 0 1 2; do test -t $f && echo terminal $f; done; "
                      "for f in 0 1 2; do readlink /proc/$$/fd/$f; done; "
                      "(: < /dev/tty) 2> /dev/null || echo none", options=["-i"])
    rest = session.ends(0)
    assert "not a tty" in rest and "terminal" not in rest and "/dev/pts" not in rest, rest
    assert rest.count("pipe:") == 3 and rest.endswith("none\r\n"), rest


def test_tiocsti():
    """exec: what pushes bytes into its terminals pushes none into ours"""
    container("-v", f"{PROBES}:/mnt:ro", "--privileged", "--security-opt", "seccomp=unconfined")
    session = execute("/mnt/tiocsti", options=["-i", "--privileged"])
    rest = session.ends(0)
    assert rest.startswith("/dev/tty: "), rest
    assert rest.count("ENOTTY") == 9 and "ok" not in rest and "EIO" not in rest, rest


def test_both_ways():
    """exec: with -i lines typed arrive, what it writes is shown, and ctrl-d is the end of file"""
    container()
    session = execute("sh", "-c", "while read l; do echo \"<$l>\"; echo \"[$l]\" >&2; done; "
                      "echo over", options=["-i"])
    session.send("one\r")
    session.expect("<one>\r\n")
    session.expect("[one]\r\n")
    session.send("two\r")
    session.expect("<two>\r\n")
    assert session.settings() == session.before
    session.send("\x04")
    session.expect("over\r\n")
    session.ends(0)


def test_much():
    """exec: all that it wrote is shown before the command ends"""
    container()
    session = execute("sh", "-c", "i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i + 1)); done")
    rest = session.ends(0)
    lines = [line for line in rest.split("\r\n") if line.startswith("line ")]
    assert lines == [f"line {i}" for i in range(20000)], len(lines)


def test_noise_behind():
    """exec: who is left behind and writes on and on keeps nobody after the command's end"""
    container()
    session = execute("sh", "-c", "yes & sleep 0.2; echo over >&2; exit 3")
    rest = session.ends(3)
    assert "y\r\ny\r\n" in rest and "over\r\n" in rest, rest[-100:]


def test_one_stream_only():
    """exec: a stream that is no terminal is handed over as it is, beside one that is"""
    container()
    session = execute("sh", "-c", "for f in 0 1 2; do readlink /proc/$$/fd/$f; done",
                      redirect="2> /dev/null")
    links = session.ends(0).split()
    assert links[0] == links[2] == "/dev/null" and links[1].startswith("pipe:"), links


def test_keys():
    """exec: ctrl-c and ctrl-\\ reach it as signals, and its code is the command's"""
    container()
    for key, name in ("\x03", "INT"), ("\x1c", "QUIT"):
        session = execute("sh", "-c", TRAPS)
        session.expect("up")
        session.send(key)
        session.expect(f"got {name}\r\n")
        session.ends(7)


def test_stopped_terminal():
    """exec: at a terminal that ctrl-s has stopped, signals get through all the same"""
    container()
    # a shell that is in the middle of a write itself heeds no trap
    script = "trap 'kill $!; wait $!; exit 9' USR1; yes noise & wait"
    session = execute("sh", "-c", script)
    session.expect("noise")
    session.send("\x13")
    session.signal(signal.SIGUSR1)

    def is_alone():
        """nobody else in the container"""
        return capture("exec", "box", "sh", "-c", "set -- /proc/[0-9]*; echo $#") == "2"

    wait_until(is_alone)
    session.send("\x11")
    session.ends(9)


def test_terminal_goes():
    """exec: when the terminal goes away the process is sent SIGHUP"""
    container()
    session = execute("sh", "-c", "trap 'echo hung up > /dev/shm/word; exit 3' HUP; echo up; "
                      "while :; do sleep 0.05; done")
    session.expect("up")
    session.pty.close(force=False)

    def was_told():
        """it got the signal"""
        done = subprocess.run(["cattach", "exec", "box", "cat", "/dev/shm/word"], check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        return done.stdout == b"hung up\n"

    wait_until(was_told)
