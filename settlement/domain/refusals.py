"""Why reconciliation or settlement says no to a person: a stable code, and a sentence."""

from __future__ import annotations

from enum import StrEnum


class No(StrEnum):
    """The reasons, by what has to happen first."""

    # Deciding on an SDR
    UNKNOWN_SDR = "unknown_sdr"
    UNKNOWN_SESSION = "unknown_session"
    NOT_DECIDABLE = "not_decidable"
    WINDOW_OVER = "window_over"
    NO_AGREEMENT = "no_agreement"
    OTHER_CURRENCY = "other_currency"
    REASON_MISSING = "reason_missing"
    UNKNOWN_COLLEAGUE = "unknown_colleague"
    NOT_HOME_CSP = "not_home_csp"
    AMOUNT_NOT_POSSIBLE = "amount_not_possible"
    # Disputes
    UNKNOWN_DISPUTE = "unknown_dispute"
    LIVE_DISPUTE = "live_dispute"
    DISPUTE_CLOSED = "dispute_closed"
    NOT_YOUR_TURN = "not_your_turn"
    NOT_LATER = "not_later"
    TEXT_MISSING = "text_missing"
    TOO_MUCH_EVIDENCE = "too_much_evidence"
    EVIDENCE_TOO_LARGE = "evidence_too_large"
    EVIDENCE_TYPE = "evidence_type"
    # Closing a period
    PERIOD_NOT_OVER = "period_not_over"
    NOT_DRAFT = "not_draft"
    NOT_PRELIMINARY = "not_preliminary"
    PERIOD_FINAL = "period_final"
    INPUT_CHANGED = "input_changed"
    OBJECTIONS_RUN = "objections_run"
    SAME_PERSON = "same_person"
    NO_CLEARING_HOUSE = "no_clearing_house"


class RefusedError(Exception):
    """The clearing house's own no. `no` is stable; the text is for the person who asked.

    `field` names what they filled in wrongly.
    """

    def __init__(self, no: No, detail: str, field: str | None = None) -> None:
        super().__init__(detail)
        self.no = no
        self.detail = detail
        self.field = field
