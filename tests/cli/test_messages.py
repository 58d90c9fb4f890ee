# SPDX-License-Identifier: ISC
"""Messages in mailboxes by command: searched for in the words of IMAP, shown, copied, moved and
deleted; while the server runs, and on its files while it does not."""
import imaplib
import os
import re

import pytest
from mail import TAMA, login, send
from server import NOT_FOUND, NOT_RUNNING, PASSWORD, REFUSED, SETTINGS, USAGE
from test_running import wait_for

HANA = "hana@example.test"
JAPANESE = ("From: =?utf-8?B?6Iqx?= <hana@example.test>\r\nSubject: =?iso-2022-jp?B?GyRCOTtKOBsoQg==?=\r\n"
            "Date: Mon, 02 Nov 2026 10:00:00 +0900\r\nContent-Type: text/plain;\r\n\tcharset=utf-8\r\n\r\n"
            "卒業 研究の原稿です。\r\n").encode()


def append(client, mailbox, subject, text="x", flags=None, sender="kiku@outside.test"):
    message = f"From: {sender}\r\nSubject: {subject}\r\n\r\n{text}\r\n".encode()
    assert client.append(mailbox, flags, None, message)[0] == "OK"


@pytest.fixture(params=["down", "running"])
def filled(request, server):
    """Two accounts; the one has messages in three mailboxes."""
    server.add(TAMA)
    server.add(HANA)
    server.start()
    client = imaplib.IMAP4("127.0.0.1", server.port(143), timeout=20)
    client.starttls()
    client.login(TAMA, PASSWORD)
    append(client, "INBOX", "one", "the first words")
    append(client, "INBOX", "two", flags="(\\Seen)", sender="hana@example.test")
    append(client, "INBOX", "three", "y" * 5000)
    assert client.append("INBOX", None, None, JAPANESE)[0] == "OK"
    append(client, "Sent", "four")
    append(client, "Trash", "five", "the last words")
    client.logout()
    if request.param == "down":
        server.stop()
    yield server
    if request.param == "running":
        server.stop()


def found(server, *words):
    return [m["subject"] for m in server.json("message", "list", TAMA, *words)]


def ids(server, *words):
    return [m["id"] for m in server.json("message", "list", TAMA, *words)]


def test_the_status_says_what_all_mailboxes_hold(filled, request):
    running = request.node.callspec.params["filled"] == "running"
    code = {} if running else {"code": NOT_RUNNING}

    def told():
        return filled.json("status", **code)
    wait_for(lambda: told()["mailbox_messages"] == 6)
    size = sum(m["bytes"] for m in filled.json("account", "list"))
    assert told()["mailbox_bytes"] == size > 5000
    assert "6 messages in mailboxes, " in filled("status", **code).stdout
    if running:
        assert told()["unindexed"] == 0
    filled("account", "remove", TAMA)  # what it holds may be brought back, but nobody reads it
    assert told()["mailbox_messages"] == 0


def test_a_search_in_texts_asks_the_index_of_the_account(running):
    running.add(TAMA)
    client = imaplib.IMAP4("127.0.0.1", running.port(143), timeout=20)
    client.starttls()
    client.login(TAMA, PASSWORD)
    for number in range(210):
        append(client, "INBOX", f"n{number}", f"the words {number} and more")
    client.logout()
    assert not running.json("search", "status", TAMA)["index"]
    assert found(running, "TEXT", "words 77 and") == ["n77"]
    wait_for(lambda: running.json("search", "status", TAMA) ==
             {"index": True, "anew": False, "messages": 210, "left": 0})
    assert found(running, "TEXT", "words 77 and") == ["n77"]
    assert found(running, "BODY", "20", "--mailbox", "INBOX") == [
        f"n{number}" for number in range(209, -1, -1) if "20" in str(number)]


