#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What CRI-O does to a conmon, with cattach-oci for its runtime: conmon_crio.py NAME DIRECTORY.

Command lines, descriptors and environment are CRI-O's, and so is what is asked of the runtime beside it.
$CONMON and $OCI are the programs, $CT_ROOTFS what containers are made of.
"""
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys

from conmon_caller import DEADLINE, HERE, Client, until

CAP = 16777216	# bytes of output that CRI-O takes of an exec


class Pod:
    """A container of CRI-O's, in a directory of its own."""

    def __init__(self, directory, script, *options, name="ctr", terminal=False, changes=(), fails=False):
        self.id, self.dir = name, os.path.join(directory, name)
        self.bundle, self.persist, self.exits = self.dir + "/bundle", self.dir + "/persist", self.dir + "/exits"
        self.sockets, self.log = self.dir + "/attach", self.dir + "/0.log"
        self.root = self.dir + "/runc"
        for path in (self.dir, self.bundle, self.persist, self.exits, self.sockets):
            os.mkdir(path)
        if os.getuid() == 0:
            changes = [*changes, "l['namespaces'] = [n for n in l['namespaces'] if n['type'] != 'user']",
                       f"l['cgroupsPath'] = '/cattach-tests-crio-{os.getpid()}/{name}'"]
        subprocess.run([sys.executable, HERE + "/bundle.py", self.bundle + "/config.json",
                        os.environ["CT_ROOTFS"], f"p['terminal'] = {terminal}", f"sh({script!r})", *changes],
                       check=True)
        self.execs = 0
        self.pid = self.create(options)
        if not fails:
            assert self.pid > 0, self.pid

    def run_conmon(self, words, cwd):
        """As CRI-O's: the sync pipe is 3 and the start pipe 4, and nothing else is inherited."""
        sync, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        start, our_start = os.pipe()
        # Above those that they are to be, and ten.
        fds = [fcntl.fcntl(fd, fcntl.F_DUPFD, 20) for fd in (theirs.fileno(), start)]
        place = f'exec 3>&{fds[0]} 4<&{fds[1]} {fds[0]}>&- {fds[1]}<&-; exec "$0" "$@"'
        env = {"_OCI_SYNCPIPE": "3", "_OCI_STARTPIPE": "4", "CRI_O_EXTERNAL": "1", "PATH": os.environ["PATH"],
               "XDG_RUNTIME_DIR": os.environ.get("XDG_RUNTIME_DIR", "")}
        process = subprocess.Popen(["bash", "-c", place, os.environ["CONMON"], *words], cwd=cwd, env=env,
                                   pass_fds=fds, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                   preexec_fn=os.setpgrp)
        theirs.close()
        for fd in (start, *fds):
            os.close(fd)
        # It may be put into a cgroup now; then this lets it go on.
        os.write(our_start, b"\0")
        os.close(our_start)
        return process, sync

    @staticmethod
    def answer(sync):
        sync.settimeout(DEADLINE)
        text = b""
        while not text.endswith(b"\n"):
            more = sync.recv(65536)
            if not more:
                return None
            text += more
        return json.loads(text)

    def create(self, options):
        words = ["-b", self.bundle, "-c", self.id, "--exit-dir", self.exits, "-l", self.log, "--log-level",
                 "info", "-n", "k8s_ctr_pod_ns_uid_0", "-P", self.dir + "/conmon-pidfile", "-p",
                 self.bundle + "/pidfile", "--persist-dir", self.persist, "-r", os.environ["OCI"],
                 "--runtime-arg", "--root=" + self.root, "--socket-dir-path", self.sockets, "--syslog", "-u",
                 self.id, *options]
        process, sync = self.run_conmon(words, self.bundle)
        said = self.answer(sync)
        assert said, process.stderr.read()
        self.message = said.get("message")
        # A container's monitor lets go of the caller, and of its pipe.
        assert self.answer(sync) is None
        process.wait(DEADLINE)
        assert sorted(said) in (["pid"], ["message", "pid"]), said
        return said["pid"]

    def runtime(self, *words):
        return subprocess.run([os.environ["OCI"], "--root", self.root, *words], check=False,
                              capture_output=True, text=True, timeout=DEADLINE)

    def start(self):
        done = self.runtime("start", self.id)
        assert done.returncode == 0, done.stderr
        return self

    def exec_sync(self, *args, options=(), terminal=False, seconds=0):
        """ExecSync: what it says of the end, and the log's stdout and stderr."""
        self.execs += 1
        base = f"{self.dir}/exec{self.execs}"
        with open(base + ".json", "w", encoding="utf-8") as file:
            json.dump({"args": list(args), "cwd": "/", "terminal": terminal, "user": {"uid": 0, "gid": 0},
                       "env": ["PATH=/bin:/usr/bin"]}, file)
        words = ["-c", self.id, "-n", "k8s_ctr_pod_ns_uid_0", "-r", os.environ["OCI"], "-p", base + ".pid",
                 "-e", "-l", base + ".log", "--socket-dir-path", self.sockets, "--log-level", "info"]
        words += ["--sync", "--log-global-size-max", str(CAP)] + (["-t"] if terminal else [])
        words += (["-T", str(seconds)] if seconds else []) + list(options)
        words += ["--exec-process-spec", base + ".json", "--runtime-arg", "--root=" + self.root]
        process, sync = self.run_conmon(words, self.dir)
        # CRI-O waits for the process first, and reads then.
        assert process.wait(DEADLINE) in (0, 1)
        said = self.answer(sync)
        return said, records(base + ".log", "stdout"), records(base + ".log", "stderr")

    def control(self, line):
        with open(self.bundle + "/ctl", "w", encoding="ascii") as file:
            file.write(line)

    def attach(self):
        return Client(f"{self.sockets}/{self.id}/attach")

    def ended(self):
        """Its exit, as CRI-O finds it, and nothing left of it."""
        until(lambda: os.path.exists(self.exits + "/" + self.id), "the exit file")
        with open(self.persist + "/exit", encoding="ascii") as file:
            code = file.read()
        with open(self.exits + "/" + self.id, encoding="ascii") as file:
            assert file.read() == code
        assert not os.listdir(self.sockets)
        state = json.loads(self.runtime("state", self.id).stdout)
        assert state["status"] == "stopped", state
        done = self.runtime("delete", "--force", self.id)
        assert done.returncode == 0, done.stderr
        return int(code)


