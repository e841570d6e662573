"""What the books say after a replay, as plain values that can be kept and shown again."""

from __future__ import annotations

from collections import Counter, defaultdict
from decimal import Decimal
from typing import Any

import msgspec
from django.db.models import Count, Q, Sum

from clearinghouse.demo.staff import ENVIRONMENT
from roaming.domain.use_case import title_of
from roaming.models import Delivery, Finding, JournalEntry, Sdr, SdrState
from roaming.simulator.mistakes import Mistake, of_billing
from roaming.simulator.world import World
from roaming.simulator.wrong_biller import Planted
from settlement.domain.reconciliation.rules import rule_titles
from settlement.models import NetPayment, NetPosition, SettlementPeriod, Statement
from settlement.use_cases.books import trial_balance

ZERO = Decimal(0)


class Traffic(msgspec.Struct, kw_only=True, frozen=True):
    """One use case: messages that came in, what became of them, what went out from rows."""

    use_case: str
    title: str
    messages: int
    refused: int
    delivered: int


class Deviation(msgspec.Struct, kw_only=True, frozen=True):
    """One rule: how many SDRs it was found on, and the money at stake."""

    rule: str
    title: str
    sdrs: int
    at_stake: Decimal


class Position(msgspec.Struct, kw_only=True, frozen=True):
    """Where an operator stands; negative: owes."""

    operator: str
    receivable: Decimal
    payable: Decimal
    net: Decimal


class PlantedKind(msgspec.Struct, kw_only=True, frozen=True):
    """A kind of mistake that was planted: how often, how often found, the money.

    `named`: how often the causes of a differing total name just what was planted; None where the
    kind is none of billing.
    """

    kind: str
    family: str
    planted: int
    found: int
    at_stake: Decimal
    named: int | None = None


class Figures(msgspec.Struct, kw_only=True):
    """Everything that the table shows."""

    month: str
    currency: str
    period: str
    sessions: int
    traffic: list[Traffic]
    outcomes: dict[str, int]
    deviations: list[Deviation]
    claimed: Decimal
    settled: Decimal
    open_sdrs: int
    open_amount: Decimal
    gross: tuple[int, Decimal]
    netted: tuple[int, Decimal]
    fees: tuple[int, Decimal]
    positions: list[Position]
    trial_balance: dict[str, Decimal]
    accounts: int
    planted: list[PlantedKind]
    not_found: list[str]
    flagged_besides: int
    losses: list[str] = []
    refused_rows: dict[str, int] = {}
    seconds: dict[str, float] = {}
    reports: list[str] = []

    @property
    def faults(self) -> list[str]:
        """Why the replay failed; empty where it did not."""
        found = list(self.losses)
        found += [f"the trial balance is {d} {c}" for c, d in self.trial_balance.items() if d]
        found += [f"a planted mistake was not found: {what}" for what in self.not_found]
        return found


def read_figures(world: World, period: SettlementPeriod) -> Figures:
    """The figures of a closed period."""
    statements = Statement.objects.filter(period=period, status=Statement.Status.FINAL)
    sums = statements.aggregate(Sum("open_count"), Sum("open_amount"))
    payable = statements.exclude(payable=0)
    payments = NetPayment.objects.filter(period=period)
    fees = payments.filter(mode=NetPayment.Mode.FEE)
    books = trial_balance(ENVIRONMENT)
    sdrs = Sdr.objects.filter(environment=ENVIRONMENT)
    settled = SdrState.objects.filter(settlement_period_id=period.pk)
    flagged = _flagged()
    outcomes = SdrState.objects.filter(environment=ENVIRONMENT).values_list("state", "outcome")
    return Figures(
        month=str(world.month),
        currency=world.network.currency,
        period=str(period),
        sessions=len(world.sessions),
        traffic=_traffic(),
        outcomes=dict(Counter(outcome or state for state, outcome in outcomes)),
        deviations=_deviations(),
        claimed=_total(sdrs, "claim_before_tax"),
        settled=_total(settled, "settled_amount"),
        open_sdrs=sums["open_count__sum"] or 0,
        open_amount=sums["open_amount__sum"] or ZERO,
        gross=(payable.count(), _total(payable, "payable")),
        netted=_count_and_total(payments.exclude(mode=NetPayment.Mode.FEE)),
        fees=_count_and_total(fees),
        positions=[
            Position(
                operator=row.operator.name,
                receivable=row.gross_receivable,
                payable=row.gross_payable,
                net=row.net,
            )
            for row in NetPosition.objects.filter(period=period).select_related("operator")
        ],
        trial_balance=books.differences,
        accounts=len(books.accounts),
        planted=_planted(world.planted, flagged, _causes()),
        not_found=not_found(world.planted, flagged),
        flagged_besides=_flagged_besides(world.planted, flagged),
    )


