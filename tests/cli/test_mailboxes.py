# SPDX-License-Identifier: ISC
"""The mailboxes of an account: those it begins with, others by command, and who may do what in
them; while the server runs, and on its files while it does not."""
import imaplib
import json
import os
import re

from mail import TAMA, send, subjects
from server import NOT_FOUND, PASSWORD, REFUSED, SETTINGS, USAGE
from test_mailbox import fill
from test_running import wait_for

HANA = "hana@example.test"
DEFAULTS = {"INBOX": None, "Archive": "archive", "Drafts": "drafts", "Junk": "junk", "Sent": "sent",
            "Trash": "trash"}


def names(server, address=TAMA):
    return [m["name"] for m in server.json("mailbox", "list", address)]


def uses(server, address=TAMA):
    return {m["name"]: m["use"] for m in server.json("mailbox", "list", address)}


def imap(server, address=TAMA):
    client = imaplib.IMAP4("127.0.0.1", server.port(143), timeout=20)
    client.starttls()
    client.login(address, PASSWORD)
    return client


def settings(server, text):
    server.settings.write_text(server.settings.read_text() + text)


# ---------------------------------------------------------------- what an account begins with

def test_an_account_begins_with_the_default_mailboxes_each_with_its_use(either):
    either.add(TAMA)
    listed = either.json("mailbox", "list", TAMA)
    assert {m["name"]: m["use"] for m in listed} == DEFAULTS
    assert listed[0]["name"] == "INBOX" and all(m["subscribed"] for m in listed)
    assert all((m["messages"], m["unread"], m["bytes"], m["shared"]) == (0, 0, 0, False)
               for m in listed)
    assert len({m["uidvalidity"] for m in listed}) == len(listed)
    shown = either("mailbox", "list", TAMA).stdout
    assert shown.splitlines()[0].split()[:3] == ["MAILBOX", "FOR", "MESSAGES"]


def test_rfc6154_mail_programs_find_them_by_their_use(running):
    settings(running, "accounts {\n  mailbox-names japanese\n}\n")
    running("reload")
    running.add(TAMA)
    client = imap(running)
    listed = [line.decode() for line in client.list()[1]]
    subscribed = [line.decode() for line in client.lsub()[1]]
    for use, name in (("\\Drafts", "&Tgtm+DBN-"), ("\\Sent", "&kAFP4W4IMH8-")):
        assert any(use in line and name in line for line in listed), listed
        assert any(name in line for line in subscribed), subscribed
    assert any("INBOX" in line for line in subscribed)
    client.logout()


def test_none_gives_an_inbox_alone_now_and_later(either):
    either.add(TAMA, "--mailboxes", "none")
    either.add(HANA)
    assert names(either) == ["INBOX"] and len(names(either, HANA)) == 6
    said = either.add("a%d@example.test", "--count", "2", "--mailboxes", "none", code=USAGE)
    assert "accounts.mailboxes" in said.stderr
    assert names(either) == ["INBOX"]


def test_the_settings_say_which_mailboxes_and_in_which_language(server):
    settings(server, 'accounts {\n  mailboxes sent "drafts=In Arbeit" trash\n'
                     "  mailbox-names japanese\n}\n")
    server.add(TAMA)
    assert uses(server) == {"INBOX": None, "送信済み": "sent", "In Arbeit": "drafts",
                            "ゴミ箱": "trash"}


def test_settings_that_cannot_be_are_refused(server):
    whole = server.settings.read_text()
    for value, words in (("sent sent", "twice"), ("drafts=a sent=a", "two of the name"),
                         ("outbox", "expected"), ("sent=a/b", "expected"),
                         ("sent=inbox", "expected"), ("sent=", "expected")):
        server.settings.write_text(whole + f"accounts {{\n  mailboxes {value}\n}}\n")
        said = server("config", "accounts.mailboxes", code=SETTINGS)
        assert "mailboxes" in said.stderr and words in said.stderr, value


def test_an_older_account_gets_them_once_and_never_again_what_was_deleted(running):
    settings(running, "accounts {\n  mailboxes none\n}\n")
    running("reload")
    running.add(TAMA)
    assert names(running) == ["INBOX"]
    running.stop()
    running.settings.write_text(running.settings.read_text().replace("mailboxes none",
                                                                     "mailboxes trash sent"))
    running.start()
    send(running, "one")
    wait_for(lambda: subjects(running) == ["one"])
    assert names(running) == ["INBOX", "Sent", "Trash"]
    running("mailbox", "delete", TAMA, "Sent")
    running.stop()
    assert names(running) == ["INBOX", "Trash"]
    running.start()
    assert names(running) == ["INBOX", "Trash"]


