# SPDX-License-Identifier: ISC
"""Clients that break the rules, on each port: they get the reply of the RFC or are let go, within
bounded time and memory, and others are served meanwhile."""
import base64
import contextlib
import ipaddress
import random
import resource
import socket
import time

import pytest

from wire import Closed, Imap, Pop3, Smtp
from world import MESSAGE, strip_trace, wait_until

SERVICES = ["smtp", "submission", "submissions", "pop3", "pop3s", "imap", "imaps"]
CLEAR = ["smtp", "submission", "pop3", "imap"]
MIB = 1 << 20
SETTINGS = {
    "smtp.connections-per-address": 20000, "submission.connections-per-address": 20000,
    "pop3.connections-per-address": 20000, "smtp.connections-max": 20000,
    "pop3.connections-max": 20000, "imap.connections-per-address": 20000,
    "imap.connections-max": 20000, "smtp.timeout": "3s", "smtp.stress-timeout": "2s",
    "smtp.login-timeout": "2s",
    "pop3.login-timeout": "2s", "imap.login-timeout": "2s", "smtp.message-size-max": "1M", "smtp.recipients-max": 100,
}


@pytest.fixture(scope="module")
def host(world):
    """A host for rough treatment, with short patience."""
    host = world.host("rough", settings=SETTINGS)
    yield host
    world.remove(host)


@pytest.fixture(autouse=True)
def still_serving(host):
    """After each test no process has died, and a message passes."""
    yield
    assert [p["role"] for p in host.processes() if p["restarts"]] == []
    user = host.account()
    host.deliver(user)
    host.wait_for_messages(user)


def connect(host, service):
    """A connection that has its TLS, if the port begins with it, and the greeting."""
    kind = {"pop3": Pop3, "imap": Imap}.get(service[:4], Smtp)
    wire = kind(host.address, host.ports[service])
    if service.endswith("s"):
        wire.tls()
    if kind is not Smtp:
        return wire.greeted()
    assert wire.reply()[0] == 220
    return wire


def memory(host, role):
    return sum(p["memory"] for p in host.processes() if p["role"] == role)


def is_refusal(line):
    return line.startswith((b"5", b"421", b"-ERR", b"* BYE")) or line.split(b" ")[1:2] == [b"BAD"]


def repr_short(value):
    return ascii(value)[:30]


# ---------------------------------------------------------------- bytes without sense


@pytest.mark.parametrize("service", SERVICES)
def test_garbage_is_answered_with_errors_and_then_the_end(host, service):
    garbage = random.Random(5321).randbytes(MIB).replace(b"\r\n", b"\r.")
    lines = b"\r\n".join(garbage[at:at + 700] for at in range(0, len(garbage), 700))
    with connect(host, service) as wire:
        with contextlib.suppress(OSError):
            wire.send(lines)
        said = wire.until_closed(15).split(b"\r\n")
    assert all(is_refusal(line) for line in said if line), said[:5]


@pytest.mark.parametrize("service", ["submissions", "pop3s", "imaps"])
def test_garbage_instead_of_tls_ends_the_connection(host, service):
    for garbage in (b"\x16\x03\x01" + b"\xff" * 3000, b"EHLO client.test\r\n" * 100, b"\0" * 10000):
        with Smtp(host.address, host.ports[service]) as wire:
            with contextlib.suppress(OSError):
                wire.send(garbage)
            assert len(wire.until_closed(5)) < 100


@pytest.mark.parametrize("service", SERVICES)
def test_endless_line_ends_the_connection(host, service):
    before = memory(host, "edge")
    with connect(host, service) as wire:
        with contextlib.suppress(OSError):
            for _ in range(64):
                wire.send(b"x" * MIB)
        said = wire.until_closed(15)
    assert said == b"" or is_refusal(said)
    assert memory(host, "edge") - before < 8 * MIB


@pytest.mark.parametrize("service", SERVICES)
def test_long_line_is_refused_and_the_next_command_is_taken(host, service):
    with connect(host, service) as wire:
        if isinstance(wire, Smtp):
            assert wire.code(b"NOOP " + b"x" * 5000) == 500
            assert wire.code("NOOP") == 250
        elif isinstance(wire, Imap):
            assert wire.say(b"NOOP " + b"x" * 9000)[0] == "BAD"
            wire.ok("NOOP")
        else:
            assert wire.say(b"USER " + b"x" * 5000).startswith("-ERR")
            with contextlib.suppress(Closed):
                assert wire.say("CAPA").startswith("+OK")


