"""Agreements over the API (5.4.6): seen by the two parties alone, accepted by their platforms."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.db import connection
from django.test import Client
from psycopg.types.range import TimestamptzRange

from roaming import models
from roaming.hub_switch import deliver_due
from roaming.models.clock import business_now
from roaming.use_cases.agreement_lifecycle import (
    end_agreement,
    propose_agreement,
    resume_agreement,
    suspend_agreement,
)
from tests import factories
from tests.cast import make_cast
from tests.fake_party import fake_party

NOTICE = "/agreements/notice"


def make_draft(cast, **terms):
    """Of the visited-CSO and the outsider, who has none yet; from now on."""
    terms.setdefault("services", ["local_start", "reservation"])
    return models.Agreement.objects.create(
        visited_cso=cast.visited_cso.operator,
        home_csp=cast.outsider.operator,
        validity=TimestamptzRange(business_now(), None),
        calendar=cast.agreement.calendar,
        **terms,
    )


@pytest.fixture
def draft(cast):
    return make_draft(cast)


@pytest.fixture
def proposed(draft):
    return propose_agreement(draft, business_now())


def listed(client, party, **query):
    response = client.get("/api/v1/agreements", query, headers=party.headers)
    assert response.status_code == 200, response.content
    return response.json()["results"]


def ids(client, party, **query):
    return [row["id"] for row in listed(client, party, **query)]


def accept(client, party, agreement, message_id="m-1", **body):
    key = getattr(agreement, "pk", agreement)
    return client.post(
        f"/api/v1/agreements/{key}/acceptance",
        data=body,
        content_type="application/json",
        headers={**party.headers, "X-Message-ID": message_id},
    )


# --- Who sees which -------------------------------------------------------------------------------


def test_both_parties_see_the_terms_and_nobody_else_does(client, cast):
    for party in (cast.visited_cso, cast.home_csp):
        (row,) = listed(client, party)
        assert row["id"] == cast.agreement.pk
        assert row["status"] == "active"
        assert row["visited_cso"]["identifiers"] == ["DE*VIS"]
        assert row["home_csp"]["identifiers"] == ["DE-HOM"]
        assert row["tolerance_energy_kwh"] == "0.01"
        assert row["sdr_window_hours"] == 168
        assert row["calendar"]["time_zone"] == "Europe/Berlin"
        assert [part["party"] for part in row["acceptances"]] == ["CSO", "CSP"]
        assert (row["valid_to"], row["suspended_since"]) == (None, None)
        assert "reference" not in str(row)
    assert listed(client, cast.outsider) == []
    assert client.get("/api/v1/agreements").status_code == 401


def test_a_draft_is_the_clearing_house_s_own_affair(client, cast, draft):
    assert ids(client, cast.outsider) == []
    propose_agreement(draft, business_now())
    assert ids(client, cast.outsider) == [draft.pk]
    assert ids(client, cast.visited_cso) == [draft.pk, cast.agreement.pk]
    assert ids(client, cast.home_csp) == [cast.agreement.pk]


def test_who_speaks_for_an_operator_in_its_other_role_sees_nothing(client, cast):
    """The agreement is between a CSO and a CSP: the CSO's own CSP business is another matter."""
    other_role = factories.IdentifierFactory(
        operator=cast.visited_cso.operator, role="CSP", identifier="DE-VIS"
    )
    models.PlatformIdentifier.objects.create(
        platform=cast.outsider.platform, identifier=other_role, environment="live"
    )
    assert listed(client, cast.outsider) == []


def test_test_and_live_are_kept_apart(client, cast):
    factories.make_agreement(cast.visited_cso.operator, cast.outsider.operator, environment="test")
    assert listed(client, cast.outsider) == []


def test_the_list_is_filtered(client, cast, proposed):
    cso = cast.visited_cso
    assert ids(client, cso, status="proposed") == [proposed.pk]
    assert ids(client, cso, counterparty="de-hom") == [cast.agreement.pk]
    assert ids(client, cso, counterparty="FR-OUT") == [proposed.pk]
    assert ids(client, cso, counterparty="NL-NOP") == []
    assert ids(client, cso, valid_at="2026-02-01T00:00:00Z") == [cast.agreement.pk]
    refused = client.get("/api/v1/agreements?status=draft", headers=cso.headers)
    assert refused.status_code == 422


