"""Rotation of the keys that outbound secrets rest under (IEC 63119-2, 5.4.5).

Accepts: nothing; the keys stand in the settings, the first encrypts, all decrypt.
Refuses (OutboundSecretError): a secret that none of the keys opens; nothing is changed then.
Leaves behind: every roaming endpoint's secret under the first key, so that old keys can go.
"""

from __future__ import annotations

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import transaction

from roaming.models import RoamingEndpoint


class OutboundSecretError(ValueError):
    """A stored secret that no key of the settings opens."""


def reencrypt_outbound_secrets() -> int:
    """Encrypts every stored secret anew with the first key; returns how many there were."""
    cipher = MultiFernet([Fernet(key) for key in settings.ENCRYPTION_KEYS])
    with transaction.atomic():
        endpoints = list(RoamingEndpoint.objects.select_for_update())
        for endpoint in endpoints:
            try:
                endpoint.outbound_secret = cipher.rotate(bytes(endpoint.outbound_secret))
            except InvalidToken as error:
                raise OutboundSecretError(
                    f"No key opens the secret of {endpoint.url}; nothing was changed."
                ) from error
            endpoint.save(update_fields=["outbound_secret"])
    return len(endpoints)
