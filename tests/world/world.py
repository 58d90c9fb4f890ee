# SPDX-License-Identifier: ISC
"""Whole hosts for the world tests: the real program, started, asked, filled, stopped.

    host = world.host("a", ["a.test"])          its place is the name's: mx.a.test in the zone
    user = host.account("tama")                 tama@a.test, whose password is PASSWORD
    message = host.deliver(user, MESSAGE)         from outside, over port 25
    host.messages(user)                          what POP3 gives

Everything waits for a bounded time, and all that is started ends with the test.
"""
import json
import os
import pathlib
import queue
import re
import shutil
import signal
import subprocess
import tempfile
import threading

from network import NameServer, PORTS, bound_to_us, open_network, stop_process, wait_until
from wire import Imap, Pop3, Smtp

TOP = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("HAYAUMA") or str(TOP / "build/hayauma")
PASSWORD = "horse-Relay-53-stations"
START_LIMIT, STOP_LIMIT = 20.0, 5.0
SMALL_TIMES = {  # so that nobody waits for hours
    "dns.dnssec": "no",
    "relay.connect-timeout": "5s",
    "relay.greeting-timeout": "5s",
    "login.delay-first": "200ms",
    "smtp.error-delay": "100ms",
    "queue.disk-reserve": "1M",
}

MESSAGE = (b"From: Kiku <kiku@far.test>\r\n"
          b"To: Tama <tama@a.test>\r\n"
          b"Subject: a message\r\n"
          b"Date: Sat, 21 Nov 2026 09:00:00 +0900\r\n"
          b"Message-ID: <message@far.test>\r\n"
          b"\r\n"
          b"Good day.\r\n")

# Names of the zone. Hosts: a is 192.0.2.11, b .12, c .13; nobody listens at `deaf`.
RECORDS = """
mx.a A {a4}
mx.a AAAA {a6}
a MX 10 mx.a
mx.b A {b4}
b MX 10 mx.b
mx.c A {c4}
mx6.c AAAA {c6}
c MX 10 mx.c
deaf A {deaf}
fallback MX 10 deaf
fallback MX 20 mx.b
preferred MX 10 mx.b
preferred MX 20 mx.c
first-full MX 10 mx.plain
first-full MX 20 mx.b
equal MX 10 mx.b
equal MX 10 mx.c
implicit A {b4}
nomail MX 0 .
nomail A {b4}
alias-of-b CNAME mx.b
cname MX 10 alias-of-b
six MX 10 mx6.c
ourselves MX 10 mx.a
behind-us MX 10 mx.a
behind-us MX 20 mx.b
nohost MX 10 nowhere
unreachable MX 10 deaf
example.plain MX 10 mx.plain
mx.plain A {here}
plain MX 10 mx.plain
sts MX 10 mx.plain
_mta-sts.sts TXT "v=STSv1; id=1"
mta-sts.sts A {here}
"""
NUMBERS = {"a": 1, "b": 2, "c": 3}


def strip_trace(message):
    """A message without the trace fields that hosts put in front of it (RFC 5321 §4.4)."""
    field = re.compile(rb"(?:Return-Path|Delivered-To|Received|Authentication-Results):"
                       rb"[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*", re.IGNORECASE)
    while (found := field.match(message)):
        message = message[found.end():]
    return message


class Failure(Exception):
    """A command of the program ended otherwise than expected."""


