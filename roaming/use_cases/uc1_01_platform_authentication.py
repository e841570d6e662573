"""UC1-1, platform authentication (IEC 63119-2, 8.1; 5.4.1): register, rotate, revoke.

Accepts: a one-time registration token, with the address of a roaming endpoint and the secret that
the clearing house shall present there, or without them where the platform pulls its messages;
later, rotation and revocation of the platform's credential. Before a new endpoint counts, the
clearing house shows it the secret and has to be given back a nonce (outside any transaction).
Refuses: registration_token_invalid, platform_suspended, invalid_field, version_not_supported,
handshake_failed, rotated_already, overloaded, receiver_overloaded. After a refusal everything is as
it was: the registration token is unused, the old endpoint and credential are in use.
Leaves behind: the endpoint (its secret encrypted), a credential (its secret as SHA-256 only), the
platform as registered, journal rows. Keys age in real time, whatever the business clock says.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction

from roaming.domain.addresses import may_be_called, read_address
from roaming.domain.handshake import VERSIONS
from roaming.domain.receiving import unknown_path
from roaming.domain.refusals import Refusal
from roaming.domain.secrets import PREFIX_CHARACTERS, MachineToken, same_digest
from roaming.hub_switch import (
    Envelope,
    Route,
    Verdict,
    encrypt_secret,
    known_rights,
    shake_hands,
    write_admission,
    write_verdict,
)
from roaming.models import (
    Credential,
    JournalEntry,
    Platform,
    RegistrationToken,
    RoamingEndpoint,
)
from roaming.ports import Address

_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
REGISTRATION_TOKEN_LIFE = timedelta(days=7)
_STOPPED = (Platform.Status.SUSPENDED, Platform.Status.ENDED)


@dataclass(frozen=True, slots=True)
class EndpointOffer:
    """Where the platform can be reached and what we shall present there."""

    url: str
    secret: str


@dataclass(frozen=True, slots=True)
class PlatformOffer:
    """What a platform says of itself. No endpoint: it pulls. No versions, no paths: all of them."""

    endpoint: EndpointOffer | None = None
    versions: Sequence[str] | None = None
    paths: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class _Proven:
    """An endpoint that has answered the handshake, and the paths that it takes (empty: all)."""

    offer: EndpointOffer
    paths: list[str]


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


def invited_platform(presented: str, real_now: datetime) -> Platform:
    """The platform that an unused registration token was issued for. Refuses any other token."""
    return _registration_token(presented, real_now, lock=False).platform


def register_platform(
    envelope: Envelope, presented: str, offer: PlatformOffer, real_now: datetime
) -> str:
    """Registers the sender, which the token was issued for; returns its credential."""
    _check_offer(offer)
    _check_not_stopped(envelope.sender)
    proven = _greet(envelope, offer)
    with transaction.atomic():
        row = _registration_token(presented, real_now, lock=True)
        # Locked: a suspension that comes at the same moment must not be undone here.
        platform = Platform.objects.select_for_update().get(pk=row.platform_id)
        _check_not_stopped(platform)
        row.used_at = real_now
        row.save(update_fields=["used_at"])
        if proven is None:
            RoamingEndpoint.objects.filter(platform=platform).delete()
        else:
            _set_endpoint(platform, proven, real_now)
        # Who registers anew has lost the old credential or fears that it leaked.
        platform.credentials.filter(revoked_at=None).update(revoked_at=real_now)
        credential = _issue_credential(platform, real_now)
        platform.status = Platform.Status.CONNECTED
        platform.save(update_fields=["status"])
        _note(envelope, f"registered; {_words(offer)}")
    return credential


def platform_of_registration_token(presented: str) -> Platform | None:
    """The platform that a registration token was issued for, used up or not; None for rubbish."""
    token = MachineToken.parse(presented)
    if token is None:
        return None
    row = RegistrationToken.objects.select_related("platform").filter(prefix=token.prefix).first()
    if row is None or not same_digest(bytes(row.secret_sha256), token.digest()):
        return None
    return row.platform


def rotate_credential(
    envelope: Envelope, presented: Credential, offer: PlatformOffer, real_now: datetime
) -> tuple[str, datetime]:
    """A new credential; the old ones end after the overlap. Returns it and when they end.

    With an endpoint its address and our outbound secret change in the same step.
    """
    if presented.expires_at is not None:
        # Else whoever found an old token could make itself a new one that never ends.
        raise Refusal("rotated_already", "Rotate with the token that the last rotation gave.")
    _check_offer(offer)
    proven = _greet(envelope, offer)
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
        if proven is not None:
            _set_endpoint(platform, proven, real_now)
        credential = _issue_credential(platform, real_now)
        _note(envelope, f"rotated; {_words(offer)}")
    return credential, ends


def revoke_credential(credential: Credential, real_now: datetime) -> None:
    """Ends one credential at once. The platform needs a registration token to come back."""
    Credential.objects.filter(pk=credential.pk, revoked_at=None).update(revoked_at=real_now)


def find_credential(presented: str, real_now: datetime) -> Credential | None:
    """The live credential of this token, with its platform; None where there is none."""
    token = MachineToken.parse(presented)
    if token is None:
        return None
    row = known_rights().credential(token.prefix)
    if row is None or not same_digest(bytes(row.secret_sha256), token.digest()):
        return None
    if row.platform.status == Platform.Status.ENDED:
        return None
    if row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= real_now):
        return None
    return row


def _registration_token(presented: str, real_now: datetime, *, lock: bool) -> RegistrationToken:
    """The token's row, usable now. Refuses registration_token_invalid."""
    token = MachineToken.parse(presented)
    rows = RegistrationToken.objects.select_related("platform")
    if lock:
        rows = rows.select_for_update(of=("self",))
    row = rows.filter(prefix=token.prefix).first() if token else None
    if (
        row is None
        or token is None
        or not same_digest(bytes(row.secret_sha256), token.digest())
        or row.used_at is not None
        or row.expires_at <= real_now
    ):
        raise Refusal("registration_token_invalid", "Register with a token that is unused.")
    return row