def test_messages_are_found_in_the_words_of_imap(filled):
    assert found(filled) == ["校文", "three", "two", "one", "four", "five"]
    assert found(filled, "--mailbox", "inbox") == ["校文", "three", "two", "one"]
    assert found(filled, "UNSEEN", "--mailbox", "INBOX") == ["校文", "three", "one"]
    assert found(filled, "FROM", "hana", "SEEN") == ["two"]
    assert found(filled, "LARGER", "4000") == ["three"]
    assert found(filled, "TEXT", "words") == ["one", "five"]
    assert found(filled, "SUBJECT", "校文") == ["校文"]
    assert found(filled, "BODY", "卒業 研究") == ["校文"]
    assert found(filled, 'OR (FROM hana SEEN) SUBJECT "five"') == ["two", "five"]
    assert found(filled, "NOT", "(", "OR", "SEEN", "TEXT", "words", ")") == ["校文", "three", "four"]
    assert found(filled, "1:2", "--mailbox", "INBOX") == ["two", "one"]
    assert found(filled, "SENTON", "2-Nov-2026") == ["校文"]
    assert len(found(filled, "SAVEDSINCE", "1-Nov-2026")) == 6
    assert found(filled, "-n", "2") == ["校文", "three"]
    assert filled.json("message", "list", HANA) == []
    one = filled.json("message", "list", TAMA, "SUBJECT", "two")[0]
    assert (one["mailbox"], one["flags"], one["from"]) == ("INBOX", ["seen"], "hana@example.test")
    shown = filled("message", "list", TAMA, "-n", "1").stdout
    assert "花 <hana@example.test>" in shown and "--limit" in shown
    assert "no such message" in filled("message", "list", HANA).stdout
    for words in (("FORM", "hana"), ("SINCE", "yesterday"), ("OR", "SEEN"), ("(", "SEEN"),
                  ("LARGER", "x"), ("a\nb",), ("SUBJECT",)):
        assert "search: found" in filled("message", "list", TAMA, *words, code=USAGE).stderr, words
    filled("message", "list", TAMA, "--mailbox", "nowhere", code=NOT_FOUND)
    filled("message", "list", "nobody@example.test", code=NOT_FOUND)


def test_a_message_is_shown_and_that_is_kept(filled):
    one, = ids(filled, "SUBJECT", "校文")
    said = filled("message", "show", TAMA, one).stdout
    assert "校文" in said and "花" in said and "INBOX" in said and "卒業" not in said
    head = JAPANESE.partition(b"\r\n\r\n")[0].decode().splitlines()
    assert filled("message", "show", TAMA, one, "--header").stdout.splitlines() == head
    assert filled("message", "show", TAMA, one, "--content").stdout.encode() \
        == JAPANESE.replace(b"\r\n", b"\n")
    filled("message", "show", TAMA, "1:999", code=NOT_FOUND)
    filled("message", "show", TAMA, "999:1", code=NOT_FOUND)
    for bad in ("1", "1:", ":1", "1:0", "a:b", "1:1:1"):
        assert "1:23" in filled("message", "show", TAMA, bad, code=USAGE).stderr
    if filled.process.poll() is not None:
        filled.start()
        filled.stop_at_end = True
    wait_for(lambda: len(filled.json_lines("log", "looked at")) == 3)
    said = filled.json_lines("log", "looked at")
    assert ["header" in line["text"] for line in said] == [True, True, False]
    facts = said[0]["facts"]
    assert (facts["account"], facts["mailbox"], facts["messages"]) == (TAMA, "INBOX", one)
    assert facts["by"].startswith("root" if os.geteuid() == 0 else "uid")
    assert not any("校文" in line["text"] for line in said)
    if getattr(filled, "stop_at_end", False):
        filled.stop()


def test_messages_are_copied_moved_and_deleted(filled):
    said = filled.json("message", "copy", TAMA, "SUBJECT", "one", "--into", "Archive", "--dry-run")
    assert (said["count"], said["dry_run"], said["messages"][0]["subject"]) == (1, True, "one")
    assert found(filled, "--mailbox", "Archive") == []
    assert "1 message was copied" in filled("message", "copy", TAMA, "SUBJECT", "one", "--into",
                                            "Archive").stdout
    assert found(filled, "--mailbox", "Archive") == ["one"]
    moved = filled.json("message", "move", TAMA, "TEXT", "words", "--into", "Archive")
    assert moved == {"count": 2, "dry_run": False}  # the one that is there already stays
    assert found(filled, "--mailbox", "Archive") == ["five", "one", "one"]
    assert found(filled, "--mailbox", "INBOX") == ["校文", "three", "two"]
    some = ids(filled, "OR SUBJECT two SUBJECT four")
    assert len(some) == 2
    shown = filled("message", "delete", TAMA, "--id", *some, "--dry-run").stdout
    assert "two" in shown and "four" in shown and "2 messages" in shown
    assert "2 messages were deleted" in filled("message", "delete", TAMA, "--id", *some).stdout
    assert filled.json("message", "delete", TAMA, "--id", *some, "999:9")["count"] == 0
    assert sorted(found(filled)) == ["five", "one", "one", "three", "校文"]
    assert {m["subject"] for m in filled.json("mailbox", "deleted", TAMA)} >= {"two", "four"}
    for words in (("delete", TAMA), ("move", TAMA, "--into", "Archive"), ("move", TAMA, "ALL"),
                  ("delete", TAMA, "--id", "x"), ("delete", TAMA, "ALL", "--id", "1:1")):
        assert filled("message", *words, code=USAGE).stderr
    filled("message", "move", TAMA, "ALL", "--into", "nowhere", code=NOT_FOUND)
    assert len(found(filled)) == 5


