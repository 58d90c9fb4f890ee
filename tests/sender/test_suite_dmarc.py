# SPDX-License-Identifier: ISC
"""suites/dmarc.txt, judged here and by mailauth, which knows RFC 7489 and a list of public suffixes."""
import functools

import pytest
from judged import HERE, ask_program, check_peer, judge_messages
from letter import Letter, fill_in_records
from suites import Suite, unescape

WORDS = {"policy": "policy", "org": "organization", "at": "found_at"}


def author(case):
    return case.options.get("from", f"example.{case.own}")


def reverse_path(case):
    """`spf=` is the domain of the author, whose record the case has."""
    domain = case.options.get("spf")
    return "" if domain is None else f"bounces@{domain or author(case)}"


def signers(case):
    return list(filter(None, case.options.get("dkim", "").split(",")))


@functools.cache
def suite():
    read = Suite("dmarc.txt")
    for case in read.cases:
        for word, rest in case.details:
            if word == "dmarc":
                read.add(f"_dmarc.{rest.partition(' ')[0]}", "TXT", rest.partition(" ")[2])
        if case.options.get("spf"):
            read.add(case.options["spf"], "TXT", "v=spf1 +all")
        for domain in signers(case):
            read.add(f"rsa._domainkey.{domain}", "TXT", "v=DKIM1; p=<rsa2048>")
    read.records = fill_in_records(read.records)
    return read


def message(case):
    letter = Letter(f"example.{case.own}")
    letter.fields[0] = f"From: Tama <tama@{author(case)}>".encode()
    late = [detail for detail in case.details if detail[0] in ("above", "change")]
    for word, rest in case.details:
        if word == "from-field":
            letter.fields[0] = b"From: " + unescape(rest).encode("latin-1")
        elif (word, rest) not in late:
            letter.do(word, rest)
    for domain in reversed(signers(case)):
        letter.sign({"d": domain})
    for word, rest in late:
        letter.do(word, rest)
    return letter.as_bytes()


@functools.cache
def messages():
    return [message(case) for case in suite().cases]


def helo(case):
    return case.options.get("helo", f"mail.client.{case.own}")


@functools.cache
def ours():
    return judge_messages(suite(), messages(), [{"mail_from": reverse_path(case), "helo": helo(case)}
                                                for case in suite().cases])


CASES = list(enumerate(suite().cases))
each = pytest.mark.parametrize("at, case", CASES, ids=suite().ids())


@each
def test_rfc9989(at, case):
    told = ours()[at]["dmarc"]
    assert told["result"] == case.result, told
    for word, member in WORDS.items():
        assert case.options.get(word, told[member]) == told[member], told


# ------------------------------------------------------------------ a peer

RESULTS = {"temperror": "error", "permerror": "none"}


@functools.cache
def mailauth():
    return ask_program(["node", str(HERE / "mailauth.mjs"), "all"], suite(),
                       [{"message": text.decode("latin-1"), "client": "192.0.2.1", "mail_from": reverse_path(case),
                         "helo": helo(case)} for case, text in zip(suite().cases, messages())])


@each
def test_mailauth_says_the_same_or_it_is_noted(at, case):
    told = mailauth()[at]
    check_peer(case, "mailauth", told["dmarc"] if isinstance(told, dict) else "broken", RESULTS)
