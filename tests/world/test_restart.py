# SPDX-License-Identifier: ISC
"""Processes that are killed, stopped, and told to read their settings again: clients get a
temporary answer, and no message that was taken is lost."""
import contextlib
import os
import re
import signal
import sqlite3
import subprocess
import time

import pytest

from roles import ROLES
from wire import Closed, Pop3, written_by
from world import MESSAGE, PASSWORD, PROGRAM, Failure, kill, strip_trace, wait_until


@pytest.fixture(scope="module")
def host(world):
    """A host whose processes are killed one after the other."""
    host = world.host("killed")
    yield host
    world.remove(host)


def fallen(host, role):
    """Kills all processes of a role; what is known of them before."""
    before = [p for p in host.processes() if p["role"] == role]
    for process in before:
        kill(process["pid"])
    return before


def wait_for_return(host, before):
    """Until as many processes of the role work again, all of them new ones."""
    role, old = before[0]["role"], {p["pid"] for p in before}

    def is_back():
        now = [p for p in host.processes() if p["role"] == role]
        return (len(now) == len(before) and not old & {p["pid"] for p in now}
                and all(p["state"] == "working" for p in host.processes())
                and all(p["restarts"] >= 1 for p in now))
    wait_until(is_back, 5, 0.05, lambda: f"{role} is not back: {host.processes()}")


def go_on(wire, recipient):
    """The rest of a transaction as far as it goes: the last code, or 0 for a lost connection."""
    try:
        for command in (f"RCPT TO:<{recipient}>", "DATA"):
            code, _ = wire.say(command, 15)
            if code >= 400:
                return code
        wire.send(MESSAGE)
        return wire.code(".", 15)
    except (Closed, OSError):
        return 0


@pytest.mark.parametrize("role", ROLES)
def test_kill_during_a_transaction(host, role):
    """The client hears 4xx or nothing; a 250 is kept; seconds later all works again."""
    user = host.account()
    with host.smtp() as wire:
        assert wire.code("MAIL FROM:<kiku@far.test>") == 250
        before = fallen(host, role)
        code = go_on(wire, user)
    assert code == 0 or code == 250 or 400 <= code < 500, code
    wait_for_return(host, before)
    host.deliver(user)
    found = host.wait_for_messages(user, 1 + (code == 250))
    assert {strip_trace(message) for message in found} == {MESSAGE}


@pytest.mark.parametrize("role", ["queue", "mail", "directory"])
def test_kill_between_the_message_and_its_answer(host, role):
    user = host.account()
    with host.smtp() as wire:
        assert wire.code("MAIL FROM:<kiku@far.test>") == 250
        assert wire.code(f"RCPT TO:<{user}>") == 250
        assert wire.code("DATA") == 354
        wire.send(MESSAGE)
        before = fallen(host, role)
        try:
            code = wire.code(".", 15)
        except (Closed, OSError):
            code = 0
    assert code in (0, 250) or 400 <= code < 500, code
    wait_for_return(host, before)
    host.deliver(user)
    host.wait_for_messages(user, 1 + (code == 250))


def test_the_file_of_a_large_message_goes_with_its_edge(host):
    """Otherwise the places for large messages are used up one day."""
    user = host.account()
    files = host.folder / "spool" / "large"
    with host.smtp() as wire:
        assert wire.code("MAIL FROM:<kiku@far.test>") == 250
        assert wire.code(f"RCPT TO:<{user}>") == 250
        assert wire.code("DATA") == 354
        wire.send(MESSAGE + b"large\r\n" * 100000)
        wait_until(lambda: any(files.iterdir()), 5)
        before = fallen(host, "edge")
    wait_until(lambda: not any(files.iterdir()), 5, why=lambda: list(files.iterdir()))
    wait_for_return(host, before)


@pytest.mark.parametrize("role", ["edge", "mail", "directory"])
@pytest.mark.parametrize("service", ["pop3", "pop3s"])
def test_kill_during_a_pop3_session(host, role, service):
    """The session ends, or goes on when it did not need the process; no message is gone."""
    user = host.account()
    host.deliver(user)
    host.wait_for_messages(user)
    wire = Pop3(host.address, host.ports[service])
    with (wire.tls().greeted() if service == "pop3s" else wire.greeted().stls()):
        assert wire.login(user, PASSWORD).startswith("+OK")
        assert wire.say("DELE 1").startswith("+OK")
        before = fallen(host, role)
        wait_for_return(host, before)
        try:
            assert wire.say("NOOP", 5).startswith("+OK") == (role == "directory")
        except (Closed, OSError):
            assert role != "directory"
    assert [strip_trace(message) for message in host.messages(user)] == [MESSAGE]


