"""What an honest operator bills, in numbers that can be checked by hand."""

import doctest
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest

from roaming.domain.charging_periods import ChargingPeriod
from roaming.domain.sdr import SdrMessage, absurd_number, door_findings
from roaming.simulator import billing, months, perth_rows
from roaming.simulator.billing import Bill, bill
from roaming.simulator.planned_session import Method, PlannedSession
from roaming.simulator.prices import component_at, rounded
from roaming.simulator.sdr_writer import Evidence, to_json, write_sdr
from tests.roaming.simulator.worlds import october, october_sessions


def session(evse_id: str, start: str, minutes: tuple[int, int], kwh: str) -> PlannedSession:
    """`start` in UTC; minutes of charging and of parking."""
    began = datetime.fromisoformat(start).replace(tzinfo=UTC)
    charged = began + timedelta(minutes=minutes[0])
    return PlannedSession(
        reference="T-1",
        cso=evse_id[:6],
        csp="DE-FSK",
        evse_id=evse_id,
        connector_id="1",
        token_uid="04A2B3C4",
        contract_id="DEFSK000000001",
        start=began,
        end_of_charging=charged,
        end=charged + timedelta(minutes=minutes[1]),
        energy_kwh=Decimal(kwh),
        method=Method.RFID,
    )


def totals(billed: Bill) -> tuple[str, str]:
    total = billed.costs.total
    return str(rounded(total.before_tax)), str(rounded(total.after_tax))


def test_the_examples_in_the_documentation_are_true() -> None:
    for module in (billing, months, perth_rows):
        assert doctest.testmod(module).failed == 0


def test_energy_at_one_price_is_energy_times_price() -> None:
    billed = bill(session("DE*NLN*E1*01", "2026-10-05T08:00", (60, 0), "10.5"), october())
    assert totals(billed) == ("5.15", "6.12")  # 10.5 x 0.49 = 5.145; x 1.19 = 6.12255
    assert len(billed.stretches) == 1


def test_a_session_across_the_night_tariff_is_split_and_rounded_up_once() -> None:
    # 19:30 to 20:30 in Berlin, 20.4 kWh: half before 20:00 at 0.62, half after at 0.51, and the
    # kWh begun at the last price: 10.2 x 0.62 + 10.8 x 0.51 = 6.324 + 5.508 = 11.832
    billed = bill(session("DE*NLN*E1*51", "2026-10-05T17:30", (60, 0), "20.4"), october())
    assert [s.energy_kwh for s in billed.stretches] == [Decimal("10.2"), Decimal("10.2")]
    assert billed.costs.total.before_tax == Decimal("11.832")
    assert totals(billed) == ("11.83", "14.08")


def test_parking_is_billed_by_the_quarter_of_an_hour_begun() -> None:
    # 1 fee 0.50 + 20 kWh x 0.42 + 40 min parking = 3 quarters x 2.40 / 4 = 0.5 + 8.4 + 1.8
    billed = bill(session("DE*SHL*E1*01", "2026-10-05T08:00", (120, 40), "20"), october())
    assert totals(billed) == ("10.70", "12.73")
    assert billed.costs.parking.before_tax == Decimal("1.8")
    assert billed.costs.fixed.before_tax == Decimal("0.5")
    # exactly three quarters stay three quarters
    billed = bill(session("DE*SHL*E1*01", "2026-10-05T08:00", (120, 45), "20"), october())
    assert totals(billed) == ("10.70", "12.73")


def test_no_parking_costs_no_parking_fee() -> None:
    billed = bill(session("DE*SHL*E1*01", "2026-10-05T08:00", (120, 0), "20"), october())
    assert totals(billed) == ("8.90", "10.59")


def test_working_hours_end_on_friday() -> None:
    # Friday 2026-10-09 17:00 to 19:00 in Lyon, 10 kWh: 5 x 0.44 + 5 x 0.35 = 3.95, VAT 20 %
    billed = bill(session("FR*RAM*E1*01", "2026-10-09T15:00", (120, 0), "10"), october())
    assert totals(billed) == ("3.95", "4.74")
    # Saturday at the same hours: 10 x 0.35
    billed = bill(session("FR*RAM*E1*01", "2026-10-10T15:00", (120, 0), "10"), october())
    assert totals(billed) == ("3.50", "4.20")


