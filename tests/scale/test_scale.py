# SPDX-License-Identifier: ISC
"""Large numbers: accounts, recipients that wait, messages in a mailbox, sessions that stay. What a person or a client
waits for stays as short as with few of them, and no fiber of any process keeps its thread for over
10 ms. SCALE=1 in the environment asks for the whole size, as `make soak` does; without it a twentieth."""
import contextlib
import os
import pathlib
import re
import statistics
import subprocess
import sys
import threading
import time

import pytest

sys.path[:0] = [str(pathlib.Path(__file__).parents[1] / "world")]
from network import wait_until  # noqa: E402
from wire import Imap, Pop3  # noqa: E402
from world import MESSAGE, PASSWORD, World  # noqa: E402

pytestmark = pytest.mark.quiet

SHARE = float(os.environ.get("SCALE") or 0.05)
ACCOUNTS, RECIPIENTS, MESSAGES = 10000, int(1000000 * SHARE), int(1000000 * SHARE)
AT_ONCE, WRITERS = 1000, 8  # recipients of a message; connections that deliver
SETTINGS = {"smtp.trusted-networks": "192.0.2.0/24 127.0.0.0/8",
            "smtp.messages-per-connection": "1000000", "smtp.junk-commands": "100000",
            "login.allow-plaintext": "yes"}
LONG = re.compile(r'^.*fiber ".*" ran \d+ ms without a wait, (\d+) ms of them computing.*$', re.M)
LONG_COMPUTED = 10  # ms; a call that blocks for longer is the disk's, which others use as well


@pytest.fixture(scope="module", name="world")
def make_world():
    whole = World()
    yield whole
    whole.close()


@pytest.fixture(name="host")
def make_host(world, request):
    """A server for one test; at the end no fiber of it has run for long."""
    host = world.host(f"{request.node.name.removeprefix('test_')[:12].strip('_')}".replace("_", "-"),
                      settings=SETTINGS)
    yield host
    long = [line.group() for line in LONG.finditer(host.said())
            if int(line.group(1)) > LONG_COMPUTED]
    world.remove(host)
    assert not long, "\n".join(long[:20])


def took(action, times=1):
    """Seconds that it takes, the median of some times."""
    spans = []
    for _ in range(times):
        began = time.monotonic()
        action()
        spans.append(time.monotonic() - began)
    return statistics.median(spans)


def hand_over(wire, recipients, body=MESSAGE):
    """One message to many, pipelined; as many replies as commands, all of them in order."""
    commands = [b"MAIL FROM:<kiku@far.test>", *(b"RCPT TO:<%b>" % one.encode() for one in recipients),
                b"DATA"]
    wire.send(b"\r\n".join(commands) + b"\r\n")
    for _ in commands[:-1]:
        assert wire.line().startswith(b"250"), "refused"
    assert wire.line().startswith(b"354")
    wire.send(body + b".\r\n")
    assert wire.line(60).startswith(b"250")


# -------------------------------------------------------------------- the directory


def test_accounts(host):
    """10,000: added in bulk and listed in seconds; each found, and logged in to, as fast as the
    first one."""
    first = host.account("first")

    def login(user=first):
        with host.pop3(user):
            pass

    def resolve(user=first):
        with host.smtp() as wire:
            hand_over(wire, [user])
    alone = took(login, 9), took(resolve, 9)

    added = took(lambda: host.run("account", "add", "user%05d@" + host.domains[0],
                                  "--password-stdin", "--hash-cost", "min", "--count", ACCOUNTS,
                                  input=PASSWORD + "\n"))
    assert added < 60
    hashed = subprocess.run(["openssl", "passwd", "-6", PASSWORD], check=True, text=True,
                            capture_output=True).stdout.strip()
    imported = "".join(f"other{n}@{host.domains[0]}:{hashed}\n" for n in range(ACCOUNTS))
    assert took(lambda: host.run("account", "import", "-", input=imported)) < 60
    generated = "".join(f"new{n}@{host.domains[0]}\n" for n in range(20))
    host.run("account", "import", "-", "--generate", input=generated)
    assert took(lambda: host.run("account", "list")) < 10
    last = f"user{ACCOUNTS - 1:05}@{host.domains[0]}"
    assert took(lambda: login(last), 9) < 2 * alone[0] + 0.1
    assert took(lambda: resolve(last), 9) < 2 * alone[1] + 0.1
    assert took(lambda: host.run("account", "show", last)) < 5


# -------------------------------------------------------------------- the queue


