# SPDX-License-Identifier: ISC
"""Who may send where, what a message gets on its way in, and what its reader finds."""
import base64
import email
import email.policy
import email.utils
import hashlib
import json
import re
import smtplib
import time

import pytest

from wire import Pop3, loose_tls, written_by
from world import MESSAGE, PASSWORD, strip_trace, wait_until


def rcpt(host, recipient, sender="kiku@far.test"):
    """The reply to RCPT on port 25: "550 5.1.1"."""
    with host.smtp() as wire:
        assert wire.code(f"MAIL FROM:<{sender}>") == 250
        code, lines = wire.say(f"RCPT TO:<{recipient}>")
        return f"{code} {lines[0].split()[0]}"


def parsed(message):
    return email.message_from_bytes(message, policy=email.policy.default)


# ---------------------------------------------------------------- RCPT: who may send where


def test_unknown_user_is_refused_at_rcpt(a):
    assert rcpt(a, "nobody@a.test") == "550 5.1.1"


def test_a_refusal_names_the_address_and_what_to_do(a):
    """A mail program shows its user the reply alone, perhaps for one recipient of many."""
    closed = a.account()
    a.run("account", "disable", closed)
    with a.smtp() as wire:
        assert wire.code("MAIL FROM:<kiku@far.test>") == 250
        assert wire.say("RCPT TO:<nobody@a.test>")[1] == [
            "5.1.1 There is no address nobody@a.test here, please check how it is written"]
        assert wire.say(f"RCPT TO:<{closed}>")[1] == [f"5.2.1 The mailbox of {closed} is closed"]
        assert wire.say("RCPT TO:<someone@b.test>")[1] == [
            "5.7.1 Relaying to someone@b.test denied; users of this server log in on port 465 or"
            " 587"]


def test_a_refused_sender_hears_under_which_address_to_write(a):
    user = a.account()
    what_to_do = f"is not an address of {user}; write under your own, or ask the postmaster to allow it"
    with a.submission(user) as wire:
        assert wire.say("MAIL FROM:<other@a.test>")[1] == [f"5.7.1 other@a.test {what_to_do}"]
        assert wire.hand_over(user, [user], b"From: other@a.test\r\n\r\nx\r\n")[1] == [
            f"5.7.1 The From field names other@a.test, which {what_to_do}"]


def test_outside_to_outside_is_refused(a):
    """The relay rule; also for the disguises that have fooled relays."""
    assert rcpt(a, "someone@b.test") in ("550 5.7.1", "554 5.7.1")
    for disguise in ("someone%b.test@a.test", "\"someone@b.test\"@a.test", "b.test!someone@a.test",
                     "@a.test:someone@b.test"):
        assert rcpt(a, disguise)[:3] in ("501", "550", "553", "554"), disguise


def test_outside_may_not_send_out_as_one_of_us(a):
    """A sender address proves nothing."""
    user = a.account()
    assert rcpt(a, "someone@b.test", sender=user)[:3] in ("550", "554")


def test_trusted_networks_may_send_anywhere(server, world):
    host = server("trust", settings={"smtp.trusted-networks": world.network.here + "/32"})
    assert rcpt(host, "someone@b.test") == "250 2.1.5"
    with host.smtp() as first, host.smtp("submission") as second:
        host.configure({"smtp.trusted-networks": "none"})
        host.run("reload")
        assert rcpt(host, "someone@b.test")[:3] in ("550", "554")
        first.until_closed()  # nobody goes on with a trust that was taken from him
        second.until_closed()


def test_postmaster_without_a_domain_is_taken(server):
    """RFC 5321 §4.5.1."""
    host = server("post")
    admin = host.account("boss", "--admin")
    assert rcpt(host, "postmaster") == "250 2.1.5"
    assert rcpt(host, "Postmaster@" + host.domains[0]) == "250 2.1.5"
    host.deliver("postmaster")
    host.wait_for_messages(admin)


