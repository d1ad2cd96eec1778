# SPDX-License-Identifier: Apache-2.0
"""The runtime command line in the foreground, where nobody gave it a console socket."""
import json
import os
import signal
import subprocess
import tempfile

from terminal import COLUMNS, ROOTFS, ROWS, Session, capture, inspect, wait_until

LOOP = "while :; do sleep 0.05; done"


def bundle(directory, script, terminal=True):
    """A bundle that runs a shell script."""
    capture("spec", "-b", directory)
    path = os.path.join(directory, "config.json")
    with open(path, encoding="utf-8") as file:
        config = json.load(file)
    config["root"] = {"path": ROOTFS, "readonly": True}
    config["process"].update(terminal=terminal, args=["sh", "-c", script])
    with open(path, "w", encoding="utf-8") as file:
        json.dump(config, file)
    return directory


def oci(*args, **kwargs):
    """Output of a command of this face."""
    return capture("oci", *args, **kwargs)


def test_oci_run():
    """oci run: a terminal of the caller's size, which follows it; ctrl-c is typed; as before afterwards"""
    with tempfile.TemporaryDirectory() as work:
        bundle(work, f"stty size; trap 'stty size' WINCH; trap 'exit 7' INT; tty; echo up; {LOOP}")
        session = Session("cattach", "oci", "run", "-b", work, "pty-run")
        session.expect(f"{ROWS} {COLUMNS}\r\n/dev/pts/0\r\nup\r\n")
        assert session.is_raw()
        session.resize(50, 132)
        session.expect("50 132\r\n")
        session.send("\x03")
        session.ends(7)
        assert oci("list", "-q") == ""


def test_oci_run_signals():
    """oci run: signals to the command reach the process behind its terminal"""
    with tempfile.TemporaryDirectory() as work:
        bundle(work, f"trap 'echo got TERM' TERM; trap 'exit 9' USR1; echo up; {LOOP}")
        session = Session("cattach", "oci", "run", "-b", work, "pty-signals")
        session.expect("up\r\n")
        session.signal(signal.SIGTERM)
        session.expect("got TERM")
        session.signal(signal.SIGUSR1)
        session.ends(9)


def test_oci_run_into_pipe():
    """oci run with a terminal inside and none outside: the last line is there, and its input, too"""
    with tempfile.TemporaryDirectory() as work:
        bundle(work, "read line; seq 1 20000; echo \"last: $line\"; exit 3")
        session = Session("sh", "-c", f"echo typed | cattach oci run -b {work} pty-pipe > {work}/out; "
                          "echo code $?")
        session.expect("code 3\r\n")
        session.ends(0)
        with open(f"{work}/out", encoding="utf-8", newline="") as file:
            lines = file.read().split("\n")
        assert lines[0] == "typed\r" and lines[-3:] == ["20000\r", "last: typed\r", ""], lines[-3:]
        assert len(lines) == 20003, len(lines)


def test_oci_without_terminal():
    """oci run and exec without a terminal do not hand over the caller's"""
    script = f"test -t 0 || test -t 1 || echo none; {LOOP}"
    with tempfile.TemporaryDirectory() as work:
        session = Session("cattach", "oci", "run", "-b", bundle(work, script, False), "pty-none")
        session.expect("none\r\n")
        inside = Session("cattach", "oci", "exec", "pty-none", "sh", "-c",
                         "test -t 0 || test -t 1 || test -t 2 || echo none; read line; echo got $line")
        inside.expect("none\r\n")
        inside.send("word\r")
        inside.expect("got word\r\n")
        inside.ends(0)
        oci("kill", "pty-none", "KILL")
        session.ends(137)


def test_oci_exec():
    """oci exec with a terminal, asked for by --tty or by a process file"""
    with tempfile.TemporaryDirectory() as work:
        bundle(work, "sleep 1000", False)
        subprocess.run(["cattach", "oci", "run", "-d", "-b", work, "pty-exec"], check=True, timeout=30,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            session = Session("cattach", "oci", "exec", "--tty", "pty-exec", "sh", "-c",
                              "stty size; read line; exit 5")
            session.expect(f"{ROWS} {COLUMNS}\r\n")
            wait_until(session.is_raw)
            session.send("go\r")
            session.ends(5)
            process = {"args": ["sh", "-c", "stty size; exit 6"], "cwd": "/", "env": ["PATH=/bin"],
                       "user": {"uid": 0, "gid": 0}, "terminal": True,
                       "consoleSize": {"height": 40, "width": 120}}
            with open(f"{work}/process.json", "w", encoding="utf-8") as file:
                json.dump(process, file)
            session = Session("cattach", "oci", "exec", "--process", f"{work}/process.json", "pty-exec")
            session.expect("40 120\r\n")
            session.ends(6)
            code, text = oci("exec", "--detach", "--tty", "pty-exec", "true", check=False)
            assert code == 255 and "--console-socket" in text, (code, text)
        finally:
            oci("delete", "--force", "pty-exec")


def test_exec_in_engines_container():
    """exec -it in a container of an engine: sizes, detach keys and back, a closed terminal, and its end"""
    with tempfile.TemporaryDirectory() as work:
        bundle(work, "sleep 1000", False)
        subprocess.run(["cattach", "oci", "run", "-d", "-b", work, "pty-engine"], check=True, timeout=30,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            session = Session("cattach", "exec", "-it", "--session", "s1", "pty-engine", "sh", "-c",
                              f"stty size; trap 'stty size' WINCH; trap 'exit 8' INT; echo up; {LOOP}")
            session.expect(f"{ROWS} {COLUMNS}\r\nup\r\n")
            wait_until(session.is_raw)
            session.resize(50, 132)
            session.expect("50 132\r\n")
            session.send("\x10\x11")
            rest = session.ends(0)
            assert "cattach attach pty-engine/s1 comes back" in rest, rest
            again = Session("cattach", "attach", "--replay", "pty-engine/s1")
            again.expect("up\r\n")
            again.resize(40, 120)
            again.expect("40 120\r\n")
            again.kill()
            assert inspect("pty-engine/s1", ".State.Status") == "running"
            last = Session("cattach", "exec", "attach", "pty-engine/s1")
            last.expect("\r\n")
            wait_until(last.is_raw)
            last.send("\x03")
            last.ends(8)
            assert capture("exec", "ls", "-q", "pty-engine") == ""
            session = Session("cattach", "exec", "-it", "pty-engine", "sh", "-c", f"echo up; {LOOP}")
            session.expect("up\r\n")
            oci("delete", "--force", "pty-engine")
            session.ends(137)
        finally:
            oci("delete", "--force", "pty-engine")
