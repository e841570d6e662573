"""Which version of a tariff is in force at a moment (domain.md, tariffs; UC2-1, UC2-2).

In force: valid then and received before, less the agreement's notice: nobody posts yesterday's
price today. A withdrawal ends what was received before it, from its own `valid_from` on. A version
for one home-CSP beats the general one; then the newest `valid_from` wins, then the newest
`received_at`. What a CSO told one home-CSP on request counts for it as if it had been told to all.

This is the one implementation: rating and UC2-2 both ask it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Version:
    """A tariff version as the CSO announced it. Times are aware; `body` is its JSON."""

    version_id: int
    visited_cso_id: int
    home_csp_id: int | None
    tariff_id: str
    valid_from: datetime
    valid_to: datetime | None
    received_at: datetime
    withdrawn: bool
    body: str
    on_request: bool = False

    def valid(self, at: datetime) -> bool:
        return self.valid_from <= at and (self.valid_to is None or at < self.valid_to)

    @property
    def individual(self) -> bool:
        """Whether it was announced for one home-CSP, and so beats those for all."""
        return self.home_csp_id is not None and not self.on_request


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose tariff is asked for, when the session started, and the agreement's notice."""

    visited_cso_id: int
    home_csp_id: int | None
    started_at: datetime
    notice: timedelta = timedelta(0)


def in_force(versions: Iterable[Version], asked: Asked) -> Version | None:
    """Of the versions of one tariff, the one that prices a session; None where none does.

    `versions`: any of this tariff of the CSO; those for other home-CSPs are passed over.
    """
    known = [
        version
        for version in versions
        if version.home_csp_id in (None, asked.home_csp_id)
        and version.valid(asked.started_at)
        and version.received_at + asked.notice <= asked.started_at
    ]
    for individual in (True, False):
        newest = _newest([version for version in known if version.individual is individual])
        if newest is not None:
            return newest
    return None


def _newest(versions: Sequence[Version]) -> Version | None:
    """The newest that no withdrawal of the same scope ended."""
    if not versions:
        return None
    ended = max((v.received_at for v in versions if v.withdrawn), default=None)
    return max(
        (v for v in versions if not v.withdrawn and (ended is None or v.received_at > ended)),
        key=lambda v: (v.valid_from, v.received_at, v.version_id),
        default=None,
    )
