# SPDX-License-Identifier: ISC
"""Other hosts that are slow, or hang up in the middle of a message."""
import contextlib
import email
import email.policy
import functools
import re
import socket
import threading
import time

import pytest

from peer import Peer, server_context
from world import MESSAGE, wait_until


class OddHost:
    """Takes one connection and talks on it as the test says."""

    def __init__(self, address, port, talk):
        self.talk, self.over = talk, threading.Event()
        self.listener = socket.create_server((address, port))
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        self.listener.settimeout(30)
        with contextlib.suppress(OSError):
            client, _ = self.listener.accept()
            self.listener.close()  # nobody is there for a second attempt
            client.settimeout(30)
            with client:
                self.talk(client, self.over)

    def close(self):
        self.over.set()
        self.listener.close()
        self.thread.join(5)


@pytest.fixture
def odd_host(world, server):
    """odd_host(talk): a server for which the host of plain.test talks like that."""
    made = []

    def make(talk):
        host = server()
        made.append(OddHost(world.network.here, host.ports["smtp"], talk))
        return host
    yield make
    for host in made:
        host.close()


def say_nothing(_, over):
    over.wait(30)


def refuse_in_the_middle(client, _):
    """Takes a part of the message, says 552 and closes; what it has not read makes a reset of it."""
    client.sendall(b"220 plain.test\r\n")
    for command, reply in ((b"EHLO", b"250"), (b"MAIL", b"250"), (b"RCPT", b"250"),
                           (b"DATA", b"354")):
        said = b""
        while not said.endswith(b"\r\n"):
            said += client.recv(1000)
        assert said.startswith(command)
        client.sendall(reply + b" go on\r\n")
    client.recv(100_000)
    client.sendall(b"552-5.3.4 Too large\r\n552 5.3.4 for this mailbox\r\n")


def send(host, writer, recipients, data=MESSAGE):
    with host.submission(writer) as wire:
        return wire.accepted(writer, recipients, data)


def test_delivery_here_is_settled_while_another_host_says_nothing(odd_host):
    host = odd_host(say_nothing)
    writer, reader = host.account(), host.account()
    message = send(host, writer, [reader, "slow@plain.test"])

    def left():
        found, = [entry for entry in host.queued() if entry["id"] == message]
        return [(waiting["address"], waiting["attempts"]) for waiting in found["waiting"]]
    wait_until(lambda: left() == [("slow@plain.test", 0)], 4, 0.05, host.story)
    host.wait_for_messages(reader)


def test_reply_of_a_host_that_hangs_up_in_the_middle_reaches_the_sender(odd_host):
    """RFC 5321 §4.2.1, §3.8: the message is returned at once, with the host's own words."""
    host = odd_host(refuse_in_the_middle)
    writer = host.account()
    send(host, writer, ["small@plain.test"], MESSAGE + b"So many words.\r\n" * 500_000)
    message, = host.wait_for_messages(writer)
    report = email.message_from_bytes(message, policy=email.policy.default)
    _, status, _ = report.iter_parts()
    told = status.get_payload()[1]
    assert told["Status"] == "5.3.4"
    assert told["Diagnostic-Code"] == "smtp; 552 5.3.4 Too large for this mailbox"


@pytest.fixture
def peer(world, server):
    """peer(answers...): a host that answers so, and a server that sends to it at plain.test and
    tries again soon."""
    made = []

    def make(answers=None, settings=None, **more):
        host = server(settings={"queue.retry-schedule": "1s 1s 1s 1s 1s 1s 1s 1s",
                                "queue.retry-jitter": "0%"} | (settings or {}))
        made.append(Peer(world.network.here, host.ports["smtp"], answers, **more))
        return host, made[-1]
    yield make
    for each in made:
        each.close()


@pytest.mark.parametrize("answer", [
    b"250 \xff\x82\xb1\x82\xf1\r\n", b"250-first\r\n251 second\r\n", b"250 ok\n", b"250\r\n",
    b"250\tok\r\n", b"2500 ok\r\n", b"\r\n\r\n250 ok\r\n", b"thank you\r\n250 ok\r\n", b"299 ok\r\n",
    b"250 a\0b\x1b[31mc\rd\r\n", b"250 " + b"x" * 100_000 + b"\r\n", b"250-more\r\n" * 2000,
    b"250 ok\r"])
def test_a_yes_however_it_is_written_makes_one_copy(peer, answer):
    """RFC 5321 §4.2: the code decides, any text behind it is acceptable."""
    host, other = peer({".": answer})
    writer = host.account()
    send(host, writer, ["once@plain.test"])
    host.wait_until_settled()
    assert len(other.messages) == 1
    assert not host.messages(writer)


class Twice:
    """Says every reply to one command two times, the second time a little later; knows everybody but
    nobody@, and counts who got the message."""

    def __init__(self, command, extensions):
        self.command = command
        self.accepted, self.taken = {}, []
        self.hello = b"".join(b"250-%s\r\n" % text for text in (b"peer", *extensions)) + \
            b"250 HELP\r\n"

    def answers(self):
        return {command: functools.partial(self.answer, command)
                for command in ("greeting", "EHLO", "MAIL", "RCPT", "DATA", ".")}

    def answer(self, command, connection, line):
        reply = self.reply(command, connection, line)
        if command != self.command:
            return reply
        connection.send(reply)
        time.sleep(0.05)
        return reply

    def reply(self, command, connection, line):
        if command == "RCPT" and b"nobody" in line:
            return b"550 5.1.1 unknown\r\n"
        if command == "RCPT":
            self.accepted[connection].append(line.split(b"<")[1].split(b"@")[0].decode())
        elif command == "MAIL":
            self.accepted[connection] = []
        elif command == ".":
            self.taken += self.accepted[connection]
        return {"greeting": b"220 peer\r\n", "EHLO": self.hello,
                "DATA": b"354 go\r\n"}.get(command, b"250 ok\r\n")