def _check_not_stopped(platform: Platform) -> None:
    if platform.status in _STOPPED:
        raise Refusal("platform_suspended", f"The platform is {platform.status}.")


def _greet(envelope: Envelope, offer: PlatformOffer) -> _Proven | None:
    """The handshake, between two journal rows; None where there is no endpoint to shake hands with.

    What the platform answers there counts for more than what the registration says of paths.
    """
    if offer.endpoint is None:
        return None
    write_admission(envelope, Route())
    address = Address(offer.endpoint.url, offer.endpoint.secret)
    try:
        answer = shake_hands(envelope.sender, address, envelope.correlation_id)
    except Refusal as refusal:
        refusal.journalled = True
        write_verdict(envelope, Route(), Verdict.of_refusal(refusal))
        raise
    paths = answer.paths if answer.paths is not None else offer.paths
    return _Proven(offer.endpoint, list(dict.fromkeys(paths or ())))


def _note(envelope: Envelope, what: str) -> None:
    write_verdict(envelope, Route(), Verdict(JournalEntry.Outcome.ACCEPTED, answer=what))


def _words(offer: PlatformOffer) -> str:
    return f"endpoint {offer.endpoint.url}" if offer.endpoint else "no new endpoint"


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


def _set_endpoint(platform: Platform, proven: _Proven, real_now: datetime) -> None:
    RoamingEndpoint.objects.update_or_create(
        platform=platform,
        defaults={
            "url": proven.offer.url,
            "outbound_secret": encrypt_secret(proven.offer.secret),
            "paths": proven.paths,
            "verified_at": real_now,
            "updated_at": real_now,
        },
    )


def _check_offer(offer: PlatformOffer) -> None:
    if offer.versions is not None and not set(offer.versions) & set(VERSIONS):
        raise Refusal("version_not_supported", f"Spoken here: {', '.join(VERSIONS)}.", "versions")
    if offer.paths is not None and not offer.paths:
        raise Refusal("invalid_field", "Name at least one path, or leave it out.", "paths")
    unknown = unknown_path(offer.paths or ())
    if unknown is not None:
        raise Refusal("invalid_field", f"Nothing is ever sent to {unknown[:60]!r}.", "paths")
    if offer.endpoint is not None:
        _check_endpoint(offer.endpoint)
    elif offer.paths is not None:
        raise Refusal("invalid_field", "Without an endpoint nothing is sent anywhere.", "paths")


def _check_endpoint(offer: EndpointOffer) -> None:
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
