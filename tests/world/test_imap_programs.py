# SPDX-License-Identifier: ISC
"""Programs that keep mailboxes in step with a server, or fetch all of one, and a library: over IMAP
with TLS, each with what it is used for."""
import hashlib
import json
import re
import ssl

import pytest

from mail_programs import BODIES, FOLDER, FOLDER_UTF7, JAPANESE, JAPANESE_SUBJECT, JAPANESE_WORDS, \
    Reader, message
from world import PASSWORD, TOP, strip_trace

NPM = TOP / "build/npm"


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


# ---------------------------------------------------------------- in step with the server


class Maildir:
    """Folders of messages on the side of the program. Line ends are those of this machine."""

    def __init__(self, path):
        self.path = path

    def make(self):
        for part in ("cur", "new", "tmp"):
            (self.path / part).mkdir(parents=True)
        return self

    def files(self):
        return [path for part in ("cur", "new") for path in (self.path / part).iterdir()]

    def messages(self):
        """{message without its trace fields: letters of its flags}"""
        found = {}
        for path in self.files():
            whole = path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
            found[strip_trace(without_own(whole))] = path.name.partition(":2,")[2]
        return found

    def file_of(self, text):
        return next(path for path in self.files() if text in path.read_bytes())

    def set_flags(self, text, letters):
        path = self.file_of(text)
        base = path.name.partition(":2,")[0]
        path.rename(self.path / "cur" / f"{base}:2,{letters}")

    def add(self, name, data, letters=""):
        (self.path / "cur" / f"1.{name}.here:2,{letters}").write_bytes(data.replace(b"\r\n", b"\n"))


def without_own(whole):
    """Without the fields that these programs add, to know their messages again."""
    return re.sub(rb"(?m)^X-(?:TUID|OfflineIMAP|getmail-retrieved-from-mailbox): .*\r\n", b"", whole)


def mbsync(reader):
    address, port = reader.door(reader.host, "imaps")
    settings = reader.file("mbsyncrc", f"""IMAPAccount far
Host {address}
Port {port}
User {reader.user}
Pass {PASSWORD}
SSLType IMAPS
CertificateFile {reader.trust}

IMAPStore far
Account far

MaildirStore near
Path {reader.folder}/mail/
Inbox {reader.folder}/mail/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns *
Create Both
Remove Both
Expunge Both
SyncState *
""")
    (reader.folder / "mail").mkdir(exist_ok=True)
    return lambda: reader.client("mbsync", "-c", settings, "all")


def offlineimap(reader):
    address, port = reader.door(reader.host, "imaps")
    print_of = hashlib.sha1(ssl.PEM_cert_to_DER_cert(reader.trust.read_text())).hexdigest()
    settings = reader.file("offlineimaprc", f"""[general]
accounts = all
metadata = {reader.folder}/offlineimap
ui = basic
[Account all]
localrepository = near
remoterepository = far
[Repository near]
type = Maildir
localfolders = {reader.folder}/mail
[Repository far]
type = IMAP
remotehost = {address}
remoteport = {port}
remoteuser = {reader.user}
remotepass = {PASSWORD}
ssl = yes
cert_fingerprint = {print_of}
""")
    return lambda: reader.client("offlineimap", "-c", settings, "-o")


class Memory:
    """What a program that asks with QRESYNC knows of the INBOX: {UID: flags}."""

    def __init__(self, reader):
        self.reader, self.at, self.flags = reader, None, {}

    def refresh(self):
        """Takes in what the server says has changed; what the server has, for comparison."""
        with self.reader.host.imap(self.reader.user) as wire:
            wire.ok("ENABLE QRESYNC")
            said = b"\n".join(wire.ok("SELECT INBOX" + (f" (QRESYNC ({self.at}))" if self.at else "")))
            self.at = " ".join(re.search(rb"%s (\d+)" % name, said).group(1).decode()
                               for name in (b"UIDVALIDITY", b"HIGHESTMODSEQ"))
            for ranges in re.findall(rb"VANISHED \(EARLIER\) (\S+)", said):
                for first, last in re.findall(rb"(\d+)(?::(\d+))?", ranges):
                    for uid in range(int(first), int(last or first) + 1):
                        self.flags.pop(uid, None)
            self.flags |= self.read(said)
            return self.read(b"\n".join(wire.ok("UID FETCH 1:* (FLAGS)")))

    @staticmethod
    def read(said):
        return {int(uid): set(flags.split()) for uid, flags in
                re.findall(rb"FETCH \(UID (\d+) FLAGS \(([^)]*)\)", said)}


