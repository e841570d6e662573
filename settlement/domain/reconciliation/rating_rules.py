"""The rules under which reconciliation keeps what rating notices beside the price."""

from __future__ import annotations

from roaming.domain.sdr import Severity
from settlement.domain.reconciliation.rule import Rule

# Rating's code -> the rule under which its finding is kept.
WHILE_RATING: dict[str, Rule] = {
    "boundary_inside_period": Rule(
        "PRC-06",
        "Price changes inside a period",
        Severity.WARNING,
        "The tariff changes its price inside a charging period; the state at its start priced it.",
    ),
    "tariff_id_missing": Rule(
        "PRC-07",
        "Period without tariff",
        Severity.WARNING,
        "Some charging periods name their tariff and others do not.",
    ),
    "tariff_not_in_force": Rule(
        "PRC-08",
        "Tariff's own dates",
        Severity.WARNING,
        "By its own start and end the tariff does not hold at the start of the session.",
    ),
    "bounds_contradict": Rule(
        "PRC-09",
        "Bounds contradict",
        Severity.WARNING,
        "The tariff's min_price lies above its max_price.",
    ),
    "periods_not_in_order": Rule(
        "DAT-05",
        "Periods out of order",
        Severity.WARNING,
        "The charging periods do not stand in the order of time; they were rated in that order.",
    ),
    "periods_outside_session": Rule(
        "DAT-06",
        "Period outside the session",
        Severity.WARNING,
        "A charging period starts before the session or after its end.",
    ),
    "currency_in_small_letters": Rule(
        "DAT-08",
        "Currency in small letters",
        Severity.WARNING,
        "The currency is written otherwise than ISO 4217 does; it was read as if it were not.",
    ),
    "rates_without_tax": Rule(
        "TAX-01",
        "Rates without tax",
        Severity.WARNING,
        "The tariff says that no tax applies, and states rates.",
    ),
    "contained_tax_unknown": Rule(
        "TAX-02",
        "Contained tax unknown",
        Severity.SEVERE,
        "Prices contain taxes at rates that the tariff does not state: the total before tax is "
        "unknown.",
    ),
    "added_tax_unknown": Rule(
        "TAX-03",
        "Added tax unknown",
        Severity.WARNING,
        "Taxes are added at rates that the tariff does not state: no total after tax follows.",
    ),
}
OTHER_WHILE_RATING = Rule(
    "PRC-10", "Noted while rating", Severity.WARNING, "Rating noticed something about this SDR."
)
