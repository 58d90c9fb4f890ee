# SPDX-License-Identifier: ISC
"""What leaves in our name verifies at dkimpy, Mail::DKIM, mailauth and rspamd; what is not ours leaves as it
came."""
import json
import pathlib
import re
import smtplib
import socket
import ssl
import subprocess
import threading
import time

import dkim
import pytest
from fake_dns import FakeDns
from namespaces import enter_own_network
from server import PASSWORD, Server
from signers import rspamd
from stub_dns import StubDns

HERE = pathlib.Path(__file__).parent
TOP = HERE.parents[1]
BASE = {"mail.example.test A": ["192.0.2.1"], "outside.test MX": ["10 mx.outside.test"]}
TAMA = "tama@example.test"
STRANGER = "192.0.2.77"


class Host:
    """Another host, at which all mail from here arrives; nobody is `bad` there."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.got = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(client,), daemon=True).start()

    def _talk(self, client):
        lines, sender, recipients = client.makefile("rb"), b"", []
        client.sendall(b"220 mx.outside.test\r\n")
        for line in lines:
            verb = line[:4].upper()
            if verb == b"MAIL":
                sender, recipients = line, []
            if verb == b"RCPT" and b"<bad@" in line:
                client.sendall(b"550 5.1.1 nobody\r\n")
                continue
            if verb == b"RCPT":
                recipients.append(line)
            if verb == b"DATA":
                client.sendall(b"354 go on\r\n")
                text = b""
                for one in lines:
                    if one == b".\r\n":
                        break
                    text += one[1:] if one.startswith(b".") else one
                self.got.append((sender, recipients, text))
            client.sendall(b"250 mx.outside.test\r\n" if verb != b"QUIT" else b"221 bye\r\n")
            if verb == b"QUIT":
                break
        client.close()

    def wait(self, count=1):
        until = time.monotonic() + 30
        while len(self.got) < count:
            assert time.monotonic() < until, self.got
            time.sleep(0.1)
        return self.got[count - 1]


@pytest.fixture(scope="module", autouse=True)
def own_network():
    """With an address beside loopback, from which nothing is judged."""
    enter_own_network()
    subprocess.run(["ip", "address", "add", f"{STRANGER}/32", "dev", "lo"], check=True)


@pytest.fixture
def post(tmp_path):
    """A server whose mail goes to a host of the test; post.publish(domain) shows its keys in DNS."""
    server = Server(tmp_path / "post")
    server.host = Host()
    with FakeDns(dict(BASE)) as dns:
        text = server.settings.read_text().replace("127.0.0.1:9", dns.address)
        text = text.replace("listen 127.0.0.1", f"listen 127.0.0.1 {STRANGER}")
        server.settings.write_text(
            text + f"relay {{\n    smart-host 127.0.0.1:{server.host.port}\n}}\n")
        server.add(TAMA)
        server("alias", "add", "away@example.test", "friend@outside.test")
        server("alias", "add", "lost@example.test", "bad@outside.test")
        server.start()
        server.records = {}

        def publish(*domains):
            for domain in domains:
                until, keys = time.monotonic() + 30, []
                while len(keys) < 2:
                    assert time.monotonic() < until, "no keys"
                    keys = [one for one in server.json("dns", domain, "--no-check")
                            if one["purpose"] == "dkim" and one["of"] == domain]
                for one in keys:
                    server.records[one["name"]] = one["value"]
                    dns.records[f"{one['name']} TXT"] = [one["value"]]
                    dns.names.add(one["name"])
        server.publish = publish
        yield server
        server.stop()


def submit(post, text, to="a@outside.test", sender=TAMA):
    with smtplib.SMTP("127.0.0.1", post.port(587), timeout=30) as client:
        client.starttls(context=ssl._create_unverified_context())
        client.login(TAMA, PASSWORD)
        client.sendmail(sender, [to], text)


def receive(post, to, sender="kiku@outside.test", author="kiku@outside.test", place="127.0.0.1"):
    with smtplib.SMTP(place, post.port(25), timeout=30) as client:
        client.sendmail(sender, [to], f"From: {author}\r\nSubject: hello\r\n\r\nText\r\n")


def by_dkimpy(post, message):
    """[(d=, algorithm, whether it verifies)] of all signatures."""
    records = {f"{name}.".encode(): text.encode() for name, text in post.records.items()}
    told = []
    for number in range(message.count(b"DKIM-Signature:")):
        one = dkim.DKIM(message)
        passed = one.verify(idx=number, dnsfunc=lambda name, timeout=5: records[name])
        told.append((one.signature_fields[b"d"].decode(), one.signature_fields[b"a"].decode(), passed))
    return told


def by_mail_dkim(post, message):
    asked = {"records": {f"{name} TXT": [[text]] for name, text in post.records.items()},
             "asked": [message.decode("latin-1")]}
    done = subprocess.run(["perl", HERE / "mail_dkim.pl", "verify"], check=True, capture_output=True,
                          input=json.dumps(asked).encode())
    return json.loads(done.stdout)[0]["dkim"]


def by_mailauth(post, message):
    asked = {"records": {f"{name} TXT": [[text]] for name, text in post.records.items()},
             "asked": [{"message": message.decode("latin-1"), "client": "192.0.2.1", "mail_from": TAMA,
                        "helo": "mail.example.test"}]}
    done = subprocess.run(["node", HERE / "mailauth.mjs", "all"], check=True, capture_output=True, cwd=TOP,
                          input=json.dumps(asked).encode())
    return json.loads(done.stdout)[0]["dkim"]


def by_rspamd(post, message, folder):
    """The domains of whose signatures it says that they are right, and those of whose it does not."""
    with StubDns({f"{name} TXT": [[text]] for name, text in post.records.items()}) as dns, \
            rspamd(folder, "", dns.address) as ask:
        symbols = ask(message, "192.0.2.1")["symbols"]
    return [[option.partition(":")[0] for option in symbols.get(name, {}).get("options", [])]
            for name in ("R_DKIM_ALLOW", "R_DKIM_REJECT")]


BOTH = ["rsa-sha256", "ed25519-sha256"]


def test_a_users_message_bears_both_signatures(post):
    post.publish("example.test")
    submit(post, f"From: Tama <{TAMA}>\r\nTo: a@outside.test\r\nSubject: hello\r\n\r\n"
                 ".dots\r\n..\r\n\r\ntrailing  blanks \t\r\n\r\n\r\n")
    _, _, message = post.host.wait()
    assert by_dkimpy(post, message) == [("example.test", kind, True) for kind in BOTH]
    signed = re.sub(rb"\s+", b"", message[:message.index(b"b=")])
    assert b"h=From:From:To:To:Subject:Subject:" in signed and b";l=" not in signed
    made, ends = (int(re.search(rb"%b=(\d+)" % tag, signed)[1]) for tag in (b"t", b"x"))
    assert ends - made == 7 * 86400  # above the life of the queue


def test_other_programs_find_both_signatures_right(post, tmp_path):
    post.publish("example.test")
    submit(post, f"From: Tama <{TAMA}>\r\nTo: a@outside.test\r\nSubject: hello\r\n\r\nText \r\n\r\n")
    _, _, message = post.host.wait()
    assert by_mail_dkim(post, message)[0] == "pass"  # it does not know the other one, Ed25519
    assert by_mailauth(post, message) == ["pass", "pass"]
    assert by_rspamd(post, message, tmp_path) == [["example.test", "example.test"], []]
    assert by_rspamd(post, message.replace(b"hello", b"hallo"), tmp_path)[0] == []


def test_a_large_message_of_8_bit_bytes_in_a_file_is_signed(post):
    post.publish("example.test")
    line = "早馬 " * 20 + "\r\n"
    submit(post, (f"From: Tama <{TAMA}>\r\nSubject: large\r\nContent-Type: text/plain; charset=utf-8"
                  "\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + line * 12000).encode())
    _, _, message = post.host.wait()
    assert len(message) > 1000000
    assert by_dkimpy(post, message) == [("example.test", kind, True) for kind in BOTH]


def test_before_dns_shows_a_key_nothing_is_signed_and_the_log_says_so_once(post):
    for number in (1, 2):
        submit(post, f"From: Tama <{TAMA}>\r\nSubject: hello\r\n\r\nText\r\n")
        _, _, message = post.host.wait(number)
        assert b"DKIM-Signature" not in message
    assert post("log").stdout.count("leave without a DKIM signature") <= 2  # scan processes


def test_a_bounce_bears_the_signature_of_the_hosts_name_and_what_was_forwarded_none(post):
    post.publish("example.test", "mail.example.test")
    receive(post, "lost@example.test")
    sender, recipients, report = post.host.wait()
    assert b"FROM:<>" in sender and b"kiku@outside.test" in recipients[0]
    assert by_dkimpy(post, report) == [("mail.example.test", kind, True) for kind in BOTH]
    assert by_mail_dkim(post, report)[0] == "pass"


def test_a_strangers_message_with_our_name_in_it_is_not_signed(post):
    """The alias sends on what anybody has sent: a signature would vouch for him."""
    post.publish("example.test")
    receive(post, "away@example.test", author=TAMA)
    _, _, message = post.host.wait()
    assert b"DKIM-Signature" not in message


def test_what_users_send_waits_for_a_scan_process_that_was_killed_and_is_signed(post):
    post.publish("example.test")
    pids = [str(one["pid"]) for one in post.json("status")["processes"] if one["role"] == "scan"]
    subprocess.run(["kill", "-KILL", *pids], check=True)
    submit(post, f"From: Tama <{TAMA}>\r\nSubject: hello\r\n\r\nText\r\n")
    _, _, message = post.host.wait()
    assert by_dkimpy(post, message) == [("example.test", kind, True) for kind in BOTH]


def test_what_an_alias_sends_on_bounces_back_to_its_sender(post):
    """The reverse-path is ours (SRS); a report to it goes to him who has sent the message."""
    receive(post, "away@example.test")
    sender, _, _ = post.host.wait()
    path = re.match(rb"MAIL FROM:<(SRS0=[a-z2-7]{6}=[a-z2-7]{2}=outside.test=kiku@mail.example.test)>",
                    sender)[1].decode()
    with smtplib.SMTP("127.0.0.1", post.port(25), timeout=30) as client:
        client.helo("mx.outside.test")
        client.mail("someone@outside.test")
        assert client.rcpt(path) == (550, b"5.7.1 To this address only reports come back")
        client.rset()
        client.mail("")
        assert client.rcpt(path.replace("=kiku", "=hana"))[0] == 550
        assert client.rcpt(path.lower())[0] == 250
        client.data("Subject: failed\r\n\r\nIt failed.\r\n")
    sender, recipients, report = post.host.wait(2)
    assert b"FROM:<>" in sender and b"<kiku@outside.test>" in recipients[0] and b"It failed." in report


def test_a_users_message_through_an_alias_keeps_its_sender(post):
    submit(post, f"From: Tama <{TAMA}>\r\nSubject: hello\r\n\r\nText\r\n", to="away@example.test")
    assert b"FROM:<tama@example.test>" in post.host.wait()[0]


def test_what_an_alias_sends_on_is_sealed_with_what_was_found_of_it(post):
    """RFC 8617: the set of the host's name; the message below it is as it came."""
    post.publish("mail.example.test")
    receive(post, "away@example.test", place=STRANGER)
    _, _, message = post.host.wait()
    assert b"DKIM-Signature" not in message
    assert re.search(rb"ARC-Authentication-Results: i=1; ?\s*mail.example.test;", message), message
    asked = {"records": {f"{name} TXT": [[text]] for name, text in post.records.items()},
             "asked": [message.decode("latin-1")]}
    done = subprocess.run(["perl", HERE / "mail_dkim.pl", "verify"], check=True, capture_output=True,
                          input=json.dumps(asked).encode())
    assert json.loads(done.stdout)[0]["arc"] == "pass"
    records = {f"{name}.".encode(): text.encode() for name, text in post.records.items()}
    assert dkim.arc_verify(message, dnsfunc=lambda name, timeout=5: records[name])[0] == b"pass"
