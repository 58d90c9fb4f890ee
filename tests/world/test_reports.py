# SPDX-License-Identifier: ISC
"""DMARC reports between hosts (RFC 9990): counted, sent once a day where they are wanted, read."""
import email
import gzip
import pathlib
import re
import sqlite3
import sys
import xml.etree.ElementTree

import pytest

from network import NameServer

sys.path.append(str(pathlib.Path(__file__).parents[1] / "cli"))
from test_report import FAILURE, message, report  # noqa: E402
from world import Host, wait_until  # noqa: E402

NAMESPACE = "{urn:ietf:params:xml:ns:dmarc-2.0}"
DAYS = 2  # so far back that the day of a report is over everywhere

RECORDS = """
mx.x A {x}
mx.y A {y}
asks MX 10 mx.y
asks TXT "v=spf1 ip4:{here} -all"
_dmarc.asks TXT "v=DMARC1; p=reject; rua=mailto:dmarc-reports@asks.test"
forged MX 10 mx.y
forged TXT "v=spf1 -all"
_dmarc.forged TXT "v=DMARC1; p=reject; rua=mailto:dmarc-reports@asks.test,mailto:d@silent.test"
forged.test._report._dmarc.asks TXT "v=DMARC1"
silent MX 10 mx.y
refuses MX 10 mx.y
refuses TXT "v=spf1 -all"
_dmarc.refuses TXT "v=DMARC1; p=none; rua=mailto:nobody@refuses.test"
mx.z A {z}
_dmarc.mx.z TXT "v=DMARC1; p=none; rua=mailto:postmaster@mx.z.test"
plain TXT "v=spf1 -all"
_dmarc.plain TXT "v=DMARC1; p=reject"
"""


@pytest.fixture(scope="module")
def names(world):
    network = world.network
    made = NameServer(network, RECORDS.format(x=network.place(41).ipv4, y=network.place(42).ipv4, z=network.place(43).ipv4,
                                              here=network.here), port=5391)
    yield made
    made.close()


def hosts(world, names, *which):
    """x, which reports, and y, to which reports go; z, whose own name asks for reports."""
    domains = {"x": ["x.test"], "z": ["z.test"], "y": ["asks.test", "forged.test", "silent.test", "refuses.test"]}
    for name in which:
        number = {"x": 41, "y": 42, "z": 43}[name]
        host = Host(world, name, domains[name], number, dns=names)
        world.hosts.append(host)
        yield host.start()


def from_author(author):
    return (f"From: {author}\r\nTo: tama@x.test\r\nSubject: hello\r\n"
            f"Date: Sat, 21 Nov 2026 09:00:00 +0900\r\nMessage-ID: <1@{author}>\r\n\r\nText\r\n"
            ).encode()


def let_days_pass(host, days=DAYS):
    """All that was seen was seen so many days ago."""
    host.stop()
    with sqlite3.connect(host.folder / "events/reports.db") as db:
        for table in ("policy", "seen"):
            db.execute(f"UPDATE {table} SET day = day - ?", (days,))
    db.close()
    host.start()


def seen(host):
    """Messages that are counted, by domain; none while the file is still being made."""
    try:
        with sqlite3.connect(f"file:{host.folder}/events/reports.db?mode=ro", uri=True) as db:
            found = db.execute("SELECT domain, sum(count) FROM seen GROUP BY domain").fetchall()
    except sqlite3.OperationalError:
        return {}
    db.close()
    return {bytes(domain).decode(): count for domain, count in found}


def crlf(text):
    return text.replace(b"\n", b"\r\n")


def xml_in(raw):
    parts = [part for part in email.message_from_bytes(raw).walk()
             if part.get_content_type() == "application/gzip"]
    assert len(parts) == 1
    return parts[0].get_filename(), xml.etree.ElementTree.fromstring(
        gzip.decompress(parts[0].get_payload(decode=True)))


def test_a_day_is_reported_to_who_wants_it(world, names):
    x, y = hosts(world, names, "x", "y")
    try:
        tama, reader = x.account("tama"), y.account("dmarc-reports")
        y.account("d", domain="silent.test")
        for _ in range(2):
            x.deliver(tama, from_author("a@asks.test"), "a@asks.test")
        with x.smtp() as wire:  # forged: refused, and reported all the same
            code, _ = wire.hand_over("b@forged.test", [tama], from_author("b@forged.test"))
            assert code == 550
        x.deliver(tama, from_author("c@none.test"), "c@none.test")  # no policy
        with x.smtp() as wire:  # nobody wants to hear of it
            assert wire.hand_over("d@plain.test", [tama], from_author("d@plain.test"))[0] == 550
        with x.smtp() as wire:  # a bounce counts for nothing
            wire.hand_over("", [tama], from_author("a@asks.test"))
        wait_until(lambda: seen(x) == {"asks.test": 2, "forged.test": 1}, 15, 0.2,
                   lambda: str(seen(x)))
        let_days_pass(x)
        found = y.wait_for_messages(reader, 2, limit=60)
        by_domain = {}
        for raw in found:
            name, root = xml_in(raw)
            told = email.message_from_bytes(raw)
            domain = root.findtext(f"{NAMESPACE}policy_published/{NAMESPACE}domain")
            subject = re.sub(r"\s+", " ", told["Subject"])
            assert subject.startswith(f"Report Domain: {domain} Submitter: mx.x.test Report-ID: <")
            assert re.fullmatch(rf"mx\.x\.test!{domain}!\d+!\d+\.xml\.gz", name)
            assert told["Return-Path"] == "<>" and told["From"].endswith("postmaster@mx.x.test>")
            by_domain[domain] = root
        row = by_domain["asks.test"].findall(f".//{NAMESPACE}row")
        assert [r.findtext(f"{NAMESPACE}count") for r in row] == ["2"]
        evaluated = row[0].find(f"{NAMESPACE}policy_evaluated")
        assert [e.text for e in evaluated] == ["pass", "fail", "pass"]
        evaluated = by_domain["forged.test"].find(f".//{NAMESPACE}policy_evaluated")
        assert [e.text for e in evaluated] == ["reject", "fail", "fail"]
        assert not y.messages("d@silent.test"), "an address of others that did not ask for it"
        told = y.json("report", "dmarc")  # who got them reads them by himself
        assert sorted((r["domain"], r["messages"], r["passed"], r["rejected"])
                      for r in told["sources"]) == [("asks.test", 2, 2, 0),
                                                    ("forged.test", 1, 0, 1)]
        assert {r["organization"] for r in told["reports"]} == {"mx.x.test"}
        assert {r["verified"] for r in told["reports"]} == {""}, "its domain has no DMARC record"
        assert not told["bad"] and seen(x) == {}
        assert seen(y) == {}, "reports count towards no report"
    finally:
        for host in (x, y):
            world.remove(host)


