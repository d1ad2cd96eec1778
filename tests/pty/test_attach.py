# SPDX-License-Identifier: Apache-2.0
"""attach at a terminal: detach keys, raw mode and back, sizes, several terminals, ctrl-c."""
import os
import re
import signal
import tempfile
import termios
import time

from terminal import (COLUMNS, PASTE, ROOTFS, ROWS, Session, capture, inspect, monitor_pid,
                      payload_pid, wait_until)

# Shows each byte that it gets, until X.
SHOW = ("stty raw -echo; echo up; while :; do b=$(dd bs=1 count=1 2>/dev/null | od -An -tx1); echo \"<${b# }>\"; "
        "[ \"$b\" = ' 58' ] && exit 3; done")


def background(name, *command, options=("-it",)):
    """A container that runs on its own."""
    capture("run", "-d", "--name", name, *options, ROOTFS, *command, start_new_session=True)


def attach(name, *options, redirect=""):
    """cattach attach on a pty of its own, raw already where it is going to be."""
    return Session("cattach", "attach", *options, name, redirect=redirect)


def clients(name):
    """How many are attached."""
    return len(re.findall(r"^\s*\d", capture("clients", name), re.M))


def shows(*options):
    """A payload that shows bytes, and a terminal attached to it that is ready."""
    background("show", "sh", "-c", SHOW)
    session = attach("show", "--replay", *options)
    session.expect("up")
    wait_until(session.is_raw)
    return session


def seen(session, *values):
    """The payload got exactly these bytes next."""
    for value in values:
        session.expect(f"<{value}>")


def detaches(session, name="show"):
    """It ends with 0 and the notice, and the container runs on."""
    rest = session.ends(0)
    assert rest.endswith(f"detached from {name}\r\n"), rest
    assert inspect(name, ".State.Status") == "running"
    return rest


def test_walk_through():
    """run -itd, attach, type, ctrl-p ctrl-q, attach again: the shell is still the same"""
    background("centos_bash", "sh", options=("-it", "-e", "PS1=prompt> "))
    session = attach("centos_bash")
    session.send("\r")
    session.expect("prompt> ")
    session.send("ls -d /etc /bin\r")
    session.expect("/bin")
    session.expect("/etc")
    session.expect("prompt> ")
    session.send("echo mark=$((40 + 2)); x=kept\r")
    session.expect("mark=42\r\n")
    session.send("\x10\x11")
    detaches(session, "centos_bash")
    session = attach("centos_bash")
    session.send("echo $x; exit 5\r")
    session.expect("kept\r\n")
    session.ends(5)


def test_watch():
    """attach --no-stdin watches, leaves the terminal cooked and reads nothing of it"""
    background("centos_ping", "sh", "-c", "n=0; while :; do n=$((n + 1)); echo seq=$n; sleep 0.05; done",
               options=())
    session = attach("centos_ping", "--no-stdin")
    session.expect("seq=")
    session.expect("seq=")
    assert session.settings() == session.before
    capture("kill", "centos_ping")
    session.ends(137)


def test_ticker():
    """ctrl-c at a container without a terminal stops it"""
    background("ticker", "sh", "-c", "trap 'exit 4' INT; while :; do date; sleep 0.1; done", options=())
    session = attach("ticker")
    session.expect(":")
    session.send("\x03")
    session.ends(4)


def test_without_proxy():
    """with --sig-proxy=false ctrl-c detaches at once with 0"""
    background("alone", "sh", "-c", "while :; do date; sleep 0.1; done", options=())
    session = attach("alone", "--sig-proxy=false")
    session.expect(":")
    before = time.monotonic()
    session.send("\x03")
    detaches(session, "alone")
    assert time.monotonic() - before < 2


def test_keys_in_pieces():
    """detach keys in one write, in two, and behind other bytes"""
    session = shows()
    session.send("a\x10\x11")
    detaches(session)
    wait_until(lambda: "<61>" in capture("logs", "show"))
    session = attach("show")
    wait_until(session.is_raw)
    session.send("\x10")
    time.sleep(0.2)
    session.send("\x11")
    detaches(session)


