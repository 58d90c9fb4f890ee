# SPDX-License-Identifier: ISC
"""Random clients of IMAP at a whole server, of which processes are killed in their midst: what was
acknowledged is there, what was refused is not, and nobody is told what cannot be. The clients and the
rules are those of tests/imap/model, where the same happens on simulated time; here are the edge, the
queue, the passing on of connections, and kill -9. SEED=N in the environment asks for the same again,
SECONDS=N for longer."""
import os
import pathlib
import subprocess
import sys
import time

import pytest

sys.path[:0] = [str(pathlib.Path(__file__).parent)]
from server import DOMAIN, HERE, PASSWORD, Server, TOP, adopt_orphans, wait_until  # noqa: E402

DRIVE = TOP / "build/check/tests/imap/imap_model_drive"
SETTINGS = {"login.delay-first": "0s", "accounts.mailboxes": "none"}
SEED = int(os.environ.get("SEED") or time.time())
SECONDS = int(os.environ.get("SECONDS") or 12)
BACK = 30.0


def kill_mail(server):
    """kill -9 for the process that has the mailboxes; its master starts another one."""
    pids = server.pids()
    for (role, _), pid in pids.items():
        if role == "mail":
            os.kill(pid, 9)
    assert wait_until(lambda: server.works() and not
                      set(pids[key] for key in pids if key[0] == "mail") & set(server.pids().values()),
                      BACK), server.log_tail()


def kill_all(server):
    server.cut_off()
    server.start()


def answer(server, line):
    if line == "kill mail":
        kill_mail(server)
    elif line == "kill all":
        kill_all(server)
    else:
        assert line == "settle", line
        assert wait_until(lambda: server.messages() == 0, BACK), "the queue does not get empty"


@pytest.fixture(name="server")
def make_server(tmp_path):
    subprocess.run([TOP / "scripts/build", "checked", "tests/imap/imap_model_drive"], check=True,
                   stdout=subprocess.DEVNULL)
    adopt_orphans()
    server = Server(tmp_path / "state", tmp_path / "server.log", SETTINGS)
    server.make()
    server.start()
    yield server
    server.cut_off()


def test_clients_are_told_what_is_there(server):
    words = [DRIVE, HERE, *map(server.port, ("imap", "smtp", "pop3")), f"f000@{DOMAIN}", f"f001@{DOMAIN}",
             PASSWORD, SEED, SECONDS]
    with (subprocess.Popen([str(word) for word in words], stdin=subprocess.PIPE,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as drive):
        for line in drive.stdout:
            answer(server, line.strip())
            drive.stdin.write("done\n")
            drive.stdin.flush()
        said = drive.stderr.read()
    assert drive.returncode == 0, f"SEED={SEED}\n{said[-9000:]}\n{server.log_tail()}"
    print(said)
