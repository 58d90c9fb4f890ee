# SPDX-License-Identifier: ISC
"""suites/arc.txt, judged here, by dkimpy, by Mail::DKIM and by mailauth."""
import functools

import dkim
import pytest
from judged import HERE, ask_program, check_peer, judge_messages
from letter import fill_in_records, write
from stub_dns import for_dkimpy
from suites import Suite

KEYS = {"rsa._domainkey.example": "v=DKIM1; p=<rsa2048>", "rsa._domainkey.one": "v=DKIM1; p=<rsa2048>",
        "ed._domainkey.example": "v=DKIM1; k=ed25519; p=<ed25519>", "rsa._domainkey.two": "v=DKIM1; p=<rsa2048>"}


@functools.cache
def suite():
    read = Suite("arc.txt")
    for case in read.cases:
        for word, rest in case.details:
            if word == "key":
                read.add(rest.partition(" ")[0], "TXT", rest.partition(" ")[2])
        for name, text in KEYS.items():
            read.add(f"{name}.{case.own}", "TXT", text)
    read.records = fill_in_records(read.records)
    return read


@functools.cache
def messages():
    return [write(case, f"example.{case.own}") for case in suite().cases]


@functools.cache
def ours():
    return judge_messages(suite(), messages())


CASES = list(enumerate(suite().cases))
each = pytest.mark.parametrize("at, case", CASES, ids=suite().ids())


@each
def test_rfc8617(at, case):
    told = ours()[at]["arc"]
    assert told["result"] == case.result, told


# ------------------------------------------------------------------ peers: whether it passes

PASSES = {"invalid": "fail", "temperror": "fail", "permerror": "fail", "policy": "fail", "neutral": "fail"}


@functools.cache
def mail_dkim():
    return ask_program(["perl", str(HERE / "mail_dkim.pl"), "verify"], suite(),
                       ["" if "spares" in case.options else message.decode("latin-1")
                        for case, message in zip(suite().cases, messages())])


@functools.cache
def mailauth():
    return ask_program(["node", str(HERE / "mailauth.mjs"), "all"], suite(),
                       [{"message": message.decode("latin-1"), "client": "192.0.2.1", "mail_from": "", "helo": "x"}
                        for message in messages()])


def dkimpy(message):
    try:
        result = dkim.arc_verify(message, dnsfunc=for_dkimpy(suite().records))[0]
    except Exception:  # pylint: disable=broad-except
        return "broken"
    return {dkim.CV_Pass: "pass", dkim.CV_None: "none"}.get(result, "fail")


@each
def test_dkimpy_says_the_same_or_it_is_noted(at, case):
    check_peer(case, "dkimpy", dkimpy(messages()[at]), PASSES)


@each
def test_mail_dkim_says_the_same_or_it_is_noted(at, case):
    if "spares" not in case.options:
        check_peer(case, "Mail::DKIM", mail_dkim()[at]["arc"], PASSES)


@each
def test_mailauth_says_the_same_or_it_is_noted(at, case):
    told = mailauth()[at]
    check_peer(case, "mailauth", told["arc"] if isinstance(told, dict) else "broken", PASSES)
