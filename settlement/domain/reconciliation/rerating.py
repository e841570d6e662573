"""Rating an SDR anew, with the tariff that was in force at its session's start.

The versions that the clearing house holds decide, not the snapshot in the SDR: that is compared
with them. Where the claim differs, the other versions are tried, so that the finding can name the
one that the claim was made with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from zoneinfo import ZoneInfo

import msgspec

from roaming.domain.money import UnknownCurrencyError, round_money
from roaming.domain.tariff import Asked, ContentError, InvalidTariffError, Version
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
from settlement.domain.reconciliation.case import PriceEvidence
from settlement.domain.reconciliation.tariff_issues import (
    NO_ISSUE,
    TariffIssue,
    absent_tariff,
    between,
    described,
)
from settlement.domain.reconciliation.tariff_store import TariffStore, same_prices
from settlement.domain.reconciliation.tolerances import ZERO

# How many other versions are tried to explain a claim that differs.
_TRIED = 8


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
        in_force = [version for version in versions if version is not None]
        absent = [n for n, version in zip(named, versions, strict=True) if version is None]
        if absent or not named:
            # Nothing published can be held against the claim: the SDR's own snapshot prices it.
            issue = absent_tariff(self._store, absent[0], sdr.asked) if absent else NO_ISSUE
            plans = [self._store.plan(version, zone) for version in in_force]
            try:
                priced = rate(parsed, plans, zone, sdr.rounding, self._snapshots)
            except NotRatable as not_ratable:
                failed = replace(_with(known, issue), failure=str(not_ratable)[:200])
                return Rerated(failed, parsed=parsed)
        else:
            issue = self._snapshot_issue(sdr, parsed, in_force, zone)
            priced = self._by_versions(parsed, in_force, zone, sdr.rounding)
        price = replace(
            known,
            unrounded=priced.total_before_tax,
            expected=priced.rounded().before_tax,
            tariff_version_id=in_force[0].version_id if in_force else None,
        )
        if not issue.cause and in_force and _differs(sdr, price):
            issue = self._explained(sdr, parsed, zone, in_force, price)
        return Rerated(_with(price, issue), priced.findings, parsed, priced)

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

    def _by_versions(
        self,
        parsed: SdrToRate,
        versions: Sequence[Version],
        zone: ZoneInfo,
        rounding: Rounding,
    ) -> PricedSdr:
        default = parsed.tariff_id or versions[-1].tariff_id
        stripped = msgspec.structs.replace(parsed, tariffs=None, tariff_id=default)
        plans = [self._store.plan(version, zone) for version in versions]
        return rate(stripped, plans, zone, rounding)

    def _read_snapshots(self, parsed: SdrToRate, zone: ZoneInfo) -> list[TariffPlan | None]:
        """The tariffs that the SDR shows; None for one that cannot be read."""
        found: list[TariffPlan | None] = []
        for raw in parsed.tariffs or ():
            try:
                found.append(self._snapshots.plan(bytes(raw), zone))
            except InvalidTariffError:
                found.append(None)
        return found

    def _snapshot_issue(
        self, sdr: ToRerate, parsed: SdrToRate, in_force: Sequence[Version], zone: ZoneInfo
    ) -> TariffIssue:
        """Where the SDR's snapshot prices otherwise than the version in force: which one it is."""
        expected = {v.tariff_id.casefold(): v for v in in_force}
        for snapshot in self._read_snapshots(parsed, zone):
            if snapshot is None:
                return TariffIssue(
                    "snapshot_unreadable", "a snapshot that is no tariff", "a tariff"
                )
            version = expected.get(snapshot.tariff_id.casefold())
            if version is None or self._prices_like(version, snapshot, zone):
                continue
            for other in self._store.others(version.tariff_id, sdr.asked, version):
                if self._prices_like(other, snapshot, zone):
                    return between(other, version)
            claimed = f"{snapshot.tariff_id[:36]}, as the SDR shows it"
            return TariffIssue("snapshot_differs", claimed, described(version))
        return NO_ISSUE

    def _prices_like(self, version: Version, snapshot: TariffPlan, zone: ZoneInfo) -> bool:
        try:
            return same_prices(self._store.plan(version, zone).tariff, snapshot.tariff)
        except InvalidTariffError:
            return False

    def _explained(
        self,
        sdr: ToRerate,
        parsed: SdrToRate,
        zone: ZoneInfo,
        in_force: Sequence[Version],
        price: PriceEvidence,
    ) -> TariffIssue:
        """The other version whose total is the claim, if there is one."""
        if len(in_force) != 1:
            return NO_ISSUE
        for other in self._store.others(in_force[0].tariff_id, sdr.asked, in_force[0])[:_TRIED]:
            try:
                priced = self._by_versions(parsed, [other], zone, sdr.rounding)
            except (NotRatable, ContentError):
                continue
            if priced.rounded().before_tax == price.payable:
                return between(other, in_force[0])
        return NO_ISSUE


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
