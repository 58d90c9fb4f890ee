# SPDX-License-Identifier: ISC
"""A directory of an earlier release is taken over whole: mailboxes, queue, people, journeys.

Each NAME.tar.xz beside this file was made by the program of that release (make_state.py), and
NAME.json says what was in it. Only the ports and the times of the settings are today's.
"""
import contextlib
import datetime
import hashlib
import json
import pathlib
import poplib
import re
import smtplib
import sqlite3
import ssl
import sys
import tarfile
import time

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "cli"))
from server import Server, free_offset  # noqa: E402

TLS = ssl.create_default_context()  # the certificate is one that the server has signed itself
TLS.check_hostname, TLS.verify_mode = False, ssl.CERT_NONE
MESSAGE = (b"From: Kiku <kiku@far.test>\r\nTo: tama@example.test\r\nSubject: behind the upgrade\r\n"
           b"\r\nGood day.\r\n")
RELEASES = sorted(path.name.removesuffix(".json") for path in HERE.glob("*.json"))


class Old(Server):
    """A server on a copy of an earlier release's directory."""

    def __init__(self, release, top):
        with tarfile.open(HERE / f"{release}.tar.xz") as tar:
            tar.extractall(top, numeric_owner=True)
        self.folder = top / "state"
        self.was = json.loads((HERE / f"{release}.json").read_text())
        text = re.sub(r"(?m)^port-offset .*", f"port-offset {free_offset()}",
                      self.settings.read_text())
        self.settings.write_text(text)

    def pop3(self, user):
        wire = poplib.POP3("127.0.0.1", self.port(110), timeout=20)
        wire.stls(context=TLS)
        wire.user(user)
        wire.pass_(self.was["password"])
        return wire

    def mailbox(self, user):
        """[unique-id, SHA-256 of the bytes] of each message, as make_state.py wrote them down."""
        wire = self.pop3(user)
        found = []
        for line in wire.uidl()[1]:
            number, uidl = line.decode().split()
            lines = wire.retr(int(number))[1]
            found.append([uidl, hashlib.sha256(b"\r\n".join(lines) + b"\r\n").hexdigest()])
        wire.quit()
        return found

    def mailboxes(self):
        return {user: self.mailbox(user) for user in self.was["mailboxes"]}

    def deliver(self, recipient):
        with smtplib.SMTP("127.0.0.1", self.port(25), timeout=20) as smtp:
            smtp.sendmail("kiku@far.test", [recipient], MESSAGE)

    def wait_for_messages(self, user, count):
        end = time.monotonic() + 15
        while (found := self.mailbox(user)) and len(found) < count and time.monotonic() < end:
            time.sleep(0.1)
        assert len(found) == count
        return found

    def mail_databases(self):
        return sorted((self.folder / "accounts").glob("*/*/mail.db*"))


@pytest.fixture(params=RELEASES)
def old(request, tmp_path):
    server = Old(request.param, tmp_path)
    server.process = None
    yield server
    if server.process and server.process.poll() is None:
        server.stop()


def without(entries, *keys):
    """What is compared: without what is learnt anew, and what later releases may add."""
    return [{key: value for key, value in entry.items() if key not in keys} for entry in entries]


def is_within(was, now):
    """Everything that was said then is said now; there may be more of it."""
    if isinstance(was, dict):
        return isinstance(now, dict) and all(key in now and is_within(value, now[key])
                                             for key, value in was.items())
    if isinstance(was, list):
        return isinstance(now, list) and len(was) == len(now) and all(map(is_within, was, now))
    return was == now


def assert_people(server):
    times = ("last_login", "messages", "bytes", "shard")
    assert is_within(without(server.was["accounts"], *times), server.json("account", "list"))
    assert is_within(server.was["aliases"], server.json("alias", "list"))
    assert is_within(server.was["domains"], server.json("domain", "list"))


