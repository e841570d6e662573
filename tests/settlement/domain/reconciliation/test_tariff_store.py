"""Which version of a tariff was in force when a session started."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roaming.domain.tariff import Asked, Version
from settlement.domain.reconciliation.tariff_store import TariffStore

START = datetime(2026, 10, 5, 10, tzinfo=UTC)
DAY = timedelta(days=1)


def version(
    number,
    *,
    valid=-10,
    received=-11,
    until=None,
    csp=None,
    withdrawn=False,
    tariff_id="AC",
    on_request=False,
):
    return Version(
        version_id=number,
        visited_cso_id=1,
        home_csp_id=csp,
        tariff_id=tariff_id,
        valid_from=START + valid * DAY,
        valid_to=None if until is None else START + until * DAY,
        received_at=START + received * DAY,
        withdrawn=withdrawn,
        body="",
        on_request=on_request,
    )


def in_force(*versions, csp=7, notice_days=0, tariff_id="AC"):
    asked = Asked(1, csp, START, notice_days * DAY)
    found = TariffStore(versions).in_force(tariff_id, asked)
    return None if found is None else found.version_id


@pytest.mark.parametrize(
    ("versions", "number"),
    [
        ([], None),
        ([version(1)], 1),
        ([version(1, valid=0, received=0)], 1),  # valid and received at that very instant
        ([version(1), version(2, valid=1)], 1),  # not yet valid
        ([version(1), version(2, valid=-1, received=1)], 1),  # told too late
        ([version(1), version(2, valid=-1)], 2),  # the newest valid_from
        ([version(1, received=-11), version(2, received=-10.5)], 2),  # then the newest received
        ([version(1), version(2, valid=-2, until=-1)], 1),  # the offer is over
        ([version(1), version(2, valid=-2, until=0)], 1),  # valid_to is exclusive
        ([version(1), version(2, valid=-1, withdrawn=True)], None),
        ([version(1), version(2, valid=1, withdrawn=True)], 1),
        ([version(1), version(2, csp=7, valid=-20)], 2),  # its own beats the general, newer or not
        ([version(1), version(2, csp=8)], 1),  # somebody else's
        ([version(1), version(2, csp=7), version(3, csp=7, valid=-1, withdrawn=True)], 1),
        ([version(1), version(2, valid=-0.5), version(3, valid=-1, withdrawn=True)], None),
        # What was announced for later ends with it, what is announced afterwards does not.
        (
            [
                version(1),
                version(2, valid=-0.5, received=-3),
                version(3, valid=-2, received=-2, withdrawn=True),
            ],
            None,
        ),
        (
            [
                version(1),
                version(2, valid=-2, received=-2, withdrawn=True),
                version(3, valid=-10, received=-1),
            ],
            3,
        ),
        # What was told on request counts as if told to all, for its asker alone.
        ([version(1), version(2, csp=7, valid=-20, on_request=True)], 1),
        ([version(1), version(2, csp=7, valid=-1, on_request=True)], 2),
        ([version(1), version(2, csp=8, valid=-1, on_request=True)], 1),
        ([version(1, csp=7), version(2, csp=7, valid=-1, on_request=True)], 1),
        ([version(1, tariff_id="ac")], 1),  # ids do not tell capital from small letters
        ([version(1, tariff_id="DC")], None),
    ],
)
def test_the_version_in_force(versions, number):
    assert in_force(*versions) == number


def test_the_agreements_notice_counts_back_from_the_start():
    versions = [version(1), version(2, valid=-1, received=-2)]
    assert in_force(*versions, notice_days=2) == 2
    assert in_force(*versions, notice_days=2.01) == 1


many = st.lists(
    st.builds(
        version,
        st.integers(1, 99),
        valid=st.integers(-5, 2),
        received=st.integers(-6, 1),
        until=st.none() | st.integers(-2, 3),
        csp=st.sampled_from([None, 7, 8]),
        withdrawn=st.booleans(),
        on_request=st.booleans(),
    ),
    max_size=6,
    unique_by=lambda v: v.version_id,
)


@given(many)
def test_what_is_told_later_never_changes_the_past(versions):
    told_in_time = [v for v in versions if v.received_at <= START]
    assert in_force(*versions) == in_force(*told_in_time)


@given(many)
def test_the_order_in_which_versions_are_read_does_not_matter(versions):
    assert in_force(*versions) == in_force(*reversed(versions))
