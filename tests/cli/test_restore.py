# SPDX-License-Identifier: ISC
"""A copy of the state directory on a machine where the users of the server have other numbers."""
import os
import poplib
import shutil
import smtplib
import subprocess

import pytest
from mail import TAMA, login
from server import PASSWORD
from test_running import wait_for

OLD = {"directory": 4001, "keys": 4001, "spool": 4002, "accounts": 4002, "events": 4002}


def give(path, user):
    for folder, _, files in os.walk(path):
        for one in (".", *files):
            os.chown(os.path.join(folder, one), user, user, follow_symlinks=False)


def owners(path):
    return {os.lstat(os.path.join(folder, one)).st_uid
            for folder, _, files in os.walk(path) for one in (".", *files)}


def send(server, address=TAMA):
    with smtplib.SMTP("127.0.0.1", server.port(25), timeout=20) as client:
        client.sendmail("a@outside.test", [address], "Subject: x\r\n\r\nx\r\n")


def held(server, address=TAMA):
    client = login(server, address)
    count = client.stat()[0]
    client.quit()
    return count


@pytest.fixture
def stopped(running):
    """With a message in a mailbox, and one in the queue."""
    running.add(TAMA)
    send(running)
    wait_for(lambda: held(running) == 1)
    with smtplib.SMTP("127.0.0.1", running.port(587), timeout=20) as client:
        client.starttls()
        client.login(TAMA, PASSWORD)
        client.sendmail(TAMA, ["x@[127.0.0.1]"], f"From: {TAMA}\r\n\r\nx\r\n")
    wait_for(lambda: running.json("queue", "list"))
    running.stop()
    running.right = {name: os.stat(running.folder / name).st_uid for name in OLD}
    return running


def whole(server):
    """Everything is read and goes on, and belongs to whom it should."""
    server.start()
    assert held(server) == 1
    send(server)
    wait_for(lambda: held(server) == 2)
    wait_for(lambda: len(server.json("queue", "list")) == 1)
    server.stop()
    assert {name: owners(server.folder / name) for name in OLD} == \
        {name: {user} for name, user in server.right.items()}


COMMANDS = {
    "start": None,
    "check": lambda server: server("check", "--no-dns"),
    "account": lambda server: server("account", "add", "new@example.test", "--no-password"),
    "queue": lambda server: server("queue", "hold", "--all"),
}


@pytest.mark.parametrize("first", COMMANDS)
@pytest.mark.parametrize("swapped", [False, True])
def test_other_numbers(stopped, first, swapped):
    """Whatever is called first. Swapped: the numbers are those of each other's users here."""
    if os.geteuid() != 0:
        return  # only root restores files of several users
    users = sorted(set(stopped.right.values()))
    for name, user in OLD.items():
        user = users[0] + users[-1] - stopped.right[name] if swapped else user
        give(stopped.folder / name, user)
    if COMMANDS[first]:
        COMMANDS[first](stopped)
    whole(stopped)


def test_only_a_part_was_restored(stopped):
    """One mailbox, or the file of the accounts, out of a copy by number."""
    if os.geteuid() != 0:
        return
    mailbox = next((stopped.folder / "accounts").glob("*/*"))
    give(mailbox, OLD["accounts"])
    os.chown(stopped.folder / "directory/directory.db", OLD["directory"], OLD["directory"])
    for large in (stopped.folder / "spool").iterdir():
        os.chown(large, OLD["spool"], OLD["spool"])
    assert stopped.json("account", "list")[0]["address"] == TAMA
    whole(stopped)


READERS = {
    "start": lambda server: server.start(),
    "log": None,
    "journey": lambda server: server("journey", TAMA),
    "queue": lambda server: server("queue", "hold", "--all"),
    "account": lambda server: server("account", "list"),
}


@pytest.mark.parametrize("first", READERS)
def test_an_event_log_under_its_former_name(stopped, first):
    """As older versions called it: ledger/ledger.db, and a block of the settings."""
    old = stopped.folder / "ledger"
    (stopped.folder / "events").rename(old)
    for file in old.glob("events.db*"):
        file.rename(old / file.name.replace("events", "ledger"))
    with stopped.settings.open("a") as settings:
        settings.write("ledger {\n    keep 12d\n}\n")
    if READERS[first]:
        READERS[first](stopped)
    kinds = {event["kind"] for event in stopped.json_lines("log", "-n", 500)}
    assert {"started", "delivered", "queued"} <= kinds
    assert not old.exists()
    assert stopped.json("config", "events.keep")["value"] == "12d"
    if first == "start":
        stopped.stop()
    whole(stopped)


def test_a_copy_of_somebody_else_is_refused_with_what_puts_it_right(stopped):
    """rsync or tar of a user who is not root: the directory and its settings are his."""
    if os.geteuid() != 0:
        return
    os.chown(stopped.folder, 4003, 4003)
    os.chown(stopped.settings, 4003, 4003)
    said = stopped("check", "--no-dns", code=1).stdout
    assert f"chown root {stopped.folder}" in said
    os.chown(stopped.folder, 0, 0)
    assert f"chown root {stopped.settings}" in stopped("check", "--no-dns", code=1).stdout
    os.chown(stopped.settings, 0, 0)
    whole(stopped)


