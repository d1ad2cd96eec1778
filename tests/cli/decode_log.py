#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Files of log drivers, decoded by the letter of their formats and by nothing of ours.

  decode_log.py k8s|json STREAM FILE...    the bytes that were written to STREAM, files oldest first
  decode_log.py k8s|json check FILE...     how many records there are; faults end it

Each record is checked: its members and their order, times that never go back, the marks of parts.
"""
import json
import re
import sys

CRI = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z) (stdout|stderr) ([PF]) (.*)", re.S)
RFC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,8}[1-9])?Z")


def fail(path, number, line, why):
    sys.exit(f"{path}:{number}: {why}: {line[:200]!r}")


def cri(path, number, line):
    match = CRI.fullmatch(line)
    if not match:
        fail(path, number, line, "no record of the CRI format")
    time, stream, tag, text = match.groups()
    if len(text) > 16384:
        fail(path, number, line, "longer than 16 KiB")
    return time.decode(), stream.decode(), text + (b"\n" if tag == b"F" else b"")


def docker(path, number, line):
    pairs = json.loads(line.decode("utf-8"), object_pairs_hook=list)
    names = [name for name, _ in pairs]
    if names not in (["log", "stream", "time"], ["log", "stream", "attrs", "time"]):
        fail(path, number, line, f"members {names}")
    if any(c in line for c in b"<>&\t\r\0") or b'": ' in line.split(b'"stream"')[1]:
        fail(path, number, line, "not written as docker writes it")
    values = dict(pairs)
    if not RFC.fullmatch(values["time"]):
        fail(path, number, line, "time")
    text = values["log"].encode("utf-8")
    if len(text) > 3 * 16384 or "\n" in values["log"][:-1]:
        fail(path, number, line, "more than one line, or 16 KiB")
    return values["time"][:-1].ljust(30, "0"), values["stream"], text


def main():
    kind, wanted, *paths = sys.argv[1:]
    last, count = "", 0
    for path in paths:
        with open(path, "rb") as file:
            data = file.read()
        if data and not data.endswith(b"\n"):
            sys.exit(f"{path}: ends in the middle of a record")
        for number, line in enumerate(data.split(b"\n")[:-1], 1):
            time, stream, text = (cri if kind == "k8s" else docker)(path, number, line)
            if kind == "k8s" and time < last:
                fail(path, number, line, "older than the one before")
            last, count = time, count + 1
            if stream == wanted:
                sys.stdout.buffer.write(text)
    if wanted == "check":
        print(count)


main()
