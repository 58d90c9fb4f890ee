# SPDX-License-Identifier: ISC
"""Ways that the settings say: a smart host with a login, routes for domains, TLS that is demanded."""
import base64
import hashlib
import hmac
import json
import pathlib
import subprocess

import pytest

from peer import Peer, server_context
from world import MESSAGE, wait_until

NAME, PASSWORD = "lab@plain.test", "Sesame-9-door \"of\" gold"


@pytest.fixture
def smart(world, server, tmp_path):
    """smart(settings, mechanisms=...): a server, and a server at mx.plain.test that asks for a
    login. `named` is the name in its certificate."""
    made = []

    def make(settings=None, answers=None, named="mx.plain.test", mechanisms=b"PLAIN LOGIN",
             port="submission", tls=True, mode=0o600, written=PASSWORD, run=True, **more):
        server_context(tmp_path, "authority.test")
        context = server_context(tmp_path, named, "authority.test") if tls else None
        file = pathlib.Path(tmp_path) / "relay-passwords"
        file.write_text(f"# logins\n\nother.test {NAME} wrong\nMX.plain.test {NAME} {written}\n")
        file.chmod(mode)
        host = server(run=False, settings={
            "relay.password-file": file, "relay.authorities": tmp_path / "authority.test.crt",
            "queue.retry-schedule": "1s 1s 1s 1s 1s 1s 1s 1s", "queue.retry-jitter": "0%"})
        at = f"mx.plain.test:{host.ports[port]}"
        host.configure({"relay.smart-host": at, "relay.smart-host-user": NAME} |
                       {key: str(value).format(at=at) for key, value in (settings or {}).items()})
        if run:
            host.start()
        peer = Peer(world.network.here, host.ports[port], {"AUTH": login} | (answers or {}),
                    extensions=[b"AUTH " + mechanisms] if mechanisms else [], context=context,
                    **more)
        peer.logins, peer.refuses, peer.port = [], None, host.ports[port]
        made.append(peer)
        return host, peer
    yield make
    for each in made:
        each.close()


def ask(connection, challenge=b""):
    connection.send(b"334 " + base64.b64encode(challenge) + b"\r\n")
    return base64.b64decode(connection.line())


def login(connection, line):
    """What the client said, checked."""
    _, mechanism, *initial = line.decode().split()
    if mechanism == "PLAIN":
        said = base64.b64decode(initial[0]) if initial else ask(connection)
        good = said == f"\0{NAME}\0{PASSWORD}".encode()
    elif mechanism == "LOGIN":
        good = [ask(connection, b"Username:"), ask(connection, b"Password:")] == \
            [NAME.encode(), PASSWORD.encode()]
    else:
        digest = hmac.new(PASSWORD.encode(), b"<1.2@plain.test>", hashlib.md5).hexdigest()
        good = ask(connection, b"<1.2@plain.test>") == f"{NAME} {digest}".encode()
    connection.peer.logins.append((mechanism, connection.tls, good))
    if connection.peer.refuses:
        return connection.peer.refuses
    return b"235 2.7.0 welcome\r\n" if good else b"535 5.7.8 no\r\n"


def send(host, to="friend@far.test"):
    writer = host.account()
    with host.submission(writer) as wire:
        return writer, wire.accepted(writer, [to], MESSAGE)


def wait_for_reply(host, text):
    """Until the one message waits, with these words."""
    def waits():
        queued = host.queued()
        return queued and text in queued[0]["waiting"][0]["reply"]
    wait_until(waits, 15, 0.1, host.story)


def assert_secret(host, message):
    """The password is nowhere but in its file."""
    shown = "".join([host.said(), host.run("--json", "journey", message),
                     host.run("config"), host.run("--json", "config"), host.run("status"),
                     host.run("--json", "log")])
    coded = base64.b64encode(f"\0{NAME}\0{PASSWORD}".encode()).decode()
    assert "Sesame" not in shown and coded not in shown
    for process in host.processes():
        command = pathlib.Path(f"/proc/{process['pid']}/cmdline").read_bytes()
        assert b"Sesame" not in command
    for folder in ("events", "spool"):
        found = subprocess.run(["grep", "-rlF", "-e", "Sesame", "-e", coded, host.folder / folder],
                               check=False, capture_output=True, text=True)
        assert not found.stdout


