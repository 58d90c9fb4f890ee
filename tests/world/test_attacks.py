# SPDX-License-Identifier: ISC
"""What strangers try at the ports: to have mail sent on, to end a message early, to find out who
exists, to keep the server busy."""
import contextlib
import json
import threading
import time

import pytest

from network import wait_until
from wire import Closed, Imap, Pop3, Smtp
from world import MESSAGE


@pytest.fixture(scope="module")
def host(world):
    host = world.host("target", settings={"smtp.timeout": "20s", "login.delay-first": "50ms"})
    host.tama = host.account("tama")
    yield host
    world.remove(host)


def rcpt(host, path, parameters=""):
    with host.smtp() as wire:
        assert wire.code("MAIL FROM:<kiku@far.test>") == 250
        return wire.say(f"RCPT TO:{path}{parameters}".encode("utf-8", "surrogateescape"))


# What would have this host send on for a stranger, in all the spellings that were ever obeyed.
RELAYS = ["<kiku@far.test>", "<KIKU@FAR.TEST>", "<kiku@far.test.>", "<kiku%far.test@target.test>",
          "<@target.test:kiku@far.test>", '<"kiku@far.test"@target.test>', "<far.test!kiku@target.test>",
          "<kiku@far.test@target.test>", "<kiku@far.test%target.test>", "<far.test!kiku>",
          "<@far.test,@target.test:kiku@far.test>", "<kiku@[192.0.2.200]>", "<kiku@[IPv6:2001:db8::1]>",
          '<"kiku@far.test">', "<kiku%far.test>", "<target.test!kiku@far.test>",
          '<"kiku"@far.test>', "<kiku@far.test>@target.test", "<tama@target.test,kiku@far.test>",
          "<tama@target.test> <kiku@far.test>", "<kiku@far.test\t>", '<"kiku@far.test" @target.test>']


@pytest.mark.parametrize("path", RELAYS)
def test_nothing_is_sent_on_for_strangers(host, path):
    code, lines = rcpt(host, path)
    assert 500 <= code < 560, (path, code, lines)


def test_our_own_address_is_taken_in_any_spelling(host):
    for path in ("<TAMA@Target.TEST>", "<tama@target.test.>", '<"tama"@target.test>',
                 "<@far.test:tama@target.test>", f"<postmaster@[{host.address}]>"):
        code, lines = rcpt(host, path)
        assert code in (250, 550), (path, code, lines)
        if "postmaster" not in path:
            assert code == 250, (path, lines)


@pytest.mark.parametrize("path", ['<""@target.test>', "<>", "<@target.test>", "<tama@>", "<tama@.>",
                                  "<" + "x" * 300 + "@target.test>", "<tama@" + "x" * 300 + ".test>",
                                  "<\u732b@target.test>", "<\udcff\udcfe@target.test>", "<ta ma@target.test>",
                                  "<tama@target..test>", "<.tama.@target.test", "tama", "<a@b@c>"])
def test_odd_paths_get_a_definite_answer(host, path):
    """None of them leads to a mailbox, and the conversation goes on."""
    with host.smtp() as wire:
        assert wire.code("MAIL FROM:<kiku@far.test>") == 250
        code, lines = wire.say(f"RCPT TO:{path}".encode("utf-8", "surrogateescape"))
        assert 500 <= code < 560, (path, code, lines)
        assert wire.code("NOOP") == 250


ENDS = [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r.\r\n", b"\n.\r", b"\r\n.\r", b"\r\n\0.\r\n",
        b"\r\n.\0\r\n", b"\r\n.\r\r\n", b"\r\r\n.\r\r\n", b"\r\n\r.\r\n", b"\n\r.\n\r", b"\r\n .\r\n",
        b"\r\n..\r\n", b"\r\n.\t\r\n"]


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize("end", ENDS)
def test_nothing_but_crlf_dot_crlf_ends_a_message(host, end, apart):
    """What stands behind it is no second message, wherever the packets are cut."""
    user = host.account()
    data = MESSAGE + b"one" + end + (f"MAIL FROM:<evil@far.test>\r\nRCPT TO:<{user}>\r\nDATA\r\n"
                                    ).encode() + MESSAGE + b"\r\n.\r\n"
    with host.smtp() as wire:
        assert wire.code("MAIL FROM:<kiku@far.test>") == 250
        assert wire.code(f"RCPT TO:<{user}>") == 250
        assert wire.code("DATA") == 354
        cuts = [MESSAGE + b"one", *(end[at:at + 1] for at in range(len(end))),
                data[len(MESSAGE) + 3 + len(end):]] if apart else [data]
        for piece in cuts:
            wire.send(piece)
            time.sleep(0.002 if apart else 0)
        code, lines = wire.reply()
        assert code in (250, 550), lines
        assert wire.say("NOOP")[1] == ["2.0.0 OK"]  # the next reply is to the next command
    expected = 1 if code == 250 else 0
    if expected:
        host.wait_for_messages(user, expected)
    assert len(host.messages(user)) == expected


@pytest.mark.parametrize("command", ["XCLIENT ADDR=127.0.0.1", "XFORWARD NAME=x", "BURL imap://x",
                                     "ATRN far.test", "ETRN far.test", "TURN", "BDAT 10 LAST",
                                     "DEBUG", "WIZ", "SEND FROM:<x@far.test>"])
