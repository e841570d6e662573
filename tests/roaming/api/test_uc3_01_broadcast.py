"""UC3-1, UC4-1: a card that nobody distributed is asked for at all, the first acceptance wins."""

import threading
import time
from datetime import timedelta

import pytest
from django.utils import timezone

from roaming import models
from roaming.domain.agreement import Service
from roaming.hub_switch import close_unanswered
from roaming.hub_switch.deciding import token_fingerprint
from tests import factories
from tests.cast import make_party
from tests.roaming.api.identifying import (
    CARD,
    CARD_QUESTION,
    CARD_START,
    IDENTIFIERS,
    LOCAL,
    ONLINE,
    distribute,
    post,
    stage,
)
from tests.roaming.api.messages import changed

ASKED = "/uc3-1/local-start"


@pytest.fixture
def patience(settings):
    """A busy machine is no slow home-CSP; a test of slowness sets its own limits."""
    settings.LIVE_QUESTION_TIMEOUT_S = settings.BROADCAST_BUDGET_S = 20


@pytest.fixture
def three(committed_db, patience):
    """Three home-CSPs. Commits are real: threads that hear a late answer see the request's rows."""
    with stage(3) as three:
        yield three
        wait_for(lambda: not unanswered())


@pytest.fixture
def refusing(db, patience):
    """Three home-CSPs of which none accepts: everything happens in the request itself."""
    with stage(3) as three:
        yield three


def unanswered():
    """Home-CSPs that were asked and have no verdict yet."""
    rows = models.JournalEntry.objects.values_list("transaction_id", "home_csp", "phase")
    answered = {row[:2] for row in rows if row[2] == "verdict"}
    return {row[:2] for row in rows if row[2] == "admitted"} - answered


def start(client, three, body=CARD_START, **headers):
    return post(client, three.cast.visited_cso, LOCAL, body, **headers)


def wait_for(condition, seconds=20.0):
    """What a thread of its own has yet to write."""
    ends = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < ends, "it did not come about"
        time.sleep(0.02)
    return found


def verdicts():
    """Each home-CSP's verdict: outcome and code."""
    rows = models.JournalEntry.objects.filter(phase="verdict").select_related("home_csp")
    return {row.home_csp.identifier: (row.outcome, row.refusal_code) for row in rows}


def in_step(*csps):
    """Answers only when all of them have been asked: they accept at the same moment."""
    barrier = threading.Barrier(len(csps))
    for number, csp in enumerate(csps):

        def accept(message, number=number):
            barrier.wait(20)
            return 200, {"decision": "ACCEPTED", "authorization_reference": f"AUTH-{number}"}

        csp.platform.answers[ASKED] = accept


def test_all_are_asked_and_the_one_that_knows_the_card_opens_the_session(client, three):
    three[1].accept("AUTH-2")
    answer = start(client, three, **{"X-Correlation-ID": "corr-1"}).json()
    assert (answer["decision"], answer["home_csp"], answer["authorised"]) == (
        "ACCEPTED", "NL-SEC", "ONLINE",
    )  # fmt: skip
    session = models.ServiceSession.objects.get()
    assert (str(session.id), session.state) == (answer["service_session_id"], "authorised")
    assert session.home_csp == three[1].party.identifier
    assert session.agreement.home_csp == three[1].party.operator
    assert session.personal_data.token_uid == CARD
    (asked,) = three[1].platform.messages(ASKED)
    assert asked.body["service_session_id"] == answer["service_session_id"]
    assert asked.body["broadcast"] is True
    assert asked.body["home_csp"] == "NL-SEC"
    assert asked.headers["X-Correlation-ID"] == "corr-1"


def test_everybody_who_is_asked_has_two_rows_under_one_transaction(client, refusing):
    start(client, refusing, **{"X-Correlation-ID": "corr-1"})
    rows = list(models.JournalEntry.objects.select_related("home_csp"))
    assert {(row.home_csp.identifier, row.phase) for row in rows} == {
        (identifier, phase) for identifier in IDENTIFIERS[:3] for phase in ("admitted", "verdict")
    }
    assert len(rows) == 6
    assert len({row.transaction_id for row in rows}) == 1
    assert {row.correlation_id for row in rows} == {"corr-1"}
    assert set(verdicts().values()) == {("refused", "")}


def test_when_all_refuse_the_card_is_unknown_and_the_next_swipe_asks_nobody(client, refusing):
    answer = start(client, refusing).json()
    assert (answer["decision"], answer["reason"]) == ("REFUSED", "unknown")
    assert answer["service_session_id"] is answer["home_csp"] is None
    assert not models.ServiceSession.objects.exists()
    again = start(client, refusing).json()
    assert (again["decision"], again["reason"]) == ("REFUSED", "unknown")
    assert [len(csp.platform.messages(ASKED)) for csp in refusing.csps] == [1, 1, 1]
    last = models.JournalEntry.objects.first()
    assert (last.phase, last.outcome, last.home_csp) == ("verdict", "refused", None)


def test_an_unknown_card_is_remembered_for_a_while_only(client, three, settings):
    settings.UNKNOWN_TOKEN_TTL_S = 60
    start(client, three)
    unknown = models.UnknownToken.objects.get()
    assert unknown.until - timezone.now() < timedelta(seconds=60)
    models.UnknownToken.objects.update(until=timezone.now())
    three[2].accept("AUTH-3")
    assert start(client, three).json()["home_csp"] == "FR-THI"


def test_an_unknown_card_is_remembered_for_this_cso_alone(client, three):
    start(client, three)
    other = make_party("Other CSO", "CSO", "DE*OTH")
    factories.make_site(other.identifier, "DE*OTH*E001")
    factories.make_agreement(other.operator, three[0].party.operator)
    three[0].accept("AUTH-1")
    body = changed(CARD_START, visited_cso="DE*OTH", evse_id="DE*OTH*E001")
    assert post(client, other, LOCAL, body).json()["decision"] == "ACCEPTED"


