"""Generated SDRs, sessions and distributed data of two trades, wrong in every way that counts."""

import json
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from hypothesis import strategies as st
from psycopg.types.range import TimestamptzRange

from roaming import models
from roaming.domain.agreement import Service
from roaming.domain.session import SessionState
from settlement.domain.reconciliation.rule_settings import PROTECTED
from settlement.domain.reconciliation.rules import JUDGED_ANEW
from settlement.models import RuleSetting
from tests import factories
from tests.settlement.own_records import lay_records
from tests.settlement.sdrs import OCTOBER_5, TOKEN, Trade, announce, tariff_body

OTHER_TOKEN = b"o" * 32
# An EVSE that the CSO sold within the hour, and one of another identifier of the operator.
SOLD, SISTER = "DEVISESOLD", "DESISE001"


@dataclass(frozen=True)
class SdrPlan:
    """One generated SDR: which session it names, and in what it may be wrong."""

    trade: int
    session: int | None  # index of a session, or None
    starts_min: int
    lasts_min: int
    evse: str
    token: bytes | None
    received_after_h: int
    kwh: str
    periods_kwh: float
    claim: str
    currency: str
    tariff: str
    snapshot: str | None
    state: str
    arrival: int
    authorised: str
    connector: str
    body: dict
    method: str
    reference: str
    cso_session: str
    total_time_h: str | None
    naive: bool
    chosen: int | None


@dataclass(frozen=True)
class VersionPlan:
    """What a home-CSP distributed of a token, and when."""

    trade: int
    token: bytes
    received_min: int
    valid: bool
    whitelist: str
    expires_min: int | None
    removed: bool


@dataclass(frozen=True)
class SessionPlan:
    trade: int
    starts_min: int
    state: str
    token: bytes
    evse: str
    method: str
    authorised: str
    reference: str
    completed_kwh: str | None


methods = st.sampled_from(["RFID", "RFID", "APP", "PNC", "OTHER", ""])
sessions = st.builds(
    SessionPlan,
    trade=st.integers(0, 1),
    starts_min=st.sampled_from([0, 30, 90]),
    state=st.sampled_from(["completed", "completed", *(state.value for state in SessionState)]),
    token=st.sampled_from([TOKEN, OTHER_TOKEN]),
    evse=st.sampled_from(["DEVISE001", "DEVISE001", "DEVISE001", SOLD, SISTER]),
    method=methods,
    authorised=st.sampled_from(["ONLINE", "ONLINE", "OFFLINE", ""]),
    reference=st.sampled_from(["A", "A", "B", ""]),
    completed_kwh=st.sampled_from([None, None, "20", "20.05", "19"]),
)
bodies = st.fixed_dictionaries(
    {},
    optional={
        "meter_start": st.just(100),
        "meter_data": st.sampled_from([{}, {"unreadable": "x"}, {"energy_kwh": 19}]),
        "meter_end": st.sampled_from([120, 120, 125, 90]),
        "total_cost": st.sampled_from(
            [{"excl_vat": 10, "incl_vat": 11.9}, {"excl_vat": 10, "incl_vat": 9}, {"excl_vat": 10}]
        ),
        "total_energy_cost": st.sampled_from(
            [{"excl_vat": 10, "incl_vat": 11.9}, {"excl_vat": 8}, {"excl_vat": 10.02}]
        ),
        "total_fixed_cost": st.sampled_from([{"excl_vat": 0}, {"excl_vat": 2, "incl_vat": 2}]),
        "total_reservation_time": st.sampled_from([0, 0.5]),
        "total_reservation_cost": st.sampled_from([{"excl_vat": 0}, {"excl_vat": 1}]),
        "end_date_time": st.just("2026-10-05T13:00:00+01:00"),
    },
)
sdrs = st.builds(
    SdrPlan,
    trade=st.integers(0, 1),
    session=st.none() | st.integers(0, 2),
    starts_min=st.sampled_from([0, 0, 59, 59, 61, -60 * 24 * 4, -60 * 24 * 4]),
    lasts_min=st.sampled_from([60, 60, 60, 30, 0, 60 * 24 * 5, 60 * 24 * 5]),
    evse=st.sampled_from(["DEVISE001"] * 4 + [SOLD, SISTER, "DEVISE002", "DEVISE002", "", ""]),
    token=st.sampled_from([TOKEN, TOKEN, OTHER_TOKEN, None]),
    received_after_h=st.sampled_from([1, 24, 25, 168, 169]),
    kwh=st.sampled_from(["20", "20.00", "20.05", "25", "0", "0.0", "1000", "1000.1"]),
    periods_kwh=st.sampled_from([20.0, 20.0, 20.1, 0.0]),
    claim=st.sampled_from(["10", "10.00", "10.004", "10.01", "10.02", "12.3", "8", "0", "-3"]),
    currency=st.sampled_from(["EUR", "EUR", "EUR", "CHF", "???"]),
    tariff=st.sampled_from(["AC", "AC", "AC", "CHF", "NEVER", ""]),
    snapshot=st.sampled_from([None, None, "0.50", "0.40", "0.99"]),
    state=st.sampled_from(
        ["validated"] * 6
        + ["accepted", "rejected", "credited", "deviating", "unmatched", "settled", "rated"]
    ),
    arrival=st.integers(1, 3),
    authorised=st.sampled_from(["OFFLINE", "OFFLINE", "ONLINE", "COMMAND", ""]),
    method=methods,
    reference=st.sampled_from(["A", "A", "B", ""]),
    cso_session=st.sampled_from(["", "", "S1", "S2"]),
    naive=st.sampled_from([False, False, False, True]),
    total_time_h=st.sampled_from([None, "1", "1.016", "1.017", "0.5", "24"]),
    connector=st.sampled_from(["1", "1", "2", ""]),
    body=st.just({}) | bodies,
    chosen=st.sampled_from([None] * 8 + [0, 1]),
)


