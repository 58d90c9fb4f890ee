# SPDX-License-Identifier: ISC
"""Where an address leads, and what the queue does with it: copies, refusals, bounces."""
import email
import email.policy

from world import LETTER, strip_trace


def trace(letter, name="Delivered-To"):
    return email.message_from_bytes(letter, policy=email.policy.default).get_all(name, [])


def send(host, recipients, data=LETTER, sender="kiku@far.test"):
    with host.smtp() as wire:
        return wire.accepted(sender, recipients, data)


# ---------------------------------------------------------------- whom a bounce names


def test_whoever_answers_a_bounce_reaches_the_administrators(office):
    host = office("roles")
    chief, other = host.account("chief"), host.account("deputy")
    for one in (chief, other):
        host.run("account", "admin", one, "yes")
    where = [f"{name}@{domain}" for name in ("postmaster", "Abuse", "MAILER-DAEMON")
             for domain in (host.domains[0], host.hostname)] + ["Postmaster"]
    for number, address in enumerate(where):
        data = LETTER.replace(b"\r\n\r\n", b"\r\nX-Way: %d\r\n\r\n" % number, 1)
        send(host, [address], data, sender="")
    host.wait_until_settled()
    for one in (chief, other):
        found = sorted(int(trace(letter, "X-Way")[0]) for letter in host.letters(one))
        assert found == list(range(len(where)))


# ---------------------------------------------------------------- one mailbox, one copy


def test_mailbox_gets_one_copy_however_it_is_reached(office):
    host = office("once")
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
        data = LETTER.replace(b"\r\n\r\n", b"\r\nX-Way: %d\r\n\r\n" % number, 1)
        send(host, recipients, data)
        host.wait_until_settled()
        mine = [l for l in host.letters(user) if trace(l, "X-Way") == [str(number)]]
        theirs = [l for l in host.letters(other) if trace(l, "X-Way") == [str(number)]]
        assert (len(mine), len(theirs)) == (1, 1), recipients
        assert strip_trace(mine[0]) == data
        # Of several groups none is named: their members need not know of each other's.
        groups = (f"outer@{domain}", f"inner@{domain}")
        first = user if recipients[0] in groups else recipients[0]
        assert trace(mine[0])[-1].lower() == first.lower()


def test_many_details_of_one_mailbox_cost_one_copy(a):
    user = a.account("bob")
    with a.smtp() as wire:
        wire.accepted("kiku@far.test", [f"bob+{n}@a.test" for n in range(900)], LETTER)
    a.wait_until_settled()
    letter, = a.letters(user)
    assert trace(letter) == ["bob+0@a.test"]