# ---------------------------------------------------------------- made, renamed, deleted

def test_mailboxes_are_made_renamed_and_deleted(either):
    either.add(TAMA, "--mailboxes", "none")
    said = either("mailbox", "create", TAMA, "仕事/2026").stdout
    assert "仕事/2026" in said
    assert names(either) == ["INBOX", "仕事", "仕事/2026"]
    assert either.json("mailbox", "list", TAMA)[2]["subscribed"]
    either("mailbox", "create", TAMA, "仕事/2026", code=REFUSED)
    either("mailbox", "rename", TAMA, "仕事", "Old/Work")
    assert names(either) == ["INBOX", "Old", "Old/Work", "Old/Work/2026"]
    assert either.json("mailbox", "list", TAMA)[3]["subscribed"]
    said = either("mailbox", "delete", TAMA, "Old/Work", code=REFUSED)
    assert "below it" in said.stderr
    either("mailbox", "delete", TAMA, "Old/Work/2026")
    assert names(either) == ["INBOX", "Old", "Old/Work"]
    for words in (("delete", TAMA, "inbox"), ("rename", TAMA, "INBOX", "x"),
                  ("rename", TAMA, "Old", "Old/Work/x"), ("rename", TAMA, "Old/Work", "Old")):
        assert either("mailbox", *words, code=REFUSED).stderr
    assert either("mailbox", "delete", TAMA, "nowhere", code=NOT_FOUND).stderr
    assert either("mailbox", "list", "nobody@example.test", code=NOT_FOUND).stderr
    for name in ("", "/", "a//b", "x" * 256, "a\nb"):
        assert "expected" in either("mailbox", "create", TAMA, name, code=USAGE).stderr, name
    assert names(either) == ["INBOX", "Old", "Old/Work"]


def test_a_name_is_one_in_whatever_form_it_is_written(either):
    either.add(TAMA, "--mailboxes", "none")
    either("mailbox", "create", TAMA, "か\u3099く")
    assert names(either) == ["INBOX", "がく"]
    either("mailbox", "create", TAMA, "がく", code=REFUSED)
    either("mailbox", "delete", TAMA, "か\u3099く")
    assert names(either) == ["INBOX"]


def test_each_use_is_that_of_one_mailbox(either):
    either.add(TAMA, "--mailboxes", "none")
    either("mailbox", "create", TAMA, "送信済み", "--for", "sent")
    assert "use" in either("mailbox", "create", TAMA, "Sent", "--for", "sent", code=REFUSED).stderr
    assert uses(either) == {"INBOX": None, "送信済み": "sent"}


def test_a_mailbox_with_messages_is_deleted_only_when_that_is_said(running):
    running.add(TAMA)
    running("mailbox", "create", TAMA, "Work")
    client = imap(running)
    client.append("Work", None, None, b"Subject: one\r\n\r\nx\r\n")
    client.logout()
    assert "--with-messages" in running("mailbox", "delete", TAMA, "Work", code=REFUSED).stderr
    running("mailbox", "delete", TAMA, "Work", "--with-messages")
    assert "Work" not in names(running)
    assert [m["mailbox"] for m in running.json("mailbox", "deleted", TAMA)] == ["Work"]


def test_what_commands_do_is_seen_by_clients_and_told_in_the_log(running):
    running.add(TAMA)
    client = imap(running)
    running("mailbox", "create", TAMA, "Work", "--for", "archive", code=REFUSED)
    running("mailbox", "create", TAMA, "Work")
    assert client.select("Work")[0] == "OK"
    running("mailbox", "rename", TAMA, "Work", "Job")
    running("mailbox", "acl", TAMA, "Job", HANA, "read")
    running("mailbox", "delete", TAMA, "Job")
    assert client.select("Job")[0] == "NO"
    wait_for(lambda: len(running.json_lines("log", "the mailbox")) == 4)
    said = [line["facts"] for line in running.json_lines("log", "the mailbox")]
    assert [(f["change"], f["mailbox"]) for f in said] == [
        ("create", "Work"), ("rename", "Work"), ("rights", "Job"), ("remove", "Job")]
    assert said[1]["after"] == "Job"
    assert (said[2]["before"], said[2]["after"]) == (f"{HANA} none", f"{HANA} lrs")
    author = "root" if os.geteuid() == 0 else "uid"
    assert all(f["account"] == TAMA and f["by"].startswith(author) for f in said)


