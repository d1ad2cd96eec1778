# SPDX-License-Identifier: Apache-2.0
"""What podman does to a conmon, for the tests of cattach-conmon: a session of its own in a directory."""
import json
import os
import select
import signal
import socket
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))
DEADLINE = 60	# seconds: nothing here takes as long as one of them


def until(what, text):
    """Wait for a condition."""
    end = time.monotonic() + DEADLINE
    while not what():
        assert time.monotonic() < end, "waited in vain: " + text
        time.sleep(0.005)


def has_ended(pid):
    """It is not there any more, or only waits for somebody to ask how it has ended."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(") ", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return True
    # Field 52 of proc(5): nothing but 0 is an end that was meant, where we may see it.
    assert fields[0] != "Z" or int(fields[49]) == 0, f"the monitor has ended with status {fields[49]}"
    return fields[0] == "Z"


class Session:
    """One conmon, its pipes and its files. conmon(...) has all its options but for those given."""

    def __init__(self, directory, payload, *options, name="c", log=True, api=True, env=None, fail=None,
                 pass_fds=(), limits=None, start_pipe=False, attach_pipe=False, exits=True, wrapper=(), full=True, synced=False):
        self.name, self.dir = name, os.path.join(directory, name)
        self.bundle, self.log = self.dir + "/bundle", self.dir + "/ctr.log"
        os.makedirs(self.bundle)
        os.mkdir(self.dir + "/exit")
        os.mkdir(self.dir + "/persist")
        os.mkfifo(self.dir + "/start")
        self.env = dict(os.environ, FAKE=self.dir, FAKE_PAYLOAD=payload, **(env or {}))
        if fail is not None:
            self.env["FAKE_FAIL"] = fail
        self.sync, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        fds = [theirs.fileno(), *pass_fds]
        self.env["_OCI_SYNCPIPE"] = str(theirs.fileno())
        self.start_pipe = self.attach_pipe = None
        if start_pipe:
            self.start_pipe, fd = self.pipe("_OCI_STARTPIPE")
            fds.append(fd.fileno())
        if attach_pipe:
            self.attach_pipe, fd2 = self.pipe("_OCI_ATTACHPIPE")
            fds.append(fd2.fileno())
        words = [*wrapper, os.environ["CONMON"], "-c", name, "-u", name, "-n", "name-" + name, "-r",
                 HERE + "/conmon_runtime.py", "-b", self.bundle, "-p", self.dir + "/pidfile", "-P",
                 self.dir + "/conmon.pid", "--exit-dir", self.dir + "/exit", "--persist-dir",
                 self.dir + "/persist", *options]
        if full:
            words += ["--full-attach"]
        # Waiting for a busy disk at each end is no part of most tests.
        if not synced:
            words += ["--no-sync-log"]
        if api:
            words += ["--api-version", "1"]
        if log:
            words += ["-l", "k8s-file:" + self.log]
        if exits:
            words += ["--exit-command", "/bin/sh", "--exit-command-arg", "-c", "--exit-command-arg",
                      f"echo \"$0 $1\" > {self.dir}/exited", "--exit-command-arg", "a b",
                      "--exit-command-arg", "c"]
        self.process = subprocess.Popen(words, env=self.env, pass_fds=fds, preexec_fn=limits,
                                        stderr=subprocess.PIPE)
        theirs.close()
        if start_pipe:
            fd.close()
        if attach_pipe:
            fd2.close()

    def pipe(self, name):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.env[name] = str(theirs.fileno())
        return ours, theirs

    def said(self, sock=None):
        """The next line of the sync pipe, None at its end."""
        sock = sock or self.sync
        sock.settimeout(DEADLINE)
        line = sock.recv(65536)
        return json.loads(line) if line else None

    def begun(self):
        """Its pid; the caller's child is gone by then or soon."""
        said = self.said()
        assert said and said["data"] > 0, said
        self.pid = said["data"]
        assert self.process.wait(DEADLINE) == 0
        return self

    def start(self):
        with open(self.dir + "/start", "wb") as file:
            file.write(b"go")
        return self

    def read(self, name):
        with open(os.path.join(self.dir, name), encoding="utf-8") as file:
            return file.read()

    def has(self, name):
        return os.path.exists(os.path.join(self.dir, name))

    def monitor(self):
        return int(self.read("conmon.pid"))

    def gone(self):
        """Wait until the monitor has ended, and with it its exit command."""
        until(lambda: has_ended(self.monitor()), "the monitor ends")
        return self

    def attach(self):
        return Client(self.bundle + "/attach")

    def control(self, line, fifo="ctl"):
        with open(f"{self.bundle}/{fifo}", "w", encoding="ascii") as file:
            file.write(line)

    def lines(self, path=None):
        """The records of the log: (stream, kind, text)."""
        with open(path or self.log, encoding="utf-8", errors="surrogateescape") as file:
            return [tuple(line.rstrip("\n").split(" ", 3)[1:]) for line in file]

    def output(self, stream="stdout", path=None):
        """What was written on a stream, from the log."""
        return "".join(text + ("\n" if kind == "F" else "") for name, kind, text in self.lines(path)
                       if name == stream)

    def kill(self):
        for pid in (self.pid, self.monitor()):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass


class Client:
    """A client of the attach socket."""

    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        until(lambda: os.path.exists(path), "the attach socket is there")
        self.sock.connect(path)
        self.sock.settimeout(DEADLINE)
        self.out, self.err, self.ended, self.longest = bytearray(), bytearray(), False, 0

    def take(self):
        """One record; False at the end."""
        record = self.sock.recv(65536)
        if not record:
            self.ended = True
            return False
        assert record[0] in (2, 3), record[:20]
        self.longest = max(self.longest, len(record))
        if record[0] == 2:
            self.out += record[1:]
        else:
            self.err += record[1:]
        return True

    def until(self, text):
        while text not in self.out:
            assert self.take(), self.out
        return self

    def rest(self):
        while self.take():
            pass
        return self

    def send(self, data):
        self.sock.send(data)

    def half_close(self):
        self.sock.shutdown(socket.SHUT_WR)

    def quiet(self):
        """Nothing is waiting to be read."""
        return not select.select([self.sock], [], [], 0)[0]

    def close(self):
        self.sock.close()
