# SPDX-License-Identifier: ISC
"""Reads mailboxes over POP3, the way a program does that fetches everything and leaves nothing."""
import socket
import threading

from server import ACCOUNTS, DOMAIN, HERE, PASSWORD

WINDOW = 40  # commands under way at a time


class Refused(Exception):
    """An answer that begins with -ERR. `temporary`: a client may try again. `system`: it is no fault
    of the client's (RFC 3206)."""

    def __init__(self, command, line):
        super().__init__(f"{command}: {line.decode(errors='replace').strip()}")
        self.temporary = b"[SYS/TEMP]" in line or b"[IN-USE]" in line
        self.system = self.temporary or b"[SYS/PERM]" in line


class Pop3:
    """One session; ConnectionError when it is lost, TimeoutError when nobody answers."""

    def __init__(self, port, account, patience=60):
        self.socket = socket.create_connection((HERE, port), patience)
        self.file = self.socket.makefile("rb", 1 << 18)
        self.answer("greeting")
        self.ask(f"USER {account}")
        self.ask(f"PASS {PASSWORD}")

    def send(self, *commands):
        self.socket.sendall("".join(c + "\r\n" for c in commands).encode())

    def line(self):
        line = self.file.readline()
        if not line.endswith(b"\n"):
            raise ConnectionError("the connection was lost")
        return line

    def answer(self, command):
        line = self.line()
        if not line.startswith(b"+OK"):
            raise Refused(command.split()[0], line)
        return line

    def ask(self, command):
        self.send(command)
        return self.answer(command)

    def many(self):
        """The lines of an answer, unstuffed."""
        lines = []
        while (line := self.line()) != b".\r\n":
            lines.append(line[1:] if line[:1] == b"." else line)
        return lines

    def all(self, commands, take):
        """Sends the commands ahead of their answers; take(place) reads each answer."""
        for at in range(0, len(commands), WINDOW):
            self.send(*commands[at:at + WINDOW])
            for place in range(at, min(at + WINDOW, len(commands))):
                take(place)

    def close(self):
        self.file.close()
        self.socket.close()


def fetch(port, account, book, remove=True):
    """Takes every message of the mailbox into the book, and out of the mailbox. How many."""
    session = Pop3(port, account)
    try:
        session.ask("UIDL")
        listed = [line.split() for line in session.many()]
        numbers = [int(n) for n, _ in listed]
        uniques = [u.decode() for _, u in listed]
        good = []

        def take(place):
            session.answer("RETR")
            if book.take_message(account, uniques[place], session.many()):
                good.append(place)
        session.all([f"RETR {n}" for n in numbers], take)
        if remove:
            session.all([f"DELE {numbers[place]}" for place in good],
                        lambda _: session.answer("DELE"))
        session.ask("QUIT")
        if remove:
            book.take_removal(account, [uniques[place] for place in good])
        return len(listed)
    finally:
        session.close()


def accounts():
    return [f"f{n:03d}@{DOMAIN}" for n in range(ACCOUNTS)]


class Readers:
    """Readers who come all the time, whatever happens to the server. `hardware`: the disk is
    failing, and they may be told so."""

    def __init__(self, port, book, hardware):
        self.port, self.book, self.hardware = port, book, hardware
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while not self.over.is_set():
            for account in accounts():
                if self.over.is_set():
                    return
                self._visit(account)
                self.over.wait(0.05)

    def _visit(self, account):
        counts = self.book.counts
        try:
            fetch(self.port, account, self.book)
            counts["visits"] += 1
        except Refused as refused:
            counts["visits refused"] += 1
            if not (refused.system if self.hardware else refused.temporary):
                self.book.complain("wrong reply", f"POP3 {account}: {refused}")
        except TimeoutError:
            self.book.complain("hung", f"POP3 {account}: no answer for a minute")
        except OSError:
            counts["visits cut"] += 1

    def stop(self):
        self.over.set()
        self.thread.join(130)
