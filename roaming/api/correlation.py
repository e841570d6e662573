"""Ids that follow a message through everything: taken from the sender, or minted at the edge."""

from __future__ import annotations

import re
import uuid

from django.http import HttpRequest
from rest_framework.request import Request

_MINTED_FROM_KEYS = uuid.UUID("5b1d3f1e-93a3-4c0e-8f0e-6d3a4b0f6f11")
_FORM = re.compile(r"[\w.:\-]{1,64}", re.ASCII)


def correlation_id_of(request: Request | HttpRequest) -> str:
    """The X-Correlation-ID of the request, or one minted for it; the same at every call."""
    return _id_of(request, "X-Correlation-ID", "clearinghouse.correlation_id")


def message_id_of(request: Request | HttpRequest) -> str:
    """The X-Message-ID of the request, or one minted for it.

    From an Idempotency-Key always the same one is minted: a repetition is the same message.
    """
    offered = request.META.get("HTTP_IDEMPOTENCY_KEY")
    if offered and "HTTP_X_MESSAGE_ID" not in request.META:
        request.META.setdefault(
            "clearinghouse.message_id", str(uuid.uuid5(_MINTED_FROM_KEYS, offered))
        )
    return _id_of(request, "X-Message-ID", "clearinghouse.message_id")


def _id_of(request: Request | HttpRequest, header: str, key: str) -> str:
    known = request.META.get(key)
    if known is None:
        offered = request.META.get(f"HTTP_{header.upper().replace('-', '_')}", "")
        known = offered if _FORM.fullmatch(offered) else str(uuid.uuid4())
        request.META[key] = known
    return str(known)


def follow_correlation_id(request: Request, correlation_id: str) -> None:
    """Makes an exchange part of an earlier one, unless its sender gave it an id of its own."""
    offered = request.META.get("HTTP_X_CORRELATION_ID", "")
    if not _FORM.fullmatch(offered):
        request.META["clearinghouse.correlation_id"] = correlation_id
