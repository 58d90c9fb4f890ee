# SPDX-License-Identifier: ISC
"""Runs the commands of one document on a machine of its own: usage: play.py DOCUMENT

Own mounts, own network with all ports, an empty /var/lib, /var/log, /var/backups, /srv, /root and
/home, and a copy of /etc. The name server answers for example.jp, without signatures. Programs that
would change the machine or need the world are played by stubs.py, which checks what they are told.

States at the start:
    nothing   a machine on which only the operating system is
    new       Hayauma as `hayauma init` leaves it, running, with one account, tama@example.jp
    running   the same for some time: two more accounts, mail in mailboxes, one message that waits
"""
import contextlib
import os
import pathlib
import shutil
import smtplib
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent / "cli")]
from document import FOLDER, TOP, blocks, state  # noqa: E402
from fake_dns import FakeDns  # noqa: E402
from namespaces import enter_own_mounts, enter_own_network  # noqa: E402

PROGRAM = os.environ.get("HAYAUMA") or str(TOP / "build/hayauma")
EMPTY = ("/var/lib", "/var/log", "/var/backups", "/srv", "/root", "/home", "/mnt", "/usr/local/bin")
ADDRESS = "192.0.2.25"
DNS = {
    "mail.example.jp A": [ADDRESS],
    "25.2.0.192.in-addr.arpa PTR": ["mail.example.jp"],
    "example.jp MX": ["10 mail.example.jp"],
    "example.jp TXT": ["v=spf1 mx -all"],
    "mail.example.jp TXT": ["v=spf1 a -all"],
    "example.com MX": ["10 mx.example.com"],
    "mx.example.com A": ["192.0.2.200"],
    "relay.example.ac.jp A": ["192.0.2.201"],
    "gate.example.ac.jp A": ["192.0.2.202"],
}
BLOCK_LIMIT = 120


def run(*words, **more):
    subprocess.run([str(word) for word in words], check=True, stdout=subprocess.DEVNULL, **more)


def own_machine(folder):
    enter_own_mounts()
    enter_own_network()
    run("ip", "addr", "add", f"{ADDRESS}/32", "dev", "lo")
    shutil.copytree("/etc", folder / "etc", symlinks=True, ignore_dangling_symlinks=True)
    run("mount", "--bind", folder / "etc", "/etc")
    project = os.open(TOP, os.O_PATH)  # it may lie in a folder that becomes empty
    for path in EMPTY:
        if os.path.isdir(path):
            run("mount", "-t", "tmpfs", "-o", "mode=755", "none", path)
    if not TOP.exists():
        TOP.mkdir(parents=True)
        run("mount", "--no-canonicalize", "--bind", f"/proc/{os.getpid()}/fd/{project}", TOP)
    os.close(project)
    for path in ("/var/lib/hayauma", "/var/log/hayauma", "/etc/hayauma", "/etc/logrotate.d",
                 "/var/lib/logrotate"):
        os.makedirs(path, exist_ok=True)
    pathlib.Path("/etc/resolv.conf").unlink(missing_ok=True)
    pathlib.Path("/etc/resolv.conf").write_text("nameserver 127.0.0.53\n")
    with open("/etc/hosts", "a") as hosts:
        hosts.write(f"{ADDRESS} mail.example.jp\n")


def programs(folder):
    """A PATH on which the stubs come first."""
    text = (HERE / "stubs.py").read_text().split("PROGRAMS = ")[1]
    for name in text.split('"""')[1].split():
        (folder / name).symlink_to(HERE / "stubs.py")
    (folder / "hayauma").symlink_to(PROGRAM)
    os.environ.update(PATH=f"{folder}:/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL="C.UTF-8", HOME="/root",
                      STUBS_FOLDER=str(folder))


def deliver(sender, recipient, subject):
    with smtplib.SMTP("127.0.0.1", 25, timeout=20) as wire:
        wire.sendmail(sender, recipient,
                      f"From: {sender}\nTo: {recipient}\nSubject: {subject}\n\nHi.\n")


def prepare(wanted):
    if wanted == "nothing":
        return
    words = ["--dns", "127.0.0.53"] if wanted == "running" else []
    run("hayauma", "init", "/var/lib/hayauma", "--hostname", "mail.example.jp", "--domain",
        "example.jp", *words)
    os.symlink("/var/lib/hayauma/hayauma.conf", "/etc/hayauma/hayauma.conf")
    run("hayauma", "account", "add", "tama@example.jp", "--admin", "--password-stdin",
        input="unmarked-barge-thicket-39\n", text=True)
    run("systemctl", "enable", "--now", "hayauma.socket", "hayauma.service")
    if wanted != "running":
        return
    for name in ("hanako", "taro"):
        run("hayauma", "account", "add", f"{name}@example.jp", "--password-stdin",
            input="unmarked-barge-thicket-39\n", text=True)
        deliver("kiku@example.com", f"{name}@example.jp", "seminar")
    run("hayauma", "alias", "add", "seminar@example.jp", "taro@example.jp", "kiku@example.com")
    deliver("kiku@example.com", "seminar@example.jp", "plan")  # one copy cannot leave


def check_records(text):
    said = subprocess.run(["hayauma", "init", tempfile.mkdtemp() + "/x", "--hostname",
                           "mail.example.jp", "--domain", "example.jp"], text=True,
                          capture_output=True, check=True).stdout
    known = {" ".join(line.split()) for line in said.splitlines()}
    for line in text.splitlines():
        assert " ".join(line.split()) in known, f"init does not print: {line}"


def play(block):
    if block.kind == "conf":
        with open("/etc/hayauma/hayauma.conf", "a") as settings:
            settings.write("\n" + block.text)
    elif block.kind == "dns":
        check_records(block.text)
    elif block.kind.startswith("file:"):
        path = pathlib.Path(block.kind[5:])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text)
    elif block.kind == "sh":
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", block.text], text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, cwd="/root",
                              stderr=subprocess.STDOUT, timeout=BLOCK_LIMIT, check=False)
        print(done.stdout, end="")
        return done.returncode
    return 0


def main(document):
    with tempfile.TemporaryDirectory(prefix="hyo") as name, contextlib.ExitStack() as ends:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        own_machine(folder)
        (folder / "bin").mkdir()
        programs(folder / "bin")
        ends.enter_context(FakeDns(DNS, ("127.0.0.53", 53)))
        ends.callback(lambda: subprocess.run(["systemctl", "stop", "hayauma.service"], check=False))
        ends.callback(os.chdir, "/")
        prepare(state(document))
        for block in blocks(document):
            print(f"--- {document.name}:{block.line} {block.kind} {block.left_out}", flush=True)
            if not block.left_out and play(block) != 0:
                print(f"{document.name}:{block.line}: this block failed\n{block.text}")
                return 1
        run("umount", "-l", "/etc")
    return 0


if __name__ == "__main__":
    sys.exit(main(FOLDER / pathlib.Path(sys.argv[1]).name))
