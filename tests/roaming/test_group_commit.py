"""Journal rows of messages side by side share a COMMIT; without it nobody goes on."""

import json
import threading
import uuid
from io import BytesIO

import psycopg
import pytest
from django.conf import settings as django_settings
from django.core.wsgi import get_wsgi_application
from django.db import DataError, OperationalError, connection, connections
from django.utils import timezone

from clearinghouse.embedded_postgres import EmbeddedPostgres
from roaming import models
from roaming.hub_switch.journal_rows import Line, write_lines
from roaming.hub_switch.rights import Outdated, standing_version
from tests import databases
from tests.cast import make_cast
from tests.roaming.api.messages import LOCAL_START


class UndoneError(Exception):
    """Takes a transaction back."""


IDENTIFY = "/api/v1/identifications/authorisation"


def line(platform, **fields):
    values = {
        "transaction_id": uuid.uuid4(), "phase": "admitted", "at": timezone.now(),
        "environment": "live", "use_case": "UC4-1", "message_id": "m", "correlation_id": "c",
        "sender_id": platform.pk, "visited_cso_id": None, "home_csp_id": None,
        "agreement_id": None, "service_session_id": None, "object_key": "", "outcome": "pending",
        "refusal_code": "", "latency_us": None, "body_hmac": "\\xab01", "content": "{}",
        "version": None,
    }  # fmt: skip
    return Line(**{**values, **fields})


