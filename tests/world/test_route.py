# SPDX-License-Identifier: ISC
"""The way from host to host: what the MX records of a domain make of a letter (RFC 5321 §5.1)."""
import base64
import email
import email.policy
import re

import pytest

from wire import written_by
from world import LETTER, PASSWORD, strip_trace, wait_until


@pytest.fixture(scope="module")
def c(world):
    """mx.c.test, the only one that is reached over IPv6 too."""
    place = world.network.place(3)
    return world.host("c", ["c.test", "six.test", "equal.test"], listen=[place.ipv4, place.ipv6])


@pytest.fixture(scope="module")
def writer(a):
    return a.account("writer")


def send(host, writer, *recipients, subject=b"a letter"):
    """A letter by submission; its id."""
    with host.submission(writer) as wire:
        return wire.accepted(writer, recipients, LETTER.replace(b"a letter", subject))


def report_to(host, user):
    """The one report that comes back to a user, parsed."""
    letter, = host.wait_for_letters(user)
    return email.message_from_bytes(letter, policy=email.policy.default)


def told(report):
    """The fields that a report has for its one recipient (RFC 3464 §2.3)."""
    _, status, _ = report.iter_parts()
    return status.get_payload()[1]


def arrives(host, user, writer="writer@a.test"):
    letter, = host.wait_for_letters(user)
    assert strip_trace(letter) == written_by(writer, LETTER)
    return letter


def test_letter_to_another_host_found_by_mx(a, b, writer):
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
    letter = arrives(c, reader)
    assert re.search(rb"^Received: from mx\.a\.test \(.*\[IPv6:", letter, re.MULTILINE)


def test_null_mx_comes_back_as_5_1_10(a):
    """RFC 7505: the domain takes no letters, although it has an address."""
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
    """RFC 5321 §5.1: preferences from our own on are dropped, or letters go in circles."""
    user, reader = a.account(), b.account(domain="behind-us.test")
    send(a, user, reader)
    assert told(report_to(a, user))["Status"] in ("5.4.6", "5.3.5")
    assert b.letters(reader) == []


def waits(host, letter):
    """The entry of a letter that was tried and stays in the queue."""
    def tried():
        found = [q for q in host.queued() if q["id"] == letter]
        return found and found[0]["waiting"][0]["attempts"] > 0 and found[0]
    return wait_until(tried, 20, 0.1, host.story)


def test_servfail_means_later(a, writer):
    letter = send(a, writer, "x@broken.test")
    assert waits(a, letter)["waiting"][0]["status"] == "later"
    a.run("queue", "remove", letter)


def test_nobody_at_the_door_means_later(a, writer):
    letter = send(a, writer, "x@unreachable.test")
    assert waits(a, letter)["waiting"][0]["status"] == "later"
    a.run("queue", "remove", letter)


def test_letter_for_several_hosts_goes_to_each_once(a, b, c, writer):
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
        letter = arrives(b, reader)
        ids.add(re.search(rb"Received: from mx\.a\.test .*?\bid (\S+?);?\s", letter,
                          re.DOTALL).group(1))
    assert len(ids) == 1


def test_transmission_is_encrypted_where_the_other_host_offers_it(a, b, writer):
    """RFC 3848: Received says ESMTPS."""
    reader = b.account()
    send(a, writer, reader)
    received = re.search(rb"Received: from mx\.a\.test.*?\bwith (\S+)", arrives(b, reader),
                         re.DOTALL)
    assert received.group(1) == b"ESMTPS"


def test_letters_keep_their_order_of_trace_fields(a, b, writer):
    """RFC 5321 §4.4: each host puts its field on top; the last one adds Return-Path."""
    reader = b.account()
    send(a, writer, reader)
    letter = arrives(b, reader)
    header = letter[:letter.index(b"\r\n\r\n")].decode()
    names = [line.split(":")[0] for line in header.split("\r\n") if line[0] not in " \t"]
    assert names[:4] == ["Return-Path", "Delivered-To", "Received", "Received"]
    message = email.message_from_bytes(letter)
    assert message["Return-Path"] == f"<{writer}>"
    assert message["Delivered-To"] == reader
    outer, inner = message.get_all("Received")
    assert "by mx.b.test" in outer and "by mx.a.test" in inner


def test_route_says_the_way_without_sending(a, b):
    said = a.run("route", "x@fallback.test")
    assert said.index("deaf.test") < said.index("mx.b.test")
    assert a.attempt("route", "x@nomail.test").returncode == 5
    assert a.attempt("route", "nobody@a.test").returncode == 4
    assert a.attempt("route", "x@broken.test").returncode == 7


# ---------------------------------------------------------------- what a postmaster does


def test_letter_on_hold_is_not_tried_until_it_is_released(a, writer):
    letter = send(a, writer, "x@unreachable.test")
    attempts = waits(a, letter)["waiting"][0]["attempts"]
    a.run("queue", "hold", letter)
    entry = a.json("queue", "show", letter)
    assert entry["hold"] and entry["waiting"][0]["attempts"] == attempts
    a.run("queue", "release", letter)
    a.run("queue", "retry", letter)
    wait_until(lambda: a.json("queue", "show", letter)["waiting"][0]["attempts"] > attempts,
               10, 0.1, a.story)
    a.run("queue", "remove", letter)
    assert a.attempt("queue", "show", letter).returncode == 4


def test_removed_letter_goes_back_when_asked_for(a):
    user = a.account()
    letter = send(a, user, "x@unreachable.test")
    waits(a, letter)
    a.run("queue", "remove", letter, "--bounce")
    assert told(report_to(a, user))["Action"] == "failed"


def test_queue_shows_a_letter_as_it_is(a, writer):
    letter = send(a, writer, "x@unreachable.test")
    waits(a, letter)
    shown = a.run("queue", "show", letter, "--content").encode()
    assert strip_trace(shown.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")) == written_by(writer, LETTER)
    a.run("queue", "remove", letter)


def test_journey_tells_the_way_on_both_hosts_and_no_secrets(a, b, writer):
    reader = b.account()
    letter = send(a, writer, reader, subject=b"under way")
    b.wait_for_letters(reader)

    def told_whole():
        text = a.attempt("journey", letter).stdout
        return "mx.b.test" in text and "Transmitted" in text and text
    here = wait_until(told_whole, why=lambda: a.attempt("journey", letter).stdout)
    wait_until(lambda: "Delivered" in b.attempt("journey", reader).stdout)
    there = b.run("journey", reader)
    assert reader in here and "under way" in here and "250 2.0.0 Accepted as" in here
    assert "mx.a.test" in there and writer in there
    for text in (here, there):
        assert PASSWORD not in text and "Good day." not in text
        assert secret_of(writer) not in text
    by_message_id = a.json("journey", "<letter@far.test>")
    assert letter in str(by_message_id)


def secret_of(user):
    """What AUTH PLAIN says."""
    return base64.b64encode(f"\0{user}\0{PASSWORD}".encode()).decode()