@pytest.mark.parametrize("program", [mbsync, offlineimap])
def test_both_sides_are_kept_in_step(reader, program):
    """Messages, flags and mailboxes go both ways, what is removed on one side goes on the other, and
    the next time there is nothing to do. Who asks with QRESYNC hears of the same."""
    reader.fill(*BODIES)
    sync, beside = program(reader), Memory(reader)
    sync()
    beside.flags = beside.refresh()
    near = Maildir(reader.folder / "mail/INBOX")
    assert set(near.messages()) == set(reader.mailbox()) == {*map(message, BODIES), JAPANESE}
    with reader.host.imap(reader.user) as wire:
        wire.ok("SELECT INBOX")
        wire.ok("STORE 1 +FLAGS (\\Flagged \\Answered)")
        wire.ok("STORE 2 +FLAGS (\\Deleted)")
        wire.ok("EXPUNGE")
        wire.ok(f"CREATE {FOLDER_UTF7}")
        wire.append(message("dots").replace(b"<dots", b"<far"), FOLDER_UTF7, "(\\Seen)")
    near.set_flags(b"Subject: iso-2022-jp", "FS")
    near.file_of(b"Subject: long-lines").unlink()
    near.add("new", message("eight-bit").replace(b"<eight-bit", b"<near"), "S")
    sync()
    inbox = reader.mailbox()
    first, second, *others = BODIES
    assert near.messages()[message(first)] == "FR"
    assert message(second) not in near.messages()
    assert inbox[message("iso-2022-jp")] == {b"\\Flagged", b"\\Seen"}
    assert message("long-lines") not in inbox
    found = {without_own(text): flags for text, flags in inbox.items()}
    assert found[message("eight-bit").replace(b"<eight-bit", b"<near")] == {b"\\Seen"}
    assert set(found) == set(near.messages()) and len(found) == len(BODIES)
    assert beside.refresh() == beside.flags
    folder, = {path.name for path in (reader.folder / "mail").iterdir()} & {FOLDER, FOLDER_UTF7}
    assert Maildir(reader.folder / "mail" / folder).messages() == {message("dots").replace(b"<dots", b"<far"): "S"}
    before = [reader.mailbox(), sorted(near.files())]
    sync()
    assert before == [reader.mailbox(), sorted(near.files())]


def test_getmail_fetches_and_deletes(reader):
    """It hands each message to a program, which root may have, too."""
    reader.fill(*BODIES)
    address, port = reader.door(reader.host, "imaps")
    got = Maildir(reader.folder / "got").make()
    keep = reader.file("keep", f"#!/bin/sh\nexec cat > \"$(mktemp {got.path}/new/XXXXXX)\"\n")
    keep.chmod(0o700)
    reader.file("getmailrc", f"""[retriever]
type = SimpleIMAPSSLRetriever
server = {address}
port = {port}
username = {reader.user}
password = {PASSWORD}
mailboxes = ("INBOX",)
[destination]
type = MDA_external
path = {keep}
allow_root_commands = true
[options]
delete = true
delivered_to = false
received = false
""")
    reader.client("getmail", f"--getmaildir={reader.folder}", "--rcfile=getmailrc")
    assert set(got.messages()) == {*map(message, BODIES), JAPANESE}
    assert reader.mailbox() == {}


# ---------------------------------------------------------------- libraries


def test_imapflow(reader):
    """It is what many programs in JavaScript use: QRESYNC, IDLE, special use, BODYSTRUCTURE."""
    reader.fill("attachment")
    address, port = reader.door(reader.host, "imaps")
    asked = {"host": address, "port": port, "user": reader.user, "password": PASSWORD,
             "certificate": str(reader.trust), "servername": reader.host.hostname,
             "folder": FOLDER, "subject": JAPANESE_SUBJECT, "words": JAPANESE_WORDS,
             "compress": not reader.recorders,
             "message": message("iso-2022-jp").decode("latin-1")}
    done = json.loads(reader.client("node", TOP / "tests/world/imapflow/session.mjs", NPM,
                                    input=json.dumps(asked).encode()))
    assert {"INBOX", FOLDER, "Sent"} <= set(done["folders"])
    assert done["subjects"] == ["attachment", JAPANESE_SUBJECT]
    assert done["parts"] == ["1 text/plain", "2 application/octet-stream map.bin"]
    assert done["attachment"] == list(range(256)) * 40
    assert JAPANESE_WORDS in done["text"]
    assert done["found"] == {"subject": [2], "text": [2], "nothing": []}
    assert done["moved"] == {"2": 1}
    assert done["sent"] == {"specialUse": "\\Sent", "messages": 1}
    assert done["exists"] == 3
    assert sorted(done["vanished"]) == [1, 2]
    assert done["changed"] == {"3": ["\\Flagged", "\\Seen"], "4": []} and done["count"] == 2
    assert reader.mailbox(FOLDER_UTF7) == {JAPANESE: {b"\\Seen"}}
