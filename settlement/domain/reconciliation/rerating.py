"""Rating an SDR anew, with the tariff that was in force at its session's start.

The versions that the clearing house holds decide, not the snapshot in the SDR: that is compared
with them. Where the claim differs beyond the tolerance, the known mistakes are tried, another
version among them, so that the finding can name what the claim was made with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from zoneinfo import ZoneInfo

import msgspec

from roaming.domain.money import UnknownCurrencyError, round_money
from roaming.domain.tariff import Asked, ContentError, InvalidTariffError
from roaming.domain.time_zones import find_zone
from settlement.domain.rating import (
    NotRatable,
    PlanCache,
    PricedSdr,
    RatingFinding,
    Rounding,
    SdrToRate,
    TariffPlan,
    parse_sdr,
    rate,
)
from settlement.domain.reconciliation.body import read_stated
from settlement.domain.reconciliation.case import PriceEvidence
from settlement.domain.reconciliation.mistakes import Material, explain
from settlement.domain.reconciliation.tariff_choices import Held, TariffChoices, issue_of
from settlement.domain.reconciliation.tariff_issues import NO_ISSUE, TariffIssue, absent_tariff
from settlement.domain.reconciliation.tariff_store import TariffStore
from settlement.domain.reconciliation.tolerances import ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class ToRerate:
    """An SDR as rating needs it. `tariff_ids`: the SDR's own, else those of its connector."""

    rated_part: str
    time_zone: str
    asked: Asked
    tariff_ids: tuple[str, ...]
    before_tax: Decimal
    currency: str
    rounding: Rounding = Rounding.HALF_UP
    tolerance_money: Decimal = ZERO
    tolerance_money_share: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Rerated:
    """What came of it, and what rating noticed on the way. `parsed`: what was rated, None where it
    could not be read; `priced`: the price line by line, None where none follows."""

    price: PriceEvidence
    notes: tuple[RatingFinding, ...] = ()
    parsed: SdrToRate | None = None
    priced: PricedSdr | None = None


