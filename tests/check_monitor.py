#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What an idle monitor can reach, followed through the program's machine code.

  tests/check_monitor.py PROGRAM [--calls]

From the loop, the end, and what they call through pointers, on every path: no constant that holds
addresses, for the pages of those are given back after the start (src/conmon/give_back.c); and no
function of the C library but those listed here, none of which allocates, so that no lack of memory
can end a container that runs. --calls prints what is called. Before it judges, the program proves
that it finds both in what the command line can reach.
"""
import bisect
import re
import subprocess
import sys

# The loop and the end, and what callbacks of src/container/start.c call from there.
ROOTS = ["ct_monitor_turn", "ct_log_publish", "ct_log_hold", "ct_clients_say_exit", "ct_linger",
         "ct_input_close", "ct_listen_close", "ct_status_write", "ct_monitor_give_back",
         "ct_monitor_give_back_buffers", "ct_store_forget", "ct_store_runtime",
         "ct_leaf_is_oom", "ct_leaf_end", "ct_clos_end", "ct_event_tell_end", "ct_event_tell_removal",
         "ct_event_teller_look",
         # What the front of conmon calls from there.
         "ct_backlog_take", "ct_log_sync", "ct_notify_pass", "ct_oom_happened", "ct_records_oom",
         "ct_records_exit", "ct_pipes_ended", "ct_exit_command"]

# Of the C library: system calls, bytes, and formatting into memory that is there, which takes no
# more for plain %s and %d. malloc_trim() gives back. New here? Look whether it allocates.
CALLS = set("""
    _exit accept4 bind clock_gettime close epoll_ctl epoll_pwait2 epoll_wait fchmod fchmodat fcntl flock
    fork fstat fstatat ftruncate getdents64 geteuid getsockopt ioctl listen madvise mkdirat open
    nanosleep openat pread pwrite read readlinkat recv recvmsg renameat sched_yield sendmsg sendto shutdown socket
    stat syscall timerfd_settime umask unlinkat waitid write
    fgetxattr getpid lseek poll fallocate fstatfs getpgid kill setsockopt
    execv fsync prctl sigemptyset sigprocmask strstr strtoull unlink waitpid
    memchr memcmp memcpy memmove memset strcat strchr strcmp strcpy strlen strncmp strnlen strcspn strrchr strspn
    snprintf vsnprintf strerrordesc_np
    errno_location stack_chk_fail getenv sysconf dl_iterate_phdr malloc_trim
""".split())

TARGET = re.compile(r"\b([0-9a-f]+) <([^>+]+)(\+0x[0-9a-f]+)?>")
LABEL = re.compile(r"^([0-9a-f]+) <([^>]+)>:$")


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def tables_of(program):
    """Addresses of the constants that the dynamic linker puts in place."""
    found = re.findall(r"\] (\.\S+)\s+\S+\s+(\S+) \S+ (\S+)", output("readelf", "-SW", program))
    places = {name: range(int(at, 16), int(at, 16) + int(size, 16)) for name, at, size in found}
    if ".data.rel.ro" not in places:
        sys.exit(f"{program}: has no .data.rel.ro")
    if not places[".data.rel.ro"].stop <= places[".dynamic"].start <= places[".got"].start:
        sys.exit(f"{program}: the linker's own table is not behind ours: give_back.c relies on it")
    return places[".data.rel.ro"]


class Code:
    """Functions by address, and what each refers to."""

    def __init__(self, program):
        self.program = program
        self.tables = tables_of(program)
        self.starts, self.names, self.refs = [], {}, {}
        at = None
        for line in output("objdump", "-d", "--no-show-raw-insn", program).splitlines():
            label = LABEL.match(line)
            if label:
                at = int(label[1], 16)
                self.starts.append(at)
                self.names[at] = label[2]
                self.refs[at] = set()
            elif at is not None:
                # The first two fields are the address and the instruction.
                for found in TARGET.finditer(line.partition("\t")[2]):
                    self.refs[at].add(int(found[1], 16))
        self.starts.sort()

    def function_at(self, address):
        """The one that this is a place in; data has addresses above all of them."""
        place = bisect.bisect_right(self.starts, address)
        return self.starts[place - 1] if 0 < place < len(self.starts) else None

    def reach(self, roots):
        """What can be reached: {address: from which}, of functions; and faults with tables."""
        todo = [at for at, name in self.names.items() if name in roots]
        missing = set(roots) - {self.names[at] for at in todo}
        if missing:
            sys.exit(f"{self.program}: has no function {', '.join(sorted(missing))}")
        seen, tables = {at: None for at in todo}, {}
        while todo:
            at = todo.pop()
            for ref in self.refs[at]:
                if ref in self.tables:
                    tables.setdefault(ref, at)
                    continue
                to = self.function_at(ref)
                if to is not None and to not in seen:
                    seen[to] = at
                    todo.append(to)
        return seen, tables

    def way(self, seen, at):
        names = []
        while at is not None:
            names.append(self.names[at])
            at = seen[at]
        return " <- ".join(names)


def calls_of(code, seen):
    """Functions of other objects: stubs of the linker, by name, without the compiler's checks."""
    names = {at: code.names[at].partition("@plt") for at in seen if "@plt" in code.names[at]}
    # name@plt-0x10 is the way into the linker, which stands before the first of them.
    stubs = {at: name for at, (name, _, more) in names.items() if not more}
    return {re.sub(r"^__|_chk$|_2$", "", name): at for at, name in stubs.items()}


def main():
    program = sys.argv[1]
    if "x86-64" not in output("readelf", "-h", program).lower():
        sys.exit(f"{program}: only code for x86-64 can be followed")
    code = Code(program)
    proof, tables = code.reach(["main"])
    if not tables or "realloc" not in calls_of(code, proof):
        sys.exit(f"{program}: finds no tables or no realloc() even from main()")
    seen, tables = code.reach(ROOTS)
    calls = calls_of(code, seen)
    if "--calls" in sys.argv:
        print("\n".join(sorted(calls)))
    faults = [f"a table at {ref:#x}: {code.way(seen, at)}" for ref, at in tables.items()]
    faults += [f"{name}(): {code.way(seen, at)}" for name, at in calls.items() if name not in CALLS]
    for fault in sorted(faults):
        print(f"the monitor's loop reaches {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
