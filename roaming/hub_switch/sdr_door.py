"""The door for SDRs: who sent them, for whom, under which agreement, and what is plainly wrong.

Judges by what was found out beforehand of the parties (`sdr_knowledge`), and reads nothing itself.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import msgspec
from django.conf import settings

from roaming.domain.identifiers import IdentifierError, OperatorId, ProviderId
from roaming.domain.refusals import Refusal
from roaming.domain.sdr import (
    LONGEST_ID,
    LONGEST_PARTY,
    DoorFinding,
    RatedPart,
    SdrLifeState,
    SdrMessage,
    Severity,
    absurd_number,
    door_findings,
    without_overlong_texts,
)
from roaming.domain.sdr.reading import (
    aware,
    evse_key_of,
    key_of,
    provider_key_of,
    provider_prefix,
    says_its_zone,
)
from roaming.domain.secrets import fingerprint
from roaming.domain.uuid7 import key_of_session, period_of
from roaming.hub_switch.envelope import Envelope
from roaming.hub_switch.sdr_knowledge import Knowledge
from roaming.models import OperatorIdentifier
from roaming.models.fingerprints import contract_hmac_of, token_hmac_of
from roaming.models.sdr_intake import IntakeRow

_REFUSED_WHEN_LONGER = {
    "id": LONGEST_ID,
    "visited_cso": LONGEST_PARTY,
    "home_csp": LONGEST_PARTY,
}


class Place(NamedTuple):
    """Where a record stands in its call, and its arrival number (None: the next)."""

    number: int
    arrival: int | None = None


@dataclass(frozen=True, slots=True)
class _Parties:
    visited_cso: OperatorIdentifier
    home_csp: OperatorIdentifier | None
    pair_id: int | None
    agreement_id: int | None


@dataclass(frozen=True, slots=True)
class _Times:
    """The SDR's zone (empty where unknown) and its aware start and end."""

    zone_name: str
    started_at: datetime | None
    ended_at: datetime | None


