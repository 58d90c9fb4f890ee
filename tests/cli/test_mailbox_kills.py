# SPDX-License-Identifier: ISC
"""Commands that change mailboxes and messages, with kill -9 in their midst: of the process that has the
mailboxes, or of the command itself where it works on the files. What a command said is done is done;
what it did not say is done or not, as a whole."""
import imaplib
import os
import random
import signal
import subprocess
import time

import pytest
from mail import TAMA
from server import OK, PASSWORD, PROGRAM
from test_messages import append
from test_removal import pids_of, signal_all, working
from test_running import wait_for

HANA = "hana@example.test"
SEED = int(os.environ.get("SEED") or time.time())
LONGEST = 0.06  # seconds that a command takes, about


def where(server, subject):
    return sorted(m["mailbox"] for m in server.json("message", "list", TAMA, "SUBJECT", subject))


def names(server):
    return {m["name"] for m in server.json("mailbox", "list", TAMA)}


# What is asked, what is looked at, and how that is before and after.
DEEDS = {
    "create": (["mailbox", "create", TAMA, "new"], lambda s: "new" in names(s), False, True),
    "rename": (["mailbox", "rename", TAMA, "old", "other"], lambda s: names(s) & {"old", "other", "old/in",
                                                                                   "other/in"},
               {"old", "old/in"}, {"other", "other/in"}),
    "delete": (["mailbox", "delete", TAMA, "away"], lambda s: "away" in names(s), True, False),
    "acl": (["mailbox", "acl", TAMA, "INBOX", HANA, "lr"],
            lambda s: HANA in s("mailbox", "acl", TAMA, "INBOX").stdout, False, True),
    "copy": (["message", "copy", TAMA, "SUBJECT", "first", "--into", "to"], lambda s: where(s, "first"),
             ["INBOX"] * 3, ["INBOX"] * 3 + ["to"] * 3),
    "move": (["message", "move", TAMA, "SUBJECT", "second", "--into", "to"], lambda s: where(s, "second"),
             ["INBOX"] * 3, ["to"] * 3),
    "delete messages": (["message", "delete", TAMA, "SUBJECT", "third"], lambda s: where(s, "third"),
                        ["INBOX"] * 3, []),
    "restore": (["mailbox", "restore", TAMA, "--all"], lambda s: where(s, "gone"), [], ["INBOX"] * 3),
}


@pytest.fixture(name="filled", params=["down", "running"])
def make_filled(request, server):
    for address in (TAMA, HANA):
        server.add(address, "--mailboxes", "none")
    for name in ("old", "old/in", "away", "to"):
        server("mailbox", "create", TAMA, name)
    server.start()
    with imaplib.IMAP4("127.0.0.1", server.port(143), timeout=20) as client:
        client.starttls()
        client.login(TAMA, PASSWORD)
        for subject in ("first", "second", "third", "gone") * 3:
            append(client, "INBOX", subject)
    server("message", "delete", TAMA, "SUBJECT", "gone")
    server.runs = request.param == "running"
    if not server.runs:
        server.stop()
    yield server
    if server.runs:
        server.process.kill()
        server.process.wait()


def begin(server, words):
    return subprocess.Popen([PROGRAM, "-C", server.folder, *words], stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True)


def cut(server, words, delay):
    """Runs a command with a kill after some time; whether it said that it is done."""
    command = begin(server, words)
    time.sleep(delay)
    if server.runs:
        signal_all(pids_of(server, "mail"), signal.SIGKILL)
    else:
        command.kill()
    command.communicate(timeout=60)
    if server.runs:
        wait_for(lambda: working(server), 60)
    return command.returncode == OK


def test_what_a_command_says_is_done_is_there_after_a_kill(filled):
    chance = random.Random(SEED)
    for what, (words, look, before, after) in DEEDS.items():
        assert look(filled) == before, what
        for _ in range(3):
            said = cut(filled, words, chance.uniform(0, LONGEST))
            seen = look(filled)
            assert seen == after or (seen == before and not said), f"{what}, SEED={SEED}: {seen}"
            if seen == after:
                break
        if seen == before:
            filled(*words)
        assert look(filled) == after, what
