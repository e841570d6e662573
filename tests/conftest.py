"""Fixtures of every test: the database, the fixed cast, the business clock."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from tests import databases

# Timings are never tests: a machine that is busy with other things draws its examples slowly.
hypothesis.settings.register_profile(
    "project", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("project")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """The process that began the run stops the server that the tests started."""
    from django.conf import settings

    started_by_others = hasattr(session.config, "workerinput") or settings.DATABASE_URL
    if not started_by_others:
        from clearinghouse.embedded_postgres import EmbeddedPostgres

        server = EmbeddedPostgres(settings.EMBEDDED_POSTGRES_DATA_DIR, durable=False)
        if server.is_running():
            server.stop()


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: Any) -> Iterator[None]:
    """One clone of the migrated template for this test process."""
    with django_db_blocker.unblock(), databases.cloned_database():
        yield


@pytest.fixture
def committed_db(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    """A database of its own, in which commits are real and other processes can work."""
    with django_db_blocker.unblock(), databases.cloned_database() as name:
        yield name


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data; skipped with a reason where it is absent, never in CI."""
    default = databases.ROOT.parent / "shared" / "data"
    path = Path(os.environ.get("SHARED_DATA", default))
    if not path.is_dir():
        if os.environ.get("CI"):
            pytest.fail(f"the real data is missing at {path}")
        pytest.skip(f"real data not found at {path}: set SHARED_DATA")
    return path


@pytest.fixture
def now() -> datetime:
    """The moment at which the stories of the tests begin: a Monday morning in October."""
    return datetime(2026, 10, 5, 8, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def real_clock_forgotten() -> Iterator[None]:
    """No test inherits what an earlier one read from the settable clock."""
    from roaming.models import clock

    clock.forget_reading()
    yield
    clock.forget_reading()


@pytest.fixture(autouse=True)
def receivers_forgotten() -> Iterator[None]:
    """No test inherits what the switch of this process learnt of receivers in an earlier one."""
    from roaming.hub_switch.endpoint_health import health_notes
    from roaming.hub_switch.live_questions import live_questions
    from roaming.hub_switch.rights import forget

    yield
    forget()
    health_notes.begin_anew()
    live_questions.begin_anew()


@pytest.fixture
def cast(db: None) -> Any:
    """The fixed cast, without platforms that answer (see `fake_party` for those)."""
    from tests.cast import make_cast

    return make_cast()


@pytest.fixture
def csp_platform() -> Iterator[Any]:
    """The home-CSP's platform: a real HTTP server that accepts everybody until told otherwise."""
    from tests.fake_party import fake_party

    with fake_party() as party:
        party.accept()
        yield party


@pytest.fixture
def connected_cast(db: None, csp_platform: Any) -> Any:
    """The fixed cast with a home-CSP whose platform answers."""
    from tests.cast import make_cast

    return make_cast(csp_endpoint=csp_platform.url)