@pytest.mark.parametrize("mechanisms", [b"PLAIN LOGIN", b"LOGIN", b"CRAM-MD5", b"XOAUTH2 login"])
def test_login_over_verified_tls(smart, mechanisms):
    host, peer = smart(mechanisms=mechanisms)
    _, message = send(host)
    host.wait_until_settled()
    assert len(peer.messages) == 1
    assert [(tls, good) for _, tls, good in peer.logins] == [(True, True)]
    assert_secret(host, message)


def test_tls_from_the_beginning_at_its_port(smart, world):
    """RFC 8314 §3.3."""
    port = 465 + world.network.offset
    host, peer = smart({"relay.implicit-tls-port": port}, port="submissions", implicit=True)
    send(host)
    host.wait_until_settled()
    assert len(peer.messages) == 1 and peer.logins == [("PLAIN", True, True)]


def test_certificate_for_another_name_gets_neither_password_nor_message(smart):
    host, peer = smart(named="mx.other.test")
    _, message = send(host)
    wait_for_reply(host, "certificate cannot be verified")
    assert not peer.logins and not peer.messages
    assert not any(line.startswith("MAIL") for lines in peer.said for line in lines)
    assert "certificate cannot be verified" in host.run("journey", message)


def test_any_certificate_will_do_where_that_is_said(smart):
    host, peer = smart({"relay.smart-host-tls": "encrypt"}, named="mx.other.test")
    send(host)
    host.wait_until_settled()
    assert len(peer.messages) == 1 and peer.logins == [("PLAIN", True, True)]


def test_no_password_without_tls_unless_the_settings_say_so(smart):
    host, peer = smart({"relay.smart-host-tls": "may"}, tls=False)
    send(host)
    wait_for_reply(host, "without which no password is sent")
    assert not peer.logins and not peer.messages
    host.configure({"relay.login-without-tls": "yes"})
    host.run("reload")
    host.run("queue", "retry", "--all")
    host.wait_until_settled(90)
    assert peer.logins == [("PLAIN", False, True)] and len(peer.messages) == 1


def test_demanded_tls_that_is_not_offered_is_told_and_never_done_without(smart):
    host, peer = smart({"relay.smart-host": "none", "relay.smart-host-user": "none",
                        "relay.route": "far.test {at} tls=encrypt"}, tls=False)
    _, message = send(host)
    wait_for_reply(host, "The settings demand TLS with mx.plain.test")
    assert not any(line.startswith("MAIL") for lines in peer.said for line in lines)
    assert "TLS is demanded, but it does not offer STARTTLS" in \
        host.run("--json", "journey", message)


@pytest.mark.parametrize("refusal", [b"535 5.7.8 bad\r\n", b"454 4.7.0 later\r\n",
                                     b"534 5.7.9 weak\r\n"])
def test_refused_login_is_a_matter_of_the_postmaster(smart, refusal):
    host, peer = smart()
    peer.refuses = refusal
    writer, message = send(host)
    wait_for_reply(host, "No login at mx.plain.test")
    assert f"as {NAME}" in host.queued()[0]["waiting"][0]["reply"]
    wait_until(lambda: "No login at mx.plain.test" in host.said(), 5, 0.1, host.story)
    assert "No login at mx.plain.test" in host.run("--json", "journey", message)
    assert "relay: No login at mx.plain.test" in host.run("status")
    assert not host.messages(writer) and not peer.messages
    assert_secret(host, message)


def test_login_that_the_server_wants_at_mail_sends_nothing_back(smart):
    host, _ = smart({"relay.smart-host-user": "none"},
                    {"MAIL": b"530 5.7.0 Authentication required\r\n"})
    writer, _ = send(host)
    wait_for_reply(host, "Authentication required")
    assert not host.messages(writer)


