# SPDX-License-Identifier: ISC
"""The rows of the bench that speak IMAP: one large mailbox that is read, searched and changed, many
short visits, many sessions that wait in IDLE. Hayauma stands beside a Dovecot in each of its
formats for large mailboxes; the best one of them counts for each row."""
import contextlib
import os
import socket
import subprocess
import time

import peers
from measure import TOOLS, Failure, tool
from servers import HERE, Hayauma
from table import Row

LETTERS = 100000
LOGIN = "user%03d@bench.test"
FORMATS = ("sdbox", "mdbox")
BURST = 10000  # messages that come at once to an account with an index
PARKED = 5000
PARKED_PEER = 400  # one session costs it half a megabyte
GREEDY = 5  # clients of each kind
GREEDY_FOR = 10.0  # seconds


def quoted(text):
    """As a literal, which may have any bytes."""
    return f"{{{len(text.encode())}+}}\r\n{text}"


READ = (  # name, command, words for the row, goal, stretch; those of one group share a session
    ("flags", "FETCH 1:* (UID FLAGS)", "FETCH 1:* (UID FLAGS)", 2, 4),
    ("envelope", "FETCH 1:* (ENVELOPE BODYSTRUCTURE)", "FETCH 1:* (ENVELOPE BODYSTRUCTURE), again", 3, 5),
)
SEARCHES = (
    ("needle", "SEARCH TEXT zyxneedle", "SEARCH TEXT, a word of one in 1,000", 1000, 4000),
    ("needle_ja", f"SEARCH CHARSET UTF-8 TEXT {quoted('早馬便り')}", "  a Japanese one", 1000, 4000),
    ("needle_two", f"SEARCH CHARSET UTF-8 TEXT {quoted('藤沢')}", "  one of two characters", 1000, 4000),
    ("half", "SEARCH TEXT halfway", "  one of every second", 3, None),
    ("subject", 'SEARCH SUBJECT "matter 7"', "SEARCH SUBJECT", 10, None),
    ("from", "SEARCH FROM person77@", "SEARCH FROM", 10, None),
)
SORTS = (
    ("arrival", "SORT (REVERSE ARRIVAL) US-ASCII ALL", "SORT (REVERSE ARRIVAL), again", 3, 10),
    ("sort", "SORT (SUBJECT) US-ASCII ALL", "SORT (SUBJECT), again", 3, 10),
    ("thread", "THREAD REFERENCES US-ASCII ALL", "THREAD=REFERENCES, again", 3, 10),
)
CHANGES = (  # each takes back what it did, or ends where the next one begins
    ("store", "STORE 1:* +FLAGS (\\Flagged)", "STORE 1:* +FLAGS"),
    (None, "CREATE Copied", None),
    ("copy", "COPY 1:* Copied", "COPY 1:*"),
    (None, "CREATE Moved", None),
    (None, "SELECT Copied", None),
    ("move", "MOVE 1:* Moved", "MOVE 1:*"),
    (None, "SELECT Moved", None),
    (None, "STORE 1:* +FLAGS.SILENT (\\Deleted)", None),
    ("expunge", "EXPUNGE", "EXPUNGE of all"),
    (None, "CLOSE", None),
    (None, "DELETE Copied", None),
    (None, "DELETE Moved", None),
    (None, "SELECT INBOX", None),
    (None, "STORE 1:* -FLAGS.SILENT (\\Flagged)", None),
)


def capabilities(server):
    """What a server announces to who has logged in."""
    with socket.create_connection((HERE, server.ports["imap"]), 10) as wire, wire.makefile("rwb") as file:
        file.readline()
        file.write(f"a LOGIN {LOGIN % 0} {server.password}\r\nb CAPABILITY\r\nc LOGOUT\r\n".encode())
        file.flush()
        return file.read().decode().upper().split()


def leave_the_cache(folder):
    """The kernel forgets what it has read of the files below a folder."""
    os.sync()
    for path in folder.rglob("*"):
        if path.is_file():  # no FIFO, which would wait for somebody
            with path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


