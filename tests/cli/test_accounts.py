# SPDX-License-Identifier: ISC
"""Accounts out of use and back, what needs to be insisted on, usage, and who changed what."""
import os
import poplib
import pwd
import signal
import smtplib
import sqlite3
import ssl
import subprocess
import time

import pytest
from server import NOT_FOUND, PASSWORD, REFUSED, SETTINGS, USAGE

MESSAGE = "From: a@outside.test\r\nTo: tama@example.test\r\nSubject: hello\r\n\r\nhello\r\n"
TAMA, BOSS = "tama@example.test", "boss@example.test"


def send(server, recipient, size=0):
    with smtplib.SMTP("127.0.0.1", server.port(25), timeout=20) as client:
        client.sendmail("a@outside.test", [recipient], MESSAGE + size // 78 * ("x" * 76 + "\r\n"))


def refusal(server, recipient):
    with smtplib.SMTP("127.0.0.1", server.port(25), timeout=20) as client:
        client.ehlo("outside.test")
        client.mail("a@outside.test")
        return client.rcpt(recipient)


def pop_login(server, name=TAMA):
    client = poplib.POP3_SSL("127.0.0.1", server.port(995), timeout=20,
                             context=ssl._create_unverified_context())
    client.user(name)
    client.pass_(PASSWORD)
    return client


def wait_for(what, limit=20.0):
    until = time.monotonic() + limit
    while not (result := what()):
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.05)
    return result


def shown(server, address=TAMA):
    return server.json("account", "show", address)


def delivered(server, count):
    wait_for(lambda: shown(server)["messages"] == count)


def folder_of(server, number):
    return server.folder / "accounts" / f"{number & 0xff:02x}" / str(number)


def changes(server):
    events = server.json_lines("log", "-n", 500)
    return [e for e in events if e["kind"] == "changed"]


def me(sudo=None):
    if os.geteuid() == 0:
        return f"root (sudo: {sudo})" if sudo else "root"
    return f"uid {os.geteuid()} ({pwd.getpwuid(os.geteuid())[0]})"


# -------------------------------------------------------------------- beside broken settings


def test_a_slip_in_the_settings_leaves_the_accounts_within_reach(server):
    server("domain", "add", "example.com")
    with server.settings.open("a") as settings:
        settings.write("queue {\n    lifetime soon\n}\n")
    line = server.settings.read_text().splitlines().index("    lifetime soon") + 1
    for words in (("account", "list"), ("alias", "list"), ("domain", "list"),
                  ("alias", "add", "lab@example.test", "a@outside.test"),
                  ("domain", "remove", "example.com")):
        said = server(*words).stderr
        assert "warning" in said and said.count(f"hayauma.conf:{line}:") == 1, said
    assert f"hayauma.conf:{line}:" in server.add(TAMA).stderr
    assert shown(server)["address"] == TAMA
    assert "of the settings" in server("account", "list").stdout  # its quota
    server("account", "disable", TAMA)
    server("account", "remove", TAMA)
    server("account", "purge", TAMA)


@pytest.mark.parametrize("broken", ["password {\n    passes many\n}", "sending {\n    "
                                    "messages-per-hour -1\n}"])
def test_a_setting_that_the_accounts_need_has_to_be_right(server, broken):
    with server.settings.open("a") as settings:
        settings.write(broken + "\n")
    said = server("account", "list", code=SETTINGS).stderr
    assert "hayauma.conf:" in said and broken.split()[2] in said
    assert "password" not in said or broken.startswith("password")


def test_without_a_host_name_no_account_is_at_home(server):
    text = server.settings.read_text()
    server.settings.write_text(text.replace("\nhostname ", "\n# hostname "))
    assert "hostname" in server("account", "list", code=SETTINGS).stderr


# -------------------------------------------------------------------- adding


def test_an_account_without_a_password(either):
    either("account", "add", TAMA, "--no-password")
    assert shown(either)["password"] == ""
    assert "no password" in either("account", "list").stdout
    either("account", "add", "user%d@example.test", "--no-password", "--count", 3)
    assert shown(either, "user2@example.test")["password"] == ""


