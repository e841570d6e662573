"""Column kinds that Django does not have: exact numbers without a scale, uuid7 keys, choices."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

from django.db import models


class Environment(models.TextChoices):
    """Test and live never mix: composite foreign keys forbid it (domain.md, rules)."""

    LIVE = "live", "Live"
    TEST = "test", "Test"


class ExactDecimalField(models.DecimalField):  # type: ignore[type-arg]
    """PostgreSQL's `numeric` without a scale: a value is kept with the digits it came with.

    `numeric(p, s)` would pad or round what a party sent; here 0.25 stays 0.25.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_digits", 38)
        kwargs.setdefault("decimal_places", 12)
        super().__init__(*args, **kwargs)

    def db_type(self, connection: Any) -> str:
        return "numeric"

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        return value if isinstance(value, Decimal) or value is None else self.to_python(value)

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        if hasattr(value, "as_sql"):
            return value
        return self.get_db_prep_value(value, connection)


class OpeningMomentKey(models.UUIDField):  # type: ignore[type-arg]
    """Primary key of a hot table: a uuid7 that carries the session's opening moment.

    storage.md, rule 1: the id contains the month, so that the table can be partitioned by it later.
    Minted by `roaming.domain.uuid7`, never by the database or at random.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("primary_key", True)
        kwargs.setdefault("editable", False)
        super().__init__(*args, **kwargs)

    def to_python(self, value: Any) -> uuid.UUID | None:
        result: uuid.UUID | None = super().to_python(value)
        return result
