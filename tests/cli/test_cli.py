# SPDX-License-Identifier: ISC
"""Commands: init, accounts, domains, aliases, routes, check, help, completion. What works
on a server whether it runs or not is tried both ways. The program is $HAYAUMA, build/hayauma
unless set."""
import contextlib
import json
import os
import pathlib
import pty
import re
import select
import shlex
import socket
import sqlite3
import stat
import subprocess
import threading
import time

import pytest
from server import (FAILED, NOT_FOUND, NOT_RUNNING, OK, PASSWORD, PROGRAM, REFUSED, SETTINGS,
                    USAGE, hayauma, old_certificate)


# -------------------------------------------------------------------- init


def test_init_makes_a_complete_state_directory(server):
    for name in ("directory/directory.db", "keys/default.key", "keys/default.crt", "spool",
                 "accounts", "events", "run"):
        assert (server.folder / name).exists(), name
    key = (server.folder / "keys/default.key").stat()
    assert stat.S_IMODE(key.st_mode) == 0o600
    assert "keys/default.crt" in server.made.stdout
    assert "account add YOU@example.test" in server.made.stdout


def test_init_prints_what_to_put_into_dns_and_how_to_start_it(server, tmp_path):
    said = server.made.stdout
    for line in (r"mail\.example\.test\. +A +ADDRESS", r"ADDRESS +PTR +mail\.example\.test\.",
                 r"example\.org\. +MX +10 mail\.example\.test\.",
                 r'example\.org\. +TXT +"v=spf1 mx -all"',
                 r'mail\.example\.test\. +TXT +"v=spf1 a -all"',
                 rf"hayauma -C {server.folder} run", "systemctl edit hayauma.service",
                 "certbot certonly --standalone -d mail.example.test",
                 rf"hayauma -C {server.folder} check"):
        assert re.search(line, said), line
    made = hayauma("init", tmp_path / "json", "--hostname", "mx.example.test", "--domain",
                   "example.test", "--json")
    records = json.loads(made.stdout)["records"]
    assert {"name": "example.test.", "type": "MX", "value": "10 mx.example.test."} in records


def test_init_explains_the_place_of_an_address_only_where_it_stands(server):
    """A host with a public address is told that one."""
    assert "ADDRESS is the public address of this host" in server.made.stdout
    assert "PTR record" in server.made.stdout and "SPF" in server.made.stdout
    show = ("ip link add seen type veth peer name other; ip addr add 203.0.114.9/32 dev seen; ip link set seen"
            " up; exec \"$@\"")
    made = subprocess.run(["unshare", "-n", "sh", "-c", show, "sh", PROGRAM, "init",
                           server.folder.parent / "public", "--hostname", "m.test", "--domain",
                           "m.test"], capture_output=True, text=True, check=False)
    assert "203.0.114.9" in made.stdout, f"a network of its own is needed: {made.stderr}"
    assert "ADDRESS" not in made.stdout
    assert "PTR" in made.stdout and "SPF" in made.stdout


def test_init_writes_annotated_settings_that_are_read_again(server):
    text = server.settings.read_text()
    assert text.startswith("#")
    assert f"data-directory {server.folder}\n" in text
    changed = {s["name"]: s["value"] for s in server.json("config", "--changed")}
    assert changed["hostname"] == "mail.example.test"
    assert changed["listen"] == "127.0.0.1"
    assert changed["dns.resolvers"] == "127.0.0.1:9"


def test_init_makes_a_certificate_for_the_host(server):
    said = subprocess.run(["openssl", "x509", "-in", server.folder / "keys/default.crt", "-noout",
                           "-subject", "-ext", "subjectAltName"], capture_output=True, text=True,
                          check=True).stdout
    assert "mail.example.test" in said


