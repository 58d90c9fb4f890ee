# SPDX-License-Identifier: ISC
"""In a Japanese locale: every help, the manuals and mistakes are Japanese; JSON is as ever."""
import json
import os
import poplib
import re
import smtplib
import ssl
import subprocess

import pytest
from server import PASSWORD, PROGRAM
from test_running import journeys, send, submit, wait_for

JAPANESE = re.compile("[ぁ-んァ-ヶ一-龠]")
ENGLISH = re.compile(r"\b[A-Za-z]+ [a-z]+ [a-z]+ [a-z]+\b")


def say(*words, lang="ja_JP.UTF-8", stdin=""):
    environment = {k: v for k, v in os.environ.items() if k not in ("LC_ALL", "LANGUAGE")}
    return subprocess.run([PROGRAM, *words], capture_output=True, text=True, check=False,
                          input=stdin, env=dict(environment, LANG=lang))


def unwrapped(text):
    return re.sub(r"\s+", "", text)


def command_names():
    script = say("completion", "bash", lang="C").stdout
    words = script.split("_hayauma_words() {")[1].split("esac")[0]
    return re.findall(r"(?m)^    '([a-z][^']*)'\) echo", words)


@pytest.mark.parametrize("name", ["", *command_names()])
def test_help_has_no_english_sentence(name):
    done = say(*name.split(), "--help")
    assert done.returncode == 0 and done.stderr == ""
    assert done.stdout.startswith("使い方: ")
    # Synopsis, examples, names of commands and the forms of JSON are the same in every language.
    prose = done.stdout.split("\n例:")[0].split("\n--json の出力:")[0].splitlines()[1:]
    for line in prose:
        assert JAPANESE.search(line) or not ENGLISH.search(line), line


@pytest.mark.parametrize("page", ["hayauma", "hayauma.conf"])
def test_manuals_are_japanese(page):
    text = say("manual", page).stdout
    assert ".Sh 名前\n" in text and ".Sh 説明\n" in text
    assert not re.search(r"(?m)^\.Sh [A-Z]", text)
    done = subprocess.run(["groff", "-mandoc", "-mja", "-Tutf8", "-Kutf8", "-ww"], input=text,
                          capture_output=True, text=True, check=True)
    assert JAPANESE.search(done.stdout)


def test_mistakes_are_told_in_japanese_and_json_stays(server):
    assert JAPANESE.search(say("nonsense").stderr)
    there = ("-C", str(server.folder), "domain", "list", "--json")
    assert json.loads(say(*there).stdout) == json.loads(say(*there, lang="C").stdout)
    assert not JAPANESE.search(say("nonsense", lang="C").stderr)


def test_errors_of_the_server_are_told_in_japanese(either):
    """They are made in English, by whichever process finds them, and shown in the user's language."""
    either.add("tama@example.test")
    there = ("-C", str(either.folder))
    for words, japanese in (
            (("account", "add", "tama@example.test", "--no-password"),
             "tama@example.test はすでに存在します（アカウント番号 1）"),
            (("account", "add", "tama@far.test", "--no-password"),
             "far.test はこのサーバーのドメインではありません。先にドメインを追加してください"),
            (("account", "show", "nobody@example.test"),
             "アカウント nobody@example.test はありません"),
            (("domain", "add", "a..jp"),
             "「a..jp」は example.jp のようなドメイン名ではありません:"
             " ドメイン名に空のラベルがあります（3 文字目）"),
            (("alias", "remove", "nobody@example.test", "a@far.test"),
             "エイリアス nobody@example.test はありません")):
        assert say(*there, *words).stderr == f"hayauma: {japanese}\n", words
        assert not JAPANESE.search(say(*there, *words, lang="C").stderr), words
    weak = say(*there, "account", "add", "kiku@example.test", "--password-stdin",
               stdin="password1\n").stderr
    assert weak.startswith("hayauma: 推測されやすいパスワードです（") and not ENGLISH.search(weak)


