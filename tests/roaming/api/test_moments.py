"""Times that cannot be: an offset that no zone has, or none at all. Nothing fails on them."""

from datetime import timedelta

import pytest

from roaming import models
from roaming.models.clock import set_business_clock
from tests.roaming.api.messages import LOCAL_START, SDR, SITE, TARIFF, changed

OFFSETS = ["+16:00", "+23:59", "-16:00", "-23:59", "+15:30", "-12:30"]


@pytest.fixture(autouse=True)
def business_time(db, now):
    later = now + timedelta(days=1)
    set_business_clock(later, speed=0, ceiling=later)


def call(client, party, method, address, body):
    send = getattr(client, method)
    return send(address, data=body, content_type="application/json", headers=party.headers)


def at(offset):
    return f"2026-10-05T10:00:00{offset}"


@pytest.mark.parametrize("offset", OFFSETS)
@pytest.mark.parametrize("name", ["start_date_time", "end_date_time"])
def test_an_sdr_with_an_impossible_offset_is_kept_with_a_finding(
    client, connected_cast, offset, name
):
    body = changed(SDR, **{name: at(offset)})
    response = call(client, connected_cast.visited_cso, "post", "/api/v1/sdrs", body)
    assert response.status_code == 201
    answer = response.json()
    assert answer["state"] == "rejected"
    assert "TIM-04" in [finding["rule"] for finding in answer["findings"]]


def test_one_impossible_offset_does_not_lose_a_bulk_call(client, connected_cast):
    records = [
        changed(SDR, id="A"),
        changed(SDR, id="B", start_date_time=at("+23:59")),
        changed(SDR, id="C"),
    ]
    response = call(client, connected_cast.visited_cso, "post", "/api/v1/sdrs/bulk", records)
    assert [line["state"] for line in response.json()["results"]] == [
        "validated", "rejected", "validated",
    ]  # fmt: skip
    assert models.Sdr.objects.count() == 3


@pytest.mark.parametrize("offset", OFFSETS)
def test_published_times_with_an_impossible_offset_are_refused(client, connected_cast, offset):
    cso = connected_cast.visited_cso
    for address, body, field in (
        ("/api/v1/sites/LOC1", changed(SITE, last_updated=at(offset)), "last_updated"),
        ("/api/v1/tariffs/T1", changed(TARIFF, valid_from=at(offset)), "valid_from"),
        ("/api/v1/tariffs/T1", changed(TARIFF, valid_to=at(offset)), "valid_to"),
    ):
        response = call(client, cso, "put", address, body)
        problem = response.json()
        assert (response.status_code, problem["code"], problem["field"]) == (
            422, "invalid_field", field,
        )  # fmt: skip


def test_the_widest_offsets_of_earth_are_taken(client, connected_cast):
    for number, offset in enumerate(("+14:00", "-12:00")):
        body = changed(SITE, last_updated=f"2026-10-0{number + 1}T10:00:00{offset}")
        response = call(client, connected_cast.visited_cso, "put", "/api/v1/sites/LOC1", body)
        assert response.json()["taken"]


@pytest.mark.parametrize("moment", [at("+16:00"), at(""), "0001-01-01T00:00:00+14:00"])
@pytest.mark.parametrize(
    "address", ["service-sessions/local-start", "identifications/authorisation"]
)
def test_a_question_at_an_impossible_time_is_refused(client, connected_cast, address, moment):
    body = changed(LOCAL_START, requested_at=moment)
    response = call(client, connected_cast.visited_cso, "post", f"/api/v1/{address}", body)
    assert (response.status_code, response.json()["field"]) == (422, "requested_at")


@pytest.mark.parametrize("offset", OFFSETS)
@pytest.mark.parametrize("name", ["start_date_time", "end_date_time"])
def test_a_completion_with_an_impossible_offset_is_refused(client, connected_cast, offset, name):
    cso = connected_cast.visited_cso
    start = call(client, cso, "post", "/api/v1/service-sessions/local-start", LOCAL_START).json()
    body = {
        "start_date_time": "2026-10-05T10:00:00+02:00",
        "end_date_time": "2026-10-05T11:00:00+02:00",
        "total_energy": 20,
        name: at(offset),
    }
    address = f"/api/v1/service-sessions/{start['service_session_id']}/completion"
    response = call(client, cso, "post", address, body)
    assert (response.status_code, response.json()["field"]) == (422, name)


FILTERS = [
    ("sites", "updated_since"),
    ("tariffs", "received_since"),
    ("sdrs", "received_since"),
    ("service-sessions", "opened_since"),
]


@pytest.mark.parametrize(("kind", "name"), FILTERS)
@pytest.mark.parametrize(
    ("value", "code"),
    [
        *[(at(offset), "invalid_field") for offset in OFFSETS],
        ("0001-01-01T00:00:00+14:00", "invalid_field"),
        ("9999-12-31T23:59:59-12:00", "invalid_field"),
        (at(" 02:00"), "invalid_field"),
        ("yesterday", "invalid_field"),
        ("2026-10-05\x00", "invalid_field"),
        (at(""), "time_without_offset"),
        ("2026-10-05", "time_without_offset"),
    ],
)
def test_a_filter_refuses_a_time_that_cannot_be(client, connected_cast, kind, name, value, code):
    response = client.get(f"/api/v1/{kind}", {name: value}, headers=connected_cast.home_csp.headers)
    problem = response.json()
    assert (response.status_code, problem["code"], problem["field"]) == (422, code, name)


@pytest.mark.parametrize(("kind", "name"), FILTERS)
@pytest.mark.parametrize("value", [at("Z"), at("+14:00"), at(".5-12:00"), ""])
def test_a_filter_takes_every_time_of_earth(client, connected_cast, kind, name, value):
    response = client.get(f"/api/v1/{kind}", {name: value}, headers=connected_cast.home_csp.headers)
    assert response.status_code == 200


def test_every_filter_by_time_is_the_one_that_refuses():
    import django_filters

    from roaming.api import urls
    from roaming.api.filters import MomentFilter

    filtersets = {
        view.filterset_class
        for pattern in urls.urlpatterns
        if (view := getattr(pattern.callback, "view_class", None))
        and getattr(view, "filterset_class", None)
    }
    times = [
        one
        for filterset in filtersets
        for one in filterset.base_filters.values()
        if isinstance(one, (django_filters.DateTimeFilter, django_filters.IsoDateTimeFilter))
    ]
    assert len(times) >= 4
    assert all(isinstance(one, MomentFilter) for one in times)
