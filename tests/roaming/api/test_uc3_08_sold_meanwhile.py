"""UC3-8: an EVSE is sold while it is reserved; a start is under way when its time runs out."""

import pytest
from psycopg.types.range import TimestamptzRange

from roaming import models
from roaming.models.clock import set_business_clock
from tests import factories
from tests.cast import make_party
from tests.roaming.api.identifying import LOCAL, post
from tests.roaming.api.messages import LOCAL_START, changed
from tests.roaming.api.remote import APP_USER, reservation, session


@pytest.fixture
def reservation_id(remote):
    return remote.reserved()["reservation_id"]


@pytest.fixture
def buyer(remote, reservation_id, now):
    """The company that has bought the reserved EVSE, on a platform that takes everything."""
    party = make_party("Buyer", "CSO", "DE*BUY", endpoint=remote.cso.url)
    factories.make_agreement(party.operator, remote.cast.home_csp.operator)
    models.EvseOwnership.objects.update(during=TimestamptzRange(factories.EPOCH, now))
    models.EvseOwnership.objects.create(
        evse=remote.cast.evse, visited_cso=party.identifier, during=TimestamptzRange(now, None)
    )
    return party


def test_a_start_on_the_reservation_of_the_seller_is_refused(remote, reservation_id, buyer):
    response = remote.start(reservation_id=reservation_id)
    assert (response.status_code, response.json()["code"]) == (409, "reservation_state")
    assert remote.asked("uc3-2/remote-start") == []
    assert (reservation().state, session().state) == ("reserved", "reserved")
    assert remote.start().json()["response"] == "ACCEPTED"


def test_the_buyer_is_not_asked_to_change_the_reservation_of_the_seller(remote, buyer):
    response = remote.reserve(change=True, expires_at="2026-10-05T11:30:00+02:00")
    assert (response.status_code, response.json()["code"]) == (409, "reservation_state")
    assert len(remote.asked("uc3-8/reservation")) == 1


def test_a_local_start_at_the_buyer_opens_a_session_of_its_own(remote, reservation_id, buyer):
    """That of the reservation is the seller's: the buyer could neither report nor complete it."""
    body = changed(LOCAL_START, visited_cso="DE*BUY", identification=APP_USER)
    remote.csp.answers["/uc3-1/local-start"] = (200, {"decision": "ACCEPTED"})
    answer = post(remote.client, buyer, LOCAL, body).json()
    assert answer["decision"] == "ACCEPTED"
    started = models.ServiceSession.objects.get(pk=answer["service_session_id"])
    assert (started.visited_cso, started.state) == (buyer.identifier, "authorised")
    assert reservation().state == "reserved"
    report = remote.client.put(
        f"/api/v1/service-sessions/{started.id}/charging-information",
        data={"stamped_at": "2026-10-05T10:00:00+02:00", "energy_kwh": "1"},
        content_type="application/json",
        headers=buyer.headers,
    )
    assert report.status_code == 200, report.content


def test_the_seller_can_be_asked_to_cancel_it(remote, reservation_id, buyer):
    command = remote.cancel(reservation_id).json()
    remote.result(command["command_id"], "SUCCEEDED")
    assert (reservation().state, session().state) == ("cancelled", "cancelled")


@pytest.mark.parametrize("outcome", ["NO_SHOW", "EXPIRED"])
def test_nobody_stays_away_whose_start_is_under_way(remote, reservation_id, now, outcome):
    """The user came at the last moment: a session that was ended as a no-show would be stranded."""
    command = remote.start(reservation_id=reservation_id).json()
    later = now.replace(hour=9, minute=30)
    set_business_clock(later, speed=0, ceiling=later)
    response = remote.outcome(reservation_id, outcome)
    assert (response.status_code, response.json()["code"]) == (409, "reservation_state")
    remote.result(command["command_id"], "SUCCEEDED")
    assert (reservation().state, session().state) == ("fulfilled", "authorised")


@pytest.mark.parametrize("outcome", ["NO_SHOW", "EXPIRED"])
def test_once_the_start_has_failed_the_outcome_counts(remote, reservation_id, now, outcome):
    command = remote.start(reservation_id=reservation_id).json()
    later = now.replace(hour=9, minute=30)
    set_business_clock(later, speed=0, ceiling=later)
    remote.result(command["command_id"], "FAILED")
    assert remote.outcome(reservation_id, outcome).status_code == 200
    assert reservation().state == outcome.lower()
