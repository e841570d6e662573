"""An SDR that is right in every way, as each kind of rule sees it, and how to spoil it."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from roaming.domain.tariff import parse_tariff
from settlement.domain.rating import NotRatable, parse_sdr, rate
from settlement.domain.reconciliation.body import BodyCase, read_stated
from settlement.domain.reconciliation.case import (
    Case,
    Claim,
    Neighbour,
    OwnRecord,
    PriceEvidence,
    SessionEvidence,
    Terms,
)
from settlement.domain.reconciliation.identity import CreditCase
from settlement.domain.reconciliation.tolerances import Allowance, Tolerances

TEN = datetime(2026, 10, 5, 8, tzinfo=UTC)  # ten o'clock in Berlin
HOUR = timedelta(hours=1)
SESSION, OTHER_SESSION = uuid.UUID(int=1), uuid.UUID(int=2)
BERLIN = ZoneInfo("Europe/Berlin")
D = Decimal

CLAIM = Claim(
    reference="SDR-1",
    arrival=5,
    evse_id="DE*VIS*E001",
    pair_id=7,
    home_csp_id=2,
    service_session_id=SESSION,
    token_hmac=b"token",
    authorised="ONLINE",
    evse_key="DEVISE001",
    started_at=TEN,
    ended_at=TEN + HOUR,
    received_at=TEN + 2 * HOUR,
    energy_kwh=D(20),
    currency="EUR",
    before_tax=D(10),
    identification_method="RFID",
    authorization_reference="A",
    cso_session_id="S",
    total_time_h=D(1),
)
RIGHT = Case(
    claim=CLAIM,
    session=SessionEvidence(
        session_id=SESSION,
        pair_id=7,
        state="completed",
        token_hmac=b"token",
        opened_at=TEN,
        evse_id="DE*VIS*E001",
        evse_key="DEVISE001",
        identification_method="RFID",
        authorised="ONLINE",
        authorization_reference="A",
        completed_kwh=D(20),
    ),
    terms=Terms(
        valid_from=TEN - 100 * HOUR,
        valid_to=None,
        suspensions=(),
        currency="EUR",
        tolerance_energy_kwh=D("0.01"),
        tolerance_energy_share=D("0.005"),
        tolerance_time_s=60,
        tolerance_money=D("0.01"),
        tolerance_money_share=D(0),
        sdr_window_hours=168,
    ),
    price=PriceEvidence(
        payable=D(10), unrounded=D(10), expected=D(10), periods_energy=D(20), tariff_version_id=1
    ),
    evse_owned=((TEN - 100 * HOUR, None),),
    services=frozenset({"local_start", "offline"}),
)
NEIGHBOUR = Neighbour(
    reference="SDR-0",
    arrival=4,
    decided=False,
    pair_id=7,
    home_csp_id=2,
    service_session_id=OTHER_SESSION,
    token_hmac=b"another",
    evse_key="DEVISE002",
    started_at=TEN,
    ended_at=TEN + HOUR,
)
CREDIT = CreditCase(
    reference="CR-1",
    credit_reference="SDR-1",
    before_tax=D(-10),
    after_tax=D("-11.90"),
    currency="EUR",
    home_csp_id=2,
    has_agreement=True,
    original_found=True,
    original_before_tax=D(10),
    original_after_tax=D("11.90"),
    original_currency="EUR",
    original_home_csp_id=2,
)


def claim(**fields: Any) -> Case:
    """The right case with another claim."""
    return replace(RIGHT, claim=replace(CLAIM, **fields))


def session(**fields: Any) -> Case:
    assert RIGHT.session is not None
    return replace(RIGHT, session=replace(RIGHT.session, **fields))


def recorded(**fields: Any) -> Case:
    """The right case with the home-CSP's own record, which says the same but for these fields."""
    record = OwnRecord(
        energy_kwh=D(20),
        started_at=TEN,
        ended_at=TEN + HOUR,
        currency="EUR",
        before_tax=D(10),
        evse_id="DE*VIS*E001",
        evse_key="DEVISE001",
        token_hmac=b"token",
    )
    return replace(RIGHT, record=replace(record, **fields))


def terms(**fields: Any) -> Case:
    assert RIGHT.terms is not None
    return replace(RIGHT, terms=replace(RIGHT.terms, **fields))


def price(**fields: Any) -> Case:
    return replace(RIGHT, price=replace(RIGHT.price, **fields))


def beside(**fields: Any) -> Case:
    """The right case with another SDR beside it."""
    return replace(RIGHT, neighbours=(replace(NEIGHBOUR, **fields),))


def credit(**fields: Any) -> CreditCase:
    return replace(CREDIT, **fields)


TARIFF: dict[str, Any] = {
    "id": "AC",
    "currency": "EUR",
    "elements": [{"price_components": [
        {"type": "ENERGY", "price": 0.45, "vat": 19, "step_size": 1},
        {"type": "FLAT", "price": 1, "vat": 19, "step_size": 1},
    ]}],
}  # fmt: skip


def period(kwh: float, minutes: int = 0, **more: Any) -> dict[str, Any]:
    start = (TEN + timedelta(minutes=minutes)).isoformat()
    return {"start_date_time": start, "dimensions": [{"type": "ENERGY", "volume": kwh}], **more}


def message(**fields: Any) -> dict[str, Any]:
    """A body that is right: 20 kWh at 0.45 and 1 flat, in two periods, with 19 % VAT."""
    return {
        "id": "SDR-1",
        "start_date_time": TEN.isoformat(),
        "end_date_time": (TEN + HOUR).isoformat(),
        "currency": "EUR",
        "charging_periods": [period(10), period(10, 30)],
        "total_cost": {"excl_vat": 10, "incl_vat": 11.9},
        "total_energy_cost": {"excl_vat": 9, "incl_vat": 10.71},
        "total_fixed_cost": {"excl_vat": 1, "incl_vat": 1.19},
        "meter_start": 1000.5,
        "meter_end": 1020.5,
        **fields,
    }


def body(
    tariff: dict[str, Any] | None = None, case: dict[str, Any] | None = None, **fields: Any
) -> BodyCase:
    """The right body with other fields; `case`: of the case itself."""
    text = json.dumps(message(**fields))
    stated = read_stated(text)
    assert stated is not None
    parsed = priced = None
    try:
        parsed = parse_sdr(text)
        priced = rate(parsed, [parse_tariff(json.dumps(tariff or TARIFF))], BERLIN)
    except (NotRatable, ValueError):
        pass
    right = BodyCase(
        stated=stated,
        started_at=TEN,
        ended_at=TEN + HOUR,
        energy_kwh=D(20),
        before_tax=D(10),
        currency="EUR",
        time_zone=BERLIN,
        periods=parsed.charging_periods if parsed else (),
        priced=priced,
        max_power_kw=D(22),
        connector_id="1",
        tolerances=Tolerances(
            Allowance(D("0.01"), D("0.005")), Allowance(D(60)), Allowance(D("0.01"))
        ),
    )
    return replace(right, **(case or {}))
