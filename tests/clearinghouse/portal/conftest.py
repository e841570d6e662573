"""Fixtures of the portal's tests."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache

from tests.clearinghouse.portal.people import member, signed_in


@pytest.fixture(autouse=True)
def empty_cache() -> None:
    cache.clear()


@pytest.fixture
def administrator(cast: Any) -> Any:
    return member(cast.home_csp.operator, "administrator")


@pytest.fixture
def desk(administrator: Any) -> Any:
    """A browser of the home-CSP's administrator."""
    return signed_in(administrator)
