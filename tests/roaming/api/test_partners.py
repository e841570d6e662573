"""Partners (5.4.6, 5.3): whom the caller has agreements with, and how they can be reached."""

from datetime import UTC, datetime, timedelta

import pytest

from roaming import models
from roaming.models.clock import business_now
from roaming.use_cases.agreement_lifecycle import end_agreement, suspend_agreement
from tests import factories

SINCE = datetime(2026, 10, 5, 7, tzinfo=UTC)


def listed(client, party, **query):
    response = client.get("/api/v1/partners", query, headers=party.headers)
    assert response.status_code == 200, response.content
    return response.json()["results"]


def test_each_sees_the_other_and_the_outsider_nobody(client, cast):
    (row,) = listed(client, cast.visited_cso)
    assert row == {
        "identifier": "DE-HOM",
        "role": "CSP",
        "operator": "Home CSP",
        "agreements": [
            {
                "id": cast.agreement.pk,
                "status": "active",
                "valid_from": "2026-01-01T00:00:00Z",
                "valid_to": None,
            }
        ],
        "connection": "connected",
        "since": None,
    }
    assert [row["identifier"] for row in listed(client, cast.home_csp)] == ["DE*VIS"]
    assert listed(client, cast.outsider) == []
    assert client.get("/api/v1/partners").status_code == 401


@pytest.mark.parametrize("state", ["connected", "degraded", "offline"])
def test_the_health_of_its_endpoint_is_shown(client, cast, state):
    models.EndpointHealth.objects.create(
        platform=cast.home_csp.platform, state=state, since=SINCE, last_error="secret detail"
    )
    (row,) = listed(client, cast.visited_cso)
    assert (row["connection"], row["since"]) == (state, "2026-10-05T07:00:00Z")
    assert "secret detail" not in str(row)


@pytest.mark.parametrize(
    ("status", "shown"),
    [("suspended", "suspended"), ("ended", "not_connected"), ("expected", "not_connected")],
)
def test_the_standing_of_its_platform_counts_for_more(client, cast, status, shown):
    models.EndpointHealth.objects.create(platform=cast.home_csp.platform, since=SINCE)
    models.Platform.objects.filter(pk=cast.home_csp.platform.pk).update(status=status)
    (row,) = listed(client, cast.visited_cso)
    assert (row["connection"], row["since"]) == (shown, None)


def test_who_pulls_is_shown_as_pulling(client, cast):
    cast.home_csp.platform.roaming_endpoint.delete()
    assert listed(client, cast.visited_cso)[0]["connection"] == "pulling"


def test_a_partner_that_no_platform_speaks_for_is_not_connected(client, cast):
    models.PlatformIdentifier.objects.filter(identifier=cast.home_csp.identifier).delete()
    assert listed(client, cast.visited_cso)[0]["connection"] == "not_connected"


def test_a_platform_in_the_other_environment_does_not_count(client, cast):
    models.PlatformIdentifier.objects.filter(identifier=cast.home_csp.identifier).delete()
    sandbox = factories.PlatformFactory(environment="test")
    models.PlatformIdentifier.objects.create(
        platform=sandbox, identifier=cast.home_csp.identifier, environment="test"
    )
    assert listed(client, cast.visited_cso)[0]["connection"] == "not_connected"


def test_of_a_shared_platform_only_the_partner_is_named(client, cast):
    other = factories.IdentifierFactory(role="CSP", identifier="DE-OTH")
    models.PlatformIdentifier.objects.create(
        platform=cast.home_csp.platform, identifier=other, environment="live"
    )
    assert [row["identifier"] for row in listed(client, cast.visited_cso)] == ["DE-HOM"]


def test_all_identifiers_of_a_partner_in_its_role_are_shown_and_no_others(client, cast):
    operator = cast.home_csp.operator
    factories.IdentifierFactory(operator=operator, role="CSP", identifier="DE-HO2")
    factories.IdentifierFactory(operator=operator, role="CSO", identifier="DE*HOM")
    rows = listed(client, cast.visited_cso)
    assert {(row["identifier"], row["role"]) for row in rows} == {
        ("DE-HOM", "CSP"),
        ("DE-HO2", "CSP"),
    }


def test_a_suspended_agreement_is_still_one_and_an_ended_one_is_not(client, cast):
    suspend_agreement(cast.agreement, business_now(), "unpaid", None)
    (row,) = listed(client, cast.visited_cso)
    assert row["agreements"][0]["status"] == "suspended"
    end_agreement(cast.agreement, business_now())
    assert listed(client, cast.visited_cso) == []


def test_one_that_has_run_out_is_none_and_one_to_come_is_one(client, cast):
    now = business_now()
    factories.make_agreement(
        cast.visited_cso.operator, cast.outsider.operator,
        valid_from=now - timedelta(days=9), valid_to=now - timedelta(days=1),
    )  # fmt: skip
    assert listed(client, cast.outsider) == []
    factories.make_agreement(
        cast.visited_cso.operator, cast.outsider.operator, valid_from=now + timedelta(days=1)
    )
    (row,) = listed(client, cast.outsider)
    assert len(row["agreements"]) == 1


def test_the_agreements_of_others_with_the_same_partner_are_not_shown(client, cast):
    factories.make_agreement(cast.visited_cso.operator, cast.outsider.operator)
    (row,) = listed(client, cast.outsider)
    assert row["identifier"] == "DE*VIS"
    assert [part["id"] for part in row["agreements"]] != [cast.agreement.pk]
    assert len(row["agreements"]) == 1


def test_the_list_is_filtered(client, cast):
    assert len(listed(client, cast.visited_cso, role="CSP", identifier="de-hom")) == 1
    assert listed(client, cast.visited_cso, role="CSO") == []
    assert listed(client, cast.visited_cso, identifier="DE-OTH") == []


def test_a_page_costs_the_same_number_of_queries_whatever_its_length(
    client, cast, django_assert_max_num_queries
):
    for n in range(30):
        csp = factories.IdentifierFactory(role="CSP", identifier=f"FR-P{n:02d}")
        factories.make_agreement(cast.visited_cso.operator, csp.operator)
    with django_assert_max_num_queries(12):
        assert len(listed(client, cast.visited_cso)) == 31
