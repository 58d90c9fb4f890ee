# SPDX-License-Identifier: ISC
"""How much one user may send: over one connection, and as an account."""
import email
import email.policy
import re

import pytest

from world import MESSAGE


def message_of(user):
    return MESSAGE.replace(b"kiku@far.test", user.encode())


def test_submission_has_its_own_number_of_messages_per_session(server):
    host = server("session", settings={"submission.messages-per-session": 3,
                                       "smtp.messages-per-connection": 1})
    user = host.account()
    with host.submission(user) as wire:
        for _ in range(3):
            wire.accepted(user, [user], message_of(user))
        assert wire.code(f"MAIL FROM:<{user}>") == 421
        wire.until_closed(5)
    with host.smtp() as wire:
        wire.accepted("kiku@far.test", [user], MESSAGE)
        assert wire.code("MAIL FROM:<kiku@far.test>") == 421


# ---------------------------------------------------------------- limits of an account


SETTINGS = {"sending.messages-per-hour": 5, "sending.new-recipients-per-hour": 10,
            "sending.held-max": 3}


@pytest.fixture
def host(server):
    host = server("limits", settings=SETTINGS)
    host.admin = host.account("admin", "--admin")
    return host


def strangers(host, user, count, first=0):
    """A message to so many people of this host that the user has not written to; its id."""
    with host.submission(user) as wire:
        return wire.accepted(user, [f"{user.split('@')[0]}+{n}@{host.domains[0]}"
                                    for n in range(first, first + count)], message_of(user))


def text_of(message):
    return email.message_from_bytes(message).get_payload(decode=True).decode()


def held(host):
    return [message["id"] for message in host.queued() if message["hold"]]


def test_one_message_to_very_many_is_held_until_it_is_released(host):
    """It is taken with 250. The user and the administrators are told, once."""
    user = host.account("tama")
    number = strangers(host, user, 11)
    assert held(host) == [number]
    message, = (message for message in host.queued() if message["hold"])
    assert "11 new recipients in an hour, 10 are allowed" in str(message)
    journey = " ".join(host.run("journey", number).split())
    assert "11 new recipients in an hour, 10 are allowed" in journey, journey
    notice, = host.wait_for_messages(user)
    assert b"Auto-Submitted: auto-generated" in notice
    notice, = host.wait_for_messages(host.admin)
    assert f"hayauma account disable {user}" in text_of(notice), text_of(notice)
    assert f"hayauma queue release --login {user}" in text_of(notice)
    assert strangers(host, user, 11) != number
    strangers(host, user, 2)  # what is usual goes on
    host.wait_for_messages(user, 2)  # one copy for one mailbox
    assert len(host.messages(host.admin)) == 1
    assert len(held(host)) == 2
    host.run("queue", "release", number)
    host.wait_for_messages(user, 3)


def test_messages_beyond_the_limit_are_held_and_then_refused(host):
    """However many connections they come over, and whatever is restarted."""
    user = host.account()
    for _ in range(4):
        strangers(host, user, 1)
    host.restart()
    strangers(host, user, 1)
    assert held(host) == []
    for n in range(1, 4):
        strangers(host, user, 1)
        assert len(held(host)) == n
    with host.submission(user) as wire:
        code, lines = wire.hand_over(user, [user], message_of(user))
        assert code == 452 and lines[0].startswith("4.7.1"), lines
    other = host.account()
    strangers(host, other, 1)  # nobody else is held
    assert len(held(host)) == 3
    host.restart()
    assert len(held(host)) == 3
    host.run("queue", "release", "--all")
    host.wait_until_settled()


