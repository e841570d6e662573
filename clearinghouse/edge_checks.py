"""System checks of the way out to the platforms and of what is believed at the way in (5.4.1)."""

from __future__ import annotations

import re
import ssl
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from roaming.api.outward import tls_context

_FIELD_NAME = re.compile(r"[A-Za-z0-9-]+")


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


@register("production", deploy=True)
def what_is_believed_of_callers_comes_from_proxies(**kwargs: Any) -> list[CheckMessage]:
    """A header says who calls only where the proxies that write it are named, and narrowly."""
    header, proxies = settings.CLIENT_CERTIFICATE_HEADER, settings.TRUSTED_PROXIES
    found: list[CheckMessage] = []
    if header and not proxies:
        found.append(
            Error(
                f"Client certificates are to come in {header}, but from no proxy in particular.",
                hint="Name the proxies that write it in CLEARINGHOUSE_TRUSTED_PROXIES; without "
                "them every platform that is bound to a certificate is refused.",
                id="clearinghouse.E024",
            )
        )
    if settings.BEHIND_TLS and not proxies:
        found.append(
            Error(
                "A proxy ends TLS in front, but its address is not named: every caller counts as "
                "the proxy, and one that guesses tokens holds up all who register.",
                hint="Name the proxy's address in CLEARINGHOUSE_TRUSTED_PROXIES, such as "
                "127.0.0.1; it must write X-Forwarded-For.",
                id="clearinghouse.E025",
            )
        )
    if header and not _FIELD_NAME.fullmatch(header):
        found.append(
            Error(
                f"CLEARINGHOUSE_CLIENT_CERTIFICATE_HEADER is no name of a header: {header}.",
                hint="Letters, digits and dashes, such as X-Client-Certificate.",
                id="clearinghouse.E027",
            )
        )
    return found + [
        Error(
            f"CLEARINGHOUSE_TRUSTED_PROXIES believes what {network} writes.",
            hint="Anybody could pass for anybody: name the proxies' own addresses or network.",
            id="clearinghouse.E026",
        )
        for network in proxies
        if network.prefixlen < 8
    ]
