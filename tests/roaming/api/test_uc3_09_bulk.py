"""UC3-9 in bulk, chunk by chunk: what one chunk does to the next, and to another call (8.3)."""

import gc
import json
import threading
import uuid

import pytest
from django.db import connection, transaction
from django.db.utils import DatabaseError

from roaming import models
from roaming.api.collector import collector_paused
from roaming.models import sdr_intake
from roaming.use_cases import uc3_09_sdr_information_exchange as uc3_09
from tests.roaming.api.messages import SDR, changed


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch, request):
    """Three records are a chunk here."""
    monkeypatch.setattr(sdr_intake, "CHUNK", 3)
    monkeypatch.setattr(uc3_09, "CHUNK", 3)


@pytest.fixture
def business_time(db, now):
    from datetime import timedelta

    from roaming.models.clock import set_business_clock

    later = now + timedelta(days=1)
    set_business_clock(later, speed=0, ceiling=later)


def send(client, cast, records):
    return client.post(
        "/api/v1/sdrs/bulk",
        data="\n".join(json.dumps(record) for record in records),
        content_type="application/x-ndjson",
        headers=cast.visited_cso.headers,
    )


# Ten records whose ids are not in the order of the call.
IDS = ["j", "b", "B", "z", "a", "Ä", "c", "10", "9", "_"]


@pytest.mark.usefixtures("business_time")
def test_records_of_all_chunks_are_kept_and_numbered_as_they_came(client, connected_cast):
    answer = send(client, connected_cast, [changed(SDR, id=i) for i in IDS]).json()
    assert [line["id"] for line in answer["results"]] == IDS
    assert all(line["accepted"] and not line["known"] for line in answer["results"])
    assert list(models.Sdr.objects.order_by("arrival").values_list("reference", flat=True)) == IDS
    ids = set(models.Sdr.objects.values_list("id", flat=True))
    for kind in (models.SdrOriginal, models.SdrState, models.SdrEvent):
        assert set(kind.objects.values_list("sdr_id", flat=True)) == ids
    assert set(models.SdrRegistry.objects.values_list("sdr_id", flat=True)) == ids
    journal = models.JournalEntry.objects.filter(use_case="UC3-9", outcome="accepted")
    assert sorted(journal.values_list("object_key", flat=True)) == sorted(IDS)


@pytest.mark.usefixtures("business_time")
def test_the_home_csp_gets_each_record_once_with_its_own_findings(client, connected_cast):
    records = [changed(SDR, id=i) for i in IDS]
    records[3] = changed(SDR, id="z", total_energy=-1)
    send(client, connected_cast, records)
    sent = [
        record
        for delivery in models.Delivery.objects.filter(path="uc3-9/sdrs")
        for record in json.loads(delivery.body)["sdrs"]
    ]
    assert sorted(record["sdr"]["id"] for record in sent) == sorted(IDS)
    assert [r["sdr"]["id"] for r in sent if "QTY-01" in str(r["findings"])] == ["z"]


@pytest.mark.usefixtures("business_time")
def test_a_reference_that_stands_in_two_chunks_is_new_once(client, connected_cast):
    records = [changed(SDR, id=i) for i in IDS]
    records += [changed(SDR, id="a"), changed(SDR, id="z", total_energy=21)]
    lines = send(client, connected_cast, records).json()["results"]
    assert models.Sdr.objects.count() == len(IDS)
    assert (lines[10]["known"], lines[10]["sdr_id"]) == (True, lines[4]["sdr_id"])
    assert lines[11]["refusal"]["code"] == "duplicate_with_other_content"
    assert models.Sdr.objects.get(reference="z").energy_kwh == 20


@pytest.mark.usefixtures("business_time")
def test_bad_records_of_any_chunk_are_reported_at_their_place(client, connected_cast):
    records = [changed(SDR, id=i) for i in IDS]
    records[1] = changed(SDR, id="")
    records[5] = changed(SDR, id="x", visited_cso="NL*OTH")
    records[9] = changed(SDR, id="y", total_energy="NaN")
    lines = send(client, connected_cast, records).json()["results"]
    refused = {line["index"]: line["refusal"]["code"] for line in lines if line["refusal"]}
    assert refused == {1: "invalid_field", 5: "party_not_held", 9: "invalid_field"}
    assert models.Sdr.objects.count() == 7


