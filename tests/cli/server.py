# SPDX-License-Identifier: ISC
"""A server in a folder of its own, and its commands."""
import json
import os
import pathlib
import re
import select
import socket
import subprocess

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
# What a test compares is English, whoever runs it.
os.environ["LC_ALL"] = "C"
PROGRAM = os.environ.get("HAYAUMA") or str(TOP / "build/hayauma")
OK, FAILED, USAGE, NOT_RUNNING, NOT_FOUND, REFUSED, SETTINGS, BUSY = range(8)
PASSWORD = "unmarked-barge-thicket-39"
WELL_KNOWN = (25, 110, 143, 465, 587, 993, 995)
OFFSETS = range(20000, 31700, 100)  # no two share a port; below what systems give away
START_LIMIT = 30.0  # seconds until the server must be ready


def hayauma(*words, stdin="", code=OK, **more):
    done = subprocess.run([PROGRAM, *map(str, words)], input=stdin, text=True, capture_output=True,
                          timeout=120, check=False, **more)
    assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def free_offset():
    """An offset at which all ports of a server are free now."""
    first = os.getpid() % len(OFFSETS)  # not where everybody looks
    for offset in (*OFFSETS[first:], *OFFSETS[:first]):
        sockets = [socket.socket() for _ in WELL_KNOWN]
        try:
            for one, port in zip(sockets, WELL_KNOWN):
                one.bind(("127.0.0.1", port + offset))
            return offset
        except OSError:
            continue
        finally:
            for one in sockets:
                one.close()
    raise AssertionError("no free ports")


def old_certificate(server):
    """Puts a certificate in place whose last day was yesterday."""
    keys = server.folder / "keys"
    request = subprocess.run(["openssl", "req", "-new", "-key", keys / "default.key", "-subj",
                              "/CN=mail.example.test"], capture_output=True, check=True).stdout
    made = subprocess.run(["openssl", "x509", "-req", "-signkey", keys / "default.key", "-days",
                           "-1"], input=request, capture_output=True, check=True).stdout
    (keys / "default.crt").write_bytes(made)


class Server:
    """A state directory of a server that does not run."""

    def __init__(self, folder):
        self.folder = folder
        self.made = hayauma("init", folder, "--hostname", "mail.example.test", "--domain",
                            "example.test", "example.org", "--listen", "127.0.0.1",
                            "--port-offset", free_offset(), "--dns", "127.0.0.1:9")

    def __call__(self, *words, **more):
        return hayauma("-C", self.folder, *words, **more)

    def json(self, *words, **more):
        return json.loads(self(*words, "--json", **more).stdout)

    def json_lines(self, *words, **more):
        return [json.loads(line) for line in self(*words, "--json", **more).stdout.splitlines()]

    def add(self, address, *words, password=PASSWORD, cost="min", **more):
        return self("account", "add", address, "--password-stdin", "--hash-cost", cost, *words,
                    stdin=password + "\n", **more)

    @property
    def settings(self):
        return self.folder / "hayauma.conf"

    def port(self, well_known):
        offset = re.search(r"(?m)^port-offset (\d+)", self.settings.read_text()).group(1)
        return well_known + int(offset)

    def start(self):
        self.errors = open(self.folder.parent / "stderr", "w+")
        self.process = subprocess.Popen([PROGRAM, "-C", self.folder, "run"], text=True,
                                        stdout=subprocess.PIPE, stderr=self.errors)
        assert select.select([self.process.stdout], [], [], START_LIMIT)[0], "never ready"
        assert self.process.stdout.readline() == "ready\n", self.said()

    def said(self):
        self.errors.seek(0)
        return self.errors.read()

    def stop(self):
        """Ends it in order; a process that broke says so on standard error."""
        self.process.terminate()
        assert self.process.wait(timeout=20) == 0, self.said()
        self.process.stdout.close()
        assert "ERROR: AddressSanitizer" not in self.said(), self.said()
        assert "runtime error" not in self.said(), self.said()
        self.errors.close()
