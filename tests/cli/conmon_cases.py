#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Cases of cattach-conmon, one a function: conmon_cases.py NAME DIRECTORY. $CONMON is the program."""
import json
import os
import re
import resource
import select
import signal
import socket
import sys

from conmon_caller import HERE, Client, Session, has_ended, until

RECORD = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}[+-]\d\d:\d\d (stdout|stderr) [PF] .*$")


def exit_files(t):
    s = Session(t, "exit 7").begun()
    assert not s.has("exit/c")
    assert not s.has("exited")
    s.start().gone()
    assert s.read("exit/c") == "7" and s.read("persist/exit") == "7"
    assert s.read("exited") == "a b c\n"
    assert not s.has("bundle/attach")
    assert s.read("pidfile") == str(s.pid)
    s = Session(t, "kill -9 $$", name="k", synced=True).begun().start().gone()
    assert s.read("exit/k") == "137"
    # The caller's way of not waiting for its children is none of the monitor's.
    s = Session(t, "exit 6", name="i", wrapper=("env", "--ignore-signal=CHLD")).begun().start().gone()
    assert s.read("exit/i") == "6"


def command_lines(t):
    s = Session(t, "exit 0", "--runtime-arg", "--root=/r", "--runtime-arg", "--log", "--runtime-arg", "f",
                "--runtime-opt", "--lsm-profile=x", "-s", "--no-pivot", "--no-new-keyring")
    s.begun().start().gone()
    assert json.loads(s.read("argv")) == [
        "--root=/r", "--log", "f", "--systemd-cgroup", "create", "--bundle", s.bundle, "--pid-file",
        s.dir + "/pidfile", "--no-pivot", "--no-new-keyring", "--lsm-profile=x", "c"]
    s = Session(t, "exit 0", "-s", "-e", "--exec-process-spec", "/p", name="e").begun().gone()
    assert json.loads(s.read("argv")) == ["exec", "--pid-file", s.dir + "/pidfile", "--process", "/p",
                                          "--detach", "e"]


def descriptors(t):
    """The runtime gets what it is meant to get and nothing else; the monitor keeps the rest till the end."""
    held, ours = os.pipe()
    os.set_inheritable(ours, True)
    s = Session(t, "exit 0", pass_fds=[ours])
    os.close(ours)
    s.begun()
    # 0 to 2, and one for the list of them.
    fds = json.loads(s.read("fds"))
    assert set(fds) == {"0", "1", "2", "3"}, fds
    assert not select.select([held], [], [], 0)[0]
    s.start().gone()
    assert os.read(held, 1) == b""
    # Behind the first three, as many as the runtime is told of; the pipes' numbers are behind these.
    s = Session(t, "exit 0", "--runtime-opt", "--preserve-fds", "--runtime-opt", "1", name="preserve",
                wrapper=[HERE + "/conmon_preserve.sh"])
    s.begun()
    fds = json.loads(s.read("fds"))
    assert set(fds) == {"0", "1", "2", "3", "4"} and fds["3"].endswith("/passed"), fds
    s.start().gone()


def failures(t):
    s = Session(t, "", fail="boom: executable file not found in $PATH\n")
    assert s.said() == {"data": -1, "message": "boom: executable file not found in $PATH\n"}
    assert s.said() is None
    until(lambda: s.has("exited"), "the exit command")
    assert not s.has("exit/c") and not s.has("bundle/attach")
    s = Session(t, "", name="old", api=False, fail='"\\ \x01 caf\xe9\n')
    assert s.said() == {"pid": -1, "message": '"\\ \x01 caf\xe9\n'}
    s = Session(t, "", "-e", "--exec-process-spec", "/p", name="exec", api=False, fail="no\n")
    assert s.said() == {"exit_code": -1, "message": "no\n"}
    s = Session(t, "", name="quiet", fail="")
    said = s.said()
    assert said["data"] == -1 and "exit status 3" in said["message"], said
    # What is wrong with the command line is told on both ways.
    s = Session(t, "", "-l", "nosuch:/x", name="wrong")
    assert "no such log driver: nosuch" in s.said()["message"]
    assert b"--log-path: no such log driver: nosuch" in s.process.stderr.read()
    assert s.process.wait() == 1
    s = Session(t, "", "--log-size-max", "x", name="number")
    assert "--log-size-max" in s.said()["message"]
    # Without a record of the monitor's pid there is none: told once, and nothing is made.
    s = Session(t, "", "-P", t + "/nosuch/conmon.pid", name="pid")
    assert "--conmon-pidfile" in s.said()["message"]
    again, code = s.said(), s.process.wait()
    assert again is None and code == 1, (again, code, s.process.stderr.read())
    assert not s.has("argv") and not s.has("exited")


