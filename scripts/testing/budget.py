# SPDX-License-Identifier: ISC
"""How long each suite may take (budgets.toml).

A suite's time is the sum over its jobs. When one took more than twice its budget, it is measured at
the end what a processor and the disk can do just now: on a machine that is slower, or has other
work, the budgets grow by as much before anything is said.
"""
import hashlib
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import tomllib

FILE = pathlib.Path(__file__).with_name("budgets.toml")
TIMES_PASSED = 2.0  # more than this often its budget: the suite has failed
ROUNDS, COMPUTED = 30000, 2.0  # what is computed, and the seconds it takes where budgets were made
SYNCS, SYNCED = 100, 0.2  # the same for writing
SHORTEST = 20.0  # seconds; less is within every budget, since that would measure the start


def compute():
    block = bytes(65536)
    for _ in range(ROUNDS):
        block = hashlib.sha256(block).digest() * 2048


def write():
    with tempfile.TemporaryFile() as file:
        for i in range(SYNCS):
            os.pwrite(file.fileno(), bytes(4096), 4096 * i)
            os.fdatasync(file.fileno())


def slowness():
    """How many times slower than where the budgets were made this machine is now."""
    began = time.monotonic()
    write()
    synced = time.monotonic()
    words = [sys.executable, "-c", "import runpy, sys; "
             "runpy.run_path(sys.argv[1])['compute']()", __file__]
    for process in [subprocess.Popen(words) for _ in range(os.cpu_count() or 1)]:
        process.wait()
    return max(1.0, (synced - began) / SYNCED, (time.monotonic() - synced) / COMPUTED)


class Budgets:
    """The table, and what was spent of it."""

    def __init__(self):
        self.seconds = tomllib.loads(FILE.read_text())["seconds"]
        self.spent = {}

    def of(self, suite):
        return self.seconds.get(suite, self.seconds["other"])

    def _over(self, slow):
        return [suite for suite, spent in self.spent.items()
                if spent > max(TIMES_PASSED * self.of(suite) * slow, SHORTEST)]

    def passed(self):
        """A sentence for each suite that took too long."""
        if not self._over(1.0):
            return []
        slow = slowness()
        return [f"{suite} took {self.spent[suite]:.0f} s; its budget is {self.of(suite):.0f} s"
                f" ({FILE.name}), and {self.of(suite) * slow:.0f} s as slow as this machine is now"
                for suite in self._over(slow)]
