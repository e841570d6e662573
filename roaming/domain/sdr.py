"""The SDR as it arrives, and what is judged at the door (IEC 63119-2, Annex B; settlement.md, 1).

At the door an SDR is refused only when it cannot be parsed or lacks its own id or its parties.
Every other defect is a finding: the SDR is stored, answered, and visible to both sides.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

import msgspec


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


NOT_SENT = msgspec.Raw()


class IdentificationPart(msgspec.Struct, kw_only=True, frozen=True):
    """How the user identified, and who authorised (5.6)."""

    method: str = ""
    token_uid: str = ""
    contract_id: str = ""
    authorised: str = ""


class Cost(msgspec.Struct, kw_only=True, frozen=True):
    """OCPI's Price, 2.2.1 (excl_vat, incl_vat) or 2.3.0 (before_taxes, taxes)."""

    excl_vat: Decimal | None = None
    incl_vat: Decimal | None = None
    before_taxes: Decimal | None = None
    taxes: list[dict[str, Any]] | None = None

    @property
    def before_tax(self) -> Decimal | None:
        return self.before_taxes if self.excl_vat is None else self.excl_vat

    @property
    def after_tax(self) -> Decimal | None:
        """Including tax, or None where the claim does not say or its taxes cannot be read."""
        if self.incl_vat is not None or self.before_taxes is None or self.taxes is None:
            return self.incl_vat
        try:
            amounts = [Decimal(str(tax["amount"])) for tax in self.taxes]
        except (KeyError, ArithmeticError):
            return None
        return self.before_taxes + sum(amounts, Decimal(0))


class SdrMessage(msgspec.Struct, kw_only=True, frozen=True):
    """UC3-9, native form. Unknown extra fields are allowed and kept in the original.

    Units: kWh, hours; money in `currency`. Periods and tariffs use OCPI's vocabulary and stay raw
    here: they are rated later, and what is wrong with them is a finding.
    """

    id: str
    visited_cso: str
    home_csp: str
    service_session_id: str | None = None
    cso_session_id: str | None = None
    csp_session_id: str | None = None
    authorization_reference: str | None = None
    identification: IdentificationPart = IdentificationPart()
    evse_id: str = ""
    connector_id: str | None = None
    power_type: str | None = None
    site_id: str | None = None
    country: str | None = None
    time_zone: str | None = None
    start_date_time: datetime | None = None
    end_date_time: datetime | None = None
    currency: str = ""
    tariff_id: str | None = None
    tariffs: msgspec.Raw = NOT_SENT
    charging_periods: msgspec.Raw = NOT_SENT
    total_energy: Decimal | None = None
    total_time: Decimal | None = None
    total_parking_time: Decimal | None = None
    total_reservation_time: Decimal | None = None
    total_cost: Cost | None = None
    total_energy_cost: Cost | None = None
    total_fixed_cost: Cost | None = None
    total_time_cost: Cost | None = None
    total_parking_cost: Cost | None = None
    total_reservation_cost: Cost | None = None
    meter_start: Decimal | None = None
    meter_end: Decimal | None = None
    signed_data: msgspec.Raw = NOT_SENT
    credit: bool = False
    credit_reference_id: str | None = None

    def decimals(self) -> Iterator[tuple[str, Decimal]]:
        """Every number of the envelope with its field name."""
        for name in _DECIMAL_FIELDS:
            value = getattr(self, name)
            if value is not None:
                yield name, value
        for name in _COST_FIELDS:
            cost: Cost | None = getattr(self, name)
            if cost is None:
                continue
            for part in ("excl_vat", "incl_vat", "before_taxes"):
                value = getattr(cost, part)
                if value is not None:
                    yield f"{name}.{part}", value


_DECIMAL_FIELDS = (
    "total_energy",
    "total_time",
    "total_parking_time",
    "total_reservation_time",
    "meter_start",
    "meter_end",
)
_COST_FIELDS = (
    "total_cost",
    "total_energy_cost",
    "total_fixed_cost",
    "total_time_cost",
    "total_parking_cost",
    "total_reservation_cost",
)


