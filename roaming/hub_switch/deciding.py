"""Finding the home-CSP of an identification and asking it (UC3-1, UC4-1)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

import msgspec
from django.conf import settings

from roaming.domain.decision import Decision, IdentificationQuestion, read_decision
from roaming.domain.identifiers import ContractId, ContractStandard, IdentifierError, TokenUid
from roaming.domain.refusals import Refusal
from roaming.domain.secrets import fingerprint
from roaming.hub_switch.asking import ask
from roaming.hub_switch.envelope import Envelope
from roaming.hub_switch.route import known_party
from roaming.models import Agreement, Identification, OperatorIdentifier, Role
from roaming.ports import OutgoingMessage


@dataclass(frozen=True, slots=True)
class Presented:
    """An identification that was presented, checked: in clear, and as keyed fingerprints."""

    method: str
    token_uid: str
    contract_id: str
    token_hmac: bytes
    contract_hmac: bytes | None


METHODS = ("RFID", "APP", "QR_CODE", "PNC", "AD_HOC", "OTHER")


def token_fingerprint(token_key: str) -> bytes:
    """The keyed HMAC by which a token is found."""
    return fingerprint(settings.HMAC_KEY, "token", token_key)


def contract_fingerprint(contract: ContractId) -> bytes:
    """The keyed HMAC of a contract id, the same with and without its check digit."""
    return fingerprint(settings.HMAC_KEY, "contract", contract.key_without_check_digit)


def read_identification(question: IdentificationQuestion) -> Presented:
    """Checks the identification's syntax. Refuses invalid_field and invalid_identifier."""
    part = question.identification
    if len(part.authorised) > 8:
        raise Refusal("invalid_field", "At most 8 characters.", "identification.authorised")
    if part.method not in METHODS:
        raise Refusal("invalid_field", f"One of {', '.join(METHODS)}.", "identification.method")
    if not part.token_uid and not part.contract_id:
        raise Refusal("invalid_field", "Send a token_uid or a contract_id.", "identification")
    try:
        token = TokenUid.parse(part.token_uid) if part.token_uid else None
    except IdentifierError as error:
        raise Refusal("invalid_identifier", str(error), "identification.token_uid") from error
    contract = _contract(part.contract_id) if part.contract_id else None
    return Presented(
        method=part.method,
        token_uid=token.as_received if token else "",
        contract_id=part.contract_id,
        token_hmac=token_fingerprint(token.key if token else part.contract_id.upper()),
        contract_hmac=contract_fingerprint(contract) if contract else None,
    )


def _contract(text: str) -> ContractId:
    try:
        return ContractId.parse(text, opaque=True)
    except IdentifierError as error:
        raise Refusal("invalid_identifier", str(error), "identification.contract_id") from error


def find_home_csp(
    envelope: Envelope,
    question: IdentificationQuestion,
    presented: Presented,
    visited_cso: OperatorIdentifier,
) -> OperatorIdentifier:
    """By explicit receiver, contract id, or a token that a home-CSP distributed."""
    if question.home_csp:
        home_csp = known_party(question.home_csp, Role.CSP)
    else:
        provider = _contract(presented.contract_id).provider if presented.contract_id else None
        if provider is not None:
            home_csp = known_party(provider.display, Role.CSP)
        else:
            home_csp = _distributor(envelope, presented, visited_cso)
    _check_contract(home_csp, presented)
    return home_csp


def _distributor(
    envelope: Envelope, presented: Presented, visited_cso: OperatorIdentifier
) -> OperatorIdentifier:
    """Only among home-CSPs with an agreement: others' tokens are none of this CSO's business."""
    known = (
        Identification.objects.filter(
            environment=envelope.environment,
            token_hmac=presented.token_hmac,
            valid=True,
            home_csp__operator__agreements_as_csp__in=Agreement.objects.filter(
                visited_cso=visited_cso.operator_id,
                environment=envelope.environment,
                validity__contains=envelope.now,
                status__in=[Agreement.Status.ACTIVE, Agreement.Status.SUSPENDED],
            ),
        )
        .select_related("home_csp__operator")
        .order_by("-last_updated")
        .first()
    )
    if known is None:
        raise Refusal("home_csp_unknown", "Nobody distributed this identification.", "home_csp")
    return known.home_csp


def _check_contract(home_csp: OperatorIdentifier, presented: Presented) -> None:
    if not presented.contract_id:
        return
    contract = _contract(presented.contract_id)
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


def ask_home_csp(
    envelope: Envelope, home_csp: OperatorIdentifier, path: str, question: object
) -> Decision:
    """The home-CSP's own decision. Refuses where it cannot be asked or answers rubbish."""
    message = OutgoingMessage(
        use_case=envelope.use_case.code,
        path=path,
        body=msgspec.json.encode(question),
        message_id=str(uuid.uuid4()),
        correlation_id=envelope.correlation_id,
        receiver=home_csp.identifier,
    )
    answer = ask(home_csp, envelope.environment, message)
    try:
        return read_decision(answer.body)
    except (ValueError, RecursionError) as error:
        raise Refusal("receiver_answered_rubbish", f"{home_csp}: {error}"[:300]) from error
