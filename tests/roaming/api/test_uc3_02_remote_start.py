"""UC3-2: the home-CSP starts from afar; accepted at once, the result follows."""

import uuid

import pytest

from roaming import models
from tests import factories
from tests.roaming.api.messages import changed
from tests.roaming.api.remote import APP_USER, REMOTE_START, command, session


def test_the_visited_cso_is_asked_and_a_session_opens(remote):
    response = remote.start()
    assert response.status_code == 200, response.content
    answer = response.json()
    assert (answer["response"], answer["state"]) == ("ACCEPTED", "accepted")
    assert answer["result_within_s"] == 30
    opened = session()
    assert str(opened.id) == answer["service_session_id"]
    assert (opened.state, opened.opened_by, opened.authorised) == ("requested", "UC3-2", "COMMAND")
    assert opened.agreement == remote.cast.agreement
    (asked,) = remote.asked("uc3-2/remote-start")
    assert asked["command_id"] == answer["command_id"]
    assert asked["service_session_id"] == answer["service_session_id"]
    assert asked["evse_id"] == "DE*VIS*E001"
    assert asked["identification"]["contract_id"] == "DE-HOM-C12345678"
    assert asked["authorization_reference"] == "AUTH-7"
    assert asked["csp_session_id"] == "HOM-S-1"


def test_the_result_authorises_the_session_and_reaches_the_asker(remote):
    answer = remote.start().json()
    result = remote.result(answer["command_id"], "SUCCEEDED", cso_session_id="VIS-S-1").json()
    assert result["state"] == "succeeded"
    assert (result["acknowledged"], result["late"]) == (True, False)
    opened = session()
    assert (opened.state, opened.cso_session_id) == ("authorised", "VIS-S-1")
    assert opened.authorised_at is not None
    (told,) = remote.told("uc3-2/result")
    assert told["command_id"] == answer["command_id"]
    assert (told["result"], told["cso_session_id"]) == ("SUCCEEDED", "VIS-S-1")
    assert told["csp_session_id"] == "HOM-S-1"
    assert told["service_session_id"] == answer["service_session_id"]


def test_a_start_that_fails_refuses_the_session(remote):
    answer = remote.start().json()
    remote.result(answer["command_id"], "FAILED", reason="NO_CABLE", note="Plug in first.")
    assert (session().state, session().refusal_reason) == ("refused", "NO_CABLE")
    (told,) = remote.told("uc3-2/result")
    assert (told["result"], told["reason"], told["note"]) == (
        "FAILED", "NO_CABLE", "Plug in first."
    )  # fmt: skip


def test_a_rejection_is_a_business_answer(remote):
    remote.answers(
        "uc3-2/remote-start",
        {"response": "REJECTED", "reason": "EVSE_OCCUPIED", "note": "Somebody charges there."},
    )
    answer = remote.start().json()
    assert (answer["response"], answer["reason"]) == ("REJECTED", "EVSE_OCCUPIED")
    assert answer["note"] == "Somebody charges there."
    assert answer["result_within_s"] is None
    assert (session().state, session().refusal_reason) == ("refused", "EVSE_OCCUPIED")
    assert models.JournalEntry.objects.get(phase="verdict").outcome == "refused"
    assert remote.told("uc3-2/result") == []


def test_the_correlation_id_goes_from_the_question_to_the_result(remote):
    answer = remote.post(
        "service-sessions/remote-start", REMOTE_START, **{"X-Correlation-ID": "corr-9"}
    ).json()
    remote.result(answer["command_id"], "SUCCEEDED")
    assert remote.cso.received[0].headers["X-Correlation-ID"] == "corr-9"
    assert remote.csp.received[0].headers["X-Correlation-ID"] == "corr-9"
    rows = models.JournalEntry.objects.filter(correlation_id="corr-9").order_by("id")
    assert [(row.phase, row.use_case) for row in rows] == [
        ("admitted", "UC3-2"), ("verdict", "UC3-2"), ("verdict", "UC3-2")
    ]  # fmt: skip
    assert {row.service_session_id for row in rows} == {session().id}