def test_mismatch():
    """a first key and another one reach the payload in order"""
    session = shows()
    session.send("\x10z\x11")
    seen(session, "10", "7a", "11")
    session.send("X")
    session.ends(3)


def test_timeout():
    """a first key alone reaches the payload after a while, and the second then does not detach"""
    session = shows()
    session.send("\x10")
    seen(session, "10")
    session.send("\x11X")
    seen(session, "11", "58")
    session.ends(3)


def test_doubled():
    """the first key twice reaches the payload once; then the second detaches"""
    session = shows()
    session.send("\x10\x10")
    seen(session, "10")
    session.send("y")
    seen(session, "79")
    session.send("\x10\x10\x11")
    detaches(session)
    wait_until(lambda: capture("logs", "show").endswith("<79>\n<10>"))


def test_other_keys():
    """--detach-keys=ctrl-x,ctrl-x: those detach, the others do not"""
    session = shows("--detach-keys=ctrl-x,ctrl-x")
    session.send("\x10\x11")
    seen(session, "10", "11")
    session.send("\x18a")
    seen(session, "18", "61")
    session.send("\x18\x18")
    detaches(session)


def test_keys_from_elsewhere():
    """keys of the user's file, of the environment, of the container, and of the option, each before
    the one before"""
    background("own", "sh", "-c", SHOW, options=("-it", "--detach-keys", "a,b"))
    session = attach("own")
    wait_until(session.is_raw)
    session.send("ab")
    detaches(session, "own")
    session = attach("own", "--detach-keys", "c")
    wait_until(session.is_raw)
    session.send("c")
    detaches(session, "own")
    background("plain", "sh", "-c", SHOW)
    with tempfile.TemporaryDirectory() as config:
        os.mkdir(f"{config}/cattach")
        with open(f"{config}/cattach/config.json", "w", encoding="ascii") as file:
            file.write('{"detachKeys": "ctrl-x"}')
        os.environ["XDG_CONFIG_HOME"] = config
        try:
            for name, keys in ("plain", "\x18"), ("own", "ab"):
                session = attach(name)
                wait_until(session.is_raw)
                session.send(keys)
                detaches(session, name)
            os.environ["CATTACH_DETACH_KEYS"] = "DEL"
            session = attach("plain")
            wait_until(session.is_raw)
            session.send("\x7f")
            detaches(session, "plain")
        finally:
            del os.environ["XDG_CONFIG_HOME"]
            os.environ.pop("CATTACH_DETACH_KEYS", None)


def test_switched_off():
    """--detach-keys= and none: every byte reaches the payload"""
    for off in "--detach-keys=", "--detach-keys=none":
        session = shows(off)
        session.send("\x10\x11X")
        seen(session, "10", "11", "58")
        session.ends(3)
        capture("rm", "show")


def test_pasted_keys():
    """what is pasted in brackets never detaches, what is typed behind it does"""
    session = shows()
    session.send(PASTE[0] + "\x10\x11" + PASTE[1])
    seen(session, "10", "11", "1b", "5b", "32", "30", "31", "7e")
    session.send("\x10\x11")
    detaches(session)


def test_typed_behind():
    """what is typed behind the detach keys is the shell's"""
    background("show", "sh", "-c", SHOW)
    session = Session("sh", "-c", "cattach attach show; read line; echo \"shell got $line\"")
    wait_until(session.is_raw)
    time.sleep(0.2)
    # A line feed: the terminal is raw while this is typed and turns no carriage return into one.
    session.send("a\x10\x11for me\n")
    session.expect("detached from show")
    session.expect("shell got for me")
    session.ends(0)


