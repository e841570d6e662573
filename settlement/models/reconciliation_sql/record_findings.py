"""The rules of matching and of the home-CSP's own record, over `recon_case`; each equals its
function in settlement.domain.reconciliation.own_record."""

from __future__ import annotations

from settlement.domain.reconciliation.own_record import NAMED
from settlement.models.reconciliation_sql import utc
from settlement.models.reconciliation_sql.select import Select, allowed, ruled

_RECORDED = "recon_case WHERE record_id IS NOT NULL AND "
_STAKE = "coalesce(record_money_difference, before_tax)"
_NAMES = f"""(SELECT left(string_agg(record.reference, ', ' ORDER BY record.id), 150)
    FROM settlement_csprecord record WHERE record.id = ANY (record_candidates[:{NAMED}]))"""  # noqa: S608
_APART = """greatest(
    abs(extract(epoch FROM started_at - record_started_at)),
    abs(extract(epoch FROM ended_at - record_ended_at)))"""

RECORD_SELECTS: dict[str, Select] = {
    "AUT-20": Select(
        "cardinality(session_candidates) || ' sessions'",
        f"'one of ' || array_to_string(session_candidates[:{NAMED}], ', ')",
        "recon_case WHERE session_candidates <> '{}'",
    ),
    "AUT-21": Select(
        "''",
        "'the identification that the home-CSP recorded'",
        _RECORDED + "record_token_hmac <> token_hmac",
    ),
    "TIM-20": Select(
        f"{utc('started_at')} || ' to ' || {utc('ended_at')}",
        f"{utc('record_started_at')} || ' to ' || {utc('record_ended_at')}",
        f"{ruled('TIM-20')} WHERE record_id IS NOT NULL"
        f" AND {_APART} > {allowed('kase.tolerance_time_s', '0')}",
        money_at_stake=_STAKE,
    ),
    "QTY-20": Select(
        "energy_kwh::text || ' kWh'",
        "record_energy_kwh::text || ' kWh'",
        f"{ruled('QTY-20')} WHERE record_id IS NOT NULL AND abs(energy_kwh - record_energy_kwh)"
        f" > {allowed('allowed_energy_kwh', 'energy_kwh')}",
        money_at_stake=_STAKE,
    ),
    "QTY-21": Select(
        "evse_id",
        "record_evse_id",
        _RECORDED + "evse_key <> '' AND record_evse_key <> '' AND evse_key <> record_evse_key",
    ),
    "PRC-20": Select(
        "before_tax::text || ' ' || currency",
        "record_before_tax::text || ' ' || record_currency",
        f"{ruled('PRC-20')} WHERE record_money_difference"
        f" > {allowed('allowed_record_money', 'record_before_tax')}",
        money_at_stake="record_money_difference",
    ),
    "PRC-21": Select(
        "currency",
        "record_currency",
        _RECORDED + "record_currency <> '' AND record_currency <> currency",
    ),
    "DAT-20": Select(
        "cardinality(record_candidates) || ' records'",
        f"'one of ' || {_NAMES}",
        "recon_case WHERE record_candidates <> '{}'",
        money_at_stake="NULL::numeric",
    ),
    "DAT-21": Select(
        "''",
        f"'a record of the home-CSP by ' || {utc('record_due_at')}",
        "recon_case WHERE judged_at > record_due_at",
        money_at_stake="NULL::numeric",
    ),
}