class Rerater:
    """Rates SDR after SDR against one store; keeps plans and snapshots compiled."""

    def __init__(self, store: TariffStore) -> None:
        self._store = store
        self._snapshots = PlanCache()
        self._choices = TariffChoices(store)

    def rerate(self, sdr: ToRerate) -> Rerated:
        """The re-rated total, or the failure that makes the SDR `not_ratable`; never raises."""
        known, parsed = PriceEvidence(), None
        try:
            known = PriceEvidence(payable=round_money(sdr.before_tax, sdr.currency, sdr.rounding))
            parsed = parse_sdr(sdr.rated_part)
            known = replace(known, periods_energy=_energy_of(parsed))
            zone = find_zone(sdr.time_zone)
            if zone is None:
                no_zone = replace(known, failure="no_time_zone: the site's zone is unknown")
                return Rerated(no_zone, parsed=parsed)
            return self._rated(sdr, parsed, zone, known)
        except NotRatable as not_ratable:
            failure = str(not_ratable)
        except UnknownCurrencyError as unknown:
            failure = f"unknown_currency: {unknown}"
        except ContentError as invalid:
            failure = f"invalid_{invalid.what.lower()}: {invalid}"
        except ArithmeticError:
            failure = "out_of_range: a number is too large to be rated exactly"
        return Rerated(replace(known, failure=failure[:200]), parsed=parsed)

    def _rated(
        self, sdr: ToRerate, parsed: SdrToRate, zone: ZoneInfo, known: PriceEvidence
    ) -> Rerated:
        named = self._named(sdr, parsed, zone)
        versions = [self._store.in_force(name, sdr.asked) for name in named]
        in_force = tuple(version for version in versions if version is not None)
        absent = [n for n, version in zip(named, versions, strict=True) if version is None]
        shown = tuple(self._read_snapshots(parsed, zone))
        held = Held(sdr.asked, zone, in_force, shown, published=bool(named) and not absent)
        to_rate = parsed
        if held.published:
            issue = self._choices.snapshot_issue(held)
            default = parsed.tariff_id or in_force[-1].tariff_id
            to_rate = msgspec.structs.replace(parsed, tariffs=None, tariff_id=default)
        else:
            # Nothing published can be held against the claim: the SDR's own snapshot prices it.
            issue = absent_tariff(self._store, absent[0], sdr.asked) if absent else NO_ISSUE
        try:
            plans = self._choices.plans(in_force, zone)
            priced = rate(to_rate, plans, zone, sdr.rounding, self._snapshots)
        except NotRatable as not_ratable:
            if held.published:
                raise
            failed = replace(_with(known, issue), failure=str(not_ratable)[:200])
            return Rerated(failed, parsed=parsed)
        price = replace(
            known,
            unrounded=priced.total_before_tax,
            expected=priced.rounded().before_tax,
            tariff_version_id=in_force[0].version_id if in_force else None,
        )
        price = _with(price, issue)
        if _differs(sdr, price):
            price = self._explained(sdr, to_rate, held, price)
        return Rerated(price, priced.findings, parsed, priced)

    def _explained(
        self, sdr: ToRerate, to_rate: SdrToRate, held: Held, price: PriceEvidence
    ) -> PriceEvidence:
        """With what explains the claim, and the wrong tariff where each explanation has it."""
        tariffs, issues = self._choices.all(held)
        assert price.payable is not None, "the claim was rounded first"
        material = Material(
            sdr=to_rate,
            tariffs=tariffs,
            time_zone=held.zone,
            rounding=sdr.rounding,
            payable=price.payable,
            stated=read_stated(sdr.rated_part),
            snapshots=self._snapshots,
        )
        found = explain(material)
        price = replace(price, causes=tuple(explanation.cause for explanation in found))
        return price if price.tariff_issue else _with(price, issue_of(found, issues))

    def _named(self, sdr: ToRerate, parsed: SdrToRate, zone: ZoneInfo) -> list[str]:
        """The tariff ids that price the SDR: its periods', its own, its snapshot's, its place's."""
        named = {p.tariff_id: None for p in parsed.charging_periods if p.tariff_id is not None}
        if len(named) < 1 or any(p.tariff_id is None for p in parsed.charging_periods):
            own = parsed.tariff_id or self._first_known(
                [plan.tariff_id for plan in self._read_snapshots(parsed, zone) if plan]
                or list(sdr.tariff_ids),
                sdr.asked,
            )
            if own is not None:
                named[own] = None
        return list(named)

    def _first_known(self, names: Sequence[str], asked: Asked) -> str | None:
        in_force = [name for name in names if self._store.in_force(name, asked) is not None]
        return next(iter([*in_force, *names]), None)

    def _read_snapshots(self, parsed: SdrToRate, zone: ZoneInfo) -> list[TariffPlan | None]:
        """The tariffs that the SDR shows; None for one that cannot be read."""
        found: list[TariffPlan | None] = []
        for raw in parsed.tariffs or ():
            try:
                found.append(self._snapshots.plan(bytes(raw), zone))
            except InvalidTariffError:
                found.append(None)
        return found


def _energy_of(parsed: SdrToRate) -> Decimal:
    volumes = (
        d.volume for p in parsed.charging_periods for d in p.dimensions if d.type == "ENERGY"
    )
    return sum(volumes, ZERO)


def _differs(sdr: ToRerate, price: PriceEvidence) -> bool:
    assert price.payable is not None, "the claim was rounded first"
    assert price.expected is not None, "the SDR was rated"
    allowed = max(sdr.tolerance_money, sdr.tolerance_money_share * abs(price.expected))
    return abs(price.payable - price.expected) > allowed


def _with(price: PriceEvidence, issue: TariffIssue) -> PriceEvidence:
    return replace(
        price,
        tariff_issue=issue.cause,
        tariff_claimed=issue.claimed,
        tariff_expected=issue.expected,
    )
