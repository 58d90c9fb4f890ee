# SPDX-License-Identifier: ISC
"""Finding messages by words and times, one a line; and all of it while nothing runs."""
import os
import smtplib
import time

import pytest
from server import NOT_FOUND, NOT_RUNNING, OK, PASSWORD, USAGE
from test_accounts import me
from test_running import wait_for

TAMA = "tama@example.test"


def message(sender, recipient, subject):
    return (f"From: {sender}\r\nTo: {recipient}\r\nSubject: {subject}\r\n\r\nhello\r\n").encode()


def send(server, sender, *recipients, subject="hello"):
    with smtplib.SMTP("127.0.0.1", server.port(25), timeout=20) as client:
        client.sendmail(sender, recipients, message(sender, recipients[0], subject))


def submit(server, *recipients, subject="out"):
    with smtplib.SMTP("127.0.0.1", server.port(587), timeout=20) as client:
        client.starttls()
        client.login(TAMA, PASSWORD)
        client.sendmail(TAMA, recipients, message(TAMA, recipients[0], subject))


def listed(server, *words):
    return server.json("journey", "--list", *words)


def states(server, *words):
    return [(one["subject"], one["state"]) for one in listed(server, *words)]


@pytest.fixture
def busy(running):
    """Three messages: two delivered, one on hold."""
    running.add(TAMA)
    running.add("boss@example.test", "--admin")
    send(running, "a@outside.test", TAMA, subject="=?UTF-8?B?6K2w5LqL6Yyy44Gu5Lu2?=")
    send(running, "bob@outside.test", TAMA, "boss@example.test", subject="Invoice no.42")
    submit(running, "someone@example.net", "other@example.com", subject="far away")
    wait_for(lambda: running.json("queue", "list"))
    running("queue", "hold", "--all")
    wait_for(lambda: [state for _, state in states(running)] == ["Delivered", "Delivered", "Held"])
    return running


def test_a_message_on_its_way_says_how_many_recipients_are_left(busy):
    number, = (one["id"] for one in busy.json("queue", "list"))
    assert "2, 2 of them left" in busy("queue", "show", number).stdout


def test_one_message_a_line(busy):
    text = busy("journey", "--list").stdout.splitlines()
    assert text[0].split() == ["TIME", "ID", "FROM", "TO", "SUBJECT", "STATE"]
    assert len(text) == 4
    assert "議事録の件" in text[1] and "a@outside.test" in text[1] and TAMA in text[1]
    assert "(2) tama@example.test" in text[2] and text[2].endswith("Delivered")
    assert text[3].endswith("Held")
    assert busy("log", "--list").stdout.splitlines() == text
    one = listed(busy)[1]
    assert one["from"] == "bob@outside.test" and one["to"] == [TAMA, "boss@example.test"]


def test_words(busy):
    assert len(listed(busy, TAMA)) == 3
    assert states(busy, TAMA, "invoice") == [("Invoice no.42", "Delivered")]
    assert states(busy, "議事録") == [("議事録の件", "Delivered")]
    assert states(busy, "OUTSIDE.test", "no.42") == [("Invoice no.42", "Delivered")]
    assert states(busy, "invoice", "議事録") == []
    assert "Invoice no.42" in busy("journey", "bob@outside.test", "invoice").stdout
    busy("journey", "bob@outside.test", "nothing", code=NOT_FOUND)
    busy("journey", code=USAGE)
    assert "議事録の件" not in busy("log", TAMA, "invoice").stdout
    assert busy("log", TAMA).stdout.count("\n") > 5
    assert busy("log", "added", "boss@").stdout.count("\n") == 1
    assert busy("log", "no such word").stdout == ""


def test_times(busy):
    assert len(listed(busy, "--since", "1h")) == 3
    assert listed(busy, "--since", "2d", "--until", "1h") == []
    assert listed(busy, "--until", "yesterday") == []
    second = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(time.time() + 1))
    assert len(listed(busy, "--since", "yesterday", "--until", second)) == 3
    assert busy("log", "--until", "yesterday").stdout == ""
    everything = busy("log", "--since", "2 h ago").stdout.splitlines()
    assert everything == busy("log", "-n", "1000").stdout.splitlines()
    assert busy("log", "--since", "2h", "-n", "3").stdout.splitlines() == everything[-3:]
    assert busy("log", "--since", "2h", "invoice").stdout
    for wrong in ("tomorrow", "2026-02-30", "25:00", "12", ""):
        said = busy("log", "--since", wrong, code=USAGE).stderr
        assert "--since" in said and "yesterday" in said
    busy("journey", "--list", "--since", "1h", "--until", "2h", code=USAGE)