def test_a_suspension_shows_since_when(client, cast, now):
    suspend_agreement(cast.agreement, now, "unpaid", None)
    (row,) = listed(client, cast.home_csp)
    assert (row["status"], row["suspended_since"]) == ("suspended", "2026-10-05T08:00:00Z")
    assert "unpaid" not in str(row)


# --- Acceptance -----------------------------------------------------------------------------------


def test_the_second_yes_makes_it_active(client, cast, proposed):
    first = accept(client, cast.visited_cso, proposed, visited_cso="DE*VIS")
    assert first.status_code == 200, first.content
    assert first.json() == {"agreement_id": proposed.pk, "status": "proposed", "party": "CSO"}
    second = accept(client, cast.outsider, proposed, "m-2", home_csp="FR-OUT")
    assert second.json() == {"agreement_id": proposed.pk, "status": "active", "party": "CSP"}
    proposed.refresh_from_db()
    assert proposed.status == "active"
    assert proposed.covered_services.count() == 2
    records = proposed.acceptances.order_by("party").values_list("party", "how", "reference")
    assert list(records) == [("CSO", "api", "m-1"), ("CSP", "api", "m-2")]
    rows = models.JournalEntry.objects.order_by("id")
    assert [(row.use_case, row.outcome, row.object_key) for row in rows] == [
        ("5.4.6", "accepted", f"agreement:{proposed.pk}")
    ] * 2
    assert rows[1].home_csp == cast.outsider.identifier


def test_a_repetition_is_answered_the_same_and_recorded_once(client, cast, proposed):
    accept(client, cast.visited_cso, proposed, visited_cso="DE*VIS")
    again = accept(client, cast.visited_cso, proposed, "m-9", visited_cso="DE*VIS")
    assert (again.status_code, again.json()["status"]) == (200, "proposed")
    assert proposed.acceptances.get().reference == "m-1"
    accept(client, cast.outsider, proposed, "m-2", home_csp="FR-OUT")
    late = accept(client, cast.visited_cso, proposed, "m-3", visited_cso="DE*VIS")
    assert (late.status_code, late.json()["status"]) == (200, "active")


def test_a_draft_cannot_be_accepted_nor_what_is_no_agreement_of_ours(client, cast, draft):
    for agreement in (draft, 999_999, 10**30):
        answer = accept(client, cast.outsider, agreement, home_csp="FR-OUT")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), agreement
    foreign = accept(client, cast.outsider, cast.agreement, home_csp="FR-OUT")
    assert foreign.json()["code"] == "not_found"


@pytest.mark.parametrize(
    ("who", "body", "code", "field"),
    [
        ("outsider", {}, "invalid_field", "home_csp"),
        ("outsider", {"home_csp": "FR-OUT", "visited_cso": "DE*VIS"}, "invalid_field", "home_csp"),
        ("outsider", {"home_csp": "DE-HOM"}, "party_not_held", "home_csp"),
        ("outsider", {"visited_cso": "DE*VIS"}, "party_not_held", "visited_cso"),
        ("outsider", {"home_csp": "?"}, "invalid_identifier", "home_csp"),
        ("home_csp", {"home_csp": "DE-HOM"}, "not_found", None),
        ("visited_cso", {"home_csp": "FR-OUT"}, "party_not_held", "home_csp"),
    ],
)
def test_only_a_party_accepts_and_for_itself(client, cast, proposed, who, body, code, field):
    problem = accept(client, getattr(cast, who), proposed, **body).json()
    assert (problem["code"], problem.get("field")) == (code, field), problem
    assert not proposed.acceptances.exists()
    assert models.JournalEntry.objects.latest("id").refusal_code == code


def test_who_is_suspended_accepts_nothing(client, cast, proposed):
    models.Platform.objects.filter(pk=cast.outsider.platform.pk).update(status="suspended")
    problem = accept(client, cast.outsider, proposed, home_csp="FR-OUT").json()
    assert problem["code"] == "platform_suspended"
    models.Platform.objects.update(status="connected")
    models.Operator.objects.filter(pk=cast.outsider.operator.pk).update(status="suspended")
    problem = accept(client, cast.outsider, proposed, home_csp="FR-OUT").json()
    assert problem["code"] == "party_suspended"
    assert not proposed.acceptances.exists()


