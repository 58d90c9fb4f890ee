# SPDX-License-Identifier: ISC
import contextlib
import os
import pathlib
import sys

import pytest
from server import Server

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from namespaces import enter_own_network  # noqa: E402


@pytest.fixture(scope="session", autouse=True)
def own_ports():
    """Whoever else tests on this machine may take a port just after we found it free."""
    if os.geteuid() == 0:
        with contextlib.suppress(OSError):  # a container may forbid it
            enter_own_network()


@pytest.fixture
def server(tmp_path):
    """One that does not run."""
    return Server(tmp_path / "post")


@pytest.fixture
def running(server):
    server.start()
    yield server
    if server.process.poll() is None:
        server.stop()


@pytest.fixture(params=["down", "running"])
def either(request, server):
    if request.param == "down":
        yield server
        return
    server.start()
    yield server
    server.stop()