def test_a_destination_that_refuses_has_its_rest(world, names):
    x, y = hosts(world, names, "x", "y")
    try:
        tama = x.account("tama")

        def a_day():
            x.deliver(tama, from_author("a@refuses.test"), "a@refuses.test")
            wait_until(lambda: seen(x) == {"refuses.test": 1}, 15, 0.2)
            let_days_pass(x)
            wait_until(lambda: seen(x) == {}, 30, 0.2)
            x.wait_until_settled()
        a_day()
        failed = x.json("journey", "nobody@refuses.test")
        assert len(failed) == 1 and "bounced" in str(failed)
        x.restart()  # what failed is on the disk
        a_day()
        assert len(x.json("journey", "nobody@refuses.test")) == 1
    finally:
        for host in (x, y):
            world.remove(host)


def test_hosts_never_report_to_each_other_of_reports(world, names):
    z, = hosts(world, names, "z")
    try:
        tama = z.account("tama", domain="z.test")
        message_id = z.deliver(tama, from_author("a@asks.test"), "a@asks.test")
        wait_until(lambda: seen(z) == {"asks.test": 1}, 15, 0.2)
        let_days_pass(z)
        wait_until(lambda: "No reports are sent: the DMARC record of mx.z.test asks for reports"
                   in z.run("log", "-n", "200"), 30, 0.2)
        told = z.json("journey", "dmarc-reports@asks.test")  # of the message alone: its record
        assert not z.queued() and [m["message"] for m in told] == [message_id], told
    finally:
        world.remove(z)


def test_reports_that_come_are_kept_and_shown(server):
    host = server("r")
    reader = host.account("dmarc-reports")
    other = host.account("other")
    good = report([("192.0.2.1", 3, "none", "pass", "fail"),
                   ("192.0.2.66", 9, "reject", "fail", "fail")])
    host.deliver(reader, crlf(message(gzip.compress(good), gzip.compress(good)[:-30])))
    host.deliver(reader, crlf(message(gzip.compress(good))))  # again
    host.deliver(reader, crlf(FAILURE))
    host.deliver(other, crlf(message(report([("192.0.2.9", 1, "none", "pass", "pass")],
                                            number="2"))))
    large = message(report([(f"192.0.2.{i % 250}", 1, "none", "pass", "pass")
                            for i in range(4000)], number="3", domain="large.test"))
    assert len(large) > 256 * 1024  # so it is in a file
    host.deliver(reader, crlf(large))

    def check(told):
        assert [(r["domain"], r["source"], r["messages"], r["passed"]) for r in told["sources"]
                if r["domain"] == "example.jp"] == [("example.jp", "192.0.2.66", 9, 0),
                                                    ("example.jp", "192.0.2.1", 3, 3)]
        assert sorted(r["domain"] for r in told["reports"]) == ["example.jp", "large.test"]
        assert sum(r["messages"] for r in told["sources"] if r["domain"] == "large.test") == 4000
        assert [r["subject"] for r in told["failures"]] == ["早馬"]
        assert [r["reason"] for r in told["bad"]] == ["the compressed file is damaged"]
    check(host.json("report", "dmarc"))
    assert len(host.messages(reader)) == 4, "they are messages like all others"
    told = host.json("report", "dmarc")
    assert host.json("journey", told["reports"][0]["message"])
    assert "192.0.2.66" in host.run("report", "dmarc", "--domain", "example.jp")
    assert not host.json("report", "dmarc", "--domain", "large.test")["failures"]
    host.stop()
    check(host.json("report", "dmarc"))  # by the file, while nothing runs
    (host.folder / "events/reports.db").write_bytes(b"rubbish" * 1000)
    host.start()
    assert host.json("report", "dmarc")["reports"] == []
    host.deliver(reader, crlf(message(gzip.compress(good))))
    assert len(host.json("report", "dmarc")["reports"]) == 1
    assert (host.folder / "events/reports.db.damaged").exists()
