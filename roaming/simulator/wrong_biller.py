"""The operator that bills wrongly: plants mistakes in a small share of the SDRs, and says which.

The plan is drawn once from a seed over the whole month, so that every platform process draws the
same one. One wrong SDR in five carries two mistakes of billing at once. Each mistake is worth more
than the tolerance of the agreement, the second one again on top of the first: ten cents at least,
half a kilowatt-hour, a rule that knows no tolerance, or, for those that round wrongly, a cent where
the agreement tolerates nothing.
"""

from __future__ import annotations

import random
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import ROUND_CEILING, Decimal

from roaming.simulator.billing import bill
from roaming.simulator.generator import GRID_S
from roaming.simulator.manner import Manner
from roaming.simulator.mistakes import PAIRS, ROUNDINGS, Mistake, manner_of, of_billing
from roaming.simulator.network import Network
from roaming.simulator.planned_session import PlannedSession
from roaming.simulator.prices import NotBilledError

CENT = Decimal("0.01")
LEAST_MONEY = Decimal("0.10")
PAIR_EVERY = 5
PAIRS_TRIED = 24
LEAST_OVERLAP_S = 300
MOST_MOVED = timedelta(hours=24)
LATE_BY = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Planted:
    """One mistake or two in one SDR, and the money before tax that is claimed wrongly.

    `at_stake` is the difference to the right claim, either way, or the whole claim where that is
    right in itself but not payable (a second time, unauthorised, overlapping, late).
    """

    reference: str
    mistake: Mistake
    at_stake: Decimal
    other_reference: str | None = None
    """OVERLAP: the session of the same EVSE that this one is moved into."""
    moved_by: timedelta = timedelta(0)
    held_back: timedelta = timedelta(0)
    """LATE: how long after the session's end the SDR is sent."""
    second: Mistake | None = None

    @property
    def mistakes(self) -> tuple[Mistake, ...]:
        return (self.mistake,) if self.second is None else (self.mistake, self.second)

    @property
    def kind(self) -> str:
        """`late`, or for two `flat_twice+step_twice`."""
        return "+".join(mistake.value for mistake in self.mistakes)

    @property
    def manner(self) -> Manner:
        return manner_of(*self.mistakes)


class _Month:
    """What a mistake needs to know of the other sessions."""

    def __init__(self, sessions: list[PlannedSession], network: Network) -> None:
        self.network = network
        self._claims: dict[tuple[str, tuple[Mistake, ...]], Decimal | None] = {}
        self.last_end = max(session.end for session in sessions)
        self.before_at_evse: dict[str, PlannedSession] = {}
        self.of_driver: dict[str, list[PlannedSession]] = {}
        last_at: dict[str, PlannedSession] = {}
        for session in sessions:
            if session.evse_id in last_at:
                self.before_at_evse[session.reference] = last_at[session.evse_id]
            last_at[session.evse_id] = session
            self.of_driver.setdefault(session.token_uid, []).append(session)

    def claimed(self, session: PlannedSession, mistakes: tuple[Mistake, ...]) -> Decimal | None:
        """The claim before tax; None where nobody can bill so. Kept, for it is asked often."""
        key = (session.reference, mistakes)
        if key not in self._claims:
            try:
                made = bill(session, self.network, manner_of(*mistakes))
            except NotBilledError:
                self._claims[key] = None
            else:
                self._claims[key] = made.claimed.before_tax
        return self._claims[key]


def plant(
    sessions: list[PlannedSession],
    network: Network,
    seed: int,
    share: Decimal = Decimal("0.03"),
) -> dict[str, Planted]:
    """The mistakes of a month by session reference: `share` of the sessions, all kinds in turn.

    Every fifth is one of two mistakes.

    A kind that fits no remaining session is left out. A session that an overlap is moved into stays
    correct itself.
    """
    wanted = int((len(sessions) * share).to_integral_value(ROUND_CEILING))
    if not wanted:
        return {}
    rng = random.Random(f"mistakes {seed}")  # noqa: S311 - a repeatable world, no secret
    month = _Month(sessions, network)
    shuffled = rng.sample(sessions, len(sessions))
    # Each kind walks the same list at its own pace: what did not fit once never will.
    turns = _in_turn(
        [_fitting(mistake, shuffled, month) for mistake in Mistake],
        _fitting_pairs(shuffled, month, rng),
    )
    planted: dict[str, Planted] = {}
    touched: set[str] = set()
    while turns and len(planted) < wanted:
        turn = turns.popleft()
        found = _next_free(turn, touched)
        if found is not None:
            planted[found.reference] = found
            touched |= _sessions_of(found)
            turns.append(turn)
    return planted


