"""What the edge knows of an incoming message before anybody looks inside."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from datetime import datetime

from roaming.domain.use_case import Exchange
from roaming.models import Platform
from roaming.models.given_answers import Claim


@dataclass(slots=True)
class Judgement:
    """By which version of rights and routes a message is judged, and whether that was found to
    stand: then it is admitted (`rights`)."""

    version: uuid.UUID
    stands: bool = False


@dataclass(frozen=True, slots=True)
class Envelope:
    """The authenticated sender, the ids that follow the message through everything, and when.

    `now` is business time. `transaction_id` joins the journal rows of this exchange. `claim`: the
    right to answer this message under its key, where it has one. `judgement`: by what the process
    kept in memory; None where the rights were read for this message.
    """

    use_case: Exchange
    sender: Platform
    message_id: str
    correlation_id: str
    now: datetime
    body: bytes = b""
    claim: Claim | None = None
    judgement: Judgement | None = None
    transaction_id: uuid.UUID = field(default_factory=uuid.uuid4)
    began_ns: int = field(default_factory=time.perf_counter_ns)

    @property
    def repeated(self) -> bool:
        """An earlier attempt at this very message was lost, or has taken longer than its lease."""
        return self.claim is not None and self.claim.taken_over

    @property
    def environment(self) -> str:
        return self.sender.environment

    def elapsed_us(self) -> int:
        """Real microseconds since the message arrived."""
        return (time.perf_counter_ns() - self.began_ns) // 1000
