# SPDX-License-Identifier: ISC
"""Mail that comes in to accounts and is read there."""
import poplib
import smtplib

from server import PASSWORD

TAMA = "tama@example.test"


def send(server, subject, to=TAMA, size=10):
    with smtplib.SMTP("127.0.0.1", server.port(25), timeout=20) as client:
        client.sendmail("kiku@outside.test", [to],
                        f"From: Kiku <kiku@outside.test>\r\nSubject: {subject}\r\n\r\n" + "x\r\n" * (size // 3) + "\r\n")


def login(server, address=TAMA):
    client = poplib.POP3("127.0.0.1", server.port(110), timeout=20)
    client.stls()
    client.user(address)
    client.pass_(PASSWORD)
    return client


def messages(server, address=TAMA):
    client = login(server, address)
    found = [b"\n".join(client.retr(i + 1)[1]) for i in range(client.stat()[0])]
    client.quit()
    return found


def subjects(server, address=TAMA):
    return [next(line[9:].decode() for line in text.split(b"\n") if line.startswith(b"Subject: "))
            for text in messages(server, address)]
