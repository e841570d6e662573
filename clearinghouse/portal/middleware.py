"""Around every page of the portal: who looks, their zone and language, and what browsers may do."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone, translation

from clearinghouse.portal import presentation
from clearinghouse.portal.viewer import viewer_of

# Nothing from elsewhere, nothing inline. The picture of a second factor's key is a data: image.
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


class PortalMiddleware:
    """Does nothing outside of /portal/."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith("/portal/"):
            return self.get_response(request)
        viewer = viewer_of(request)
        request.viewer = viewer  # type: ignore[attr-defined]
        zone = viewer.zone if viewer else timezone.get_default_timezone()
        locale = viewer.user.locale if viewer else presentation.USUAL_LOCALE
        with (
            timezone.override(zone),
            translation.override(_language(locale)),
            presentation.of_locale(locale),
        ):
            response = self.get_response(request)
        response["Content-Security-Policy"] = _POLICY
        response["Referrer-Policy"] = "same-origin"
        response.setdefault("Cache-Control", "no-store")
        return response


def _language(locale: str) -> str:
    """The locale's language where the portal speaks it, else English."""
    language = locale.partition("-")[0]
    return language if language in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE
