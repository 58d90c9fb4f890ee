# SPDX-License-Identifier: ISC
"""Clients of the world tests that say exactly what they are told to, byte by byte."""
import base64
import re
import socket
import ssl
import time
import zlib


def loose_tls():
    """TLS with whoever answers: the certificate is looked at where a test is about it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Closed(Exception):
    """The other side has ended the connection."""


def written_by(user, message):
    """What a stranger has written, by one of our users."""
    return message.replace(b"From: Kiku <kiku@far.test>", b"From: Kiku <" + user.encode() + b">")


class Wire:
    """A TCP connection: lines in, bytes out, everything within a time."""

    def __init__(self, address, port, limit=20.0, source=None):
        self.limit = limit
        self.socket = socket.create_connection((address, port), timeout=limit,
                                               source_address=source and (source, 0))
        self.rest = b""
        self.came = 0  # bytes, TLS apart
        self.packer = self.unpacker = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def tls(self):
        self.socket = loose_tls().wrap_socket(self.socket)
        return self

    def compress(self):
        """From here on, both ways (RFC 4978)."""
        self.packer = zlib.compressobj(wbits=-15)
        self.unpacker = zlib.decompressobj(wbits=-15)

    def send(self, data):
        data = data if isinstance(data, bytes) else data.encode()
        if self.packer:
            data = self.packer.compress(data) + self.packer.flush(zlib.Z_SYNC_FLUSH)
        self.socket.sendall(data)

    def end_sending(self):
        self.socket.shutdown(socket.SHUT_WR)

    def _receive(self, deadline):
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the other side says nothing")
        self.socket.settimeout(left)
        try:
            data = self.socket.recv(65536)
        except (ConnectionError, ssl.SSLError) as lost:
            raise Closed(str(lost)) from lost
        if not data:
            raise Closed("end of the connection")
        self.came += len(data)
        self.rest += self.unpacker.decompress(data) if self.unpacker else data

    def line(self, limit=None):
        """The next line, without its end."""
        deadline = time.monotonic() + (limit or self.limit)
        while b"\r\n" not in self.rest:
            self._receive(deadline)
        line, self.rest = self.rest.split(b"\r\n", 1)
        return line

    def until_closed(self, limit=None):
        """All that still comes until the other side closes."""
        deadline = time.monotonic() + (limit or self.limit)
        try:
            while True:
                self._receive(deadline)
        except Closed:
            all_of_it, self.rest = self.rest, b""
            return all_of_it


class Smtp(Wire):
    """SMTP by hand. Replies are (code, lines without the code)."""

    def reply(self, limit=None):
        lines = []
        while True:
            line = self.line(limit)
            lines.append(line[4:].decode(errors="replace"))
            if line[3:4] != b"-":
                return int(line[:3]), lines

    def say(self, command, limit=None):
        data = command if isinstance(command, bytes) else command.encode()
        self.send(data + b"\r\n")
        return self.reply(limit)

    def code(self, command, limit=None):
        return self.say(command, limit)[0]

    def greeted(self, name="client.test"):
        assert self.reply()[0] == 220
        self.features = self.say(f"EHLO {name}")[1][1:]
        return self

    def starttls(self):
        assert self.code("STARTTLS") == 220
        self.tls()
        self.features = self.say("EHLO client.test")[1][1:]
        return self

    def login(self, user, password, limit=None):
        secret = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
        self.user = user
        return self.say("AUTH PLAIN " + secret, limit)

    def message(self, data):
        """DATA with a message that already has its dots doubled; the last reply. A user's is his own."""
        if getattr(self, "user", None):
            data = written_by(self.user, data)
        code, lines = self.say("DATA")
        if code != 354:
            return code, lines
        self.send(data if data.endswith(b"\r\n") else data + b"\r\n")
        return self.say(".")

    def hand_over(self, sender, recipients, data):
        """One whole transaction; the last reply. Recipients must be taken."""
        code, lines = self.say(f"MAIL FROM:<{sender}>")
        assert code == 250, lines
        for recipient in recipients:
            code, lines = self.say(f"RCPT TO:<{recipient}>")
            assert code == 250, lines
        return self.message(data)

    def accepted(self, sender, recipients, data):
        """The same for a message that must be taken; its id."""
        code, lines = self.hand_over(sender, recipients, data)
        assert code == 250, lines
        return lines[0].split()[-1]


