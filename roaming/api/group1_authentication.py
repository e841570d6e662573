"""Group 1, general information exchange (IEC 63119-2, 8.1): UC1-1, platform authentication."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from django.http import HttpResponse
from django.urls import path, reverse
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.views import APIView

from roaming.api.authentication import bearer_token
from roaming.api.callers import check_certificate
from roaming.api.interface import Version, spoken_versions
from roaming.api.message_view import MessageView, decode
from roaming.api.rates import check_failures, note_failure
from roaming.api.schema import READING, refusals
from roaming.domain.handshake import VERSION, Party
from roaming.domain.refusals import Refusal
from roaming.domain.use_case import UseCase
from roaming.hub_switch import parties_of
from roaming.models import Credential, Platform
from roaming.use_cases.uc1_01_platform_authentication import (
    EndpointOffer,
    PlatformOffer,
    invited_platform,
    platform_of_registration_token,
    register_platform,
    revoke_credential,
    rotate_credential,
)

TAG = "UC1-1 Platform authentication"
GREETING = ("handshake_failed", "overloaded", "receiver_overloaded")


class Offer(msgspec.Struct, kw_only=True, frozen=True):
    """Where the platform can be reached, and the secret that the clearing house presents there.

    Both or neither. `versions` and `paths` that it takes: left out, all of them.
    """

    url: str | None = None
    token: str | None = None
    versions: list[str] | None = None
    paths: list[str] | None = None


class RegistrationRequest(Offer, kw_only=True, frozen=True):
    """The roaming endpoint and the secret that we present there; without both, messages are pulled.

    At the endpoint the handshake is answered before this call is.
    """


class RotationRequest(Offer, kw_only=True, frozen=True):
    """Empty, or a new address with a new secret of the roaming endpoint."""


class Registration(msgspec.Struct, kw_only=True, frozen=True):
    """The platform as registered. `token` is shown this one time."""

    token: str
    version: str
    platform: str
    environment: str
    parties: list[Party]


class Rotation(msgspec.Struct, kw_only=True, frozen=True):
    """The new token, and until when the old one is taken too."""

    token: str
    previous_valid_until: datetime


class CredentialInfo(msgspec.Struct, kw_only=True, frozen=True):
    """What the clearing house knows of the caller. `paths` empty: everything is sent."""

    platform: str
    environment: str
    status: str
    url: str | None
    paths: list[str]
    verified_at: datetime | None
    parties: list[Party]


class VersionList(msgspec.Struct, kw_only=True, frozen=True):
    """The versions of the native interface that are spoken here."""

    versions: list[Version]


class VersionsView(APIView):
    """UC1-1, before anything else: what is spoken here."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(
        operation_id="read_versions",
        tags=[TAG],
        summary="Versions, with the addresses of each use case and the paths that a platform takes",
        responses={200: VersionList},
        auth=[],
    )
    def get(self, request: Request) -> HttpResponse:
        content = VersionList(versions=spoken_versions())
        return HttpResponse(msgspec.json.encode(content), content_type="application/json")


