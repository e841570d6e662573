"""UC3-8: an EVSE is held for a user; asked for, repeated, changed, seen."""

import uuid
from datetime import timedelta

import pytest

from roaming import models
from roaming.models.clock import set_business_clock
from tests import factories
from tests.roaming.api.messages import changed
from tests.roaming.api.remote import RESERVATION, reservation, session


def commands():
    return models.Command.objects.filter(kind="reserve").order_by("number")


# --- Asked for ------------------------------------------------------------------------------------


def test_the_visited_cso_is_asked_and_its_result_holds_the_evse(remote, now):
    response = remote.reserve()
    assert response.status_code == 200, response.content
    answer = response.json()
    assert (answer["response"], answer["state"]) == ("ACCEPTED", "accepted")
    assert (reservation().state, session().state) == ("requested", "requested")
    (asked,) = remote.asked("uc3-8/reservation")
    assert asked["reservation_id"] == answer["reservation_id"] == str(reservation().id)
    assert asked["service_session_id"] == answer["service_session_id"] == str(session().id)
    assert asked["reference"] == "R-1"
    assert asked["starts_at"] == now.isoformat()
    assert asked["expires_at"] == RESERVATION["expires_at"]
    assert asked["identification"]["contract_id"] == "DE-HOM-C12345678"
    remote.result(answer["command_id"], "SUCCEEDED", cso_reference="VIS-R-1")
    held = reservation()
    assert (held.state, held.cso_reference, held.starts_at) == ("reserved", "VIS-R-1", now)
    assert (session().state, session().opened_by) == ("reserved", "UC3-8")
    (told,) = remote.told("uc3-8/result")
    assert (told["result"], told["reservation_id"]) == ("SUCCEEDED", answer["reservation_id"])
    assert told["cso_reference"] == "VIS-R-1"


def test_a_reservation_may_begin_later_and_times_leave_as_they_came(remote):
    remote.reserve(starts_at="2026-10-05T10:30:00+02:00", connector_id="1")
    (asked,) = remote.asked("uc3-8/reservation")
    assert asked["starts_at"] == "2026-10-05T10:30:00+02:00"
    assert asked["connector_id"] == "1"


def test_a_rejection_ends_it(remote):
    remote.answers("uc3-8/reservation", {"response": "REJECTED", "reason": "EVSE_OCCUPIED"})
    answer = remote.reserve().json()
    assert (answer["response"], answer["reason"]) == ("REJECTED", "EVSE_OCCUPIED")
    assert (reservation().state, reservation().reason) == ("rejected", "EVSE_OCCUPIED")
    assert (session().state, session().refusal_reason) == ("refused", "EVSE_OCCUPIED")


def test_a_failure_ends_it(remote):
    remote.result(remote.reserve().json()["command_id"], "FAILED", reason="EVSE_INOPERATIVE")
    assert (reservation().state, session().state) == ("rejected", "refused")


def test_the_identification_stands_in_clear_only_in_erasable_rows(remote):
    remote.reserve(identification={"method": "RFID", "token_uid": "04A2B3C4D5E6F7"})
    models.ServiceSessionPersonalData.objects.get(token_uid="04A2B3C4D5E6F7").delete()
    models.JournalBody.objects.all().delete()
    for model in (models.ServiceSession, models.Command, models.Reservation, models.JournalEntry):
        assert "04A2B3C4D5E6F7" not in str(list(model.objects.values()))


