# SPDX-License-Identifier: ISC
"""The order of commands and replies is that of RFC 5321, appendix D.1, on the wire, from both
sides: as a server (captured by tcpdump where there are network namespaces, else by a proxy), and
as a client of a server that offers nothing beyond that example."""
import contextlib
import socket
import struct
import subprocess
import threading
import time

import pytest

from wire import Smtp
from world import MESSAGE, bound_to_us, stop_process, wait_until

# RFC 5321 appendix D.1, one word for each line that is said.
EXAMPLE = ["220", "EHLO", "250", "MAIL", "250", "RCPT", "250", "RCPT", "550", "RCPT", "250",
           "DATA", "354", ".", "250", "QUIT", "221"]


def words(sides):
    """What was said as in EXAMPLE. `sides` are (from the server, bytes) in their order."""
    said, in_message = [], False
    for by_server, data in sides:
        for line in data.decode("latin-1").split("\r\n"):
            if not line or in_message and not by_server and line != ".":
                continue
            if by_server and line[3:4] == "-":
                continue
            word = line[:3] if by_server else line.split(" ")[0].split(":")[0].upper()
            in_message = word == "354" or in_message and word != "."
            said.append(word)
    return said


def joined(pieces):
    """Neighbours that come from the same side are put together."""
    sides = []
    for by_server, data in pieces:
        if sides and sides[-1][0] == by_server:
            sides[-1] = (by_server, sides[-1][1] + data)
        else:
            sides.append((by_server, data))
    return sides


# ---------------------------------------------------------------- as a server


def tcp_pieces(capture, port):
    """Payloads of a pcap file of one TCP connection: (from the server, bytes), without repeats."""
    place, seen, pieces = 24, {}, []
    order = "<" if capture[:4] == b"\xd4\xc3\xb2\xa1" else ">"
    while place + 16 <= len(capture):
        length = struct.unpack(order + "I", capture[place + 8:place + 12])[0]
        frame = capture[place + 16:place + 16 + length]
        place += 16 + length
        packet = frame[14:]
        head = (packet[0] & 15) * 4
        size = struct.unpack(">H", packet[2:4])[0]
        source, _, sequence = struct.unpack(">HHI", packet[head:head + 8])
        data = packet[head + (packet[head + 12] >> 4) * 4:size]
        if not data:
            continue
        expected = seen.get(source, sequence)
        data = data[(expected - sequence) % 2 ** 32:]
        if data:
            pieces.append((source == port, data))
            seen[source] = (expected + len(data)) % 2 ** 32
    return pieces


