"""A decision on an SDR as a pure function: what it makes of the SDR, or why it cannot be taken."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from roaming.domain.money import Rounding, UnknownCurrencyError, minor_unit, round_money
from roaming.domain.sdr import Basis, SdrLifeState
from settlement.domain.decision_reasons import ReasonCode, read_reason
from settlement.domain.refusals import No, RefusedError

UNDECIDED = (
    SdrLifeState.RATED,
    SdrLifeState.DEVIATING,
    SdrLifeState.UNMATCHED,
    SdrLifeState.NOT_RATABLE,
)
LONGEST_NOTE = 300


@dataclass(frozen=True, slots=True)
class SdrFacts:
    """What an SDR says and where it stands, as far as a decision asks.

    `objections_until` is of the preliminary statement that it stands on; None where it is on none.
    """

    state: SdrLifeState
    credit: bool
    basis: str
    claim: Decimal | None
    currency: str
    agreement_currency: str | None
    rounding: Rounding
    decide_by: datetime | None
    objections_until: datetime | None = None

    @property
    def payable_claim(self) -> Decimal:
        """The claim as it would be settled, rounded as the agreement says; 0 where it has none."""
        claim = self.claim or Decimal(0)
        try:
            return round_money(claim, self.currency, self.rounding)
        except UnknownCurrencyError:
            return claim


@dataclass(frozen=True, slots=True)
class Said:
    """What was said: yes or no, why, and what of the claim is right all the same.

    `by_home_csp`: then its windows count; staff may as long as nothing is settled.
    """

    approves: bool
    reason: str = ""
    note: str = ""
    undisputed: Decimal | None = None
    by_home_csp: bool = False


@dataclass(frozen=True, slots=True)
class Effect:
    """Where the SDR stands with it. `undisputed` and `reason` are of a decline."""

    state: SdrLifeState
    settled_amount: Decimal | None = None
    basis: str = ""
    undisputed: Decimal = Decimal(0)
    reason: ReasonCode | None = None


def decide(facts: SdrFacts, said: Said, now: datetime) -> Effect:
    """What the decision makes of the SDR at `now` (aware).

    Refuses not_decidable, window_over, reason_missing, no_agreement, other_currency,
    amount_not_possible.

    >>> facts = SdrFacts(SdrLifeState.DEVIATING, False, "", Decimal("12.345"), "EUR", "EUR",
    ...     Rounding.HALF_UP, None)
    >>> decide(facts, Said(True, "agreed"), datetime(2026, 10, 5)).settled_amount
    Decimal('12.35')
    >>> decide(facts, Said(False, "PRC"), datetime(2026, 10, 5)).state
    <SdrLifeState.DISPUTED: 'disputed'>
    """
    return _approved(facts, said, now) if said.approves else _declined(facts, said, now)


def _approved(facts: SdrFacts, said: Said, now: datetime) -> Effect:
    if facts.state not in (*UNDECIDED, SdrLifeState.DISPUTED) or facts.credit:
        raise RefusedError(No.NOT_DECIDABLE, _not_decidable(facts))
    if said.by_home_csp and facts.state is SdrLifeState.RATED and _window_over(facts, now):
        raise RefusedError(No.WINDOW_OVER, "The window for this decision has passed.")
    if not said.by_home_csp and not said.reason.strip():
        raise RefusedError(No.REASON_MISSING, "A decision of staff needs a reason.", "reason")
    check_settleable(facts)
    return Effect(SdrLifeState.ACCEPTED, facts.payable_claim, Basis.CLAIM.value)


def _declined(facts: SdrFacts, said: Said, now: datetime) -> Effect:
    if facts.state not in (*UNDECIDED, SdrLifeState.ACCEPTED) or facts.basis in (
        Basis.CREDIT.value,
        Basis.RULING.value,
    ):
        raise RefusedError(No.NOT_DECIDABLE, _not_decidable(facts))
    if said.by_home_csp and _window_over(facts, now):
        raise RefusedError(No.WINDOW_OVER, "The window for this decision has passed.")
    reason = check_reason(said.reason, said.note)
    if said.undisputed is not None:
        check_amount(said.undisputed, facts.payable_claim, facts.currency)
    undisputed = min(said.undisputed or Decimal(0), facts.payable_claim)
    return Effect(SdrLifeState.DISPUTED, undisputed=undisputed, reason=reason)


def check_settleable(facts: SdrFacts) -> None:
    """Refuses no_agreement and other_currency: there is nothing to settle by."""
    if facts.agreement_currency is None or facts.claim is None:
        raise RefusedError(
            No.NO_AGREEMENT, "No agreement covers this SDR, so there is nothing to settle it by."
        )
    if facts.currency != facts.agreement_currency:
        raise RefusedError(
            No.OTHER_CURRENCY,
            f"The SDR is in {facts.currency}, the agreement in {facts.agreement_currency}.",
        )


def check_reason(code: str, note: str) -> ReasonCode:
    """The reason with this code. Refuses reason_missing where it is none, or OTH without a text.

    >>> check_reason("PRC", "")
    <ReasonCode.PRC: 'PRC'>
    """
    reason = read_reason(code)
    if reason is None:
        codes = ", ".join(ReasonCode)
        raise RefusedError(No.REASON_MISSING, f"A reason is one of {codes}.", "reason")
    if reason is ReasonCode.OTH and not note.strip():
        raise RefusedError(No.REASON_MISSING, "OTH needs a text that says which.", "note")
    return reason


def check_amount(amount: Decimal, claim: Decimal, currency: str) -> None:
    """Refuses amount_not_possible: above the claim, below nothing, or finer than can be paid.

    >>> check_amount(Decimal("12.00"), Decimal("14.40"), "EUR")
    """
    lowest = min(Decimal(0), claim)
    if not (amount.is_finite() and lowest <= amount <= claim):
        raise RefusedError(
            No.AMOUNT_NOT_POSSIBLE,
            f"An amount is at least {lowest} and at most the claim of {claim} {currency}.",
            "amount",
        )
    try:
        unit = minor_unit(currency)
    except UnknownCurrencyError as error:
        raise RefusedError(No.OTHER_CURRENCY, str(error)) from error
    if amount % unit:
        raise RefusedError(
            No.AMOUNT_NOT_POSSIBLE, f"The smallest unit is {unit} {currency}.", "amount"
        )


def _window_over(facts: SdrFacts, now: datetime) -> bool:
    if facts.state is SdrLifeState.RATED:
        return facts.decide_by is not None and now > facts.decide_by
    if facts.state is SdrLifeState.ACCEPTED:
        return facts.objections_until is None or now > facts.objections_until
    return False


def _not_decidable(facts: SdrFacts) -> str:
    if facts.credit:
        return "A credit is taken as it is or not at all: the CSO has to send a right one."
    return f"An SDR that is {facts.state.label.lower()} is not decided on."
