# SPDX-License-Identifier: ISC
"""A server that is meant to suffer: started, asked, and ended in every way but the right one.

    server = Server(folder / "state", folder / "server.log", {"queue.disk-reserve": "16M"})
    server.start()                  ready, or NotReady with what it said
    server.pids()                   {("queue", 0): 4711, ...}
    server.freeze(whole=True)       SIGSTOP for all of it, until thaw()
    server.cut_off()                SIGKILL for all of it, master first
    server.stop()                   the orderly way
"""
import contextlib
import ctypes
import json
import os
import pathlib
import select
import signal
import socket
import subprocess
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("HAYAUMA") or str(TOP / "build/hayauma")
HERE, DOMAIN, PASSWORD = "127.0.0.1", "example.test", "horse-Relay-53-stations"
PORTS = {"smtp": 25, "pop3": 110, "imap": 143, "submissions": 465, "submission": 587, "imaps": 993,
         "pop3s": 995}
ELSEWHERE = 26  # above the offset: where the other host listens
ACCOUNTS = 8
START_LIMIT = 60.0
COMMAND_LIMIT = 60.0
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36

SETTINGS = {
    "smtp.trusted-networks": "127.0.0.0/8",
    "smtp.connections-per-address": "1000",
    "smtp.error-delay": "0s",
    "pop3.connections-per-address": "1000",
    "imap.connections-per-address": "1000",
    "login.allow-plaintext": "yes",
    "dns.dnssec": "no",
    "relay.tls": "no",
    "relay.connect-timeout": "2s",
    "queue.retry-schedule": "1s 1s 1s 1s 1s",
    "queue.retry-first-day": "1s",
    "queue.retry-after": "1s",
    "queue.disk-reserve": "16M",
    "log.level": "warning",
}


class NotReady(Exception):
    """The server did not start; what it said."""


def adopt_orphans():
    """Grandchildren whose parents are killed become our children: none gets out of sight."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def die_with_us():
    """For Popen(preexec_fn): a driver that ends leaves nothing behind."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def wait_until(what, limit, every=0.02):
    """What `what` returns as soon as that is true, or None when the time is over."""
    deadline = time.monotonic() + limit
    while True:
        found = what()
        if found:
            return found
        if time.monotonic() > deadline:
            return None
        time.sleep(every)


def free_offset():
    for offset in range(30000 + os.getpid() % 100 * 100, 60000, 1100):
        try:
            for port in (*PORTS.values(), ELSEWHERE):
                with socket.socket() as probe:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    probe.bind((HERE, port + offset))
            return offset
        except OSError:
            continue
    raise NotReady("no free ports on loopback")