def test_reasons_of_a_route_are_told_in_japanese(either):
    """Whoever decides, the running server or the command itself; JSON stays English."""
    either.add("tama@example.test")
    either("alias", "add", "info@example.test", "tama@example.test")
    either("alias", "add", "all@example.test", "tama@example.test", "who@[127.0.0.9]")
    either("domain", "catch-all", "example.org", "tama@example.test")
    there = ("-C", str(either.folder), "route")
    for address, japanese in (
            ("TAMA+shop@example.test", "example.test はこのサーバーのドメインです"),
            ("info@example.test", "info@example.test は tama@example.test のエイリアスです"),
            ("all@example.test",
             "all@example.test は tama@example.test などのエイリアスです（宛先は全部で 2 件）"),
            ("anybody@example.org",
             "anybody@example.org という利用者はいないので、example.org のキャッチオール"
             " tama@example.test が受け取ります"),
            ("nobody@example.test", "nobody@example.test はありません"),
            ("someone@[127.0.0.9]", "[127.0.0.9] はこのサーバーのドメインではありません"),
            ("no address", "アドレス")):
        done = say(*there, "--wide", address)
        assert japanese in done.stdout, done.stdout
        for line in done.stdout.splitlines():
            assert JAPANESE.search(line) or not ENGLISH.search(line), line
        english = say(*there, "--json", address)
        assert not JAPANESE.search(english.stdout)
        assert json.loads(english.stdout)["reasons"] == json.loads(
            say(*there, "--json", address, lang="C").stdout)["reasons"]


def test_events_are_told_in_japanese_on_a_terminal(running):
    """In a journey and in what the command log shows; what is stored, and so JSON, is English."""
    running.add("tama@example.test")
    send(running, "a@outside.test", "tama@example.test")
    with smtplib.SMTP("127.0.0.1", running.port(25), timeout=20) as client:
        client.ehlo()
        client.mail("b@outside.test")
        assert client.rcpt("nobody@example.test")[0] == 550
    wait_for(lambda: journeys(running, "a@outside.test"))
    there = ("-C", str(running.folder))
    journey = unwrapped(say(*there, "journey", "a@outside.test").stdout)
    for japanese in ("からのメール（送信者a@outside.test）を受け付けました。",
                     "tama@example.test:tama@example.testのメールボックスINBOXに入りました",
                     "すべての宛先の処理が終わりました"):
        assert japanese in journey, journey
    refused = unwrapped(say(*there, "journey", "b@outside.test").stdout)
    assert "からnobody@example.testへのメールを拒否しました:550" in refused
    running.add("kiku@example.test")
    submit(running, "tama@example.test", "kiku@example.test", "tama@example.test")
    wait_for(lambda: journeys(running, "kiku@example.test"))
    log = say(*there, "log", "--wide").stdout
    assert "queued: tama@example.test から 2 件のアドレスへのメール（" in log, log
    assert re.search(r"(?m) info +queue .* delivered: tama@example.test: .*に入りました$", log)
    assert re.search(r"changed: .* がアカウント tama@example.test を追加しました", log)
    for words in (("journey", "a@outside.test"), ("log",)):
        english = say(*there, *words, lang="C").stdout
        assert not JAPANESE.search(english.replace("早馬", ""))
        assert say(*there, *words, "--json").stdout == say(*there, *words, "--json",
                                                           lang="C").stdout