def test_the_price_of_the_start_holds_for_the_whole_session() -> None:
    # 15 October 23:30 in Berlin, the price changes at midnight: 20 kWh at the night price 0.51
    billed = bill(session("DE*NLN*E1*51", "2026-10-15T21:30", (60, 0), "20"), october())
    assert totals(billed)[0] == "10.20"
    later = bill(session("DE*NLN*E1*51", "2026-10-15T22:00", (60, 0), "20"), october())
    assert totals(later)[0] == "10.80"


def test_night_lasts_an_hour_longer_when_the_clocks_go_back() -> None:
    # 25 October: 00:00 to 08:00 in Berlin are nine hours, eight of them before 07:00
    billed = bill(session("DE*NLN*E1*51", "2026-10-24T22:00", (540, 0), "90"), october())
    assert [(s.seconds, s.energy_kwh) for s in billed.stretches] == [
        (8 * 3600, Decimal(80)),
        (3600, Decimal(10)),
    ]
    assert billed.costs.total.before_tax == 80 * Decimal("0.54") + 10 * Decimal("0.66")


def test_energy_is_shared_out_to_the_watt_hour_and_nothing_is_lost() -> None:
    billed = bill(session("FR*RAM*E1*01", "2026-10-05T05:00", (137, 0), "7.001"), october())
    assert len(billed.stretches) == 2
    assert sum(s.energy_kwh for s in billed.stretches) == Decimal("7.001")
    assert all(s.energy_kwh == s.energy_kwh.quantize(Decimal("0.001")) for s in billed.stretches)


def test_time_by_the_quarter_of_an_hour_within_a_minimum_and_a_maximum() -> None:
    # 10 kWh x 0.29 + 100 min = 7 quarters x 0.60 / 4: 2.90 + 1.05
    billed = bill(session("FR*BDM*E1*01", "2026-10-05T08:00", (100, 0), "10"), october())
    assert totals(billed) == ("3.95", "4.74")
    # with parking only the parking is rounded: 100 min x 0.60 + 2 quarters of 20 min x 1.60 / 4
    billed = bill(session("FR*BDM*E1*01", "2026-10-05T08:00", (100, 20), "10"), october())
    assert totals(billed) == ("4.70", "5.64")
    assert billed.costs.time.before_tax.quantize(Decimal("1e-9")) == 1
    low = bill(session("FR*BDM*E1*01", "2026-10-05T08:00", (30, 0), "2"), october())
    assert (totals(low), low.costs.bounds.before_tax) == (("3.00", "3.60"), Decimal("2.12"))
    high = bill(session("FR*BDM*E1*01", "2026-10-05T08:00", (60, 600), "20"), october())
    assert (totals(high), high.costs.bounds.before_tax) == (("14.00", "16.80"), Decimal("-8.4"))


def test_who_has_a_tariff_of_its_own_pays_by_it() -> None:
    for csp, total in (("DE-FSK", "4.90"), ("FR-ITI", "4.50")):
        of_csp = replace(session("DE*NLN*E1*01", "2026-10-05T08:00", (60, 0), "10"), csp=csp)
        assert totals(bill(of_csp, october()))[0] == total


def test_a_tariff_that_it_does_not_know_is_not_billed_by_guess() -> None:
    element = {"price_components": [], "restrictions": {"max_kwh": Decimal(5)}}
    with pytest.raises(ValueError, match="max_kwh"):
        component_at([element], "ENERGY", datetime(2026, 10, 5, tzinfo=UTC))


