"""The stage of a scenario: a clearing house at work, and simulated operators around it.

Every process is the real one, everything goes over HTTP. What a side knows is asked of it; what the
clearing house holds is read from its rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from clearinghouse.sandbox.world import let_time_fly
from roaming import models
from tests import databases, factories
from tests.simulated import Simulated, cast_of, invite, wait_until
from tests.stack import Stack, stack


@dataclass
class Stage:
    """`running` is the clearing house; operators enter one by one."""

    running: Stack
    begin: Callable[..., Simulated]
    rows: dict[str, models.Operator] = field(default_factory=dict)
    agreed: list[tuple[str, str]] = field(default_factory=list)

    def invite(self, name: str, *identifiers: str) -> str:
        """An operator that may register; its token."""
        self.rows[name], token = invite(name, *identifiers)
        return token

    def agree(self, visited_cso: str, home_csp: str, **terms: Any) -> models.Agreement:
        """An agreement of two operators for every service."""
        return factories.make_agreement(self.rows[visited_cso], self.rows[home_csp], **terms)

    # --- What the clearing house holds ------------------------------------------------------------

    def session(self, session_id: str) -> models.ServiceSession:
        return models.ServiceSession.objects.select_related("visited_cso", "home_csp").get(
            id=session_id
        )

    def rated(self, session_id: str) -> models.SdrState:
        """How the SDR of a session stands once the worker has reconciled it."""
        found: list[models.SdrState] = []

        def look() -> bool:
            found[:] = models.SdrState.objects.filter(
                sdr__service_session_id=session_id, reconciled_at__isnull=False
            ).select_related("sdr")
            return bool(found)

        wait_until(look, 60, lambda: self.running.log("worker"))
        (standing,) = found
        return standing

    def use_cases_of(self, session_id: str) -> set[str]:
        """Which use cases the journal tells of for a session."""
        entries = models.JournalEntry.objects.filter(service_session_id=session_id)
        return set(entries.values_list("use_case", flat=True))

    def wait_until_delivered(self, timeout_s: float = 60) -> None:
        """Returns when nothing waits for anybody."""
        waiting = models.Delivery.objects.filter(state="waiting")
        wait_until(
            lambda: not waiting.exists(),
            timeout_s,
            lambda: str(list(waiting.values("receiver__name", "path", "last_error")[:10])),
        )


@contextmanager
def stage(folder: Path, **extra: str) -> Iterator[Stage]:
    """A clearing house with nobody around it yet."""
    with (
        databases.cloned_database() as name,
        stack(name, folder, extra=extra) as running,
        cast_of(folder, running.address) as begin,
    ):
        let_time_fly()
        running.start("web", "worker", "beat")
        running.wait_until_ready()
        yield Stage(running, begin)


def heard(operator: Simulated) -> set[str]:
    """The paths at which anything came to an operator, without the handshake."""
    paths = {row["path"] for row in operator.rows("received")}
    return paths - {"uc1-1/handshake", "agreements/notice", "reconciliation/disputes"}


def price(standing: models.SdrState) -> tuple[str, Decimal, Decimal]:
    """Outcome, what was claimed, and what the clearing house makes of it, to the cent."""
    claim, rated = standing.sdr.claim_before_tax, standing.rated_before_tax
    assert claim is not None
    assert rated is not None
    return standing.outcome, claim, round(rated, 2)