class RegistrationView(MessageView):
    """UC1-1."""

    use_case = UseCase.UC1_1
    authentication_classes = ()
    permission_classes = (AllowAny,)
    answers_hold_secrets = True

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Guessing is slowed down; whoever is bound to a certificate presents it from the start."""
        check_failures(request)
        self._registering = platform_of_registration_token(bearer_token(request) or "")
        if self._registering is None:
            note_failure(request)
        else:
            check_certificate(request, self._registering)
        super().initial(request, *args, **kwargs)

    def asker(self, request: Request) -> Platform | None:
        return self._registering

    @extend_schema(
        operation_id="register_platform",
        tags=[TAG],
        summary="Register a platform with its one-time registration token",
        description=(
            "Send the registration token as `Authorization: Bearer …`. With a `url`, the clearing "
            "house first sends `uc1-1/handshake` there, with the `token` that you offer: answer "
            "2xx with the nonce that came. Only then the registration counts; after a refusal the "
            "registration token is still good."
        ),
        request=RegistrationRequest,
        responses={
            201: Registration,
            **refusals(
                "registration_token_invalid", "certificate_required", "rate_limited",
                "version_not_supported", *GREETING, *READING,
            ),
        },
        auth=[{"platformToken": []}],  # type: ignore[list-item]
        examples=[
            OpenApiExample(
                "With a roaming endpoint",
                {"url": "https://platform.example/rep", "token": "what-we-shall-present-to-you",
                 "versions": ["1"]},
                request_only=True,
            ),
            OpenApiExample("Messages will be pulled", {}, request_only=True),
            OpenApiExample(
                "Registered",
                {"token": "k3v9q2m7x1b8.Yk0…", "version": "1", "platform": "Home CSP platform",
                 "environment": "live", "parties": [{"role": "CSP", "identifier": "DE-HOM"}]},
                response_only=True,
                status_codes=["201"],
            ),
        ],
    )  # fmt: skip
    def post(self, request: Request) -> HttpResponse:
        now, presented = timezone.now(), bearer_token(request) or ""
        request.user = platform = invited_platform(presented, now)  # type: ignore[assignment]
        # Without its body: the journal shall not even hold a fingerprint of a secret.
        envelope = self.envelope(request)
        offer = _offer(decode(self.body_of(request), RegistrationRequest))
        content = Registration(
            token=register_platform(envelope, presented, offer, now),
            version=VERSION,
            platform=platform.name,
            environment=platform.environment,
            parties=parties_of(platform),
        )
        return self.render(request, content, 201, reverse("roaming:uc1-1-credentials"))


def _offer(said: Offer) -> PlatformOffer:
    if (said.url is None) != (said.token is None):
        raise Refusal("invalid_field", "Send url and token together, or neither.", "url")
    endpoint = None
    if said.url is not None and said.token is not None:
        endpoint = EndpointOffer(said.url, said.token)
    return PlatformOffer(endpoint, said.versions, said.paths)


class CredentialsView(MessageView):
    """UC1-1, afterwards: look at what is registered, or give it up."""

    use_case = UseCase.UC1_1

    @extend_schema(
        operation_id="read_credentials",
        tags=[TAG],
        summary="What is registered for the caller",
        responses={200: CredentialInfo, **refusals()},
        examples=[
            OpenApiExample(
                "A home-CSP with an endpoint",
                {"platform": "Home CSP platform", "environment": "live", "status": "connected",
                 "url": "https://platform.example/rep", "paths": [],
                 "verified_at": "2026-10-05T08:00:00Z",
                 "parties": [{"role": "CSP", "identifier": "DE-HOM"}]},
                response_only=True,
            )
        ],
    )  # fmt: skip
    def get(self, request: Request) -> HttpResponse:
        platform: Platform = request.user  # type: ignore[assignment]
        endpoint = getattr(platform, "roaming_endpoint", None)
        content = CredentialInfo(
            platform=platform.name,
            environment=platform.environment,
            status=platform.status,
            url=endpoint.url if endpoint else None,
            paths=endpoint.paths if endpoint else [],
            verified_at=endpoint.verified_at if endpoint else None,
            parties=parties_of(platform),
        )
        return self.render(request, content)

    @extend_schema(
        operation_id="revoke_credentials",
        tags=[TAG],
        summary="Revoke the presented token at once",
        responses={204: None, **refusals()},
    )
    def delete(self, request: Request) -> HttpResponse:
        revoke_credential(request.auth, timezone.now())  # type: ignore[arg-type]
        self.note(request, "revoked")
        return HttpResponse(status=204)


class RotationView(MessageView):
    """UC1-1, rotation with an overlap."""

    use_case = UseCase.UC1_1
    answers_hold_secrets = True

    @extend_schema(
        operation_id="rotate_credentials",
        tags=[TAG],
        summary="Get a new token; the old one is taken for the overlap",
        description=(
            "With a new `url` and `token` the endpoint changes in the same step, once it has "
            "answered `uc1-1/handshake`. Where it has not, nothing changes: the old endpoint and "
            "the old token stay in use."
        ),
        request=RotationRequest,
        responses={
            201: Rotation,
            **refusals(
                "rotated_already", "version_not_supported", *GREETING, "malformed_body",
                "invalid_field", "body_too_large", "unsupported_media_type",
            ),
        },
        examples=[
            OpenApiExample("Only the token", {}, request_only=True),
            OpenApiExample(
                "A new endpoint too",
                {"url": "https://new.platform.example/rep", "token": "a-new-secret-to-present"},
                request_only=True,
            ),
            OpenApiExample(
                "Rotated",
                {"token": "m2c8r5t1z9w4.Qx7…", "previous_valid_until": "2026-10-06T08:00:00Z"},
                response_only=True,
                status_codes=["201"],
            ),
        ],
    )  # fmt: skip
    def post(self, request: Request) -> HttpResponse:
        offer = _offer(decode(self.body_of(request), RotationRequest))
        credential: Credential = request.auth  # type: ignore[assignment]
        envelope = self.envelope(request)
        token, until = rotate_credential(envelope, credential, offer, timezone.now())
        content = Rotation(token=token, previous_valid_until=until)
        return self.render(request, content, 201, reverse("roaming:uc1-1-credentials"))


urlpatterns = [
    path("versions", VersionsView.as_view(), name="uc1-1-versions"),
    path("registration", RegistrationView.as_view(), name="uc1-1-registration"),
    path("credentials", CredentialsView.as_view(), name="uc1-1-credentials"),
    path("credentials/rotation", RotationView.as_view(), name="uc1-1-rotation"),
]
