"""The home-CSP's own records: sent one by one and in bulk, seen by their sender alone (6.4.2)."""

import json
import threading
from datetime import timedelta

import msgspec
import pytest
from django.db import connection, transaction
from django.db.utils import DatabaseError
from django.utils import timezone

from roaming import models as hub
from roaming.models.fingerprints import token_fingerprint
from roaming.use_cases.erasure import erase_by_age, erase_holder_of
from settlement import models
from settlement.domain.csp_record import CspRecordMessage
from settlement.use_cases.csp_records import OfferedRecord, receive_csp_records
from tests.roaming.api.matrix_world import RECORD
from tests.roaming.api.messages import changed

URL = "/api/v1/reconciliation/csp-records"


@pytest.fixture(autouse=True)
def business_time(request, now):
    from roaming.models.clock import set_business_clock

    request.getfixturevalue("committed_db" if "committed_db" in request.fixturenames else "db")
    set_business_clock(now, speed=0, ceiling=now)


def send(client, party, record, path="", **headers):
    return client.post(
        URL + path,
        data=record,
        content_type="application/json",
        headers={**party.headers, **headers},
    )


def test_a_record_is_kept_and_its_identification_only_in_what_can_be_erased(client, cast):
    answer = send(client, cast.home_csp, RECORD)
    assert answer.status_code == 201
    record = models.CspRecord.objects.get(id=answer.json()["record_id"])
    assert answer["Location"] == f"{URL}/{record.id}"
    assert (record.reference, record.evse_key, str(record.energy_kwh)) == (
        "HOM-1", "DEVISE001", "20",
    )  # fmt: skip
    assert bytes(record.token_hmac) == token_fingerprint("04A2B3C4D5E6F7")
    assert record.pair.visited_cso == cast.visited_cso.operator
    assert record.original.token_uid == "04A2B3C4D5E6F7"
    assert json.loads(record.original.content) == RECORD
    journal = hub.JournalEntry.objects.get(use_case="6.4.2")
    assert (journal.outcome, journal.sender) == ("accepted", cast.home_csp.platform)


def test_the_same_content_again_is_known_whatever_its_order(client, cast):
    first = send(client, cast.home_csp, RECORD).json()
    turned = dict(reversed(RECORD.items()))
    again = send(client, cast.home_csp, turned)
    assert (again.status_code, again.json()) == (200, {**first, "known": True})
    assert models.CspRecord.objects.count() == 1


def test_other_content_under_the_same_id_is_refused(client, cast):
    send(client, cast.home_csp, RECORD)
    answer = send(client, cast.home_csp, changed(RECORD, total_energy="21"))
    assert (answer.status_code, answer.json()["code"]) == (409, "duplicate_with_other_content")
    assert models.CspRecord.objects.get().energy_kwh == 20


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"home_csp": "FR-OUT"}, "party_not_held", "home_csp"),
        ({"home_csp": "?"}, "invalid_identifier", "home_csp"),
        ({"visited_cso": "DE*XXX"}, "unknown_party", "visited_cso"),
        ({"visited_cso": "?"}, "invalid_identifier", "visited_cso"),
        ({"evse_id": "E1"}, "invalid_identifier", "evse_id"),
        ({"service_session_id": "mine"}, "invalid_field", "service_session_id"),
        ({"start_date_time": "2026-10-04T09:30:00"}, "time_without_offset", "start_date_time"),
        ({"end_date_time": "2026-10-04T09:00:00+02:00"}, "invalid_field", "end_date_time"),
        ({"end_date_time": "2026-10-09T09:00:00+02:00"}, "invalid_field", "end_date_time"),
        ({"total_energy": "-1"}, "invalid_field", "total_energy"),
        ({"total_cost": {"before_tax": "1e900"}}, "invalid_field", "total_cost.before_tax"),
        ({"currency": ""}, "invalid_field", "currency"),
        ({"currency": "Euro"}, "invalid_field", "currency"),
        ({"id": ""}, "invalid_field", "id"),
        ({"total_energy": ...}, "invalid_field", None),
    ],
)
def test_what_cannot_be_compared_is_refused(client, cast, changes, code, field):
    answer = send(client, cast.home_csp, changed(RECORD, **changes)).json()
    assert (answer["code"], answer.get("field")) == (code, field)
    assert not models.CspRecord.objects.exists()
    assert hub.JournalEntry.objects.get(use_case="6.4.2").refusal_code == code


