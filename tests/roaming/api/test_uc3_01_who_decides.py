"""UC3-1: the store decides where the home-CSP said so, or where it is silent (domain.md)."""

import socket
import threading
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.utils import timezone

from roaming import models
from roaming.domain.agreement import Service
from roaming.hub_switch import deliver_due
from tests import factories
from tests.roaming.api.identifying import (
    CARD,
    CARD_START,
    LOCAL,
    Csp,
    Stage,
    distribute,
    post,
    stage,
)
from tests.roaming.api.messages import LOCAL_START, changed

SLOW, DOWN = "receiver_timed_out", "receiver_not_connected"


@pytest.fixture
def one(db, settings):
    settings.LIVE_QUESTION_TIMEOUT_S = 20  # a busy machine is no slow home-CSP
    with stage(1) as one:
        one[0].accept("AUTH-1")
        yield one


def start(client, one: Stage, body=CARD_START):
    return post(client, one.cast.visited_cso, LOCAL, body)


def silence(csp: Csp, trouble: str, settings) -> None:
    if trouble == SLOW:
        settings.LIVE_QUESTION_TIMEOUT_S = 1
        csp.platform.delay_s = 1.5
    else:
        models.RoamingEndpoint.objects.filter(platform=csp.party.platform).update(
            url="http://127.0.0.1:1/"
        )


def test_always_is_answered_from_the_store_and_the_home_csp_is_told(client, one):
    distribute(one[0].party, whitelist="ALWAYS")
    answer = start(client, one, changed(CARD_START, bay="7")).json()
    assert (answer["decision"], answer["authorised"]) == ("ACCEPTED", "OFFLINE")
    assert answer["offline_reason"] == "whitelist_always"
    assert answer["liability"] == "home_csp"
    assert one[0].platform.received == []
    session = models.ServiceSession.objects.get(pk=answer["service_session_id"])
    assert (session.state, session.authorised) == ("authorised", "OFFLINE")
    assert session.offline_reason == "whitelist_always"
    assert session.authorization_reference == answer["authorization_reference"] != ""
    assert [e.outcome for e in models.JournalEntry.objects.all()] == ["accepted"]
    deliver_due()
    (told,) = one[0].platform.messages("/uc3-1/local-start")
    assert told.body["service_session_id"] == answer["service_session_id"]
    assert told.body["identification"]["token_uid"] == CARD
    assert told.body["decided"]["decision"] == "ACCEPTED"
    assert told.body["decided"]["offline_reason"] == "whitelist_always"
    assert told.body["decided"]["liability"] == "home_csp"
    assert told.body["decided"]["authorization_reference"] == answer["authorization_reference"]
    assert told.body["bay"] == "7"


@pytest.mark.parametrize(
    ("stored", "reason"),
    [
        ({"valid": False}, "blocked"),
        ({"expires_at": timezone.now() - timedelta(seconds=1)}, "expired"),
        ({"removed_at": timezone.now()}, "removed"),
    ],
)
def test_always_refuses_from_the_store_what_is_no_longer_good(client, one, stored, reason):
    distribute(one[0].party, whitelist="ALWAYS", **stored)
    answer = start(client, one).json()
    assert (answer["decision"], answer["reason"]) == ("REFUSED", reason)
    assert (answer["authorised"], answer["liability"]) == ("", "")
    assert one[0].platform.received == []
    session = models.ServiceSession.objects.get()
    assert (session.state, session.refusal_reason) == ("refused", reason)
    assert not models.Delivery.objects.exists()


def test_what_expires_later_is_good_until_then(client, one):
    distribute(one[0].party, whitelist="ALWAYS", expires_at=timezone.now() + timedelta(hours=1))
    assert start(client, one).json()["decision"] == "ACCEPTED"


@pytest.mark.parametrize("policy", ["ALLOWED", "ALLOWED_OFFLINE", "NEVER"])
def test_the_home_csp_that_answers_decides_whatever_is_stored(client, one, policy):
    distribute(one[0].party, whitelist=policy, valid=False)
    answer = start(client, one).json()
    assert (answer["decision"], answer["authorised"]) == ("ACCEPTED", "ONLINE")
    assert answer["offline_reason"] == answer["liability"] == ""


@pytest.mark.parametrize(
    ("policy", "trouble", "stands_in"),
    [
        ("ALLOWED", SLOW, True),
        ("ALLOWED", DOWN, True),
        ("ALLOWED_OFFLINE", SLOW, False),
        ("ALLOWED_OFFLINE", DOWN, True),
        ("NEVER", SLOW, False),
        ("NEVER", DOWN, False),
    ],
)
def test_the_clearing_house_stands_in_as_far_as_the_policy_goes(
    client, one, settings, policy, trouble, stands_in
):
    distribute(one[0].party, whitelist=policy)
    silence(one[0], trouble, settings)
    response = start(client, one)
    session = models.ServiceSession.objects.get()
    verdict = models.JournalEntry.objects.get(phase="verdict")
    if stands_in:
        answer = response.json()
        assert (answer["decision"], answer["authorised"]) == ("ACCEPTED", "OFFLINE")
        assert answer["offline_reason"] == session.offline_reason == trouble
        assert (session.state, session.authorised) == ("authorised", "OFFLINE")
        assert verdict.outcome == "accepted"
        delivery = models.Delivery.objects.get()
        assert delivery.path == "uc3-1/local-start"
        assert delivery.object_key == f"session:{session.id}"
        assert f'"offline_reason":"{trouble}"' in delivery.body
    else:
        assert response.json()["code"] == trouble
        assert (session.state, session.refusal_reason) == ("refused", trouble)
        assert (verdict.outcome, verdict.refusal_code) == ("failed", trouble)
        assert not models.Delivery.objects.exists()