class Host:
    """One server: a state directory, and the program that runs on it."""

    def __init__(self, world, name, domains, number, listen=None, folder=None, dns=None):
        self.world, self.name, self.domains = world, name, domains
        self.place = world.network.place(number)
        self.address = self.place.ipv4
        self.hostname = f"mx.{name}.test"
        self.ports = {service: port + world.network.offset for service, port in PORTS.items()}
        self.folder = pathlib.Path(folder or world.folder / name)
        self.process, self.log, self.ready = None, self.folder.parent / f"{name}.log", False
        self.users = 0
        words = ["init", self.folder, "--hostname", self.hostname]
        for domain in domains:
            words += ["--domain", domain]
        for address in listen or [self.place.ipv4]:
            words += ["--listen", address]
        words += ["--port-offset", world.network.offset]
        dns = dns or world.names
        words += ["--dns", f"{dns.address}:{dns.port}"]
        self._execute(words)
        self.configure(SMALL_TIMES | {"relay.port": self.ports["smtp"]})

    # ---------------------------------------------------------------- settings and commands

    @property
    def settings(self):
        return self.folder / "hayauma.conf"

    def configure(self, values):
        """Sets settings by their full names ("smtp.timeout"); they count at the next start or
        reload."""
        text = self.settings.read_text()
        for name, value in values.items():
            block, _, setting = name.rpartition(".")
            lines, inside = [], ""
            for line in text.splitlines():
                words = line.split()
                if words and words[-1] == "{" and words[0] != "#":
                    inside = words[0]
                elif words == ["}"]:
                    inside = ""
                elif words and words[0] == setting and inside == block:
                    continue
                lines.append(line)
            line = f"{setting} {value}"
            lines += [f"{block} {{", "    " + line, "}"] if block else []
            text = "\n".join(lines if block else [line, *lines]) + "\n"
        self.settings.write_text(text)

    def _command(self, words, **more):
        return subprocess.run(self.place.command(PROGRAM, *words), text=True, capture_output=True,
                              timeout=90, check=False, **more)

    def _execute(self, words, **more):
        done = self._command(words, **more)
        if done.returncode:
            raise Failure(f"hayauma {' '.join(map(str, words))} ended with {done.returncode}: "
                          f"{done.stderr or done.stdout}\n{self.said()[-3000:]}")
        return done.stdout

    def run(self, *words, **more):
        """Output of a command that must succeed."""
        return self._execute(["-C", self.folder, *words], **more)

    def attempt(self, *words, **more):
        """A command that may fail."""
        return self._command(["-C", self.folder, *words], **more)

    def json(self, *words):
        return json.loads(self.run("--json", *words))

    # ---------------------------------------------------------------- life

    def start(self):
        assert self.process is None
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.place.command(PROGRAM, "-C", self.folder, "run"), stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=log, start_new_session=True)
        lines = queue.Queue()
        reader = threading.Thread(target=self._read_output, args=(self.process, lines), daemon=True)
        reader.start()
        try:
            line = lines.get(timeout=START_LIMIT)
        except queue.Empty:
            line = b""
        if line != b"ready\n":
            stop_process(self.process)
            self.process = None
            raise Failure(f"host {self.name} did not start:\n{self.said()[-3000:]}")
        return self

    @staticmethod
    def _read_output(process, lines):
        with process.stdout as out:
            lines.put(out.readline())
            for _ in out:
                pass

    def stop(self):
        """As SIGTERM does it; must be over in time and in order."""
        process, self.process = self.process, None
        assert stop_process(process, STOP_LIMIT), \
            f"host {self.name} did not stop within {STOP_LIMIT:g} s:\n{self.said()[-3000:]}"
        assert process.returncode == 0, \
            f"host {self.name} ended with {process.returncode}:\n{self.said()[-3000:]}"

    def restart(self):
        self.stop()
        return self.start()

    def close(self):
        if self.process:
            process, self.process = self.process, None
            stop_process(process)

    def said(self):
        """Its standard error so far."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def processes(self):
        return self.json("status")["processes"]

    def pids(self, role):
        return [p["pid"] for p in self.processes() if p["role"] == role]

    # ---------------------------------------------------------------- people and messages

    def account(self, user=None, *options, domain=None, password=PASSWORD):
        """A new account; without a name one that no other test has."""
        self.users += 1
        address = f"{user or f'user{self.users}'}@{domain or self.domains[0]}"
        self.run("account", "add", address, "--password-stdin", "--hash-cost", "min", *options,
                 input=password + "\n")
        return address

    def smtp(self, service="smtp", greet=True, **more):
        wire = Smtp(self.address, self.ports[service], **more)
        if service == "submissions":
            wire.tls()
        return wire.greeted() if greet else wire

    def submission(self, user, password=PASSWORD):
        """A connection to port 587 on which the user is logged in."""
        wire = self.smtp("submission").starttls()
        code, lines = wire.login(user, password)
        assert code == 235, lines
        return wire

    def pop3(self, user, password=PASSWORD):
        """A connection to port 995 on which the user is logged in."""
        wire = Pop3(self.address, self.ports["pop3s"]).tls().greeted()
        reply = wire.login(user, password)
        assert reply.startswith("+OK"), reply
        return wire

    def imap(self, user, password=PASSWORD, **more):
        """A connection to port 993 on which the user is logged in."""
        wire = Imap(self.address, self.ports["imaps"], **more).tls().greeted()
        status, text, _ = wire.login(user, password)
        assert status == "OK", text
        return wire

    def deliver(self, user, data=MESSAGE, sender="kiku@far.test"):
        """A message from outside; its id."""
        with self.smtp() as wire:
            return wire.accepted(sender, [user], data)

    def messages(self, user):
        """All messages of a mailbox."""
        with self.pop3(user) as wire:
            count = int(wire.say("STAT").split()[1])
            found = [wire.message(number) for number in range(1, count + 1)]
            wire.say("QUIT")
            return found

    def wait_for_messages(self, user, count=1, limit=15.0):
        """The messages of a mailbox as soon as there are so many."""
        found = []

        def enough():
            found[:] = self.messages(user)
            return len(found) >= count
        wait_until(enough, limit, 0.1,
                   lambda: f"{user} has {len(found)} messages, expected {count}\n{self.story()}")
        assert len(found) == count, f"{user} has {len(found)} messages, expected {count}"
        return found

    def story(self):
        """What is to be known about a failure."""
        listed = self.attempt("queue", "list", "--long")
        return f"queue of {self.name}:\n{listed.stdout}{listed.stderr}\nlog:\n{self.said()[-3000:]}"

    def queued(self):
        """The messages in the queue."""
        return self.json("queue", "list", "--long")

    def wait_until_settled(self, limit=15.0):
        wait_until(lambda: not self.queued(), limit, 0.1, self.story)


class World:
    """The network, its name server, and the hosts on it."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="hyw"))
        self.folder.chmod(0o755)
        self.network = open_network()
        places = {name: self.network.place(number) for name, number in NUMBERS.items()}
        facts = {"here": self.network.here, "deaf": self.network.deaf}
        for name, place in places.items():
            facts |= {name + "4": place.ipv4, name + "6": place.ipv6}
        self.hosts, self.spare, self.names = [], 20, None
        try:
            self.names = NameServer(self.network, RECORDS.format(**facts))
        except AssertionError:
            self.close()
            raise

    def host(self, name, domains=None, settings=None, **more):
        """A host that runs; its number is its name's, or a free one."""
        host = self.prepare(name, domains, settings, **more)
        return host.start()

    def prepare(self, name, domains=None, settings=None, **more):
        """The same, not started."""
        number = NUMBERS.get(name)
        if number is None:
            self.spare += 1
            number = self.spare
        host = Host(self, name, domains or [f"{name}.test"], number, **more)
        self.hosts.append(host)
        if settings:
            host.configure(settings)
        return host

    def remove(self, host):
        host.close()
        self.hosts.remove(host)
        shutil.rmtree(host.folder, ignore_errors=True)

    def close(self):
        for host in self.hosts:
            host.close()
        if self.names:
            self.names.close()
        self.network.close()
        if not os.environ.get("KEEP_WORLD"):
            shutil.rmtree(self.folder, ignore_errors=True)


def kill(pid):
    os.kill(pid, signal.SIGKILL)


__all__ = ["Failure", "Host", "MESSAGE", "PASSWORD", "PROGRAM", "World", "bound_to_us", "kill",
           "strip_trace", "wait_until"]