def test_local_part_is_compared_without_case(a):
    a.account("MixedCase")
    assert rcpt(a, "mixedcase@A.TEST") == "250 2.1.5"


def test_disabled_account_takes_nothing_and_nobody_enters(a):
    user = a.account()
    a.run("account", "disable", user)
    assert rcpt(a, user) == "550 5.2.1"
    with a.smtp("submission").starttls() as wire:
        assert wire.login(user, PASSWORD)[0] == 535
    a.run("account", "enable", user)
    assert rcpt(a, user) == "250 2.1.5"


# ---------------------------------------------------------------- addresses


def test_plus_address_reaches_its_account(a):
    user = a.account("plus")
    a.deliver("plus+lists.2026@a.test")
    message, = a.wait_for_messages(user)
    assert parsed(message)["Delivered-To"].startswith("plus")


def test_alias_to_several_reaches_each_once(a):
    one, two = a.account(), a.account()
    a.run("alias", "add", "group@a.test", one, two)
    a.run("alias", "add", "both@a.test", "group@a.test", one)
    a.deliver("both@a.test")
    for user in (one, two):
        message, = a.wait_for_messages(user)
        assert strip_trace(message) == MESSAGE


def test_alias_to_another_host_goes_out(a, b):
    far = b.account()
    a.run("alias", "add", "away@a.test", far)
    a.deliver("away@a.test")
    message, = b.wait_for_messages(far)
    assert strip_trace(message) == MESSAGE


def test_forward_that_keeps_a_copy(a, b):
    user, far = a.account(), b.account()
    a.run("alias", "add", user, user, far)
    a.deliver(user)
    a.wait_for_messages(user)
    b.wait_for_messages(far)


def test_catch_all_takes_what_nobody_gets(server):
    host = server("catch")
    keeper, other = host.account("keeper"), host.account("other")
    host.run("domain", "catch-all", host.domains[0], keeper)
    host.deliver(f"anything@{host.domains[0]}")
    host.deliver(other)
    host.wait_for_messages(keeper)
    host.wait_for_messages(other)


def test_alias_domain_is_another_name(server):
    host = server("names", domains=["names.test"])
    user = host.account("tama")
    host.run("domain", "add", "other-name.test", "--alias-of", "names.test")
    host.deliver("tama@other-name.test")
    host.wait_for_messages(user)


BIG = MESSAGE + b"x" * 70 + b"\r\n" + (b"y" * 70 + b"\r\n") * 400


def test_message_over_quota_comes_back(a, b):
    """Refused before the 250, so that no bounce is needed; never lost."""
    user, writer = a.account(None, "--quota", "20K"), b.account()
    with a.smtp() as wire:
        code, lines = wire.hand_over(writer, [user], BIG)
        assert (code, lines[0][:6]) == (552, "5.2.3 ")
    assert a.messages(user) == []
    a.deliver(user)
    a.wait_for_messages(user)


def test_quota_of_the_settings_is_for_accounts_without_one(server):
    host = server("quota", settings={"delivery.quota": "20K"})
    small, large = host.account(), host.account(None, "--quota", "1M")
    host.deliver(large, BIG)
    host.wait_for_messages(large)
    with host.smtp() as wire:
        code, lines = wire.hand_over("kiku@far.test", [small], BIG)
        assert (code, lines[0][:6]) == (552, "5.2.3 ")


# ---------------------------------------------------------------- submission


def test_submission_needs_a_login(a):
    user = a.account()
    with a.smtp("submission") as wire:
        assert wire.code(f"MAIL FROM:<{user}>") == 530
        wire.starttls()
        assert wire.code(f"MAIL FROM:<{user}>") == 530
        assert wire.login(user, PASSWORD)[0] == 235
        assert wire.code(f"MAIL FROM:<{user}>") == 250


