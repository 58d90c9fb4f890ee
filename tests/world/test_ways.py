# SPDX-License-Identifier: ISC
"""Where an address leads, and what the queue does with it: copies, refusals, bounces."""
import email
import email.policy
import time

from world import MESSAGE, strip_trace, wait_until


def trace(message, name="Delivered-To"):
    return email.message_from_bytes(message, policy=email.policy.default).get_all(name, [])


def send(host, recipients, data=MESSAGE, sender="kiku@far.test"):
    with host.smtp() as wire:
        return wire.accepted(sender, recipients, data)


# ---------------------------------------------------------------- whom a bounce names


def test_whoever_answers_a_bounce_reaches_the_administrators(server):
    host = server("roles")
    chief, other = host.account("chief"), host.account("deputy")
    for one in (chief, other):
        host.run("account", "admin", one, "yes")
    where = [f"{name}@{domain}" for name in ("postmaster", "Abuse", "MAILER-DAEMON")
             for domain in (host.domains[0], host.hostname)] + ["Postmaster"]
    for number, address in enumerate(where):
        data = MESSAGE.replace(b"\r\n\r\n", b"\r\nX-Way: %d\r\n\r\n" % number, 1)
        send(host, [address], data, sender="")
    host.wait_until_settled()
    for one in (chief, other):
        found = sorted(int(trace(message, "X-Way")[0]) for message in host.messages(one))
        assert found == list(range(len(where)))


# ---------------------------------------------------------------- one mailbox, one copy


def test_mailbox_gets_one_copy_however_it_is_reached(server):
    host = server("once")
    domain = host.domains[0]
    user, other = host.account("tama"), host.account("mike")
    host.run("alias", "add", f"nick@{domain}", user)
    host.run("alias", "add", f"inner@{domain}", user, other)
    host.run("alias", "add", f"outer@{domain}", f"inner@{domain}", user, f"nick@{domain}")
    host.run("domain", "add", "other-once.test", "--alias-of", domain)
    ways = [f"Tama@{domain}", f"tama@{domain}", f"nick@{domain}", f"TAMA+x@{domain}",
            f"outer@{domain}", f"inner@{domain}", "tama@other-once.test"]
    for number in range(len(ways)):
        recipients = ways[number:] + ways[:number]
        data = MESSAGE.replace(b"\r\n\r\n", b"\r\nX-Way: %d\r\n\r\n" % number, 1)
        send(host, recipients, data)
        host.wait_until_settled()
        mine = [l for l in host.messages(user) if trace(l, "X-Way") == [str(number)]]
        theirs = [l for l in host.messages(other) if trace(l, "X-Way") == [str(number)]]
        assert (len(mine), len(theirs)) == (1, 1), recipients
        assert strip_trace(mine[0]) == data
        # Of several groups none is named: their members need not know of each other's.
        groups = (f"outer@{domain}", f"inner@{domain}")
        first = user if recipients[0] in groups else recipients[0]
        assert trace(mine[0])[-1].lower() == first.lower()


def test_many_details_of_one_mailbox_cost_one_copy(a):
    user = a.account("bob")
    with a.smtp() as wire:
        wire.accepted("kiku@far.test", [f"bob+{n}@a.test" for n in range(900)], MESSAGE)
    a.wait_until_settled()
    message, = a.messages(user)
    assert trace(message) == ["bob+0@a.test"]


# ---------------------------------------------------------------- refused before the 250


def rcpt(wire, address, size=None):
    announced = f" SIZE={size}" if size is not None else ""
    assert wire.code(f"MAIL FROM:<kiku@far.test>{announced}") == 250
    code, lines = wire.say(f"RCPT TO:<{address}>")
    assert wire.code("RSET") == 250
    return code, lines[0].split()[0]