# -------------------------------------------------------------------- removing and bringing back


def test_a_password_comes_along_as_a_hash(running):
    # openssl passwd -6 -salt abcdefgh unmarked-barge-thicket-39
    made = subprocess.run(["openssl", "passwd", "-6", "-salt", "abcdefgh", "-stdin"], text=True,
                          input=PASSWORD + "\n", capture_output=True, check=True).stdout.strip()
    running("account", "add", TAMA, "--password-hash-stdin", stdin="{SHA512-CRYPT}" + made + "\n")
    pop_login(running).quit()
    pop_login(running).quit()  # now by a hash of our own
    said = running("account", "add", "b@example.test", "--password-hash-stdin", code=USAGE,
                   stdin="{SSHA}c2VjcmV0\n").stderr
    assert "{SSHA}" in said and "c2Vj" not in said
    running("account", "add", "b@example.test", "--password-hash-stdin", "--generate", code=USAGE,
            stdin=made)
    assert made not in running("log", "-n", 500).stdout


def test_removed_and_restored(running):
    running.add(TAMA)
    running.add(BOSS, "--admin")
    running("alias", "add", "lab@example.test", TAMA, BOSS)
    send(running, TAMA)
    delivered(running, 1)
    removed = running("account", "remove", TAMA).stdout
    assert "1 message (" in removed and "is kept until 20" in removed
    assert "account restore tama@example.test" in removed
    code, text = refusal(running, TAMA)
    assert code == 550 and b"5.1.1" in text
    with pytest.raises(poplib.error_proto):
        pop_login(running)
    assert "-" in running("account", "list", "--removed").stdout
    listed = running.json("account", "list", "--removed")
    assert [(a["address"], a["messages"]) for a in listed] == [(TAMA, 1)]
    assert listed[0]["removed"] and listed[0]["kept_until"] > listed[0]["removed"]
    assert TAMA not in running("account", "list").stdout

    back = running("account", "restore", TAMA).stdout
    assert "is back with 1 message" in back
    assert len(pop_login(running).list()[1]) == 1
    assert running.json("alias", "list")[0]["targets"] == [BOSS, TAMA]
    running("account", "restore", TAMA, code=REFUSED)
    running("account", "restore", "nobody@example.test", code=NOT_FOUND)


def test_restored_under_another_name(either):
    either.add(TAMA)
    number = shown(either)["id"]
    either("account", "remove", TAMA)
    either.add(TAMA)
    said = either("account", "restore", TAMA, code=REFUSED).stderr
    assert "--as" in said
    either("account", "restore", number, "--as", "old@example.test")
    assert shown(either, "old@example.test")["id"] == number


def test_purged(running):
    running.add(TAMA)
    send(running, TAMA, 100000)
    delivered(running, 1)
    number = shown(running)["id"]
    assert folder_of(running, number).is_dir()
    running("account", "purge", TAMA, code=REFUSED)
    running("account", "remove", TAMA)
    gone = running.json("account", "purge", TAMA)
    assert gone["done"] and gone["messages"] == 1
    assert not folder_of(running, number).exists()
    assert not list(folder_of(running, number).parent.glob("*.purged"))
    assert running.json("account", "list", "--removed") == []
    running("account", "restore", TAMA, code=NOT_FOUND)
    running.add(TAMA)
    assert shown(running)["messages"] == 0
    assert shown(running)["id"] > number


def test_purged_while_nothing_runs(running):
    running.add(TAMA)
    send(running, TAMA)
    delivered(running, 1)
    number = shown(running)["id"]
    running.stop()
    assert shown(running)["messages"] == 1
    running("account", "remove", TAMA)
    assert running.json("account", "purge", number)["done"]
    assert not folder_of(running, number).exists()
    assert running.json("account", "list", "--removed") == []


