#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A service manager's end of NOTIFY_SOCKET.

  tests/cli/notified.py ADDRESS COUNT     print COUNT datagrams, a line each, their newlines as ";"

ADDRESS is a path, or "@NAME". "listening" is the first line.
"""
import socket
import sys

address, count = sys.argv[1], int(sys.argv[2])
sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
sock.bind("\0" + address[1:] if address.startswith("@") else address)
print("listening", flush=True)
for _ in range(count):
    print(sock.recv(4096).decode().replace("\n", ";"), flush=True)
