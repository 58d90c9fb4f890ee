# SPDX-License-Identifier: ISC
"""The way from host to host: what the MX records of a domain make of a message (RFC 5321 §5.1)."""
import base64
import email
import email.policy
import re

import pytest

from wire import written_by
from world import MESSAGE, PASSWORD, strip_trace, wait_until


@pytest.fixture(scope="module")
def c(world):
    """mx.c.test, the only one that is reached over IPv6 too."""
    place = world.network.place(3)
    return world.host("c", ["c.test", "six.test", "equal.test"], listen=[place.ipv4, place.ipv6])


@pytest.fixture(scope="module")
def writer(a):
    return a.account("writer")


def send(host, writer, *recipients, subject=b"a message"):
    """A message by submission; its id."""
    with host.submission(writer) as wire:
        return wire.accepted(writer, recipients, MESSAGE.replace(b"a message", subject))


def report_to(host, user):
    """The one report that comes back to a user, parsed."""
    message, = host.wait_for_messages(user)
    return email.message_from_bytes(message, policy=email.policy.default)


def told(report):
    """The fields that a report has for its one recipient (RFC 3464 §2.3)."""
    _, status, _ = report.iter_parts()
    return status.get_payload()[1]


def arrives(host, user, writer="writer@a.test"):
    message, = host.wait_for_messages(user)
    assert strip_trace(message) == written_by(writer, MESSAGE)
    return message


def test_message_to_another_host_found_by_mx(a, b, writer):
    reader = b.account()
    send(a, writer, reader)
    arrives(b, reader)


def test_and_back(a, b):
    here, there = a.account(), b.account()
    send(b, there, here)
    arrives(a, here, there)


def test_lowest_preference_number_is_tried_first(a, b, c, writer):
    reader = b.account(domain="preferred.test")
    send(a, writer, reader)
    arrives(b, reader)


def test_next_preference_when_the_first_host_does_not_answer(a, b, writer):
    reader = b.account(domain="fallback.test")
    send(a, writer, reader)
    arrives(b, reader)


def test_hosts_of_equal_preference_share_the_load(a):
    """RFC 5321 §5.1: MUST randomize. Each order has probability 1/2."""
    first = {re.search(r"mx\.[bc]\.test", a.run("route", "x@equal.test")).group()
             for _ in range(24)}
    assert first == {"mx.b.test", "mx.c.test"}


def test_implicit_mx_is_the_address_of_the_domain(a, b, writer):
    reader = b.account(domain="implicit.test")
    send(a, writer, reader)
    arrives(b, reader)


def test_mx_that_is_a_cname_is_followed(a, b, writer):
    reader = b.account(domain="cname.test")
    send(a, writer, reader)
    arrives(b, reader)


def test_host_with_an_ipv6_address_only(a, c, writer):
    reader = c.account(domain="six.test")
    send(a, writer, reader)
    message = arrives(c, reader)
    assert re.search(rb"^Received: from mx\.a\.test \(.*\[IPv6:", message, re.MULTILINE)


def test_null_mx_comes_back_as_5_1_10(a):
    """RFC 7505: the domain takes no messages, although it has an address."""
    user = a.account()
    send(a, user, "x@nomail.test")
    assert told(report_to(a, user))["Status"] == "5.1.10"


def test_domain_that_does_not_exist_comes_back_as_5_1_2(a):
    user = a.account()
    send(a, user, "x@nowhere-at-all.test")
    assert told(report_to(a, user))["Status"] == "5.1.2"


def test_user_unknown_over_there_comes_back_with_the_words_of_that_host(a, b):
    user = a.account()
    send(a, user, "nobody@b.test")
    report = told(report_to(a, user))
    assert report["Status"] == "5.1.1"
    assert report["Remote-MTA"] == "dns; mx.b.test"
    assert report["Diagnostic-Code"].startswith("smtp; 550 5.1.1")


def test_mx_that_is_ourselves_for_a_foreign_domain_comes_back_as_5_4_6(a):
    user = a.account()
    send(a, user, "x@ourselves.test")
    assert told(report_to(a, user))["Status"] in ("5.4.6", "5.3.5")


def test_hosts_behind_us_in_the_list_are_not_tried(a, b):
    """RFC 5321 §5.1: preferences from our own on are dropped, or messages go in circles."""
    user, reader = a.account(), b.account(domain="behind-us.test")
    send(a, user, reader)
    assert told(report_to(a, user))["Status"] in ("5.4.6", "5.3.5")
    assert b.messages(reader) == []


def waits(host, message):
    """The entry of a message that was tried and stays in the queue."""
    def tried():
        found = [q for q in host.queued() if q["id"] == message]
        return found and found[0]["waiting"][0]["attempts"] > 0 and found[0]
    return wait_until(tried, 20, 0.1, host.story)


def test_servfail_means_later(a, writer):
    message = send(a, writer, "x@broken.test")
    assert waits(a, message)["waiting"][0]["status"] == "later"
    a.run("queue", "remove", message)


