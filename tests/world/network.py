# SPDX-License-Identifier: ISC
"""The little internet of the world tests: places for hosts, and a name server.

As root each host gets a network namespace of its own, tied to a hub by a veth pair and a bridge;
this process moves into the hub, so that everything it starts and connects lives there. All
addresses are those that the RFCs set aside for documentation, and no packet leaves the namespaces.
Where that cannot be had, hosts are loopback addresses with a port offset, and the rest is the same.
"""
import atexit
import ctypes
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import tempfile
import time

CLONE_NEWNET = 0x40000000
PORTS = {"smtp": 25, "pop3": 110, "imap": 143, "submissions": 465, "submission": 587, "imaps": 993,
         "pop3s": 995}
DNS_PORT = 53
OFFSETS = range(20000, 32000, 1100)  # below the ports that the system gives away
PREFIX = "hy-"


def wait_until(what, limit=10.0, every=0.05, why="it did not happen"):
    """What `what` returns as soon as that is true; fails after `limit` seconds."""
    deadline = time.monotonic() + limit
    while True:
        found = what()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"after {limit:g} s: {why() if callable(why) else why}")
        time.sleep(every)


def bound_to_us(*command):
    """A command line whose process ends with ours, however that ends."""
    return ["setpriv", "--pdeathsig", "TERM", *map(str, command)]


