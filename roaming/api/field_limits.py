"""How long a text may be and what form it has, as the documentation says it.

The domain refuses what does not keep to it (of an SDR: notes a finding); a test sends one character
too many to each of these fields. One word means one thing, so most limits go by the field's name.
"""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]


def _text(longest: int, pattern: str = "") -> Schema:
    return {"maxLength": longest, **({"pattern": pattern} if pattern else {})}


_MOMENT = {"format": "date-time"}
_IDENTIFIER = r"^[A-Za-z0-9+*\-]*$"
_SHARED: dict[str, Schema] = {
    "visited_cso": _text(20, _IDENTIFIER),
    "home_csp": _text(20, _IDENTIFIER),
    "evse_id": _text(48, _IDENTIFIER),
    "emaid": _text(36),
    "connector_id": _text(36),
    "cso_session_id": _text(64),
    "csp_session_id": _text(64),
    "authorization_reference": _text(36),
    "cso_reference": _text(64),
    "tariff_id": _text(36),
    "tariff_ids": _text(36),
    "site_ids": _text(36),
    "evse_ids": _text(48, _IDENTIFIER),
    "token_uid": _text(36),
    "contract_id": _text(36),
    "currency": _text(3),
    "country": _text(3),
    "time_zone": _text(60),
    "requested_by": _text(80),
    "why": _text(200),
    "stamped_at": _MOMENT,
    "starts_at": _MOMENT,
    "ends_at": _MOMENT,
    "expires_at": _MOMENT,
    "requested_at": _MOMENT,
    "last_updated": _MOMENT,
    "valid_from": _MOMENT,
    "valid_to": _MOMENT,
}
_OF_ONE: dict[tuple[str, str], Schema] = {
    ("ConnectorPart", "id"): {"minLength": 1, **_text(36)},
    ("ConnectorPart", "standard"): _text(40),
    ("ConnectorPart", "power_type"): _text(16),
    ("EvsePart", "authentication_methods"): _text(12),
    ("SiteMessage", "id"): {"minLength": 1, **_text(36, r"^[ -~]*$")},
    ("SiteMessage", "name"): _text(255),
    ("SiteMessage", "address"): _text(200),
    ("SiteMessage", "city"): _text(100),
    ("SiteMessage", "postal_code"): _text(20),
    ("SiteMessage", "access"): _text(60),
    ("SiteMessage", "country"): _text(2, r"^[A-Za-z]{2}$"),
    ("RegularHours", "period_begin"): _text(5, r"^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$"),
    ("RegularHours", "period_end"): _text(5, r"^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$"),
    ("ExceptionalPeriod", "period_begin"): _MOMENT,
    ("ExceptionalPeriod", "period_end"): _MOMENT,
    ("TariffMessage", "id"): {"minLength": 1, **_text(36, r"^[ -~]*$")},
    ("TariffMessage", "currency"): _text(3, r"^[A-Z]{3}$"),
    ("CostSoFar", "currency"): _text(3, r"^[A-Z]{3}$"),
    ("OutageMessage", "id"): {"minLength": 1, **_text(64, r"^[ -~]*$")},
    ("OutageMessage", "description"): _text(500),
    ("ReservationWish", "reference"): {"minLength": 1, **_text(64)},
    ("ChargePlanUpdate", "reason"): _text(60),
    ("CommandResult", "reason"): _text(60),
    ("CommandResult", "note"): _text(300),
    ("CompletionMessage", "reason"): _text(60),
    ("ReservationEnd", "reason"): _text(60),
    ("IdentificationPart", "method"): _text(8),
    ("IdentificationPart", "authorised"): _text(8),
    ("RegistrationRequest", "url"): _text(300, r"^https?://[^?#@\\ ]+$"),
    ("RotationRequest", "url"): _text(300, r"^https?://[^?#@\\ ]+$"),
    ("RegistrationRequest", "token"): {"minLength": 16, **_text(500, r"^[ -~]*$")},
    ("RotationRequest", "token"): {"minLength": 16, **_text(500, r"^[ -~]*$")},
    ("SdrMessage", "id"): {"minLength": 1, **_text(64)},
    ("SdrMessage", "credit_reference_id"): _text(64),
}


def add_limits(schemas: dict[str, Schema]) -> None:
    """Writes the limits into the component schemas of messages."""
    for name, schema in schemas.items():
        for field, described in schema.get("properties", {}).items():
            limits = _OF_ONE.get((name, field), _SHARED.get(field))
            if limits:
                _add(described, limits)


def _add(described: Schema, limits: Schema) -> None:
    kind = described.get("type")
    if kind == "string" or (isinstance(kind, list) and "string" in kind):
        for limit, value in limits.items():
            described.setdefault(limit, value)
    elif kind == "array" and isinstance(described.get("items"), dict):
        _add(described["items"], limits)
    for alternative in described.get("anyOf", ()):
        _add(alternative, limits)
