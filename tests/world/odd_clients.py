# SPDX-License-Identifier: ISC
"""Clients that do everything a little wrong, by seed: they cut their packets anywhere, send ahead,
say things twice, fall silent, hang up or reset in the midst of anything.

A Book has what each message was and what was answered; at the end mailboxes are compared with it.
"""
import base64
import contextlib
import os
import re
import socket
import ssl
import struct
import threading
import time

from wire import loose_tls
from world import PASSWORD, strip_trace

PATIENCE = 60.0  # seconds; a server that leaves a client without a word for longer is stuck
MARK = re.compile(rb"odd-message-(\w+)")
TLS = loose_tls()


class Gone(Exception):
    """The connection has ended; whoever wanted that."""


class Book:
    """What was promised, by messages and by mailboxes."""

    def __init__(self):
        self.lock = threading.Lock()
        self.over = threading.Event()  # nobody begins anything new
        self.sent = {}      # mark: the message
        self.exact = set()  # marks of messages that arrive byte for byte
        self.promised = {}  # mark: mailboxes that must have it
        self.possible = {}  # mark: mailboxes that may have it
        self.removed = {}   # mailbox: marks that must be gone
        self.perhaps = {}   # mailbox: marks that may be gone
        self.uidls = {}     # (mailbox, UIDL): mark
        self.wrong = []
        self.counts = {}

    def count(self, what, number=1):
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + number

    def complain(self, text):
        with self.lock:
            self.wrong.append(text)

    def message(self, mark, data, exact):
        with self.lock:
            self.sent[mark] = data
            self.exact.update([mark] if exact else [])

    def outcome(self, mark, mailboxes, certain):
        with self.lock:
            (self.promised if certain else self.possible)[mark] = set(mailboxes)

    def gone(self, mailbox, marks, certain):
        with self.lock:
            (self.removed if certain else self.perhaps).setdefault(mailbox, set()).update(marks)

    def look(self, mailbox, uidl, data):
        """A message as a client got it; its mark."""
        found = MARK.search(data)
        if not found:
            self.complain(f"{mailbox} {uidl}: no message of ours: {data[:300]!r}")
            return None
        mark = found.group(1).decode()
        with self.lock:
            sent, exact = self.sent[mark], mark in self.exact
            other = self.uidls.setdefault((mailbox, uidl), mark)
        if other != mark:
            self.complain(f"{mailbox}: UIDL {uidl} was {other} and is {mark}")
        got = strip_trace(data)
        if not exact:
            got, sent = (x.partition(b"\r\n\r\n")[2] for x in (got, sent))
        if got != sent:
            at = len(os.path.commonprefix([got, sent]))
            self.complain(f"{mailbox}: {mark} has changed at {at}: {got[at:at + 80]!r} "
                          f"for {sent[at:at + 80]!r}")
        return mark

    def compare(self, mailboxes):
        """{mailbox: [(UIDL, message)]} at the end."""
        for mailbox, messages in mailboxes.items():
            marks = [self.look(mailbox, uidl, data) for uidl, data in messages]
            for mark in set(marks):
                if marks.count(mark) > 1:
                    self.complain(f"{mailbox} has {mark} {marks.count(mark)} times")
                if mailbox not in self.promised.get(mark, set()) | self.possible.get(mark, set()):
                    self.complain(f"{mailbox} has {mark}, which was never accepted for it")
            for mark in self.removed.get(mailbox, set()) & set(marks):
                self.complain(f"{mailbox} has {mark} again")
            away = self.removed.get(mailbox, set()) | self.perhaps.get(mailbox, set())
            for mark, promised in self.promised.items():
                if mailbox in promised and mark not in marks and mark not in away:
                    self.complain(f"{mailbox} has lost {mark}")


