"""The three records of one session side by side, what differs said in words (6.4.2).

The visited-CSO's claim, the home-CSP's own record where it sent one, the clearing house's evidence.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from roaming.models import Sdr, ServiceSession, TariffVersion
from roaming.staff_pages.cells import (
    EMPTY,
    badge,
    link_to,
    link_to_page,
    moment,
    money,
    plain_number,
    quantity,
    value_at,
)
from roaming.staff_pages.staff_admin import Panel
from settlement.models import CspRecord

RECORD, EVIDENCE = "CSP", "evidence"


@dataclass(frozen=True, slots=True)
class Records:
    """What is known of one session from its three sides."""

    sdr: Sdr
    session: ServiceSession | None
    record: CspRecord | None

    @classmethod
    def of(cls, sdr: Sdr) -> Records:
        return cls(sdr, session_of(sdr), record_of(sdr))


def session_of(row: Sdr) -> ServiceSession | None:
    """The session that it was matched with, or the one it names."""
    key = value_at(row, "standing__service_session_id") or row.service_session_id
    if key is None:
        return None
    rows = ServiceSession.objects.select_related("evse", "visited_cso", "home_csp")
    return rows.filter(pk=key, environment=row.environment).first()


def record_of(row: Sdr) -> CspRecord | None:
    """The home-CSP's own record that it was matched with."""
    key = value_at(row, "standing__csp_record_id")
    return None if key is None else CspRecord.objects.filter(pk=key).first()


def beside(row: Sdr, records: Records) -> Panel:
    """One line per fact; the last column says who differs from whom, and by how much."""
    notes = []
    if records.session is None:
        notes.append("No session was found for it: the claim stands without evidence.")
    if records.record is None:
        notes.append("The home-CSP has sent no record of its own.")
    headers = (
        "", "The visited-CSO's claim", "The home-CSP's own record", "The clearing house's evidence",
        "Difference",
    )  # fmt: skip
    return Panel("Side by side", headers, list(_lines(records)), "", note=" ".join(notes))


def _lines(records: Records) -> Iterator[tuple[Any, ...]]:
    sdr, session, record = records.sdr, records.session, records.record
    standing = value_at(sdr, "standing")
    yield (
        "Known as",
        str(sdr),
        str(record) if record else EMPTY,
        link_to(session, "session") if session else EMPTY,
        "",
    )
    yield (
        "Authorised",
        f"{sdr.identification_method} {sdr.authorised}".strip() or EMPTY,
        EMPTY,
        f"{session.identification_method} {session.authorised}".strip() if session else EMPTY,
        "",
    )
    known = value_at(session, "evse__key")
    yield _same("EVSE", sdr.evse_key, value_at(record, "evse_key"), known)
    yield _times("Start", *(value_at(side, "started_at") for side in (sdr, record, session)))
    yield _times("End", *(value_at(side, "ended_at") for side in (sdr, record, session)))
    energies = [value_at(side, "energy_kwh") for side in (sdr, record, session)]
    yield _numbers("Energy", energies, [quantity(value, "kWh") for value in energies], "kWh")
    yield _amounts(records, value_at(standing, "rated_before_tax"))
    yield _identified(records)
    yield _tariff(sdr, value_at(standing, "tariff_version_id"))


def _amounts(records: Records, rated: Decimal | None) -> tuple[Any, ...]:
    sdr, record = records.sdr, records.record
    amounts = [sdr.claim_before_tax, value_at(record, "before_tax"), rated]
    own = value_at(record, "currency") or sdr.currency
    shown = [money(amounts[0], sdr.currency), money(amounts[1], own), money(rated, sdr.currency)]
    if own != sdr.currency:
        amounts[1] = None
    line = _numbers("Before tax", amounts, shown, sdr.currency)
    return (
        line if own == sdr.currency else (*line[:4], badge(f"{own}, not {sdr.currency}", "danger"))
    )


def _tariff(sdr: Sdr, version: int | None) -> tuple[Any, ...]:
    in_force = (
        link_to_page(TariffVersion._meta, version, "in force at the start") if version else EMPTY
    )
    return ("Tariff", sdr.tariff_id or EMPTY, EMPTY, in_force, "")


def _identified(records: Records) -> tuple[Any, ...]:
    """Whether it was the same token, without showing any."""
    sides = (records.sdr, records.record, records.session)
    tokens = [value_at(side, "token_hmac") for side in sides]
    shown = ["••••••" if token else EMPTY for token in tokens]
    known = [bytes(token) for token in tokens if token]
    other = len(set(known)) > 1
    return ("Token", *shown, badge("not the same token", "danger") if other else "")


def _same(name: str, *values: str | None) -> tuple[Any, ...]:
    known = {value for value in values if value}
    differs = badge("not the same", "danger") if len(known) > 1 else ""
    shown = [value or EMPTY for value in values]
    return (name, *_marked(values, shown), differs)


def _times(name: str, *values: datetime | None) -> tuple[Any, ...]:
    def apart(one: datetime, other: datetime) -> str:
        ahead = one - other
        return f"{'+' if ahead > timedelta(0) else '−'}{abs(ahead)}"

    shown = [moment(value) for value in values]
    return (name, *_marked(values, shown), _differences(values, apart))


def _numbers(
    name: str, values: Sequence[Decimal | None], shown: Sequence[Any], unit: str
) -> tuple[Any, ...]:
    def apart(one: Decimal, other: Decimal) -> str:
        ahead = one - other
        return f"{'+' if ahead > 0 else '−'}{plain_number(abs(ahead))} {unit}".rstrip()

    return (name, *_marked(values, shown), _differences(values, apart))


def _marked(values: Sequence[Any], shown: Sequence[Any]) -> Iterator[Any]:
    """The cells, with a sign before each that is not what the CSO claims."""
    for value, cell in zip(values, shown, strict=True):
        differs = bool(value) and bool(values[0]) and value != values[0]
        yield format_html('<strong title="not as claimed">≠</strong> {}', cell) if differs else cell


def _differences(values: Sequence[Any], apart: Any) -> Any:
    """How far the claim is from each of the other two, in words and on a coloured ground."""
    claimed = values[0]
    told = [
        (badge(f"{apart(claimed, other)} to the {name}", "warning"),)
        for name, other in zip((RECORD, EVIDENCE), values[1:], strict=True)
        if claimed is not None and other is not None and claimed != other
    ]
    return format_html_join(SafeString("<br>"), "{}", told)
