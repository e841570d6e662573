"""The SDR as it arrives, in our native form (IEC 63119-2, Annex B)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from operator import attrgetter
from typing import Annotated

import msgspec

from roaming.domain.sdr.meter_data import MeterData, read_meter_data

NOT_SENT = msgspec.Raw()
Moment = Annotated[datetime, msgspec.Meta(extra_json_schema={"format": "date-time"})]


class IdentificationPart(msgspec.Struct, kw_only=True, frozen=True):
    """How the user identified, and who authorised (5.6)."""

    method: str = ""
    token_uid: str = ""
    contract_id: str = ""
    authorised: str = ""


class TaxPart(msgspec.Struct, kw_only=True, frozen=True):
    """OCPI 2.3.0's TaxAmount."""

    name: str = ""
    amount: Decimal | None = None
    percentage: Decimal | None = None


class Cost(msgspec.Struct, kw_only=True, frozen=True):
    """OCPI's Price, 2.2.1 (excl_vat, incl_vat) or 2.3.0 (before_taxes, taxes)."""

    excl_vat: Decimal | None = None
    incl_vat: Decimal | None = None
    before_taxes: Decimal | None = None
    taxes: list[TaxPart] | None = None

    def amounts(self) -> Iterator[tuple[str, Decimal]]:
        """Every number with its field name."""
        if self.excl_vat is not None:
            yield "excl_vat", self.excl_vat
        if self.incl_vat is not None:
            yield "incl_vat", self.incl_vat
        if self.before_taxes is not None:
            yield "before_taxes", self.before_taxes
        for index, tax in enumerate(self.taxes or ()):
            if tax.amount is not None:
                yield f"taxes[{index}].amount", tax.amount

    @property
    def before_tax(self) -> Decimal | None:
        return self.before_taxes if self.excl_vat is None else self.excl_vat

    @property
    def after_tax(self) -> Decimal | None:
        """Including tax, or None where the claim does not say or its taxes cannot be read."""
        if self.incl_vat is not None or self.before_taxes is None or self.taxes is None:
            return self.incl_vat
        amounts = [tax.amount for tax in self.taxes]
        if any(amount is None for amount in amounts):
            return None
        return sum((amount for amount in amounts if amount is not None), self.before_taxes)


class SdrMessage(msgspec.Struct, kw_only=True, frozen=True):
    """UC3-9, native form. Unknown extra fields are allowed and kept in the original.

    Units: kWh, hours; money in `currency`. Periods and tariffs use OCPI's vocabulary and stay raw
    here: they are rated later, and what is wrong with them is a finding.
    """

    id: str
    visited_cso: str
    home_csp: str
    service_session_id: str | None = None
    cso_session_id: str | None = None
    csp_session_id: str | None = None
    authorization_reference: str | None = None
    identification: IdentificationPart = IdentificationPart()
    evse_id: str = ""
    connector_id: str | None = None
    power_type: str | None = None
    site_id: str | None = None
    country: str | None = None
    time_zone: str | None = None
    start_date_time: Moment | None = None
    end_date_time: Moment | None = None
    currency: str = ""
    tariff_id: str | None = None
    tariffs: msgspec.Raw = msgspec.field(default_factory=msgspec.Raw)
    charging_periods: msgspec.Raw = msgspec.field(default_factory=msgspec.Raw)
    total_energy: Decimal | None = None
    total_time: Decimal | None = None
    total_parking_time: Decimal | None = None
    total_reservation_time: Decimal | None = None
    total_cost: Cost | None = None
    total_energy_cost: Cost | None = None
    total_fixed_cost: Cost | None = None
    total_time_cost: Cost | None = None
    total_parking_cost: Cost | None = None
    total_reservation_cost: Cost | None = None
    meter_start: Decimal | None = None
    meter_end: Decimal | None = None
    signed_data: msgspec.Raw = msgspec.field(default_factory=msgspec.Raw)
    credit: bool = False
    credit_reference_id: str | None = None

    def decimals(self) -> Iterator[tuple[str, Decimal]]:
        """Every number of the envelope with its field name."""
        for name, value in zip(_DECIMAL_FIELDS, _decimals_of(self), strict=True):
            if value is not None:
                yield name, value
        for name, cost in zip(_COST_FIELDS, _costs_of(self), strict=True):
            if cost is not None:
                for part, amount in cost.amounts():
                    yield f"{name}.{part}", amount


_DECIMAL_FIELDS = (
    "total_energy",
    "total_time",
    "total_parking_time",
    "total_reservation_time",
    "meter_start",
    "meter_end",
)
_COST_FIELDS = (
    "total_cost",
    "total_energy_cost",
    "total_fixed_cost",
    "total_time_cost",
    "total_parking_cost",
    "total_reservation_cost",
)
_decimals_of = attrgetter(*_DECIMAL_FIELDS)
_costs_of = attrgetter(*_COST_FIELDS)


class RatedPart(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """The fields that rating reads, and nothing that names a person (kept beside the SDR row)."""

    id: str
    start_date_time: Moment | None = None
    end_date_time: Moment | None = None
    currency: str = ""
    tariff_id: str | None = None
    tariffs: msgspec.Raw = NOT_SENT
    charging_periods: msgspec.Raw = NOT_SENT
    total_energy: Decimal | None = None
    total_time: Decimal | None = None
    total_parking_time: Decimal | None = None
    total_reservation_time: Decimal | None = None
    total_cost: Cost | None = None
    total_energy_cost: Cost | None = None
    total_fixed_cost: Cost | None = None
    total_time_cost: Cost | None = None
    total_parking_cost: Cost | None = None
    total_reservation_cost: Cost | None = None
    meter_start: Decimal | None = None
    meter_end: Decimal | None = None
    credit: bool = False
    meter_data: MeterData | None = None

    @classmethod
    def of(cls, message: SdrMessage) -> RatedPart:
        values = dict(zip(_RATED_FIELDS, _rated_of(message), strict=True))
        if bytes(message.signed_data):
            values["meter_data"] = read_meter_data(bytes(message.signed_data))
        for name in ("tariffs", "charging_periods"):
            if not bytes(values[name]):
                values[name] = NOT_SENT  # the very default: only that is left out
        return cls(**values)


# What is seen of the meter data is read, all else is as it was sent.
_RATED_FIELDS = tuple(name for name in RatedPart.__struct_fields__ if name != "meter_data")
_rated_of = attrgetter(*_RATED_FIELDS)
