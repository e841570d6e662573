"""The catalogue of every reason the hub says no, grouped by whose fault it is (RFC 9457 codes).

A refusal is an answer, not an accident: it has a stable code, says what was wrong, where, what was
expected, and what to do about it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Fault(Enum):
    """Whose fault a refusal is; the groups of the documentation."""

    SENDER = "the sender's message"
    RIGHTS = "what the sender may do"
    AGREEMENT = "the agreement of the two parties"
    RECEIVER = "the receiver's platform"
    HUB = "the clearing house"


@dataclass(frozen=True, slots=True)
class Reason:
    """One line of the catalogue. `status` is the HTTP status of the native API."""

    code: str
    status: int
    fault: Fault
    title: str
    what_to_do: str


def _reasons(fault: Fault, *rows: tuple[str, int, str, str]) -> list[Reason]:
    return [Reason(code, status, fault, title, todo) for code, status, title, todo in rows]


_ALL = [
    *_reasons(
        Fault.SENDER,
        ("malformed_body", 400, "The body is not well-formed JSON",
         "Send one JSON document in UTF-8."),
        ("malformed_request", 400, "The request itself cannot be used",
         "Call the clearing house by its own host name, as the API documentation shows."),
        ("invalid_field", 422, "A field is missing or has a value that cannot be used",
         "Correct the named field."),
        ("invalid_identifier", 422, "An identifier does not follow its syntax",
         "See ISO 15118 / DIN SPEC 91286 for the form of the named identifier."),
        ("time_without_offset", 422, "A time does not say its offset from UTC",
         "Send RFC 3339 times with an offset, for example 2026-10-05T12:00:00+02:00."),
        ("body_too_large", 413, "The body is larger than this endpoint takes",
         "Send less at once; the limit stands in the detail."),
        ("length_required", 411, "The length of the body is not announced",
         "Send a Content-Length; chunked uploads are not read here."),
        ("too_many_records", 413, "More records than one bulk call takes",
         "Split the call; the limit stands in the detail."),
        ("unsupported_media_type", 415, "This content type is not read here",
         "Send application/json (or application/x-ndjson for a bulk call)."),
        ("not_acceptable", 406, "None of the accepted content types can be produced",
         "Accept application/json."),
        ("method_not_allowed", 405, "This address does not know that method",
         "See the API documentation for the methods of the address."),
        ("not_found", 404, "There is nothing at this address",
         "Check the address and the id; what does not concern you is not found either."),
        ("duplicate_with_other_content", 409, "This id is known with other content",
         "Use an id of its own. An SDR is never edited: credit it, send a new one. A reservation "
         "is changed with `change`."),
        ("session_state", 409, "The session is not in a state that allows this",
         "Read the session's state and go on from there."),
        ("unknown_evse", 422, "No EVSE with this id is known for this CSO",
         "Publish the site first (UC1-2), or correct the EVSE-ID."),
        ("unknown_party", 422, "No operator with this identifier is known",
         "Correct the identifier; new partners are brought on by the clearing house."),
        ("unknown_reservation", 404, "No reservation with this id concerns you",
         "Use the reservation_id that the clearing house returned."),
        ("unknown_command", 404, "No command with this id concerns you",
         "Use the command_id that came with the command."),
        ("reservation_state", 409, "The reservation is not in a state that allows this",
         "Read the reservation's state and go on from there."),
        ("agreement_state", 409, "The agreement is not in a state that allows this",
         "Read the agreement's status; only what is proposed can be accepted."),
        ("command_state", 409, "The command has ended with another result",
         "Nothing: the first result counts."),
        ("not_decidable", 409, "The SDR is not in a state in which it is decided on",
         "Read its state: what is settled, credited or rejected is not decided on."),
        ("window_over", 409, "The window for this decision or step has passed",
         "Ask the clearing house: staff may still decide until the SDR is settled."),
        ("other_currency", 409, "The SDR is not in the agreement's currency",
         "Ask the CSO to credit it and to send it in the agreed currency."),
        ("amount_not_possible", 422, "The amount is above the claim, or cannot be paid",
         "Name an amount from 0 up to the claim, in whole units of the currency."),
        ("dispute_closed", 409, "The dispute has ended",
         "Read its result and what the SDR was settled at."),
        ("not_your_turn", 409, "This step of the dispute is not yours to take now",
         "Read the dispute's state: it says whose turn it is, and until when."),
        ("too_much_evidence", 409, "The dispute has as many files as it may have",
         "Send a message, or ask the clearing house."),
        ("idempotency_conflict", 409, "This key or message id came with other content",
         "Use a new key for a new message; repeat a message with the very same body."),
        ("request_in_progress", 409, "The same message is being worked on at this moment",
         "Wait for its answer, or send the same again in a few seconds."),
        ("precondition_failed", 412, "What is stored is not the version that you mean to change",
         "Read it again, decide anew, and send its new entity tag in If-Match."),
        ("version_not_supported", 422, "None of the offered versions is spoken here",
         "GET /api/v1/versions says which are."),
        ("unknown_session", 404, "No service session with this id concerns you",
         "Use the service_session_id that the clearing house returned."),
        ("contract_of_other_csp", 422, "The contract is of another home-CSP than the one named",
         "Name the home_csp of the contract, or leave it out."),
        ("home_csp_unknown", 422, "The home-CSP cannot be told from this identification",
         "Send the contract id, or name the home_csp."),
    ),
    *_reasons(
        Fault.RIGHTS,
        ("not_authenticated", 401, "No valid credentials were presented",
         "Send the token as 'Authorization: Bearer …'; register again when it is lost."),
        ("registration_token_invalid", 401, "The registration token is unknown, used or expired",
         "Ask the clearing house for a new registration token."),
        ("platform_suspended", 403, "The platform is suspended or has ended",
         "Ask the clearing house."),
        ("party_not_held", 403, "The platform does not hold the party that it names",
         "Speak only for the identifiers that your registration answered with."),
        ("party_suspended", 403, "The operator is suspended or has ended",
         "Running sessions go on; ask the clearing house about new business."),
        ("certificate_required", 403, "The platform is bound to a client certificate",
         "Present the certificate that is registered for the platform."),
        ("rotated_already", 409, "This token is on its way out",
         "Rotate with the newest token, or register again."),
        ("rate_limited", 429, "Too many requests", "Wait as long as Retry-After says."),
    ),
    *_reasons(
        Fault.AGREEMENT,
        ("no_agreement", 403, "The two parties have no agreement that covers this moment",
         "Ask your counterparty and the clearing house for an agreement."),
        ("agreement_suspended", 403, "The agreement is suspended for new business",
         "Running sessions go on; new ones wait until the suspension ends."),
        ("agreement_ended", 403, "The agreement has ended",
         "Running sessions go on; new ones need a new agreement."),
        ("sdr_window_closed", 403, "The agreement ended too long ago for news of its sessions",
         "What the session came to is settled with its SDR. Stopping and unlocking go on; ask the "
         "clearing house about a session that still runs."),
        ("service_not_covered", 403, "The agreement does not cover this service",
         "Agree on the service, or use one that is covered."),
    ),
    *_reasons(
        Fault.RECEIVER,
        ("receiver_not_connected", 503, "The receiver's platform is not connected",
         "Try again later."),
        ("receiver_timed_out", 504, "The receiver's platform did not answer in time",
         "Try again, or fall back to what your agreement allows offline."),
        ("receiver_offline", 503, "The receiver's platform has not answered for a while",
         "It is asked again as soon as it answers a probe; fall back to what is allowed offline."),
        ("receiver_overloaded", 503, "Too many questions wait for this receiver already",
         "Try again in a few seconds."),
        ("handshake_failed", 502, "The roaming endpoint did not take what it was offered",
         "Nothing was changed. Answer uc1-1/handshake as documented, then try again."),
        ("receiver_refused", 502, "The receiver's platform refused the message",
         "The detail says what the receiver answered; ask it with the correlation id."),
        ("receiver_answered_rubbish", 502, "The receiver's answer could not be understood",
         "The receiver has to mend its platform; quote the correlation id to it."),
        ("accepted_elsewhere", 409, "Another home-CSP accepted the same question first",
         "Nothing: the acceptance was withdrawn, and no session of it exists."),
        ("accepted_too_late", 504, "The acceptance came after the time for it",
         "Answer faster: the acceptance was withdrawn, and no session of it exists."),
    ),
    *_reasons(
        Fault.HUB,
        ("internal_error", 500, "The clearing house failed",
         "Try again; quote the correlation id if it persists."),
        ("overloaded", 503, "Too many live questions are under way",
         "Nothing was accepted. Try again in a few seconds with the same ids."),
        ("unavailable", 503, "The clearing house cannot record messages at the moment",
         "Nothing was accepted. Try again with the same ids."),
    ),
]  # fmt: skip
CATALOGUE: dict[str, Reason] = {reason.code: reason for reason in _ALL}


class Refusal(Exception):  # noqa: N818  the house's word for it
    """The hub says no: `code` from the catalogue, what exactly, and which field."""

    def __init__(self, code: str, detail: str, field: str | None = None) -> None:
        super().__init__(f"{code}: {detail}")
        self.reason = CATALOGUE[code]
        self.detail = detail
        self.field = field
        self.journalled = False  # whether the verdict stands in the journal already
        self.retry_after_s: int | None = None  # where it is better known than by the code
        # Whether the receiver may have done all the same what it did not confirm.
        self.may_have_acted = False

    @property
    def code(self) -> str:
        return self.reason.code