def test_init_takes_an_empty_directory_and_missing_parents(tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    for folder in (empty, tmp_path / "a/b/c"):
        hayauma("init", folder, "--hostname", "m.test", "--domain", "m.test")
        assert (folder / "hayauma.conf").exists()


def test_init_overwrites_nothing(server, tmp_path):
    before = server.settings.read_text()
    words = ("--hostname", "m.test", "--domain", "m.test")
    again = hayauma("init", server.folder, *words, code=REFUSED)
    assert "there is a mail server" in again.stderr
    assert server.settings.read_text() == before
    full = tmp_path / "full"
    full.mkdir()
    (full / "message").write_text("mine")
    assert "not an empty directory" in hayauma("init", full, *words, code=REFUSED).stderr
    assert [one.name for one in full.iterdir()] == ["message"]
    plain = tmp_path / "plain"
    plain.write_text("mine")
    hayauma("init", plain, *words, code=REFUSED)


@pytest.mark.parametrize("words", [
    ["--hostname", "not a name", "--domain", "a.test"],
    ["--hostname", "m.test", "--domain", "a..test"],
    ["--hostname", "m.test", "--domain", "a.test", "--listen", "nowhere"],
    ["--hostname", "m.test", "--domain", "a.test", "--port-offset", "70000"],
    ["--hostname", "m.test", "--domain", "a.test", "--dns", "127.0.0.1:99999"],
    ["--hostname", "m.test", "--domain", "a.test", "a.test"],
])
def test_init_that_fails_leaves_nothing(tmp_path, words):
    folder = tmp_path / "post"
    done = subprocess.run([PROGRAM, "init", folder, *words], capture_output=True, text=True,
                          check=False)
    assert done.returncode in (USAGE, REFUSED), done.stderr
    assert done.stderr.startswith("hayauma: ")
    assert not folder.exists()


def test_init_comments_in_the_language_of_the_user(tmp_path):
    hayauma("init", tmp_path / "p", "--hostname", "m.test", "--domain", "m.test",
            env={**os.environ, "LC_ALL": "ja_JP.UTF-8"})
    assert "設定" in (tmp_path / "p/hayauma.conf").read_text()


# -------------------------------------------------------------------- accounts


def test_account_is_added_shown_and_listed(either):
    done = either.add("tama@example.test", "--name", "玉 鈴木", "--quota", "2G", "--admin")
    assert "tama@example.test" in done.stdout
    shown = either.json("account", "show", "TAMA@Example.Test")
    assert shown["address"] == "tama@example.test"
    assert shown["name"] == "玉 鈴木"
    assert shown["quota"] == 2 << 30
    assert shown["admin"] and shown["enabled"] and not shown["apop"]
    assert shown["password"] == "argon2id"
    assert shown["last_login"] is None
    either.add("kiku@example.test")
    lines = either("account", "list").stdout.splitlines()
    assert len(lines) == 3
    # Wide characters take two columns: what follows is aligned all the same.
    columns = [len(line.encode("euc_jp", "replace")) - len(line.split("enabled")[-1].encode("euc_jp"))
               for line in lines[1:]]
    assert columns[0] == columns[1]
    assert [one["address"] for one in either.json("account", "list")] == [
        "tama@example.test", "kiku@example.test"]


def test_ten_thousand_accounts_within_a_minute(either):
    began = time.monotonic()
    either.add("user%04d@example.test", "--count", "10000")
    assert time.monotonic() - began < 60
    everybody = either.json("account", "list")
    assert len(everybody) == 10000
    assert everybody[0]["address"] == "user0000@example.test"
    assert everybody[-1]["address"] == "user9999@example.test"
    page = either.json("account", "list", "--after", everybody[4]["id"], "-n", "3")
    assert [one["address"][:8] for one in page] == ["user0005", "user0006", "user0007"]
    assert len(either.json("account", "list", "example.org")) == 0


def test_many_accounts_are_all_or_none(either):
    either.add("user5@example.test")
    done = either.add("user%d@example.test", "--count", "10", code=REFUSED)
    assert "user5@example.test" in done.stderr
    assert len(either.json("account", "list")) == 1
    either.add("user@example.test", "--count", "3", code=USAGE)
    either.add("other%d@example.test", "--count", "2", "--first", "7")
    assert either.json("account", "show", "other8@example.test")


def test_wrong_accounts_are_refused_with_a_sentence(either):
    either.add("tama@example.test")
    for words, password, code, said in (
            (["tama@example.test"], PASSWORD, REFUSED, "exists already"),
            (["tama@nowhere.test"], PASSWORD, NOT_FOUND, "not a domain of this host"),
            (["tama"], PASSWORD, USAGE, "not a mail address"),
            (["new@example.test"], "password", REFUSED, "easy to guess"),
            (["new@example.test"], "", USAGE, "password is empty"),
            (["new@example.test"], "x" * 600, USAGE, "511 bytes"),
            (["new@example.test", "--generate"], PASSWORD, USAGE, "only one of them")):
        assert said in either.add(*words, password=password, code=code, cost="normal").stderr
    either.add("weak@example.test", "--force-weak", password="password", cost="normal")
    either.add("test@example.test", password="password")  # for tests, says --hash-cost min


def test_generated_passwords_are_printed_once_and_differ(either):
    found = set()
    for user in ("a", "b"):
        done = either.json("account", "add", f"{user}@example.test", "--generate")
        assert re.fullmatch(r"[a-z2-9]{5}(-[a-z2-9]{5}){3}", done["password"])
        found.add(done["password"])
    assert len(found) == 2
    text = either("account", "password", "a@example.test", "--generate").stdout
    assert re.search(r"^Password: [a-z2-9-]{23}$", text, re.M)


def test_no_terminal_to_ask_on_is_said(server):
    done = subprocess.run([PROGRAM, "-C", server.folder, "account", "add", "a@example.test"],
                          capture_output=True, text=True, stdin=subprocess.DEVNULL,
                          start_new_session=True, check=False)
    assert done.returncode == FAILED
    assert "--password-stdin" in done.stderr


def test_a_password_is_asked_for_twice_without_echo(server):
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(PROGRAM, [PROGRAM, "-C", str(server.folder), "account", "add", "a@example.test"])
    said = b""
    for number in (1, 2):
        while said.count(b": ") < number:
            said += os.read(terminal, 1000)
        os.write(terminal, PASSWORD.encode() + b"\n")
    try:
        while chunk := os.read(terminal, 1000):
            said += chunk
    except OSError:
        pass
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == OK
    assert PASSWORD.encode() not in said
    assert server.json("account", "show", "a@example.test")["password"] == "argon2id"


def test_accounts_are_changed_one_thing_at_a_time(either):
    either.add("tama@example.test")
    either("account", "name", "tama@example.test", "猫")
    either("account", "quota", "tama@example.test", "500M")
    either("account", "admin", "tama@example.test", "yes")
    either("account", "disable", "tama@example.test", "--force")
    either("account", "apop", "tama@example.test", "--password-stdin", stdin="secret of apop\n")
    either("account", "password", "tama@example.test", "--password-stdin", stdin=PASSWORD * 2)
    shown = either.json("account", "show", "tama@example.test")
    assert (shown["name"], shown["quota"], shown["admin"], shown["enabled"], shown["apop"]) == (
        "猫", 500 << 20, True, False, True)
    either("account", "enable", "tama@example.test")
    either("account", "quota", "tama@example.test", "none")
    either("account", "apop", "tama@example.test", "--remove")
    shown = either.json("account", "show", "tama@example.test")
    assert (shown["quota"], shown["enabled"], shown["apop"]) == (None, True, False)
    for words in (["name", "x"], ["quota", "1G"], ["admin", "no"], ["enable"], ["remove"], ["show"]):
        either("account", words[0], "nobody@example.test", *words[1:], code=NOT_FOUND)


def test_secrets_are_in_no_output_and_no_plain_file(either):
    secret = "apop-secret-to-look-for"
    said = either.add("tama@example.test")
    said_too = either("account", "apop", "tama@example.test", "--password-stdin", stdin=secret)
    everything = (said.stdout + said.stderr + said_too.stdout + said_too.stderr +
                  either("account", "show", "tama@example.test").stdout +
                  either("account", "list", "--json").stdout)
    for word in (secret, PASSWORD):
        assert word not in everything
        for path in either.folder.rglob("*"):
            assert not path.is_file() or word.encode() not in path.read_bytes(), path


def test_account_is_removed_unless_something_depends_on_it(either):
    either.add("tama@example.test")
    either("alias", "add", "info@example.test", "tama@example.test")
    assert "info@example.test" in either("account", "remove", "tama@example.test",
                                         code=REFUSED).stderr
    either("alias", "remove", "info@example.test")
    either("account", "remove", "tama@example.test")
    either("account", "show", "tama@example.test", code=NOT_FOUND)


# -------------------------------------------------------------------- domains, aliases, routes


@pytest.mark.parametrize("when", ["down", "running"])
def test_there_is_no_most_of_domains(server, when):
    with contextlib.closing(sqlite3.connect(server.folder / "directory/directory.db")) as db, db:
        db.executemany("INSERT INTO domain VALUES (?, 1, '', '', 0)",
                       [(f"d{i}.test",) for i in range(2500)])
    if when == "running":
        server.start()
    before = 2  # of the fixture
    assert len(server.json("domain", "list")) == 2500 + before
    if when == "running":
        assert server.json("status")["domains"] == 2500 + before
        server.stop()


def test_domains(either):
    either("domain", "add", "example.com", "--alias-of", "example.test")
    either("domain", "add", "new.test")
    either.add("tama@example.test")
    either("domain", "catch-all", "new.test", "tama@example.test")
    domains = {one["name"]: one for one in either.json("domain", "list")}
    assert sorted(domains) == ["example.com", "example.org", "example.test", "new.test"]
    assert domains["example.com"]["alias_of"] == "example.test"
    assert domains["new.test"]["catch_all"] == "tama@example.test"
    assert domains["example.test"]["accounts"] == 1
    either("domain", "catch-all", "new.test", "none")
    either("domain", "remove", "new.test")
    either("domain", "remove", "new.test", code=NOT_FOUND)
    either("domain", "remove", "example.test", code=REFUSED)
    either("domain", "add", "example.org", code=REFUSED)
    either("domain", "add", "not a domain", code=USAGE)
    assert "a domain name has no empty labels (character 3)" in either(
        "domain", "add", "a..test", code=USAGE).stderr
    assert "example.com" in either("domain", "list").stdout


def test_aliases(either):
    either.add("tama@example.test")
    either.add("kiku@example.test")
    said = either("alias", "add", "info@example.test", "tama@example.test", "far@example.net").stdout
    assert said == "info@example.test leads to tama@example.test and far@example.net now.\n"
    either("alias", "add", "info@example.test", "kiku@example.test")
    assert either.json("alias", "list") == [
        {"address": "info@example.test",
         "targets": ["tama@example.test", "far@example.net", "kiku@example.test"]}]
    either("alias", "remove", "info@example.test", "tama@example.test")
    either("alias", "set", "info@example.test", "kiku@example.test")
    assert either.json("alias", "list")[0]["targets"] == ["kiku@example.test"]
    either("alias", "add", "a@example.test", "nobody@example.test", code=NOT_FOUND)
    either("alias", "remove", "nothing@example.test", code=NOT_FOUND)
    either("alias", "remove", "info@example.test")
    assert either.json("alias", "list") == []


def test_more_aliases_than_a_page_has(either):
    either.add("tama@example.test")
    either.add("a%03d@example.test", "--count", "201")
    for number in range(201):
        either("alias", "add", f"a{number:03}@example.test", "tama@example.test",
               "--instead-of-mailbox")
    assert len(either.json("alias", "list")) == 201
    assert len(either("alias", "list").stdout.splitlines()) == 202


def test_route_says_where_and_why(either):
    either.add("tama@example.test")
    either("alias", "add", "info@example.test", "tama@example.test")
    either("domain", "catch-all", "example.org", "tama@example.test")
    for address, code, kind in (
            ("tama@example.test", OK, "local"),
            ("TAMA+shop@example.test", OK, "local"),
            ("info@example.test", OK, "local"),
            ("anybody@example.org", OK, "local"),
            ("nobody@example.test", NOT_FOUND, "unknown user"),
            ("no address", USAGE, "bad address")):
        found = either.json("route", address, code=code)
        assert found["kind"] == kind
        assert found["reasons"]
        assert either("route", address, code=code).stdout
    assert either.json("route", "TAMA+shop@example.test")["mailboxes"][0]["detail"] == "shop"
    either("account", "disable", "tama@example.test")
    either("route", "tama@example.test", code=REFUSED)


def test_route_elsewhere_needs_no_look_up_for_an_address_literal(either):
    found = either.json("route", "someone@[127.0.0.9]")
    assert found["kind"] == "not ours"
    assert found["elsewhere"][0]["hosts"][0]["addresses"] == ["127.0.0.9:25"]


# -------------------------------------------------------------------- check, config


def test_check_of_a_new_fake_server_finds_no_error(server):
    server.add("tama@example.test", "--admin")
    found = server.json("check")
    assert {one["level"] for one in found} <= {"ok", "note", "warning"}
    assert any("certificate" in one["text"] for one in found)
    assert any("ports" in one["text"] for one in found)
    assert any(one["text"] == "the directory has 2 domains and 1 account" for one in found)


def test_check_tells_all_errors_of_the_settings_with_their_places(server):
    text = server.settings.read_text()
    lines = re.sub(r"(?m)^port-offset.*", "port-offset many", text).splitlines()
    lines[lines.index("smtp {"):lines.index("smtp {") + 1] = [
        "smtp {", "    timout 5min", "    message-size-max 5X"]
    server.settings.write_text("\n".join(lines) + "\n")
    done = server("check", code=SETTINGS)
    for name in ("port-offset many", "timout 5min", "message-size-max 5X"):
        line = next(n for n, one in enumerate(lines, 1) if name in one)
        assert re.search(rf"hayauma\.conf:{line}:\d+: ", done.stdout), done.stdout
    assert "did you mean \"timeout\"" in done.stdout
    assert len([one for one in server.json("check", code=SETTINGS) if one["line"]]) == 3
    for words in (["config"], ["run"], ["route", "a@b.test"]):
        assert "port-offset" in server(*words, code=SETTINGS).stderr
    for words in (["account", "list"], ["domain", "list"]):
        assert "port-offset" in server(*words).stderr


def test_check_finds_a_used_port_a_bad_key_and_a_missing_postmaster(server):
    offset = int(re.search(r"(?m)^port-offset (\d+)", server.settings.read_text()).group(1))
    key = server.folder / "keys/default.key"
    key.chmod(0o644)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 25 + offset))
        taken.listen()
        found = server.json("check", code=FAILED)
    errors = "\n".join(one["text"] for one in found if one["level"] == "error")
    assert f"127.0.0.1:{25 + offset}" in errors
    assert f"{key} has mode 0644" in errors
    assert any("postmaster@example.test" in one["text"] for one in found
               if one["level"] == "warning")


