# SPDX-License-Identifier: ISC
"""What clients make the edge keep has one bound; what is beyond it has to wait, the others go on,
and the system gets the memory back."""
import contextlib
import socket
import time

import pytest

from wire import Closed, Pop3, Smtp
from world import MESSAGE, wait_until

MIB = 1 << 20
ROUGH = {"workers.edge": 1, "smtp.connections-per-address": 2000,
         "submission.connections-per-address": 2000, "pop3.connections-per-address": 2000,
         "smtp.memory-max": "32M", "smtp.timeout": "60s", "smtp.stress-timeout": "60s"}


def memory(host, role="edge"):
    return sum(p["memory"] for p in host.processes() if p["role"] == role)


@pytest.fixture
def host(server):
    host = server("full", settings=ROUGH)
    host.run("domain", "catch-all", host.domains[0], host.account())
    return host


def recipients(host, first, count, original="x" * 480):
    return "".join(f"RCPT TO:<someone-with-a-long-name-{n}@{host.domains[0]}> "
                   f"ORCPT=rfc822;{original}\r\n" for n in range(first, first + count)).encode()


def fill(host, wires, each=2000, at_once=100):
    """Gives each connection its recipients; how often each code was said."""
    said = {}
    for wire in wires:
        assert wire.code("MAIL FROM:<kiku@far.test>") in (250, 452)
    for first in range(0, each, at_once):
        for wire in wires:
            with contextlib.suppress(OSError):
                wire.send(recipients(host, first, at_once))
        for wire in wires:
            with contextlib.suppress(Closed):
                for _ in range(at_once):
                    code = wire.reply(60)[0]
                    said[code] = said.get(code, 0) + 1
    return said


def test_recipients_of_a_hundred_connections_are_bounded(host):
    """100 connections with 2,000 RCPT each, half of them beyond the limit of recipients."""
    before = memory(host)
    wires = [host.smtp() for _ in range(100)]
    said = fill(host, wires, 1900)
    peak = memory(host) - before
    assert peak < 48 * MIB, f"{peak / MIB:.1f} MiB, {said}"
    assert said[250] > 10000 and said[452] > 100000
    code, lines = wires[0].say(recipients(host, 5000, 1).strip())
    assert code == 452 and lines[0].startswith("4.3.1"), lines
    with Smtp(host.address, host.ports["smtp"]) as late:
        code, lines = late.reply()
        assert code == 421 and lines[0].startswith("4.3.1"), lines
    user = host.account()
    with host.submission(user) as users:  # a fifth is kept for them
        users.accepted(user, [user], MESSAGE.replace(b"kiku@far.test", user.encode()))
    with host.pop3(user) as reader:
        assert reader.say("STAT").startswith("+OK")
    assert "smtp.memory-max allows this edge" in host.run("log")
    assert wires[1].code("RSET") == 250  # and there is room again
    assert wires[1].hand_over("kiku@far.test", [user], MESSAGE)[0] == 250
    for wire in wires:
        wire.close()
    wait_until(lambda: memory(host) - before < 8 * MIB, 20, 0.2,
               lambda: f"{(memory(host) - before) / MIB:.1f} MiB are kept")


@pytest.mark.quiet
def test_a_full_server_lets_readers_wait(server):
    host = server("readers", settings=ROUGH | {"smtp.memory-max": "4M"})
    host.run("domain", "catch-all", host.domains[0], host.account())
    user = host.account()
    with contextlib.ExitStack() as open_ones:
        codes = [fill_users(host, user, open_ones.enter_context(host.submission(user)))
                 for _ in range(4)]
        assert codes[0] == 250 and codes[-1] == 452, codes
        with Pop3(host.address, host.ports["pop3"]) as reader:
            said = reader.line()
            assert said.startswith(b"-ERR [SYS/TEMP] the server is short of memory"), said
            reader.until_closed(5)
    # the server learns a moment later that those who filled it have gone
    wait_until(lambda: readers_are_greeted(host), 10, 0.1, lambda: "readers are still refused")


def readers_are_greeted(host):
    with Pop3(host.address, host.ports["pop3"]) as reader:
        return reader.line().startswith(b"+OK")


def fill_users(host, user, wire):
    assert wire.code(f"MAIL FROM:<{user}>") == 250
    code = 250
    for first in range(0, 1000, 50):
        wire.send(recipients(host, first, 50))
        for _ in range(50):
            code = wire.reply()[0]
    return code


def test_a_message_to_very_many_with_long_originals_is_taken(host):
    """Recipients and message together are larger than a call between processes may be."""
    host.account("many%d", "--count", "900")
    with host.smtp() as wire:
        assert wire.code("MAIL FROM:<kiku@far.test>") == 250
        for n in range(900):
            original = "+41" * 150
            code, lines = wire.say(f"RCPT TO:<many{n}@{host.domains[0]}> ORCPT=rfc822;{original}")
            assert code == 250, (n, lines)
        code, lines = wire.message(MESSAGE + (b"y" * 900 + b"\r\n") * 250)
        assert code == 250, lines
    host.wait_until_settled(60)


def records(host):
    return sum(file.stat().st_size for file in (host.folder / "events").iterdir())


def test_a_group_is_kept_once_however_often_it_is_named(host):
    """A thousand details of one alias lead to the same five hundred mailboxes."""
    domain = host.domains[0]
    host.account("one%d", "--count", "500")
    member = host.account("member")
    host.run("alias", "add", f"all@{domain}", member,
             *[f"one{n}@{domain}" for n in range(1, 501)])
    before, known = memory(host, "queue"), records(host)
    with host.smtp() as wire:
        wire.accepted("kiku@far.test", [f"all+{n}@{domain}" for n in range(1000)], MESSAGE)
    host.wait_until_settled(60)
    assert memory(host, "queue") - before < 16 * MIB
    assert len(host.messages(member)) == 1
    host.stop()  # all events are written
    assert records(host) - known < 3 * MIB  # others' journeys have to have room, too
    host.start()


def test_clients_that_read_no_replies_are_bounded(host):
    before = memory(host)
    wires = []
    for _ in range(200):
        one = socket.socket()
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        one.connect((host.address, host.ports["smtp"]))
        one.settimeout(0.2)
        with contextlib.suppress(OSError):
            one.sendall(b"EHLO c.test\r\n" + b"HELP\r\n" * 30)
        wires.append(one)
    time.sleep(1)
    assert memory(host) - before < 40 * MIB
    for one in wires:
        one.close()
