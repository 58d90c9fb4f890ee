# SPDX-License-Identifier: ISC
"""DANE (RFC 7672) beside a real name server with signed zones."""
import hashlib
import ssl
import subprocess

import pytest

from network import SignedNameServer
from peer import Peer
from pki import Authority
from world import MESSAGE, wait_until

WRONG = hashlib.sha256(b"another key").hexdigest()
FORGED = hashlib.sha256(b"an attacker's key").hexdigest()
BUSY = 7  # what `hayauma route` ends with where a message would wait
NAMES = ["mx.good.test", "mx.named.test", "mx.pkix.test"]  # for which the certificate is


def openssl(*words, **more):
    return subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True,
                          **more).stdout


def der(file):
    return openssl("x509", "-in", file, "-outform", "DER")


def key_of(file):
    return openssl("pkey", "-pubin", "-outform", "DER",
                   input=openssl("x509", "-in", file, "-noout", "-pubkey"))


def sha256(data):
    return hashlib.sha256(data).hexdigest()


# Each domain has a host of its own name, all at one address: what it says of its certificate, and
# what becomes of a message. The host has a certificate for mx.good.test by an authority of its own.
def domains(leaf, authority):
    good = f"3 1 1 {sha256(key_of(leaf))}"
    return {
        "good": (good, True),
        "whole": (f"3 0 0 {der(leaf).hex()}", True),
        "sha512": (f"3 1 2 {hashlib.sha512(key_of(leaf)).hexdigest()}", True),
        "rolled": (f"3 1 1 {WRONG}\n{{owner}} TLSA {good}", True),  # RFC 7671 §8.1
        "wrong": (f"3 1 1 {WRONG}", False),
        "named": (f"2 0 1 {sha256(der(authority))}", True),
        "unnamed": (f"2 0 1 {sha256(der(authority))}", False),  # the name is another one
        "unusable": (f"1 1 1 {WRONG}", True),
        "forged": (f"3 1 1 {FORGED}", False),
        "none": (None, True),
    }


@pytest.fixture(scope="module")
def dane(world, tmp_path_factory):
    """A server that validates, its name server, and the peer that has the certificate."""
    folder = tmp_path_factory.mktemp("dane")
    made = Authority(folder / "authority")
    issued = made.issue(*NAMES)
    leaf, authority, chain, key = (folder / name for name in ("leaf", "middle", "chain", "key"))
    for file, text in ((leaf, issued.leaf), (authority, made.middle), (chain, issued.chain),
                       (key, issued.key)):
        file.write_text(text)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    network = world.network
    port = 25 + network.offset
    cases = domains(leaf, authority)
    here, bare = network.here, network.deaf
    records = "".join(
        f"{name} MX 10 mx.{name}\nmx.{name} A {here}\n" + (
            f"_{port}._tcp.mx.{name} TLSA {value}\n".format(owner=f"_{port}._tcp.mx.{name}")
            if value else "") for name, (value, _) in cases.items())
    records += (
        f"alias MX 10 mx.named-alias\nmx.named-alias CNAME host.alias\nhost.alias A {here}\n"
        f"_{port}._tcp.host.alias TLSA 2 0 1 {sha256(der(authority))}\n"
        f"led MX 10 mx.led\nmx.led CNAME mx.named\n"
        f"bare MX 10 mx.bare\nmx.bare A {bare}\n_{port}._tcp.mx.bare TLSA 3 1 1 {WRONG}\n"
        f"second MX 10 mx.wrong\nsecond MX 20 mx.good\n"
        f"away MX 10 mx.open\npkix MX 10 mx.pkix\nmx.pkix A {here}\n")
    unsigned = f"@ MX 10 mx\nmx A {here}\n_{port}._tcp.mx TLSA 3 1 1 {WRONG}\n"
    stale = f"@ MX 10 mx\nmx A {here}\n_{port}._tcp.mx TLSA 3 1 1 {WRONG}\n"
    names = SignedNameServer(network, records, stale, unsigned,
                             {FORGED: sha256(key_of(leaf))})
    host = world.host("dane", dns=names, settings={
        "dns.dnssec": "yes", "dns.trust-anchor": names.anchor,
        "relay.authorities": folder / "authority/root.crt",
        "queue.retry-schedule": "1h", "queue.retry-jitter": "0%"})
    peer = Peer(here, port, context=context, extensions=[b"REQUIRETLS"])
    plain = Peer(bare, port)
    yield host, peer, plain, cases
    for each in (peer, plain, names):
        each.close()
    world.remove(host)


def send(host, domain, options="", data=MESSAGE):
    """A message to somebody at the domain: its id, and its writer."""
    writer = host.account()
    with host.submission(writer) as wire:
        assert wire.code("EHLO again.test") == 250
        assert wire.code(f"MAIL FROM:<{writer}>{options}") == 250
        assert wire.code(f"RCPT TO:<friend@{domain}>") == 250
        code, lines = wire.message(data)
        assert code == 250, lines
        return lines[0].split()[-1], writer


