"""A stage for the scenarios of a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.scenarios.stage import Stage, stage


@pytest.fixture(scope="module")
def empty_stage(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    """A clearing house at work that nobody has connected to yet."""
    with django_db_blocker.unblock(), stage(tmp_path_factory.mktemp("stage")) as made:
        yield made