@dataclass(frozen=True)
class SettingPlan:
    """What staff set, and for whom: 0 for all, 1 and 2 an operator, 3 an agreement."""

    rule: str
    scope: int
    trade: int
    off: bool
    severity: str
    tolerance: str | None
    share: str | None


CHANGEABLE = sorted(set(JUDGED_ANEW) - set(PROTECTED))
setting_plans = st.builds(
    SettingPlan,
    rule=st.sampled_from([*CHANGEABLE, "PRC-01", "QTY-02", "TIM-06", "TIM-08", "QTY-08", "TIM-03"]),
    scope=st.integers(0, 3),
    trade=st.integers(0, 1),
    off=st.sampled_from([False, False, True]),
    severity=st.sampled_from(["", "", "severe", "warning"]),
    tolerance=st.sampled_from([None, None, "0", "0.30", "25", "5000"]),
    share=st.sampled_from([None, None, "0.5"]),
)
distributed = st.builds(
    VersionPlan,
    trade=st.integers(0, 1),
    token=st.sampled_from([TOKEN, TOKEN, OTHER_TOKEN]),
    received_min=st.sampled_from([-60 * 24 * 5, -60 * 24 * 5, 0, 59, 60, 90]),
    valid=st.sampled_from([True, True, True, False]),
    whitelist=st.sampled_from(["ALWAYS", "ALLOWED", "ALLOWED_OFFLINE", "NEVER"]),
    expires_min=st.sampled_from([None, None, 59, 120]),
    removed=st.sampled_from([False, False, False, True]),
)


def two_trades(cast):
    """Two trades with other terms each; the second was suspended for a while and starts late."""
    announce(cast.visited_cso.identifier)
    announce(cast.visited_cso.identifier, price="0.40", valid_from=OCTOBER_5 - timedelta(days=1))
    announce(cast.visited_cso.identifier, "CHF", body=tariff_body("CHF", "0.50", "CHF"))
    second = factories.make_agreement(
        cast.visited_cso.operator,
        cast.outsider.operator,
        services=(Service.LOCAL_START, Service.RESERVATION, Service.OFFLINE),
        valid_from=OCTOBER_5,
        valid_to=OCTOBER_5 + timedelta(minutes=61),
        tolerance_energy_kwh="0.04",
        tolerance_energy_share="0.01",
        tolerance_money="0",
        tolerance_money_share="0.002",
        tolerance_time_s=0,
        sdr_window_hours=24,
        rounding="CEILING",
        requires_signed_meter_data=True,
        tariff_notice_hours=12,
        requires_csp_record=True,
    )
    models.AgreementSuspension.objects.create(
        agreement=second,
        reason="unpaid",
        during=TimestamptzRange(OCTOBER_5 + timedelta(minutes=30), None),
    )
    _more_evses(cast)
    first = Trade.of(cast)
    other = Trade(second, first.visited_cso, cast.outsider.identifier, first.platform, first.evse)
    return (first, other)


def _more_evses(cast):
    sold = factories.make_site(cast.visited_cso.identifier, "DE*VIS*ESOLD").ownerships.get()
    at = OCTOBER_5 + timedelta(minutes=30)
    sold.during = TimestamptzRange(sold.during.lower, at)
    sold.save()
    buyer = factories.IdentifierFactory(identifier="NL*BUY")
    models.EvseOwnership.objects.create(
        evse=sold.evse, visited_cso=buyer, during=TimestamptzRange(at, None)
    )
    sister = factories.IdentifierFactory(operator=cast.visited_cso.operator, identifier="DE*SIS")
    factories.make_site(sister, "DE*SIS*E001")
    # Where another environment has an EVSE of the same name nobody may be misled by it.
    factories.make_site(cast.visited_cso.identifier, "DE*VIS*E002", environment="test")


