# SPDX-License-Identifier: ISC
"""suites/spf.txt, judged here, by Mail::SPF, by pyspf and by mailauth."""
import functools
import ipaddress

import pytest
import spf
from judged import HERE, MESSAGE, NOW, ask_program, check_peer, judge
from stub_dns import Table, Trouble
from suites import Suite, value_of


@functools.cache
def suite():
    read = Suite("spf.txt")
    for case in read.cases:
        domain = sender(case).rpartition("@")[2]
        for word, rest in case.details:
            if word == "record":
                read.add(domain, "TXT", rest)
            if word == "macro":
                read.add(domain, "TXT", f"v=spf1 -all exp=why.{case.own}")
                read.add(f"why.{case.own}", "TXT", rest)
    return read


def sender(case):
    return case.options.get("from", f"tama@example.{case.own}").replace("<>", "")


def asked(case):
    """In A-labels, which is what the others want to be given."""
    local, at, domain = sender(case).rpartition("@")
    return {"client": case.options.get("client", "192.0.2.1"),
            "mail_from": local + at + (domain if domain.isascii() else domain.encode("idna").decode()),
            "helo": case.options.get("helo", f"mail.client.{case.own}")}


@functools.cache
def ours():
    return judge(suite(), [{"message": MESSAGE, "client_ip": one["client"], "helo": one["helo"],
                            "mail_from": sender(case), "time": NOW} for case in suite().cases for one in [asked(case)]])


CASES = list(enumerate(suite().cases))
each = pytest.mark.parametrize("at, case", CASES, ids=suite().ids())


@each
def test_rfc7208(at, case):
    told = ours()[at]["spf"]
    assert told["result"] == case.result, told
    why = value_of(case, "explains")
    assert why is None or told["explanation"] == why
    assert len(told["explanation"]) == int(value_of(case, "bytes", len(told["explanation"])))


# ------------------------------------------------------------------ peers

@functools.cache
def mail_spf():
    return ask_program(["perl", str(HERE / "mail_spf.pl")], suite(), [asked(case) for case in suite().cases])


@functools.cache
def mailauth():
    return ask_program(["node", str(HERE / "mailauth.mjs"), "spf"], suite(),
                       [asked(case) for case in suite().cases])


def answers_for_pyspf(table):
    def look_up(name, kind, *_, **__):
        try:
            values = table.look_up(name, kind) or []
        except Trouble as trouble:
            raise spf.TempError(str(trouble)) from trouble
        for strings in values:
            if kind == "MX":
                preference, host = strings[0].split()
                yield (name, kind), (int(preference), host)
            elif kind in ("A", "AAAA"):
                yield (name, kind), ipaddress.ip_address(strings[0]).packed if kind == "AAAA" else strings[0]
            elif kind == "TXT":
                yield (name, kind), tuple(one.encode("latin-1") for one in strings)
            else:
                yield (name, kind), strings[0]
    return look_up


def pyspf(case):
    one = asked(case)
    spf.DNSLookup = answers_for_pyspf(Table(suite().records))
    query = spf.query(i=one["client"], s=one["mail_from"], h=one["helo"], receiver="mx.example.jp",
                      strict=False, timeout=20, querytime=0)
    query.set_default_explanation("")
    return query.check()[0]


@each
def test_mail_spf_says_the_same_or_it_is_noted(at, case):
    check_peer(case, "Mail::SPF", mail_spf()[at][0], {})


@each
def test_pyspf_says_the_same_or_it_is_noted(at, case):  # pylint: disable=unused-argument
    check_peer(case, "pyspf", pyspf(case), {})


@each
def test_mailauth_says_the_same_or_it_is_noted(at, case):
    check_peer(case, "mailauth", mailauth()[at], {})