def test_who_is_named_is_asked_even_where_the_card_was_unknown(client, three):
    start(client, three)
    three[0].accept("AUTH-1")
    answer = start(client, three, changed(CARD_START, home_csp="DE-HOM")).json()
    assert (answer["decision"], answer["home_csp"]) == ("ACCEPTED", "DE-HOM")


def test_a_card_that_one_distributed_is_asked_for_there_alone(client, three):
    distribute(three[1].party)
    three[1].accept("AUTH-2")
    assert start(client, three).json()["home_csp"] == "NL-SEC"
    assert three[0].platform.received == three[2].platform.received == []


def test_a_card_that_one_distributes_no_longer_is_asked_for_at_all(client, three):
    distribute(three[1].party, removed_at=timezone.now())
    three[2].accept("AUTH-3")
    assert start(client, three).json()["home_csp"] == "FR-THI"


def test_of_two_that_distributed_a_card_the_one_that_vouches_for_it_is_asked(client, three):
    distribute(three[0].party, valid=False, last_updated=timezone.now())
    distribute(three[2].party)
    three[2].accept("AUTH-3")
    assert start(client, three).json()["home_csp"] == "FR-THI"
    assert three[0].platform.received == []


def test_only_who_may_serve_this_cso_now_is_asked(client, refusing):
    cso = refusing.cast.visited_cso.operator
    outsider = make_party("No agreement", "CSP", "BE-NON", endpoint=refusing[0].platform.url)
    remote = make_party("Remote only", "CSP", "BE-REM", endpoint=refusing[0].platform.url)
    factories.make_agreement(cso, remote.operator, services=(Service.REMOTE_START,))
    over = make_party("Over", "CSP", "BE-OVE", endpoint=refusing[0].platform.url)
    factories.make_agreement(cso, over.operator, valid_to=timezone.now() - timedelta(days=1))
    ended = make_party("Ended", "CSP", "BE-END", endpoint=refusing[0].platform.url)
    factories.make_agreement(cso, ended.operator)
    models.Platform.objects.filter(pk=ended.platform.pk).update(status="ended")
    unregistered = make_party("Unregistered", "CSP", "BE-UNR")
    factories.make_agreement(cso, unregistered.operator)
    models.RoamingEndpoint.objects.filter(platform=unregistered.platform).delete()
    models.Agreement.objects.filter(home_csp=refusing[2].party.operator).update(status="suspended")
    models.AgreementSuspension.objects.create(
        agreement=models.Agreement.objects.get(home_csp=refusing[1].party.operator),
        during=models.Agreement.objects.first().validity,
        reason="unpaid",
    )
    assert start(client, refusing).json()["reason"] == "unknown"
    assert set(verdicts()) == {"DE-HOM"}
    assert not models.JournalEntry.objects.filter(home_csp=outsider.identifier).exists()
    assert len(refusing[0].platform.received) == 1
    assert refusing[1].platform.received == refusing[2].platform.received == []


def test_with_nobody_to_ask_the_home_csp_is_unknown(client, refusing):
    models.RoamingEndpoint.objects.all().delete()
    response = start(client, refusing)
    assert (response.status_code, response.json()["code"]) == (422, "home_csp_unknown")


@pytest.mark.parametrize("method", ["APP", "QR_CODE", "OTHER", "AD_HOC"])
def test_what_is_no_card_is_asked_for_at_nobody(client, refusing, method):
    body = changed(CARD_START, identification={"method": method, "token_uid": CARD})
    assert start(client, refusing, body).json()["code"] == "home_csp_unknown"
    assert not any(csp.platform.received for csp in refusing.csps)


def test_nobody_reachable_is_no_unknown_card(client, refusing):
    models.RoamingEndpoint.objects.update(url="http://127.0.0.1:1/")
    response = start(client, refusing)
    assert (response.status_code, response.json()["code"]) == (503, "receiver_not_connected")
    assert "Of 3 home-CSPs asked 0 refused" in response.json()["detail"]
    assert set(verdicts().values()) == {("failed", "receiver_not_connected")}
    assert not models.UnknownToken.objects.exists()
    assert not models.Delivery.objects.exists()


def test_one_that_gives_no_answer_may_be_the_one(client, three):
    three[2].answer({}, status=500)
    response = start(client, three)
    assert (response.status_code, response.json()["code"]) == (503, "receiver_not_connected")
    assert "2 refused" in response.json()["detail"]
    assert not models.UnknownToken.objects.exists()
    three[2].accept("AUTH-3")
    assert start(client, three).json()["home_csp"] == "FR-THI"


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


def test_online_identification_asks_all_in_the_same_way(client, three):
    three[1].accept("AUTH-2")
    answer = post(client, three.cast.visited_cso, ONLINE, CARD_QUESTION).json()
    assert (answer["decision"], answer["home_csp"]) == ("ACCEPTED", "NL-SEC")
    assert not models.ServiceSession.objects.exists()
    wait_for(lambda: models.JournalEntry.objects.count() == 6)


def test_the_outsider_is_asked_nothing_and_sees_nothing(client, refusing):
    start(client, refusing)
    outsider = refusing.cast.outsider
    assert not models.JournalEntry.objects.filter(home_csp=outsider.identifier).exists()
    assert not models.Delivery.objects.filter(receiver=outsider.platform).exists()


def test_the_negative_cache_holds_no_card_in_clear(client, refusing):
    start(client, refusing)
    assert bytes(models.UnknownToken.objects.get().token_hmac) == token_fingerprint(CARD)
