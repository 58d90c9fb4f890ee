# SPDX-License-Identifier: ISC
"""Many clients that do everything a little wrong, while processes die: nothing that was
acknowledged is lost or doubled, nobody is left without an answer, no process breaks."""
import os
import random
import signal
import sys
import threading
import time
import traceback

import pytest

from network import wait_until
from odd_clients import Book, Gone, Reader, Sender
from world import PASSWORD, Failure

SECONDS = float(os.environ.get("ODD_SECONDS") or 10)
SEED = int(os.environ.get("SEED") or random.randrange(1 << 32))
CLIENTS = 6
VICTIMS = ["mail", "mail", "edge", "queue", "directory", "keys", "events"]


@pytest.fixture
def host(server):
    return server("odd", settings={
        "smtp.connections-per-address": 1000, "pop3.connections-per-address": 1000,
        "submission.connections-per-address": 1000, "login.allow-plaintext": "yes",
        "login.delay-first": "0s", "sending.messages-per-hour": 100000,
        "sending.messages-per-day": 100000, "smtp.error-delay": "0s", "smtp.hard-errors": 100,
        "pop3.hard-errors": 100, "queue.retry-schedule": "1s 1s 1s 1s 1s"})


def client(seed, host, book, users, ways):
    rng, number = random.Random(seed), 0
    while not book.over.is_set():
        number += 1
        user = rng.choice(users)
        odd = None
        try:
            if rng.random() < 0.5:
                service = rng.choice(["smtp", "smtp", "submission", "submissions"])
                odd = Sender(rng, book, host, service, user)
                odd.run([f"{seed}x{number}x{n}" for n in range(rng.choice([1, 1, 3, 10]))], ways)
            else:
                odd = Reader(rng, book, host, rng.choice(["pop3", "pop3s"]), user)
                odd.run()
        except (Gone, ConnectionError):
            pass
        except Exception as wrong:  # what breaks in a thread must be seen
            book.complain(f"{type(wrong).__name__} {wrong} at {wrong.__traceback__.tb_lineno}")
        finally:
            book.count("connections")
            if odd:
                odd.close()


def disturb(rng, host, users):
    """Something that happens to a server; what it was."""
    what = rng.choice(["kill", "kill", "stop", "reload", "password"])
    if what == "reload":
        host.configure({"pop3.login-commands": rng.randrange(40, 60)})
        host.attempt("reload")
    elif what == "password":  # its sessions end
        host.run("account", "password", rng.choice(users), "--password-stdin",
                 input=PASSWORD + "\n")
    else:
        what += " " + (role := rng.choice(VICTIMS))
        pid = rng.choice(host.pids(role))
        os.kill(pid, signal.SIGSTOP if what.startswith("stop") else signal.SIGKILL)
        if what.startswith("stop"):
            time.sleep(rng.uniform(0.1, 3))
            os.kill(pid, signal.SIGCONT)
    return what


def read_all(host, user, wrong=()):
    """[(UIDL, message)], as soon as there is somebody to ask; `wrong` is said when nobody is."""
    refusals = []

    def attempt():
        try:
            with Reader(random.Random(0), Book(), host, "pop3", user, odd=False) as reader:
                reader.log_in(b"UIDL\r\n")
                reader.line()
                uidls = [line.split()[1].decode() for line in reader.text()]
                reader.send(b"".join(b"RETR %d\r\n" % (n + 1) for n in range(len(uidls))))
                found = []
                for uidl in uidls:
                    assert reader.line().startswith(b"+OK")
                    found.append((uidl, b"".join(line + b"\r\n" for line in reader.text())))
                return [found]
        except Gone as gone:
            refusals.append(gone)
            return None

    def why():
        doing = [host.attempt("fibers", role, worker).stdout
                 for role in ("edge", "mail") for worker in ("0", "1")]
        return "\n".join([f"{user} is not let in: {refusals[-1]}", *wrong, *doing])
    return wait_until(attempt, 30, 0.2, why)[0]


def test_what_is_acknowledged_to_odd_clients_is_kept(host):
    """SEED=N repeats what was drawn by lot, as far as clients that run at once can be repeated."""
    print(f"seed {SEED}")
    rng, book = random.Random(SEED), Book()
    users = [host.account() for _ in range(4)]
    ways = {user: {user} for user in users}
    ways[users[0].replace("@", "+detail@")] = {users[0]}
    both = "both@" + host.domains[0]
    host.run("alias", "add", both, *users[:2])
    ways[both] = set(users[:2])
    threads = [threading.Thread(target=client, args=(rng.randrange(1 << 32), host, book, users, ways))
               for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        time.sleep(rng.uniform(0.5, 3))
        try:
            book.count(f"disturbed: {disturb(rng, host, users)}")
        except (Failure, ProcessLookupError, IndexError):
            book.count("disturbed in vain: somebody is away")
    book.over.set()
    for thread in threads:
        thread.join(120)
        if thread.is_alive():
            frame = sys._current_frames()[thread.ident]
            book.complain("a client does not come to its end: " +
                          "".join(traceback.format_stack(frame)[-4:]))
    host.wait_until_settled(60)
    book.compare({user: read_all(host, user, book.wrong) for user in users})
    host.restart()
    book.compare({user: read_all(host, user, book.wrong) for user in users})
    print(sorted(book.counts.items()))
    said = host.said()
    for bad in ("Sanitizer", "runtime error", "signal 6", "signal 11"):
        if bad in said:
            book.complain(f"the server said: {said[max(0, said.index(bad) - 500):][:3000]}")
    assert not book.wrong, "\n".join(book.wrong[:20]) + f"\n{len(book.wrong)} in all; seed {SEED}"
    assert book.counts["message 250"] > 0 and book.counts["fetched"] > 0
