# SPDX-License-Identifier: ISC
"""The Debian package of `make deb`, and what apt does with it on a Debian of its own."""
import os
import re

import pytest
from machine import TOP, Machine, call

STATE = "/var/lib/hayauma"
USERS = {"hayauma-edge", "hayauma-vault", "hayauma-mail"}


@pytest.fixture(scope="module")
def package():
    """The one of the source as it is."""
    call(TOP / "scripts/make-deb")
    found = list((TOP / "build").glob("hayauma_*.deb"))
    assert len(found) == 1
    return found[0]


@pytest.fixture(scope="module")
def other_version(package, tmp_path_factory):
    """Makes the same package with another version."""
    folder = tmp_path_factory.mktemp("versions")

    def make(version):
        tree, made = folder / version, folder / f"hayauma_{version}.deb"
        call("dpkg-deb", "-R", package, tree)
        control = tree / "DEBIAN/control"
        control.write_text(re.sub(r"(?m)^Version: .*", f"Version: {version}", control.read_text()))
        call("dpkg-deb", "--root-owner-group", "-b", tree, made)
        return made
    return make


@pytest.fixture
def machine(package, tmp_path):
    if os.geteuid() != 0:
        yield None
        return
    one = Machine(tmp_path, package)
    yield one
    one.close()


def users(machine):
    names = {line.split(":")[0] for file in ("passwd", "group")
             for line in (machine.root / "etc" / file).read_text().splitlines()}
    return {name for name in names if name.startswith("hayauma")}


def install(machine, package):
    return machine.run("apt-get", "install", "--yes", machine.copy_in(package))


def set_up(machine):
    """Makes a server with an account that listens on loopback, and starts it."""
    machine.run("hayauma", "init", STATE, "--hostname", "mail.example.test", "--domain",
                "example.test", "--listen", "127.0.0.1")
    machine.run("ln", "-s", f"{STATE}/hayauma.conf", "/etc/hayauma/")
    machine.run("hayauma", "account", "add", "tama@example.test", "--generate")
    return machine.start("hayauma", "run")


def send(machine):
    machine.talk("import smtplib; s = smtplib.SMTP('127.0.0.1', 25); "
                 "s.sendmail('', 'tama@example.test', 'Subject: first\\r\\n\\r\\nHello.\\r\\n')")


# -------------------------------------------------------------------- the package itself


def test_lintian_has_nothing_to_say(package):
    said = call("lintian", *(["--allow-root"] if os.geteuid() == 0 else []), "--display-info",
                "--pedantic", "--fail-on", "error,warning,info,pedantic", package)
    assert said == ""


def test_its_version_is_that_of_the_program(package):
    version = call("dpkg-deb", "-f", package, "Version").strip()
    assert version in call(TOP / "build/hayauma", "--version")
    assert package.name == f"hayauma_{version}_{call('dpkg', '--print-architecture').strip()}.deb"


def test_the_same_source_gives_the_same_package(package):
    before = package.read_bytes()
    call(TOP / "scripts/make-deb")
    assert package.read_bytes() == before


def test_it_has_the_manual_pages_and_the_documents(package):
    files = call("dpkg-deb", "-c", package)
    for name in ("man/man8/hayauma.8.gz", "man/man5/hayauma.conf.5.gz", "doc/hayauma/copyright",
                 "doc/hayauma/README.Debian", "bash-completion/completions/hayauma"):
        assert f"./usr/share/{name}\n" in files


# -------------------------------------------------------------------- its life


def test_installed_started_upgraded_removed_purged(machine, package, other_version):
    """As an administrator does it, with apt and without a question."""
    if os.geteuid() != 0:
        return
    said = install(machine, other_version("0.0.9"))
    assert "hayauma init /var/lib/hayauma" in said and "listens on port" not in said
    assert users(machine) == USERS
    assert machine.run("hayauma", "--version").strip()

    server = set_up(machine)
    send(machine)
    assert "tama@example.test" in machine.run("hayauma", "journey", "tama@example.test")
    owners = {path.name: (path.stat().st_uid, path.stat().st_mode)
              for path in (machine.root / STATE[1:]).iterdir()}

    said = install(machine, package)
    assert "is still running: stop Hayauma and start it again" in said
    assert "hayauma init" not in said
    machine.run("hayauma", "stop")
    assert server.wait() == 0
    server = machine.start("hayauma", "run")
    send(machine)
    assert {path.name: (path.stat().st_uid, path.stat().st_mode)
            for path in (machine.root / STATE[1:]).iterdir()} == owners

    machine.run("apt-get", "remove", "--yes", "hayauma")
    assert server.wait() == 0  # stopped in order
    assert not machine.exists("/usr/sbin/hayauma")
    assert machine.exists("/etc/hayauma/hayauma.conf") and users(machine) == USERS

    said = machine.run("apt-get", "purge", "--yes", "hayauma")
    assert "are kept" in said
    assert not machine.exists("/etc/hayauma") and not machine.exists("/etc/logrotate.d/hayauma")
    assert users(machine) == set()
    for path in (machine.root / STATE[1:]).iterdir():
        assert path.stat().st_uid == 0, path
    assert "hayauma" not in machine.run("sh", "-c", "dpkg -l | grep hayauma || true")


def test_mail_kept_at_a_purge_is_there_after_an_installation(machine, package):
    """Although the users may have got other numbers."""
    if os.geteuid() != 0:
        return
    install(machine, package)
    server = set_up(machine)
    send(machine)
    machine.run("hayauma", "stop")
    server.wait()
    machine.run("apt-get", "purge", "--yes", "hayauma")
    machine.run("useradd", "--system", "someone")
    said = install(machine, package)
    assert "hayauma init" not in said and f"ln -s {STATE}/hayauma.conf /etc/hayauma" in said
    machine.run("ln", "-s", f"{STATE}/hayauma.conf", "/etc/hayauma/")
    machine.start("hayauma", "run")
    send(machine)
    assert machine.run("hayauma", "journey", "tama@example.test").count("first") >= 2
    machine.run("hayauma", "stop")


def test_other_mail_servers_and_taken_ports_are_told(machine, package, tmp_path):
    if os.geteuid() != 0:
        return
    folder = tmp_path / "postfix"
    (folder / "DEBIAN").mkdir(parents=True)
    (folder / "DEBIAN/control").write_text(
        "Package: postfix\nVersion: 1\nArchitecture: all\nMaintainer: nobody <n@example.test>\n"
        "Description: stands in for another mail server\n")
    call("dpkg-deb", "--root-owner-group", "-b", folder, tmp_path / "postfix.deb")
    machine.run("dpkg", "-i", machine.copy_in(tmp_path / "postfix.deb"))
    machine.listen(25)
    said = install(machine, package)
    assert "another program listens on port 25;" in said
    assert "systemctl disable --now postfix\n" in said

    # what an installation without a server leaves
    machine.run("mkdir", "/var/log/hayauma")
    said = machine.run("logrotate", "--debug", "/etc/logrotate.d/hayauma")
    assert "/var/log/hayauma/*.log" in said and "error" not in said
    assert "are kept" not in machine.run("apt-get", "purge", "--yes", "hayauma")
    for gone in (STATE, "/var/log/hayauma", "/etc/logrotate.d/hayauma"):
        assert not machine.exists(gone)
    assert users(machine) == set()
