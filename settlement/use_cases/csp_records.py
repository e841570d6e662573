"""The home-CSP's own records of sessions, sent over the API (6.4.2).

Accepts: one record, or thousands in a call, of a home-CSP that the platform holds.
Refuses, record by record: invalid_field, time_without_offset, invalid_identifier, party_not_held,
unknown_party, no_agreement, duplicate_with_other_content. The same content again: the same answer.
Leaves behind: the record with its original; the undecided SDRs that it may be of are due to be
judged anew, and a worker is woken for them.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.db import transaction

from roaming.domain.identifiers import EvseId, IdentifierError, OperatorId, ProviderId
from roaming.domain.refusals import Refusal
from roaming.domain.sdr import IdentificationPart
from roaming.domain.sdr.reading import session_id_of
from roaming.domain.secrets import fingerprint
from roaming.domain.uuid7 import period_of, uuid7_at
from roaming.models import OperatorIdentifier, OperatorPair, Platform, Role
from roaming.models.fingerprints import contract_hmac_of, token_hmac_of
from roaming.waking import wake_after_commit
from settlement.domain.csp_record import CspRecordMessage, check_record
from settlement.models import CspRecordOriginal
from settlement.models.csp_record_intake import (
    KnownRecord,
    RecordCall,
    RecordRow,
    take_in_records,
)


@dataclass(frozen=True, slots=True)
class OfferedRecord:
    """One record of a call: its bytes, and the message or why it could not be read."""

    raw: bytes
    message: CspRecordMessage | Refusal


@dataclass(slots=True)
class RecordReceipt:
    """The answer to one record. `known`: the same content was taken in before."""

    reference: str = ""
    record_id: uuid.UUID | None = None
    known: bool = False
    refusal: Refusal | None = None


@transaction.atomic
def receive_csp_records(
    sender: Platform, offered: Sequence[OfferedRecord], now: datetime
) -> list[RecordReceipt]:
    """Takes in the records in one transaction; returns a receipt for each, in their order."""
    receipts = [RecordReceipt() for _ in offered]
    parties = _Parties(sender, [r.message for r in offered if not isinstance(r.message, Refusal)])
    rows = []
    for number, (record, receipt) in enumerate(zip(offered, receipts, strict=True)):
        try:
            if isinstance(record.message, Refusal):
                raise record.message
            receipt.reference = record.message.id
            check_record(record.message, now)
            row = _row(number, record.message, record.raw, parties)
        except Refusal as refusal:
            receipt.refusal = refusal
            continue
        receipt.record_id = row.id
        rows.append(row)
    known = take_in_records(rows, RecordCall(sender.environment, sender.pk, now))
    _answer_known(known, receipts, offered)
    if len(known) < len(rows):
        wake_after_commit()
    return receipts


class _Parties:
    """The parties that the records of one call name, read at once."""

    def __init__(self, sender: Platform, messages: Sequence[CspRecordMessage]) -> None:
        held = OperatorIdentifier.objects.filter(
            role=Role.CSP, held_by__platform=sender, held_by__environment=sender.environment
        )
        self._held = {row.key: row for row in held}
        keys = {key for m in messages if (key := _key(OperatorId, m.visited_cso))}
        named = OperatorIdentifier.objects.filter(role=Role.CSO, key__in=keys)
        self._visited_csos = {row.key: row for row in named}
        pairs = OperatorPair.objects.filter(
            home_csp__in={row.operator_id for row in self._held.values()},
            visited_cso__in={row.operator_id for row in self._visited_csos.values()},
        )
        self._pairs = {(row.visited_cso_id, row.home_csp_id): row.pk for row in pairs}

    def of(self, message: CspRecordMessage) -> tuple[OperatorIdentifier, OperatorIdentifier, int]:
        """Home-CSP, visited-CSO and their pair."""
        try:
            csp_key = ProviderId.parse(message.home_csp).key
        except IdentifierError as error:
            raise Refusal("invalid_identifier", error.detail, "home_csp") from error
        try:
            cso_key = OperatorId.parse(message.visited_cso).key
        except IdentifierError as error:
            raise Refusal("invalid_identifier", error.detail, "visited_cso") from error
        home_csp, visited_cso = self._held.get(csp_key), self._visited_csos.get(cso_key)
        if home_csp is None:
            detail = f"This platform does not speak for {message.home_csp} as CSP."
            raise Refusal("party_not_held", detail, "home_csp")
        if visited_cso is None:
            raise Refusal("unknown_party", f"No CSO {message.visited_cso} is known.", "visited_cso")
        pair = self._pairs.get((visited_cso.operator_id, home_csp.operator_id))
        if pair is None:
            raise Refusal("no_agreement", "The two parties never had an agreement.", "visited_cso")
        return home_csp, visited_cso, pair


def _key(kind: type[OperatorId], text: str) -> str:
    try:
        return kind.parse(text).key
    except IdentifierError:
        return ""  # refused with its record


def _row(number: int, message: CspRecordMessage, raw: bytes, parties: _Parties) -> RecordRow:
    home_csp, visited_cso, pair_id = parties.of(message)
    session_id = session_id_of(message.service_session_id)
    if message.service_session_id and session_id is None:
        raise Refusal("invalid_field", "A service session id is a UUID.", "service_session_id")
    key = uuid7_at(message.start_date_time)
    said = message.identification
    identification = IdentificationPart(
        method=said.method, token_uid=said.token_uid, contract_id=said.contract_id
    )
    text = raw.decode()
    return RecordRow(
        n=number,
        id=key,
        period=period_of(key),
        pair_id=pair_id,
        home_csp_id=home_csp.pk,
        visited_cso_id=visited_cso.pk,
        reference=message.id,
        content_hmac=fingerprint(settings.HMAC_KEY, text),
        service_session_id=session_id,
        csp_session_id=message.csp_session_id or "",
        cso_session_id=message.cso_session_id or "",
        authorization_reference=message.authorization_reference or "",
        token_hmac=token_hmac_of(identification),
        contract_hmac=contract_hmac_of(said.contract_id),
        evse_id=message.evse_id,
        evse_key=_evse_key(message.evse_id),
        started_at=message.start_date_time,
        ended_at=message.end_date_time,
        energy_kwh=message.total_energy,
        currency=message.currency,
        before_tax=message.total_cost.before_tax if message.total_cost else None,
        token_uid=said.token_uid,
        contract_id=said.contract_id,
        content=text,
    )


def _evse_key(evse_id: str) -> str:
    try:
        return EvseId.parse(evse_id).key if evse_id else ""
    except IdentifierError as error:
        raise Refusal("invalid_identifier", error.detail, "evse_id") from error


def _answer_known(
    known: dict[int, KnownRecord], receipts: list[RecordReceipt], offered: Sequence[OfferedRecord]
) -> None:
    """The same content again: the same answer. Other content under the same id: a refusal."""
    others = [entry.record_id for entry in known.values() if not entry.same_content]
    originals = dict(
        CspRecordOriginal.objects.filter(record__in=others).values_list("record_id", "content")
    )
    for number, entry in known.items():
        receipt = receipts[number]
        original = originals.get(entry.record_id)
        if entry.same_content or _says_the_same(original, offered[number].raw):
            receipt.record_id, receipt.known = entry.record_id, True
        else:
            receipt.record_id = None
            receipt.refusal = Refusal(
                "duplicate_with_other_content",
                f"The record id {receipt.reference} is known with other content.",
                "id",
            )


def _says_the_same(original: str | None, raw: bytes) -> bool:
    """Whether two texts say the same, whatever their white space and order of fields."""
    if original is None:
        return False
    return _comparable(original) == _comparable(raw)


def _comparable(text: str | bytes) -> object:
    return json.loads(text, parse_float=Decimal, parse_int=Decimal, parse_constant=str)
