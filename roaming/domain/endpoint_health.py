"""How a platform's roaming endpoint has been lately, told from what became of its messages (6.4.1).

Connected, degraded or offline; suspended is no matter of the endpoint but of the platform.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

OFFLINE_AFTER = 5
DEGRADED_FOR = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Contact:
    """What is known of an endpoint: failures since the last success, and when both were."""

    failures: int = 0
    last_success_at: datetime | None = None
    last_failure_at: datetime | None = None
    last_error: str = ""

    def succeeded(self, at: datetime) -> Contact:
        """After one more success."""
        return Contact(0, _later(self.last_success_at, at), self.last_failure_at, self.last_error)

    def failed(self, at: datetime, error: str) -> Contact:
        """After one more failure."""
        return Contact(
            self.failures + 1, self.last_success_at, _later(self.last_failure_at, at), error[:300]
        )

    def then(self, lot: Contact) -> Contact:
        """This, and what another process or a later while saw.

        >>> Contact(failures=2).then(Contact(failures=3)).failures
        5
        """
        broken = lot.last_success_at is not None
        newest_is_here = (
            self.last_success_at is not None
            and lot.last_failure_at is not None
            and self.last_success_at > lot.last_failure_at
        )
        return Contact(
            failures=0 if newest_is_here else lot.failures + (0 if broken else self.failures),
            last_success_at=_later(self.last_success_at, lot.last_success_at),
            last_failure_at=_later(self.last_failure_at, lot.last_failure_at),
            last_error=lot.last_error or self.last_error,
        )


def health_of(contact: Contact, now: datetime) -> str:
    """`connected`, `degraded` or `offline`.

    Degraded: it failed within the last minute, or failed last. Offline: five times in a row.

    >>> health_of(Contact(failures=5), datetime(2026, 10, 5))
    'offline'
    """
    if contact.failures >= OFFLINE_AFTER:
        return "offline"
    last = contact.last_failure_at
    if contact.failures or (last is not None and now - last < DEGRADED_FOR):
        return "degraded"
    return "connected"


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((moment for moment in (one, other) if moment is not None), default=None)
