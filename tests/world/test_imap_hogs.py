# SPDX-License-Identifier: ISC
"""One account with several sessions that ask for the most costly things there are: another account
in the same process is served meanwhile, and the process stays as large as it was."""
import contextlib
import socket
import threading
import time

import pytest

from test_imap import selected
from test_memory import memory
from wire import Closed
from world import MESSAGE

pytestmark = pytest.mark.quiet

SESSIONS = 4
SPAN = 1.5  # seconds
NOOP_LIMIT = 1.0  # for 95 of 100: 20 ms where nothing else runs, and what is looked for takes seconds
MEMORY_LIMIT = 150 << 20

HEADER = b"".join(b"%s: %s <a@b.test>\r\n" % (field, field * 100)
                  for field in (b"From", b"To", b"Cc", b"Subject"))

PARTS = (b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\n\r\n" * 20_000 + b"--b--\r\n")


def keywords(count):
    return " ".join(f"kw{i}" for i in range(count))


# What each of the sessions says again and again.
HOGS = {
    "keywords": "UID SEARCH RETURN (COUNT) " + " ".join(f"UNKEYWORD {i:x}" for i in range(4200)),
    "texts": "UID SEARCH RETURN (COUNT) " + " ".join(f"NOT TEXT {i:05x}" for i in range(950)),
    "saved": "UID SEARCH RETURN (COUNT) SUBJECT nobody " + "NOT $ " * 10000 + "ALL",
    "fields": "FETCH 1:50 BODY.PEEK[HEADER.FIELDS (%s)]" % " ".join(
        f"{i * 7919 % 99991:x}" for i in range(10500)),
    "sort": "SORT RETURN (COUNT) (SUBJECT FROM TO CC DISPLAYFROM DISPLAYTO) UTF-8 ALL",
    "patterns": 'LIST "" ("%s" "%s")' % ("*%" * 8000 + "x", "%a" * 8000),
    "urls": None,  # as long as a command may be; made below
    "names": b'LIST "" (' + b" ".join([b"{4000+}\r\n" + "\u0302\u0323".encode() * 1000] * 200) + b")",
}


@pytest.fixture(scope="module")
def host(world):
    host = world.host("hogs", settings={"workers.mail": "1"})
    host.hog, host.other = host.account(), host.account()
    with selected(host, host.hog) as wire:
        for i in range(50):
            wire.ok(f"CREATE some/mailbox{i}")
        for i in range(100):
            wire.append(HEADER + b"Message-ID: <%d@b.test>\r\n\r\n" % i + b"some words of text\r\n" * 100)
        wire.ok(f"STORE 1:50 +FLAGS.SILENT ({keywords(990)})")
        for i in range(1, 50):
            wire.ok(f"STORE {i} -FLAGS.SILENT (kw{i})")
        uid = wire.append(PARTS)
        url = f"imap://{host.hog.replace('@', '%40')}@a/INBOX/;UID={uid}/;SECTION=9999;URLAUTH=anonymous"
        url = wire.ok(f'GENURLAUTH "{url}" INTERNAL')[0].split()[-1].strip(b'"')
        HOGS["urls"] = b"URLFETCH" + b" {%d+}\r\n%s" % (len(url), url) * 250
        assert len(wire.ok(HOGS["urls"], 60)) == 250
        for _ in range(5):
            wire.ok("COPY 1:* INBOX")
            wire.ok("NOOP")
    yield host
    world.remove(host)


def be_a_hog(host, command, wires, end):
    with contextlib.suppress(Closed, OSError), selected(host, host.hog) as wire:
        wires.append(wire)
        wire.ok("SEARCH RETURN (SAVE) " + ",".join(str(i) for i in range(1, 3000, 2)))
        while not end.is_set():
            wire.say(command, 60)


@contextlib.contextmanager
def hogs(host, command):
    end, wires = threading.Event(), []
    threads = [threading.Thread(target=be_a_hog, args=(host, command, wires, end))
               for _ in range(SESSIONS)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        end.set()
        for wire in wires:
            with contextlib.suppress(OSError):
                wire.socket.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join(60)


@pytest.mark.parametrize("name", HOGS)
def test_one_account_holds_up_no_other(host, name):
    took = []
    with selected(host, host.other) as wire, hogs(host, HOGS[name]):
        stop = time.monotonic() + SPAN
        while time.monotonic() < stop:
            began = time.monotonic()
            wire.ok("NOOP", 60)
            took.append(time.monotonic() - began)
            time.sleep(0.005)
        began = time.monotonic()
        host.deliver(host.other, MESSAGE)
        assert time.monotonic() - began < 2
        assert memory(host, "mail") < MEMORY_LIMIT
    took.sort()
    assert took[len(took) * 95 // 100] < NOOP_LIMIT, took[-10:]
