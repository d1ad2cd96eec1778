#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Defaults of options: from the user's config.json, from variables, and what is said when they are
# wrong. Which names there are and which place counts is in tests/unit/test_defaults.c.

load helpers

# config TEXT: the file, for what follows.
config()
{
	export XDG_CONFIG_HOME=$T/config
	FILE=$XDG_CONFIG_HOME/cattach/config.json
	mkdir -p "${FILE%/*}"
	printf '%s' "$1" > "$FILE"
	chmod 600 "$FILE"
}

caps() { cattach run --rm "$@" "$R" grep ^CapEff: /proc/self/status | cut -f 2; }
log_of() { cattach inspect -f '{{.HostConfig.LogConfig.Type}}' "$1"; }

@test "without a file everything is as it is built in, wherever the file would be" {
	local wanted
	wanted=$(caps)
	is "$(XDG_CONFIG_HOME=$T/nope caps)" "$wanted"
	is "$(XDG_CONFIG_HOME=relative caps)" "$wanted"
	touch "$T/file"
	is "$(XDG_CONFIG_HOME=$T/file caps)" "$wanted"
	mkdir -m 000 "$T/closed"
	is "$(XDG_CONFIG_HOME=$T/closed caps)" "$wanted"
	rmdir "$T/closed"
}

@test "the file is the one below HOME where XDG_CONFIG_HOME does not say" {
	mkdir -p "$T/home/.config/cattach"
	echo '{"psFormat": "mine"}' > "$T/home/.config/cattach/config.json"
	start "$N" "$R" sleep 100
	export XDG_DATA_HOME=$HOME/.local/share
	is "$(HOME=$T/home cattach ps)" mine
	is "$(HOME=$T/home XDG_CONFIG_HOME=relative cattach ps)" mine
	# a link leads to it
	mkdir -p "$T/config/cattach"
	ln -s "$T/home/.config/cattach/config.json" "$T/config/cattach/config.json"
	is "$(XDG_CONFIG_HOME=$T/config cattach ps)" mine
}

@test "command line, variable, file, built in: the nearest one counts" {
	config '{"logDriver": "json-file"}'
	start "$N" "$R" true
	is "$(log_of "$N")" json-file
	CATTACH_LOG_DRIVER=none start "$N-2" "$R" true
	is "$(log_of "$N-2")" none
	CATTACH_LOG_DRIVER=none start "$N-3" --log-driver native "$R" true
	is "$(log_of "$N-3")" native
	# "create" makes containers, too
	STARTED+=("$N-4")
	cattach create --name "$N-4" "$R" true
	is "$(log_of "$N-4")" json-file
	cattach wait "$N" "$N-2" "$N-3"
}

@test "capabilities of the file are for containers, and not for exec" {
	local built_in raw=0000000000002000
	built_in=$(caps)
	config '{"capAdd": ["NET_RAW"]}'
	is "$(caps)" "$(printf '%016x' $((0x$built_in | 0x$raw)))"
	is "$(caps --cap-add SYS_TIME)" "$(printf '%016x' $((0x$built_in | 0x2000000)))"
	is "$(caps --cap-drop ALL)" 0000000000000000
	config '{"capDrop": ["ALL"]}'
	is "$(caps)" 0000000000000000
	is "$(caps --cap-add NET_RAW)" "$raw"
	CATTACH_CAP_ADD="NET_RAW" start "$N" "$R" sleep 100
	is "$(CATTACH_CAP_ADD=SYS_TIME cattach exec "$N" grep ^CapEff: /proc/self/status | cut -f 2)" "$raw"
}

@test "formats have docker's names, and give way to -q" {
	config '{"psFormat": "{{.Names}} in the file", "statsFormat": "{{.Name}} of stats"}'
	start "$N" "$R" sleep 100
	is "$(cattach ps)" "$N in the file"
	is "$(CATTACH_PS_FORMAT='{{.ID}}' cattach ps)" "${ID:0:12}"
	is "$(cattach ps --format '{{.State}}')" running
	is "$(cattach ps -q)" "${ID:0:12}"
	has "$(cattach ps --format table)" "CONTAINER ID"
}

@test "switches may be on, and are switched off on the command line" {
	config '{"runRm": true, "logsTimestamps": true}'
	start "$N" --rm=false "$R" echo hello
	cattach wait "$N"
	matches "$(cattach logs "$N")" "[0-9]{4}-[^ ]* hello"
	is "$(cattach logs --timestamps=false "$N")" hello
	is "$(CATTACH_LOGS_TIMESTAMPS=no cattach logs "$N")" hello
	is "$(cattach run "$R" echo gone)" gone
	is "$(cattach ps -aq | wc -l)" 1
}

@test "defaults that make sense beside another option only are for commands that have it" {
	config '{"healthInterval": "1h", "healthOnFailure": "kill", "memorySwap": "64g"}'
	is "$(cattach run --rm "$R" echo plain)" plain
	start "$N" --health-cmd true "$R" sleep 1000
	is "$(cattach inspect -f '{{.Config.Healthcheck.Interval}}' "$N")" 3600000000000
	refused 125 "--memory-swap: is memory and swap together, so it needs a memory limit (give --memory, too)" \
		cattach run --memory-swap 64g "$R" true
}

