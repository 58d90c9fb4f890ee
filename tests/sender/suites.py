# SPDX-License-Identifier: ISC
"""Reads the suites of this folder, `suites/*.txt`.

    note NAME why a peer says something else
    zone
        NAME TYPE VALUE
    SECTION the rule: RESULT key=value ...
        WORD what belongs to the case
        differs PEER RESULT NAME

A zone is what DNS has for the cases that follow; `also NAME TYPE VALUE` in a case is a record more,
`also*N NAME TYPE VALUE` N of them, with their number in place of "#". `here` is a top-level domain of the zone
alone, `own` one of the case alone, so that no case sees the records of others.

A value may be in quotes, several of them for several strings, with the escapes of Python; `{text*1000}` is the
text a thousand times. In place of records a name may have `!servfail`, `!refused`, `!timeout` or `!garbage`
(bytes that are no answer); in front of its value `!truncated` and `!forged`: it comes over TCP only, or behind
an answer to another question.
"""
import collections
import pathlib
import re

FOLDER = pathlib.Path(__file__).parent / "suites"
CASE = re.compile(r"(\S+) (.+): (\S+)((?: \S+=\S*)*)$")
REPEATED = re.compile(r"\{([^{}]*(?:\{[^{}]*\}[^{}]*)*)\*(\d+)\}")

Case = collections.namedtuple("Case", "section rule result options details differs own")


def unfold(text, **names):
    for name, stands_for in names.items():
        text = re.sub(rf"\b{name}\b", stands_for, text)
    return REPEATED.sub(lambda m: m[1] * int(m[2]), text)


def unescape(text):
    return text.encode("latin-1", "backslashreplace").decode("unicode_escape")


def record_value(text):
    """The strings of a value: of TXT each string that is quoted, else one."""
    if not text.startswith('"'):
        return [text]
    return [unescape(part) for part in re.findall(r'"((?:[^"\\]|\\.)*)"', text)]


class Suite:
    """`cases`; `records` of all of them: {"name TYPE": [[string, ...], ...]}, where a trouble is a string."""

    def __init__(self, name):
        self.cases, self.records, self.notes = [], {}, {}
        self.zones = 0
        self.names = {}
        self.inside = None
        self.number = 0
        for self.number, line in enumerate((FOLDER / name).read_text().splitlines(), 1):
            if line.strip() and not line.startswith("#"):
                self._read(line)

    def _read(self, line):
        if line.startswith(" "):
            self.inside(unfold(line.strip(), **self.names))
        elif line.startswith("note "):
            _, name, why = line.split(" ", 2)
            self.notes[name] = why
        elif line == "zone":
            self.zones += 1
            self.names["here"] = f"z{self.zones:02d}"
            self.inside = self._read_record
        else:
            self._read_case(line)

    def _read_record(self, line):
        name, kind, value = line.split(None, 2)
        self.add(name, kind, value)

    def add(self, name, kind, value):
        have = self.records.setdefault(f"{name.lower().rstrip('.')} {kind}", [])
        trouble, _, rest = value.partition(" ") if value.startswith("!") else ("", "", value)
        if trouble:
            have.append(trouble)
        if rest:
            have.append(record_value(rest))

    def _read_case(self, line):
        found = CASE.match(line)
        assert found, f"line {self.number}: {line}"
        self.names["own"] = f"c{len(self.cases):03d}"
        options = dict(word.split("=", 1) for word in unfold(found[4], **self.names).split())
        case = Case(found[1], found[2], found[3], options, [], {}, self.names["own"])
        self.cases.append(case)
        self.inside = lambda detail: self._read_detail(case, detail)

    def _read_detail(self, case, line):
        word, _, rest = line.partition(" ")
        if word.startswith("also"):
            for count in range(int(word[5:] or 1)):
                self._read_record(rest.replace("#", str(count)) if word != "also" else rest)
        elif word == "differs":
            peer, result, note = rest.split()
            assert note in self.notes, f"line {self.number}: there is no note {note}"
            case.differs[peer] = result
        else:
            case.details.append((word, rest))

    def ids(self):
        return [f"{case.section} {case.rule}" for case in self.cases]


def value_of(case, word, otherwise=None):
    """What stands behind a word that a case has once."""
    return dict(case.details).get(word, otherwise)
