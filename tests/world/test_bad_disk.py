# SPDX-License-Identifier: ISC
"""Disks that are full, and files that somebody damaged while the server was closed: nobody
gets bytes that are not his message's, the rest goes on, and a sentence says what to do."""
import contextlib
import os
import subprocess
import time

import pytest

from world import MESSAGE, Failure, strip_trace, wait_until

MIB = 1 << 20
DISK = 224 * MIB  # the queue's log takes 128 of it beforehand
RESERVE = 4 * MIB


# ---------------------------------------------------------------- full


@contextlib.contextmanager
def small_disk(folder):
    """A file system with little room, or where only root could make one, nothing."""
    if os.geteuid() != 0:
        yield None
        return
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=755", "none", folder],
                   check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def free_space(folder):
    facts = os.statvfs(folder)
    return facts.f_bavail * facts.f_frsize


def fill_disk(folder, left):
    """Takes all room but that much, once the host has taken its own; the file that takes it."""
    seen = []

    def is_steady():
        seen.append(free_space(folder))
        return len(seen) > 5 and len(set(seen[-5:])) == 1
    wait_until(is_steady, every=0.1)
    path = folder / "ballast"
    with path.open("wb") as ballast:
        for spared in (0, MIB // 16, MIB // 4):  # what the host takes just now
            with contextlib.suppress(OSError):
                os.posix_fallocate(ballast.fileno(), 0, free_space(folder) - left - spared)
                return path
    raise AssertionError("the disk could not be filled")


@pytest.fixture
def small(world):
    """A host on a small disk, and ways to fill it and make room. Without root the host is made
    to think so: it wants more free space than there is."""
    with small_disk(world.folder / f"disk{world.spare}") as disk:
        host = world.prepare(f"small{world.spare}", folder=disk and disk / "state")
        host.configure({"queue.disk-reserve": RESERVE})
        host.start()
        ballast = []

        def pretend(reserve):
            host.configure({"queue.disk-reserve": reserve})
            host.restart()

        def fill(left=MIB // 4):
            if disk:
                ballast.append(fill_disk(disk, left))
                time.sleep(1.1)  # the queue looks at the disk once a second
            else:
                pretend("1T")

        def make_room():
            if disk:
                ballast.pop().unlink()
                time.sleep(1.1)
            else:
                pretend(RESERVE)
        try:
            yield host, fill, make_room
        finally:
            world.remove(host)


def test_full_disk_is_452_and_nothing_is_lost(small):
    """RFC 3463 X.3.1. What was taken before is delivered, what is refused is not."""
    host, fill, make_room = small
    user = host.account()
    host.deliver(user)
    host.wait_for_messages(user)
    fill()
    with host.smtp() as wire:
        code, lines = wire.say(f"MAIL FROM:<kiku@far.test> SIZE={40 * MIB}")
        assert code == 452 and lines[0].startswith("4.3.1")
        for _ in range(3):
            code, lines = wire.hand_over("kiku@far.test", [user], MESSAGE)
            assert code == 452 and lines[0].startswith("4.3.1"), lines
        assert wire.code("NOOP") == 250
    assert len(host.messages(user)) == 1  # reading goes on
    make_room()
    host.deliver(user)
    host.wait_for_messages(user, 2)


def test_disk_that_fills_up_during_a_message(small):
    """A large message runs into the end of the disk; a small one then passes."""
    host, fill, make_room = small
    user = host.account()
    fill(left=RESERVE + 24 * MIB)
    line = b"x" * 998 + b"\r\n"
    with host.smtp(limit=60) as wire:
        code, lines = wire.hand_over("kiku@far.test", [user], MESSAGE + line * (40 * 1024))
        assert code == 452 and lines[0].startswith("4.3.1"), lines
    make_room()
    host.deliver(user)
    message, = host.wait_for_messages(user)
    assert strip_trace(message) == MESSAGE


def test_what_is_there_can_be_read_while_nothing_can_be_written(small):
    """Changes of flags fit on the disk for longer than messages do. Once they do not, mail.db is
    behind what the sessions know."""
    host, fill, make_room = small
    user = host.account()
    with host.imap(user) as reader, host.imap(user) as writer:
        for _ in range(3):
            writer.append(MESSAGE)
        reader.ok("SELECT INBOX")
        reader.ok("ENABLE QRESYNC")
        writer.ok("SELECT INBOX")
        fill()
        for i in range(5000):
            status, text, _ = writer.say(f"STORE 1 {'+-'[i % 2]}FLAGS.SILENT (\\Flagged)")
            if status != "OK":
                assert status == "NO" and text.startswith(b"[UNAVAILABLE] "), text
                break
        for wire in (reader, writer):
            wire.ok("NOOP")
            assert len(wire.ok("FETCH 1:3 (UID BODY.PEEK[])")) >= 3
            assert b"* SEARCH 1 2 3" in wire.ok("SEARCH SUBJECT message")
        reader.ok("UID FETCH 1:* (FLAGS) (CHANGEDSINCE 1 VANISHED)")
        make_room()
        writer.ok("STORE 1 +FLAGS.SILENT (\\Seen)")


# ---------------------------------------------------------------- damaged


def test_who_reads_by_imap_goes_on_when_the_disk_is_full(small):
    """What needs room is refused, and nothing of it is done; deleting makes room."""
    host, fill, make_room = small
    user = host.account()
    with host.imap(user) as wire:
        wire.ok("SELECT INBOX")
        uid = wire.append(MESSAGE)
    fill(0)
    with host.imap(user) as wire:
        wire.ok("SELECT INBOX")
        assert wire.body(uid) == MESSAGE
        assert b"ENVELOPE (" in wire.ok(f"UID FETCH {uid} (ENVELOPE BODYSTRUCTURE)")[0]
        status, text, _ = wire.say(b"APPEND INBOX {%d+}\r\n%s" % (8 * MIB, b"x" * (8 * MIB)))
        assert status == "NO", text
        assert wire.ok("UID SEARCH ALL") == [b"* SEARCH %d" % uid]
        assert wire.body(uid) == MESSAGE
    make_room()
    with host.imap(user) as wire:
        wire.ok("SELECT INBOX")
        assert wire.append(MESSAGE) > uid
        wire.ok(f"UID STORE {uid} +FLAGS (\\Deleted)")
        wire.ok("EXPUNGE")
        assert len(wire.ok("UID SEARCH ALL")[0].split()) == 3


def flip(path, at):
    """One bit of a file."""
    with path.open("r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 0x10]))


def packs(host, folder, holding):
    """The files below a folder that hold some bytes, and where."""
    for path in sorted((host.folder / folder).rglob("*")):
        if path.is_file():
            at = path.read_bytes().find(holding)
            if at >= 0:
                yield path, at


@pytest.fixture
def kept(server):
    """A host that is stopped, with three messages in a mailbox; their texts are one, two, three."""
    host = server("damage")
    user = host.account()
    texts = [b"number-one", b"number-two", b"number-three"]
    with host.smtp() as wire:
        for text in texts:
            wire.accepted("kiku@far.test", [user], MESSAGE.replace(b"Good day.", text * 100))
    host.wait_for_messages(user, 3)
    host.stop()
    return host, user


def fetch_all(host, user):
    """What RETR gives for each message; None for a refusal."""
    found = []
    with host.pop3(user) as wire:
        for number in range(1, int(wire.say("STAT").split()[1]) + 1):
            wire.send(f"RETR {number}\r\n")
            if not wire.line().startswith(b"+OK"):
                found.append(None)
                continue
            lines = []
            while (line := wire.line()) != b".":
                lines.append(line)
            found.append(b"\r\n".join(lines))
    return found


def test_damaged_message_is_refused_and_its_neighbours_are_read(kept):
    host, user = kept
    damaged = list(packs(host, "accounts", b"number-two"))
    assert damaged
    for path, at in damaged:
        flip(path, at + 300)
    host.start()
    found = fetch_all(host, user)
    for text in (b"number-one", b"number-three"):
        assert any(message and text * 100 in message for message in found), found
    assert not any(message and b"number-two" in message for message in found)
    with host.imap(user) as wire:
        wire.ok("SELECT INBOX")
        status, _, read = wire.say("UID FETCH 1:* (UID BODY.PEEK[])")
        read = b"".join(read)
        assert status == "NO" and b"number-two" not in read
        assert b"number-one" * 100 in read and b"number-three" * 100 in read
    host.deliver(user)
    wait_until(lambda: any(message and strip_trace(message + b"\r\n") == MESSAGE
                           for message in fetch_all(host, user)))
    assert "damage" in host.run("log", "-n", "200").lower()


@pytest.mark.parametrize("damage", ["overwritten", "cut", "empty", "gone"])
def test_damaged_index_is_made_anew_from_the_messages(kept, damage):
    """mail.db is only the index; no message and no UID changes."""
    host, user = kept
    host.start()
    with host.pop3(user) as wire:
        before = wire.text("UIDL")
    host.stop()
    for path in (host.folder / "accounts").rglob("mail.db*"):
        data = path.read_bytes()
        if damage == "gone":
            path.unlink()
        else:
            path.write_bytes({"overwritten": b"\xa5" * len(data), "cut": data[:len(data) // 2 + 7],
                              "empty": b""}[damage])
    host.start()
    assert len(host.messages(user)) == 3
    with host.pop3(user) as wire:
        assert wire.text("UIDL") == before
    host.deliver(user)
    host.wait_for_messages(user, 4)


MAPPED = "1:* (ENVELOPE BODYSTRUCTURE PREVIEW)"


def spoil_maps(path, how):
    data = path.read_bytes()
    if how == "gone":
        path.unlink()
    elif how == "cut":
        os.truncate(path, len(data) // 2 + 7)
    else:
        with path.open("r+b") as file:
            for at in range(0, len(data), 512):
                os.pwrite(file.fileno(), b"\xa5" * 16, at + 40)


@pytest.mark.parametrize("how", ["gone", "cut", "spoilt"])
def test_maps_that_are_damaged_while_clients_read_are_made_from_the_messages(server, how):
    """maps.db is derived (docs/architecture.md): whatever becomes of it, each client gets the same."""
    host = server("maps")
    user = host.account()
    with host.imap(user) as writer, host.imap(user) as reader:
        for number in range(60):
            writer.append(MESSAGE.replace(b"a message", b"message %d" % number))
        for wire in (writer, reader):
            wire.ok("SELECT INBOX")
        right = reader.ok("FETCH " + MAPPED)
        wait_until(lambda: list((host.folder / "accounts").rglob("maps.db")))
        for _ in range(3):
            for path in list((host.folder / "accounts").rglob("maps.db*")):
                spoil_maps(path, how)
            for wire in (writer, reader):
                assert wire.ok("FETCH " + MAPPED) == right
        uid = writer.append(MESSAGE)
        assert writer.body(uid) == MESSAGE
    host.restart()
    with host.imap(user) as wire:
        wire.ok("SELECT INBOX")
        assert wire.ok("FETCH " + MAPPED)[:60] == right
        assert wire.body(uid) == MESSAGE


@pytest.mark.parametrize("damage", ["overwritten", "gone"])
def test_a_damaged_index_changes_nothing_for_clients_of_imap(kept, damage):
    """UIDs, UIDVALIDITY, flags, keywords and MODSEQ are those that were told."""
    host, user = kept
    what = "UID FETCH 1:* (UID FLAGS MODSEQ RFC822.SIZE)"

    def look():
        with host.imap(user) as wire:
            told = [line for line in wire.ok("SELECT INBOX") if b"UIDVALIDITY" in line or
                    b"UIDNEXT" in line or b"HIGHESTMODSEQ" in line]
            return told, wire.ok(what)
    host.start()
    with host.imap(user) as wire:
        wire.ok("SELECT INBOX")
        wire.ok("STORE 1:2 +FLAGS (\\Flagged word)")
        wire.ok("STORE 3 +FLAGS (\\Deleted)")
        wire.ok("EXPUNGE")
    before = look()
    host.stop()
    for path in (host.folder / "accounts").rglob("mail.db*"):
        if damage == "gone":
            path.unlink()
        else:
            path.write_bytes(b"\xa5" * len(path.read_bytes()))
    host.start()
    assert look() == before


def test_damaged_message_in_the_queue_does_not_hold_up_the_others(server):
    host = server("spoilt")
    user = host.account()
    with host.submission(user) as wire:
        for text in (b"number-one", b"number-two", b"number-three"):
            wire.accepted(user, ["x@unreachable.test"], MESSAGE.replace(b"Good day.", text * 100))
    wait_until(lambda: all(q["waiting"][0]["attempts"] for q in host.queued()), 15)
    host.stop()
    damaged = list(packs(host, "spool", b"number-two"))
    assert damaged
    for path, at in damaged:
        flip(path, at + 300)
    host.start()
    assert len(host.queued()) >= 2
    host.deliver(user)
    wait_until(lambda: MESSAGE in map(strip_trace, host.messages(user)), 15)
    whole = [q["id"] for q in host.queued() if host.attempt("queue", "show", q["id"], "--content")
             .stdout.find("number-two") < 0]
    assert len(whole) >= 2


def test_damaged_commit_of_the_queue_is_reported_and_the_others_travel(server):
    """What the queue says of it while it opens its spool is an event like any other."""
    host = server("gap")
    user = host.account()
    with host.submission(user) as wire:
        for name in ("first", "second", "third"):
            wire.accepted(user, [f"{name}@unreachable.test"], MESSAGE)
    wait_until(lambda: len(host.queued()) == 3)
    host.stop()
    (path, at), = packs(host, "spool", b"second@unreachable.test")
    flip(path, at)  # its envelope
    host.start()
    assert len(host.queued()) >= 2
    host.deliver(user)
    host.wait_for_messages(user)
    assert "damaged before" in host.run("log", "-n", "200")


def test_torn_end_of_the_queue_is_cut_off(server):
    """As a power cut leaves it."""
    host = server("torn")
    user = host.account()
    with host.submission(user) as wire:
        message = wire.accepted(user, ["x@unreachable.test"], MESSAGE)
    wait_until(host.queued)
    host.stop()
    for segment in (host.folder / "spool").glob("segment-*"):
        written = segment.read_bytes().rstrip(b"\0")
        with segment.open("r+b") as file:
            file.seek(len(written))
            file.write(written[-700:-350])
    host.start()
    assert [q["id"] for q in host.queued()] == [message]
    host.deliver(user)
    host.wait_for_messages(user)


@pytest.mark.parametrize("name, said", [("directory/directory.db", "directory.db is not"),
                                        ("keys/default.key",
                                         "keys/default.key: no private key found; expected PEM"),
                                        ("keys/default.crt",
                                         "keys/default.crt: no certificate found; expected PEM")])
def test_what_cannot_be_made_anew_is_named_at_the_start(server, name, said):
    """The server does not open, says what is wrong, and is gone at once."""
    host = server("broken", run=False)
    path = host.folder / name
    good = path.read_bytes()
    path.write_bytes(b"\xa5" * len(good))
    began = time.monotonic()
    with pytest.raises(Failure) as failed:
        host.start()
    assert time.monotonic() - began < 4
    assert said in str(failed.value)
    checked = host.attempt("check")
    assert checked.returncode == 1 and path.name in checked.stdout
    path.write_bytes(good)
    host.start()
    host.deliver(host.account())


def swap_key(host):
    """Another key, of which there is no certificate."""
    made = subprocess.run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout"],
                          capture_output=True, check=True).stdout
    (host.folder / "keys/default.key").write_bytes(made)


def take_away(host):
    (host.folder / "keys/default.crt").unlink()


def put_link(host):
    path = host.folder / "keys/default.crt"
    path.rename(host.folder / "elsewhere.crt")
    path.symlink_to(host.folder / "elsewhere.crt")


@pytest.mark.parametrize("spoil, said", [
    (swap_key, "keys/default.key is not the key of the first certificate in keys/default.crt; put"),
    (take_away, "keys/default.crt is not there; put the certificate of this host"),
    (put_link, "keys/default.crt is a symbolic link; put the file itself there")])
def test_bad_certificate_is_named_at_a_reload_and_at_the_start(server, spoil, said):
    """A reload goes on with the old one, a start does not begin."""
    host = server("pair")
    spoil(host)
    for _ in range(2):  # not only the first time
        done = host.attempt("reload")
        assert done.returncode == 5 and said in done.stderr
    with host.smtp("submissions") as wire:
        assert wire.code("NOOP") == 250
    host.stop()
    with pytest.raises(Failure) as failed:
        host.start()
    assert said in str(failed.value)


def test_damaged_event_log_does_not_keep_messages_from_travelling(kept):
    host, user = kept
    for path in (host.folder / "events").iterdir():
        if path.is_file():
            path.write_bytes(b"\xa5" * max(1, path.stat().st_size))
    host.start()
    message = host.deliver(user)
    host.wait_for_messages(user, 4)
    wait_until(lambda: host.attempt("journey", message).returncode == 0, 10)
