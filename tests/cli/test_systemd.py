# SPDX-License-Identifier: ISC
"""What systemd hands over and wants to hear: sockets (sd_listen_fds(3)), sd_notify(3), the units."""
import os
import re
import signal
import socket
import subprocess
import time

import pytest
from namespaces import enter_own_mounts
from server import FAILED, PROGRAM, TOP


def passed(address, port):
    """A socket as systemd passes it: it listens, and its calls block."""
    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    one.bind((address, port))
    one.listen(16)
    return one


def begin(server, sockets=(), **environment):
    """The server as a service that has been given these sockets."""
    def place():
        kept = [os.dup(one.fileno()) for one in sockets]
        high = [os.dup2(fd, 100 + i) for i, fd in enumerate(kept)]
        for i, fd in enumerate(high):
            os.dup2(fd, 3 + i)
    words = ["sh", "-c", 'LISTEN_PID=$$ exec "$@"', "sh", PROGRAM, "-C", str(server.folder), "run"]
    server.errors = open(server.folder.parent / "stderr", "w+")
    server.process = subprocess.Popen(
        words, text=True, stdout=subprocess.PIPE, stderr=server.errors, preexec_fn=place,
        pass_fds=range(3, 3 + len(sockets)),
        env=os.environ | {"LISTEN_FDS": str(len(sockets))} | environment)


def start(server, sockets=(), **environment):
    begin(server, sockets, **environment)
    assert server.process.stdout.readline() == "ready\n", server.said()


def banner(address, port):
    with socket.create_connection((address, port), 5) as wire:
        wire.settimeout(5)
        return wire.recv(100)


@pytest.fixture
def listening(server):
    """Has the server listen on these addresses."""
    def set_addresses(*addresses):
        text = server.settings.read_text()
        text, count = re.subn(r"(?m)^listen .*$", "listen " + " ".join(addresses), text)
        assert count == 1, text
        server.settings.write_text(text)
    return set_addresses


def test_each_address_is_served_by_the_socket_passed_for_it(server, listening):
    listening("127.0.0.1", "127.0.0.2")
    sockets = [passed(address, server.port(25)) for address in ("127.0.0.1", "127.0.0.2")]
    start(server, sockets)
    for one in sockets:
        one.close()
    assert banner("127.0.0.1", server.port(25)).startswith(b"220 ")
    assert banner("127.0.0.2", server.port(25)).startswith(b"220 ")
    server.stop()


def test_a_socket_for_all_addresses_serves_each(server, listening):
    listening("0.0.0.0")
    with passed("0.0.0.0", server.port(25)) as one:
        start(server, [one])
        for address in ("127.0.0.1", "127.0.0.2"):
            assert banner(address, server.port(25)).startswith(b"220 ")
            assert banner(address, server.port(110)).startswith(b"+OK ")
        server.stop()


@pytest.mark.parametrize("address, port", [
    ("127.0.0.3", 25),  # who connects there would wait for ever
    ("0.0.0.0", 25),  # serves more of the host than `listen` says
    ("127.0.0.1", 26),  # no service of ours
])
def test_a_socket_that_listen_does_not_name_is_refused(server, address, port):
    with passed(address, server.port(port)) as other:
        begin(server, [other])
        assert server.process.wait(timeout=20) == 1
        assert f"systemd listens on {address}" in server.said()
        assert "hayauma.socket" in server.said()
        server.process.stdout.close()
        server.errors.close()


def test_data_directory_that_the_unit_does_not_name_is_refused(server, tmp_path):
    text = server.settings.read_text()
    text, count = re.subn(r"(?m)^data-directory .*$", f"data-directory {tmp_path}", text)
    assert count == 1
    server.settings.write_text(text)
    begin(server, NOTIFY_SOCKET="/nowhere")
    assert server.process.wait(timeout=20) == 6
    assert f"data-directory {tmp_path}" in server.said()
    assert f"systemd says {server.folder}" in server.said()
    server.process.stdout.close()
    server.errors.close()


