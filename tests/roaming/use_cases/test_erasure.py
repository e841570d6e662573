"""Erasing personal data: by age and of one person; what waits or runs keeps what it needs."""

from __future__ import annotations

import io
import json
import re
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from roaming import models
from roaming.domain.wire_text import escaped_pattern
from roaming.outbox import Parcel, enqueue
from roaming.use_cases.erasure import ErasureError, erase_by_age, erase_holder_of
from tests.roaming.api.messages import LOCAL_START, SDR, changed

UID = "04A2B3C4D5E6F7"
LONG = timedelta(days=10_000)


def post(client, party, path, body):
    response = client.post(
        f"/api/v1/{path}", data=body, content_type="application/json", headers=party.headers
    )
    assert response.status_code < 300, response.content
    return response.json()


@pytest.fixture
def visit(client, connected_cast, now):
    """A session that was started and completed, and its SDR, delivered to the home-CSP."""
    cso = connected_cast.visited_cso
    session = post(client, cso, "service-sessions/local-start", LOCAL_START)["service_session_id"]
    completion = {
        "start_date_time": "2026-10-05T10:00:00+02:00",
        "end_date_time": "2026-10-05T11:00:00+02:00",
        "total_energy": 20,
    }
    post(client, cso, f"service-sessions/{session}/completion", completion)
    post(client, cso, "sdrs", changed(SDR, service_session_id=session))
    models.Delivery.objects.update(state="delivered", delivered_at=timezone.now())
    return session


def clear_texts() -> str:
    """Everything that is stored in clear anywhere that may hold a person's ids."""
    parts = [
        *models.JournalBody.objects.values_list("content", flat=True),
        *models.Delivery.objects.values_list("body", flat=True),
        *models.SdrOriginal.objects.values_list("content", flat=True),
        *models.SdrOriginal.objects.values_list("token_uid", flat=True),
        *models.ServiceSessionPersonalData.objects.values_list("token_uid", flat=True),
        *models.IdentificationPersonalData.objects.values_list("token_uid", flat=True),
    ]
    return " ".join(parts)


def settle() -> None:
    models.SdrState.objects.update(state="settled")


def test_what_is_old_goes_and_what_is_young_stays(visit, now):
    settle()
    real_now = timezone.now()
    assert sum(erase_by_age(now, real_now).values()) == 0
    assert UID in clear_texts()
    erase_by_age(now + LONG, real_now + LONG)
    assert UID not in clear_texts()
    assert models.ServiceSession.objects.get().state == "completed"
    assert models.Sdr.objects.get().token_hmac is not None


def test_many_rows_go_in_batches(connected_cast, now):
    platform = connected_cast.home_csp.platform
    enqueue(Parcel(platform, "UC1-2", "uc1-2/sites", f"s:{n}", "{}", "c") for n in range(25))
    models.Delivery.objects.update(state="delivered")
    done = erase_by_age(now + LONG, timezone.now() + LONG, batch=10)
    assert done["bodies of deliveries"] == 25
    assert set(models.Delivery.objects.values_list("body", flat=True)) == {""}


def test_an_sdr_that_somebody_must_decide_on_keeps_its_original(visit, now):
    models.SdrState.objects.update(state="deviating")
    erase_by_age(now + LONG, timezone.now() + LONG)
    assert models.SdrOriginal.objects.exists()


def test_lists_of_identifications_are_kept_for_a_week_after_they_arrived(connected_cast, settings):
    """They are as large as a home-CSP has cards, and whoever lost one is sent a new one."""
    platform = connected_cast.home_csp.platform
    kinds = {"list": "UC4-2", "old list": "UC4-2", "waiting list": "UC4-2", "given up": "UC4-2",
             "site": "UC1-2"}  # fmt: skip
    enqueue(Parcel(platform, case, "p", key, "{}", "c") for key, case in kinds.items())
    real_now = timezone.now()

    def arrived(key: str, ago: timedelta) -> None:
        models.Delivery.objects.filter(object_key=key).update(
            state="delivered", delivered_at=real_now - ago
        )

    week = timedelta(days=settings.RETENTION_IDENTIFICATIONS_DAYS)
    assert week == timedelta(days=7)
    arrived("list", week - timedelta(minutes=1))
    arrived("old list", week + timedelta(minutes=1))
    arrived("site", week + timedelta(minutes=1))
    models.Delivery.objects.filter(object_key="given up").update(state="dead")
    done = erase_by_age(real_now, real_now)
    assert done["bodies of identifications that arrived"] == 1
    erased = models.Delivery.objects.exclude(erased_at=None)
    assert [(row.object_key, row.body) for row in erased] == [("old list", "")]
    erase_by_age(real_now, real_now + timedelta(minutes=2))
    assert models.Delivery.objects.exclude(erased_at=None).count() == 2


def test_a_message_that_waits_keeps_its_body(connected_cast, now):
    platform = connected_cast.home_csp.platform
    enqueue([Parcel(platform, "UC1-2", "uc1-2/sites", "s:1", '{"id": 1}', "c")])
    erase_by_age(now + LONG, timezone.now() + LONG)
    assert models.Delivery.objects.get().body == '{"id": 1}'


