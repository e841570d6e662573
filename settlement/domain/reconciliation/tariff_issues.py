"""Why an SDR was not priced by the tariff in force: the cause, and both tariffs in words."""

from __future__ import annotations

from typing import NamedTuple

from roaming.domain.tariff import Asked, Version
from settlement.domain.reconciliation.case import utc_text
from settlement.domain.reconciliation.tariff_store import TariffStore


class TariffIssue(NamedTuple):
    """`cause` is stable, empty where there is no issue; the others are for people."""

    cause: str = ""
    claimed: str = ""
    expected: str = ""


NO_ISSUE = TariffIssue()


def absent_tariff(store: TariffStore, tariff_id: str, asked: Asked) -> TariffIssue:
    """A tariff that was never announced, or of which no version was in force."""
    newest = next(iter(store.others(tariff_id, asked, None)), None)
    expected = f"a version in force at {utc_text(asked.started_at)}"
    if newest is None:
        return TariffIssue("not_published", f"{tariff_id[:36]}, never announced", expected)
    return TariffIssue("not_in_force", described(newest), expected)


def between(claimed: Version, in_force: Version) -> TariffIssue:
    """One version in place of another; whom they were announced for comes before their dates."""
    if claimed.individual is not in_force.individual:
        cause = "individual_tariff" if claimed.individual else "general_tariff"
        return TariffIssue(cause, described(claimed), described(in_force))
    older = (claimed.valid_from, claimed.received_at) < (in_force.valid_from, in_force.received_at)
    cause = "older_version" if older else "later_version"
    return TariffIssue(cause, described(claimed), described(in_force))


def described(version: Version) -> str:
    return (
        f"{version.tariff_id} valid from {utc_text(version.valid_from)}, "
        f"announced at {utc_text(version.received_at)}"
    )
