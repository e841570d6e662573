"""The platforms' own counts against the clearing house's books: nothing may have been lost.

Three records of every exchange are compared per pair: what the visited-CSO's platform sent, what
the clearing house holds, what the home-CSP's platform received.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count, Sum

from clearinghouse.demo.staff import ENVIRONMENT
from roaming.domain.session import RUNNING, SessionState
from roaming.domain.use_case import UseCase
from roaming.models import Delivery, JournalEntry, Sdr, ServiceSession
from roaming.simulator.mistakes import Mistake
from roaming.simulator.platform_tally import pair_key
from roaming.simulator.world import World

Counts = Mapping[str, Mapping[str, Decimal | int]]
"""Pair -> what -> how many, or how much."""

# Where an answer got lost on the way, the start was asked again, and opened a second session.
MAY_BE_ASKED_AGAIN = "starts_accepted"
IN_ALL_THREE = ("starts_accepted", "questions_accepted", "completions", "sdrs", "money",
                "energy_kwh")  # fmt: skip
PUBLISHED = ("sites", "tariffs")


@dataclass(frozen=True)
class Books:
    """The three records, and how often the platforms had to send something again."""

    sent: Counts
    held: Counts
    received: Counts
    repeats: int = 0


def held_by_the_hub() -> dict[str, dict[str, Decimal | int]]:
    """What the clearing house holds, per pair."""
    held: dict[str, dict[str, Decimal | int]] = {}

    def note(cso: str, csp: str | None, **counts: Decimal | int | None) -> None:
        row = held.setdefault(pair_key(cso, csp or "?"), {})
        for what, count in counts.items():
            row[what] = row.get(what, 0) + (count or 0)

    pair = ("visited_cso__identifier", "home_csp__identifier")
    sessions = ServiceSession.objects.filter(environment=ENVIRONMENT).order_by()
    for cso, csp, state, count in sessions.values_list(*pair, "state").annotate(Count("id")):
        if state == SessionState.COMPLETED:
            note(cso, csp, starts_accepted=count, completions=count)
        elif state in RUNNING:
            note(cso, csp, starts_accepted=count)
    sdrs = Sdr.objects.filter(environment=ENVIRONMENT).order_by()
    for cso, csp, count, money, energy in sdrs.values_list(*pair).annotate(
        Count("id"), Sum("claim_before_tax"), Sum("energy_kwh")
    ):
        note(cso, csp, sdrs=count, money=money, energy_kwh=energy)
    questions = JournalEntry.objects.filter(
        environment=ENVIRONMENT,
        use_case=UseCase.UC4_1.code,
        phase=JournalEntry.Phase.VERDICT,
        outcome=JournalEntry.Outcome.ACCEPTED,
    ).order_by()
    for cso, csp, count in questions.values_list(*pair).annotate(Count("id")):
        note(cso, csp, questions_accepted=count)
    return held


def dead_deliveries() -> int:
    """Deliveries that were given up."""
    return Delivery.objects.filter(environment=ENVIRONMENT, state=Delivery.State.DEAD).count()


def differences(books: Books) -> Iterator[str]:
    """Every difference between the three records, in words; none where nothing was lost."""
    for pair in sorted({*books.sent, *books.held, *books.received}):
        sent, held, received = (
            record.get(pair, {}) for record in (books.sent, books.held, books.received)
        )
        for what in IN_ALL_THREE:
            values = (sent.get(what, 0), held.get(what, 0), received.get(what, 0))
            slack = books.repeats if what == MAY_BE_ASKED_AGAIN else 0
            if not all(0 <= value - values[0] <= slack for value in values):
                yield (
                    f"{pair}, {what}: {values[0]} sent, {values[1]} at the clearing house, "
                    f"{values[2]} received"
                )
        for what in PUBLISHED:
            if sent.get(what, 0) != received.get(what, 0):
                yield f"{pair}, {what}: {sent.get(what, 0)} sent, {received.get(what, 0)} received"


def planned(world: World) -> dict[str, int]:
    """What has to have been sent in all."""
    mistakes = [one.mistake for one in world.planted.values()]
    unannounced = sum(not mistake.announced for mistake in mistakes)
    return {
        "completions": len(world.sessions) - unannounced,
        "sdrs": len(world.sessions) + mistakes.count(Mistake.BILLED_TWICE),
    }


def shortfalls(world: World, sent: Counts) -> Iterator[str]:
    """What was planned and not sent, in words."""
    for what, wanted in planned(world).items():
        done = sum(int(row.get(what, 0)) for row in sent.values())
        if done != wanted:
            yield f"{what}: {wanted} planned, {done} sent"
