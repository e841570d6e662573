"""Why an SDR cannot be rated: it was read, but no price follows from it."""

from __future__ import annotations

from enum import StrEnum

from roaming.domain.tariff import ContentError


class Cause(StrEnum):
    """Stable codes; an SDR with one of them goes to the work queue `not_ratable`."""

    NO_PERIODS = "no_periods"
    END_BEFORE_START = "end_before_start"
    TIME_OUT_OF_RANGE = "time_out_of_range"
    NEGATIVE_VOLUME = "negative_volume"
    DIMENSION_MISSING = "dimension_missing"
    NO_TARIFF = "no_tariff"
    UNKNOWN_TARIFF_ID = "unknown_tariff_id"
    TARIFF_NOT_IN_FORCE = "tariff_not_in_force"
    CURRENCY_MISMATCH = "currency_mismatch"
    UNKNOWN_CURRENCY = "unknown_currency"


class NotRatable(ValueError):  # noqa: N818  the word for the SDR's state
    """`cause` is stable, `detail` is for people, `field` is the path in the SDR."""

    def __init__(self, cause: Cause, field: str, detail: str) -> None:
        super().__init__(f"{cause}: {detail}")
        self.cause = cause
        self.field = field
        self.detail = detail


class InvalidSdrError(ContentError):
    """An SDR that cannot be read as far as rating needs it."""

    what = "SDR"