def test_the_holder_of_a_token_is_forgotten_whatever_the_age(visit, client, connected_cast):
    settle()
    question = {name: LOCAL_START[name] for name in ("visited_cso", "identification")}
    post(client, connected_cast.visited_cso, "identifications/authorisation", question)
    assert UID in clear_texts()
    # However it is written: lower case here.
    done = erase_holder_of(UID.lower(), timezone.now())
    assert UID not in clear_texts().upper()
    assert done["originals of SDRs"] == done["identifications of sessions"] == 1


def escaped(text: str, every: int = 1) -> str:
    """The text as some serialisers write it: characters as their codes."""
    return "".join(
        f"\\u{ord(char):04x}" if at % every == 0 else char for at, char in enumerate(text)
    )


@pytest.mark.parametrize("every", [1, 2, 5])
@pytest.mark.parametrize("written", [UID, UID.lower()])
def test_an_id_that_was_written_in_codes_is_found(client, connected_cast, written, every):
    """In the journal, in deliveries and in kept answers; a body beside them stays."""
    cast = connected_cast
    question = json.dumps(changed(LOCAL_START, evse_id=..., connector_id=..., cso_session_id=...))
    assert UID in question
    card = {"token_uid": UID, "whitelist": "NEVER", "last_updated": "2026-10-05T09:00:00Z"}
    other = {**card, "token_uid": "04C0FFEEC0FFEE"}
    for key, party, method, path, body in (
        ("a", cast.visited_cso, "post", "identifications/authorisation", question),
        ("b", cast.home_csp, "patch", "identifications?home_csp=DE-HOM", json.dumps([card])),
        ("c", cast.home_csp, "patch", "identifications?home_csp=DE-HOM", json.dumps([other])),
    ):
        response = getattr(client, method)(
            f"/api/v1/{path}",
            data=body.replace(UID, escaped(written, every)),
            content_type="application/json",
            headers={**party.headers, "Idempotency-Key": key},
        )
        assert response.status_code == 200, response.content
    models.Delivery.objects.update(state="delivered")
    answer = models.GivenAnswer.objects.first()
    answer.body = json.dumps({"token_uid": "?"}).replace("?", escaped(written, every)).encode()
    answer.save()
    code = escaped(written, every)
    assert code in clear_texts()
    done = erase_holder_of(UID, timezone.now())
    assert code not in clear_texts()
    assert (done["given answers"], done["bodies of deliveries"]) == (1, 1)
    assert models.Delivery.objects.filter(body__contains="04C0FFEEC0FFEE").exists()


@given(
    text=st.text(
        st.characters(min_codepoint=0x20, max_codepoint=0x7E) | st.sampled_from("äÉж😀"),
        min_size=1,
        max_size=36,
    ),
    choices=st.lists(st.booleans(), min_size=36, max_size=36),
)
def test_every_way_to_escape_a_text_is_found_and_no_other_text(text, choices):
    """Held against the json module, which reads each of them as the same text."""
    written = "".join(
        "".join(f"\\u{int.from_bytes(unit, 'big'):04x}" for unit in _units(char))
        if choice
        else json.dumps(char, ensure_ascii=False)[1:-1]
        for char, choice in zip(text, choices, strict=False)
    )
    body = f'{{"id": "{written}"}}'
    assert json.loads(body) == {"id": text}
    assert re.search(escaped_pattern(text), body.upper())
    assert not re.search(escaped_pattern(f"{text}0"), body.upper())


ODD = ["DE-HOM-C12345678", 'a.b*c+(d)[e]{f}|g^h$i"k/l', "back\\slash #~&x", "äÉж😀-karte"]


@pytest.mark.parametrize("text", ODD)
def test_postgresql_reads_the_pattern_alike(db, text):
    in_codes = "".join(
        f"\\u{int.from_bytes(unit, 'big'):04x}" for char in text for unit in _units(char)
    )
    with connection.cursor() as cursor:
        for written in (in_codes, json.dumps(text)[1:-1], json.dumps(text)[1:-1].lower()):
            body = f'{{"id": "{written}"}}'
            cursor.execute("SELECT upper(%s) ~ %s", [body, escaped_pattern(text)])
            assert cursor.fetchone() == (True,), body
            cursor.execute("SELECT upper(%s) ~ %s", [body, escaped_pattern(text[:-1])])
            assert cursor.fetchone() == (False,), body


def _units(char):
    encoded = char.encode("utf-16-be")
    return [encoded[at : at + 2] for at in range(0, len(encoded), 2)]


def test_others_are_not_touched(visit, client, connected_cast):
    settle()
    before = clear_texts()
    erase_holder_of("AABBCCDD", timezone.now())
    assert clear_texts() == before


def test_the_same_sdr_again_gets_the_same_answer_after_erasing(visit, client, connected_cast):
    settle()
    erase_holder_of(UID, timezone.now())
    again = post(client, connected_cast.visited_cso, "sdrs", changed(SDR, service_session_id=visit))
    assert again["known"] is True


def test_rubbish_names_nobody():
    with pytest.raises(ErasureError):
        erase_holder_of("x" * 40, timezone.now())


def test_the_command_reads_the_id_from_its_input(visit, monkeypatch):
    settle()
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{UID}\n"))
    out = io.StringIO()
    call_command("erase_personal_data", "--holder", stdout=out)
    assert "1 originals of SDRs" in out.getvalue()
    monkeypatch.setattr("sys.stdin", io.StringIO("?\n"))
    with pytest.raises(CommandError, match="neither a token"):
        call_command("erase_personal_data", "--holder", stdout=out)
