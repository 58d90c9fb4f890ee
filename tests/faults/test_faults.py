# SPDX-License-Identifier: ISC
"""Every day's share of the faults (docs/architecture.md, durability contract D1 to D8): a message that was
acknowledged is there, whatever happened. Some kinds are drawn by lot, and what each of them strikes;
SEED=N in the environment repeats it. `make soak` plays all of them for half an hour."""
import contextlib
import os
import pathlib
import random
import stat
import subprocess
import sys
import time

import pytest

sys.path[:0] = [str(pathlib.Path(__file__).parents[1]), str(pathlib.Path(__file__).parent)]
from namespaces import enter_own_mounts  # noqa: E402
from sabotage import Injection, Saboteur  # noqa: E402

FAULTS = pathlib.Path(__file__).with_name("faults")
CANNOT = 77


SECONDS = {"calm": 5, "kill": 20, "senders": 20, "stall": 15, "inject": 45, "start": 10, "power": 20,
           "low-disk": 15}
DRAWN = 4  # of the kinds; `make soak` plays all
SEED = int(os.environ.get("SEED") or time.time())


@pytest.mark.parametrize("kind", random.Random(SEED).sample(sorted(SECONDS), DRAWN))
def test_what_was_acknowledged_is_there(kind):
    seconds, seed = SECONDS[kind], SEED
    done = subprocess.run([sys.executable, FAULTS, "--seconds", str(seconds), "--seed", str(seed),
                           kind], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=seconds + 400, check=False)
    assert done.returncode != CANNOT, done.stdout.strip().splitlines()[-1]
    assert done.returncode == 0, done.stdout


WRITER = """
import os, sys, threading
def write():
    with open(sys.argv[1], "r+b") as file:
        while not os.path.exists(sys.argv[2]):
            try:
                written = os.pwrite(file.fileno(), b"number", 0)
                assert written == 6, f"{written} bytes of 6 are said to be written"
            except OSError:
                pass
for _ in range(4):
    threading.Thread(target=write).start()
"""


def test_a_refused_call_is_refused_also_when_the_saboteur_leaves(tmp_path):
    file, end = tmp_path / "file", tmp_path / "end"
    file.touch()
    struck = []
    with subprocess.Popen([sys.executable, "-c", WRITER, file, end], stderr=subprocess.PIPE,
                          text=True) as process:
        with contextlib.ExitStack() as last:
            last.callback(end.touch)
            for _ in range(50):
                injection = Injection("pwrite64", "EIO", "1+2")
                saboteur = Saboteur(process.pid, injection, tmp_path / "trace")
                saboteur.wait(5.0)
                struck.append(saboteur.leave())
        assert process.stderr.read() == "" and process.wait() == 0
    assert all(struck)


DEVICES = {"null": 3, "zero": 5, "full": 7, "random": 8, "urandom": 9}


def mount(*words):
    subprocess.run(["mount", *words], check=True)


def enter_chroot(top):
    """For Popen(preexec_fn): moves into a root directory as debootstrap makes one on a host with
    systemd. It is no mount point, what is mounted in it the host would see as well, and its /dev
    has only the few devices that are always there."""
    enter_own_mounts()
    mount("--bind", top, top)
    mount("--make-shared", top)
    root = top / "root"
    for entry in pathlib.Path("/").iterdir():
        inside = root / entry.name
        if entry.is_symlink():
            inside.symlink_to(os.readlink(entry))
        elif entry.is_dir():
            inside.mkdir()
            mount(*(["-t", "tmpfs", "none"] if entry.name == "dev" else ["--rbind", entry]), inside)
    for name, number in DEVICES.items():
        os.mknod(root / "dev" / name, stat.S_IFCHR, os.makedev(1, number))
        (root / "dev" / name).chmod(0o666)
    here = os.getcwd()
    os.chroot(root)
    os.chdir(here)


def test_faults_can_be_played_in_a_chroot_and_no_mount_gets_out_of_it(tmp_path):
    if os.geteuid() != 0:
        return
    (tmp_path / "root").mkdir()
    seen = set()
    with subprocess.Popen([sys.executable, FAULTS, "--seconds", "1", "power"],
                          preexec_fn=lambda: enter_chroot(tmp_path), stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True) as process:
        while process.poll() is None:
            with contextlib.suppress(OSError):  # it may end just now
                mounts = pathlib.Path(f"/proc/{process.pid}/mountinfo").read_text()
                seen |= {line for line in mounts.splitlines()
                         if "/faults-" in line and "/disk" in line}  # others test here, too
            time.sleep(0.1)
        assert process.returncode == 0, process.stdout.read()
    assert not seen