class RatedPart(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """The fields that rating reads, and nothing that names a person (kept beside the SDR row)."""

    id: str
    start_date_time: datetime | None = None
    end_date_time: datetime | None = None
    currency: str = ""
    tariff_id: str | None = None
    tariffs: msgspec.Raw = NOT_SENT
    charging_periods: msgspec.Raw = NOT_SENT
    total_energy: Decimal | None = None
    total_time: Decimal | None = None
    total_parking_time: Decimal | None = None
    total_reservation_time: Decimal | None = None
    total_cost: Cost | None = None
    total_energy_cost: Cost | None = None
    total_fixed_cost: Cost | None = None
    total_time_cost: Cost | None = None
    total_parking_cost: Cost | None = None
    total_reservation_cost: Cost | None = None
    meter_start: Decimal | None = None
    meter_end: Decimal | None = None
    credit: bool = False

    @classmethod
    def of(cls, message: SdrMessage) -> RatedPart:
        return cls(**{name: getattr(message, name) for name in cls.__struct_fields__})


@dataclass(frozen=True, slots=True)
class DoorFinding:
    """A defect seen at the door: rule id, severity, what was claimed and what was expected."""

    rule: str
    severity: Severity
    explanation: str
    claimed: str = ""
    expected: str = ""


# A clock that runs a little ahead is a fact of the field, not a fraud.
FUTURE_TOLERANCE = timedelta(minutes=5)
MAX_DIGITS, MAX_EXPONENT = 28, 12


def absurd_number(message: SdrMessage) -> str | None:
    """The field of the first number that is not finite or of no physical size, else None.

    >>> absurd_number(SdrMessage(id="1", visited_cso="", home_csp="", total_energy=Decimal("NaN")))
    'total_energy'
    """
    for name, value in message.decimals():
        sign_digits_exponent = value.as_tuple()
        if not isinstance(sign_digits_exponent.exponent, int):
            return name
        if (
            len(sign_digits_exponent.digits) > MAX_DIGITS
            or not -MAX_EXPONENT <= sign_digits_exponent.exponent <= MAX_EXPONENT
        ):
            return name
    return None


_LONGEST = {
    "id": 64,
    "visited_cso": 20,
    "home_csp": 20,
    "cso_session_id": 64,
    "csp_session_id": 64,
    "authorization_reference": 36,
    "evse_id": 48,
    "connector_id": 36,
    "country": 3,
    "time_zone": 60,
    "currency": 3,
    "tariff_id": 36,
    "credit_reference_id": 64,
}
_LONGEST_IDENTIFICATION = {"method": 8, "token_uid": 36, "contract_id": 36, "authorised": 8}


def overlong_text(message: SdrMessage) -> tuple[str, int] | None:
    """The first field with more characters than it may have, and how many it may have, else None.

    >>> overlong_text(SdrMessage(id="x" * 65, visited_cso="", home_csp=""))
    ('id', 64)
    """
    for name, longest in _LONGEST.items():
        if len(getattr(message, name) or "") > longest:
            return name, longest
    for name, longest in _LONGEST_IDENTIFICATION.items():
        if len(getattr(message.identification, name)) > longest:
            return f"identification.{name}", longest
    return None


def plausible_moment(moment: datetime | None) -> bool:
    """Whether a time can be one of a charging session at all: from 2000 to 2100."""
    return moment is None or 2000 <= moment.year < 2100


def door_findings(
    message: SdrMessage, started_at: datetime | None, ended_at: datetime | None, now: datetime
) -> list[DoorFinding]:
    """What the record alone shows to be wrong. Times are aware; `None` where the SDR has none."""
    found = [
        DoorFinding("DAT-01", Severity.FATAL, f"The field {name} is missing.", "", name)
        for name in _missing(message)
    ]
    if started_at and ended_at and ended_at < started_at:
        found.append(
            DoorFinding(
                "TIM-01",
                Severity.FATAL,
                "The session ends before it starts.",
                ended_at.isoformat(),
                f"not before {started_at.isoformat()}",
            )
        )
    latest = max((t for t in (started_at, ended_at) if t), default=None)
    if latest and latest > now + FUTURE_TOLERANCE:
        found.append(
            DoorFinding(
                "TIM-02",
                Severity.FATAL,
                "The session lies in the future.",
                latest.isoformat(),
                f"not after {now.isoformat()}",
            )
        )
    for name in ("start_date_time", "end_date_time"):
        moment: datetime | None = getattr(message, name)
        if not plausible_moment(moment):
            found.append(
                DoorFinding(
                    "TIM-04",
                    Severity.FATAL,
                    f"{name} is not a possible time of a charging session.",
                    str(moment),
                    "a time between 2000 and 2100",
                )
            )
        elif moment is not None and moment.tzinfo is None:
            found.append(
                DoorFinding(
                    "TIM-03",
                    Severity.SEVERE,
                    f"{name} does not say its offset; it was read in the SDR's time zone.",
                    moment.isoformat(),
                    "a time with an offset from UTC",
                )
            )
    if not message.credit and message.total_energy is not None and message.total_energy < 0:
        found.append(
            DoorFinding(
                "QTY-01",
                Severity.FATAL,
                "The energy is negative and the SDR is not a credit.",
                str(message.total_energy),
                "0 or more kWh",
            )
        )
    return found


def _missing(message: SdrMessage) -> Iterator[str]:
    if message.start_date_time is None:
        yield "start_date_time"
    if message.end_date_time is None:
        yield "end_date_time"
    if not message.currency:
        yield "currency"
    if not message.evse_id:
        yield "evse_id"
    if message.total_energy is None:
        yield "total_energy"
    if message.total_cost is None or message.total_cost.before_tax is None:
        yield "total_cost"
    if bytes(message.charging_periods).strip() in (b"", b"null"):
        yield "charging_periods"
    if message.credit and not message.credit_reference_id:
        yield "credit_reference_id"
