#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""ARCHITECTURE.md shows the states as src/container/states.c has them, and every verb is there.

  tests/check_states.py            check
  tests/check_states.py --write    draw the picture and the table anew, between their marks

The tables of states.c are read as text: the enums are in include/cattach/states.h and container.h,
the verbs behind each row in the comments of enum ct_act. Before it checks, the program proves that
it finds what it looks for.
"""
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- states: begin -->\n", "<!-- states: end -->\n"
# What takes no container, or none of these.
FREE = {"help", "info", "oci", "spec", "unshare", "version"}
WORDS = {"YES": "yes", "NOTHING": "–", "IF": "if", "NO": "no"}


def strip(text):
    return re.sub(r"/\*.*?\*/", "", text, flags=re.S)


def enum(text, name, prefix):
    """The members of an enum with their comments, in order."""
    body = re.search(r"enum %s \{(.*?)\n\};" % name, text, re.S).group(1)
    found = re.findall(r"%s(\w+),?(?:[^\S\n]*/\* (.*?) \*/)?" % prefix, body, re.S)
    return [(member, comment) for member, comment in found if member != "COUNT"]


def state_names(source):
    """CREATING -> creating, in the order of the enum's table."""
    return dict(re.findall(r'\[CT_STATE_(\w+)\] = \{ "(\w+)"', source))


class Sets:
    """What the macros for sets of states mean."""

    def __init__(self, states, source):
        self.known = {"ANY": set(states), "NOTHING_YET": set()}
        for name, value in re.findall(r"^#define (MADE|LIVE|ENDED)\s+\((.*)\)$", source, re.M):
            self.known[name] = self.read(value)

    def read(self, text):
        members = set()
        for part in re.split(r"\s*[|&]\s*", text.strip()):
            value = re.fullmatch(r"(~?)\(?(?:IN\((\w+)\)|(\w+))\)?", part)
            group = {value.group(2)} if value.group(2) else self.known[value.group(3)]
            members = members - group if value.group(1) else members | group
        return members


def read_transitions(source, sets):
    """[(from, to, words)] with None for what is not there."""
    table = re.search(r"ct_transitions\[\] = \{(.*?)\n\};", strip(source), re.S).group(1)
    rows = re.findall(r'\{ ([A-Z_|&~() ]+),\s*CT_STATE_(\w+),\s*CT_STEP_\w+,\s*"(.*?)"\s*\}', table, re.S)
    if len(rows) != table.count("CT_STEP_"):
        sys.exit("check_states: a row of ct_transitions cannot be read")
    return [(sets.read(start), None if end == "NONE" else end, how) for start, end, how in rows]


def read_answers(source, sets):
    """{(act, state): answer}"""
    table = re.search(r"answers\[\] = \{(.*?)\n\};", strip(source), re.S).group(1)
    rows = re.findall(r"\{ ((?:ACT\(\w+\)(?: \| )?)+),\s*([^,]+),\s*CT_ANSWER_(\w+),", table)
    if len(rows) != table.count("CT_ANSWER_"):
        sys.exit("check_states: a row of answers cannot be read")
    found = {}
    for acts, states, answer in rows:
        for act in re.findall(r"ACT\((\w+)\)", acts):
            for state in sets.read(states):
                found[act, state] = answer
    return found


def draw(transitions, names):
    """The picture, in the words that people and mermaid read alike."""
    lines = ["stateDiagram-v2"]
    for start, end, how in transitions:
        target = names[end] if end else "[*]"
        if len(start) > 5:
            lines.append(f"    any --> {target}: {how}")
            continue
        sources = [names[state] for state in names if state in start] or ["[*]"]
        lines += [f"    {source} --> {target}: {how}" for source in sources]
    return "```mermaid\n" + "\n".join(lines) + "\n```\n"


def tabulate(acts, answers, names):
    head = "| | " + " | ".join(names.values()) + " |\n|---" + "|---" * len(names) + "|\n"
    rows = [f"| {comment} | " + " | ".join(WORDS[answers[act, state]] for state in names) + " |\n"
            for act, comment in acts]
    return head + "".join(rows)


def missing_verbs(acts, verbs):
    """Verbs that no row speaks of, and words of rows that are no verbs."""
    told = set()
    for _, comment in acts:
        told |= set(re.split(r", ", comment.split(":")[0]))
    return sorted(verbs - told - FREE), sorted(told - verbs)


def replace(document, text):
    start, end = document.index(BEGIN) + len(BEGIN), document.index(END)
    return document[:start] + text + document[end:]


def prove():
    """A wrong picture and a verb that is missing are found."""
    acts = [("STOP", "stop"), ("ASK", "send, clients: of one that runs")]
    assert missing_verbs(acts, {"stop", "send", "clients", "help"}) == ([], [])
    assert missing_verbs(acts, {"stop", "send", "rm"}) == (["rm"], ["clients"])
    sets = Sets(["A", "B"], "#define LIVE\t(IN(A))\n")
    assert sets.read("ANY & ~IN(A)") == {"B"} and sets.read("LIVE | IN(B)") == {"A", "B"}
    source = 'ct_transitions[] = {\n\t{ IN(A), CT_STATE_B, CT_STEP_X, "go" },\n};'
    assert read_transitions(source, sets) == [({"A"}, "B", "go")]
    names = {"A": "a", "B": "b"}
    assert "    a --> b: go\n" in draw([({"A"}, "B", "go")], names)
    assert draw([({"B"}, "A", "go")], names) != draw([({"A"}, "B", "go")], names)
    assert replace(f"x{BEGIN}old{END}y", "new") == f"x{BEGIN}new{END}y"


def main():
    prove()
    source = (ROOT / "src/container/states.c").read_text()
    header = (ROOT / "include/cattach/states.h").read_text()
    names = state_names(source)
    states = [state for state, _ in enum((ROOT / "include/cattach/container.h").read_text(), "ct_state",
                                         "CT_STATE_")]
    if states != list(names):
        sys.exit(f"check_states: the enum has {states}, the table of names {list(names)}")
    sets = Sets(states, source)
    acts = enum(header, "ct_act", "CT_ACT_")
    answers = read_answers(source, sets)
    lines = (ROOT / "src/cli/verbs.c").read_text()
    verbs = set(re.findall(r"&ct_verb_(\w+)", lines))
    lost, strange = missing_verbs(acts, verbs)
    if lost or strange:
        sys.exit(f"check_states: no row for {lost}, no verb {strange}: see enum ct_act in states.h")
    wanted = draw(read_transitions(source, sets), names) + "\n" + tabulate(acts, answers, names)
    path = ROOT / "ARCHITECTURE.md"
    before = path.read_text()
    after = replace(before, wanted)
    if sys.argv[1:] == ["--write"]:
        path.write_text(after)
    elif before != after:
        sys.exit('check_states: "States" in ARCHITECTURE.md is not what src/container/states.c has: '
                 "tests/check_states.py --write")
    else:
        print(f"states: {len(states)} states, {len(acts)} rows for {len(verbs - FREE)} verbs")


main()