def test_full_mailbox_is_refused_at_rcpt(server):
    host = server("room")
    small, large = host.account("small", "--quota", "20K"), host.account("large")
    host.run("alias", "add", f"both@{host.domains[0]}", small, large)
    host.run("alias", "add", f"nick@{host.domains[0]}", small)
    with host.smtp() as wire:
        assert rcpt(wire, small, 30000) == (552, "5.2.3")  # never
        assert rcpt(wire, f"nick@{host.domains[0]}", 30000) == (552, "5.2.3")
        assert rcpt(wire, small, 12000)[0] == 250
        assert rcpt(wire, small)[0] == 250
        host.deliver(small, MESSAGE + b"x" * 70 + b"\r\n" + (b"y" * 70 + b"\r\n") * 170)
        wait_until(lambda: rcpt(wire, small, 12000) == (452, "4.2.2"), 10, 0.1, host.story)
        assert rcpt(wire, small, 1000)[0] == 250  # there is some room left
        assert rcpt(wire, f"both@{host.domains[0]}", 12000)[0] == 250  # one of them has room
        # A size that was not said counts when it is known.
        code, lines = wire.hand_over("kiku@far.test", [small, large],
                                     MESSAGE + (b"z" * 70 + b"\r\n") * 170)
        assert (code, lines[0].split()[0]) == (452, "4.2.2")
        code, lines = wire.hand_over("kiku@far.test", [small, large],
                                     MESSAGE + (b"z" * 70 + b"\r\n") * 400)
        assert (code, lines[0].split()[0]) == (552, "5.2.3")
    assert host.queued() == []
    with host.pop3(small) as wire:
        assert wire.say("DELE 1").startswith("+OK")
        wire.say("QUIT")
    with host.smtp() as wire:
        wait_until(lambda: rcpt(wire, small, 12000)[0] == 250, 10, 0.1, host.story)


def test_the_reply_at_a_full_mailbox_says_whose_and_what_to_do(server):
    host = server("fullsay")
    user = host.account("small", "--quota", "20K")
    nick = f"nick@{host.domains[0]}"
    host.run("alias", "add", nick, user)
    with host.smtp() as wire:
        assert wire.code("MAIL FROM:<kiku@far.test> SIZE=30000") == 250
        assert wire.say(f"RCPT TO:<{user}>")[1] == \
            [f"5.2.3 The message is larger than the mailbox of {user} may hold"]
        assert wire.code("RSET") == 250
        host.deliver(user, MESSAGE + (b"y" * 70 + b"\r\n") * 170)
        wait_until(lambda: rcpt(wire, user, 12000) == (452, "4.2.2"), 10, 0.1, host.story)
        assert wire.code("MAIL FROM:<kiku@far.test> SIZE=12000") == 250
        for address in (user, nick):  # what is behind an alias is not told
            assert wire.say(f"RCPT TO:<{address}>")[1] == \
                [f"4.2.2 The mailbox of {address} is too full for the message; try again when its "
                 "owner has deleted messages or has been given more room"]


def test_a_user_hears_of_a_full_mailbox_although_his_program_announces_no_size(server):
    """He is told at once and by his program, not by a bounce that he has to read as mail."""
    host = server("nosize")
    writer, small = host.account(), host.account("small", "--quota", "20K")
    nick = f"nick@{host.domains[0]}"
    host.run("alias", "add", nick, small)
    for sender, recipients in ((writer, [writer, nick]), (small, [small])):
        with host.submission(sender) as wire:
            large = MESSAGE + (b"z" * 70 + b"\r\n") * 400
            assert wire.hand_over(sender, recipients, large) == \
                (552, [f"5.2.3 The message is larger than the mailbox of {recipients[-1]} may hold"])
            wire.accepted(sender, recipients, MESSAGE + (b"y" * 70 + b"\r\n") * 120)
            host.wait_until_settled()
            with host.smtp() as other:  # until the directory has been told
                wait_until(lambda: rcpt(other, small, 16000) == (452, "4.2.2"), 10, 0.1, host.story)
            code, lines = wire.hand_over(sender, recipients,
                                         MESSAGE + (b"z" * 70 + b"\r\n") * 220)
            assert (code, lines[0].split(";")[0]) == \
                (452, f"4.2.2 The mailbox of {recipients[-1]} is too full for the message")
        assert host.queued() == []
        with host.pop3(small) as wire:
            assert wire.say("DELE 1").startswith("+OK")
            wire.say("QUIT")
        assert all(b"MAILER-DAEMON" not in message for message in host.messages(sender))


def largest_taken(host, address, most):
    """The largest SIZE that is not refused."""
    least = 0
    with host.smtp() as wire:
        while most - least > 1:
            size = (least + most) // 2
            least, most = (size, most) if rcpt(wire, address, size)[0] == 250 else (least, size)
    return least


