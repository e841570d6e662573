"""What a simulated CSO bills: the cost so far of a visit, its SDR, and the SDR of a no-show.

The arithmetic is the operators' own (billing.py): the clearing house re-rates it with its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from roaming.simulator.billing import Bill, bill_by
from roaming.simulator.network import Place
from roaming.simulator.operator.config import Json
from roaming.simulator.operator.stations import ReservationPrices, Stations
from roaming.simulator.operator.visit import Visit
from roaming.simulator.planned_session import Method, PlannedSession
from roaming.simulator.prices import Amount, hours, rounded, steps_up, trimmed
from roaming.simulator.sdr_writer import local_text, write_sdr

A_SECOND = timedelta(seconds=1)


class NoTariffError(LookupError):
    """Nothing was published that prices this."""


def bill_of(visit: Visit, cso: str, stations: Stations, until: datetime) -> Bill:
    """The bill of a visit as it stands, or stood, at `until`. NoTariffError where none prices it.

    Raises ValueError where a tariff is restricted by what this operator does not bill by.
    """
    place = stations.place(visit.evse_id)
    assert place is not None, "only visits at stations of ours begin"
    assert visit.started_at is not None, "only visits that began are billed"
    connector = place.evse.connector(visit.connector_id)
    tariff = stations.tariff(connector, visit.home_csp, visit.started_at)
    if tariff is None:
        raise NoTariffError(f"no tariff {connector.tariff_id!r} prices {visit.evse_id}")
    ended = visit.ended_at or max(until, visit.started_at + A_SECOND)
    session = PlannedSession(
        reference=visit.reference,
        cso=cso,
        csp=visit.home_csp,
        evse_id=visit.evse_id,
        connector_id=visit.connector_id,
        token_uid=visit.token_uid,
        contract_id=visit.contract_id,
        start=visit.started_at,
        end_of_charging=visit.charging_ended_at or ended,
        end=ended,
        energy_kwh=visit.energy_kwh,
        method=Method(visit.method),
    )
    return bill_by(session, place, tariff)


def cost_so_far(bill: Bill) -> Json:
    """UC3-6's cost."""
    total = bill.costs.total
    return {
        "before_tax": rounded(total.before_tax),
        "after_tax": rounded(total.after_tax),
        "currency": bill.tariff.body["currency"],
    }


def sdr_of(visit: Visit, bill: Bill, stations: Stations, *, with_tariff: bool) -> Json:
    """UC3-9 of a visit that has ended."""
    sdr = write_sdr(bill, visit.evidence, with_tariff=False)
    sdr["csp_session_id"] = visit.csp_session_id
    if with_tariff:
        sdr["tariffs"] = [t for t in stations.tariffs if t["id"] == bill.tariff.tariff_id]
    return sdr


@dataclass(frozen=True, slots=True)
class NoShow:
    """A reservation that ran out unused."""

    visit: Visit
    starts_at: datetime
    expires_at: datetime
    currency: str
    tariff_id: str


def sdr_of_no_show(no_show: NoShow, place: Place, prices: ReservationPrices) -> Json:
    """UC3-9 of a no-show: the time for which the EVSE was kept."""
    visit, zone = no_show.visit, place.zone
    seconds = int((no_show.expires_at - no_show.starts_at).total_seconds())
    reserved = hours(seconds)
    cost = Amount()
    for flat in prices.flats:
        cost += Amount.of(hours(3600), flat)
    if prices.time is not None:
        cost += Amount.of(steps_up(reserved, prices.time["step_size"], 3600), prices.time)
    total = {"excl_vat": rounded(cost.before_tax), "incl_vat": rounded(cost.after_tax)}
    start = local_text(no_show.starts_at, zone)
    return {
        "id": f"SDR-{visit.reference}",
        "visited_cso": place.site.operator_id,
        "home_csp": visit.home_csp,
        "service_session_id": visit.session_id or None,
        "cso_session_id": visit.cso_session_id,
        "csp_session_id": visit.csp_session_id,
        "authorization_reference": visit.evidence.authorization_reference,
        "identification": _identification(visit),
        "evse_id": visit.evse_id,
        "connector_id": visit.connector_id,
        "site_id": place.site.site_id,
        "country": place.site.country,
        "time_zone": place.site.time_zone,
        "start_date_time": start,
        "end_date_time": local_text(no_show.expires_at, zone),
        "currency": no_show.currency,
        "tariff_id": no_show.tariff_id,
        "charging_periods": [
            {
                "start_date_time": start,
                "dimensions": [{"type": "RESERVATION_TIME", "volume": trimmed(reserved)}],
                "tariff_id": no_show.tariff_id,
            }
        ],
        "total_energy": 0,
        "total_time": 0,
        "total_reservation_time": trimmed(reserved),
        "total_cost": total,
        "total_reservation_cost": total,
    }


def _identification(visit: Visit) -> Json:
    return {
        "method": visit.method,
        "token_uid": visit.token_uid,
        "contract_id": visit.contract_id,
        "authorised": visit.evidence.authorised,
    }
