# SPDX-License-Identifier: Apache-2.0
"""Rows about starting, and about what stays: memory, and work while nothing happens."""
import shutil
import subprocess
import time

from harness import (ACCOUNT, HAVE_CONMON, ROOTFS, STAGE, Conmon, cattach, kill, memory,
                     monitor_of, output, own_directory, remove, start, switches, timed, us,
                     cpu_seconds)



def starts(table):
    """start and end of true"""
    uid, gid = ACCOUNT.pw_uid, ACCOUNT.pw_gid
    commands = [("floor", f"{STAGE}/floor", ROOTFS, "true"),
                ("run", "cattach", "run", "--rm", "--rootfs", ROOTFS, "true"),
                ("one-id", "cattach", "run", "--rm", "--uidmap", f"0:{uid}:1", "--gidmap",
                 f"0:{gid}:1", "--rootfs", ROOTFS, "true")]
    if shutil.which("bwrap"):
        commands.append(("bwrap", "bwrap", "--unshare-all", "--uid", 0, "--gid", 0,
                         "--die-with-parent", "--new-session", "--bind", ROOTFS, "/", "--proc",
                         "/proc", "--dev", "/dev", "--mqueue", "/dev/mqueue", "--cap-drop", "ALL",
                         "true"))
    floor, run, one, *bwrap = timed(*commands, rounds=300)
    table.row("run --rm true, one id mapped", us(one), f"floor {us(floor)}", one / floor, "≤ 1.6",
              one / floor <= 1.6)
    if bwrap:
        table.row("the same", us(one), f"bubblewrap {us(bwrap[0])}", one / bwrap[0], "≤ 0.9",
                  one / bwrap[0] <= 0.9)
    table.row("with a range of ids (newuidmap, newgidmap)", us(run), f"floor {us(floor)}",
              run / floor)
    floor, run, one, *bwrap = timed(*commands, rounds=300, option="-c")
    table.row("one id mapped, processor time of all processes", us(one), f"floor {us(floor)}",
              one / floor)
    if bwrap:
        table.row("the same", us(one), f"bubblewrap {us(bwrap[0])}", one / bwrap[0])
    table.row("with a range of ids, processor time", us(run), f"floor {us(floor)}", run / floor)


def confinement(table):
    """confinement of the monitor"""
    median = float(output(f"{STAGE}/confine", own_directory()).split()[0])
    table.row("confinement of a monitor (part of each start)", us(median))


def peer_memory():
    """(private-dirty, PSS) of an idle conmon, or None."""
    if not HAVE_CONMON:
        return None
    peer = Conmon("exec sleep 1000")
    peer.go()
    time.sleep(0.5)
    found = memory(peer.pid)
    peer.close()
    return found


def memory_row(table, what, ours, peer, target):
    beside = f"conmon {peer} kB" if peer else "–"
    table.row(what, f"{ours} kB", beside, ours / peer if peer else None,
              f"≤ {target} kB" if target else "–", ours <= target if target else None)


def idle(table):
    """memory and work of an idle monitor"""
    # The first one ever compiles the filters, which leaves traces in its memory.
    cattach("run", "--rm", "--rootfs", ROOTFS, "true")
    cattach("run", "-d", "--name", "idle", "--rootfs", ROOTFS, "sleep", 1000)
    monitor = monitor_of("idle")
    time.sleep(1)
    ours, peer = memory(monitor), peer_memory() or (None, None)
    if ours:
        memory_row(table, "idle monitor, private-dirty", ours[0], peer[0], 60)
        memory_row(table, "idle monitor, PSS", ours[1], peer[1], 120)
    else:
        table.row("idle monitor, memory", "only root may look")
    before = switches(monitor)
    time.sleep(3)
    wakes = switches(monitor) - before
    table.row("idle monitor, wake-ups in 3 s", wakes, target="0", met=wakes == 0)
    remove("idle")


def ten(table):
    """PSS of an idle monitor that is not alone"""
    names = [f"ten-{i}" for i in range(10)]
    for name in names:
        cattach("run", "-d", "--name", name, "--rootfs", ROOTFS, "sleep", 1000)
    time.sleep(1)
    ours, theirs = memory(monitor_of(names[-1])), None
    remove(*names)
    if ours and HAVE_CONMON:
        peers = [Conmon("exec sleep 1000") for _ in names]
        for peer in peers:
            peer.go()
        time.sleep(0.5)
        theirs = memory(peers[-1].pid)[1]
        for peer in peers:
            peer.close()
    if ours:
        memory_row(table, "idle monitor, PSS of one among ten", ours[1], theirs, 120)


def used(table):
    """memory of a monitor that has worked"""
    cattach("run", "-d", "--name", "used", "--rootfs", ROOTFS, "sh", "-c",
            "lines write 67108864; exec sleep 1000")
    clients = [start("cattach", "attach", "--replay", "used") for _ in range(10)]
    time.sleep(2)
    for client in clients:
        client.kill()
        client.wait()
    ours = memory(monitor_of("used"))
    if ours:
        table.row("after 64 MiB and 10 clients: private-dirty, PSS", f"{ours[0]} kB, {ours[1]} kB",
                  target="≤ 200 kB", met=ours[0] <= 200)
    remove("used")


def descriptors(table):
    """a monitor that has no descriptors left"""
    output("prlimit", "--nofile=64:64", "cattach", "run", "-d", "--name", "full", "--rootfs",
           ROOTFS, "sleep", 1000)
    monitor = monitor_of("full")
    clients = [start("cattach", "attach", "full", stderr=subprocess.DEVNULL) for _ in range(80)]
    time.sleep(2)
    before = cpu_seconds(monitor)
    time.sleep(2)
    share = (cpu_seconds(monitor) - before) / 2 * 100
    table.row("processor time without a free descriptor, clients at the door", f"{share:.2f} %",
              "conmon 86 % (2.1.6)", target="< 1 %", met=share < 1)
    for client in clients:
        kill(client.pid)
        client.wait()
    remove("full")


ROWS = (starts, confinement, idle, ten, used, descriptors)
