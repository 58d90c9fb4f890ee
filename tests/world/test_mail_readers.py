# SPDX-License-Identifier: ISC
"""Mail programs with which people read, over IMAP with TLS: a Japanese message is read, found by its
words, moved, and one is answered whose copy stays in Sent."""
import email
import email.policy

import pytest

from mail_programs import FOLDER, FOLDER_UTF7, JAPANESE, JAPANESE_SUBJECT, JAPANESE_WORDS, Reader, \
    message, quoted
from network import wait_until
from world import PASSWORD, TOP

UP = "\x1b[A"
ANSWER = "確かに受け取りました。"


@pytest.fixture(scope="module")
def host(world):
    host = world.host("reading")
    yield host
    world.remove(host)


@pytest.fixture
def reader(host, tmp_path):
    reader = Reader(host, tmp_path)
    yield reader
    reader.close()


def must_be_answered(reader):
    """The answer has come, and its copy is in Sent."""
    def has_come():
        return [text for text in reader.mailbox() if b"In-Reply-To: <michi@far.test>" in text]
    for text in (*wait_until(has_come, 15), *reader.mailbox("Sent")):
        must_be_the_answer(text)


def parse(text):
    return email.message_from_bytes(text, policy=email.policy.default)


def must_be_the_answer(text):
    parsed = parse(text)
    assert parsed["Subject"] == "Re: " + JAPANESE_SUBJECT
    assert ANSWER in parsed.get_body().get_content()


# ---------------------------------------------------------------- mutt and neomutt


def muttrc(reader):
    address, port = reader.door(reader.host, "imaps")
    smtp = f"smtps://{quoted(reader.user)}@{reader.host.address}:{reader.host.ports['submissions']}/"
    body = reader.file("body", ANSWER + "\n")
    editor = reader.file("editor", f'#!/bin/sh\nexec cp {body} "$1"\n')
    editor.chmod(0o700)
    return reader.file("muttrc", f"""set folder="imaps://{quoted(reader.user)}@{address}:{port}/"
set spoolfile="+INBOX" record="+Sent" copy=yes imap_pass="{PASSWORD}"
set ssl_verify_host=no certificate_file="{reader.trust}"
set smtp_url="{smtp}" smtp_pass="{PASSWORD}" from="{reader.user}" use_from=yes hostname=client.test
set charset=utf-8 send_charset="us-ascii:iso-2022-jp:utf-8"
set header_cache="{reader.folder}/cache" imap_condstore=yes imap_qresync=yes
set confirmappend=no confirmcreate=no move=no mark_old=no wait_key=no delete=yes quit=yes
set pipe_decode=yes auto_tag=yes editor="{editor}" include=no abort_unmodified=no fast_reply=no
""")


@pytest.mark.parametrize("program", ["mutt", "neomutt"])
def test_mutt(reader, program):
    """The second time it has a cache, and asks with QRESYNC for what is new."""
    reader.fill("attachment", "dots", "eight-bit")
    settings = muttrc(reader)

    def play(keys):
        with reader.screen(program, "-n", "-F", settings, "-e", f'push "{keys}"') as screen:
            screen.until_ended()

    play(f"<limit>=b {JAPANESE_WORDS}<enter>"
         f"<display-message><exit><pipe-message>cat > {reader.folder}/read<enter>"
         f"<reply><kill-line>{reader.user}<enter><enter><send-message>"
         f"<save-message><kill-line>={FOLDER}<enter><limit>~A<enter><sync-mailbox><quit>")
    assert f"{JAPANESE_WORDS}。" in (reader.folder / "read").read_text()
    assert reader.mailbox(FOLDER_UTF7) == {JAPANESE: {b"\\Seen", b"\\Answered"}}
    must_be_answered(reader)
    with reader.host.imap(reader.user) as wire:
        wire.ok("SELECT INBOX")
        wire.ok("UID STORE 2 +FLAGS (\\Flagged)")
        wire.ok("UID STORE 3 +FLAGS (\\Deleted)")
        wire.ok("EXPUNGE")
        wire.append(message("empty-lines"))
    play(f"<limit>~F<enter><tag-pattern>~A<enter><pipe-message>cat > {reader.folder}/flagged<enter>"
         f"<untag-pattern>~A<enter><limit>~A<enter><tag-pattern>~A<enter>"
         f"<pipe-message>cat > {reader.folder}/all<enter><quit>")
    assert subjects(reader.folder / "flagged") == ["dots"]
    assert subjects(reader.folder / "all") == ["attachment", "dots", "empty-lines",
                                               f"Re: {JAPANESE_SUBJECT}"]


