"""The known mistakes: what each is called, what it means for people, and what it changes.

The codes are stable: they stand on findings as their causes, two that were made together as
`step_twice+tax_left_in`. Where several explain a claim they are listed in the order given here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from settlement.domain.reconciliation.mistakes.manner import (
    Bounds,
    Cents,
    Clock,
    Energy,
    Fee,
    Prices,
    Steps,
    Tax,
    Times,
)


@dataclass(frozen=True, slots=True)
class Mistake:
    """`meaning` completes the sentence "The claim is what follows when ...".

    `advice` is for who made it. `decisions` are the wrong decisions in one aspect, any of which is
    this mistake; those of the tariff are worked out for each SDR.
    """

    code: str
    title: str
    meaning: str
    advice: str
    aspect: str
    decisions: tuple[Enum, ...] = ()


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        "older_version",
        "Older tariff version",
        "an older version of the tariff is applied than the one in force at the session's start",
        "Bill each session by the version in force when it started.",
        "tariff",
    ),
    Mistake(
        "later_version",
        "Later tariff version",
        "a later version of the tariff is applied than the one in force at the session's start",
        "A new version prices the sessions that start after it is valid, not those before.",
        "tariff",
    ),
    Mistake(
        "general_tariff",
        "General instead of individual tariff",
        "the tariff for everybody is applied though one for this home-CSP was in force",
        "Bill by the version that was announced for this home-CSP.",
        "tariff",
    ),
    Mistake(
        "individual_tariff",
        "Individual instead of general tariff",
        "a version for this home-CSP is applied that was not in force",
        "Bill by the version for everybody where none for this home-CSP is in force.",
        "tariff",
    ),
    Mistake(
        "shown_tariff",
        "Tariff of the SDR itself",
        "the tariff that the SDR shows is applied, which was never announced",
        "Announce every tariff before it prices a session.",
        "tariff",
    ),
    Mistake(
        "utc_restrictions",
        "Restrictions in UTC",
        "times of day and days of the week are read in UTC instead of the site's local time",
        "Restrictions are meant in the local time of the site.",
        "clock",
        (Clock.UTC,),
    ),
    Mistake(
        "step_per_period",
        "Step size per period",
        "the step size rounds each charging period up instead of the session once",
        "Round the total of the session up, once, by the step of the last price.",
        "steps",
        (Steps.PER_PERIOD, Steps.PER_PERIOD_ENERGY, Steps.PER_PERIOD_TIME),
    ),
    Mistake(
        "step_twice",
        "One step too many",
        "a whole step is added to a total that is rounded up already",
        "A volume that is a multiple of its step stays as it is.",
        "steps",
        (Steps.ONE_MORE_ENERGY, Steps.ONE_MORE_TIME),
    ),
    Mistake(
        "step_ignored",
        "Step size ignored",
        "no step size is applied",
        "Round the total of the session up by the step of the last price.",
        "steps",
        (Steps.NONE,),
    ),
    Mistake(
        "tax_left_in",
        "Amount with tax claimed as before tax",
        "the total with tax is claimed as the total before tax",
        "What is settled is the total before tax.",
        "tax",
        (Tax.LEFT_IN,),
    ),
    Mistake(
        "tax_taken_out",
        "Tax taken out of prices before tax",
        "prices before tax are read as prices that contain it, and the tax is taken out of them",
        "The tariff's prices are before tax: add it, do not take it out.",
        "tax",
        (Tax.TAKEN_OUT,),
    ),
    Mistake(
        "parking_as_time",
        "Parking priced as charging time",
        "the time after charging is billed at the price of charging time (nothing, without one)",
        "Price the time without charging by the tariff's PARKING_TIME.",
        "times",
        (Times.PARKING_IS_TIME,),
    ),
    Mistake(
        "time_as_parking",
        "Charging time priced as parking",
        "the time of charging is billed at the price of parking",
        "Price parking from the end of charging on, not from the start of the session.",
        "times",
        (Times.TIME_IS_PARKING,),
    ),
    Mistake(
        "flat_twice",
        "Flat fee twice",
        "the flat fee is charged twice",
        "The flat fee is due once per session.",
        "fee",
        (Fee.TWICE,),
    ),
    Mistake(
        "flat_per_period",
        "Flat fee per period",
        "the flat fee is charged in each charging period",
        "The flat fee is due once per session.",
        "fee",
        (Fee.PER_PERIOD,),
    ),
    Mistake(
        "min_price_ignored",
        "Minimum price ignored",
        "the tariff's min_price is not applied",
        "A total below the min_price is lifted to it.",
        "bounds",
        (Bounds.WITHOUT_MIN,),
    ),
    Mistake(
        "max_price_ignored",
        "Maximum price ignored",
        "the tariff's max_price is not applied",
        "A total above the max_price is cut to it.",
        "bounds",
        (Bounds.WITHOUT_MAX,),
    ),
    Mistake(
        "energy_not_sum",
        "Stated energy billed",
        "the total energy that the SDR states is billed, which is not the sum of its periods",
        "Bill what the charging periods add up to, or correct them.",
        "energy",
        (Energy.STATED,),
    ),
    Mistake(
        "price_of_start",
        "Price of the start throughout",
        "the whole session is billed at the prices of its first instant",
        "Where the tariff changes its price, start a charging period and bill it at its own.",
        "prices",
        (Prices.AT_START,),
    ),
    Mistake(
        "switch_inside_period",
        "Price changes inside a period",
        "the price changes inside a charging period, which counts as its share of time or energy",
        "Start a charging period wherever the tariff changes its price.",
        "prices",
        (Prices.AT_BOUNDARIES,),
    ),
    Mistake(
        "rounded_otherwise",
        "Rounded otherwise than agreed",
        "the total is rounded up where half up is agreed, or half up where up is agreed",
        "Round once per SDR, as the agreement says.",
        "cents",
        (Cents.OTHERWISE,),
    ),
    Mistake(
        "rounded_per_period",
        "Rounded per period",
        "each price of each charging period is rounded to the cent, half up, and then added",
        "Add up unrounded, and round once per SDR.",
        "cents",
        (Cents.PER_PERIOD,),
    ),
    Mistake(
        "rounded_up_per_period",
        "Rounded up per period",
        "each price of each charging period is rounded up to the cent, and then added",
        "Add up unrounded, and round once per SDR, as the agreement says.",
        "cents",
        (Cents.PER_PERIOD_UP,),
    ),
)

BY_CODE = {mistake.code: mistake for mistake in MISTAKES}
RANK = {mistake.code: rank for rank, mistake in enumerate(MISTAKES)}


def joined(codes: tuple[str, ...]) -> str:
    """One cause out of the mistakes that were made together, in the registry's order.

    >>> joined(("tax_left_in", "step_twice"))
    'step_twice+tax_left_in'
    """
    return "+".join(sorted(codes, key=RANK.__getitem__))


def mistakes_in(cause: str) -> tuple[Mistake, ...]:
    """The mistakes that a cause names; () where it is no cause of a total.

    >>> [mistake.title for mistake in mistakes_in("step_twice+tax_left_in")]
    ['One step too many', 'Amount with tax claimed as before tax']
    >>> mistakes_in("not_published")
    ()
    """
    found = [BY_CODE.get(code) for code in cause.split("+")]
    return tuple(mistake for mistake in found if mistake is not None) if all(found) else ()
