# SPDX-License-Identifier: ISC
"""Another host that answers after its own fashion, anew at every reply: each recipient gets the
message, or its sender hears of it, and nobody twice whom that host has said yes to."""
import collections
import contextlib
import os
import random
import re
import socket
import struct
import threading
import time

from network import wait_until
from wire import written_by
from world import MESSAGE

SEED = int(os.environ.get("SEED") or random.randrange(1 << 32))
MESSAGES = int(os.environ.get("ODD_MESSAGES") or 60)
SECONDS = float(os.environ.get("ODD_SECONDS") or 10)
MARK = re.compile(rb"odd-message-(\d+)")


class OddServer:
    """Draws how it answers; what it has taken and said yes to is in `yes`."""

    def __init__(self, rng, address, port):
        self.rng, self.lock = rng, threading.Lock()
        self.yes, self.maybe = collections.Counter(), collections.Counter()
        self.counts = collections.Counter()
        self.calm = False
        self.listener = socket.create_server((address, port))
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                client.settimeout(30)
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with contextlib.suppress(OSError, EOFError), client:
            OddTalk(self, client, random.Random(self.rng.randrange(1 << 32))).run()


class OddTalk:
    """One connection, on which it keeps some of its habits."""

    def __init__(self, server, client, rng):
        self.server, self.client, self.rng = server, client, rng
        self.file = client.makefile("rb")
        self.doubles = not server.calm and rng.random() < 0.25
        self.pieces = rng.random() < 0.3
        self.oddness = 0 if server.calm else rng.choice([0.02, 0.1, 0.3])
        self.pipelining = rng.random() < 0.6

    def put(self, data):
        if self.pieces:
            for at in range(0, len(data), 5):
                self.client.sendall(data[at:at + 5])
                time.sleep(0.001)
        else:
            self.client.sendall(data)

    def reply(self, usual):
        """Sends one reply; its first digit. EOFError when it hung up instead."""
        rng, code = self.rng, usual
        if rng.random() < self.oddness:
            what = rng.choice(["code", "code", "lines", "late", "end", "reset", "half", "bare"])
            self.server.counts[what] += 1
            if what == "code":
                code = rng.choice([421, 450, 451, 452, 550, 552, 554])
            elif what == "late":
                time.sleep(rng.random())
            elif what == "end":
                raise EOFError
            elif what == "reset":
                self.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                raise EOFError
            elif what == "half":
                self.put(b"%d" % code + rng.choice([b"", b"-", b" half", b"-half\r\n"]))
                raise EOFError
            if what == "lines":
                self.put(b"%d-more of this\r\n" % code * rng.randrange(1, 50))
            elif what == "bare":
                self.put(b"%d\r\n" % code)
                return code
        self.put(b"%d odd reply\r\n" % code)
        if self.doubles:
            if rng.random() < 0.5:
                time.sleep(rng.random() / 20)
            self.put(b"%d odd reply\r\n" % code)
        if code == 421:
            raise EOFError
        return code

    def line(self):
        line = self.file.readline(10_000)
        if not line:
            raise EOFError
        return line

    def run(self):
        self.reply(220)
        sender, taken = False, []
        while True:
            line = self.line()
            verb = line[:4].upper()
            if verb == b"EHLO":
                if self.rng.random() >= self.oddness / 3:
                    self.put(b"250-odd\r\n" + (b"250-PIPELINING\r\n" if self.pipelining else b"") +
                             b"250-8BITMIME\r\n250 SIZE\r\n")
                else:
                    self.reply(502)
            elif verb == b"MAIL":
                self.oddness = 0 if self.server.calm else self.oddness
                sender, taken = self.reply(250) == 250, []
            elif verb == b"RCPT":
                name = line.split(b"<")[1].split(b"@")[0].decode()
                if not sender:
                    self.reply(503)
                elif name.startswith("no"):
                    self.reply(550)
                elif self.reply(250) == 250:
                    taken.append(name)
            elif verb == b"DATA":
                if not taken:
                    self.reply(503)
                elif self.reply(354) == 354:
                    self.message(taken)
                sender, taken = False, []
            elif verb == b"QUIT":
                self.put(b"221 bye\r\n")
                return
            else:
                sender, taken = False, []
                self.reply(250)

    def message(self, taken):
        data = b""
        stop = self.rng.randrange(1, 3000) if self.rng.random() < self.oddness else None
        while not (data.endswith(b"\r\n.\r\n") or data == b".\r\n"):
            data += self.line()
            if stop and len(data) > stop:
                if self.rng.random() < 0.5:
                    self.reply(self.rng.choice([452, 552]))
                raise EOFError
        mark = MARK.search(data).group(1).decode()
        with self.server.lock:
            for name in taken:
                self.server.maybe[mark, name] += 1
        code = self.reply(250)
        with self.server.lock:
            for name in taken:
                self.server.maybe[mark, name] -= 1
                if code == 250:
                    self.server.yes[mark, name] += 1


def test_everybody_gets_it_once_or_its_sender_hears_of_it(world, server):
    print(f"seed {SEED}")
    rng = random.Random(SEED)
    host = server("odd", settings={"queue.retry-schedule": "1s 1s 1s 1s 1s 1s 1s 1s 1s 1s",
                                   "queue.retry-first-day": "1s", "queue.retry-after": "1s",
                                   "queue.retry-jitter": "0%",
                                   "sending.messages-per-hour": 100000,
                                   "submission.messages-per-session": 10000})
    other = OddServer(rng, world.network.here, host.ports["smtp"])
    writer = host.account()
    wanted = {}
    try:
        with host.submission(writer) as wire:
            for mark in range(MESSAGES):
                names = [f"{rng.choice(['yes', 'yes', 'no'])}{n}"
                         for n in range(rng.choice([1, 1, 2, 5]))]
                wanted[str(mark)] = set(names)
                data = written_by(writer, MESSAGE).replace(b"a message", b"odd-message-%d" % mark)
                data += b"line\r\n..dot\r\n" * rng.choice([1, 10, 1000])
                wire.accepted(writer, [f"{name}@plain.test" for name in names], data)
                if rng.random() < 0.2:
                    time.sleep(rng.random())
        end = time.monotonic() + SECONDS

        def settled():
            other.calm = time.monotonic() > end
            host.attempt("queue", "retry", "--all")  # no host is given a rest
            return not host.queued()
        wait_until(settled, SECONDS + 60, 0.2, host.story)
        bounced = collections.defaultdict(set)
        for message in host.messages(writer):
            mark = MARK.search(message).group(1).decode()
            for name in re.findall(rb"Final-Recipient: rfc822; *(\w+)@", message):
                bounced[mark].add(name.decode())
        wrong = []
        for mark, names in wanted.items():
            for name in names:
                yes, told = other.yes[mark, name], name in bounced[mark]
                if yes == 0 and not told and not other.maybe[mark, name]:
                    wrong.append(f"{mark} {name} is lost")
                if yes > 1:
                    wrong.append(f"{mark} {name} got it {yes} times")
                if yes and told:
                    wrong.append(f"{mark} {name} got it, and the sender was told otherwise")
        print(len(bounced), sum(other.yes.values()), other.counts)
        assert not wrong, "\n".join(wrong[:30]) + f"\nseed {SEED}\n" + host.said()[-3000:]
    finally:
        other.close()
