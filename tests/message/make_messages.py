# SPDX-License-Identifier: ISC
"""Makes odd messages by lot, and says what Python's email package reads in each, for test_map_python.c:
make_messages.py SEED COUNT DIRECTORY writes N.eml and N.txt. docs/mime.md says where we read otherwise;
of that, what is easily said is put right here (`meant`), and what is not is not made."""
import base64
import binascii
import email
import email.utils
import quopri
import random
import sys

TYPES = ["text/plain", "text/html; charset=utf-8", "TEXT/Plain; charset=\"iso-2022-jp\"", "image/png; name=a.png",
         "application/octet-stream", "X-ZIP", "text", "", "text/plain; charset", "application/pdf; name=\"a b\""]
WORDS = [b"text", b"\xe6\x97\xa9\xe9\xa6\xac", b"--", b"-- ", b"--x", b"=41", b"a b", b".", b"", b"x From", b"-", b"---"]


class Maker:
    def __init__(self, seed):
        self.lot = random.Random(seed)
        self.eol = self.lot.choice([b"\r\n", b"\n"])
        self.boundaries = []
        self.in_digest = False

    def line(self, text):
        eol = self.eol if self.lot.random() < 0.95 else self.lot.choice([b"\r\n", b"\n"])
        return text + eol

    def text(self):
        lot = self.lot
        lines = []
        for _ in range(lot.randrange(6)):
            if self.boundaries and lot.random() < 0.15:  # nearly a delimiter
                lines.append(b"--" + lot.choice(self.boundaries) + lot.choice([b"x", b" x", b"---", b"-"]))
            else:
                lines.append(b" ".join(lot.choice(WORDS) for _ in range(lot.randrange(1, 8))).lstrip())
        return b"".join(self.line(l) for l in lines)

    def boundary(self):
        lot = self.lot
        old = lot.choice(self.boundaries) if self.boundaries and lot.random() < 0.3 else b""
        new = old + bytes(lot.choice(b"abcXYZ019'()+_,./:=?") for _ in range(lot.randrange(1, 9)))
        if new in self.boundaries:
            return self.boundary()
        self.boundaries.append(new)
        return new

    def header(self, fields):
        if self.lot.random() < 0.3:
            fields.append(b"X-Other: a" + self.eol + b"\tb")
        return b"".join(self.line(f) for f in fields)

    def envelope(self):
        lot = self.lot
        fields = []
        if lot.random() < 0.8:
            fields.append(b"Subject: " + b" ".join(lot.choice(WORDS[:2] + [b"Re:"]) for _ in range(3)))
        if lot.random() < 0.6:
            people = [b"a@b.example", b"Tama Neko <tama@example.org>", b"\"Q. X\" <\"a b\"@example.org>",
                      b"tama@example.org (Tama)", b"J. Doe <a@host.example>"]
            fields.append(b"To: " + b", ".join(lot.choice(people) for _ in range(lot.randrange(1, 4))))
        if lot.random() < 0.6:
            fields.append(b"Date: " + lot.choice([b"Sun, 22 Nov 2026 20:12:42 +0900", b"1 Jan 70 00:00 GMT",
                                                 b"29 Feb 2024 23:59:59 -0330", b"Fri, 1 Apr 1994 1:02:03 EST"]))
        lot.shuffle(fields)
        return fields

    def leaf(self, fields):
        lot = self.lot
        kind = lot.choice(TYPES).encode()
        if lot.random() < 0.8 and (kind or not self.in_digest):
            fields.append(b"Content-Type: " + kind)
        body = self.text()
        encoding = lot.choice([b"", b"", b"base64", b"Quoted-Printable", b"8bit"])
        if encoding:
            fields.append(b"Content-Transfer-Encoding: " + encoding)
        if encoding == b"base64":
            body = base64.encodebytes(body).replace(b"\n", self.eol)
        elif encoding == b"Quoted-Printable":
            body = quopri.encodestring(body.replace(b"\r\n", b"\n")).replace(b"\n", self.eol)
        return self.header(fields), body

    def multipart(self, fields, depth):
        lot = self.lot
        boundary = self.boundary()
        kind = lot.choice([b"mixed", b"alternative", b"digest", b"x-any"])
        odd = lot.random()
        quoted = b"\"" + boundary + (b" " if lot.random() < 0.1 else b"") + b"\""
        if odd < 0.05:
            fields.append(b"Content-Type: multipart/" + kind)
        else:
            fields.append(b"Content-Type: Multipart/" + kind + b";" + self.eol + b" boundary=" + quoted)
        body = self.text()
        parts = 0 if odd < 0.1 else lot.randrange(1, 5)
        for _ in range(parts):
            body += self.line(b"--" + boundary + lot.choice([b"", b"", b"", b" \t"]))
            self.in_digest = kind == b"digest"
            body += self.message(depth + 1, False)
            if not body.endswith(b"\n") or lot.random() < 0.9:
                body += self.eol
        if parts and lot.random() < 0.8:
            body += self.line(b"--" + boundary + b"--" + lot.choice([b"", b"", b" "])) + self.text()
        self.boundaries.remove(boundary)
        return self.header(fields), body

    def message(self, depth, whole=True):
        lot = self.lot
        fields = self.envelope() if whole else []
        choice = lot.random()
        if depth < 5 and choice < (0.6 if whole else 0.25):
            head, body = self.multipart(fields, depth)
        elif depth < 5 and choice < (0.65 if whole else 0.35):
            fields.append(b"Content-Type: message/rfc822")
            head, body = self.header(fields), self.message(depth + 1)
        else:
            head, body = self.leaf(fields)
        odd = lot.random()
        if odd < 0.05 and head:  # all header
            return head
        return head + self.eol + body


