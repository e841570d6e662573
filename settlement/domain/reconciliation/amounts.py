"""QTY and PRC: the energy adds up, and the price is the one that the tariff in force gives."""

from __future__ import annotations

from roaming.domain.sdr import Severity
from settlement.domain.reconciliation.case import Case, Verdict, number_text


def energy_does_not_add_up(case: Case) -> Verdict | None:
    """QTY-02: the total energy differs from the sum of the periods by more than the tolerance."""
    difference = case.energy_difference_kwh
    if difference is None or abs(difference) <= case.allowed_energy_kwh("QTY-02"):
        return None
    assert case.price.periods_energy is not None, "there is a difference"
    stake = case.money_difference
    return Verdict(
        f"{number_text(case.claim.energy_kwh)} kWh",
        f"{number_text(case.price.periods_energy)} kWh",
        case.claim.before_tax if stake is None else abs(stake),
    )


def total_differs(case: Case) -> Verdict | None:
    """PRC-01: the claim differs from the re-rated total by more than the tolerance.

    The causes are the known mistakes that explain it to the cent; none where nothing does.
    """
    difference = case.money_difference
    if difference is None or abs(difference) <= case.allowed_money("PRC-01"):
        return None
    assert case.price.expected is not None, "there is a difference"
    return Verdict(
        f"{number_text(case.claim.before_tax)} {case.claim.currency}",
        f"{number_text(case.price.expected)} {case.claim.currency}",
        abs(difference),
        case.price.causes,
    )


def not_ratable(case: Case) -> Verdict | None:
    """PRC-02: no price follows from the SDR."""
    if not case.price.failure:
        return None
    return Verdict(case.price.failure, "an SDR that can be rated", case.claim.before_tax)


def other_tariff(case: Case) -> Verdict | None:
    """PRC-04: priced by a tariff that was not in force; a warning where the money agrees anyway."""
    if not case.price.tariff_issue:
        return None
    difference = case.money_difference
    agrees = difference is not None and abs(difference) <= case.allowed_money("PRC-04")
    return Verdict(
        case.price.tariff_claimed,
        case.price.tariff_expected,
        case.claim.before_tax if difference is None else abs(difference),
        (case.price.tariff_issue,),
        Severity.WARNING if agrees else Severity.SEVERE,
    )


def other_currency(case: Case) -> Verdict | None:
    """PRC-05: claims are in the agreement's currency; nothing is converted unasked."""
    if case.terms is None or case.claim.currency == case.terms.currency:
        return None
    return Verdict(case.claim.currency, case.terms.currency, case.claim.before_tax)


def negative_claim(case: Case) -> Verdict | None:
    """PRC-12: money back without a credit that names what it takes back."""
    if case.claim.before_tax >= 0:
        return None
    return Verdict(
        f"{number_text(case.claim.before_tax)} {case.claim.currency}",
        "0 or more; a credit where money goes back",
        abs(case.claim.before_tax),
    )