def stop_process(process, limit=5.0):
    """Ends a process of ours: asks first. True when it obeyed within the limit."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(limit)
        return True
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return False


def ip(*words):
    subprocess.run(["ip", *map(str, words)], check=True, capture_output=True, text=True)


def enter(namespace):
    handle = os.open(f"/run/netns/{namespace}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        if ctypes.CDLL(None, use_errno=True).setns(handle, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
    finally:
        os.close(handle)


def remove_leftovers():
    """Namespaces of runs that were killed."""
    for path in pathlib.Path("/run/netns").glob(PREFIX + "*"):
        owner = path.name.split("-")[1]
        if owner.isdigit() and not pathlib.Path(f"/proc/{owner}").exists():
            subprocess.run(["ip", "netns", "del", path.name], check=False, capture_output=True)


class Place:
    """Where a host stands: its addresses, and how to start something there."""

    def __init__(self, number, ipv4, ipv6, namespace=None):
        self.number, self.ipv4, self.ipv6, self.namespace = number, ipv4, ipv6, namespace

    def command(self, *words):
        inside = ["nsenter", f"--net=/run/netns/{self.namespace}"] if self.namespace else []
        return inside + bound_to_us(*words)


class Namespaces:
    """Hosts in network namespaces, ports as in the wild."""

    real = True
    offset = 0
    here, here6, deaf = "192.0.2.1", "2001:db8::1", "192.0.2.2"

    def __init__(self):
        self.hub = f"{PREFIX}{os.getpid()}-hub"
        self.made = []
        remove_leftovers()
        atexit.register(self.close)
        self._make(self.hub)
        ip("-n", self.hub, "link", "add", "br0", "type", "bridge")
        for address in (f"{self.here}/24", f"{self.deaf}/24"):
            ip("-n", self.hub, "addr", "add", address, "dev", "br0")
        ip("-n", self.hub, "addr", "add", f"{self.here6}/64", "dev", "br0", "nodad")
        ip("-n", self.hub, "link", "set", "br0", "up")
        enter(self.hub)

    def _make(self, namespace):
        ip("netns", "add", namespace)
        self.made.append(namespace)
        ip("-n", namespace, "link", "set", "lo", "up")

    def place(self, number):
        namespace = f"{PREFIX}{os.getpid()}-{number}"
        place = Place(number, f"192.0.2.{10 + number}", f"2001:db8::{10 + number:x}", namespace)
        if namespace in self.made:
            return place
        self._make(namespace)
        port = f"port{number}"
        ip("-n", self.hub, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns",
           namespace)
        ip("-n", self.hub, "link", "set", port, "master", "br0", "up")
        ip("-n", namespace, "addr", "add", f"{place.ipv4}/24", "dev", "eth0")
        ip("-n", namespace, "addr", "add", f"{place.ipv6}/64", "dev", "eth0", "nodad")
        ip("-n", namespace, "link", "set", "eth0", "up")
        return place

    def close(self):
        for namespace in self.made:
            subprocess.run(["ip", "netns", "del", namespace], check=False, capture_output=True)
        self.made = []


class Loopback:
    """Hosts as loopback addresses, for those who are not root."""

    real = False
    here, here6, deaf = "127.0.0.1", "::1", "127.0.1.2"

    def __init__(self):
        self.offset = next(filter(self._is_free, OFFSETS))

    def _is_free(self, offset):
        for port in (*PORTS.values(), DNS_PORT):
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                with socket.socket(socket.AF_INET, kind) as probe:
                    try:
                        probe.bind(("0.0.0.0", port + offset))
                    except OSError:
                        return False
        return True

    def place(self, number):
        return Place(number, f"127.0.1.{10 + number}", "::1")

    def close(self):
        pass


def open_network():
    """WORLD=loopback asks for the second kind where the first could be had."""
    wants = os.environ.get("WORLD") != "loopback"
    if wants and os.geteuid() == 0 and shutil.which("ip") and shutil.which("nsenter"):
        try:
            return Namespaces()
        except (OSError, subprocess.CalledProcessError):
            pass
    return Loopback()


class NameServer:
    """NSD with one zone, "test.", and one that it cannot load, "broken.test."."""

    def __init__(self, network, records, port=DNS_PORT):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="hyd"))
        self.address = network.here
        self.port = port + network.offset
        self._write_zones(records)
        (self.folder / "nsd.conf").write_text(self._settings())
        self.log = (self.folder / "nsd.log").open("w")
        self.process = subprocess.Popen(
            bound_to_us(shutil.which("nsd", path=os.environ["PATH"] + ":/usr/sbin"), "-d", "-c",
                        self.folder / "nsd.conf"),
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        try:
            wait_until(self._answers, why=lambda: (self.folder / "nsd.log").read_text())
        except AssertionError:
            self.close()
            raise

    def _write_zones(self, records):
        self._write_zone("test", records)
        self.zones = {"test.": "zone", "broken.test.": "missing"}

    def _write_zone(self, name, records, file="zone"):
        (self.folder / file).write_text(
            f"$ORIGIN {name}.\n$TTL 60\n"
            f"@ SOA ns.test. hostmaster.test. 1 3600 600 86400 60\n@ NS ns.test.\n"
            + (f"ns A {self.address}\n" if name == "test" else "") + records)

    def _settings(self):
        files = "".join(f"  {name}: \"{self.folder}/{file}\"\n" for name, file in (
            ("zonesdir", ""), ("zonelistfile", "zone.list"), ("xfrdfile", "xfrd.state"),
            ("xfrdir", ""), ("logfile", "nsd.log"), ("pidfile", "nsd.pid")))
        zones = "".join(f"zone:\n  name: {name}\n  zonefile: {file}\n"
                        for name, file in self.zones.items())
        return (f"server:\n  ip-address: {self.address}\n  port: {self.port}\n  username: \"\"\n"
                f"  server-count: 1\n  database: \"\"\n  rrl-ratelimit: 0\n{files}"
                f"remote-control:\n  control-enable: no\n{zones}")

    def _answers(self):
        question = struct.pack(">6H", 7, 0, 1, 0, 0, 0) + b"\x04test\0" + struct.pack(">2H", 6, 1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.settimeout(0.2)
            try:
                probe.sendto(question, (self.address, self.port))
                return len(probe.recv(512)) > len(question)
            except OSError:
                return False

    def close(self):
        stop_process(self.process)
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class SignedNameServer(NameServer):
    """The same with signed zones (DNSSEC): "test." and "stale.test.", whose signatures have run
    out; "open.test." is not signed. `anchor` is a file with the trust anchor. What stands in
    `forged` (as {before: behind}) is changed after signing."""

    def __init__(self, network, records, stale="", unsigned="", forged=None, port=DNS_PORT + 200):
        self.stale, self.unsigned, self.forged = stale, unsigned, forged or {}
        super().__init__(network, records, port)

    def _sign(self, name, file, *options):
        """Signs a zone; its DS record as text."""
        key = self._tool("ldns-keygen", "-a", "ECDSAP256SHA256", "-k", name).strip()
        self._tool("ldns-signzone", *options, "-f", f"{file}.signed", file, key)
        return (self.folder / f"{key}.ds").read_text()

    def _tool(self, *words):
        return subprocess.run(words, cwd=self.folder, check=True, capture_output=True,
                              text=True).stdout

    def _write_zones(self, records):
        self._write_zone("open.test", self.unsigned, "open")
        self._write_zone("stale.test", self.stale, "stale")
        stale = self._sign("stale.test", "stale", "-i", "20200101", "-e", "20200201")
        self._write_zone("test", records + stale + "stale NS ns\nopen NS ns\n")
        self.anchor = self.folder / "anchor"
        self.anchor.write_text(self._sign("test", "zone"))
        signed = self.folder / "zone.signed"
        text = signed.read_text()
        for before, behind in self.forged.items():
            assert before in text
            text = text.replace(before, behind)
        signed.write_text(text)
        self.zones = {"test.": "zone.signed", "stale.test.": "stale.signed", "open.test.": "open"}
