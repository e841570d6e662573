"""What the texts and times of an SDR read as: keys, aware times, and findings."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

from roaming.domain.identifiers import ContractId, EvseId, IdentifierError
from roaming.domain.moments import plausible_moment
from roaming.domain.sdr.door import DoorFinding
from roaming.domain.sdr.message import SdrMessage
from roaming.domain.sdr.states import Severity
from roaming.domain.time_zones import find_zone


def says_its_zone(message: SdrMessage) -> bool:
    return find_zone(message.time_zone or "") is not None


def key_of(evse_id: str) -> str:
    """The key of an EVSE-ID, DIN forms too; of what is none, its letters and digits."""
    try:
        return EvseId.parse(evse_id).key
    except IdentifierError:
        return _plain_key(evse_id)


def _plain_key(evse_id: str) -> str:
    return evse_id.upper().replace("*", "").replace("-", "")


def evse_key_of(text: str, findings: list[DoorFinding]) -> str:
    if not text:
        return ""
    try:
        return EvseId.parse(text).key
    except IdentifierError as error:
        findings.append(
            DoorFinding("QTY-05", Severity.SEVERE, f"The EVSE-ID cannot be read: {error.detail}",
                        text, "an EVSE-ID of ISO 15118 or DIN SPEC 91286")
        )  # fmt: skip
        return _plain_key(text)[:48]


def provider_prefix(contract_id: str) -> str:
    """Where a provider's key would stand in a contract id, whatever it is; quick.

    >>> provider_prefix("nl-tnm-000122045-u")
    'NLTNM'
    """
    return contract_id.upper().replace("-", "").replace("*", "")[:5]


def provider_key_of(contract_id: str) -> str:
    """The key of the provider that a contract id begins with; nothing where it names none.

    >>> provider_key_of("nl-tnm-000122045-u"), provider_key_of("customer/4711")
    ('NLTNM', '')
    """
    try:
        provider = ContractId.parse(contract_id).provider
    except IdentifierError:
        return ""
    return provider.key if provider else ""


def session_id_of(text: str | None) -> uuid.UUID | None:
    """The service session id, None where the text is none."""
    try:
        return uuid.UUID(text) if text else None
    except ValueError:
        return None


def aware(moment: datetime | None, zone_name: str) -> datetime | None:
    """The moment in its own offset; a naive one is read in the SDR's zone (finding TIM-03)."""
    if moment is None or not plausible_moment(moment):
        return None
    if moment.tzinfo is not None:
        return moment
    return moment.replace(tzinfo=find_zone(zone_name) or UTC)
