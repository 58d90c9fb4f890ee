# SPDX-License-Identifier: ISC
"""Those who take in mail remember where addresses lead. A change counts from its acknowledgement."""
import pytest

from world import kill, wait_until


@pytest.fixture
def host(server):
    return server("changing", settings={"workers.edge": 2, "delivery.quota": "64K",
                                        "smtp.trusted-networks": "0.0.0.0/0 ::/0"})


def codes(host, count, *recipients):
    """What so many connections are told of each recipient; the edges remember it afterwards."""
    said = []
    for _ in range(count):
        with host.smtp() as wire:
            assert wire.code("MAIL FROM:<kiku@far.test>") == 250
            said += [wire.code(f"RCPT TO:<{recipient}>") for recipient in recipients]
    return said


def test_a_change_counts_from_its_acknowledgement(host):
    """Each change between two questions within the second that answers are kept, at both edges."""
    tama = host.account("tama")
    alias = f"news@{host.domains[0]}"
    for _ in range(15):
        assert codes(host, 6, tama, alias) == [250, 550] * 6
        host.run("alias", "add", alias, tama)
        assert codes(host, 6, alias, tama) == [250, 250] * 6
        host.run("alias", "remove", alias)
        host.run("account", "disable", tama)
        assert codes(host, 6, tama, alias) == [550, 550] * 6
        host.run("account", "enable", tama)
    host.run("account", "remove", tama)
    assert codes(host, 6, tama) == [550] * 6


def test_a_domain_that_comes_and_goes(host):
    for _ in range(8):
        assert codes(host, 4, "x@late.test") == [250] * 4  # to be sent on
        host.run("domain", "add", "late.test")
        assert codes(host, 4, "x@late.test") == [550] * 4
        host.run("domain", "remove", "late.test")


def test_changes_are_seen_after_the_directory_was_started_again(host):
    tama = host.account("tama")
    for _ in range(3):
        assert codes(host, 4, tama) == [250] * 4
        before = host.pids("directory")
        kill(before[0])
        wait_until(lambda: host.pids("directory") not in ([], before), 10)  # noqa: B023
        host.run("account", "disable", tama)
        assert codes(host, 4, tama) == [550] * 4
        host.run("account", "enable", tama)
