"""UC3-1, UC4-1: a card that nobody distributed is asked for at all, the first acceptance wins."""

from datetime import timedelta

import pytest
from django.utils import timezone

from roaming import models
from roaming.domain.agreement import Service
from roaming.models.fingerprints import token_fingerprint
from tests import factories
from tests.cast import make_party
from tests.roaming.api.broadcasts import ASKED, start, verdicts, wait_for
from tests.roaming.api.identifying import (
    CARD,
    CARD_QUESTION,
    CARD_START,
    IDENTIFIERS,
    LOCAL,
    ONLINE,
    distribute,
    post,
)
from tests.roaming.api.messages import changed


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


def test_who_is_suspended_or_does_not_take_the_question_is_not_asked(client, refusing):
    by_operator, by_platform, by_path = (csp.party for csp in refusing.csps)
    models.Operator.objects.filter(pk=by_operator.operator.pk).update(status="suspended")
    models.Platform.objects.filter(pk=by_platform.platform.pk).update(status="suspended")
    models.RoamingEndpoint.objects.filter(platform=by_path.platform).update(paths=["uc3-9/sdrs"])
    assert start(client, refusing).json()["code"] == "home_csp_unknown"
    assert not any(csp.platform.received for csp in refusing.csps)


def test_a_suspended_visited_cso_asks_nobody(client, refusing):
    models.Operator.objects.filter(pk=refusing.cast.visited_cso.operator.pk).update(
        status="suspended"
    )
    assert start(client, refusing).json()["code"] == "party_suspended"
    assert not any(csp.platform.received for csp in refusing.csps)


def test_a_question_to_many_needs_a_place_among_the_live_questions(client, refusing, settings):
    settings.LIVE_QUESTIONS_AT_ONCE = 0
    response = start(client, refusing)
    assert (response.status_code, response.json()["code"]) == (503, "overloaded")
    assert not any(csp.platform.received for csp in refusing.csps)
    settings.LIVE_QUESTIONS_AT_ONCE = 1
    assert start(client, refusing).json()["reason"] == "unknown"


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