def test_login_needs_tls(a):
    user = a.account()
    with a.smtp("submission") as wire:
        assert not any(feature.startswith("AUTH") for feature in wire.features)
        assert wire.login(user, PASSWORD)[0] == 538


def test_no_login_on_port_25(a):
    user = a.account()
    with a.smtp() as wire:
        wire.starttls()
        assert not any(feature.startswith("AUTH") for feature in wire.features)
        assert wire.login(user, PASSWORD)[0] == 502


@pytest.mark.parametrize("service", ["submission", "submissions"])
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_login_mechanisms(a, service, mechanism):
    user = a.account()
    port = a.ports[service]
    kind = smtplib.SMTP if service == "submission" else smtplib.SMTP_SSL
    more = {} if service == "submission" else {"context": loose_tls()}
    with kind(a.address, port, timeout=20, **more) as smtp:
        if service == "submission":
            smtp.starttls(context=loose_tls())
        smtp.ehlo()
        assert mechanism in smtp.esmtp_features["auth"].split()
        smtp.user, smtp.password = user, PASSWORD
        code, _ = smtp.auth(mechanism, getattr(smtp, f"auth_{mechanism.lower()}"))
        assert code == 235


def test_user_sends_under_own_addresses_only(a):
    user, other = a.account(), a.account()
    a.run("alias", "add", "nickname@a.test", user)
    local, domain = user.split("@")
    with a.submission(user) as wire:
        for sender, code in ((user, 250), (f"{local}+x@{domain}", 250), ("nickname@a.test", 250),
                             (other, 553), ("someone@b.test", 553), ("", 250)):
            assert wire.code(f"MAIL FROM:<{sender}>") == code, sender
            wire.say("RSET")


def test_date_and_message_id_are_added_on_submission_only(a):
    user = a.account()
    bare = f"From: {user}\r\nTo: {user}\r\nSubject: bare\r\n\r\nText\r\n".encode()
    with a.submission(user) as wire:
        wire.accepted(user, [user], bare)
    handed_in, = a.wait_for_messages(user)
    message = parsed(handed_in)
    assert abs(email.utils.parsedate_to_datetime(message["Date"]).timestamp() - time.time()) < 60
    assert re.fullmatch(r"<[^<>@\s]+@mx\.a\.test>", message["Message-ID"])
    assert strip_trace(handed_in).endswith(bare)

    stranger = a.account()
    a.deliver(stranger, bare)
    from_outside, = a.wait_for_messages(stranger)
    assert strip_trace(from_outside) == bare


def test_own_date_and_message_id_stay(a):
    user = a.account()
    with a.submission(user) as wire:
        wire.accepted(user, [user], MESSAGE)
    message, = a.wait_for_messages(user)
    assert strip_trace(message) == written_by(user, MESSAGE)


def test_bcc_is_taken_out_on_submission(a):
    """RFC 5322 §3.6.3."""
    user = a.account()
    with a.submission(user) as wire:
        wire.accepted(user, [user], MESSAGE.replace(
            b"Subject", b"Bcc: x@b.test,\r\n y@b.test\r\nSubject"))
    message, = a.wait_for_messages(user)
    assert strip_trace(message) == written_by(user, MESSAGE)


# ---------------------------------------------------------------- trace fields


def test_trace_fields_of_a_message_from_outside(a, world):
    """RFC 5321 §4.4: who, from where, by whom, how, which message, for whom, when."""
    user = a.account()
    queue_id = a.deliver(user, sender="Kiku.H@far.test")
    message, = a.wait_for_messages(user)
    parsed = email.message_from_bytes(message)
    judged = ["Authentication-Results"] if world.network.real else []  # not of this machine itself
    trace = ["Return-Path", "Delivered-To", *judged, "Received"]
    assert parsed.keys()[:len(trace)] == trace
    assert parsed["Return-Path"] == "<Kiku.H@far.test>"
    assert parsed["Delivered-To"] == user
    received = " ".join(parsed["Received"].split())
    where = re.escape(world.network.here) if world.network.real else r"127\.0\.\d+\.\d+"
    assert re.search(rf"^from client\.test \(.*\[{where}\]\)", received), received
    assert "by mx.a.test" in received and "with ESMTP" in received
    assert f"id {queue_id}" in received and f"for <{user}>" in received
    stamp = received.rsplit(";", 1)[1]
    assert abs(email.utils.parsedate_to_datetime(stamp).timestamp() - time.time()) < 60
    assert all(len(line) <= 78 for line in message.split(b"\r\n\r\n")[0].decode().split("\r\n"))