def _in_turn(
    alone: Iterable[Iterator[Planted]], pairs: Iterator[Planted]
) -> deque[Iterator[Planted]]:
    """Every kind, and a pair before each fourth of them."""
    turns: deque[Iterator[Planted]] = deque()
    for number, source in enumerate(alone):
        if number % (PAIR_EVERY - 1) == 0:
            turns.append(pairs)
        turns.append(source)
    return turns


def _next_free(source: Iterator[Planted], touched: set[str]) -> Planted | None:
    return next((planted for planted in source if not touched & _sessions_of(planted)), None)


def _sessions_of(planted: Planted) -> set[str]:
    return {planted.reference, planted.other_reference or planted.reference}


def _fitting(mistake: Mistake, sessions: list[PlannedSession], month: _Month) -> Iterator[Planted]:
    """The mistake made with each session where it can be made and is worth finding."""
    for session in sessions:
        planted = _fit(mistake, session, month)
        if planted is not None and planted.at_stake >= _least((mistake,), session, month):
            yield planted


def _fitting_pairs(
    sessions: list[PlannedSession], month: _Month, rng: random.Random
) -> Iterator[Planted]:
    """Two mistakes made in one bill; first the pairs that were tried and planted least."""
    tried: Counter[tuple[Mistake, Mistake]] = Counter()
    for session in sessions:
        shuffled = rng.sample(PAIRS, len(PAIRS))
        for pair in sorted(shuffled, key=tried.__getitem__)[:PAIRS_TRIED]:
            tried[pair] += 1
            planted = _fit_pair(pair, session, month)
            if planted is not None:
                yield planted
                tried[pair] += PAIR_EVERY
                break


def _fit_pair(
    pair: tuple[Mistake, Mistake], session: PlannedSession, month: _Month
) -> Planted | None:
    """The two mistakes made with this session, if each makes a difference beside the other."""
    both = month.claimed(session, pair)
    right = month.claimed(session, ())
    if both is None or right is None or abs(both - right) < _least(pair, session, month):
        return None
    for alone in pair:
        one = month.claimed(session, (alone,))
        if one is None or abs(both - one) < _least((), session, month):
            return None
    return Planted(session.reference, pair[0], abs(both - right), second=pair[1])


def _least(mistakes: tuple[Mistake, ...], session: PlannedSession, month: _Month) -> Decimal:
    """What these have to be worth: always more than the agreement tolerates."""
    terms = month.network.agreement_by_pair[session.cso, session.csp]
    noticed = Decimal(terms.tolerance_money) + CENT
    if not mistakes or ROUNDINGS & set(mistakes):
        return noticed
    return max(LEAST_MONEY, noticed)


def _fit(mistake: Mistake, session: PlannedSession, month: _Month) -> Planted | None:
    """The mistake made with this session, or None where it cannot be made."""
    if mistake is Mistake.OVERLAP:
        return _overlap(session, month)
    claim = month.claimed(session, ())
    assert claim is not None, "an honest bill can always be made"
    if mistake is Mistake.LATE:
        terms = month.network.agreement_by_pair[session.cso, session.csp]
        held_back = timedelta(hours=terms.sdr_window_hours) + LATE_BY
        if session.end + held_back > month.last_end:
            return None
        return Planted(session.reference, mistake, claim, held_back=held_back)
    if not of_billing(mistake):
        return Planted(session.reference, mistake, claim)
    wrong = month.claimed(session, (mistake,))
    return None if wrong is None else Planted(session.reference, mistake, abs(wrong - claim))


def _overlap(session: PlannedSession, month: _Month) -> Planted | None:
    """Moved back, so that it begins in the middle of the session before at the same EVSE."""
    previous = month.before_at_evse.get(session.reference)
    if previous is None:
        return None
    half_s = int((previous.end - previous.start).total_seconds()) // 2 // GRID_S * GRID_S
    moved_by = previous.start + timedelta(seconds=half_s) - session.start
    if half_s < LEAST_OVERLAP_S or -moved_by > MOST_MOVED:
        return None
    claimed = moved(session, moved_by)
    for other in month.of_driver[session.token_uid]:
        if other is not session and other.start < claimed.end and claimed.start < other.end:
            return None
    claim = bill(claimed, month.network).claimed.before_tax
    return Planted(session.reference, Mistake.OVERLAP, claim, previous.reference, moved_by)


def moved(session: PlannedSession, by: timedelta) -> PlannedSession:
    """The same session at another time."""
    return replace(
        session,
        start=session.start + by,
        end_of_charging=session.end_of_charging + by,
        end=session.end + by,
    )
