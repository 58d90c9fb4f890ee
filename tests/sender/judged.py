# SPDX-License-Identifier: ISC
"""The cases of a suite (suites.py), judged by `hayauma verify --json-lines` and by programs of others."""
import concurrent.futures
import json
import os
import pathlib
import subprocess
import tempfile

from stub_dns import StubDns

HERE = pathlib.Path(__file__).parent
TOP = HERE.parents[1]
HAYAUMA = os.environ.get("HAYAUMA", "build/check/hayauma")
NOW = 1796000000
MESSAGE = "From: Tama <tama@nowhere.invalid>\r\nSubject: Lunch\r\n\r\nAt noon?\r\n"


def verify(arrivals, address):
    done = subprocess.run([HAYAUMA, "verify", "--json-lines", "--dns", address, "--authserv-id", "mx.example.jp"],
                          check=False, input="".join(json.dumps(one) + "\n" for one in arrivals),
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def has_trouble(case, records):
    return any(isinstance(value, str) for key, values in records.items() for value in values
               if key.rsplit(" ", 1)[0].endswith(case.own))


def judge(suite, arrivals):
    """The verdict of each case. One whose DNS is in trouble has a process of its own, since a resolver
    remembers which server is slow."""
    alone = [at for at, case in enumerate(suite.cases) if has_trouble(case, suite.records)]
    groups = [[at for at in range(len(arrivals)) if at not in alone]] + [[at] for at in alone]
    verdicts = [None] * len(arrivals)
    with StubDns(suite.records) as dns, concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = pool.map(lambda group: verify([arrivals[at] for at in group], dns.address), groups)
        for group, answer in zip(groups, answers):
            for at, verdict in zip(group, answer):
                verdicts[at] = verdict
    return verdicts


def judge_messages(suite, messages, ways=None):
    """The verdict of each case, of which there is the message in bytes, and in `ways` how it came."""
    with tempfile.TemporaryDirectory() as folder:
        arrivals = []
        for at, message in enumerate(messages):
            path = pathlib.Path(folder) / f"{at}.eml"
            path.write_bytes(message)
            arrivals.append({"message_file": str(path), "client_ip": "192.0.2.1", "time": NOW,
                             **(ways[at] if ways else {})})
        return judge(suite, arrivals)


def ask_program(command, suite, asked):
    """What one of the scripts of this folder says: it reads {"records", "asked"} and prints a list."""
    done = subprocess.run(command, check=False, input=json.dumps({"records": suite.records, "asked": asked}),
                          capture_output=True, text=True, timeout=60, cwd=TOP)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def check_peer(case, peer, told, results):
    """It says what the RFC says, or what the case has noted; `results` are those that count as one."""
    expected = case.differs.get(peer, case.result)
    assert results.get(told, told) == results.get(expected, expected), f"{peer} says {told}"
    if peer in case.differs:
        assert results.get(expected, expected) != results.get(case.result, case.result), (
            f"{peer} does not differ any more")
