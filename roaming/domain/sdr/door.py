"""What is judged at the door, from the record alone (settlement.md, section 1)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any

import msgspec

from roaming.domain.moments import CLOCK_TOLERANCE, POSSIBLE, plausible_moment
from roaming.domain.sdr.message import SdrMessage
from roaming.domain.sdr.states import Severity


@dataclass(frozen=True, slots=True)
class DoorFinding:
    """A defect seen at the door: rule id, severity, what was claimed and what was expected."""

    rule: str
    severity: Severity
    explanation: str
    claimed: str = ""
    expected: str = ""


MAX_DIGITS, MAX_EXPONENT, MIN_EXPONENT = 28, 12, -28
_SHORT = 24  # characters: whatever they say, sign and point included, is within the limits


def usable_number(value: Decimal) -> bool:
    """Whether a number is finite and of a size and length that can be measured or paid.

    >>> usable_number(Decimal("20.100000000000001")), usable_number(Decimal("1e900"))
    (True, False)
    """
    if not value.is_finite():
        return False
    text = str(value)
    if len(text) <= _SHORT and "E" not in text:
        return True  # nearly every number; its parts cost more than its text
    parts = value.as_tuple()
    assert isinstance(parts.exponent, int), "it is finite"
    return len(parts.digits) <= MAX_DIGITS and MIN_EXPONENT <= parts.exponent <= MAX_EXPONENT


def absurd_number(message: SdrMessage) -> str | None:
    """The field of the first number that is not usable, else None.

    >>> absurd_number(SdrMessage(id="1", visited_cso="", home_csp="", total_energy=Decimal("NaN")))
    'total_energy'
    """
    return next((name for name, value in message.decimals() if not usable_number(value)), None)


# Without these nothing can be stored under the right name: they are refused, not noted.
LONGEST_ID, LONGEST_PARTY = 64, 20
# These name what the money is for; without them an SDR cannot stand.
_VITAL = {"currency": 3, "evse_id": 48}
_LONGEST = {
    **_VITAL,
    "cso_session_id": 64,
    "csp_session_id": 64,
    "authorization_reference": 36,
    "connector_id": 36,
    "country": 3,
    "time_zone": 60,
    "tariff_id": 36,
    "credit_reference_id": 64,
}
_LONGEST_IDENTIFICATION = {"method": 8, "token_uid": 36, "contract_id": 36, "authorised": 8}
_texts_of = attrgetter(*_LONGEST)
_identification_texts_of = attrgetter(*_LONGEST_IDENTIFICATION)


def without_overlong_texts(message: SdrMessage) -> tuple[SdrMessage, list[DoorFinding]]:
    """The message with every text that is too long left out, and a finding for each.

    A cut text would be another one ("EURO" is not "EUR"); the original keeps what was sent.

    >>> short, found = without_overlong_texts(
    ...     SdrMessage(id="1", visited_cso="", home_csp="", currency="EURO")
    ... )
    >>> short.currency, found[0].rule
    ('', 'DAT-03')
    """
    found = []
    changes: dict[str, Any] = {}
    for (name, longest), text in zip(_LONGEST.items(), _texts_of(message), strict=True):
        if text and len(text) > longest:
            changes[name] = ""
            found.append(_overlong(name, text, longest))
    identification = {}
    texts = _identification_texts_of(message.identification)
    for (name, longest), text in zip(_LONGEST_IDENTIFICATION.items(), texts, strict=True):
        if len(text) > longest:
            identification[name] = ""
            found.append(_overlong(f"identification.{name}", "", longest))
    if identification:
        changes["identification"] = msgspec.structs.replace(
            message.identification, **identification
        )
    return (msgspec.structs.replace(message, **changes) if changes else message), found


def _overlong(name: str, text: str, longest: int) -> DoorFinding:
    severity = Severity.FATAL if name in _VITAL else Severity.SEVERE
    explanation = f"The field {name} is longer than it can be and was left out."
    return DoorFinding("DAT-03", severity, explanation, text[:60], f"at most {longest} characters")


def door_findings(
    message: SdrMessage, started_at: datetime | None, ended_at: datetime | None, now: datetime
) -> list[DoorFinding]:
    """What the record alone shows to be wrong. Times are aware; `None` where the SDR has none."""
    return [
        *_missing_fields(message),
        *_time_findings(started_at, ended_at, now),
        *_unclear_times(message),
        *_negative_energy(message),
    ]


def _missing_fields(message: SdrMessage) -> Iterator[DoorFinding]:
    for name in _missing(message):
        yield DoorFinding("DAT-01", Severity.FATAL, f"The field {name} is missing.", "", name)


def _time_findings(
    started_at: datetime | None, ended_at: datetime | None, now: datetime
) -> Iterator[DoorFinding]:
    latest = started_at if ended_at is None else ended_at
    if started_at and ended_at and ended_at < started_at:
        latest = started_at
        yield DoorFinding(
            "TIM-01",
            Severity.FATAL,
            "The session ends before it starts.",
            ended_at.isoformat(),
            f"not before {started_at.isoformat()}",
        )
    if latest and latest > now + CLOCK_TOLERANCE:
        yield DoorFinding(
            "TIM-02",
            Severity.FATAL,
            "The session lies in the future.",
            latest.isoformat(),
            f"not after {now.isoformat()}",
        )


def _unclear_times(message: SdrMessage) -> Iterator[DoorFinding]:
    for name, moment in (
        ("start_date_time", message.start_date_time),
        ("end_date_time", message.end_date_time),
    ):
        if not plausible_moment(moment):
            yield DoorFinding(
                "TIM-04",
                Severity.FATAL,
                f"{name} is not a possible time of a charging session.",
                str(moment),
                POSSIBLE,
            )
        elif moment is not None and moment.tzinfo is None:
            yield DoorFinding(
                "TIM-03",
                Severity.SEVERE,
                f"{name} does not say its offset; it was read in the SDR's time zone, or as UTC.",
                moment.isoformat(),
                "a time with an offset from UTC",
            )


def _negative_energy(message: SdrMessage) -> Iterator[DoorFinding]:
    if not message.credit and message.total_energy is not None and message.total_energy < 0:
        yield DoorFinding(
            "QTY-01",
            Severity.FATAL,
            "The energy is negative and the SDR is not a credit.",
            str(message.total_energy),
            "0 or more kWh",
        )


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
