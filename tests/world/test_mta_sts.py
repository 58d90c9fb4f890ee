# SPDX-License-Identifier: ISC
"""MTA-STS (RFC 8461): sts.test, whose mail goes to mx.plain.test, has a policy at mta-sts.sts.test."""
import http.server
import os
import signal
import threading

import pytest

from peer import Peer, server_context
from world import MESSAGE, wait_until

ENFORCE = "version: STSv1\nmode: enforce\nmax_age: 604800\nmx: {}\n"


class Policies:
    """An HTTPS server that says `text`, to whoever asks for a policy."""

    def __init__(self, address, port, context, text):
        self.text, self.status, self.asked = text, 200, []
        policies = self

        class Answers(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                policies.asked.append((self.headers["Host"].partition(":")[0], self.path))
                self.send_response(policies.status)
                self.send_header("Content-Type", "text/plain")
                self.send_header("Location", "https://mta-sts.sts.test/elsewhere")
                self.end_headers()
                self.wfile.write(policies.text.encode())

            def log_message(self, *words):
                pass

        self.server = http.server.ThreadingHTTPServer((address, port), Answers)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def secured(world, server, tmp_path):
    """secured(policy, named=...): a server that is to send, the host at mx.plain.test with a
    certificate for `named`, and the policies of sts.test."""
    made = []

    def make(policy, named="mx.plain.test", tls=True, settings=None,
             policies_named="mta-sts.sts.test"):
        server_context(tmp_path, "authority.test")
        contexts = [server_context(tmp_path, name, "authority.test") for name in (named, policies_named)]
        https = 443 + world.network.offset
        policies = Policies(world.network.here, https, contexts[1], policy)
        made.append(policies)
        host = server(settings={
            "relay.authorities": tmp_path / "authority.test.crt", "fetch.port": https,
            "fetch.inside-networks": f"{world.network.here}/32",
            "queue.retry-schedule": "1s 1s 1s 1s 1s 1s 1s 1s", "queue.retry-jitter": "0%"} | (settings or {}))
        peer = Peer(world.network.here, host.ports["smtp"], context=contexts[0] if tls else None)
        made.append(peer)
        return host, peer, policies
    yield make
    for each in made:
        each.close()


def send(host, to="friend@sts.test"):
    writer = host.account()
    with host.submission(writer) as wire:
        return wire.accepted(writer, [to], MESSAGE)


def journey(host, message):
    """Without its line breaks."""
    return " ".join(host.run("journey", message).split())


def wait_for_reply(host, text):
    """Until the one message waits, with these words."""
    def waits():
        queued = host.queued()
        return queued and text in queued[0]["waiting"][0]["reply"]
    wait_until(waits, 15, 0.1, host.story)


def test_a_message_goes_to_a_host_that_the_policy_names_with_a_verified_certificate(secured):
    host, peer, policies = secured(ENFORCE.format("*.plain.test"))
    message = send(host)
    host.wait_until_settled()
    assert len(peer.messages) == 1
    assert policies.asked == [("mta-sts.sts.test", "/.well-known/mta-sts.txt")]
    assert "MTA-STS: the policy of sts.test names mx.plain.test" in journey(host, message)
    send(host)
    host.wait_until_settled()
    assert len(policies.asked) == 1
    host.restart()
    policies.status = 404
    send(host)
    host.wait_until_settled()
    assert len(peer.messages) == 3
    assert len(policies.asked) == 1  # it was kept over the restart


def test_a_host_that_the_policy_does_not_name_gets_nothing(secured):
    host, peer, _ = secured(ENFORCE.format("mx.other.test"))
    send(host)
    wait_for_reply(host, "mx.plain.test is passed over: the MTA-STS policy of sts.test does not name it")
    assert not peer.messages


@pytest.mark.parametrize("named, tls, words", [
    ("mx.other.test", True, "certificate"), ("mx.plain.test", False, "does not offer STARTTLS")])
def test_a_host_without_the_right_certificate_gets_nothing(secured, named, tls, words):
    host, peer, _ = secured(ENFORCE.format("mx.plain.test"), named=named, tls=tls)
    send(host)
    wait_for_reply(host, words)
    assert not peer.messages


def test_in_mode_testing_the_message_goes_all_the_same(secured):
    host, peer, _ = secured(ENFORCE.format("mx.other.test").replace("enforce", "testing"), named="x.test")
    message = send(host)
    host.wait_until_settled()
    assert len(peer.messages) == 1
    assert "mode testing: the policy of sts.test does not name mx.plain.test" in journey(host, message)


@pytest.mark.parametrize("status, named, words", [
    (404, "mta-sts.sts.test", "status 404"), (301, "mta-sts.sts.test", "redirect"),
    (200, "mx.plain.test", "TLS with mta-sts.sts.test")])
def test_a_policy_that_cannot_be_had_holds_for_nothing(secured, status, named, words):
    host, peer, policies = secured(ENFORCE.format("mx.other.test"), policies_named=named)
    policies.status = status
    message = send(host)
    host.wait_until_settled()
    assert len(peer.messages) == 1
    told = journey(host, message)
    assert words in told and "It holds for nothing" in told


def test_nothing_is_fetched_from_private_addresses(secured):
    host, peer, policies = secured(ENFORCE.format("mx.other.test"), settings={"fetch.inside-networks": "none"})
    message = send(host)
    host.wait_until_settled()
    assert len(peer.messages) == 1 and not policies.asked
    assert "private or reserved" in journey(host, message)


def route(host):
    return " ".join(host.attempt("route", "friend@sts.test").stdout.split())


def test_route_says_which_policy_holds(secured):
    host, _, policies = secured(ENFORCE.format("mx.plain.test"))
    assert "TLS with mx.plain.test: MTA-STS: the policy of sts.test names mx.plain.test" in route(host)
    host.stop()
    assert "The newest MTA-STS policy is not known: the server does not run" in route(host)
    policies.status = 404
    assert not policies.asked[1:]


def test_route_says_that_a_message_would_wait(secured):
    host, _, _ = secured(ENFORCE.format("mx.other.test"))
    told = host.attempt("route", "friend@sts.test")
    assert told.returncode == 7
    assert "mx.plain.test is passed over now: MTA-STS: the policy of sts.test does not name" in \
        " ".join(told.stdout.split())


def test_without_mta_sts_nothing_is_fetched(secured):
    host, peer, policies = secured(ENFORCE.format("mx.other.test"), settings={"relay.mta-sts": "no"})
    send(host)
    host.wait_until_settled()
    assert len(peer.messages) == 1 and not policies.asked


def test_other_domains_at_the_same_host_are_not_concerned(secured):
    host, peer, _ = secured(ENFORCE.format("mx.other.test"))
    send(host)
    send(host, "friend@plain.test")
    wait_until(lambda: len(peer.messages) == 1, 15, 0.1, host.story)


def test_fetcher_that_dies_loses_nothing(secured):
    host, peer, _ = secured(ENFORCE.format("mx.plain.test"))
    process, = [p for p in host.processes() if p["role"] == "fetcher"]
    os.kill(process["pid"], signal.SIGKILL)
    send(host)
    host.wait_until_settled()
    assert len(peer.messages) == 1
