# SPDX-License-Identifier: ISC
import contextlib
import os
import pathlib
import sys

import pytest
from office import Office

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from namespaces import enter_own_network  # noqa: E402


@pytest.fixture(scope="session", autouse=True)
def own_ports():
    """Whoever else tests on this machine may take a port just after we found it free."""
    if os.geteuid() == 0:
        with contextlib.suppress(OSError):  # a container may forbid it
            enter_own_network()


@pytest.fixture
def office(tmp_path):
    """One that does not run."""
    return Office(tmp_path / "post")


@pytest.fixture
def running(office):
    office.start()
    yield office
    if office.process.poll() is None:
        office.stop()


@pytest.fixture(params=["down", "running"])
def either(request, office):
    if request.param == "down":
        yield office
        return
    office.start()
    yield office
    office.stop()