def in_threads(functions):
    """Runs all at once; returns what each returned or raised, in order."""
    results = [None] * len(functions)
    gate = threading.Barrier(len(functions))

    def run(place, function):
        gate.wait(30)
        try:
            results[place] = function()
        except Exception as error:
            results[place] = error
        finally:
            connections.close_all()

    threads = [
        threading.Thread(target=run, args=[place, function])
        for place, function in enumerate(functions)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.fixture
def parties(committed_db, csp_platform, settings, monkeypatch):
    settings.MESSAGES_PER_MINUTE = 0
    settings.LIVE_QUESTION_TIMEOUT_S = 10
    settings.LIVE_QUESTIONS_PER_RECEIVER = settings.LIVE_QUESTIONS_AT_ONCE = 64
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", 60)
    return make_cast(csp_endpoint=csp_platform.url)


def ask(party, name):
    """One message through the whole application, as the web server calls it: status, answer."""
    body = json.dumps(LOCAL_START).encode()
    said = []
    environ = {
        "REQUEST_METHOD": "POST", "PATH_INFO": IDENTIFY, "SCRIPT_NAME": "", "QUERY_STRING": "",
        "SERVER_NAME": "localhost", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "localhost", "REMOTE_ADDR": "127.0.0.1", "wsgi.url_scheme": "http",
        "CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(body)),
        "HTTP_AUTHORIZATION": f"Bearer {party.token}", "HTTP_X_CORRELATION_ID": name,
        "wsgi.input": BytesIO(body), "wsgi.errors": BytesIO(),
    }  # fmt: skip
    response = get_wsgi_application()(environ, lambda status, headers: said.append(status))
    content = b"".join(response)
    response.close()
    return int(said[0][:3]), json.loads(content)


def test_rows_that_come_together_are_committed_together(parties):
    platform = parties.visited_cso.platform
    lines = [line(platform, correlation_id=f"c-{n}", content=f'{{"n": {n}}}') for n in range(40)]
    results = in_threads([lambda one=one: write_lines([one]) for one in lines])
    assert results == [None] * 40
    rows = models.JournalEntry.objects.select_related("body")
    assert {row.correlation_id: row.body.content for row in rows} == {
        one.correlation_id: one.content for one in lines
    }
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(DISTINCT xmin::text) FROM roaming_journalentry")
        assert cursor.fetchone()[0] < 40


def test_a_row_says_what_its_message_said(parties):
    session, now = uuid.uuid4(), timezone.now()
    given = line(
        parties.visited_cso.platform, phase="verdict", at=now, outcome="refused",
        service_session_id=session, object_key="DEVISE1", refusal_code="blocked", latency_us=1234,
        visited_cso_id=parties.visited_cso.identifier.pk, agreement_id=parties.agreement.pk,
        content='{"ü": "\\u0001 \\\\ \\""}',
    )  # fmt: skip
    write_lines([given])
    row = models.JournalEntry.objects.get()
    assert (row.transaction_id, row.phase, row.at) == (given.transaction_id, "verdict", now)
    assert (row.service_session_id, row.object_key) == (session, "DEVISE1")
    assert (row.outcome, row.refusal_code, row.latency_us) == ("refused", "blocked", 1234)
    assert bytes(row.body_hmac) == b"\xab\x01"
    assert (row.visited_cso, row.home_csp) == (parties.visited_cso.identifier, None)
    assert row.agreement_id == parties.agreement.pk
    assert row.body.content == given.content
    assert row.recorded_at is not None


def test_a_row_without_a_text_has_no_body(parties):
    write_lines([line(parties.visited_cso.platform, content="")])
    assert not models.JournalBody.objects.exists()


def test_a_row_that_the_database_objects_to_fails_its_own_message_only(parties):
    platform = parties.visited_cso.platform
    good = [lambda: write_lines([line(platform)]) for _ in range(15)]
    bad = [lambda: write_lines([line(platform, object_key="x" * 100)]) for _ in range(3)]
    results = in_threads(good + bad)
    assert results[:15] == [None] * 15
    assert all(isinstance(error, DataError) for error in results[15:])
    assert models.JournalEntry.objects.count() == 15


def test_of_those_that_come_together_only_the_outdated_are_left_out(parties):
    platform = parties.visited_cso.platform
    standing, outdated = standing_version(), uuid.uuid4()
    results = in_threads(
        [
            lambda version=version: write_lines([line(platform, version=version)] * 2)
            for version in [standing, None, outdated] * 6
        ]
    )
    kinds = [type(result) for result in results]
    assert kinds == [type(None), type(None), Outdated] * 6
    assert models.JournalEntry.objects.count() == 24


def test_a_database_that_cannot_write_fails_everybody_and_nothing_is_forwarded(
    parties, committed_db, csp_platform
):
    assert ask(parties.visited_cso, "before")[0] == 200
    with databases.owner_connection() as owner:
        owner.execute(f"ALTER DATABASE {committed_db} SET default_transaction_read_only = on")
    connection.close()
    answers = in_threads([lambda n=n: ask(parties.visited_cso, f"during-{n}") for n in range(12)])
    assert {(status, body["code"]) for status, body in answers} == {(503, "unavailable")}
    assert [message.headers["X-Correlation-ID"] for message in csp_platform.received] == ["before"]
    with databases.owner_connection() as owner:
        owner.execute(f"ALTER DATABASE {committed_db} RESET default_transaction_read_only")
    connection.close()
    assert ask(parties.visited_cso, "after")[0] == 200


def test_whose_connection_breaks_is_refused_and_what_was_forwarded_stands_in_the_journal(
    parties, committed_db, csp_platform
):
    answers, stop = {}, threading.Event()

    def send(sender):
        for number in range(40):
            name = f"c-{sender}-{number}"
            answers[name] = ask(parties.visited_cso, name)

    def break_connections():
        server = EmbeddedPostgres(django_settings.EMBEDDED_POSTGRES_DATA_DIR, durable=False)
        superuser = server.conninfo("postgres", "postgres")
        with psycopg.connect(superuser, autocommit=True) as administrator:
            while not stop.wait(0.1):
                administrator.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s "
                    "AND usename = 'clearinghouse_app' ORDER BY random() LIMIT 1",
                    [committed_db],
                )

    breaker = threading.Thread(target=break_connections)
    breaker.start()
    failures = [f for f in in_threads([lambda n=n: send(n) for n in range(6)]) if f is not None]
    stop.set()
    breaker.join()
    assert failures == []
    assert len(answers) == 240
    odd = [answer for answer in answers.values() if answer[0] not in (200, 503)]
    assert odd == []
    accepted = {name for name, (status, _) in answers.items() if status == 200}
    connection.close()
    rows = models.JournalEntry.objects.values_list("correlation_id", "phase", "outcome")
    admitted = [name for name, phase, _ in rows if phase == "admitted"]
    ruled = {name for name, phase, outcome in rows if (phase, outcome) == ("verdict", "accepted")}
    forwarded = [message.headers["X-Correlation-ID"] for message in csp_platform.received]
    assert len(forwarded) == len(set(forwarded))
    assert set(forwarded) <= set(admitted)
    assert accepted <= ruled
    assert len(accepted) >= 50


def test_inside_a_transaction_the_row_is_part_of_it(parties):
    from django.db import transaction

    with pytest.raises(UndoneError), transaction.atomic():
        write_lines([line(parties.visited_cso.platform)])
        assert models.JournalEntry.objects.count() == 1
        raise UndoneError
    assert models.JournalEntry.objects.count() == 0
    with pytest.raises(Outdated), transaction.atomic():
        write_lines([line(parties.visited_cso.platform, version=uuid.uuid4())])


def test_an_error_is_an_error_of_the_database_for_each(parties, committed_db):
    """Not the same object for all: each has its own traceback, and none its neighbour's."""
    with databases.owner_connection() as owner:
        owner.execute(f"ALTER DATABASE {committed_db} SET default_transaction_read_only = on")
    connection.close()
    platform = parties.visited_cso.platform
    results = in_threads([lambda: write_lines([line(platform)]) for _ in range(8)])
    assert all(isinstance(error, OperationalError) for error in results)
    assert len({id(error) for error in results}) == 8
