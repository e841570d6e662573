"""The same message again: Idempotency-Key and X-Message-ID on whatever changes something."""

import json
import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from roaming import models
from roaming.tasks import forget_given_answers
from roaming.use_cases.erasure import erase_holder_of
from roaming.use_cases.uc1_01_platform_authentication import issue_registration_token
from tests.cast import make_party
from tests.roaming.api.messages import LOCAL_START, SDR, SITE, changed

START = "/api/v1/service-sessions/local-start"
SDRS = "/api/v1/sdrs"
KEY = {"Idempotency-Key": '"8e03978e-40d5-43dd-bc93-6894a57f9324"'}


def post(client, party, body, headers=None, url=SDRS):
    content = body if isinstance(body, str) else json.dumps(body)
    return client.post(
        url,
        data=content,
        content_type="application/json",
        headers={**party.headers, **(headers or {})},
    )


def replayed(response):
    return response.get("Idempotency-Replayed") == "true"


@pytest.mark.parametrize("header", [KEY, {"X-Message-ID": "msg-1"}])
def test_the_same_again_gets_the_same_answer_and_does_nothing(
    client, connected_cast, csp_platform, header
):
    first = post(client, connected_cast.visited_cso, LOCAL_START, header, START)
    again = post(client, connected_cast.visited_cso, LOCAL_START, header, START)
    assert not replayed(first)
    assert replayed(again)
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again["Content-Type"] == first["Content-Type"]
    assert again["X-Correlation-ID"] == first["X-Correlation-ID"]
    assert models.ServiceSession.objects.count() == 1
    assert len(csp_platform.received) == 1


def test_without_a_key_each_message_is_a_new_one(client, connected_cast):
    for _ in range(2):
        assert not replayed(post(client, connected_cast.visited_cso, LOCAL_START, url=START))
    assert models.ServiceSession.objects.count() == 2
    assert not models.GivenAnswer.objects.exists()


def test_a_repetition_has_the_location_of_the_first(client, cast):
    first = post(client, cast.visited_cso, SDR, KEY)
    again = post(client, cast.visited_cso, SDR, KEY)
    assert (first.status_code, again.status_code) == (201, 201)  # not 200, as without a key
    assert again["Location"] == first["Location"] == f"/api/v1/sdrs/{first.json()['sdr_id']}"


@pytest.mark.parametrize(
    ("body", "url"),
    [(changed(SDR, id="SDR-2"), SDRS), (json.dumps(SDR) + " ", SDRS), (SDR, "/api/v1/sdrs/bulk")],
)
def test_the_key_of_another_message_is_refused(client, cast, body, url):
    assert post(client, cast.visited_cso, SDR, KEY).status_code == 201
    response = post(client, cast.visited_cso, body, KEY, url)
    assert (response.status_code, response.json()["code"]) == (409, "idempotency_conflict")
    assert models.Sdr.objects.count() == 1


def test_another_method_on_the_same_address_is_another_message(client, cast):
    client.put(
        "/api/v1/sites/LOC1",
        data=SITE,
        content_type="application/json",
        headers={**cast.visited_cso.headers, "X-Message-ID": "m"},
    )
    response = client.delete(
        "/api/v1/credentials", headers={**cast.visited_cso.headers, "X-Message-ID": "m"}
    )
    assert response.json()["code"] == "idempotency_conflict"


def test_keys_are_each_platform_s_own(client, cast):
    assert post(client, cast.visited_cso, SDR, KEY).status_code == 201
    response = post(client, cast.home_csp, SDR, KEY)
    assert (response.status_code, replayed(response)) == (403, False)


def test_a_key_and_a_message_id_of_the_same_text_are_two_things(client, cast):
    assert not replayed(post(client, cast.visited_cso, SDR, {"X-Message-ID": "a"}))
    assert not replayed(
        post(client, cast.visited_cso, changed(SDR, id="SDR-2"), {"Idempotency-Key": "a"})
    )


def test_the_key_counts_where_both_are_given(client, cast):
    post(client, cast.visited_cso, SDR, {**KEY, "X-Message-ID": "a"})
    assert replayed(post(client, cast.visited_cso, SDR, {**KEY, "X-Message-ID": "b"}))