def test_many_are_deleted_only_by_who_says_so(running):
    running.add(TAMA)
    client = imaplib.IMAP4("127.0.0.1", running.port(143), timeout=20)
    client.starttls()
    client.login(TAMA, PASSWORD)
    for number in range(612):
        append(client, "INBOX", f"n{number:03}")
    assert client.select("INBOX")[1] == [b"612"]
    listed = found(running, "-n", "1000")
    assert listed == [f"n{number:03}" for number in reversed(range(612))]
    assert len(found(running)) == 100
    assert found(running, "SUBJECT", "n00", "-n", "3") == ["n009", "n008", "n007"]
    said = running("message", "delete", TAMA, "ALL", code=REFUSED)
    assert "612 messages" in said.stderr and "--yes" in said.stderr
    assert len(found(running, "-n", "1000")) == 612
    assert running.json("message", "delete", TAMA, "SUBJECT", "n00")["count"] == 10
    assert running.json("message", "move", TAMA, "ALL", "--into", "Trash")["count"] == 602
    assert client.noop()[0] == "OK" and client.select("INBOX")[1] == [b"0"]
    assert running.json("message", "delete", TAMA, "ALL", "--yes")["count"] == 602
    assert found(running) == []
    wait_for(lambda: len(running.json_lines("log", "deleted messages")) == 2)
    assert re.search(r"\.\.\. \(602\)", running.json_lines("log", "deleted messages")[1]["text"])
    client.logout()


def test_the_journey_says_into_which_mailbox_it_came_and_who_moved_and_deleted_it(running):
    running.add(TAMA)
    send(running, "SECRETWORD")
    send(running, "another")
    client = imaplib.IMAP4("127.0.0.1", running.port(143), timeout=20)
    client.starttls()
    client.login(TAMA, PASSWORD)
    wait_for(lambda: client.select("INBOX")[1] == [b"2"])
    append(client, "INBOX", "own")
    number = client.search(None, "SUBJECT", "SECRETWORD")[1][0].decode()
    assert client.noop()[0] == "OK"
    uid = client.fetch(number, "(UID)")[1][0].split()[2].rstrip(b")").decode()
    assert client.uid("MOVE", uid, "Archive")[0] == "OK"
    assert client.select("Archive")[1] == [b"1"]
    client.store("1", "+FLAGS", "(\\Deleted)")
    assert client.expunge()[0] == "OK"
    client.select("INBOX")
    assert client.uid("MOVE", "1:*", "Trash")[0] == "OK"
    client.logout()

    def events(word):
        found = [j for j in running.json("journey", TAMA) if any(
            word in str(e["facts"].get("subject")) for e in j["events"])]
        return [e for j in found for e in j["events"] if e["kind"] in ("delivered", "left")]

    wait_for(lambda: len(events("SECRETWORD")) == 3)
    delivered, moved, deleted = events("SECRETWORD")
    assert delivered["facts"]["mailbox"] == "INBOX"
    assert (moved["facts"]["mailbox"], moved["facts"]["into"]) == ("INBOX", "Archive")
    assert moved["facts"]["login"] == TAMA and "127.0.0.1" in moved["facts"]["client"]
    assert moved["facts"]["service"] == "imap"
    assert deleted["facts"]["mailbox"] == "Archive" and "into" not in deleted["facts"]
    assert "deleted it from the mailbox Archive" in deleted["text"]
    assert not any("SECRETWORD" in str(e) for e in (moved, deleted))
    # What was not delivered has no journey: the log knows it by its place in the mailbox.
    wait_for(lambda: [e for e in running.json_lines("log", "moved messages") if e["kind"] == "left"])
    own, = (e for e in running.json_lines("log", "moved messages") if e["kind"] == "left")
    assert own["message"] is None and re.fullmatch(r"1:\d+", own["facts"]["messages"])

    send(running, "fetched")
    wait_for(lambda: "fetched" in found(running, "--mailbox", "INBOX"))
    reader = login(running)
    assert reader.stat()[0] == 1
    reader.dele(1)
    reader.quit()
    wait_for(lambda: len(events("fetched")) == 2)
    assert events("fetched")[1]["facts"]["service"] == "pop3"


