#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An agent for seccomp's notifications: agent.py SOCKET STATES COUNT

Takes COUNT connections on SOCKET, writes the state that comes with each as a line of STATES, and answers
every system call that is handed to it with the error ENOANO (55) until its process has gone.
"""
import fcntl
import json
import select
import socket
import struct
import sys
import threading

RECV, SEND = 0xC0502100, 0xC0182101


def answer(fd):
    while True:
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        if poll.poll()[0][1] & select.POLLHUP:
            return
        call = bytearray(80)
        try:
            fcntl.ioctl(fd, RECV, call)
            fcntl.ioctl(fd, SEND, struct.pack("QqiI", struct.unpack_from("Q", call)[0], 0, -55, 0))
        except OSError:
            continue


def main(path, states, count):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.bind(path)
    s.listen(8)
    for _ in range(int(count)):
        connection = s.accept()[0]
        text, fds, _, _ = socket.recv_fds(connection, 65536, 4)
        assert connection.recv(1) == b"", "one state for each connection"
        state = json.loads(text)
        assert len(fds) == 1 and state["fds"] == ["seccompFd"], state
        with open(states, "a") as f:
            f.write(json.dumps(state) + "\n")
        threading.Thread(target=answer, args=(fds[0],)).start()


main(*sys.argv[1:])
