"""Laws that hold for any session and tariff, tried on thousands of them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from roaming.domain.tariff import Price
from settlement.domain.rating import compile_tariff, parse_sdr, rate
from settlement.domain.rating.boundaries import suspects_of
from settlement.domain.rating.drafts import active, up_to_step
from settlement.domain.rating.stretches import session_of
from tests.settlement.domain.rating.cases import (
    BERLIN,
    KOLKATA,
    NEW_YORK,
    UTC_ZONE,
    component,
    element,
    tariff,
)

BEGIN = datetime(2026, 10, 24, 12, tzinfo=UTC)  # the clocks of Europe go back in the night
money = st.decimals("0", "9.9999", places=4)
kilowatt_hours = st.decimals("0.001", "99.999", places=3)
hours = st.decimals("0.0001", "9.9999", places=4)
times = st.integers(0, 95).map(lambda quarter: f"{quarter // 4:02}:{quarter % 4 * 15:02}")
zones = st.sampled_from([UTC_ZONE, BERLIN, NEW_YORK, KOLKATA])


@st.composite
def sessions(draw, kinds=("ENERGY", "TIME", "PARKING_TIME"), most_minutes=300):
    """A CDR of one to four periods that follow each other."""
    moment = BEGIN + timedelta(minutes=draw(st.integers(0, 1440)))
    start, periods = moment, []
    for _ in range(draw(st.integers(1, 4))):
        volumes = {"ENERGY": kilowatt_hours, "TIME": hours, "PARKING_TIME": hours}
        chosen = draw(st.lists(st.sampled_from(kinds), unique=True, min_size=1))
        periods.append(
            {
                "start_date_time": moment.isoformat(),
                "dimensions": [{"type": k, "volume": str(draw(volumes[k]))} for k in chosen],
            }
        )
        moment += timedelta(minutes=draw(st.integers(1, most_minutes)))
    return {
        "start_date_time": start.isoformat(),
        "end_date_time": moment.isoformat(),
        "currency": "EUR",
        "charging_periods": periods,
    }


@st.composite
def restrictions(draw):
    found = {}
    if draw(st.booleans()):
        found["start_time"], found["end_time"] = draw(times), draw(times)
    if draw(st.booleans()):
        found["day_of_week"] = draw(st.lists(st.sampled_from(["SATURDAY", "SUNDAY"]), max_size=1))
    if draw(st.booleans()):
        found["min_kwh"] = str(draw(kilowatt_hours))
    if draw(st.booleans()):
        found["max_duration"] = draw(st.integers(1, 20)) * 900
    return found


any_step_size = st.integers(0, 2000)


@st.composite
def tariffs(draw, restricted=True, step_sizes=any_step_size):
    elements = []
    for _ in range(draw(st.integers(1, 3))):
        kinds = draw(
            st.lists(
                st.sampled_from(["ENERGY", "TIME", "PARKING_TIME", "FLAT"]),
                min_size=1,
                unique=True,
            )
        )
        components = [
            component(kind, str(draw(money)), draw(step_sizes), vat=draw(st.sampled_from([0, 19])))
            for kind in kinds
        ]
        elements.append(element(*components, **(draw(restrictions()) if restricted else {})))
    return tariff(*elements)


def rated(content, prices, zone=UTC_ZONE):
    return rate(parse_sdr(content), [prices], zone)


@given(sessions(), tariffs(), zones)
def test_the_total_is_the_sum_of_the_lines(content, prices, zone):
    answer = rated(content, prices, zone)
    assert answer.total_before_tax == sum(line.amount_before_tax for line in answer.lines)
    assert answer.total_after_tax == sum(line.amount_after_tax for line in answer.lines)
    sub_totals = [amount for amount in answer.sub_totals() if amount is not None]
    assert answer.total_before_tax == sum(amount.before_tax for amount in sub_totals)
    assert answer.total_after_tax == sum(amount.after_tax for amount in sub_totals)


@given(sessions(), tariffs(), zones)
def test_after_tax_is_before_tax_and_the_taxes(content, prices, zone):
    answer = rated(content, prices, zone)
    taxes = sum(tax.amount for tax in answer.taxes())
    difference = answer.total_after_tax - answer.total_before_tax - taxes
    assert abs(difference) < Decimal("1E-20")


@given(sessions(), tariffs(), zones, st.decimals("0", "50", places=2), st.booleans())
def test_a_bound_is_never_passed(content, prices, zone, bound, upper):
    name = "max_price" if upper else "min_price"
    limit = Price(excl_vat=bound, incl_vat=bound)
    answer = rated(content, msgspec.structs.replace(prices, **{name: limit}), zone)
    if upper:
        assert max(answer.total_before_tax, answer.total_after_tax) <= bound
    else:
        assert min(answer.total_before_tax, answer.total_after_tax) >= bound
    changed = sum(change.before_tax for change in answer.bounds)
    lines = sum(line.amount_before_tax for line in answer.lines)
    assert answer.total_before_tax == lines + changed


@given(sessions(), tariffs(), zones, st.data())
def test_the_order_in_which_periods_are_sent_changes_no_amount(content, prices, zone, data):
    in_order = rated(content, prices, zone)
    places = data.draw(st.permutations(range(len(content["charging_periods"]))))
    shuffled = [content["charging_periods"][place] for place in places]
    answer = rated({**content, "charging_periods": shuffled}, prices, zone)
    assert answer.total_before_tax == in_order.total_before_tax
    assert answer.total_after_tax == in_order.total_after_tax
    amounts = [(places[line.period], line.amount_before_tax) for line in answer.lines]
    assert amounts == [(line.period, line.amount_before_tax) for line in in_order.lines]
    odd = [finding for finding in answer.findings if finding.code == "periods_not_in_order"]
    assert bool(odd) == (places != sorted(places))
    split = [finding.total_if_split for finding in answer.findings if finding not in odd]
    assert split == [finding.total_if_split for finding in in_order.findings]


@given(sessions(), tariffs(restricted=False), kilowatt_hours)
def test_more_energy_is_never_cheaper_without_restrictions(content, prices, more):
    before = rated(content, prices).total_before_tax
    content["charging_periods"][-1]["dimensions"].append({"type": "ENERGY", "volume": str(more)})
    assert rated(content, prices).total_before_tax >= before


@given(sessions(kinds=("ENERGY",)), tariffs(step_sizes=st.just(1)), zones, st.data())
def test_a_period_split_where_nothing_changes_costs_the_same(content, prices, zone, data):
    """In whole Wh, so that steps of 1 Wh add nothing."""
    answer = rated(content, prices, zone)
    assume(not answer.findings)
    periods = content["charging_periods"]
    index = data.draw(st.integers(0, len(periods) - 1))
    ends = [*(p["start_date_time"] for p in periods[1:]), content["end_date_time"]]
    start, end = (
        datetime.fromisoformat(m) for m in (periods[index]["start_date_time"], ends[index])
    )
    # In proportion: the energy at the cut is what the finding above would have assumed.
    share = data.draw(st.integers(1, 9))
    energy = Decimal(periods[index]["dimensions"][0]["volume"])
    first = (energy * share / 10).quantize(Decimal("0.001"))
    assume(0 < first < energy)
    cut = start + (end - start) * float(first / energy)
    halves = [
        {"start_date_time": m.isoformat(), "dimensions": [{"type": "ENERGY", "volume": str(v)}]}
        for m, v in ((start, first), (cut, energy - first))
    ]
    content["charging_periods"] = [*periods[:index], *halves, *periods[index + 1 :]]
    again = rated(content, prices, zone)
    assume(not again.findings)
    assert again.total_before_tax == answer.total_before_tax


@given(sessions(), tariffs(), zones)
def test_the_order_of_dimensions_and_the_offset_of_times_change_nothing(content, prices, zone):
    answer = rated(content, prices, zone)
    for period in content["charging_periods"]:
        period["dimensions"].reverse()
        moment = datetime.fromisoformat(period["start_date_time"])
        period["start_date_time"] = moment.astimezone(zone).isoformat()
    again = rated(content, prices, zone)
    assert again.total_before_tax == answer.total_before_tax
    assert [f.total_if_split for f in again.findings] == [f.total_if_split for f in answer.findings]


@settings(max_examples=60, deadline=None)
@given(sessions(most_minutes=600), tariffs(), zones)
def test_no_boundary_inside_a_period_is_overlooked(content, prices, zone):
    """The quick test against the slow one: ask at every minute which components are active."""
    sdr = parse_sdr(content)
    plan = compile_tariff(prices, zone)
    session = session_of(sdr, [plan] * len(sdr.charging_periods))
    suspected = {stretch.period for stretch in suspects_of(session)}
    for stretch in session.stretches:
        at_start = [active(choices, stretch) for _, choices in plan.metered]
        energy = stretch.volumes.get("ENERGY", Decimal(0))
        length = stretch.end - stretch.start
        first, before, elapsed = stretch.start, stretch.energy_before, stretch.elapsed
        for minute in range(1, int(length.total_seconds() // 60)):
            offset = timedelta(minutes=minute)
            stretch.start = first + offset
            stretch.elapsed = elapsed + offset
            stretch.energy_before = before + energy * minute * 60 / int(length.total_seconds())
            stretch.look_at_clock()
            if [active(choices, stretch) for _, choices in plan.metered] != at_start:
                assert stretch.period in suspected
                break


@given(
    st.decimals("0", "1000", places=6),
    st.integers(1, 5000),
    st.sampled_from(["0.000001", "0.0036"]),
)
def test_a_step_ends_at_a_multiple_and_adds_less_than_one_step(volume, step, tolerance):
    extra = up_to_step(volume, Decimal(step), Decimal(tolerance))
    assert (volume + extra) % step == 0
    assert -Decimal(tolerance) <= extra < step


@given(sessions(), tariffs(), zones)
def test_rounding_happens_once_and_within_half_a_cent(content, prices, zone):
    answer = rated(content, prices, zone)
    rounded = answer.rounded()
    assert rounded.before_tax.as_tuple().exponent == -2
    assert abs(rounded.before_tax - answer.total_before_tax) <= Decimal("0.005") + Decimal("1E-12")