@pytest.mark.parametrize("role", ["relay", "resolver", "queue"])
def test_kill_while_a_message_is_on_its_way_to_another_host(host, b, role):
    """Transmitted at least once, and in the end the queue is empty."""
    writer, reader = host.account(), b.account()
    with host.submission(writer) as wire:
        wire.accepted(writer, [reader], MESSAGE)
        before = fallen(host, role)
    wait_for_return(host, before)
    wait_until(lambda: b.messages(reader), 20, 0.1, host.story)
    host.run("queue", "retry", "--all")
    host.wait_until_settled(20)
    assert {strip_trace(message) for message in b.messages(reader)} == {written_by(writer, MESSAGE)}


def test_killed_process_is_told_in_the_log(host):
    wait_for_return(host, fallen(host, "resolver"))
    wait_until(lambda: "resolver" in host.run("log", "-n", "200"), 5)


def test_nobody_outlives_the_master(server):
    """Without it the others end; the next start finds everything in order."""
    host = server("orphans")
    user = host.account()
    host.deliver(user)
    pids = [p["pid"] for p in host.processes()]
    kill(host.process.pid)
    host.process.wait(5)
    host.process = None
    wait_until(lambda: not [pid for pid in pids if is_alive(pid)], 5)
    host.start()
    host.wait_for_messages(user)


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


# ---------------------------------------------------------------- processes that do not go on


def test_stopped_process_is_noticed_and_replaced(server):
    """It keeps its connections, so everybody would wait for it for ever."""
    host = server("frozen")
    user = host.account()
    pid, = host.pids("directory")
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: not is_alive(pid), 60, 0.5, host.said)
    wait_until(lambda: all(p["state"] == "working" for p in host.processes()), 5, 0.1, host.said)
    host.deliver(user)
    assert "has not answered" in host.run("log", "-n", "50")


def new_process(host, role, old):
    """The pid of a process that the master has just started, before it has done much."""
    deadline = time.monotonic() + 5
    children = f"/proc/{host.process.pid}/task/{host.process.pid}/children"
    while time.monotonic() < deadline:
        with open(children, encoding="ascii") as listed:
            pids = [int(word) for word in listed.read().split()]
        for pid in pids:
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as line:
                    words = line.read().split(b"\0")
            except OSError:
                continue
            if words[1:3] == [b"--process", role.encode()] and pid not in old:
                return pid
    raise AssertionError(f"no new {role} process")


def test_sigterm_is_heard_while_processes_start(server):
    """One that does not come up must not keep the others."""
    host = server("hurried", run=False)
    with host.log.open("ab") as log:
        host.process = subprocess.Popen(
            host.place.command(PROGRAM, "-C", host.folder, "run"), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=log, start_new_session=True)
    os.kill(new_process(host, "directory", set()), signal.SIGSTOP)
    time.sleep(0.3)
    host.stop()


def test_settings_read_while_a_process_starts_reach_it(server):
    host = server("early", settings={"workers.edge": "1"})
    old = host.pids("edge")
    kill(old[0])
    pid = new_process(host, "edge", old)
    os.kill(pid, signal.SIGSTOP)
    host.configure({"smtp.banner": "\"new words\""})
    host.attempt("reload")  # it may have been so far that it is asked, and ended for no answer
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)
    wait_until(lambda: host.processes()[-1]["state"] == "working", 5)
    assert banner(host).endswith("ESMTP new words")


# ---------------------------------------------------------------- stopping


def test_sigterm_ends_all_within_seconds_whoever_is_connected(server):
    """Host.stop() holds the five seconds. Clients are told, the message under way is not taken."""
    host = server("stopped")
    user = host.account()
    idle, writing, reading = host.smtp(), host.smtp(), host.pop3(user)
    silent = host.smtp(greet=False)
    writing.say("MAIL FROM:<kiku@far.test>")
    writing.say(f"RCPT TO:<{user}>")
    assert writing.code("DATA") == 354
    writing.send(MESSAGE)
    pids = [p["pid"] for p in host.processes()]
    host.stop()
    assert not [pid for pid in pids if is_alive(pid)]
    assert idle.reply()[0] == 421
    assert writing.reply()[0] in (421, 451)
    for wire in (idle, writing, reading, silent):
        wire.until_closed(2)
        wire.close()
    host.start()
    assert host.messages(user) == []


def test_stop_command_waits_for_the_end(server):
    host = server("asked")
    began = time.monotonic()
    host.run("stop")
    assert time.monotonic() - began < 5
    host.process.wait(1)
    assert host.process.returncode == 0
    host.process = None
    down = host.attempt("status")
    assert down.returncode == 3 and "not running" in down.stderr


def test_second_start_in_the_same_directory_is_refused(server):
    host = server("twice")
    second = host.attempt("run")
    assert second.returncode != 0 and "running already" in second.stderr
    host.deliver(host.account())


