"""What is said of one message that a platform takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from roaming.domain.receiving import RECEIVED_PATHS
from roaming.domain.use_case import Supporting

Schema = dict[str, Any]

STORED = (
    "Any 2xx takes it; the body of the answer is not read. Anything else, or no answer in time, "
    "and it comes again, later each time, until its deadline. Messages about one object come in "
    "order."
)
LIVE = (
    "Somebody waits for your answer: it is read for two to three seconds in all, and the question "
    "does not come again."
)
COMES_AGAIN = "Not taken: it comes again later, under the same X-Message-ID."
DECIDED = "Your decision. A no is an answer with status 200, too."
STOOD_IN = (
    "No decision: data that you distributed (UC4-2) may decide in your place; else the asker is "
    "told `receiver_refused`."
)
NOT_ANSWERED = "The asker is told `receiver_refused`; nothing comes again."


@dataclass(frozen=True, slots=True)
class Webhook:
    """A path below a roaming endpoint. `message` is a Struct, or a schema where a Struct is none.

    `also`: the Structs that such a schema refers to. `examples` and `answer_examples` map a summary
    to a body. `answer` None: it is not read.
    """

    path: str
    tag: str
    summary: str
    message: type | Schema
    examples: dict[str, Any]
    answer: type | Schema | None = None
    answer_examples: dict[str, Any] = field(default_factory=dict)
    also: tuple[type, ...] = ()
    when: str = STORED
    taken: str = "Taken."
    refused: str = COMES_AGAIN

    @property
    def receiver(self) -> str:
        """For platforms of which role."""
        role = next(known.receiver for known in RECEIVED_PATHS if known.path == self.path)
        return {"CSO": "visited-CSO", "CSP": "home-CSP"}.get(role, "home-CSP or a visited-CSO")

    @property
    def use_case(self) -> str:
        """Its code, as the header X-Use-Case has it."""
        known = next(known for known in RECEIVED_PATHS if known.path == self.path)
        beside = (
            Supporting.SDR_RECONCILIATION
            if self.path.startswith("reconciliation/")
            else Supporting.AGREEMENT_SHARING
        )
        return (known.use_case or beside).code


def one_of(*structs: type) -> Schema:
    """A message that is one of these."""
    return {"anyOf": [{"$ref": f"#/components/schemas/{kind.__name__}"} for kind in structs]}
