# SPDX-License-Identifier: ISC
"""Commands that need the server to run: status, queue, journey, log, reload, stop."""
import base64
import json
import pathlib
import re
import smtplib
import socket
import subprocess
import time

from roles import ROLES
from server import (BUSY, FAILED, NOT_FOUND, NOT_RUNNING, OK, PASSWORD, PROGRAM, SETTINGS, USAGE,
                    old_certificate)

PROCESSES = {"master", *ROLES}
MESSAGE = "From: a@outside.test\r\nTo: tama@example.test\r\nSubject: =?UTF-8?B?5pep6aas?=\r\n" \
         "Message-ID: <one@outside.test>\r\n\r\nhello\r\n"


def send(server, sender, *recipients, message=MESSAGE):
    with smtplib.SMTP("127.0.0.1", server.port(25), timeout=20) as client:
        return client.sendmail(sender, recipients, message)


def submit(server, login, *recipients):
    message = MESSAGE.replace("From: a@outside.test", f"From: {login}")
    with smtplib.SMTP("127.0.0.1", server.port(587), timeout=20) as client:
        client.starttls()
        client.login(login, PASSWORD)
        return client.sendmail(login, recipients, message)


def wait_for(what, limit=20.0):
    until = time.monotonic() + limit
    while not (result := what()):
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.05)
    return result


def held_messages(server, count):
    """Messages to a place that cannot be reached, on hold."""
    server.add("tama@example.test")
    for number in range(count):
        submit(server, "tama@example.test", f"someone{number}@example.net")
    server("queue", "hold", "--all")
    wait_for(lambda: not any(one["state"] == "under way" for one in server.json("queue", "list")), 60)
    return server.json("queue", "list")


def journeys(server, what):
    done = subprocess.run([PROGRAM, "-C", server.folder, "journey", what, "--json"],
                          capture_output=True, text=True, check=False)
    found = json.loads(done.stdout) if done.returncode == OK else []
    settled = [one for one in found if any(e["kind"] == "settled" for e in one["events"])]
    return settled[0] if settled else None


# -------------------------------------------------------------------- the whole


def test_processes_are_named_by_their_role(running):
    """For ps, top and ss the kernel keeps 15 bytes; the arguments have the whole name."""
    for process in running.json("status")["processes"]:
        name = "hayauma-" + process["role"]
        proc = pathlib.Path("/proc", str(process["pid"]))
        assert (proc / "comm").read_text() == name[:15] + "\n"
        for task in proc.glob("task/*/comm"):
            assert task.read_text() == name[:15] + "\n"
        if process["role"] != "master":
            assert (proc / "cmdline").read_text().startswith(name + "\0")


def test_status_shows_every_process(running):
    status = running.json("status")
    assert status["running"] and status["hostname"] == "mail.example.test"
    assert {one["role"] for one in status["processes"]} == PROCESSES
    assert all(one["state"] == "working" for one in status["processes"])
    assert len({one["pid"] for one in status["processes"]}) == len(status["processes"])
    assert all(one["confinement"] and one["memory"] > 0 for one in status["processes"])
    assert status["messages"] == 0 and status["domains"] == 2
    text = running("status").stdout
    assert all(re.search(rf"(?m)^{role}\b", text) for role in PROCESSES)
    assert status["disk_free"] > 0 and "free on the disk\n" in text


def test_status_says_that_the_disk_is_too_full(running):
    conf = running.folder / "hayauma.conf"
    before = conf.read_text()
    try:
        conf.write_text(before + "queue {\n    disk-reserve 1024G\n}\n")
        told = running("status").stdout.splitlines()[-1]
        assert "less than 1T (queue.disk-reserve): new messages are put off" in told
    finally:
        conf.write_text(before)