@pytest.mark.parametrize("command", [b"MAIL FROM:<a\0b@far.test>", b"NO\0OP", b"EHLO \0",
                                     b"MAIL FROM:<\xe9@far.test>", b"RCPT TO:<\xff\xfe@far.test>"])
def test_nul_and_eight_bit_bytes_in_commands(host, command):
    with host.smtp() as wire:
        code, _ = wire.say(command)
        assert 500 <= code < 560
        assert wire.code("NOOP") == 250


@pytest.mark.parametrize("end", [b"\n", b"\r"])
def test_bare_cr_or_lf_does_not_end_a_command(host, end):
    """RFC 5321 §2.3.8: only CRLF does; what stands behind a bare one is never a command."""
    with host.smtp() as wire:
        assert wire.code(b"NOOP" + end + b"QUIT") == 500
        if end == b"\n":
            assert wire.reply()[0] == 500
        assert wire.code("NOOP") == 250


BAD_MESSAGES = {
    "bare-lf": MESSAGE + b"one\ntwo\r\n",
    "bare-cr": MESSAGE + b"one\rtwo\r\n",
    "nul": MESSAGE + b"one\0two\r\n",
    "lf-dot-lf": MESSAGE + b"one\n.\nMAIL FROM:<evil@far.test>\r\n",
    "lf-dot-crlf": MESSAGE + b"one\n.\r\nMAIL FROM:<evil@far.test>\r\n",
    "cr-dot-cr": MESSAGE + b"one\r.\rMAIL FROM:<evil@far.test>\r\n",
    "crlf-dot-lf": MESSAGE + b"one\r\n.\nMAIL FROM:<evil@far.test>\r\n",
    "long-line": MESSAGE + b"x" * 9000 + b"\r\n",
}


@pytest.mark.parametrize("name", BAD_MESSAGES)
def test_message_with_wrong_bytes_is_refused_whole(host, name):
    """No part of it is taken for commands (SMTP smuggling)."""
    user = host.account()
    with host.smtp() as wire:
        code, lines = wire.hand_over("kiku@far.test", [user], BAD_MESSAGES[name])
        assert code == 550 and lines[0].startswith("5.6.0"), lines
        assert wire.code("NOOP") == 250
        assert wire.rest == b""
    assert host.messages(user) == []


# ---------------------------------------------------------------- wrong order and timing


@pytest.mark.parametrize("service", SERVICES)
def test_half_closed_client_gets_all_its_answers(host, service):
    commands, last = {
        "pop3": (["CAPA", "USER x"], b"-ERR" if service == "pop3" else b"+OK now"),
        "imap": (["a CAPABILITY", "b NOOP", "c NONSENSE"], b"c BAD "),
    }.get(service[:4], (["EHLO client.test", "NOOP", "VRFY x"], b"252 "))
    with connect(host, service) as wire:
        wire.send("".join(command + "\r\n" for command in commands))
        if service in CLEAR:
            wire.end_sending()
        else:
            wire.send("d LOGOUT\r\n" if isinstance(wire, Imap) else "QUIT\r\n")
        said = wire.until_closed(5)
    assert last in said


def test_pipelined_commands_are_answered_in_order(host):
    """RFC 2920; the whole transaction in one packet up to DATA."""
    user = host.account()
    with host.smtp() as wire:
        wire.send(f"MAIL FROM:<kiku@far.test>\r\nRCPT TO:<{user}>\r\nRCPT TO:<nobody@rough.test>"
                  "\r\nNOOP\r\nDATA\r\n")
        assert [wire.reply()[0] for _ in range(5)] == [250, 250, 550, 250, 354]
        wire.send(MESSAGE + b".\r\nMAIL FROM:<>\r\nRSET\r\nQUIT\r\n")
        assert [wire.reply()[0] for _ in range(4)] == [250, 250, 250, 221]
    host.wait_for_messages(user)


