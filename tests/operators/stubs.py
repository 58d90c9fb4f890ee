#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Programs that change a machine or need the world, played for the documents' commands: what they
are told is checked, and what follows for Hayauma really happens. Called by the name of a link."""
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

PROGRAMS = """apt apt-get systemctl journalctl timedatectl certbot nft ufw nc scp rsync make"""

UNITS = {"hayauma.service", "hayauma.socket", "hayauma"}
OTHERS = {"nftables.service", "postfix.service", "dovecot.service", "unbound.service",
          "certbot.timer"}
PACKAGES = {"ca-certificates", "certbot", "dns-root-data", "nftables", "netbase", "unbound", "bind9-dnsutils",
            "netcat-openbsd", "curl", "systemd-timesyncd"}
FOLDER = pathlib.Path(os.environ["STUBS_FOLDER"])
JOURNAL, PID, SOCKET = FOLDER / "journal", FOLDER / "pid", FOLDER / "socket"
LIVE = pathlib.Path("/etc/letsencrypt")


def refuse(why):
    sys.exit(f"{pathlib.Path(sys.argv[0]).name} {' '.join(sys.argv[1:])}: {why}")


# -------------------------------------------------------------------- systemd


def runs():
    return PID.exists() and pathlib.Path(f"/proc/{PID.read_text()}").exists()


def start():
    if runs():
        return
    with open(JOURNAL, "a") as journal:
        process = subprocess.Popen(["hayauma", "-C", "/var/lib/hayauma", "run"], text=True,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=journal,
                                   start_new_session=True)
    PID.write_text(str(process.pid))
    if process.stdout.readline() != "ready\n":
        refuse(JOURNAL.read_text())


def stop():
    if not runs():
        return
    pid = int(PID.read_text())
    os.kill(pid, signal.SIGTERM)
    for _ in range(300):
        if not runs() or "State:\tZ" in pathlib.Path(f"/proc/{pid}/status").read_text():
            PID.unlink()
            return
        time.sleep(0.1)
    refuse("it does not stop")


def systemctl(verb, *words):
    units = [word for word in words if not word.startswith("--")]
    ours = [unit for unit in units if unit in UNITS]
    if verb not in {"enable", "disable", "start", "stop", "restart", "reload", "status", "edit",
                    "is-active", "list-timers", "daemon-reload"} or set(units) - UNITS - OTHERS:
        refuse("no such command or unit")
    now = verb in {"start", "stop", "restart", "reload"} or "--now" in words
    if not ours or not now:
        if ours and verb in {"status", "is-active"} and not runs():
            sys.exit(3)
        return
    if verb == "restart" and "hayauma.socket" in ours and runs():
        refuse("Socket service hayauma.service already active, refusing.")
    if verb in {"stop", "disable", "restart"} and set(ours) != {"hayauma.socket"}:
        stop()
    if verb in {"stop", "disable"} and "hayauma.socket" in ours:
        SOCKET.unlink(missing_ok=True)
    if verb in {"start", "enable", "restart"} and "hayauma.socket" in ours:
        if runs() and not SOCKET.exists():
            refuse("Socket service hayauma.service already active, refusing.")
        SOCKET.touch()
    if verb in {"start", "enable", "restart"}:
        start()
    if verb == "reload":
        subprocess.run(["hayauma", "-C", "/var/lib/hayauma", "reload"], check=True)


def journalctl(*words):
    if "-u" not in words or words[words.index("-u") + 1] not in UNITS:
        refuse("not our unit")
    print(JOURNAL.read_text(), end="")


def timedatectl(*words):
    if words and words[0] not in {"status", "set-ntp", "set-timezone"}:
        refuse("no such command")
    if words[:1] == ("set-ntp",) and words[1:] not in {("true",), ("false",)}:
        refuse("expected true or false")
    if words[:1] == ("set-timezone",) and not pathlib.Path("/usr/share/zoneinfo", *words[1:]).is_file():
        refuse("no such time zone")


# -------------------------------------------------------------------- packages


def apt(verb, *words):
    names = [word for word in words if not word.startswith("-")]
    if verb not in {"install", "update", "upgrade"}:
        refuse("no such command")
    for name in names:
        if name not in PACKAGES and not re.fullmatch(r"\./build/hayauma_\S+\.deb", name):
            refuse(f"no such package: {name}")
    if any(name.startswith("./build/hayauma_") for name in names) and runs():
        stop()  # as the package does it
        start()


def make(*words):
    if set(words) - {"install", "deb"}:
        refuse("no such target")


# -------------------------------------------------------------------- certificates


def certbot(verb, *words):
    """Leaves what certbot leaves; a renewal runs the deploy hooks."""
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
    from pki import Authority, Certbot  # pylint: disable=import-outside-toplevel
    if verb not in {"certonly", "renew", "certificates"}:
        refuse("no such command")
    if verb == "certonly" and not {"--standalone", "-d"} <= set(words):
        refuse("expected --standalone -d NAME")
    authority = Authority(FOLDER / "authority")
    if verb == "certonly":
        name = words[words.index("-d") + 1]
        Certbot(LIVE, name, authority.issue(name), authority)
        (LIVE / "renewal-hooks/deploy").mkdir(parents=True, exist_ok=True)
    elif verb == "renew" and "--dry-run" not in words:
        for live in (LIVE / "live").iterdir():
            renew(live, authority.issue(live.name))


def renew(live, made):
    number = 2 + len(list((LIVE / "archive" / live.name).glob("cert?.pem")))
    for part, text in (("privkey", made.key), ("fullchain", made.chain)):
        path = LIVE / "archive" / live.name / f"{part}{number}.pem"
        path.write_text(text)
        (live / f"{part}.pem").unlink()
        (live / f"{part}.pem").symlink_to(path)
    for hook in (LIVE / "renewal-hooks/deploy").iterdir():
        subprocess.run([hook], check=True, env=dict(os.environ, RENEWED_LINEAGE=str(live)))


# -------------------------------------------------------------------- network, other machines


def nft(*words):
    if words[:1] not in (("-c",), ("list",)) and words[:1] != ("-f",):
        refuse("expected -c -f FILE, -f FILE or list ruleset")
    if "-f" in words:
        text = pathlib.Path(words[words.index("-f") + 1]).read_text()
        if text.count("{") != text.count("}") or "tcp dport" not in text:
            refuse("the file is no rule set")


def ufw(verb, *words):
    if verb != "allow" or not all(re.fullmatch(r"\d+(,\d+)*/tcp", word) for word in words):
        refuse("expected allow PORTS/tcp")


def nc(*words):
    if words[0] != "-vz" or len(words) != 3:
        refuse("expected -vz HOST PORT")
    if words[1].endswith("example.jp"):
        sys.exit(subprocess.run(["bash", "-c", f"</dev/tcp/{words[1]}/{int(words[2])}"],
                                check=False).returncode)


def scp(*words):
    """The other machine is a folder here."""
    *files, target = [word for word in words if not word.startswith("-")]
    for name in files:
        if not pathlib.Path(name).exists():
            refuse(f"{name} is not there")
    if not re.fullmatch(r"root@\S+:/\S*", target):
        refuse("expected root@HOST:/PLACE")


def rsync(*words):
    scp(*words)


if __name__ == "__main__":
    globals()[pathlib.Path(sys.argv[0]).name.replace("apt-get", "apt")](*sys.argv[1:])
