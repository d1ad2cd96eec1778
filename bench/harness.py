# SPDX-License-Identifier: Apache-2.0
"""What the rows of the benchmark share: the table, commands as the unprivileged user, processes.

Runs as root where it was started by root, because only root may look into the memory of a monitor;
everything that is measured runs as the user.
"""
import os
import pwd
import shutil
import signal
import statistics
import subprocess
import tempfile
import time

GIB = 1 << 30
MIB = 1 << 20
PATIENCE = 180		# seconds: what takes longer hangs
ACCOUNT = pwd.getpwnam(os.environ["CT_ACCOUNT"])
STAGE = os.environ["CT_STAGE"]
ROOTFS = f"{STAGE}/examples/bundles/rootfs"
LINES = f"{ROOTFS}/bin/lines"
WORK = f"{STAGE}/work"
HAVE_CONMON = shutil.which("conmon") is not None

# What a user's process is started with.
AS_USER = {"cwd": WORK, "env": {
    "PATH": f"{STAGE}/usr/bin:{os.environ['PATH']}", "TERM": "xterm", "HOME": f"{WORK}/home",
    "XDG_RUNTIME_DIR": f"{WORK}/run", "TMPDIR": WORK}}
if os.getuid() == 0:
    AS_USER |= {"user": ACCOUNT.pw_uid, "group": ACCOUNT.pw_gid, "extra_groups": []}


def own_directory(path=None):
    """A new directory of the user's."""
    path = path or tempfile.mkdtemp(dir=WORK)
    os.makedirs(path, 0o700, exist_ok=True)
    os.chown(path, ACCOUNT.pw_uid, ACCOUNT.pw_gid)
    return path


# ---- the table ---------------------------------------------------------------------------------


class Table:
    """Rows in markdown, printed as they come, and how many targets were missed."""

    def __init__(self):
        self.missed = self.met = 0
        print("| what | cattach | beside it | ratio | target | met |\n|---|---|---|---|---|---|")

    def row(self, what, ours, beside="–", ratio=None, target="–", met=None):
        """ratio is a number, met a truth or None where there is no target."""
        verdict = {None: "–", True: "yes", False: "**no**"}[met]
        self.missed += met is False
        self.met += met is True
        shown = "–" if ratio is None else f"{ratio:.2f}"
        print(f"| {what} | {ours} | {beside} | {shown} | {target} | {verdict} |", flush=True)


def us(microseconds):
    if microseconds < 995:
        return f"{microseconds:.0f} µs"
    return f"{microseconds / 1e3:.1f} ms" if microseconds < 995e3 else f"{microseconds / 1e6:.2f} s"


# ---- commands ----------------------------------------------------------------------------------


def start(*args, **options):
    """A command of the user's, in the background, with nothing for stdin and stdout."""
    options.setdefault("stdin", subprocess.DEVNULL)
    options.setdefault("stdout", subprocess.DEVNULL)
    return subprocess.Popen([str(a) for a in args], **AS_USER, **options)


def output(*args):
    """What a command of the user's says; it must not fail."""
    return subprocess.run([str(a) for a in args], **AS_USER, check=True, timeout=PATIENCE,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          text=True).stdout.strip()


def cattach(*args):
    return output("cattach", *args)


def timed(*commands, rounds=30, option=None):
    """Medians in µs of commands, each (NAME, COMMAND...), against each other: see timer.c."""
    words = []
    for command in commands:
        words += ["--"] * bool(words) + list(command)
    lines = output(f"{STAGE}/timer", *([option] if option else []), "-n", rounds, *words)
    return [float(line.split()[-7]) for line in lines.splitlines()[1:]]


def eventually(condition, what, seconds=PATIENCE, pause=0.002):
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds} s: {what}")
        time.sleep(pause)
    return value


def median(values):
    return statistics.median(values)


# ---- containers --------------------------------------------------------------------------------


def inspect(name, field):
    return cattach("inspect", "-f", "{{" + field + "}}", name)


def monitor_of(name):
    return int(inspect(name, ".State.ConmonPid"))


def waiting(name, count):
    """So many clients wait for the start of a container that was created."""
    directory = f"{WORK}/run/cattach/{inspect(name, '.Id')}"
    eventually(lambda: os.path.isdir(directory) and
               sum(n.startswith("wait.") for n in os.listdir(directory)) == count,
               f"{count} clients that wait for {name}")


def remove(*names):
    cattach("rm", "-f", *names)


# ---- processes ---------------------------------------------------------------------------------


def read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def cpu_seconds(pid):
    """Processor time of a process that has one thread."""
    return int(read(f"/proc/{pid}/schedstat").split()[0]) / 1e9


def switches(pid):
    """How often a process has gone to sleep."""
    for line in read(f"/proc/{pid}/status").splitlines():
        if line.startswith("voluntary_ctxt"):
            return int(line.split()[1])
    return 0


def memory(pid):
    """(private-dirty, PSS) in kB, or None when we may not look."""
    try:
        text = read(f"/proc/{pid}/smaps_rollup")
    except PermissionError:
        return None
    values = {line.split(":")[0]: int(line.split()[1]) for line in text.splitlines()[1:]}
    return values["Private_Dirty"], values["Pss"]


def kill(pid, number=signal.SIGKILL):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


# ---- conmon ------------------------------------------------------------------------------------


class Conmon:
    """conmon over a shell command; see conmon_runtime.sh. The command waits for go()."""

    def __init__(self, command, *options):
        self.bundle = own_directory()
        self.log = f"{self.bundle}/log"
        os.mkfifo(f"{self.bundle}/go")
        os.chown(f"{self.bundle}/go", ACCOUNT.pw_uid, ACCOUNT.pw_gid)
        with open(f"{self.bundle}/command", "w", encoding="utf-8") as file:
            file.write(f"read x < {self.bundle}/go\n{command}\n")
        output("conmon", "--api-version", 1, "-c", "bench", "-u", "bench", "-n", "bench",
               "-r", f"{STAGE}/bench/conmon_runtime.sh", "-b", self.bundle,
               "-p", f"{self.bundle}/pid", "-P", f"{self.bundle}/conmon.pid",
               "-l", f"k8s-file:{self.log}", "--exit-dir", self.bundle,
               "--socket-dir-path", self.bundle, "--full-attach", *options)
        self.pid = int(eventually(lambda: read(f"{self.bundle}/conmon.pid"), "conmon's pid"))
        eventually(lambda: os.path.exists(f"{self.bundle}/attach"), "conmon's socket")

    def go(self):
        with open(f"{self.bundle}/go", "w", encoding="utf-8") as file:
            file.write("\n")

    def client(self, *args, **options):
        return start(f"{STAGE}/conmon_client", self.bundle, *args, **options)

    def close(self):
        kill(int(read(f"{self.bundle}/pid")))
        kill(self.pid)
        shutil.rmtree(self.bundle, ignore_errors=True)