class Odd:
    """A connection of an odd client; everything it does wrong is drawn from `rng`."""

    def __init__(self, rng, book, address, port, tls=False, odd=True):
        self.rng, self.book, self.rest, self.half = rng, book, b"", False
        self.fuse = rng.choice([None, None, rng.randrange(1, 3000), rng.randrange(1, 200_000)])
        self.fuse_in = rng.choice([None, None, None, rng.randrange(1, 20_000)])
        self.socket = socket.create_connection((address, port), timeout=PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.narrow = rng.random() < 0.2  # the kernel sends some 40 KB a second then
        if self.narrow:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.cuts = rng.choice([0, 0, 0, 1, 7, 500, 16384, 16385])
        self.sips = [1, 100, 65536, 65536]
        if not odd:
            self.fuse = self.fuse_in = None
            self.cuts, self.sips = 0, [65536]
        if tls:
            self.start_tls()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def start_tls(self):
        try:
            self.socket = TLS.wrap_socket(self.socket)
        except (OSError, ValueError) as lost:
            raise Gone(str(lost)) from lost

    def hang_up(self):
        """In one of many ways."""
        how = self.rng.randrange(5)
        self.book.count("broken off")
        with contextlib.suppress(OSError, ValueError):
            if how == 0:  # a reset
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            elif how == 1 and isinstance(self.socket, ssl.SSLSocket):
                self.socket.unwrap()
            elif how == 2 and not isinstance(self.socket, ssl.SSLSocket):
                self.socket.shutdown(socket.SHUT_WR)
                self.half = True
                return
            elif how == 3:
                time.sleep(self.rng.random())
            elif how == 4 and isinstance(self.socket, ssl.SSLSocket):
                raw = socket.socket(fileno=self.socket.detach())  # an end without close_notify
                raw.sendall(self.rng.randbytes(self.rng.randrange(1, 60)))
                raw.close()
        self.close()

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.close()

    def send(self, data):
        if self.half:
            raise Gone("we have ended")
        while data:
            size = len(data)
            if self.cuts and self.rng.random() < 0.9:
                size = min(size, max(self.cuts, len(data) // 200))
            if self.fuse is not None:
                if self.fuse <= 0:
                    self.hang_up()
                    if self.half:
                        return
                    raise Gone("broken off")
                size = min(size, self.fuse)
                self.fuse -= size
            try:
                self.socket.sendall(data[:size])
            except (OSError, ValueError) as lost:
                raise Gone(str(lost)) from lost
            data = data[size:]
            if self.cuts and self.rng.random() < 0.05:
                time.sleep(self.rng.random() / 50)

    def receive(self):
        if self.narrow and self.book.over.is_set():
            raise Gone("it would take minutes")
        try:
            data = self.socket.recv(self.rng.choice(self.sips))
        except TimeoutError as late:
            self.book.complain(f"a client was left without a word for {PATIENCE} s")
            raise Gone("stuck") from late
        except (OSError, ValueError) as lost:
            raise Gone(str(lost)) from lost
        if not data:
            raise Gone("end of the connection")
        self.rest += data
        if self.fuse_in is not None:
            self.fuse_in -= len(data)
            if self.fuse_in <= 0 and not self.half:
                self.fuse_in = None
                self.hang_up()
                if not self.half:
                    raise Gone("broken off")

    def line(self):
        while b"\r\n" not in self.rest:
            self.receive()
        line, self.rest = self.rest.split(b"\r\n", 1)
        return line

    def reply(self):
        """Code and last line of an SMTP reply."""
        while True:
            line = self.line()
            if line[3:4] != b"-":
                return int(line[:3]), line.decode(errors="replace")

    def text(self):
        """Lines of POP3 up to the dot."""
        while len(self.rest) < 3:
            self.receive()
        if self.rest.startswith(b".\r\n"):
            self.rest = self.rest[3:]
            return []
        searched = 0
        while (at := self.rest.find(b"\r\n.\r\n", searched)) < 0:
            searched = max(0, len(self.rest) - 4)
            self.receive()
        text, self.rest = self.rest[:at], self.rest[at + 5:]
        return [line[1:] if line.startswith(b".") else line for line in text.split(b"\r\n")]


# ------------------------------------------------------------------ SMTP


def compose(rng, mark, sender, user):
    """A message; whether it is one that no server may take."""
    head = [f"From: <{sender}>", f"To: odd-message-{mark}", f"Subject: odd-message-{mark}",
            "Date: Sat, 21 Nov 2026 09:00:00 +0900", f"Message-ID: <odd-message-{mark}@far.test>"]
    if rng.random() < 0.3:
        head.append("X-Folded: a\r\n\tb\r\n  c")
    lines = []
    longest = 900 if user else 7000
    for _ in range(rng.choice([0, 1, 5, 40, 200])):
        lines.append(rng.choice([
            b"", b".", b"..", b".\t", b"...dots", b"QUIT", b"a" * rng.randrange(1, longest),
            "日本語の行".encode(), b"." * rng.randrange(1, longest), b"From here", b"RSET", b" "
        ]))
    size = rng.choice([0, 0, 0, 0, 20_000, 255_000, 262_144, 400_000, 1_500_000])
    lines += [b"%08d " % n + b"x" * 61 for n in range(size // 72)]
    data = "\r\n".join(head).encode() + b"\r\n\r\n" + b"".join(line + b"\r\n" for line in lines)
    bad = rng.random() < 0.1
    if bad:
        at = rng.randrange(data.index(b"\r\n\r\n") + 4, len(data) + 1)
        wrong = rng.choice([b"\n.\r\n", b"\n.\n", b"\r.\r", b"x\0y", b"\ry", b"x\ny"])
        data = data[:at] + wrong + b"tail\r\n" + data[at:]
    return data, bool(re.search(rb"(?<!\r)\n|\r(?!\n)|\0", data))


def on_the_wire(data):
    """Dots doubled where CRLF has ended a line, and the end of data."""
    return re.sub(rb"(^|\r\n)\.", rb"\1..", data) + b".\r\n"


class Sender(Odd):
    """One conversation of SMTP."""

    def __init__(self, rng, book, host, service, user):
        super().__init__(rng, book, host.address, host.ports[service], service == "submissions")
        self.service, self.user = service, user
        self.known = {}

    def command(self, line):
        self.send(line.encode() + b"\r\n")
        return self.reply()

    def begin(self):
        self.reply()
        self.command("EHLO odd.test")
        if self.service == "submission" or (self.service == "smtp" and self.rng.random() < 0.2):
            if self.command("STARTTLS")[0] != 220:
                raise Gone("no TLS")
            self.start_tls()
            self.command("EHLO odd.test")
        if self.service != "smtp":
            secret = base64.b64encode(f"\0{self.user}\0{PASSWORD}".encode()).decode()
            code, line = self.command("AUTH PLAIN " + secret)
            if code != 235:
                self.book.count(f"AUTH {code}")
                raise Gone(line)

    def envelope(self, sender, ways):
        """Commands of a transaction, some of them out of place."""
        rng = self.rng
        chosen = rng.sample(sorted(ways), rng.randrange(1, len(ways) + 1))
        if rng.random() < 0.3:
            chosen.insert(rng.randrange(len(chosen) + 1), "nobody@" + chosen[0].partition("@")[2])
        if rng.random() < 0.2:
            chosen.append(chosen[0])
        commands = [f"MAIL FROM:<{sender}>"] + [f"RCPT TO:<{one}>" for one in chosen] + ["DATA"]
        for _ in range(rng.choice([0, 0, 1, 2])):
            commands.insert(rng.randrange(len(commands)), rng.choice(
                ["NOOP", "RSET x", "VRFY tama", "MAIL FROM:<again@far.test>", "FOO", "STARTTLS x",
                 "HELP", "RCPT TO:<>", "DATA x"]))
        return commands

    def transaction(self, mark, ways):
        """`ways` is {address: mailboxes}."""
        sender = self.user if self.service != "smtp" else "kiku@far.test"
        data, bad = compose(self.rng, mark, sender, self.service != "smtp")
        wire, commands = on_the_wire(data), self.envelope(sender, ways)
        way = "steps" if bad else self.rng.choice(["steps", "group", "all"])
        self.book.message(mark, data, self.service == "smtp")
        if not bad:  # as long as nothing is known
            self.book.outcome(mark, set().union(*ways.values()), False)
        if way != "steps":
            text = "".join(command + "\r\n" for command in commands).encode()
            self.send(text + (wire if way == "all" else b""))
        code, taken = 0, set()
        for command in commands:
            code, _ = self.command(command) if way == "steps" else self.reply()
            if command.startswith("RCPT TO:<") and code == 250:
                taken |= ways.get(command[9:-1], set())
        if code != 354:
            self.book.count("DATA refused")
            if way == "all":
                raise Gone("our message is taken for commands now")
            return
        if way != "all":
            self.send(wire)
        self.judge(mark, bad, taken)

    def judge(self, mark, bad, taken):
        """The reply to a whole message."""
        code, line = self.reply()
        self.book.count(f"message {code}")
        if code == 250:
            self.book.outcome(mark, taken, True)
        elif code >= 500:  # after 451 a queue may have kept it that died before its answer
            self.book.outcome(mark, set(), False)
        if bad != (code >= 500) and code // 100 != 4:
            self.book.complain(f"{mark}, {'wrong' if bad else 'right'} bytes: {line}")

    def run(self, marks, ways):
        self.begin()
        for mark in marks:
            self.transaction(mark, ways)
        if self.rng.random() < 0.5:
            self.command("QUIT")


# ------------------------------------------------------------------ POP3


class Reader(Odd):
    """One conversation of POP3."""

    def __init__(self, rng, book, host, service, user, odd=True):
        super().__init__(rng, book, host.address, host.ports[service], service == "pop3s", odd)
        self.service, self.user = service, user

    def command(self, line):
        self.send(line.encode() + b"\r\n")
        return self.line().decode(errors="replace")

    def log_in(self, behind=b""):
        """Reply to the last step; `behind` goes in one piece with the password."""
        self.line()
        if self.service == "pop3" and self.rng.random() < 0.3:
            if not self.command("STLS").startswith("+OK"):
                raise Gone("no TLS")
            self.start_tls()
        if self.rng.random() < 0.5:
            secret = base64.b64encode(f"\0{self.user}\0{PASSWORD}".encode()).decode()
            self.send(b"AUTH PLAIN " + secret.encode() + b"\r\n" + behind)
        elif self.rng.random() < 0.5:
            self.send(f"USER {self.user}\r\nPASS {PASSWORD}\r\n".encode() + behind)
            self.line()
        else:
            if not self.command(f"USER {self.user}").startswith("+OK"):
                raise Gone("no USER")
            self.send(f"PASS {PASSWORD}\r\n".encode() + behind)
        line = self.line().decode(errors="replace")
        if not line.startswith("+OK"):
            self.book.count("login: " + line.split("]")[0])
            raise Gone(line)
        self.book.count("POP3 sessions")
        return int(line.split()[1])

    def look(self, numbers, sizes, uidls):
        """RETR, sent ahead or one by one; {number: mark}."""
        marks, ahead = {}, self.rng.random() < 0.5
        if ahead:
            self.send(b"".join(b"RETR %d\r\n" % number for number in numbers))
        for number in numbers:
            line = self.line().decode() if ahead else self.command(f"RETR {number}")
            if not line.startswith("+OK"):
                self.book.complain(f"{self.user}: RETR {number}: {line}")
                continue
            data = b"".join(one + b"\r\n" for one in self.text())
            if len(data) != sizes[number]:
                self.book.complain(f"{self.user}: LIST says {sizes[number]}, not {len(data)}")
            marks[number] = self.book.look(self.user, uidls[number], data)
            self.book.count("fetched")
            if not ahead and self.rng.random() < 0.3:
                self.top(number, data)
        return marks

    def top(self, number, data):
        count = self.rng.choice([0, 1, 3, 10_000, 4294967295, 4294967296, 99999999999999999999999])
        line = self.command(f"TOP {number} {count}")
        if not line.startswith("+OK"):
            self.book.complain(f"{self.user}: TOP {number} {count}: {line}")
            return
        got = b"".join(one + b"\r\n" for one in self.text())
        head, _, body = data.partition(b"\r\n\r\n")
        lines = body.split(b"\r\n")[:-1][:count]
        if got != head + b"\r\n\r\n" + b"".join(one + b"\r\n" for one in lines):
            self.book.complain(f"{self.user}: TOP {number} {count} gave {len(got)} bytes")

    def run(self, most=40):
        rng = self.rng
        ahead = rng.random() < 0.5
        asked = b"LIST\r\nUIDL\r\nSTAT\r\n"
        count = self.log_in(asked if ahead else b"")
        if not ahead:
            self.send(asked)
        if not (line := self.line()).startswith(b"+OK"):
            self.book.complain(f"{self.user}: LIST behind the login: {line}")
            raise Gone("no LIST")
        sizes = {int(n): int(size) for n, size in map(bytes.split, self.text())}
        self.line()
        uidls = {int(n): uidl.decode() for n, uidl in map(bytes.split, self.text())}
        stat = self.line().split()
        if not int(stat[1]) == count == len(sizes) == len(uidls) or \
                int(stat[2]) != sum(sizes.values()):
            self.book.complain(f"{self.user}: {count} messages, STAT {stat}, LIST has {len(sizes)}")
        numbers = rng.sample(sorted(sizes), min(len(sizes), rng.randrange(0, most)))
        if rng.random() < 0.7:
            numbers.sort()
        marks = self.look(numbers, sizes, uidls)
        for odd in ("RETR 0", f"RETR {count + 1}", "RETR -1", "TOP 1", "TOP 1 -1", "USER a",
                    "DELE 4294967296", "LIST x", "UIDL 0", "RETR", "XTND", "DELE 1 1"):
            if rng.random() < 0.1 and not self.command(odd).startswith("-ERR"):
                self.book.complain(f"{self.user}: {odd} was obeyed")
        dying = {n: mark for n, mark in marks.items() if mark and rng.random() < 0.4}
        for number in dying:
            line = self.command(f"DELE {number}")
            if not line.startswith("+OK"):
                self.book.complain(f"{self.user}: DELE {number}: {line}")
        if rng.random() < 0.2:
            self.command("RSET")
            dying = {}
        if rng.random() < 0.2:
            return
        self.book.gone(self.user, dying.values(), False)
        line = self.command("QUIT")
        if line.startswith("+OK"):
            self.book.gone(self.user, dying.values(), True)
            self.book.count("removed", len(dying))
        self.close()