@pytest.mark.parametrize("when", ["running", "stopped"])
@pytest.mark.parametrize("back", ["an older one", "none"])
def test_an_older_directory_gives_nobody_the_mailbox_of_somebody_else(stopped, back, when):
    """Put back beside newer accounts: their numbers are not given again."""
    copy = stopped.folder.parent / "copy"
    shutil.copytree(stopped.folder / "directory", copy)
    stopped.start()
    stopped.add("newer@example.test")
    send(stopped, "newer@example.test")
    wait_for(lambda: held(stopped, "newer@example.test") == 1)
    stopped.stop()
    shutil.rmtree(stopped.folder / "directory")
    if back == "none":
        stopped("domain", "add", "example.test")
    else:
        shutil.move(copy, stopped.folder / "directory")
    behind = "there are mailboxes up to number 2"
    if when == "stopped":
        assert behind in stopped.add("next@example.test").stderr or back == "none"
    stopped.start()
    if when == "running":
        stopped.add("next@example.test")
    assert behind in stopped("log", "-n", 100).stdout or when == "stopped" or back == "none"
    assert held(stopped, "next@example.test") == 0
    assert stopped.json("account", "show", "next@example.test")["id"] == 3
    if back != "none":
        assert held(stopped) == 1
    stopped.stop()


def test_a_lost_directory_is_no_reason_to_refuse_all_mail(stopped):
    """Gone, or made anew by a command that only looked: no start, and what to do."""
    shutil.rmtree(stopped.folder / "directory")
    lost = "knows no domain, and accounts/ has mailboxes up to number 1"
    for _ in range(2):
        said = stopped("run", code=1).stderr
        assert lost in said and "hayauma domain add" in said
        assert lost in stopped("check", "--no-dns", code=1).stdout
    stopped("domain", "add", "example.test")
    stopped.start()


INSIDE = {"packs/000001.pack": "pack 000001.pack: Permission denied",
          "mail.db": "mail.db may not be opened by this user"}


@pytest.mark.parametrize("name", INSIDE)
def test_files_of_others_inside_of_a_mailbox_are_named(stopped, name):
    """One that root has copied back: a start does not look so deep."""
    if os.geteuid() != 0:
        return
    file = next((stopped.folder / "accounts").glob("*/*")) / name
    right = os.stat(file).st_uid
    assert "must belong" not in stopped("check", "--no-dns").stdout
    os.chown(file, 0, 0)
    for when in "stopped", "running":
        if when == "running":
            stopped.start()
        said = stopped("check", "--no-dns", code=1).stdout
        assert f"1 file in {stopped.folder}/accounts (such as {file}) must belong to" in said
        assert f"chown -R {right}:{right} {stopped.folder}/accounts" in said
    with pytest.raises(poplib.error_proto):
        held(stopped)
    assert INSIDE[name] in stopped("log", "-n", 100).stdout
    os.chown(file, right, right)
    assert held(stopped) == 1
    assert "must belong" not in stopped("check", "--no-dns").stdout


@pytest.mark.parametrize("what", ["one", "all"])
def test_mailboxes_that_are_not_there_are_missed(stopped, what):
    """Moved away, or on a disk that is not mounted: everybody's mailbox would look empty."""
    all_of_them = stopped.folder / "accounts"
    one = next(all_of_them.glob("*/*"))
    moved = one if what == "one" else all_of_them
    away = stopped.folder.parent / "away"
    assert "without a folder" not in stopped("check", "--no-dns").stdout
    moved.rename(away)
    for when in "stopped", "running":
        if when == "running":
            stopped.start()
        said = stopped("check", "--no-dns", code=1).stdout
        assert f"1 account with messages without a folder in {all_of_them}, such as {TAMA}" in said
        assert str(one) in said
    stopped.stop()
    if what == "all":
        shutil.rmtree(all_of_them)
    away.rename(moved)
    whole(stopped)


def test_a_server_of_another_user_than_roots_is_in_order(stopped):
    """Root looks at one that somebody runs as himself: its files are his."""
    if os.geteuid() != 0:
        return
    give(stopped.folder, 65534)
    as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *map(str, [
        os.environ["HAYAUMA"], "-C", stopped.folder])]
    for parent in stopped.folder.parents:
        if str(parent).startswith("/tmp/"):
            parent.chmod(0o755)
    with subprocess.Popen([*as_nobody, "run"], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout.readline() == "ready\n"
        assert "must belong" not in stopped("check", "--no-dns", code=1).stdout
        server.terminate()
    mine = owners(stopped.folder / "directory")
    said = stopped("account", "add", "other@example.test", "--no-password", code=1).stderr
    assert "run this as that user" in said
    assert owners(stopped.folder / "directory") == mine == {65534}
