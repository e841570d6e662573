"""Disputes over the API: each side its own steps, both the whole story, files as attachments."""

from __future__ import annotations

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from roaming.models.clock import set_business_clock
from settlement.use_cases.dispute import expire_due
from tests.settlement.disputing import DAY, NOW, disputed, sdr_of
from tests.settlement.sdrs import Trade, announce

URL = "/api/v1/reconciliation/disputes"


@pytest.fixture
def dispute(cast, settings, tmp_path):
    settings.DISPUTE_FILES_DIR = tmp_path
    set_business_clock(NOW, speed=0, ceiling=NOW)
    announce(cast.visited_cso.identifier)
    return disputed(Trade.of(cast))


@pytest.fixture
def say(client, dispute):
    def post(party, what, body):
        return client.post(
            f"{URL}/{dispute.pk}/{what}",
            json.dumps(body),
            content_type="application/json",
            headers=party.headers,
        )

    return post


def test_an_offer_is_made_and_taken(client, cast, dispute, say):
    offered = say(cast.visited_cso, "steps", {"step": "offer", "amount": 13, "text": "half-way"})
    assert (offered.status_code, offered.json()["state"]) == (200, "claimant")
    taken = say(cast.home_csp, "steps", {"step": "accept"})
    assert taken.json() == {
        "dispute_id": dispute.pk, "state": "resolved", "respond_by": None, "offered": "13",
        "result": "agreed", "amount": "13",
    }  # fmt: skip
    story = client.get(f"{URL}/{dispute.pk}", headers=cast.home_csp.headers).json()
    assert [(event["step"], event["by"]) for event in story["events"]] == [
        ("opened", "home_csp"), ("offer", "visited_cso"), ("accept", "home_csp")
    ]  # fmt: skip
    sdr = client.get(
        f"/api/v1/reconciliation/sdrs/{dispute.sdr_id}", headers=cast.visited_cso.headers
    ).json()
    assert (sdr["state"], sdr["settled_amount"], sdr["basis"]) == ("accepted", "13", "ruling")
    assert sdr["dispute"] == {
        "dispute_id": dispute.pk, "state": "resolved", "result": "agreed", "respond_by": None
    }  # fmt: skip


@pytest.mark.parametrize(
    ("who", "body", "status", "code"),
    [
        ("visited_cso", {"step": "accept"}, 403, "party_not_held"),
        ("home_csp", {"step": "concede"}, 403, "party_not_held"),
        ("home_csp", {"step": "insist"}, 409, "not_your_turn"),
        ("visited_cso", {"step": "maintain"}, 422, "invalid_field"),
        ("visited_cso", {"step": "offer", "amount": "14.41"}, 422, "amount_not_possible"),
        ("visited_cso", {"step": "uphold", "text": "we win"}, 422, "invalid_field"),
        ("outsider", {"step": "concede"}, 404, "not_found"),
    ],
)
def test_a_step_that_is_not_theirs_is_refused(cast, say, dispute, who, body, status, code):
    answer = say(getattr(cast, who), "steps", body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert sdr_of(dispute).state == "disputed"


def test_too_late_and_over(cast, say, dispute):
    late = NOW + 11 * DAY
    set_business_clock(late, speed=0, ceiling=late)
    answer = say(cast.visited_cso, "steps", {"step": "maintain", "text": "as metered"})
    assert (answer.status_code, answer.json()["code"]) == (409, "window_over")
    expire_due(late)
    answer = say(cast.visited_cso, "messages", {"text": "but"})
    assert (answer.status_code, answer.json()["code"]) == (409, "dispute_closed")


def test_the_list_is_narrowed(client, cast, dispute, say):
    def listed(party, **query):
        answer = client.get(URL, query, headers=party.headers).json()
        return [row["dispute_id"] for row in answer["results"]]

    for party in (cast.home_csp, cast.visited_cso):
        assert listed(party) == listed(party, live="true") == listed(party, state="respondent")
        assert listed(party, sdr_id=str(dispute.sdr_id), reason="PRC") == [dispute.pk]
        assert listed(party, live="false") == listed(party, reason="FRD") == []
    assert listed(cast.outsider) == []


def test_messages_stand_in_the_story(client, cast, dispute, say):
    assert say(cast.visited_cso, "messages", {"text": "Which tariff?"}).status_code == 200
    assert say(cast.home_csp, "messages", {"text": " "}).json()["code"] == "invalid_field"
    assert say(cast.home_csp, "messages", {"text": "x" * 2001}).json()["field"] == "text"
    story = client.get(f"{URL}/{dispute.pk}", headers=cast.home_csp.headers).json()
    assert (story["events"][-1]["text"], story["state"]) == ("Which tariff?", "respondent")


@pytest.mark.parametrize("in_a_form", [False, True])
def test_a_file_comes_back_as_an_attachment_and_nothing_else(client, cast, dispute, in_a_form):
    content, url = b"%PDF-1.7 signed meter data", f"{URL}/{dispute.pk}/evidence"
    headers = cast.visited_cso.headers
    if in_a_form:
        upload = SimpleUploadedFile("../meter data.pdf", content, "text/html")
        answer = client.post(url, {"file": upload}, headers=headers)
    else:
        answer = client.post(
            f"{url}?name=meter data.pdf", content, content_type="application/pdf", headers=headers
        )
    assert answer.status_code == 201, answer.content
    assert (answer.json()["name"], answer.json()["media_type"]) == (
        "meter data.pdf", "application/pdf"
    )  # fmt: skip
    for party in (cast.home_csp, cast.visited_cso):
        back = client.get(answer["Location"], headers={**party.headers, "Accept": "image/*"})
        assert (back.status_code, back.content) == (200, content)
        assert back["Content-Disposition"] == 'attachment; filename="meter data.pdf"'
        assert back["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in back["Content-Security-Policy"]
        assert back["Cache-Control"] == "no-store"
    assert client.get(answer["Location"], headers=cast.outsider.headers).status_code == 404


def test_a_file_that_is_gone_or_changed_is_not_given_back(client, cast, dispute, tmp_path):
    url = f"{URL}/{dispute.pk}/evidence"
    headers = cast.home_csp.headers
    answer = client.post(url, b"words", content_type="text/plain", headers=headers)
    [file] = [path for path in tmp_path.rglob("*") if path.is_file()]
    file.write_bytes(b"other words")
    assert client.get(answer["Location"], headers=headers).status_code == 404


@pytest.mark.parametrize(
    ("content", "media_type", "status", "code"),
    [
        (b"<html><script>alert(1)</script>", "text/plain", 415, "unsupported_media_type"),
        (b"MZ\x90", "application/pdf", 415, "unsupported_media_type"),
        (b"x", "text/html", 415, "unsupported_media_type"),
        (b"%PDF-" + b"x" * 20_000, "application/pdf", 413, "body_too_large"),
        (b"rubbish", "multipart/form-data; boundary=b", 422, "invalid_field"),
        (b"rubbish", "multipart/form-data", 400, "malformed_body"),
    ],
)
def test_files_are_limited_and_judged_by_their_content(
    client, cast, dispute, settings, content, media_type, status, code
):
    settings.DISPUTE_FILE_BYTES = 1_000
    answer = client.post(
        f"{URL}/{dispute.pk}/evidence", content, content_type=media_type,
        headers=cast.home_csp.headers,
    )  # fmt: skip
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert not dispute.evidence.exists()
