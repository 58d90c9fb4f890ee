# SPDX-License-Identifier: ISC
"""Deleted messages come back: through POP3 away, by command into the mailbox again."""
import json
import os
import time

import pytest
from mail import TAMA, login, messages, send, subjects
from server import NOT_FOUND, REFUSED, SETTINGS, USAGE
from test_running import wait_for

MIKE = "mike@example.test"
EVIL = "=?utf-8?Q?=1B[31mred=0Aline?="


def fill(server, *names, to=TAMA, **more):
    before = len(subjects(server, to))
    for i, name in enumerate(names):
        send(server, name, to, **more)
        wait_for(lambda seen=i + 1: len(subjects(server, to)) == before + seen)


def delete_all(server, address=TAMA):
    client = login(server, address)
    for i in range(client.stat()[0]):
        client.dele(i + 1)
    client.quit()


def ids(server, *words, address=TAMA):
    return [m["id"] for m in server.json("mailbox", "deleted", address, *words)]


@pytest.fixture
def two(running):
    """Two accounts, which two processes have."""
    running.add(TAMA)
    running.add(MIKE)
    return running


def test_what_a_reader_deletes_comes_back_as_it_was(two):
    fill(two, "one", "two", EVIL)
    fill(two, "other", to=MIKE)
    before = messages(two)
    delete_all(two)
    assert subjects(two) == [] and subjects(two, MIKE) == ["other"]
    assert two.json("mailbox", "deleted", MIKE) == []
    deleted = two.json("mailbox", "deleted", TAMA)
    assert [m["subject"] for m in deleted[:2]] == ["one", "two"]
    assert deleted[0]["from"] == "Kiku <kiku@outside.test>"
    assert (deleted[0]["mailbox"], deleted[0]["mailbox_exists"]) == ("INBOX", True)
    assert deleted[0]["date"] < deleted[0]["deleted"] < deleted[0]["kept_until"]
    shown = two("mailbox", "deleted", TAMA).stdout
    assert "one" in shown and "3 messages" in shown and "7 d" in shown
    assert "\x1b" not in shown and "red\nline" not in shown

    # One by its id, and with a trial first.
    tried = two.json("mailbox", "restore", TAMA, deleted[1]["id"], "--dry-run")
    assert (tried["count"], tried["dry_run"]) == (1, True)
    assert [m["id"] for m in tried["messages"]] == [deleted[1]["id"]]
    assert subjects(two) == []
    assert "1 message is back" in two("mailbox", "restore", TAMA, deleted[1]["id"]).stdout
    assert messages(two) == [before[1]]
    # It stays in the list, and is marked there.
    assert [m["restored"] for m in two.json("mailbox", "deleted", TAMA)] == [False, True, False]
    rows = two("mailbox", "deleted", TAMA).stdout.splitlines()
    assert ["yes" in row.split() for row in rows[1:4]] == [False, True, False]
    tried = two.json("mailbox", "restore", TAMA, "--all", "--dry-run")
    assert (tried["count"], tried["already"]) == (2, 1)
    tried = two("mailbox", "restore", TAMA, "--all", "--dry-run").stdout
    assert "2 messages (" in tried and "1 message was brought back before." in tried
    # All of it: what is back is not doubled.
    done = two.json("mailbox", "restore", TAMA, "--all")
    assert done == {"count": 2, "in_inbox": 0, "already": 1, "damaged": 0, "dry_run": False}
    assert sorted(messages(two)) == sorted(before)
    wait_for(lambda: two("log", "brought back deleted").stdout.count("restored:") == 2)
    said = two.json_lines("log", "brought back deleted")[0]
    assert said["facts"]["account"] == TAMA and said["facts"]["messages"] == deleted[1]["id"]
    assert said["facts"]["by"].startswith("root" if os.geteuid() == 0 else "uid")
    # The other process's account.
    delete_all(two, MIKE)
    assert two.json("mailbox", "restore", MIKE, "--all")["count"] == 1
    assert subjects(two, MIKE) == ["other"]