def test_a_certificate_that_has_ended_is_told_in_the_log(running):
    old_certificate(running)
    running("reload")
    told = wait_for(lambda: [event for event in running.json_lines("log", "--role", "keys")
                             if event["kind"] == "error"])
    assert len(told) == 1
    assert "mail.example.test has ended" in told[0]["text"] and "keys/default.crt" in told[0]["text"]


def test_a_second_one_in_the_same_place_is_refused(running):
    done = running("run", code=FAILED)
    assert "is running already" in done.stderr
    assert running.json("status")["running"]


def test_stop_waits_for_the_end(running):
    began = time.monotonic()
    assert "has stopped" in running("stop").stdout
    assert time.monotonic() - began < 5
    assert running.process.wait(timeout=5) == 0
    for port in (25, 110):
        with socket.socket() as client:
            assert client.connect_ex(("127.0.0.1", running.port(port))) != 0
    running("stop", code=NOT_RUNNING)
    running("status", code=NOT_RUNNING)


def test_reload_says_what_changed_and_keeps_the_old_on_errors(running):
    assert "No setting" in running("reload").stdout
    good = running.settings.read_text()
    running.settings.write_text(good.replace("\nsmtp {\n", "\nsmtp {\n    timeout 4min\n"))
    assert "smtp.timeout: 5min -> 4min" in running("reload").stdout
    running.settings.write_text(good.replace("\nsmtp {\n", "\nsmtp {\n    timeout never\n"))
    done = running("reload", code=SETTINGS)
    assert "smtp.timeout" in done.stderr and "old settings stay in force" in done.stderr
    assert running.json("status")["running"]


def test_check_knows_that_the_ports_are_ours(running):
    assert any("its ports are its own" in one["text"] for one in running.json("check"))


def test_fibers_of_a_process(running):
    assert running("fibers", "edge").stdout.count("\n") > 3
    running("fibers", "queue", "9", code=NOT_FOUND)
    running("fibers", "cook", code=USAGE)


def test_repair_wants_it_stopped(running):
    running.add("tama@example.test")
    send(running, "a@outside.test", "tama@example.test")
    wait_for(lambda: running.json("status")["messages"] == 0)
    assert "stop it first" in running("repair", "tama@example.test", code=BUSY).stderr
    running("stop")
    assert running.json("repair", "tama@example.test") == {"packs": 1, "messages": 1, "deleted": 0, "damaged_bytes": 0}
    assert "Messages in mailboxes: 1;" in running("repair", "tama@example.test").stdout
    running("repair", "nobody@example.test", code=NOT_FOUND)


# -------------------------------------------------------------------- messages


def test_queue_is_listed_shown_and_changed(running):
    assert running("queue", "list").stdout == "No message is on its way.\n"
    first, second, third = held_messages(running, 3)
    assert all(one["state"] == "on hold" for one in (first, second, third))
    text = running("queue", "list").stdout
    assert text.startswith("ID ") and text.endswith("3 messages.\n")
    assert [one["id"] for one in running.json("queue", "list", "-n", "2")] == [first["id"],
                                                                              second["id"]]
    match = running.json("queue", "list", "--match", "someone1")
    assert [one["id"] for one in match] == [second["id"]]
    assert "someone2@example.net" in running("queue", "list", "--long").stdout

    shown = running.json("queue", "show", third["id"])
    assert shown["sender"] == shown["login"] == "tama@example.test"
    assert shown["waiting"][0]["address"] == "someone2@example.net"
    assert "someone2@example.net" in running("queue", "show", third["id"].upper()).stdout
    content = running("queue", "show", third["id"], "--content").stdout
    assert content.startswith("Received:") and content.endswith("hello\n")

    assert running.json("queue", "release", first["id"], second["id"]) == {"count": 2}
    assert running.json("queue", "hold", "--match", "someone0") == {"count": 1}
    assert running.json("queue", "remove", first["id"], third["id"]) == {"count": 2}
    assert [one["id"] for one in running.json("queue", "list")] == [second["id"]]
    assert "not in the queue" in running("queue", "show", first["id"], code=NOT_FOUND).stderr


