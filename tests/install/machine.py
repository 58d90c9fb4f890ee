# SPDX-License-Identifier: ISC
"""A Debian of its own: the tree is made once for each machine, and each test gets one above it."""
import os
import pathlib
import shutil
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests"))
from namespaces import enter_own_mounts, enter_own_network  # noqa: E402

TREE = TOP / "build/debian-12"
BESIDE = ["logrotate", "systemd-sysv"]  # what a server has and the package does not ask for
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C",
               "DEBIAN_FRONTEND": "noninteractive"}


def call(*words, **more):
    done = subprocess.run([str(word) for word in words], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, **more)
    assert done.returncode == 0, f"{words}: {done.stdout}"
    return done.stdout


def mirror():
    """Where this machine itself takes Debian 12 from."""
    said = call("apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)",
                "Created-By: Packages")
    found = [line.split()[0] for line in said.splitlines() if line.endswith(" bookworm main")]
    assert found, "apt knows no mirror of bookworm"
    return found[0]


def tree(package):
    """A minimal Debian with what the package depends on, and without the package."""
    wanted = call("dpkg-deb", "-f", package, "Depends")
    wanted = sorted({one.split()[0] for one in wanted.split(",")} | set(BESIDE))
    note = TREE / "root/made-with"
    if not note.exists() or note.read_text().split() != wanted:
        shutil.rmtree(TREE, ignore_errors=True)
        call("debootstrap", "--variant=minbase", f"--include={','.join(wanted)}", "bookworm", TREE,
             mirror())
        for package_file in (TREE / "var/cache/apt/archives").glob("*.deb"):
            package_file.unlink()
        note.write_text("\n".join(wanted))
    return TREE


class Machine:
    """Such a Debian with mounts and a network that are nobody else's."""

    def __init__(self, folder, package):
        self.folder, self.lower = folder, tree(package)
        for name in ("upper", "work", "root"):
            (folder / name).mkdir()
        self.holder = subprocess.Popen(["sleep", "infinity"], preexec_fn=self._enter)
        self.root = pathlib.Path(f"/proc/{self.holder.pid}/root{folder}/root")
        self.servers = []

    def _enter(self):
        enter_own_mounts()
        enter_own_network()
        root = self.folder / "root"
        call("mount", "-t", "overlay", "overlay", "-o", f"lowerdir={self.lower},"
             f"upperdir={self.folder}/upper,workdir={self.folder}/work", root)
        call("mount", "-t", "proc", "proc", root / "proc")
        call("mount", "--rbind", "/dev", root / "dev")
        call("mount", "-t", "tmpfs", "tmpfs", root / "run")

    def _words(self, words):
        return ["nsenter", f"--net=/proc/{self.holder.pid}/ns/net",
                f"--mount=/proc/{self.holder.pid}/ns/mnt", f"--root={self.root}",
                *[str(word) for word in words]]

    def run(self, *words, **more):
        """What the command says; it has no terminal and nothing to read."""
        return call(*self._words(words), env=ENVIRONMENT, stdin=subprocess.DEVNULL, **more)

    def start(self, *words):
        """A program that says "ready"."""
        process = subprocess.Popen(self._words(words), env=ENVIRONMENT, text=True,
                                   stdout=subprocess.PIPE)
        self.servers.append(process)
        assert process.stdout.readline() == "ready\n"
        return process

    def talk(self, program):
        """Runs lines of Python of this machine in the network of that one."""
        return call("nsenter", f"--net=/proc/{self.holder.pid}/ns/net", sys.executable, "-c",
                    program)

    def listen(self, port):
        """Has another program take the port."""
        program = (f"import socket, time; s = socket.create_server(('127.0.0.1', {port})); "
                   "print('ready', flush=True); time.sleep(600)")
        process = subprocess.Popen(
            ["nsenter", f"--net=/proc/{self.holder.pid}/ns/net", sys.executable, "-c", program],
            text=True, stdout=subprocess.PIPE)
        self.servers.append(process)
        assert process.stdout.readline() == "ready\n"

    def copy_in(self, package):
        shutil.copy(package, self.root / "root" / package.name)
        return f"/root/{package.name}"

    def exists(self, path):
        return os.path.lexists(f"{self.root}{path}")

    def close(self):
        for process in [*self.servers, self.holder]:
            process.terminate()
            process.wait()
            if process.stdout:
                process.stdout.close()
