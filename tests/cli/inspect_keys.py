#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Check that "cattach inspect" has the members that scripts use, each with docker's type.

  cattach inspect NAME | inspect_keys.py [PATH=JSON...]

Each PATH ("State.ExitCode", "Mounts.0.RW") must have that value; a plain word is a string. Every
member of the table below must be there, whatever the state of the container.
"""
import json
import re
import sys

LIST_OR_NONE = (list, type(None))
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z")

TYPES = {
    "": {"Id": str, "Name": str, "Created": str, "Path": str, "Args": list, "Image": str,
         "LogPath": str, "RestartCount": int, "PidFile": str, "ExecIDs": LIST_OR_NONE,
         "Mounts": list, "Platform": str},
    "State": {"Status": str, "Running": bool, "Paused": bool, "Restarting": bool,
              "OOMKilled": bool, "Dead": bool, "Pid": int, "ExitCode": int, "Error": str,
              "StartedAt": str, "FinishedAt": str, "Health": (dict, type(None)),
              "ConmonPid": int},
    "Config": {"Tty": bool, "OpenStdin": bool, "StdinOnce": bool, "Env": list,
               "Cmd": LIST_OR_NONE, "Entrypoint": LIST_OR_NONE, "Labels": dict, "User": str,
               "WorkingDir": str, "StopSignal": str, "StopTimeout": int, "Hostname": str,
               "Image": str, "AttachStdin": bool, "AttachStdout": bool, "AttachStderr": bool},
    "HostConfig": {"Binds": LIST_OR_NONE, "ContainerIDFile": str, "LogConfig": dict,
                   "NetworkMode": str, "PortBindings": dict, "RestartPolicy": dict,
                   "AutoRemove": bool, "Privileged": bool, "ReadonlyRootfs": bool,
                   "CapAdd": LIST_OR_NONE, "CapDrop": LIST_OR_NONE, "SecurityOpt": LIST_OR_NONE,
                   "Memory": int, "MemoryReservation": int, "MemorySwap": int, "NanoCpus": int,
                   "CpuShares": int, "CpuPeriod": int, "CpuQuota": int, "CpusetCpus": str,
                   "CpusetMems": str, "CgroupParent": str, "PidsLimit": int,
                   "BlkioWeight": int, "Dns": list, "DnsOptions": list, "DnsSearch": list,
                   "ExtraHosts": LIST_OR_NONE, "Links": LIST_OR_NONE,
                   "VolumesFrom": LIST_OR_NONE, "PublishAllPorts": bool,
                   "OomKillDisable": bool, "OomScoreAdj": int, "Runtime": str, "ShmSize": int,
                   "Tmpfs": dict, "Devices": LIST_OR_NONE, "Ulimits": LIST_OR_NONE,
                   "Init": bool, "PidMode": str, "IpcMode": str, "UTSMode": str,
                   "CgroupnsMode": str, "UsernsMode": str, "Sysctls": dict,
                   "MaskedPaths": list, "ReadonlyPaths": list},
    "HostConfig.LogConfig": {"Type": str, "Config": dict},
    "HostConfig.RestartPolicy": {"Name": str, "MaximumRetryCount": int},
    "NetworkSettings": {"Ports": dict, "Networks": dict, "Bridge": str, "SandboxID": str,
                        "IPAddress": str, "IPPrefixLen": int, "Gateway": str,
                        "MacAddress": str},
}


def find(tree, path):
    """The value at a path; "" is the tree itself."""
    for part in path.split(".") if path else []:
        tree = tree[int(part)] if isinstance(tree, list) else tree[part]
    return tree


def is_of(value, kind):
    """bool is no int here, as it is none in JSON."""
    if isinstance(value, bool):
        return kind is bool
    return isinstance(value, kind)


def complaints(tree, wanted):
    for where, members in TYPES.items():
        for key, kind in members.items():
            path = f"{where}.{key}".strip(".")
            try:
                value = find(tree, path)
            except (KeyError, TypeError):
                yield f"{path} is missing"
                continue
            if not is_of(value, kind):
                yield f"{path} is {value!r}, which is not of type {kind}"
    for path in ("Created", "State.StartedAt", "State.FinishedAt"):
        if not TIME.fullmatch(find(tree, path)):
            yield f"{path} is no time: {find(tree, path)!r}"
    for assignment in wanted:
        path, text = assignment.split("=", 1)
        try:
            value = json.loads(text)
        except ValueError:
            value = text
        got = find(tree, path)
        if got != value or isinstance(got, bool) != isinstance(value, bool):
            yield f"{path} is {got!r}, not {value!r}"


def main():
    (tree,) = json.load(sys.stdin)
    found = list(complaints(tree, sys.argv[1:]))
    for complaint in found:
        print(complaint)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
