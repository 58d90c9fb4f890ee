# SPDX-License-Identifier: ISC
"""Each process of a running server is confined, in the words of `hayauma status` and in those
of the kernel. What a process so confined cannot do is tried in tests/proc/test_confine.c."""
import os
import pathlib
import re
import stat
import subprocess

import pytest

from roles import ROLES

FOLDERS = {"directory": "directory", "keys": "keys", "queue": "spool", "mail": "accounts",
           "events": "events"}
TRUSTS = [{"edge", "relay", "resolver", "scan", "fetcher"}, {"directory", "keys"},
          {"queue", "mail", "events"}]


@pytest.fixture(scope="module")
def processes(a):
    a.deliver(a.account())
    return [p for p in a.processes() if p["role"] != "master"]


def kernel(process, name):
    """A line of /proc/PID/status."""
    text = pathlib.Path(f"/proc/{process['pid']}/status").read_text()
    return re.search(rf"^{name}:[ \t]*(.*)$", text, re.MULTILINE).group(1).split()


def test_status_shows_every_role_at_work(processes):
    assert {p["role"] for p in processes} == set(ROLES) == set.union(*TRUSTS)
    for process in processes:
        assert process["state"] == "working"
        assert process["memory"] > 0 and process["started"] and process["restarts"] == 0
        assert "seccomp" in process["confinement"]
        assert "no seccomp" not in process["confinement"]


def test_kernel_confirms_the_filter_for_every_role(processes):
    for process in processes:
        assert kernel(process, "Seccomp") == ["2"], process["role"]
        assert kernel(process, "NoNewPrivs") == ["1"], process["role"]


def test_no_core_dumps(processes):
    for process in processes:
        limits = pathlib.Path(f"/proc/{process['pid']}/limits").read_text()
        assert re.search(r"Max core file size\s+0\s+0\s", limits), process["role"]


def test_no_process_is_root(processes):
    if os.geteuid() != 0:
        assert {kernel(p, "Uid")[0] for p in processes} == {str(os.geteuid())}
        return
    for process in processes:
        assert "own user" in process["confinement"] and process["user"] != "root"
        uids = set(kernel(process, "Uid"))
        assert len(uids) == 1 and "0" not in uids, process["role"]
        assert kernel(process, "CapEff") == kernel(process, "CapPrm") == ["0" * 16]
        assert kernel(process, "Groups") == []


def test_roles_share_a_user_only_with_those_of_the_same_trust(processes):
    if os.geteuid() != 0:
        return
    users = [{kernel(p, "Uid")[0] for p in processes if p["role"] in trust} for trust in TRUSTS]
    assert [len(one) for one in users] == [1, 1, 1]
    assert len(set.union(*users)) == 3


def test_root_of_each_role_is_its_own_folder_or_an_empty_one(a, processes):
    if os.geteuid() != 0:
        return
    for process in processes:
        folder = FOLDERS.get(process["role"], "run/empty")
        assert os.readlink(f"/proc/{process['pid']}/root") == str(a.folder / folder)
        assert os.readlink(f"/proc/{process['pid']}/cwd") == str(a.folder / folder)
    empty = a.folder / "run/empty"
    assert list(empty.iterdir()) == [] and empty.stat().st_uid == 0
    assert stat.S_IMODE(empty.stat().st_mode) == 0o555


def test_folders_are_closed_to_the_other_roles(a, processes):
    for process in processes:
        if process["role"] not in FOLDERS:
            continue
        folder = (a.folder / FOLDERS[process["role"]]).stat()
        assert stat.S_IMODE(folder.st_mode) == 0o700
        assert str(folder.st_uid) == kernel(process, "Uid")[0]


def opened(process):
    """What a process has open, by descriptor."""
    folder = pathlib.Path(f"/proc/{process['pid']}/fd")
    found = {}
    for name in os.listdir(folder):
        try:
            found[int(name)] = os.readlink(folder / name)
        except FileNotFoundError:
            pass
    return found


def files_of(host, process):
    """Files that a process has open, but for standard error and the lock, which is empty and says
    that the server has not ended yet."""
    return [path for number, path in opened(process).items()
            if path.startswith("/") and number > 2 and not path.startswith("/dev/")
            and path != str(host.folder / "run/lock")]


def test_roles_without_files_have_none_open(a, processes):
    if os.geteuid() != 0:
        return
    for process in processes:
        assert process["role"] in FOLDERS or not files_of(a, process), process["role"]


def test_roles_with_files_have_only_their_own_open(a, processes):
    if os.geteuid() != 0:
        return
    for process in processes:
        if process["role"] in FOLDERS:
            own = str(a.folder / FOLDERS[process["role"]])
            assert all(path.startswith(own) for path in files_of(a, process)), process["role"]


def test_memory_of_the_processes_is_closed_even_to_their_own_user(processes):
    """Not dumpable: no ptrace, no /proc/PID/mem. Somebody who took over another process of the
    same user gets no further."""
    for process in processes:
        user = kernel(process, "Uid")[0]
        command = ["cat", f"/proc/{process['pid']}/environ"]
        if os.geteuid() == 0:
            command = ["setpriv", "--reuid", user, "--regid", user, "--clear-groups", *command]
        done = subprocess.run(command, capture_output=True, check=False)
        assert done.returncode != 0 and b"Permission denied" in done.stderr, process["role"]


def test_others_cannot_command_the_fake_server(a):
    for path in (a.folder / "run").glob("*.sock"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert stat.S_IMODE((a.folder / "keys/default.key").stat().st_mode) == 0o600
