# SPDX-License-Identifier: ISC
"""`log { destination syslog }` on a machine without systemd: datagrams at /dev/log, which nobody but
the test has."""
import re
import socket
import subprocess
import time

import pytest
from namespaces import enter_own_mounts
from server import PROGRAM


class Daemon:
    """What syslogd(8) is for its clients."""

    def __init__(self, path):
        self.path = path
        self.wire = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.wire.bind(str(path))
        self.wire.settimeout(20)

    def wait_for(self, pattern):
        heard = []
        try:
            while not re.search(pattern, heard[-1] if heard else ""):
                heard.append(self.wire.recv(4096).decode())
        except TimeoutError as why:
            raise AssertionError(f"{pattern} is not among {heard}") from why
        return heard

    def end(self):
        self.wire.close()
        self.path.unlink()


@pytest.fixture
def post(server, tmp_path):
    """It runs where /dev/log is `log` in a folder of the test."""
    folder = tmp_path / "dev"
    folder.mkdir()

    def enter():
        enter_own_mounts()
        for name in ("null", "zero", "full", "random", "urandom"):
            (folder / name).touch()
            subprocess.run(["mount", "--bind", f"/dev/{name}", folder / name], check=True)
        subprocess.run(["mount", "--rbind", folder, "/dev"], check=True)

    server.settings.write_text(server.settings.read_text() + "\nlog {\n    destination syslog\n}\n")

    def start():
        server.errors = open(tmp_path / "stderr", "w+")
        server.process = subprocess.Popen([PROGRAM, "-C", server.folder, "run"], text=True,
                                          stdout=subprocess.PIPE, stderr=server.errors,
                                          preexec_fn=enter)
        assert server.process.stdout.readline() == "ready\n", server.said()
    server.begin, server.log = start, folder / "log"
    yield server
    if server.process.poll() is None:
        server.stop()


def test_lines_are_datagrams_as_mail_also_for_a_daemon_that_is_started_again(post):
    daemon = Daemon(post.log)
    post.begin()
    heard = daemon.wait_for(r"master +- +started: ")
    for line in heard:
        assert re.match(r"<(19|20|22|23)>[A-Z][a-z]{2} [ 123]\d \d\d:\d\d:\d\d hayauma\[\d+\]: \S", line)
        assert "\n" not in line
    daemon.end()
    post.add("tama@example.test")
    errors = post.log.parent.parent / "stderr"
    deadline = time.monotonic() + 20
    while "added the account tama" not in errors.read_text():  # there is no daemon
        assert time.monotonic() < deadline, errors.read_text()
        time.sleep(0.05)
    other = Daemon(post.log)
    post("reload")
    post.add("kuro@example.test")
    other.wait_for("added the account kuro")
    post.stop()
    other.end()
    assert "added the account kuro" not in errors.read_text()


def test_a_daemon_that_is_started_later_is_found_without_a_reload(post):
    post.begin()
    post.add("tama@example.test")
    daemon = Daemon(post.log)
    for number in range(8):
        post.add(f"kuro{number}@example.test")
        daemon.wire.settimeout(1)
        try:
            assert daemon.wire.recv(4096).startswith(b"<22>")
            break
        except TimeoutError:
            pass
    else:
        raise AssertionError("it is not found")
    said = (post.log.parent.parent / "stderr").read_text()
    assert "no syslog daemon takes lines at /dev/log" in said
    assert "added the account tama" in said
    post.stop()
    daemon.end()
