#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write a config.json for a test: bundle.py FILE ROOTFS [PYTHON...]

Each PYTHON is executed with the configuration as c; p, l and m are its process, its linux section
and its mounts. args(...) sets the arguments, sh(text) a command for the shell, mount(...) adds one.
"""
import json
import sys

CAPS = ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL",
        "CAP_NET_BIND_SERVICE", "CAP_SETFCAP", "CAP_SETGID", "CAP_SETPCAP", "CAP_SETUID",
        "CAP_SYS_CHROOT"]

OUTPUT, ROOTFS, *CHANGES = sys.argv[1:]

p = {
    "terminal": False,
    "user": {"uid": 0, "gid": 0},
    "args": ["true"],
    "env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
    "cwd": "/",
    "capabilities": {"bounding": CAPS[:], "effective": CAPS[:], "permitted": CAPS[:]},
    "noNewPrivileges": True,
}
m = [
    {"destination": "/proc", "type": "proc", "source": "proc",
     "options": ["nosuid", "noexec", "nodev"]},
    {"destination": "/dev", "type": "tmpfs", "source": "tmpfs",
     "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]},
    {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
     "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]},
    {"destination": "/dev/shm", "type": "tmpfs", "source": "shm",
     "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]},
    {"destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue",
     "options": ["nosuid", "noexec", "nodev"]},
    {"destination": "/sys", "type": "sysfs", "source": "sysfs",
     "options": ["nosuid", "noexec", "nodev", "ro"]},
]
l = {
    "namespaces": [{"type": t} for t in
                   ("user", "mount", "pid", "network", "ipc", "uts", "cgroup")],
    "maskedPaths": ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"],
    "readonlyPaths": ["/proc/bus", "/proc/sys", "/proc/sysrq-trigger"],
}
c = {
    "ociVersion": "1.3.0",
    "root": {"path": ROOTFS, "readonly": True},
    "hostname": "bundle",
    "process": p,
    "mounts": m,
    "linux": l,
}


def args(*words):
    p["args"] = list(words)


def sh(text):
    args("sh", "-c", text)


def mount(destination, type=None, source=None, options=()):
    """Add a mount, in the place of one that is there already."""
    new = {"destination": destination, "options": list(options)}
    if type:
        new["type"] = type
    if source:
        new["source"] = source
    m[:] = [old for old in m if old["destination"] != destination] + [new]


def unmount(*destinations):
    m[:] = [old for old in m if old["destination"] not in destinations]


def join(kind, path):
    """Join a namespace by path."""
    l["namespaces"] = [n for n in l["namespaces"] if n["type"] != kind]
    l["namespaces"].append({"type": kind, "path": path})


for CHANGE in CHANGES:
    exec(CHANGE)
with open(OUTPUT, "w") as f:
    json.dump(c, f, indent=1)
