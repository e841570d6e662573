"""How an SDR's price came about: the tariff versions in force and every line that they make.

The same arithmetic as reconciliation's, at the moment of asking: what prices a session was decided
when it started, so that the answer stays the same. Both parties may be shown it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import msgspec

from roaming.domain.money import Rounding
from roaming.domain.tariff import Asked, ContentError, Version
from roaming.domain.time_zones import find_zone
from roaming.models import Connector, Evse, Sdr, TariffVersion
from roaming.models.tariffs_in_force import Scope, connectors_of, versions_in_force
from settlement.domain.rating import PricedSdr, SdrToRate, parse_sdr
from settlement.domain.reconciliation.rerating import Rerater, ToRerate
from settlement.domain.reconciliation.tariff_store import TariffStore


@dataclass(frozen=True, slots=True)
class Calculation:
    """`priced`: the price line by line, None where `failure` says why there is none."""

    priced: PricedSdr | None
    parsed: SdrToRate | None
    time_zone: ZoneInfo | None
    failure: str
    versions: tuple[TariffVersion, ...]

    def version_of(self, tariff_id: str) -> TariffVersion | None:
        """The published version behind a line; None where the SDR's own snapshot priced it."""
        folded = tariff_id.casefold()
        return next((v for v in self.versions if v.tariff_id.casefold() == folded), None)


def calculation_of(sdr: Sdr) -> Calculation:
    """The calculation of an SDR that is no credit; never raises."""
    evse = Evse.objects.select_related("site").filter(
        environment=sdr.environment, key=sdr.evse_key
    ).first()  # fmt: skip
    zone_name = sdr.time_zone or (evse.site.time_zone if evse is not None else "")
    names = _named_in(sdr.rated_part) or _named_at(evse, sdr)
    versions = _in_force(sdr, names)
    agreement = sdr.agreement
    rerated = Rerater(TariffStore(map(_value, versions))).rerate(
        ToRerate(
            rated_part=sdr.rated_part,
            time_zone=zone_name,
            asked=Asked(
                sdr.visited_cso_id,
                sdr.home_csp_id,
                sdr.started_at or sdr.received_at,
                _notice(sdr),
            ),
            tariff_ids=tuple(names),
            before_tax=sdr.claim_before_tax or Decimal(0),
            currency=sdr.currency,
            rounding=Rounding(agreement.rounding) if agreement else Rounding.HALF_UP,
            # The price alone is asked for here: why a claim differs stands on its findings.
            tolerance_money=Decimal("Infinity"),
        )
    )
    return Calculation(
        rerated.priced, rerated.parsed, find_zone(zone_name), rerated.price.failure, versions
    )


def _notice(sdr: Sdr) -> timedelta:
    return timedelta(hours=sdr.agreement.tariff_notice_hours if sdr.agreement else 0)


def _named_in(rated_part: str) -> list[str]:
    """The tariffs that the SDR itself names, its snapshots among them."""
    try:
        parsed = parse_sdr(rated_part)
    except ContentError:
        return []
    names: list[str | None] = [period.tariff_id for period in parsed.charging_periods]
    names += [parsed.tariff_id, *_ids_of(parsed.tariffs or ())]
    return list(dict.fromkeys(name for name in names if name))


class _Named(msgspec.Struct):
    id: str = ""


def _ids_of(snapshots: Iterable[msgspec.Raw]) -> list[str]:
    found = []
    for snapshot in snapshots:
        try:
            found.append(msgspec.json.decode(snapshot, type=_Named).id)
        except (msgspec.DecodeError, UnicodeError):
            continue
    return found


def _named_at(evse: Evse | None, sdr: Sdr) -> list[str]:
    """The tariffs of the connector, where the SDR names none."""
    if evse is None or not Connector.objects.filter(evse=evse).exists():
        return []
    connectors = connectors_of(evse, sdr.home_csp, sdr.connector_id or None)
    return [name for connector in connectors for name in connector.tariff_ids]


def _in_force(sdr: Sdr, names: list[str]) -> tuple[TariffVersion, ...]:
    at = sdr.started_at or sdr.received_at
    scope = Scope(
        environment=sdr.environment,
        visited_cso=sdr.visited_cso,
        home_csp=sdr.home_csp,
        at=at,
        known_at=at,
        notice=_notice(sdr),
    )
    return tuple(versions_in_force(scope, names)) if names else ()


def _value(row: TariffVersion) -> Version:
    return Version(
        row.pk,
        row.visited_cso_id,
        row.home_csp_id,
        row.tariff_id,
        row.valid_from,
        row.valid_to,
        row.received_at,
        row.withdrawn,
        row.body,
        row.on_request,
    )
