"""UC1-1: versions, paths that a platform takes, and platforms that pull."""

import re
from pathlib import Path

import pytest

from roaming import models
from roaming.domain.dispute_notice import DISPUTES_PATH
from roaming.domain.receiving import RECEIVED_PATHS
from roaming.hub_switch import deliver_due
from tests.roaming.api.messages import LOCAL_START, SITE, changed
from tests.roaming.api.newcomers import credentials, invite, register, send


@pytest.fixture
def registered(client, newcomer, rep):
    """Its token; it is reached at `rep`."""
    return register(client, invite(newcomer), rep).json()["token"]


def test_a_platform_without_an_endpoint_pulls(client, newcomer):
    token = register(client, invite(newcomer)).json()["token"]
    shown = credentials(client, token)
    assert (shown["status"], shown["url"], shown["verified_at"]) == ("connected", None, None)


def test_who_registers_anew_without_an_endpoint_has_none_any_more(client, newcomer, registered):
    token = register(client, invite(newcomer)).json()["token"]
    assert credentials(client, token)["url"] is None
    assert not models.RoamingEndpoint.objects.exists()


def test_without_an_endpoint_no_paths_can_be_chosen(client, newcomer):
    problem = register(client, invite(newcomer), paths=["uc1-2/sites"]).json()
    assert (problem["code"], problem["field"]) == ("invalid_field", "paths")


def ask(client, cast):
    return send(client, "service-sessions/local-start", cast.visited_cso.token, LOCAL_START).json()


def test_a_live_question_cannot_reach_who_pulls(client, cast):
    cast.home_csp.platform.roaming_endpoint.delete()
    assert ask(client, cast)["code"] == "receiver_not_connected"


def test_a_live_question_does_not_go_to_a_path_that_is_not_taken(
    client, connected_cast, csp_platform
):
    models.RoamingEndpoint.objects.update(paths=["uc3-9/sdrs"])
    problem = ask(client, connected_cast)
    assert problem["code"] == "receiver_not_connected"
    assert "does not take uc3-1/local-start" in problem["detail"]
    assert csp_platform.received == []


def test_a_suspended_platform_is_not_asked_for_new_business(client, connected_cast, csp_platform):
    models.Platform.objects.filter(pk=connected_cast.home_csp.platform.pk).update(
        status="suspended"
    )
    problem = ask(client, connected_cast)
    assert problem["code"] == "receiver_not_connected"
    assert "suspended" in problem["detail"]
    assert csp_platform.received == []


@pytest.mark.parametrize(("paths", "sent"), [([], 1), (["uc1-2/sites"], 1), (["uc3-9/sdrs"], 0)])
def test_what_a_platform_does_not_take_does_not_fill_its_queue(
    client, connected_cast, csp_platform, paths, sent
):
    models.RoamingEndpoint.objects.update(paths=paths)
    client.put(
        f"/api/v1/sites/{SITE['id']}",
        data=changed(SITE),
        content_type="application/json",
        headers=connected_cast.visited_cso.headers,
    )
    assert models.Delivery.objects.count() == sent
    deliver_due()
    assert len(csp_platform.messages("/uc1-2/sites")) == sent


# --- Versions -------------------------------------------------------------------------------------


def test_everybody_may_read_what_is_spoken_here(client, db):
    (version,) = client.get("/api/v1/versions").json()["versions"]
    assert (version["version"], version["address"]) == ("1", "/api/v1")
    cases = {case["use_case"]: case for case in version["use_cases"]}
    assert len(cases) == 20
    assert {"method": "PUT", "address": "/api/v1/sites/{site_id}"} in cases["UC1-2"]["native"]
    assert cases["UC1-2"]["platform_paths"] == [{"path": "uc1-2/sites", "receiver": "CSP"}]
    assert version["other_paths"] == [
        {"path": "agreements/notice", "receiver": "both"},
        {"path": "reconciliation/disputes", "receiver": "both"},
    ]


def test_every_use_case_has_addresses_here_and_paths_there(client, db):
    (version,) = client.get("/api/v1/versions").json()["versions"]
    for case in version["use_cases"]:
        assert case["native"], case["use_case"]
        assert case["platform_paths"], case["use_case"]


def test_the_paths_that_are_listed_are_those_that_are_sent_to():
    root = Path(models.__file__).resolve().parents[1]
    sources = [*root.glob("use_cases/*.py"), *root.glob("hub_switch/*.py")]
    sources.append(root / "domain" / "receiving.py")
    written = set()
    for source in sources:
        text = source.read_text()
        if source.name == "receiving.py":
            text = text[: text.index("RECEIVED_PATHS")]
        written |= set(re.findall(r'"((?:uc\d-\d+|agreements)/[a-z-]+)"', text))
    # Results of commands go to a path that is put together from the command's use case.
    results = {f"uc{number}/result" for number in ("3-2", "3-4", "3-8", "5-2", "5-3")}
    told = {DISPUTES_PATH}  # by settlement, which the switch does not know
    assert written | results | told == {received.path for received in RECEIVED_PATHS}
