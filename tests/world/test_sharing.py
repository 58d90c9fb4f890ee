# SPDX-License-Identifier: ISC
"""Mailboxes that accounts share with each other, over TLS, in one mail process and across two."""
import contextlib
import re
import time

import pytest

from network import wait_until
from test_imap import change_password, connection, disable, remove
from wire import Closed
from world import MESSAGE, PASSWORD, kill

WORKERS = 2


@pytest.fixture(scope="module")
def host(world):
    host = world.host("shared", settings={"workers.mail": WORKERS})
    yield host
    world.remove(host)


def number(host, user):
    return host.json("account", "show", user)["id"]


def pair(host, across):
    """Two new accounts, in one process or in two."""
    first = host.account()
    while True:
        second = host.account()
        if (number(host, first) % WORKERS != number(host, second) % WORKERS) == across:
            return first, second


def logged_in(host, user, service="imaps"):
    wire = connection(host, service)
    assert wire.login(user, PASSWORD)[0] == "OK"
    return wire


def inbox_of(user):
    return f'"Other Users/{user}/INBOX"'


@pytest.mark.parametrize("across", [False, True])
@pytest.mark.parametrize("service", ["imap", "imaps"])
def test_a_mailbox_is_shared_and_used(host, across, service):
    owner, friend = pair(host, across)
    theirs = inbox_of(owner)
    host.deliver(owner, MESSAGE)
    host.wait_for_messages(owner)
    with logged_in(host, owner, service) as mine, logged_in(host, friend, service) as his:
        assert his.say(f"SELECT {theirs}")[:2] == his.say('SELECT "Other Users/nobody@a.test/x"')[:2]
        assert b"Other Users" not in b"".join(his.ok('LIST "" *'))
        mine.ok(f"SETACL INBOX {friend} lrswi")
        assert b'* LIST (\\HasNoChildren) "/" ' + theirs.encode() in his.ok('LIST "" *')
        assert b"* 1 EXISTS" in his.ok(f"SELECT {theirs}")
        assert b"EXISTS" in b"".join(mine.ok("SELECT INBOX"))
        assert MESSAGE.split(b"\r\n\r\n", 1)[1] in his.ok("FETCH 1 BODY[TEXT]")[0]
        mine.send("i IDLE\r\n")
        mine.line()
        large = b"Subject: large\r\n\r\n" + (b"x" * 70 + b"\r\n") * 30_000
        uid = his.append(large, theirs, "(\\Flagged)")
        while mine.line() != b"* 2 EXISTS":  # behind what he has seen
            pass
        his.ok("STORE 2 +FLAGS ($Shared)")
        while b"$Shared" not in mine.line():
            pass
        assert his.body(uid) == large
        mine.send("DONE\r\n")
        assert mine.line().startswith(b"i OK")
        mine.ok(f"SETACL INBOX {friend} l")
        his.send("n NOOP\r\n")
        assert b"withdrawn" in his.until_closed(5)
    with logged_in(host, friend, service) as his:
        assert "NOPERM" in his.say(f"SELECT {theirs}")[1].decode()


def messages(wire):
    """The bodies of the selected mailbox, sorted."""
    wire.ok("NOOP")
    answers = wire.ok("UID FETCH 1:* BODY.PEEK[]")
    return sorted(re.search(rb"BODY\[\] \{\d+\}\r\n(.*)\)$", answer, re.S).group(1) for answer in answers)


@pytest.mark.parametrize("across", [False, True])
def test_messages_are_copied_and_moved_between_accounts(host, across):
    owner, friend = pair(host, across)
    theirs = inbox_of(owner)
    small = [b"Subject: %d\r\n\r\ntext\r\n" % number for number in range(40)]
    large = b"Subject: large\r\n\r\n" + (b"x" * 70 + b"\r\n") * 30_000  # goes as a file
    with logged_in(host, owner) as mine, logged_in(host, friend) as his:
        mine.ok(f"SETACL INBOX {friend} lrswite")
        mine.ok("SELECT INBOX")
        his.ok("SELECT INBOX")
        for message in small:
            his.append(message)
        his.append(large, flags="(\\Flagged $Big)")
        status, text, _ = his.say(f"UID COPY 1:41 {theirs}")
        assert status == "OK" and text.startswith(b"[COPYUID "), text
        assert messages(mine) == sorted([*small, large])
        assert b"FLAGS (\\Flagged $Big)" in b"".join(mine.ok("UID FETCH 41 FLAGS"))
        untagged = his.ok(f"UID MOVE 1:41 {theirs}")
        assert untagged[0].startswith(b"* OK [COPYUID ") and len(untagged) == 42
        assert messages(mine) == sorted([*small, large] * 2) and not his.ok("UID SEARCH ALL")[0][9:]
        his.ok(f"SELECT {theirs}")
        his.ok("UID MOVE 1:41 INBOX")
        his.ok("SELECT INBOX")
        assert messages(his) == messages(mine) == sorted([*small, large])