def test_pipelined_pop3_is_answered_in_order(host):
    user = host.account()
    host.deliver(user)
    host.wait_for_messages(user)
    with host.pop3(user) as wire:
        wire.send("STAT\r\nNOOP\r\nDELE 1\r\nDELE 1\r\nRSET\r\nQUIT\r\n")
        said = wire.until_closed(5).split(b"\r\n")
    assert [line[:3] for line in said if line] == [b"+OK", b"+OK", b"+OK", b"-ER", b"+OK", b"+OK"]


@pytest.mark.parametrize("service", ["smtp", "submission"])
@pytest.mark.parametrize("commands", [["MAIL FROM:<x@far.test>"], ["RCPT TO:<x@rough.test>"],
                                      ["DATA"], ["EHLO client.test", "RCPT TO:<x@rough.test>"],
                                      ["EHLO client.test", "DATA"]])
def test_commands_in_the_wrong_order(host, service, commands):
    with connect(host, service) as wire:
        codes = [wire.code(command) for command in commands]
    assert codes[-1] == 503 and set(codes[:-1]) <= {250}


def test_commands_before_the_greeting_are_refused(server):
    host = server("early", settings={"smtp.greeting-wait": "1s"})
    with host.smtp(greet=False) as wire:
        wire.send("EHLO client.test\r\n")
        assert wire.reply()[0] == 554
        wire.until_closed(5)
    with host.smtp() as wire:
        assert wire.code("NOOP") == 250


@pytest.mark.parametrize("service", ["smtp", "submission"])
def test_bytes_behind_starttls_are_not_obeyed(host, service):
    """RFC 3207 §4.2: an attacker in between may have put them there."""
    with connect(host, service) as wire:
        assert wire.code("EHLO client.test") == 250
        wire.send("STARTTLS\r\nMAIL FROM:<evil@far.test>\r\n")
        assert wire.reply()[0] == 554
        assert wire.until_closed(5) == b""


def test_bytes_behind_stls_are_not_obeyed(host):
    with connect(host, "pop3") as wire:
        wire.send("STLS\r\nUSER evil\r\n")
        assert wire.line().startswith(b"-ERR")
        assert wire.until_closed(5) == b""


@pytest.mark.parametrize("service", SERVICES)
def test_client_of_one_byte_now_and_then_is_let_go(host, service):
    """The time for a command counts as a whole, not from byte to byte."""
    with connect(host, service) as wire:
        began, rest = time.monotonic(), iter(b"NOOP" + b" x" * 40)
        with contextlib.suppress(OSError):
            while time.monotonic() - began < 6:
                wire.send(bytes([next(rest)]))
                wire.socket.settimeout(0.25)
                with contextlib.suppress(TimeoutError):
                    if not wire.socket.recv(1000):
                        break
        spent = time.monotonic() - began
    assert 1.5 < spent < 5


@pytest.mark.parametrize("service", ["submissions", "pop3s", "imaps"])
def test_client_that_never_begins_tls_is_let_go(host, service):
    with Smtp(host.address, host.ports[service]) as wire:
        wire.send(b"\x16")
        began = time.monotonic()
        wire.until_closed(8)
        assert time.monotonic() - began < 6


def test_message_that_stops_in_the_middle_is_not_taken(host):
    user = host.account()
    with host.smtp() as wire:
        assert wire.code("MAIL FROM:<kiku@far.test>") == 250
        assert wire.code(f"RCPT TO:<{user}>") == 250
        assert wire.code("DATA") == 354
        wire.send(MESSAGE)
        assert wire.reply(8)[0] == 421
    with host.smtp() as wire:
        assert wire.code("MAIL FROM:<kiku@far.test>") == 250
        assert wire.code(f"RCPT TO:<{user}>") == 250
        assert wire.code("DATA") == 354
        wire.send(MESSAGE + b".")
        wire.end_sending()
        wire.until_closed(5)
    assert host.messages(user) == []


