"""UC3-1, asked at many: who accepted and did not win is told, however late, whatever died."""

import threading
import time
from datetime import timedelta

from django.utils import timezone

from roaming import models
from roaming.hub_switch import close_unanswered
from roaming.models.fingerprints import token_fingerprint
from tests.roaming.api.broadcasts import ASKED, in_step, start, unanswered, verdicts, wait_for
from tests.roaming.api.identifying import CARD, CARD_START
from tests.roaming.api.messages import changed


def test_two_accept_at_once_and_one_session_opens(client, three):
    in_step(three[0], three[1])
    answer = start(client, three).json()
    assert answer["decision"] == "ACCEPTED"
    assert models.ServiceSession.objects.count() == 1
    winner, loser = three[0], three[1]
    if answer["home_csp"] == "NL-SEC":
        winner, loser = loser, winner
    (delivery,) = wait_for(lambda: loser.withdrawals)
    assert winner.withdrawals == []
    reference = "AUTH-1" if loser is three[1] else "AUTH-0"
    assert f'"authorization_reference":"{reference}"' in delivery.body
    assert '"reason":"accepted_elsewhere"' in delivery.body
    assert answer["service_session_id"] in delivery.body
    assert answer["authorization_reference"] != reference
    lost = verdicts()[loser.party.identifier.identifier]
    assert lost == ("refused_by_hub", "accepted_elsewhere")
    assert verdicts()[answer["home_csp"]] == ("accepted", "")


def test_the_answer_does_not_wait_for_the_slow_and_their_late_yes_is_withdrawn(client, three):
    three[0].accept("AUTH-1")
    three[1].accept("AUTH-2")
    three[1].platform.delay_s = 3
    began = time.monotonic()
    answer = start(client, three).json()
    assert time.monotonic() - began < 3
    assert (answer["decision"], answer["home_csp"]) == ("ACCEPTED", "DE-HOM")
    assert three[1].withdrawals == []
    (delivery,) = wait_for(lambda: three[1].withdrawals)
    assert '"authorization_reference":"AUTH-2"' in delivery.body
    assert '"reason":"accepted_elsewhere"' in delivery.body
    assert len(models.JournalEntry.objects.all()) == 6
    assert len({row.transaction_id for row in models.JournalEntry.objects.all()}) == 1


def test_a_slow_one_delays_nothing_past_the_budget_and_is_told_that_it_was_too_late(
    client, three, settings
):
    settings.BROADCAST_BUDGET_S = 1
    three[2].accept("AUTH-3")
    three[2].platform.delay_s = 4
    began = time.monotonic()
    response = start(client, three)
    assert time.monotonic() - began < 3
    assert (response.status_code, response.json()["code"]) == (504, "receiver_timed_out")
    assert "Of 3 home-CSPs asked 2 refused" in response.json()["detail"]
    (delivery,) = wait_for(lambda: three[2].withdrawals)
    assert '"authorization_reference":"AUTH-3"' in delivery.body
    assert '"reason":"accepted_too_late"' in delivery.body
    assert verdicts()["FR-THI"] == ("refused_by_hub", "accepted_too_late")
    assert not models.ServiceSession.objects.exists()
    assert not models.UnknownToken.objects.exists()


def test_whose_answer_never_comes_is_told_to_forget_it(client, three, settings):
    settings.BROADCAST_BUDGET_S, settings.LIVE_QUESTION_TIMEOUT_S = 1, 1.5
    three[2].accept("AUTH-3")
    three[2].platform.delay_s = 4
    assert start(client, three).json()["code"] == "receiver_timed_out"
    (delivery,) = wait_for(lambda: three[2].withdrawals)
    assert "authorization_reference" not in delivery.body
    assert '"reason":"accepted_too_late"' in delivery.body
    assert verdicts()["FR-THI"] == ("failed", "receiver_timed_out")


def test_one_that_is_in_doubt_is_told_to_forget_its_answer(client, three):
    three[0].accept("AUTH-1")
    three[1].answer({"decision": "ACCEPTED", "authorization_reference": "x" * 40})
    barrier = threading.Barrier(2)
    rubbish = three[1].platform.answers[ASKED]

    def first(message):
        barrier.wait(20)
        return rubbish

    def second(message):
        barrier.wait(20)
        time.sleep(0.2)
        return 200, {"decision": "ACCEPTED", "authorization_reference": "AUTH-1"}

    three[1].platform.answers[ASKED], three[0].platform.answers[ASKED] = first, second
    assert start(client, three).json()["home_csp"] == "DE-HOM"
    (delivery,) = three[1].withdrawals
    assert "authorization_reference" not in delivery.body
    assert '"reason":"accepted_elsewhere"' in delivery.body


