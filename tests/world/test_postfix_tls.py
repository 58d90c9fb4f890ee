# SPDX-License-Identifier: ISC
"""DANE in both directions beside Postfix, whose zones and ours are signed: what it verifies of our
certificate, and what we verify of its."""
import hashlib
import types

import pytest

import postfix
from network import SignedNameServer
from pki import Authority
from test_dane import der, key_of, openssl, sha256
from wire import Smtp
from world import MESSAGE, wait_until

WRONG = hashlib.sha256(b"another key").hexdigest()
OURS, THEIRS = ["ours.test", "ours-wrong.test"], ["theirs.test", "theirs-wrong.test"]


@pytest.fixture(scope="module")
def both(world, tmp_path_factory):
    """Our server and a Postfix, each of which is the host of two domains: one whose TLSA record is
    right, one whose is not."""
    network = world.network
    if not network.real:
        pytest.skip("needs namespaces, and so root")
    assert postfix.installed(), "Postfix and unbound are there with: scripts/install-packages world"
    folder = tmp_path_factory.mktemp("postfix")
    issued = Authority(folder / "authority").issue("mx.theirs.test", "mx.theirs-wrong.test")
    (folder / "leaf").write_text(issued.leaf)
    (folder / "both").write_text(issued.key + issued.chain)
    world.spare += 1
    place = network.place(world.spare)
    at = types.SimpleNamespace(address=network.here, port=453)
    host = world.prepare("ours", OURS, dns=at, settings={
        "dns.dnssec": "yes", "dns.trust-anchor": folder / "anchor",
        "queue.retry-schedule": "1h", "queue.retry-jitter": "0%"})
    ours = openssl("x509", input=(host.folder / "keys/default.crt").read_bytes())
    (folder / "ours").write_bytes(ours)
    records = ""
    for names, address, right in ((OURS, host.place.ipv4, f"3 1 1 {sha256(key_of(folder / 'ours'))}"),
                                  (THEIRS, place.ipv4, f"3 0 1 {sha256(der(folder / 'leaf'))}")):
        for name, value in zip(names, (right, f"3 1 1 {WRONG}")):
            zone = name.removesuffix(".test")
            records += (f"{zone} MX 10 mx.{zone}\nmx.{zone} A {address}\n"
                        f"_25._tcp.mx.{zone} TLSA {value}\n")
    names = SignedNameServer(network, records, port=at.port)
    (folder / "anchor").write_text(names.anchor.read_text())
    there = postfix.Postfix(place, world.folder / "postfix", THEIRS, names, names.anchor,
                            folder / "both")
    host.start()
    yield host, there, place
    there.close()
    names.close()
    world.remove(host)


def test_rfc7672_postfix_verifies_our_certificate_by_our_record(both):
    host, there, place = both
    user, other = host.account(), host.account(domain=OURS[1])
    with Smtp(place.ipv4, 25) as wire:
        wire.greeted().accepted("kiku@far.test", [user, other], MESSAGE)
    message, = host.wait_for_messages(user)
    assert b"with ESMTPS" in message
    wait_until(lambda: "status=deferred" in there.log(), 15, why=there.log)
    log = there.log()
    assert "Verified TLS connection established to mx.ours.test" in log, log
    assert "Verified TLS connection established to mx.ours-wrong.test" not in log, log
    assert host.messages(other) == []


def test_rfc7672_we_verify_postfix_by_its_record(both):
    host, there, _ = both
    user = host.account()
    with host.submission(user) as wire:
        message = wire.accepted(user, [f"friend@{name}" for name in THEIRS], MESSAGE)
    wait_until(lambda: "to=<friend@theirs.test>" in there.log(), 15, why=there.log)
    waiting = []

    def one_is_left():
        waiting[:] = [each["waiting"] for each in host.queued() if each["id"] == message]
        return waiting and len(waiting[0]) == 1 and waiting[0][0]["attempts"] > 0
    wait_until(one_is_left, 15, why=host.story)
    assert waiting[0][0]["address"] == "friend@theirs-wrong.test"
    assert "certificate cannot be verified" in waiting[0][0]["reply"]
    told = " ".join(host.run("journey", message).split())
    assert "verified by DANE (3 0 1), 1 TLSA record at _25._tcp.mx.theirs.test" in told
    assert "friend@theirs-wrong.test" not in there.log()
