"""Reading an identification and finding its home-CSP (UC3-1, UC3-3, UC4-1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from roaming.domain.decision import IdentificationQuestion
from roaming.domain.identifiers import ContractId, ContractStandard, IdentifierError, TokenUid
from roaming.domain.refusals import Refusal
from roaming.domain.wire_text import check_line
from roaming.hub_switch.envelope import Envelope
from roaming.hub_switch.route import known_party
from roaming.models import Agreement, Identification, OperatorIdentifier, Role
from roaming.models.fingerprints import (
    contract_fingerprint,
    emaid_token_fingerprint,
    token_fingerprint,
)


@dataclass(frozen=True, slots=True)
class Presented:
    """An identification that was presented, checked: in clear, and as keyed fingerprints."""

    method: str
    token_uid: str
    contract_id: str
    token_hmac: bytes
    contract_hmac: bytes | None
    is_rfid: bool
    """A UID of an RFID card: the one kind of token that means the same to every home-CSP."""


METHODS = ("RFID", "APP", "QR_CODE", "PNC", "AD_HOC", "OTHER")


def read_identification(question: IdentificationQuestion) -> Presented:
    """Checks the identification's syntax. Refuses invalid_field and invalid_identifier.

    With plug and charge the eMA-ID is the token, however its separators and check digit are sent.
    """
    for name, longest in (("connector_id", 36), ("cso_session_id", 64)):
        check_line(getattr(question, name), longest, name)
    part = question.identification
    if len(part.authorised) > 8:
        raise Refusal("invalid_field", "At most 8 characters.", "identification.authorised")
    if part.method not in METHODS:
        raise Refusal("invalid_field", f"One of {', '.join(METHODS)}.", "identification.method")
    if not part.token_uid and not part.contract_id:
        raise Refusal("invalid_field", "Send a token_uid or a contract_id.", "identification")
    if part.method == "PNC" and part.token_uid:
        token, emaid = None, _contract(part.token_uid, "identification.token_uid")
    else:
        token = _token(part.token_uid) if part.token_uid else None
        emaid = None
    contract = _contract(part.contract_id) if part.contract_id else emaid
    if token is not None:
        token_hmac = token_fingerprint(token.key)
    else:
        token_hmac = emaid_token_fingerprint(emaid or _contract(part.contract_id))
    return Presented(
        method=part.method,
        token_uid=part.token_uid,
        contract_id=part.contract_id or (part.token_uid if emaid else ""),
        token_hmac=token_hmac,
        contract_hmac=contract_fingerprint(contract) if contract else None,
        is_rfid=part.method == "RFID" and token is not None and token.is_rfid,
    )


def _token(text: str) -> TokenUid:
    try:
        return TokenUid.parse(text)
    except IdentifierError as error:
        raise Refusal("invalid_identifier", error.detail, "identification.token_uid") from error


def _contract(text: str, field: str = "identification.contract_id") -> ContractId:
    try:
        return ContractId.parse(text, opaque=True)
    except IdentifierError as error:
        raise Refusal("invalid_identifier", error.detail, field) from error


def find_home_csp(
    envelope: Envelope,
    question: IdentificationQuestion,
    presented: Presented,
    visited_cso: OperatorIdentifier,
) -> OperatorIdentifier | None:
    """By explicit receiver, contract id (an eMA-ID too), or a token that a home-CSP distributed.

    None: an RFID card that nobody distributed; then all are asked (`broadcasting`). What is no card
    is asked for at nobody: such tokens are unique to their home-CSP only. Refuses home_csp_unknown.
    """
    if question.home_csp:
        home_csp = known_party(question.home_csp, Role.CSP)
    else:
        provider = _contract(presented.contract_id).provider if presented.contract_id else None
        if provider is not None:
            home_csp = known_party(provider.display, Role.CSP)
        else:
            distributor = _distributor(envelope, presented, visited_cso)
            if distributor is None and presented.is_rfid and not presented.contract_id:
                return None
            if distributor is None:
                raise Refusal(
                    "home_csp_unknown", "Nobody distributed this identification.", "home_csp"
                )
            home_csp = distributor
    check_contract(home_csp, presented.contract_id)
    return home_csp


def _distributor(
    envelope: Envelope, presented: Presented, visited_cso: OperatorIdentifier
) -> OperatorIdentifier | None:
    """Only among home-CSPs with an agreement: others' tokens are none of this CSO's business.

    What is distributed no longer says nothing of whose the token is now, unless its home-CSP left
    the decision to the store for good.
    """
    known = list(
        Identification.objects.filter(
            environment=envelope.environment,
            token_hmac=presented.token_hmac,
            home_csp__operator__agreements_as_csp__in=Agreement.objects.filter(
                visited_cso=visited_cso.operator_id,
                environment=envelope.environment,
                validity__contains=envelope.now,
                status__in=[Agreement.Status.ACTIVE, Agreement.Status.SUSPENDED],
            ),
        )
        .select_related("home_csp__operator")
        .order_by("id")
        .distinct()[:20]
    )
    always = Identification.Whitelist.ALWAYS
    candidates = [row for row in known if row.removed_at is None or row.whitelist == always]
    if not candidates:
        return None
    return max(candidates, key=lambda row: _claim_on_token(row, envelope.now)).home_csp


def _claim_on_token(row: Identification, now: datetime) -> tuple[bool, bool, bool, datetime]:
    """Of two home-CSPs with one token, the one that still vouches for it, then the later one."""
    expired = row.expires_at is not None and row.expires_at <= now
    return row.removed_at is None, row.valid, not expired, row.last_updated


def check_contract(home_csp: OperatorIdentifier, contract_id: str) -> None:
    """Whether the contract can be one of this home-CSP, after its own policy. Empty: none sent."""
    if not contract_id:
        return
    contract = _contract(contract_id)
    policy = home_csp.operator
    if contract.provider is not None and contract.provider.key != home_csp.key:
        held = OperatorIdentifier.objects.filter(
            operator=home_csp.operator_id, role=Role.CSP, key=contract.provider.key
        )
        if not held.exists():
            raise Refusal(
                "contract_of_other_csp", f"The contract is none of {home_csp}.", "home_csp"
            )
    if contract.standard is ContractStandard.OPAQUE and not policy.allows_opaque_contract_ids:
        raise Refusal(
            "invalid_identifier", "Not a contract id of ISO 15118 or DIN SPEC 91286.",
            "identification.contract_id",
        )  # fmt: skip
    if contract.check_digit_ok is False and policy.strict_check_digits:
        raise Refusal(
            "invalid_identifier", "The check digit is wrong.", "identification.contract_id"
        )