def test_strangers_do_not_learn_to_the_byte_what_a_mailbox_holds(server):
    """They could see from outside when its owner reads his mail."""
    host = server("guess", settings={"smtp.hard-errors": "100"})
    user = host.account("tama", "--quota", "160K")
    line = b"z" * 70 + b"\r\n"

    def used():
        return next(a["bytes"] for a in host.json("account", "list") if a["address"] == user)

    def deliver(lines):
        before = used()
        host.deliver(user, MESSAGE + line * lines)
        wait_until(lambda: used() > before, 90, 0.2, host.story)
        time.sleep(1.1)  # so long an edge remembers what was so before

    deliver(150)
    first = largest_taken(host, user, 160 << 10)
    deliver(5)
    assert largest_taken(host, user, 160 << 10) == first
    assert first + 1024 >= (160 << 10) - used()  # nothing that fits is refused
    deliver(300)
    assert largest_taken(host, user, 160 << 10) < first
    with host.smtp() as wire:
        code, lines = wire.hand_over("kiku@far.test", [user], MESSAGE + line * 1900)
        assert (code, lines[0].split()[0]) == (452, "4.2.2")


def test_what_is_encoded_again_is_not_larger_than_a_message_may_be(server):
    host = server("triple", settings={"submission.message-size-max": "64K", "submission.header-max": "64K"})
    user = host.account("tama")
    head = f"From: {user}\r\nSubject: x\r\n\r\n".encode()
    with host.submission(user) as wire:
        for count, expected in ((15000, (250, "2.0.0")), (30000, (552, "5.3.4"))):
            code, lines = wire.hand_over(user, [user], head + b"\xff" * count + b"\r\n")
            assert (code, lines[0].split()[0]) == expected
    message = host.wait_for_messages(user)[0]
    assert len(message) < 64 << 10
    assert host.queued() == []


def test_loop_is_refused_before_the_250(server):
    """By a header of his own a stranger had a message taken, and bounced to anybody."""
    host = server("circle")
    user = host.account("tama")
    away, group = f"Away@{host.domains[0]}", f"group@{host.domains[0]}"
    host.run("alias", "add", away, "out@far.test")
    host.run("alias", "add", group, user)
    again = b"Delivered-To: %s\r\nReceived: from a by b\r\n"
    with host.smtp() as wire:
        code, lines = wire.hand_over("kiku@far.test", [user, away.lower()],
                                     again % away.encode() + MESSAGE)
        assert (code, lines[0].split()[0]) == (554, "5.4.6")
        assert away.lower() in lines[0]
        for whom in (user, group):  # nothing goes out from there
            code, lines = wire.hand_over("kiku@far.test", [whom],
                                         again % whom.encode() + MESSAGE)
            assert code == 250
        hops = b"Received: from a by b\r\n"
        code, lines = wire.hand_over("kiku@far.test", [away], hops * 101 + MESSAGE)
        assert (code, lines[0].split()[0]) == (554, "5.4.6")
    # One rule: what was taken is not thought to have made too many hops a moment later.
    taken = host.deliver(away, hops * 100 + MESSAGE)
    wait_until(lambda: "out@far.test" in host.run("journey", taken), 10, 0.1, host.story)
    assert "5.4.6" not in host.run("journey", taken)


def test_loops_beyond_those_that_are_held_are_put_off_and_nothing_else(server, b):
    """A stranger filled the disk with messages that go in circles, until nobody's mail was taken."""
    host = server("steered", settings={"queue.loops-held-max": "1"})
    user, away = host.account("tama", "--admin"), f"away@{host.domains[0]}"
    b.run("alias", "add", "back@b.test", "out@far.test")
    host.run("alias", "add", away, "back@b.test")
    loop = b"Delivered-To: back@b.test\r\n" + MESSAGE + (b"z" * 70 + b"\r\n") * 1000
    try:
        host.deliver(away, loop)  # too large for a report: its header goes, and it is held
        wait_until(lambda: [q["hold"] for q in host.queued()] == [True], 15, 0.1, host.story)
        with host.smtp() as wire:
            code, lines = wire.hand_over("kiku@far.test", [away], loop)
            assert (code, lines[0].split()[0]) == (451, "4.4.6"), lines
            assert wire.hand_over("kiku@far.test", [away], MESSAGE)[0] == 250
            assert wire.hand_over("kiku@far.test", [user], loop)[0] == 250
    finally:
        b.run("alias", "remove", "back@b.test")