class Systemd:
    """What `hayauma stop` finds where systemd runs units: a group in cgroups(7), and systemctl(1).
    Both are played."""

    def __init__(self, server, folder):
        self.server, self.folder = server, folder
        self.main, self.triggers, self.stopped = server.process.pid, "hayauma.socket", 0
        self.group = "0::/system.slice/hayauma.service\n"

    def stop(self, code=0):
        """The command, and what it asked systemd to stop."""
        ends = f"kill {self.server.process.pid}" if self.stopped == 0 else "echo Denied >&2"
        (self.folder / "cgroup").write_text(self.group)
        (self.folder / "asked").write_text("")
        systemctl = self.folder / "systemctl"
        systemctl.write_text(
            '#!/bin/sh\nif [ "$1" = show ]; then\n'
            f"echo MainPID={self.main}; echo TriggeredBy={self.triggers}; exit 0\nfi\n"
            f'echo "$@" >{self.folder}/asked\n{ends}\nexit {self.stopped}\n')
        systemctl.chmod(0o755)
        done = self.server("stop", code=code, preexec_fn=self._enter,
                           env=os.environ | {"PATH": f"{self.folder}:{os.environ['PATH']}"})
        return done, (self.folder / "asked").read_text()

    def _enter(self):
        enter_own_mounts()
        subprocess.run(["mount", "--bind", self.folder / "cgroup",
                        f"/proc/{self.server.process.pid}/cgroup"], check=True)


@pytest.fixture
def systemd(running, tmp_path):
    return Systemd(running, tmp_path)


def test_stop_has_systemd_stop_what_would_start_it_again(systemd):
    systemd.triggers = "hayauma.socket mail.timer"
    done, asked = systemd.stop()
    assert asked == "stop hayauma.socket mail.timer hayauma.service\n"
    assert "no connection starts it again" in done.stdout
    assert "To start it: systemctl start hayauma.socket mail.timer hayauma.service\n" in done.stdout
    assert systemd.server.process.wait(timeout=20) == 0


def test_stop_needs_no_socket_unit(systemd):
    systemd.triggers = ""
    done, asked = systemd.stop()
    assert asked == "stop hayauma.service\n"
    assert "systemd has stopped hayauma.service" in done.stdout
    assert systemd.server.process.wait(timeout=20) == 0


def test_stop_that_systemd_refuses_fails_and_says_so(systemd):
    systemd.stopped = 4
    done, asked = systemd.stop(code=FAILED)
    assert asked and done.stdout == ""
    assert "Denied\n" in done.stderr
    assert "systemctl stop hayauma.socket hayauma.service failed (4)" in done.stderr
    assert systemd.server.process.poll() is None


def test_stop_leaves_the_unit_from_which_it_was_started_by_hand(systemd):
    """A login, or a job of cron, where no group is made for it."""
    systemd.group = "0::/system.slice/cron.service\n"
    systemd.main = 1
    done, asked = systemd.stop()
    assert asked == "" and "systemd" not in done.stdout
    assert systemd.server.process.wait(timeout=20) == 0


def journal(server):
    """What stands in $JOURNAL_STREAM when the journal is where begin() sends stderr."""
    errors = server.folder.parent / "stderr"
    errors.touch()
    state = errors.stat()
    return {"JOURNAL_STREAM": f"{state.st_dev}:{state.st_ino}"}


def test_the_journal_gets_priorities_and_neither_name_nor_time(server):
    start(server, **journal(server))
    server.stop()
    lines = (server.folder.parent / "stderr").read_text().splitlines()
    assert any(re.match(r"<6>master +- +started: ", line) for line in lines), lines
    for line in lines:
        assert re.match(r"<[3-7]>", line), line
        assert "hayauma: " not in line
        assert not re.search(r"\d\d:\d\d:\d\d", line)


def test_why_it_does_not_start_is_an_error_in_the_journal(server):
    server.settings.write_text("hostnam x\nnothing y\n")
    begin(server, **journal(server))
    assert server.process.wait(timeout=20) == 6
    lines = server.said().splitlines()
    assert len(lines) > 2 and all(re.match("<3>[^<]", line) for line in lines), lines
    server.process.stdout.close()
    server.errors.close()


