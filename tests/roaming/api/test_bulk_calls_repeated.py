"""Calls with many records under an Idempotency-Key: answered once more, never done once more."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from roaming import models
from roaming.models import sdr_intake
from roaming.use_cases import uc3_09_sdr_information_exchange as uc3_09
from tests.roaming.api.messages import SDR, changed

KEY = {"Idempotency-Key": '"lot-2026-10-05"'}
SDRS = [changed(SDR, id="A"), changed(SDR, id="B", visited_cso="NL*OTH"), changed(SDR, id="C")]
STATUSES = [{"evse_id": "DE*VIS*E001", "state": "CHARGING", "stamped_at": "2026-10-05T09:00:00Z"}]
CARDS = [
    {"token_uid": "04C0FFEE", "whitelist": "ALLOWED", "last_updated": "2026-10-05T09:00:00Z"},
    {"token_uid": "04C0FFEF", "whitelist": "NEVER", "last_updated": "2026-10-05T09:00:00Z"},
]


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    """Two records are a chunk here."""
    monkeypatch.setattr(sdr_intake, "CHUNK", 2)
    monkeypatch.setattr(uc3_09, "CHUNK", 2)


@pytest.fixture
def today(db, now):
    from roaming.models.clock import set_business_clock

    later = now + timedelta(hours=4)
    set_business_clock(later, speed=0, ceiling=later)


def body_of(records: list[Any], form: str) -> tuple[str, str]:
    if form == "ndjson":
        return "\n".join(json.dumps(record) for record in records), "application/x-ndjson"
    return json.dumps(records), "application/json"


def send(client, party, records, form="json", url="/api/v1/sdrs/bulk", method="post", **headers):
    body, content_type = body_of(records, form)
    return getattr(client, method)(
        url, data=body, content_type=content_type, headers={**party.headers, **KEY, **headers}
    )


def replayed(response: Any) -> bool:
    return response.get("Idempotency-Replayed") == "true"


@pytest.mark.usefixtures("today")
@pytest.mark.parametrize("form", ["json", "ndjson"])
def test_a_lot_of_sdrs_again_gets_the_same_answer_line_by_line(client, connected_cast, form):
    first = send(client, connected_cast.visited_cso, SDRS, form)
    assert first.status_code == 200, first.content
    assert [line["accepted"] for line in first.json()["results"]] == [True, False, True]
    deliveries = models.Delivery.objects.count()
    rows = models.JournalEntry.objects.count()
    again = send(client, connected_cast.visited_cso, SDRS, form)
    assert replayed(again)
    assert not replayed(first)
    assert again.content == first.content  # not "known", as without a key
    assert models.Sdr.objects.count() == 2
    assert models.Delivery.objects.count() == deliveries
    assert models.JournalEntry.objects.count() == rows


@pytest.mark.usefixtures("today")
def test_the_key_of_another_lot_is_refused_and_nothing_of_it_taken_in(client, connected_cast):
    send(client, connected_cast.visited_cso, SDRS)
    other = send(client, connected_cast.visited_cso, [*SDRS, changed(SDR, id="D")])
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_conflict")
    # The same records written in another way are another message, and so is another address.
    assert send(client, connected_cast.visited_cso, SDRS, "ndjson").status_code == 409
    assert models.Sdr.objects.count() == 2


@pytest.mark.usefixtures("today")
def test_a_lot_whose_first_attempt_died_half_way_is_completed(client, connected_cast):
    """The first chunk was answered for and committed; then the process died."""
    assert send(client, connected_cast.visited_cso, SDRS[:1]).status_code == 200
    models.GivenAnswer.objects.all().delete()
    assert send(client, connected_cast.visited_cso, SDRS, "ndjson").status_code == 200
    models.GivenAnswer.objects.update(
        status=None, body=b"", leased_until=timezone.now() - timedelta(seconds=1)
    )
    again = send(client, connected_cast.visited_cso, SDRS, "ndjson")
    assert not replayed(again)
    assert [line["known"] for line in again.json()["results"]] == [True, False, True]
    assert replayed(send(client, connected_cast.visited_cso, SDRS, "ndjson"))
    assert models.Sdr.objects.count() == 2


@pytest.mark.usefixtures("today")
def test_a_lot_that_is_none_is_refused_the_same_way_twice(client, connected_cast, settings):
    settings.MAX_BULK_SDRS = 2
    for seen in (False, True):
        response = send(client, connected_cast.visited_cso, SDRS, "ndjson")
        assert response.json()["code"] == "too_many_records"
        assert (response.status_code, replayed(response)) == (413, seen)


@pytest.mark.usefixtures("today")
def test_a_lot_of_statuses_is_told_once(client, connected_cast):
    url = "/api/v1/evse-statuses"
    first = send(client, connected_cast.visited_cso, STATUSES, url=url)
    assert first.status_code == 200, first.content
    deliveries = models.Delivery.objects.count()
    again = send(client, connected_cast.visited_cso, STATUSES, url=url)
    assert (replayed(again), again.content) == (True, first.content)
    assert models.Delivery.objects.count() == deliveries


@pytest.mark.usefixtures("today")
@pytest.mark.parametrize("form", ["json", "ndjson"])
@pytest.mark.parametrize("method", ["put", "patch"])
def test_a_list_of_identifications_is_distributed_once(client, connected_cast, form, method):
    url = "/api/v1/identifications?home_csp=DE-HOM"
    first = send(client, connected_cast.home_csp, CARDS, form, url, method)
    assert first.status_code == 200, first.content
    versions = models.IdentificationVersion.objects.count()
    deliveries = models.Delivery.objects.count()
    again = send(client, connected_cast.home_csp, CARDS, form, url, method)
    assert (replayed(again), again.content) == (True, first.content)
    assert models.IdentificationVersion.objects.count() == versions
    assert models.Delivery.objects.count() == deliveries
    other = "/api/v1/identifications?home_csp=de-hom"
    conflict = send(client, connected_cast.home_csp, CARDS, form, other, method)
    assert conflict.json()["code"] == "idempotency_conflict"
