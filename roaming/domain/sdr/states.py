"""The life of an SDR in words: states, outcomes, bases, severities (settlement.md, 1 and 3)."""

from __future__ import annotations

from enum import StrEnum


class SdrLifeState(StrEnum):
    """settlement.md, section 1."""

    RECEIVED = "received"
    VALIDATED = "validated"
    REJECTED = "rejected"
    MATCHED = "matched"
    UNMATCHED = "unmatched"
    RATED = "rated"
    DEVIATING = "deviating"
    NOT_RATABLE = "not_ratable"
    ACCEPTED = "accepted"
    DISPUTED = "disputed"
    SETTLED = "settled"
    INVOICED = "invoiced"
    PAID = "paid"
    CREDITED = "credited"
    WRITTEN_OFF = "written_off"

    @property
    def label(self) -> str:
        return self.value.replace("_", " ").capitalize()


class Outcome(StrEnum):
    """What reconciliation says of one SDR (settlement.md, section 3)."""

    AGREED = "agreed"
    WITHIN_TOLERANCE = "within_tolerance"
    DEVIATING = "deviating"
    ONE_SIDED = "one_sided"
    NOT_RATABLE = "not_ratable"
    REJECTED = "rejected"

    @property
    def label(self) -> str:
        return self.value.replace("_", " ").capitalize()


class Basis(StrEnum):
    """Why an SDR is settled at its amount; never above the claim."""

    CLAIM = "claim"
    RULING = "ruling"
    CREDIT = "credit"

    @property
    def label(self) -> str:
        return self.value.replace("_", " ").capitalize()


class Severity(StrEnum):
    """Fatal rejects, severe needs a person, a warning is for information."""

    FATAL = "fatal"
    SEVERE = "severe"
    WARNING = "warning"

    @property
    def label(self) -> str:
        return self.value.replace("_", " ").capitalize()