def noise(t):
    """A runtime or a hook that has much to say: it is not held up, the log has it, and of a failure's words
    both ends are told."""
    lines = 2 * (1 << 14)
    s = Session(t, "seq 1 200000; exit 3", env={"FAKE_NOISE": "2"}).begun()
    client = s.attach()
    s.start()
    # Whoever was there before the start gets everything that comes after it.
    assert client.rest().out.endswith(b"199999\n200000\n"), client.out[-100:]
    s.gone()
    assert s.read("exit/c") == "3"
    noisy = "noise " + "." * 57 + "\n"
    assert s.output("stderr") == noisy * lines
    assert s.output() == noisy * lines + "".join(f"{i}\n" for i in range(1, 200001))
    said = Session(t, "", name="fails", env={"FAKE_NOISE": "2"}, fail="boom: no such file\n").said()
    message = said["message"]
    assert said["data"] == -1 and message.startswith(noisy) and len(message) < 8192, said
    assert message.endswith(noisy + "boom: no such file\n") and "\n[...]\n" in message, message[-200:]
    s = Session(t, "tty > $FAKE/tty; exit 0", "-t", name="terminal", env={"FAKE_NOISE": "2"})
    s.begun().start().gone()
    assert s.read("tty").startswith("/dev/pts/")


def exit_command(t):
    """It runs once for each monitor that is on its own, whatever becomes of that; and for no other."""
    def ran(s):
        until(lambda: s.has("exited") and s.read("exited") == "a b c\n", "the exit command")
        return True
    s = Session(t, "", fail="boom\n", name="runtime")
    assert s.said()["data"] == -1 and s.process.wait() == 0 and ran(s)
    # Before the runtime was called, and behind it.
    s = Session(t, "", "--socket-dir-path", t + "/nosuch", full=False, name="link")
    assert "nosuch" in s.said()["message"] and s.process.wait() == 0 and ran(s) and not s.has("argv")
    s = Session(t, "", env={"FAKE_FORGETS": "yes"}, name="pidfile")
    assert "has not written" in s.said()["message"] and s.process.wait() == 0 and ran(s)
    # In the caller's own process there is no other way for it to tell.
    s = Session(t, "", "--sync", fail="boom\n", name="sync")
    assert s.said()["data"] == -1 and s.process.wait() == 1 and s.read("exited") == "a b c\n"
    # Without a monitor the caller knows by the exit status that nothing will be executed.
    for name, options in (("option", ["-l", "nosuch:/x"]), ("recorded", ["-P", t + "/nosuch/pid"]),
                          ("records", ["--exit-dir", t + "/nosuch"])):
        s = Session(t, "", *options, name=name)
        assert s.said()["data"] == -1 and s.process.wait() == 1 and s.said() is None
        assert not s.has("exited") and not s.has("argv")


def start_pipe(t):
    s = Session(t, "exit 3", start_pipe=True)
    assert not select.select([s.sync], [], [], 0)[0]
    assert not s.has("argv") and not s.has("conmon.pid")
    s.start_pipe.send(b"\0")
    s.begun().start().gone()
    assert s.read("exit/c") == "3"


def exec_attach(t):
    s = Session(t, "read x; echo got $x; exit 4", "-e", "--exec-process-spec", "/p", "--exec-attach", "-i",
                start_pipe=True, attach_pipe=True)
    s.start_pipe.send(b"\0")
    assert s.said(s.attach_pipe) == {"data": 0}
    client = s.attach()
    assert not s.has("argv")
    s.start_pipe.send(b"\0")
    s.begun()
    client.send(b"word\n")
    client.rest()
    assert client.out == b"got word\n"
    assert s.said() == {"data": 4}
    s.gone()
    assert s.read("exit/c") == "4"


