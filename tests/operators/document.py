# SPDX-License-Identifier: ISC
"""The documents for operators as data: their blocks, headings and links, and the English and
Japanese ones side by side.

A block is what stands between ``` and ```; the word behind the first one says what it is:

    sh        commands, run one block after the other in the order of the document
    conf      lines for hayauma.conf, added to it before the next block runs
    file:PATH what has to be written to that file
    dns       records that `hayauma init` has to print too
    text      shown only

Comments that readers do not see say what the test needs to know:

    <!-- test: start STATE -->      at the top: nothing, new or running (play.py)
    <!-- test: not run, REASON -->  before a block that cannot be run here
"""
import dataclasses
import pathlib
import re

TOP = pathlib.Path(__file__).resolve().parents[2]
FOLDER = TOP / "docs/operators"
ENGLISH = sorted(path for path in FOLDER.glob("*.md") if not path.name.endswith(".ja.md"))
KINDS = ("sh", "conf", "dns", "text")
STATES = ("nothing", "new", "running")


@dataclasses.dataclass
class Block:
    line: int
    kind: str
    text: str
    left_out: str  # the reason, or ""

    @property
    def meaning(self):
        """Without comments, which are in the reader's language."""
        lines = [re.sub(r"(^|\s+)#\s.*$", "", line).rstrip() for line in self.text.splitlines()]
        return self.kind, [line for line in lines if line], bool(self.left_out)


def japanese(path):
    return path.with_name(path.name.replace(".md", ".ja.md"))


def blocks(path):
    found, block, left_out = [], None, ""
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if block is None and (mark := re.fullmatch(r"<!-- test: not run, (.+) -->", line)):
            left_out = mark.group(1)
        elif block is None and line.startswith("```"):
            block, lines = Block(number, line[3:].strip(), "", left_out), []
        elif block is not None and line == "```":
            block.text = "".join(one + "\n" for one in lines)
            found.append(block)
            block, left_out = None, ""
        elif block is not None:
            lines.append(line)
    assert block is None, f"{path}: a block does not end"
    return found


def state(path):
    found = re.search(r"<!-- test: start (\w+) -->", path.read_text())
    return found.group(1) if found else None


def anchors(path):
    """What a link may name behind #, as GitHub makes it of the headings."""
    text = re.sub(r"(?ms)^```.*?^```$", "", path.read_text())
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
            for heading in re.findall(r"(?m)^#+ (.*)$", text)}


def links(path):
    return re.findall(r"\]\(([^)#]*)(?:#([^)]*))?\)", path.read_text())