def test_detach_while_stuck():
    """the detach keys work although the payload reads nothing"""
    background("deaf", "sh", "-c", "stty raw -echo; echo up; exec sleep 1000")
    session = attach("deaf", "--replay")
    session.expect("up")
    wait_until(session.is_raw)
    for _ in range(20):
        session.send("x" * 1000)
        time.sleep(0.02)
    session.send("\x10\x11")
    detaches(session, "deaf")


def test_run_detaches():
    """run -it: the detach keys leave it running"""
    session = Session("cattach", "run", "-it", "--name", "left", ROOTFS, "sh", "-c", SHOW)
    session.expect("up")
    wait_until(session.is_raw)
    session.send("\x10\x11")
    detaches(session, "left")


def test_start_detaches():
    """start -ai: the detach keys leave it running, those of the option before those of create"""
    capture("create", "-it", "--name", "begun", ROOTFS, "sh", "-c", SHOW)
    for keys, options in (("\x10\x11", ()), ("ab", ("--detach-keys", "a,b"))):
        session = Session("cattach", "start", "-ai", *options, "begun")
        session.expect("up")
        wait_until(session.is_raw)
        session.send("c" + keys)
        detaches(session, "begun")
        wait_until(lambda: capture("logs", "--run", "-1", "begun").endswith("<63>"))
        capture("kill", "begun")
        capture("wait", "begun")


def test_keys_without_stdin():
    """the detach keys are nobody's with --no-stdin: the terminal keeps them, ctrl-c is a signal"""
    background("seen", "sh", "-c", "trap 'exit 6' INT; echo up; while :; do sleep 0.05; done")
    session = attach("seen", "--no-stdin", "--replay")
    session.expect("up")
    assert session.settings() == session.before
    session.send("\x10\x11")
    time.sleep(0.3)
    assert clients("seen") == 1
    session.send("\x03")
    session.ends(6)


def test_two_terminals():
    """two terminals attached to one container see the same"""
    background("shared", "sh", options=("-it", "-e", "PS1=prompt> "))
    one, two = attach("shared"), attach("shared")
    wait_until(one.is_raw)
    wait_until(two.is_raw)
    wait_until(lambda: clients("shared") == 2)
    one.send("echo from-$((1)) one\r")
    one.expect("from-1 one\r\n")
    two.expect("from-1 one\r\n")
    two.send("echo from-$((2)) two\r")
    two.expect("from-2 two\r\n")
    one.expect("from-2 two\r\n")
    two.send("\x10\x11")
    detaches(two, "shared")
    one.send("exit 6\r")
    one.ends(6)


def test_size():
    """the payload's terminal gets our size at once, and each one that follows"""
    background("size", "sh", "-c", "trap 'stty size' WINCH; echo up; while :; do sleep 0.05; done")
    session = attach("size", "--replay")
    session.expect(f"{ROWS} {COLUMNS}\r\n")
    for rows, columns in (50, 132), (24, 80):
        session.resize(rows, columns)
        session.expect(f"{rows} {columns}\r\n")
    session.send("\x10\x11")
    detaches(session, "size")


def test_redraw():
    """attaching makes the payload draw its screen anew; after a replay only with --redraw"""
    background("draw", "sh", "-c", "trap 'echo redrawn' WINCH; echo up; while :; do sleep 0.05; done")
    session = attach("draw")
    session.expect("redrawn")
    session.send("\x10\x11")
    detaches(session, "draw")
    session = attach("draw", "--tail", "0")  # the size is ours already: nothing changes
    time.sleep(0.5)
    session.send("\x10\x11")
    assert "redrawn" not in detaches(session, "draw")
    session = attach("draw", "--tail", "0", "--redraw")
    session.expect("redrawn")
    session.send("\x10\x11")
    detaches(session, "draw")


