"""Rating as one would first write it: JSON into dicts, every rule looked up for every period.

The reference of B4. It does what the product does for these tariffs, lines included, with nothing
prepared: the standard library's JSON with exact decimals, ISO times, and restrictions read from the
tariff's own dict each time.
"""

from __future__ import annotations

import json
from datetime import date, datetime, time, timedelta
from decimal import ROUND_CEILING, Decimal
from typing import Any
from zoneinfo import ZoneInfo

# What step sizes count: Wh and seconds, of volumes in kWh and hours.
UNITS = {"FLAT": 1, "ENERGY": 1000, "TIME": 3600, "PARKING_TIME": 3600}
WEEKDAYS = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"]


def load(content: bytes) -> dict[str, Any]:
    """A document with exact decimals."""
    loaded: dict[str, Any] = json.loads(content, parse_float=Decimal)
    return loaded


def rate(cdr: dict[str, Any], tariff: dict[str, Any], zone: ZoneInfo) -> dict[str, Any]:
    """Totals, lines and findings of one CDR under one tariff."""
    start = datetime.fromisoformat(cdr["start_date_time"])
    periods = cdr["charging_periods"]
    energy = Decimal(0)
    lines: list[dict[str, Any]] = []
    findings: list[str] = []
    flat_charged = False
    for index, period in enumerate(periods):
        begin = datetime.fromisoformat(period["start_date_time"])
        following = periods[index + 1] if index + 1 < len(periods) else None
        end = datetime.fromisoformat(
            following["start_date_time"] if following else cdr["end_date_time"]
        )
        volumes = {d["type"]: Decimal(d["volume"]) for d in period["dimensions"]}
        at_start = state_at(begin, start, energy, volumes, zone)
        energy += volumes.get("ENERGY", Decimal(0))
        at_end = state_at(end - timedelta(microseconds=1), start, energy, volumes, zone)
        for dimension in ("FLAT", "ENERGY", "TIME", "PARKING_TIME"):
            if dimension == "FLAT":
                volume = Decimal(0 if flat_charged else 1)
            else:
                volume = volumes.get(dimension, Decimal(0))
            if not volume:
                continue
            component = find_component(tariff, dimension, at_start)
            if dimension != "FLAT" and component is not find_component(tariff, dimension, at_end):
                findings.append(f"period {index}: {dimension} changes its price inside")
            if component is not None:
                flat_charged = flat_charged or dimension == "FLAT"
                lines.append(
                    {
                        "period": index,
                        "dimension": dimension,
                        "component": component,
                        "steps": volume * UNITS[dimension],
                    }
                )
    apply_step_sizes(lines)
    return {**totals(lines, tariff), "findings": findings}


def state_at(
    moment: datetime,
    session_start: datetime,
    energy: Decimal,
    volumes: dict[str, Decimal],
    zone: ZoneInfo,
) -> dict[str, Any]:
    return {
        "local": moment.astimezone(zone),
        "energy": energy,
        "duration": Decimal((moment - session_start).total_seconds()),
        "volumes": volumes,
    }


def find_component(
    tariff: dict[str, Any], dimension: str, state: dict[str, Any]
) -> dict[str, Any] | None:
    for element in tariff["elements"]:
        for component in element["price_components"]:
            if component["type"] == dimension and matches(element.get("restrictions"), state):
                found: dict[str, Any] = component
                return found
    return None


def matches(restrictions: dict[str, Any] | None, state: dict[str, Any]) -> bool:  # noqa: PLR0912
    if not restrictions:
        return True
    local, volumes = state["local"], state["volumes"]
    checks = []
    if "start_time" in restrictions or "end_time" in restrictions:
        first = time.fromisoformat(restrictions.get("start_time", "00:00"))
        last = time.fromisoformat(restrictions.get("end_time", "00:00"))
        now = local.time()
        if last == time(0):
            checks.append(now >= first)
        elif last < first:
            checks.append(now >= first or now < last)
        else:
            checks.append(first <= now < last)
    if "start_date" in restrictions:
        checks.append(local.date() >= date.fromisoformat(restrictions["start_date"]))
    if "end_date" in restrictions:
        checks.append(local.date() < date.fromisoformat(restrictions["end_date"]))
    if restrictions.get("day_of_week"):
        checks.append(WEEKDAYS[local.weekday()] in restrictions["day_of_week"])
    if "min_kwh" in restrictions:
        checks.append(state["energy"] >= restrictions["min_kwh"])
    if "max_kwh" in restrictions:
        checks.append(state["energy"] < restrictions["max_kwh"])
    if "min_duration" in restrictions:
        checks.append(state["duration"] >= restrictions["min_duration"])
    if "max_duration" in restrictions:
        checks.append(state["duration"] < restrictions["max_duration"])
    if "min_current" in restrictions:
        checks.append(volumes["MIN_CURRENT"] >= restrictions["min_current"])
    if "max_current" in restrictions:
        checks.append(volumes["MAX_CURRENT"] < restrictions["max_current"])
    if "min_power" in restrictions:
        checks.append(volumes["MIN_POWER"] >= restrictions["min_power"])
    if "max_power" in restrictions:
        checks.append(volumes["MAX_POWER"] < restrictions["max_power"])
    return all(checks)


def apply_step_sizes(lines: list[dict[str, Any]]) -> None:
    paid = [line for line in lines if line["component"]["price"] != 0]
    energies = [line for line in paid if line["dimension"] == "ENERGY"]
    if energies:
        round_up(energies)
    times = [line for line in paid if line["dimension"] in ("TIME", "PARKING_TIME")]
    if times:
        last = times[-1]["dimension"]
        round_up([line for line in times if line["dimension"] == last])


def round_up(lines: list[dict[str, Any]]) -> None:
    step = Decimal(lines[-1]["component"].get("step_size") or 1)
    tolerance = Decimal("0.000001") * UNITS[lines[-1]["dimension"]]
    total = sum((line["steps"] for line in lines), Decimal(0))
    nearest = (total / step).to_integral_value() * step
    if abs(nearest - total) > tolerance:
        nearest = (total / step).to_integral_value(ROUND_CEILING) * step
    lines[-1]["steps"] += nearest - total


def totals(lines: list[dict[str, Any]], tariff: dict[str, Any]) -> dict[str, Any]:
    before = after = Decimal(0)
    for line in lines:
        component = line["component"]
        line["amount"] = line["steps"] * component["price"] / UNITS[line["dimension"]]
        line["tax"] = line["amount"] * component.get("vat", Decimal(0)) / 100
        before += line["amount"]
        after += line["amount"] + line["tax"]
    for bound, which in (("min_price", max), ("max_price", min)):
        if bound in tariff:
            before = which(before, tariff[bound]["excl_vat"])
            after = which(after, tariff[bound]["incl_vat"])
    return {"total_before_tax": before, "total_after_tax": after, "lines": lines}
