"""UC1-1, platform authentication (IEC 63119-2, 8.1; 5.4.1): register, rotate, revoke.

Accepts: a one-time registration token with the address of a roaming endpoint and the secret that
the clearing house shall present there; later, rotation and revocation of the platform's credential.
Refuses: registration_token_invalid, platform_suspended, invalid_field.
Leaves behind: the endpoint (its secret encrypted), a credential (its secret as SHA-256 only), the
platform as registered. Keys age in real time, whatever the business clock says.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction

from roaming.domain.addresses import may_be_called, read_address
from roaming.domain.refusals import Refusal
from roaming.domain.secrets import PREFIX_CHARACTERS, MachineToken, same_digest
from roaming.hub_switch import encrypt_secret
from roaming.models import (
    Credential,
    Platform,
    RegistrationToken,
    RoamingEndpoint,
)

_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
REGISTRATION_TOKEN_LIFE = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class EndpointOffer:
    """Where the platform can be reached and what we shall present there."""

    url: str
    secret: str


def mint_token() -> MachineToken:
    """A fresh token: public prefix, 256 random bits."""
    prefix = "".join(secrets.choice(_ALPHABET) for _ in range(PREFIX_CHARACTERS))
    return MachineToken(prefix, secrets.token_urlsafe(32))


def issue_registration_token(platform: Platform, real_now: datetime) -> str:
    """A token that lets `platform` register once within seven days; shown this one time."""
    token = mint_token()
    RegistrationToken.objects.create(
        platform=platform,
        prefix=token.prefix,
        secret_sha256=token.digest(),
        issued_at=real_now,
        expires_at=real_now + REGISTRATION_TOKEN_LIFE,
    )
    return str(token)


def register_platform(
    presented: str, offer: EndpointOffer, real_now: datetime
) -> tuple[Platform, str]:
    """Registers the platform that the token was issued for; returns it with its credential."""
    _check_offer(offer)
    token = MachineToken.parse(presented)
    with transaction.atomic():
        row = (
            RegistrationToken.objects.select_for_update(of=("self",))
            .select_related("platform")
            .filter(prefix=token.prefix)
            .first()
            if token
            else None
        )
        if (
            row is None
            or token is None
            or not same_digest(bytes(row.secret_sha256), token.digest())
            or row.used_at is not None
            or row.expires_at <= real_now
        ):
            raise Refusal("registration_token_invalid", "Register with a token that is unused.")
        # Locked: a suspension that comes at the same moment must not be undone here.
        platform = Platform.objects.select_for_update().get(pk=row.platform_id)
        if platform.status in (Platform.Status.SUSPENDED, Platform.Status.ENDED):
            raise Refusal("platform_suspended", f"The platform is {platform.status}.")
        row.used_at = real_now
        row.save(update_fields=["used_at"])
        _set_endpoint(platform, offer, real_now)
        # Who registers anew has lost the old credential or fears that it leaked.
        platform.credentials.filter(revoked_at=None).update(revoked_at=real_now)
        credential = _issue_credential(platform, real_now)
        platform.status = Platform.Status.CONNECTED
        platform.save(update_fields=["status"])
    return platform, credential


def rotate_credential(
    presented: Credential, offer: EndpointOffer | None, real_now: datetime
) -> tuple[str, datetime]:
    """A new credential; the old ones end after the overlap. Returns it and when they end.

    With `offer` the endpoint's address and our outbound secret change in the same step.
    """
    if presented.expires_at is not None:
        # Else whoever found an old token could make itself a new one that never ends.
        raise Refusal("rotated_already", "Rotate with the token that the last rotation gave.")
    if offer is not None:
        _check_offer(offer)
    platform = presented.platform
    ends = real_now + timedelta(hours=settings.CREDENTIAL_OVERLAP_HOURS)
    with transaction.atomic():
        Platform.objects.select_for_update().get(pk=platform.pk)
        if (
            platform.credentials.filter(pk=presented.pk, expires_at=None, revoked_at=None).first()
            is None
        ):
            raise Refusal("rotated_already", "Another rotation was faster.")
        live = platform.credentials.filter(revoked_at=None)
        live.filter(expires_at=None).update(expires_at=ends)
        if offer is not None:
            _set_endpoint(platform, offer, real_now)
        credential = _issue_credential(platform, real_now)
    return credential, ends


def revoke_credential(credential: Credential, real_now: datetime) -> None:
    """Ends one credential at once. The platform needs a registration token to come back."""
    Credential.objects.filter(pk=credential.pk, revoked_at=None).update(revoked_at=real_now)


def find_credential(presented: str, real_now: datetime) -> Credential | None:
    """The live credential of this token, with its platform; None where there is none."""
    token = MachineToken.parse(presented)
    if token is None:
        return None
    row = Credential.objects.select_related("platform").filter(prefix=token.prefix).first()
    if row is None or not same_digest(bytes(row.secret_sha256), token.digest()):
        return None
    if row.platform.status == Platform.Status.ENDED:
        return None
    if row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= real_now):
        return None
    return row


def _issue_credential(platform: Platform, real_now: datetime) -> str:
    token = mint_token()
    Credential.objects.create(
        platform=platform,
        environment=platform.environment,
        prefix=token.prefix,
        secret_sha256=token.digest(),
        issued_at=real_now,
    )
    return str(token)


def _set_endpoint(platform: Platform, offer: EndpointOffer, real_now: datetime) -> None:
    RoamingEndpoint.objects.update_or_create(
        platform=platform,
        defaults={
            "url": offer.url,
            "outbound_secret": encrypt_secret(offer.secret),
            "updated_at": real_now,
        },
    )


def _check_offer(offer: EndpointOffer) -> None:
    try:
        parts = urlsplit(offer.url)
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError as error:
        raise Refusal("invalid_field", "The address cannot be read.", "url") from error
    schemes = {"https", "http"} if settings.ALLOW_PLAIN_HTTP_ENDPOINTS else {"https"}
    if any(character in offer.url for character in "?#@\\ ") or not _plain_text(offer.url):
        raise Refusal("invalid_field", "The address must have no user, query or fragment.", "url")
    if parts.scheme not in schemes or not parts.hostname or not port_is_fine:
        raise Refusal("invalid_field", "The address must be an https URL.", "url")
    if len(offer.url) > 300 or not offer.url.startswith(("http://", "https://")):
        raise Refusal("invalid_field", "At most 300 characters, scheme in small letters.", "url")
    if _forbidden_host(parts.hostname):
        raise Refusal("invalid_field", "The address must be a public one.", "url")
    if not 16 <= len(offer.secret) <= 500 or not _plain_text(offer.secret):
        raise Refusal(
            "invalid_field", "The secret must have 16 to 500 printable ASCII characters.", "token"
        )


def _plain_text(text: str) -> bool:
    return text.isascii() and text.isprintable()


def _forbidden_host(host: str) -> bool:
    """Private, loopback and link-local addresses lead inside, where no partner's platform is."""
    if settings.ALLOW_PLAIN_HTTP_ENDPOINTS:
        return False
    address = read_address(host)
    if address is None:
        return host == "localhost" or "." not in host or ".." in host or "%" in host
    return not may_be_called(address, settings.PRIVATE_ENDPOINT_NETWORKS)
