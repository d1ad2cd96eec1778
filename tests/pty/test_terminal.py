# SPDX-License-Identifier: Apache-2.0
"""The terminal of run -t: size, raw mode and back, control characters, what the payload sees."""
import hashlib
import os
import re
import signal
import tempfile
import time

from terminal import (COLUMNS, PASTE, PROBES, ROOTFS, ROWS, Session, capture, inspect, monitor_pid,
                      payload_pid, run_session, wait_until)

LOOP = "while :; do sleep 0.05; done"


def sh(script, *options):
    """run -it with a shell script."""
    return run_session(*options, "--rm", "-it", ROOTFS, "sh", "-c", script)


def test_size():
    """the payload's terminal has the size of the caller's from the first moment on"""
    session = run_session("--rm", "-it", ROOTFS, "stty", "size")
    session.expect(f"{ROWS} {COLUMNS}")
    session.ends(0)


def test_size_with_output_elsewhere():
    """with stdout redirected the size is that of the terminal on stdin"""
    with tempfile.NamedTemporaryFile() as file:
        run_session("--rm", "-it", ROOTFS, "stty", "size", redirect=f"> {file.name}").ends(0)
        assert file.read() == f"{ROWS} {COLUMNS}\r\n".encode()


def test_resize():
    """a change of the window's size is followed, again and again"""
    session = sh(f"trap 'stty size' WINCH; echo up; {LOOP}", "--name", "resize")
    session.expect("up")
    for rows, columns in (50, 132), (24, 80), (2000, 20000):
        session.resize(rows, columns)
        session.expect(f"{rows} {columns}\r\n")
    capture("kill", "resize")
    session.ends(137)


def test_resize_to_nothing():
    """a window without rows or columns leaves the payload's terminal as it is"""
    session = sh("echo up; read line; stty size")
    session.expect("up")
    session.resize(0, 0)
    time.sleep(0.2)
    session.send("go on\r")
    session.expect(f"{ROWS} {COLUMNS}\r\n")
    session.ends(0)


def test_normal_exit():
    """the terminal is raw while the payload runs and as before when it has ended"""
    session = sh("echo up; read line; exit 7")
    session.expect("up")
    wait_until(session.is_raw)
    session.send("go\r")
    session.ends(7)


def test_failed_start():
    """a command that does not exist leaves the terminal as it was"""
    rest = run_session("--rm", "-it", ROOTFS, "nosuch").ends(127)
    assert "nosuch" in rest and "not found" in rest, rest


def test_payload_killed():
    """the terminal is as before when the payload was killed"""
    session = sh(f"echo up; {LOOP}", "--name", "killed")
    session.expect("up")
    wait_until(session.is_raw)
    os.kill(payload_pid("killed"), signal.SIGKILL)
    session.ends(137)


def test_monitor_killed():
    """when the monitor is killed the terminal is as before, and 255 comes with the reason"""
    session = sh(f"echo up; {LOOP}", "--name", "orphan")
    session.expect("up")
    wait_until(session.is_raw)
    os.kill(monitor_pid("orphan"), signal.SIGKILL)
    rest = session.ends(255)
    assert "orphan: the container's monitor was killed" in rest, rest


def test_monitor_killed_with_output_left():
    """what the payload had written before the monitor was killed is still shown"""
    session = sh(f"seq 1 20000; sync; echo last; {LOOP}", "--name", "left")
    time.sleep(1)  # nobody reads: the terminal is full, most of it is in the log alone
    os.kill(monitor_pid("left"), signal.SIGKILL)
    rest = session.ends(255)
    assert "\r\n19999\r\n20000\r\nlast\r\n" in rest, rest[-200:]


def test_ctrl_c():
    """ctrl-c reaches the payload and the command lives on"""
    session = sh(f"trap 'echo caught' INT; echo up; {LOOP}", "--name", "ctrlc")
    session.expect("up")
    wait_until(session.is_raw)
    for _ in range(3):
        session.send("\x03")
        session.expect("^Ccaught")
    capture("kill", "ctrlc")
    session.ends(137)


