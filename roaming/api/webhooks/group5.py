"""Group 5, supporting functions: what a platform receives (IEC 63119-2, 8.5)."""

from roaming.api.webhooks import examples as sent
from roaming.api.webhooks.commands import UNLOCKING
from roaming.api.webhooks.webhook import Webhook
from roaming.domain.outage import OutageMessage

WEBHOOKS = (
    Webhook(
        "uc5-1/outages",
        "UC5-1 Maintenance and outage",
        "EVSEs of a visited-CSO are or will be out of service, or are back",
        OutageMessage,
        {"Planned maintenance, as its CSO sent it": sent.OUTAGE},
    ),
    *UNLOCKING,
)