class Door:
    """What is known of the parties of one call; `admit` judges one record."""

    def __init__(self, envelope: Envelope, known: Knowledge) -> None:
        self._envelope = envelope
        self._hmac_key: str = settings.HMAC_KEY
        self._known = known

    @property
    def only_cso(self) -> OperatorIdentifier | None:
        """The party of the journal row of a refused record, where there can be no doubt."""
        return next(iter(self._known.held.values())) if len(self._known.held) == 1 else None

    def admit(
        self, place: Place, message: SdrMessage, raw: bytes
    ) -> tuple[IntakeRow, list[DoorFinding]]:
        """The row that the record becomes, and its findings. Refuses what cannot be taken in."""
        self._refuse_unreadable(message)
        message, findings = without_overlong_texts(message)
        zone_name = self._zone_name(message, findings)
        started_at = aware(message.start_date_time, zone_name)
        ended_at = aware(message.end_date_time, zone_name)
        parties = self._parties(message, started_at, findings)
        findings += door_findings(message, started_at, ended_at, self._envelope.now)
        times = _Times(zone_name, started_at, ended_at)
        return self._row(place, message, raw, (parties, times, findings)), findings

    def registry_key(self, message: SdrMessage) -> tuple[int, str]:
        """What the registry orders by: the visited-CSO (-1: not one of the sender's), the id."""
        try:
            visited_cso = self._known.held.get(OperatorId.parse(message.visited_cso).key)
        except IdentifierError:
            visited_cso = None
        return (visited_cso.pk if visited_cso else -1), message.id

    def _row(
        self,
        place: Place,
        message: SdrMessage,
        raw: bytes,
        judged: tuple[_Parties, _Times, list[DoorFinding]],
    ) -> IntakeRow:
        parties, times, findings = judged
        session_id = self._session_id(message, findings)
        evse_key = evse_key_of(message.evse_id, findings)
        fatal = any(finding.severity is Severity.FATAL for finding in findings)
        key = key_of_session(times.started_at, self._envelope.now)
        identification = message.identification
        text = raw.decode()
        cost = message.total_cost
        return IntakeRow(
            n=place.number,
            arrival=place.arrival,
            id=key,
            period=period_of(key),
            pair_id=parties.pair_id,
            visited_cso_id=parties.visited_cso.pk,
            home_csp_id=parties.home_csp.pk if parties.home_csp else None,
            agreement_id=parties.agreement_id,
            reference=message.id,
            content_hmac=fingerprint(self._hmac_key, text),
            service_session_id=session_id,
            cso_session_id=message.cso_session_id or "",
            csp_session_id=message.csp_session_id or "",
            authorization_reference=message.authorization_reference or "",
            identification_method=identification.method,
            authorised=identification.authorised,
            token_hmac=token_hmac_of(identification),
            contract_hmac=contract_hmac_of(identification.contract_id),
            evse_id=message.evse_id,
            evse_key=evse_key,
            connector_id=message.connector_id or "",
            country=message.country or "",
            time_zone=times.zone_name,
            started_at=times.started_at,
            ended_at=times.ended_at,
            energy_kwh=message.total_energy,
            total_time_h=message.total_time,
            currency=message.currency,
            claim_before_tax=cost.before_tax if cost else None,
            claim_after_tax=cost.after_tax if cost else None,
            tariff_id=message.tariff_id or "",
            credit=message.credit,
            credit_reference=message.credit_reference_id or "",
            rated_part=msgspec.json.encode(RatedPart.of(message)).decode(),
            state=(SdrLifeState.REJECTED if fatal else SdrLifeState.VALIDATED).value,
            token_uid=identification.token_uid,
            contract_id=identification.contract_id,
            content=text,
        )

    def _session_id(self, message: SdrMessage, findings: list[DoorFinding]) -> uuid.UUID | None:
        text = message.service_session_id
        session_id = self._known.session_ids[text] if text else None
        if text and session_id is None:
            findings.append(
                DoorFinding("AUT-02", Severity.SEVERE,
                            "The service session id is none that the clearing house minted.",
                            text[:64], "the id returned at the start")
            )  # fmt: skip
        return session_id

    def _zone_name(self, message: SdrMessage, findings: list[DoorFinding]) -> str:
        """The SDR's zone; where it names none, that of the site, empty where that is unknown."""
        if says_its_zone(message):
            return message.time_zone or ""
        if message.time_zone:
            findings.append(
                DoorFinding("DAT-04", Severity.WARNING,
                            "The time zone is none of the tz database; the site's is taken.",
                            message.time_zone, "a name such as Europe/Berlin")
            )  # fmt: skip
        return self._known.site_zones.get(key_of(message.evse_id), "")

    def _refuse_unreadable(self, message: SdrMessage) -> None:
        if not message.id:
            raise Refusal("invalid_field", "An SDR needs an id of its own.", "id")
        for name, longest in _REFUSED_WHEN_LONGER.items():
            if len(getattr(message, name)) > longest:
                raise Refusal("invalid_field", f"At most {longest} characters.", name)
        absurd = absurd_number(message)
        if absurd:
            raise Refusal("invalid_field", "Not a number of a possible size.", absurd)

    def _parties(
        self, message: SdrMessage, started_at: datetime | None, findings: list[DoorFinding]
    ) -> _Parties:
        try:
            cso_key = OperatorId.parse(message.visited_cso).key
        except IdentifierError as error:
            raise Refusal("invalid_identifier", error.detail, "visited_cso") from error
        try:
            csp_key = ProviderId.parse(message.home_csp).key
        except IdentifierError as error:
            raise Refusal("invalid_identifier", error.detail, "home_csp") from error
        visited_cso = self._known.held.get(cso_key)
        if visited_cso is None:
            raise Refusal(
                "party_not_held",
                f"This platform does not speak for {message.visited_cso} as CSO.",
                "visited_cso",
            )
        home_csp = self._known.home_csps.get(csp_key)
        if home_csp is None:
            findings.append(
                DoorFinding("AGR-03", Severity.FATAL, "The home-CSP is not known here.",
                            message.home_csp, "a home-CSP that takes part")
            )  # fmt: skip
            return _Parties(visited_cso, None, None, None)
        self._check_contract(message.identification.contract_id, home_csp, findings)
        pair = self._known.pairs.get((visited_cso.operator_id, home_csp.operator_id))
        session_id = self._known.session_ids.get(message.service_session_id or "")
        agreement = self._known.session_agreements.get(session_id) if session_id else None
        if agreement is None and pair is not None:
            agreement = self._agreement(pair, started_at)
        if agreement is None and started_at is not None:
            findings.append(
                DoorFinding("AGR-01", Severity.FATAL,
                            "No agreement of the two parties covers the start of the session.",
                            started_at.isoformat(), "a start within an agreement")
            )  # fmt: skip
        return _Parties(visited_cso, home_csp, pair, agreement)

    def _check_contract(
        self, contract_id: str, home_csp: OperatorIdentifier, findings: list[DoorFinding]
    ) -> None:
        """AUT-06: the contract is of another provider; milder where nobody here is that one, since
        a home-CSP may sell contracts under more names than it has told."""
        if not contract_id or provider_prefix(contract_id) == home_csp.key:
            return
        provider = provider_key_of(contract_id)
        if not provider:
            return
        holder = self._known.home_csps.get(provider)
        if holder is None or holder.operator_id != home_csp.operator_id:
            findings.append(
                DoorFinding(
                    "AUT-06",
                    Severity.WARNING if holder is None else Severity.SEVERE,
                    "The contract is not one of this home-CSP.",
                    f"a contract of {provider}",
                    f"a contract of {home_csp.identifier}",
                )
            )

    def _agreement(self, pair_id: int, started_at: datetime | None) -> int | None:
        if started_at is None:
            return None
        for agreement_id, validity in self._known.agreements.get(pair_id, ()):
            if started_at in validity:
                return agreement_id
        return None