def test_received_names_nobody_when_there_are_several(a):
    """Blind copies stay blind (RFC 5321 §7.2)."""
    one, two = a.account(), a.account()
    with a.smtp() as wire:
        wire.accepted("kiku@far.test", [one, two], MESSAGE)
    message, = a.wait_for_messages(one)
    assert two.encode() not in message
    assert " for " not in " ".join(email.message_from_bytes(message)["Received"].split())


def test_null_sender_gives_an_empty_return_path(a):
    user = a.account()
    a.deliver(user, sender="")
    message, = a.wait_for_messages(user)
    assert message.startswith(b"Return-Path: <>\r\n")


def test_message_with_too_many_hops_is_refused(a):
    """RFC 5321 §6.3."""
    user = a.account()
    with a.smtp() as wire:
        code, lines = wire.hand_over("kiku@far.test", [user],
                                     b"Received: from x by y; now\r\n" * 101 + MESSAGE)
    assert code == 554 and lines[0].startswith("5.4.6")


# ---------------------------------------------------------------- reports


def test_report_has_the_form_of_rfc_3464(a, b):
    user = a.account()
    with a.submission(user) as wire:
        queue_id = wire.accepted(user, ["ghost@b.test"], MESSAGE)
    report, = a.wait_for_messages(user)
    message = parsed(report)
    assert report.startswith(b"Return-Path: <>\r\n")
    assert message.get_content_type() == "multipart/report"
    assert message.get_param("report-type") == "delivery-status"
    assert message["To"].addresses[0].addr_spec == user
    assert message["Auto-Submitted"].startswith("auto-")
    assert message["Date"] and message["Message-ID"] and message["From"]
    text, status, original = message.iter_parts()
    assert text.get_content_type() == "text/plain" and "ghost@b.test" in text.get_content()
    assert status.get_content_type() == "message/delivery-status"
    whole, recipient = status.get_payload()
    assert whole["Reporting-MTA"] == "dns; mx.a.test"
    assert recipient["Final-Recipient"].lower() == "rfc822; ghost@b.test"
    assert recipient["Action"] == "failed"
    assert recipient["Status"] == "5.1.1"
    assert original.get_content_type() in ("message/rfc822", "text/rfc822-headers")
    returned = original.get_payload()[0]
    assert returned["Message-ID"] == "<message@far.test>"
    assert queue_id in str(returned["Received"])


def test_no_report_about_a_report(a):
    """RFC 5321 §6.1: a message with the null path is never answered."""
    user = a.account()
    with a.submission(user) as wire:
        wire.accepted("", ["ghost@nowhere-at-all.test"], MESSAGE)
    wait_until(lambda: not any("nowhere-at-all" in str(q) for q in a.queued()), 15, 0.1, a.story)
    assert a.messages(user) == []


def test_no_report_for_notify_never(a):
    """RFC 3461 §4.1."""
    user = a.account()
    with a.submission(user) as wire:
        assert wire.code(f"MAIL FROM:<{user}>") == 250
        assert wire.code("RCPT TO:<ghost@nowhere-at-all.test> NOTIFY=NEVER") == 250
        queue_id = wire.message(MESSAGE)[1][0].split()[-1]
    wait_until(lambda: all(q["id"] != queue_id for q in a.queued()), 15, 0.1, a.story)
    assert a.messages(user) == []


