"""A dispute as a pure state machine (settlement.md, section 3).

Opened -> respondent -> claimant -> clearing house review -> resolved or withdrawn. Each step has
its deadline, and what silence means. No amount is ever above the claim.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from settlement.domain.decisions import check_amount
from settlement.domain.refusals import No, RefusedError


class Side(StrEnum):
    """Who acts: the claimant is the home-CSP that disputes, the respondent the visited-CSO."""

    HOME_CSP = "home_csp"
    VISITED_CSO = "visited_cso"
    CLEARING_HOUSE = "clearing_house"
    CLOCK = "clock"


class DisputeState(StrEnum):
    """Whose turn it is, or how it ended."""

    RESPONDENT = "respondent"
    CLAIMANT = "claimant"
    REVIEW = "review"
    RESOLVED = "resolved"
    WITHDRAWN = "withdrawn"

    @property
    def label(self) -> str:
        return _STATE_LABELS[self]

    @property
    def is_live(self) -> bool:
        """Whether anybody may still act."""
        return self in LIVE


_STATE_LABELS = {
    DisputeState.RESPONDENT: "Waits for the visited-CSO",
    DisputeState.CLAIMANT: "Waits for the home-CSP",
    DisputeState.REVIEW: "Waits for the clearing house",
    DisputeState.RESOLVED: "Resolved",
    DisputeState.WITHDRAWN: "Withdrawn",
}
LIVE = (DisputeState.RESPONDENT, DisputeState.CLAIMANT, DisputeState.REVIEW)


class Result(StrEnum):
    """How it ended."""

    UPHELD = "upheld"
    PARTLY = "partly"
    DISMISSED = "dismissed"
    CONCEDED = "conceded"
    AGREED = "agreed"
    WITHDRAWN = "withdrawn"
    CREDITED = "credited"

    @property
    def label(self) -> str:
        return self.value.capitalize()


class Step(StrEnum):
    """What somebody can do with it; the words of its events."""

    OPENED = "opened"
    MAINTAIN = "maintain"
    CONCEDE = "concede"
    OFFER = "offer"
    ACCEPT = "accept"
    INSIST = "insist"
    WITHDRAW = "withdraw"
    UPHOLD = "uphold"
    RULE_PARTLY = "rule_partly"
    DISMISS = "dismiss"
    EXTEND = "extend"
    REQUEST_MORE = "request_more"
    OVERDUE = "overdue"
    CREDITED = "credited"
    MESSAGE = "message"
    EVIDENCE = "evidence"

    @property
    def label(self) -> str:
        return self.value.replace("_", " ").capitalize()

    @property
    def told(self) -> str:
        """As one tells of it afterwards.

        >>> Step.RULE_PARTLY.told
        'partly upheld'
        """
        return _TOLD.get(self, self.value)


_TOLD = {
    Step.MAINTAIN: "claim maintained",
    Step.CONCEDE: "conceded",
    Step.OFFER: "amount offered",
    Step.ACCEPT: "accepted",
    Step.INSIST: "insisted on",
    Step.WITHDRAW: "withdrawn",
    Step.UPHOLD: "upheld",
    Step.RULE_PARTLY: "partly upheld",
    Step.DISMISS: "dismissed",
    Step.EXTEND: "deadline extended",
    Step.REQUEST_MORE: "more asked for",
    Step.MESSAGE: "message written",
    Step.EVIDENCE: "file added",
}


@dataclass(frozen=True, slots=True)
class Terms:
    """Hours for each step, and the step that silence stands for; OVERDUE: it stays as it is."""

    respondent_hours: int = 240
    claimant_hours: int = 120
    review_hours: int = 480
    respondent_silent: Step = Step.CONCEDE
    claimant_silent: Step = Step.WITHDRAW
    review_silent: Step = Step.OVERDUE

    def hours_of(self, state: DisputeState) -> int:
        """How long whoever's turn it is has."""
        return {
            DisputeState.RESPONDENT: self.respondent_hours,
            DisputeState.CLAIMANT: self.claimant_hours,
        }.get(state, self.review_hours)