def test_messages_are_chosen_by_time_and_mailbox(two):
    fill(two, "one")
    delete_all(two)
    time.sleep(2.2)
    between = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(time.time() - 1))
    fill(two, "two")
    delete_all(two)
    assert len(ids(two)) == 2
    assert ids(two, "--since", between) == ids(two)[1:]
    assert ids(two, "--until", between) == ids(two)[:1]
    assert ids(two, "--mailbox", "inbox") == ids(two)
    assert ids(two, "--mailbox", "other") == []
    assert ids(two, "-n", "1") == ids(two)[:1]
    assert ids(two, ids(two)[1]) == ids(two)[1:]
    two("mailbox", "restore", TAMA, "--since", between)
    assert subjects(two) == ["two"]
    two("mailbox", "restore", TAMA, code=USAGE)
    two("mailbox", "restore", TAMA, "--all", "--since", between, code=USAGE)
    two("mailbox", "restore", TAMA, "17", code=USAGE)
    assert "other" in two("mailbox", "restore", TAMA, "--all", "--into", "other", code=NOT_FOUND).stderr
    two("mailbox", "restore", TAMA, "--mailbox", "", code=USAGE)
    assert two.json("mailbox", "restore", TAMA, ids(two)[1], ids(two)[1])["already"] == 1
    assert "1 of the messages is not there" in two("mailbox", "restore", TAMA, "1:99", code=NOT_FOUND).stderr
    two("mailbox", "deleted", "nobody@example.test", code=NOT_FOUND)
    two("account", "remove", TAMA)
    for words in ("deleted", TAMA), ("restore", TAMA, "--all"):
        assert f"`hayauma account restore {TAMA}`" in two("mailbox", *words, code=NOT_FOUND).stderr
    two("account", "restore", TAMA)
    assert len(ids(two)) == 2


def test_a_full_mailbox_takes_what_fits(two):
    fill(two, "one", "two", "three", size=100000)
    delete_all(two)
    two("account", "quota", TAMA, "250000")
    done = two("mailbox", "restore", TAMA, "--all", code=REFUSED)
    assert "2 messages are back" in done.stdout and "full" in done.stderr and "250000" in done.stderr
    assert subjects(two) == ["one", "two"]
    two("account", "quota", TAMA, "none")
    assert two.json("mailbox", "restore", TAMA, "--all") == {
        "count": 1, "in_inbox": 0, "already": 2, "damaged": 0, "dry_run": False}
    assert subjects(two) == ["one", "two", "three"]


def test_a_disk_with_too_little_room_says_so(two):
    """Not "No space left on device", of which df would show much: a part of it is kept back."""
    fill(two, "one", "two")
    delete_all(two)
    before = two.settings.read_text()
    two.settings.write_text(before + "\nqueue {\n    disk-reserve 1T\n}\n")
    two("reload")
    said = two("mailbox", "restore", TAMA, "--all", code=1).stderr
    assert "queue.disk-reserve" in said and "make room" in said
    two.settings.write_text(before)
    two("reload")
    assert two.json("mailbox", "restore", TAMA, "--all")["count"] == 2


def test_a_reload_switches_it_off_and_on(two):
    two.settings.write_text(two.settings.read_text() + "\ndelivery {\n    deleted-keep 0s\n}\n")
    two("reload")
    fill(two, "one")
    delete_all(two)
    assert ids(two) == []
    assert "deleted-keep" in two("mailbox", "deleted", TAMA).stdout
    two.settings.write_text(two.settings.read_text().replace("deleted-keep 0s", "deleted-keep 1h"))
    two("reload")
    fill(two, "two")
    delete_all(two)
    assert len(ids(two)) == 1
    assert "1 h" in two("mailbox", "deleted", TAMA).stdout


def test_it_works_while_the_server_is_stopped(two):
    fill(two, "one", "two")
    before = messages(two)
    delete_all(two)
    two.stop()
    for index in (two.folder / "accounts").glob("*/*/mail.db"):
        index.write_bytes(b"no database" * 1000)
    said = two("--json", "mailbox", "deleted", TAMA)
    assert f"{TAMA}: mail.db was made anew" in said.stderr and "account" not in said.stderr
    listed = json.loads(said.stdout)
    assert [m["subject"] for m in listed] == ["one", "two"]
    assert two.json("mailbox", "restore", TAMA, listed[0]["id"])["count"] == 1
    assert two.json("mailbox", "restore", TAMA, "--all")["count"] == 1
    assert [e["facts"]["messages"] for e in two.json_lines("log", "brought back deleted")] == [
        listed[0]["id"], listed[1]["id"]]
    two.start()
    assert sorted(messages(two)) == sorted(before)
    wait_for(lambda: two.json("account", "show", TAMA)["messages"] == 2)


def test_nothing_is_taken_away_by_settings_that_cannot_be_read(two):
    """What is kept is bounded by a setting; its default may be far less than what stands there."""
    fill(two, "one")
    delete_all(two)
    two.stop()
    good = two.settings.read_text()
    two.settings.write_text(good + "\ndelivery {\n    deleted-size-max 9 gigabytes\n}\n")
    assert "deleted-size-max" in two("mailbox", "deleted", TAMA, code=SETTINGS).stderr
    two.settings.write_text(good + "\nsmtp {\n    timeout never\n}\n")
    assert len(ids(two)) == 1
