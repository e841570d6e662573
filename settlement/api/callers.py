"""Who calls, as settlement knows it; and settlement's no in the words of the API's catalogue."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from roaming.domain.refusals import CATALOGUE, Refusal
from roaming.models import Platform
from settlement.domain.refusals import No, RefusedError

# Where the API has a word of its own; the others are the same in the catalogue.
_OTHER_WORDS = {
    No.UNKNOWN_SDR: "not_found",
    No.NOT_HOME_CSP: "party_not_held",
    No.REASON_MISSING: "invalid_field",
    No.UNKNOWN_DISPUTE: "not_found",
    No.TEXT_MISSING: "invalid_field",
    No.EVIDENCE_TOO_LARGE: "body_too_large",
    No.EVIDENCE_TYPE: "unsupported_media_type",
}


def caller_of(request: Any) -> Platform:
    """The authenticated platform."""
    platform: Platform = request.user
    return platform


def identifiers_of(platform: Platform) -> frozenset[int]:
    """The keys of the identifiers for which it speaks."""
    return frozenset(platform.held_identifiers.values_list("identifier", flat=True))


def as_refusal(error: RefusedError) -> Refusal:
    """The same no with its line of the catalogue."""
    code = _OTHER_WORDS.get(error.no, error.no.value)
    return Refusal(code if code in CATALOGUE else "internal_error", error.detail, error.field)


@contextmanager
def refusing() -> Iterator[None]:
    """Turns settlement's no into the API's."""
    try:
        yield
    except RefusedError as error:
        raise as_refusal(error) from error