def test_size_policies():
    """of two terminals the smallest counts, or the latest, or the largest"""
    script = "while :; do stty size; sleep 0.1; done"
    for policy, first, second in (("smallest", "24 80", "24 80"), ("latest", "24 80", "40 100"),
                                  ("largest", "40 100", "40 100")):
        background("policy", "sh", "-c", script, options=("-it", "--size-policy", policy))
        one = attach("policy")
        one.resize(40, 100)
        one.expect("40 100\r\n")
        two = attach("policy")
        two.resize(24, 80)
        two.expect(f"{first}\r\n")
        one.resize(41, 100)
        one.resize(40, 100)
        two.expect(f"{second}\r\n")
        capture("kill", "policy")
        one.ends(137)
        two.ends(137)
        capture("rm", "policy")


def test_nobodys_size():
    """with --size-policy none no terminal's size counts, neither at attaching nor later"""
    background("fixed", "sh", "-c", "stty size; read line; stty size; exit 3",
               options=("-it", "--size-policy", "none"))
    session = attach("fixed")
    wait_until(session.is_raw)
    session.resize(40, 100)
    time.sleep(0.3)
    session.send("\r")
    session.ends(3)
    sizes = [line for line in capture("logs", "fixed").split("\n") if line.strip()]
    assert len(sizes) == 2 and sizes[0].strip() == sizes[1].strip(), sizes


def test_size_goes_back():
    """the largest size is given up when its client leaves"""
    background("least", "sh", "-c", "while :; do stty size; sleep 0.1; done",
               options=("-it", "--size-policy", "largest"))
    one, two = attach("least"), attach("least")
    wait_until(lambda: clients("least") == 2)
    two.resize(50, 150)
    one.expect("50 150\r\n")
    two.send("\x10\x11")
    detaches(two, "least")
    one.expect(f"{ROWS} {COLUMNS}\r\n")
    one.send("\x10\x11")
    detaches(one, "least")


def test_read_only():
    """a read-only client neither types nor resizes nor signals"""
    background("museum", "sh", "-c",
               "while :; do stty size; read -t 0.1 line && echo \"<$line>\"; done")
    session = attach("museum", "--read-only")
    session.expect("\r\n")
    session.send("typed\r")
    session.resize(44, 144)
    time.sleep(0.5)
    seen_so_far = capture("logs", "museum")
    assert "typed" not in seen_so_far and "44 144" not in seen_so_far, seen_so_far
    assert session.settings() == session.before
    size = capture("logs", "-n", "1", "museum")
    assert size != f"{ROWS} {COLUMNS}", size
    session.send("\x03")
    session.ends(0)
    assert inspect("museum", ".State.Status") == "running"


def test_exit_code():
    """the payload's exit code, and the terminal as before"""
    background("code", "sh", "-c", "read x; exit 7")
    session = attach("code")
    wait_until(session.is_raw)
    session.send("go\r")
    session.ends(7)


def test_terminated():
    """TERM to a client at a terminal goes to the payload; the terminal is as before"""
    background("term", "sh", "-c", "trap 'exit 9' TERM; echo up; while :; do sleep 0.05; done")
    session = attach("term", "--replay")
    session.expect("up")
    wait_until(session.is_raw)
    session.signal(signal.SIGTERM)
    session.ends(9)


def test_restored_without_proxy():
    """with --sig-proxy=false what ends the client ends it alone, and the terminal is as before"""
    background("own", "sh", "-c", "echo up; sleep 1000")
    pid = payload_pid("own")
    for number, code in ((signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGQUIT, 131)):
        session = attach("own", "--replay", "--sig-proxy=false")
        session.expect("up")
        wait_until(session.is_raw)
        session.signal(number)
        session.ends(code)
    session = attach("own", "--replay", "--sig-proxy=false")
    wait_until(session.is_raw)
    session.signal(signal.SIGINT)
    detaches(session, "own")
    assert payload_pid("own") == pid


