"""The home-CSP's decision on a user, asked live (UC3-1, UC4-1)."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from roaming.domain.identifiers import ContractId
from roaming.domain.sdr import IdentificationPart


class IdentificationQuestion(msgspec.Struct, kw_only=True, frozen=True):
    """UC3-1 and UC4-1 as the visited-CSO sends them. `home_csp` routes where no contract id can."""

    visited_cso: str
    identification: IdentificationPart
    home_csp: str | None = None
    evse_id: str | None = None
    connector_id: str | None = None
    cso_session_id: str | None = None
    requested_at: datetime | None = None


class Decision(msgspec.Struct, kw_only=True, frozen=True):
    """What the home-CSP answers. A refusal is a business answer, not an error."""

    decision: Literal["ACCEPTED", "REFUSED"]
    reason: str = ""
    contract_id: str = ""
    authorization_reference: str = ""
    csp_session_id: str = ""

    @property
    def accepted(self) -> bool:
        return self.decision == "ACCEPTED"


_LONGEST = {"reason": 60, "contract_id": 36, "authorization_reference": 36, "csp_session_id": 64}


def read_decision(body: bytes) -> Decision:
    """The decision in an answer's body. Raises ValueError where it is none.

    >>> read_decision(b'{"decision": "ACCEPTED"}').accepted
    True
    """
    decision = msgspec.json.decode(body, type=Decision)
    for name, longest in _LONGEST.items():
        value: str = getattr(decision, name)
        if len(value) > longest or not value.isprintable():
            raise ValueError(f"{name} has more than {longest} characters or unprintable ones")
    if decision.contract_id:
        ContractId.parse(decision.contract_id, opaque=True)
    return decision
