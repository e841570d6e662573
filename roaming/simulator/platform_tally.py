"""What a platform counts of its own: what it sent, what it received, and from whom.

The clearing house's books can be held against these counts: nothing may be lost on the way.
"""

from __future__ import annotations

import threading
from collections import Counter
from decimal import Decimal

import msgspec


class Tally(msgspec.Struct, kw_only=True):
    """Counts and sums with one counterparty, by what it was. `money` is before tax, in kWh else."""

    counts: dict[str, int] = {}
    money: Decimal = Decimal(0)
    energy_kwh: Decimal = Decimal(0)


class Tallies(msgspec.Struct, kw_only=True):
    """All counts of a platform. Keys of the pairs: `DE*NLN/FR-ITI`, visited-CSO and home-CSP."""

    sent: dict[str, Tally] = {}
    received: dict[str, Tally] = {}
    refusals: dict[str, int] = {}
    """Answers to the platform's own messages, by code."""
    repeats: int = 0
    """Messages that were sent once more for want of an answer."""


def pair_key(cso: str, csp: str) -> str:
    """How a pair is named in the tallies."""
    return f"{cso}/{csp}"


class Counting:
    """Tallies that many threads add to."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tallies = Tallies()
        self._refusals: Counter[str] = Counter()

    def sent(self, cso: str, csp: str, what: str, **sums: Decimal) -> None:
        """One more message of ours that the clearing house took. `sums`: money, energy_kwh."""
        self._add(self._tallies.sent, pair_key(cso, csp), what, sums)

    def received(self, cso: str, csp: str, what: str, **sums: Decimal) -> None:
        """One more message that reached us, counted once however often it was delivered."""
        self._add(self._tallies.received, pair_key(cso, csp), what, sums)

    def refused(self, code: str) -> None:
        """One more no of the clearing house or of the other party."""
        with self._lock:
            self._refusals[code] += 1

    def repeated(self, times: int) -> None:
        """A message that needed `times` more tries than one."""
        if times:
            with self._lock:
                self._tallies.repeats += times

    def snapshot(self) -> Tallies:
        """A copy as it stands."""
        with self._lock:
            self._tallies.refusals = dict(self._refusals)
            copy: Tallies = msgspec.json.decode(msgspec.json.encode(self._tallies), type=Tallies)
        return copy

    def _add(
        self, tallies: dict[str, Tally], key: str, what: str, sums: dict[str, Decimal]
    ) -> None:
        with self._lock:
            tally = tallies.setdefault(key, Tally())
            tally.counts[what] = tally.counts.get(what, 0) + 1
            tally.money += sums.get("money", 0)
            tally.energy_kwh += sums.get("energy_kwh", 0)
