"""Who is calling: a platform, by its bearer token (IEC 63119-2, 5.4.1)."""

from __future__ import annotations

from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from roaming.api.callers import check_certificate
from roaming.api.rates import note_failure
from roaming.hub_switch.rights import judge_by
from roaming.models import Credential, Platform
from roaming.use_cases.uc1_01_platform_authentication import find_credential


class PlatformAuthentication(BaseAuthentication):
    """`Authorization: Bearer <prefix>.<secret>`; `request.auth` is the credential used."""

    def authenticate(self, request: Request) -> tuple[Platform, Credential] | None:
        token = bearer_token(request)
        if token is None:
            return None
        view = request.parser_context["view"]
        judge_by(verified=not getattr(view, "judges_from_memory", False))
        credential = find_credential(token, timezone.now())
        if credential is None:
            note_failure(request)
            raise AuthenticationFailed("The token is unknown, expired or revoked.")
        check_certificate(request, credential.platform)
        return credential.platform, credential

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="clearing house"'


def bearer_token(request: Request) -> str | None:
    """The presented token, or None where there is no such header."""
    scheme, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


class BearerScheme(OpenApiAuthenticationExtension):
    """How the API documentation names it."""

    target_class = PlatformAuthentication
    name = "platformToken"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "The token that UC1-1 (registration) answered with.",
        }