def attach(t):
    """Who attaches before the start gets every byte, on which stream it was, in records of 8 KiB."""
    s = Session(t, "echo out; echo err >&2; seq 1 20000; exit 0").begun()
    client, other = s.attach(), s.attach()
    s.start()
    client.rest()
    assert client.out == ("out\n" + "".join(f"{i}\n" for i in range(1, 20001))).encode()
    assert client.err == b"err\n"
    assert client.longest <= 8193
    assert other.rest().out == client.out
    s.gone()
    assert s.output().encode() == client.out
    mode = os.stat(s.log).st_mode & 0o777
    assert mode == 0o600, oct(mode)


def stdin(t):
    """Records of any size arrive whole; the end of one client is the payload's, unless it is not to be."""
    s = Session(t, "cat > $FAKE/in; exit 0", "-i").begun().start()
    client = s.attach()
    client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    data = os.urandom(150000)
    client.send(data)
    client.send(b"and so on")
    client.half_close()
    s.gone()
    with open(s.dir + "/in", "rb") as file:
        assert file.read() == data + b"and so on"
    # Also of one that goes without having read what it was sent: that resets the connection.
    s = Session(t, "echo out; cat > $FAKE/in; exit 0", "-i", name="reset").begun()
    client = s.attach()
    s.start()
    until(lambda: not client.quiet(), "there is something to be read")
    os.kill(s.monitor(), signal.SIGSTOP)
    client.send(b"one")
    client.send(b"two")
    client.close()
    os.kill(s.monitor(), signal.SIGCONT)
    s.gone()
    assert s.read("in") == "onetwo"
    s = Session(t, "cat; exit 0", "-i", "--leave-stdin-open", name="open").begun().start()
    first, second = s.attach(), s.attach()
    first.send(b"one\n")
    second.until(b"one\n")
    first.close()
    second.send(b"two\n")
    second.until(b"two\n")
    s.kill()


def slow_stdin(t):
    """A payload that does not read stdin holds up its writer, and nobody else."""
    s = Session(t, "while [ ! -e $FAKE/go ]; do echo tick; sleep 0.05; done; cat | wc -c", "-i")
    s.begun().start()
    writer, reader = s.attach(), s.attach()
    writer.sock.settimeout(0)
    sent = 0
    try:
        while True:
            sent += writer.sock.send(b"x" * 30000)
    except BlockingIOError:
        pass
    reader.until(b"tick\ntick\n")
    with open(s.dir + "/go", "w", encoding="ascii"):
        pass
    writer.half_close()
    s.gone()
    assert reader.rest().out.endswith(f"{sent}\n".encode()), (sent, reader.out[-20:])


def terminal(t):
    s = Session(t, "sized() { until [ \"$(stty size)\" = \"$1\" ]; do sleep 0.01; done; echo is $1; }; "
                   "sized '30 100'; sized '40 120'; sized '50 60'; read x; exit 5", "-t").begun()
    # Before there is anybody to ask for it.
    s.control("1 30 100\n")
    client = s.attach()
    s.start()
    client.until(b"is 30 100\r\n")
    # In pieces, behind lines that are none, and by the other FIFO.
    s.control("what\n1 1 1 1\n" + "9" * 300 + "\n1 40 ")
    s.control("120\n")
    client.until(b"is 40 120\r\n")
    s.control("50 60\n", "winsz")
    client.until(b"is 50 60\r\n")
    client.send(b"a\n")
    s.gone()
    assert s.read("exit/c") == "5"
    assert not client.err


def log_format(t):
    os.environ["TZ"] = "Asia/Kolkata"
    s = Session(t, "echo one; printf two; sleep 0.2; echo; head -c 10000 /dev/zero | tr '\\0' x; "
                   "echo; echo bad >&2; printf last").begun().start().gone()
    for line in s.read("ctr.log").splitlines():
        assert RECORD.match(line) and "+05:30 " in line, line
    assert s.output() == "one\ntwo\n" + "x" * 10000 + "\nlast"
    assert s.output("stderr") == "bad\n"
    assert max(len(text) for _, _, text in s.lines()) == 8192
    assert ("stdout", "P", "two") in s.lines() and ("stdout", "P", "last") in s.lines()


