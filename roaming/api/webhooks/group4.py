"""Group 4, credentials handling: what a platform receives (IEC 63119-2, 8.4)."""

from roaming.api import examples
from roaming.api.webhooks import examples as sent
from roaming.api.webhooks.webhook import DECIDED, LIVE, STOOD_IN, STORED, Webhook
from roaming.domain.decision import Decision
from roaming.domain.identification import IdentificationsMessage
from roaming.domain.identification_messages import AuthorisationQuestion, Withdrawal

WEBHOOKS = (
    Webhook(
        "uc4-1/authorisation",
        "UC4-1 Online identification",
        "Somebody identified at a visited-CSO, without a start: decide",
        AuthorisationQuestion,
        {"An RFID card": examples.AUTHORISATION_QUESTION},
        Decision,
        {"Yes": examples.DECISION_ACCEPTED, "No": examples.DECISION_REFUSED},
        when=f"{LIVE} With `decided` it is news and no question.",
        taken=DECIDED,
        refused=STOOD_IN,
    ),
    Webhook(
        "uc4-1/withdrawal",
        "UC4-1 Online identification",
        "Your acceptance counts for nothing: another home-CSP was faster, or you were too late",
        Withdrawal,
        {"Another home-CSP was faster": examples.WITHDRAWAL},
    ),
    Webhook(
        "uc4-2/identifications",
        "UC4-2 Pre-distribution of identifications",
        "Identifications of a home-CSP, to decide by where it cannot be asked",
        IdentificationsMessage,
        {"A delta: one new, one removed": sent.IDENTIFICATIONS},
        when=f"{STORED} Messages of one home-CSP come in order.",
    ),
)
