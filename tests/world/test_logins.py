# SPDX-License-Identifier: ISC
"""What a login tells a stranger, and how long it counts."""
import base64
import contextlib
import hashlib
import re
import time

import pytest

from network import wait_until
from wire import Closed, Imap, Pop3
from world import MESSAGE, PASSWORD

SAMPLES = 12
NEW_PASSWORD = "granite-Umbrella-71-ladders"


@pytest.fixture(scope="module")
def host(world):
    host = world.host("doors", settings={"login.delay-first": "100ms"})
    yield host
    world.remove(host)


def smtp_auth(host, user, password):
    return host.smtp("submission").starttls(), lambda wire: wire.login(user, password, 30)


def pop3_connection(host):
    return Pop3(host.address, host.ports["pop3s"], limit=60).tls().greeted()


def pop3_pass(host, user, password):
    wire = pop3_connection(host)
    assert wire.say(f"USER {user}").startswith("+OK")
    return wire, lambda wire: wire.say(f"PASS {password}")


def pop3_auth(host, user, password):
    secret = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
    return pop3_connection(host), lambda wire: wire.say("AUTH PLAIN " + secret)


def pop3_apop(host, user, password):
    wire = pop3_connection(host)
    stamp = re.search(r"<[^>]+>", wire.greeting).group(0)
    digest = hashlib.md5((stamp + password).encode()).hexdigest()
    return wire, lambda wire: wire.say(f"APOP {user} {digest}")


def imap_login(host, user, password):
    wire = Imap(host.address, host.ports["imaps"], limit=60).tls().greeted()
    return wire, lambda wire: wire.login(user, password)[:2]


@pytest.mark.quiet
@pytest.mark.parametrize("way", [smtp_auth, pop3_pass, pop3_auth, pop3_apop, imap_login])
def test_who_is_unknown_or_disabled_gets_what_a_wrong_password_gets(host, way):
    """The same words at the same moment; the log tells the postmaster why."""
    name = way.__name__.replace("_", "-")
    kinds = {"right": [], "disabled": [], "unknown": [], "wrong": []}
    people = {kind: [f"{name}-{kind}{n}@{host.domains[0]}" for n in range(SAMPLES)]
              for kind in kinds}
    for kind in ("right", "disabled", "wrong"):
        host.account(f"{name}-{kind}%d", "--count", SAMPLES)
    if way is pop3_apop:
        for user in people["right"] + people["disabled"] + people["wrong"]:
            host.run("account", "apop", user, "--password-stdin", input=PASSWORD + "\n")
        time.sleep(11)  # until the edges have heard that there is APOP
    for user in people["disabled"]:
        host.run("account", "disable", user)
    said = {kind: set() for kind in kinds}
    for n in range(SAMPLES):
        for kind in kinds:
            wire, attempt = way(host, people[kind][n], "wrong" if kind == "wrong" else PASSWORD)
            with wire:
                began = time.monotonic()
                said[kind].add(str(attempt(wire)))
                kinds[kind].append(time.monotonic() - began)
    assert said["disabled"] == said["unknown"] == said["wrong"], said
    assert said["right"].isdisjoint(said["wrong"])
    # A machine that has much else to do makes some of them later, and none sooner.
    soonest = {kind: min(took) for kind, took in kinds.items()}
    del soonest["right"]
    assert max(soonest.values()) - min(soonest.values()) < 0.02, soonest
    log = host.said()
    assert f"{people['disabled'][0]} is disabled" in log
    assert f"there is no account {people['unknown'][0]}" in log


# ---------------------------------------------------------------- logins that count no more


def disable(host, user):
    host.run("account", "disable", user)


def change_password(host, user):
    host.run("account", "password", user, "--password-stdin", input=NEW_PASSWORD + "\n")


def remove(host, user):
    host.run("account", "remove", user)


CHANGES = [disable, change_password, remove]


def ended(wire):
    """What was said until the other side closed, which it must do within a second."""
    return wire.until_closed(1)


@pytest.mark.parametrize("change", CHANGES)
def test_submission_ends_within_a_second(host, change):
    user, other = host.account(), host.account()
    with host.submission(user) as idle, host.submission(user) as sending, \
            host.submission(other) as others:
        assert sending.code(f"MAIL FROM:<{user}>") == 250
        assert sending.code(f"RCPT TO:<{other}>") == 250
        assert sending.code("DATA") == 354
        sending.send(MESSAGE)
        change(host, user)
        assert ended(idle).startswith(b"421 4.7.0 ")
        with contextlib.suppress(OSError, Closed):
            sending.send(b".\r\n")
        assert b"250 " not in ended(sending)
        assert others.code("NOOP") == 250
    assert host.messages(other) == []


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("service", ["pop3", "pop3s"])
def test_pop3_ends_within_a_second_and_removes_nothing(server, change, service):
    host = server("mailbox", settings={"login.allow-plaintext": "yes"})
    user = host.account()
    host.deliver(user)
    host.wait_for_messages(user)
    wire = Pop3(host.address, host.ports[service])
    with wire.tls() if service == "pop3s" else wire:
        wire.greeted()
        assert wire.login(user, PASSWORD).startswith("+OK")
        assert wire.say("DELE 1").startswith("+OK")
        change(host, user)
        with contextlib.suppress(OSError, Closed):
            wire.send(b"QUIT\r\n")
        assert b"+OK" not in ended(wire)
    if change is disable:
        host.run("account", "enable", user)
    if change is not remove:
        password = NEW_PASSWORD if change is change_password else PASSWORD
        with host.pop3(user, password) as wire:
            assert wire.say("STAT").startswith("+OK 1 ")


def test_an_old_password_that_was_remembered_counts_no_more(host):
    user = host.account()
    for _ in range(2):
        host.pop3(user).close()
    change_password(host, user)
    with pop3_connection(host) as wire:
        assert wire.login(user, PASSWORD).startswith("-ERR [AUTH]")
    host.pop3(user, NEW_PASSWORD).close()
    host.submission(user, NEW_PASSWORD).close()


def test_changes_that_touch_no_login_end_nothing(host):
    user = host.account()
    with host.submission(user) as wire, host.pop3(user) as reader:
        host.run("account", "quota", user, "10M")
        host.run("account", "enable", user)
        assert wire.code("NOOP") == 250
        assert reader.say("NOOP").startswith("+OK")


def test_a_login_without_tls_is_told_once_for_each_connection(host):
    """It fails before any password is looked at; the log says why, and is not filled by it."""
    with host.smtp("submission") as wire:
        for _ in range(3):
            assert wire.code("AUTH PLAIN") == 538
    for first in ("USER open-pop3", "AUTH PLAIN"):
        with Pop3(host.address, host.ports["pop3"]).greeted() as wire:
            for _ in range(3):
                assert wire.say(first).startswith("-ERR [SYS/PERM]")

    def told():
        return [line for line in host.said().splitlines() if "without TLS" in line]
    lines = wait_until(lambda: len(told()) >= 3 and told(), 10, 0.1, host.said)
    assert len(lines) == 3, lines
    assert sum(" for submission " in line for line in lines) == 1
    assert sum('as "open-pop3"' in line for line in lines) == 1
    assert all(re.search(r"A login from [0-9.]+ for ", line) for line in lines)