def _part(plan, start):
    """The body of a planned SDR."""
    part = {
        "charging_periods": [
            {
                "start_date_time": start.isoformat(),
                "dimensions": [{"type": "ENERGY", "volume": plan.periods_kwh}],
            }
        ]
    }
    part |= plan.body
    if plan.snapshot:
        snapshot = json.loads(tariff_body(plan.tariff or "AC", plan.snapshot))
        part["tariffs"] = [snapshot]
    return part


def _evidence(trades, session_plans):
    return [
        trades[plan.trade].session(
            OCTOBER_5 + timedelta(minutes=plan.starts_min),
            state=plan.state,
            token_hmac=plan.token,
            evse=models.Evse.objects.get(environment="live", key=plan.evse),
            identification_method=plan.method,
            authorised=plan.authorised,
            authorization_reference=plan.reference,
            energy_kwh=None if plan.completed_kwh is None else Decimal(plan.completed_kwh),
            ended_at=None if plan.completed_kwh is None else OCTOBER_5 + timedelta(hours=1),
        )
        for plan in session_plans
    ]


def rows_of(trades, session_plans, sdr_plans, record_plans=()):
    evidence = _evidence(trades, session_plans)
    rows = []
    for number, plan in enumerate(sdr_plans):
        start = OCTOBER_5 + timedelta(minutes=plan.starts_min)
        end = start + timedelta(minutes=plan.lasts_min)
        part = _part(plan, start)
        settled = plan.state in ("accepted", "settled")
        rows.append(
            trades[plan.trade].sdr(
                evidence[plan.session] if plan.session is not None else None,
                kwh=plan.kwh,
                claim=plan.claim,
                started_at=start,
                ended_at=end,
                evse_key=plan.evse,
                evse_id=f"as sent {plan.evse}",
                token_hmac=plan.token,
                received_at=end + timedelta(hours=plan.received_after_h),
                currency=plan.currency,
                tariff_id=plan.tariff,
                part=part,
                state=plan.state,
                standing={
                    **({"settled_amount": 1, "basis": "claim"} if settled else {}),
                    "chosen_session_id": evidence[plan.chosen].id
                    if plan.chosen is not None and plan.state == "validated"
                    else None,
                },
                reference=f"R{number}",
                arrival=10 * plan.arrival + number,
                authorised=plan.authorised,
                connector_id=plan.connector,
                identification_method=plan.method,
                authorization_reference=plan.reference,
                cso_session_id=plan.cso_session,
                total_time_h=None if plan.total_time_h is None else Decimal(plan.total_time_h),
            )
        )
        if plan.naive:
            at_the_door(rows[-1])
    lay_records(trades, evidence, record_plans)
    return rows


def at_the_door(sdr):
    """A finding that the door left."""
    models.Finding.objects.create(
        id=sdr.id, environment=sdr.environment, period=sdr.period, pair=sdr.pair, sdr=sdr,
        rule="TIM-03", severity="severe", explanation="no offset", found_at=sdr.received_at,
    )  # fmt: skip


def set_rules(trades, plans):
    """Rows of what staff set, one for each rule and scope."""
    for plan in {(p.rule, p.scope, p.trade if p.scope else 0): p for p in plans}.values():
        agreement = trades[plan.trade].agreement
        scope = {
            1: {"operator": agreement.visited_cso},
            2: {"operator": agreement.home_csp},
            3: {"agreement": agreement},
        }.get(plan.scope, {})
        RuleSetting.objects.update_or_create(
            rule=plan.rule,
            operator=scope.get("operator"),
            agreement=scope.get("agreement"),
            defaults={
                "switched_off": plan.off,
                "severity": plan.severity,
                "tolerance": None if plan.tolerance is None else Decimal(plan.tolerance),
                "tolerance_share": None if plan.share is None else Decimal(plan.share),
                "reason": "generated",
            },
        )


def distribute(trades, version_plans):
    for plan in version_plans:
        models.IdentificationVersion.objects.create(
            environment="live",
            home_csp=trades[plan.trade].home_csp,
            token_hmac=plan.token,
            valid=plan.valid,
            whitelist=plan.whitelist,
            expires_at=None
            if plan.expires_min is None
            else OCTOBER_5 + timedelta(minutes=plan.expires_min),
            removed=plan.removed,
            received_at=OCTOBER_5 + timedelta(minutes=plan.received_min),
        )