class ImapRows:
    """Part of the Bench of `run`, which brings the rest."""

    letters = None  # the servers with the large mailbox

    def imap(self, server, mode, *words, service="imap"):
        more = ["-T"] if service == "imaps" else []
        return tool("imap_load", "-w", server.password, "-t", LOGIN, *more, *words, mode=mode)

    def ask(self, server, commands, service="imap"):
        """Figures of a session that gives commands, [(name, command)]; what takes no name is in it."""
        words = [f"{name or 'aside'}={command}" for name, command in commands]
        return self.imap(server, "ask", "-u", 1, HERE, server.ports[service], *words, service=service)

    # ---------------------------------------------------------------- the large mailbox

    def letter_servers(self):
        """Hayauma and a Dovecot for each format, with the same messages for one reader."""
        if self.letters:
            return self.letters
        count = self.few(LETTERS, 1000)
        ours = self.keep(Hayauma(self.folder / "letters", self.ports["letters"], self.password, 3))
        self.letters = [ours]
        if self.with_peer:
            for kind in FORMATS:
                self.letters.append(self.keep(peers.Dovecot(
                    self.folder / kind / "dovecot", self.ports[kind], self.password, kind, "never")))
        for server in self.letters:
            together = "50" if "MULTIAPPEND" in capabilities(server) else "1"
            got = self.imap(server, "fill", "-u", 1, "-s", 1 if together == "50" else 8, "-m", count,
                            "-n", together, HERE, server.ports["imap"])
            self.say(f"{server.name}: {count:,} messages by APPEND, {got['per_second']:.0f}/s")
            if server is not ours:
                server.sync()
        return self.letters

    def best_of(self, results, key, lower=True):
        """[ours, the best of the others]"""
        ours, *others = [result.get(key) for result in results]
        known = [value for value in others if value]
        return [ours, (min if lower else max)(known) if known else None]

    def letter_row(self, words, unit, results, key, goal, stretch=None, lower=True):
        ours, theirs = self.best_of(results, key, lower)
        self.rows.append(Row(words, unit, ours, theirs, goal, stretch, lower=lower))

    def once(self, measure, servers):
        """What is too slow elsewhere, or new only once, is measured once."""
        return [measure(server) for server in servers]

    def run_read(self):
        servers = self.letter_servers()

        def first(server):
            return self.ask(server, [("first", "FETCH 1:* (ENVELOPE BODYSTRUCTURE)")])

        def cold(server):
            server.stop()
            leave_the_cache(server.folder)
            server.start()
            return self.ask(server, [])

        def warm(server):
            return self.ask(server, [])

        count = f"{self.few(LETTERS, 1000):,} messages"
        results = self.once(first, servers)
        self.letter_row("FETCH 1:* (ENVELOPE BODYSTRUCTURE), first time", "ms", results, "first_ms", 6, 10)
        self.letter_row(f"LOGIN and SELECT of {count}, after a restart", "ms", self.turns(cold, servers), "select_ms", 5)
        self.letter_row("  again", "ms", self.turns(warm, servers), "select_ms", 5, 15)
        results = self.turns(lambda server: self.told(server, READ), servers)
        for name, _, words, *goals in READ:
            self.letter_row(words, "ms", results, f"{name}_ms", *goals)
        body = [("body", "FETCH 1:* BODY.PEEK[]")]
        for service, words, *goals in (("imap", "FETCH 1:* BODY.PEEK[]", 1.5, 2), ("imaps", "  over TLS", 1.2, 1.5)):
            results = self.turns(lambda server, service=service: self.ask(server, body, service), servers)
            self.letter_row(words, "MB/s", results, "body_mb_s", *goals, lower=False)

    def told(self, server, rows, again=False):
        """Figures of commands, given twice when the second time counts."""
        commands = [(name, command) for name, command, *_ in rows]
        got = self.ask(server, ([(None, command) for _, command in commands] if again else []) + commands)
        self.say(f"{server.name}: " + ", ".join(
            f"{name} {got[name + '_ms']:.1f} ms" for name, _ in commands))
        return got

    def run_search(self):
        servers = self.letter_servers()
        results = self.once(lambda server: self.told(server, SEARCHES[:1]), servers)
        self.letter_row("the first SEARCH TEXT in an account", "ms", results, f"{SEARCHES[0][0]}_ms", None)
        began = time.monotonic()
        servers[0].wait_indexed(LOGIN % 0)
        index, messages = (sum(path.stat().st_size for path in (servers[0].folder / "accounts").rglob(name))
                           for name in ("search.db*", "*.pack"))
        self.say(f"Hayauma: its index was whole {time.monotonic() - began:.0f} s behind the first search, "
                 f"and takes {index / messages:.2f} of the messages")
        results = self.once(lambda server: self.told(server, SEARCHES), servers)
        for name, _, words, *goals in SEARCHES:
            found = {result[f"{name}_numbers"] for result in results}
            if len(found) > 1:
                raise Failure(f"{name}: the servers find {sorted(found)} messages")
            self.letter_row(words, "ms", results, f"{name}_ms", *goals)
        results = self.once(lambda server: self.told(server, SORTS, again=True), servers)
        for name, _, words, *goals in SORTS:
            self.letter_row(words, "ms", results, f"{name}_ms", *goals)

    def run_index(self):
        """Messages come to an account with an index of its texts, in turns with one that has none."""
        ours = self.keep(Hayauma(self.folder / "indexed", self.ports["queue"], self.password, 2))

        def fill(user, count):
            return tool("imap_load", "-w", self.password, "-t", LOGIN % user, "-u", 1, "-s", 8, "-m", count, HERE,
                        ours.ports["imap"], mode="fill")

        for user in (0, 1):
            fill(user, 1000)  # with few messages no index is made
        self.ask(ours, [(None, "SEARCH TEXT zyxneedle")])
        ours.wait_indexed(LOGIN % 0)

        def measure(user):
            got = fill(user, self.few(BURST))
            began = time.monotonic()
            if user == 0:
                ours.wait_indexed(LOGIN % user)
            got["behind_s"] = time.monotonic() - began
            self.say(f"{'with' if user == 0 else 'without'} an index: {got['per_second']:.0f} messages/s, "
                     f"indexed {got['behind_s']:.1f} s behind the last")
            return got

        results = self.turns(measure, (0, 1))
        self.row("APPEND by eight beside indexing, and without", "1/s", results, "per_second", 0.9)
        self.rows.append(Row(f"  until a burst of {self.few(BURST):,} is in the index", "s",
                             results[0]["behind_s"], None, 20, 12, lower=True, absolute=True))
        self.end(ours)

    def run_change(self):
        servers = self.letter_servers()

        def change(server):
            got = self.ask(server, [(name, command) for name, command, _ in CHANGES])
            self.say(f"{server.name}: " + ", ".join(
                f"{name} {got[name + '_ms']:.0f} ms" for name, _, _ in CHANGES if name))
            return got

        def append(together):
            def one(server):
                self.ask(server, [(None, "CREATE Appended")])
                got = self.imap(server, "fill", "-u", 1, "-s", 1, "-m", self.few(2000, 200), "-n", together,
                                "-b", "Appended", HERE, server.ports["imap"])
                self.ask(server, [(None, "DELETE Appended")])
                return got
            return one

        results = self.turns(change, servers)
        for name, _, words in CHANGES:
            if name:
                self.letter_row(words, "ms", results, f"{name}_ms", 1.5, 3)
        self.letter_row("APPEND one by one", "1/s", self.turns(append(1), servers), "per_second", 5,
                        lower=False)
        several = [server for server in servers if "MULTIAPPEND" in capabilities(server)]
        results = dict(zip(map(id, several), self.turns(append(50), several)))
        self.letter_row("  fifty at a time", "1/s", [results.get(id(server), {}) for server in servers],
                        "per_second", 3, 10, lower=False)

    # ---------------------------------------------------------------- beside others

    @contextlib.contextmanager
    def greedy(self, server):
        """Clients that ask for all of the large mailbox again and again."""
        clients = []
        try:
            for command in ("FETCH 1:* (ENVELOPE)", "SEARCH TEXT halfway") * GREEDY:
                clients.append(subprocess.Popen(
                    [TOOLS / "imap_load", "ask", "-w", self.password, "-t", LOGIN, "-u", "1", HERE,
                     str(server.ports["imap"]), *[f"aside={command}"] * 1000],
                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
            time.sleep(1)
            yield
            if any(client.poll() is not None for client in clients):
                raise Failure(f"{server.name}: a client that asks for all ended")
        finally:
            for client in clients:
                client.kill()
                client.wait()

    def run_beside(self):
        def measure(server):
            took = []
            with self.greedy(server), socket.create_connection((HERE, server.ports["imap"]), 10) as wire, \
                    wire.makefile("rwb") as file:
                file.readline()
                file.write(f"a LOGIN {LOGIN % 2} {server.password}\r\n".encode())
                file.flush()
                while not file.readline().startswith(b"a OK "):
                    pass
                end = time.monotonic() + GREEDY_FOR
                while time.monotonic() < end:
                    began = time.monotonic()
                    file.write(b"b NOOP\r\n")
                    file.flush()
                    while not file.readline().startswith(b"b "):
                        pass
                    took.append((time.monotonic() - began) * 1e3)
                    time.sleep(0.01)
            took.sort()
            self.say(f"{server.name}: NOOP beside them {took[len(took) // 2]:.1f} ms (median), 95 % within "
                     f"{took[len(took) * 95 // 100]:.1f}, longest {took[-1]:.1f}, {len(took)} times")
            return took[len(took) * 95 // 100]

        self.rows.append(Row(f"NOOP of another account beside {2 * GREEDY} that ask for all, 95 %", "ms",
                             measure(self.letter_servers()[0]), None, 20, lower=True, absolute=True))

    # ---------------------------------------------------------------- many sessions

    def run_visit(self):
        def measure(server):
            count = self.few(2000 if server is self.mail else 300)
            before = server.cpu()
            got = self.imap(server, "visit", "-s", 20, "-m", count, HERE, server.ports["imap"])
            time.sleep(0.3)
            got["cpu_ms"] = (server.cpu() - before) / count * 1e3
            self.say(f"{server.name}: {got['cpu_ms']:.3f} ms CPU per visit, {got['per_second']:.0f}/s")
            return got

        self.row("CPU of LOGIN, SELECT, FETCH, LOGOUT", "ms", self.turns(measure), "cpu_ms", 20, 50, lower=True)

    def run_exists(self):
        def measure(server):
            got = tool("fetch_latency", "-i", "-m", self.few(100, 10), "-w", server.password, "-t", LOGIN,
                       "-u", 50, HERE, server.ports["smtp"], server.ports["imap"])
            self.say(f"{server.name}: EXISTS {got['p50_ms']:.2f} ms after 250 (median), 95 % within "
                     f"{got['p95_ms']:.2f}")
            return got

        self.row("250 until IDLE says EXISTS, median", "ms", self.turns(measure), "p50_ms", 2, 1,
                 lower=True, absolute=True)

    def run_idle(self):
        for service, kind, *goals in (("imap", "plain", 12, 8), ("imaps", "TLS", 32, 26)):
            self.mail.restart()  # so that nothing of earlier sessions is in memory already
            each = [self.park(server, self.few(PARKED if server is self.mail else PARKED_PEER),
                              service, "imap_load") for server in self.both()]
            self.rows.append(Row(f"connection in IDLE, {kind}, all processes", "KiB", *each,
                                 *[None] * (2 - len(each)), *goals, lower=True, absolute=True))