def test_stderr_that_only_shares_the_environment_is_not_the_journal(server):
    start(server, JOURNAL_STREAM="8:1")
    server.stop()
    assert "<" not in (server.folder.parent / "stderr").read_text()[:1]


def test_a_port_that_an_edge_shut_down_comes_back(server):
    """A listening socket is everybody's who has it; when an edge is new, its ports answer."""
    with passed("127.0.0.1", server.port(25)) as one:
        start(server, [one])
        one.shutdown(socket.SHUT_RD)
        with pytest.raises(OSError):
            banner("127.0.0.1", server.port(25))
        edges = [p["pid"] for p in server.json("status")["processes"] if p["role"] == "edge"]
        for pid in edges:
            os.kill(pid, signal.SIGKILL)
        for _ in range(100):
            try:
                assert banner("127.0.0.1", server.port(25)).startswith(b"220 ")
                break
            except OSError:
                time.sleep(0.05)
        else:
            raise AssertionError("the port stays closed")
        server.stop()


def test_systemd_hears_of_start_life_and_end(server, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as wire:
        wire.bind(str(tmp_path / "notify"))
        wire.settimeout(5)
        start(server, NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC="400000")
        heard = [wire.recv(100) for _ in range(10)]
        assert heard.count(b"READY=1") == 1 and heard.count(b"WATCHDOG=1") == 9
        server.stop()
        while (last := wire.recv(100)) == b"WATCHDOG=1":
            pass
        assert last == b"STOPPING=1"


@pytest.fixture
def heard(tmp_path):
    """What systemd hears, as a function that waits for the next line of status."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as wire:
        wire.bind(str(tmp_path / "notify"))
        wire.settimeout(10)

        def status():
            while not (said := wire.recv(1000).decode()).startswith("STATUS="):
                pass
            return said
        yield status


def test_systemctl_status_shows_the_error_in_the_settings(server, heard, tmp_path):
    """`systemctl status` shows no lines of the journal of a start that has failed while it waits
    for the next one."""
    server.settings.write_text("hostnam x\nnothing y\n")
    begin(server, NOTIFY_SOCKET=str(tmp_path / "notify"))
    assert server.process.wait(timeout=20) == 6
    assert heard() == (f'STATUS={server.settings}:1:1: there is no setting "hostnam"; '
                       'did you mean "hostname"?')
    server.process.stdout.close()
    server.errors.close()


def test_systemctl_status_shows_why_it_did_not_start(server, heard, tmp_path):
    with passed("127.0.0.1", server.port(25)):
        begin(server, NOTIFY_SOCKET=str(tmp_path / "notify"))
        assert server.process.wait(timeout=20) == 1
    assert heard().startswith(f"STATUS=cannot listen on 127.0.0.1:{server.port(25)} for smtp")
    server.process.stdout.close()
    server.errors.close()


def test_systemctl_status_shows_that_settings_were_not_reloaded(server, heard, tmp_path):
    start(server, NOTIFY_SOCKET=str(tmp_path / "notify"))
    good = server.settings.read_text()
    server.settings.write_text(good + "hostnam x\n")
    server("reload", code=6)
    assert 'there is no setting "hostnam"' in heard()
    server.settings.write_text(good)
    server("reload")
    assert heard() == "STATUS="
    server.stop()


def test_a_watchdog_of_another_process_is_left_alone(server, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as wire:
        wire.bind(str(tmp_path / "notify"))
        wire.settimeout(5)
        start(server, NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC="1000",
              WATCHDOG_PID="1")
        assert wire.recv(100) == b"READY=1"
        server.stop()
        assert wire.recv(100) == b"STOPPING=1"


def test_the_unit_is_one(tmp_path):
    """systemd-analyze finds nothing to say about it."""
    text = (TOP / "packaging/hayauma.service.in").read_text()
    unit = tmp_path / "hayauma.service"
    unit.write_text(text.replace("@program@", "/bin/true").replace("@statedir@", str(tmp_path)))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", str(unit)],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "hayauma" not in done.stderr, done.stderr
