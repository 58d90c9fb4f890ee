# SPDX-License-Identifier: ISC
"""Every day's share of the faults (docs/architecture.md, durability contract D1 to D8): a letter that was
acknowledged is there, whatever happened. `make soak` plays the same for half an hour."""
import pathlib
import subprocess
import sys
import time

import pytest

FAULTS = pathlib.Path(__file__).with_name("faults")
CANNOT = 77


@pytest.mark.parametrize("kind, seconds", [
    ("calm", 5),
    ("kill", 20),
    ("inject", 45),
    ("start", 10),
    ("power", 20),
    ("low-disk", 15),
])
def test_what_was_acknowledged_is_there(kind, seconds):
    seed = int(time.time())
    done = subprocess.run([sys.executable, FAULTS, "--seconds", str(seconds), "--seed", str(seed),
                           kind], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=seconds + 400, check=False)
    if done.returncode == CANNOT:
        pytest.skip(done.stdout.strip().splitlines()[-1])
    assert done.returncode == 0, done.stdout
