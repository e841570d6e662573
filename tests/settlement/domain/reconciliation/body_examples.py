"""For each rule of the body: SDRs that make it fire, and near misses that do not."""

from datetime import timedelta

from settlement.domain.reconciliation.body import BodyCase
from tests.settlement.domain.reconciliation.right import HOUR, TARIFF, TEN, D, body, period

AUTUMN = TEN.replace(day=25, hour=0)  # two o'clock in Berlin, for the first time
SWITCH = {"energy_kwh": D(20), "started_at": AUTUMN, "ended_at": AUTUMN + HOUR}
WITH_MINIMUM = {**TARIFF, "min_price": {"excl_vat": 12, "incl_vat": 14.28}}
TAXED = {"before_taxes": 10, "incl_vat": 11.9}

# rule -> (fires, silent)
BODY_EXAMPLES: dict[str, tuple[list[BodyCase], list[BodyCase]]] = {
    "TIM-10": (
        [
            body(start_date_time="2026-10-05T09:00:00+01:00"),  # Berlin has +02:00 in October
            body(charging_periods=[period(20) | {"start_date_time": "2026-10-05T03:00:00-05:00"}]),
            body(start_date_time="2026-03-29T02:30:00"),  # skipped
        ],
        [
            body(start_date_time="2026-10-05T10:00:00+02:00"),
            body(start_date_time="2026-10-25T02:30:00+01:00", case=SWITCH),  # the second time
            body(start_date_time="2026-10-25T02:30:00+02:00", case=SWITCH),  # the first
            body(start_date_time="2026-10-05T09:00:00+01:00", case={"time_zone": None}),
            body(start_date_time="2026-10-25T02:30:00"),
        ],
    ),
    "QTY-03": (
        [body(meter_end=1025.5), body(meter_end=1020)],
        [body(meter_end=1020.6), body(meter_end=None), body(meter_end=990)],
    ),
    "QTY-04": (
        [
            body(case={"energy_kwh": D(25)}),
            body(case={"ended_at": TEN + timedelta(minutes=40)}),
            body(case={"ended_at": TEN}),
        ],
        [
            body(case={"energy_kwh": D("24.2")}),  # a tenth above the rating
            body(case={"energy_kwh": D(25), "max_power_kw": None}),
        ],
    ),
    "QTY-07": (
        [
            body(charging_periods=[period(15), period(5, 30)]),
            body(charging_periods=[period(20) | {"dimensions": [
                {"type": "ENERGY", "volume": 20}, {"type": "MAX_POWER", "volume": 50}]}]),
        ],
        [
            body(charging_periods=[period(12), period(8, 30)]),
            body(charging_periods=[period(0.01), period(19.99, 0)]),  # crumbs in no time
            body(charging_periods=[period(30)], case={"energy_kwh": D(30)}),  # QTY-04 says so
        ],
    ),
    "QTY-12": ([body(case={"connector_id": "3", "connector_unknown": True})], [body()]),
    "PRC-03": (
        [body(total_energy_cost={"excl_vat": 8}), body(total_fixed_cost=None)],
        [
            body(total_energy_cost={"excl_vat": 9.01}),
            body(total_energy_cost=None, total_fixed_cost=None),
            body(WITH_MINIMUM, total_energy_cost={"excl_vat": 8}),  # the minimum made the total
        ],
    ),
    "PRC-11": (
        [
            body(total_energy_cost={"excl_vat": 8}, total_fixed_cost={"excl_vat": 2}),
            body(total_parking_cost={"excl_vat": 1}),
        ],
        [
            body(total_energy_cost={"excl_vat": 9.005}),
            body(total_energy_cost=None, total_fixed_cost=None),
            body(total_energy_cost={"incl_vat": 8}),
            body(total_energy_cost={"excl_vat": 8}, case={"priced": None}),
        ],
    ),
    "TAX-04": (
        [
            body(total_cost={"excl_vat": 11.9, "incl_vat": 10}),
            body(total_energy_cost={"excl_vat": 9, "incl_vat": 8.99}),
            body(total_cost={"before_taxes": 10, "taxes": [{"amount": -1}]}),
        ],
        [body(), body(total_cost={"excl_vat": 10, "incl_vat": 10}), body(total_cost=None)],
    ),
    "TAX-05": (
        [
            body(total_cost={**TAXED, "taxes": [{"amount": 1.5}]}),
            body(total_cost={"excl_vat": 10, "incl_vat": 12.5}),  # the parts make 11.90
        ],
        [
            body(total_cost={**TAXED, "taxes": [{"amount": 1.9}]}),
            body(total_cost={**TAXED, "taxes": [{"name": "VAT"}]}),
            body(total_cost={"excl_vat": 10, "incl_vat": 11.91}),
            body(total_energy_cost={"excl_vat": 9}),
            body(WITH_MINIMUM, total_cost={"excl_vat": 12, "incl_vat": 14.28}),
        ],
    ),
    "TAX-06": (
        [body(total_energy_cost={"excl_vat": 9}), body(total_cost={"excl_vat": 10})],
        [
            body(),
            body(total_parking_cost={"excl_vat": 0}),
            body(total_cost={"excl_vat": 10}, total_energy_cost=None, total_fixed_cost=None),
        ],
    ),
    "TAX-07": (
        [body(total_cost={"excl_vat": 10, "incl_vat": 10.7})],
        [
            body(total_cost={"excl_vat": 10, "incl_vat": 11.91}),
            body(total_cost={"excl_vat": 10}),
            body(total_cost={"excl_vat": 8, "incl_vat": 9.52}, case={"before_tax": D(8)}),
            body(
                {**TARIFF, "elements": [{"price_components": [
                    {"type": "ENERGY", "price": 0.5, "step_size": 1}]}]},
                total_cost={"excl_vat": 10, "incl_vat": 12},
            ),  # no rate is stated
        ],
    ),
    "DAT-07": (
        [body(charging_periods=[period(20, 2)])],
        [
            body(charging_periods=[period(20, 1)]),
            body(charging_periods=[period(10, 30), period(10)]),  # out of order, not missing
            body(charging_periods=None),
        ],
    ),
    "MTR-01": (
        [body(case={"requires_signed_meter_data": True})],
        [body(), body(meter_data={}, case={"requires_signed_meter_data": True})],
    ),
    "MTR-02": (
        [body(meter_data={"unreadable": "a value has no signed data"})],
        [body(), body(meter_data={"method": "OCMF"})],
    ),
    "MTR-03": (
        [body(meter_data={"energy_kwh": 19.8}), body(meter_data={"energy_kwh": 20.2})],
        [body(meter_data={"energy_kwh": 20.1}), body(meter_data={"unreadable": "x"})],
    ),
    "MTR-04": ([body(meter_end=999)], [body(meter_end=1000.5), body(meter_start=None)]),
}  # fmt: skip