def log_sizes(t):
    payload = "for i in $(seq 1 200); do echo line $i; done"
    s = Session(t, payload, "--log-size-max", "2000", name="anew").begun().start().gone()
    assert os.path.getsize(s.log) <= 2000 and not s.has("ctr.log.1")
    assert s.lines()[-1] == ("stdout", "F", "line 200")
    s = Session(t, payload, "--log-size-max", "4000", "--log-rotate", "--log-max-files", "2",
                name="rotate").begun().start().gone()
    names = sorted(name for name in os.listdir(s.dir) if name.startswith("ctr.log"))
    assert names == ["ctr.log", "ctr.log.1", "ctr.log.2"], names
    kept = "".join(s.output(path=s.log + end) for end in (".2", ".1", ""))
    assert ("".join(f"line {i}\n" for i in range(1, 201))).endswith(kept) and len(kept) > 1000
    s = Session(t, payload, "--log-global-size-max", "3000", name="cap").begun().start().gone()
    assert 2900 <= os.path.getsize(s.log) <= 3000
    assert s.lines()[0] == ("stdout", "F", "line 1")
    s = Session(t, payload, "-l", "none", name="none", log=False).begun()
    client = s.attach()
    s.start().gone()
    assert client.rest().out.endswith(b"line 200\n") and not s.has("ctr.log")


def two_logs(t):
    """A file and journald at once, as CRI-O writes it: each has everything. /run is the test's own."""
    os.makedirs("/run/systemd/journal")
    journald = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    journald.bind("/run/systemd/journal/socket")
    journald.settimeout(30)
    s = Session(t, "echo one; echo bad >&2; exit 0", "-l", t + "/0.log", "--log-path", "journald:", "--log-tag",
                "tag", log=False).begun().start()
    entries = sorted(journald.recv(65536).split(b"\nSYSLOG_TIMESTAMP")[0] for _ in range(2))
    assert entries == [b"MESSAGE=bad\nPRIORITY=3", b"MESSAGE=one\nPRIORITY=6"], entries
    s.gone()
    assert s.output(path=t + "/0.log") == "one\n" and s.output("stderr", t + "/0.log") == "bad\n"


def reopen(t):
    s = Session(t, "echo one; read x; echo two; exit 0", "-i").begun().start()
    until(lambda: os.path.getsize(s.log) > 0, "the first line")
    os.rename(s.log, s.log + ".old")
    s.control("2 0 0\n")
    until(lambda: s.has("ctr.log"), "the new file")
    s.attach().send(b"\n")
    s.gone()
    assert s.output() == "two\n" and s.output(path=s.log + ".old") == "one\n"


def stuck_client(t):
    """Clients that read nothing: the payload, its log, the others, control and the end do not wait."""
    s = Session(t, "seq 1 2000000; echo done; exit 6", "--log-size-max", "1000000").begun().start()
    stuck = [s.attach() for _ in range(3)]
    reader = s.attach()
    reader.rest()
    assert reader.out.endswith(b"2000000\ndone\n")
    until(lambda: s.has("exit/c"), "the exit file")
    assert s.read("exit/c") == "6"
    s.gone()
    assert s.lines()[-1] == ("stdout", "F", "done")
    # Once they read, they get what there was for them: all of it.
    for client in stuck:
        client.rest()
        assert client.out.endswith(b"2000000\ndone\n") and not client.err


def stopped_terminal(t):
    """On a terminal, too; who comes back then is told that something is missing, and goes on."""
    s = Session(t, "stty raw; seq 1 2000000; echo done; read x; exit 0", "-t").begun().start()
    stuck = s.attach()
    until(lambda: s.output().rstrip().endswith("done"), "the end of the output")
    stuck.until(b"KiB of output were not shown here")
    stuck.send(b"x\n")
    s.gone()


def descendants(t):
    """Who has left the payload's pipes open behind does not keep its end from being told."""
    s = Session(t, "sleep 1000 & echo $! > $FAKE/child; echo main; exit 2").begun().start().gone()
    assert s.read("exit/c") == "2" and s.output() == "main\n"
    os.kill(int(s.read("child")), signal.SIGKILL)


def orphans(t):
    """Whoever the payload leaves behind is reaped."""
    s = Session(t, "sh -c '(sleep 0.1; exit 1) & echo $! > $FAKE/child' > /dev/null; read x; exit 0",
                "-i").begun().start()
    until(lambda: s.has("child") and s.read("child").strip(), "the child")
    child = int(s.read("child"))
    until(lambda: not os.path.exists(f"/proc/{child}"), "the orphan is reaped")
    s.attach().send(b"\n")
    s.gone()


