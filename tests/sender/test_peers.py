# SPDX-License-Identifier: ISC
"""What is judged here and by others: pyspf, dkimpy, Mail::SPF, Mail::DKIM and mailauth."""
import base64
import json
import os
import pathlib
import random
import subprocess
import types

import dkim
import pytest
import spf
from fake_dns import FakeDns
from judged import ask_program

HERE = pathlib.Path(__file__).parent
HAYAUMA = os.environ.get("HAYAUMA", "build/check/hayauma")
NOW = 1796000000
HEADER = (b"Received: from a by b\r\nFrom: Tama <tama@example.jp>\r\nTo: hanako@example.org\r\n"
          b"Subject:  Lunch\r\n\tat noon \r\nDate: Mon, 30 Nov 2026 12:00:00 +0900\r\n"
          b"Message-ID: <1@example.jp>\r\n")
BODIES = {"plain": b"One  line \r\n\r\n \t\r\nand another\t one\r\n\r\n\r\n", "empty": b"",
          "line end": b"\r\n", "no line end": b"text", "dots": b".\r\n..\r\n",
          "blanks": b"a\r\n     \r\n\t\r\n"}


def perl(script, *words, given):
    done = subprocess.run(["perl", HERE / script, *words], check=False, input=given, capture_output=True,
                          timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def arc_of_mail_dkim(message, record):
    asked = {"records": {"sel._domainkey.example.jp TXT": [[record]]}, "asked": [message.decode("latin-1")]}
    told, = json.loads(perl("mail_dkim.pl", "verify", given=json.dumps(asked).encode()))
    return told["arc"]


def arc_of_mailauth(message, record):
    told, = ask_program(["node", str(HERE / "mailauth.mjs"), "all"],
                        types.SimpleNamespace(records={"sel._domainkey.example.jp TXT": [[record]]}),
                        [{"message": message.decode("latin-1"), "client": "192.0.2.1", "mail_from": "", "helo": "x"}])
    return told["arc"]


def verify(cases, records):
    """The verdict of each case."""
    with FakeDns(records) as dns:
        done = subprocess.run([HAYAUMA, "verify", "--json-lines", "--dns", dns.address], check=False,
                              input="".join(json.dumps(case) + "\n" for case in cases),
                              capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module", name="keys")
def make_keys(tmp_path_factory):
    """[(algorithm for dkimpy, private key for dkimpy, record)]"""
    folder = tmp_path_factory.mktemp("keys")
    rsa = folder / "rsa.pem"
    subprocess.run(["openssl", "genrsa", "-traditional", "-out", rsa, "2048"], check=True,
                   capture_output=True)
    public = subprocess.run(["openssl", "rsa", "-in", rsa, "-pubout", "-outform", "DER"], check=True,
                            capture_output=True).stdout
    from nacl.signing import SigningKey  # pylint: disable=import-outside-toplevel
    seed = SigningKey.generate()
    return [(b"rsa-sha256", rsa.read_bytes(), "v=DKIM1; p=" + base64.b64encode(public).decode(), rsa),
            (b"ed25519-sha256", base64.b64encode(bytes(seed)),
             "v=DKIM1; k=ed25519; p=" + base64.b64encode(bytes(seed.verify_key)).decode(), None)]


@pytest.mark.parametrize("which", [0, 1], ids=["rsa", "ed25519"])
def test_what_dkimpy_signs_verifies_here_rfc6376(keys, which):
    algorithm, private, record, _ = keys[which]
    cases, changed = [], []
    for head in (b"simple", b"relaxed"):
        for form in (b"simple", b"relaxed"):
            for body in BODIES.values():
                message = HEADER + b"\r\n" + body
                signature = dkim.sign(message, b"sel", b"example.jp", private, canonicalize=(head, form),
                                      signature_algorithm=algorithm)
                cases.append({"message": (signature + message).decode(), "client_ip": "192.0.2.1"})
                changed.append({"message": (signature + message.replace(b"Lunch", b"Dinner")).decode(),
                                "client_ip": "192.0.2.1"})
    told = verify(cases + changed, {"sel._domainkey.example.jp TXT": [record]})
    assert [one["dkim"][0]["result"] for one in told] == (
        ["pass"] * len(cases) + ["fail"] * len(changed)), told
    assert all(one["dkim"][0]["algorithm"] == algorithm.decode() for one in told)


def test_what_mail_dkim_signs_verifies_here_rfc6376(keys):
    """It adds no line end to a body without one in the simple form, as §3.4.3 has it: left out."""
    _, _, record, pem = keys[0]
    cases = []
    for method in ("simple", "simple/relaxed", "relaxed/simple", "relaxed/relaxed"):
        for name, body in BODIES.items():
            if name == "no line end" and not method.endswith("/relaxed"):
                continue
            message = HEADER + b"\r\n" + body
            signature = perl("mail_dkim.pl", "sign", pem, method, given=message)
            cases.append({"message": (signature + message).decode(), "client_ip": "192.0.2.1"})
    told = verify(cases, {"sel._domainkey.example.jp TXT": [record]})
    assert [one["dkim"][0]["result"] for one in told] == ["pass"] * len(cases), told


def test_arc_sets_of_dkimpy_verify_here_and_ours_there_rfc8617(keys, tmp_path):
    _, private, record, pem = keys[0]
    records = {"sel._domainkey.example.jp TXT": [record]}

    def ask(name, timeout=5):  # pylint: disable=unused-argument
        return record.encode() if name.rstrip(b".") == b"sel._domainkey.example.jp" else None

    message = HEADER + b"\r\n" + BODIES["plain"]
    with FakeDns(records) as dns:
        for hop in range(1, 5):
            if hop % 2:
                path = tmp_path / "message"
                path.write_bytes(message)
                message = subprocess.run(
                    [HAYAUMA, "seal", path, "--key", pem, "--domain", "example.jp", "--selector", "sel",
                     "--authserv-id", "mx.example.jp", "--client-ip", "192.0.2.1", "--dns", dns.address],
                    check=True, capture_output=True, timeout=60).stdout
            else:
                found = b"Authentication-Results: mx.example.org; arc=pass; spf=none\r\n"
                fields = dkim.arc_sign(found + message, b"sel", b"example.jp", private, b"mx.example.org")
                message = b"".join(fields) + message
            assert dkim.arc_verify(message, dnsfunc=ask)[0] == dkim.CV_Pass, message
            assert arc_of_mail_dkim(message, record) == "pass"
            assert arc_of_mailauth(message, record) == "pass"
            told, = verify([{"message": message.decode(), "client_ip": "192.0.2.1"}], records)
            assert told["arc"]["result"] == "pass", told["arc"]
            assert [one["domain"] for one in told["arc"]["sets"]] == ["example.jp"] * hop
        broken = message.replace(b"Lunch", b"Dinner")
        assert arc_of_mail_dkim(broken, record) == "fail"
        assert arc_of_mailauth(broken, record) == "fail"
        assert dkim.arc_verify(broken, dnsfunc=ask)[0] != dkim.CV_Pass
        told, = verify([{"message": broken.decode(), "client_ip": "192.0.2.1"}], records)
        assert told["arc"]["result"] == "fail"


# -------------------------------------------------------------------- SPF

NAMES = ["a.test.example", "b.test.example", "c.test.example", "d.test.example"]
CLIENTS = ["192.0.2.1", "192.0.2.77", "198.51.100.9", "2001:db8::1", "2001:db8:1::7"]


def random_term(chance):
    """One that is mostly right."""
    name = chance.choice(NAMES + ["none.test.example", "%{d}", "%{l}.x.test.example", "%{ir}.%{v}.test.example",
                                  "%{d2}", "%{o}", "%{h}"])
    bits = chance.choice(["", "", "/24", "//64", "/16//48", "/32", "/0"])
    return chance.choice(["", "", "-", "~", "?", "+"]) + chance.choice([
        f"a:{name}{bits}", f"mx:{name}{bits}", f"a{bits}", f"mx{bits}", f"include:{name}", f"exists:{name}",
        "ip4:192.0.2.0/26", "ip4:192.0.2.77", "ip6:2001:db8::/48", "ip4:198.51.100.9/8", "all", "ptr",
        "ip4:192.0.2.1/33", "ip6:1::2/129", "a:x", "moo", "include:", "ip4:1.2.3"] if chance.random() < 0.3 else [
        f"a:{name}{bits}", f"mx:{name}{bits}", f"include:{name}", f"exists:{name}", "ip4:192.0.2.0/26",
        "ip6:2001:db8::/48", "a", "mx"])


def random_zone(chance):
    """Four domains with a record each, that lead to each other, and addresses."""
    records = {}
    for name in NAMES:
        terms = [random_term(chance) for _ in range(chance.randrange(1, 5))]
        terms.append(chance.choice(["-all", "~all", "?all", "", f"redirect={chance.choice(NAMES)}"]))
        records[f"{name} TXT"] = ["v=spf1 " + " ".join(terms).strip()]
        for kind, some in (("A", CLIENTS[:3]), ("AAAA", CLIENTS[3:])):
            if chance.random() < 0.5:
                records[f"{name} {kind}"] = [chance.choice(some)]
        if chance.random() < 0.6:
            records[f"{name} MX"] = [f"10 {chance.choice(NAMES)}"]
    for address in CLIENTS[:3]:
        if chance.random() < 0.5:
            backwards = ".".join(reversed(address.split(".")))
            records[f"{backwards}.in-addr.arpa PTR"] = [chance.choice(NAMES)]
    records["tama.x.test.example A"] = ["127.0.0.2"]
    return records


class Zone:
    """Such records as pyspf asks for them."""

    def __init__(self, records):
        self.records = records

    def __call__(self, name, kind, *_, **__):
        for value in self.records.get(f"{name.lower().rstrip('.')} {kind}", []):
            if kind == "MX":
                preference, host = value.split()
                yield (name, kind), (int(preference), host)
            elif kind in ("A", "AAAA"):
                import ipaddress  # pylint: disable=import-outside-toplevel
                yield (name, kind), ipaddress.ip_address(value).packed if kind == "AAAA" else value
            elif kind == "TXT":
                yield (name, kind), (value.encode(),)
            else:
                yield (name, kind), value


def ask_pyspf(records, client, domain, voids=2):
    spf.DNSLookup = Zone(records)
    spf.MAX_VOID_LOOKUPS = voids
    query = spf.query(i=client, s=f"tama@{domain}", h="mail.test.example", receiver="mx.example.jp",
                      strict=False, timeout=20, querytime=0)
    query.set_default_explanation("")
    result, _, why = query.check()
    return None if "trivial recursion" in why else result


@pytest.mark.parametrize("seed", range(20))
def test_records_made_by_lot_are_judged_as_pyspf_and_mail_spf_do_rfc7208(seed):
    """Mail::SPF says the same throughout. pyspf counts the voids of an mx by each of its hosts, not by
    term (RFC 7208 §4.6.4), so it comes to the limit earlier; and it takes an include of the domain
    itself for a mistake wherever it stands, of which the RFC knows nothing: it has no opinion then."""
    chance = random.Random(seed)
    records = random_zone(chance)
    asked = [(client, name) for client in CLIENTS for name in NAMES]
    told = verify([{"message": "From: a@b.example\n\n", "client_ip": client, "helo": "mail.test.example",
                    "mail_from": f"tama@{name}", "time": NOW} for client, name in asked], records)
    others = json.loads(perl("mail_spf.pl", given=json.dumps({
        "records": {key: [[value] for value in values] for key, values in records.items()},
        "asked": [{"client": client, "helo": "mail.test.example", "mail_from": f"tama@{name}"}
                  for client, name in asked]}).encode()))
    assert [one["spf"]["result"] for one in told] == [one[0] for one in others], list(zip(asked, others))
    wrong = []
    for (client, name), verdict in zip(asked, told):
        expected, ours = ask_pyspf(records, client, name), verdict["spf"]["result"]
        if ours != expected == "permerror":
            expected = ask_pyspf(records, client, name, voids=1000)
        if expected and ours != expected:
            wrong.append((client, name, ours, expected, verdict["spf"]["reason"], records))
    assert not wrong, wrong[0]
