# SPDX-License-Identifier: ISC
"""The scheduler of the tests: many small jobs, the longest first, as many at a time as the
processors carry.

A job is a program, a file of pytest, a file for clang-tidy. It belongs to a suite, which is one
line of what is printed. There are three lanes:

    OPEN    beside others, while the shares of a processor that run together are at most as many as
            there are processors; most tests wait for most of their time
    BEHIND  only computes: runs at the lowest priority on what the others leave, from the beginning
    QUIET   measures time: one at a time when the open ones are done, with nothing beside it but
            what runs behind
"""
import concurrent.futures
import dataclasses
import os
import queue
import signal
import subprocess
import threading
import time

OPEN, BEHIND, QUIET = "open", "behind", "quiet"


@dataclasses.dataclass
class Job:
    """What is to be run; `work(runner)` gives a Result."""
    suite: str
    name: str
    work: object
    lane: str = OPEN
    seconds: float = 1.0  # that it took last time
    share: float = 1.0  # of a processor that it needs
    inputs: tuple = ()  # files and folders; unchanged since it was green, it may be left out
    holds: str = ""  # what it changes: only one job at a time does

    @property
    def key(self):
        return f"{self.suite}/{self.name}"


@dataclasses.dataclass
class Result:
    """What came of a job."""
    passed: int = 0
    failed: int = 0
    report: str = ""
    seconds: float = 0.0


class BrokenOff(Exception):
    """The run has been ended: nothing more is started."""


class Runner:
    """Runs commands, and can end all that run."""
    _lock, _live, _ended = threading.Lock(), set(), False

    def __init__(self, top, behind=False):
        self.top, self.behind = top, behind

    def run(self, *command, limit=600, **more):
        """Exit code and output of a command, whose time is bounded. It has a group of its own, so
        that all it started ends with it."""
        words = [*(("nice", "-n", "19") if self.behind else ()), *map(str, command)]
        read, write = os.pipe()
        try:
            with self._lock:
                if Runner._ended:
                    raise BrokenOff
                process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=write,
                                           stderr=write, start_new_session=True,
                                           **{"cwd": self.top, **more})
                self._live.add(process.pid)
        finally:
            os.close(write)
        late = threading.Timer(limit, end_group, [process.pid])
        late.start()
        with os.fdopen(read, errors="replace") as output:
            said = read_until_end(output, process.pid)
        with self._lock:
            code = process.wait()
            self._live.discard(process.pid)
        in_time = late.is_alive()
        late.cancel()
        return (code, said) if in_time else (
            1, f"{said}\n{command[0]}: not done after {limit} s")

    @classmethod
    def end_all(cls):
        """Ends what runs, and nothing more is started."""
        with cls._lock:
            cls._ended = True
            for pid in cls._live:
                end_group(pid)


def end_group(pid):
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def read_until_end(output, pid):
    """All of a pipe, but no longer than its process lives: what it left behind may hold the pipe."""
    parts = []

    def read():
        for line in output:
            parts.append(line)
    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    reader.join(2.0)
    if reader.is_alive():
        end_group(pid)
        reader.join(2.0)
    return "".join(parts)


def play(job, top):
    """Runs one job."""
    runner, began = Runner(top, job.lane == BEHIND), time.monotonic()
    try:
        result = job.work(runner)
    except BrokenOff:
        result = Result(failed=1, report=f"{job.key}: broken off")
    except Exception as error:  # pylint: disable=broad-except
        result = Result(failed=1, report=f"{job.key}: {type(error).__name__}: {error}")
    result.seconds = time.monotonic() - began
    return result


class Schedule:
    """Which job is next. Pure: told what ended, it says what may begin."""

    def __init__(self, jobs, processors):
        self.processors, self.running = processors, []
        self.waiting = {lane: sorted((job for job in jobs if job.lane == lane),
                                     key=lambda job: -job.seconds)
                        for lane in (OPEN, BEHIND, QUIET)}

    def _running(self, lane):
        return [job for job in self.running if job.lane == lane]

    def _next_open(self):
        """The longest that fits; one that would never fit runs alone."""
        taken = sum(job.share for job in self._running(OPEN))
        held = {job.holds for job in self.running if job.holds}
        for job in self.waiting[OPEN]:
            if job.holds not in held and (taken == 0 or taken + job.share <= self.processors):
                return job
        return None

    def next(self):
        """A job that may begin now, or None until another one ends."""
        job = None
        if not self._running(QUIET):
            job = self._next_open()
            if not job and self.waiting[QUIET] and not self._running(OPEN) and \
                    not self.waiting[OPEN]:
                job = self.waiting[QUIET][0]
        if not job and self.waiting[BEHIND] and len(self._running(BEHIND)) < self.processors:
            job = self.waiting[BEHIND][0]
        if job:
            self.waiting[job.lane].remove(job)
            self.running.append(job)
        return job

    def ended(self, job):
        self.running.remove(job)

    @property
    def over(self):
        return not self.running and not any(self.waiting.values())


def run_jobs(jobs, top, each):
    """Plays all of them; each(job, result) is called as they end, in this thread."""
    schedule, ended = Schedule(jobs, os.cpu_count() or 1), queue.Queue()
    with concurrent.futures.ThreadPoolExecutor(max(len(jobs), 1)) as pool:
        try:
            while not schedule.over:
                while (job := schedule.next()):
                    pool.submit(lambda one: ended.put((one, play(one, top))), job)
                job, result = ended.get()
                schedule.ended(job)
                each(job, result)
        except BaseException:
            Runner.end_all()
            raise
