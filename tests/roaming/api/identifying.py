"""Several home-CSPs that answer, and identifications as they were distributed (UC3-1 and kin)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from roaming import models
from roaming.models.fingerprints import token_fingerprint
from tests import factories
from tests.cast import Cast, Party, make_cast, make_party
from tests.fake_party import FakeParty, fake_party
from tests.roaming.api.messages import LOCAL_START, changed

LOCAL = "/api/v1/service-sessions/local-start"
PNC = "/api/v1/service-sessions/plug-and-charge-start"
ONLINE = "/api/v1/identifications/authorisation"
CARD = "04A2B3C4D5E6F7"
# A card without a contract id: only its distributor, or everybody, can be asked.
CARD_START = changed(LOCAL_START, identification={"method": "RFID", "token_uid": CARD})
CARD_QUESTION = changed(CARD_START, evse_id=..., connector_id=..., cso_session_id=...)
PNC_START = {
    "visited_cso": "DE*VIS",
    "evse_id": "DE*VIS*E001",
    "connector_id": "1",
    "emaid": "DE-HOM-C12345678",
}
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
IDENTIFIERS = ("DE-HOM", "NL-SEC", "FR-THI", "AT-FOU", "CH-FIF")


@dataclass
class Csp:
    """A home-CSP with its platform."""

    party: Party
    platform: FakeParty

    def refuse(self, reason: str = "unknown") -> None:
        self.answer({"decision": "REFUSED", "reason": reason})

    def accept(self, reference: str) -> None:
        self.answer({"decision": "ACCEPTED", "authorization_reference": reference})

    def answer(self, content: Any, status: int = 200) -> None:
        for path in ("/uc3-1/local-start", "/uc3-3/plug-and-charge-start", "/uc4-1/authorisation"):
            self.platform.answers[path] = (status, content)

    @property
    def withdrawals(self) -> list[models.Delivery]:
        return list(
            models.Delivery.objects.filter(receiver=self.party.platform, path="uc4-1/withdrawal")
        )


@dataclass
class Stage:
    """The fixed cast with 1 to 5 home-CSPs that have an agreement with the one visited-CSO."""

    cast: Cast
    csps: list[Csp]

    def __getitem__(self, place: int) -> Csp:
        return self.csps[place]


@contextmanager
def stage(count: int) -> Iterator[Stage]:
    """Every home-CSP refuses until told otherwise."""
    with ExitStack() as stack:
        platforms = [stack.enter_context(fake_party()) for _ in range(count)]
        cast = make_cast(csp_endpoint=platforms[0].url)
        csps = [Csp(cast.home_csp, platforms[0])]
        for identifier, platform in zip(IDENTIFIERS[1:count], platforms[1:], strict=True):
            party = make_party(f"CSP {identifier}", "CSP", identifier, endpoint=platform.url)
            factories.make_agreement(cast.visited_cso.operator, party.operator)
            csps.append(Csp(party, platform))
        for csp in csps:
            csp.refuse()
        yield Stage(cast, csps)


def post(client: Any, party: Party, url: str, body: Any, **headers: str) -> Any:
    return client.post(
        url, data=body, content_type="application/json", headers={**party.headers, **headers}
    )


def distribute(party: Party, token_key: str = CARD, **fields: Any) -> models.Identification:
    """An identification that a home-CSP distributed long ago."""
    values: dict[str, Any] = {
        "environment": "live",
        "home_csp": party.identifier,
        "token_hmac": token_fingerprint(token_key),
        "last_updated": LONG_AGO,
        "received_at": LONG_AGO,
        **fields,
    }
    return models.Identification.objects.create(**values)
