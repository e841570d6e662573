"""Claims as somebody makes them who is mistaken: arithmetic of the test's own, by hand."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal

from roaming.domain.tariff import Asked, Version
from settlement.domain.reconciliation.case import PriceEvidence
from settlement.domain.reconciliation.rerating import Rerater, ToRerate
from settlement.domain.reconciliation.tariff_store import TariffStore

D = Decimal
# 19:30 in Berlin: the evening price begins half an hour later, in UTC only two hours after that.
START = datetime(2026, 10, 5, 17, 30, tzinfo=UTC)
EVENING = START + timedelta(minutes=30)
PARKING = START + timedelta(minutes=60)
LEAST, MOST = D("6"), D("19")
OWN_CSP = 7


def tariff(day: str, evening: str, fee: str = "0.50", **more: object) -> str:
    """By day and in the evening per kWh begun, charging and parking by the quarter of an hour."""

    def component(kind: str, price: str, step: int = 1) -> dict[str, object]:
        return {"type": kind, "price": float(price), "vat": 20, "step_size": step}

    always = [
        component("FLAT", fee),
        component("TIME", "0.60", 900),
        component("PARKING_TIME", "2.40", 900),
    ]
    body = {
        "id": "AC",
        "currency": "EUR",
        "elements": [
            {
                "price_components": [component("ENERGY", day, 1000)],
                "restrictions": {"start_time": "08:00", "end_time": "20:00"},
            },
            {"price_components": [component("ENERGY", evening, 1000), *always]},
            {"price_components": always},
        ],
        "min_price": {"excl_vat": float(LEAST), "incl_vat": float(LEAST * D("1.2"))},
        "max_price": {"excl_vat": float(MOST), "incl_vat": float(MOST * D("1.2"))},
        **more,
    }
    return json.dumps(body)


def version(
    number: int, body: str, days: int, home_csp: int | None = None, on_request: bool = False
) -> Version:
    """Valid from so many days before the session, received a month before it."""
    return Version(
        version_id=number,
        visited_cso_id=1,
        home_csp_id=home_csp,
        tariff_id="AC",
        valid_from=START - timedelta(days=days),
        valid_to=None,
        received_at=START - timedelta(days=90),
        withdrawn=False,
        body=body,
        on_request=on_request,
    )


OLD = version(1, tariff("0.33", "0.21"), 60)
NOW = version(2, tariff("0.37", "0.29"), 20)
LATER = version(3, tariff("0.41", "0.34"), -10)
PRICES = {"older_version": ("0.33", "0.21"), "later_version": ("0.41", "0.34")}


@dataclass(frozen=True)
class Session:
    """Wh by day and in the evening, seconds of charging time and of parking, Wh claimed besides."""

    day_wh: int
    evening_wh: int
    parking_s: int
    besides_wh: int = 1700

    def claim(self, *made: str) -> Decimal:
        """The total before tax that follows from these mistakes, none for the right one."""
        day, evening = PRICES.get(next((m for m in made if m in PRICES), ""), ("0.37", "0.29"))
        if "utc_restrictions" in made or "price_of_start" in made:
            evening = day
        kwh = [D(self.day_wh) / 1000, D(self.evening_wh) / 1000]
        if "energy_not_sum" in made:
            kwh[1] += D(self.besides_wh) / 1000
        amounts = self._energy(kwh, (D(day), D(evening)), made) + self._times(made)
        amounts += [D("0.50")] * (2 if "flat_twice" in made else 1)
        if "flat_per_period" in made:
            amounts += [D("0.50")] * (2 if self.parking_s else 1)
        return self._total(amounts, made)

    def _energy(
        self, kwh: list[Decimal], prices: tuple[Decimal, Decimal], made: tuple[str, ...]
    ) -> list[Decimal]:
        if "step_per_period" in made:
            kwh = [up(volume, D(1)) for volume in kwh]
        elif "step_ignored" not in made:
            kwh[1] += up(sum(kwh), D(1)) - sum(kwh)
        if "step_twice" in made and not self.parking_s:
            kwh[1] += 1
        return [volume * price for volume, price in zip(kwh, prices, strict=True)]

    def _times(self, made: tuple[str, ...]) -> list[Decimal]:
        """Half an hour before and half an hour after eight, and the parking, in hours."""
        quarter = D("0.25")
        time, parking = [D("0.5"), D("0.5")], [D(self.parking_s) / 3600] if self.parking_s else []
        if "parking_as_time" in made:
            time, parking = [*time, *parking], []
        if "time_as_parking" in made:
            time, parking = [], [*time, *parking]
        last = parking or time  # only what is paid last is rounded
        if "step_per_period" in made:
            time, parking = [up(v, quarter) for v in time], [up(v, quarter) for v in parking]
        elif "step_ignored" not in made:
            last[-1] += up(sum(last), quarter) - sum(last)
        if "step_twice" in made and self.parking_s:
            last[-1] += quarter
        return [v * D("0.60") for v in time] + [v * D("2.40") for v in parking]

    def _total(self, amounts: list[Decimal], made: tuple[str, ...]) -> Decimal:
        taxed = [amount * D("1.2") for amount in amounts]
        if "tax_taken_out" in made:
            amounts, taxed = [amount / D("1.2") for amount in amounts], amounts
        for mistake, rounding in (
            ("rounded_per_period", ROUND_HALF_UP),
            ("rounded_up_per_period", ROUND_CEILING),
        ):
            if mistake in made:
                amounts = [cents(amount, rounding) for amount in amounts]
                taxed = [cents(amount, rounding) for amount in taxed]
        before, after = sum(amounts), sum(taxed)
        if "min_price_ignored" not in made:
            before, after = max(before, LEAST), max(after, LEAST * D("1.2"))
        if "max_price_ignored" not in made:
            before, after = min(before, MOST), min(after, MOST * D("1.2"))
        rounding = ROUND_CEILING if "rounded_otherwise" in made else ROUND_HALF_UP
        return cents(after if "tax_left_in" in made else before, rounding)

    def part(self, **more: object) -> str:
        """What rating reads of its SDR."""

        def period(start: datetime, **dimensions: Decimal) -> dict[str, object]:
            return {
                "start_date_time": start.isoformat(),
                "dimensions": [
                    {"type": kind, "volume": float(volume)} for kind, volume in dimensions.items()
                ],
            }

        half = D("0.5")
        periods = [
            period(START, ENERGY=D(self.day_wh) / 1000, TIME=half),
            period(EVENING, ENERGY=D(self.evening_wh) / 1000, TIME=half),
        ]
        if self.parking_s:
            periods.append(period(PARKING, PARKING_TIME=D(self.parking_s) / 3600))
        wh = self.day_wh + self.evening_wh + self.besides_wh
        content = {
            "start_date_time": START.isoformat(),
            "end_date_time": (PARKING + timedelta(seconds=self.parking_s)).isoformat(),
            "currency": "EUR",
            "tariff_id": "AC",
            "charging_periods": periods,
            "total_energy": wh / 1000,
        }
        return json.dumps({**content, **more})


def up(volume: Decimal, step: Decimal) -> Decimal:
    """To the next multiple; a multiple but for a millionth stays."""
    return (volume / step - D("0.000001")).to_integral_value(ROUND_CEILING) * step


def cents(amount: Decimal, rounding: str) -> Decimal:
    return amount.quantize(D("1e-9")).quantize(D("0.01"), rounding)


def judged(
    part: str,
    claim: Decimal,
    versions: tuple[Version, ...] = (OLD, NOW, LATER),
    tolerance: str = "0",
) -> PriceEvidence:
    """What reconciliation makes of a claim, for the home-CSP `OWN_CSP`."""
    return (
        Rerater(TariffStore(versions))
        .rerate(
            ToRerate(
                rated_part=part,
                time_zone="Europe/Berlin",
                asked=Asked(1, OWN_CSP, START),
                tariff_ids=(),
                before_tax=claim,
                currency="EUR",
                tolerance_money=D(tolerance),
            )
        )
        .price
    )
