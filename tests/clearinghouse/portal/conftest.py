"""Fixtures of the portal's tests."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache

from roaming.models.clock import forget_reading, set_business_clock
from tests.clearinghouse.portal.people import member, signed_in
from tests.clearinghouse.portal.stage import NOW, Stage, make_stage


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


@pytest.fixture
def stage(cast: Any) -> Stage:
    """Two SDRs that were reconciled; business time is the 6th of October."""
    set_business_clock(NOW, speed=0, ceiling=NOW)
    forget_reading()
    return make_stage(cast)


@pytest.fixture
def csp(stage: Stage) -> Any:
    """A clerk of the home-CSP at work."""
    return signed_in(member(stage.cast.home_csp.operator, "clerk"))


@pytest.fixture
def cso(stage: Stage) -> Any:
    """A clerk of the visited-CSO."""
    return signed_in(member(stage.cast.visited_cso.operator, "clerk"))


@pytest.fixture
def outsider(stage: Stage) -> Any:
    """An administrator of an operator that has no part in anything."""
    return signed_in(member(stage.cast.outsider.operator, "administrator"))