def subjects(path):
    return [line.partition(": ")[2] for line in path.read_text(errors="replace").splitlines()
            if line.startswith("Subject: ")]


# ---------------------------------------------------------------- alpine


def test_alpine(reader):
    """It makes no folder whose name it would have to encode; the user types that name."""
    reader.fill("attachment")
    address, port = reader.door(reader.host, "imaps")
    place = f"{{{address}:{port}/ssl/novalidate-cert/user={reader.user}}}"
    smtp = (f"{reader.host.address}:{reader.host.ports['submissions']}/ssl/novalidate-cert"
            f"/user={reader.user}")
    settings = reader.file("pinerc", f"""inbox-path={place}INBOX
folder-collections=far {place}[]
default-fcc={place}Sent
smtp-server={smtp}
customized-hdrs=From: {reader.user}
character-set=UTF-8
last-version-used=6.26
feature-list=allow-changing-from,quit-without-confirm,expunge-without-confirm,enable-aggregate-command-set
nntp-server=
""")
    with reader.screen("alpine", "-p", settings, "-i") as screen:
        for words, keys in (
                ("PASSWORD", PASSWORD + "\r"), ("Preserve password", "n"),
                (JAPANESE_SUBJECT, ";tb" + JAPANESE_WORDS + "\r"),  # select by words of the body
                ("matched 1 message", "\r"), (JAPANESE_WORDS, "r"),
                ("Include original message", "n"), ("Reply to all", "n"),
                ("Re: " + JAPANESE_SUBJECT, ANSWER + UP * 9 + "\x0b" + reader.user + "\r\x18"),
                ("Send message?", "y"), ("PASSWORD", PASSWORD + "\r"), ("Preserve password", "n"),
                ("ANS +", "s"), ("to folder", FOLDER_UTF7 + "\r"), ("Create", "y"),
                ("deleted", "q")):
            screen.until(words)
            screen.press(keys)
        screen.until_ended()
    assert reader.mailbox(FOLDER_UTF7) == {JAPANESE: {b"\\Seen", b"\\Answered"}}
    must_be_answered(reader)
    assert JAPANESE not in reader.mailbox()


# ---------------------------------------------------------------- Mew in Emacs


@pytest.mark.parametrize("protocol", ["imap", "pop"])
def test_mew(reader, protocol):
    """By POP the folders are those of the reader's machine."""
    reader.fill("attachment")
    asked = {"USER": reader.user, "PASSWORD": PASSWORD, "SUBJECT": JAPANESE_SUBJECT,
             "ANSWER": ANSWER}
    sign = "%" if protocol == "imap" else "+"
    asked |= {"PROTO": sign, "FCC": sign + "Sent", "FOLDER": sign + FOLDER}
    for name, service in (("IMAP", "imaps"), ("POP", "pop3s"), ("SMTP", "submissions")):
        address, port = reader.door(reader.host, service)
        asked |= {f"{name}_HOST": address, f"{name}_PORT": str(port)}
    words = {f"TEST_{name}": value for name, value in asked.items()}
    with reader.screen("emacs", "-nw", "-q", "-l", TOP / "tests/world/mew.el", **words) as screen:
        screen.until_ended(60)
    assert (reader.folder / "done").exists(), (reader.folder / "problem").read_text()
    assert JAPANESE_SUBJECT in (reader.folder / "summary").read_text()
    assert JAPANESE_WORDS in (reader.folder / "message").read_text()
    if protocol == "imap":
        assert reader.mailbox(FOLDER_UTF7) == {JAPANESE: {b"\\Seen"}}
        assert JAPANESE not in reader.mailbox()
        must_be_answered(reader)
    else:
        moved, = (reader.folder / "Mail" / FOLDER).glob("[0-9]*")
        assert JAPANESE.splitlines()[-1] in moved.read_bytes()
        copy, = (reader.folder / "Mail/Sent").glob("[0-9]*")
        answer, = wait_until(reader.mailbox, 15)  # all else has been fetched and removed
        must_be_the_answer(copy.read_bytes())
        must_be_the_answer(answer)
