# SPDX-License-Identifier: ISC
"""A name server made of a table, without signatures.

    with FakeDns({"mail.example.test A": ["192.0.2.1"], "example.test MX": ["10 mail.x.test"]}):
        ... .address is what a resolver is told
"""
import ipaddress
import socket
import struct
import threading

TYPES = {1: "A", 2: "NS", 6: "SOA", 12: "PTR", 15: "MX", 16: "TXT", 28: "AAAA", 48: "DNSKEY"}


def wire_name(text):
    labels = [label.encode() for label in text.strip(".").split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def wire_data(kind, value):
    if kind in ("A", "AAAA"):
        return ipaddress.ip_address(value).packed
    if kind == "MX":
        preference, name = value.split()
        return struct.pack(">H", int(preference)) + wire_name(name)
    if kind == "TXT":
        text = value.encode()
        parts = [text[at:at + 255] for at in range(0, len(text), 255)] or [b""]
        return b"".join(bytes([len(part)]) + part for part in parts)
    if kind == "SOA":
        return (wire_name("ns.test") + wire_name("hostmaster.test") +
                struct.pack(">5I", 1, 60, 60, 60, 5))
    return wire_name(value)


class FakeDns:
    """`refused`: records for which it answers REFUSED, as ". SOA"."""

    def __init__(self, records, place=("127.0.0.1", 0), refused=()):
        self.refused = refused
        self.records = {". SOA": ["-"], **records}
        self.names = {key.split()[0].lower().strip(".") for key in self.records}
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(place)
        self.address = "%s:%d" % self.socket.getsockname()
        self.thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.socket.close()

    def _serve(self):
        while True:
            try:
                question, client = self.socket.recvfrom(4096)
                self.socket.sendto(self._answer(question), client)
            except OSError:
                return

    def _answer(self, question):
        labels, at = [], 12
        while question[at]:
            labels.append(question[at + 1:at + 1 + question[at]].decode().lower())
            at += 1 + question[at]
        kind = TYPES.get(struct.unpack(">H", question[at + 1:at + 3])[0], "")
        name = ".".join(labels)
        values = self.records.get(f"{name or '.'} {kind}", [])
        code = 0 if name in self.names else 3
        if f"{name or '.'} {kind}" in self.refused:
            code, values = 5, []
        answer = question[:2] + struct.pack(">5H", 0x8180 | code, 1, len(values), 0, 0)
        answer += question[12:at + 5]
        for value in values:
            data = wire_data(kind, value)
            answer += b"\xc0\x0c" + question[at + 1:at + 5]
            answer += struct.pack(">IH", 60, len(data)) + data
        return answer
