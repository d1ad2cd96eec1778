# SPDX-License-Identifier: Apache-2.0
"""The commands of the storm, and what each may answer when others are at the same container.

A row is a name, a code and a pattern that all of stderr matches. What is not in the table is wrong.
"""
import re

LABEL = r"(storm\d+|[0-9a-f]{12,64})"
HOW = r"(created|being created|it is just ending|exited \(\d+\) .*)"
DONE = ("done", 0, "")
GONE = ("there is none", 125, rf"no such container: {LABEL}( \(.*\))?")
# Found, and gone or going a moment later: no other than GONE, but for who had looked first.
REMOVED = ("removed meanwhile", 125, rf"container {LABEL} (has been removed meanwhile|is being removed)")
NO_LOG = ("removed meanwhile", 125, rf"container {LABEL} has no log any more")
SIGNALLED = ("ended by a signal", (130, 137, 143), "")
NAME_TAKEN = ("name taken", 125, rf'name "{LABEL}" is in use by .*')
NOT_RUNNING = ("does not run", 125, rf"container {LABEL} (is not running(: .*| \({HOW}\)( \(.*\))?)|has just ended)")
NOT_STOPPED = ("is being created", 125, rf"container {LABEL} cannot be stopped \(being created\).*")
BEING_CREATED = ("is being created", 125,
                 rf"container {LABEL} is being created \(try again in a moment\)")

# Programs of containers: one that stays, one that ignores TERM, one that ends, one that writes.
PROGRAMS = (
    ("sleep", "1000"),
    ("sh", "-c", "trap '' TERM; while :; do sleep 1; done"),
    ("sh", "-c", "echo out; exit 7"),
    ("sh", "-c", "seq 1 20000; sleep 1000"),
)
ENDED = ("its code", 7, "")

ANSWERS = {
    "run -d": (DONE, NAME_TAKEN),
    "run": (ENDED, SIGNALLED, NAME_TAKEN),
    "create": (DONE, NAME_TAKEN),
    "start": (DONE, GONE, REMOVED),
    "start -a": (ENDED, SIGNALLED, GONE, REMOVED),
    "restart": (DONE, GONE, REMOVED, NOT_STOPPED),
    "stop": (DONE, GONE, REMOVED, NOT_STOPPED),
    "kill": (DONE, GONE, REMOVED, NOT_RUNNING),
    "rm": (DONE, GONE,
           ("runs", 125, rf"container {LABEL} is (running|being created); stop it first or use -f")),
    "rm -f": (DONE,),
    "rename": (DONE, GONE, REMOVED, NAME_TAKEN,
               ("has it already", 125, rf"container {LABEL} has that name already")),
    "exec": (ENDED, SIGNALLED, GONE, REMOVED, NOT_RUNNING, BEING_CREATED),
    "exec -d": (DONE, GONE, REMOVED, NOT_RUNNING, BEING_CREATED),
    "attach": (ENDED, SIGNALLED, GONE, REMOVED,
               ("does not run", 125, "You cannot attach to a (stopped container, start it first|"
                                     "container that is being created): .*"),
               ("removed meanwhile", 125, rf"container {LABEL} was removed before it was started")),
    "logs": (DONE, GONE, NO_LOG),
    "logs -f": (DONE, GONE, NO_LOG),
    "wait": (DONE, GONE, REMOVED),
    "inspect": (DONE, GONE),
    "ps": (DONE,),
}

# Those that end soon whatever the others do, more often those that make something.
ACTING = ("run -d", "run -d", "run -d", "run -d", "create", "create", "start", "start", "restart", "stop", "kill",
          "rm", "rm -f", "rename", "exec", "exec", "exec -d", "logs", "inspect", "ps")
# Those that may last as long as the container.
FOLLOWING = ("run", "start -a", "attach", "attach", "logs -f", "logs -f", "wait")


def command(verb, rng, names, rootfs):
    """What is typed."""
    name = rng.choice(names)
    if verb in ("run -d", "run", "create"):
        remove = ("--rm",) if rng.random() < 0.5 else ()
        return (*verb.split(), *remove, "--name", name, rootfs, *rng.choice(PROGRAMS))
    if verb in ("stop", "restart"):
        return (verb, "-t", rng.choice(("0", "1")), name)
    if verb == "kill":
        return (verb, "-s", rng.choice(("TERM", "KILL", "INT")), name)
    if verb == "rename":
        return (verb, name, rng.choice(names))
    if verb.startswith("exec"):
        return (*verb.split(), name, "sh", "-c", "exit 7")
    if verb == "ps":
        return (verb, "-a")
    return (*verb.split(), name)


# Who waits for a lock for two seconds says whose it is: on a busy machine that is no fault.
WAITED = re.compile(rf"cattach: warning: waiting for the lock of container {LABEL}, held by .*\n?")


def answer(verb, code, err):
    """The row of the table that this is, or None."""
    err = WAITED.sub("", err).strip()
    if err and not err.startswith("cattach: "):
        return None
    for text, codes, pattern in ANSWERS[verb]:
        if code in (codes if isinstance(codes, tuple) else (codes,)) and \
                re.fullmatch(pattern, err.removeprefix("cattach: ")):
            return text
    return None