def test_what_was_done_while_nothing_ran_is_in_the_log_too(server):
    server.add(TAMA)
    server("mailbox", "create", TAMA, "Work")
    server.start()
    assert "made the mailbox Work of tama@example.test" in server("log", "Work").stdout
    server.stop()


# ---------------------------------------------------------------- rights, quota

def test_rights_are_shown_given_and_taken(either):
    either.add(TAMA)
    either("mailbox", "create", TAMA, "Work")

    def rights(*words):
        said = either("--json", "mailbox", "acl", TAMA, "Work", *words).stdout
        return {r["who"]: r["rights"] for r in json.loads(said)}

    assert rights() == {TAMA: "lrswipkxtea"}
    assert rights("HANA", "read") == {TAMA: "lrswipkxtea", HANA: "lrs"}
    assert rights(HANA, "+i") == {TAMA: "lrswipkxtea", HANA: "lrsi"}
    assert rights("--", HANA, "-rs") == {TAMA: "lrswipkxtea", HANA: "li"}
    assert rights("--", "-anyone", "w")["-anyone"] == "w"
    assert [m["shared"] for m in either.json("mailbox", "list", TAMA) if m["name"] == "Work"] == [True]
    assert rights("--", "-anyone", "none") == {TAMA: "lrswipkxtea", HANA: "li"}
    assert rights(HANA, "none") == {TAMA: "lrswipkxtea"}
    assert rights(TAMA, "r") == {TAMA: "lra"}
    assert rights(TAMA, "none") == {TAMA: "lrswipkxtea"}
    assert "lrswipkxtea" in either("mailbox", "acl", TAMA, "Work").stdout
    either("mailbox", "acl", TAMA, "Work", HANA, code=USAGE)
    assert "lrswipkxtea" in either("mailbox", "acl", TAMA, "Work", HANA, "lz", code=USAGE).stderr
    assert "each once" in either("mailbox", "acl", TAMA, "Work", HANA, "reed", code=USAGE).stderr
    either.add(HANA)
    assert "no account" not in either("mailbox", "acl", TAMA, "Work", HANA, "read").stderr
    for who in ("hanna@example.test", "hanna"):
        said = either("mailbox", "acl", TAMA, "Work", who, "read").stderr
        assert "no account hanna@example.test" in said
        assert not either("mailbox", "acl", TAMA, "Work", who, "none").stderr
    assert "anyone" in either("mailbox", "acl", TAMA, "Work", "$group", "r", code=USAGE).stderr
    either("mailbox", "acl", TAMA, "Nowhere", code=NOT_FOUND)


def test_quota_shows_use_and_limit(running):
    running.add(TAMA, "--quota", "1M")
    fill(running, "one", "two")
    root, = running.json("mailbox", "quota", TAMA)
    assert (root["root"], root["limit"], root["messages"]) == ("", 1048576, 2)
    assert 0 < root["bytes"] < root["disk"]
    running("account", "quota", TAMA, "none")
    for limit, value, words in (("2M", 2097152, " 2M "), ("none", None, "none")):
        text = running.settings.read_text()
        running.settings.write_text(re.sub(r"(?m)^( *quota ).*$", rf"\g<1>{limit}", text))
        running("reload")
        assert running.json("mailbox", "quota", TAMA)[0]["limit"] == value
        assert words in running("mailbox", "quota", TAMA).stdout


def test_more_mailboxes_than_a_page_are_listed(server):
    server.add(TAMA, "--mailboxes", "none")
    server.start()
    client = imap(server)
    for i in range(450):
        assert client.create(f"m{i:03}")[0] == "OK"
    client.logout()
    assert names(server) == ["INBOX"] + [f"m{i:03}" for i in range(450)]
    server.stop()


def test_account_show_has_the_quota_that_holds_and_the_mailboxes(running):
    running.add(TAMA)
    text = running.settings.read_text()
    shown = running("account", "show", TAMA).stdout
    assert re.search(r"(?m)^quota +10G, that of the settings", shown), shown
    fill(running, "one")
    wait_for(lambda: running.json("account", "show", TAMA)["messages"] == 1)
    shown = running("account", "show", TAMA).stdout
    assert re.search(r"(?m)^INBOX +- +1 ", shown) and re.search(r"(?m)^Sent +sent +0 ", shown), shown
    running.settings.write_text(re.sub(r"(?m)^( *quota ).*$", r"\g<1>none", text))
    assert re.search(r"(?m)^quota +none, as in", running("account", "show", TAMA).stdout)