@pytest.mark.parametrize(
    ("fields", "status", "code", "field"),
    [
        ({"home_csp": "FR-OUT"}, 403, "party_not_held", "home_csp"),
        ({"evse_id": "DE*VIS*E999"}, 422, "unknown_evse", "evse_id"),
        ({"evse_id": "rubbish"}, 422, "invalid_identifier", "evse_id"),
        ({"reference": ""}, 422, "invalid_field", "reference"),
        ({"reference": "x" * 65}, 422, "invalid_field", "reference"),
        ({"connector_id": "x" * 37}, 422, "invalid_field", "connector_id"),
        ({"expires_at": ...}, 422, "invalid_field", None),
        ({"expires_at": "2026-10-05T11:00:00"}, 422, "time_without_offset", "expires_at"),
        ({"expires_at": "2026-10-05T10:00:00+02:00"}, 422, "invalid_field", "expires_at"),
        ({"expires_at": "9999-10-05T10:00:00+02:00"}, 422, "invalid_field", "expires_at"),
        ({"expires_at": "soon"}, 422, "invalid_field", "expires_at"),
        ({"starts_at": "2026-10-05T10:30:00"}, 422, "time_without_offset", "starts_at"),
        ({"starts_at": "2026-10-05T12:00:00+02:00"}, 422, "invalid_field", "expires_at"),
        ({"starts_at": "2026-10-05T09:00:00+02:00"}, 422, "invalid_field", "starts_at"),
        (
            {"identification": {"method": "APP", "contract_id": "FR-OUT-C12345678"}},
            422, "contract_of_other_csp", "home_csp",
        ),
        ({"identification": {"method": "APP"}}, 422, "invalid_field", "identification"),
        ({"change": True}, 404, "unknown_reservation", "reference"),
        ({"change": "yes"}, 422, "invalid_field", "change"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused_with_its_code(remote, fields, status, code, field):
    response = remote.reserve(**fields)
    problem = response.json()
    assert (response.status_code, problem["code"]) == (status, code), problem
    assert problem.get("field") == field
    assert remote.cso.received == []
    assert not models.Reservation.objects.exists()
    assert not models.ServiceSession.objects.exists()
    assert models.JournalEntry.objects.get().refusal_code == code


@pytest.mark.parametrize(
    ("status", "code"), [("suspended", "agreement_suspended"), ("ended", "agreement_ended")]
)
def test_a_suspended_or_ended_agreement_reserves_nothing(remote, status, code):
    models.Agreement.objects.update(status=status)
    response = remote.reserve()
    assert (response.status_code, response.json()["code"]) == (403, code)


def test_a_service_that_was_not_agreed_is_refused(remote):
    from roaming.domain.agreement import Service

    outsider = remote.cast.outsider
    factories.make_agreement(
        remote.cast.visited_cso.operator, outsider.operator, services=(Service.REMOTE_START,)
    )
    body = changed(
        RESERVATION,
        home_csp="FR-OUT",
        identification={"method": "APP", "contract_id": "FR-OUT-C12345678"},
    )
    assert remote.post("reservations", body, outsider).json()["code"] == "service_not_covered"


def test_reservations_of_one_evse_are_the_visited_cso_s_to_judge(remote):
    remote.reserved()
    remote.reserved(reference="R-2")
    assert models.Reservation.objects.filter(state="reserved").count() == 2


# --- The same reference again ---------------------------------------------------------------------


def test_the_same_again_gets_the_same_answer_and_asks_nobody(remote):
    first = remote.reserve().json()
    again = remote.reserve().json()
    assert again["command_id"] == first["command_id"]
    assert (again["response"], again["reservation_id"]) == ("ACCEPTED", first["reservation_id"])
    assert len(remote.asked("uc3-8/reservation")) == 1
    remote.result(first["command_id"], "SUCCEEDED")
    assert remote.reserve().json()["state"] == "succeeded"
    assert models.Reservation.objects.count() == 1


def test_the_same_again_gets_its_answer_after_suspension_and_expiry_too(remote, now):
    first = remote.reserved()
    models.Agreement.objects.update(status="suspended")
    later = now + timedelta(days=1)
    set_business_clock(later, speed=0, ceiling=later)
    assert remote.reserve().json()["command_id"] == first["command_id"]


def test_a_rejection_is_repeated_too(remote):
    remote.answers("uc3-8/reservation", {"response": "REJECTED", "reason": "EVSE_OCCUPIED"})
    first = remote.reserve().json()
    remote.accept()
    assert remote.reserve().json()["command_id"] == first["command_id"]


@pytest.mark.parametrize(
    "fields",
    [
        {"expires_at": "2026-10-05T11:30:00+02:00"},
        {"connector_id": "2"},
        {"starts_at": "2026-10-05T10:30:00+02:00"},
        {"identification": {"method": "APP", "contract_id": "DE-HOM-C99999999"}},
    ],
)
def test_other_content_under_the_same_reference_is_refused(remote, fields):
    remote.reserve()
    response = remote.reserve(**fields)
    assert (response.status_code, response.json()["code"]) == (409, "duplicate_with_other_content")
    assert len(remote.asked("uc3-8/reservation")) == 1


def test_the_same_reference_of_another_home_csp_is_another_reservation(remote):
    remote.reserve()
    outsider = remote.cast.outsider
    factories.make_agreement(remote.cast.visited_cso.operator, outsider.operator)
    body = changed(
        RESERVATION,
        home_csp="FR-OUT",
        identification={"method": "APP", "contract_id": "FR-OUT-C12345678"},
    )
    assert remote.post("reservations", body, outsider).status_code == 200
    assert models.Reservation.objects.count() == 2


def test_what_did_not_reach_the_visited_cso_is_asked_again(remote):
    remote.answers("uc3-8/reservation", {}, 503)
    assert remote.reserve().json()["code"] == "receiver_refused"
    assert (reservation().state, session().state) == ("requested", "requested")
    remote.accept()
    answer = remote.reserve().json()
    assert answer["response"] == "ACCEPTED"
    assert answer["reservation_id"] == str(reservation().id)
    assert [command.state for command in commands()] == ["not_reached", "accepted"]
    remote.result(answer["command_id"], "SUCCEEDED")
    assert reservation().state == "reserved"


def test_a_late_failure_of_an_earlier_question_does_not_undo_a_later_yes(remote):
    remote.answers("uc3-8/reservation", {}, 503)
    remote.reserve()
    remote.accept()
    answer = remote.reserve().json()
    earlier = commands().first()
    assert remote.result(str(earlier.id), "FAILED").status_code == 200
    assert reservation().state == "requested"
    remote.result(answer["command_id"], "SUCCEEDED")
    assert reservation().state == "reserved"


# --- Changed --------------------------------------------------------------------------------------

LONGER = {"expires_at": "2026-10-05T12:00:00+02:00", "change": True}


def test_a_change_holds_from_its_result_on(remote, now):
    first = remote.reserved()
    answer = remote.reserve(**LONGER).json()
    assert answer["reservation_id"] == first["reservation_id"]
    asked = remote.asked("uc3-8/reservation")[-1]
    assert asked["change"] is True
    assert asked["cso_reference"] == "VIS-R-1"
    assert (asked["starts_at"], asked["expires_at"]) == (now.isoformat(), LONGER["expires_at"])
    before = reservation().expires_at
    assert before.isoformat() == "2026-10-05T09:00:00+00:00"
    remote.result(answer["command_id"], "SUCCEEDED")
    changed_to = reservation()
    assert changed_to.expires_at.isoformat() == "2026-10-05T10:00:00+00:00"
    assert (changed_to.state, changed_to.starts_at) == ("reserved", now)


@pytest.mark.parametrize("answer", [{"response": "REJECTED"}, {"response": "ACCEPTED"}])
def test_a_change_that_fails_leaves_the_reservation_as_it_was(remote, answer):
    remote.reserved()
    remote.answers("uc3-8/reservation", answer)
    command_id = remote.reserve(**LONGER).json()["command_id"]
    if answer["response"] == "ACCEPTED":
        remote.result(command_id, "FAILED", reason="EVSE_RESERVED")
    assert reservation().state == "reserved"
    assert reservation().expires_at.isoformat() == "2026-10-05T09:00:00+00:00"
    assert session().state == "reserved"


def test_a_change_may_be_repeated_and_changed_back(remote):
    remote.reserved()
    longer = remote.reserve(**LONGER).json()["command_id"]
    assert remote.reserve(**LONGER).json()["command_id"] == longer
    remote.result(longer, "SUCCEEDED")
    back = remote.reserve(change=True).json()["command_id"]
    assert back != longer
    remote.result(back, "SUCCEEDED")
    again = remote.reserve(**LONGER).json()["command_id"]
    assert again not in (longer, back)
    remote.result(again, "SUCCEEDED")
    assert reservation().expires_at.isoformat() == "2026-10-05T10:00:00+00:00"


def test_a_change_waits_for_the_result_of_the_last_request(remote):
    remote.reserve()
    response = remote.reserve(**LONGER)
    assert (response.status_code, response.json()["code"]) == (409, "reservation_state")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"evse_id": "DE*VIS*E002"}, "evse_id"),
        (
            {"identification": {"method": "APP", "contract_id": "DE-HOM-C99999999"}},
            "identification",
        ),
        ({"authorization_reference": "OTHER"}, "authorization_reference"),
        ({"csp_session_id": "OTHER"}, "csp_session_id"),
    ],
)
def test_a_change_leaves_place_and_user_alone(remote, fields, field):
    factories.make_site(remote.cast.visited_cso.identifier, "DE*VIS*E002")
    remote.reserved()
    problem = remote.reserve(**LONGER, **fields).json()
    assert (problem["code"], problem["field"]) == ("duplicate_with_other_content", field)