def test_nobody_at_the_door_means_later(a, writer):
    message = send(a, writer, "x@unreachable.test")
    assert waits(a, message)["waiting"][0]["status"] == "later"
    a.run("queue", "remove", message)


def test_message_for_several_hosts_goes_to_each_once(a, b, c, writer):
    near, there, far = a.account(), b.account(), c.account()
    also_there = b.account()
    send(a, writer, near, there, far, also_there)
    for host, user in ((a, near), (b, there), (c, far), (b, also_there)):
        arrives(host, user)


def test_recipients_at_one_host_share_a_transaction(a, b, writer):
    readers = [b.account() for _ in range(3)]
    send(a, writer, *readers)
    ids = set()
    for reader in readers:
        message = arrives(b, reader)
        ids.add(re.search(rb"Received: from mx\.a\.test .*?\bid (\S+?);?\s", message,
                          re.DOTALL).group(1))
    assert len(ids) == 1


def test_transmission_is_encrypted_where_the_other_host_offers_it(a, b, writer):
    """RFC 3848: Received says ESMTPS."""
    reader = b.account()
    send(a, writer, reader)
    received = re.search(rb"Received: from mx\.a\.test.*?\bwith (\S+)", arrives(b, reader),
                         re.DOTALL)
    assert received.group(1) == b"ESMTPS"


def test_messages_keep_their_order_of_trace_fields(a, b, writer):
    """RFC 5321 §4.4, RFC 8601 §5: each host puts its fields on top; the last one adds Return-Path."""
    reader = b.account()
    send(a, writer, reader)
    message = arrives(b, reader)
    header = message[:message.index(b"\r\n\r\n")].decode()
    names = [line.split(":")[0] for line in header.split("\r\n") if line[0] not in " \t"]
    assert [name for name in names[:6] if name != "DKIM-Signature"][:5] == [
        "Return-Path", "Delivered-To", "Authentication-Results", "Received", "Received"]
    parsed = email.message_from_bytes(message)
    assert parsed["Return-Path"] == f"<{writer}>"
    assert parsed["Delivered-To"] == reader
    outer, inner = parsed.get_all("Received")
    assert "by mx.b.test" in outer and "by mx.a.test" in inner


def test_route_says_the_way_without_sending(a, b):
    said = a.run("route", "x@fallback.test")
    assert said.index("deaf.test") < said.index("mx.b.test")
    assert a.attempt("route", "x@nomail.test").returncode == 5
    assert a.attempt("route", "nobody@a.test").returncode == 4
    assert a.attempt("route", "x@broken.test").returncode == 7


# ---------------------------------------------------------------- what a postmaster does


def test_message_on_hold_is_not_tried_until_it_is_released(a, writer):
    message = send(a, writer, "x@unreachable.test")
    attempts = waits(a, message)["waiting"][0]["attempts"]
    a.run("queue", "hold", message)
    entry = a.json("queue", "show", message)
    assert entry["hold"] and entry["waiting"][0]["attempts"] == attempts
    a.run("queue", "release", message)
    a.run("queue", "retry", message)
    wait_until(lambda: a.json("queue", "show", message)["waiting"][0]["attempts"] > attempts,
               10, 0.1, a.story)
    a.run("queue", "remove", message)
    assert a.attempt("queue", "show", message).returncode == 4


def test_removed_message_goes_back_when_asked_for(a):
    user = a.account()
    message = send(a, user, "x@unreachable.test")
    waits(a, message)
    a.run("queue", "remove", message, "--bounce")
    assert told(report_to(a, user))["Action"] == "failed"


def test_queue_shows_a_message_as_it_is(a, writer):
    message = send(a, writer, "x@unreachable.test")
    waits(a, message)
    shown = a.run("queue", "show", message, "--content").encode()
    assert strip_trace(shown.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")) == written_by(writer, MESSAGE)
    a.run("queue", "remove", message)


def test_journey_tells_the_way_on_both_hosts_and_no_secrets(a, b, writer):
    reader = b.account()
    message = send(a, writer, reader, subject=b"under way")
    b.wait_for_messages(reader)

    def told_whole():
        text = a.attempt("journey", message).stdout
        return "mx.b.test" in text and "Transmitted" in text and text
    here = wait_until(told_whole, why=lambda: a.attempt("journey", message).stdout)
    wait_until(lambda: "Delivered" in b.attempt("journey", reader).stdout)
    there = b.run("journey", reader)
    assert reader in here and "under way" in here and "250 2.0.0 Accepted as" in here
    assert "mx.a.test" in there and writer in there
    for text in (here, there):
        assert PASSWORD not in text and "Good day." not in text
        assert secret_of(writer) not in text
    by_message_id = a.json("journey", "<message@far.test>")
    assert message in str(by_message_id)


def secret_of(user):
    """What AUTH PLAIN says."""
    return base64.b64encode(f"\0{user}\0{PASSWORD}".encode()).decode()