def test_a_purge_cut_short_goes_on_at_the_start(running):
    running.add(TAMA)
    send(running, TAMA)
    delivered(running, 1)
    number = shown(running)["id"]
    running("account", "remove", TAMA)
    running.stop()
    # as after a crash: marked, and renamed but not deleted.
    folder = folder_of(running, number)
    with sqlite3.connect(running.folder / "directory/directory.db") as db:
        db.execute("UPDATE removed SET purging = 1")
    folder.rename(folder.with_name(f"{number}.purged"))
    running("account", "restore", TAMA, code=REFUSED)
    running.start()
    wait_for(lambda: running.json("account", "list", "--removed") == [])
    assert not list(folder.parent.iterdir())


def test_removed_accounts_are_purged_when_their_time_is_over(server):
    server.settings.write_text(server.settings.read_text().replace(
        "#removed-keep 30d", "removed-keep 1s"))
    server.add(TAMA)
    number = shown(server)["id"]
    server("account", "remove", TAMA)
    time.sleep(1.5)
    server.start()
    wait_for(lambda: server.json("account", "list", "--removed") == [])
    assert any(e["facts"]["change"] == "account.purge" and e["facts"]["name"] == TAMA
               for e in changes(server))
    server.stop()
    assert not folder_of(server, number).exists()


# -------------------------------------------------------------------- what has to be insisted on


def test_the_last_administrator(either):
    either.add(BOSS, "--admin")
    for words in (("remove", BOSS), ("disable", BOSS), ("admin", BOSS, "no")):
        said = either("account", *words, code=REFUSED).stderr
        assert "last administrator" in said and "--force" in said
    either("account", "disable", BOSS, "--force")
    either("account", "enable", BOSS)
    either("account", "admin", BOSS, "no", "--force")
    either("account", "remove", BOSS)


def test_an_alias_on_an_account(either):
    either.add(TAMA)
    said = either("alias", "add", TAMA, "x@elsewhere.test", code=REFUSED).stderr
    assert "--instead-of-mailbox" in said and "--keep-copy" in said
    assert either.json("alias", "list") == []
    either("alias", "add", TAMA, "x@elsewhere.test", "--keep-copy")
    assert either.json("alias", "list")[0]["targets"] == ["x@elsewhere.test", TAMA]
    either("alias", "remove", TAMA, TAMA, code=REFUSED)
    either("alias", "set", TAMA, "y@elsewhere.test", "--instead-of-mailbox")
    assert either.json("alias", "list")[0]["targets"] == ["y@elsewhere.test"]
    either("alias", "remove", TAMA)


# -------------------------------------------------------------------- usage


def test_a_list_of_nothing_says_so(either):
    """Titles above nothing look as if something had failed."""
    for words, sentence in ((("account", "list"), "There are no accounts to list.\n"),
                            (("account", "list", "--removed"),
                             "There are no removed accounts to list.\n"),
                            (("alias", "list"), "There are no aliases to list.\n")):
        assert either(*words).stdout == sentence
        assert either.json(*words) == []
    for domain in either.json("domain", "list"):
        either("domain", "remove", domain["name"])
    assert either("domain", "list").stdout == "There are no domains to list.\n"
    assert either.json("domain", "list") == []


def test_usage(running):
    running.add(TAMA)
    assert (shown(running)["messages"], shown(running)["bytes"]) == (0, 0)
    send(running, TAMA)
    send(running, TAMA, 5000)
    delivered(running, 2)
    before = shown(running)
    assert before["bytes"] > 5000 and before["last_login"] is None
    client = pop_login(running)
    client.dele(1)
    client.quit()
    delivered(running, 1)
    assert shown(running)["last_login"]
    assert running.json("account", "list")[0]["messages"] == 1
    os.kill(next(p["pid"] for p in running.json("status")["processes"]
                 if p["role"] == "directory"), signal.SIGKILL)
    wait_for(lambda: all(p["state"] == "working" for p in running.json("status")["processes"]))
    delivered(running, 1)
    send(running, TAMA)
    delivered(running, 2)
    running.stop()
    assert shown(running)["messages"] == 2
    running.start()
    assert shown(running)["messages"] == 2