def test_password_file_that_others_can_read_is_not_used(smart):
    host, peer = smart(mode=0o640)
    assert "relay.password-file: others than root may read or change" in host.said()
    checked = host.attempt("check")
    assert "relay.password-file: others than root" in checked.stdout + checked.stderr
    send(host)
    wait_for_reply(host, "relay.password-file has no password for it")
    assert not peer.logins


def test_check_misses_a_password(smart):
    host, _ = smart({"relay.route": "far.test {at} user=somebody"})
    checked = host.attempt("check")
    assert "there is no password for somebody at mx.plain.test" in checked.stdout + checked.stderr
    assert NAME not in checked.stdout + checked.stderr


def test_new_password_counts_after_a_reload(smart, tmp_path):
    host, peer = smart(written="old one")
    send(host)
    wait_for_reply(host, "535 5.7.8 no")
    (tmp_path / "relay-passwords").write_text(f"mx.plain.test {NAME} {PASSWORD}\n")
    host.run("reload")
    host.run("queue", "retry", "--all")
    host.wait_until_settled(90)
    assert len(peer.messages) == 1
    assert "No login" not in host.run("status")


def test_routes_of_domains_go_before_the_smart_host(smart, b):
    reader = b.account()
    host, peer = smart({"relay.route": "b.test mx"})
    send(host, reader)
    b.wait_for_messages(reader)
    assert not peer.said
    found, = host.json("route", reader)["elsewhere"]
    assert found["rule"] == "relay.route b.test" and found["hosts"][0]["name"] == "mx.b.test"
    found, = host.json("route", "friend@far.test")["elsewhere"]
    assert found["rule"] == "relay.smart-host" and found["login"] == NAME
    assert found["tls"] == "verify" and found["next_hop"].startswith("mx.plain.test:")
    assert found["hosts"][0]["name"] == "mx.plain.test"
    assert "TLS is demanded, with a verified certificate." in host.run("route", "friend@far.test")


def test_route_of_a_domain_above(smart):
    host, peer = smart({"relay.smart-host": "none", "relay.smart-host-user": "none",
                        "relay.route": ".far.test {at} user=" + NAME})
    send(host, "friend@deep.in.far.test")
    host.wait_until_settled()
    assert len(peer.messages) == 1 and peer.logins == [("PLAIN", True, True)]
    found = json.loads(host.attempt("--json", "route", "friend@far.test").stdout)["elsewhere"][0]
    assert found["rule"] == ""


def test_two_servers_at_which_the_names_of_one_domain_log_in(smart, world):
    """Each gets what its own route says."""
    host, peer = smart({"relay.smart-host": "none", "relay.smart-host-user": "none"}, run=False)
    with host.settings.open("a") as settings:
        settings.write(f"relay {{\n route far.test mx.plain.test:{peer.port} user={NAME}\n"
                       f" route near.test mx.plain.test:{host.ports['smtp']} user={NAME}\n}}\n")
    host.start()
    other = Peer(world.network.here, host.ports["smtp"], {"AUTH": login},
                 extensions=[b"AUTH PLAIN"], context=peer.context)
    other.logins, other.refuses = [], None
    writer = host.account()
    with host.submission(writer) as wire:
        wire.accepted(writer, ["a@far.test", "b@near.test"], MESSAGE)
    host.wait_until_settled()
    other.close()
    for each, address in ((peer, "a@far.test"), (other, "b@near.test")):
        assert [line for line in each.said[0] if line.startswith("RCPT")] == \
            [f"RCPT TO:<{address}>"]


def test_smart_host_that_is_not_there_ends_as_the_relay_takes_it(smart):
    host, _ = smart({"relay.smart-host": "nowhere.test", "relay.smart-host-user": "none"})
    assert host.attempt("route", "friend@far.test").returncode == 7
    send(host)
    wait_for_reply(host, "nowhere.test")