def test_the_queue_shows_recipients(busy):
    assert "(2) someone@example.net" in busy("queue", "list").stdout
    assert busy.json("queue", "list")[0]["first"] == "someone@example.net"


def test_a_retry_says_what_is_on_hold(busy):
    one = busy.json("queue", "list")[0]["id"]
    assert "on hold" in busy("queue", "retry", one).stdout
    assert busy.json("queue", "retry", "--all") == {"count": 1, "held": 1}
    busy("queue", "release", "--all")
    assert busy("queue", "retry", one).stdout == "1 message is tried now.\n"


def test_while_nothing_runs_and_beside_broken_settings(busy):
    before = states(busy)
    journey = busy("journey", "invoice").stdout
    busy.stop()
    for broken in (False, True):
        if broken:
            busy.settings.write_text("smtp {\n")
        assert states(busy) == before
        done = busy("journey", "invoice")
        assert done.stdout == journey
        assert done.stderr.count("hayauma.conf") == (1 if broken else 0)
        assert "Put on hold" in busy("log", "--since", "1h").stdout
        queued = busy("queue", "list").stdout
        assert "someone@example.net" in queued and "1 message" in queued
        status = busy("status", code=NOT_RUNNING)
        assert "is stopped" in status.stdout
        assert "1 message on its way" in status.stdout and "2 accounts" in status.stdout
        told = busy.json("status", code=NOT_RUNNING)
        assert told["running"] is False and told["messages"] == 1 and told["accounts"] == 2
        assert told["last_event"]
        one = busy.json("queue", "list")[0]["id"]
        assert "on hold" in busy("queue", "retry", one).stdout
        busy("queue", "release", one)
        assert "when the server starts" in busy("queue", "retry", one).stdout
        assert busy("queue", "show", one, "--content").stdout.endswith("hello\n")
        busy("queue", "hold", one)


def told(server, *kinds):
    """Kind, author and sentence of what people did to messages, oldest first."""
    return [(e["kind"], e["facts"].get("by"), e["text"]) for e in server.json_lines("log", "-n", 500)
            if e["kind"] in kinds]


@pytest.mark.parametrize("way", ["running", "stopped", "broken"])
def test_who_did_what_to_a_message_is_told_however_it_was_done(busy, way):
    one = busy.json("queue", "list")[0]["id"]
    before = len(told(busy, "held"))
    if way != "running":
        busy.stop()
    if way == "broken":
        busy.settings.write_text("smtp {\n")
    tama = dict(os.environ, SUDO_USER="tama")
    if way != "running":  # there its first attempt may still be under way
        busy("queue", "retry", one, env=tama)
    busy("queue", "release", one, env=tama)
    busy("queue", "hold", "--all", env=tama)
    busy("queue", "hold", one, env=tama)  # it is already: nothing is done, and nothing told
    busy("queue", "remove", one, "--bounce", env=tama)
    by = me("tama")
    retried = [("retried", by, f"To be tried at once, says {by}")] if way != "running" else []
    assert told(busy, "held", "released", "retried", "removed")[before:] == retried + [
        ("released", by, f"Released by {by}"), ("held", by, f"Put on hold by {by}"),
        ("removed", by, f"Removed by {by}, with a report to the sender")]
    journey = busy("journey", one).stdout
    assert "Removed" in journey and by in journey
    assert busy.json("journey", one)


def test_a_event_log_that_cannot_be_written_keeps_nobody_from_acting(busy):
    """The message counts for more than the note about it; that one is missing is said."""
    one = busy.json("queue", "list")[0]["id"]
    busy.stop()
    for file in (busy.folder / "events").iterdir():
        file.unlink()
    (busy.folder / "events/events.db").mkdir()  # nor can it be put aside:
    (busy.folder / "events/events.db.damaged/x").mkdir(parents=True)
    done = busy("queue", "remove", one)
    assert "1 message is removed" in done.stdout
    assert "not in its journey" in done.stderr and "events" in done.stderr
    assert busy.json("queue", "list") == []


def test_what_was_done_while_nothing_ran_counts_at_the_start(busy):
    one = busy.json("queue", "list")[0]["id"]
    busy.stop()
    busy("queue", "remove", one)
    busy.start()
    assert busy.json("queue", "list") == []


def test_a_fake_server_that_never_ran(server):
    assert "never run" in server("log", code=NOT_FOUND).stderr
    assert server("queue", "list", code=OK).stdout.startswith("No message")
    assert "is stopped" in server("status", code=NOT_RUNNING).stdout