def test_the_log_says_who_deleted_or_renamed_a_mailbox_and_the_journey_what_was_in_it(running):
    running.add(TAMA)
    send(running, "in the folder")
    wait_for(lambda: found(running) == ["in the folder"])
    client = imaplib.IMAP4("127.0.0.1", running.port(143), timeout=20)
    client.starttls()
    client.login(TAMA, PASSWORD)
    assert client.create("Seminar")[0] == client.rename("Seminar", "Old/Seminar")[0] == "OK"
    client.select("INBOX")
    assert client.copy("1", "Old/Seminar")[0] == client.delete("Old/Seminar")[0] == "OK"
    assert client.delete("Old")[0] == "OK"
    client.logout()
    said = running("log", "the mailbox").stdout
    by = f"{TAMA} (imap from 127.0.0.1)"
    assert f"{by} renamed the mailbox Seminar of {TAMA} to Old/Seminar" in said
    assert f"{by} deleted the mailbox Old/Seminar of {TAMA}" in said
    assert f"{by} deleted the mailbox Old of {TAMA}" in said
    wait_for(lambda: f"{TAMA} deleted it from the mailbox Old/Seminar" in
             " ".join(running("journey", "folder").stdout.split()))
    for command in (("deleted",), ("restore", "--dry-run", "--all")):
        done = running("mailbox", command[0], TAMA, *command[1:]).stdout
        assert "The mailbox Seminar is not there any more" in " ".join(done.split())
    running("mailbox", "create", TAMA, "Seminar")
    done = running("mailbox", "restore", TAMA, "--mailbox", "Seminar", "--into", "Seminar", "--dry-run")
    assert "not there" not in done.stdout
    running("mailbox", "restore", TAMA, "--mailbox", "Seminar", "--into", "Seminar")
    assert found(running, "--mailbox", "Seminar") == ["in the folder"]
    running("mailbox", "delete", TAMA, "Seminar", "--with-messages")
    done = running("mailbox", "restore", TAMA, "--mailbox", "Seminar").stdout
    assert "2 of them are in the INBOX, since their mailboxes are not there any more" in done
    assert found(running, "--mailbox", "INBOX") == ["in the folder"] * 3


def test_a_limit_of_messages_is_announced_from_the_next_reload_on(running):
    running.add(TAMA)
    good = running.settings.read_text()

    def announced():
        client = imaplib.IMAP4("127.0.0.1", running.port(143), timeout=20)
        client.starttls()
        client.login(TAMA, PASSWORD)
        told = client.capability()[1][0].decode().split()
        client.logout()
        return {word for word in told if word.startswith("MESSAGELIMIT")}
    assert announced() == set()
    running.settings.write_text(good + "imap {\n    message-limit 999\n}\n")
    assert "expected 0 or at least 1000" in running("reload", code=SETTINGS).stderr
    running.settings.write_text(good + "imap {\n    message-limit 1000\n}\n")
    running("reload")
    wait_for(lambda: announced() == {"MESSAGELIMIT=1000"})


def test_nobody_fills_the_event_log_by_moving_his_messages(running):
    running.add(TAMA)
    running.add(HANA)
    client = imaplib.IMAP4("127.0.0.1", running.port(143), timeout=60)
    client.starttls()
    client.login(TAMA, PASSWORD)
    append(client, "INBOX", "own")
    mailboxes = ["INBOX", "Archive"]
    for turn in range(1100):
        assert client.select(mailboxes[turn % 2])[1] == [b"1"]
        assert client.uid("MOVE", "1:*", mailboxes[1 - turn % 2])[0] == "OK"
    client.logout()
    wait_for(lambda: [e for e in running.json_lines("log", "-n", "3") if e["kind"] == "session"])
    left = [e for e in running.json_lines("log", "-n", "2000") if e["kind"] == "left"]
    assert 1000 <= len(left) <= 1010
