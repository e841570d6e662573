"""Why a claim differs: each known mistake alone, then every two together, to the cent.

An explanation is a manner of billing whose total is the claim. Those come first whose sub-totals
are also the ones that the SDR states, then single mistakes before two, then the registry's order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from itertools import combinations

from roaming.domain.money import minor_unit
from settlement.domain.rating.stretches import ZERO
from settlement.domain.reconciliation.mistakes.billing import CANNOT_BILL, Billed, Biller
from settlement.domain.reconciliation.mistakes.manner import RIGHT
from settlement.domain.reconciliation.mistakes.material import Material
from settlement.domain.reconciliation.mistakes.possible import Change, possible_changes
from settlement.domain.reconciliation.mistakes.registry import RANK, joined

# Periods that are priced for one SDR, all trials together; a period counts more than once where the
# tariff is long. Less than half a second of work.
MOST_PRICED = 12_000
# More than this and nobody knows more than before.
MOST_LISTED = 8
_WIDE = Context(prec=100)


@dataclass(frozen=True, slots=True)
class Explanation:
    """Mistakes whose total is the claim; `tariff` is the place of the tariff that was applied.

    `agrees`: whether the sub-totals are the stated ones; None where none are stated.
    """

    codes: tuple[str, ...]
    tariff: int
    agrees: bool | None

    @property
    def cause(self) -> str:
        return joined(self.codes)


def explain(material: Material) -> tuple[Explanation, ...]:
    """The explanations of a claim that differs, the best first; () where there is none.

    Never raises: what cannot be billed in a manner is not explained by it.
    """
    try:
        trials = _Trials(material)
    except CANNOT_BILL:
        return ()
    return trials.explanations()


class _Trials:
    """The changes that can matter for one SDR, and what came of trying them."""

    def __init__(self, material: Material) -> None:
        self._material = material
        self._biller = Biller(material)
        self._unit = minor_unit(material.sdr.currency)
        self._stated = _merged(material.stated_sub_totals())
        self._right = self._biller.bill(RIGHT)
        self._cost = len(material.sdr.charging_periods) * (1 + self._elements() // 32)
        self._left = MOST_PRICED
        self._changes = list(possible_changes(self._biller, material))
        self._alone = {change: change.made_in(RIGHT) for change in self._changes}

    def explanations(self) -> tuple[Explanation, ...]:
        if self._right.total == self._material.payable:
            return ()
        alone = list(self._tried((change,) for change in self._changes))
        if any(explanation.agrees is not False for explanation in alone):
            return _listed(alone)
        explained = {explanation.codes[0] for explanation in alone}
        pairs = [
            (one, other)
            for one, other in combinations(self._changes, 2)
            if one.aspect != other.aspect
            # With a mistake that explains it alone, the second would be one of no effect.
            and not explained & {one.code, other.code}
        ]
        return _listed([*alone, *self._tried(pairs)])

    def _tried(self, several: Iterable[tuple[Change, ...]]) -> Iterator[Explanation]:
        """Those that explain the claim. All or none are tried: a part would mislead."""
        changes = list(several)
        cost = len(changes) * self._cost
        if cost > self._left:
            return
        self._left -= cost
        for made in changes:
            manner = self._alone[made[0]]
            for change in made[1:]:
                manner = change.made_in(manner)
            try:
                billed = self._biller.bill(manner)
            except CANNOT_BILL:
                continue
            if billed.total == self._material.payable:
                codes = tuple(change.code for change in made)
                yield Explanation(codes, manner.tariff, self._agrees(billed))

    def _elements(self) -> int:
        """Of the longest tariff: each period may have to look at all of them."""
        plans = self._biller.plans(RIGHT.tariff, RIGHT.clock)
        return max(len(plan.tariff.elements) for plan in plans)

    def _agrees(self, billed: Billed) -> bool | None:
        """Whether every stated sub-total is the billed one, to the cent."""
        if not self._stated:
            return None
        made = _merged(billed.sub_totals())
        return all(
            abs(amount.quantize(self._unit, ROUND_HALF_EVEN, _WIDE) - made.get(name, ZERO))
            <= self._unit
            for name, amount in self._stated.items()
        )


def _merged(sub_totals: dict[str, Decimal]) -> dict[str, Decimal]:
    """Time and parking together: who takes one for the other may book it under either."""
    merged = dict(sub_totals)
    times = [merged.pop(name) for name in ("time", "parking") if name in merged]
    if times:
        merged["times"] = sum(times, ZERO)
    return merged


def _listed(found: list[Explanation]) -> tuple[Explanation, ...]:
    """Without doublets, the best first; what the sub-totals contradict only where nothing else."""
    if any(explanation.agrees for explanation in found):
        found = [explanation for explanation in found if explanation.agrees]
    unique: dict[str, Explanation] = {}
    for explanation in sorted(found, key=_order):
        unique.setdefault(explanation.cause, explanation)
    return tuple(unique.values())[:MOST_LISTED]


def _order(explanation: Explanation) -> tuple[int, list[int]]:
    return len(explanation.codes), sorted(RANK[code] for code in explanation.codes)
