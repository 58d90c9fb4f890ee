#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Makes a small state directory with a released program, and writes down what is in it.

usage: make_state.py PROGRAM NAME

PROGRAM is a hayauma of the release that the tests are to remember, run as root. Two files come of it
beside this script: NAME.tar.xz, the directory of a server that was stopped in order, and NAME.json,
what a reader of it has to find. They are made once for a release and never changed.

The mail waits on hold, so that it is there however many years later the test runs.
"""
import hashlib
import json
import pathlib
import poplib
import smtplib
import ssl
import subprocess
import sys
import tarfile
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
PASSWORD = "unmarked-barge-thicket-39"
OFFSET = 26000
TLS = ssl.create_default_context()  # the certificate is one that the server has signed itself
TLS.check_hostname, TLS.verify_mode = False, ssl.CERT_NONE
LONG_KEPT = """
ledger {
    keep 3650d
    size-max 10G
}
accounts {
    removed-keep 0s
}
"""


def message(subject, text, sender="Kiku <kiku@far.test>", fields=""):
    return (f"From: {sender}\r\nTo: tama@example.test\r\nSubject: {subject}\r\n"
            f"Date: Sun, 29 Nov 2026 09:00:00 +0900\r\nMessage-ID: <{subject}@far.test>\r\n{fields}\r\n"
            f"{text}").encode()


SMALL = message("small", "Good day.\r\n.\r\n..\r\n")
EIGHT_BIT = message("eight-bit", "早馬の手紙です。\r\n", fields="Content-Type: text/plain; charset=utf-8\r\n"
                    "Content-Transfer-Encoding: 8bit\r\n")
LARGE = message("large", "".join(f"line {number} of many\r\n" for number in range(20000)))


class Maker:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        self.run("init", folder, "--hostname", "mail.example.test", "--domain", "example.test",
                 "example.org", "--listen", "127.0.0.1", "--port-offset", OFFSET, "--dns",
                 "127.0.0.1:9", at=None)
        with open(folder / "hayauma.conf", "a") as settings:
            settings.write(LONG_KEPT)

    def run(self, *words, stdin="", at="state"):
        place = ["-C", self.folder] if at else []
        return subprocess.run([self.program, *map(str, [*place, *words])], input=stdin, text=True,
                              check=True, stdout=subprocess.PIPE).stdout

    def json(self, *words):
        return json.loads(self.run(*words, "--json"))

    def add(self, address, *words):
        self.run("account", "add", address, "--password-stdin", "--hash-cost", "min", *words,
                 stdin=PASSWORD + "\n")

    def start(self):
        self.process = subprocess.Popen([self.program, "-C", self.folder, "run"], text=True,
                                        stdout=subprocess.PIPE)
        assert self.process.stdout.readline() == "ready\n"

    def stop(self):
        self.process.terminate()
        assert self.process.wait(30) == 0

    def deliver(self, *recipients, data=SMALL, sender="kiku@far.test"):
        """A message from outside; its queue ID."""
        with smtplib.SMTP("127.0.0.1", 25 + OFFSET, local_hostname="far.test") as smtp:
            smtp.ehlo()
            assert smtp.mail(sender, ["BODY=8BITMIME"])[0] == 250
            for recipient in recipients:
                assert smtp.rcpt(recipient)[0] == 250
            code, text = smtp.data(data)
        assert code == 250, text
        return text.decode().split()[-1]

    def submit(self, user, *recipients, data):
        with smtplib.SMTP("127.0.0.1", 587 + OFFSET, local_hostname="client.test") as smtp:
            smtp.starttls(context=TLS)
            smtp.login(user, PASSWORD)
            assert smtp.mail(user)[0] == 250
            for recipient in recipients:
                assert smtp.rcpt(recipient)[0] == 250
            code, text = smtp.data(data)
        assert code == 250, text
        return text.decode().split()[-1]

    def pop3(self, user):
        wire = poplib.POP3("127.0.0.1", 110 + OFFSET)
        wire.stls(context=TLS)
        wire.user(user)
        wire.pass_(PASSWORD)
        return wire

    def mailbox(self, user):
        """[unique-id, SHA-256 of the bytes] of each message."""
        wire = self.pop3(user)
        found = []
        for line in wire.uidl()[1]:
            number, uidl = line.decode().split()
            lines = wire.retr(int(number))[1]
            found.append([uidl, hashlib.sha256(b"\r\n".join(lines) + b"\r\n").hexdigest()])
        wire.quit()
        return found

    def settle(self, wanted=0):
        """Until so many messages are in the queue, each tried once."""
        for _ in range(300):
            queued = self.json("queue", "list", "--long")
            if len(queued) == wanted and all(one["attempts"] > 0 for entry in queued
                                             for one in entry["waiting"]):
                return queued
            time.sleep(0.1)
        raise AssertionError(f"{len(queued)} messages in the queue, not {wanted}: {queued}")


def people(m):
    m.add("tama@example.test", "--name", "玉 たま")
    m.add("kobo@example.test")
    m.add("hanako@example.org")
    m.add("away@example.test")
    m.add("former@example.test")
    m.run("account", "admin", "tama@example.test", "yes")
    m.run("account", "quota", "hanako@example.org", "50M")
    m.run("account", "send-as", "kobo@example.test", "desk@example.test")
    m.run("alias", "add", "desk@example.test", "kobo@example.test", "tama@example.test")
    m.run("alias", "add", "far@example.test", "someone@elsewhere.test")
    m.run("domain", "add", "example.net", "--alias-of", "example.test")
    m.run("domain", "catch-all", "example.org", "hanako@example.org")


def mail(m):
    """What lies in mailboxes: small and large, expunged, moved by compaction."""
    for number in range(5):
        m.deliver("tama@example.test", data=message(f"number-{number}", "x\r\n" * number))
    m.deliver("tama@example.test", data=EIGHT_BIT)
    m.deliver("tama@example.test", data=LARGE)
    m.deliver("tama+notes@example.test", data=SMALL)
    m.deliver("desk@example.net", data=SMALL)
    m.deliver("nobody-in-particular@example.org", data=SMALL)
    m.deliver("former@example.test", "away@example.test", data=SMALL)
    for number in range(4):
        m.deliver("kobo@example.test", data=message(f"heavy-{number}", LARGE.decode()))
    m.settle()
    wire = m.pop3("tama@example.test")
    wire.dele(2)
    wire.dele(4)
    wire.quit()
    wire = m.pop3("kobo@example.test")
    for number in (2, 3, 4):
        wire.dele(number)
    wire.quit()
    m.deliver("kobo@example.test", data=message("behind-the-heavy", "y\r\n"))
    m.settle()


def queue(m):
    """What waits: put off, for several, large, on hold; and what an alias made."""
    ids = [m.submit("tama@example.test", "far@away.test", "kobo@example.test",
                    data=message("several", "z\r\n", "tama@example.test")),
           m.submit("kobo@example.test", "big@away.test",
                    data=message("big", LARGE.decode(), "kobo@example.test")),
           m.deliver("far@example.test", data=message("onward", "w\r\n"))]
    queued = m.settle(3)
    m.run("queue", "hold", *[entry["id"] for entry in queued])
    return ids


def main():
    program, name = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2]
    with tempfile.TemporaryDirectory() as top:
        folder = pathlib.Path(top) / "state"
        m = Maker(program, folder)
        people(m)
        m.start()
        try:
            found = fill(m)
        finally:
            m.stop()
        (HERE / f"{name}.json").write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
        with tarfile.open(HERE / f"{name}.tar.xz", "w:xz") as tar:
            tar.add(folder, "state")  # without sockets


def fill(m):
    """Everything that comes while the server runs; what there is in the end."""
    mail(m)
    ids = queue(m)
    m.run("account", "disable", "away@example.test")
    m.run("account", "remove", "former@example.test")
    return {
        "version": m.run("--version", at=None).strip(),
        "offset": OFFSET,
        "password": PASSWORD,
        "accounts": m.json("account", "list"),
        "aliases": m.json("alias", "list"),
        "domains": m.json("domain", "list"),
        "mailboxes": {user: m.mailbox(user) for user in
                      ("tama@example.test", "kobo@example.test", "hanako@example.org")},
        "queue": m.json("queue", "list", "--long"),
        "journeys": {one: len(m.json("journey", one)[0]["events"]) for one in ids},
    }


main()
