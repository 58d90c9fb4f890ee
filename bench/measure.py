# SPDX-License-Identifier: ISC
"""CPU and memory of a server with all its processes, and the load tools as functions."""
import collections
import os
import pathlib
import statistics
import subprocess
import time

TOP = pathlib.Path(__file__).resolve().parent.parent
TOOLS = TOP / "build/bench"
TICK = os.sysconf("SC_CLK_TCK")
RUN_LIMIT = 900  # seconds that one tool may take


class Failure(Exception):
    """A measurement that could not be made, in a sentence."""


# -------------------------------------------------------------------- process trees


def parents():
    """{pid: its fields of /proc/PID/stat behind the name}"""
    found = {}
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                text = pathlib.Path(entry.path, "stat").read_text()
            except OSError:
                continue
            found[int(entry.name)] = text.rpartition(")")[2].split()
    return found


def tree(root):
    """{pid: fields} of a process and all below it."""
    everybody = parents()
    chosen = {pid: fields for pid, fields in everybody.items() if pid == root}
    while True:
        more = {pid: fields for pid, fields in everybody.items()
                if pid not in chosen and int(fields[1]) in chosen}
        if not more:
            return chosen
        chosen.update(more)


def title(pid):
    """What a process calls itself: "edge 0", "pop3-login"."""
    words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    if words[0].startswith("hayauma-"):
        return " ".join(words[2:4])
    return pathlib.Path(f"/proc/{pid}/comm").read_text().strip()


def memory(*roots):
    """{title: proportional set size in KiB} of the processes of some trees."""
    found = collections.Counter()
    for pid in (pid for root in roots for pid in tree(root)):
        try:
            for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    found[title(pid)] += int(line.split()[1])
        except PermissionError:
            raise Failure("only root may read the memory of processes that protect theirs") from None
        except OSError:
            continue
    return found


# -------------------------------------------------------------------- CPU


def cpu_of(root, *roles):
    """Seconds that the processes of some roles below a Hayauma have used, in steps of a tick."""
    return sum(int(n) for pid, fields in tree(root).items() if title(pid).split()[0] in roles
               for n in fields[11:13]) / TICK


class Meter:
    """CPU time of everything started through `inside`, children that ended included.

    A control group counts exactly; where none can be made (no root), the tree of processes in
    /proc stands in, which misses children that nobody waited for.
    """

    def __init__(self, name):
        self.folder, self.file, self.unit = self.make_group(f"hayauma-bench-{name}-{os.getpid()}")
        self.root = None

    @staticmethod
    def make_group(name):
        for base, file, unit in (("/sys/fs/cgroup/cpuacct", "cpuacct.usage", 1e-9),
                                 ("/sys/fs/cgroup", "cpu.stat", 1e-6)):
            folder = pathlib.Path(base, name)
            try:
                folder.mkdir()
            except OSError:
                continue
            if (folder / file).exists():
                return folder, file, unit
            folder.rmdir()
        return None, None, None

    def inside(self, *command):
        """A command line that runs another one within the group."""
        if not self.folder:
            return list(command)
        return ["sh", "-c", f'echo $$ > {self.folder}/cgroup.procs; exec "$@"', "sh", *command]

    def seconds(self):
        if not self.folder:
            return sum(int(n) for fields in tree(self.root).values() for n in fields[11:15]) / TICK
        text = (self.folder / self.file).read_text()
        return int(text.split()[1] if self.file == "cpu.stat" else text) * self.unit

    def close(self):
        for _ in range(50 if self.folder else 0):
            try:
                self.folder.rmdir()
                return
            except OSError:
                time.sleep(0.1)


# -------------------------------------------------------------------- tools


def figures(text):
    """The "name value" lines that the tools print."""
    pairs = (line.split() for line in text.splitlines())
    return {pair[0]: float(pair[1]) for pair in pairs if len(pair) == 2}


def tool(name, *words, mode=None):
    """Runs a load tool to its end; its figures."""
    command = [TOOLS / name, *([mode] if mode else []), *map(str, words)]
    try:
        done = subprocess.run(command, text=True, capture_output=True, timeout=RUN_LIMIT,
                              check=False)
    except subprocess.TimeoutExpired:
        raise Failure(f"{name}: not done after {RUN_LIMIT} s") from None
    if done.returncode:
        raise Failure(f"{name} {' '.join(map(str, words))}: {done.stderr.strip()[-400:]}")
    return figures(done.stdout)


def wait_for(what, limit, ready, pause=0.02):
    """Seconds until `ready()`; a Failure when that takes too long."""
    began = time.monotonic()
    while not ready():
        if time.monotonic() - began > limit:
            raise Failure(f"{what}: not so after {limit} s")
        time.sleep(pause)
    return time.monotonic() - began


def median(values):
    return statistics.median(values)