def test_parties_without_any_agreement_have_nothing_to_compare(client, cast):
    record = changed(RECORD, home_csp="FR-OUT")
    assert send(client, cast.outsider, record).json()["code"] == "no_agreement"


def test_a_visited_cso_sends_no_record_of_a_home_csp(client, cast):
    assert send(client, cast.visited_cso, RECORD).json()["code"] == "party_not_held"


def test_in_bulk_good_records_are_kept_and_bad_ones_reported(client, cast):
    records = [
        changed(RECORD, id="A"),
        changed(RECORD, id="B", home_csp="FR-OUT"),
        changed(RECORD, id="A"),
        changed(RECORD, id="A", total_energy="3"),
        {"id": "C"},
        changed(RECORD, id="D"),
    ]
    answer = send(client, cast.home_csp, json.dumps(records), "/bulk").json()
    assert (answer["accepted"], answer["refused"]) == (3, 3)
    assert [line["accepted"] for line in answer["results"]] == [
        True, False, True, False, False, True,
    ]  # fmt: skip
    assert answer["results"][2]["known"]
    assert answer["results"][2]["record_id"] == answer["results"][0]["record_id"]
    assert [line["refusal"]["code"] for line in answer["results"] if line["refusal"]] == [
        "party_not_held", "duplicate_with_other_content", "invalid_field",
    ]  # fmt: skip
    arrived = models.CspRecord.objects.order_by("arrival").values_list("reference", flat=True)
    assert list(arrived) == ["A", "D"]


def test_the_list_is_filtered_and_an_unchanged_answer_is_not_sent_again(client, cast):
    for number in range(3):
        send(client, cast.home_csp, changed(RECORD, id=f"R{number}"))
    headers = cast.home_csp.headers
    page = client.get(URL, {"page_size": 2}, headers=headers)
    assert [row["reference"] for row in page.json()["results"]] == ["R2", "R1"]
    assert [r["reference"] for r in client.get(page.json()["next"], headers=headers).json()[
        "results"]] == ["R0"]  # fmt: skip
    found = client.get(URL, {"reference": "R1", "visited_cso": "DE*VIS"}, headers=headers)
    (row,) = found.json()["results"]
    assert row["record"]["total_energy"] == "20"
    known = client.get(f"{URL}/{row['record_id']}", headers=headers)
    again = client.get(
        f"{URL}/{row['record_id']}", headers={**headers, "If-None-Match": known["ETag"]}
    )
    assert again.status_code == 304


def test_the_identification_goes_with_its_holder_and_the_record_stays(client, cast):
    send(client, cast.home_csp, RECORD)
    assert erase_holder_of("04A2B3C4D5E6F7", timezone.now())["originals of CSP records"] == 1
    (row,) = client.get(URL, headers=cast.home_csp.headers).json()["results"]
    assert (row["record"], row["energy_kwh"]) == (None, "20")


def test_the_identification_goes_with_age(client, cast, now, settings):
    send(client, cast.home_csp, RECORD)
    settings.RETENTION_PERSONAL_DATA_DAYS = 10
    name = "originals of CSP records"
    assert erase_by_age(now + timedelta(days=9), timezone.now())[name] == 0
    assert erase_by_age(now + timedelta(days=11), timezone.now())[name] == 1


def test_a_record_never_changes_and_none_is_written_past_the_registry(client, cast):
    send(client, cast.home_csp, RECORD)
    row = models.CspRecord.objects.get()
    for change in (
        lambda: models.CspRecord.objects.update(energy_kwh=1),
        lambda: models.CspRecord.objects.create(
            **{**{k: v for k, v in vars(row).items() if k[0] != "_"},
               "id": "01a10bef-6200-7c1e-8a52-9d1f2ab44e02"}
        ),
    ):  # fmt: skip
        with pytest.raises(DatabaseError), transaction.atomic():
            change()


def test_two_calls_with_the_same_records_keep_each_once(committed_db, now):
    from tests.cast import make_cast

    cast = make_cast()
    offered = []
    for number in range(200):
        raw = json.dumps(changed(RECORD, id=f"R{number}")).encode()
        offered.append(OfferedRecord(raw, msgspec.json.decode(raw, type=CspRecordMessage)))
    known = []

    def call(order):
        receipts = receive_csp_records(cast.home_csp.platform, order, now)
        known.append(sum(receipt.known for receipt in receipts))
        connection.close()

    threads = [threading.Thread(target=call, args=(order,)) for order in (offered, offered[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(known) == [0, 200]
    assert models.CspRecord.objects.count() == 200