def test_port_in_use_is_said_with_its_number(server, world):
    """And nothing stays behind."""
    first = server("first")
    host = server("second", run=False)
    host.address = first.address
    host.configure({"listen": first.address})
    host.place = first.place
    with pytest.raises(Failure) as failed:
        host.start()
    assert f"{first.address}:{first.ports['smtp']}" in str(failed.value)
    assert "another program uses this port" in str(failed.value)


def test_queued_messages_survive_a_stop_and_a_kill(server):
    """They are there again, with the attempts that were made."""
    host = server("kept")
    user = host.account()
    with host.submission(user) as wire:
        message = wire.accepted(user, ["x@unreachable.test"], MESSAGE)
    wait_until(lambda: host.queued()[0]["waiting"][0]["attempts"] > 0, 10, 0.1, host.story)
    host.restart()
    assert [q["id"] for q in host.queued()] == [message]
    kill(host.process.pid)
    host.process.wait(5)
    host.process = None
    time.sleep(0.5)
    host.start()
    entry, = host.queued()
    assert entry["id"] == message and entry["waiting"][0]["attempts"] > 0


# ---------------------------------------------------------------- settings


def banner(host):
    with host.smtp(greet=False) as wire:
        return wire.reply()[1][0]


def test_reload_swaps_good_settings_and_keeps_connections(host):
    with host.smtp() as wire:
        host.configure({"smtp.banner": "\"at your service\""})
        said = host.run("reload")
        assert "smtp.banner" in said
        assert banner(host).endswith("ESMTP at your service")
        assert wire.code("NOOP") == 250
    assert "No setting has changed" in host.run("reload")


def test_sighup_reloads_too(host):
    host.configure({"smtp.banner": "\"again\""})
    os.kill(host.process.pid, signal.SIGHUP)
    wait_until(lambda: banner(host).endswith("ESMTP again"), 5)


def reload(host, values):
    host.configure(values)
    said = host.run("reload")
    assert all(name in said for name in values), said
    return said


def test_reload_of_the_plus_separator(server):
    host = server("plus")
    user = host.account("tama")
    plus, minus = (f"tama{separator}shop@{host.domains[0]}" for separator in "+-")
    host.deliver(plus)
    reload(host, {"delivery.plus-separator": "-"})
    with host.smtp() as wire:
        wire.say("MAIL FROM:<kiku@far.test>")
        assert wire.code(f"RCPT TO:<{plus}>") == 550
        assert wire.code(f"RCPT TO:<{minus}>") == 250
    host.deliver(minus)
    host.wait_for_messages(user, 2)


def hash_of(host, user):
    path = f"file:{host.folder}/directory/directory.db?mode=ro"
    with contextlib.closing(sqlite3.connect(path, uri=True)) as db:
        return db.execute("SELECT password FROM account WHERE address = ?", (user,)).fetchone()[0]


def test_reload_of_the_cost_of_passwords(server):
    """Counts for passwords that are set from then on, and at the next login for the others."""
    host = server("cost", settings={"password.memory": "64K", "password.passes": 1})
    user = host.account()
    host.run("account", "password", user, "--password-stdin", input=PASSWORD + "\n")
    assert "m=64,t=1," in hash_of(host, user)
    reload(host, {"password.memory": "128K", "password.passes": 3})
    with host.pop3(user):
        assert "m=128,t=3," in hash_of(host, user)
    reload(host, {"password.memory": "256K"})
    host.run("account", "password", user, "--password-stdin", input="other-Horse-71-gates\n")
    assert "m=256,t=3," in hash_of(host, user)


def test_reload_of_the_name_servers(server, world, b):
    """And of their cache with them: what could not be found before is found at once."""
    good = f"{world.names.address}:{world.names.port}"
    host = server("names", settings={"dns.resolvers": f"{world.names.address}:9"})
    writer, reader = host.account(), b.account()
    with host.submission(writer) as wire:
        message = wire.accepted(writer, [reader], MESSAGE)
    wait_until(lambda: host.queued()[0]["waiting"][0]["attempts"] > 0, 90, 0.1, host.story)
    reload(host, {"dns.resolvers": good})
    host.run("queue", "retry", message)
    b.wait_for_messages(reader)


def test_bad_trust_anchors_are_said_and_the_old_resolver_goes_on(server, b):
    host = server("anchor")
    anchor = host.folder / "root.key"
    anchor.write_text(". IN DS nonsense\n")
    host.configure({"dns.trust-anchor": anchor, "dns.dnssec": "yes"})
    done = host.attempt("reload")
    assert done.returncode == 5
    assert "resolver process 0 keeps its old settings" in done.stderr
    assert "is no DNSSEC trust anchor" in done.stderr
    writer, reader = host.account(), b.account()
    with host.submission(writer) as wire:
        wire.accepted(writer, [reader], MESSAGE)
    b.wait_for_messages(reader)
    host.configure({"dns.dnssec": "no"})
    host.run("reload")


