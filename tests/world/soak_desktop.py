# SPDX-License-Identifier: ISC
"""Mail programs with windows, on a display that nobody sees: an account is set up, a Japanese message
read, found by the server, answered and moved, and the copy of the answer is in Sent. Part of `make soak`,
for what has to be installed for it."""
import json
import re

import pytest

from mail_programs import FOLDER, FOLDER_UTF7, JAPANESE, JAPANESE_SUBJECT, JAPANESE_WORDS, Reader, message
from marionette import Display, Program
from network import wait_until
from test_mail_readers import ANSWER, must_be_answered, parse
from world import PASSWORD, TOP

SETTINGS = {"marionette.port": 0, "app.update.enabled": False, "mailnews.start_page.enabled": False,
            "mail.provider.suppress_dialog_on_startup": True, "datareporting.policy.dataSubmissionEnabled": False,
            "mail.shell.checkDefaultClient": False, "mail.rights.version": 1, "network.dns.disabled": False}


@pytest.fixture(scope="module")
def host(world):
    host = world.host("desktop")
    yield host
    world.remove(host)


@pytest.fixture
def reader(host, tmp_path):
    reader = Reader(host, tmp_path)
    yield reader
    reader.close()


@pytest.fixture
def display(tmp_path):
    display = Display(tmp_path)
    yield display
    display.close()


class Thunderbird:
    def __init__(self, reader, display):
        profile = reader.folder / "profile"
        profile.mkdir()
        (profile / "user.js").write_text("".join(
            f'user_pref("{name}", {str(value).lower()});\n' for name, value in SETTINGS.items()))
        self.program = Program(["thunderbird", "--marionette", "--remote-allow-system-access", "--no-remote",
                                "--profile", profile], profile, reader.environment(DISPLAY=display.name))
        self.steps = (TOP / "tests/world/thunderbird/steps.js").read_text()

    def do(self, step, *arguments):
        found = self.program.run(f"{self.steps}\nreturn steps.{step}(...words);", *arguments)
        assert "problem" not in found, f"{found['problem']}\n{self.program.said()}"
        return found.get("value")

    def close(self):
        self.program.close()


def is_told(reader, program):
    """Whether it hears of a message while it waits in IDLE. What is told in the answer to a STORE it does
    not act on; so one comes later."""
    reader.host.deliver(reader.user, message("eight-bit"))
    try:
        return wait_until(lambda: program.do("isThere", "eight-bit"), 3, 0.2)
    except AssertionError:
        return False


def test_thunderbird(reader, display):
    reader.fill("attachment")
    address, port = reader.door(reader.host, "imaps")
    certificate = re.sub(r"-----[^-]*-----|\n", "", reader.trust.read_text())
    program = Thunderbird(reader, display)
    try:
        assert program.do("setUp", {
            "host": address, "port": port, "user": reader.user, "password": PASSWORD, "messages": 2,
            "smtpHost": reader.host.address, "smtpPort": reader.host.ports["submissions"],
            "certificate": certificate}) == ["attachment", JAPANESE_SUBJECT]
        assert JAPANESE_WORDS in program.do("read", JAPANESE_SUBJECT)
        assert program.do("search", JAPANESE_WORDS) == [JAPANESE_SUBJECT]
        program.do("answer", JAPANESE_SUBJECT, reader.user, ANSWER)
        must_be_answered(reader)
        program.do("move", JAPANESE_SUBJECT, FOLDER)
        wait_until(lambda: is_told(reader, program), 30)
    finally:
        program.close()
    assert reader.mailbox(FOLDER_UTF7) == {JAPANESE: {b"\\Seen", b"\\Answered"}}
    assert JAPANESE not in reader.mailbox()


def test_evolution(reader, display):
    """It speaks NOTIFY. What it shows of a message is what it quotes."""
    reader.fill("attachment")
    address, port = reader.door(reader.host, "imaps")
    runtime, seen = reader.folder / "run", reader.folder / "seen"
    runtime.mkdir(mode=0o700)
    reader.client(
        "dbus-run-session", "--", "/usr/bin/python3", TOP / "tests/world/evolution/window.py", limit=240,
        input=json.dumps({"host": address, "port": port, "user": reader.user, "password": PASSWORD, "messages": 2,
                          "smtpHost": reader.host.address, "smtpPort": reader.host.ports["submissions"],
                          "name": FOLDER, "subject": JAPANESE_SUBJECT, "words": JAPANESE_WORDS,
                          "answer": ANSWER, "seen": str(seen)}).encode(),
        environment={"DISPLAY": display.name, "XDG_RUNTIME_DIR": str(runtime), "GSETTINGS_BACKEND": "memory",
                     "GIO_USE_NETWORK_MONITOR": "base"})  # which takes any network for one
    done = json.loads(seen.read_text())
    assert {"Drafts", "Sent", "Junk", "Trash", "Archive"} <= set(done["folders"])
    assert done["subjects"] == ["attachment", JAPANESE_SUBJECT]
    assert done["found"] == [JAPANESE_SUBJECT]
    must_be_answered(reader)
    copy, = reader.mailbox("Sent")
    assert JAPANESE_WORDS in parse(copy).get_body().get_content()
    assert reader.mailbox(FOLDER_UTF7) == {JAPANESE: {b"\\Seen", b"\\Answered"}}
    assert JAPANESE not in reader.mailbox()
