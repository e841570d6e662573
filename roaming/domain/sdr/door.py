"""What is judged at the door, from the record alone (settlement.md, section 1)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

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
    if started_at and ended_at and ended_at < started_at:
        yield DoorFinding(
            "TIM-01",
            Severity.FATAL,
            "The session ends before it starts.",
            ended_at.isoformat(),
            f"not before {started_at.isoformat()}",
        )
    latest = max((t for t in (started_at, ended_at) if t), default=None)
    if latest and latest > now + FUTURE_TOLERANCE:
        yield DoorFinding(
            "TIM-02",
            Severity.FATAL,
            "The session lies in the future.",
            latest.isoformat(),
            f"not after {now.isoformat()}",
        )


def _unclear_times(message: SdrMessage) -> Iterator[DoorFinding]:
    for name in ("start_date_time", "end_date_time"):
        moment: datetime | None = getattr(message, name)
        if not plausible_moment(moment):
            yield DoorFinding(
                "TIM-04",
                Severity.FATAL,
                f"{name} is not a possible time of a charging session.",
                str(moment),
                "a time between 2000 and 2100",
            )
        elif moment is not None and moment.tzinfo is None:
            yield DoorFinding(
                "TIM-03",
                Severity.SEVERE,
                f"{name} does not say its offset; it was read in the SDR's time zone.",
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
