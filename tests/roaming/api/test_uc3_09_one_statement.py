"""UC3-9, one clean SDR: one statement leaves what the general way leaves, or nothing at all."""

import json
import threading
import uuid
from datetime import UTC, datetime

import pytest
from django.db import connection, connections, transaction
from django.db.utils import DataError
from django.test import Client
from django.utils import timezone

from roaming import models
from roaming.hub_switch import one_sdr, rights
from roaming.hub_switch.statements import Statement
from tests import factories
from tests.cast import make_cast
from tests.roaming.api.messages import LOCAL_START, SDR, changed

# Long over, whenever the test runs.
OVER = changed(SDR, start_date_time="2026-10-05T10:00:00+02:00")
BARE = {
    name: OVER[name]
    for name in (
        "visited_cso", "home_csp", "evse_id", "time_zone", "start_date_time", "end_date_time",
        "currency", "charging_periods", "total_energy", "total_cost",
    )
}  # fmt: skip


@pytest.fixture
def cast(committed_db, now):
    from roaming.models.clock import set_business_clock

    later = datetime(2026, 10, 6, 8, 0, tzinfo=UTC)
    set_business_clock(later, speed=0, ceiling=later)
    return make_cast()


@pytest.fixture
def at_once(monkeypatch):
    """The rows that were written in one statement."""
    written = []
    original = one_sdr.take_in_one

    def take_in_one(*arguments):
        row = original(*arguments)
        written.append(row)
        return row

    monkeypatch.setattr(
        "roaming.use_cases.uc3_09_sdr_information_exchange.take_in_one", take_in_one
    )
    return written


def send(party, body, **headers):
    return Client().post(
        "/api/v1/sdrs", data=body, content_type="application/json",
        headers={**party.headers, **headers},
    )  # fmt: skip


def send_in_bulk(party, body):
    return Client().post(
        "/api/v1/sdrs/bulk", data=[body], content_type="application/json", headers=party.headers
    )


OWN = {
    "id", "arrival", "sdr", "sdr_id", "transaction_id", "message_id", "correlation_id",
    "recorded_at", "latency_us", "created_at", "due_at", "deadline", "object_key", "reference",
    "content_hmac", "body_hmac", "body", "content", "rated_part", "written_in",
}  # fmt: skip


def rows_about(reference):
    """What stands in the database about an SDR, without what is of this one alone."""
    sdr = models.Sdr.objects.get(reference=reference)
    found = {
        "registry": models.SdrRegistry.objects.get(sdr_id=sdr.pk),
        "sdr": sdr,
        "original": sdr.original,
        "state": sdr.standing,
        "event": sdr.events.get(),
        "journal": models.JournalEntry.objects.get(object_key=reference),
        "delivery": models.Delivery.objects.get(object_key=f"sdrs:{sdr.pk}"),
    }
    rows = {
        name: {
            field.attname: getattr(row, field.attname)
            for field in row._meta.concrete_fields
            if field.name not in OWN and field.attname not in OWN
        }
        for name, row in found.items()
    }
    texts = {
        "original": found["original"].content,
        "rated": sdr.rated_part,
        "delivery": found["delivery"].body.replace(str(sdr.pk), "the SDR"),
    }
    assert found["registry"].content_hmac == found["journal"].body_hmac
    return rows, {
        name: json.loads(text.replace(reference, "the reference")) for name, text in texts.items()
    }


@pytest.mark.parametrize(
    "sdr",
    [
        OVER,
        BARE,
        changed(OVER, service_session_id=str(uuid.uuid4()), csp_session_id="C-1"),
        changed(OVER, credit=True, credit_reference_id="SDR-0", total_energy=-20),
        changed(OVER, home_csp="dehom", extra={"text": "ä \\ ' \" ✓"}, tariff_id="it's"),
    ],
)
def test_it_leaves_the_rows_that_the_general_way_leaves(cast, at_once, sdr):
    single, bulk = changed(sdr, id="SDR-A"), changed(sdr, id="SDR-B")
    response = send(cast.visited_cso, single)
    assert (response.status_code, len(at_once)) == (201, 1)
    assert at_once[0] is not None
    assert response["Location"] == f"/api/v1/sdrs/{response.json()['sdr_id']}"
    assert send_in_bulk(cast.visited_cso, bulk).json()["accepted"] == 1
    assert rows_about("SDR-A") == rows_about("SDR-B")
    arrivals = dict(models.Sdr.objects.values_list("reference", "arrival"))
    assert arrivals["SDR-A"] < arrivals["SDR-B"]


def test_the_agreement_that_its_session_opened_under_governs_it(cast, at_once):
    # The home-CSP cannot be reached; what counts is that a session was opened.
    Client().post(
        "/api/v1/service-sessions/local-start", data=LOCAL_START, content_type="application/json",
        headers=cast.visited_cso.headers,
    )  # fmt: skip
    other = factories.make_agreement(
        cast.visited_cso.operator, cast.home_csp.operator,
        valid_from=datetime(2010, 1, 1, tzinfo=UTC), valid_to=datetime(2011, 1, 1, tzinfo=UTC),
    )  # fmt: skip
    session = models.ServiceSession.objects.get()
    assert session.agreement == cast.agreement
    models.ServiceSession.objects.update(agreement=other)
    send(cast.visited_cso, changed(OVER, service_session_id=str(session.pk)))
    assert at_once[0] is not None
    assert models.Sdr.objects.get().agreement == other
    assert models.JournalEntry.objects.get(use_case="UC3-9").agreement_id == other.pk


