# SPDX-License-Identifier: ISC
"""Other hosts that are slow, or hang up in the middle of a letter."""
import contextlib
import email
import email.policy
import socket
import threading

import pytest

from world import LETTER, wait_until


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
def odd_host(world, office):
    """odd_host(talk): a post office for which the host of plain.test talks like that."""
    made = []

    def make(talk):
        host = office()
        made.append(OddHost(world.network.here, host.ports["smtp"], talk))
        return host
    yield make
    for host in made:
        host.close()


def say_nothing(_, over):
    over.wait(30)


def refuse_in_the_middle(client, _):
    """Takes a part of the letter, says 552 and closes; what it has not read makes a reset of it."""
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


def send(host, writer, recipients, data=LETTER):
    with host.submission(writer) as wire:
        return wire.accepted(writer, recipients, data)


def test_delivery_here_is_settled_while_another_host_says_nothing(odd_host):
    host = odd_host(say_nothing)
    writer, reader = host.account(), host.account()
    letter = send(host, writer, [reader, "slow@plain.test"])

    def left():
        found, = [entry for entry in host.queued() if entry["id"] == letter]
        return [(waiting["address"], waiting["attempts"]) for waiting in found["waiting"]]
    wait_until(lambda: left() == [("slow@plain.test", 0)], 4, 0.05, host.story)
    host.wait_for_letters(reader)


def test_reply_of_a_host_that_hangs_up_in_the_middle_reaches_the_sender(odd_host):
    """RFC 5321 §4.2.1, §3.8: the letter is returned at once, with the host's own words."""
    host = odd_host(refuse_in_the_middle)
    writer = host.account()
    send(host, writer, ["small@plain.test"], LETTER + b"So many words.\r\n" * 500_000)
    letter, = host.wait_for_letters(writer)
    report = email.message_from_bytes(letter, policy=email.policy.default)
    _, status, _ = report.iter_parts()
    told = status.get_payload()[1]
    assert told["Status"] == "5.3.4"
    assert told["Diagnostic-Code"] == "smtp; 552 5.3.4 Too large for this mailbox"
