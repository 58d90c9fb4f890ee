# SPDX-License-Identifier: ISC
"""What the documents name is there: files, and the functions said to be in them."""
import re

import pytest
from server import TOP

DOCUMENTS = sorted([*TOP.glob("*.md"), *TOP.glob("docs/**/*.md"), *TOP.glob("src/**/*.md"),
                    *TOP.glob("tests/**/*.md"), TOP / "bench/README.md"])
SOURCES = {path.name: path for path in (*TOP.glob("src/**/*.[ch]"), *TOP.glob("tests/**/*.[ch]"),
                                    *TOP.glob("bench/*.[ch]"))}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(TOP)))
def test_files_that_a_document_names_are_there(document):
    text = document.read_text()
    for path in re.findall(r"`((?:src|tests|scripts|docs|bench|packaging)/[\w./-]+)`", text):
        is_pattern = re.search(r"[A-Z]{3}", path)
        assert is_pattern or (TOP / path).exists(), path
    for name in re.findall(r"`([a-z_]+\.[ch])`", text):
        assert name in SOURCES, name
    for link in re.findall(r"\]\(([\w./-]+)\)", text):
        assert (document.parent / link).exists(), link


def test_functions_of_the_table_of_places_are_in_the_files_named_beside_them():
    rows = re.findall(r"(?m)^\| (Where .*?) \| (.*) \|$", (TOP / "docs/architecture.md").read_text())
    assert len(rows) > 10
    for question, place in rows:
        files = [TOP / path for path in re.findall(r"`(src/[\w./]+\.[ch])`", place)]
        assert files, question
        for function in re.findall(r"`(\w+)\(\)`", place):
            assert any(f"{function}(" in path.read_text() for path in files), function