def descendants():
    """Processes below this one, {pid: command line}; zombies left out."""
    parents, names = {}, {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            fields = pathlib.Path("/proc", entry, "stat").read_text().rpartition(")")[2].split()
            names[int(entry)] = pathlib.Path("/proc", entry, "cmdline").read_bytes()
        except OSError:
            continue
        if fields[0] != "Z":
            parents[int(entry)] = int(fields[1])
    found, grew = {os.getpid()}, True
    while grew:
        more = {pid for pid, parent in parents.items() if parent in found} - found
        grew = bool(more)
        found |= more
    return {pid: names[pid] for pid in found - {os.getpid()}}


class Server:
    """One state directory and the program that runs on it."""

    def __init__(self, folder, log, settings=None):
        self.folder, self.log_path = pathlib.Path(folder), pathlib.Path(log)
        self.process, self.offset, self.addresses = None, free_offset(), [HERE]
        self.settings = SETTINGS | {
            "relay.smart-host": f"{HERE}:{self.offset + ELSEWHERE}"} | (settings or {})
        self.slowest_start = 0.0

    def port(self, service):
        return PORTS[service] + self.offset

    def make(self):
        self.command("init", self.folder, "--hostname", f"mail.{DOMAIN}", "--domain", DOMAIN,
                     "--listen", *self.addresses, "--port-offset", self.offset, anywhere=True)
        self.configure({})
        self.command("account", "add", f"f%03d@{DOMAIN}", "--password-stdin", "--count", ACCOUNTS,
                     "--hash-cost", "min", input=PASSWORD + "\n")

    def configure(self, more):
        """Puts our settings, and some more, in front of the blocks that `init` wrote."""
        self.settings |= more
        path = self.folder / "hayauma.conf"
        names = {name.partition(".")[::2] for name in self.settings}
        kept, inside = [], ""
        for line in path.read_text().splitlines():
            words = line.split()
            if words and words[-1] == "{" and words[0][0] != "#":
                inside = words[0]
            elif words == ["}"]:
                inside = ""
            elif words and (inside, words[0]) in names:
                continue
            kept.append(line)
        ours = []
        for name, value in self.settings.items():
            block, _, setting = name.partition(".")
            ours += [f"{block} {{", f"    {setting} {value}", "}"]
        path.write_text("\n".join([*ours, *kept]) + "\n")

    # ---------------------------------------------------------------- asking

    def command(self, *words, anywhere=False, check=True, **more):
        before = [] if anywhere else ["-C", self.folder]
        done = subprocess.run([PROGRAM, *map(str, [*before, *words])], text=True, check=False,
                              capture_output=True, timeout=COMMAND_LIMIT, **more)
        if check and done.returncode:
            raise NotReady(f"hayauma {' '.join(map(str, words))} ended with {done.returncode}: "
                           f"{(done.stderr or done.stdout).strip()}")
        return done.stdout

    def status(self):
        """What `status --json` says, or {} when nobody answers."""
        try:
            said = json.loads(self.command("status", "--json", check=False) or "{}")
        except (ValueError, subprocess.TimeoutExpired):
            return {}
        return said if said.get("running") else {}

    def pids(self):
        """Processes that have one."""
        return {(p["role"], p["worker"]): p["pid"] for p in self.status().get("processes", [])
                if p["pid"] > 0}

    def works(self):
        """Whether every process does its work."""
        processes = self.status().get("processes", [])
        return bool(processes) and all(p["state"] == "working" for p in processes)

    def messages(self):
        """Messages on their way; None while that cannot be told."""
        return self.status().get("messages")

    def log_tail(self, size=3000):
        return self.log_path.read_text(errors="replace")[-size:].strip()

    # ---------------------------------------------------------------- living and dying

    def launch(self, before=()):
        """Starts without waiting; `before` are words in front of the command."""
        with self.log_path.open("a") as log:
            self.process = subprocess.Popen(
                [*map(str, before), PROGRAM, "-C", str(self.folder), "run"], stderr=log,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, preexec_fn=die_with_us)

    def wait_ready(self, limit=START_LIMIT):
        """True as soon as it says so; False when it ended or the time is over."""
        out = self.process.stdout
        return bool(select.select([out], [], [], limit)[0]) and os.read(out.fileno(), 64) == \
            b"ready\n"

    def start(self):
        began = time.monotonic()
        self.launch()
        if not self.wait_ready():
            raise NotReady(f"the server was not ready after "
                           f"{time.monotonic() - began:.1f} s:\n{self.log_tail()}")
        self.slowest_start = max(self.slowest_start, time.monotonic() - began)

    def running(self):
        return self.process is not None and self.process.poll() is None

    def kill_master(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def leftovers(self):
        """Our processes of the program that are still there."""
        return {pid for pid, name in descendants().items()
                if name.startswith((b"hayauma-", PROGRAM.encode()))}

    def gone(self):
        """Takes in orphans that have ended; whether all have."""
        for pid in list(self.leftovers()):
            reap(pid)
        return not self.leftovers()

    def freeze(self, whole, limit=10.0):
        """Stops all of it: what it has said by now is all that it says. `whole`: also what other
        threads are doing, such as a sync, has come to its end."""
        self._stop({self.process.pid}, whole, limit)  # first, so that it starts nothing more
        self._stop(self.leftovers(), whole, limit)

    def _stop(self, pids, whole, limit):
        self._signal(pids, signal.SIGSTOP)
        if not wait_until(lambda: all(is_still(pid, whole) for pid in pids), limit, 0.001):
            raise NotReady(f"stopped processes go on: {pids}")

    def thaw(self):
        self._signal(self.leftovers(), signal.SIGCONT)

    @staticmethod
    def _signal(pids, number):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def cut_off(self, limit=10.0):
        """Kills all of it at once, the master first, so that it starts nothing more; what stands
        around it last: strace would let go the calls that it has spoilt."""
        self._signal(sorted(self.leftovers()), signal.SIGKILL)
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()
        self.process = None
        if not wait_until(self.gone, limit):
            raise NotReady(f"killed processes are still there: {self.leftovers()}")

    def stop(self, limit=10.0):
        """SIGTERM; True when it ended by itself in time with code 0."""
        if not self.running():
            return False
        self.process.terminate()
        try:
            return self.process.wait(limit) == 0
        except subprocess.TimeoutExpired:
            return False
        finally:
            self.cut_off()


def is_still(pid, whole):
    """Whether a process is stopped or has ended: its first thread, the only one that talks, or all
    of them."""
    threads = [pid]
    if whole:
        with contextlib.suppress(OSError):
            threads = os.listdir(f"/proc/{pid}/task")
    return all(state_of(pid, thread) in "TtZX" for thread in threads)


def state_of(pid, thread):
    """As in proc(5); X when there is no such thread any more."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/task/{thread}/stat").read_text()
    except OSError:
        return "X"
    return stat.rpartition(")")[2].split()[0]


def reap(pid):
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        pass