def test_commands_for_others_are_refused(host, command):
    with host.smtp() as wire:
        assert 500 <= wire.code(command) < 560
        assert wire.code("NOOP") == 250


def test_vrfy_tells_nothing(host):
    with host.smtp() as wire:
        assert wire.say(f"VRFY {host.tama}") == wire.say("VRFY nobody@target.test")
        assert wire.code(f"EXPN {host.tama}") == 502


def test_what_was_said_before_tls_is_forgotten(host):
    """RFC 3207 §4.2"""
    with host.smtp("submission") as wire:
        wire.starttls_bare = wire.code("STARTTLS")
        wire.tls()
        assert wire.code("MAIL FROM:<x@far.test>") in (503, 530)
        assert wire.code("AUTH PLAIN =") == 503


def test_addresses_are_not_harvested_without_end(host):
    """Each guess takes longer, and the conversation ends."""
    began = time.monotonic()
    with host.smtp() as wire:
        assert wire.code("MAIL FROM:<kiku@far.test>") == 250
        codes = []
        with contextlib.suppress(Closed, OSError):
            for n in range(50):
                codes.append(wire.code(f"RCPT TO:<guess{n}@target.test>"))
    assert codes.count(550) <= 10 and len(codes) <= 11, codes
    assert time.monotonic() - began > 0.4


def test_half_open_clients_leave_room_for_others(server):
    """A thousand that say one byte each: the others are served at once."""
    host = server("loris", settings={"smtp.connections-per-address": 2000, "smtp.timeout": "30s",
                                     "pop3.connections-per-address": 2000,
                                     "imap.connections-per-address": 2000})
    user, slow = host.account(), []
    try:
        for number in range(1000):
            kind, service = ((Smtp, "smtp"), (Pop3, "pop3"), (Imap, "imap"))[number % 3]
            slow.append(kind(host.address, host.ports[service]))
            slow[-1].send(b"N")
        began = time.monotonic()
        host.deliver(user)
        assert time.monotonic() - began < 3
        host.wait_for_messages(user)
    finally:
        for wire in slow:
            wire.close()


def test_a_client_that_is_refused_without_end_does_not_fill_the_event_log(server):
    """Events of others would make place for those; how many were left out is said."""
    host = server("flooded", settings={"smtp.error-delay": "0s"})
    user = host.account()
    refused = ("EHLO x\r\nMAIL FROM:<kiku@far.test>\r\n"
               + "".join(f"RCPT TO:<guess{n}@{host.domains[0]}>\r\n" for n in range(9)) + "QUIT\r\n")
    for _ in range(400):
        with host.smtp(greet=False) as wire:
            client = wire.socket.getsockname()[0]
            wire.send(refused)
            with contextlib.suppress(Closed):
                wire.until_closed()
    message = host.deliver(user)
    host.wait_for_messages(user)

    def events():
        lines = host.run("--json", "log", "--lines", "10000").splitlines()
        return [json.loads(line) for line in lines]
    told = wait_until(lambda: any("left out" in e["text"] for e in events()) and events(), 30, 0.5)
    assert 1000 <= sum(e["kind"] == "rejected" for e in told) < 2500  # there are two edges
    assert any(client in e["text"] for e in told if "left out" in e["text"])
    assert host.json("journey", message)


def test_a_mailbox_that_fills_while_messages_come_in_takes_no_more_than_it_holds(server):
    """Otherwise all that was begun in time gets its 250, and a bounce to a sender who may be forged."""
    host = server("filled", settings={"smtp.connections-per-address": 100})
    user, wires, codes = host.account(), [], []
    host.run("account", "quota", user, "1M")
    for _ in range(10):
        wires.append(host.smtp())
        assert wires[-1].code("MAIL FROM:<kiku@far.test>") == 250
        assert wires[-1].code(f"RCPT TO:<{user}>") == 250
        assert wires[-1].code("DATA") == 354
        wires[-1].send(MESSAGE + (b"y" * 70 + b"\r\n") * 2800)
    time.sleep(1)
    for wire in wires:
        codes.append(wire.code("."))
        wire.close()
        time.sleep(0.6)  # until the directory has heard of it
    assert codes.count(250) == 5 and codes.count(452) == 5, codes
    host.wait_until_settled()
    assert len(host.messages(user)) == 5


def test_small_messages_that_come_together_find_no_more_room_than_there_is(server):
    """None of them takes much of it, and all are judged before the first is in the mailbox."""
    host = server("crowded", settings={"smtp.connections-per-address": 100})
    user, codes = host.account(), []
    host.run("account", "quota", user, "1M")

    def send(wire):
        assert wire.code("MAIL FROM:<kiku@far.test>") == 250
        code = wire.code(f"RCPT TO:<{user}>")
        if code == 250:
            assert wire.code("DATA") == 354
            wire.send(MESSAGE + (b"y" * 70 + b"\r\n") * 800)
            code = wire.code(".")
        codes.append(code)
        wire.close()
    senders = [threading.Thread(target=send, args=(host.smtp(),)) for _ in range(60)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    host.wait_until_settled()
    stored = len(host.messages(user))
    assert 15 <= stored <= 18 and codes.count(250) == stored, (stored, codes)
    assert codes.count(452) == 60 - stored, codes
