"""UC5-1 where not everybody can be told: an agreement suspended, an endpoint down, or none."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from roaming import models
from roaming.hub_switch import deliver_due
from roaming.use_cases.agreement_lifecycle import suspend_agreement
from tests import factories
from tests.cast import make_cast, make_party
from tests.fake_party import fake_party
from tests.roaming.api.statuses import NOW, turn_clock
from tests.roaming.api.test_uc5_01_outage import PATH, at, put, read


@pytest.fixture
def second(connected_cast):
    """Another home-CSP with an agreement, and its platform, half an hour before it begins."""
    turn_clock(NOW)
    with fake_party() as platform:
        party = make_party("Second CSP", "CSP", "NL-SEC", endpoint=platform.url)
        factories.make_agreement(connected_cast.visited_cso.operator, party.operator)
        yield platform


def told(client, party):
    return {
        row["home_csps"][0]: (row["state"], row["delivered_at"] is not None)
        for row in read(client, party).json()["told"]
    }


def test_one_endpoint_that_is_down_keeps_nobody_else_waiting(
    client, connected_cast, csp_platform, second
):
    cso = connected_cast.visited_cso
    csp_platform.answers[PATH] = (503, {})
    put(client, cso)
    deliver_due()
    assert told(client, cso) == {"DE-HOM": ("waiting", False), "NL-SEC": ("delivered", True)}
    csp_platform.answers[PATH] = (200, {})
    deliver_due(timezone.now() + timedelta(hours=1))
    assert told(client, cso)["DE-HOM"] == ("delivered", True)
    assert len(second.messages(PATH)) == 1


def test_who_was_down_hears_of_the_outage_before_its_end(
    client, connected_cast, csp_platform, second
):
    cso = connected_cast.visited_cso
    csp_platform.answers[PATH] = (503, {})
    put(client, cso)
    deliver_due()
    put(client, cso, state="ENDED", ends_at=at(0), starts_at=at(-60), last_updated=at(0))
    deliver_due()
    assert [message.body.get("state") for message in second.messages(PATH)] == [None, "ENDED"]
    csp_platform.answers[PATH] = (200, {})
    csp_platform.received.clear()
    while deliver_due(timezone.now() + timedelta(hours=1)):
        pass
    assert [m.body.get("state") for m in csp_platform.messages(PATH)] == [None, "ENDED"]


def test_under_a_suspended_agreement_the_news_waits_for_an_endpoint_that_is_down(
    client, connected_cast, csp_platform, second
):
    """Suspended while it waits, and suspended when it is sent: both arrive, and its end too."""
    cso = connected_cast.visited_cso
    csp_platform.answers[PATH] = (503, {})
    put(client, cso)
    deliver_due()
    suspend_agreement(connected_cast.agreement, NOW, "unpaid", None)
    put(client, cso, id="OUT-1", kind="UNPLANNED", starts_at=at(-5), ends_at=...)
    put(client, cso, id="OUT-1", kind="UNPLANNED", starts_at=at(-5), ends_at=at(0),
        state="ENDED", last_updated=at(0))  # fmt: skip
    csp_platform.answers[PATH] = (200, {})
    csp_platform.received.clear()
    while deliver_due(timezone.now() + timedelta(hours=1)):
        pass
    heard = [(m.body["id"], m.body.get("state")) for m in csp_platform.messages(PATH)]
    assert sorted(heard, key=str) == sorted(
        [("MAINT-7", None), ("OUT-1", None), ("OUT-1", "ENDED")], key=str
    )
    assert heard.index(("OUT-1", None)) < heard.index(("OUT-1", "ENDED"))


def test_who_has_no_endpoint_fetches_the_news_and_counts_as_told_then(committed_db, client):
    """Nobody else can say for it that it has them."""
    turn_clock(NOW)
    cast = make_cast()
    cso, csp = cast.visited_cso, cast.home_csp
    models.RoamingEndpoint.objects.filter(platform=csp.platform).delete()
    suspend_agreement(cast.agreement, NOW, "unpaid", None)
    put(client, cso)
    deliver_due()
    assert told(client, cso)["DE-HOM"] == ("waiting", False)
    (message,) = client.get("/api/v1/messages", {"use_case": "UC5-1"}, headers=csp.headers).json()[
        "messages"
    ]
    for party, number in ((cso, 0), (csp, 1)):
        answer = client.post(
            "/api/v1/messages/acknowledgement",
            {"message_ids": [message["message_id"]]},
            content_type="application/json",
            headers=party.headers,
        ).json()
        assert answer["acknowledged"] == number
        assert answer["unknown"] == ([] if number else [message["message_id"]])
    assert told(client, cso)["DE-HOM"] == ("delivered", True)


def test_who_has_moved_out_of_the_agreement_is_told_no_more(client, connected_cast, second):
    """Suspension of one agreement says nothing of the other's."""
    other = models.Agreement.objects.exclude(pk=connected_cast.agreement.pk).get()
    models.Agreement.objects.filter(pk=other.pk).update(status="terminated")
    put(client, connected_cast.visited_cso)
    assert list(told(client, connected_cast.visited_cso)) == ["DE-HOM"]
