# SPDX-License-Identifier: ISC
import pytest
from office import Office


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