def records(path, stream):
    """What was written on a stream, from a log of the CRI."""
    if not os.path.exists(path):
        return ""
    with open(path, encoding="utf-8", errors="surrogateescape", newline="\n") as file:
        lines = [line.rstrip("\n").split(" ", 3)[1:] for line in file]
    return "".join(text + ("\n" if kind == "F" else "") for name, kind, text in lines if name == stream)


def container(t):
    """Create, start, attach, reopen the log, stop; what comes of one without its program."""
    pod = Pod(t, "trap 'echo term; exit 9' TERM; echo up; echo bad >&2; read a; echo got $a; read b; echo got $b; "
                 "while :; do sleep 0.02; done", "--no-sync-log", "-i", "--leave-stdin-open")
    assert json.loads(pod.runtime("state", pod.id).stdout)["status"] == "created"
    assert os.readlink(f"{pod.sockets}/{pod.id}") == pod.bundle
    assert os.path.exists(pod.dir + "/conmon-pidfile") and not os.path.exists(pod.exits + "/" + pod.id)
    first = pod.attach()
    pod.start()
    first.until(b"up\n")
    first.send(b"one\n")
    first.until(b"got one\n")
    first.close()
    # Its end was not the container's end of file.
    second = pod.attach()
    os.rename(pod.log, pod.log + ".1")
    pod.control("2 0 0\n")
    until(lambda: os.path.exists(pod.log), "the new log file")
    second.send(b"two\n")
    second.until(b"got two\n")
    assert pod.runtime("kill", pod.id, "15").returncode == 0
    assert pod.ended() == 9
    assert records(pod.log + ".1", "stdout") == "up\ngot one\n" and records(pod.log + ".1", "stderr") == "bad\n"
    assert records(pod.log, "stdout") == "got two\nterm\n"
    pod = Pod(t, "", name="none", changes=["args('/nosuch')"], fails=True)
    assert pod.pid == -1 and "/nosuch" in pod.message, (pod.pid, pod.message)
    assert not os.listdir(pod.sockets)


def exec_sync(t):
    pod = Pod(t, "while :; do sleep 0.02; done", "--log-size-max", "16384", "--no-pivot").start()
    # With systemd's cgroups it says so of an exec, too, where it means nothing.
    said, out, err = pod.exec_sync("sh", "-c", "echo out; echo err >&2; exit 7", options=["-s"])
    assert (said, out, err) == ({"exit_code": 7}, "out\n", "err\n"), (said, out, err)
    said, out, _ = pod.exec_sync("sh", "-c", "tty; stty -a > /dev/null && exit 3", terminal=True)
    assert said == {"exit_code": 3} and out.startswith("/dev/pts/"), (said, out)
    said, _, _ = pod.exec_sync("sleep", "1000", seconds=1)
    assert said == {"exit_code": -1, "message": "command timed out"}, said
    said, out, err = pod.exec_sync("/nosuch")
    assert said["exit_code"] == -1 and "/nosuch" in said["message"], said
    # What a container may make its engine keep in memory has a bound; and its writer is not held up.
    said, out, _ = pod.exec_sync("sh", "-c", "head -c 40000000 /dev/zero | tr '\\0' x; exit 5")
    assert said == {"exit_code": 5}, said
    size = os.path.getsize(f"{pod.dir}/exec{pod.execs}.log")
    assert CAP - 20000 < size <= CAP and set(out) == {"x"}, size
    # By its name without SIG.
    assert pod.runtime("kill", pod.id, "KILL").returncode == 0
    assert pod.ended() == 137


def terminal(t):
    pod = Pod(t, "until [ \"$(stty size)\" = '30 100' ]; do sleep 0.02; done; echo sized; read x; exit 4", "-t",
              terminal=True)
    client = pod.attach()
    pod.start()
    pod.control("1 30 100\n")
    client.until(b"sized\r\n")
    client.send(b"x\n")
    assert client.rest().ended
    assert pod.ended() == 4


def killed(t):
    """The monitor's signals are the container's."""
    pod = Pod(t, "trap 'exit 6' TERM; echo up; while :; do sleep 0.02; done").start()
    until(lambda: records(pod.log, "stdout") == "up\n", "the trap")
    with open(pod.dir + "/conmon-pidfile", encoding="ascii") as file:
        os.kill(int(file.read()), signal.SIGTERM)
    assert pod.ended() == 6


if __name__ == "__main__":
    globals()[sys.argv[1]](sys.argv[2])