def test_quotes_are_the_draft_s_form_and_may_be_left_out(client, cast):
    post(client, cast.visited_cso, SDR, {"Idempotency-Key": '"abc-1"'})
    assert replayed(post(client, cast.visited_cso, SDR, {"Idempotency-Key": "abc-1"}))


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("Idempotency-Key", ""),
        ("Idempotency-Key", '""'),
        ("Idempotency-Key", '"a'),
        ("Idempotency-Key", 'a"b'),
        ("Idempotency-Key", "a, b"),
        ("Idempotency-Key", '"a";b=1'),
        ("Idempotency-Key", "x" * 129),
        ("Idempotency-Key", '"ü"'),
        ("Idempotency-Key", '"' + r"\"" * 129 + '"'),
        ("X-Message-ID", ""),
        ("X-Message-ID", "a b"),
        ("X-Message-ID", "x" * 65),
    ],
)
def test_a_key_that_is_none_is_refused_before_anything_happens(client, cast, header, value):
    response = post(client, cast.visited_cso, SDR, {header: value})
    assert (response.status_code, response.json()["code"]) == (422, "invalid_field")
    assert response.json()["field"] == header
    assert not models.Sdr.objects.exists()


def test_a_refusal_of_what_stands_in_the_message_is_kept(client, cast):
    wrong = changed(SDR, evse_id=5)
    assert not replayed(post(client, cast.visited_cso, wrong, KEY))
    again = post(client, cast.visited_cso, wrong, KEY)
    assert (again.status_code, again.json()["code"], replayed(again)) == (
        422, "invalid_field", True,
    )  # fmt: skip
    assert again["Content-Type"] == "application/problem+json"


def test_a_receiver_that_was_down_is_asked_again_under_the_same_key(
    client, connected_cast, csp_platform
):
    csp_platform.answers["/uc3-1/local-start"] = (500, {})
    assert post(client, connected_cast.visited_cso, LOCAL_START, KEY, START).status_code == 502
    csp_platform.accept()
    again = post(client, connected_cast.visited_cso, LOCAL_START, KEY, START)
    assert (again.status_code, replayed(again)) == (200, False)


def test_an_agreement_that_was_suspended_is_looked_at_again(client, connected_cast):
    models.Agreement.objects.update(status="suspended")
    assert post(client, connected_cast.visited_cso, LOCAL_START, KEY, START).status_code == 403
    models.Agreement.objects.update(status="active")
    assert post(client, connected_cast.visited_cso, LOCAL_START, KEY, START).status_code == 200


def test_an_evse_that_was_unknown_may_be_known_meanwhile(client, connected_cast):
    site = models.Evse.objects.get()
    models.Evse.objects.update(removed_at=timezone.now())
    response = post(client, connected_cast.visited_cso, LOCAL_START, KEY, START)
    assert response.json()["code"] == "unknown_evse"
    models.Evse.objects.filter(pk=site.pk).update(removed_at=None)
    assert post(client, connected_cast.visited_cso, LOCAL_START, KEY, START).status_code == 200


def under_way(client, party, body, lease_s):
    """The key's row as a process leaves it that is still at work, or has died at it."""
    post(client, party, body, KEY)
    models.Sdr.objects.all()  # what the attempt did stands
    models.GivenAnswer.objects.update(
        status=None, body=b"", leased_until=timezone.now() + timedelta(seconds=lease_s)
    )


def test_while_the_first_attempt_is_at_work_the_second_waits(client, cast):
    under_way(client, cast.visited_cso, SDR, 30)
    response = post(client, cast.visited_cso, SDR, KEY)
    assert (response.status_code, response.json()["code"]) == (409, "request_in_progress")
    assert int(response["Retry-After"]) > 0


def test_an_attempt_whose_process_died_is_taken_over_after_its_lease(client, cast):
    under_way(client, cast.visited_cso, SDR, -1)
    response = post(client, cast.visited_cso, SDR, KEY)
    assert (response.status_code, response.json()["known"]) == (200, True)  # the SDR's own identity
    assert models.Sdr.objects.count() == 1
    assert replayed(post(client, cast.visited_cso, SDR, KEY))


def test_a_dead_attempt_s_key_is_not_taken_over_by_another_message(client, cast):
    under_way(client, cast.visited_cso, SDR, -1)
    response = post(client, cast.visited_cso, changed(SDR, id="SDR-2"), KEY)
    assert response.json()["code"] == "idempotency_conflict"


def test_after_its_time_to_live_a_key_is_new_and_its_answer_erased(client, cast, settings):
    post(client, cast.visited_cso, SDR, KEY)
    models.GivenAnswer.objects.update(created_at=timezone.now() - timedelta(hours=25))
    response = post(client, cast.visited_cso, changed(SDR, id="SDR-2"), KEY)
    assert (response.status_code, replayed(response)) == (201, False)
    assert forget_given_answers() == 0
    models.GivenAnswer.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert forget_given_answers() == 1
    assert not models.GivenAnswer.objects.exists()


