# SPDX-License-Identifier: ISC
"""Messages of strangers, judged before they are taken: what comes of each, who is told what, and that
nothing is lost or waits for others when name servers and processes fail."""
import contextlib
import os
import re
import subprocess
import threading
import time

import pytest

from fake_dns import FakeDns
from wire import Closed
from world import PROGRAM, kill, wait_until

PORT = 5453
RECORDS = {
    "good.test TXT": ["v=spf1 ip4:192.0.2.0/24 -all"],
    "_dmarc.good.test TXT": ["v=DMARC1; p=reject"],
    "strict.test TXT": ["v=spf1 -all"],
    "_dmarc.strict.test TXT": ["v=DMARC1; p=reject"],
    "careful.test TXT": ["v=spf1 -all"],
    "_dmarc.careful.test TXT": ["v=DMARC1; p=quarantine"],
    "free.test TXT": ["v=spf1 -all"],
    "_dmarc.free.test TXT": ["v=DMARC1; p=none"],
    "twice.test TXT": ["v=spf1 -all", "v=spf1 +all"],
    "_dmarc.twice.test TXT": ["v=DMARC1; p=reject", "v=DMARC1; p=none"],
    "loop.test TXT": ["v=spf1 include:loop.test -all"],
    "wide.test TXT": ["v=spf1 " + "a " * 200 + "-all"],
    "macro.test TXT": ["v=spf1 exists:" + "%{l}" * 60 + ".macro.test -all"],
    "fresh.test TXT": ["v=spf1 ip4:192.0.2.0/24 -all"],
    "_dmarc.fresh.test TXT": ["v=DMARC1; p=reject"],
    "slow.test TXT": ["v=spf1 -all"],
    "_dmarc.slow.test TXT": ["v=DMARC1; p=reject"],
}
FIELD = re.compile(rb"(?m)^Authentication-Results: ([^\r\n]*(?:\r\n\t[^\r\n]*)*)")
BODY = b"Subject: judged\r\n\r\nGood day.\r\n"


class Names(FakeDns):
    """The same, on an address of the network; some names have no answer."""

    def __init__(self, address, port):
        self.silent, self.asked = set(), []
        super().__init__(RECORDS, (address, port))
        self.address, self.port = address, port

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                question, client = self.socket.recvfrom(4096)
                name = ".".join(label.decode("latin-1") for label in labels_of(question)).lower()
                self.asked.append(name)
                if not any(name.endswith(one) for one in self.silent):
                    self.socket.sendto(self._answer(question), client)


def labels_of(question):
    at = 12
    while question[at]:
        yield question[at + 1:at + 1 + question[at]]
        at += 1 + question[at]


@pytest.fixture(scope="module")
def names(world):
    with Names(world.network.here, PORT + world.network.offset) as served:
        yield served


@pytest.fixture(scope="module")
def host(world, names):
    if os.geteuid() != 0:
        pytest.skip("without a network of its own all clients are this machine itself")
    host = world.host("judging", dns=names)
    yield host
    world.remove(host)


def say(host, user, author, sender=None, body=BODY, helo="client.test"):
    """(code, text) of what is answered to a message."""
    with host.smtp() as wire:
        wire.say(f"EHLO {helo}")
        assert wire.code(f"MAIL FROM:<{sender or author}>") == 250
        assert wire.code(f"RCPT TO:<{user}>") == 250
        assert wire.code("DATA") == 354
        wire.send(b"From: " + author.encode() + b"\r\n" + body)
        code, lines = wire.say(".", 90)
        return code, " ".join(lines)


# ---------------------------------------------------------------- what comes of each

def test_rfc9989_reject_is_said_with_the_domain(host):
    user = host.account()
    code, text = say(host, user, "ceo@strict.test")
    assert code == 550 and "5.7.1" in text and "strict.test" in text
    host.wait_until_settled()
    assert host.messages(user) == []


