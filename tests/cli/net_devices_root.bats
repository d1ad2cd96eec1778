#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# linux.netDevices, as root: network devices go into a container, or stay where they are. The host of these
# tests is a network namespace of their own, so that nothing of the machine's is touched; its devices are
# the two ends of a cable.

load helpers

# host COMMAND...: in the network namespace that is the host here.
host() { nsenter --net="/proc/$HOST/ns/net" "$@"; }

oci() { host cattach oci --root "$T/root" --cgroup-manager disabled "$@"; }

has_left() { [ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/self/ns/net)" ]; }

# hold VARIABLE: a process with a network namespace of its own, its pid into VARIABLE
hold()
{
	unshare --net sleep 1000 3>&- &
	printf -v "$1" %s $!
	HELD+=($!)
	eventually has_left $!
}

eval "$(declare -f setup | sed '1s/setup/helpers_setup/')"
eval "$(declare -f teardown | sed '1s/teardown/helpers_teardown/')"

setup()
{
	[ "$(id -u)" = 0 ] || skip "needs root"
	helpers_setup
	HELD=()
	hold HOST
	host ip link add v0 type veth peer name v1
	host ip link set v0 up
	host ip link set v1 up
}

teardown()
{
	[ "$(id -u)" = 0 ] || return 0
	oci list -q | while read -r id; do oci delete -f "$id"; done
	kill "${HELD[@]}"
	helpers_teardown
	[ -z "$(ls -A "$T/root" 2> /dev/null)" ] || { ls -laR "$T/root"; return 1; }
}

# moving PYTHON...: a bundle of root's, without a user namespace
moving() { bundle "$T/b" 'l["namespaces"] = [n for n in l["namespaces"] if n["type"] != "user"]' "$@"; }

look() { oci run -b "$T/b" look < /dev/null 2>&1; }

# What a device has on the host: whether it is up, its name, the addresses that are nobody's business but its own.
on_host()
{
	host ip -o link show "$1" | sed 's/^[0-9]*: \([^:@]*\)[^<]*<[^>]*[<,]UP[,>].*/up \1/; s/^[0-9]*: \([^:@]*\).*/down \1/'
	host ip -o address show "$1" | sed 's/^[0-9]*: //; /fe80/d'
}

@test "a device has its name, its addresses and its size in the container, and is up; it is gone with that" {
	host ip link set v0 mtu 1400
	host ip address add 10.1.2.3/24 brd + dev v0 label v0:x
	host ip address add 10.1.2.4/24 dev v0
	host ip address add 10.9.0.1 peer 10.9.0.2/32 dev v0
	host ip address add 10.5.0.1/24 dev v0 scope link
	host ip address add 10.6.0.1/24 dev v0 valid_lft 1000 preferred_lft 1000
	host ip -6 address add fd00::5/64 dev v0 nodad
	moving 'l["netDevices"] = {"v0": {"name": "eth%d"}}' 'sh("ip -o link show eth0; ip -o addr show eth0")'
	run -0 look
	matches "${lines[0]}" '[0-9]+: eth0@[^<]*<.*,UP,.* mtu 1400 .*'
	is "$(sed -n '/fe80/d; s/^.*\(inet6* [^\\]*[^\\ ]\) *\\.*/\1/p' <<< "$output")" "inet 10.1.2.3/24 brd 10.1.2.255 scope global eth0:x
inet 10.9.0.1 peer 10.9.0.2/32 scope global eth0
inet 10.1.2.4/24 scope global secondary eth0
inet6 fd00::5/64 scope global flags 02"
	# Not moved back: an end of a cable goes with its namespace, and takes the other one along.
	eventually eval '! host ip link show v1'
}

@test "names: the host's without another one, a number that is free, and not one that is somebody's" {
	host ip link add v2 type veth peer name v3
	moving 'l["netDevices"] = {"v0": {"name": "net%d"}, "v1": {"name": "net0"}, "v2": {}}' \
		'sh("for d in /sys/class/net/*; do echo ${d##*/}; done")'
	run -0 look
	is "$output" $'lo\nnet0\nnet1\nv2'
}

@test "devices are there before the hooks of the creation" {
	moving 'l["netDevices"] = {"v0": {"name": "net0"}}' '
def hook(kind, text): c.setdefault("hooks", {})[kind] = [{"path": "/bin/sh", "args": ["sh", "-c", text], "env": ["PATH=/bin:/sbin:/usr/bin:/usr/sbin"]}]
hook("prestart", "ip -o link > '"$T"'/prestart")
hook("createRuntime", "ip -o link > '"$T"'/runtime")
hook("createContainer", "ip -o link > '"$T"'/container")'
	run -0 look
	for where in prestart runtime; do
		has "$(cat "$T/$where")" 'v1@'
		run ! grep -q v0: "$T/$where"
	done
	matches "$(grep net0 "$T/container")" '[0-9]+: net0@[^<]*<.*UP.*'
}

@test "a namespace that is joined: taken names are seen before anything is moved, and devices stay there" {
	hold OTHER
	nsenter --net="/proc/$OTHER/ns/net" ip link add eth0 type veth peer name eth1
	moving "join('network', '/proc/$OTHER/ns/net')" 'l["netDevices"] = {"v0": {"name": "e0"}, "v1": {"name": "eth1"}}'
	run -255 look
	has "$output" 'linux.netDevices.v1: the container'"'"'s network namespace has a device eth1 already (give it another "name", or a template such as "eth%d")'
	run -0 nsenter --net="/proc/$OTHER/ns/net" ip -o link
	[[ $output != *': e0@'* ]]
	is "$(on_host v0)" 'up v0'
	moving "join('network', '/proc/$OTHER/ns/net')" 'l["netDevices"] = {"v0": {"name": "e0"}, "v1": {"name": "eth%d"}}' \
		'args("sleep", "1000")'
	oci run -d -b "$T/b" look < /dev/null > /dev/null
	run -0 oci exec look ip -o link
	has "$output" ': e0@'
	has "$output" ': eth2@'
	oci delete -f look
	run -0 nsenter --net="/proc/$OTHER/ns/net" ip -o link
	has "$output" ': e0@'
	has "$output" ': eth2@'
	is "$(host ip -o link | grep -c v[01])" 0
}

@test "a creation that fails later gives devices back as they were" {
	local before
	host ip address add 10.1.2.3/24 brd + dev v0 label v0:x
	host ip -6 address add fd00::5/64 dev v0 nodad
	host ip link set v1 down
	before=$(on_host v0; on_host v1)
	moving 'l["netDevices"] = {"v0": {"name": "eth%d"}, "v1": {"name": "v0"}}' \
		'c["hooks"] = {"createRuntime": [{"path": "/bin/sh", "args": ["sh", "-c", "! ip link show v0; exit 3"]}]}'
	run -255 look
	has "$output" 'createRuntime'
	is "$(on_host v0; on_host v1)" "$before"
	moving 'l["netDevices"] = {"v0": {"name": "eth%d"}, "v1": {"name": "v0"}}' 'args("there-is-none")'
	run -255 look
	has "$output" 'there-is-none'
	is "$(on_host v0; on_host v1)" "$before"
	moving 'l["netDevices"] = {"v0": {}, "v1": {}}'
	run -1 oci create -b "$T/b" --pid-file "$T/no/directory" look
	has "$output" '--pid-file'
	is "$(on_host v0; on_host v1)" "$before"
	# A bridge stays where it is, by order of the kernel, and is tried when another one has gone.
	host ip link add br0 type bridge
	moving 'l["netDevices"] = {"v0": {}, "br0": {}}'
	run -255 look
	has "$output" 'linux.netDevices.br0: the kernel does not let br0 leave its network namespace'
	is "$(on_host v0; on_host v1)" "$before"
}

@test "what cannot be moved is an error with its place, before anything is made" {
	moving 'l["netDevices"] = {"eth7": {}}'
	run -255 look
	matches "$output" '.*config.json:[0-9]+:[0-9]+: linux.netDevices.eth7: there is no network device eth7 here \(ip link shows those that there are\)'
	moving 'l["netDevices"] = {"v0": {}}' "join('network', '/proc/$HOST/ns/net')"
	run -255 look
	matches "$output" ".*config.json:[0-9]+:[0-9]+: linux.netDevices.v0: is in the container's network namespace already: /proc/$HOST/ns/net is the host's own"
	host ip link property add dev v0 altname cable
	moving 'l["netDevices"] = {"cable": {}}'
	run -255 look
	has "$output" 'linux.netDevices.cable: cable is another name of network device v0 (use that one)'
	moving 'l["netDevices"] = {"v0": {}}'
	run -255 host capsh --drop=cap_net_admin -- -c "cattach oci --root $T/root --cgroup-manager disabled run -b $T/b look 2>&1"
	has "$output" 'linux.netDevices.v0: '
	is "$(on_host v0)" 'up v0'
	is "$(ls "$T/root")" ''
}

@test "a container with ids of its own gets devices, too; and one of the other face" {
	moving 'l["namespaces"].append({"type": "user"})' \
		'l["uidMappings"] = l["gidMappings"] = [{"containerID": 0, "hostID": 100000, "size": 65536}]' \
		'l["netDevices"] = {"v0": {"name": "net0"}}' 'sh("ip -o link show net0")'
	run -0 look
	has "$output" ': net0@'
	eventually host ip link add v0 type veth peer name v1
	run -0 host unshare -m sh -c "mount -t tmpfs none /var/lib && mount -t tmpfs none /run && exec cattach run --rm --bundle $T/b --cgroups=disabled"
	has "$output" ': net0@'
}