def test_periods_quantities_and_totals_of_every_sdr_add_up() -> None:
    for planned in october_sessions():
        billed = bill(planned, october())
        sdr = write_sdr(billed, Evidence(), with_tariff=False)
        volumes = {"ENERGY": Decimal(0), "TIME": Decimal(0), "PARKING_TIME": Decimal(0)}
        for period in sdr["charging_periods"]:
            for dimension in period["dimensions"]:
                volumes[dimension["type"]] += dimension["volume"]
        assert volumes["ENERGY"] == sdr["total_energy"] == planned.energy_kwh
        assert sdr["meter_end"] - sdr["meter_start"] == planned.energy_kwh
        assert volumes["PARKING_TIME"] == sdr["total_parking_time"]
        assert volumes["TIME"] + volumes["PARKING_TIME"] == sdr["total_time"]
        duration_s = Decimal((planned.end - planned.start).total_seconds())
        assert sdr["total_time"] * 3600 == duration_s  # exact, by the generator's grid
        for tax in ("excl_vat", "incl_vat"):
            parts = [
                sdr[f"total_{part}_cost"][tax] for part in ("energy", "fixed", "time", "parking")
            ]
            total = rounded(sum(parts, Decimal(0)))
            for bound, of_both in (("min_price", max), ("max_price", min)):
                if bound in billed.tariff.body:
                    total = of_both(total, billed.tariff.body[bound][tax])
            assert total == sdr["total_cost"][tax]
        starts = [period["start_date_time"] for period in sdr["charging_periods"]]
        assert starts[0] == sdr["start_date_time"]
        assert [datetime.fromisoformat(s) for s in starts] == [s.start for s in billed.stretches]


def test_the_sdr_is_what_the_product_reads_without_a_finding() -> None:
    evidence = Evidence("0198c0de-0000-7000-8000-000000000001", "AUTH-1")
    periods = msgspec.json.Decoder(list[ChargingPeriod])
    for planned in october_sessions()[:300]:
        sdr = write_sdr(bill(planned, october()), evidence, with_tariff=True)
        message = msgspec.json.decode(to_json(sdr), type=SdrMessage)
        assert absurd_number(message) is None
        assert not door_findings(message, planned.start, planned.end, planned.end)
        assert message.total_cost.before_tax == sdr["total_cost"]["excl_vat"]
        assert periods.decode(message.charging_periods)
        assert message.start_date_time == planned.start


def test_times_carry_the_offset_of_the_site_in_both_turns_of_the_repeated_hour() -> None:
    first = bill(session("FR*RAM*E1*01", "2026-10-25T00:30", (60, 0), "7"), october())
    sdr = write_sdr(first, Evidence(), with_tariff=True)
    assert sdr["start_date_time"] == "2026-10-25T02:30:00+02:00"
    assert sdr["end_date_time"] == "2026-10-25T02:30:00+01:00"
    assert sdr["total_time"] == 1


def test_an_sdr_has_the_fields_of_the_native_form() -> None:
    billed = bill(session("DE*SHL*E1*01", "2026-10-05T08:00", (120, 40), "20"), october())
    sdr = json.loads(to_json(write_sdr(billed, Evidence("u", "a"), with_tariff=True)))
    assert sdr["id"] == "SDR-T-1"
    assert sdr["cso_session_id"] == "S-T-1"
    assert sdr["visited_cso"] == "DE*SHL"
    assert sdr["home_csp"] == "DE-FSK"
    assert sdr["identification"] == {
        "method": "RFID",
        "token_uid": "04A2B3C4",
        "contract_id": "DEFSK000000001",
        "authorised": "ONLINE",
    }
    assert sdr["power_type"] == "AC_3_PHASE"
    assert (sdr["country"], sdr["time_zone"], sdr["currency"]) == ("DE", "Europe/Berlin", "EUR")
    assert sdr["total_cost"] == {"excl_vat": 10.7, "incl_vat": 12.73}
    assert sdr["total_parking_time"] == 0.666666666667
    assert sdr["tariffs"][0]["id"] == sdr["tariff_id"] == "SHL-AC"
    assert sdr["credit"] is False
    assert '"excl_vat":10.70' in to_json(write_sdr(billed, Evidence(), with_tariff=True)).decode()