@pytest.mark.usefixtures("business_time")
def test_the_same_call_again_takes_nothing_in(client, connected_cast):
    records = [changed(SDR, id=i) for i in IDS]
    first = send(client, connected_cast, records).json()["results"]
    again = send(client, connected_cast, records).json()["results"]
    assert [line["sdr_id"] for line in again] == [line["sdr_id"] for line in first]
    assert all(line["known"] for line in again)
    assert models.Sdr.objects.count() == len(IDS)


@pytest.mark.usefixtures("business_time")
@pytest.mark.parametrize("number", [2, 3, 4, 6, 7])
def test_calls_that_end_at_or_beside_the_border_of_a_chunk(client, connected_cast, number):
    answer = send(client, connected_cast, [changed(SDR, id=i) for i in IDS[:number]]).json()
    assert answer["accepted"] == models.Sdr.objects.count() == number


@pytest.mark.usefixtures("business_time")
def test_a_broken_later_chunk_takes_the_whole_call_back(client, connected_cast, monkeypatch):
    """The statement of the second chunk fails in the database, in the middle of the pipeline."""
    calls = iter(range(10))
    admit = uc3_09.Door.admit

    def breaking(self, place, message, raw):
        row, findings = admit(self, place, message, raw)
        return (row._replace(home_csp_id=2**40) if next(calls) == 4 else row), findings

    monkeypatch.setattr(uc3_09.Door, "admit", breaking)
    with pytest.raises(DatabaseError), transaction.atomic():
        _receive(connected_cast, [changed(SDR, id=i) for i in IDS])
    assert models.Sdr.objects.count() == 0
    assert models.SdrRegistry.objects.count() == 0


@pytest.mark.usefixtures("business_time")
def test_constraints_are_deferred_again_afterwards(client, connected_cast):
    send(client, connected_cast, [changed(SDR, id=i) for i in IDS])
    stranger = uuid.uuid4()
    with transaction.atomic():
        # Refused at once if constraints were still immediate; gone again before they are checked.
        models.SdrOriginal.objects.create(sdr_id=stranger, content="{}")
        models.SdrOriginal.objects.filter(sdr_id=stranger).delete()


def test_two_calls_with_the_same_references_in_other_order_never_deadlock(committed_db):
    from datetime import UTC, datetime, timedelta

    from roaming.models.clock import set_business_clock
    from tests.cast import make_cast

    later = datetime(2026, 10, 6, 8, tzinfo=UTC)
    set_business_clock(later, speed=0, ceiling=later + timedelta(days=1))
    cast = make_cast()
    start, outcomes = threading.Barrier(2), []

    def call(ids):
        try:
            start.wait(10)
            outcomes.append(len(_receive(cast, [changed(SDR, id=i) for i in ids])))
        except Exception as error:  # reported by the assertion below
            outcomes.append(error)
        finally:
            connection.close()

    for turn in range(4):
        ids = [f"{turn}-{number}" for number in range(40)]
        threads = [threading.Thread(target=call, args=(o,)) for o in (ids, ids[::-1])]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert outcomes == [40] * 8
    assert models.Sdr.objects.count() == 160


def _receive(cast, records):
    from roaming.domain.sdr import SdrMessage
    from roaming.domain.use_case import UseCase
    from roaming.hub_switch import Envelope
    from roaming.models.clock import business_now

    platform = models.Platform.objects.get(pk=cast.visited_cso.platform.pk)
    envelope = Envelope(UseCase.UC3_9, platform, str(uuid.uuid4()), "C", business_now())
    import msgspec

    raws = [json.dumps(record).encode() for record in records]
    return uc3_09.receive_sdrs(
        envelope,
        [uc3_09.SdrRecord(raw, msgspec.json.decode(raw, type=SdrMessage)) for raw in raws],
    )


def test_the_collector_works_again_after_a_call_even_after_one_that_failed():
    assert gc.isenabled()
    with pytest.raises(RuntimeError), collector_paused():
        assert not gc.isenabled()
        with collector_paused():
            assert not gc.isenabled()
        assert not gc.isenabled()
        raise RuntimeError
    assert gc.isenabled()
