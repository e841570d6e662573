"""Texts that would break a line, or turn its direction, reach neither staff nor the other party."""

import pytest

from tests.roaming.api.remote import EMERGENCY, RESERVATION, command, reservation
from tests.roaming.api.visit import refusal

BROKEN = [
    "two\nlines",
    "a\ttab",
    "back\r",
    "\u202eturned",
    "\u2066isolated\u2069",
    "\x1b[31mred",
    "\x85",
]
broken = pytest.mark.parametrize("text", BROKEN, ids=ascii)


def clean(text):
    return "".join(character if character.isprintable() else " " for character in text)


@broken
@pytest.mark.parametrize("field", ["reason", "cso_session_id", "cso_reference"])
def test_a_result_with_such_a_word_is_refused_and_can_be_sent_again(remote, text, field):
    answer = remote.start().json()
    refused = remote.result(answer["command_id"], "FAILED", **{field: text})
    assert refusal(refused) == (422, "invalid_field", field)
    assert command().state == "accepted"
    assert remote.result(answer["command_id"], "FAILED", **{field: "word"}).status_code == 200
    assert command().state == "failed"


@broken
def test_the_note_of_a_result_is_cleaned_the_station_has_acted(remote, text):
    answer = remote.start().json()
    for _ in range(2):  # and the same again is the same
        assert remote.result(answer["command_id"], "SUCCEEDED", note=text).status_code == 200
    assert command().note == clean(text)
    (told,) = remote.told("uc3-2/result")
    assert told["note"] == clean(text)


@broken
def test_the_answer_of_a_command_is_cleaned(remote, text):
    remote.answers("uc3-2/remote-start", {"response": "REJECTED", "reason": text, "note": text})
    answer = remote.start().json()
    assert (answer["reason"], answer["note"]) == (clean(text), clean(text))


@broken
def test_an_emergency_is_never_refused_for_its_words(remote, text):
    wish = {name: f"{said} {text}" for name, said in EMERGENCY.items()}
    answer = remote.post("evses/DE*VIS*E001/unlock", {**wish, "home_csp": "DE-HOM"})
    assert answer.status_code == 200, answer.content
    row = command()
    kept = {"requested_by": row.requested_by, "why": row.why}
    assert kept == {name: clean(said) for name, said in wish.items()}
    (asked,) = remote.asked("uc5-3/unlock")
    assert {name: asked[name] for name in wish} == kept


@broken
def test_a_stop_is_never_refused_for_its_words(remote, text):
    session_id = remote.started()["service_session_id"]
    assert remote.stop(session_id, {"why": text}).status_code == 200
    (asked,) = remote.asked("uc3-4/stop")
    assert asked.get("why") == clean(text)


@broken
def test_what_became_of_a_reservation_is_said_on_one_line(remote, text):
    held = remote.reserved()
    refused = remote.outcome(held["reservation_id"], "CANCELLED", reason=text)
    assert refusal(refused) == (422, "invalid_field", "reason")
    assert reservation().state == "reserved"


@broken
@pytest.mark.parametrize("field", ["reference", "connector_id", "csp_session_id"])
def test_ids_of_wishes_are_printable(remote, text, field):
    refused = remote.post("reservations", {**RESERVATION, field: text})
    assert refusal(refused) == (422, "invalid_field", field)
    if field != "reference":
        assert refusal(remote.start(**{field: text})) == (422, "invalid_field", field)


@broken
def test_ids_of_sessions_are_printable(visit, text):
    for response in (visit.report(cso_session_id=text), visit.complete(cso_session_id=text)):
        assert refusal(response) == (422, "invalid_field", "cso_session_id")