def test_the_notice_says_how_to_remove_what_the_thief_has_sent_and_nothing_else(host):
    """Whatever its sender; but not what comes from, or goes to, an address that contains his."""
    thief, other = host.account("ma"), host.account("tama")
    theirs = strangers(host, other, 11)
    with host.submission(thief) as wire:
        for sender in (thief, ""):
            wire.accepted(sender, [f"ma+{n}@{host.domains[0]}" for n in range(11)] + [other],
                          message_of(thief))
    with host.submission(other) as wire:
        to_thief = wire.accepted(other, [f"ma+{n}@{host.domains[0]}" for n in range(11)],
                                 message_of(other))
    assert len(held(host)) == 4
    told = [text_of(message) for message in host.wait_for_messages(host.admin, 2)]
    command, = set(re.findall(f"hayauma (queue remove .* {thief})\\s", "".join(told)))
    assert len(host.json(*command.replace("remove", "list").split())) == 2
    host.run(*command.split())
    assert sorted(held(host)) == sorted([theirs, to_thief])


JAPANESE = "Subject: =?UTF-8?B?5Lya6K2w?=\r\n".encode()


@pytest.mark.parametrize("large", (False, True))
def test_the_notice_is_in_the_language_of_the_message_first(host, large):
    """A large message is in a file of its own, also its header."""
    subjects = {False: "Your messages are held back (送信メールを保留しています)",
                True: "送信メールを保留しています (Your messages are held back)"}
    for japanese, subject in subjects.items():
        user = host.account()
        data = (JAPANESE if japanese else b"Subject: meeting\r\n") + \
            message_of(user).replace(b"Subject:", b"X-Subject:", 1) + \
            (b"x" * 70 + b"\r\n") * (5000 if large else 1)
        with host.submission(user) as wire:
            wire.accepted(user, [f"{user.split('@')[0]}+{n}@{host.domains[0]}"
                                 for n in range(11)], data)
        mine, = host.wait_for_messages(user)
        policy = email.policy.default
        assert email.message_from_bytes(mine, policy=policy)["Subject"] == subject
        theirs = next(message for message in host.wait_for_messages(host.admin, 1 + japanese)
                      if user in text_of(message))
        for text in (text_of(mine), text_of(theirs)):
            text = text.replace("\r\n", "\n")
            assert (text.index("アカウント") < text.index("account")) == japanese, text
            assert "\n\n----------------------------------------\n\n" in text, text


def test_an_account_may_have_limits_of_its_own(host):
    user = host.account()
    host.run("account", "limits", user, "--new-recipients-per-hour", "20")
    strangers(host, user, 20)
    assert held(host) == []
    limits = {limit.pop("limit"): limit for limit in host.json("account", "limits", user)}
    assert limits["new-recipients-per-hour"] == {"used": 20, "most": 20, "own": True}
    assert limits["messages-per-hour"] == {"used": 1, "most": 5, "own": False}
    host.run("account", "limits", user, "--new-recipients-per-hour", "default")
    strangers(host, user, 1, 50)
    assert len(held(host)) == 1
    assert host.attempt("account", "limits", user, "--messages-per-day", "many").returncode != 0


def test_strangers_on_port_25_are_not_counted(host):
    user = host.account()
    for _ in range(8):
        host.deliver(user)
    host.wait_for_messages(user, 8)
    assert held(host) == []


def test_a_large_message_is_held_and_sent_too(host):
    user = host.account("large")
    body = (b"y" * 900 + b"\r\n") * 1000
    with host.submission(user) as wire:
        wire.accepted(user, [f"large+{n}@{host.domains[0]}" for n in range(11)],
                      message_of(user) + body)
    assert len(held(host)) == 1
    host.restart()
    host.run("queue", "release", "--match", user)
    notice, message = sorted(host.wait_for_messages(user, 2), key=len)
    assert message.endswith(body) and len(notice) < 5000


def test_a_thousand_connections_send_no_more_than_one(host):
    """What is counted is the account: here five messages go out, and three wait."""
    user = host.account()
    codes = []
    for _ in range(12):
        with host.submission(user) as wire:
            codes.append(wire.hand_over(user, [user], message_of(user))[0])
    assert codes == [250] * 8 + [452] * 4
    assert len(held(host)) == 3
    host.wait_for_messages(user, 6)  # with the notice