def test_reader_that_does_not_read_costs_little(host):
    """A message that waits for its reader lies on the disk, not in memory."""
    user = host.account()
    big = MESSAGE + b"".join(b"%06d " % n + b"x" * 70 + b"\r\n" for n in range(13000))
    with host.smtp() as wire:
        wire.accepted("kiku@far.test", [user], big)
    host.wait_for_messages(user)
    before = memory(host, "edge") + memory(host, "mail")
    with host.pop3(user) as wire:
        wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        for _ in range(20):
            wire.send("RETR 1\r\n")
        time.sleep(0.5)
        assert memory(host, "edge") + memory(host, "mail") - before < 4 * MIB


# ---------------------------------------------------------------- too much


def test_too_many_recipients_get_452(host):
    """RFC 5321 §4.5.3.1.10; those taken before are served."""
    host.account("many%d", "--count", "101")
    with host.smtp() as wire:
        assert wire.code("MAIL FROM:<kiku@far.test>") == 250
        codes = [wire.say(f"RCPT TO:<many{n}@{host.domains[0]}>") for n in range(101)]
        assert {code for code, _ in codes[:100]} == {250}
        assert codes[100][0] == 452 and codes[100][1][0].startswith("4.5.3")
        assert wire.message(MESSAGE)[0] == 250
    host.wait_until_settled()


def test_too_big_a_message_is_refused_at_mail_or_behind_it(host):
    """RFC 1870; the conversation goes on."""
    user = host.account()
    with host.smtp() as wire:
        assert f"SIZE {MIB}" in wire.features
        code, lines = wire.say(f"MAIL FROM:<kiku@far.test> SIZE={MIB + 1}")
        assert code == 552 and lines[0].startswith("5.3.4")
        code, lines = wire.hand_over("kiku@far.test", [user], MESSAGE + b"x" * 70 + b"\r\n"
                                     + (b"y" * 998 + b"\r\n") * 1050)
        assert code == 552 and lines[0].startswith("5.3.4")
        assert wire.accepted("kiku@far.test", [user], MESSAGE)
    message, = host.wait_for_messages(user)
    assert strip_trace(message) == MESSAGE


def test_too_big_a_header_is_refused(host):
    user = host.account()
    with host.smtp() as wire:
        code, lines = wire.hand_over("kiku@far.test", [user],
                                     b"".join(b"X-%d: " % n + b"x" * 900 + b"\r\n"
                                              for n in range(300)) + MESSAGE)
    assert code == 552 and lines[0].startswith("5.3.4")


def test_header_of_a_user_may_be_as_large_as_the_settings_say(host):
    """Also one that is written anew: here To has thousands of addresses, and Bcc goes."""
    user = host.account()
    to = b"To: " + b",\r\n ".join(b"member%05d@example.test" % n for n in range(6000)) + b"\r\n"
    message = MESSAGE.replace(b"To: Tama <tama@a.test>\r\n", to + b"Bcc: kiku@far.test\r\n")
    assert 100_000 < len(message) < 200_000
    with host.submission(user) as wire:
        wire.accepted(user, [user], message)
    found, = host.wait_for_messages(user)
    assert to in found and b"Bcc" not in found


def test_header_with_a_forged_judgement_may_be_as_large_too(host):
    user = host.account()
    forged = f"Authentication-Results: {host.hostname}; spf=pass\r\n".encode()
    long = b"X-Long: " + b"\r\n ".join([b"x" * 900] * 150) + b"\r\n"
    host.deliver(user, forged + long + MESSAGE)
    found, = host.wait_for_messages(user)
    assert long in found and forged not in found


def test_header_of_very_many_lines_holds_nobody_up(host):
    """Of a user, whose header is kept and read; a line with a doubled dot is a piece by itself."""
    user = host.account()
    header = f"From: <{user}>\r\n".encode() + b"..:\r\n" * 180000
    with host.submission(user) as wire:
        began = time.monotonic()
        code, lines = wire.hand_over(user, [user], header + b"\r\nGood day.\r\n")
        assert code == 250, lines
        assert time.monotonic() - began < 5


def test_too_many_errors_end_the_conversation(host):
    """Slower from the sixth on, 421 at the tenth."""
    with host.smtp() as wire:
        for _ in range(9):
            assert wire.code("NONSENSE") == 500
        began = time.monotonic()
        assert wire.code("NONSENSE") == 500
        assert time.monotonic() - began > 0.09
        assert wire.reply()[0] == 421
        wire.until_closed(2)


