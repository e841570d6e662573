"""Rating an SDR anew: which tariff prices it, what is named, and that nothing stops it."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roaming.domain.tariff import Asked, Version
from settlement.domain.reconciliation.rerating import Rerater, ToRerate
from settlement.domain.reconciliation.tariff_store import TariffStore

START = datetime(2026, 10, 5, 10, tzinfo=UTC)
EARLY = START - timedelta(days=30)


def tariff(tariff_id="AC", price=0.50, **more):
    component = {"type": "ENERGY", "price": price, "step_size": 1}
    elements = [{"price_components": [component]}]
    return {"id": tariff_id, "currency": "EUR", "elements": elements, **more}


def version(number, tariff_id="AC", price=0.50, valid_from=EARLY, body=None):
    return Version(
        version_id=number,
        visited_cso_id=1,
        home_csp_id=None,
        tariff_id=tariff_id,
        valid_from=valid_from,
        valid_to=None,
        received_at=EARLY,
        withdrawn=False,
        body=json.dumps(tariff(tariff_id, price)) if body is None else body,
    )


def period(kwh, minutes=0, **more):
    start = (START + timedelta(minutes=minutes)).isoformat()
    return {"start_date_time": start, "dimensions": [{"type": "ENERGY", "volume": kwh}], **more}


def rerate(versions=(), claim="10", tariff_ids=(), zone="Europe/Berlin", **part):
    content = {
        "start_date_time": START.isoformat(),
        "end_date_time": (START + timedelta(hours=1)).isoformat(),
        "currency": "EUR",
        "charging_periods": [period(20)],
        **part,
    }
    return Rerater(TariffStore(versions)).rerate(
        ToRerate(
            rated_part=json.dumps(content),
            time_zone=zone,
            asked=Asked(1, 7, START),
            tariff_ids=tariff_ids,
            before_tax=Decimal(claim),
            currency="EUR",
        )
    )


def test_the_version_in_force_prices_the_sdr_and_not_its_snapshot():
    price = rerate([version(5)], tariff_id="AC", tariffs=[tariff(price=0.90)]).price
    assert (price.expected, price.unrounded, price.tariff_version_id) == (10, 10, 5)
    assert (price.tariff_issue, price.tariff_claimed) == (
        "snapshot_differs", "AC, as the SDR shows it"
    )  # fmt: skip
    assert price.periods_energy == 20


def test_a_snapshot_with_the_same_prices_is_no_issue_whatever_else_it_says():
    shown = tariff(price="0.500", last_updated="2020-01-01T00:00:00Z")
    price = rerate([version(5)], tariff_id="AC", tariffs=[shown]).price
    assert (price.expected, price.tariff_issue) == (10, "")


def test_each_period_is_priced_by_the_version_of_its_own_tariff():
    price = rerate(
        [version(5), version(6, "DC", 1.00)],
        claim="15",
        charging_periods=[period(10, tariff_id="AC"), period(10, 30, tariff_id="dc")],
    ).price
    assert (price.expected, price.failure, price.tariff_issue) == (15, "", "")


@pytest.mark.parametrize(
    ("part", "tariff_ids", "expected"),
    [
        ({"tariffs": [tariff("DC", 1.00)]}, (), 20),  # its snapshot names it
        ({}, ("DC",), 20),  # its connector does
        ({}, ("GONE", "DC"), 20),  # the connector's first that is in force
        ({"tariff_id": "AC"}, ("DC",), 10),  # its own id comes first
    ],
)
def test_which_tariff_prices_an_sdr_whose_periods_name_none(part, tariff_ids, expected):
    versions = [version(5), version(6, "DC", 1.00)]
    assert rerate(versions, tariff_ids=tariff_ids, **part).price.expected == expected


def test_a_tariff_never_announced_is_priced_by_the_snapshot_and_named():
    price = rerate([version(5)], tariff_id="NEW", tariffs=[tariff("NEW", 0.70)]).price
    assert (price.expected, price.tariff_version_id) == (14, None)
    assert (price.tariff_issue, price.tariff_claimed) == ("not_published", "NEW, never announced")


def test_a_tariff_not_yet_in_force_without_a_snapshot_cannot_be_rated():
    later = version(5, valid_from=START + timedelta(hours=1))
    price = rerate([later], tariff_id="AC").price
    assert price.failure.startswith("unknown_tariff_id")
    assert (price.tariff_issue, price.expected) == ("not_in_force", None)
    assert price.periods_energy == 20


def test_a_claim_that_another_version_explains_names_it():
    old = version(4, price=0.40, valid_from=EARLY - timedelta(days=9))
    price = rerate([old, version(5)], claim="8", tariff_id="AC").price
    assert (price.expected, price.tariff_issue) == (10, "older_version")
    assert rerate([old, version(5)], claim="9", tariff_id="AC").price.tariff_issue == ""


@pytest.mark.parametrize(
    ("changes", "failure"),
    [
        ({"zone": "Mars/Olympus"}, "no_time_zone"),
        ({"zone": ""}, "no_time_zone"),
        ({"zone": "../../etc/passwd"}, "no_time_zone"),
        ({"charging_periods": []}, "no_periods"),
        ({"charging_periods": "x"}, "invalid_sdr"),
        ({"start_date_time": "2026-10-05T10:00:00"}, "invalid_sdr"),
        ({"end_date_time": EARLY.isoformat()}, "end_before_start"),
        ({"currency": "CHF"}, "currency_mismatch"),
        ({"claim": "1E+400"}, "out_of_range"),
    ],
)
def test_why_there_is_no_price(changes, failure):
    price = rerate([version(5)], **{"tariff_id": "AC", **changes}).price
    assert price.failure.startswith(failure)
    assert price.expected is None


def test_a_stored_version_that_is_no_tariff_makes_the_sdr_not_ratable():
    price = rerate([version(5, body="{}")], tariff_id="AC").price
    assert price.failure.startswith("invalid_tariff")


def test_an_unreadable_snapshot_is_noted_and_the_version_in_force_decides():
    price = rerate([version(5)], tariff_id="AC", tariffs=[{"id": "AC"}]).price
    assert (price.expected, price.tariff_issue) == (10, "snapshot_unreadable")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@given(
    st.dictionaries(
        st.sampled_from(
            ["start_date_time", "end_date_time", "currency", "charging_periods", "tariffs",
             "tariff_id"]
        ),
        json_values | st.just([period(20, tariff_id="AC")]) | st.just([tariff()]),
        max_size=3,
    ),
    st.decimals(-(10**9), 10**9, allow_nan=False),
)  # fmt: skip
def test_whatever_a_party_sends_rating_anew_never_raises(part, claim):
    price = rerate([version(5)], claim=str(claim), **part).price
    assert bool(price.failure) is (price.expected is None)
