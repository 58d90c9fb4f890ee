# SPDX-License-Identifier: ISC
"""Messages that one client sends one after the other lie in the mailbox in that order."""
import contextlib

from world import MESSAGE, wait_until

COUNT = 300
LARGE = b"So many words for one message.\r\n" * 1_000_000  # takes a while to be stored


def message(number):
    data = MESSAGE.replace(b"a message", b"number %d" % number)
    return data + LARGE if number % 100 == 0 else data


def send(wire, user, data):
    """In as little time as a client can need: two round trips."""
    wire.send(f"MAIL FROM:<kiku@far.test>\r\nRCPT TO:<{user}>\r\nDATA\r\n".encode())
    assert [wire.reply()[0] for _ in range(3)] == [250, 250, 354]
    wire.send(data + b".\r\n")
    code, lines = wire.reply()
    assert code == 250, lines


def subjects(host, user):
    """Of all messages of a mailbox."""
    with host.pop3(user) as wire:
        count = int(wire.say("STAT").split()[1])
        heads = [wire.text(f"TOP {number} 0") for number in range(1, count + 1)]
        wire.say("QUIT")
    return [line.decode() for head in heads for line in head if line.startswith(b"Subject: ")]


def test_messages_of_one_client_are_stored_in_the_order_in_which_they_were_accepted(server):
    """Over several connections, to an account that is not open yet."""
    host = server()
    user = host.account()
    with contextlib.ExitStack() as connections:
        wires = [connections.enter_context(host.smtp()) for _ in range(4)]
        for number in range(COUNT):
            send(wires[number % 4], user, message(number))
    wait_until(lambda: len(subjects(host, user)) >= COUNT, 30, 0.5)
    assert subjects(host, user) == [f"Subject: number {number}" for number in range(COUNT)]