def test_usage_of_accounts_from_before_it_was_kept(running):
    running.add(TAMA)
    running.add(BOSS)
    send(running, TAMA)
    delivered(running, 1)
    running.stop()
    with sqlite3.connect(running.folder / "directory/directory.db") as db:
        db.execute("DELETE FROM usage")
    assert shown(running)["messages"] is None
    running.start()
    wait_for(lambda: shown(running)["messages"] == 1)
    wait_for(lambda: shown(running, BOSS)["messages"] == 0)  # maybe of another mail process


def test_large_aliases_are_listed_though_they_fit_into_no_answer_together(running):
    far = ".".join(["x" * 60] * 3) + ".test"
    for number in range(10):
        running("alias", "set", f"class{number}@example.test",
                *[f"student-of-this-year-{number}-{i:04}@{far}" for i in range(1000)])
    listed = running.json("alias", "list")
    assert [alias["address"] for alias in listed] == [f"class{n}@example.test" for n in range(10)]
    assert {len(alias["targets"]) for alias in listed} == {1000}


# -------------------------------------------------------------------- the history


def test_who_changed_what(running):
    environment = dict(os.environ, SUDO_USER="mike")
    running.add(TAMA, env=environment)
    running("account", "quota", TAMA, "1G")
    running("account", "quota", TAMA, "none")
    running("account", "password", TAMA, "--generate")
    running("domain", "add", "example.com")
    running("alias", "add", "lab@example.test", TAMA)
    found = {(e["facts"]["change"], e["facts"]["name"]): e for e in changes(running)}
    by = found["account.add", TAMA]["facts"]["by"]
    assert by == ("root (sudo: mike)" if os.geteuid() == 0 else me())
    quota = found["account.quota", TAMA]
    assert (quota["facts"]["before"], quota["facts"]["after"]) == ("1G", "none")
    assert quota["facts"]["by"] == me()
    assert quota["text"] == f"{me()} changed the quota of {TAMA} from 1G to none."
    assert ("account.password", TAMA) in found
    assert ("domain.add", "example.com") in found
    assert found["alias.set", "lab@example.test"]["facts"]["after"] == TAMA
    everything = running("log", "-n", 500).stdout
    assert PASSWORD not in everything and "$argon2" not in everything


def test_changes_made_while_nothing_runs_are_in_the_log_later(server):
    def of_tama():
        return [e for e in changes(server) if e["facts"]["name"] == TAMA]
    server.add(TAMA)
    server("account", "disable", TAMA)
    time.sleep(1.1)
    server.start()
    wait_for(lambda: len(of_tama()) >= 2)
    found = of_tama()
    assert [e["facts"]["change"] for e in found] == ["account.add", "account.enabled"]
    started = next(e for e in server.json_lines("log", "-n", 500) if e["kind"] == "started")
    assert found[0]["time"] < started["time"]
    server.stop()
    server.start()
    assert len(of_tama()) == 2
    server.stop()


def test_changes_wait_for_a_event_log_that_has_died(running):
    def events():
        return next(p for p in running.json("status")["processes"] if p["role"] == "events")
    os.kill(events()["pid"], signal.SIGSTOP)
    try:
        running.add(TAMA)
    finally:
        os.kill(events()["pid"], signal.SIGKILL)
    wait_for(lambda: events()["state"] == "working")
    running("account", "name", TAMA, "Tama")
    kinds = [e["facts"]["change"] for e in changes(running) if e["facts"]["name"] == TAMA]
    assert kinds == ["account.add", "account.name"]


def test_a_long_change_is_told_and_so_is_what_comes_behind_it(running):
    def many(domain):
        return [f"somebody-with-a-long-name-{i:03}@{domain}" for i in range(209)]
    running.add(TAMA)
    running("account", "send-as", TAMA, *many("one.test"))
    running("account", "send-as", TAMA, *many("two.test"))
    running("account", "name", TAMA, "Tama")
    found = wait_for(lambda: [e for e in changes(running) if e["facts"]["change"] == "account.name"])
    assert found[0]["facts"]["after"] == "Tama"
    told = [e for e in changes(running) if e["facts"]["change"] == "account.send-as"]
    assert told[1]["facts"]["after"].split("\n") == many("two.test")
    assert len(told[1]["text"]) < 4096


