# SPDX-License-Identifier: ISC
"""What check says of DNS: addresses, PTR, MX, SPF, DNSSEC, and what it cannot know from here."""
import re

import pytest
from fake_dns import FakeDns

GOOD = {
    "mail.example.test A": ["192.0.2.1"],
    "1.2.0.192.in-addr.arpa PTR": ["mail.example.test"],
    "example.test MX": ["10 mail.example.test"],
    "example.test TXT": ["some=other", "v=spf1 mx -all"],
    "example.org MX": ["10 mail.example.test"],
    "example.org TXT": ["v=spf1 ip4:192.0.2.0/24 ~all"],
}


@pytest.fixture
def found(server):
    """What check finds with these records besides: found({...}) is {level: sentences}."""
    def look(records, settings="", base=GOOD):
        table = {key: value for key, value in {**base, **records}.items() if value is not None}
        with FakeDns(table) as dns:
            text = server.settings.read_text().replace("127.0.0.1:9", dns.address)
            server.settings.write_text(text + settings)
            levels = {"ok": [], "note": [], "warning": [], "error": []}
            for one in server.json("check"):
                levels[one["level"]].append(one["text"])
        return {level: "\n".join(texts) for level, texts in levels.items()}
    return look


def about_dns(text):
    return [line for line in text.splitlines() if re.search(r"192\.0\.2|MX|PTR|SPF|DNS", line)]


def test_all_is_well_behind_a_router(found):
    """This host has no public address of its own: that is NAT, and no fault."""
    said = found({})
    for text in ("mail.example.test leads to 192.0.2.1, which this host does not have itself",
                 "(NAT)", "192.0.2.1 leads back to mail.example.test (PTR)",
                 "mail for example.test comes here (MX mail.example.test)",
                 "the SPF record of example.test lets 192.0.2.1 send: v=spf1 mx -all",
                 "the SPF record of example.org lets 192.0.2.1 send",
                 "they are not validated, since dns.dnssec is no"):
        assert text in said["ok"]
    assert about_dns(said["warning"]) == []
    assert "cannot be tested from here" in said["note"] and "nc -vz mail.example.test" in said["note"]


@pytest.mark.parametrize("records, warning", [
    ({"mail.example.test A": None}, "mail.example.test has no address in DNS"),
    ({"mail.example.test A": ["10.1.2.3"]}, "leads to 10.1.2.3, a private address"),
    ({"1.2.0.192.in-addr.arpa PTR": None},
     "192.0.2.1 has no PTR record, so many servers will not take mail from it"),
    ({"1.2.0.192.in-addr.arpa PTR": ["a.pool.test"]},
     "the PTR record of 192.0.2.1 says a.pool.test and not mail.example.test"),
    ({"example.test MX": None}, "example.test has no MX record, so mail for it does not come here"),
    ({"example.test MX": ["10 mx.far.test"], "mx.far.test A": ["198.51.100.1"]},
     "the MX record of example.test leads to mx.far.test and not here"),
    ({"example.test MX": ["5 gate.test", "10 mail.example.test"], "gate.test A": ["198.51.100.1"]},
     "mail for example.test goes to gate.test first"),
    ({"example.test MX": ["0 ."]}, "says that it takes no mail at all (RFC 7505)"),
    ({"example.test TXT": None}, "example.test has no SPF record"),
    ({"example.test TXT": ["v=spf1 -all"]},
     "the SPF record of example.test does not let 192.0.2.1 send"),
    ({"example.test TXT": ["v=spf1 a ~all"]}, "does not let 192.0.2.1 send"),
    ({"example.test TXT": ["v=spf1 mx -all", "v=spf1 -all"]},
     "does not count: the domain has more than one SPF record: v=spf1"),
    ({"example.test TXT": ["v=spf1 mx +al"]}, "does not count: it has a term that cannot be read: +al")])
def test_what_is_wrong_is_told_with_the_record_that_is_missing(found, records, warning):
    told = found(records)["warning"].splitlines()
    assert len([line for line in told if warning in line]) == 1, told


