# SPDX-License-Identifier: ISC
"""The Debian package under a systemd of its own, from the installation to the purge, as a postmaster
goes through it. `make soak` plays it: systemd-nspawn needs more than a container of CI gives, and a
mount namespace that is not private."""
import json
import os
import pathlib
import subprocess
import time

import pytest
from machine import ENVIRONMENT, call, tree
from test_deb import STATE, other_version, package  # noqa: F401

UNITS = ("hayauma.socket", "hayauma.service")
BANNER = ("import socket; s = socket.create_connection(('127.0.0.1', 25), 30); s.settimeout(30); "
          "print(s.recv(200).decode())")
SEND = ("import smtplib; s = smtplib.SMTP('127.0.0.1', 25); "
        "s.sendmail('', 'tama@example.test', 'Subject: {0}\\r\\n\\r\\nHello.\\r\\n')")
# A message for another host, where no DNS answers; then a session that is cut off.
SESSION = """
import smtplib, ssl, sys
c = smtplib.SMTP_SSL('127.0.0.1', 465, context=ssl._create_unverified_context())
c.login('tama@example.test', sys.argv[1])
c.sendmail('tama@example.test', 'kiku@example.org', 'Subject: waits\\r\\n\\r\\nHello.\\r\\n')
s = smtplib.SMTP('127.0.0.1', 25)
s.ehlo(); s.mail(''); s.rcpt('tama@example.test')
print('ready', flush=True)
sys.stdin.readline()
print(s.docmd('DATA')[0])
"""


def wait_until(true, what, limit=90):
    end = time.monotonic() + limit
    while not true():
        assert time.monotonic() < end, f"not within {limit} s: {what}"
        time.sleep(0.2)


class Booted:
    """A Debian of its own whose first process is systemd; commands are run as its root."""

    def __init__(self, folder, made):
        self.root = folder / "root"
        call("cp", "--archive", "--reflink=auto", tree(made), self.root)
        self.console = open(folder / "console", "w+", encoding="utf-8")
        self.boot()

    def boot(self):
        self.nspawn = subprocess.Popen(
            ["systemd-nspawn", "--boot", "--quiet", f"--machine=hayauma-{os.getpid()}",
             "--register=no", "--keep-unit", "--private-network", "--console=pipe",
             "--directory", self.root],
            stdin=subprocess.DEVNULL, stdout=self.console, stderr=subprocess.STDOUT)
        wait_until(lambda: self.nspawn.poll() is None and self.first() and self.run(
            "systemctl", "is-system-running", code=None) in ("running", "degraded"), "it boots")

    def boot_again(self):
        self.run("systemctl", "poweroff", code=None)
        assert self.nspawn.wait(60) == 0
        self.boot()

    def first(self):
        """Its first process, as a number of this machine; none while it boots."""
        pid = self.nspawn.pid
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return children[0] if children else None

    def _words(self, words):
        return ["nsenter", "--target", self.first() or "none", "--all", "sh", "-c",
                'cd / && exec "$@"', "sh", *[str(word) for word in words]]

    def run(self, *words, code=0):
        done = subprocess.run(self._words(words), env=ENVIRONMENT, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              check=False)
        assert code in (done.returncode, None), f"{words}: {done.returncode}: {done.stdout}"
        return done.stdout.strip()

    def talk(self, program, *words, **more):
        """Python of this machine in the network of that one."""
        return subprocess.Popen(["nsenter", "--target", self.first(), "--net", "python3", "-c",
                                 program, *words], text=True, stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, **more)

    def says(self, program):
        said, _ = self.talk(program).communicate(timeout=60)
        return said

    def send(self, subject):
        assert self.talk(SEND.format(subject)).wait(60) == 0

    def install(self, made):
        call("cp", made, self.root / "root/hayauma.deb")
        return self.run("apt-get", "install", "--yes", "--allow-downgrades", "/root/hayauma.deb")

    def states(self):
        return self.run("systemctl", "is-active", *UNITS, code=None).split()

    def main_pid(self):
        return self.run("systemctl", "show", "--property=MainPID", "--value", UNITS[1])

    def close(self):
        self.nspawn.terminate()
        self.nspawn.wait()
        self.console.close()


@pytest.fixture(scope="module")
def machine(package, tmp_path_factory):  # noqa: F811
    one = Booted(tmp_path_factory.mktemp("booted"), package)
    yield one
    one.close()


@pytest.fixture(scope="module")
def server(machine, other_version):  # noqa: F811
    """Installed in an older version and started, with a message; the password of its account."""
    assert f"hayauma init {STATE}" in machine.install(other_version("0.0.9"))
    assert machine.states() == ["inactive", "inactive"]
    machine.run("hayauma", "init", STATE, "--hostname", "mail.example.test", "--domain",
                "example.test")
    machine.run("ln", "-s", f"{STATE}/hayauma.conf", "/etc/hayauma/")
    said = machine.run("hayauma", "account", "add", "tama@example.test", "--generate", "--json")
    machine.run("systemctl", "enable", "--now", *UNITS)
    machine.send("first")
    return json.loads(said)["password"]