@test "detach keys that are a default are not recorded as the container's" {
	config '{"detachKeys": "ctrl-x"}'
	start "$N" "$R" true
	is "$(cat "$STORE"/containers/*/meta.json | grep -c ctrl-x)" 0
	refused 125 "CATTACH_DETACH_KEYS: invalid detach keys (ctrl-)" \
		env CATTACH_DETACH_KEYS=ctrl- cattach run --rm "$R" true
	config '{"detachKeys": "ctrl-"}'
	refused 125 "$FILE:1:16: detachKeys: invalid detach keys (ctrl-)" cattach run --rm "$R" true
	is "$(cattach run --rm --detach-keys ctrl-a "$R" echo fine)" fine
	# for those who do not let go of anything it is not even looked at
	is "$(cattach wait --ignore nobody-of-this-name)" -1
	start "$N-2" --detach-keys ctrl-b "$R" true
	is "$(cat "$STORE"/containers/*/meta.json | grep -c '"detach_keys": *"ctrl-b"')" 1
	cattach wait "$N" "$N-2"
}

@test "a wrong default is refused by its own name, before anything is there" {
	refused 125 'CATTACH_LOG_DRIVER: there is no log driver "zip"' \
		env CATTACH_LOG_DRIVER=zip cattach run -d "$R" true
	refused 125 'CATTACH_RUN_MEMORY: must be a size' env CATTACH_RUN_MEMORY=x cattach run "$R" true
	refused 125 'CATTACH_RUN_RM: must be true or false, not "often"' \
		env CATTACH_RUN_RM=often cattach run "$R" true
	config '{
	"stopTimeout": 10,
	"capAdd": ["CHOWN", "NOPE"]
}'
	refused 125 "$FILE:3:12: capAdd: NOPE: unknown capability" cattach create "$R" true
}

@test "what is wrong with the file is said with line and column, by every command that reads it" {
	local verb
	config '{"logDriver": "none",
 "logOpt": 3}'
	for verb in "run $R true" "ps" "events" "rm -f nobody-of-this-name" "logs nobody-of-this-name"; do
		# shellcheck disable=SC2086 # words
		refused 125 "$FILE:2:12: logOpt: must be an object or a list of strings, not a number" \
			cattach $verb
	done
	config '{"logDriver": "none",}'
	refused 125 "$FILE:1:22: " cattach ps
	config '{"logDrivr": "none"}'
	refused 125 "$FILE:1:14: logDrivr: no option has such a default (did you mean logDriver?)" \
		cattach ps
	config '{"psAll": true, "psAll": true}'
	refused 125 "$FILE:1:" cattach ps
	config ''
	refused 125 "$FILE: file is empty (correct it, or move it away)" cattach ps
	# those that must always work do
	cattach version > /dev/null
	cattach help > /dev/null
	cattach ps --help > /dev/null
}

@test "a file that somebody else may write, or that is none, is refused" {
	config '{}'
	chmod 620 "$FILE"
	refused 125 "$FILE can be written by other users (mode 0620) (chmod go-w $FILE)" cattach ps
	chmod 602 "$FILE"
	refused 125 "(chmod go-w $FILE)" cattach ps
	chmod 644 "$FILE"
	cattach ps > /dev/null
	chmod 000 "$FILE"
	refused 125 "cannot open $FILE: Permission denied (make it readable, or move it away)" cattach ps
	rm -f "$FILE"
	mkfifo -m 600 "$FILE"
	refused 125 "$FILE: not a regular file (move it away)" timeout 5 cattach ps
	rm "$FILE"
	mkdir "$FILE"
	refused 125 "$FILE: is a directory, not a file (move it away)" cattach ps
	rmdir "$FILE"
	ln -s /proc/self/mem "$FILE"
	refused 125 "$FILE" timeout 5 cattach ps
}

@test "info says which file it is, what is in effect, and what is wrong" {
	config '{"logDriver": "none", "psFormat": "x"}'
	export CATTACH_LOG_DRIVER=native CATTACH_CAP_ADD="NET_RAW SYS_TIME" CATTACH_OTHERS=1
	cattach info > "$T/out"
	grep -qxF "ok    defaults come from $FILE" "$T/out"
	grep -qxF 'ok    psFormat is "x": --format of ps' "$T/out"
	grep -qxF 'ok    CATTACH_LOG_DRIVER is "native": --log-driver of run and create' "$T/out"
	grep -qxF 'ok    CATTACH_CAP_ADD is "NET_RAW SYS_TIME": --cap-add of run and create' "$T/out"
	is "$(grep -cE 'logDriver|OTHERS' "$T/out")" 0
	is "$(cattach info --format '{{.CATTACH_LOG_DRIVER.Level}} {{.psFormat.Level}} {{.Config.Level}}')" \
		"ok ok ok"
	CATTACH_LOG_DRIVR=x cattach info > "$T/out"
	grep -qxF "warn  CATTACH_LOG_DRIVR means nothing to cattach  -> did you mean CATTACH_LOG_DRIVER?" \
		"$T/out"
	config '{"x": 1}'
	cattach info > "$T/out"
	grep -qF "no    $FILE:1:7: x: no option has such a default  -> " "$T/out"
	rm "$FILE"
	is "$(cattach info --format '{{.Config.What}}')" "no file with defaults: $FILE"
}

@test "a missing file costs one system call" {
	command -v strace > /dev/null || skip "strace is not installed"
	XDG_CONFIG_HOME=$T/nope strace -f -o "$T/trace" cattach ps -q
	is "$(grep -c "$T/nope" "$T/trace")" 1
}
