"""How a rule stands in SQL: its two values, what is at stake, and the rows that it fires on."""

from __future__ import annotations

from dataclasses import dataclass

from settlement.domain.reconciliation.case import LONGEST_SESSION
from settlement.domain.reconciliation.identity import SAME_CHARGE
from settlement.domain.reconciliation.timing import WANTED
from settlement.models.reconciliation_sql import DECIDED, NOT_STANDING, utc


@dataclass(frozen=True, slots=True)
class Select:
    """One rule's SELECT. `severity` only where a finding may be milder than its rule."""

    claimed: str
    expected: str
    rows: str
    money_at_stake: str = "before_tax"
    causes: str = "'{}'::text[]"
    severity: str = "NULL"


def ruled(rule: str) -> str:
    """FROM recon_case, with what staff set for this rule beside each row."""
    return f"""recon_case kase LEFT JOIN recon_ruling ruling
        ON ruling.rule = '{rule}' AND ruling.agreement_key = kase.agreement_key
            AND ruling.pair_key = kase.pair_key"""


def allowed(otherwise: str, value: str) -> str:
    """What may differ of a value: as staff set it, else as the agreement or the rule says."""
    return f"""CASE WHEN ruling.absolute IS NULL THEN {otherwise}
        ELSE greatest(ruling.absolute, ruling.share * abs({value})) END"""


def most(otherwise: object) -> str:
    """The limit of a rule that has one of its own."""
    return f"coalesce(ruling.absolute, {otherwise})"


def seconds(start: str, end: str) -> str:
    """From one moment to the other, exact to the microsecond."""
    return f"extract(epoch FROM {end} - {start})"


# By the session that it names; few are matched otherwise, in this run or before.
OF_THE_SESSION = """(
    SELECT id FROM roaming_sdr WHERE service_session_id = kase.session_id
    UNION SELECT sdr_id FROM recon_unnamed WHERE recon_unnamed.session_id = kase.session_id
    UNION SELECT sdr_id FROM roaming_sdrstate WHERE service_session_id = kase.session_id
        AND matched_by IN ('authorization_reference', 'identification', 'chosen')
) same JOIN roaming_sdr other ON other.id = same.id"""


def neighbours(cases: str, columns: str, condition: str, others: str = "roaming_sdr other") -> str:
    """FROM the cases with the first standing SDR beside each that meets the condition."""
    return f"""{cases} CROSS JOIN LATERAL (
        SELECT {columns} FROM {others}
        JOIN roaming_sdrstate standing ON standing.sdr_id = other.id
        WHERE other.environment = kase.environment AND other.id <> kase.sdr_id
            AND NOT other.credit AND standing.state NOT IN {NOT_STANDING}
            AND (other.arrival < kase.arrival OR standing.state IN {DECIDED})
            AND {condition}
        ORDER BY other.arrival LIMIT 1
    ) first"""  # noqa: S608  constants of this module


# A condition, never a way to look: by its index each row would read the pair's whole history.
OF_THE_PAIR = "(other.pair_id = kase.pair_id) IS TRUE"
OTHER_SESSION = "(other.service_session_id = kase.service_session_id) IS NOT TRUE"


def overlapping(rule: str, condition: str) -> Select:
    """Another SDR at the same time, by more than the tolerance."""
    begin, end = (
        "greatest(other.started_at, kase.started_at)",
        "least(other.ended_at, kase.ended_at)",
    )
    rows = neighbours(
        ruled(rule),
        "other.reference AS first_reference, other.started_at AS first_started,"
        " other.ended_at AS first_ended",
        f"""{condition} AND {OTHER_SESSION}
            AND other.started_at > kase.started_at - make_interval(days => {LONGEST_SESSION.days})
            AND other.started_at < kase.ended_at
            AND {seconds(begin, end)} > {allowed("kase.tolerance_time_s", "0")}""",
    )
    return Select(
        f"{utc('started_at')} || ' to ' || {utc('ended_at')}",
        f"'{WANTED[rule]}; ' || first_reference || ': ' || {utc('first_started')}"
        f" || ' to ' || {utc('first_ended')}",
        rows,
    )


def same_charge() -> str:
    """FROM recon_case with the first SDR of the same charge, by the CSO's own account of it."""
    return neighbours(
        "recon_case kase",
        "other.reference AS first_reference",
        f"""other.evse_key = kase.evse_key AND kase.evse_key <> ''
            AND {OF_THE_PAIR} AND {OTHER_SESSION}
            AND other.started_at > kase.started_at - make_interval(hours => {SAME_CHARGE_HOURS})
            AND other.started_at < kase.started_at + make_interval(hours => {SAME_CHARGE_HOURS})
            AND (kase.cso_session_id <> '' AND other.cso_session_id = kase.cso_session_id
                OR other.started_at = kase.started_at AND other.token_hmac = kase.token_hmac)""",
    )


SAME_CHARGE_HOURS = SAME_CHARGE.days * 24


def by_cause(wanted: dict[str, str]) -> str:
    """What was expected, by cause, in the words of the domain."""
    cases = " ".join(f"WHEN '{cause}' THEN '{expected}'" for cause, expected in wanted.items())
    return f"CASE cause {cases} END"
