"""A suspended or ended operator starts nothing new, on either side; what runs goes on."""

import pytest

from roaming import models
from roaming.domain.refusals import Refusal
from roaming.domain.use_case import UseCase
from roaming.hub_switch import Envelope, find_route
from tests.roaming.api.messages import LOCAL_START


def route_of(cast, use_case, now):
    envelope = Envelope(use_case, cast.visited_cso.platform, "m", "c", now)
    party = models.OperatorIdentifier.objects.select_related("operator")
    return find_route(
        envelope,
        party.get(pk=cast.visited_cso.identifier.pk),
        party.get(pk=cast.home_csp.identifier.pk),
    )


@pytest.mark.parametrize("status", ["suspended", "ended"])
@pytest.mark.parametrize("who", ["visited_cso", "home_csp"])
@pytest.mark.parametrize("use_case", UseCase, ids=lambda use_case: use_case.code)
def test_only_new_business_of_a_stopped_operator_is_refused(cast, now, use_case, who, status):
    operator = getattr(cast, who).operator
    models.Operator.objects.filter(pk=operator.pk).update(status=status)
    if not use_case.new_business:
        assert route_of(cast, use_case, now).agreement == cast.agreement
        return
    with pytest.raises(Refusal) as refused:
        route_of(cast, use_case, now)
    assert (refused.value.code, refused.value.field) == ("party_suspended", who)


@pytest.mark.parametrize("use_case", UseCase, ids=lambda use_case: use_case.code)
@pytest.mark.parametrize("status", ["active", "onboarding"])
def test_an_operator_that_is_not_stopped_may_do_everything(cast, now, use_case, status):
    models.Operator.objects.update(status=status)
    assert route_of(cast, use_case, now).agreement == cast.agreement


@pytest.mark.parametrize("who", ["visited_cso", "home_csp"])
def test_a_start_is_refused_and_a_running_session_completes(
    client, connected_cast, csp_platform, who
):
    def post(path, body):
        return client.post(
            f"/api/v1/service-sessions/{path}",
            data=body,
            content_type="application/json",
            headers=connected_cast.visited_cso.headers,
        )

    session = post("local-start", LOCAL_START).json()["service_session_id"]
    operator = getattr(connected_cast, who).operator
    models.Operator.objects.filter(pk=operator.pk).update(status="suspended")
    refused = post("local-start", LOCAL_START)
    assert (refused.status_code, refused.json()["code"]) == (403, "party_suspended")
    assert len(csp_platform.messages("/uc3-1/local-start")) == 1
    row = models.JournalEntry.objects.latest("id")
    assert (row.outcome, row.refusal_code) == ("refused_by_hub", "party_suspended")
    completion = {
        "start_date_time": "2026-10-05T10:00:00+02:00",
        "end_date_time": "2026-10-05T11:00:00+02:00",
        "total_energy": "20",
    }
    assert post(f"{session}/completion", completion).status_code == 200
    assert len(csp_platform.messages("/uc3-5/completion")) == 1
