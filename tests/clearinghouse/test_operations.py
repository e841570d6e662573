"""What those who run it look at: liveness, readiness, metrics, logs."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from django.db import connection

from tests.databases import ROOT
from tests.roaming.api.messages import LOCAL_START


def test_it_lives_without_a_database(client):
    assert client.get("/livez").json() == {"status": "alive"}


def test_it_is_ready_with_a_migrated_database(client, db):
    assert client.get("/readyz").json() == {"status": "ready"}


def test_a_database_without_all_migrations_is_not_ready(client, db, monkeypatch):
    from clearinghouse import health

    monkeypatch.setattr(health, "_migrated", False)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'roaming'")
    response = client.get("/readyz")
    assert response.status_code == 503
    assert "prepare_database" in response.json()["problem"]


def test_metrics_are_there_for_who_has_the_token_only(client, db, settings):
    assert client.get("/metrics").status_code == 404
    settings.METRICS_TOKEN = "scrape"
    wrong = client.get("/metrics", headers={"Authorization": "Bearer other"})
    assert wrong.status_code == 404
    right = client.get("/metrics", headers={"Authorization": "Bearer scrape"})
    assert right.status_code == 200
    assert b"clearinghouse_deliveries_waiting 0.0" in right.content


def test_every_answer_is_counted_with_its_refusal(client, connected_cast, settings):
    settings.METRICS_TOKEN = "scrape"
    client.post(
        "/api/v1/service-sessions/local-start", data={**LOCAL_START, "evse_id": "DE*VIS*E999"},
        content_type="application/json", headers=connected_cast.visited_cso.headers,
    )  # fmt: skip
    page = client.get("/metrics", headers={"Authorization": "Bearer scrape"}).content.decode()
    counted = [line for line in page.splitlines() if 'code="unknown_evse"' in line]
    assert any('operation="POST uc3-1-local-start"' in line for line in counted)


def test_what_waits_and_what_was_given_up_is_told(client, connected_cast, settings):
    from roaming import models
    from roaming.outbox import Parcel, enqueue

    settings.METRICS_TOKEN = "scrape"
    platform = connected_cast.home_csp.platform
    enqueue([Parcel(platform, "UC1-2", "uc1-2/sites", f"site:{n}", "{}", "c") for n in range(3)])
    models.Delivery.objects.filter(object_key="site:0").update(state="dead")
    page = client.get("/metrics", headers={"Authorization": "Bearer scrape"}).content
    assert b"clearinghouse_deliveries_waiting 2.0" in page
    assert b"clearinghouse_deliveries_dead 1.0" in page


@pytest.mark.parametrize(("form", "is_json"), [("json", True), ("line", False)])
def test_a_log_line_carries_the_correlation_id(form, is_json):
    program = (
        "import django, logging; django.setup();"
        "from clearinghouse import logs;"
        "logs.correlation_id.set('corr-42');"
        "logging.getLogger('roaming').warning('no answer from %s', 'DE-HOM')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "clearinghouse.settings",
             "CLEARINGHOUSE_LOG_FORMAT": form},
    )  # fmt: skip
    line = done.stderr.strip().splitlines()[-1]
    if is_json:
        content = json.loads(line)
        assert content["correlation_id"] == "corr-42"
        assert content["message"] == "no answer from DE-HOM"
        assert content["level"] == "WARNING"
    else:
        assert "[corr-42] no answer from DE-HOM" in line


def test_a_form_of_logs_that_does_not_exist_stops_the_start():
    done = subprocess.run(
        [sys.executable, "manage.py", "check"], cwd=ROOT, capture_output=True, text=True,
        env={**os.environ, "CLEARINGHOUSE_LOG_FORMAT": "xml"}, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "CLEARINGHOUSE_LOG_FORMAT must be one of line, json" in done.stderr


def test_the_access_log_names_operation_and_code(client, connected_cast, settings, caplog):
    settings.ACCESS_LOG = True
    with caplog.at_level("INFO", logger="clearinghouse.access"):
        client.get("/api/v1/sites", headers=connected_cast.outsider.headers)
    (record,) = caplog.records
    assert (record.operation, record.status) == ("GET uc1-2-sites", 200)