# What each silence may be configured to stand for.
RESPONDENT_SILENT = (Step.CONCEDE, Step.MAINTAIN)
CLAIMANT_SILENT = (Step.WITHDRAW, Step.ACCEPT, Step.INSIST)
REVIEW_SILENT = (Step.OVERDUE, Step.UPHOLD, Step.DISMISS)


@dataclass(frozen=True, slots=True)
class Standing:
    """A dispute as it stands. `claim` is rounded as it would be settled.

    `settleable`: an agreement in the SDR's currency covers it, so that more than nothing can be
    settled. `amount` is what it ended at.
    """

    state: DisputeState
    claim: Decimal
    currency: str
    respond_by: datetime | None
    undisputed: Decimal = Decimal(0)
    offered: Decimal | None = None
    settleable: bool = True
    result: Result | None = None
    amount: Decimal | None = None


# Whose step it is, and in which states. Who gives in may do so whenever the dispute lives.
_ALLOWED: dict[tuple[Side, Step], tuple[DisputeState, ...]] = {
    (Side.VISITED_CSO, Step.MAINTAIN): (DisputeState.RESPONDENT,),
    (Side.VISITED_CSO, Step.OFFER): (DisputeState.RESPONDENT,),
    (Side.VISITED_CSO, Step.CONCEDE): LIVE,
    (Side.HOME_CSP, Step.ACCEPT): (DisputeState.CLAIMANT,),
    (Side.HOME_CSP, Step.INSIST): (DisputeState.CLAIMANT,),
    (Side.HOME_CSP, Step.WITHDRAW): LIVE,
    (Side.CLEARING_HOUSE, Step.UPHOLD): (DisputeState.REVIEW,),
    (Side.CLEARING_HOUSE, Step.RULE_PARTLY): (DisputeState.REVIEW,),
    (Side.CLEARING_HOUSE, Step.DISMISS): (DisputeState.REVIEW,),
    (Side.CLEARING_HOUSE, Step.REQUEST_MORE): (DisputeState.REVIEW,),
    (Side.CLEARING_HOUSE, Step.EXTEND): LIVE,
}
_IN_TURN = (Step.MAINTAIN, Step.OFFER, Step.ACCEPT, Step.INSIST)


@dataclass(frozen=True, slots=True)
class Taken:
    """A step that somebody takes for a side; `amount` of an offer or of a ruling."""

    step: Step
    side: Side
    amount: Decimal | None = None


def take_step(dispute: Standing, taken: Taken, terms: Terms, now: datetime) -> Standing:
    """Where the dispute stands after a step at `now` (aware).

    Refuses dispute_closed, not_your_turn, window_over, amount_not_possible, no_agreement.

    >>> now = datetime(2026, 10, 5)
    >>> opened = Standing(DisputeState.RESPONDENT, Decimal("14.40"), "EUR", now)
    >>> offer = Taken(Step.OFFER, Side.VISITED_CSO, Decimal("12.00"))
    >>> offered = take_step(opened, offer, Terms(), now)
    >>> take_step(offered, Taken(Step.ACCEPT, Side.HOME_CSP), Terms(), now).amount
    Decimal('12.00')
    """
    if not dispute.state.is_live:
        raise RefusedError(No.DISPUTE_CLOSED, f"The dispute is {dispute.state.value} already.")
    step = taken.step
    if dispute.state not in _ALLOWED.get((taken.side, step), ()):
        raise RefusedError(
            No.NOT_YOUR_TURN, f"{dispute.state.label}: this step is not yours to take now."
        )
    if step in _IN_TURN and dispute.respond_by is not None and now > dispute.respond_by:
        raise RefusedError(No.WINDOW_OVER, "The window for this step has passed.")
    return _after(dispute, step, terms, now, taken.amount)


