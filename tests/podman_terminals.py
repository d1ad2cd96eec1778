#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""podman on a terminal: podman_terminals.py PODMAN OPTION... prints "ok NAME" or "bad NAME"."""
import subprocess
import sys
import time
import traceback

import pexpect

PODMAN = sys.argv[1:]


def on_terminal(*words):
    return pexpect.spawn(PODMAN[0], [*PODMAN[1:], *words], dimensions=(31, 97), timeout=60)


def podman(*words):
    return subprocess.run([*PODMAN, *words], capture_output=True, text=True, check=False, timeout=60)


def ends(child, code):
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == code, child.exitstatus


def run():
    child = on_terminal("run", "--rm", "-it", "--network", "none", "img", "sh")
    child.expect("# ")
    # The size comes when it comes: podman sends it behind the start.
    child.send('until [ "$(stty size)" = "31 97" ]; do sleep 0.1; done; echo fir""st\r')
    child.expect("\nfirst")
    child.setwinsize(41, 111)
    child.send('until [ "$(stty size)" = "41 111" ]; do sleep 0.1; done; echo sec""ond\r')
    child.expect("\nsecond")
    child.send("exit 6\r")
    ends(child, 6)


def execute():
    podman("run", "-dit", "--name", "t", "--network", "none", "img", "sh")
    child = on_terminal("exec", "-it", "t", "sh")
    child.expect("# ")
    child.send('until [ "$(stty size)" = "31 97" ]; do sleep 0.1; done; echo fir""st\r')
    child.expect("\nfirst")
    child.send("exit 4\r")
    ends(child, 4)


def attach():
    child = on_terminal("attach", "t")
    time.sleep(0.5)
    child.send("\r")
    child.expect("# ")
    child.send('echo hel""lo\r')
    child.expect("\nhello")
    child.send("\x10")
    time.sleep(0.3)
    child.send("\x11")
    ends(child, 0)
    assert "running" in podman("inspect", "-f", "{{.State.Status}}", "t").stdout
    child = on_terminal("attach", "t")
    time.sleep(0.5)
    child.send("\r")
    child.expect("# ")
    child.send("exit 8\r")
    child.expect(pexpect.EOF)
    child.close()
    assert podman("wait", "t").stdout == "8\n"
    assert "hello\r\n" in podman("logs", "t").stdout.replace("\n", "\r\n").replace("\r\r", "\r")
    podman("rm", "-f", "t")


for name, case in {"run -it: size, new size, exit code": run, "exec -it: size, exit code": execute,
                   "attach, detach, attach again": attach}.items():
    try:
        case()
        print("ok", name, flush=True)
    except Exception:
        traceback.print_exc()
        print("bad", name, flush=True)
