"""The rules as SQL over `recon_case`; each equals its function in settlement.domain.reconciliation.

A rule is (claimed, expected, money at stake, causes, FROM and WHERE). Severity and explanation come
from the registry of rules, and from what staff set.
"""

from __future__ import annotations

from settlement.domain.reconciliation.authorisation import AUTHORISATION_EXPECTED, UNAUTHORISED
from settlement.domain.reconciliation.contradictions import BEFORE_OPENING_S, OF_ANY_KIND
from settlement.domain.reconciliation.offline import (
    NOT_GOOD,
    OFFLINE_EXPECTED,
    POLICY,
    WITHOUT_DATA,
)
from settlement.domain.reconciliation.place import EVSE_EXPECTED
from settlement.domain.reconciliation.plausibility import (
    LONGEST_S,
    MOST_ENERGY_KWH,
    MOST_POWER_KW,
)
from settlement.models.reconciliation_sql import utc
from settlement.models.reconciliation_sql.record_findings import RECORD_SELECTS
from settlement.models.reconciliation_sql.select import (
    OF_THE_PAIR,
    OF_THE_SESSION,
    Select,
    allowed,
    by_cause,
    most,
    neighbours,
    overlapping,
    ruled,
    same_charge,
    seconds,
)

_UNAUTHORISED = " ".join(
    f"WHEN session_state = '{state}' THEN '{cause}'" for state, cause in UNAUTHORISED.items()
)
_CAUSE = f"""CASE
    WHEN claims_offline OR session_candidates <> '{{}}' THEN NULL
    WHEN session_id IS NULL THEN 'no_session_id'
    WHEN NOT session_found THEN 'unknown_session'
    WHEN NOT matched THEN 'other_parties'
    {_UNAUTHORISED}
    WHEN token_hmac <> session_token_hmac THEN 'other_token'
END"""


def _offline(causes: tuple[str, ...]) -> Select:
    listed = ", ".join(f"'{cause}'" for cause in causes)
    return Select(
        f"'OFFLINE at ' || {utc('started_at')}",
        by_cause(OFFLINE_EXPECTED),
        f"recon_offline WHERE cause IN ({listed})",
        causes="ARRAY[cause]",
    )


_EVSE_CAUSE = """CASE
    WHEN evse_key = '' THEN NULL
    WHEN matched AND evse_key <> session_evse_key THEN 'other_evse'
    WHEN NOT evse_owned THEN 'unknown_evse'
END"""
_SPAN = f"{utc('started_at')} || ' to ' || {utc('ended_at')}"
_LASTED = seconds("started_at", "ended_at")
_OTHER_METHOD = f"""(matched AND identification_method <> '' AND session_method <> ''
    AND identification_method <> session_method
    AND '{OF_ANY_KIND}' NOT IN (identification_method, session_method))"""
_OTHER_AUTHORISATION = f"""(matched AND authorised <> '' AND session_authorised <> ''
    AND authorised <> session_authorised
    AND '{OF_ANY_KIND}' NOT IN (authorised, session_authorised))"""
_SERVICES = """('plug_and_charge', kase.identification_method = 'PNC'),
    ('remote_start', kase.authorised = 'COMMAND'), ('reservation', kase.reserved)"""


def _where(condition: str, value: str) -> str:
    return f"CASE WHEN {condition} THEN {value} END"


def _text(value: str) -> str:
    return f"'{value}'"


_IN_FORCE = "coalesce(validity @> opening, false)"