def test_the_columns_of_a_long_list_stand_below_each_other(running):
    running.add("a.much.longer.name@example.test")
    held_messages(running, 1)
    submit(running, "a.much.longer.name@example.test", "someone@example.net")
    running("queue", "hold", "--all")
    lines = running("queue", "list", "--long").stdout.splitlines()
    place = lines[0].index("STATE")
    messages = [line for line in lines if re.match("[0-9a-z]{13} ", line)]
    assert len(messages) == 2
    assert all(re.match("(on hold|under way)", line[place:]) for line in messages), lines
    assert [line.split()[0] for line in lines if line.startswith("    ")] == [
        "someone0@example.net", "someone@example.net"]


def test_queue_commands_want_to_know_which_messages(running):
    held_messages(running, 2)
    for words in ([], ["--all", "--match", "x"], ["--login", "x@y", "--match", "x"]):
        assert "say which messages" in running("queue", "remove", *words, code=USAGE).stderr
    running("queue", "remove", "0c8q2zv5k7g00", code=NOT_FOUND)
    # No message has the id 0.
    running("queue", "remove", "0000000000000", code=NOT_FOUND)
    assert len(running.json("queue", "list")) == 2
    assert running.json("queue", "remove", "--all") == {"count": 2}


def test_journey_is_found_by_id_address_and_message_id(running):
    running.add("tama@example.test")
    send(running, "a@outside.test", "tama@example.test")
    message = wait_for(lambda: journeys(running, "tama@example.test"))
    for what in (message["message"], "a@outside.test", "<one@outside.test>", "one@outside.test"):
        assert running.json("journey", what)[0]["message"] == message["message"]
        text = running("journey", what).stdout
        assert message["message"] in text and "tama@example.test" in text
    running("journey", "nobody@nowhere.test", code=NOT_FOUND)
    assert PASSWORD not in running("journey", message["message"], "--json").stdout


def test_a_refused_recipient_is_found_by_the_sender(running):
    with smtplib.SMTP("127.0.0.1", running.port(25), timeout=20) as client:
        client.ehlo()
        client.mail("a@outside.test")
        assert client.rcpt("nobody@example.test")[0] == 550
    found = running.json("journey", "a@outside.test")
    assert found[0]["events"][0]["facts"]["to"] == ["nobody@example.test"]
    assert "\n  From        a@outside.test\n" in running("journey", "nobody@example.test").stdout


def test_a_subject_is_shown_and_found_as_it_is_read(running):
    """In the character sets that Japanese messages come in, with and without encoded words."""
    running.add("tama@example.test")
    mime = base64.b64encode("会議① の件".encode("cp932")).decode()
    for number, subject in enumerate((b"=?ISO-2022-JP?B?GyRCMnE1RC0hGyhCIBskQiROTW8bKEI=?=",
                                      b"=?Shift_JIS?B?" + mime.encode() + b"?=",
                                      "会議① の件".encode("euc_jp", "replace"))):
        sender = f"b{number}@outside.test"
        send(running, sender, "tama@example.test",
             message=b"From: " + sender.encode() + b"\r\nSubject: " + subject + b"\r\n\r\nx\r\n")
        message = wait_for(lambda: journeys(running, sender))
        assert "会議" in running("journey", sender).stdout
        assert message["message"] in [one["message"] for one in running.json("journey", "会議")]
    assert len(running.json("journey", "会議")) == 3
    assert "会議①" in running("journey", "b0@outside.test").stdout


def test_several_journeys_end_with_the_newest(running):
    running.add("tama@example.test")
    for number in range(3):
        send(running, f"a{number}@outside.test", "tama@example.test")
        wait_for(lambda: journeys(running, f"a{number}@outside.test"))
    found = running.json("journey", "tama@example.test")
    assert [one["message"] for one in found] == sorted(one["message"] for one in found)
    newest = running("journey", "tama@example.test", "-n", "1")
    assert found[-1]["message"] in newest.stdout and found[0]["message"] not in newest.stdout
    assert "there are more messages than the newest 1" in newest.stderr


