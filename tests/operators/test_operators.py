# SPDX-License-Identifier: ISC
"""The documents for operators: every command in them is run, both languages have the same ones, and
the twenty tasks lead somewhere."""
import os
import pathlib
import re
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from document import (ENGLISH, FOLDER, KINDS, STATES, anchors, blocks, japanese, links,  # noqa: E402
                      state)

ALL = [one for path in ENGLISH for one in (path, japanese(path))]
PLAYED = [path for path in ALL if state(path)]
JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")


def name(path):
    return path.name


def test_each_document_is_there_in_both_languages():
    assert len(ENGLISH) >= 10
    assert {path.name for path in FOLDER.glob("*.ja.md")} == {japanese(p).name for p in ENGLISH}


@pytest.mark.parametrize("path", ENGLISH, ids=name)
def test_both_languages_have_the_same_commands(path):
    assert [one.meaning for one in blocks(path) if one.kind != "text"] == [
        one.meaning for one in blocks(japanese(path)) if one.kind != "text"]
    assert state(path) == state(japanese(path))


@pytest.mark.parametrize("path", ENGLISH, ids=name)
def test_both_languages_have_the_same_sections(path):
    def levels(one):
        text = re.sub(r"(?ms)^```.*?^```$", "", one.read_text())
        return [len(marks) for marks in re.findall(r"(?m)^(#+) ", text)]
    assert levels(path) == levels(japanese(path))
    assert not JAPANESE.search(re.sub(r"\[日本語\]", "", path.read_text()))


@pytest.mark.parametrize("path", ALL, ids=name)
def test_links_lead_somewhere(path):
    for target, anchor in links(path):
        if target.startswith("http"):
            continue
        there = (path.parent / target) if target else path
        assert there.exists(), target
        assert not anchor or anchor in anchors(there), f"{target}#{anchor}"


@pytest.mark.parametrize("path", ALL, ids=name)
def test_each_block_says_what_it_is(path):
    for block in blocks(path):
        assert block.kind in KINDS or block.kind.startswith("file:/"), f"{path.name}:{block.line}"
    assert state(path) in (None, *STATES)
    assert state(path) or not any(block.kind == "sh" for block in blocks(path))
    for command in re.findall(r"`(hayauma [a-z][^`]*)`", path.read_text()):
        assert command.split()[1] in COMMANDS, command


COMMANDS = set(subprocess.run(
    [os.environ.get("HAYAUMA") or str(FOLDER.parents[1] / "build/hayauma"), "completion", "bash"],
    text=True, capture_output=True, check=True).stdout.replace('"', " ").replace("'", " ").split())


@pytest.mark.parametrize("path", [FOLDER / "README.md", FOLDER / "README.ja.md"], ids=name)
def test_the_table_of_contents_has_twenty_tasks_with_their_places(path):
    rows = re.findall(r"(?m)^\| (\d+) \| (.+?) \| \[.+?\]\((\S+?)#(\S+?)\) \|$", path.read_text())
    assert [int(number) for number, *_ in rows] == list(range(1, len(rows) + 1))
    assert len(rows) >= 20
    assert len({task for _, task, *_ in rows}) == len(rows)
    suffix = ".ja.md" if path.name.endswith(".ja.md") else ".md"
    assert all(target.endswith(suffix) for *_, target, _ in rows)
    reached = {target for *_, target, _ in rows}
    assert reached == {one.name for one in PLAYED
                       if one.name.endswith(".ja.md") == (suffix == ".ja.md")}


@pytest.mark.parametrize("path", PLAYED, ids=name)
def test_every_command_does_what_the_document_says(path):
    if os.geteuid() != 0:
        return  # a mail server on port 25 with its own users is root's affair
    done = subprocess.run(["/usr/bin/python3", pathlib.Path(__file__).with_name("play.py"), path],
                          text=True, capture_output=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