class Pop3(Wire):
    """POP3 by hand."""

    def greeted(self):
        self.greeting = self.line().decode()
        assert self.greeting.startswith("+OK"), self.greeting
        return self

    def say(self, command, limit=None):
        data = command if isinstance(command, bytes) else command.encode()
        self.send(data + b"\r\n")
        return self.line(limit).decode(errors="replace")

    def text(self, command):
        """The lines behind a positive reply, dots undone."""
        reply = self.say(command)
        assert reply.startswith("+OK"), reply
        lines = []
        while (line := self.line()) != b".":
            lines.append(line[1:] if line.startswith(b".") else line)
        return lines

    def stls(self):
        assert self.say("STLS").startswith("+OK")
        self.tls()
        return self

    def login(self, user, password):
        reply = self.say(f"USER {user}")
        assert reply.startswith("+OK"), reply
        return self.say(f"PASS {password}", 40)

    def message(self, number):
        return b"\r\n".join(self.text(f"RETR {number}")) + b"\r\n"


class Imap(Wire):
    """IMAP by hand. An answer is (status, text of the tagged line, untagged responses); literals are
    in their response as they came."""

    count = 0

    def greeted(self):
        self.greeting = self.line()
        assert self.greeting.startswith(b"* OK "), self.greeting
        return self

    def exactly(self, size, limit=None):
        deadline = time.monotonic() + (limit or self.limit)
        while len(self.rest) < size:
            self._receive(deadline)
        data, self.rest = self.rest[:size], self.rest[size:]
        return data

    def response(self, limit=None):
        """The next one, whole, without its end."""
        whole = self.line(limit)
        while (literal := re.search(rb"\{(\d+)\}$", whole)):
            whole += b"\r\n" + self.exactly(int(literal.group(1)), limit) + self.line(limit)
        return whole

    def answer(self, tag, limit=None):
        untagged = []
        while True:
            response = self.response(limit)
            if response.startswith(tag + b" "):
                _, status, text = response.split(b" ", 2)
                return status.decode(), text, untagged
            untagged.append(response)

    def send_command(self, command):
        """The tag that it got."""
        self.count += 1
        tag = b"t%d" % self.count
        self.send(tag + b" " + (command if isinstance(command, bytes) else command.encode()) + b"\r\n")
        return tag

    def say(self, command, limit=None):
        return self.answer(self.send_command(command), limit)

    def ok(self, command, limit=None):
        """The untagged responses to a command that must succeed."""
        status, text, untagged = self.say(command, limit)
        assert status == "OK", (command, status, text, untagged)
        return untagged

    def starttls(self):
        self.ok("STARTTLS")
        return self.tls()

    def login(self, user, password, limit=60):
        return self.say(f'LOGIN "{user}" "{password}"', limit)

    def append(self, message, mailbox="INBOX", flags="()"):
        """The UID that it got."""
        status, text, _ = self.say(b"APPEND %s %s {%d+}\r\n%s" % (
            mailbox.encode(), flags.encode(), len(message), message))
        assert status == "OK", text
        return int(re.match(rb"\[APPENDUID \d+ (\d+)\]", text).group(1))

    def body(self, uid):
        """A whole message, which is not marked as read."""
        response, = self.ok(f"UID FETCH {uid} BODY.PEEK[]")
        return re.search(rb"BODY\[\] \{\d+\}\r\n(.*)\)$", response, re.S).group(1)
