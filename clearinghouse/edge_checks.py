"""System checks of the way out to the platforms and of what is believed at the way in (5.4.1)."""

from __future__ import annotations

import ssl
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from roaming.api.outward import tls_context


@register("production", deploy=True)
def platforms_are_called_over_verified_tls(**kwargs: Any) -> list[CheckMessage]:
    """Looks at the very context that calls are made with, not at what settings say of it."""
    try:
        context = tls_context()
    except (OSError, ssl.SSLError) as error:
        return [
            Error(
                f"No TLS context can be made for calls to platforms: {error}.",
                hint="Look at CLEARINGHOUSE_OUTBOUND_CA_FILE, _CLIENT_CERTIFICATE_FILE and "
                "_CLIENT_KEY_FILE.",
                id="clearinghouse.E020",
            )
        ]
    found: list[CheckMessage] = []
    if context.verify_mode is not ssl.CERT_REQUIRED or not context.check_hostname:
        found.append(
            Error(
                "Certificates of platforms are not verified.",
                hint="roaming.api.outward.tls_context must verify chain and name.",
                id="clearinghouse.E021",
            )
        )
    if not context.cert_store_stats()["x509_ca"]:
        found.append(
            Error(
                "No certificate authority is known, so that no platform can be called.",
                hint="Install the system's CA certificates, or name a file in "
                "CLEARINGHOUSE_OUTBOUND_CA_FILE.",
                id="clearinghouse.E022",
            )
        )
    return found


@register("production", deploy=True)
def private_networks_are_named_narrowly(**kwargs: Any) -> list[CheckMessage]:
    """A partner's interconnection is a network, not the whole address space nor this machine."""
    return [
        Error(
            f"CLEARINGHOUSE_PRIVATE_ENDPOINT_NETWORKS opens {network}.",
            hint="Name the partners' networks only; never loopback or link-local addresses.",
            id="clearinghouse.E023",
        )
        for network in settings.PRIVATE_ENDPOINT_NETWORKS
        if network.prefixlen < 8 or network.is_loopback or network.is_link_local
    ]
