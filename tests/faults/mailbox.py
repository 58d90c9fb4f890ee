# SPDX-License-Identifier: ISC
"""Reads mailboxes the way a program does that fetches everything and leaves nothing: some over POP3, some
over IMAP, each always in the same way."""
import re
import socket
import threading

from server import ACCOUNTS, DOMAIN, HERE, PASSWORD

WINDOW = 40  # commands under way at a time


class Refused(Exception):
    """An answer that begins with -ERR, or NO. `temporary`: a client may try again. `system`: it is no
    fault of the client's (RFC 3206, RFC 5530)."""

    def __init__(self, command, line):
        super().__init__(f"{command}: {line.decode(errors='replace').strip()}")
        self.temporary = any(code in line for code in (
            b"[SYS/TEMP]", b"[IN-USE]", b"[UNAVAILABLE]", b"[INUSE]"))
        self.system = self.temporary or b"[SYS/PERM]" in line or b"[CORRUPTION]" in line


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


class Imap:
    """The same over IMAP."""

    def __init__(self, port, account, patience=60):
        self.socket = socket.create_connection((HERE, port), patience)
        self.file = self.socket.makefile("rb", 1 << 18)
        self.count = 0
        if not self.response().startswith(b"* OK"):
            raise ConnectionError("no greeting")
        self.ask(f"LOGIN {account} {PASSWORD}")

    def response(self):
        """The next one, with its literals."""
        whole = b""
        while True:
            line = self.file.readline()
            if not line.endswith(b"\n"):
                raise ConnectionError("the connection was lost")
            whole += line
            literal = re.search(rb"\{(\d+)\}\r\n$", line)
            if not literal:
                return whole
            octets = self.file.read(int(literal.group(1)))
            if len(octets) < int(literal.group(1)):
                raise ConnectionError("the connection was lost")
            whole += octets

    def ask(self, command):
        """The untagged responses."""
        self.count += 1
        tag = b"t%d " % self.count
        self.socket.sendall(tag + command.encode() + b"\r\n")
        found = []
        while not (response := self.response()).startswith(tag):
            found.append(response)
        if not response.startswith(tag + b"OK"):
            raise Refused(command.split()[0], response)
        return found

    def close(self):
        self.file.close()
        self.socket.close()


def fetch_by_imap(port, account, book):
    session = Imap(port, account)
    try:
        validity = re.search(rb"UIDVALIDITY (\d+)", b"".join(session.ask("SELECT INBOX"))).group(1)
        good = []
        for response in session.ask("UID FETCH 1:* (BODY.PEEK[])"):
            found = re.match(rb"\* \d+ FETCH \(UID (\d+) BODY\[\] \{(\d+)\}\r\n", response)
            if not found:
                continue
            octets = response[found.end():found.end() + int(found.group(2))]
            unique = f"{validity.decode()}.{found.group(1).decode()}"
            if book.take_message(account, unique, octets.splitlines(True)):
                good.append((found.group(1).decode(), unique))
        if good:
            uids = ",".join(uid for uid, _ in good)
            session.ask(f"UID STORE {uids} +FLAGS.SILENT (\\Deleted)")
            session.ask(f"UID EXPUNGE {uids}")
            book.take_removal(account, [unique for _, unique in good])
        session.ask("LOGOUT")
    finally:
        session.close()


def fetch_by_pop3(port, account, book):
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
        session.all([f"DELE {numbers[place]}" for place in good],
                    lambda _: session.answer("DELE"))
        session.ask("QUIT")
        book.take_removal(account, [uniques[place] for place in good])
    finally:
        session.close()


def fetch(port_of, account, book):
    """Takes every message of the mailbox into the book, and out of the mailbox. port_of("imap")."""
    if int(account[1:4]) % 2:
        fetch_by_imap(port_of("imap"), account, book)
    else:
        fetch_by_pop3(port_of("pop3"), account, book)


def accounts():
    return [f"f{n:03d}@{DOMAIN}" for n in range(ACCOUNTS)]


class Readers:
    """Readers who come all the time, whatever happens to the server. `hardware`: the disk is
    failing, and they may be told so."""

    def __init__(self, port_of, book, hardware):
        self.port_of, self.book, self.hardware = port_of, book, hardware
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
            fetch(self.port_of, account, self.book)
            counts["visits"] += 1
        except Refused as refused:
            counts["visits refused"] += 1
            if not (refused.system if self.hardware else refused.temporary):
                self.book.complain("wrong reply", f"{account}: {refused}")
        except TimeoutError:
            self.book.complain("hung", f"{account}: no answer for a minute")
        except OSError:
            counts["visits cut"] += 1

    def stop(self):
        self.over.set()
        self.thread.join(130)
