# SPDX-License-Identifier: ISC
"""Internationalised domains: one domain, in whatever letters it is written."""
import base64
import smtplib

from server import PASSWORD, REFUSED, USAGE
from test_running import MESSAGE, journeys, wait_for

U_LABEL, A_LABEL = "例え.jp", "xn--r8jz45g.jp"


def test_a_domain_has_one_form_for_programs_and_one_for_people(server):
    said = server("domain", "add", "例え。ＪＰ").stdout
    assert "例え" in said and "xn--" not in said
    server("domain", "add", A_LABEL.upper(), code=REFUSED)
    server("domain", "add", "例え.org", "--alias-of", U_LABEL)
    listed = {one["name"]: one["alias_of"] for one in server.json("domain", "list")}
    assert listed[A_LABEL] is None and listed["xn--r8jz45g.org"] == A_LABEL
    table = server("domain", "list").stdout
    assert U_LABEL in table and A_LABEL not in table
    server.add("tama@" + U_LABEL)
    server.add("kiku@例え.jp")
    shown = server.json("account", "show", "TAMA@XN--R8JZ45G.jp")
    assert shown["address"] == "tama@" + A_LABEL
    assert "tama@" + U_LABEL in server("account", "list", U_LABEL).stdout
    assert len(server.json("account", "list", A_LABEL)) == 2


def test_a_local_part_that_no_host_could_send_to_is_refused(server):
    """RFC 6531 §3.1: without SMTPUTF8 in EHLO a local part is ASCII."""
    for words in (("account", "add", "たま@example.test", "--password-stdin"),
                  ("account", "add", "たま%02d@example.test", "--count", "2", "--no-password"),
                  ("alias", "set", "たま@example.test", "kiku@far.test"),
                  ("alias", "add", "たま@example.test", "kiku@far.test"),
                  ("domain", "catch-all", "example.test", "たま@example.test")):
        done = server(*words, stdin=PASSWORD, code=REFUSED)
        assert "SMTPUTF8" in done.stderr and "ASCII" in done.stderr, words
    server("alias", "set", "tama@example.test", "たま@far.test")  # the other host may offer it


def test_what_is_no_domain_name_is_said(server):
    for bad in ("☃.jp", "xn--a.jp", "例え-.jp", "例え..jp", "例 え.jp"):
        done = server("domain", "add", bad, code=USAGE)
        assert "is not a domain like example.jp" in done.stderr, bad
    done = server("account", "add", "tama@☃.jp", "--password-stdin", stdin="x", code=USAGE)
    assert "IDNA 2008" in done.stderr


def test_mail_to_either_form_arrives_and_is_found_by_either(running):
    running("domain", "add", U_LABEL)
    running.add("tama@" + U_LABEL)
    login = f"\0tama@{U_LABEL.replace('.', '．')}\0{PASSWORD}".encode()
    with smtplib.SMTP("127.0.0.1", running.port(587), timeout=20) as client:
        client.starttls()
        client.ehlo()
        assert client.docmd("AUTH PLAIN " + base64.b64encode(login).decode())[0] == 235
        client.sendmail("tama@" + A_LABEL, "Tama@XN--r8jz45g.JP", MESSAGE.replace(
            "a@outside.test", "tama@" + A_LABEL))
    found = wait_for(lambda: journeys(running, "tama@例え。jp"))
    assert any(e["kind"] == "delivered" for e in found["events"])
    assert journeys(running, "tama@" + A_LABEL)["message"] == found["message"]
    assert "tama@" + U_LABEL in running("journey", "tama@" + A_LABEL).stdout
    with smtplib.SMTP("127.0.0.1", running.port(25), timeout=20) as client:
        client.ehlo()
        assert client.docmd("MAIL FROM:<kiku@far.test>")[0] == 250
        assert client.docmd("RCPT TO:<tama@" + A_LABEL + ">")[0] == 250
        code, text = client.docmd("RCPT TO:<tama@xn--a.jp>")
        assert (code, text.split()[0]) == (501, b"5.1.3")
        client.sock.sendall(("RCPT TO:<tama@" + U_LABEL + ">\r\n").encode())
        code, text = client.getreply()
        assert (code, text.split()[0]) == (553, b"5.6.7")  # RFC 6531 §3.5: no SMTPUTF8 was asked for