def test_check_says_how_much_room_is_missing(server):
    with server.settings.open("a") as settings:
        settings.write("\nqueue {\n    disk-reserve 1T\n}\n")
    errors = [one["text"] for one in server.json("check", code=FAILED) if one["level"] == "error"]
    assert len(errors) == 1 and "below 1048576 MiB" in errors[0]
    assert "lower queue.disk-reserve" in errors[0]


def test_check_says_that_the_settings_name_another_directory(server):
    """A copy, or one that was moved: what follows without -C goes elsewhere."""
    moved = server.folder.with_name("moved")
    server.folder.rename(moved)
    said = hayauma("-C", moved, "check", "--no-dns").stdout
    assert f"is {server.folder}, but this is {moved}, as -C says" in said
    moved.rename(server.folder)
    assert "as -C says" not in server("check", "--no-dns").stdout


def test_check_says_which_certificate_has_ended(server):
    old_certificate(server)
    errors = [one["text"] for one in server.json("check", code=FAILED) if one["level"] == "error"]
    assert len(errors) == 1 and "has ended" in errors[0] and "keys/default.crt" in errors[0]


def test_check_finds_a_key_that_is_not_the_certificates(server):
    made = subprocess.run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout"],
                          capture_output=True, check=True).stdout
    (server.folder / "keys/default.key").write_bytes(made)
    errors = [one["text"] for one in server.json("check", code=FAILED) if one["level"] == "error"]
    assert any("is not the key of the first certificate" in text for text in errors)


