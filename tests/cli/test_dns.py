# SPDX-License-Identifier: ISC
"""hayauma dns: what a postmaster publishes, what DNS says of it, and DKIM keys on their way."""
import os
import re
import time

import pytest
from fake_dns import FakeDns
from server import NOT_FOUND, NOT_RUNNING, REFUSED

BASE = {
    "mail.example.test A": ["192.0.2.1"],
    "1.2.0.192.in-addr.arpa PTR": ["mail.example.test"],
    "example.test MX": ["10 mail.example.test"],
    "example.test TXT": ["some=other", "v=spf1 mx -all"],
    "mail.example.test TXT": ["v=spf1 a -all"],
    "_dmarc.example.test TXT": ["v=spf1 -all", "v=DMARC1; p=reject"],
}


@pytest.fixture
def asking(server):
    """A running server that asks a name server of the test, whose table may change."""
    with FakeDns(dict(BASE)) as dns:
        text = server.settings.read_text().replace("127.0.0.1:9", dns.address)
        server.settings.write_text(text)
        server.start()
        server.dns = dns
        until = time.monotonic() + 30
        while not all(keys_of(server, name) for name in ("example.test", "example.org")):
            assert time.monotonic() < until, "no keys"
            time.sleep(0.2)
        yield server
        server.stop()


def publish(server, name, *texts):
    """A name is asked for once: answers are kept for as long as they say."""
    server.dns.records[f"{name} TXT"] = list(texts)
    server.dns.names.add(name)


def found(server, *words):
    """{(purpose, name): record}"""
    return {(one["purpose"], one["name"]): one for one in server.json("dns", *words)}


def keys_of(server, domain):
    return {name.split(".")[0]: one for (purpose, name), one in
            found(server, domain, "--no-check").items() if purpose == "dkim"}


def test_each_record_is_told_with_what_dns_says_of_it(asking):
    of = found(asking)
    states = {key: one["state"] for key, one in of.items() if key[0] != "dkim"}
    assert states == {
        ("address", "mail.example.test"): "right", ("ptr", "1.2.0.192.in-addr.arpa"): "right",
        ("spf", "mail.example.test"): "right", ("dmarc", "_dmarc.mail.example.test"): "missing",
        ("mx", "example.test"): "right", ("spf", "example.test"): "right",
        ("dmarc", "_dmarc.example.test"): "right",
        ("mx", "example.org"): "missing", ("spf", "example.org"): "missing",
        ("dmarc", "_dmarc.example.org"): "missing"}
    keys = [name for purpose, name in of if purpose == "dkim"]
    assert len(keys) == 6
    for domain in ("mail.example.test", "example.test", "example.org"):
        for kind in "re":
            assert [name for name in keys if re.fullmatch(rf"{kind}\d{{8}}\._domainkey\.{domain}", name)]


def test_what_is_not_known_is_said_in_words(server):
    """In Japanese, too, where words are no ASCII."""
    with FakeDns({}) as dns:
        text = server.settings.read_text().replace("127.0.0.1:9", dns.address)
        server.settings.write_text(text)
        env = {name: value for name, value in os.environ.items() if name not in ("LC_ALL", "LANGUAGE")}
        said = server("dns", env=env | {"LANG": "ja_JP.UTF-8"}).stdout
    assert "ここからは確認できない: このサーバーの" in said and "?" not in said
    assert "; mail.example.test. IN A: " in said


def test_what_it_prints_can_be_pasted_into_a_zone(asking):
    """RFC 1035 §5.1, §3.3.14: one record a line, strings of at most 255 bytes, comments behind ;"""
    lines = [line for line in asking("dns", "example.test").stdout.splitlines()
             if line and not line.startswith(";")]
    assert "example.test.                           IN  MX    10 mail.example.test." in [
        re.sub(r"^(\S+) +IN", lambda m: m[1].ljust(40) + "IN", line) for line in lines]
    texts = {}
    for line in lines:
        name, cls, kind, value = line.split(None, 3)
        assert name.endswith(".") and cls == "IN"
        if kind != "TXT":
            continue
        strings = re.findall(r'"([^"]*)"', value)
        assert " ".join(f'"{one}"' for one in strings) == value
        assert all(len(one) <= 255 for one in strings)
        texts[name] = "".join(strings)
    assert texts["_dmarc.example.test."].startswith("v=DMARC1")
    rsa = [text for text in texts.values() if "k=rsa" in text]
    assert len(rsa) == 1 and len(rsa[0]) > 400