def test_a_change_is_new_business(remote):
    remote.reserved()
    models.Agreement.objects.update(status="suspended")
    assert remote.reserve(**LONGER).json()["code"] == "agreement_suspended"


def test_what_is_over_is_not_changed(remote, now):
    remote.reserved()
    models.Reservation.objects.update(state="fulfilled")
    assert remote.reserve(**LONGER).json()["code"] == "reservation_state"


def test_a_late_result_of_an_older_change_does_not_undo_a_newer_one(remote, now):
    from django.utils import timezone

    from roaming.hub_switch.commands import time_out_commands

    remote.reserved()
    older = remote.reserve(**LONGER).json()["command_id"]
    time_out_commands(now, timezone.now() + timedelta(hours=1))
    newer = remote.reserve(expires_at="2026-10-05T13:00:00+02:00", change=True).json()
    remote.result(newer["command_id"], "SUCCEEDED")
    assert remote.result(older, "SUCCEEDED").status_code == 200
    assert reservation().expires_at.isoformat() == "2026-10-05T11:00:00+00:00"


# --- Seen -----------------------------------------------------------------------------------------


def test_a_reservation_is_seen_by_its_two_parties_alone(remote):
    reservation_id = remote.reserved()["reservation_id"]

    def seen(party):
        one = remote.get(f"reservations/{reservation_id}", party).status_code
        many = remote.get("reservations", party).json()["results"]
        return one, len(many)

    assert seen(remote.cast.home_csp) == (200, 1)
    assert seen(remote.cast.visited_cso) == (200, 1)
    assert seen(remote.cast.outsider) == (404, 0)
    row = remote.get(f"reservations/{reservation_id}", remote.cast.visited_cso).json()
    assert (row["reference"], row["cso_reference"], row["state"]) == ("R-1", "VIS-R-1", "reserved")
    assert "C12345678" not in str(row)


def test_the_lists_are_filtered(remote, now):
    remote.reserved()
    remote.reserve(reference="R-2")

    def found(**query):
        return sorted(
            row["reference"] for row in remote.get("reservations", **query).json()["results"]
        )

    assert found() == ["R-1", "R-2"]
    assert found(state="reserved") == ["R-1"]
    assert found(reference="R-2") == ["R-2"]
    assert found(evse_id="DE*VIS*E001") == ["R-1", "R-2"]
    assert found(visited_cso="DE*XXX") == []
    assert found(home_csp="DE-HOM") == ["R-1", "R-2"]
    assert found(expires_before=now.isoformat()) == []
    assert found(since=now.isoformat()) == ["R-1", "R-2"]


def test_who_is_nobody_sees_nothing(remote):
    assert remote.client.get("/api/v1/reservations").status_code == 401
    assert remote.get(f"reservations/{uuid.uuid4()}").json()["code"] == "not_found"
