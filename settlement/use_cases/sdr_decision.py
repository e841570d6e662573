"""Decisions on SDRs: the home-CSP's yes or no, staff's on its behalf, and what silence means.

Accepts: approval or refusal of an SDR that is not settled, with a reason that is recorded.
Refuses: unknown_sdr, reason_missing, not_decidable, window_over, no_agreement, other_currency.
Leaves behind: the SDR accepted at its claim (rounded as the agreement rounds) or disputed, and the
event that says who decided and why. What is disputed is carved out; the rest settles.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

from roaming.domain.money import Rounding, round_money
from roaming.domain.sdr import Basis, SdrLifeState
from roaming.domain.uuid7 import moment_of, uuid7_at
from roaming.models import Environment, SdrEvent, SdrState
from settlement.domain.refusals import No, RefusedError
from settlement.models import Statement, StatementLine
from settlement.models.reconciliation_sql.standing import accept_by_silence

_UNDECIDED = (
    SdrLifeState.RATED,
    SdrLifeState.DEVIATING,
    SdrLifeState.UNMATCHED,
    SdrLifeState.NOT_RATABLE,
)


@dataclass(frozen=True, slots=True)
class Decision:
    """Who decided and why. `reason` is a code; `by_home_csp`: only inside its own windows."""

    by: str
    reason: str
    note: str = ""
    by_home_csp: bool = False


@dataclass(frozen=True, slots=True)
class Silence:
    """What the end of the decision window made of SDRs."""

    accepted: int
    disputed: int


def accept_undecided(now: datetime, *, batch_size: int = 10_000) -> Silence:
    """Takes silence as the agreement says, for every rated SDR whose window has passed."""
    accepted = disputed = 0
    for environment in Environment.values:
        while True:
            with transaction.atomic(), connection.cursor() as cursor:
                yes, no = accept_by_silence(cursor, environment, now, batch_size)
            accepted += yes
            disputed += no
            if not yes + no:
                break
    return Silence(accepted, disputed)


@transaction.atomic
def approve_sdr(sdr_id: uuid.UUID, decision: Decision, now: datetime) -> SdrState:
    """Settles the SDR at its claim, whatever was found."""
    standing = _locked(sdr_id, decision)
    sdr = standing.sdr
    if SdrLifeState(standing.state) not in (*_UNDECIDED, SdrLifeState.DISPUTED) or sdr.credit:
        raise RefusedError(No.NOT_DECIDABLE, _not_decidable(standing))
    if sdr.agreement is None or sdr.claim_before_tax is None:
        raise RefusedError(
            No.NO_AGREEMENT, "No agreement covers this SDR, so there is nothing to settle it by."
        )
    if sdr.currency != sdr.agreement.currency:
        raise RefusedError(
            No.OTHER_CURRENCY,
            f"The SDR is in {sdr.currency}, the agreement in {sdr.agreement.currency}.",
        )
    rounding = Rounding(sdr.agreement.rounding)
    standing.settled_amount = round_money(sdr.claim_before_tax, sdr.currency, rounding)
    standing.basis = Basis.CLAIM.value
    return _decided(standing, SdrLifeState.ACCEPTED, decision, now)


@transaction.atomic
def decline_sdr(sdr_id: uuid.UUID, decision: Decision, now: datetime) -> SdrState:
    """Disputes the SDR; an accepted one only as an objection, or by staff, before it is settled."""
    standing = _locked(sdr_id, decision)
    state = SdrLifeState(standing.state)
    if state not in (*_UNDECIDED, SdrLifeState.ACCEPTED) or standing.basis == Basis.CREDIT.value:
        raise RefusedError(No.NOT_DECIDABLE, _not_decidable(standing))
    if decision.by_home_csp and _window_over(standing, state, now):
        raise RefusedError(No.WINDOW_OVER, "The window for this decision has passed.")
    standing.settled_amount, standing.basis = None, ""
    return _decided(standing, SdrLifeState.DISPUTED, decision, now)


def _locked(sdr_id: uuid.UUID, decision: Decision) -> SdrState:
    if not decision.reason.strip():
        raise RefusedError(No.REASON_MISSING, "A decision needs a reason.")
    standing = (
        SdrState.objects.select_for_update(of=("self",))
        .select_related("sdr__agreement")
        .filter(sdr=sdr_id)
        .first()
    )
    if standing is None:
        raise RefusedError(No.UNKNOWN_SDR, "There is no SDR with this id.")
    return standing


def _window_over(standing: SdrState, state: SdrLifeState, now: datetime) -> bool:
    if state is SdrLifeState.RATED:
        return standing.decide_by is not None and now > standing.decide_by
    if state is SdrLifeState.ACCEPTED:
        return not StatementLine.objects.filter(
            sdr=standing.sdr_id,
            statement__status=Statement.Status.PRELIMINARY,
            statement__period__objections_until__gte=now,
        ).exists()
    return False


def _not_decidable(standing: SdrState) -> str:
    if standing.sdr.credit:
        return "A credit is taken as it is or not at all: the CSO has to send a right one."
    return f"An SDR that is {SdrLifeState(standing.state).label.lower()} is not decided on."


def _decided(
    standing: SdrState, state: SdrLifeState, decision: Decision, now: datetime
) -> SdrState:
    before, standing.state = standing.state, state.value
    standing.save(update_fields=["state", "settled_amount", "basis"])
    SdrEvent.objects.create(
        id=uuid7_at(moment_of(standing.sdr_id)),
        environment=standing.environment,
        period=standing.period,
        pair_id=standing.pair_id,
        sdr_id=standing.sdr_id,
        from_state=before,
        to_state=state.value,
        actor=decision.by[:80],
        reason=decision.reason[:60],
        note=decision.note[:300],
        at=now,
    )
    return standing
