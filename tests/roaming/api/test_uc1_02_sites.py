"""UC1-2: withdrawing a site, and what the clause names besides EVSEs. See also _publishing."""

import pytest

from roaming import models
from roaming.hub_switch import deliver_due
from tests import factories
from tests.roaming.api.messages import LOCAL_START, SITE, changed

URL = "/api/v1/sites/LOC1"
OPENING = {
    "twentyfourseven": False,
    "regular_hours": [{"weekday": 7, "period_begin": "22:00", "period_end": "24:00"}],
    "exceptional_openings": [
        {"period_begin": "2026-12-24T08:00:00+01:00", "period_end": "2026-12-24T12:00:00+01:00"}
    ],
}


def publish(client, party, **fields):
    body = changed(SITE, **fields)
    return client.put(URL, data=body, content_type="application/json", headers=party.headers)


def withdraw(client, party, url=URL, visited_cso="DE*VIS"):
    return client.delete(f"{url}?visited_cso={visited_cso}", headers=party.headers)


def listed(client, party):
    rows = client.get("/api/v1/sites", headers=party.headers).json()["results"]
    return [row["site_id"] for row in rows]


def test_a_withdrawn_site_and_its_evses_are_gone_and_the_partners_are_told(
    client, connected_cast, csp_platform
):
    cso = connected_cast.visited_cso
    publish(client, cso)
    response = withdraw(client, cso)
    assert response.status_code == 200, response.content
    assert (response.json()["id"], response.json()["taken"]) == ("LOC1", True)
    site = models.Site.objects.get(key="LOC1")
    assert site.withdrawn_at is not None
    assert models.Evse.objects.get(key="DEVISE100").removed_at == site.withdrawn_at
    assert "LOC1" not in listed(client, cso) + listed(client, connected_cast.home_csp)
    while deliver_due():
        pass
    published, withdrawn = (m.body for m in csp_platform.messages("/uc1-2/sites"))
    assert published == SITE
    assert withdrawn == {"id": "LOC1", "visited_cso": "DE*VIS", "withdrawn": True}
    row = models.JournalEntry.objects.latest("id")
    assert (row.use_case, row.outcome, row.object_key) == ("UC1-2", "accepted", "LOC1")


def test_nobody_starts_at_an_evse_of_a_withdrawn_site(client, connected_cast):
    cso = connected_cast.visited_cso
    publish(client, cso)
    withdraw(client, cso)
    response = client.post(
        "/api/v1/service-sessions/local-start",
        data=changed(LOCAL_START, evse_id="DE*VIS*E100"),
        content_type="application/json",
        headers=cso.headers,
    )
    assert response.json()["code"] == "unknown_evse"


def test_withdrawn_twice_is_withdrawn_once(client, connected_cast):
    cso = connected_cast.visited_cso
    publish(client, cso)
    first = withdraw(client, cso).json()
    again = withdraw(client, cso)
    assert (again.status_code, again.json()["taken"]) == (200, False)
    assert again.json()["received_at"] == first["received_at"]
    assert models.Delivery.objects.count() == 2


def test_a_newer_site_comes_back_under_its_old_id_and_an_old_one_does_not(client, connected_cast):
    cso = connected_cast.visited_cso
    publish(client, cso)
    withdraw(client, cso)
    assert publish(client, cso).json()["taken"] is False
    assert "LOC1" not in listed(client, cso)
    newer = publish(client, cso, last_updated="2026-10-02T08:00:00+02:00")
    assert newer.json()["taken"] is True
    assert "LOC1" in listed(client, connected_cast.home_csp)
    assert models.Evse.objects.get(key="DEVISE100").removed_at is None


