"""Fixtures of the API's tests."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from django.test import Client

from tests.cast import make_cast
from tests.fake_party import fake_party
from tests.roaming.api.broadcasts import unanswered, wait_for
from tests.roaming.api.identifying import stage
from tests.roaming.api.newcomers import make_newcomer
from tests.roaming.api.remote import Remote


@pytest.fixture
def rep():
    """The newcomer's roaming endpoint."""
    with fake_party() as party:
        yield party


@pytest.fixture
def newcomer(db):
    """A platform that has not registered yet."""
    return make_newcomer()


@pytest.fixture
def visit(db, client, csp_platform, now):
    """An authorised session of the cast, both platforms answering, at ten in the morning."""
    from roaming.models.clock import set_business_clock
    from tests.roaming.api.visit import Visit

    with fake_party() as cso_platform:
        cast = make_cast(csp_endpoint=csp_platform.url, cso_endpoint=cso_platform.url)
        set_business_clock(now, speed=0, ceiling=now)
        story = Visit(client, cast, csp_platform, cso_platform, now)
        story.begin()
        yield story


@pytest.fixture
def cso_platform():
    """The visited-CSO's platform."""
    with fake_party() as platform:
        yield platform


@pytest.fixture
def told(db, cso_platform):
    """The cast with a visited-CSO whose platform answers."""
    return make_cast(cso_endpoint=cso_platform.url)


@pytest.fixture
def remote(db: None, client: Client, csp_platform: Any, now: datetime) -> Iterator[Remote]:
    """A home-CSP and a visited-CSO whose platforms answer; the business clock stands at `now`."""
    from roaming.models.clock import set_business_clock

    with fake_party() as cso_platform:
        cast = make_cast(csp_endpoint=csp_platform.url, cso_endpoint=cso_platform.url)
        set_business_clock(now, speed=0, ceiling=now)
        story = Remote(client, cast, csp_platform, cso_platform)
        story.accept()
        yield story


@pytest.fixture
def patience(settings):
    """A busy machine is no slow home-CSP; a test of slowness sets its own limits."""
    settings.LIVE_QUESTION_TIMEOUT_S = settings.BROADCAST_BUDGET_S = 20


@pytest.fixture
def three(committed_db, patience):
    """Three home-CSPs. Commits are real: threads that hear a late answer see the request's rows."""
    with stage(3) as three:
        yield three
        wait_for(lambda: not unanswered())


@pytest.fixture
def refusing(db, patience):
    """Three home-CSPs of which none accepts: everything happens in the request itself."""
    with stage(3) as three:
        yield three
