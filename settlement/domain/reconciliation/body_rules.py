"""The rules of an SDR's body, judged in the pass that rates it."""

from __future__ import annotations

from roaming.domain.sdr import Severity
from settlement.domain.reconciliation import clock, meter, power, sums, taxes
from settlement.domain.reconciliation.rule import BodyRule, Kind, Tolerance

BODY_RULES: tuple[BodyRule, ...] = (
    BodyRule(
        "TIM-10",
        "No such local time",
        Severity.WARNING,
        "A time has an offset from UTC that the site's zone does not have at that moment, or is "
        "one that the zone skips when its clocks go forward.",
        clock.no_such_local_time,
    ),
    BodyRule(
        "QTY-03",
        "Energy is not the meter's",
        Severity.SEVERE,
        "The total energy is not the meter's end less its start.",
        meter.energy_is_not_the_meter_s,
        Tolerance(Kind.ENERGY),
    ),
    BodyRule(
        "QTY-04",
        "Energy above power and time",
        Severity.SEVERE,
        "The connector, as its CSO published it, does not give so much from start to end.",
        power.above_power_and_time,
        Tolerance(Kind.POWER, share=power.OVER_RATING.share),
    ),
    BodyRule(
        "QTY-07",
        "Power above the connector's",
        Severity.WARNING,
        "In one charging period the connector would have given more than it can.",
        power.above_power_in_a_period,
        Tolerance(Kind.POWER, share=power.OVER_RATING.share),
    ),
    BodyRule(
        "QTY-12",
        "Connector unknown",
        Severity.WARNING,
        "The CSO has published this EVSE, but not with this connector.",
        power.connector_unknown,
    ),
    BodyRule(
        "PRC-03",
        "Sub-totals do not add up",
        Severity.WARNING,
        "The costs of the parts do not make the total.",
        sums.sub_totals_do_not_add_up,
        Tolerance(Kind.MONEY),
    ),
    BodyRule(
        "PRC-11",
        "Sub-total differs",
        Severity.WARNING,
        "The cost of a part is not what the tariff in force gives for it.",
        sums.sub_total_differs,
        Tolerance(Kind.MONEY),
    ),
    BodyRule(
        "TAX-04",
        "Inclusive below exclusive",
        Severity.SEVERE,
        "An amount with tax is smaller than the same amount without: they may be swapped.",
        taxes.inclusive_below_exclusive,
    ),
    BodyRule(
        "TAX-05",
        "Taxes do not add up",
        Severity.WARNING,
        "The amounts before tax and the taxes do not make the amounts with tax.",
        taxes.taxes_do_not_add_up,
        Tolerance(Kind.MONEY),
    ),
    BodyRule(
        "TAX-06",
        "Tax left out",
        Severity.WARNING,
        "Some costs state their tax and others do not. Left out means that no tax applies, which "
        "is not the same as a tax of 0.",
        taxes.tax_omitted,
    ),
    BodyRule(
        "TAX-07",
        "Total with tax differs",
        Severity.WARNING,
        "The total before tax is right, the one with tax is not what the tariff gives. Documents "
        "take their tax from the clearing house's own rules.",
        taxes.total_with_tax_differs,
        Tolerance(Kind.MONEY),
    ),
    BodyRule(
        "DAT-07",
        "No period at the start",
        Severity.WARNING,
        "The first charging period begins later than the session: what happened before is missing.",
        clock.starts_without_period,
        Tolerance(Kind.TIME),
    ),
    BodyRule(
        "MTR-01",
        "Signed meter data missing",
        Severity.SEVERE,
        "The agreement requires signed meter data, and the SDR came without.",
        meter.signed_data_absent,
    ),
    BodyRule(
        "MTR-02",
        "Signed meter data unreadable",
        Severity.SEVERE,
        "The signed meter data cannot be read, so nobody can check it. Whether a signature holds "
        "is for who has the meter's key: the data is passed on untouched.",
        meter.signed_data_unreadable,
    ),
    BodyRule(
        "MTR-03",
        "Signed energy differs",
        Severity.SEVERE,
        "The meter has signed another energy than the SDR claims.",
        meter.signed_energy_differs,
        Tolerance(Kind.ENERGY),
    ),
    BodyRule(
        "MTR-04",
        "Meter runs backwards",
        Severity.WARNING,
        "The meter stood lower at the end of the session than at its start.",
        meter.meter_runs_backwards,
    ),
)