def _traffic() -> list[Traffic]:
    verdicts = (
        JournalEntry.objects.filter(environment=ENVIRONMENT, phase=JournalEntry.Phase.VERDICT)
        .order_by("use_case")
        .values("use_case")
        .annotate(
            messages=Count("id"), refused=Count("id", ~Q(outcome=JournalEntry.Outcome.ACCEPTED))
        )
    )
    delivered = Counter(
        Delivery.objects.filter(
            environment=ENVIRONMENT, state=Delivery.State.DELIVERED
        ).values_list("use_case", flat=True)
    )
    return [
        Traffic(
            use_case=row["use_case"],
            title=title_of(row["use_case"]),
            messages=row["messages"],
            refused=row["refused"],
            delivered=delivered[row["use_case"]],
        )
        for row in verdicts
    ]


def _severe() -> Any:
    return Finding.objects.filter(
        environment=ENVIRONMENT, superseded_at=None, severity__in=["severe", "fatal"]
    )


def _deviations() -> list[Deviation]:
    rows = (
        _severe()
        .order_by("rule")
        .values("rule")
        .annotate(sdrs=Count("sdr", distinct=True), at_stake=Sum("money_at_stake"))
    )
    titles = rule_titles()
    return [
        Deviation(
            rule=row["rule"],
            title=titles.get(row["rule"], row["rule"]),
            sdrs=row["sdrs"],
            at_stake=row["at_stake"] or ZERO,
        )
        for row in rows
    ]


def _flagged() -> dict[str, set[str]]:
    """SDR reference -> the rules that were found on it."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for reference, rule in _severe().values_list("sdr__reference", "rule"):
        found[reference].add(rule)
    return dict(found)


def _causes() -> dict[str, list[str]]:
    """SDR reference -> the causes that are named for its total."""
    named = _severe().filter(rule="PRC-01").values_list("sdr__reference", "causes")
    return dict(named)


def was_named(planted: Planted, causes: dict[str, list[str]]) -> bool:
    """Whether a cause names just the mistakes that were planted."""
    wanted = {mistake.value for mistake in planted.mistakes}
    named = causes.get(f"SDR-{planted.reference}", ())
    return any(set(cause.split("+")) == wanted for cause in named)


def sdr_references(planted: Planted) -> set[str]:
    """The SDRs on which a planted mistake may show.

    A second SDR shows on whichever comes second, an overlap on either of the two sessions.
    """
    references = {f"SDR-{planted.reference}"}
    if planted.mistake is Mistake.BILLED_TWICE:
        references.add(f"SDR-{planted.reference}-B")
    if planted.other_reference:
        references.add(f"SDR-{planted.other_reference}")
    return references


def was_found(planted: Planted, flagged: dict[str, set[str]]) -> bool:
    """Whether for each mistake a rule of its family was found on one of the SDRs concerned."""
    found = {
        rule[:3] for reference in sdr_references(planted) for rule in flagged.get(reference, ())
    }
    return all(mistake.family in found for mistake in planted.mistakes)


def not_found(planted: dict[str, Planted], flagged: dict[str, set[str]]) -> list[str]:
    """The mistakes that nobody noticed, in words."""
    return [
        f"{one.kind} in SDR-{reference} ({one.at_stake} at stake)"
        for reference, one in planted.items()
        if not was_found(one, flagged)
    ]


def _planted(
    planted: dict[str, Planted], flagged: dict[str, set[str]], causes: dict[str, list[str]]
) -> list[PlantedKind]:
    """Each kind in the order of the mistakes, and last those that carry two."""
    kinds: defaultdict[Mistake | None, list[Planted]] = defaultdict(list)
    for one in planted.values():
        kinds[one.mistake if one.second is None else None].append(one)
    return [
        PlantedKind(
            kind=mistake.value if mistake else "two_at_once",
            family=mistake.family if mistake else "",
            planted=len(kinds[mistake]),
            found=sum(was_found(one, flagged) for one in kinds[mistake]),
            at_stake=sum((one.at_stake for one in kinds[mistake]), ZERO),
            named=sum(was_named(one, causes) for one in kinds[mistake])
            if mistake is None or of_billing(mistake)
            else None,
        )
        for mistake in (*Mistake, None)
        if mistake in kinds
    ]


def _flagged_besides(planted: dict[str, Planted], flagged: dict[str, set[str]]) -> int:
    concerned: set[str] = set()
    for one in planted.values():
        concerned |= sdr_references(one)
    return len(flagged.keys() - concerned)


def _total(rows: Any, field: str) -> Decimal:
    total: Decimal | None = rows.aggregate(total=Sum(field))["total"]
    return ZERO if total is None else total


def _count_and_total(payments: Any) -> tuple[int, Decimal]:
    return payments.count(), _total(payments, "amount")