def test_reload_of_the_disk_reserve(server):
    host = server("reserve")
    user = host.account()
    reload(host, {"queue.disk-reserve": "1000G"})
    with host.smtp() as wire:
        assert wire.hand_over("kiku@far.test", [user], MESSAGE)[0] == 452
    reload(host, {"queue.disk-reserve": "1M"})
    host.deliver(user)
    host.wait_for_messages(user)


def test_log_file_anywhere_and_its_rotation(server, world):
    """The events role, which sees its own folder only, writes on after a reload, a rotation and a
    death."""
    folder = world.folder / "var-log"
    folder.mkdir(exist_ok=True)
    host = server("logs")
    user = host.account()
    log, old = folder / f"{host.name}.log", folder / f"{host.name}.log.1"

    def lines(path):
        return path.read_text().count("accepted") if path.exists() else 0
    reload(host, {"log.file": log})
    host.deliver(user)
    wait_until(lambda: lines(log) == 1, 5, 0.1, host.story)
    assert log.stat().st_mode & 0o7777 == 0o640
    assert log.owner() == folder.owner()
    log.rename(old)
    assert "No setting has changed" in host.run("reload")
    host.deliver(user)
    wait_until(lambda: lines(log) == 1, 5, 0.1, host.story)
    assert lines(old) == 1
    wait_for_return(host, fallen(host, "events"))
    host.deliver(user)
    wait_until(lambda: lines(log) == 2, 5, 0.1, host.story)
    host.restart()
    host.deliver(user)
    wait_until(lambda: lines(log) == 3, 5, 0.1, host.story)


def test_bad_log_file_is_said_everywhere_with_what_was_expected(server):
    host = server("nolog")
    host.configure({"log.file": "/nowhere/at/all.log", "smtp.banner": "never"})
    expected = "log.file: the folder of /nowhere/at/all.log is not there, expected one that exists"
    checked, done = host.attempt("check"), host.attempt("reload")
    assert checked.returncode != 0 and expected in " ".join(checked.stdout.split())
    assert done.returncode == 5 and expected in done.stderr
    assert "the old settings stay in force" in done.stderr
    assert not banner(host).endswith("never")
    host.stop()
    with pytest.raises(Failure) as failed:
        host.start()
    assert expected in str(failed.value)


def test_what_needs_a_restart_is_said_and_waits_for_it(server):
    """At each reload, and a process that is started again before works as the others do."""
    host = server("later")
    host.configure({"log.destination": "none"})
    assert "(at the next start)" in reload(host, {})
    assert "log.destination: stderr -> none (at the next start)" in host.run("reload")
    assert "takes effect at a restart" in host.run("config", "log.destination")
    wait_for_return(host, fallen(host, "events"))
    before = len(host.said())
    host.deliver(host.account())
    wait_until(lambda: "accepted" in host.said()[before:], 5, 0.1, host.story)


def test_reload_of_bad_settings_keeps_the_old_ones(host):
    good, before, user = host.settings.read_text(), banner(host), host.account()
    try:
        host.settings.write_text(good + "smtp {\n    banner x y\n    no-such-thing 1\n}\n")
        done = host.attempt("reload")
        assert done.returncode == 6
        assert "no-such-thing" in done.stderr and "stay in force" in done.stderr
        assert banner(host) == before
        host.deliver(user)
    finally:
        host.settings.write_text(good)


def test_check_lists_all_errors_at_once_with_their_places(server):
    host = server("checked", run=False)
    good = host.settings.read_text()
    wrong = ["smtp {", "    message-size-max lots", "    trusted-networks 192.0.2.0/99",
             "    hard-eror 3", "}", "qeue {", "}", "workers { # none", "    edge 500", "}",
             "login {", "    allow-plaintext maybe"]
    host.settings.write_text(good + "\n".join(wrong) + "\n")
    first = len(good.splitlines()) + 1
    done = host.attempt("check")
    assert done.returncode == 6
    told = done.stdout + done.stderr
    for place, word in ((1, "lots"), (2, "192.0.2.0/99"), (3, "hard-errors"), (5, "queue"),
                        (8, "500"), (11, "maybe")):
        pattern = rf"hayauma\.conf:{first + place}:\d+: .*{re.escape(word)}"
        assert re.search(pattern, told), (pattern, told)
    assert host.attempt("run").returncode == 6
    host.settings.write_text(good)
    assert host.attempt("check").returncode == 0


def test_init_overwrites_nothing(server):
    host = server("once", run=False)
    before = host.settings.read_bytes()
    done = subprocess.run(
        [PROGRAM, "init", str(host.folder), "--hostname", "mx.x.test",
         "--domain", "x.test"], capture_output=True, text=True, check=False)
    assert done.returncode == 5 and "already" in done.stderr
    assert host.settings.read_bytes() == before