def test_recipients_that_wait(world, host):
    """A million for a host that is not there: one for another host passes by all of them, within
    5 s; `status`, and the look at one message, do not wait for them either."""
    other = world.host("b", ["b.test"])
    user = other.account()
    with host.smtp() as wire:
        for n in range(RECIPIENTS // AT_ONCE):
            hand_over(wire, (f"r{n}-{i}@deaf.test" for i in range(AT_ONCE)))
            if n % 20 == 0:
                assert took(lambda: host.run("status")) < 2
        began = time.monotonic()
        hand_over(wire, [user])
    wait_until(lambda: other.messages(user), 30, 0.05, other.story)
    assert time.monotonic() - began < 5
    assert took(lambda: host.run("status"), 5) < 1
    host.stop()
    assert took(host.start) < 10
    with host.smtp() as wire:
        began = time.monotonic()
        hand_over(wire, [user])
    wait_until(lambda: len(other.messages(user)) == 2, 30, 0.05, other.story)
    assert time.monotonic() - began < 5


# -------------------------------------------------------------------- a mailbox


def test_messages_in_a_mailbox(host):
    """A million in one: delivering another one, logging in and leaving take what they take in an
    empty one, but for the list that POP3 has to give."""
    full, empty = host.account("full"), host.account("empty")

    def deliver(user):
        with host.smtp() as wire:
            began = time.monotonic()
            hand_over(wire, [user])
            wait_until(lambda: not host.queued(), 20, 0.01)
            return time.monotonic() - began

    def fill():
        with host.smtp() as wire:
            for _ in range(MESSAGES // WRITERS):
                hand_over(wire, [full])
    writers = [threading.Thread(target=fill) for _ in range(WRITERS)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    host.wait_until_settled(60 + MESSAGES / 1000)
    with host.pop3(full) as wire:  # the first one reads what the mailbox has
        assert wire.say("STAT").split()[1] == str(MESSAGES)

    def login(user):
        with host.pop3(user) as wire:
            assert wire.say("STAT").startswith("+OK")
            wire.say("QUIT")
    assert took(lambda: login(full), 5) < took(lambda: login(empty), 5) + 0.5
    assert took(lambda: deliver(full), 9) < 1.1 * took(lambda: deliver(empty), 9) + 0.1

    # a client that never waits, and one that is done with all of it, keep nobody else waiting
    far_apart = [1 + n * 7919 % MESSAGES for n in range(5000)]
    with host.pop3(full) as wire:
        wire.limit = 60
        for verb in ("TOP %d 0", "RETR %d", "LIST %d"):
            wire.send("".join(verb % n + "\r\n" for n in far_apart))
            for _ in far_apart:
                assert wire.line().startswith(b"+OK")
                while verb != "LIST %d" and wire.line() != b".":
                    pass
        count = int(wire.say("STAT").split()[1])
        for first in range(1, count + 1, 10000):
            some = range(first, min(first + 10000, count + 1))
            wire.send("".join(f"DELE {n}\r\n" for n in some))
            for _ in some:
                assert wire.line().startswith(b"+OK")
        assert wire.say("QUIT") == "+OK goodbye, no messages left"


# -------------------------------------------------------------------- sessions that stay


STAYING = 500  # each at a mailbox of its own, as most are
COST = {"pop3": 10, "pop3s": 27, "imap": 10, "imaps": 28}  # KiB of all processes, for each
AT_REST = 10  # s, after which what nobody needs was given back


def memory_of(host):
    """KiB by role, without pages of files: what is a process's share of these changes by a MiB and more when
    other programs on the machine begin and end."""
    each = {}
    for process in host.processes():
        for line in pathlib.Path(f"/proc/{process['pid']}/smaps_rollup").read_text().splitlines():
            if line.startswith(("Pss_Anon:", "Pss_Shmem:")):
                each[process["role"]] = each.get(process["role"], 0) + int(line.split()[1])
    return each


def stay(host, service, user):
    """A session that is silent: in IDLE, or after STAT."""
    wire = (Pop3 if service.startswith("pop3") else Imap)(host.address, host.ports[service])
    (wire.tls() if service.endswith("s") else wire).greeted()
    if service.startswith("pop3"):
        assert wire.login(user, PASSWORD).startswith("+OK")
        assert wire.say("STAT") == "+OK 0 0"
    else:
        assert wire.login(user, PASSWORD)[0] == "OK"
        wire.ok("SELECT INBOX")
        wire.send("i IDLE\r\n")
        assert wire.line().startswith(b"+ ")
    return wire


@pytest.mark.parametrize("service", list(COST))
def test_sessions_that_stay(host, service, record_property):
    """What silent sessions cost with their accounts, and that all in IDLE hear of a message at once."""
    host.run("account", "add", "stays%03d@" + host.domains[0], "--password-stdin", "--hash-cost", "min",
             "--count", STAYING + 20, input=PASSWORD + "\n")
    users = [f"stays{n:03}@{host.domains[0]}" for n in range(STAYING + 20)]
    with contextlib.ExitStack() as open_ones:
        for user in users[STAYING:]:  # what the first sessions take is not what one costs
            open_ones.enter_context(stay(host, service, user))
        time.sleep(AT_REST)
        before = memory_of(host)
        wires = [open_ones.enter_context(stay(host, service, user)) for user in users[:STAYING]]
        time.sleep(AT_REST)
        after = memory_of(host)
        costs = {role: (after[role] - before[role]) / STAYING for role in after}
        words = ", ".join(f"{role} {cost:.1f}" for role, cost in costs.items() if cost >= 0.1)
        record_property("KiB", words)
        print(f"{service}: {sum(costs.values()):.1f} KiB for each session that stays ({words})")
        assert sum(costs.values()) < COST[service], costs
        if service.startswith("pop3"):
            return
        with host.smtp() as smtp:
            began = time.monotonic()
            for first in range(0, STAYING, 100):
                hand_over(smtp, users[first:first + 100])
        for wire in wires:
            assert wire.response(10) == b"* 1 EXISTS"
        assert time.monotonic() - began < 5
