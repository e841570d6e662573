"""The tariffs that a run of reconciliation rates with: versions by id, plans compiled once.

Which version was in force is the rule of `roaming.domain.tariff.versions`.
"""

from __future__ import annotations

from collections.abc import Iterable
from zoneinfo import ZoneInfo

from roaming.domain.tariff import Asked, Tariff, Version, in_force, parse_tariff
from settlement.domain.rating import TariffPlan, compile_tariff


class TariffStore:
    """Versions by CSO and tariff id, with their plans compiled once per zone."""

    def __init__(self, versions: Iterable[Version] = ()) -> None:
        self._versions: dict[tuple[int, str], list[Version]] = {}
        self._plans: dict[tuple[int, ZoneInfo], TariffPlan] = {}
        self.add(versions)

    def add(self, versions: Iterable[Version]) -> None:
        for version in versions:
            key = (version.visited_cso_id, version.tariff_id.casefold())
            self._versions.setdefault(key, []).append(version)

    def in_force(self, tariff_id: str, asked: Asked) -> Version | None:
        """The version that priced the session, None where none was in force."""
        return in_force(self._known(tariff_id, asked), asked)

    def others(self, tariff_id: str, asked: Asked, than: Version | None) -> list[Version]:
        """The other versions that this home-CSP could know, the newest first."""
        found = [v for v in self._known(tariff_id, asked) if v is not than and not v.withdrawn]
        return sorted(found, key=lambda v: (v.valid_from, v.received_at), reverse=True)

    def plan(self, version: Version, time_zone: ZoneInfo) -> TariffPlan:
        """The version's plan in a zone. Raises InvalidTariffError where its body is no tariff."""
        key = (version.version_id, time_zone)
        plan = self._plans.get(key)
        if plan is None:
            plan = self._plans[key] = compile_tariff(parse_tariff(version.body), time_zone)
        return plan

    def _known(self, tariff_id: str, asked: Asked) -> list[Version]:
        versions = self._versions.get((asked.visited_cso_id, tariff_id.casefold()), [])
        return [v for v in versions if v.home_csp_id in (None, asked.home_csp_id)]


def same_prices(one: Tariff, other: Tariff) -> bool:
    """Whether two tariffs price every session alike, whatever else they say."""
    return one is other or (
        one.elements == other.elements
        and one.currency == other.currency
        and one.min_price == other.min_price
        and one.max_price == other.max_price
        and one.tax_included == other.tax_included
    )
