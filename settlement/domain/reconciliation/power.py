"""QTY: no connector gives more than it can; a connector is one that its CSO has published."""

from __future__ import annotations

from decimal import Decimal

from settlement.domain.reconciliation.body import BodyCase
from settlement.domain.reconciliation.case import Verdict, number_text
from settlement.domain.reconciliation.tolerances import Allowance

# Meters and published ratings are not exact: a tenth above the rating is no finding.
OVER_RATING = Allowance(share=Decimal("0.1"))


def above_power_and_time(case: BodyCase) -> Verdict | None:
    """QTY-04: more energy than the connector gives at full power from start to end."""
    most = _most_kwh("QTY-04", case, case.hours)
    if most is None or case.energy_kwh - most <= case.tolerances.energy.of(case.energy_kwh):
        return None
    assert case.max_power_kw is not None, "then there would be no limit"
    return Verdict(
        f"{number_text(case.energy_kwh)} kWh",
        f"at most {_brief(case.max_power_kw * case.hours)} kWh:"
        f" {number_text(case.max_power_kw)} kW for {_brief(case.hours)} h",
        case.before_tax,
    )


def above_power_in_a_period(case: BodyCase) -> Verdict | None:
    """QTY-07: a period in which the connector gave more than it can; silent where QTY-04 fires."""
    if case.max_power_kw is None:
        return None
    verdict = _in_a_period(case, case.max_power_kw)
    return None if verdict is None or above_power_and_time(case) is not None else verdict


def _in_a_period(case: BodyCase, max_power_kw: Decimal) -> Verdict | None:
    most_kw = max_power_kw + _over("QTY-07", case).of(max_power_kw)
    for period, hours in case.lasting_periods():
        for dimension in period.dimensions:
            volume = dimension.volume
            if dimension.type == "ENERGY":
                if volume - most_kw * hours <= case.tolerances.energy.of(volume):
                    continue
                claimed = f"{number_text(volume)} kWh in {_brief(hours)} h"
            elif dimension.type == "MAX_POWER" and volume > most_kw:
                claimed = f"{number_text(volume)} kW"
            else:
                continue
            expected = f"at most {number_text(max_power_kw)} kW"
            return Verdict(claimed[:200], expected, case.before_tax)
    return None


def connector_unknown(case: BodyCase) -> Verdict | None:
    """QTY-12: the EVSE is known, but not with this connector."""
    if not case.connector_unknown:
        return None
    return Verdict(case.connector_id, "a connector of this EVSE as its CSO published it", None)


def _most_kwh(rule: str, case: BodyCase, hours: Decimal) -> Decimal | None:
    if case.max_power_kw is None:
        return None
    return (case.max_power_kw + _over(rule, case).of(case.max_power_kw)) * hours


def _over(rule: str, case: BodyCase) -> Allowance:
    return case.tolerances.for_rule(rule, OVER_RATING)


def _brief(value: Decimal) -> str:
    """
    >>> _brief(Decimal("11.00000")), _brief(Decimal(1) / 3)
    ('11', '0.333')
    """
    return f"{value:.3f}".rstrip("0").rstrip(".")
