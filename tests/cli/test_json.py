# SPDX-License-Identifier: ISC
"""What --json prints is what each command's help, and events.md, say of it."""
import json
import pathlib
import re
import smtplib

from fake_dns import FakeDns
from server import NOT_RUNNING, PASSWORD, PROGRAM, REFUSED, TOP, hayauma
from test_mailbox import delete_all
from test_report import files as report_files
from test_report_tls import files as tls_files
from test_running import held_messages, journeys, send, submit, wait_for

EVENTS = next(path for path in (pathlib.Path(PROGRAM).parent / "src/events/events.md",
                                TOP / "build/src/events/events.md") if path.exists())

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
TYPES = {
    "text": lambda value: isinstance(value, str),
    "number": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "bool": lambda value: isinstance(value, bool),
    "time": lambda value: isinstance(value, str) and TIME.fullmatch(value),
    "null": lambda value: value is None,
}


def described(name):
    """The words of the help about JSON, read: a list, a dict or a set of types; None: no words."""
    said = re.search(r"With --json:\n((?:  .*\n)+)", hayauma(*name.split(), "--help").stdout)
    if not said:
        return None
    words = re.findall(r'"[^"]*"\??|[a-z]+|[\[\]{}:,|]', said.group(1))
    shape = read(words)
    assert not words, f"{name}: {words} is left over"
    return shape


def read(words):
    word = words.pop(0)
    if word == "[":
        shape = [read(words)]
        assert words.pop(0) == "]"
        return shape
    if word == "{":
        members = {}
        while words[0] != "}":
            key = words.pop(0)
            assert words.pop(0) == ":"
            members[key.rstrip("?").strip('"')] = (key.endswith("?"), read(words))
            if words[0] == ",":
                words.pop(0)
        words.pop(0)
        return members
    types = {word}
    while words and words[0] == "|":
        words.pop(0)
        types.add(words.pop(0))
    return types


def compare(shape, value, where):
    if isinstance(shape, list):
        assert isinstance(value, list), where
        for number, one in enumerate(value):
            compare(shape[0], one, f"{where}[{number}]")
    elif isinstance(shape, dict):
        assert isinstance(value, dict), where
        missing = {key for key, (optional, _) in shape.items() if not optional} - value.keys()
        assert not missing, f"{where}: {missing} is missing"
        for key, one in value.items() if shape else ():
            assert key in shape, f"{where}.{key} is not documented"
            compare(shape[key][1], one, f"{where}.{key}")
    else:
        assert any(TYPES[name](value) for name in shape), f"{where} is {value!r}, not {shape}"