@pytest.mark.parametrize(
    "sdr",
    [
        changed(OVER, total_energy=-1),  # a finding
        changed(OVER, home_csp="NL-NOP"),  # nobody's
        changed(OVER, time_zone=...),  # its site would have to be asked
        changed(OVER, start_date_time="2020-10-05T10:00:00+02:00"),  # before any agreement
        changed(OVER, visited_cso="DE*XXX"),  # refused
    ],
)
def test_what_is_not_clean_goes_the_general_way(cast, at_once, sdr):
    send(cast.visited_cso, sdr)
    assert at_once == [None]
    assert models.Sdr.objects.count() == (sdr["visited_cso"] == "DE*VIS")
    assert models.JournalEntry.objects.count() == 1


def test_the_same_again_is_known_and_other_content_refused(cast, at_once):
    first = send(cast.visited_cso, OVER).json()
    assert send(cast.visited_cso, OVER).json() == first | {"known": True}
    assert send(cast.visited_cso, changed(OVER, total_energy=3)).status_code == 409
    assert [row is not None for row in at_once] == [True, False, False]
    assert models.Sdr.objects.count() == models.Delivery.objects.count() == 1


def test_of_two_at_once_one_is_new_and_the_other_knows_it(cast):
    answers, gate = [], threading.Barrier(4)

    def run():
        gate.wait(30)
        try:
            answers.append(send(cast.visited_cso, OVER).status_code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200, 200, 200, 201]
    assert models.Sdr.objects.count() == models.Delivery.objects.count() == 1


def test_nothing_is_written_by_rights_that_no_longer_stand(cast, at_once):
    send(cast.visited_cso, OVER)
    models.Platform.objects.filter(pk=cast.visited_cso.platform.pk).update(name="Renamed")
    assert rights._kept.rights.version != rights.standing_version()
    assert send(cast.visited_cso, changed(OVER, id="SDR-2")).status_code == 201
    assert len(at_once) == 2  # the first attempt raised, and left nothing
    assert models.JournalEntry.objects.filter(object_key="SDR-2").count() == 1
    models.Credential.objects.update(revoked_at=timezone.now())
    assert send(cast.visited_cso, changed(OVER, id="SDR-3")).status_code == 401
    assert send(cast.visited_cso, changed(OVER, id="SDR-4", total_energy=-1)).status_code == 401
    assert models.Sdr.objects.count() == 2


def test_who_takes_no_sdrs_is_sent_none(cast, at_once):
    models.RoamingEndpoint.objects.update(paths=["uc1-2/sites"])
    send(cast.visited_cso, OVER)
    models.RoamingEndpoint.objects.update(paths=["uc3-9/sdrs"])
    send(cast.visited_cso, changed(OVER, id="SDR-2"))
    models.PlatformIdentifier.objects.filter(platform=cast.home_csp.platform).delete()
    send(cast.visited_cso, changed(OVER, id="SDR-3"))
    assert all(at_once)
    assert models.Sdr.objects.count() == 3
    assert "SDR-2" in models.Delivery.objects.get().body


def test_a_message_id_gives_the_same_answer_again(cast, at_once):
    first = send(cast.visited_cso, OVER, **{"X-Message-ID": "m-1"})
    again = send(cast.visited_cso, OVER, **{"X-Message-ID": "m-1"})
    assert (again.status_code, again.content) == (201, first.content)
    assert again["Idempotency-Replayed"] == "true"
    assert len(at_once) == 1
    assert models.JournalEntry.objects.get().message_id == "m-1"


ADD = Statement("test_add", "SELECT %(first)s::bigint + %(second)s::bigint, %(text)s::text")


def test_a_statement_is_prepared_anew_where_it_was_let_go(committed_db):
    values = {"first": 1, "second": 2**40, "text": None}
    expected = [(str(2**40 + 1), "")]
    assert ADD.run(values) == expected
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")
    assert ADD.run(values) == expected
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    from tests.databases import owner_connection

    with owner_connection() as owner:
        owner.execute("SELECT pg_terminate_backend(%s, 10000)", [pid])
    assert ADD.run(values) == expected


def test_a_statement_runs_in_a_transaction_too_and_its_errors_are_those_of_django(committed_db):
    with transaction.atomic():
        assert ADD.run({"first": 1, "second": 2, "text": "x"}) == [("3", "x")]
        with pytest.raises(DataError), transaction.atomic():
            ADD.run({"first": "x", "second": 2, "text": ""})
        assert ADD.run({"first": 1, "second": 2, "text": "y"}) == [("3", "y")]
    with pytest.raises(DataError):
        ADD.run({"first": "x", "second": 2, "text": ""})
    assert ADD.run({"first": 4, "second": 2, "text": ""}) == [("6", "")]