def test_config_explains_a_setting(server):
    done = server("config", "smtp.message-size-max")
    assert "50M" in done.stdout
    assert "did you mean smtp.message-size-max" in server("config", "smtp.mesage-size-max",
                                                          code=NOT_FOUND).stderr
    assert len(server.json("config")) > 50
    assert server.json("config", "smtp.message-size-max")["default"] == "50M"


# -------------------------------------------------------------------- not running, locked


@pytest.mark.parametrize("words", [
    ["status"], ["stop"], ["reload"], ["fibers", "edge"]])
def test_commands_that_need_it_say_that_it_does_not_run(server, words):
    done = server(*words, code=NOT_RUNNING)
    assert f"the server in {server.folder} is not running" in done.stderr
    assert f"hayauma -C {server.folder} run" in done.stderr


def test_status_for_programs_while_it_is_down(server):
    done = server("status", "--json", code=NOT_RUNNING)
    said = json.loads(done.stdout)
    assert said["running"] is False and said["directory"] == str(server.folder)
    assert said["messages"] == 0 and said["domains"] == 2 and "processes" not in said


def test_commands_at_the_same_time_wait_for_each_other(either):
    results = []

    def add(number):
        results.append(either.add(f"user{number}@example.test").returncode)
    threads = [threading.Thread(target=add, args=[number]) for number in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert results == [OK] * 8
    assert len(either.json("account", "list")) == 8


def test_a_place_that_is_no_fake_server_is_said(tmp_path):
    done = hayauma("-C", tmp_path, "status", code=FAILED)
    assert "is no mail server" in done.stderr
    hayauma("-C", tmp_path / "missing", "status", code=FAILED)


def test_files_belong_to_whom_they_should(server):
    server.add("tama@example.test")
    owner = (server.folder / "directory").stat().st_uid
    for path in [server.folder / "directory", *(server.folder / "directory").iterdir()]:
        assert path.stat().st_uid == owner
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0
    if os.geteuid() == 0:
        assert owner != 0
        assert server.settings.stat().st_uid == 0


# -------------------------------------------------------------------- help, completion


def commands():
    text = hayauma("--help").stdout
    return re.findall(r"(?m)^  ([a-z][a-z -]*?)(?:  .*)?$", text.split("Commands:")[1].split(
        "Options")[0])


def test_every_command_has_help(server):
    names = commands()
    assert {"init", "run", "account add", "queue remove", "journey"} <= set(names)
    for name in names:
        done = hayauma(*name.split(), "--help")
        assert done.stdout.startswith(f"usage: hayauma {name}")
        assert hayauma("help", *name.split()).stdout == done.stdout
    hayauma("help", "nonsense", code=NOT_FOUND)


@pytest.mark.parametrize("words", [[], ["nonsense"], ["account"], ["account", "add"],
                                   ["status", "--nonsense"], ["status", "word"]])
def test_wrong_command_lines_end_with_2_and_a_sentence(words):
    done = hayauma(*words, code=USAGE)
    assert done.stderr.startswith("hayauma: ")
    assert done.stdout == ""


def test_manual_is_good_mdoc():
    page = hayauma("manual").stdout
    done = subprocess.run(["groff", "-Kutf8", "-mdoc", "-Tutf8", "-ww"], input=page, capture_output=True,
                          text=True, check=True)
    assert done.stderr == ""
    for name in commands():
        assert f".Ss {name}".replace("-", "\\-") in page
    assert hayauma("manual", "hayauma.conf").stdout.startswith(".")


def complete(script, *words, program="hayauma"):
    """What bash offers for the last word."""
    line = " ".join(map(shlex.quote, (program,) + words))
    told = subprocess.run(
        ["bash", "-c", f"source /dev/stdin\nCOMP_WORDS=({line})\nCOMP_CWORD={len(words)}\n"
         "_hayauma 2>/dev/null\nprintf '%s\\n' \"${COMPREPLY[@]}\""], input=script, text=True,
        capture_output=True, check=True)
    return told.stdout.split()


def test_bash_completes_commands_options_and_values():
    script = hayauma("completion", "bash").stdout
    assert complete(script, "st") == ["stop", "status"]
    assert "add" in complete(script, "account", "")
    assert complete(script, "-C", "/srv", "account", "sh") == ["show"]
    assert complete(script, "account", "add", "x@y", "--hash") == ["--hash-cost"]
    assert complete(script, "account", "add", "x@y", "--hash-cost", "") == ["normal", "min"]
    assert complete(script, "log", "-r", "qu") == ["queue"]
    assert complete(script, "-C", "/et") == ["/etc"]
    tops = {name.split()[0] for name in commands()}
    assert tops == {word for word in complete(script, "") if not word.startswith("-")}
    for name in commands():
        if " " in name:
            assert name.split()[1] in complete(script, name.split()[0], "")


def test_bash_completes_what_there_is(either):
    """Accounts, domains, aliases, settings; nothing that a shell would expand."""
    script = hayauma("completion", "bash").stdout
    either.add("tama@example.test")
    either.add("`touch${IFS}x`@example.test")
    either("alias", "add", "info@example.test", "tama@example.test")

    def offered(*words):
        return complete(script, "-C", str(either.folder), *words, program=PROGRAM)

    assert offered("account", "show", "t") == ["tama@example.test"]
    assert offered("account", "show", "") == ["tama@example.test"]
    assert offered("account", "add", "t") == []
    assert "example.test" in offered("domain", "remove", "ex")
    assert offered("alias", "remove", "in") == ["info@example.test"]
    assert offered("config", "smtp.message-size") == ["smtp.message-size-max"]
    assert offered("queue", "show", "0") == []
    either("mailbox", "create", "tama@example.test", "Work/2026")
    either("mailbox", "create", "tama@example.test", "仕事")
    either("mailbox", "create", "tama@example.test", "$(touch x)")
    assert offered("mailbox", "rename", "tama@example.test", "Wor") == ["Work", "Work/2026"]
    assert offered("mailbox", "delete", "tama@example.test", "仕") == ["仕事"]
    assert offered("mailbox", "delete", "tama@example.test", "$") == []
    assert offered("mailbox", "acl", "tama@example.test", "Work", "t") == ["tama@example.test"]
    assert offered("mailbox", "rename", "tama@example.test", "Work", "W") == []
    assert offered("message", "list", "tama@example.test", "--mailbox", "Se") == ["Sent"]
    assert offered("message", "move", "tama@example.test", "--into", "Work/") == ["Work/2026"]
    assert offered("message", "list", "tama@example.test", "t") == []
    assert offered("mailbox", "delete", "nobody@example.test", "I") == []


def test_completion_gives_up_on_a_server_that_does_not_answer(tmp_path):
    script = hayauma("completion", "bash").stdout
    program = tmp_path / "hayauma"
    program.write_text("#!/bin/sh\necho nonsense >&2\nexec sleep 60\n")
    program.chmod(0o755)
    began = time.monotonic()
    assert complete(script, "mailbox", "delete", "t@e", "I", program=str(program)) == []
    assert time.monotonic() - began < 20


# No command is run, whose echo could be taken for an answer: Tab prints the line as it is then.
ZSHRC = """
unsetopt prompt_sp
unset zle_bracketed_paste
PS1='> '
fpath=($ZDOTDIR/functions $fpath)
autoload -U compinit
compinit -u -D
press-tab() {
    zle expand-or-complete
    zle -I
    print -r -- "BEGIN $BUFFER END"
    BUFFER=
}
zle-line-init() { print -r -- "ready to edit" }
zle -N press-tab
zle -N zle-line-init
bindkey '\t' press-tab
"""


@pytest.fixture
def zsh(tmp_path):
    """A real zsh on a terminal; what it makes of a line when Tab is pressed behind it."""
    (tmp_path / "functions").mkdir()
    script = hayauma("completion", "zsh").stdout
    (tmp_path / "functions/_hayauma").write_text(script)
    (tmp_path / ".zshrc").write_text(ZSHRC)
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(TERM="dumb", ZDOTDIR=str(tmp_path), HOME=str(tmp_path),
                          PATH=f"{pathlib.Path(PROGRAM).parent}:{os.environ['PATH']}")
        os.execvp("zsh", ["zsh", "-d", "-i"])

    def read_until(mark):
        text = b""
        while mark not in text:
            assert select.select([terminal], [], [], 30)[0], text
            text += os.read(terminal, 65536)
        return text.decode()

    def press_tab(line):
        os.write(terminal, line.encode() + b"\t")
        return re.search(r"BEGIN (.*?) *END", read_until(b" END")).group(1)

    read_until(b"ready to edit")
    yield press_tab
    os.write(terminal, b"exit\n")
    os.waitpid(pid, 0)
    os.close(terminal)


def test_zsh_completes_commands_options_values_and_what_there_is(zsh, server):
    server.add("tama@example.test")
    there = f"hayauma -C {server.folder}"
    assert zsh("hayauma sta") == "hayauma status"
    assert zsh("hayauma account sh") == "hayauma account show"
    assert zsh("hayauma status --js") == "hayauma status --json"
    assert zsh("hayauma log -r qu") == "hayauma log -r queue"
    assert zsh("hayauma account add x@y --hash-cost no") == (
        "hayauma account add x@y --hash-cost normal")
    assert zsh("hayauma -C /et").rstrip("/") == "hayauma -C /etc"
    assert zsh(f"{there} account show ta") == f"{there} account show tama@example.test"
    assert zsh(f"{there} domain remove example.t") == f"{there} domain remove example.test"
    assert zsh(f"{there} mailbox delete tama@example.test Tr") == (
        f"{there} mailbox delete tama@example.test Trash")
    assert zsh(f"{there} message list tama@example.test --mailbox Dra") == (
        f"{there} message list tama@example.test --mailbox Drafts")
    assert zsh(f"{there} config smtp.message-size") == f"{there} config smtp.message-size-max"


def test_output_that_nobody_reads_ends_quietly(either):
    either.add("user%05d@example.test", "--count", "5000")
    done = subprocess.run(f"{shlex.quote(PROGRAM)} -C {shlex.quote(str(either.folder))} account"
                          " list | head -1", shell=True, capture_output=True, text=True, check=True)
    assert done.stdout.split()[0] == "ID"
    assert done.stderr == ""
