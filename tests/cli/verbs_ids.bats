#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# What names a container: its name, with a slash as docker writes it, its id, the beginning of one that no
# other has. By every command that takes one.

load helpers

# prefix ID OTHER...: the shortest beginning of ID that none of the others has
prefix()
{
	local id=$1 length other
	shift
	for ((length = 1; length < 64; length++)); do
		for other; do
			[ "${other:0:length}" != "${id:0:length}" ] || continue 2
		done
		break
	done
	echo "${id:0:length}"
}

@test "each command finds a container by id, short id, shortest beginning and /name" {
	start "$N-other" "$R" sleep 1000
	local other=$ID way verb
	start "$N" -i "$R" sh -c 'trap "echo usr" USR1; echo ready; while read -r line; do echo "$line"; done; exec sleep 1000'
	cattach wait --for-output ready "$N"
	for way in "$ID" "/$N"; do
		is "$(cattach inspect -f '{{.Id}}' "$way")" "$ID"
		is "$(cattach logs "$way")" ready
		is "$(cattach kill -s URG "$way")" "$way"
		is "$(cattach stats --no-stream --no-trunc --format '{{.ID}}' "$way" 2> /dev/null)" "$ID"
	done
	for way in "${ID:0:12}" "$(prefix "$ID" "$other")"; do
		is "$(cattach inspect -f '{{.Id}}' "$way")" "$ID"
		is "$(cattach logs --tail 1 "$way")" ready
		is "$(cattach exec "$way" cat /proc/sys/kernel/hostname)" "${ID:0:12}"
		is "$(cattach exec ls -q "$way")" ""
		has "$(cattach top "$way")" "sh -c trap"
		is "$(cattach port "$way")" ""
		is "$(cattach clients -q "$way")" ""
		is "$(cattach detach --all "$way")" ""
		is "$(cattach stats --no-stream --no-trunc --format '{{.ID}}' "$way" 2> /dev/null)" "$ID"
		cattach cp "$way:/etc/passwd" "$T/passwd"
		cattach attach --no-stdin "$way" > "$T/attached" &
		eventually eval "[ -n \"\$(cattach clients -q \"$N\")\" ]"
		cattach detach --all "$way" > /dev/null
		wait $!
		is "$(cattach kill -s URG "$way")" "$way"
		is "$(cattach wait --condition running "$way")" -1
		is "$(cattach ps -a -f "before=$way" --format '{{.Names}}')" "$N-other"
		is "$(cattach ps -a -f "since=$other" --format '{{.Names}}')" "$N"
		has "$(cattach events --filter "container=$way" --filter event=create)" "container create $ID "
		is "$(cattach start "$way")" "$way"
		is "$(cattach restart -t 0 "$way")" "$way"
		cattach wait --for-output ready "$way"
		cattach send "$way" "to $way"
		cattach wait --for-output "to $way" "$way"
		cattach rename "$way" "$N-2"
		cattach rename "$ID" "$N"
		# where there is no cgroup it is the container that is named in the refusal
		for verb in pause unpause "update --pids-limit 50"; do
			# shellcheck disable=SC2086 # a verb and its options
			run cattach $verb "$way"
			has "$output" "$([ "$status" -eq 0 ] && echo "$way" || echo "$N")"
			[[ $output != *"no such"* ]]
		done
		is "$(cattach stop -t 0 "$way")" "$way"
		is "$(cattach wait "$way")" 137
		is "$(cattach start "$way")" "$way"
		cattach wait --for-output ready "$way"
	done
	is "$(cattach rm -f "$(prefix "$ID" "$other")")" "$(prefix "$ID" "$other")"
	is "$(cattach ps -a --format '{{.Names}}')" "$N-other"
}

@test "a beginning that several have is refused with their names, and a name goes before an id" {
	local i one two count
	# of seventeen ids two begin alike
	for i in $(seq 17); do
		cattach create --name "$N-$i" "$R" true >> "$T/ids"
		STARTED+=("$N-$i")
	done
	one=$(cut -c 1 "$T/ids" | sort | uniq -d | head -n 1)
	count=$(grep -c "^$one" "$T/ids")
	for verb in inspect kill stop start wait rm logs top port; do
		run ! --separate-stderr cattach $verb "$one"
		has "$stderr" "cattach: \"$one\" matches $count containers ("
	done
	run -125 --separate-stderr cattach rename "$one" x
	run -125 --separate-stderr cattach rm "$N-none" "$one" "$N-17"
	is "$output" "$N-17"
	# a name that looks like the beginning of an id is the name
	two=$(head -n 1 "$T/ids")
	cattach rename "$N-2" "${two:0:12}"
	STARTED+=("${two:0:12}")
	is "$(cattach inspect -f '{{.Name}}' "${two:0:12}")" "${two:0:12}"
	is "$(cattach inspect -f '{{.Name}}' "${two:0:13}")" "$N-1"
	cattach rename "${two:0:12}" "$N-2"
	STARTED=($(cattach ps -a --format '{{.Names}}'))
}