def spoil(machine):
    machine.run("sh", "-c", f"echo 'hostnam x' >>{STATE}/hayauma.conf")


def mend(machine):
    machine.run("sed", "-i", "/^hostnam x/d", f"{STATE}/hayauma.conf")


@pytest.mark.usefixtures("server")
class TestLife:
    """In this order, each with what the one before has left."""

    def test_the_journal_has_its_lines_with_priority_and_facility(self, machine):
        line = json.loads(machine.run("journalctl", "-u", "hayauma", "-o", "json", "-n", "1",
                                      "--grep", "started: "))
        assert (line["PRIORITY"], line["SYSLOG_FACILITY"], line["SYSLOG_IDENTIFIER"]) == (
            "6", "2", "hayauma")
        assert "systemd starts the server at each boot" in machine.run("hayauma", "check",
                                                                       "--no-dns")

    def test_wrong_settings_are_not_reloaded_and_status_says_why(self, machine):
        spoil(machine)
        machine.run("systemctl", "reload", "hayauma.service", code=1)
        assert 'Status: "' in machine.run("systemctl", "status", "hayauma.service")
        assert 'did you mean "hostname"?' in machine.run("systemctl", "status", "hayauma.service")
        mend(machine)
        machine.run("systemctl", "reload", "hayauma.service")
        assert 'Status: "' not in machine.run("systemctl", "status", "hayauma.service")

    def test_a_failed_start_keeps_the_ports_and_the_next_connection_is_served(self, machine):
        spoil(machine)
        machine.run("systemctl", "restart", "hayauma.service", code=1)
        assert 'did you mean "hostname"?' in machine.run("systemctl", "status", "hayauma.service",
                                                         code=3)
        mend(machine)
        said = machine.run("hayauma", "status", code=None)
        assert "hayauma -C" not in said  # by hand its ports would be taken
        assert machine.says(BANNER).startswith("220 mail.example.test")

    def test_stopped_no_connection_starts_it_again(self, machine):
        said = machine.run("hayauma", "stop")
        assert "no connection starts it again" in said
        assert machine.states() == ["inactive", "inactive"]
        machine.run(*said.rsplit("To start it: ", 1)[1].split())
        assert machine.states() == ["active", "active"]

    def test_an_upgrade_with_wrong_settings_leaves_the_version_before_at_work(
            self, machine, other_version):  # noqa: F811
        before = machine.main_pid()
        spoil(machine)
        said = machine.install(other_version("0.0.10"))
        assert "the version before goes on" in said and 'did you mean "hostname"?' in said
        assert machine.main_pid() == before
        machine.send("between")
        mend(machine)

    def test_an_upgrade_keeps_mail_and_tells_open_sessions(self, machine, server, package):  # noqa: F811
        before = machine.main_pid()
        session = machine.talk(SESSION, server)
        assert session.stdout.readline() == "ready\n"
        machine.install(package)
        assert machine.states() == ["active", "active"] and machine.main_pid() != before
        said, _ = session.communicate("go on\n", timeout=60)
        assert said == "421\n"
        machine.send("after")
        assert "kiku@example.org" in machine.run("hayauma", "queue", "list")

    def test_booted_again_it_runs_and_has_everything(self, machine):
        machine.boot_again()
        wait_until(lambda: machine.states() == ["active", "active"], "it is started at boot")
        assert machine.says(BANNER).startswith("220 mail.example.test")
        said = machine.run("hayauma", "journey", "--list", "tama@example.test")
        assert said.count("Delivered") == 3
        assert "kiku@example.org" in machine.run("hayauma", "queue", "list")

    def test_purged_and_installed_again_the_mail_is_there(self, machine, package):  # noqa: F811
        assert "are kept" in machine.run("apt-get", "purge", "--yes", "hayauma")
        assert machine.states() == ["inactive", "inactive"]
        said = machine.install(package)
        assert "hayauma init" not in said
        for line in said.split("Next:\n")[1].splitlines():
            if line.startswith("    "):
                machine.run(*line.split())
        assert machine.states() == ["active", "active"]
        assert machine.run("hayauma", "journey", "--list", "tama@example.test").count(
            "Delivered") == 3

    def test_a_link_in_place_of_the_state_directory_is_told_by_check(self, machine):
        machine.run("hayauma", "stop")
        machine.run("mv", STATE, "/srv/hayauma")
        machine.run("ln", "-s", "/srv/hayauma", STATE)
        machine.run("systemctl", "start", "hayauma.service", code=1)
        assert "is a symbolic link" in machine.run("hayauma", "check", "--no-dns", code=1)
        machine.run("sh", "-c", f"rm {STATE} && mkdir {STATE} && "
                    f"mount --bind /srv/hayauma {STATE}")
        machine.run("systemctl", "start", *UNITS)
        assert machine.states() == ["active", "active"]
