"""Beside the use cases: how an agreement stands (IEC 63119-2, 5.4.6)."""

from roaming.api.webhooks import examples as sent
from roaming.api.webhooks.webhook import Webhook
from roaming.hub_switch.agreement_notices import AgreementNotice

WEBHOOKS = (
    Webhook(
        "agreements/notice",
        "Agreements and partners",
        "An agreement of yours was proposed, activated, suspended, resumed or ended",
        AgreementNotice,
        {"Active now": sent.AGREEMENT_NOTICE},
    ),
)