def test_a_move_that_is_cut_off_loses_and_doubles_nothing(host):
    """The process of the target dies in its midst; then it is done again."""
    owner, friend = pair(host, True)
    theirs = inbox_of(owner)
    sent = sorted(b"Subject: %d\r\n\r\ntext %d\r\n" % (number, number) for number in range(300))
    with logged_in(host, owner) as mine:
        mine.ok(f"SETACL INBOX {friend} lrswite")
    worker = number(host, owner) % WORKERS
    with logged_in(host, friend) as his:
        his.ok("SELECT INBOX")
        for message in sent:
            his.append(message)
        tag = his.send_command(f"UID MOVE 1:* {theirs}")
        time.sleep(0.05)
        kill([p for p in host.processes() if p["role"] == "mail" and p["worker"] == worker][0]["pid"])
        status, text, _ = his.answer(tag)
        assert status == "OK" or b"UNAVAILABLE" in text, (status, text)
        wait_until(lambda: his.say(f"UID MOVE 1:* {theirs}")[0] == "OK", 10, 0.1,
                   lambda: "it does not come back")
        with logged_in(host, owner) as mine:
            mine.ok("SELECT INBOX")
            assert messages(mine) == sent


def test_the_other_process_dies_and_comes_back(host):
    """Who is there is told that it is over; who is not goes on, and nothing that was stored is lost."""
    owner, friend = pair(host, True)
    theirs = inbox_of(owner)
    with logged_in(host, owner) as mine:
        mine.ok(f"SETACL INBOX {friend} lrswi")
    with logged_in(host, friend) as his, logged_in(host, friend) as home, logged_in(host, friend) as idle:
        uid = his.append(MESSAGE, theirs)
        his.ok(f"SELECT {theirs}")
        home.ok("SELECT INBOX")
        idle.ok(f"SELECT {theirs}")
        idle.send("i IDLE\r\n")
        idle.line()
        worker = number(host, owner) % WORKERS
        before = [p for p in host.processes() if p["role"] == "mail" and p["worker"] == worker]
        kill(before[0]["pid"])
        assert b"* BYE" in idle.until_closed(5)
        with contextlib.suppress(Closed, OSError):
            assert his.say("NOOP", 15)[0] != "OK"
        home.ok("NOOP")
        others = [p for p in host.processes() if p["role"] == "mail" and p["worker"] != worker]

        def is_back():
            now = [p for p in host.processes() if p["role"] == "mail" and p["worker"] == worker]
            return now and now[0]["pid"] != before[0]["pid"] and now[0]["state"] == "working"
        wait_until(is_back, 10, 0.05, lambda: f"mail {worker} is not back: {host.processes()}")
        assert [p["pid"] for p in host.processes() if p["role"] == "mail" and p["worker"] != worker] == [
            p["pid"] for p in others]
        wait_until(lambda: home.say(f"STATUS {theirs} (MESSAGES)")[0] == "OK", 10, 0.05,
                   lambda: "the mailbox does not come back")
        home.ok(f"SELECT {theirs}")
        assert home.body(uid) == MESSAGE


@pytest.mark.parametrize("change", [disable, change_password, remove])
def test_an_owner_or_visitor_whose_login_counts_no_more(host, change):
    owner, friend = pair(host, True)
    theirs = inbox_of(owner)
    with logged_in(host, owner) as mine:
        mine.ok(f"SETACL INBOX {friend} lr")
    with logged_in(host, friend) as his:
        his.ok(f"SELECT {theirs}")
        change(host, friend)
        his.until_closed(5)
    other, friend = pair(host, True)
    with logged_in(host, other) as mine:
        mine.ok(f"SETACL INBOX {friend} lr")
    with logged_in(host, friend) as his:
        his.ok(f"SELECT {inbox_of(other)}")
        change(host, other)
        if change is not change_password:
            with contextlib.suppress(Closed):
                his.say("NOOP")
            his.until_closed(5)
            with logged_in(host, friend) as again:
                status, text, _ = again.say(f"SELECT {inbox_of(other)}")
                assert status == "NO" and b"NONEXISTENT" in text


def test_all_of_it_is_there_after_a_restart(server):
    host = server("reshared", settings={"workers.mail": WORKERS})
    owner, friend = pair(host, True)
    with logged_in(host, owner) as mine:
        assert b"NOPERM" in mine.say("SETACL INBOX anyone lr")[1]
    host.run("mailbox", "acl", owner, "INBOX", "anyone", "read")
    host.stop()
    host.start()
    with logged_in(host, friend) as his:
        assert b"Other Users" in b"".join(his.ok('LIST "" *'))
        his.ok(f"EXAMINE {inbox_of(owner)}")


def test_who_gets_an_address_again_is_told_of_its_rights(host):
    owner, friend = pair(host, True)
    with logged_in(host, owner) as mine:
        mine.ok(f"SETACL INBOX {friend} lr")
    host.run("account", "remove", friend)
    added = host.run("account", "add", friend, "--no-password")
    assert "1 account gives this address rights in its mailboxes already" in added
    host.run("mailbox", "acl", owner, "INBOX", friend, "none")

    def is_free():
        host.run("account", "remove", friend)
        return "rights" not in host.run("account", "add", friend, "--no-password")
    wait_until(is_free, 5, 0.1, lambda: "the rights stay")


@pytest.mark.quiet
def test_what_does_not_exist_takes_as_long_as_what_one_may_not_see(host):
    """Names of accounts that share nothing with the user, and of none."""
    owner, friend = pair(host, True)
    names = [inbox_of(owner), inbox_of("nobody@" + owner.split("@")[1])]
    took = [[], []]
    with logged_in(host, friend) as his:
        for round_ in range(600):
            began = time.perf_counter()
            assert his.say(f"STATUS {names[round_ % 2]} (MESSAGES)")[0] == "NO"
            took[round_ % 2].append(time.perf_counter() - began)
    there, none = (sorted(t)[len(t) // 2] for t in took)
    assert abs(there - none) < 0.3 * max(there, none), (there, none)