def journey(host, message):
    return " ".join(host.run("journey", message).split())


def outcome(host, domain, *more):
    """Whether the message left, and its journey."""
    message, _ = send(host, domain, *more)
    told = []

    def decided():
        told[:] = [journey(host, message)]
        waiting = [m for m in host.queued() if m["id"] == message]
        return not waiting or waiting[0]["waiting"][0]["attempts"] > 0
    wait_until(decided, 20, 0.2, host.story)
    return not [m for m in host.queued() if m["id"] == message], journey(host, message)


@pytest.mark.parametrize("name", ["good", "whole", "sha512", "rolled", "wrong", "named",
                                  "unnamed", "unusable", "forged", "none"])
def test_rfc7672_a_message_leaves_only_where_the_certificate_is_as_dns_says(dane, name):
    host, peer, _, cases = dane
    before = len(peer.messages)
    left, told = outcome(host, f"{name}.test")
    assert left == cases[name][1], told
    assert len(peer.messages) == before + left, told
    words = {"good": "verified by DANE (3 1 1)", "unusable": "any certificate will do",
             "forged": "TLSA look-up of", "none": "there are no TLSA records",
             "wrong": "the certificate cannot be verified"}
    assert words.get(name, "DANE") in told


def test_rfc7672_3_2_2_with_an_authority_the_names_that_led_there_count(dane):
    host, _, _, _ = dane
    left, told = outcome(host, "led.test")  # an alias of mx.named.test
    assert left and "verified by DANE (2 0 1)" in told, told
    left, told = outcome(host, "alias.test")
    assert not left and "the certificate cannot be verified" in told, told


def test_rfc7672_2_2_no_tls_where_it_is_promised_means_no_message(dane):
    host, _, plain, _ = dane
    left, told = outcome(host, "bare.test")
    assert not left and not plain.messages, told
    assert "it does not offer STARTTLS" in told


def test_rfc7672_2_2_1_the_next_host_gets_the_message(dane):
    host, _, _, _ = dane
    left, told = outcome(host, "second.test")
    assert left, told
    assert "mx.wrong.test" in told and "verified by DANE (3 1 1)" in told


@pytest.mark.parametrize("domain", ["open.test", "away.test"])
def test_rfc7672_2_1_3_without_signatures_there_is_no_dane(dane, domain):
    host, _, _, _ = dane
    left, told = outcome(host, domain)
    assert left, told
    assert "no DANE" in told and "not signed" in told


def test_rfc7672_2_1_2_signatures_that_have_run_out_mean_that_nobody_knows(dane):
    host, peer, _, _ = dane
    before = len(peer.messages)
    left, told = outcome(host, "stale.test")
    assert not left and len(peer.messages) == before, told
    assert "failed DNSSEC validation" in told


@pytest.mark.parametrize("domain, words", [
    ("good.test", "verified by DANE (3 1 1)"), ("pkix.test", "REQUIRETLS: the message demands it")])
def test_rfc8689_4_2_1_what_demands_tls_goes_where_it_is_promised(dane, domain, words):
    host, peer, _, _ = dane
    left, told = outcome(host, domain, " REQUIRETLS")
    assert left and words in told, told
    assert any(line.startswith("MAIL") and line.endswith(" REQUIRETLS") for line in peer.said[-1])


def test_rfc8689_4_2_1_what_demands_tls_waits_for_a_certificate_that_is_right(dane):
    host, peer, _, _ = dane
    before = len(peer.messages)
    left, told = outcome(host, "none.test", " REQUIRETLS")  # by an authority, for another name
    assert not left and len(peer.messages) == before, told
    assert "the certificate cannot be verified" in told


def test_rfc8689_4_2_1_what_demands_tls_comes_back_where_dns_is_not_signed(dane):
    host, peer, _, _ = dane
    before = len(peer.messages)
    message, writer = send(host, "open.test", " REQUIRETLS")
    bounce, = host.wait_for_messages(writer)
    assert b"Status: 5.7.30" in bounce and len(peer.messages) == before
    assert "but nobody vouches for mx.open.test" in journey(host, message)


def test_rfc8689_3_what_waives_tls_goes_past_a_broken_policy(dane):
    host, _, _, _ = dane
    left, told = outcome(host, "wrong.test", "", b"TLS-Required: No\r\n" + MESSAGE)
    assert left and "as it is offered: the message says TLS-Required: No" in told, told


def test_route_says_what_would_hold(dane):
    host, _, _, _ = dane
    assert "DANE: 1 TLSA record at" in host.run("route", "friend@good.test")
    assert "no DANE, " in host.run("route", "friend@none.test")
    told = host.attempt("route", "friend@forged.test")
    assert told.returncode == BUSY
    assert "mx.forged.test is passed over now" in told.stdout
    assert "failed DNSSEC validation" in told.stdout
