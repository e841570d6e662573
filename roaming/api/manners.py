"""Manners of HTTP that every answer of the API shares (RFC 9110, 9111).

The correlation id, caching, entity tags and conditional reads, the rate limit, OPTIONS.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.utils.http import parse_etags

from roaming.api.correlation import correlation_id_of
from roaming.api.rates import standing_of
from roaming.domain.preconditions import Precondition, entity_tag
from roaming.domain.refusals import Refusal

# An answer may name a person or a price: no cache keeps it, unless its view says otherwise.
PERSONAL = "no-store"
# What no person stands in. A cache may keep it for the caller alone, and asks each time.
IMPERSONAL = "private, no-cache"
_COPIED = (
    "Cache-Control",
    "Content-Location",
    "Date",
    "ETag",
    "Expires",
    "Vary",
    "X-Correlation-ID",
)


class MannersMiddleware:
    """Around everything below /api/. Views say `cache_control`; the rest is the same for all."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if not request.path.startswith("/api/"):
            return response
        if "X-Correlation-ID" not in response:
            response["X-Correlation-ID"] = correlation_id_of(request)
        if "Cache-Control" not in response:
            response["Cache-Control"] = _cache_control(request)
        standing = standing_of(request)
        if standing is not None:
            standing.tell(response)
        if request.method in ("GET", "HEAD") and response.status_code == 200:
            return _unless_known(request, response)
        return response

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], *arguments: Any
    ) -> HttpResponse | None:
        """OPTIONS says which methods and bodies the address takes, to everybody."""
        kind = getattr(view, "view_class", None)
        if request.method != "OPTIONS" or kind is None or not request.path.startswith("/api/v1/"):
            return None
        response = HttpResponse(status=204)
        del response["Content-Type"]
        response["Allow"] = ", ".join(methods_of(kind))
        say_what_is_read(response, kind, methods_of(kind))
        return response


def methods_of(view: type) -> list[str]:
    """The methods that a view answers."""
    own = [
        name.upper() for name in ("get", "post", "put", "patch", "delete") if hasattr(view, name)
    ]
    return [*own, *(["HEAD"] if "GET" in own else []), "OPTIONS"]


def say_what_is_read(response: HttpResponseBase, view: object, methods: list[str]) -> None:
    """Accept-Post and its kin: the content types of bodies that the view reads."""
    media_types = ", ".join(getattr(view, "media_types", ()))
    if not media_types:
        return
    if "POST" in methods:
        response["Accept-Post"] = media_types
    if "PATCH" in methods:
        response["Accept-Patch"] = media_types
    if "PUT" in methods:
        response["Accept"] = media_types


def _cache_control(request: HttpRequest) -> str:
    if not request.path.startswith("/api/v1/"):
        return "no-cache"  # the documentation
    view = getattr(request.resolver_match, "func", None)
    kind = getattr(view, "view_class", None)
    return str(getattr(kind, "cache_control", PERSONAL))


def _unless_known(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """The answer with its entity tag, or 304 where the caller has it already."""
    if not isinstance(response, HttpResponse):
        return response
    if "ETag" not in response:
        response["ETag"] = entity_tag(response.content)
    if request.path.startswith("/api/v1/"):
        patch_vary_headers(response, ["Accept", "Authorization"])
    known = parse_etags(request.META.get("HTTP_IF_NONE_MATCH", ""))
    own = response["ETag"].removeprefix("W/")
    if known != ["*"] and own not in {tag.removeprefix("W/") for tag in known}:
        return response
    unchanged = HttpResponse(status=304)
    for name in _COPIED:
        if name in response:
            unchanged[name] = response[name]
    del unchanged["Content-Type"]
    standing = standing_of(request)
    if standing is not None:
        standing.tell(unchanged)
    return unchanged


def precondition_of(request: HttpRequest | Any) -> Precondition:
    """What the sender says about the version that it means to change."""
    return Precondition(_tags(request, "If-Match"), _tags(request, "If-None-Match"))


def _tags(request: HttpRequest | Any, header: str) -> tuple[str, ...]:
    """The entity tags of a condition; one that cannot be read must not pass for none."""
    text = request.META.get(f"HTTP_{header.upper().replace('-', '_')}", "")
    tags = parse_etags(text)
    if text.strip() and not tags:
        raise Refusal("invalid_field", 'Entity tags stand in double quotes, or "*".', header)
    return tuple(tags)