def test_every_command_prints_the_json_that_its_help_describes(running, tmp_path):
    seen = {}

    def call(name, *words, lines=False, **more):
        shape = seen.setdefault(name, described(name))
        said = running(*name.split(), *words, "--json", **more).stdout
        for text in said.splitlines() if lines else [said]:
            compare(shape, json.loads(text), name)

    held = held_messages(running, 3)
    call("account add", "a%d@example.test", "--count", "2", "--generate", "--hash-cost", "min")
    call("account add", "b@example.test", "--password-stdin", stdin=PASSWORD)
    call("account import", "-", "--generate", "--keep-going", code=REFUSED,
         stdin="c@example.test\nx:!\nnobody@elsewhere.test\n")
    call("account import", "-", stdin="d@example.test\n")
    call("account password", "b@example.test", "--generate")
    call("account apop", "b@example.test", "--generate")
    running("account", "quota", "b@example.test", "1G")
    call("account limits", "b@example.test", "--messages-per-day", "7")
    call("account send-as", "b@example.test", "any")
    call("account show", "b@example.test")
    call("account list")
    call("account remove", "b@example.test")
    call("account list", "--removed")
    call("account restore", "b@example.test")
    running("account", "remove", "b@example.test")
    call("account purge", "b@example.test")
    running("alias", "add", "all@example.test", "tama@example.test", "mike@example.net")
    running("domain", "add", "example.com", "--alias-of", "example.org")
    running("domain", "catch-all", "example.org", "tama@example.test")
    call("alias import", "-", "--keep-going", code=REFUSED,
         stdin="lab@example.test tama@example.test\nx@example.test |program\n")
    call("alias list")
    call("domain list")
    call("status")
    call("check")
    call("config")
    call("config", "--changed")
    call("fibers", "queue")
    call("reload")
    call("log", "-n", "1000", lines=True)
    call("queue list")
    call("queue list", "--long")
    call("queue show", held[0]["id"])
    call("route", "all@example.test")
    call("route", "someone@[127.0.0.9]")
    compare(described("config")[0], running.json("config", "port-offset"), "config")
    send(running, "a@outside.test", "tama@example.test")
    wait_for(lambda: journeys(running, "a@outside.test"))
    call("journey", "tama@example.test")
    call("message list", "tama@example.test")
    one = running.json("message", "list", "tama@example.test")[0]["id"]
    call("message show", "tama@example.test", one)
    call("message copy", "tama@example.test", "ALL", "--into", "Archive")
    call("message move", "tama@example.test", "ALL", "--into", "Archive", "--dry-run")
    call("message delete", "tama@example.test", "--mailbox", "Archive", "ALL")
    delete_all(running)
    call("mailbox list", "tama@example.test")
    call("mailbox acl", "tama@example.test", "INBOX")
    call("mailbox quota", "tama@example.test")
    call("mailbox deleted", "tama@example.test")
    call("mailbox restore", "tama@example.test", "--all", "--dry-run")
    call("mailbox restore", "tama@example.test", "--all")
    call("search status", "tama@example.test")
    call("search rebuild", "tama@example.test")
    for action in ("release", "hold", "retry", "remove"):
        call(f"queue {action}", held[0]["id"])
    signed = tmp_path / "signed"
    signed.write_text("DKIM-Signature: v=1; d=x.test\nFrom: hanako@example.org\n\nText\n")
    with FakeDns({}) as dns:
        call("verify", str(signed), "--dns", dns.address, "--mail-from", "hanako@example.org")
    call("dns", "--no-check")
    call("report dmarc", *report_files(tmp_path))
    call("report tls", *tls_files(tmp_path))
    running.stop()
    call("status", code=NOT_RUNNING)
    call("repair", "tama@example.test")
    seen["init"] = described("init")
    made = hayauma("init", tmp_path / "another", "--hostname", "mail.example.test", "--domain",
                   "example.test", "--json")
    compare(seen["init"], json.loads(made.stdout), "init")
    assert seen.keys() == documented() and None not in seen.values()


def tables(title):
    """Rows of events.md: the cells by the first one."""
    part = EVENTS.read_text().split(f"## {title}\n")[1].split("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in part.splitlines()
            if line.startswith("| `")]
    return {row[0].strip("`"): row[1:] for row in rows}


def check_events(events):
    kinds, facts = tables("Kinds"), tables("Facts")
    seen = set()
    for event in events:
        level, _, names, _ = kinds[event["kind"]]
        assert event["level"] == level
        assert event["facts"].keys() <= set(names.split()), event
        seen |= {event["kind"]} | event["facts"].keys()
        for name, value in event["facts"].items():
            kind = facts[name][0]
            if kind.startswith("list"):
                assert isinstance(value, list) and all(isinstance(one, str) for one in value)
            elif kind in ("number", "bytes"):
                assert TYPES["number"](value), event
            elif kind == "time":
                assert TYPES["time"](value), event
            else:
                assert TYPES["text"](value), event
    return seen


def test_events_have_the_kinds_and_facts_that_events_md_lists(running):
    for user in ("tama", "mike"):
        running.add(f"{user}@example.test")
    running("alias", "add", "all@example.test", "tama@example.test", "mike@example.test")
    send(running, "a@outside.test", "all@example.test")
    submit(running, "tama@example.test", "someone@example.net", "mike@example.test")
    with smtplib.SMTP("127.0.0.1", running.port(25), timeout=20) as client:
        client.ehlo()
        client.mail("a@outside.test")
        client.rcpt("nobody@example.test")
    wait_for(lambda: "deferred" in check_events(running.json_lines("log", "-n", "1000")), 60)
    message = running.json("queue", "list")[0]["id"]
    for action in ("hold", "release", "retry"):
        running("queue", action, message)
    running("queue", "remove", message, "--bounce")
    running("reload")
    seen = check_events(running.json_lines("log", "-n", "1000"))
    assert {"accepted", "queued", "expanded", "delivered", "rejected", "deferred", "removed", "report",
            "held", "released", "settled", "login", "lookup", "targets", "child", "next",
            "attempts", "account", "original", "origin"} <= seen


def documented():
    """The commands whose help describes JSON."""
    listed = hayauma("--help").stdout.split("Commands:\n")[1].split("\n\n")[0]
    names = re.findall(r"(?m)^  ([a-z-]+(?: [a-z-]+)?)  ", listed)
    assert "account add" in names and "status" in names
    return {name for name in names if described(name)}