def test_a_key_signs_as_soon_as_dns_shows_it(asking):
    keys = keys_of(asking, "example.test")
    rsa = next(key for key in keys if key.startswith("r"))
    assert not keys[rsa]["signs"]
    # written in another way, and beside something else (RFC 6376 §3.6.1)
    value = keys[rsa]["value"].replace("v=DKIM1; k=rsa; p=", "p=")
    publish(asking, f"{rsa}._domainkey.example.test", "x", value + ";")
    before = found(asking, "example.test")[("dkim", f"{rsa}._domainkey.example.test")]
    assert (before["state"], before["signs"]) == ("right", False)
    assert keys_of(asking, "example.test")[rsa]["signs"]
    assert "DNS shows a new DKIM key of example.test" in asking("log").stdout
    assert "DNS shows the DKIM key" in asking("check").stdout


def test_another_key_under_its_name_is_told_and_does_not_count(asking):
    keys, others = keys_of(asking, "example.test"), keys_of(asking, "example.org")
    ed = next(key for key in keys if key.startswith("e"))
    publish(asking, f"{ed}._domainkey.example.test", others[ed]["value"])
    one = found(asking, "example.test")[("dkim", f"{ed}._domainkey.example.test")]
    assert one["state"] == "different" and one["found"] == others[ed]["value"]
    assert not keys_of(asking, "example.test")[ed]["signs"]
    assert "DNS shows another key as the DKIM key" in asking("check").stdout


def test_rotation_makes_a_key_beside_the_one_in_use(asking):
    said = asking("domain", "rotate", "example.test", code=REFUSED).stderr
    assert "DNS does not show the newest DKIM key of example.test yet" in said
    keys = keys_of(asking, "example.test")
    rsa = next(key for key in keys if key.startswith("r"))
    publish(asking, f"{rsa}._domainkey.example.test", keys[rsa]["value"])
    asking("dns", "example.test")
    assert "publish them: hayauma dns" in asking("domain", "rotate", "example.test").stdout
    after = keys_of(asking, "example.test")
    assert len(after) == 3 and after[rsa]["signs"]
    assert after[rsa]["value"] == keys[rsa]["value"]
    asking("domain", "rotate", "example.test", code=REFUSED)


def test_keys_come_with_a_domain_and_outlive_the_server(asking):
    asking("domain", "add", "例え.jp")
    before = keys_of(asking, "例え.jp")
    assert len(before) == 2
    folder = asking.folder / "keys/dkim/xn--r8jz45g.jp"
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    asking.stop()
    asking.start()
    assert keys_of(asking, "例え.jp") == before
    log = asking("log").stdout
    assert log.count("DKIM keys of 例え.jp are there") + log.count(
        "DKIM keys of xn--r8jz45g.jp are there") == 1


def test_a_private_key_is_nowhere_but_in_its_file(asking):
    """keys is the only process that has one."""
    key = next((asking.folder / "keys/dkim/example.test").glob("r*.key")).read_text()
    line = key.splitlines()[3]
    for words in (["dns", "--json"], ["log"], ["check"], ["status"]):
        assert line not in asking(*words).stdout


def test_without_a_server_all_but_the_keys_is_told(server):
    done = server("dns", "example.test", "--no-check")
    assert "example.test." in done.stdout and "_domainkey" not in done.stdout
    assert "DKIM keys are not among them" in done.stderr
    server("domain", "rotate", "example.test", code=NOT_RUNNING)


def test_a_domain_of_others_has_no_records_here(asking):
    assert "example.net is no domain of this host" in asking(
        "dns", "example.net", code=NOT_FOUND).stderr
    asking("domain", "rotate", "example.net", code=NOT_FOUND)