def test_many_swipes_at_once_each_open_one_session(three):
    from django.test import Client

    for csp in three.csps:
        csp.accept(f"AUTH-{csp.party.identifier}")
    answers = []

    def swipe(number):
        body = changed(
            CARD_START, identification={"method": "RFID", "token_uid": f"04A2B3C4D5E6{number:02X}"}
        )
        try:
            answers.append(start(Client(), three, body).json())
        finally:
            from django.db import connection

            connection.close()

    threads = [threading.Thread(target=swipe, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer["decision"] for answer in answers] == ["ACCEPTED"] * 8
    assert models.ServiceSession.objects.count() == 8
    wait_for(lambda: models.JournalEntry.objects.count() == 8 * 3 * 2)
    lost = models.JournalEntry.objects.filter(outcome="refused_by_hub")
    assert models.Delivery.objects.count() == lost.count()


def test_a_process_that_dies_with_answers_in_its_hands_withdraws_them(client, three):
    """The sweep closes what was asked, party by party, and tells each to forget its answer."""
    three[1].accept("AUTH-2")
    answer = start(client, three).json()
    wait_for(lambda: not unanswered())
    admitted = list(models.JournalEntry.objects.filter(phase="admitted"))
    for row in admitted:
        row.pk, row.transaction_id = None, "00000000-0000-4000-8000-000000000001"
        row.save(force_insert=True)
    survivor = models.JournalEntry.objects.get(phase="verdict", outcome="accepted")
    survivor.pk, survivor.transaction_id = None, "00000000-0000-4000-8000-000000000001"
    survivor.save(force_insert=True)
    later = timezone.now() + timedelta(minutes=2)
    assert close_unanswered(admitted[0].at, later) == 2
    assert close_unanswered(admitted[0].at, later) == 0
    told = models.Delivery.objects.filter(path="uc4-1/withdrawal", body__contains='"lost"')
    assert {delivery.receiver for delivery in told} == {
        three[0].party.platform, three[2].party.platform,
    }  # fmt: skip
    assert models.ServiceSession.objects.get(pk=answer["service_session_id"]).state == "authorised"


def reserve(three):
    """The card holds the EVSE, by a reservation of the first home-CSP."""
    from roaming.domain.uuid7 import period_of, uuid7_at

    now = timezone.now()
    key = uuid7_at(now)
    cast = three.cast
    session = models.ServiceSession.objects.create(
        id=key, period=period_of(key), environment="live", agreement=cast.agreement,
        visited_cso=cast.visited_cso.identifier, home_csp=cast.home_csp.identifier,
        evse=cast.evse, state="reserved", identification_method="RFID",
        token_hmac=token_fingerprint(CARD), opened_at=now,
    )  # fmt: skip
    return models.Reservation.objects.create(
        id=uuid7_at(now), environment="live", session=session, evse=cast.evse,
        home_csp=session.home_csp, visited_cso=session.visited_cso, reference="R-1",
        state="reserved", starts_at=now - timedelta(hours=1),
        expires_at=now + timedelta(hours=1), requested_at=now,
    )  # fmt: skip


def test_an_acceptance_that_nothing_can_come_of_is_withdrawn(client, three):
    """The reservation ends while the home-CSP is being asked: there is no session to go on with."""
    reservation = reserve(three)

    def accept(message):
        from django.db import connection

        models.Reservation.objects.filter(pk=reservation.pk).update(state="cancelled")
        connection.close()
        return 200, {"decision": "ACCEPTED", "authorization_reference": "AUTH-1"}

    three[0].platform.answers[ASKED] = accept
    response = start(client, three)
    assert (response.status_code, response.json()["code"]) == (409, "reservation_state")
    (delivery,) = three[0].withdrawals
    assert '"authorization_reference":"AUTH-1"' in delivery.body
    assert '"reason":"lost"' in delivery.body
    assert verdicts() == {"DE-HOM": ("refused_by_hub", "reservation_state")}