def test_standing_in_for_a_blocked_card_means_to_refuse_it(client, one, settings):
    distribute(one[0].party, whitelist="ALLOWED", valid=False)
    silence(one[0], DOWN, settings)
    answer = start(client, one).json()
    assert (answer["decision"], answer["reason"]) == ("REFUSED", "blocked")
    assert answer["offline_reason"] == DOWN
    assert not models.Delivery.objects.exists()


@pytest.mark.parametrize("answer", [(500, {}), (200, b"rubbish"), (200, {"decision": "MAYBE"})])
def test_who_answers_badly_was_not_silent(client, one, answer):
    distribute(one[0].party, whitelist="ALLOWED")
    one[0].platform.answers["/uc3-1/local-start"] = answer
    response = start(client, one)
    assert response.status_code == 502
    assert models.ServiceSession.objects.get().state == "refused"


def test_what_is_distributed_no_longer_is_nothing_to_stand_in_with(client, one, settings):
    distribute(one[0].party, whitelist="ALLOWED", removed_at=timezone.now())
    silence(one[0], DOWN, settings)
    body = changed(CARD_START, home_csp="DE-HOM")
    assert start(client, one, body).json()["code"] == DOWN


def test_liability_is_the_agreement_s(client, one):
    cast = one.cast
    other = factories.OperatorFactory(name="Other CSP")
    party = factories.IdentifierFactory(operator=other, role="CSP", identifier="NL-SEC")
    factories.make_agreement(cast.visited_cso.operator, other, offline_liability="visited_cso")
    models.Identification.objects.create(
        environment="live",
        home_csp=party,
        token_hmac=distribute(one[0].party, whitelist="NEVER").token_hmac,
        whitelist="ALWAYS",
        last_updated=factories.EPOCH,
        received_at=factories.EPOCH,
    )
    answer = start(client, one, changed(CARD_START, home_csp="NL-SEC")).json()
    assert (answer["decision"], answer["liability"]) == ("ACCEPTED", "visited_cso")


@pytest.fixture
def without_offline(db):
    """An agreement that covers everything but offline identification."""
    with stage(1) as one:
        cast = one.cast
        other = factories.OperatorFactory(name="Online CSP")
        services = tuple(s for s in Service if s is not Service.OFFLINE)
        factories.make_agreement(cast.visited_cso.operator, other, services=services)
        identifier = factories.IdentifierFactory(operator=other, role="CSP", identifier="NL-SEC")
        yield one, identifier


@pytest.mark.parametrize("policy", ["ALWAYS", "ALLOWED", "ALLOWED_OFFLINE"])
def test_without_the_offline_service_the_store_never_decides(client, without_offline, policy):
    one, identifier = without_offline
    models.Identification.objects.create(
        environment="live",
        home_csp=identifier,
        token_hmac=distribute(one[0].party, whitelist="NEVER").token_hmac,
        whitelist=policy,
        last_updated=factories.EPOCH,
        received_at=factories.EPOCH,
    )
    response = start(client, one, changed(CARD_START, home_csp="NL-SEC"))
    assert response.json()["code"] == DOWN


def test_the_offline_service_may_stand_in_an_agreement_of_its_own(client, without_offline):
    one, identifier = without_offline
    factories.make_agreement(
        one.cast.visited_cso.operator, identifier.operator, services=(Service.OFFLINE,)
    )
    models.Identification.objects.create(
        environment="live",
        home_csp=identifier,
        token_hmac=distribute(one[0].party, whitelist="NEVER").token_hmac,
        whitelist="ALWAYS",
        last_updated=factories.EPOCH,
        received_at=factories.EPOCH,
    )
    answer = start(client, one, changed(CARD_START, home_csp="NL-SEC")).json()
    assert answer["authorised"] == "OFFLINE"


def test_a_suspended_agreement_stops_the_store_too(client, one):
    distribute(one[0].party, whitelist="ALWAYS")
    models.Agreement.objects.update(status="suspended")
    assert start(client, one).json()["code"] == "agreement_suspended"
    assert not models.ServiceSession.objects.exists()


def test_data_of_the_other_environment_decides_nothing(client, one):
    distribute(one[0].party, whitelist="ALWAYS", environment="test")
    answer = start(client, one, changed(LOCAL_START)).json()
    assert answer["authorised"] == "ONLINE"


def test_an_sdr_of_an_offline_start_names_a_session_that_is_known(client, one):
    """What the store decided is a session like any other: it can be completed."""
    distribute(one[0].party, whitelist="ALWAYS")
    session_id = start(client, one).json()["service_session_id"]
    response = post(
        client, one.cast.visited_cso, f"/api/v1/service-sessions/{session_id}/completion",
        {
            "start_date_time": "2026-10-05T10:00:00+02:00",
            "end_date_time": "2026-10-05T11:00:00+02:00",
            "total_energy": "20",
        },
    )  # fmt: skip
    assert response.status_code == 200, response.content


def test_a_home_csp_that_breaks_off_was_reached(client, one, settings):
    """Its connection broke after the question had arrived: ALLOWED may stand in, no more."""
    with hanging_up() as address:
        models.RoamingEndpoint.objects.filter(platform=one[0].party.platform).update(url=address)
        stored = distribute(one[0].party, whitelist="ALLOWED_OFFLINE")
        assert start(client, one).json()["code"] == DOWN
        stored.whitelist = "ALLOWED"
        stored.save()
        assert start(client, one).json()["authorised"] == "OFFLINE"


@contextmanager
def hanging_up():
    """The address of a peer that reads the message and hangs up without an answer."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            for _ in range(2):
                peer, _ = server.accept()
                peer.recv(65_536)
                peer.close()

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"
        thread.join()