def test_sessions_are_told_in_japanese(running):
    """What was fetched, and why a session did not begin or was ended; the facts are in JSON."""
    running.add("tama@example.test")
    send(running, "a@outside.test", "tama@example.test")
    wait_for(lambda: journeys(running, "a@outside.test"))
    tls = ssl._create_unverified_context()  # pylint: disable=protected-access

    def session():
        client = poplib.POP3_SSL("127.0.0.1", running.port(995), timeout=20, context=tls)
        client.user("tama@example.test")
        client.pass_(PASSWORD)
        return client
    client = session()
    client.retr(1)
    with pytest.raises(poplib.error_proto, match="IN-USE"):
        session()
    client.quit()
    client = session()
    running("account", "password", "tama@example.test", "--password-stdin", stdin=PASSWORD + "\n")
    with pytest.raises((poplib.error_proto, OSError)):
        client.noop()

    def told():
        found = [one for one in running.json_lines("log") if one["kind"] == "session"]
        return found if len(found) == 3 else None
    in_use, fetched, ended = (one["facts"] for one in wait_for(told))
    assert (fetched["fetched"], fetched["removed"]) == (1, 0)
    assert all(one["login"] == "tama@example.test" and one["client"] == "127.0.0.1"
               and one["service"] == "pop3" for one in (in_use, fetched, ended))
    with pytest.raises(poplib.error_proto):
        client = poplib.POP3_SSL("127.0.0.1", running.port(995), timeout=20, context=tls)
        client.user("tama@example.test")
        client.pass_("wrong")
    wait_for(lambda: any(e["kind"] == "login-failed" for e in running.json_lines("log")))
    log = say("-C", str(running.folder), "log", "--wide").stdout
    assert "のログインが失敗しました。（wrong password for tama@example.test）" in log, log
    for japanese in ("tama@example.test が 127.0.0.1 から pop3 でメールを 1 通取り出し、0 通を削除しました。",
                     "ほかのセッションがメールボックスを開いているため", "ログインが無効になったため"):
        assert japanese in log, log


def test_words_of_processes_and_of_the_queue_are_japanese(running):
    running.add("tama@example.test")
    submit(running, "tama@example.test", "someone@example.net")
    there = ("-C", str(running.folder))
    status = say(*there, "status", "--wide").stdout
    assert re.search(r"(?m)^queue .* (稼働中|応答なし) .*(Landlock|seccomp)", status)
    for line in status.splitlines():
        assert not re.search(r"\b(working|starting|silent|down|none:|own|empty|no) ", line), line
    assert re.search(r"    someone@example.net  (未試行|延期) ",
                     say(*there, "queue", "list", "-l").stdout)
    queued, = running.json("queue", "list")
    shown = say(*there, "queue", "show", queued["id"], "--wide").stdout
    assert re.search(r"(?m)^宛先 +状態 +試行回数 ", shown), shown


def test_what_a_reload_has_changed_is_told_in_japanese(running):
    there = ("-C", str(running.folder))
    assert "\n設定の変更はありません。" in "\n" + say(*there, "reload").stdout
    with running.settings.open("a") as settings:
        settings.write("\nworkers {\n    edge 1\n}\nsmtp {\n    timeout 4min\n}\n")
    told = say(*there, "reload").stdout
    assert "\nworkers.edge: 2 -> 1（次の起動から）\n" in "\n" + told, told
    assert "\nsmtp.timeout: 5min -> 4min\n" in "\n" + told, told
    english = json.loads(say(*there, "reload", "--json").stdout)["report"]
    assert "workers.edge: 2 -> 1 (at the next start)\n" in english, english


def test_spans_of_time_are_written_in_japanese(running):
    running.add("tama@example.test")
    submit(running, "tama@example.test", "someone@example.net")
    there = ("-C", str(running.folder))
    said = [say(*there, *words).stdout for words in (
        ("status",), ("queue", "list"), ("mailbox", "deleted", "tama@example.test"))]
    assert re.search(r"稼働時間 [0-9]+ (ミリ)?秒（", said[0]), said[0]
    assert re.search(r"[0-9] (ミリ)?秒 ", said[1]), said[1]
    assert "削除されたメールは 7 日間、" in said[2], said[2]
    for text in said:
        assert not re.search(r"[0-9] (us|ms|s|min|h|d)\b", text), text


def test_what_check_finds_in_files_is_told_in_japanese(server):
    with server.settings.open("a") as settings:
        settings.write("\nlog {\n    file /nowhere/at/all.log\n}\n")
    done = say("-C", str(server.folder), "check", "--no-dns", "--wide").stdout
    assert "log.file: /nowhere/at/all.log のフォルダーがありません。" in done
    for line in done.splitlines():
        assert JAPANESE.search(line), line
