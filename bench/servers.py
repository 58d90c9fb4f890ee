# SPDX-License-Identifier: ISC
"""Hayauma as the bench starts it, and what all servers need."""
import json
import os
import signal
import socket
import subprocess
import time

from measure import TOP, Failure, Meter

PROGRAM = os.environ.get("HAYAUMA") or str(TOP / "build/hayauma")
HERE = "127.0.0.1"
START_LIMIT = 60

# Limits that guard against one stranger would stop the load tools, which are one. All else is as
# `hayauma init` makes it.
SETTINGS = {
    "smtp": {"trusted-networks": "127.0.0.0/8", "messages-per-connection": "100000"},
    "login": {"allow-plaintext": "yes"},
}


def answers(port):
    """Whether a server greets at a port."""
    try:
        with socket.create_connection((HERE, port), timeout=5) as probe:
            return bool(probe.recv(1))
    except OSError:
        return False


def is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HERE, port))
        except OSError:
            return False
    return True


def messages_in(folder):
    """Files in a folder and those below it."""
    return sum(len(files) for _, _, files in os.walk(folder))


def wait_gone(process, limit=15):
    try:
        process.wait(limit)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def merge_settings(text, extra):
    """A settings file without its comments, with settings added to its blocks."""
    blocks, block = {"": {}}, ""
    for line in text.splitlines():
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        if line.endswith("{"):
            block = line[:-1].strip()
            blocks.setdefault(block, {})
        elif line == "}":
            block = ""
        else:
            name, _, value = line.partition(" ")
            blocks[block][name] = value.strip()
    for block, settings in extra.items():
        blocks.setdefault(block, {}).update(settings)
    out = [f"{name} {value}" for name, value in blocks.pop("").items()]
    for block, settings in blocks.items():
        out += [f"{block} {{", *(f"    {name} {value}" for name, value in settings.items()), "}"]
    return "\n".join(out) + "\n"


class Hayauma:
    """A fresh server for bench.test; other messages go to the sink."""

    name = "Hayauma"

    def __init__(self, folder, ports, password=None, accounts=0, settings=None):
        self.folder, self.ports, self.meter = folder, ports, Meter(f"hayauma-{folder.name}")
        self.password, self.extra = password, settings or {}
        self.process = None
        try:
            self.make(password, accounts)
            self.start()
        except BaseException:
            self.close()
            raise

    def make(self, password, accounts):
        folder, ports = self.folder, self.ports
        folder.parent.mkdir(parents=True, exist_ok=True)
        self.run("init", folder, "--hostname", "mail.bench.test", "--domain", "bench.test",
                 "--listen", HERE, "--port-offset", str(ports["offset"]))
        conf = folder / "hayauma.conf"
        extra = dict(SETTINGS, **self.extra, relay={"smart-host": f"{HERE}:{ports['sink']}"})
        conf.write_text(merge_settings(conf.read_text(), extra))
        if accounts:
            self.run("account", "add", "user%03d@bench.test", "--password-stdin", "--count",
                     str(accounts), "--hash-cost", "min", input=password + "\n")

    def run(self, *words, **more):
        done = subprocess.run([PROGRAM, "-C", self.folder, *words], text=True, capture_output=True,
                              check=False, **more)
        if done.returncode:
            raise Failure(f"hayauma {' '.join(map(str, words))}: {done.stderr.strip()}")
        return done.stdout

    def start(self):
        """Seconds from the start of the program until it says that it is ready."""
        with (self.folder / "stderr").open("a") as errors:
            began = time.monotonic()
            self.process = subprocess.Popen(
                self.meter.inside(PROGRAM, "-C", str(self.folder), "run"), text=True,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors,
                start_new_session=True)
            line = self.process.stdout.readline()
        self.meter.root = self.process.pid
        if line.strip() != "ready":
            raise Failure(f"Hayauma did not start: see {self.folder}/stderr")
        return time.monotonic() - began

    def stop(self):
        self.process.terminate()
        wait_gone(self.process)

    def restart(self):
        self.stop()
        self.start()

    def cpu(self):
        return self.meter.seconds()

    def queue_length(self):
        return json.loads(self.run("status", "--json"))["messages"]

    def wait_indexed(self, account, limit=600):
        """Until all texts of an account, in which somebody has searched, are in its index."""
        end = time.monotonic() + limit
        while time.monotonic() < end:
            index = json.loads(self.run("search", "status", account, "--json"))
            if index["index"] and not index["anew"] and index["left"] == 0:
                return
            time.sleep(0.1)
        raise Failure(f"the index of {account} is not made after {limit} s")

    def is_empty(self):
        return not json.loads(self.run("queue", "list", "--json", "-n", "1"))

    def waiting(self):
        """The oldest messages on their way, and why."""
        return self.run("queue", "list", "--long", "-n", "5")

    def close(self):
        if self.process and self.process.poll() is None:
            self.stop()
        self.meter.close()
