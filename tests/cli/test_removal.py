# SPDX-License-Identifier: ISC
"""Accounts that go, and come again with other people, while mail and readers are at work."""
import fcntl
import os
import poplib
import signal

import pytest
from mail import TAMA, login, send, subjects
from test_running import wait_for


def pids_of(server, role):
    return [p["pid"] for p in server.json("status")["processes"] if p["role"] == role and p["pid"]]


def signal_all(pids, number):
    for pid in pids:
        os.kill(pid, number)


def working(server):
    return all(p["state"] == "working" for p in server.json("status")["processes"])


@pytest.fixture
def replaced(running):
    """tama@ has a message and is removed while somebody reads; another person has the name now."""
    running.add(TAMA)
    running.number = running.json("account", "show", TAMA)["id"]
    send(running, "old")
    wait_for(lambda: subjects(running) == ["old"])
    return running


def replace(server):
    server("account", "remove", TAMA)
    server.add(TAMA)


def test_a_session_that_is_open_ends_with_its_account(replaced):
    session = login(replaced)
    assert session.stat()[0] == 1
    session.dele(1)
    replace(replaced)
    with pytest.raises((poplib.error_proto, OSError, EOFError)):
        for _ in range(50):
            session.noop()
    assert subjects(replaced) == []
    replaced("account", "restore", replaced.number, "--as", "old@example.test")
    assert subjects(replaced, "old@example.test") == ["old"]


@pytest.mark.parametrize("role", ["mail", "directory", "queue"])
def test_what_came_for_the_person_before_never_reaches_the_next_one(replaced, role):
    """Accepted for one, on its way when he is removed and another one gets his address."""
    mail = pids_of(replaced, "mail")
    signal_all(mail, signal.SIGSTOP)
    send(replaced, "on its way")
    replace(replaced)
    signal_all(pids_of(replaced, role), signal.SIGKILL)
    if role != "mail":
        signal_all(mail, signal.SIGCONT)
    wait_for(lambda: working(replaced))
    wait_for(lambda: not [one for one in replaced.json("queue", "list") if one["sender"]], 60)
    send(replaced, "new")
    wait_for(lambda: "new" in subjects(replaced))
    assert subjects(replaced) == ["new"]
    replaced("account", "restore", replaced.number, "--as", "old@example.test")
    kept = sorted(subjects(replaced, "old@example.test"))
    bounced = [one for one in replaced.json("journey", "--list", TAMA) if one["state"] != "Delivered"]
    assert kept == ["old", "on its way"] or (kept == ["old"] and bounced)


@pytest.mark.parametrize("before", ["purged", "restored"])
def test_it_reaches_nobody_when_the_person_before_is_gone_or_has_another_name(replaced, before):
    """Accepted for one, who is given up for ever, or comes back under another address, before it is delivered."""
    signal_all(pids_of(replaced, "mail"), signal.SIGSTOP)
    send(replaced, "on its way")
    replaced.process.kill()
    replaced.process.wait()
    with open(replaced.folder / "run/lock", "rb") as lock:  # each process has it until it ends
        fcntl.flock(lock, fcntl.LOCK_EX)
    replace(replaced)
    if before == "purged":
        replaced("account", "purge", replaced.number)
        assert replaced.json("account", "list", "--removed") == []
    else:
        replaced("account", "restore", replaced.number, "--as", "old@example.test")
    replaced.start()
    wait_for(lambda: not [one for one in replaced.json("queue", "list") if one["sender"]], 60)
    send(replaced, "new")
    wait_for(lambda: "new" in subjects(replaced))
    assert subjects(replaced) == ["new"]


@pytest.mark.parametrize("role", ["mail", "directory"])
def test_a_purge_that_is_killed_leaves_nothing_and_harms_nobody(replaced, role):
    replace(replaced)
    send(replaced, "new")
    wait_for(lambda: subjects(replaced) == ["new"])
    signal_all(pids_of(replaced, role), signal.SIGKILL)
    replaced("account", "purge", replaced.number)
    signal_all(pids_of(replaced, role), signal.SIGKILL)
    wait_for(lambda: working(replaced))
    if replaced.json("account", "list", "--removed"):  # goes on by itself within ten minutes
        assert replaced.json("account", "purge", replaced.number)["done"]
    assert replaced.json("account", "list", "--removed") == []
    assert subjects(replaced) == ["new"]
    folders = [one.name for one in (replaced.folder / "accounts").glob("*/*")]
    assert folders == [str(replaced.json("account", "show", TAMA)["id"])]
