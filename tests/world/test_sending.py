# SPDX-License-Identifier: ISC
"""How much one user may send: over one connection, and as an account."""
from world import LETTER


def letter_of(user):
    return LETTER.replace(b"kiku@far.test", user.encode())


def test_submission_has_its_own_number_of_messages_per_session(office):
    host = office("session", settings={"submission.messages-per-session": 3,
                                       "smtp.letters-per-connection": 1})
    user = host.account()
    with host.submission(user) as wire:
        for _ in range(3):
            wire.accepted(user, [user], letter_of(user))
        assert wire.code(f"MAIL FROM:<{user}>") == 421
        wire.until_closed(5)
    with host.smtp() as wire:
        wire.accepted("kiku@far.test", [user], LETTER)
        assert wire.code("MAIL FROM:<kiku@far.test>") == 421
