"""Which tariff prices which period (settlement.md, section 2, tariff priority).

The period's tariff_id, else the SDR's tariff_id, each looked up in the SDR's snapshot and then
among the tariffs given; else the snapshot; else the tariff given that is in force at the start.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import msgspec

from roaming.domain.tariff import InvalidTariffError, Tariff, parse_tariff
from settlement.domain.rating.findings import RatingFinding, price_warning
from settlement.domain.rating.not_ratable import Cause, InvalidSdrError, NotRatable
from settlement.domain.rating.plan import TariffPlan, compile_tariff
from settlement.domain.rating.sdr_to_rate import SdrToRate

_ALWAYS = datetime(1, 1, 1, tzinfo=UTC)


class PlanCache:
    """Plans of tariff snapshots by their bytes: many SDRs carry the same one.

    Kept by the caller for as long as it rates; forgets everything when `size` is reached. `read`
    says how a snapshot is read: as ours, or as OCPI's.
    """

    def __init__(self, size: int = 4096, read: Callable[[bytes], Tariff] = parse_tariff) -> None:
        self._size = size
        self._read = read
        self._plans: dict[tuple[bytes, ZoneInfo], TariffPlan] = {}

    def plan(self, tariff: bytes, time_zone: ZoneInfo) -> TariffPlan:
        """The plan of a tariff in JSON. Raises InvalidTariffError."""
        key = (tariff, time_zone)
        plan = self._plans.get(key)
        if plan is None:
            plan = compile_tariff(self._read(tariff), time_zone)
            if len(self._plans) >= self._size:
                self._plans.clear()
            self._plans[key] = plan
        return plan


def plans_of(
    sdr: SdrToRate,
    given: Sequence[Tariff | TariffPlan],
    time_zone: ZoneInfo,
    cache: PlanCache | None,
) -> tuple[list[TariffPlan], list[RatingFinding]]:
    """The plan of each charging period, and what is odd about the choice.

    Raises NotRatable where none can be told, InvalidSdrError for a broken snapshot.
    """
    periods = sdr.charging_periods
    names = {period.tariff_id for period in periods}
    shelf = _Shelf(sdr, given, time_zone, cache)
    if len(names) == 1 and None in names:
        return [shelf.checked(shelf.default())] * len(periods), shelf.odd
    by_name = {
        name: shelf.checked(shelf.default() if name is None else shelf.named(name))
        for name in names
    }
    if None in names:
        without = tuple(i for i, period in enumerate(periods) if period.tariff_id is None)
        detail = "some periods name their tariff and these do not; the SDR's tariff prices them"
        shelf.odd.append(price_warning("tariff_id_missing", detail, without))
    return [by_name[period.tariff_id] for period in periods], shelf.odd


class _Shelf:
    """The tariffs at hand for one SDR: its snapshot and those given, compiled when asked for."""

    __slots__ = ("_cache", "_compiled", "_given", "_sdr", "_snapshot", "_time_zone", "odd")

    def __init__(
        self,
        sdr: SdrToRate,
        given: Sequence[Tariff | TariffPlan],
        time_zone: ZoneInfo,
        cache: PlanCache | None,
    ) -> None:
        self._sdr = sdr
        self._given = given
        self._time_zone = time_zone
        self._cache = cache
        self._snapshot: list[TariffPlan] | None = None
        self._compiled: list[TariffPlan] | None = None
        self.odd: list[RatingFinding] = []

    def default(self) -> TariffPlan:
        """For periods that name none: the SDR's tariff_id, its snapshot, the tariffs given."""
        if self._sdr.tariff_id is not None:
            return self.named(self._sdr.tariff_id)
        if self._sdr.tariffs:
            snapshot = self._in_snapshot()
            return self._first_in_force(snapshot) or self._noted(snapshot[0])
        given = self._among_given()
        if not given:
            raise NotRatable(Cause.NO_TARIFF, "tariffs", "there is no tariff to rate with")
        plan = self._first_in_force(given)
        if plan is None:
            ids = ", ".join(plan.tariff_id for plan in given[:5])
            detail = f"none of the tariffs {ids} is in force at the start of the session"
            raise NotRatable(Cause.TARIFF_NOT_IN_FORCE, "tariffs", detail)
        return plan

    def named(self, name: str) -> TariffPlan:
        """OCPI's identifiers do not tell capital from small letters."""
        for plans in (self._in_snapshot(), self._among_given()):
            named = [plan for plan in plans if plan.tariff_id.casefold() == name.casefold()]
            if named:
                return self._latest_in_force(named) or self._noted(named[0])
        detail = f"tariff {name[:36]!r} is neither in the SDR nor among the tariffs given"
        raise NotRatable(Cause.UNKNOWN_TARIFF_ID, "tariff_id", detail)

    def checked(self, plan: TariffPlan) -> TariffPlan:
        """The plan, if it is in the SDR's currency."""
        if plan.tariff.currency != self._sdr.currency:
            detail = (
                f"tariff {plan.tariff_id} is in {plan.tariff.currency}, the SDR in"
                f" {self._sdr.currency}"
            )
            raise NotRatable(Cause.CURRENCY_MISMATCH, "currency", detail)
        return plan

    def _first_in_force(self, plans: list[TariffPlan]) -> TariffPlan | None:
        """The first in the order given; of several versions of its id, the latest."""
        if len(plans) == 1:
            return plans[0] if self._in_force(plans[0]) else None
        for plan in plans:
            if self._in_force(plan):
                return self._latest_in_force([p for p in plans if p.tariff_id == plan.tariff_id])
        return None

    def _latest_in_force(self, versions: list[TariffPlan]) -> TariffPlan | None:
        valid = [plan for plan in versions if self._in_force(plan)]
        return max(valid, key=lambda p: p.tariff.start_date_time or _ALWAYS, default=None)

    def _in_force(self, plan: TariffPlan) -> bool:
        start, tariff = self._sdr.start_date_time, plan.tariff
        return (tariff.start_date_time is None or tariff.start_date_time <= start) and (
            tariff.end_date_time is None or start < tariff.end_date_time
        )

    def _noted(self, plan: TariffPlan) -> TariffPlan:
        detail = f"tariff {plan.tariff_id} is not in force at the start of the session"
        self.odd.append(price_warning("tariff_not_in_force", detail))
        return plan

    def _in_snapshot(self) -> list[TariffPlan]:
        if self._snapshot is None:
            self._snapshot = [
                self._read(index, tariff) for index, tariff in enumerate(self._sdr.tariffs or ())
            ]
        return self._snapshot

    def _read(self, index: int, tariff: msgspec.Raw) -> TariffPlan:
        cache = self._cache or PlanCache()
        try:
            return cache.plan(bytes(tariff), self._time_zone)
        except InvalidTariffError as invalid:
            placed = invalid.inside(f"tariffs[{index}]")
            raise InvalidSdrError(placed.field, placed.detail) from None

    def _among_given(self) -> list[TariffPlan]:
        if self._compiled is None:
            self._compiled = [self._plan(given) for given in self._given]
        return self._compiled

    def _plan(self, given: Tariff | TariffPlan) -> TariffPlan:
        if isinstance(given, Tariff):
            return compile_tariff(given, self._time_zone)
        if given.time_zone is not self._time_zone and given.time_zone != self._time_zone:
            raise ValueError(f"a plan for {given.time_zone} cannot rate in {self._time_zone}")
        return given
