"""What passes under which agreement: the 20 use cases, sent over the API, between platforms that
answer over real HTTP (domain.md, "a running session is never stranded by a suspension").

For new business the agreement counts as it stands now; for a session, as it stood when it opened.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from psycopg.types.range import TimestamptzRange

from roaming import models
from roaming.domain.agreement import SERVICE_NEEDED, Service
from roaming.domain.use_case import UseCase
from roaming.hub_switch import deliver_due
from roaming.use_cases.agreement_lifecycle import end_agreement, suspend_agreement
from tests import factories
from tests.fake_party import fake_party
from tests.roaming.api import matrix_world as say
from tests.roaming.api.matrix_world import World
from tests.roaming.api.messages import LOCAL_START, SDR, SITE, TARIFF
from tests.roaming.api.remote import EMERGENCY, REMOTE_START, RESERVATION

STATES = ("active", "suspended", "ended", "absent", "uncovered", "closed")
# Answers: a status, or the code of a refusal. Then whether the other side heard of it.
YES, SILENT = (200, True), (200, False)
START = "service-sessions/local-start"
CANNOT_BE = None  # no session without an agreement
NEW = (YES, ("agreement_suspended", False), ("agreement_ended", False), ("no_agreement", False))
OVER = ("agreement_ended", False)
NEW_SERVICE = (*NEW, ("service_not_covered", False), OVER)
# Nobody is kept at a station: stopping and unlocking pass for ever, news until the window closes.
RUNNING = (YES, YES, YES, CANNOT_BE, YES, YES)
NEWS = (*RUNNING[:-1], ("sdr_window_closed", False))
NEWS_SERVICE = (*NEWS[:-2], ("service_not_covered", False), NEWS[-1])
INFORMED = (YES, YES, SILENT, SILENT, YES, SILENT)


@dataclass(frozen=True)
class Case:
    """A use case: who sends what, where the other side hears of it, and what passes."""

    sender: str
    send: Callable[[World, Any], Any]
    heard_at: str
    passes: tuple[Any, ...]
    running: bool = False


def to(method: str, path: str, body: Any) -> Callable[[World, Any], Any]:
    return lambda world, party: world.send(method, path.format(**vars(world)), body, party)


def about(method: str, what: str, body: Any) -> Callable[[World, Any], Any]:
    return to(method, f"service-sessions/{{session_id}}/{what}", body)


MATRIX: dict[UseCase, Case] = {
    # Local to the clearing house: no agreement is looked at, nobody else hears of it.
    UseCase.UC1_1: Case(
        "csp", to("post", "credentials/rotation", {}), "uc1-1/handshake", ((201, False),) * 6
    ),
    UseCase.UC1_2: Case("cso", to("put", "sites/LOC1", SITE), "uc1-2/sites", INFORMED),
    UseCase.UC1_3: Case(
        "cso", to("put", "evses/DE*VIS*E001/status", say.STATUS), "uc1-3/evse-statuses", INFORMED
    ),
    UseCase.UC2_1: Case("cso", to("put", "tariffs/T1", TARIFF), "uc2-1/tariffs", INFORMED),
    UseCase.UC2_2: Case(
        "csp", to("post", "tariff-requests", say.TARIFF_REQUEST), "uc2-2/tariff-request",
        (*NEW, YES, OVER),
    ),
    UseCase.UC3_1: Case(
        "cso", to("post", "service-sessions/local-start", LOCAL_START), "uc3-1/local-start",
        NEW_SERVICE,
    ),
    UseCase.UC3_2: Case(
        "csp", to("post", "service-sessions/remote-start", REMOTE_START), "uc3-2/remote-start",
        NEW_SERVICE,
    ),
    UseCase.UC3_3: Case(
        "cso", to("post", "service-sessions/plug-and-charge-start", say.PNC_START),
        "uc3-3/plug-and-charge-start", NEW_SERVICE,
    ),
    UseCase.UC3_4: Case("csp", about("post", "stop", {}), "uc3-4/stop", RUNNING, True),
    UseCase.UC3_5: Case(
        "cso", about("post", "completion", say.COMPLETION), "uc3-5/completion", NEWS, True
    ),
    UseCase.UC3_6: Case(
        "cso", about("put", "charging-information", say.REPORT), "uc3-6/charging-information",
        NEWS, True,
    ),
    UseCase.UC3_7: Case(
        "csp", about("put", "charge-plan", say.WISHES), "uc3-7/charge-plan-wishes",
        NEWS_SERVICE, True,
    ),
    UseCase.UC3_8: Case(
        "csp", to("post", "reservations", RESERVATION), "uc3-8/reservation", NEW_SERVICE
    ),
    UseCase.UC3_9: Case(
        "cso", to("post", "sdrs", SDR), "uc3-9/sdrs",
        ((201, True),) * 6,
    ),
    UseCase.UC3_10: Case(
        "cso", about("post", "charge-plan-updates", say.PLAN), "uc3-10/charge-plan",
        NEWS_SERVICE, True,
    ),
    UseCase.UC4_1: Case(
        "cso", to("post", "identifications/authorisation", say.QUESTION), "uc4-1/authorisation",
        NEW_SERVICE,
    ),
    UseCase.UC4_2: Case(
        "csp", to("patch", "identifications?home_csp=DE-HOM", [say.CARD]),
        "uc4-2/identifications", (YES, SILENT, SILENT, SILENT, SILENT, SILENT),
    ),
    UseCase.UC5_1: Case(
        "cso", to("put", "outages/M-1", say.OUTAGE), "uc5-1/outages",
        (YES, YES, YES, SILENT, YES, SILENT),
    ),
    UseCase.UC5_2: Case("csp", about("post", "unlock", EMERGENCY), "uc5-2/unlock", RUNNING, True),
    UseCase.UC5_3: Case(
        "csp", to("post", "evses/DE*VIS*E001/unlock", {**EMERGENCY, "home_csp": "DE-HOM"}),
        "uc5-3/unlock", (YES,) * 6,
    ),
}  # fmt: skip


@pytest.fixture
def cso_platform():
    with fake_party() as platform:
        yield platform


def test_every_use_case_has_its_row():
    assert list(MATRIX) == list(UseCase)
    assert all(len(case.passes) == len(STATES) for case in MATRIX.values())


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("use_case", UseCase, ids=lambda case: case.code)
def test_what_passes(db, client, csp_platform, cso_platform, now, use_case, state):
    case = MATRIX[use_case]
    expected = case.passes[STATES.index(state)]
    world = World(client, csp_platform, cso_platform, now, services_of(use_case, state))
    if expected is CANNOT_BE:
        refused = world.send("post", START, LOCAL_START, world.cast.visited_cso)
        assert refused.json()["code"] == "no_agreement"
        return
    if case.running:
        world.start()
    come_to(world, state)
    cso, csp = world.cast.visited_cso, world.cast.home_csp
    sender, platform = (cso, csp_platform) if case.sender == "cso" else (csp, cso_platform)
    before = len(platform.messages(f"/{case.heard_at}"))
    response = case.send(world, sender)
    while deliver_due():
        pass
    answer, heard = expected
    if isinstance(answer, int):
        assert response.status_code == answer, response.content
    else:
        assert response.json()["code"] == answer, response.content
        assert response.status_code == 403
    assert (len(platform.messages(f"/{case.heard_at}")) > before) is heard


def services_of(use_case: UseCase, state: str) -> tuple[Service, ...] | None:
    """What the agreement covers; None: there is none."""
    if state == "absent":
        return None
    if state != "uncovered":
        return tuple(Service)
    without = SERVICE_NEEDED.get(use_case, Service.OFFLINE)
    return tuple(service for service in Service if service is not without)


def come_to(world: World, state: str) -> None:
    """Brings the agreement of the two into that state, as staff would."""
    if state == "suspended":
        suspend_agreement(world.cast.agreement, world.now, "unpaid", None)
    elif state == "ended":
        end_agreement(world.cast.agreement, world.now)
    elif state == "closed":
        ended = world.now - timedelta(hours=world.cast.agreement.sdr_window_hours)
        models.Agreement.objects.update(
            status="ended", validity=TimestamptzRange(factories.EPOCH, ended)
        )


@pytest.mark.parametrize("state", STATES)
def test_an_sdr_is_always_taken_in_and_says_what_is_wrong(
    db, client, csp_platform, cso_platform, now, state
):
    """Under no agreement it is rejected, with the finding: both sides see it and can mend it.

    This one is of a session that began long after the agreement had ended.
    """
    after = now + timedelta(hours=3)
    world = World(client, csp_platform, cso_platform, after, services_of(UseCase.UC3_9, state))
    come_to(world, state)
    answer = world.send("post", "sdrs", SDR, world.cast.visited_cso).json()
    assert (answer["state"] == "rejected") is (state in ("absent", "closed")), answer
