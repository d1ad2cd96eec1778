# SPDX-License-Identifier: Apache-2.0
"""What the acceptance tests share: containers, hashes, and proof that nothing stays behind.

Left-over processes are found by a mark that children inherit and containers do not change: an odd
soft limit of RLIMIT_MSGQUEUE, as in tests/cli/helpers.bash.
"""
import hashlib
import os
import re
import resource
import shutil
import subprocess
import tempfile
import time

PATIENCE = 120		# seconds: what takes longer hangs
MIB = 1 << 20
WITH_LINES = ("-v", os.path.join(os.environ["CT_STAGE"], "probe") + ":/opt:ro")


class Failure(Exception):
    """What was wrong, in words."""


def prepare():
    """A home and a runtime directory of our own, and the mark."""
    stage = os.environ["CT_STAGE"]
    work = tempfile.mkdtemp(prefix="acceptance.", dir=os.path.join(stage, "work"))
    for name, variable in ("home", "HOME"), ("run", "XDG_RUNTIME_DIR"), ("tmp", "TMPDIR"):
        os.environ[variable] = os.path.join(work, name)
        os.mkdir(os.environ[variable], 0o700)
    os.environ["PATH"] = f"{stage}/usr/bin:{os.environ['PATH']}"
    for name in "XDG_DATA_HOME", "CATTACH_DEBUG":
        os.environ.pop(name, None)
    _, hard = resource.getrlimit(resource.RLIMIT_MSGQUEUE)
    resource.setrlimit(resource.RLIMIT_MSGQUEUE, (200000 + os.getpid() % 500000, hard))
    return work


def rootfs():
    return os.path.join(os.environ["CT_STAGE"], "examples/bundles/rootfs")


# ---- commands ----------------------------------------------------------------------------------


def spawn(*args, **options):
    """cattach ARG..., in the background."""
    options.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.Popen(["cattach", *args], **options)


def cattach(*args, code=0):
    """cattach ARG..., which has to end with the code (None: any); what it says on stdout."""
    done = subprocess.run(["cattach", *args], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=PATIENCE, check=False)
    if code is not None and done.returncode != code:
        raise Failure(f"cattach {' '.join(args)}: exit {done.returncode}, not {code}: {done.stderr}")
    return done.stdout.strip()


def make(name, *command, options=()):
    """cattach create, of the example root file system; the programs of the tests are in /opt."""
    return cattach("create", "--name", name, *WITH_LINES, *options, "--rootfs", rootfs(),
                   *command)


def state(name, field="Status"):
    return cattach("inspect", "-f", "{{.State." + field + "}}", name)


def ends(process, code=0):
    """A command that was spawned ends by itself, with the code."""
    try:
        got = process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise Failure(f"{process.args}: still there after {PATIENCE} s") from None
    if got != code:
        raise Failure(f"{process.args}: exit {got}, not {code}")


def eventually(condition, what, seconds=30):
    """Wait until something is true; it counts as hanging when it takes too long."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise Failure(f"not within {seconds} s: {what}")
        time.sleep(0.01)


def equal(got, wanted, what):
    if got != wanted:
        raise Failure(f"{what}: got {got}, not {wanted}")


# ---- bytes -------------------------------------------------------------------------------------


def digest(source):
    """SHA-256 and length of what a file object has, to its end."""
    sha, length = hashlib.sha256(), 0
    while data := source.read(MIB):
        sha.update(data)
        length += len(data)
    return sha.hexdigest(), length


def digest_of_lines(size):
    """The same of what "lines write SIZE" writes."""
    lines = os.path.join(os.environ["CT_STAGE"], "probe/lines")
    with subprocess.Popen([lines, "write", str(size), "65536"], stdout=subprocess.PIPE) as p:
        return digest(p.stdout)


def digest_of_file(path):
    with open(path, "rb") as file:
        return digest(file)


def hashing(*args):
    """cattach ARG... with its stdout into sha256sum: both processes."""
    reader = spawn(*args, stdout=subprocess.PIPE)
    hasher = subprocess.Popen(["sha256sum"], stdin=reader.stdout, stdout=subprocess.PIPE)
    reader.stdout.close()
    return reader, hasher


# ---- what must not be left ---------------------------------------------------------------------


def fields(pid, file):
    try:
        with open(f"/proc/{pid}/{file}", encoding="utf-8", errors="replace") as f:
            return f.read()
    except OSError:
        return ""


def processes():
    """Pids of all that were started by us, directly or not, and live; without ourselves."""
    mark = resource.getrlimit(resource.RLIMIT_MSGQUEUE)[0]
    marked = re.compile(rf"^Max msgqueue size +{mark} ", re.M)
    return [int(pid) for pid in os.listdir("/proc")
            if pid.isdigit() and int(pid) != os.getpid() and marked.search(fields(pid, "limits"))
            and re.search(r"^State:\s+[^ZX]", fields(pid, "status"), re.M)]


def stored():
    """Files of containers, in the store and in the runtime directory."""
    found = []
    for top in ("containers", "names"):
        found += [os.path.join(top, name) for name in
                  os.listdir(os.path.expanduser(f"~/.local/share/cattach/{top}"))]
    runtime = os.path.join(os.environ["XDG_RUNTIME_DIR"], "cattach")
    for directory, _, names in os.walk(runtime):
        found += [os.path.join(directory, name) for name in names]
        found += [directory] if directory != runtime else []
    return found


def cgroups(identity):
    """Cgroups that are named after a container."""
    return [path for path, _, _ in os.walk("/sys/fs/cgroup") if identity in path]


def nothing_left(identities=()):
    """No process, mount, cgroup, socket or file of any container."""
    eventually(lambda: not processes(), f"the end of {[fields(p, 'cmdline') for p in processes()]}")
    equal(stored(), [], "files in the store and the runtime directory")
    with open("/proc/self/mountinfo", encoding="utf-8") as mounts:
        equal([line for line in mounts if os.environ["HOME"] in line], [], "mounts")
    for identity in identities:
        equal(cgroups(identity), [], "cgroups")


def clean(work):
    """Whatever a test that failed has left."""
    for pid in processes():
        try:
            os.kill(pid, 9)
        except ProcessLookupError:
            pass
    subprocess.run(["cattach", "ps", "-aq"], check=False, stdout=subprocess.DEVNULL)
    for name in os.listdir(os.path.expanduser("~/.local/share/cattach/containers")):
        subprocess.run(["cattach", "rm", "-f", name], check=False, timeout=PATIENCE,
                       stdout=subprocess.DEVNULL)
    for name in os.listdir(os.path.join(work, "tmp")):
        shutil.rmtree(os.path.join(work, "tmp", name), ignore_errors=True)