def test_the_identification_stands_in_clear_only_in_erasable_rows(remote):
    remote.start(identification={"method": "RFID", "token_uid": "04A2B3C4D5E6F7"})
    assert session().personal_data.token_uid == "04A2B3C4D5E6F7"
    models.ServiceSessionPersonalData.objects.all().delete()
    models.JournalBody.objects.all().delete()
    for model in (models.ServiceSession, models.Command, models.JournalEntry, models.Delivery):
        assert "04A2B3C4D5E6F7" not in str(list(model.objects.values()))


@pytest.mark.parametrize(
    ("fields", "status", "code", "field"),
    [
        ({"home_csp": "FR-OUT"}, 403, "party_not_held", "home_csp"),
        ({"home_csp": "nonsense"}, 422, "invalid_identifier", "home_csp"),
        ({"evse_id": "DE*VIS*E999"}, 422, "unknown_evse", "evse_id"),
        ({"evse_id": "rubbish"}, 422, "invalid_identifier", "evse_id"),
        ({"evse_id": ...}, 422, "invalid_field", None),
        ({"identification": {"method": "APP"}}, 422, "invalid_field", "identification"),
        (
            {"identification": {"method": "APP", "contract_id": "FR-OUT-C12345678"}},
            422, "contract_of_other_csp", "home_csp",
        ),
        ({"connector_id": "x" * 37}, 422, "invalid_field", "connector_id"),
        ({"authorization_reference": "x" * 37}, 422, "invalid_field", "authorization_reference"),
        ({"csp_session_id": "x" * 65}, 422, "invalid_field", "csp_session_id"),
        ({"csp_session_id": "\x00"}, 400, "malformed_body", None),
        ({"reservation_id": "7"}, 422, "invalid_field", "reservation_id"),
        ({"reservation_id": str(uuid.uuid4())}, 404, "unknown_reservation", "reservation_id"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused_with_its_code(remote, fields, status, code, field):
    response = remote.start(**fields)
    problem = response.json()
    assert (response.status_code, problem["code"]) == (status, code)
    assert problem.get("field") == field
    assert remote.cso.received == []
    assert not models.Command.objects.exists()
    assert not models.ServiceSession.objects.exists()
    entry = models.JournalEntry.objects.get()
    assert (entry.use_case, entry.refusal_code) == ("UC3-2", code)


@pytest.mark.parametrize(
    ("status", "code"), [("suspended", "agreement_suspended"), ("ended", "agreement_ended")]
)
def test_a_suspended_or_ended_agreement_starts_nothing(remote, status, code):
    models.Agreement.objects.update(status=status)
    response = remote.start()
    assert (response.status_code, response.json()["code"]) == (403, code)
    assert remote.cso.received == []


def test_a_service_that_was_not_agreed_is_refused(remote):
    from roaming.domain.agreement import Service

    outsider = remote.cast.outsider
    factories.make_agreement(
        remote.cast.visited_cso.operator, outsider.operator, services=(Service.LOCAL_START,)
    )
    body = changed(
        REMOTE_START,
        home_csp="FR-OUT",
        identification={"method": "APP", "contract_id": "FR-OUT-C12345678"},
    )
    response = remote.post("service-sessions/remote-start", body, outsider)
    assert (response.status_code, response.json()["code"]) == (403, "service_not_covered")


def test_without_an_agreement_nothing_starts(remote):
    body = changed(
        REMOTE_START,
        home_csp="FR-OUT",
        identification={"method": "APP", "contract_id": "FR-OUT-C12345678"},
    )
    response = remote.post("service-sessions/remote-start", body, remote.cast.outsider)
    assert (response.status_code, response.json()["code"]) == (403, "no_agreement")


def test_a_suspended_platform_starts_nothing(remote):
    models.Platform.objects.update(status="suspended")
    assert remote.start().json()["code"] == "platform_suspended"


def test_a_visited_cso_cannot_send_the_home_csp_s_message(remote):
    response = remote.post("service-sessions/remote-start", REMOTE_START, remote.cast.visited_cso)
    assert (response.status_code, response.json()["code"]) == (403, "party_not_held")


def test_an_evse_that_was_sold_is_asked_for_at_its_owner_of_today(remote, now):
    from psycopg.types.range import TimestamptzRange

    from tests.cast import make_party

    buyer = make_party("Buyer", "CSO", "DE*BUY", endpoint=remote.cso.url)
    factories.make_agreement(buyer.operator, remote.cast.home_csp.operator)
    models.EvseOwnership.objects.update(during=TimestamptzRange(factories.EPOCH, now))
    models.EvseOwnership.objects.create(
        evse=remote.cast.evse, visited_cso=buyer.identifier, during=TimestamptzRange(now, None)
    )
    remote.start()
    assert session().visited_cso == buyer.identifier


def test_a_receiver_that_cannot_have_been_reached_ends_the_session(remote):
    models.RoamingEndpoint.objects.filter(platform=remote.cast.visited_cso.platform).update(
        url="http://127.0.0.1:1/"
    )
    response = remote.start()
    assert (response.status_code, response.json()["code"]) == (503, "receiver_not_connected")
    assert (command().state, command().reason) == ("not_reached", "receiver_not_connected")
    assert (session().state, session().refusal_reason) == ("refused", "receiver_not_connected")
    verdict = models.JournalEntry.objects.get(phase="verdict")
    assert (verdict.outcome, verdict.refusal_code) == ("failed", "receiver_not_connected")


def test_a_receiver_that_says_no_in_http_ends_the_session(remote):
    remote.answers("uc3-2/remote-start", {}, 404)
    response = remote.start()
    assert (response.status_code, response.json()["code"]) == (502, "receiver_refused")
    assert session().state == "refused"


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (200, b"not json", "receiver_answered_rubbish"),
        (200, {}, "receiver_answered_rubbish"),
        (200, {"response": "MAYBE"}, "receiver_answered_rubbish"),
        (200, {"response": "ACCEPTED", "timeout_s": -1}, "receiver_answered_rubbish"),
        (200, {"response": "ACCEPTED", "timeout_s": "soon"}, "receiver_answered_rubbish"),
        (200, b"\xff\xfe", "receiver_answered_rubbish"),
        (200, b"[" * 5000, "receiver_answered_rubbish"),
        (500, {}, "receiver_refused"),
        (504, {}, "receiver_refused"),
    ],
)
def test_a_receiver_that_may_have_acted_leaves_the_session_open(remote, status, body, code):
    remote.answers("uc3-2/remote-start", body, status)
    response = remote.start()
    assert (response.status_code, response.json()["code"]) == (502, code)
    assert (command().state, command().reason) == ("not_reached", code)
    assert session().state == "requested"
    assert remote.result(str(command().id), "SUCCEEDED").status_code == 200
    assert session().state == "authorised"


def test_after_a_receiver_that_was_too_slow_a_result_still_comes(remote):
    remote.cso.delay_s = 1.5
    response = remote.start()
    assert (response.status_code, response.json()["code"]) == (504, "receiver_timed_out")
    assert (command().state, session().state) == ("not_reached", "requested")
    found = remote.get("commands", correlation_id=response.json()["correlation_id"]).json()
    (row,) = found["results"]
    remote.cso.delay_s = 0
    remote.result(row["command_id"], "SUCCEEDED")
    assert session().state == "authorised"
    assert remote.told("uc3-2/result")[0]["result"] == "SUCCEEDED"


@pytest.mark.parametrize(
    ("announced", "within_s"),
    [({}, 60), ({"timeout_s": 0}, 1), ({"timeout_s": 45}, 45), ({"timeout_s": 10**9}, 300)],
)
def test_the_time_out_is_what_the_receiver_announces_up_to_the_setting(remote, announced, within_s):
    remote.answers("uc3-2/remote-start", {"response": "ACCEPTED", **announced})
    assert remote.start().json()["result_within_s"] == within_s


def test_words_that_are_too_long_or_unprintable_spoil_no_answer(remote):
    remote.answers(
        "uc3-2/remote-start",
        {"response": "ACCEPTED", "note": "a\nb\x00" + "x" * 500, "reason": "y" * 100},
    )
    answer = remote.start().json()
    assert answer["response"] == "ACCEPTED"
    assert answer["note"].startswith("a b x")
    assert (len(answer["note"]), len(answer["reason"])) == (300, 60)


def test_a_session_that_was_seen_charging_stays_active(remote):
    answer = remote.start().json()
    models.ServiceSession.objects.update(state="active")  # UC3-6 was faster than the result
    remote.result(answer["command_id"], "SUCCEEDED", cso_session_id="VIS-S-1")
    assert (session().state, session().authorised) == ("active", "COMMAND")
    assert session().authorised_at is not None


def test_a_session_that_was_seen_charging_is_not_refused_by_a_failure(remote):
    answer = remote.start().json()
    models.ServiceSession.objects.update(state="active")
    remote.result(answer["command_id"], "FAILED", reason="TIMEOUT")
    assert (session().state, command().state) == ("active", "failed")


def test_a_remote_start_is_completed_like_any_other(remote):
    answer = remote.started()
    response = remote.post(
        f"service-sessions/{answer['service_session_id']}/completion",
        {
            "start_date_time": "2026-10-05T10:00:00+02:00",
            "end_date_time": "2026-10-05T10:30:00+02:00",
            "total_energy": "5",
        },
        remote.cast.visited_cso,
    )
    assert response.status_code == 200, response.content
    assert session().state == "completed"


def test_the_token_of_an_app_user_may_be_of_any_kind(remote):
    remote.start(identification={"method": "QR_CODE", "token_uid": "app-user-77"})
    assert remote.asked("uc3-2/remote-start")[0]["identification"]["token_uid"] == "app-user-77"
    assert APP_USER["contract_id"] not in str(remote.asked("uc3-2/remote-start"))


# --- The same again -------------------------------------------------------------------------------


def test_the_same_wish_again_gets_the_same_answer_while_its_start_may_come_about(remote):
    first = remote.start().json()
    assert remote.start().json()["command_id"] == first["command_id"]
    remote.result(first["command_id"], "SUCCEEDED")
    again = remote.start().json()
    assert (again["command_id"], again["state"]) == (first["command_id"], "succeeded")
    assert len(remote.asked("uc3-2/remote-start")) == 1
    assert models.ServiceSession.objects.count() == 1


def test_after_a_start_that_failed_the_same_wish_is_asked_anew(remote):
    first = remote.start().json()
    remote.result(first["command_id"], "FAILED", reason="NO_CABLE")
    second = remote.start().json()
    assert second["command_id"] != first["command_id"]
    assert second["service_session_id"] != first["service_session_id"]


def test_after_a_session_that_ended_the_same_wish_is_asked_anew(remote):
    first = remote.started()
    models.ServiceSession.objects.update(state="completed")
    assert remote.start().json()["command_id"] != first["command_id"]


@pytest.mark.parametrize(
    "fields", [{"evse_id": "DE*VIS*E002"}, {"csp_session_id": "HOM-S-2"}, {"csp_session_id": ...}]
)
def test_another_wish_is_asked(remote, fields):
    factories.make_site(remote.cast.visited_cso.identifier, "DE*VIS*E002")
    first = remote.start(**fields).json()
    assert remote.start().json()["command_id"] != first["command_id"]


def test_without_an_id_of_its_own_every_wish_is_asked(remote):
    first = remote.start(csp_session_id=...).json()
    assert remote.start(csp_session_id=...).json()["command_id"] != first["command_id"]
