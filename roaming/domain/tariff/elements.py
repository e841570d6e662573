"""TariffElement, PriceComponent and TariffRestrictions (OCPI mod_tariffs, 2.2.1 and 2.3.0)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

import msgspec

from roaming.domain.tariff.decoding import check_number

ComponentType = Literal["ENERGY", "FLAT", "PARKING_TIME", "TIME"]
Reservation = Literal["RESERVATION", "RESERVATION_EXPIRES"]
Weekday = Literal["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"]
TimeOfDay = Annotated[str, msgspec.Meta(pattern=r"^([0-1][0-9]|2[0-3]):[0-5][0-9]\Z")]


class TaxRate(msgspec.Struct, frozen=True, kw_only=True):
    """One of several taxes of a component, such as Canada's GST and QST; percent of the net price.

    2.3.0 lists taxes in its Price; on a component the list is read where it is sent.
    """

    name: str
    percentage: Decimal | None = None
    account_number: str | None = None

    def __post_init__(self) -> None:
        _check_percentage("percentage", self.percentage)


class PriceComponent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The price of one dimension: per kWh, per hour, or flat, in the tariff's currency.

    `step_size` is in Wh or seconds; 0 and null count as 1. An omitted `vat` is "no VAT applicable".
    """

    type: ComponentType
    price: Decimal
    vat: Decimal | None = None
    taxes: tuple[TaxRate, ...] | None = None
    step_size: Decimal | None = Decimal(1)

    def __post_init__(self) -> None:
        step = self.step_size
        if step is None:
            step = Decimal(1)
            msgspec.structs.force_setattr(self, "step_size", step)
        check_number("price", self.price)
        check_number("step_size", step)
        _check_percentage("vat", self.vat)
        if step < 0 or step != step.to_integral_value():
            raise ValueError("`step_size` is a whole number, 0 or more")


class TariffRestrictions(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """When an element applies: all that is given must hold. Times and dates are the site's.

    kWh, A (sum over the phases), kW, seconds. `booking` belongs to 2.3.0's booking module.
    """

    start_time: TimeOfDay | None = None
    end_time: TimeOfDay | None = None
    start_date: date | None = None
    end_date: date | None = None
    min_kwh: Decimal | None = None
    max_kwh: Decimal | None = None
    min_current: Decimal | None = None
    max_current: Decimal | None = None
    min_power: Decimal | None = None
    max_power: Decimal | None = None
    min_duration: Decimal | None = None
    max_duration: Decimal | None = None
    day_of_week: tuple[Weekday, ...] | None = None
    reservation: Reservation | None = None
    booking: str | None = None

    def __post_init__(self) -> None:
        for name in _NUMBERS:
            check_number(name, getattr(self, name))


_NUMBERS = tuple(
    f"{bound}_{quantity}"
    for quantity in ("kwh", "current", "power", "duration")
    for bound in ("min", "max")
)


class TariffElement(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Price components that share their restrictions."""

    price_components: Annotated[
        tuple[PriceComponent, ...], msgspec.Meta(min_length=1, max_length=10)
    ]
    restrictions: TariffRestrictions | None = None


def _check_percentage(name: str, value: Decimal | None) -> None:
    check_number(name, value)
    if value is not None and not 0 <= value <= 100:
        raise ValueError(f"`{name}` is a percentage from 0 to 100")