@pytest.mark.parametrize(
    ("url", "visited_cso", "status", "code"),
    [
        ("/api/v1/sites/NONE", "DE*VIS", 404, "not_found"),
        (URL, "DE*XXX", 403, "party_not_held"),
        (URL, "", 422, "invalid_identifier"),
        ("/api/v1/sites/" + "x" * 37, "DE*VIS", 422, "invalid_field"),
        ("/api/v1/sites/%00", "DE*VIS", 422, "invalid_field"),
        ("/api/v1/sites/%C3%A4", "DE*VIS", 422, "invalid_field"),
    ],
)
def test_what_cannot_be_withdrawn_is_refused(
    client, connected_cast, url, visited_cso, status, code
):
    response = withdraw(client, connected_cast.visited_cso, url, visited_cso)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert models.JournalEntry.objects.latest("id").refusal_code == code


def test_nobody_withdraws_the_site_of_another(client, connected_cast):
    publish(client, connected_cast.visited_cso)
    for stranger in (connected_cast.home_csp, connected_cast.outsider):
        assert withdraw(client, stranger).json()["code"] == "party_not_held"
    assert models.Site.objects.get(key="LOC1").withdrawn_at is None


def test_a_withdrawal_goes_to_nobody_without_an_agreement(client, connected_cast):
    publish(client, connected_cast.visited_cso)
    withdraw(client, connected_cast.visited_cso)
    receivers = set(models.Delivery.objects.values_list("receiver", flat=True))
    assert receivers == {connected_cast.home_csp.platform.pk}


def test_a_withdrawal_reaches_the_partner_of_a_suspended_agreement(client, connected_cast):
    publish(client, connected_cast.visited_cso)
    models.Agreement.objects.update(status="suspended")
    withdraw(client, connected_cast.visited_cso)
    assert models.Delivery.objects.count() == 2


def test_what_the_clause_names_besides_is_kept_as_it_came(client, connected_cast, csp_platform):
    extras = {
        "opening_times": OPENING,
        "access": "Behind a barrier",
        "directions": [{"language": "de", "text": "Hinter dem Rathaus."}],
        "images": [{"url": "https://cso.example/1.jpg", "category": "ENTRANCE"}],
    }
    assert publish(client, connected_cast.visited_cso, **extras).status_code == 200
    deliver_due()
    (message,) = csp_platform.messages("/uc1-2/sites")
    assert message.body == {**SITE, **extras}


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"opening_times": {"regular_hours": [{**OPENING["regular_hours"][0], "weekday": 8}]}},
         "invalid_field", "opening_times.regular_hours[0].weekday"),
        ({"opening_times": {"regular_hours": [{**OPENING["regular_hours"][0],
                                               "period_begin": "9:00"}]}},
         "invalid_field", "opening_times.regular_hours[0].period_begin"),
        ({"opening_times": {"regular_hours": [{**OPENING["regular_hours"][0],
                                               "period_end": "24:01"}]}},
         "invalid_field", "opening_times.regular_hours[0].period_end"),
        ({"opening_times": {"exceptional_closings": [
            {"period_begin": "2026-12-24T08:00:00", "period_end": "2026-12-25T08:00:00Z"}]}},
         "time_without_offset", "opening_times.exceptional_closings[0].period_begin"),
        ({"opening_times": {"exceptional_openings": [
            {"period_begin": "2026-12-24T08:00:00Z", "period_end": "2026-12-24T08:00:00Z"}]}},
         "invalid_field", "opening_times.exceptional_openings[0].period_end"),
        ({"opening_times": "always"}, "invalid_field", "opening_times"),
        ({"access": "x" * 61}, "invalid_field", "access"),
        ({"access": 5}, "invalid_field", "access"),
    ],
)  # fmt: skip
def test_impossible_opening_times_are_refused(client, connected_cast, fields, code, field):
    problem = publish(client, connected_cast.visited_cso, **fields).json()
    assert (problem["code"], problem["field"]) == (code, field)


def test_an_evse_that_moved_to_another_site_stays_when_the_old_one_goes(client, connected_cast):
    cso = connected_cast.visited_cso
    factories.make_site(cso.identifier, "DE*VIS*E200", site_id="OLD", key="OLD")
    publish(client, cso, evses=[{"evse_id": "DE*VIS*E200", "connectors": []}])
    assert withdraw(client, cso, "/api/v1/sites/OLD").json()["taken"] is True
    assert models.Evse.objects.get(key="DEVISE200").removed_at is None