def assert_queue(server):
    """Held messages wait on, with what is known of their recipients."""
    moves = ("next", "age")
    was, now = server.was["queue"], server.json("queue", "list", "--long")
    assert [entry["id"] for entry in was] == [entry["id"] for entry in now]
    for before, after in zip(was, now):
        assert is_within({key: value for key, value in before.items() if key != "waiting"}, after)
        assert is_within(without(before["waiting"], *moves), after["waiting"])


def test_people_are_there_while_nothing_runs(old):
    assert_people(old)
    old("account", "add", "new@example.test", "--password-stdin", "--hash-cost", "min",
        stdin=old.was["password"] + "\n")
    numbers = [entry["id"] for entry in old.json("account", "list")]
    assert numbers[-1] > max(numbers[:-1])
    assert [entry["address"] for entry in old.json("account", "list", "--removed")] == [
        "former@example.test"]


def test_last_logins_are_known(old):
    with contextlib.closing(sqlite3.connect(old.folder / "directory/directory.db")) as db:
        was = dict(db.execute("SELECT address, last_login FROM account"))
    assert any(was.values())
    found = old.json("account", "list")
    assert {entry["address"] for entry in found if not entry["last_login"]} == {
        address for address, wall in was.items() if wall == 0}
    for entry in found:
        if entry["last_login"]:
            at = datetime.datetime.fromisoformat(entry["last_login"].replace("Z", "+00:00"))
            assert abs(at.timestamp() - was[entry["address"]] / 1e6) < 0.01


def test_server_goes_on_with_everything(old):
    old.start()
    assert old.mailboxes() == old.was["mailboxes"]
    assert_people(old)
    assert_queue(old)
    for message, count in old.was["journeys"].items():
        assert len(old.json("journey", message)[0]["events"]) >= count
    for person in ("kobo@example.test", "tama@example.test"):  # by the keys of the old log
        found = {event["message"] for one in old.json("journey", person)
                 for event in one["events"]}
        assert found & set(old.was["journeys"]), found
    assert any("former@example.test" in line for line in old("log", "-n", "1000").stdout.split("\n"))


def test_new_mail_lies_behind_the_old(old):
    old.start()
    was = old.was["mailboxes"]["tama@example.test"]
    old.deliver("desk@example.net")
    found = old.wait_for_messages("tama@example.test", len(was) + 1)
    assert found[:-1] == was and found[-1][0] not in [uidl for uidl, _ in was]
    wire = old.pop3("tama@example.test")
    wire.dele(1)
    wire.quit()
    old.stop()
    old.start()
    assert old.mailbox("tama@example.test") == found[1:]


def test_what_waited_can_be_read_and_goes_on(old):
    """Released, it is tried again; where its time is over, its sender hears of it."""
    subjects = {"Subject: several", "Subject: big", "Subject: onward"}
    waiting = [entry["id"] for entry in old.was["queue"]]
    contents = [old("queue", "show", message, "--content").stdout for message in waiting]
    assert {subject for subject in subjects for text in contents if subject in text} == subjects
    assert max(map(len, contents)) > 256 * 1024
    old.start()
    old("queue", "release", *waiting)
    for message in waiting:
        kinds = [event["kind"] for one in old.json("journey", message) for event in one["events"]
                 if event["message"] == message]
        goes_on = any(entry["id"] == message and not entry["hold"]
                      for entry in old.json("queue", "list"))
        assert "released" in kinds and (goes_on or "reported" in kinds), kinds


def test_removed_account_comes_back_with_its_mail(old):
    old("account", "restore", "former@example.test")
    old.start()
    assert len(old.mailbox("former@example.test")) == 1


@pytest.mark.parametrize("how", ["index-lost", "repair"])
def test_packs_alone_give_everything_back(old, how):
    if how == "index-lost":
        for path in old.mail_databases():
            path.unlink()
    else:
        for user in old.was["mailboxes"]:
            old("repair", user)
    old.start()
    assert old.mailboxes() == old.was["mailboxes"]
    old.deliver("tama@example.test")
    count = len(old.was["mailboxes"]["tama@example.test"]) + 1
    assert len(old.wait_for_messages("tama@example.test", count)) == count