def test_an_internationalised_domain_is_called_as_people_write_it_and_its_records_as_dns_does(
        found, server):
    server("domain", "add", "例え.jp")
    told = found({})["warning"]
    for text in ("例え.jp has no MX record", "add  xn--r8jz45g.jp. MX 10 mail.example.test.",
                 "例え.jp has no SPF record", "add  xn--r8jz45g.jp. TXT",
                 "postmaster@例え.jp, abuse@例え.jp"):
        assert text in told, told


def test_mail_that_comes_by_the_address_or_another_name_is_no_fault(found):
    said = found({"example.test MX": None, "example.test A": ["192.0.2.1"],
                  "example.org MX": ["10 mx.example.org"], "mx.example.org A": ["192.0.2.1"]})
    assert "mail for example.test comes here by its address" in said["ok"]
    assert "mail for example.org comes here (MX mx.example.org)" in said["ok"]


@pytest.mark.parametrize("line", ["smart-host relay.campus.test:587",
                                  "route * relay.campus.test:587"])
def test_a_smart_host_is_who_spf_has_to_let_through(found, line):
    relayed = f"relay {{\n    {line}\n}}\n"
    said = found({"relay.campus.test A": ["198.51.100.25"], "1.2.0.192.in-addr.arpa PTR": None,
                  "example.org TXT": ["v=spf1 a:relay.campus.test -all"]}, relayed)
    assert "the SPF record of example.test does not let 198.51.100.25 send" in said["warning"]
    assert "the SPF record of example.org lets 198.51.100.25 send" in said["ok"]
    assert "PTR" not in said["warning"]


def test_macros_are_judged_too(found):
    said = found({"example.test TXT": ["v=spf1 exists:%{i}.x.test -all"],
                  "192.0.2.1.x.test A": ["127.0.0.2"]})
    assert "the SPF record of example.test lets 192.0.2.1 send" in said["ok"]


def test_without_a_public_address_spf_is_a_note(found):
    said = found({"mail.example.test A": ["192.168.1.2"]})
    assert "SPF cannot be tested from here" in said["note"]
    assert "SPF" not in said["warning"]


def test_name_servers_that_leave_signatures_out_are_told(found, server):
    text = server.settings.read_text()
    server.settings.write_text(text.replace("dnssec no", "dnssec yes"))
    said = found({})
    assert "DNS answers cannot be validated" in said["warning"]
    assert "set dns.dnssec to no" in said["warning"]
    assert "MX" not in said["warning"]


def test_name_servers_that_refuse_what_dnssec_needs_are_told(server):
    """Those of small networks that know nothing but their own names and a way out."""
    with FakeDns(GOOD, refused=(". SOA", ". DNSKEY")) as dns:
        text = server.settings.read_text().replace("127.0.0.1:9", dns.address)
        server.settings.write_text(text.replace("dnssec no", "dnssec yes"))
        said = [one["text"] for one in server.json("check") if one["level"] == "warning"]
    told = [text for text in said if "DNS" in text]
    assert len(told) == 1 and "in a way that can be validated" in told[0], said
    assert "set dns.dnssec to no" in told[0]


def test_a_missing_trust_anchor_is_told(found, server):
    text = server.settings.read_text()
    server.settings.write_text(text.replace("dnssec no", "dnssec yes\n    trust-anchor /no/root.key"))
    said = found({})
    assert "/no/root.key (dns.trust-anchor) cannot be read" in said["warning"]
    assert "dns-root-data" in said["warning"]
    assert "mail for example.test comes here" in said["ok"]


def test_no_name_server_is_one_warning(server):
    said = [one["text"] for one in server.json("check") if one["level"] == "warning"]
    assert len([text for text in said if "DNS does not answer" in text]) == 1
    assert not any("MX" in text for text in said)
    assert not any("DNS" in one["text"] for one in server.json("check", "--no-dns"))


def test_a_running_one_is_asked_the_same(server):
    with FakeDns(GOOD) as dns:
        text = server.settings.read_text().replace("127.0.0.1:9", dns.address)
        server.settings.write_text(text)
        server.start()
        said = [one["text"] for one in server.json("check") if one["level"] == "ok"]
        server.stop()
    assert any("mail for example.test comes here" in text for text in said)
