# SPDX-License-Identifier: ISC
"""Messages of careless senders: read as mail programs read them, found, stored as they came."""
import poplib
import smtplib

from server import PASSWORD
from test_running import journeys, wait_for

SENT = "From: a@outside.test\r\nTo: tama@example.test\r\nSubject: {}\r\nMessage-ID:{}\r\n\r\nhello\r\n"


def arrived(server, count=1):
    """The messages in tama's mailbox, when there are so many."""
    poplib._MAXLINE = 1 << 16  # pylint: disable=protected-access
    client = poplib.POP3("127.0.0.1", server.port(110), timeout=20)
    client.stls()
    client.user("tama@example.test")
    client.pass_(PASSWORD)
    there = client.stat()[0]
    messages = [b"\r\n".join(client.retr(number + 1)[1]) + b"\r\n" for number in range(there)]
    client.quit()
    return messages if there >= count else None


def test_careless_messages_are_read_found_and_kept(running):
    running.add("tama@example.test")
    mbox = "From a@outside.test Sun Nov 22 11:12:42 2026\r\n"
    cases = [  # bytes in front, the subject as written and as read, the Message-ID as written
        ("", "=?UTF-8?B?5Lya6K2w44Gu5Lu2Cg?=", "会議の件", " <{}>"),
        ("", "=?UTF-8?Q?=E6=97=A9 =E9=A6=AC?=", "早 馬", " {}"),
        ("", "=?ISO-2022-JP?B?GyRCMnE1RCRON28bKEI?=", "会議の件", " < {} >"),
        (mbox, "=?UTF-8?B?5pep6aas?=", "早馬", " <{}>"),
        (">" + mbox, "=?UTF-8?B?5pep6aas?=", "早馬", "\r\n\t{}"),
    ]
    messages = []
    for number, (front, written, read, form) in enumerate(cases):
        message_id = f"careless{number}@outside.test"
        messages.append((front + SENT.format(written, form.format(message_id))).encode())
        with smtplib.SMTP("127.0.0.1", running.port(25), timeout=20) as client:
            client.sendmail("a@outside.test", "tama@example.test", messages[-1])
        found = wait_for(lambda wanted=message_id: journeys(running, wanted))
        for wanted in (f"<{message_id}>", f"< {message_id} >", message_id.replace("@", " @")):
            assert journeys(running, wanted)["message"] == found["message"]
        accepted = next(e for e in found["events"] if e["kind"] == "accepted")
        assert accepted["facts"]["subject"].strip() == read
    for sent, kept in zip(messages, wait_for(lambda: arrived(running, len(messages)))):
        assert kept.endswith(b"\r\n" + sent)
