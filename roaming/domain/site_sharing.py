"""What of a site is for whom: tariffs for one home-CSP are no other's business (5.4.4).

Everything else of a site is shown as its visited-CSO sent it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

import msgspec

from roaming.domain.identifiers import IdentifierError, ProviderId
from roaming.domain.refusals import Refusal
from roaming.domain.site import SiteMessage, TariffsFor

_FIELD = "tariffs_for"
_Object = dict[str, msgspec.Raw]
_object = msgspec.json.Decoder(_Object)
_objects = msgspec.json.Decoder(list[_Object])


def site_shown_to(body: str, home_csps: Collection[str]) -> str:
    """The site as sent, less the `tariffs_for` of other home-CSPs than those with these keys.

    Raw values keep every digit; a site without such tariffs leaves byte for byte.

    >>> def with_tariffs_for(*names):
    ...     entries = ",".join('{"home_csp":"%s"}' % name for name in names)
    ...     return '{"evses":[{"connectors":[{"tariffs_for":[%s]}]}]}' % entries
    >>> shown = site_shown_to(with_tariffs_for("DE-HOM", "FR-OUT"), {"FROUT"})
    >>> shown == with_tariffs_for("FR-OUT")
    True
    """
    if _FIELD not in body and "\\u" not in body:
        return body
    site = _object.decode(body)
    if "evses" not in site:
        return body
    evses = []
    for evse in _objects.decode(site["evses"]):
        connectors = [
            {**c, _FIELD: _kept(c[_FIELD], home_csps)} if _FIELD in c else c
            for c in _objects.decode(evse["connectors"])
        ]
        evses.append({**evse, "connectors": connectors})
    return msgspec.json.encode({**site, "evses": evses}).decode()


def _kept(raw: msgspec.Raw, home_csps: Collection[str]) -> list[_Object]:
    return [
        entry
        for entry in _objects.decode(raw)
        if home_csp_key(msgspec.json.decode(entry["home_csp"], type=str)) in home_csps
    ]


def home_csp_key(text: str) -> str:
    """The key of a home-CSP's identifier; empty where it is none."""
    try:
        return ProviderId.parse(text).key
    except IdentifierError:
        return ""


def individual_tariffs(message: SiteMessage) -> Iterator[tuple[str, TariffsFor]]:
    """Every entry of `tariffs_for` with its place in the message."""
    for index, evse in enumerate(message.evses):
        for number, connector in enumerate(evse.connectors):
            for position, entry in enumerate(connector.tariffs_for):
                yield f"evses[{index}].connectors[{number}].tariffs_for[{position}]", entry


def check_individual_tariffs(message: SiteMessage) -> None:
    """Refuses invalid_identifier and invalid_field: who, once a connector, ids of 1 to 36."""
    seen: set[tuple[str, str]] = set()
    for place, entry in individual_tariffs(message):
        key = home_csp_key(entry.home_csp)
        if not key:
            raise Refusal("invalid_identifier", "Not a home-CSP's id.", f"{place}.home_csp")
        connector = (place.rpartition(".")[0], key)
        if connector in seen:
            raise Refusal("invalid_field", "This home-CSP stands there twice.", place)
        seen.add(connector)
        if any(not 1 <= len(tariff_id) <= 36 for tariff_id in entry.tariff_ids):
            raise Refusal("invalid_field", "Ids have 1 to 36 characters.", f"{place}.tariff_ids")
