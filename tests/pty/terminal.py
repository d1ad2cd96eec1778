# SPDX-License-Identifier: Apache-2.0
"""What the tests share: cattach on a pty of its own, and looks at it from outside.

A command under test is started by a shell that first waits for a line, so that the terminal can be
looked at before; the shell then becomes the command, which therefore leads the session and is the
process that signals go to. The master's termios are the terminal's, also after the command ended.
"""
import os
import signal
import subprocess
import termios
import time

import pexpect

ROOTFS = os.environ["CT_ROOTFS"]
PROBES = os.environ.get("CT_PROBES", "")
ROWS, COLUMNS = 31, 97
PASTE = "\033[200~", "\033[201~"  # what a terminal puts around what is pasted

_started = []


def capture(*args, check=True, **kwargs):
    """Output of a cattach command that needs no terminal."""
    done = subprocess.run(["cattach", *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          stdin=kwargs.pop("stdin", subprocess.DEVNULL), timeout=30, check=False,
                          **kwargs)
    text = done.stdout.decode() + done.stderr.decode()
    assert not check or done.returncode == 0, f"cattach {args}: {done.returncode}: {text}"
    return text.strip() if check else (done.returncode, text.strip())


def inspect(name, template):
    """One value of cattach inspect."""
    return capture("inspect", "-f", "{{" + template + "}}", name)


def payload_pid(name):
    """The payload's pid as the host sees it."""
    return int(inspect(name, ".State.Pid"))


def monitor_pid(name):
    """The monitor's pid."""
    return int(inspect(name, ".State.ConmonPid"))


def wait_until(what, seconds=30):
    """Wait until what() is true; its last answer when it never is fails the test."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if what():
            return
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds} s: {what.__doc__ or what}")


class Session:
    """One command on a pty."""

    def __init__(self, *command, redirect=""):
        script = f'echo ready; read go; exec "$@" {redirect}'
        self.pty = pexpect.spawn("/bin/sh", ["-c", script, "sh", *command], timeout=40,
                                 dimensions=(ROWS, COLUMNS))
        _started.append(self)
        self.pty.delaybeforesend = None
        self.pty.expect_exact("ready")
        self.before = self.settings()
        self.pty.sendline("go")
        self.pty.expect_exact("go\r\n")

    def settings(self):
        """The terminal's settings, all of them."""
        return termios.tcgetattr(self.pty.child_fd)

    def is_raw(self):
        """Neither echo nor lines nor signals: is the terminal raw?"""
        return not self.settings()[3] & (termios.ECHO | termios.ICANON | termios.ISIG)

    def expect(self, text):
        """Wait for exactly this text."""
        self.pty.expect_exact(text)

    def send(self, text):
        """Type this."""
        self.pty.send(text)

    def signal(self, number):
        """To the command, not to its process group."""
        os.kill(self.pty.pid, number)

    def resize(self, rows, columns):
        """Change the size of the window, as a terminal emulator does."""
        self.pty.setwinsize(rows, columns)

    def finish(self):
        """Wait for its end: what it still printed and its exit code; the terminal is as before."""
        self.pty.expect(pexpect.EOF)
        rest = self.pty.before.decode(errors="replace")
        self.pty.wait()
        assert self.pty.signalstatus is None, f"killed by signal {self.pty.signalstatus}"
        assert self.settings() == self.before, "the terminal's settings were not restored"
        return rest, self.pty.exitstatus

    def ends(self, code):
        """Wait for its end, which must have this exit code; what it still printed."""
        rest, status = self.finish()
        assert status == code, f"exit code {status}, not {code}: ...{rest[-300:]!r}"
        return rest

    def kill(self):
        """Whatever state it is in."""
        if self.pty.isalive():
            self.pty.kill(signal.SIGKILL)
        self.pty.close(force=True)


def run_session(*args, redirect=""):
    """cattach run with these arguments on a pty."""
    return Session("cattach", "run", *args, redirect=redirect)


def clean_up():
    """After every test: nothing of it runs on, no container stays."""
    while _started:
        _started.pop().kill()
    for name in capture("ps", "-aq").split():
        capture("rm", "-f", name, check=False)