@pytest.mark.parametrize("extensions", [[], [b"PIPELINING"]])
@pytest.mark.parametrize("command", ["greeting", "EHLO", "MAIL", "RCPT", "DATA", "."])
def test_a_reply_that_comes_twice_hits_nobody_else(peer, command, extensions):
    """Who was refused is not taken for delivered, and who was accepted gets it once."""
    twice = Twice(command, extensions)
    host, _ = peer(twice.answers())
    writer = host.account()
    send(host, writer, ["nobody@plain.test", "first@plain.test", "last@plain.test"])

    def only_nobody_waits():
        return {line["address"] for found in host.queued() for line in found["waiting"]} <= \
            {"nobody@plain.test"}
    wait_until(only_nobody_waits, 15, 0.1, host.story)
    assert sorted(twice.taken) == ["first", "last"]
    returned = b"".join(host.messages(writer))
    assert not re.search(rb"Final-Recipient: *rfc822; *(first|last)@", returned)


@pytest.mark.parametrize("answer", [b"571 5.7.1 no\r\n", b"598 \xe3\x81\x82\r\n",
                                    b"250-well\r\n550 no\n"])
def test_a_no_however_it_is_written_is_told_at_once(peer, answer):
    host, other = peer({".": answer})
    writer = host.account()
    send(host, writer, ["never@plain.test"])
    host.wait_for_messages(writer)
    assert len(other.messages) == 1
    assert not host.queued()


def test_answer_to_the_final_dot_that_is_lost_is_told_and_waited_for(peer):
    host, other = peer({".": lambda *_: None}, {"queue.retry-schedule": "1h",
                                                "queue.retry-jitter": "50%"})
    writer = host.account()
    message = send(host, writer, ["perhaps@plain.test"])

    def waits():
        found, = host.queued()
        return found["waiting"][0]["attempts"] == 1 and found
    found = wait_until(waits, 10, 0.1, host.story)
    assert "so it may have arrived already" in found["waiting"][0]["reply"]
    assert "so it may have arrived already" in " ".join(host.run("journey", message).split())
    assert len(other.messages) == 1


def test_host_that_puts_it_off_is_followed_by_the_next_of_the_domain(peer, b):
    """RFC 5321 §5.1; the journey names each host and what it said."""
    host, other = peer({"MAIL": b"452 4.3.1 disk is full\r\n"})
    writer, reader = host.account(), b.account(domain="first-full.test")
    message = send(host, writer, [reader])
    b.wait_for_messages(reader)
    for told in (f"mx.plain.test [{host.world.network.here}]", "452 4.3.1 disk is full", "mx.b.test"):
        wait_until(lambda: told in host.run("journey", message), 10, 0.1, host.story)
    assert other.said[0][1:3] == [f"MAIL FROM:<{writer}>" + other.said[0][1].partition(">")[2],
                                  "QUIT"]


def hang_up(*_):
    return None


def fall_silent(connection, _):
    connection.peer.over.wait(30)


@pytest.mark.parametrize("ending", [hang_up, fall_silent])
@pytest.mark.parametrize("where", ["STARTTLS", "handshake", "EHLO", "MAIL", "DATA"])
def test_tls_that_fails_keeps_no_message_back(peer, tmp_path, where, ending):
    """RFC 7435: opportunistic; the next connection goes without."""
    def answer(connection, line):
        if where == "handshake" and line.startswith(b"STARTTLS"):
            connection.send(b"220 go\r\n")
        elif where != "STARTTLS" and not connection.tls:
            return {"MAIL": b"250 ok\r\n", "DATA": b"354 go\r\n",
                    "EHLO": b"250-peer\r\n250 STARTTLS\r\n"}[where]
        return ending(connection, line)
    key = "STARTTLS" if where == "handshake" else where
    host, other = peer({key: answer}, {"relay.command-timeout": "2s", "relay.mail-timeout": "2s",
                                       "relay.data-timeout": "2s"}, context=server_context(tmp_path))
    writer = host.account()
    send(host, writer, ["soon@plain.test"])
    host.wait_until_settled(20)
    assert len(other.messages) == 1


def test_faults_of_hosts_are_remembered_over_a_reload(peer, tmp_path):
    """RFC 7435: TLS that has failed is not tried again at the next message."""
    host, other = peer({"STARTTLS": hang_up}, context=server_context(tmp_path))
    writer = host.account()
    send(host, writer, ["first@plain.test"])
    host.wait_until_settled(20)
    host.configure({"relay.idle-timeout": "1s"})
    host.run("reload")
    send(host, writer, ["second@plain.test"])
    host.wait_until_settled(20)
    assert ["STARTTLS" in lines for lines in other.said] == [True, False, False]
    assert len(other.messages) == 2
