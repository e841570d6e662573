"""Generated records of the home-CSP, beside generated SDRs and sessions."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from hypothesis import strategies as st

from tests.settlement.sdrs import OCTOBER_5, TOKEN


@dataclass(frozen=True)
class RecordPlan:
    """One generated record, and in what it differs from the usual SDR."""

    trade: int
    session: int | None
    starts_min: int
    lasts_min: int
    evse: str
    token: bytes | None
    reference: str
    kwh: str
    total: str | None
    currency: str


records = st.builds(
    RecordPlan,
    trade=st.sampled_from([0, 0, 1]),
    session=st.none() | st.integers(0, 2),
    starts_min=st.sampled_from([0, 0, 1, 2, 59, -60 * 24 * 4, -60 * 24 * 40]),
    lasts_min=st.sampled_from([60, 60, 58, 0]),
    evse=st.sampled_from(["DEVISE001"] * 4 + ["DESISE001", ""]),
    token=st.sampled_from([TOKEN, TOKEN, b"o" * 32, None]),
    reference=st.sampled_from(["", "A", "B"]),
    kwh=st.sampled_from(["20", "20.1", "21"]),
    total=st.sampled_from(["10", "10.02", "9", None]),
    currency=st.sampled_from(["EUR", "EUR", "CHF", ""]),
)


def lay_records(trades, evidence, plans):
    for number, plan in enumerate(plans):
        start = OCTOBER_5 + timedelta(minutes=plan.starts_min)
        trades[plan.trade].own_record(
            evidence[plan.session] if plan.session is not None else None,
            reference=f"O{number}",
            started_at=start,
            ended_at=start + timedelta(minutes=plan.lasts_min),
            evse_id=f"recorded {plan.evse}",
            evse_key=plan.evse,
            token_hmac=plan.token,
            authorization_reference=plan.reference,
            energy_kwh=Decimal(plan.kwh),
            before_tax=Decimal(plan.total) if plan.total else None,
            currency=plan.currency,
        )
