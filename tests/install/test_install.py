# SPDX-License-Identifier: ISC
"""What `make install` leaves behind (README, "On a server")."""
import fcntl
import os
import pathlib
import shutil
import stat
import subprocess
import sys

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests"))
from namespaces import enter_own_mounts  # noqa: E402

FOLDERS = {"PREFIX": "/usr", "LOCALSTATEDIR": "/var"}
FILES = {
    "usr/sbin/hayauma": 0o755,
    "usr/lib/systemd/system/hayauma.service": 0o644,
    "usr/lib/systemd/system/hayauma.socket": 0o644,
    "usr/lib/sysusers.d/hayauma.conf": 0o644,
    "usr/share/man/man1/hayauma.1": 0o644,
    "usr/share/man/man5/hayauma.conf.5": 0o644,
    "usr/share/man/ja/man1/hayauma.1": 0o644,
    "usr/share/man/ja/man5/hayauma.conf.5": 0o644,
    "usr/share/man/ja/man8/hayauma.8": 0o644,
    "usr/share/man/man8/hayauma.8": 0o644,
    "usr/share/bash-completion/completions/hayauma": 0o644,
    "usr/share/zsh/vendor-completions/_hayauma": 0o644,
    "usr/share/doc/hayauma/hayauma.conf.sample": 0o644,
    "etc/hayauma": 0o755,
    "etc/logrotate.d/hayauma": 0o644,
    "var/lib/hayauma": 0o755,
}
USERS = ["hayauma-edge", "hayauma-vault", "hayauma-mail"]


def install(folders, **more):
    environment = {name: value for name, value in os.environ.items() if name != "DESTDIR"}
    done = subprocess.run([TOP / "scripts/install"], env=environment | folders, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, **more)
    assert done.returncode == 0, done.stdout
    return done.stdout


def protect_etc(folder):
    """For Popen(preexec_fn): puts a copy without our users over /etc."""
    enter_own_mounts()
    shutil.copytree("/etc", folder, symlinks=True)
    for name in ("passwd", "group", "shadow", "gshadow"):
        lines = (folder / name).read_text().splitlines(keepends=True)
        (folder / name).write_text("".join(x for x in lines if not x.startswith("hayauma-")))
    subprocess.run(["mount", "--bind", folder, "/etc"], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "none", "/var/log"], check=True)


def test_root_gets_the_users_too_and_is_told_how_to_go_on(tmp_path):
    if os.geteuid() != 0:
        return
    folders = {name: f"{tmp_path}{folder}" for name, folder in FOLDERS.items()}
    etc = tmp_path / "copy of etc"
    said = install(folders, preexec_fn=lambda: protect_etc(etc))
    assert "hayauma init /var/lib/hayauma" in said
    made = [line.split(":") for line in (etc / "passwd").read_text().splitlines()]
    made = {words[0]: words for words in made if words[0] in USERS}
    assert set(made) == set(USERS)
    assert {words[6] for words in made.values()} == {"/usr/sbin/nologin"}
    assert len({words[2] for words in made.values()}) == 3  # one each, and one group each
    assert len({words[3] for words in made.values()}) == 3


def test_uninstall_takes_away_what_install_has_laid_down(tmp_path):
    folders = FOLDERS | {"DESTDIR": str(tmp_path)}
    install(folders)
    kept = tmp_path / "var/lib/hayauma/hayauma.conf"
    kept.write_text("")
    done = subprocess.run([TOP / "scripts/uninstall"], env=os.environ | folders, text=True,
                          capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [path for path in tmp_path.rglob("*") if not path.is_dir()] == [kept]


def test_an_installation_over_a_running_one_says_that_a_restart_is_due(tmp_path):
    if os.geteuid() != 0:
        return
    folders = {name: f"{tmp_path}{folder}" for name, folder in FOLDERS.items()}
    state = tmp_path / "var/lib/hayauma"
    (state / "run").mkdir(parents=True)
    (state / "hayauma.conf").write_text("")
    etc = tmp_path / "copy of etc"
    with open(state / "run/lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        said = install(folders, preexec_fn=lambda: protect_etc(etc))
    assert "systemctl restart hayauma.service" in said and "hayauma init" not in said


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder with all of it."""
    folder = tmp_path_factory.mktemp("installed")
    install(FOLDERS | {"DESTDIR": str(folder)})
    return folder


def test_everything_arrives_with_its_mode(installed):
    found = {name: stat.S_IMODE((installed / name).stat().st_mode) for name in FILES}
    assert found == FILES


def test_unit_starts_the_program_on_the_state_directory(installed):
    unit = (installed / "usr/lib/systemd/system/hayauma.service").read_text()
    assert "ExecStart=/usr/sbin/hayauma -C /var/lib/hayauma run\n" in unit
    assert "ReadWritePaths=/var/lib/hayauma\n" in unit


@pytest.mark.parametrize("language, name", [("C.UTF-8", "NAME"), ("ja_JP.UTF-8", "名前")])
def test_man_shows_the_pages_in_the_language_of_the_user(installed, tmp_path, language, name):
    """The locale is made for this test: systems have only those that somebody chose."""
    subprocess.run(["localedef", "-i", "ja_JP", "-f", "UTF-8", tmp_path / "ja_JP.UTF-8"],
                   capture_output=True, check=True)
    known = {k: v for k, v in os.environ.items() if k != "LANGUAGE" and not k.startswith("LC_")}
    for words in (["hayauma"], ["1", "hayauma"], ["8", "hayauma"], ["5", "hayauma.conf"]):
        done = subprocess.run(["man", *words], text=True, capture_output=True, check=True,
                              env=known | {"LANG": language, "LOCPATH": str(tmp_path),
                                           "MANPAGER": "cat",
                                           "MANPATH": str(installed / "usr/share/man")})
        assert name in done.stdout.splitlines(), (words, done.stdout[:300])


def test_bash_completes_commands(installed):
    script = installed / "usr/share/bash-completion/completions/hayauma"
    done = subprocess.run(
        ["bash", "-c", f". {script}; COMP_WORDS=(hayauma queue re); COMP_CWORD=2; _hayauma; "
         "echo ${COMPREPLY[@]}"], text=True, capture_output=True, check=True)
    assert done.stdout.split() == ["release", "retry", "remove"]