# ---------------------------------------------------------------- POP3


def fill(host, count=3):
    user = host.account()
    with host.smtp() as wire:
        for number in range(count):
            wire.accepted("kiku@far.test", [user], MESSAGE.replace(b"a message", b"%d" % number))
    host.wait_for_messages(user, count)
    return user


def test_pop3_deletes_only_at_quit(a):
    user = fill(a)
    with a.pop3(user) as wire:
        assert wire.say("DELE 1").startswith("+OK")
    before = a.messages(user)
    assert len(before) == 3
    with a.pop3(user) as wire:
        wire.say("DELE 1")
        wire.say("DELE 2")
        wire.say("RSET")
        wire.say("DELE 2")
        assert wire.say("RETR 2").startswith("-ERR")
        assert wire.say("QUIT").startswith("+OK")
    assert a.messages(user) == [before[0], before[2]]


def uidl(host, user):
    with host.pop3(user) as wire:
        found = [line.split(b" ")[1] for line in wire.text("UIDL")]
        wire.say("QUIT")
        return found


def test_uidl_is_stable_over_deletion_and_restart(server):
    host = server("uidl")
    user = fill(host)
    first = uidl(host, user)
    assert len(set(first)) == 3 and all(re.fullmatch(rb"[!-~]{1,70}", one) for one in first)
    with host.pop3(user) as wire:
        wire.say("DELE 2")
        wire.say("QUIT")
    host.restart()
    assert uidl(host, user) == [first[0], first[2]]


def test_one_session_for_a_mailbox(a):
    """RFC 1939 §4: exclusive; a new message meanwhile is taken all the same."""
    user = fill(a, 1)
    with a.pop3(user) as first:
        with Pop3(a.address, a.ports["pop3s"]).tls().greeted() as second:
            assert second.login(user, PASSWORD).startswith("-ERR [IN-USE]")
        a.deliver(user)
        assert first.say("STAT").split()[1] == "1"
        first.say("QUIT")
    a.wait_for_messages(user, 2)


def test_pop3_sizes_are_those_of_what_is_sent(a):
    user = fill(a, 2)
    with a.pop3(user) as wire:
        for line in wire.text("LIST"):
            number, size = map(int, line.split())
            assert len(wire.message(number)) == size
        total = sum(int(line.split()[1]) for line in wire.text("LIST"))
        assert wire.say("STAT").split()[1:3] == ["2", str(total)]


def test_top_gives_header_and_lines(a):
    user = a.account()
    body = b"".join(b"%d\r\n" % n for n in range(10))
    head = MESSAGE.split(b"\r\n\r\n")[0] + b"\r\n\r\n"
    a.deliver(user, head + body)
    a.wait_for_messages(user)
    with a.pop3(user) as wire:
        top = b"\r\n".join(wire.text("TOP 1 3")) + b"\r\n"
        assert strip_trace(top) == head + b"0\r\n1\r\n2\r\n"


@pytest.mark.parametrize("service", ["pop3", "pop3s"])
def test_pop3_ways_of_login(a, service):
    user = fill(a, 1)
    wire = Pop3(a.address, a.ports[service])
    with (wire.tls() if service == "pop3s" else wire).greeted():
        if service == "pop3":
            assert wire.say(f"USER {user}").startswith("-ERR")  # not without TLS
            assert "STLS" in {line.decode() for line in wire.text("CAPA")}
            wire.stls()
        assert any(line.startswith(b"SASL PLAIN") for line in wire.text("CAPA"))
        secret = base64.b64encode(f"\0{user}\0{PASSWORD}".encode()).decode()
        assert wire.say("AUTH PLAIN " + secret, 40).startswith("+OK")
        assert wire.say("STAT").startswith("+OK 1 ")


