"""The third record: the claim held against what the home-CSP itself recorded of the session."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from settlement.domain.reconciliation.case import (
    Case,
    OwnRecord,
    Verdict,
    number_text,
    seconds_between,
    utc_text,
)
from settlement.domain.reconciliation.tolerances import NOTHING, Allowance

# So many candidates are named in a finding; of more the number is told.
NAMED = 4


def several_sessions(case: Case) -> Verdict | None:
    """AUT-20: without a session id the SDR may be of several sessions; people choose."""
    if not case.session_candidates:
        return None
    named = ", ".join(str(key) for key in case.session_candidates[:NAMED])
    return Verdict(
        f"{len(case.session_candidates)} sessions", f"one of {named}", case.claim.before_tax
    )


def several_records(case: Case) -> Verdict | None:
    """DAT-20: several of the home-CSP's records may be of this session; none is compared."""
    if not case.record_candidates:
        return None
    named = ", ".join(case.record_candidates[:NAMED])[:150]
    return Verdict(f"{len(case.record_candidates)} records", f"one of {named}", None)


def record_missing(case: Case) -> Verdict | None:
    """DAT-21: the agreement requires the home-CSP's record, and it has not come in time."""
    hours = case.terms.csp_record_hours if case.terms is not None else None
    if hours is None or case.record is not None or case.record_candidates:
        return None
    if case.judged_at is None:
        return None
    latest = case.claim.received_at + timedelta(hours=hours)
    if case.judged_at <= latest:
        return None
    return Verdict("", f"a record of the home-CSP by {utc_text(latest)}", None)


def energy_differs(case: Case) -> Verdict | None:
    """QTY-20: by more than the agreement tolerates."""
    record = case.record
    if record is None:
        return None
    difference = abs(case.claim.energy_kwh - record.energy_kwh)
    if difference <= case.allowed_energy_kwh("QTY-20"):
        return None
    return Verdict(
        f"{number_text(case.claim.energy_kwh)} kWh",
        f"{number_text(record.energy_kwh)} kWh",
        _stake(case, record),
    )


def times_differ(case: Case) -> Verdict | None:
    """TIM-20: the start or the end, by more than the agreement tolerates."""
    record, claim = case.record, case.claim
    if record is None:
        return None
    apart_s = max(
        abs(seconds_between(claim.started_at, record.started_at)),
        abs(seconds_between(claim.ended_at, record.ended_at)),
    )
    if apart_s <= case.allowed_time_s("TIM-20"):
        return None
    return Verdict(
        f"{utc_text(claim.started_at)} to {utc_text(claim.ended_at)}",
        f"{utc_text(record.started_at)} to {utc_text(record.ended_at)}",
        _stake(case, record),
    )


def total_differs(case: Case) -> Verdict | None:
    """PRC-20: the total before tax, by more than the agreement tolerates."""
    record = case.record
    if record is None or record.before_tax is None or record.currency != case.claim.currency:
        return None
    difference = abs(case.claim.before_tax - record.before_tax)
    if difference <= _allowed_money(case, record.before_tax):
        return None
    return Verdict(
        f"{number_text(case.claim.before_tax)} {case.claim.currency}",
        f"{number_text(record.before_tax)} {record.currency}",
        difference,
    )


def currency_differs(case: Case) -> Verdict | None:
    """PRC-21: the home-CSP recorded a cost in another currency."""
    record = case.record
    if record is None or record.currency in ("", case.claim.currency):
        return None
    return Verdict(case.claim.currency, record.currency, case.claim.before_tax)


def evse_differs(case: Case) -> Verdict | None:
    """QTY-21: the home-CSP recorded another EVSE."""
    record, claim = case.record, case.claim
    if record is None or "" in (record.evse_key, claim.evse_key):
        return None
    if record.evse_key == claim.evse_key:
        return None
    return Verdict(claim.evse_id, record.evse_id, claim.before_tax)


def identification_differs(case: Case) -> Verdict | None:
    """AUT-21: the home-CSP recorded another token. Neither is told: they name persons."""
    record, claim = case.record, case.claim
    if record is None or record.token_hmac is None or claim.token_hmac is None:
        return None
    if record.token_hmac == claim.token_hmac:
        return None
    return Verdict("", "the identification that the home-CSP recorded", claim.before_tax)


def _stake(case: Case, record: OwnRecord) -> Decimal:
    if record.before_tax is None or record.currency != case.claim.currency:
        return case.claim.before_tax
    return abs(case.claim.before_tax - record.before_tax)


def _allowed_money(case: Case, recorded: Decimal) -> Decimal:
    agreed = NOTHING
    if case.terms is not None:
        agreed = Allowance(case.terms.tolerance_money, case.terms.tolerance_money_share)
    return case.allowances.get("PRC-20", agreed).of(recorded)