def test_commands_that_lead_nowhere_are_counted(host):
    with host.smtp() as wire:
        codes = []
        while not codes or codes[-1] == 250:
            codes.append(wire.code("NOOP"))
    assert codes[-1] == 421 and len(codes) < 60


def secure(host, service):
    wire = host.smtp(service)
    return wire.starttls() if service == "submission" else wire


@pytest.mark.parametrize("service", ["submission", "submissions"])
def test_wrong_passwords_take_longer_each_time(host, service):
    """RFC 4954: 535 5.7.8; the same words for a user that there is and one that there is not. The
    same wrong password again is no new guess, so each is another one."""
    user = host.account()
    spent, said = [], set()
    with secure(host, service) as wire:
        for guess in ("wrong", "wrong too", "wrong as well"):
            began = time.monotonic()
            code, lines = wire.login(user, guess, 30)
            spent.append(time.monotonic() - began)
            said.add((code, *lines))
        assert wire.reply()[0] == 421
    assert spent[0] > 0.2 and spent[1] > 0.4 and spent[2] > 0.8
    with secure(host, service) as wire:
        code, lines = wire.login("ghost@rough.test", "x", 30)
        said.add((code, *lines))
    assert said == {(535, "5.7.8 Name or password is wrong")}


def test_wrong_pop3_passwords_end_the_conversation(host):
    user = host.account()
    with Pop3(host.address, host.ports["pop3s"], limit=60).tls().greeted() as wire:
        for _ in range(5):
            assert wire.login(user, "wrong").startswith("-ERR [AUTH]")
        assert wire.line().startswith(b"-ERR too many")
        wire.until_closed(2)


@pytest.mark.parametrize("response", [b"=", b"*", b"", b"AGF", b"!!!!", base64.b64encode(b"no nul"),
                                      b"A" * 9000], ids=repr_short)
def test_nonsense_in_a_login_is_refused(host, response):
    with host.smtp("submission").starttls() as wire:
        code, _ = wire.say("AUTH PLAIN")
        assert code == 334
        code, _ = wire.say(response, 30)
        assert code in (500, 501, 535)
        assert wire.code("NOOP") == 250


# ---------------------------------------------------------------- many at once


def test_connections_beyond_the_limit_of_an_address_are_sent_away(server):
    """The others of that address, and those of other addresses, are served. This host's own
    addresses have no limit: where there are no others, that is what is seen."""
    host = server("crowd")
    wires = [Smtp(host.address, host.ports["smtp"]) for _ in range(120)]
    codes = [wire.reply()[0] for wire in wires]
    if ipaddress.ip_address(host.address).is_loopback:
        assert codes.count(220) == 120
    else:
        assert codes.count(220) <= 20 * 2 and codes.count(421) >= 80
    served = [wire for wire, code in zip(wires, codes) if code == 220]
    assert served[0].code("NOOP") == 250
    for wire in wires:
        wire.close()
    wait_until(lambda: sum(p["sessions"] for p in host.processes() if p["role"] == "edge") == 0)
    host.deliver(host.account())


def test_ten_thousand_silent_connections(server):
    """at most 64 KiB each before login; a real client is served among them."""
    count = min(10000, resource.getrlimit(resource.RLIMIT_NOFILE)[1] // 2 - 200)
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    host = server("flood", settings=SETTINGS | {"smtp.timeout": "60s", "smtp.stress-timeout": "60s",
                                                "pop3.login-timeout": "60s",
                                                "imap.login-timeout": "60s"})
    user, before = host.account(), memory(host, "edge")
    silent = []
    try:
        for number in range(count):
            service = ("smtp", "pop3", "imap")[number % 3]
            silent.append(socket.create_connection((host.address, host.ports[service]), 20))
        wait_until(lambda: sum(p["sessions"] for p in host.processes() if p["role"] == "edge")
                   == count, 20)
        each = (memory(host, "edge") - before) / count
        assert each < 64 * 1024, f"{each:.0f} bytes for each connection"
        host.deliver(user)
        host.wait_for_messages(user)
    finally:
        for one in silent:
            one.close()
    wait_until(lambda: sum(p["sessions"] for p in host.processes() if p["role"] == "edge") == 0,
               20)