def test_apop_only_for_those_who_were_given_a_secret(server):
    host = server("apop")
    user, other = fill(host, 1), host.account()
    host.run("account", "apop", user, "--password-stdin", input="stamp-Horse-19-bells\n")
    host.restart()

    def login(name, secret):
        with Pop3(host.address, host.ports["pop3"]).greeted() as wire:
            stamp = re.search(r"<[^<>]+@[^<>]+>", wire.greeting).group()
            digest = hashlib.md5((stamp + secret).encode()).hexdigest()
            reply = wire.say(f"APOP {name} {digest}", 40)
            return stamp, reply
    first, good = login(user, "stamp-Horse-19-bells")
    second, bad = login(user, PASSWORD)
    _, none = login(other, PASSWORD)
    assert first != second
    assert good.startswith("+OK") and bad.startswith("-ERR") and none.startswith("-ERR")


def test_messages_of_others_are_not_seen(a):
    mine, other = fill(a, 2), a.account()
    assert a.messages(other) == [] and len(a.messages(mine)) == 2


# ---------------------------------------------------------------- what the postmaster finds


def told(host, sender):
    """What the journeys of one sender's messages say: kind and why."""
    def events():
        done = host.attempt("--json", "journey", sender)
        found = json.loads(done.stdout) if done.returncode == 0 else []
        return [(e["kind"], e["facts"].get("reply") or e["facts"].get("reason"))
                for message in found for e in message["events"]]
    return wait_until(events, 5)


def test_why_a_message_was_not_taken_is_in_its_journey(a):
    """Also when no reply ever came to be said, or the message was never begun."""
    user, limit = a.account(), 50 << 20
    with a.smtp() as wire:
        assert wire.code(f"MAIL FROM:<large@far.test> SIZE={limit + 1}") == 552
        assert wire.hand_over("bare@far.test", [user], MESSAGE + b"one\ntwo\r\n")[0] == 550
        assert wire.hand_over("loop@far.test", [user], b"Received: x\r\n" * 101 + MESSAGE)[0] == 554
        assert wire.code("MAIL FROM:<half@far.test>") == 250
        assert wire.code(f"RCPT TO:<{user}>") == 250
        assert wire.code("DATA") == 354
        wire.send(MESSAGE)
    with a.submission(user) as wire:
        assert wire.code("MAIL FROM:<other@a.test>") == 553
    assert told(a, "large@far.test") == [
        ("rejected", "552 5.3.4 Message too large, at most 50 MiB are taken (attached files grow by a"
                     " third on their way)")]
    assert told(a, "bare@far.test")[0][1].startswith("550 5.6.0 ")
    assert told(a, "loop@far.test")[0][1].startswith("554 5.4.6 ")
    assert told(a, "half@far.test") == [("abandoned", "connection closed by the other side")]
    assert told(a, "other@a.test")[0][1].startswith("553 5.7.1 ")
    assert "Subject     a message" in a.run("journey", "half@far.test")


@pytest.mark.parametrize("service", ["submissions", "pop3s", "imaps"])
def test_tls_that_did_not_come_about_is_in_the_log(a, service):
    with Pop3(a.address, a.ports[service]) as wire:
        wire.send(b"USER tama\r\n")
        wire.until_closed(5)
    line = f"There is no TLS with {a.world.network.here} for {service}."
    wait_until(lambda: line in a.run("log", "-n", "200"), 5)


def test_failed_login_names_the_client_before_the_stranger_has_a_say(a):
    """So that who reads the log for addresses to lock out cannot be given another one."""
    name = 'x" failed. A login from 192.0.2.99 for pop3s as "y'
    with Pop3(a.address, a.ports["pop3s"], limit=60).tls().greeted() as wire:
        assert wire.login(name, "wrong").startswith("-ERR [AUTH]")
    line = f"login-failed: A login from {a.world.network.here} for pop3s as \"{name}\" failed."
    wait_until(lambda: line in a.run("log", "-n", "200"), 5)
