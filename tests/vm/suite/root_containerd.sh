#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Debian's containerd with its shim for runc, told to call us instead, as root: what "ctr" starts,
# executes, kills, pauses, changes and removes. The plain machine has it, whose whole tree of
# cgroups is root's; the shim asks for /default/ID there.
# shellcheck disable=SC2119,SC2317 # functions are called by name
# shellcheck source=tests/vm/suite/lib.sh
. "$(dirname "$0")/lib.sh"
D=$HOME/containerd
runtime=$D/cattach-oci
image=test.invalid/box:1

# blob FILE: into the layout; its descriptor's digest and size.
blob()
{
	local digest
	digest=$(sha256sum "$1" | cut -d ' ' -f 1)
	mv "$1" "$D/layout/blobs/sha256/$digest"
	printf '"digest": "sha256:%s", "size": %s' "$digest" "$(stat -c %s "$D/layout/blobs/sha256/$digest")"
}

# The root file system of the other suites as an image in the OCI's layout.
make_image()
{
	local kind=application/vnd.oci.image layer config
	mkdir -p "$D/layout/blobs/sha256"
	tar -C "$R" -cf "$D/layer" .
	printf '{"architecture": "amd64", "os": "linux", "config": {"Cmd": ["sh"]},
		"rootfs": {"type": "layers", "diff_ids": ["sha256:%s"]}}' \
		"$(sha256sum "$D/layer" | cut -d ' ' -f 1)" > "$D/config"
	layer=$(blob "$D/layer") config=$(blob "$D/config")
	printf '{"schemaVersion": 2, "config": {"mediaType": "%s", %s}, "layers": [{"mediaType": "%s", %s}]}' \
		"$kind".config.v1+json "$config" "$kind".layer.v1.tar "$layer" > "$D/manifest"
	printf '{"schemaVersion": 2, "manifests": [{"mediaType": "%s", %s,
		"annotations": {"io.containerd.image.name": "%s"}}]}' \
		"$kind".manifest.v1+json "$(blob "$D/manifest")" "$image" > "$D/layout/index.json"
	echo '{"imageLayoutVersion": "1.0.0"}' > "$D/layout/oci-layout"
	tar -C "$D/layout" -cf "$D/image.tar" .
}

ctr() { command ctr --address "$D/socket" --timeout 60s "$@"; }

# ctr_run ARG...: with our runtime
ctr_run() { ctr run --runc-binary "$runtime" "$@"; }

answers() { ctr version; }

daemon_starts()
{
	mkdir -p "$D"
	ln -s "$CT_JOB/usr/bin/cattach" "$runtime"
	make_image
	# What it does for Kubernetes and for other file systems takes seconds to start here.
	printf '%s = "%s"\n' root "$D/root" state "$D/state" > "$D/config.toml"
	cat >> "$D/config.toml" <<-END
		version = 2
		disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.snapshotter.v1.aufs",
			"io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper",
			"io.containerd.snapshotter.v1.zfs", "io.containerd.internal.v1.opt"]
		[grpc]
		address = "$D/socket"
	END
	containerd --config "$D/config.toml" --log-level warn > "$D/log" 2>&1 &
	echo $! > "$D/pid"
	until_true answers
	ctr images import "$D/image.tar" > /dev/null
	has "$(ctr images ls -q)" "$image"
}
row plain "containerd starts and takes an image" daemon_starts

runs()
{
	local status=0
	same "$(ctr_run --rm "$image" c1 sh -c 'echo out; echo err >&2; cat /proc/self/cgroup' 2> "$D/err")" \
		"$(printf 'out\n0::/default/c1')"
	same "$(cat "$D/err")" err
	ctr_run --rm "$image" c1 sh -c 'exit 7' || status=$?
	same "$status" 7
	status=0
	ctr_run --rm "$image" c1 /no/such > /dev/null 2> "$D/err" || status=$?
	same "$status" 1
	has "$(cat "$D/err")" /no/such
	same "$(ctr containers ls -q)" ""
	[ ! -e /sys/fs/cgroup/default/c1 ]
}
row plain "ctr run: both streams, the exit code, a command that is not there" runs

ended() { has "$(ctr tasks ls)" STOPPED; }

lives()
{
	local status=0 pid
	ctr_run -d --memory-limit 67108864 "$image" c2 sleep 1000
	has "$(ctr tasks ls)" RUNNING
	same "$(cat /sys/fs/cgroup/default/c2/memory.max)" 67108864
	ctr tasks exec --exec-id e1 c2 sh -c 'echo in; exit 5' > "$D/out" || status=$?
	same "$(cat "$D/out") $status" "in 5"
	ctr tasks exec -d --exec-id e2 c2 sleep 999
	pid=$(sed -n '/^[0-9]/p' /sys/fs/cgroup/default/c2/cgroup.procs | wc -l)
	same "$pid" 2
	has "$(ctr tasks ps c2)" PID
	ctr tasks pause c2
	same "$(sed -n 's/^frozen //p' /sys/fs/cgroup/default/c2/cgroup.events)" 1
	has "$(ctr tasks ls)" PAUSED
	ctr tasks resume c2
	has "$(ctr tasks metrics c2)" memory
	ctr tasks kill -s SIGTERM --exec-id e2 c2
	ctr tasks kill -s SIGKILL c2
	until_true ended
	has "$(ctr tasks delete c2 2>&1)" "exit code 137"
	ctr containers delete c2
	[ ! -e /sys/fs/cgroup/default/c2 ]
}
row plain "ctr tasks: exec, ps, pause, resume, metrics, kill and delete" lives

terminal()
{
	# "script" gives it a terminal; what comes out has the line ends of one.
	script -qec "ctr --address $D/socket run --runc-binary $runtime --rm -t $image c3 sh -c 'tty; stty size'" \
		/dev/null < /dev/null > "$D/out"
	has "$(cat "$D/out")" /dev/pts/0
}
row plain "ctr run -t: a terminal" terminal

daemon_ends()
{
	kill "$(cat "$D/pid")"
	until_true sh -c "! kill -0 $(cat "$D/pid")"
	same "$(pgrep -f containerd-shim || true)" ""
	same "$("$runtime" --root /run/containerd/runc/default list -q)" ""
	# shellcheck disable=SC2046 # words
	rmdir /sys/fs/cgroup/default 2> /dev/null || true
	[ ! -s "$D/log" ] || cat "$D/log"
}
row plain "and nothing is left" daemon_ends
end