SELECTS: dict[str, Select] = {
    **RECORD_SELECTS,
    "DUP-02": Select(
        "reference",
        "'only ' || first_reference",
        neighbours(
            "recon_case kase",
            "other.reference AS first_reference",
            OF_THE_PAIR,
            OF_THE_SESSION,
        ),
    ),
    "AUT-01": Select(
        "coalesce(service_session_id::text, '')",
        by_cause(AUTHORISATION_EXPECTED),
        f"(SELECT *, {_CAUSE} AS cause FROM recon_case) kase WHERE cause IS NOT NULL",  # noqa: S608
        causes="ARRAY[cause]",
    ),
    "AUT-03": _offline(WITHOUT_DATA),
    "AUT-04": _offline(NOT_GOOD),
    "AUT-05": _offline(POLICY),
    "AGR-01": Select(
        "''",
        f"'an agreement in force at ' || {utc('opening')}",
        f"recon_case WHERE NOT {_IN_FORCE}",
    ),
    "AGR-02": Select(
        f"'opened at ' || {utc('opening')}",
        "'no new session while suspended'",
        f"""recon_case kase WHERE {_IN_FORCE} AND EXISTS (
            SELECT FROM roaming_agreementsuspension suspension
            WHERE suspension.agreement_id = kase.agreement_id
                AND suspension.during @> kase.opening)""",
    ),
    "TIM-05": Select(
        f"'received at ' || {utc('received_at')}",
        "'not after ' || " + utc("(ended_at + make_interval(hours => sdr_window_hours))"),
        "recon_case WHERE received_at > ended_at + make_interval(hours => sdr_window_hours)",
    ),
    "TIM-06": overlapping("TIM-06", "other.evse_key = kase.evse_key AND kase.evse_key <> ''"),
    "TIM-07": overlapping(
        "TIM-07",
        """other.token_hmac = kase.token_hmac
            AND other.home_csp_id IS NOT DISTINCT FROM kase.home_csp_id
            AND other.evse_key <> kase.evse_key""",
    ),
    "QTY-02": Select(
        "energy_kwh::text || ' kWh'",
        "periods_energy::text || ' kWh'",
        f"{ruled('QTY-02')} WHERE abs(energy_difference_kwh)"
        f" > {allowed('allowed_energy_kwh', 'energy_kwh')}",
        money_at_stake="coalesce(abs(money_difference), before_tax)",
    ),
    "QTY-06": Select(
        "evse_id",
        f"CASE cause WHEN 'other_evse' THEN '{EVSE_EXPECTED['other_evse']}, ' || session_evse_id"
        f" ELSE '{EVSE_EXPECTED['unknown_evse']}' END",
        f"(SELECT *, {_EVSE_CAUSE} AS cause FROM recon_case) kase WHERE cause IS NOT NULL",  # noqa: S608
        causes="ARRAY[cause]",
    ),
    "PRC-01": Select(
        "before_tax::text || ' ' || currency",
        "expected::text || ' ' || currency",
        f"{ruled('PRC-01')} WHERE abs(money_difference)"
        f" > {allowed('allowed_money', 'coalesce(expected, 0)')}",
        money_at_stake="abs(money_difference)",
        causes="price_causes",
    ),
    "PRC-02": Select("failure", "'an SDR that can be rated'", "recon_case WHERE failure <> ''"),
    "PRC-04": Select(
        "tariff_claimed",
        "tariff_expected",
        f"{ruled('PRC-04')} WHERE tariff_issue <> ''",
        money_at_stake="coalesce(abs(money_difference), before_tax)",
        causes="ARRAY[tariff_issue]",
        severity=f"CASE WHEN abs(money_difference)"
        f" <= {allowed('allowed_money', 'coalesce(expected, 0)')} THEN 'warning' END",
    ),
    "PRC-05": Select(
        "currency", "agreement_currency", "recon_case WHERE currency <> agreement_currency"
    ),
    "DUP-06": Select("reference", "'first a credit of ' || first_reference", same_charge()),
    "AUT-07": Select(
        f"concat_ws(', ', {_where(_OTHER_METHOD, 'identification_method')},"
        f" {_where(_OTHER_AUTHORISATION, 'authorised')})",
        f"concat_ws(', ', {_where(_OTHER_METHOD, 'session_method')},"
        f" {_where(_OTHER_AUTHORISATION, 'session_authorised')})",
        f"recon_case WHERE {_OTHER_METHOD} OR {_OTHER_AUTHORISATION}",
        money_at_stake="NULL",
        causes=f"array_remove(ARRAY[{_where(_OTHER_METHOD, _text('other_method'))},"
        f" {_where(_OTHER_AUTHORISATION, _text('other_authorisation'))}], NULL)",
    ),
    "AUT-08": Select(
        "authorization_reference",
        "session_reference",
        "recon_case WHERE matched AND authorization_reference <> '' AND session_reference <> ''"
        " AND authorization_reference <> session_reference",
        money_at_stake="NULL",
    ),
    "AGR-04": Select(
        "array_to_string(missing, ', ')",
        "'a service that they have agreed on'",
        f"""recon_case kase CROSS JOIN LATERAL (
            SELECT array_agg(needed.service ORDER BY needed.service) AS missing
            FROM (VALUES {_SERVICES}) needed (service, shown)
            WHERE shown AND NOT EXISTS (
                SELECT FROM roaming_operatorpair pair JOIN roaming_agreementservice covered
                    ON covered.environment = kase.environment
                    AND covered.visited_cso_id = pair.visited_cso_id
                    AND covered.home_csp_id = pair.home_csp_id
                WHERE pair.id = kase.pair_id AND covered.service = needed.service
                    AND covered.validity @> kase.opening)
        ) uncovered
        WHERE {_IN_FORCE} AND missing IS NOT NULL
            AND (identification_method = 'PNC' OR authorised = 'COMMAND' OR reserved)""",  # noqa: S608
        causes="missing",
    ),
    "TIM-08": Select(
        "total_time_h::text || ' h'",
        _SPAN,
        f"{ruled('TIM-08')} WHERE abs(total_time_h * 3600 - {_LASTED})"
        f" > {allowed('tolerance_time_s', '0')}",
        money_at_stake="NULL",
    ),
    "TIM-11": Select(
        _SPAN,
        f"'at most ' || {most(LONGEST_S)}::text || ' s'",
        f"{ruled('TIM-11')} WHERE {_LASTED} > {most(LONGEST_S)}",
    ),
    "TIM-12": Select(
        f"'started at ' || {utc('started_at')}",
        f"'opened at ' || {utc('opening')}",
        f"{ruled('TIM-12')} WHERE {seconds('started_at', 'opening')} > {most(BEFORE_OPENING_S)}",
        money_at_stake="NULL",
    ),
    "QTY-08": Select(
        f"energy_kwh::text || ' kWh from ' || {_SPAN}",
        f"'at most ' || {most(MOST_POWER_KW)}::text || ' kW'",
        f"{ruled('QTY-08')} WHERE energy_kwh * 3600 > {most(MOST_POWER_KW)} * {_LASTED}",
    ),
    "QTY-09": Select(
        "energy_kwh::text || ' kWh'",
        f"'at most ' || {most(MOST_ENERGY_KWH)}::text || ' kWh'",
        f"{ruled('QTY-09')} WHERE energy_kwh > {most(MOST_ENERGY_KWH)}",
    ),
    "QTY-10": Select(
        "before_tax::text || ' ' || currency || ' for 0 kWh'",
        "'energy, or a reservation'",
        "recon_case WHERE energy_kwh = 0 AND before_tax > 0 AND NOT reserved",
    ),
    "QTY-11": Select(
        "energy_kwh::text || ' kWh'",
        "completed_kwh::text || ' kWh, as the session was completed with'",
        f"{ruled('QTY-11')} WHERE matched AND abs(energy_kwh - completed_kwh)"
        f" > {allowed('allowed_energy_kwh', 'energy_kwh')}",
    ),
    "PRC-12": Select(
        "before_tax::text || ' ' || currency",
        "'0 or more; a credit where money goes back'",
        "recon_case WHERE before_tax < 0",
        money_at_stake="abs(before_tax)",
    ),
}
