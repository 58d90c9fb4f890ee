# SPDX-License-Identifier: ISC
"""Whose name a submitted message may bear, and what claims to be a judgement of this host."""
import email
import smtplib

import pytest

from server import NOT_FOUND, PASSWORD, USAGE
from test_careless import arrived
from test_running import wait_for

ME, ALIAS, OTHER = "tama@example.test", "info@example.test", "kiku@example.test"


@pytest.fixture
def people(running):
    running.add(ME)
    running.add(OTHER)
    running("alias", "add", ALIAS, ME)
    return running


def submit(server, header, login=ME, body="hello\r\n", to=ME):
    """The reply to the message: (250, ...) or the refusal."""
    with smtplib.SMTP("127.0.0.1", server.port(587), timeout=20) as client:
        client.starttls()
        client.login(login, PASSWORD)
        client.docmd(f"MAIL FROM:<{login}>")
        client.docmd(f"RCPT TO:<{to}>")
        return client.data((header + "To: x@example.test\r\n\r\n" + body).encode())


@pytest.mark.parametrize("header", [
    f"From: {ME}\r\n", f"From: Tama <TAMA+shop@Example.Test>\r\n", f"From: {ALIAS}\r\n",
    f"From: {ME}, {ALIAS}\r\n", f"From: {ME}, {OTHER}\r\nSender: {ALIAS}\r\n",
    f"From: staff: {ME}, {ALIAS};\r\n", f"From: {ME}\r\nSender: {ME}\r\n",
    f"From: a@b.test, {ME}\r\nSender: {ME}\r\n", f"From: {ME} <{ME}>\r\n", ""])
def test_own_addresses_are_taken(people, header):
    assert submit(people, header)[0] == 250


@pytest.mark.parametrize("header, named", [
    (f"From: {OTHER}\r\n", "From field names " + OTHER),
    (f"From: \"{ME}\" <{OTHER}>\r\n", "From field names " + OTHER),
    (f"From: {ME}, {OTHER}\r\n", "From field names " + OTHER),
    (f"From: {OTHER}\r\nSender: {ME}\r\n", "From field names " + OTHER),
    # Of several authors one at least.
    (f"From: {OTHER}, {OTHER}\r\nSender: {ME}\r\n", "None of the addresses in the From field"),
    (f"From: a@b.test, c@d.test\r\nSender: {ME}\r\n", "None of the addresses in the From field"),
    (f"From: {ME}\r\nSender: {OTHER}\r\n", "Sender field names " + OTHER),
    (f"From: {ME}, {ALIAS}\r\nSender: a@b.test\r\n", "Sender field names a@b.test"),
    ("From: nobody here\r\n", "From field has no address"),
    ("From:\r\n", "From field has no address"),
    (f"From: {ME}, <broken\r\n", "From field has no address"),
    # What one program reads as one address, and another as the other.
    (f"From: <{ME}> <{OTHER}>\r\n", "From field has no address"),
    (f"From: {ME} {OTHER}\r\n", "From field has no address"),
    (f"From: {OTHER} <{ME}>\r\n", "From field has no address"),
    (f"From: {OTHER}\r\n <{ME}>\r\n", "From field has no address"),
    (f"From: {OTHER}: {ME};\r\n", "From field has no address"),
    (f"From: {ME} (, {OTHER}\r\n", "From field has no address"),
    (f"From: {ME}\r\nFrom: {ME}\r\n", "more than one From"),
])
def test_names_of_others_are_refused_and_said(people, header, named):
    code, text = submit(people, header)
    assert code == 550 and named in text.decode()
    assert code == 550 and text.startswith((b"5.7.1", b"5.6.0"))
    # The same for a message that goes into a file while it comes in.
    assert submit(people, header, body="x" * 70 + "\r\n" + ("y" * 70 + "\r\n") * 5000) == (code, text)


def test_an_administrator_may_allow_more(people):
    """Listed addresses, whole domains, any; of nobody but that account."""
    def reply(address, login=ME):
        return submit(people, f"From: {address}\r\n", login)[0]
    assert people("account", "send-as", ME).stdout == f"{ME} may send under its own addresses.\n"
    said = people("account", "send-as", ME, OTHER.upper(), "@far.test").stdout
    assert OTHER in said and "@far.test" in said
    assert people.json("account", "send-as", ME) == [OTHER, "@far.test"]
    assert [reply(one) for one in (OTHER, "any@far.test", ME, "x@else.test", "x@sub.far.test")] == \
        [250, 250, 250, 550, 550]
    assert reply(ME, OTHER) == 550
    people("account", "send-as", ME, "any")
    assert people.json("account", "send-as", ME) == ["any"] and reply("x@else.test") == 250
    people("account", "send-as", ME, "own")
    assert people.json("account", "send-as", ME) == [] and reply(OTHER) == 550
    people("account", "send-as", ME, "not an address", code=USAGE)
    people("account", "send-as", "nobody@example.test", code=NOT_FOUND)


def test_a_missing_from_is_the_account(people):
    assert submit(people, "Subject: none\r\n")[0] == 250
    assert f"From: {ME}\r\n".encode() in wait_for(lambda: arrived(people))[0]


def test_a_report_names_the_message_and_whom_to_ask(running):
    """And that address has somebody behind it."""
    running.add(ME, "--admin")
    with smtplib.SMTP("127.0.0.1", running.port(25), timeout=20) as client:
        client.sendmail("a@outside.test", "postmaster@Mail.example.test", "Subject: help\r\n\r\nx\r\n")
    assert b"Subject: help" in wait_for(lambda: arrived(running))[0]
    assert submit(running, f"From: {ME}\r\nSubject: =?UTF-8?B?5Lya6K2w?=\r\n", to="x@[127.0.0.1]")[0] == 250
    waiting = wait_for(lambda: running.json("queue", "list"))
    running("queue", "remove", waiting[0]["id"], "--bounce")
    report = email.message_from_bytes(wait_for(lambda: arrived(running, 2))[1])
    words = report.get_payload()[0].get_payload(decode=True).decode()
    assert "Subject: 会議" in words and "件名: 会議" in words
    assert "postmaster@mail.example.test" in words


def test_judgements_in_our_name_are_removed_on_arrival(people):
    ours = ("Authentication-Results: Mail.EXAMPLE.test; spf=pass\r\n"
            "authentication-results : (c) \"mail.example.test\" 1;\r\n\tdkim=pass header.d=x\r\n")
    kept = "Authentication-Results: mail.example.org; spf=pass\r\n"
    for body in ("hello\r\n", ("y" * 70 + "\r\n") * 5000):
        message = (f"{ours}From: a@outside.test\r\n{kept}{ours}Subject: x\r\n\r\n{body}").encode()
        with smtplib.SMTP("127.0.0.1", people.port(25), timeout=20) as client:
            client.sendmail("a@outside.test", ME, message)
    assert submit(people, f"{ours}From: {ME}\r\n{kept}")[0] == 250
    for message in wait_for(lambda: arrived(people, 3)):
        assert b"ail.example.test; spf" not in message.replace(b"EXAMPLE", b"example")
        assert b"dkim=pass" not in message and kept.encode() in message
        assert b"\r\n\r\n" in message