def test_a_rival_that_became_active_meanwhile_stops_the_second_yes(client, cast, proposed):
    rival = make_draft(cast, services=["reservation"])
    propose_agreement(rival, business_now())
    for agreement in (rival, proposed):
        accept(client, cast.visited_cso, agreement, f"cso-{agreement.pk}", visited_cso="DE*VIS")
    accept(client, cast.outsider, rival, "csp-1", home_csp="FR-OUT")
    refused = accept(client, cast.outsider, proposed, "csp-2", home_csp="FR-OUT")
    assert (refused.status_code, refused.json()["code"]) == (409, "agreement_state")
    proposed.refresh_from_db()
    assert (proposed.status, proposed.acceptances.count()) == ("proposed", 1)


def test_both_parties_at_once_activate_it_once(committed_db):
    cast = make_cast()
    proposed = propose_agreement(make_draft(cast), business_now())
    together = Barrier(2)
    answers = []

    def run(party, body):
        client = Client()
        together.wait(5)
        answers.append(accept(client, party, proposed, **body).json()["status"])
        connection.close()

    threads = [
        Thread(target=run, args=(cast.visited_cso, {"visited_cso": "DE*VIS"})),
        Thread(target=run, args=(cast.outsider, {"home_csp": "FR-OUT"})),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["active", "proposed"]
    assert models.AgreementService.objects.filter(agreement=proposed).count() == 2
    activated = models.Delivery.objects.filter(path="agreements/notice", body__contains="activated")
    assert activated.count() == 2


# --- Notices --------------------------------------------------------------------------------------


def test_both_are_told_of_every_change_of_standing(client, db, now):
    with fake_party() as cso, fake_party() as csp:
        cast = make_cast(cso_endpoint=cso.url)
        models.RoamingEndpoint.objects.filter(platform=cast.outsider.platform).update(url=csp.url)
        agreement = propose_agreement(make_draft(cast), business_now())
        accept(client, cast.visited_cso, agreement, visited_cso="DE*VIS")
        accept(client, cast.outsider, agreement, "m-2", home_csp="FR-OUT")
        after = business_now() + timedelta(seconds=1)
        suspend_agreement(agreement, after, "unpaid", None)
        resume_agreement(agreement, after)
        end_agreement(agreement, after)
        while deliver_due():
            pass
        for party in (cso, csp):
            notices = [message.body for message in party.messages(NOTICE)]
            assert [notice["event"] for notice in notices] == [
                "proposed", "activated", "suspended", "resumed", "ended",
            ]  # fmt: skip
            assert {notice["agreement_id"] for notice in notices} == {agreement.pk}
            assert notices[0]["visited_cso"] == ["DE*VIS"]
            assert notices[0]["home_csp"] == ["FR-OUT"]
            assert notices[0]["valid_to"] is None
            assert notices[-1]["valid_to"] is not None
            assert "unpaid" not in str(notices)
            headers = party.messages(NOTICE)[0].headers
            assert headers["X-Use-Case"] == "5.4.6"
    receivers = set(models.Delivery.objects.values_list("receiver", flat=True))
    assert receivers == {cast.visited_cso.platform.pk, cast.outsider.platform.pk}


def test_an_acceptance_by_api_hands_its_correlation_id_on(client, cast, proposed):
    accept(client, cast.visited_cso, proposed, visited_cso="DE*VIS")
    client.post(
        f"/api/v1/agreements/{proposed.pk}/acceptance",
        data={"home_csp": "FR-OUT"},
        content_type="application/json",
        headers={**cast.outsider.headers, "X-Correlation-ID": "corr-9"},
    )
    assert models.Delivery.objects.filter(correlation_id="corr-9").count() == 2


def test_a_platform_that_never_registered_is_sent_nothing(cast, draft):
    models.Platform.objects.filter(pk=cast.outsider.platform.pk).update(status="expected")
    propose_agreement(draft, business_now())
    (delivery,) = models.Delivery.objects.all()
    assert delivery.receiver == cast.visited_cso.platform


def test_a_step_that_fails_tells_nobody(cast, draft):
    models.Agreement.objects.filter(pk=draft.pk).update(services=[])
    with pytest.raises(ValueError, match="at least one service"):
        propose_agreement(draft, business_now())
    assert not models.Delivery.objects.exists()
