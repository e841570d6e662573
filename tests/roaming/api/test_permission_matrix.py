"""Who may do what: each address of the API, asked by its owner, by the counterparty, by outsiders
of both roles with the same body, without credentials, and by the owner while it is suspended.

A new address without a row here fails; so does one that answers whom it should not.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import transaction

from roaming import models
from roaming.api import urls as roaming_urls
from settlement.api import urls as settlement_urls
from tests.cast import Party
from tests.roaming.api import matrix_world as say
from tests.roaming.api.matrix_world import World
from tests.roaming.api.messages import LOCAL_START, SDR, SITE, TARIFF, changed
from tests.roaming.api.remote import EMERGENCY, REMOTE_START, RESERVATION

METHODS = ("get", "put", "patch", "post", "delete")
Answer = Any  # a status; of a refusal its code; of a list (200, rows seen)
EVERYBODY = "everybody"


@dataclass(frozen=True)
class Row:
    """What to ask, and what each caller is answered. `other`: the counterparty."""

    path: str
    owner: str = "cso"
    body: Any = None
    own: Answer = 200
    other: Answer = "party_not_held"
    outsider: Answer = "party_not_held"
    suspended: Answer = None  # None: as if it were not
    nobody: Answer = "not_authenticated"


def shown_to_both(path: str, seen: int, owner: str = "cso", other: int | None = None) -> Row:
    """A list: the two parties see their rows, outsiders none."""
    return Row(
        path,
        owner,
        own=(200, seen),
        other=(200, seen if other is None else other),
        outsider=(200, 0),
    )


def of_both(path: str, owner: str = "cso", unknown: str = "not_found") -> Row:
    """One thing that both parties may read, and that is not there for anybody else."""
    return Row(path, owner, other=200, outsider=unknown)


def about_a_session(what: str, owner: str, body: Any) -> Row:
    """A message of one party about a session; nobody else knows that there is such a session.

    It passes under a suspension: nobody is left standing at a station.
    """
    path = f"service-sessions/{{session_id}}/{what}"
    return Row(path, owner, body, other="unknown_session", outsider="unknown_session")


def for_everybody(path: str) -> Row:
    return Row(path, other=200, outsider=200, nobody=200)


def of_oneself(path: str, status: int, body: Any = None) -> Row:
    """What every platform may do with what is its own."""
    return Row(path, "csp", body, own=status, other=status, outsider=status)


def new_business(path: str, owner: str, body: Any, own: int = 200) -> Row:
    """What a suspended platform may not begin."""
    return Row(path, owner, body, own=own, suspended="platform_suspended")


CARDS = "identifications?home_csp=DE-HOM"
RESULT, OUTCOME = {"result": "SUCCEEDED"}, {"outcome": "EXPIRED"}
NEW_SITE = changed(SITE, last_updated="2026-10-02T08:00:00+02:00")
NEW_TARIFF = changed(TARIFF, valid_from="2026-11-01T00:00:00+01:00")
NEW_SDR = changed(SDR, id="SDR-2")
NEW_RECORD = changed(say.RECORD, id="HOM-2")
NEW_START = changed(REMOTE_START, csp_session_id="HOM-S-2")
NEW_RESERVATION = changed(RESERVATION, reference="R-2")
LINE = {**say.STATUS, "evse_id": "DE*VIS*E001"}
NO_INVITATION = Row(
    "registration", body={}, own="registration_token_invalid", other="registration_token_invalid",
    outsider="registration_token_invalid", nobody="registration_token_invalid",
)  # fmt: skip
DISPUTE, CONCEDE = "reconciliation/disputes/{dispute_id}", {"step": "concede"}
DECLINE = {"decision": "decline", "reason": "FRD"}
BULK = {"other": (200, {"accepted": 0, "refused": 1}), "outsider": (200, {"accepted": 0})}
SESSIONS = "service-sessions"

MATRIX: dict[tuple[str, str], Row] = {
    ("uc1-1-versions", "get"): for_everybody("versions"),
    ("uc1-1-registration", "post"): NO_INVITATION,
    ("uc1-1-credentials", "get"): of_oneself("credentials", 200),
    ("uc1-1-credentials", "delete"): of_oneself("credentials", 204),
    ("uc1-1-rotation", "post"): of_oneself("credentials/rotation", 201, {}),
    ("uc1-2-sites", "get"): shown_to_both("sites", 2),
    ("uc1-2-site", "put"): Row("sites/LOC1", body=NEW_SITE),
    ("uc1-2-site", "delete"): Row("sites/LOC1?visited_cso=DE*VIS"),
    ("uc1-3-evse-statuses", "get"): shown_to_both("evse-statuses", 2),
    ("uc1-3-evse-statuses", "post"): Row("evse-statuses", body=[LINE], **BULK),
    ("uc1-3-evse-status", "put"): Row(
        "evses/DE*VIS*E001/status", body=say.STATUS, other="unknown_evse", outsider="unknown_evse"
    ),
    ("uc2-1-tariffs", "get"): shown_to_both("tariffs", 1),
    ("uc2-1-tariff", "put"): Row("tariffs/T1", body=NEW_TARIFF),
    ("uc2-1-tariff", "delete"): Row("tariffs/T1?visited_cso=DE*VIS"),
    ("uc2-2-tariffs-in-force", "get"): Row(
        "tariffs/in-force?visited_cso=DE*VIS&home_csp=DE-HOM", "csp", other=200,
        suspended="platform_suspended",
    ),
    ("uc2-2-tariff-requests", "post"): new_business("tariff-requests", "csp", say.TARIFF_REQUEST),
    ("uc3-1-local-start", "post"): new_business(f"{SESSIONS}/local-start", "cso", LOCAL_START),
    ("uc3-2-remote-start", "post"): new_business(f"{SESSIONS}/remote-start", "csp", NEW_START),
    ("uc3-3-plug-and-charge-start", "post"): new_business(
        f"{SESSIONS}/plug-and-charge-start", "cso", say.PNC_START
    ),
    ("uc3-4-stop", "post"): about_a_session("stop", "csp", {}),
    ("uc3-5-completion", "post"): about_a_session("completion", "cso", say.COMPLETION),
    ("uc3-6-charging-information", "put"): about_a_session(
        "charging-information", "cso", say.REPORT
    ),
    ("uc3-6-charging-information", "get"): of_both(
        f"{SESSIONS}/{{session_id}}/charging-information", "csp", "unknown_session"
    ),
    ("uc3-7-charge-plan", "put"): about_a_session("charge-plan", "csp", say.WISHES),
    ("uc3-7-charge-plan", "get"): of_both(
        f"{SESSIONS}/{{session_id}}/charge-plan", "csp", "unknown_session"
    ),
    ("uc3-10-charge-plan-updates", "post"): about_a_session(
        "charge-plan-updates", "cso", say.PLAN
    ),
    ("service-sessions", "get"): shown_to_both(SESSIONS, 3),
    ("service-session", "get"): of_both(f"{SESSIONS}/{{session_id}}"),
    ("uc3-8-reservations", "get"): shown_to_both("reservations", 1, "csp"),
    ("uc3-8-reservations", "post"): new_business("reservations", "csp", NEW_RESERVATION),
    ("uc3-8-reservation", "get"): of_both("reservations/{reservation_id}", "csp"),
    ("uc3-8-reservation", "delete"): Row(
        "reservations/{reservation_id}", "csp", other="unknown_reservation",
        outsider="unknown_reservation",
    ),
    ("uc3-8-outcome", "post"): Row(
        "reservations/{reservation_id}/outcome", body=OUTCOME, own="reservation_state",
        other="unknown_reservation", outsider="unknown_reservation",
    ),
    ("uc3-9-sdrs", "get"): shown_to_both("sdrs", 2),
    ("uc3-9-sdrs", "post"): Row("sdrs", body=NEW_SDR, own=201),
    ("uc3-9-sdrs-bulk", "post"): Row("sdrs/bulk", body=[NEW_SDR], **BULK),
    ("uc3-9-sdr", "get"): of_both("sdrs/{sdr_id}"),
    ("uc4-1-authorisation", "post"): new_business(
        "identifications/authorisation", "cso", say.QUESTION
    ),
    ("uc4-2-identifications", "get"): shown_to_both("identifications", 1, "csp"),
    ("uc4-2-identifications", "put"): new_business(CARDS, "csp", [say.CARD]),
    ("uc4-2-identifications", "patch"): new_business(CARDS, "csp", [say.CARD]),
    ("uc5-1-outages", "get"): shown_to_both("outages", 1),
    ("uc5-1-outage", "get"): of_both("outages/M-1?visited_cso=DE*VIS"),
    ("uc5-1-outage", "put"): Row("outages/M-1", body=say.OUTAGE),
    ("uc5-2-unlock", "post"): about_a_session("unlock", "csp", EMERGENCY),
    ("uc5-3-unlock", "post"): Row(
        "evses/DE*VIS*E001/unlock", "csp", {**EMERGENCY, "home_csp": "DE-HOM"}
    ),
    ("csp-records", "get"): Row(
        "reconciliation/csp-records", "csp", own=(200, 1), other=(200, 0), outsider=(200, 0)
    ),
    ("csp-records", "post"): Row("reconciliation/csp-records", "csp", NEW_RECORD, own=201),
    ("csp-records-bulk", "post"): Row(
        "reconciliation/csp-records/bulk", "csp", [NEW_RECORD], **BULK
    ),
    ("totals", "get"): Row(
        "reconciliation/totals", "csp", own=(200, 1), other=(200, 0), outsider=(200, 0)
    ),
    ("totals", "post"): Row("reconciliation/totals", "csp", say.TOTALS, other=200),
    ("arrivals", "get"): shown_to_both("reconciliation/arrivals", 2),
    ("arrivals", "post"): Row("reconciliation/arrivals", "cso", say.ARRIVALS),
    ("csp-record", "get"): Row(
        "reconciliation/csp-records/{record_id}", "csp", other="not_found", outsider="not_found"
    ),
    ("commands", "get"): shown_to_both("commands", 2, "csp"),
    ("command", "get"): of_both("commands/{command_id}", "csp"),
    ("command-result", "post"): Row(
        "commands/{command_id}/result", body=RESULT, other="unknown_command",
        outsider="unknown_command",
    ),
    # Only what was committed is read, which nothing in this test is: see test_messages.
    ("messages", "get"): of_oneself("messages", 200),
    ("messages-acknowledged", "post"): Row(
        "messages/acknowledgement", "csp", {"message_ids": ["{message_id}"]},
        own=(200, {"acknowledged": 1, "unknown": []}), other=(200, {"acknowledged": 0}),
        outsider=(200, {"acknowledged": 0}),
    ),
    ("agreements", "get"): shown_to_both("agreements", 2, other=1),  # one is with somebody else
    ("agreement-acceptance", "post"): new_business(
        "agreements/{proposed_id}/acceptance", "cso", {"visited_cso": "DE*VIS"}
    ),
    ("partners", "get"): shown_to_both("partners", 1),
    ("clock", "get"): for_everybody("clock"),
    ("sdrs", "get"): shown_to_both("reconciliation/sdrs", 2),
    ("sdr", "get"): of_both("reconciliation/sdrs/{sdr_id}"),
    ("sdr-decision", "post"): Row(
        "reconciliation/sdrs/{sdr_id}/decision", "csp", DECLINE, outsider="not_found"
    ),
    ("disputes", "get"): shown_to_both("reconciliation/disputes", 1),
    ("dispute", "get"): of_both(DISPUTE),
    ("dispute-steps", "post"): Row(f"{DISPUTE}/steps", "cso", CONCEDE, outsider="not_found"),
    ("dispute-messages", "post"): Row(
        f"{DISPUTE}/messages", "cso", {"text": "which?"}, other=200, outsider="not_found"
    ),
    ("dispute-evidence", "post"): Row(
        f"{DISPUTE}/evidence", "cso", {"kwh": 20}, own=201, other=201, outsider="not_found"
    ),
    ("dispute-evidence-file", "get"): of_both(f"{DISPUTE}/evidence/{{evidence_id}}"),
    ("sdr-decisions", "post"): Row(
        "reconciliation/sdrs/decisions", "csp", [{**DECLINE, "sdr_id": "{sdr_id}"}],
        own=(200, {"done": 1, "refused": 0}), other=(200, {"done": 0, "refused": 1}),
        outsider=(200, {"done": 0, "refused": 1}),
    ),
}  # fmt: skip


def addresses() -> list[tuple[str, str]]:
    """Name and method of every operation there is."""
    return [
        (str(pattern.name), method)
        for pattern in (*roaming_urls.urlpatterns, *settlement_urls.urlpatterns)
        for method in METHODS
        if hasattr(pattern.callback.view_class, method)
    ]


@pytest.fixture
def world(db, client, csp_platform, cso_platform, now):
    world = World(client, csp_platform, cso_platform, now)
    world.furnish()
    return world


def test_each_address_has_its_row_and_each_row_its_address():
    assert set(addresses()) == set(MATRIX)


@pytest.mark.parametrize(("name", "method"), addresses(), ids=lambda value: value)
def test_who_may_do_what(world, name, method):
    row = MATRIX[name, method]
    owner, other = world.cast.visited_cso, world.cast.home_csp
    if row.owner == "csp":
        owner, other = other, owner
    callers: list[tuple[str, Party | None, Answer]] = [
        ("owner", owner, row.own),
        ("counterparty", other, row.other),
        ("outside CSP", world.outsiders[0], row.outsider),
        ("outside CSO", world.outsiders[1], row.outsider),
        ("nobody", None, row.nobody),
    ]
    for who, party, expected in callers:
        check(world, row, method, who, party, expected)
    models.Platform.objects.filter(pk=owner.platform.pk).update(status="suspended")
    stopped = row.own if row.suspended is None else row.suspended
    check(world, row, method, "suspended owner", owner, stopped)
    models.Platform.objects.filter(pk=owner.platform.pk).update(status="ended")
    nothing = row.nobody if row.nobody != 200 else 200
    check(world, row, method, "owner that has ended", owner, nothing)


def check(
    world: World, row: Row, method: str, who: str, party: Party | None, expected: Answer
) -> None:
    path = row.path.format(**vars(world))
    body = json.loads(
        json.dumps(row.body)
        .replace("{message_id}", world.message_id)
        .replace("{sdr_id}", world.sdr_id)
    )
    point = transaction.savepoint()
    response = world.send(method, path, body, party)
    answered = f"{who} was answered {response.status_code} {response.content[:300]!r}"
    if isinstance(expected, str):
        assert response.status_code >= 400, answered
        assert response.json()["code"] == expected, answered
    elif isinstance(expected, int):
        assert response.status_code == expected, answered
    else:
        status, content = expected
        assert response.status_code == status, answered
        if isinstance(content, int):
            assert len(response.json()["results"]) == content, answered
        else:
            assert response.json().items() >= content.items(), answered
    if party is None or party in world.outsiders:
        tells_nothing(world, response, path + json.dumps(body))
    transaction.savepoint_rollback(point)


def tells_nothing(world: World, response: Any, said: str) -> None:
    """To whom it does not concern, an answer names nothing that they did not name themselves."""
    text = response.content.decode()
    secrets = (
        world.session_id, world.command_id, world.reservation_id, world.sdr_id, world.message_id,
        "04A2B3C4D5E6F7", "04C0FFEE", "DE-HOM-C12345678", "Am Markt", "DE*VIS*E100", "HOM-S-1",
        "VIS-R-1", "AUTH-7", "SDR-1", "HOM-1", "help desk", "unknown driver",
        "who-it-was", "Home CSP", "Visited CSO",
        world.record_id,
    )  # fmt: skip
    assert [secret for secret in secrets if secret in text and secret not in said] == []