def test_rfc8601_4_one_field_on_top_and_the_forged_one_is_gone(host):
    user = host.account()
    forged = b"Authentication-Results: " + host.hostname.encode() + b"; dmarc=pass header.from=x.test\r\n"
    code, _ = say(host, user, "a@good.test", body=forged + BODY)
    assert code == 250
    message, = host.wait_for_messages(user)
    fields = FIELD.findall(message)
    assert len(fields) == 1 and fields[0].startswith(host.hostname.encode() + b";")
    assert b"spf=pass smtp.mailfrom=a@good.test" in fields[0]
    assert b"dmarc=pass header.from=good.test" in fields[0] and b"x.test" not in fields[0]
    assert message.index(b"Authentication-Results") < message.index(b"Received:")


def test_quarantine_goes_into_the_mailbox_for_junk(host):
    user = host.account()
    code, _ = say(host, user, "a@careful.test")
    assert code == 250
    host.wait_until_settled()
    with host.imap(user) as wire:
        _, _, lines = wire.say('STATUS Junk (MESSAGES)')
        assert any("MESSAGES 1" in str(line) for line in lines), lines
    assert host.messages(user) == []


def test_who_reads_by_pop3_alone_finds_it_marked(host):
    user = host.account()
    assert host.messages(user) == []  # that is how he reads
    code, _ = say(host, user, "a@careful.test")
    assert code == 250
    message, = host.wait_for_messages(user)
    assert b"\r\nX-Spam-Flag: YES\r\n" in message


def test_a_verdict_outlives_the_processes_and_goes_along_with_an_alias(host):
    user = host.account()
    host.run("alias", "add", f"all@{host.domains[0]}", user)
    kill(host.pids("mail")[0])
    kill(host.pids("mail")[-1])
    code, _ = say(host, f"all@{host.domains[0]}", "a@careful.test")
    assert code == 250
    host.restart()
    host.wait_until_settled(40)
    with host.imap(user) as wire:
        _, _, lines = wire.say('STATUS Junk (MESSAGES)')
        assert any("MESSAGES 1" in str(line) for line in lines), lines


@pytest.mark.parametrize("author, code", [
    ("a@free.test", 250), ("a@nowhere.test", 250), ("a@loop.test", 250), ("a@wide.test", 250),
    ("a@twice.test", 250), ("a@test", 250), ("a@macro.test", 250),
    ("a@good.test\r\nFrom: b@strict.test", 550), ("a@good.test, b@strict.test", 550),
    ("ceo@strict.test <a@good.test>", 250), ("nobody:;", 250), ("", 250),
])
def test_authors_of_every_kind(host, author, code):
    got, text = say(host, host.account(), author, sender="a@good.test")
    assert got == code, text


def test_fifty_signatures_and_a_key_that_is_none(host, names):
    names.records["s._domainkey.good.test TXT"] = ["p=" + "A" * 400]
    names.names.add("s._domainkey.good.test")
    signature = (b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=good.test; s=s;\r\n"
                 b"\th=from:subject; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA\r\n")
    user = host.account()
    code, text = say(host, user, "a@good.test", body=signature * 50 + BODY)
    assert code == 250, text
    message, = host.wait_for_messages(user)
    assert message.count(b"dkim=") == 8


def test_words_of_strangers_are_no_results(host):
    """RFC 8601 §2.2."""
    user = host.account()
    code, text = say(host, user, "a@free.test", sender='"a) dmarc=pass (b"@evil.test')
    assert code == 250, text
    message, = host.wait_for_messages(user)
    field, = FIELD.findall(message)
    assert b"dmarc=pass" not in field and b"smtp.mailfrom=evil.test" in field


# ---------------------------------------------------------------- DNS that is slow

def test_slow_names_delay_their_messages_only(host, names):
    user, slow = host.account(), []
    names.silent.add("slow.test")

    def send():
        slow.append(say(host, user, "a@slow.test"))
    waiting = [threading.Thread(target=send) for _ in range(12)]  # of 20 connections from one address
    try:
        for one in waiting:
            one.start()
        wait_until(lambda: any(name.endswith("slow.test") for name in names.asked))
        began = time.monotonic()
        assert say(host, user, "a@good.test")[0] == 250
        assert time.monotonic() - began < 5 and not slow
        for one in waiting:
            one.join()
    finally:
        names.silent.clear()
    assert len(slow) == len(waiting)
    for code, text in slow:
        assert code == 451 and "slow.test" in text, text
    assert len(host.wait_for_messages(user)) == 1


