"""Which tariffs may have priced an SDR, rightly or wrongly: versions held, and what it shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from zoneinfo import ZoneInfo

from roaming.domain.tariff import Asked, InvalidTariffError, Version
from settlement.domain.rating import TariffPlan, compile_tariff
from settlement.domain.reconciliation.mistakes import Explanation, TariffChoice
from settlement.domain.reconciliation.tariff_issues import (
    NO_ISSUE,
    TariffIssue,
    between,
    described,
)
from settlement.domain.reconciliation.tariff_store import TariffStore, same_prices

# How many other tariffs are tried to explain a claim that differs.
_TRIED = 8


@dataclass(frozen=True, slots=True)
class Held:
    """What is held for one SDR: the versions in force, and the tariffs that it shows itself.

    `shown` has None for one that cannot be read. Not `published`: nothing in force can be held
    against the claim, and what the SDR shows prices it.
    """

    asked: Asked
    zone: ZoneInfo
    in_force: tuple[Version, ...]
    shown: tuple[TariffPlan | None, ...]
    published: bool


class TariffChoices:
    """Compares versions, and lists the wrong ones for the explanation of a claim."""

    def __init__(self, store: TariffStore) -> None:
        self._store = store

    def snapshot_issue(self, held: Held) -> TariffIssue:
        """Where the SDR's snapshot prices otherwise than the version in force: which one it is."""
        for snapshot in held.shown:
            if snapshot is None:
                return TariffIssue(
                    "snapshot_unreadable", "a snapshot that is no tariff", "a tariff"
                )
            version = _version_of(snapshot, held)
            if version is None or self._prices_like(version, snapshot):
                continue
            for other in self._store.others(version.tariff_id, held.asked, version):
                if self._prices_like(other, snapshot):
                    return between(other, version)
            return TariffIssue("snapshot_differs", _as_shown(snapshot), described(version))
        return NO_ISSUE

    def all(self, held: Held) -> tuple[tuple[TariffChoice, ...], tuple[TariffIssue, ...]]:
        """The right choice, then one wrong version in the place of its own each, with its issue."""
        choices = [TariffChoice("", partial(self.plans, held.in_force))]
        issues = [NO_ISSUE]
        for issue, plans_in in self._wrong(held):
            choices.append(TariffChoice(issue.cause, plans_in))
            issues.append(issue)
        return tuple(choices), tuple(issues)

    def plans(self, versions: Sequence[Version], zone: ZoneInfo) -> list[TariffPlan]:
        """Raises InvalidTariffError where a body is no tariff."""
        return [self._store.plan(version, zone) for version in versions]

    def _wrong(self, held: Held) -> Iterator[tuple[TariffIssue, partial[list[TariffPlan]]]]:
        if not held.published:
            return
        left = _TRIED
        known: list[TariffPlan] = []
        for place, version in enumerate(held.in_force):
            for other in self._store.others(version.tariff_id, held.asked, version)[:left]:
                plan = self._readable(other, held.zone)
                if plan is None or self._prices_like(version, plan):
                    continue
                left -= 1
                known.append(plan)
                versions = (*held.in_force[:place], other, *held.in_force[place + 1 :])
                yield between(other, version), partial(self.plans, versions)
        for shown in held.shown:
            instead = None if shown is None else _version_of(shown, held)
            if shown is None or instead is None or self._prices_like(instead, shown):
                continue
            if not any(same_prices(plan.tariff, shown.tariff) for plan in known):
                issue = TariffIssue("shown_tariff", _as_shown(shown), described(instead))
                yield issue, partial(self._with_shown, held.in_force, shown)

    def _with_shown(
        self, versions: Sequence[Version], shown: TariffPlan, zone: ZoneInfo
    ) -> list[TariffPlan]:
        name = shown.tariff_id.casefold()
        others = [version for version in versions if version.tariff_id.casefold() != name]
        return [*self.plans(others, zone), compile_tariff(shown.tariff, zone)]

    def _readable(self, version: Version, zone: ZoneInfo) -> TariffPlan | None:
        try:
            return self._store.plan(version, zone)
        except InvalidTariffError:
            return None

    def _prices_like(self, version: Version, plan: TariffPlan) -> bool:
        held = self._readable(version, plan.time_zone)
        return held is not None and same_prices(held.tariff, plan.tariff)


def issue_of(found: Sequence[Explanation], issues: Sequence[TariffIssue]) -> TariffIssue:
    """The wrong tariff that every explanation of a claim has, if there is one."""
    tariffs = {explanation.tariff for explanation in found}
    return issues[tariffs.pop()] if len(tariffs) == 1 else NO_ISSUE


def _version_of(shown: TariffPlan, held: Held) -> Version | None:
    """The version in force of the tariff that is shown; of several the last."""
    named = {version.tariff_id.casefold(): version for version in held.in_force}
    return named.get(shown.tariff_id.casefold())


def _as_shown(snapshot: TariffPlan) -> str:
    return f"{snapshot.tariff_id[:36]}, as the SDR shows it"
