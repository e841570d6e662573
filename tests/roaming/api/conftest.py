"""Fixtures of the API's tests."""

import pytest

from tests.fake_party import fake_party
from tests.roaming.api.newcomers import make_newcomer


@pytest.fixture
def rep():
    """The newcomer's roaming endpoint."""
    with fake_party() as party:
        yield party


@pytest.fixture
def newcomer(db):
    """A platform that has not registered yet."""
    return make_newcomer()