def test_control_bytes():
    """control characters reach a payload that has its terminal raw, byte for byte"""
    session = sh("stty raw -echo; echo up; head -c 6 | od -An -tx1")
    session.expect("up")
    session.send("\x03\x04\x1a\x1c\x11\x13")
    session.expect("03 04 1a 1c 11 13")
    session.ends(0)


def test_signals_proxied():
    """TERM and HUP to the command reach the payload behind a terminal"""
    session = sh(f"trap 'echo got TERM' TERM; trap 'echo got HUP; exit 9' HUP; echo up; {LOOP}")
    session.expect("up")
    session.signal(signal.SIGTERM)
    session.expect("got TERM")
    session.signal(signal.SIGHUP)
    session.expect("got HUP")
    session.ends(9)


def test_devices():
    """/dev/tty and /dev/console are the payload's terminal"""
    session = sh("tty; echo one > /dev/tty; echo two > /dev/console; "
                 "read line < /dev/console; echo \"read $line\"; "
                 "stat -c %t:%T /dev/console \"$(tty)\" | sort -u | wc -l")
    session.expect("/dev/pts/0\r\none\r\ntwo\r\n")
    session.send("three\r")
    session.expect("read three\r\n1\r\n")
    session.ends(0)


def test_terminal_let_go():
    """a payload that closes its terminal and opens /dev/console later is heard"""
    session = run_session("--rm", "-t", ROOTFS, "sh", "-c",
                          "exec < /dev/null > /dev/null 2>&1; sleep 0.3; "
                          "echo late > /dev/console; sleep 0.1; exit 3")
    session.expect("late")
    session.ends(3)


def test_tiocsti():
    """TIOCSTI is refused, and only the filter refuses it"""
    probe = ("-v", f"{PROBES}:/mnt:ro", ROOTFS, "/mnt/tiocsti")
    session = run_session("--rm", "-it", *probe)
    session.expect("TIOCSTI: EPERM\r\nTIOCSTI|1<<32: EPERM\r\nTIOCLINUX: EPERM\r\n")
    session.ends(0)
    session = run_session("--rm", "-it", "--security-opt", "seccomp=unconfined", *probe)
    rest = session.ends(0)
    # The kernel's own answers: EIO with dev.tty.legacy_tiocsti=0.
    assert "EPERM" not in rest and rest.count("TIOCSTI") == 2, rest


def test_job_control():
    """job control works in the container's shell: ctrl-z, jobs, fg, ctrl-c"""
    session = run_session("--rm", "-it", "-e", "PS1=prompt> ", ROOTFS, "sh")
    session.expect("prompt> ")
    session.send("sleep 100\r")
    time.sleep(0.5)
    session.send("\x1a")
    session.expect("Stopped")
    session.expect("prompt> ")
    session.send("jobs\r")
    session.expect("sleep 100")
    session.expect("prompt> ")
    session.send("fg\r")
    session.expect("sleep 100")
    time.sleep(0.5)
    session.send("\x03")
    session.expect("prompt> ")
    session.send("echo status=$?; exit 5\r")
    session.expect("status=130\r\n")
    session.ends(5)


def test_tty_without_stdin():
    """-t without -i leaves the caller's terminal cooked, and its ctrl-c is proxied"""
    session = run_session("--rm", "-t", ROOTFS, "sh", "-c",
                          f"stty size; trap 'echo caught; exit 4' INT; echo up; {LOOP}")
    # Both terminals make a line feed into carriage return and line feed.
    session.expect(f"{ROWS} {COLUMNS}\r\r\nup\r\r\n")
    assert session.settings() == session.before
    session.send("\x03")
    session.expect("caught")
    session.ends(4)