def test_a_reload_says_what_was_changed_from_what_to_what(running):
    text = running.settings.read_text()
    running.settings.write_text(text + "\nsmtp {\n  recipients-max 500\n}\n"
                                if "\nsmtp {" not in text
                                else text.replace("\nsmtp {", "\nsmtp {\n    recipients-max 500", 1))
    running("reload")
    change = wait_for(lambda: [e for e in changes(running) if e["facts"]["change"] == "setting"])
    facts = change[0]["facts"]
    assert (facts["name"], facts["before"], facts["after"]) == ("smtp.recipients-max", "1000", "500")
    assert facts["by"] == me()


def test_a_change_for_the_next_start_is_told_once_however_often_they_are_read(running):
    text = running.settings.read_text()
    running.settings.write_text(text + "\nworkers {\n  edge 3\n}\n")
    for _ in range(3):
        assert "workers.edge: 2 -> 3 (at the next start)" in running("reload").stdout
    found = [e for e in changes(running) if e["facts"]["change"] == "setting"]
    assert [e["facts"]["name"] for e in found] == ["workers.edge"]


def test_as_many_routes_as_the_settings_take_reach_every_process(running):
    far = ".".join(["x" * 60] * 3)
    routes = "".join(f"  route d{i:04}.{far}.test r{i:04}.{far}.test user=lab\n" for i in range(1000))
    passwords = running.settings.with_name("passwords")
    passwords.touch(0o600)
    running.settings.write_text(running.settings.read_text() +
                                f"\nrelay {{\n  password-file {passwords}\n{routes}}}\n")
    assert "keeps its old settings" not in running("reload").stdout


def test_a_reload_tells_first_who_kept_the_old_settings_and_later_that_it_took_them(running):
    passwords = running.settings.with_name("passwords")
    passwords.touch(0o644)
    running.settings.write_text(running.settings.read_text() +
                                f"\nrelay {{\n  password-file {passwords}\n}}\n")
    said = running("reload", code=REFUSED).stderr
    assert said.startswith("hayauma: The relay process 0 keeps its old settings: "
                           "relay.password-file: others than")
    passwords.chmod(0o600)
    said = running("reload").stdout
    assert "The relay process 0 has taken the settings now.\n" in said
    assert "No setting has changed; the files that they name were read again.\n" in said


def settings_told(server):
    return [e for e in changes(server) if e["facts"]["change"] == "setting"]


def test_settings_changed_while_nothing_runs_are_told_at_the_start(server):
    def change(before, after):
        text = server.settings.read_text()
        assert before in text
        server.settings.write_text(text.replace(before, after, 1))

    def told_at_a_start():
        server.start()
        time.sleep(0.5)
        told = settings_told(server)
        server.stop()
        return told

    with server.settings.open("a") as settings:
        settings.write("queue {\n    lifetime 4d\n}\n")
    assert told_at_a_start() == []  # the first settings are no change
    change("    lifetime 4d", "    lifetime 3d")
    told, = told_at_a_start()
    facts = told["facts"]
    assert (facts["name"], facts["before"], facts["after"]) == ("queue.lifetime", "4d", "3d")
    assert "by" not in facts and told["text"].startswith("The settings file was changed")
    assert len(told_at_a_start()) == 1
    server.start()
    change("    lifetime 3d", "    lifetime 2d")
    server("reload")
    wait_for(lambda: len(settings_told(server)) == 2)
    server.stop()
    assert len(told_at_a_start()) == 2  # a reload has told it
    assert (server.folder / "run/settings").stat().st_mode & 0o777 == 0o600


def test_addresses_have_to_be_well_formed(either):
    either("account", "restore", "x@@y", code=USAGE)
    either("account", "purge", "99", code=NOT_FOUND)