@contextlib.contextmanager
def captured(host, folder):
    """Yields a port to talk to, and a list that holds what was said once the block has ended."""
    pieces = []
    if not host.world.network.real:
        with recording_proxy(host.address, host.ports["smtp"], pieces) as port:
            yield ("127.0.0.1", port), pieces
        return
    file = folder / "dialogue.pcap"
    program = subprocess.Popen(
        bound_to_us("tcpdump", "-i", "br0", "-U", "-n", "-w", file, "-Z", "root", "tcp", "port",
                    str(host.ports["smtp"]), "and", "host", host.address, "and", "host",
                    host.world.network.here),
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        assert b"listening" in program.stderr.readline()
        yield (host.address, host.ports["smtp"]), pieces
        wait_until(lambda: b"221 2.0.0" in file.read_bytes())
    finally:
        stop_process(program)
        program.stderr.close()
    pieces += tcp_pieces(file.read_bytes(), host.ports["smtp"])


@contextlib.contextmanager
def recording_proxy(address, port, pieces):
    listener = socket.create_server(("127.0.0.1", 0))

    def copy(source, target, by_server):
        with contextlib.suppress(OSError):
            while (data := source.recv(65536)):
                pieces.append((by_server, data))
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def serve():
        client, _ = listener.accept()
        with client, socket.create_connection((address, port)) as server:
            back = threading.Thread(target=copy, args=(server, client, True))
            back.start()
            copy(client, server, False)
            back.join()
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    with listener:
        yield listener.getsockname()[1]
        thread.join(10)


@pytest.fixture
def people(a):
    return a.account(), "nobody-here@a.test", a.account()


def test_the_servers_dialogue_on_the_wire_is_that_of_the_rfc(a, people, tmp_path):
    with captured(a, tmp_path) as (where, pieces):
        with Smtp(*where) as wire:
            wire.reply()
            wire.say("EHLO bar.test")
            wire.say("MAIL FROM:<Smith@bar.test>")
            for recipient in people:
                wire.say(f"RCPT TO:<{recipient}>")
            wire.message(MESSAGE)
            wire.say("QUIT")
            wire.until_closed()
    assert words(joined(pieces)) == EXAMPLE


def test_the_journey_tells_the_same_dialogue(a, people):
    with a.smtp(greet=False) as wire:
        wire.reply()
        wire.say("EHLO bar.test")
        wire.say("MAIL FROM:<Smith@bar.test>")
        for recipient in people:
            wire.say(f"RCPT TO:<{recipient}>")
        message = wire.message(MESSAGE)[1][0].split()[-1]
        wire.say("QUIT")
    told = dialogue_of(a, message, "accepted")
    told = [(line[:3] == "S: ", line[3:].encode() + b"\r\n") for line in told.splitlines()
            if not line.startswith("--")]
    said = words(told)
    assert "MAIL" in said
    inside = [word for word in EXAMPLE[3:] if word != "."]
    assert said[said.index("MAIL"):] == inside[:len(said) - said.index("MAIL")]
    assert MESSAGE.split(b"\r\n\r\n")[1].strip().decode() not in str(told)


def dialogue_of(host, message, kind):
    """The dialogue in the journey of a message, which the event log may learn a moment later."""
    def find():
        done = host.attempt("--json", "journey", message)
        return done.returncode == 0 and [
            text for text in dialogues(host.json("journey", message), kind)]
    return wait_until(find, why=lambda: host.attempt("journey", message).stdout)[0]


def dialogues(tree, kind):
    """All dialogues of events of a kind, wherever they are in the answer."""
    if isinstance(tree, dict):
        if tree.get("kind") == kind:
            facts = tree.get("facts", tree.get("fields", {}))
            if "dialogue" in facts:
                text = facts["dialogue"]
                yield text if isinstance(text, str) else "\n".join(text)
        for value in tree.values():
            yield from dialogues(value, kind)
    elif isinstance(tree, list):
        for value in tree:
            yield from dialogues(value, kind)


# ---------------------------------------------------------------- as a client


class PlainServer:
    """A mail host as in the example: no PIPELINING, no STARTTLS; it records both sides."""

    def __init__(self, address, port, unknown):
        self.unknown, self.pieces, self.done = unknown, [], threading.Event()
        self.listener = socket.create_server((address, port))
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _say(self, text):
        data = text.replace("\n", "\r\n").encode() + b"\r\n"
        self.pieces.append((True, data))
        self.client.sendall(data)

    def _serve(self):
        self.listener.settimeout(30)
        with contextlib.suppress(OSError):
            self.client, _ = self.listener.accept()
            self.client.settimeout(30)
            with self.client, self.client.makefile("rb") as lines:
                self._talk(lines)
        self.done.set()

    def _talk(self, lines):
        self._say("220 foo.test Simple Mail Transfer Service Ready")
        in_message = False
        while (line := lines.readline()):
            self.pieces.append((False, line))
            word = line[:4].upper()
            if in_message and line != b".\r\n":
                continue
            if in_message:
                in_message = False
                self._say("250 OK")
            elif word == b"QUIT":
                self._say("221 foo.test Service closing transmission channel")
                return
            elif word == b"EHLO":
                self._say("250-foo.test greets mx.a.test\n250-8BITMIME\n250-SIZE\n250-DSN\n"
                          "250 HELP")
            elif word == b"DATA":
                in_message = True
                self._say("354 Start mail input; end with <CRLF>.<CRLF>")
            elif word == b"RCPT" and self.unknown.encode() in line:
                self._say("550 No such user here")
            else:
                self._say("250 OK")
            time.sleep(0.01)

    def close(self):
        self.listener.close()
        self.thread.join(5)


@pytest.fixture
def plain_server(a):
    server = PlainServer(a.world.network.here, a.ports["smtp"], "green@plain.test")
    yield server
    server.close()


def test_the_clients_dialogue_on_the_wire_is_that_of_the_rfc(a, plain_server):
    """Hayauma hands over a message; the host there knows two of three recipients."""
    user = a.account("smith")
    with a.submission(user) as wire:
        wire.accepted(user, [f"{name}@plain.test" for name in ("jones", "green", "brown")], MESSAGE)
    assert plain_server.done.wait(30), a.story()
    assert words(joined(plain_server.pieces)) == EXAMPLE
    commands = [line for by_server, data in plain_server.pieces if not by_server
                for line in data.split(b"\r\n")]
    assert commands[0] == b"EHLO mx.a.test"
    assert commands.count(b"RCPT TO:<green@plain.test>") == 1
    a.wait_for_messages(user)  # the report about green
