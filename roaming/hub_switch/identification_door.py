"""The door for identifications of one home-CSP: what an entry says, and whether it may (UC4-2).

Reads what a whole call needs at once, so that a hundred thousand entries cost as much as one.
"""

from __future__ import annotations

from roaming.domain.identification import KINDS, IdentificationEntry
from roaming.domain.identifiers import ContractId, ContractStandard, IdentifierError, TokenUid
from roaming.domain.moments import CLOCK_TOLERANCE, check_moment
from roaming.domain.refusals import Refusal
from roaming.domain.whitelist import Whitelist
from roaming.hub_switch.envelope import Envelope
from roaming.models import OperatorIdentifier, Role
from roaming.models.fingerprints import (
    contract_fingerprint,
    emaid_token_fingerprint,
    token_fingerprint,
)
from roaming.models.identification_intake import OfferedRow

_POLICIES = frozenset(policy.value for policy in Whitelist)


class IdentificationDoor:
    """What is known of the home-CSP; `admit` judges one entry."""

    def __init__(self, envelope: Envelope, home_csp: OperatorIdentifier) -> None:
        self._latest = envelope.now + CLOCK_TOLERANCE
        self._policy = home_csp.operator
        # A company may have issued its contracts under several provider ids.
        self._providers = set(
            OperatorIdentifier.objects.filter(
                operator=home_csp.operator_id, role=Role.CSP
            ).values_list("key", flat=True)
        )

    def admit(self, number: int, entry: IdentificationEntry, raw: bytes) -> OfferedRow:
        """The row that the entry becomes. Refuses invalid_field, invalid_identifier,
        time_without_offset and contract_of_other_csp; never repeats an id."""
        if entry.kind not in KINDS:
            raise Refusal("invalid_field", f"One of {', '.join(KINDS)}.", "kind")
        if entry.whitelist not in _POLICIES:
            raise Refusal("invalid_field", f"One of {', '.join(Whitelist)}.", "whitelist")
        self._check_times(entry)
        contract = self._contract(entry.contract_id, "contract_id") if entry.contract_id else None
        token_hmac, emaid = self._token(entry)
        contract = contract or emaid
        return OfferedRow(
            n=number,
            token_hmac=token_hmac,
            contract_hmac=contract_fingerprint(contract) if contract else None,
            kind=entry.kind,
            valid=entry.valid,
            whitelist=entry.whitelist,
            expires_at=entry.expires_at,
            removed=entry.removed,
            last_updated=entry.last_updated,
            token_uid=entry.token_uid,
            contract_id=entry.contract_id,
            content=raw.decode(),
        )

    def _check_times(self, entry: IdentificationEntry) -> None:
        check_moment(entry.last_updated, "last_updated")
        if entry.last_updated > self._latest:
            # It would make every later entry look older.
            raise Refusal("invalid_field", "It lies in the future.", "last_updated")
        if entry.expires_at is not None:
            check_moment(entry.expires_at, "expires_at")

    def _token(self, entry: IdentificationEntry) -> tuple[bytes, ContractId | None]:
        if entry.kind == "EMAID":
            emaid = self._contract(entry.token_uid, "token_uid")
            return emaid_token_fingerprint(emaid), emaid
        try:
            token = TokenUid.parse(entry.token_uid, rfid=entry.kind == "RFID")
        except IdentifierError as error:
            raise Refusal("invalid_identifier", error.detail, "token_uid") from error
        return token_fingerprint(token.key), None

    def _contract(self, text: str, field: str) -> ContractId:
        opaque = self._policy.allows_opaque_contract_ids
        try:
            contract = ContractId.parse(
                text, strict=self._policy.strict_check_digits, opaque=opaque
            )
        except IdentifierError as error:
            raise Refusal("invalid_identifier", error.detail, field) from error
        if contract.standard is ContractStandard.OPAQUE or contract.provider is None:
            return contract
        if contract.provider.key not in self._providers:
            raise Refusal("contract_of_other_csp", "The contract is none of this home-CSP.", field)
        return contract