def test_signals_at_a_terminal():
    """signals to a client at a terminal reach the payload; keys that a terminal makes into
    signals reach it as bytes"""
    background("traps", "sh", "-c", "stty -isig -echo; "
               "for s in INT HUP USR1 USR2 34; do trap \"echo got $s\" $s; done; echo up; "
               "while :; do read -t 0.05 line && echo \"typed $line\"; done")
    session = attach("traps", "--replay")
    session.expect("up")
    wait_until(session.is_raw)
    for name, number in (("INT", signal.SIGINT), ("HUP", signal.SIGHUP), ("USR1", signal.SIGUSR1),
                         ("USR2", signal.SIGUSR2), ("34", 34)):
        session.signal(number)
        session.expect(f"got {name}\r\n")
    session.send("a\x03\x1a\x1cb\r")
    session.expect("typed a\x03\x1a\x1cb\r\n")
    capture("kill", "traps")
    session.ends(137)


def test_monitor_killed():
    """when the monitor is killed the terminal is as before, and 255 comes with the reason"""
    background("orphan", "sh", "-c", "echo up; sleep 1000")
    session = attach("orphan", "--replay")
    session.expect("up")
    wait_until(session.is_raw)
    os.kill(monitor_pid("orphan"), signal.SIGKILL)
    rest = session.ends(255)
    assert "orphan: the container's monitor was killed" in rest, rest


def test_removed():
    """rm -f under a client at a terminal: the code of KILL, and the terminal as before"""
    background("victim", "sh", "-c", "echo up; sleep 1000")
    session = attach("victim", "--replay")
    session.expect("up")
    wait_until(session.is_raw)
    capture("rm", "-f", "victim")
    session.ends(137)


def test_terminal_closed():
    """a terminal that is closed takes its client along, but not the payload"""
    background("stays", "sh", "-c", "trap 'exit 9' HUP; echo up; while :; do sleep 0.05; done")
    pid = payload_pid("stays")
    session = attach("stays", "--replay")
    session.expect("up")
    wait_until(session.is_raw)
    wait_until(lambda: clients("stays") == 1)
    session.pty.close(force=False)
    wait_until(lambda: clients("stays") == 0)
    time.sleep(0.2)
    assert inspect("stays", ".State.Status") == "running"
    assert payload_pid("stays") == pid


def test_dropped():
    """cattach detach from outside: the terminal is as before, exit code 0"""
    background("drop", "sh", "-c", "echo up; sleep 1000")
    session = attach("drop", "--replay")
    session.expect("up")
    wait_until(session.is_raw)
    capture("detach", "--all", "drop")
    detaches(session, "drop")


def test_stopped_container():
    """a container that has ended is refused with what to do, and the terminal never was raw"""
    background("a1", "sh", "-c", "exit 5")
    capture("wait", "a1")
    rest = attach("a1").ends(125)
    assert re.search(r"cattach: You cannot attach to a stopped container, start it first: a1 "
                     r"exited \(5\) .* ago \(cattach start a1\)\r\n$", rest), rest


def test_not_a_terminal():
    """stdin that is no terminal is refused for a container that has one"""
    background("tty", "sh", "-c", "sleep 1000")
    code, text = capture("attach", "tty", check=False)
    assert code == 125 and "the input device is not a TTY" in text, (code, text)


def test_created():
    """attach before start -ai: both see everything"""
    capture("create", "-it", "--name", "later", ROOTFS, "sh", "-c", "echo first; read x; exit 8")
    watcher = attach("later", "--no-stdin")
    watcher.expect("waiting for later to be started")
    session = Session("cattach", "start", "-ai", "later")
    session.expect("first")
    watcher.expect("first")
    session.send("go\r")
    session.ends(8)
    watcher.ends(8)


def test_stopped_and_continued():
    """after a stop and a continue from outside the terminal is raw again"""
    session = shows()
    session.signal(signal.SIGSTOP)
    time.sleep(0.1)
    termios.tcsetattr(session.pty.child_fd, termios.TCSANOW, session.before)
    assert not session.is_raw()
    session.signal(signal.SIGCONT)
    wait_until(session.is_raw)
    session.send("X")
    session.ends(3)