def signals(t):
    s = Session(t, "trap 'echo caught; exit 9' TERM; echo ready; while :; do sleep 0.05; done")
    s.begun().start()
    until(lambda: "ready" in s.output(), "the trap")
    os.kill(s.monitor(), signal.SIGTERM)
    s.gone()
    assert s.read("exit/c") == "9" and s.output() == "ready\ncaught\n"


def hanging_runtime(t):
    """Nobody would pass a signal on to a payload that there may never be."""
    s = Session(t, "", env={"FAKE_HANGS": "yes"})
    until(lambda: s.has("hangs") and s.read("hangs"), "the runtime")
    os.kill(s.monitor(), signal.SIGTERM)
    said = s.said()
    assert said["data"] == -1 and "ended by a signal before the runtime" in said["message"], said
    until(lambda: s.has("exited") and s.read("exited"), "the exit command")
    assert has_ended(int(s.read("hangs"))) and not s.has("bundle/attach")


def timeout(t):
    s = Session(t, "sleep 1000", "-T", "1", "-e", "--exec-process-spec", "/p").begun()
    assert s.said() == {"data": -1, "message": "command timed out"}
    s.gone()
    assert s.read("exit/c") == "-1"


def is_whole(path):
    with open(path, encoding="ascii") as file:
        text = file.read()
    return text.endswith("\n") and all(RECORD.match(line) for line in text.splitlines())


def full_disk(t):
    """On a small disk of its own: the payload goes on, records are whole, and come when there is room."""
    disk = t + "/disk"
    ballast = disk + "/ballast"
    s = Session(t, "seq 1 100000; echo full >&2; read x; echo after; exit 0", "-i", "-l",
                "k8s-file:" + disk + "/ctr.log", log=False, env={"DISK": disk})
    s.log = disk + "/ctr.log"
    s.begun()
    client = s.attach()
    s.start()
    client.until(b"\n100000\n")
    # But for the moment in which it is seen that one is not: then it is cut back.
    until(lambda: is_whole(s.log), "nothing but whole records")
    assert len(s.lines()) < 100000
    os.unlink(ballast)
    client.send(b"\n")
    s.gone()
    # Nothing was lost meanwhile.
    assert s.output() == "".join(f"{i}\n" for i in range(1, 100001)) + "after\n"
    assert s.read("exit/c") == "0"


def no_descriptors(t):
    """A full table of descriptors: clients are sent away, nothing spins, and then there is room again."""
    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
    s = Session(t, "while read x; do echo $x; done; exit 0", "-i", "--leave-stdin-open", limits=limit)
    s.begun().start()
    clients = []
    while True:
        client = s.attach()
        clients.append(client)
        if select.select([client.sock], [], [], 0.05)[0]:
            break
        assert len(clients) < 60
    assert not client.rest().out and b"no descriptor left" in client.err
    before = processor_time(s.monitor())
    assert s.attach().rest().ended
    clients[0].send(b"still here\n")
    clients[1].until(b"still here\n")
    assert processor_time(s.monitor()) - before < 20
    for client in clients[2:]:
        client.close()
    # It hears of that when it hears of it.
    late = None
    while late is None or late.sock.fileno() < 0:
        late = s.attach()
        if select.select([late.sock], [], [], 0.05)[0]:
            late.close()
    clients[0].send(b"again\n")
    late.until(b"again\n")
    s.kill()