def expire(dispute: Standing, terms: Terms, now: datetime) -> tuple[Step, Standing] | None:
    """What silence makes of a dispute whose time is over: the step it stands for, and the outcome.

    None: it is not over, or nothing changes. What cannot be settled goes to the clearing house.

    >>> now = datetime(2026, 10, 5)
    >>> opened = Standing(DisputeState.RESPONDENT, Decimal("14.40"), "EUR", now)
    >>> step, after = expire(opened, Terms(), now)
    >>> step.value, after.result.value, after.amount
    ('concede', 'conceded', Decimal('0'))
    """
    if not dispute.state.is_live or dispute.respond_by is None or now < dispute.respond_by:
        return None
    step = {
        DisputeState.RESPONDENT: terms.respondent_silent,
        DisputeState.CLAIMANT: terms.claimant_silent,
    }.get(dispute.state, terms.review_silent)
    if step is Step.OVERDUE:
        return None
    try:
        return step, _after(dispute, step, terms, now, None)
    except RefusedError:
        if dispute.state is DisputeState.REVIEW:
            return None
        return Step.INSIST, _turn_of(dispute, DisputeState.REVIEW, terms, now)


def extend(dispute: Standing, until: datetime, now: datetime) -> Standing:
    """The same with a later deadline. Refuses dispute_closed, not_later."""
    if not dispute.state.is_live:
        raise RefusedError(No.DISPUTE_CLOSED, f"The dispute is {dispute.state.value} already.")
    if until <= now or (dispute.respond_by is not None and until <= dispute.respond_by):
        raise RefusedError(No.NOT_LATER, "A deadline is extended to a later moment.", "until")
    return replace(dispute, respond_by=until)


def close_by_approval(dispute: Standing) -> Standing:
    """The home-CSP approves the SDR after all: it withdraws, whoever's turn it is."""
    return _ended(dispute, Result.WITHDRAWN, dispute.claim)


_TURNS = {
    Step.MAINTAIN: DisputeState.CLAIMANT,
    Step.OFFER: DisputeState.CLAIMANT,
    Step.INSIST: DisputeState.REVIEW,
    Step.REQUEST_MORE: DisputeState.REVIEW,
}


def _after(
    dispute: Standing, step: Step, terms: Terms, now: datetime, amount: Decimal | None
) -> Standing:
    if step is Step.OFFER:
        dispute = replace(dispute, offered=_possible(dispute, amount))
    if step in _TURNS:
        return _turn_of(dispute, _TURNS[step], terms, now)
    if step is Step.RULE_PARTLY:
        return _ended(dispute, Result.PARTLY, _possible(dispute, amount))
    if step is Step.ACCEPT and dispute.offered is not None:
        return _ended(dispute, Result.AGREED, dispute.offered)
    result, settled = {
        Step.CONCEDE: (Result.CONCEDED, dispute.undisputed),
        Step.UPHOLD: (Result.UPHELD, dispute.undisputed),
        Step.DISMISS: (Result.DISMISSED, dispute.claim),
    }.get(step, (Result.WITHDRAWN, dispute.claim))
    return _ended(dispute, result, settled)


def _possible(dispute: Standing, amount: Decimal | None) -> Decimal:
    if amount is None:
        raise RefusedError(No.AMOUNT_NOT_POSSIBLE, "This step names an amount.", "amount")
    check_amount(amount, dispute.claim, dispute.currency)
    return amount


def _turn_of(dispute: Standing, state: DisputeState, terms: Terms, now: datetime) -> Standing:
    return replace(dispute, state=state, respond_by=now + timedelta(hours=terms.hours_of(state)))


def _ended(dispute: Standing, result: Result, amount: Decimal) -> Standing:
    if amount and not dispute.settleable:
        raise RefusedError(
            No.NO_AGREEMENT, "No agreement in this currency covers the SDR: only nothing settles."
        )
    state = DisputeState.WITHDRAWN if result is Result.WITHDRAWN else DisputeState.RESOLVED
    return replace(dispute, state=state, result=result, amount=amount, respond_by=None)
