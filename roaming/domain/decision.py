"""The home-CSP's decision on a user, asked live (UC3-1, UC3-3, UC4-1)."""

from __future__ import annotations

from typing import Literal

import msgspec

from roaming.domain.identifiers import ContractId
from roaming.domain.sdr import IdentificationPart
from roaming.domain.sdr.message import Moment


class IdentificationQuestion(msgspec.Struct, kw_only=True, frozen=True):
    """UC3-1 and UC4-1 as the visited-CSO sends them. `home_csp` routes where no contract id can."""

    visited_cso: str
    identification: IdentificationPart
    home_csp: str | None = None
    evse_id: str | None = None
    connector_id: str | None = None
    cso_session_id: str | None = None
    requested_at: Moment | None = None


class PlugAndChargeMessage(msgspec.Struct, kw_only=True, frozen=True):
    """UC3-3 as the visited-CSO sends it. What is known of the certificate goes on as it was sent.

    `emaid` is the contract id that the contract certificate names; it is the token.
    """

    visited_cso: str
    evse_id: str
    emaid: str
    home_csp: str | None = None
    connector_id: str | None = None
    cso_session_id: str | None = None
    requested_at: Moment | None = None
    certificate_hash_data: msgspec.Raw = msgspec.field(default_factory=msgspec.Raw)
    certificate_status: str | None = None

    def as_question(self) -> IdentificationQuestion:
        """The same as a question about an identification of the method PNC."""
        return IdentificationQuestion(
            visited_cso=self.visited_cso,
            identification=IdentificationPart(
                method="PNC", token_uid=self.emaid, contract_id=self.emaid
            ),
            home_csp=self.home_csp,
            evse_id=self.evse_id,
            connector_id=self.connector_id,
            cso_session_id=self.cso_session_id,
            requested_at=self.requested_at,
        )


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
    try:
        decision = msgspec.json.decode(body, type=Decision)
    except msgspec.ValidationError as error:
        # Its own words may quote the answer, and the answer may quote the token.
        _, _, place = str(error).rpartition(" - at ")
        raise ValueError(f"no decision{place and ', see ' + place}") from None
    for name, longest in _LONGEST.items():
        value: str = getattr(decision, name)
        if len(value) > longest or not value.isprintable():
            raise ValueError(f"{name} has more than {longest} characters or unprintable ones")
    if decision.contract_id:
        ContractId.parse(decision.contract_id, opaque=True)
    return decision
