# SPDX-License-Identifier: ISC
"""Programs of Mozilla on a display of their own, told what to do over Marionette (JSON over TCP)."""
import json
import os
import pathlib
import socket
import subprocess

from network import bound_to_us, stop_process, wait_until


class Display:
    """An X server whose screen nobody sees."""

    def __init__(self, folder):
        reading, writing = os.pipe()
        self.log = (folder / "xvfb.log").open("wb")
        self.process = subprocess.Popen(
            bound_to_us("Xvfb", "-displayfd", writing, "-screen", "0", "1280x900x24", "-nolisten", "tcp"),
            pass_fds=[writing], stdout=self.log, stderr=self.log)
        os.close(writing)
        with os.fdopen(reading) as said:
            self.name = ":" + said.readline().strip()

    def close(self):
        stop_process(self.process)
        self.log.close()


class Program:
    """One that was started with --marionette and a profile in which its port is 0. Scripts run with all
    rights of the program, and are over when they return."""

    def __init__(self, command, profile, environment, limit=60):
        self.log = (profile / "said.log").open("wb")
        self.process = subprocess.Popen(bound_to_us(*command), stdout=self.log, stderr=self.log,
                                        stdin=subprocess.DEVNULL, env=environment)
        port = profile / "MarionetteActivePort"
        wait_until(lambda: port.exists() and port.read_text().strip(), limit, 0.1, self.said)
        self.socket = socket.create_connection(("127.0.0.1", int(port.read_text())), timeout=120)
        self.rest, self.number = b"", 0
        self._read()  # its greeting
        self.command("WebDriver:NewSession", {})
        self.command("Marionette:SetContext", {"value": "chrome"})
        self.command("WebDriver:SetTimeouts", {"script": 60000})

    def _read(self):
        while b":" not in self.rest:
            self.rest += self.socket.recv(65536)
        size, self.rest = self.rest.split(b":", 1)
        while len(self.rest) < int(size):
            self.rest += self.socket.recv(65536)
        text, self.rest = self.rest[:int(size)], self.rest[int(size):]
        return json.loads(text)

    def command(self, name, parameters):
        self.number += 1
        text = json.dumps([0, self.number, name, parameters]).encode()
        self.socket.sendall(b"%d:%s" % (len(text), text))
        _, _, problem, result = self._read()
        assert problem is None, f"{problem['error']}: {problem['message']}\n{problem['stacktrace']}\n{self.said()}"
        return result.get("value") if isinstance(result, dict) else result

    def run(self, script, *arguments):
        """What an asynchronous function with this body returns."""
        return self.command("WebDriver:ExecuteAsyncScript", {"args": list(arguments), "sandbox": "system", "script": f"""
            const [...words] = arguments;
            const done = words.pop();
            (async (...words) => {{ {script} }})(...words).then(
                (value) => done({{ value }}), (problem) => done({{ problem: `${{problem}} ${{problem.stack}}` }}));
        """})

    def said(self):
        """The last of what it wrote to its standard output and error."""
        return pathlib.Path(self.log.name).read_text(errors="replace")[-3000:]

    def close(self):
        self.socket.close()
        stop_process(self.process, 10)
        self.log.close()
