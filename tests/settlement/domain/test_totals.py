"""Differences of totals are narrowed down to SDRs, and nothing is claimed that is not so."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from settlement.domain.totals import (
    MOST_SETS,
    Counted,
    Totals,
    explain_figures,
    explain_listed,
    total_of,
)

values = st.sampled_from([Decimal(n) for n in ("0", "5", "7.5", "10", "10.01", "12.5")])
days = st.lists(st.tuples(values, values), max_size=8).map(
    lambda pairs: [Counted(f"S{n}", kwh, money) for n, (kwh, money) in enumerate(pairs)]
)


def without(day, taken):
    return [sdr for place, sdr in enumerate(day) if place not in taken]


@given(days, st.sets(st.integers(0, 7), min_size=1, max_size=3))
def test_what_a_party_misses_is_found_or_is_among_the_candidates(day, taken):
    taken = {place for place in taken if place < len(day)}
    missing = tuple(sorted(day[place].reference for place in taken))
    found = explain_figures(total_of(day) - total_of(without(day, taken)), day, ())
    if not missing:
        assert found.candidates == ()
    elif found.exact:
        assert found.missing_there == missing
    else:
        assert len(found.candidates) > 1
        assert missing in found.candidates or len(found.candidates) == MOST_SETS


@given(days, st.integers(-3, 3), values, values)
def test_every_set_that_is_named_comes_to_the_difference(day, count, kwh, money):
    difference = Totals(count, kwh, money)
    found = explain_figures(difference, day, day)
    by_reference = {sdr.reference: sdr for sdr in day}
    sets = [*found.candidates, found.missing_there, found.missing_here]
    for one in filter(None, sets):
        assert len(set(one)) == len(one)
        total = total_of(by_reference[reference] for reference in one)
        assert total == Totals(abs(count), kwh, money) if count > 0 else total == -difference


@given(days, st.sets(st.integers(0, 7)), st.sets(st.integers(0, 7)))
def test_lists_are_compared_exactly(day, taken, changed):
    theirs = [
        sdr._replace(before_tax=sdr.before_tax + 1) if place in changed else sdr
        for place, sdr in enumerate(day)
        if place not in taken
    ]
    found = explain_listed(day, [*theirs, Counted("X", None, None)])
    assert found.exact
    assert found.missing_here == ("X",)
    assert set(found.missing_there) == {d.reference for n, d in enumerate(day) if n in taken}
    assert set(found.differing) == {d.reference for n, d in enumerate(day) if n in changed - taken}


def test_the_search_is_bounded():
    day = [Counted(f"S{n}", Decimal(n), Decimal(n)) for n in range(10_000)]
    four = Totals(4, Decimal(10), Decimal(10))
    assert explain_figures(four, day, ()).candidates == ()
    three = Totals(3, Decimal(3), Decimal(3))
    assert explain_figures(three, day, ()).candidates == ()
    two = Totals(2, Decimal(19_997), Decimal(19_997))
    assert explain_figures(two, day, ()).missing_there == ("S9998", "S9999")
    many = [Counted(f"S{n}", Decimal(1), Decimal(1)) for n in range(50)]
    assert len(explain_figures(Totals(2, Decimal(2), Decimal(2)), many, ()).candidates) == 10
