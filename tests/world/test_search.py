# SPDX-License-Identifier: ISC
"""Searching in texts at a server with all its rights given up: the index of an account is made
beside its messages, and answers stay the same with it, without it, and after kills."""
import contextlib
import pathlib
import sqlite3

import pytest

from network import wait_until
from test_restart import fallen, wait_for_return
from wire import Imap
from world import PASSWORD

MESSAGES = 240
WORDS = ["会議室", "請求書", "meeting", "invoice", "のり"]


@pytest.fixture(scope="module")
def host(world):
    host = world.host("search")
    yield host
    world.remove(host)


def session(host, user):
    wire = Imap(host.address, host.ports["imaps"]).tls().greeted()
    assert wire.login(user, PASSWORD)[0] == "OK"
    wire.ok("SELECT INBOX")
    return wire


def message(number):
    word = WORDS[number % len(WORDS)]
    text = f"Subject: number {number}\r\nContent-Type: text/plain; charset=iso-2022-jp\r\n\r\n"
    return text.encode() + f"{word}の件、w{number}w です。\r\n".encode("iso-2022-jp")


def found(wire, needle):
    octets = needle.encode()
    lines = wire.ok(b"SEARCH CHARSET UTF-8 BODY {%d+}\r\n%s" % (len(octets), octets))
    line, = (line for line in lines if line.startswith(b"* SEARCH"))
    return [int(number) for number in line.split()[2:]]


def index_of(host):
    return next(pathlib.Path(host.folder).glob("accounts/*/*/search.db"), None)


def indexed(path):
    """Up to which message."""
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        try:
            return db.execute("SELECT up_to FROM state").fetchone()[0]
        except sqlite3.DatabaseError:
            return 0


def expect(wire):
    assert found(wire, "議室") == list(range(1, MESSAGES + 1, len(WORDS)))
    assert found(wire, "w77w") == [78]
    assert found(wire, "eetin") == list(range(3, MESSAGES + 1, len(WORDS)))
    assert found(wire, "nowhere") == []


def test_answers_are_the_same_before_the_index_with_it_and_when_it_is_spoiled(host):
    user = host.account()
    wire = session(host, user)
    for number in range(MESSAGES):
        wire.append(message(number))
    wire.ok("NOOP")
    assert not index_of(host)
    assert not host.json("search", "status", user)["index"]
    expect(wire)
    path = wait_until(lambda: index_of(host), 20)
    wait_until(lambda: indexed(path) == MESSAGES, 20)
    assert path.stat().st_mode & 0o777 == 0o600
    expect(wire)
    whole = {"index": True, "anew": False, "messages": MESSAGES, "left": 0}
    assert host.json("search", "status", user) == whole
    began = host.json("search", "rebuild", user)
    assert began["anew"] and began["messages"] + began["left"] == MESSAGES
    wait_until(lambda: host.json("search", "status", user) == whole, 20)
    expect(wire)
    before = fallen(host, "mail")
    wait_for_return(host, before)
    wire = session(host, user)
    expect(wire)
    before = fallen(host, "mail")
    path.write_bytes(b"no index at all" * 1000)
    path.with_name("search.db-wal").unlink(missing_ok=True)
    wait_for_return(host, before)
    wire = session(host, user)
    expect(wire)
    wait_until(lambda: indexed(path) == MESSAGES, 20)
    expect(wire)
