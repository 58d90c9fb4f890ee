# SPDX-License-Identifier: ISC
"""A name server made of the records of a suite (suites.py), with its troubles, over UDP and TCP.

What fits into UDP_MAX bytes comes over UDP, the rest over TCP.
"""
import socket
import struct
import threading

from fake_dns import TYPES, wire_data, wire_name

UDP_MAX = 1232
OK, SERVFAIL, NXDOMAIN, REFUSED = 0, 2, 3, 5
KINDS = {**TYPES, 5: "CNAME"}


class Trouble(Exception):
    """Its words are those of the record: "!servfail"."""


class Table:
    def __init__(self, records):
        self.records = {**records, ". SOA": [["-"]]}
        self.names = set()
        for key in self.records:
            labels = key.rsplit(" ", 1)[0].strip(".").split(".")
            self.names.update(".".join(labels[at:]) for at in range(len(labels)))

    def exists(self, name):
        return name in self.names

    def here(self, name, kind):
        """[(kind, strings)], and the troubles, of this name."""
        values = [("CNAME", one) for one in self.records.get(f"{name} CNAME", [])]
        values = values or [(kind, one) for one in self.records.get(f"{name or '.'} {kind}", [])]
        return ([one for one in values if not isinstance(one[1], str)],
                [one[1] for one in values if isinstance(one[1], str)])

    def look_up(self, name, kind):
        """What a resolver would give: the strings of each record, or None: there is no such name. It raises
        Trouble where it would find none."""
        name = name.lower().rstrip(".")
        for _ in range(8):
            values, troubles = self.here(name, kind)
            if troubles and troubles[0] not in ("!truncated", "!forged"):
                raise Trouble(troubles[0])
            if not values or values[0][0] == kind:
                return [strings for _, strings in values] if self.exists(name) else None
            name = values[0][1][0].lower()
        raise Trouble("!loop")


def for_dkimpy(records):
    """What it wants to be given to ask for TXT."""
    table = Table(records)

    def ask(name, timeout=5):  # pylint: disable=unused-argument
        try:
            return "".join((table.look_up(name.decode("latin-1"), "TXT") or [[""]])[0]).encode("latin-1") or None
        except Trouble:
            return None
    return ask


def wire_strings(kind, strings):
    if kind != "TXT":
        return wire_data(kind, strings[0])
    parts = [text[at:at + 255] for text in strings for at in range(0, max(len(text), 1), 255)]
    return b"".join(bytes([len(part)]) + part.encode("latin-1") for part in parts)


class StubDns:
    """`with StubDns(records) as dns: ... dns.address`"""

    def __init__(self, records):
        self.table = Table(records)
        self.tcp = socket.create_server(("127.0.0.1", 0))
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(self.tcp.getsockname())
        self.address = "%s:%d" % self.tcp.getsockname()

    def __enter__(self):
        for serve in (self._serve_udp, self._serve_tcp):
            threading.Thread(target=serve, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.udp.close()
        self.tcp.close()

    def _serve_udp(self):
        while True:
            try:
                question, client = self.udp.recvfrom(4096)
                for answer in self._answers(question, UDP_MAX):
                    self.udp.sendto(answer, client)
            except OSError:
                return

    def _serve_tcp(self):
        while True:
            try:
                connection, _ = self.tcp.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as stream:
                while len(head := stream.read(2)) == 2:
                    question = stream.read(struct.unpack(">H", head)[0])
                    for answer in self._answers(question, 65535):
                        connection.sendall(struct.pack(">H", len(answer)) + answer)

    def _answers(self, question, most):
        labels, at = [], 12
        while question[at]:
            labels.append(question[at + 1:at + 1 + question[at]].decode("latin-1").lower())
            at += 1 + question[at]
        name, kind = ".".join(labels), KINDS.get(struct.unpack(">H", question[at + 1:at + 3])[0], "")
        asked = question[12:at + 5]
        values, troubles = self.table.here(name, kind)
        trouble = troubles[0] if troubles else ""
        code = {"!servfail": SERVFAIL, "!refused": REFUSED}.get(
            trouble, OK if self.table.exists(name) else NXDOMAIN)
        if trouble == "!timeout":
            return
        if trouble == "!garbage":
            yield question[:2] + b"\x81\x80" + b"\xff" * 40
            return
        records = b""
        for of, strings in values:
            data = wire_strings(of, strings)
            number = next(n for n, word in KINDS.items() if word == of)
            records += b"\xc0\x0c" + struct.pack(">HHIH", number, 1, 60, len(data)) + data
        if trouble == "!forged":
            other = struct.pack(">H", struct.unpack(">H", question[:2])[0] ^ 0x5555)
            yield other + struct.pack(">5H", 0x8180, 1, 0, 0, 0) + asked
        if len(asked) + 12 + len(records) > most or (trouble == "!truncated" and most == UDP_MAX):
            yield question[:2] + struct.pack(">5H", 0x8380, 1, 0, 0, 0) + asked
        else:
            yield question[:2] + struct.pack(">5H", 0x8180 | code, 1, len(values), 0, 0) + asked + records
