# SPDX-License-Identifier: ISC
"""suites/dkim.txt, judged here, by dkimpy, by Mail::DKIM and by mailauth."""
import functools

import dkim
import pytest
from judged import HERE, ask_program, check_peer, judge_messages
from letter import fill_in_records, write
from stub_dns import for_dkimpy
from suites import Suite

SELECTORS = {"rsa": "v=DKIM1; p=<rsa2048>", "ed": "v=DKIM1; k=ed25519; p=<ed25519>"}


@functools.cache
def suite():
    read = Suite("dkim.txt")
    for case in read.cases:
        for word, rest in case.details:
            if word == "key":
                selector, _, text = rest.partition(" ")
                read.add(f"{selector}._domainkey.example.{case.own}", "TXT", text)
        for selector, text in SELECTORS.items():
            name = f"{selector}._domainkey.example.{case.own}"
            if not any(key.startswith(name + " ") for key in read.records):
                read.add(name, "TXT", text)
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
for_peers = [(at, case) for at, case in CASES if "ours" not in case.options]
each_of_peers = pytest.mark.parametrize("at, case", for_peers, ids=[suite().ids()[at] for at, _ in for_peers])


@each
def test_rfc6376(at, case):
    told = ours()[at]["dkim"]
    assert (",".join(one["result"] for one in told) or "none") == case.result, told


# ------------------------------------------------------------------ peers: whether it passes

def passed(results):
    return ",".join("pass" if one == "pass" else "no" for one in results) or "none"


def check(case, peer, results):
    case = case._replace(result=passed([] if case.result == "none" else case.result.split(",")))
    check_peer(case, peer, passed(results), {})


def dkimpy(message):
    def verify(at):
        try:
            return "pass" if dkim.DKIM(message).verify(idx=at, dnsfunc=for_dkimpy(suite().records)) else "fail"
        except Exception as error:  # pylint: disable=broad-except
            return type(error).__name__
    return [verify(at) for at in range(message.lower().count(b"\r\ndkim-signature:") +
                                       message.lower().startswith(b"dkim-signature:"))]


@functools.cache
def mail_dkim():
    return ask_program(["perl", str(HERE / "mail_dkim.pl"), "verify"], suite(),
                       [message.decode("latin-1") for message in messages()])


@functools.cache
def mailauth():
    return ask_program(["node", str(HERE / "mailauth.mjs"), "all"], suite(),
                       [{"message": message.decode("latin-1"), "client": "192.0.2.1", "mail_from": "", "helo": "x"}
                        for message in messages()])


@each_of_peers
def test_dkimpy_says_the_same_or_it_is_noted(at, case):
    check(case, "dkimpy", dkimpy(messages()[at]))


@each_of_peers
def test_mail_dkim_says_the_same_or_it_is_noted(at, case):
    check(case, "Mail::DKIM", mail_dkim()[at]["dkim"])


@each_of_peers
def test_mailauth_says_the_same_or_it_is_noted(at, case):
    told = mailauth()[at]
    results = told["dkim"] if isinstance(told, dict) else [told]
    check(case, "mailauth", [] if results == ["none"] == [case.result] else results)
