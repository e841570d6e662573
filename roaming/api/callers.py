"""What a trusted proxy says of the caller: its address, and the certificate it presented (5.4.1).

TLS ends at a proxy in front of the web server. Its headers are believed only where the request
comes from an address of CLEARINGHOUSE_TRUSTED_PROXIES; from anywhere else they are ignored, for
anybody can write them.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from urllib.parse import unquote

from django.conf import settings
from django.http import HttpRequest
from rest_framework.request import Request

from roaming.domain.addresses import read_address
from roaming.domain.certificates import NoDigestError, read_digest
from roaming.domain.refusals import Refusal
from roaming.models import Platform

_ENVOY = re.compile(r"(?:^|;)\s*hash=([0-9a-f]{64})\s*(?:;|$)")
_PEM = re.compile(r"-----(?:BEGIN|END) CERTIFICATE-----|\s")


def address_of(request: Request | HttpRequest) -> str:
    """The caller's address: the last one in X-Forwarded-For that is no trusted proxy's.

    Without trusted proxies it is the address that the connection came from.
    """
    address = str(request.META.get("REMOTE_ADDR") or "")
    if not _is_trusted(address):
        return address
    hops = str(request.META.get("HTTP_X_FORWARDED_FOR") or "").split(",")
    for hop in reversed([hop.strip() for hop in hops]):
        if read_address(hop) is None:
            break
        address = hop
        if not _is_trusted(hop):
            break
    return address


def _is_trusted(address: str) -> bool:
    found = read_address(address)
    return found is not None and any(
        found in network for network in settings.TRUSTED_PROXIES if network.version == found.version
    )


def certificate_of(request: Request | HttpRequest) -> str:
    """SHA-256 (hex) of the certificate that the caller presented to a trusted proxy; else empty."""
    header = settings.CLIENT_CERTIFICATE_HEADER
    if not header or not _is_trusted(str(request.META.get("REMOTE_ADDR") or "")):
        return ""
    return read_certificate(request.META.get(f"HTTP_{header.upper().replace('-', '_')}", ""))


def read_certificate(text: str) -> str:
    """SHA-256 of the certificate as proxies hand it on; empty where the text is none.

    A digest in hex (HAProxy), `Hash=...` (Envoy), `:base64:` (RFC 9440), or PEM with or without
    its frame, URL-encoded or not (nginx, Traefik).

    >>> read_certificate("AB:" * 31 + "CD")[-4:]
    'abcd'
    >>> read_certificate(":aGVsbG8=:") == read_certificate("aGVsbG8%3D")
    True
    >>> read_certificate("no certificate")
    ''
    """
    try:
        return read_digest(text)
    except NoDigestError:
        envoy = _ENVOY.search(text.strip().lower())
    if envoy:
        return envoy[1]
    content = text.strip()
    if content.startswith(":") and content.endswith(":"):
        content = content[1:-1]
    content = _PEM.sub("", unquote(content).partition("-----END")[0])
    try:
        certificate = base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        return ""
    return hashlib.sha256(certificate).hexdigest() if certificate else ""


def check_certificate(request: Request | HttpRequest, platform: Platform) -> None:
    """Refuses certificate_required where the platform is bound to another certificate or to one."""
    bound = platform.client_certificate_sha256
    if not bound:
        return
    presented = certificate_of(request)
    if not hmac.compare_digest(presented.encode(), _bare(bound).encode()):
        raise Refusal(
            "certificate_required",
            "Another client certificate was presented."
            if presented
            else "No client certificate was presented.",
        )


def _bare(bound: str) -> str:
    """The digest as it is compared; what is none fits no certificate."""
    try:
        return read_digest(bound)
    except NoDigestError:
        return "none"