def meant(part):
    """The type that we take it for."""
    value = str(part.get("Content-Type") or "").split(";")[0].strip().lower()
    if value and "/" not in value and value != "text":
        return "application/octet-stream"
    return part.get_content_type()


def octets(text):
    return text.encode("ascii", "surrogateescape")


def value(field):
    return octets(str(field)).replace(b"\r", b"").replace(b"\n", b"").strip(b" \t").hex()


LAST = b"!!!!"  # the last line of each message; stands nowhere else


def ended(raw):
    """A multipart without parts: Python leaves it the line end that is its parent's delimiter's."""
    if raw.rstrip().endswith(LAST):
        return raw
    return raw[:-2] if raw.endswith(b"\r\n") else raw[:-1]


def show(part, depth, is_message, eol, to):
    to.append(f"{depth} {meant(part)}")
    if is_message:
        if part["Subject"] is not None:
            to.append(f"subject {value(part._headers[[k for k, _ in part._headers].index('Subject')][1])}")
        if part["Date"] is not None:
            to.append(f"date {int(email.utils.parsedate_to_datetime(part['Date']).timestamp())}")
        if part["To"] is not None:
            for name, address in email.utils.getaddresses([part["To"]]):
                to.append(f"to {name}|{address}".replace('"', ''))  # Python leaves quotes in a local part
    payload = part._payload  # get_payload() would decode its character set
    if isinstance(payload, list):
        for child in payload:
            show(child, depth + 1, meant(part).startswith("message/"), eol, to)
        return
    if payload.endswith(LAST.decode()):  # Python takes a line end off a part that is not ended, too
        payload = part._payload = payload + eol
    raw = octets(payload)
    if part.get_content_maintype() == "multipart":
        to.append(f"{depth + 1} text/plain")
        decoded = raw = ended(raw)
    else:
        decoded = part.get_payload(decode=True)
    to.append(f"{len(raw)} {binascii.crc32(raw)} {len(decoded)}")


def main(seed, count, directory):
    for number in range(count):
        maker = Maker(seed + number)
        message = maker.message(0) + maker.eol + maker.line(LAST)
        lines = []
        show(email.message_from_bytes(message), 0, True, message[message.rindex(LAST) + len(LAST):].decode(), lines)
        with open(f"{directory}/{number}.eml", "wb") as file:
            file.write(message)
        with open(f"{directory}/{number}.txt", "w", encoding="utf-8") as file:
            file.write("".join(line + "\n" for line in lines))


main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