def limits(t):
    """Limits that somebody has set for the container are not the monitor's: not for clients, nor for the log."""
    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (40, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
        resource.setrlimit(resource.RLIMIT_FSIZE, (51200, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
    s = Session(t, "read x; ulimit -S -n; ulimit -S -f; seq 1 20000; exit 0", "-i", "--exit-command", "/bin/sh",
                "--exit-command-arg", "-c", "--exit-command-arg", f"ulimit -S -n > {t}/n; ulimit -S -f > {t}/f",
                limits=limit, exits=False).begun()
    clients = [s.attach() for _ in range(80)]
    s.start()
    clients[79].send(b"\n")
    expected = b"40\n100\n" + b"".join(b"%d\n" % i for i in range(1, 20001))
    for client in clients:
        assert client.rest().out == expected and not client.err, (client.out[:40], client.err)
    s.gone()
    assert s.output().encode() == expected
    with open(t + "/n", encoding="ascii") as nofile, open(t + "/f", encoding="ascii") as fsize:
        assert (nofile.read(), fsize.read()) == ("40\n", "100\n")


def processor_time(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(") ", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def notify(t):
    host = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    host.bind(t + "/host")
    host.settimeout(30)
    s = Session(t, "read x; exit 0", "-i", "--sdnotify-socket", t + "/host").begun().start()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as inside:
        inside.sendto(b"MAINPID=1\nREADY=1\nFDSTORE=1\nSTATUS=up", s.bundle + "/notify/notify.sock")
    assert host.recv(4096) == b"READY=1\nSTATUS=up\n"
    s.attach().send(b"\n")
    s.gone()


def out_of_memory(t):
    """It is on record when it happens, and once. /sys/fs/cgroup is the test's own."""
    with open("/proc/self/cgroup", encoding="ascii") as file:
        path = [line.rstrip("\n").split("::")[1] for line in file if line.startswith("0::")][0]
    os.makedirs("/sys/fs/cgroup" + path, exist_ok=True)
    events = "/sys/fs/cgroup" + path + "/memory.events"

    def count(kills):
        with open(events, "r+" if os.path.exists(events) else "w", encoding="ascii") as file:
            file.write(f"low 0\nhigh 0\nmax {kills}\noom {kills}\noom_kill {kills}\noom_group_kill 0\n")
    count(3)
    s = Session(t, "while read x; do echo $x; done; exit 0", "-i", "--leave-stdin-open").begun()
    client = s.attach()
    s.start()
    # No kill is no news.
    count(3)
    client.send(b"one\n")
    client.until(b"one\n")
    assert not s.has("bundle/oom") and not s.has("persist/oom")
    count(4)
    until(lambda: s.has("bundle/oom") and s.has("persist/oom"), "the files")
    client.send(b"still here\n")
    client.until(b"still here\n")
    assert not s.has("exit/c")
    # Its cgroup is gone before its end is looked at.
    os.unlink(events)
    os.kill(s.pid, signal.SIGKILL)
    s.gone()
    assert s.read("exit/c") == "137" and s.has("persist/oom")
    # Of a kill that comes with the end nobody is told before.
    count(4)
    s = Session(t, "read x; exit 0", "-i", name="end").begun().start()
    os.kill(s.monitor(), signal.SIGSTOP)
    os.kill(s.pid, signal.SIGKILL)
    count(5)
    os.kill(s.monitor(), signal.SIGCONT)
    s.gone()
    assert s.has("bundle/oom") and s.has("persist/oom")
    s = Session(t, "exit 0", name="none").begun().start().gone()
    assert not s.has("bundle/oom") and not s.has("persist/oom")


def socket_link(t):
    """Without --full-attach the bundle is found by a link of the session's id, while there is one."""
    os.mkdir(t + "/sockets")
    s = Session(t, "echo here; exit 0", "--socket-dir-path", t + "/sockets", full=False).begun()
    assert os.readlink(t + "/sockets/c") == s.bundle
    client = Client(t + "/sockets/c/attach")
    s.start().gone()
    assert client.rest().out == b"here\n"
    assert not os.listdir(t + "/sockets")
    s = Session(t, "exit 0", "--socket-dir-path", t + "/sockets", name="full").begun()
    assert not os.listdir(t + "/sockets")
    s.start().gone()


def sync(t):
    s = Session(t, "echo hi; exit 3", "-e", "--sync", "--exec-process-spec", "/p", api=False)
    assert s.said() == {"exit_code": 3}
    assert s.process.wait(30) == 0 and s.monitor() == s.process.pid
    assert s.output() == "hi\n"


def passthrough(t):
    out, theirs = os.pipe()
    s = Session(t, "echo through; exit 0", "-l", "passthrough", log=False,
                limits=lambda: os.dup2(theirs, 1), pass_fds=[theirs])
    s.begun()
    assert not s.has("bundle/attach") and not s.has("bundle/ctl")
    s.start().gone()
    assert os.read(out, 100) == b"through\n"
    assert s.read("exit/c") == "0"


if __name__ == "__main__":
    globals()[sys.argv[1]](sys.argv[2])
