# SPDX-License-Identifier: ISC
"""The store's model test finds the mistakes of tests/planted. Three by lot here: a second each, and at
most a minute where a change of the store has moved one away from the seed that is known to find it
(then `scripts/planted --update` finds the new one)."""
import pathlib
import subprocess
import sys

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
PATCHES = sorted((TOP / "tests/planted").glob("*.patch"))


@pytest.mark.parametrize("patch", PATCHES, ids=lambda path: path.stem)
def test_a_mistake_still_fits_the_code(patch):
    done = subprocess.run(["patch", "-p1", "--forward", "--fuzz=2", "--dry-run", "-i", patch],
                          cwd=TOP, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_mistakes_drawn_by_lot_are_found():
    done = subprocess.run([sys.executable, TOP / "scripts/planted", "--checked", "--draw", "3"],
                          check=False, capture_output=True, text=True)
    assert done.returncode == 0 and "3 found, 0 not" in done.stdout, done.stdout + done.stderr
