# SPDX-License-Identifier: ISC
"""The world and its lasting hosts, made once for all tests; each test brings its own people."""
import pathlib
import sys

import pytest

sys.path.append(str(pathlib.Path(__file__).parents[1]))
sys.path.append(str(pathlib.Path(__file__).parents[1] / "cli"))
from world import World  # noqa: E402


@pytest.fixture(scope="session")
def world():
    whole = World()
    yield whole
    whole.close()


@pytest.fixture(scope="session")
def a(world):
    """mx.a.test; stays up: tests that stop or kill something make a host of their own."""
    return world.host("a", listen=[world.network.place(1).ipv4])


@pytest.fixture(scope="session")
def b(world):
    """mx.b.test, which also takes the messages of the domains that lead to it by some detour."""
    return world.host("b", ["b.test", "fallback.test", "preferred.test", "equal.test",
                            "implicit.test", "first-full.test", "cname.test", "behind-us.test"])


@pytest.fixture
def server(world, request):
    """Makes hosts that live as long as the test: server("name", settings={...})."""
    made = []

    def make(name="x", run=True, **more):
        host = (world.host if run else world.prepare)(f"{name}{world.spare}", **more)
        made.append(host)
        return host
    yield make
    for host in made:
        world.remove(host)