def test_a_person_who_asks_for_it_is_erased_from_kept_answers(client, connected_cast, csp_platform):
    csp_platform.accept(contract_id="DE-HOM-C12345678")
    answer = post(client, connected_cast.visited_cso, LOCAL_START, KEY, START)
    assert answer.json()["contract_id"] == "DE-HOM-C12345678"
    erase_holder_of("DE-HOM-C99999999", timezone.now())
    assert models.GivenAnswer.objects.exists()
    erase_holder_of("DE-HOM-C12345678", timezone.now())
    assert not models.GivenAnswer.objects.exists()


def test_a_body_that_is_too_large_claims_no_key(client, cast, settings):
    settings.MAX_MESSAGE_BYTES = 100
    assert post(client, cast.visited_cso, SDR, KEY).status_code == 413
    assert not models.GivenAnswer.objects.exists()


def test_reading_needs_no_key(client, cast):
    response = client.get(SDRS, headers={**cast.visited_cso.headers, "Idempotency-Key": '"'})
    assert response.status_code == 200


def test_a_header_costs_a_start_three_statements_and_none_without_it(
    client, connected_cast, django_assert_num_queries
):
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as without:
        post(client, connected_cast.visited_cso, LOCAL_START, url=START)
    with CaptureQueriesContext(connection) as keyed:
        post(client, connected_cast.visited_cso, LOCAL_START, KEY, START)
    assert not [q for q in without.captured_queries if "givenanswer" in q["sql"]]
    # The claim, that it still stands when the session opens, and the answer that is kept.
    assert len([q for q in keyed.captured_queries if "givenanswer" in q["sql"]]) == 3


# --- Credentials: the answer is lost, the secret must not rest in clear ---------------------------
OFFER = {}  # messages will be pulled


class Bearer:
    def __init__(self, token):
        self.headers = {"Authorization": f"Bearer {token}"}


def test_whoever_lost_the_answer_of_a_registration_gets_it_again(client, db):
    newcomer = make_party("Newcomer", "CSO", "NL*NEW")
    token = issue_registration_token(newcomer.platform, timezone.now())
    first = post(client, Bearer(token), OFFER, KEY, "/api/v1/registration")
    again = post(client, Bearer(token), OFFER, KEY, "/api/v1/registration")
    assert first.status_code == 201, first.content
    assert (again.status_code, again.content, replayed(again)) == (201, first.content, True)
    kept = bytes(models.GivenAnswer.objects.get().body)
    assert first.json()["token"].encode() not in kept
    other = issue_registration_token(newcomer.platform, timezone.now())
    stranger = post(client, Bearer(other), OFFER, KEY, "/api/v1/registration")
    assert (stranger.status_code, stranger.json()["code"]) == (409, "idempotency_conflict")
    no_key = post(client, Bearer(token), OFFER, None, "/api/v1/registration")
    assert no_key.json()["code"] == "registration_token_invalid"


def test_whoever_lost_the_answer_of_a_rotation_gets_it_again(client, cast):
    url = "/api/v1/credentials/rotation"
    first = post(client, cast.visited_cso, {}, KEY, url)
    again = post(client, cast.visited_cso, {}, KEY, url)
    assert (again.status_code, again.json(), replayed(again)) == (201, first.json(), True)
    assert first.json()["token"].encode() not in bytes(models.GivenAnswer.objects.get().body)
    fresh = Bearer(first.json()["token"])
    assert post(client, fresh, {}, KEY, url).json()["code"] == "idempotency_conflict"


# --- Concurrency: one of many wins, the others hear of it -----------------------------------------
def test_of_many_at_once_one_is_worked_on(committed_db, csp_platform):
    from django.test import Client

    from tests.cast import make_cast

    cast = make_cast(csp_endpoint=csp_platform.url)
    csp_platform.delay_s = 0.5
    answers = []

    def send():
        try:
            answers.append(post(Client(), cast.visited_cso, LOCAL_START, KEY, START))
        finally:
            connection.close()

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    codes = sorted(response.status_code for response in answers)
    assert codes == [200] + [409] * 5
    assert {r.json().get("code") for r in answers if r.status_code == 409} == {
        "request_in_progress"
    }
    assert len(csp_platform.received) == models.ServiceSession.objects.count() == 1
    assert replayed(post(Client(), cast.visited_cso, LOCAL_START, KEY, START))