def test_stdin_not_a_terminal():
    """-i -t with stdin that is no terminal is refused with 125, and nothing is left"""
    code, text = capture("run", "--name", "never", "-it", ROOTFS, "true", check=False)
    assert code == 125 and "the input device is not a TTY" in text, (code, text[-300:])
    assert capture("ps", "-aq") == ""


def test_detached_without_a_terminal():
    """-itd gives the payload a terminal where the caller has none"""
    capture("run", "-itd", "--name", "detached", ROOTFS, "sh", "-c",
            "test -t 0 && test -t 1 && test -t 2 && exit 9", start_new_session=True)
    assert capture("wait", "detached") == "9"


def arrives(data, *options):
    """What is sent to the terminal in one go is what the payload gets."""
    session = sh(f"stty raw -echo; echo up; head -c {len(data)} | sha256sum", *options)
    session.expect("up")
    wait_until(session.is_raw)
    session.send(data)
    session.expect(hashlib.sha256(data).hexdigest())
    session.ends(0)


def test_paste():
    """a paste of 64 KiB of any bytes arrives whole, the detach keys in it as well"""
    keys = b"\x10\x11 \x10\x10 \x10"
    data = os.urandom(32768) + keys + os.urandom(32768) + keys
    arrives(PASTE[0].encode() + data + PASTE[1].encode())


def test_many_keys():
    """64 KiB of any keys arrive whole, as long as they do not detach or double the first key"""
    arrives(re.sub(rb"\x10(?=[\x10\x11]|\Z)", b"\x0f", os.urandom(65536)))


def test_all_keys():
    """without detach keys 64 KiB of any bytes arrive whole"""
    arrives(b"\x10\x11 \x10\x10 " + os.urandom(65536), "--detach-keys", "none")


def test_much_output():
    """a flood of output through the terminal arrives whole"""
    session = sh("seq 1 200000")
    rest = session.ends(0)
    assert rest == "".join(f"{n}\r\n" for n in range(1, 200001))


def test_end_of_file():
    """ctrl-d is the end of file for cat"""
    session = sh("echo up; exec cat")
    session.expect("up")
    # Before the terminal is raw its own line discipline would take the character.
    wait_until(session.is_raw)
    session.send("hello\r\x04")
    session.expect("hello\r\nhello\r\n")
    session.ends(0)


def test_stuck_terminal():
    """a terminal that takes nothing keeps neither signals nor the payload's end waiting"""
    session = sh("trap 'exit 5' TERM; n=0; while [ $n -lt 20000 ]; do n=$((n + 1)); "
                 f"echo a line that takes room $n; done; {LOOP}", "--name", "stuck")
    time.sleep(1)  # nobody reads here
    session.signal(signal.SIGTERM)
    # With --rm the container is gone once its monitor has recorded the end.
    wait_until(lambda: capture("ps", "-aq") == "")
    session.signal(signal.SIGTERM)
    session.ends(143)


def test_stuck_terminal_is_waited_for():
    """a terminal that takes nothing for a while gets everything all the same"""
    session = sh("seq 1 100000; exit 6")
    time.sleep(1.5)
    rest = session.ends(6)
    assert rest == "".join(f"{n}\r\n" for n in range(1, 100001)), len(rest)


def test_command_killed():
    """killing the command changes nothing for the payload"""
    session = run_session("-it", "--name", "survivor", ROOTFS, "sh", "-c", f"echo up; {LOOP}")
    session.expect("up")
    pid = payload_pid("survivor")
    session.signal(signal.SIGKILL)
    session.kill()
    time.sleep(0.3)
    assert inspect("survivor", ".State.Status") == "running"
    assert payload_pid("survivor") == pid


def test_suspended_shell_of_the_caller():
    """under an interactive shell the command is one more job in the foreground"""
    session = Session("sh", "-i", "-c", f"cattach run --rm -it {ROOTFS} sh -c 'exit 3'; echo rc=$?")
    session.expect("rc=3")
    session.ends(0)
