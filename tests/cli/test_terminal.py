# SPDX-License-Identifier: ISC
"""On a terminal of 80 columns: what is printed fits, in both languages, and what a next command
needs stays whole. Elsewhere, and with --wide, nothing is left out."""
import fcntl
import os
import pty
import smtplib
import struct
import subprocess
import termios
import unicodedata

import pytest
from server import PROGRAM, hayauma
from test_running import wait_for

LONG = "a-student-with-a-rather-long-name@example.test"
ENGLISH, JAPANESE = "C.UTF-8", "ja_JP.UTF-8"


def on_terminal(*words, columns=80, language=ENGLISH, code=0, **environment):
    """What the command prints on a terminal so wide, as lines."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    known = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LANG")}
    process = subprocess.Popen([PROGRAM, *map(str, words)], stdin=theirs, stdout=theirs,
                               stderr=subprocess.DEVNULL,
                               env={**known, "NO_COLOR": "1", "LC_ALL": language, **environment})
    os.close(theirs)
    printed = b""
    try:
        while part := os.read(ours, 65536):
            printed += part
    except OSError:  # the other end is closed
        pass
    os.close(ours)
    assert process.wait(timeout=60) == code, printed.decode()
    return printed.decode().replace("\r\n", "\n").splitlines()


def columns(line):
    """By the property East_Asian_Width, as terminals do in both locales."""
    return sum(0 if unicodedata.combining(one) else
               2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in line)


def wider(lines, most=80):
    return [line for line in lines if columns(line) > most]


@pytest.fixture(scope="module")
def used(tmp_path_factory):
    """One that runs, with accounts, an alias, mail that came, waits and was refused."""
    from server import Server
    server = Server(tmp_path_factory.mktemp("used") / "post")
    server.add(LONG, "--name", "長い名前の学生 田中")
    server.add("tama@example.test", "--quota", "64M")
    server("alias", "add", "all-students-of-the-laboratory@example.test", LONG, "tama@example.test")
    server.start()
    with smtplib.SMTP("127.0.0.1", server.port(25), timeout=20) as client:
        for to in (LONG, "tama@example.test"):
            client.sendmail("someone-outside-who-writes-much@outside.test", to,
                            "Subject: The plan for the summer, in all its detail and length\r\n"
                            "\r\nhello\r\n")
    wait_for(lambda: len(server.json("journey", "--list")) >= 2)
    yield server
    server.stop()


COMMANDS = [["status"], ["queue", "list"], ["queue", "list", "-l"], ["journey", "--list"],
            ["account", "list"], ["account", "list", "--removed"], ["account", "show", LONG],
            ["account", "limits", LONG], ["alias", "list"], ["domain", "list"], ["log", "-n", "90"],
            ["config", "delivery.quota"], ["config", "hostname"], ["journey", LONG]]


@pytest.mark.parametrize("language", [ENGLISH, JAPANESE])
@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_what_is_printed_fits(used, words, language):
    lines = on_terminal("-C", used.folder, *words, language=language)
    assert lines and not wider(line for line in lines if str(used.folder) not in line)


@pytest.mark.parametrize("words", [[], ["--port-offset", "23000", "--listen", "127.0.0.1"]],
                         ids=["usual", "trial"])
@pytest.mark.parametrize("language", [ENGLISH, JAPANESE])
def test_what_init_says_fits(tmp_path, words, language):
    """Also where it is printed for a file; only what is to be copied stays on one line."""
    made = ["init", "--hostname", "mail.example.test", "--domain", "example.test", *words]
    narrow = on_terminal("init", tmp_path / "a", *made[1:], language=language)
    piped = hayauma("init", tmp_path / "b", *made[1:],
                    env={**os.environ, "LC_ALL": language}).stdout.splitlines()
    for lines, folder in ((narrow, tmp_path / "a"), (piped, tmp_path / "b")):
        assert any("4. " in line for line in lines)
        assert not wider(line for line in lines if str(folder) not in line)
    assert f"   hayauma -C {tmp_path / 'a'} check" in narrow


def test_what_a_next_command_needs_stays_whole(used):
    for words in (["account", "list"], ["alias", "list"]):
        assert any(LONG in line for line in on_terminal("-C", used.folder, *words)), words
    for one in used.json("journey", "--list"):
        assert any(one["message"] in line
                   for line in on_terminal("-C", used.folder, "journey", "--list"))


def test_what_was_left_out_is_said_and_shown_with_wide(used):
    narrow = on_terminal("-C", used.folder, "account", "list")
    assert "MESSAGES" not in narrow[0] and "--wide" in narrow[-1] and "MESSAGES" in narrow[-1]
    wide = on_terminal("-C", used.folder, "account", "list", "--wide")
    assert "MESSAGES" in wide[0] and not any("--wide" in line for line in wide)
    assert wide == used("account", "list").stdout.splitlines()
    assert wide == on_terminal("-C", used.folder, "account", "list", columns=200)[:0] + wide


def test_columns_of_the_environment_come_first(used):
    assert "MESSAGES" in on_terminal("-C", used.folder, "account", "list", COLUMNS="200")[0]
    assert not wider(on_terminal("-C", used.folder, "domain", "list", COLUMNS="40"), 40)
    assert "MESSAGES" not in on_terminal("-C", used.folder, "account", "list", columns=0)[0]


def test_the_quota_that_holds_is_shown(used):
    server = used
    shown = {line.split()[1]: line for line in server("account", "list").stdout.splitlines()}
    assert " 64M " in shown["tama@example.test"]
    holds = server("config", "delivery.quota").stdout
    assert f" {shown[LONG].split()[-2 if 'never' in shown[LONG] else -3]} " and "quota" in holds


def commands():
    pages = hayauma("--help").stdout
    names = [line[2:].split("  ")[0].strip() for line in pages.splitlines()
             if line.startswith("  ") and line[2:3].isalpha()]
    return [name.split() for name in names]


@pytest.mark.parametrize("language", [ENGLISH, JAPANESE])
def test_help_has_no_line_over_80_columns(language):
    for name in [[], *commands()]:
        lines = on_terminal(*name, "--help", language=language)
        assert lines and not wider(lines), name
