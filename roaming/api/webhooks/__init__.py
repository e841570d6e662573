"""The receiver's side: every message that the clearing house sends to a platform (8.1 to 8.5).

What an operator implements, as OpenAPI webhooks; the paths are those of `roaming.domain.receiving`.
"""

from roaming.api.webhooks import (
    agreements,
    disputes,
    group1,
    group2,
    group3,
    group4,
    group5,
)
from roaming.api.webhooks.webhook import Webhook

WEBHOOKS: tuple[Webhook, ...] = (
    *group1.WEBHOOKS,
    *group2.WEBHOOKS,
    *group3.WEBHOOKS,
    *group4.WEBHOOKS,
    *group5.WEBHOOKS,
    *agreements.WEBHOOKS,
    *disputes.WEBHOOKS,
)

__all__ = ["WEBHOOKS", "Webhook"]