def test_a_name_server_that_was_silent_for_some_names_is_asked_for_others(host, names):
    """It finds everything for us, and can say nothing of names whose own servers are silent."""
    user = host.account()
    names.silent.add("slow.test")
    try:
        assert say(host, user, "a@other.slow.test")[0] == 451
    finally:
        names.silent.clear()
    code, text = say(host, user, "a@fresh.test")  # of which nothing is known yet
    assert code == 250, text


def memory(host):
    return sum(process["memory"] for process in host.processes()
               if process["role"] in ("edge", "scan", "resolver"))


def test_a_message_that_waits_for_dns_takes_less_than_64_kib(world, names, server):
    """In all processes together, beside its connection; of 4 KB each."""
    if os.geteuid() != 0:
        pytest.skip("without a network of its own all clients are this machine itself")
    host = server("waiting", dns=names, settings={"smtp.connections-per-address": "1000"})
    user, count, lines = host.account(), 300, BODY + b"0123456789abcdef0123456789abcde\r\n" * 120
    assert say(host, user, "a@good.test", body=lines)[0] == 250
    names.silent.add("slow.test")
    try:
        with contextlib.ExitStack() as stack:
            wires = [stack.enter_context(host.smtp()) for _ in range(count)]
            for number, wire in enumerate(wires):
                wire.say("EHLO client.test")
                for command in (f"MAIL FROM:<a@x{number}.slow.test>", f"RCPT TO:<{user}>", "DATA"):
                    assert wire.code(command) < 400
            before = memory(host)
            for number, wire in enumerate(wires):
                wire.send(b"From: a@x%d.slow.test\r\n" % number + lines + b".\r\n")
            wait_until(lambda: sum(process["sessions"] for process in host.processes()
                                   if process["role"] == "scan") == count)
            assert (memory(host) - before) / count < 64 * 1024
    finally:
        names.silent.clear()


# ---------------------------------------------------------------- processes that die

def test_a_scan_process_that_dies_loses_and_doubles_nothing(host):
    user, taken, killed = host.account(), [], 0

    def send(number):
        """Until it is taken: 0 stands for a connection that was lost."""
        code = 0
        while code != 250:
            with contextlib.suppress(Closed, OSError):
                code, _ = say(host, user, "a@good.test", body=b"Subject: %d\r\n\r\nx\r\n" % number)
                assert code in (250, 451)
        taken.append(number)

    def send_some(first):
        for number in range(first, first + 10):
            send(number)
    senders = [threading.Thread(target=send_some, args=(first,)) for first in range(0, 60, 10)]
    for one in senders:
        one.start()
    while any(one.is_alive() for one in senders):
        for pid in [pid for pid in host.pids("scan") if pid > 0][:1]:  # 0: is being started again
            with contextlib.suppress(ProcessLookupError):
                kill(pid)
                killed += 1
        time.sleep(0.2)
    assert killed > 0 and sorted(taken) == list(range(60))
    subjects = sorted(int(re.search(rb"Subject: (\d+)", message).group(1))
                      for message in host.wait_for_messages(user, 60, 40))
    assert subjects == list(range(60))


# ---------------------------------------------------------------- the journey

def journey(host, words, language):
    done = subprocess.run([PROGRAM, "-C", host.folder, "journey", words], text=True, check=False,
                          capture_output=True, env={**os.environ, "LC_ALL": language})
    return " ".join(done.stdout.split())


def test_the_journey_says_why(host):
    user = host.account()
    wait_until(lambda: say(host, user, "boss@strict.test")[0] == 550, 30)
    wait_until(lambda: "p=reject" in journey(host, "boss@strict.test", "C"),
               why=lambda: journey(host, "boss@strict.test", "C"))
    english = journey(host, "boss@strict.test", "C")
    assert "dmarc=fail): refused; reason: its author's domain wants such messages refused" in english
    assert "record: v=spf1 -all" in english and "decided by: -all" in english
    japanese = journey(host, "boss@strict.test", "ja_JP.UTF-8")
    assert "送信元を判定した結果" in japanese and "決め手: -all" in japanese
