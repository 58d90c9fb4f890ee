#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""The name server of the fault tests: a process of its own, which dies and comes again.

    names = Names(port)
    names.records["outside.test TXT"] = ["v=spf1 -all"]
    names.start()                   with the records of now
    names.die()                     kill -9; what is asked then has no answer
"""
import json
import pathlib
import subprocess
import sys
import threading

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(TOP / "tests/cli"))

from fake_dns import FakeDns  # noqa: E402
from server import HERE, NotReady, die_with_us  # noqa: E402


class Names:
    def __init__(self, port):
        self.port, self.records, self.process = port, {}, None
        self.address = f"{HERE}:{port}"

    def start(self):
        self.process = subprocess.Popen([sys.executable, __file__, str(self.port)], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        preexec_fn=die_with_us)
        self.process.stdin.write(json.dumps(self.records) + "\n")
        self.process.stdin.flush()
        if self.process.stdout.readline() != "ready\n":
            raise NotReady("the name server did not start")

    def die(self):
        self.process.kill()
        self.process.communicate()


def main():
    with FakeDns(json.loads(sys.stdin.readline()), (HERE, int(sys.argv[1]))):
        print("ready", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
