# SPDX-License-Identifier: ISC
"""Lines over 998 characters: shortened in what a user submits, passed on in what comes from outside."""
import base64
import email
import email.policy
import smtplib

import pytest

from test_authors import ME, people, submit  # noqa: F401 (a fixture)
from test_careless import arrived
from test_running import wait_for

LONG = "<p>" + "早馬 = " * 700 + "</p>"
SHORT = "".join(f"line {number} stays = as it is \r\n" for number in range(3))
LARGE = "".join("y" * 70 + f" {number}\r\n" for number in range(9000))  # goes into a file
MIXED = f"From: {ME}\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"b b\"\r\n"


def part(body, *fields):
    return "\r\n".join(["--b b", *fields, "", body, ""])


def got_by_tama(server):
    return wait_for(lambda: arrived(server))[0]


def bodies(data):
    message = email.message_from_bytes(data, policy=email.policy.compat32)
    return [one.get_payload(decode=True) for one in message.walk() if not one.is_multipart()]


@pytest.mark.parametrize("more", ["", LARGE], ids=["in memory", "in a file"])
def test_only_the_part_with_long_lines_is_encoded(people, more):  # noqa: F811
    binary = base64.b64encode(bytes(range(256)) * 20).decode()
    body = (part(SHORT + more, "Content-Type: text/plain", "Content-Transfer-Encoding: 8bit") +
            part(LONG, "Content-Type: text/html; charset=utf-8", "Content-Transfer-Encoding: 8bit") +
            part(binary, "Content-Type: application/pdf", "Content-Transfer-Encoding: base64") +
            "--b b--\r\n")
    assert submit(people, MIXED, body=body)[0] == 250
    got = got_by_tama(people)
    assert max(map(len, got.split(b"\r\n"))) <= 998
    assert bodies(got) == bodies((MIXED + "\r\n" + body).encode())
    assert (SHORT + more).encode() in got and got.count(b"quoted-printable") == 1


def test_what_becomes_large_by_it_goes_into_a_file(people):  # noqa: F811
    body = "早馬" * 40000 + "\r\n"
    header = f"From: {ME}\r\nContent-Type: text/plain; charset=utf-8\r\n"
    assert submit(people, header, body=body)[0] == 250
    assert bodies(got_by_tama(people)) == bodies((header + "\r\n" + body).encode())


def test_a_long_field_is_folded(people):  # noqa: F811
    names = ", ".join(f"someone{number}@example.org" for number in range(80))
    assert submit(people, f"From: {ME}\r\nCc: {names}\r\n")[0] == 250
    got = got_by_tama(people)
    assert max(map(len, got.split(b"\r\n"))) <= 998
    assert email.message_from_bytes(got, policy=email.policy.default)["Cc"] == names
    code, text = submit(people, f"From: {ME}\r\nSubject: {'x' * 1200}\r\n")
    assert code == 554 and text.startswith(b"5.6.3") and b"header" in text


@pytest.mark.parametrize("more", ["", LARGE], ids=["in memory", "in a file"])
@pytest.mark.parametrize("header, body", [
    (f"From: {ME}\r\nDKIM-Signature: v=1; d=example.test\r\n", LONG),
    (MIXED.replace("mixed", "signed"), part(LONG) + "--b b--"),
    (f"From: {ME}\r\nContent-Type: application/pkcs7-mime\r\n"
     "Content-Transfer-Encoding: base64\r\n", "eHh4" * 400),
    (f"From: {ME}\r\n", "-----BEGIN PGP SIGNED MESSAGE-----\r\n\r\n" + LONG),
])
def test_what_is_signed_is_refused_in_words(people, header, body, more):  # noqa: F811
    code, text = submit(people, header, body=body + "\r\n" + more)
    assert code == 554 and text.startswith(b"5.6.3") and b"signed" in text


def test_what_is_passed_on_stays_as_it_is(people):  # noqa: F811
    message = f"From: a@outside.test\r\nSubject: x\r\n\r\n{'z' * 5000}\r\n".encode()
    with smtplib.SMTP("127.0.0.1", people.port(25), timeout=20) as client:
        client.sendmail("a@outside.test", ME, message)
    assert got_by_tama(people).endswith(message)
