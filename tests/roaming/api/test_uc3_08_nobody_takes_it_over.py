"""UC3-8: a reservation is changed, cancelled, used and ended by its two parties, by nobody else."""

from __future__ import annotations

import uuid

import pytest

from roaming import models
from tests import factories
from tests.cast import Party, make_party
from tests.roaming.api.messages import LOCAL_START, changed
from tests.roaming.api.remote import REMOTE_START, RESERVATION, reservation, session

CARD = {"method": "RFID", "token_uid": "04A2B3C4D5E6F7"}


@pytest.fixture
def held(remote):
    return remote.reserved(identification=CARD)


@pytest.fixture
def rival(remote) -> Party:
    """A home-CSP with an agreement of its own with the same visited-CSO."""
    factories.make_agreement(remote.cast.visited_cso.operator, remote.cast.outsider.operator)
    return remote.cast.outsider


@pytest.fixture
def other_cso(remote) -> Party:
    """A visited-CSO with an agreement of its own with the same home-CSP."""
    party = make_party("Other CSO", "CSO", "NL*OTH")
    factories.make_site(party.identifier, "NL*OTH*E001")
    factories.make_agreement(party.operator, remote.cast.home_csp.operator)
    return party


def stands():
    row = reservation()
    return row.state, models.ServiceSession.objects.get(pk=row.session_id).state


def start(remote, party: Party, reservation_id: str, **fields):
    body = changed(REMOTE_START, home_csp="FR-OUT", reservation_id=reservation_id, **fields)
    return remote.post("service-sessions/remote-start", body, party)


def test_another_home_csp_neither_cancels_nor_uses_it(remote, held, rival):
    key = held["reservation_id"]
    refused = remote.cancel(key, rival)
    assert (refused.status_code, refused.json()["code"]) == (404, "unknown_reservation")
    used = start(remote, rival, key, identification=CARD)
    assert used.json()["code"] == "unknown_reservation"
    assert remote.asked("uc3-8/cancellation") == remote.asked("uc3-2/remote-start") == []
    assert stands() == ("reserved", "reserved")


def test_another_home_csp_cannot_pass_for_the_one_that_reserved(remote, held, rival):
    body = changed(REMOTE_START, reservation_id=held["reservation_id"], identification=CARD)
    refused = remote.post("service-sessions/remote-start", body, rival)
    assert (refused.status_code, refused.json()["code"]) == (403, "party_not_held")
    change = remote.post("reservations", changed(RESERVATION, change=True), rival)
    assert change.json()["code"] == "party_not_held"
    assert stands() == ("reserved", "reserved")


def test_the_same_reference_of_another_home_csp_changes_its_own_only(remote, held, rival):
    body = changed(RESERVATION, home_csp="FR-OUT", change=True, identification={
        "method": "APP", "contract_id": "FR-OUT-C12345678",
    })  # fmt: skip
    refused = remote.post("reservations", body, rival)
    assert refused.json()["code"] == "unknown_reservation", refused.content
    assert stands() == ("reserved", "reserved")


def test_the_visited_cso_ends_it_by_its_outcome_not_by_a_cancellation(remote, held):
    refused = remote.cancel(held["reservation_id"], remote.cast.visited_cso)
    assert refused.json()["code"] == "unknown_reservation"
    assert stands() == ("reserved", "reserved")


@pytest.mark.parametrize("outcome", ["CANCELLED", "EXPIRED", "NO_SHOW"])
def test_nobody_but_its_visited_cso_says_what_became_of_it(remote, held, rival, other_cso, outcome):
    for party in (remote.cast.home_csp, rival, other_cso):
        refused = remote.outcome(held["reservation_id"], outcome, party)
        assert (refused.status_code, refused.json()["code"]) == (404, "unknown_reservation")
    assert stands() == ("reserved", "reserved")


def test_the_buyer_of_the_evse_does_not_end_the_seller_s_reservation(remote, held, other_cso):
    models.EvseOwnership.objects.filter(evse=remote.cast.evse).delete()
    models.EvseOwnership.objects.create(
        evse=remote.cast.evse, visited_cso=other_cso.identifier,
        during=(factories.EPOCH, None),
    )  # fmt: skip
    refused = remote.outcome(held["reservation_id"], "CANCELLED", other_cso)
    assert refused.json()["code"] == "unknown_reservation"
    assert stands() == ("reserved", "reserved")


@pytest.mark.parametrize("what", ["reservation", "cancellation", "start"])
def test_results_are_taken_from_the_visited_cso_that_was_asked_alone(
    remote, rival, other_cso, what
):
    answer = remote.reserve(identification=CARD).json()
    command_id, before = answer["command_id"], ("requested", "requested")
    if what != "reservation":
        remote.result(command_id, "SUCCEEDED")
        before = ("reserved", "reserved")
        key = answer["reservation_id"]
        asked = (
            remote.cancel(key)
            if what == "cancellation"
            else remote.start(reservation_id=key, identification=CARD)
        )
        command_id = asked.json()["command_id"]
    for party in (remote.cast.home_csp, rival, other_cso):
        refused = remote.result(command_id, "SUCCEEDED", party)
        assert (refused.status_code, refused.json()["code"]) == (404, "unknown_command")
    assert stands() == before


def test_a_start_at_another_cso_s_evse_does_not_fulfil_it(remote, held, other_cso):
    """The same card, at the same moment, at a place that was not reserved."""
    remote.csp.accept()
    answer = remote.post(
        "service-sessions/local-start",
        changed(LOCAL_START, visited_cso="NL*OTH", evse_id="NL*OTH*E001", identification={
            **CARD, "contract_id": "DE-HOM-C12345678"}),
        other_cso,
    )  # fmt: skip
    assert answer.json()["decision"] == "ACCEPTED", answer.content
    assert answer.json()["service_session_id"] != held["service_session_id"]
    assert stands() == ("reserved", "reserved")


def test_another_home_csp_that_accepts_the_same_card_does_not_fulfil_it(remote, held, rival):
    """A UID may be on two operators' cards: the contract names the other home-CSP."""
    identification = {**CARD, "contract_id": "FR-OUT-C12345678"}
    models.RoamingEndpoint.objects.filter(platform=rival.platform).update(url=remote.csp.url)
    answer = remote.post(
        "service-sessions/local-start",
        changed(LOCAL_START, identification=identification),
        remote.cast.visited_cso,
    ).json()
    assert answer["home_csp"] == "FR-OUT"
    assert answer["service_session_id"] != held["service_session_id"]
    assert stands() == ("reserved", "reserved")


def test_news_of_the_reserved_session_is_taken_from_its_own_cso_alone(remote, held, other_cso):
    path = f"service-sessions/{held['service_session_id']}"
    report = {"stamped_at": "2026-10-05T10:00:00+02:00", "energy_kwh": "1"}
    for party in (other_cso, remote.cast.home_csp):
        response = remote.client.put(
            f"/api/v1/{path}/charging-information", data=report,
            content_type="application/json", headers=party.headers,
        )  # fmt: skip
        assert response.json()["code"] == "unknown_session"
        done = remote.post(f"{path}/completion", {"nothing_provided": True}, party)
        assert done.json()["code"] == "unknown_session"
    assert session().state == "reserved"


def test_a_reservation_that_is_none_is_unknown_in_the_same_words(remote, held, rival):
    """Nobody learns from the answer that somebody else's exists."""
    theirs = remote.cancel(held["reservation_id"], rival).json()
    none = remote.cancel(str(uuid.uuid4()), rival).json()
    for problem in (theirs, none):
        problem.pop("correlation_id")
        problem.pop("instance", None)
    assert theirs == none