def test_a_journey_is_told_with_the_messages_that_came_of_it(running):
    """What an alias made of it and the reports, whichever of them is asked for."""
    for user in ("tama", "mike"):
        running.add(f"{user}@example.test")
    running("alias", "add", "all@example.test", "tama@example.test", "mike@example.test")
    send(running, "a@outside.test", "all@example.test")
    family = wait_for(lambda: family_of(running, "all@example.test", 2))
    first, second = family
    assert first["family"] == second["family"] == first["message"]
    assert all(event["message"] == one["message"] for one in family for event in one["events"])
    expanded = [e["facts"] for e in first["events"] if e["kind"] == "expanded"]
    assert expanded[0]["targets"] == ["tama@example.test", "mike@example.test"]
    assert expanded[1]["child"] == second["message"]
    assert running.json("journey", second["message"]) == family
    text = running("journey", second["message"]).stdout
    assert text == running("journey", first["message"]).stdout
    assert text.startswith(f"Message {first['message']}\n")
    assert f"\nMessage {second['message']}, to the targets of an alias\n" in text
    for user in ("tama", "mike"):
        assert re.search(rf"(?m)^  {user}@example.test +Delivered after", text)


def family_of(server, what, count):
    """The messages of a family of so many, when all of them are settled."""
    done = subprocess.run([PROGRAM, "-C", server.folder, "journey", what, "--json"],
                          capture_output=True, text=True, check=False)
    found = json.loads(done.stdout) if done.returncode == OK else []
    whole = len(found) == count and all(
        any(event["kind"] == "settled" for event in one["events"]) for one in found)
    return found if whole else None


def test_a_journey_that_is_followed_goes_on_in_the_report(running):
    def deferred():
        return [event for event in running.json("journey", message)[0]["events"]
                if event["kind"] == "deferred"]
    running.add("tama@example.test")
    submit(running, "tama@example.test", "someone@example.net")
    message = running.json("queue", "list")[0]["id"]
    assert wait_for(deferred, 60)[0]["facts"]["attempts"] == 1
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:]{8}\.\d{3}Z", deferred()[0]["facts"]["next"])
    follower = subprocess.Popen([PROGRAM, "-C", running.folder, "journey", message, "-f", "--json"],
                                stdout=subprocess.PIPE, text=True)
    try:
        lines = map(json.loads, follower.stdout)
        assert next(one for one in lines if one["kind"] == "deferred")["message"] == message
        running("queue", "remove", message, "--bounce")
        report = next(one for one in lines if one["message"] != message)
        assert report["facts"]["original"] == message and report["facts"]["origin"] == "report"
        assert next(one for one in lines if one["kind"] == "delivered")["message"] == report["message"]
    finally:
        follower.terminate()
        follower.wait()
        follower.stdout.close()


def test_log_shows_the_last_events_and_follows(running):
    running.add("tama@example.test")
    follower = subprocess.Popen([PROGRAM, "-C", running.folder, "log", "-f", "-n", "0", "--json"],
                                stdout=subprocess.PIPE, text=True)
    time.sleep(1)
    send(running, "a@outside.test", "tama@example.test")
    line = next(one for one in map(json.loads, follower.stdout) if one["message"])
    assert line["sequence"] > 0
    follower.terminate()
    follower.wait()
    follower.stdout.close()
    assert len(running("log", "-n", "2").stdout.splitlines()) == 2
    some = [json.loads(one) for one in running("log", "-n", "100", "--json").stdout.splitlines()]
    assert [one["sequence"] for one in some] == sorted(one["sequence"] for one in some)
    only = [json.loads(one) for one in
            running("log", "-n", "9", "--role", "queue", "--json").stdout.splitlines()]
    assert only and {one["role"] for one in only} == {"queue"}

