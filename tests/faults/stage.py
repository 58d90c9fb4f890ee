# SPDX-License-Identifier: ISC
"""A server under load, with another host to send to, readers, and a book of all promises."""
import collections
import contextlib
import pathlib
import random
import subprocess
import time

from book import Book
from mailbox import Readers, Refused, accounts, fetch
from server import (DOMAIN, ELSEWHERE, HERE, NotReady, Server, TOP, die_with_us, wait_until)

TOOLS = TOP / "build/check/tests/faults"
SETTLE_LIMIT = 60.0  # until nothing may be on its way any more
PROMPT_LIMIT = 10.0  # until messages are delivered that nobody has put off
RECOVERY_LIMIT = 30.0  # until all processes work again


class Load:
    """The messages program, while it runs. `run`: who sends, where there are several."""

    def __init__(self, stage, pace, connections, run="", host=HERE, service="smtp", **options):
        self.stage, self.run = stage, run or stage.name
        words = [TOOLS / "faults_messages", "-s", stage.seed, "-f", stage.next[self.run], "-r",
                 self.run, "-c", connections, "-p", pace, "-d", DOMAIN]
        for flag, value in options.items():
            words += [f"-{flag}", value]
        words += [host, stage.server.port(service), stage.book.paths["messages"]]
        self.process = subprocess.Popen(list(map(str, words)), stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, preexec_fn=die_with_us)

    def stop(self):
        said = self.process.communicate(timeout=150)[0].split()
        if self.process.returncode or said[:1] != ["next"]:
            raise NotReady(f"the messages program ended with {self.process.returncode}")
        self.stage.next[self.run] = int(said[1])


class Stage:
    """Everything for one kind of fault. `folder` is kept when something was wrong."""

    def __init__(self, folder, name, seed, state=None, settings=None):
        self.folder, self.name, self.seed = pathlib.Path(folder), name, seed
        self.next = collections.Counter()  # messages so far of each run
        self.chance = random.Random(seed)
        self.rounds, self.strikes, self.misses = 0, 0, 0
        self.server = Server(state or self.folder / "state", self.folder / "server.log", settings)
        self.book = Book(self.folder / "messages", self.folder / "elsewhere", DOMAIN)
        self.elsewhere, self.disk = None, None
        self.kept = None  # a folder, where messages are wanted that have come elsewhere
        self.hardware = name not in ("calm", "kill", "senders", "stall")  # is it the disk that fails?

    def open(self):
        self.server.make()
        self.elsewhere = subprocess.Popen(
            [str(TOOLS / "faults_elsewhere"), "-s", str(self.seed), "-r", "20", "-h", "5",
             *(["-k", str(self.kept)] if self.kept else []), HERE,
             str(self.server.offset + ELSEWHERE), str(self.book.paths["elsewhere"])],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, preexec_fn=die_with_us)
        if self.elsewhere.stdout.readline() != b"ready\n":
            raise NotReady("the other host did not start")
        self.server.start()

    def close(self):
        """Ends what was started; the last stop is an orderly one and must succeed."""
        if self.server.running() and not self.server.stop():
            self.book.complain("stop", "SIGTERM did not end it with code 0 within 10 s")
        self.server.cut_off()
        if self.elsewhere:
            self.elsewhere.communicate(timeout=30)

    @contextlib.contextmanager
    def load(self, pace=400, connections=12, readers=True, **options):
        """Messages come, and readers fetch them, as long as the block runs."""
        load = Load(self, pace, connections, **options)
        visits = Readers(self.server.port, self.book, self.hardware) if readers else None
        try:
            yield
        finally:
            load.stop()
            if visits:
                visits.stop()

    def pause(self, least, most):
        time.sleep(self.chance.uniform(least, most))

    def say(self, what):
        with (self.folder / "rounds").open("a") as rounds:
            rounds.write(f"{time.strftime('%H:%M:%S')} {what}\n")

    # ---------------------------------------------------------------- after the fault

    def recover(self, why):
        """Waits until every process works again."""
        if not wait_until(self.server.works, RECOVERY_LIMIT, 0.05):
            self.book.complain("not recovered", f"{why}: {self._states()}")

    def _states(self):
        processes = self.server.status().get("processes", [])
        return ", ".join(f"{p['role']} {p['worker']} {p['state']}" for p in processes
                         if p["state"] != "working") or "no answer"

    def drained(self):
        if self.server.messages() == 0:
            return True
        self.server.command("queue", "retry", "--all", check=False)
        return False

    def settle(self, why, prompt=False):
        """Nothing fails any more: everything that was promised has to be there now. `prompt`: of
        its own accord, no message was put off."""
        self.rounds += 1
        self.recover(why)
        if prompt and not wait_until(lambda: self.server.messages() == 0, PROMPT_LIMIT, 0.1):
            left = self.server.command("queue", "list", "--long", check=False)
            self.book.complain("put off", f"messages on their way after {PROMPT_LIMIT:.0f} s {why}:"
                               f"\n{left[:1000]}")
        if not wait_until(self.drained, SETTLE_LIMIT, 0.3):
            self._unstick(why)
        self.book.read_notes()
        if not all([self._fetch(account, why) for account in accounts()]):
            self._begin_anew()
            for account in accounts():
                self._fetch(account, f"and a new start {why}")
        missing = self.book.settle(why)
        for name, _ in missing[:3]:
            self.say(f"missing {name}:\n" + self.server.command(
                "journey", f"<{name}@outside.test>", check=False))
        self.say(f"settled {why}: {self.book.counts['acknowledged']} acknowledged")

    def _unstick(self, why):
        """What does not move is wrong, and still not lost: a new start shows which it is."""
        left = self.server.command("queue", "list", "--long", check=False)
        self.book.complain("stuck", f"messages on their way after {SETTLE_LIMIT:.0f} s {why}:\n"
                           f"{left[:1000]}")
        self._begin_anew()
        wait_until(self.drained, SETTLE_LIMIT, 0.3)

    def _begin_anew(self):
        self.server.cut_off()
        self.server.start()

    def _fetch(self, account, why):
        """True when the whole mailbox could be read."""
        try:
            fetch(self.server.port, account, self.book)
            return True
        except (Refused, OSError) as fault:
            self.book.complain("unreadable", f"{account} {why}: {fault}")
            return False
