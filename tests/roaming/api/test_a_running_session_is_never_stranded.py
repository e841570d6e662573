"""Whatever is suspended, ended, sold or withdrawn meanwhile: who charges goes on and is settled.

And whatever was suspended or ended starts nothing new from that moment on, for either party.
"""

from datetime import timedelta

import pytest
from django.utils import timezone
from psycopg.types.range import TimestamptzRange

from roaming import models
from roaming.hub_switch.commands import time_out_commands
from roaming.hub_switch.reservations import expire_reservations
from tests import factories
from tests.roaming.api.identifying import CARD_START, LOCAL, distribute, post, stage
from tests.roaming.api.messages import SDR, changed
from tests.roaming.api.remote import EMERGENCY, reservation, session
from tests.roaming.api.visit import COMPLETION, PLAN, REPORT

HOUR = timedelta(hours=1)


def suspend_agreement(cast, now):
    models.Agreement.objects.update(status="suspended")


def suspend_agreement_by_date(cast, now):
    models.AgreementSuspension.objects.create(
        agreement=cast.agreement, during=TimestamptzRange(now, None), reason="unpaid"
    )


def end_agreement(cast, now):
    models.Agreement.objects.update(
        status="ended", validity=TimestamptzRange(factories.EPOCH, now, "[)")
    )


def suspend_platforms(cast, now):
    models.Platform.objects.update(status="suspended")


def suspend_operators(cast, now):
    models.Operator.objects.update(status="suspended")


def end_operators(cast, now):
    models.Operator.objects.update(status="ended")


def sell_the_evse(cast, now):
    buyer = factories.IdentifierFactory(identifier="DE*BUY")
    models.EvseOwnership.objects.update(during=TimestamptzRange(factories.EPOCH, now))
    models.EvseOwnership.objects.create(
        evse=cast.evse, visited_cso=buyer, during=TimestamptzRange(now, None)
    )


def withdraw_the_site(cast, now):
    models.Site.objects.update(withdrawn_at=now)
    models.Evse.objects.update(removed_at=now)


def remove_the_csp_s_endpoint(cast, now):
    models.RoamingEndpoint.objects.filter(platform=cast.home_csp.platform).delete()


TROUBLES = [
    suspend_agreement, suspend_agreement_by_date, end_agreement, suspend_platforms,
    suspend_operators, end_operators, sell_the_evse, withdraw_the_site, remove_the_csp_s_endpoint,
]  # fmt: skip
trouble = pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.__name__)


@trouble
def test_it_reports_plans_stops_unlocks_completes_and_is_settled(visit, now, trouble):
    yes = {"response": "ACCEPTED", "timeout_s": 30}
    visit.cso.answers["/uc3-7/charge-plan-wishes"] = (200, {"decision": "ACCEPTED", "plan": PLAN})
    visit.cso.answers["/uc3-6/request"] = (200, REPORT)
    visit.cso.answers["/uc3-4/stop"] = visit.cso.answers["/uc5-2/unlock"] = (200, yes)
    trouble(visit.cast, now)

    def ok(response):
        assert response.status_code in (200, 201), response.content
        return response.json()

    csp, cso = visit.cast.home_csp, visit.cast.visited_cso
    about = f"/api/v1/service-sessions/{visit.session_id}"
    assert ok(visit.report(stamped_at="2026-10-05T09:58:00+02:00"))["taken"]
    assert ok(visit.read(fresh="true"))["fresh"]
    assert ok(visit.wish())["decision"] == "ACCEPTED"
    assert ok(visit.plan(stamped_at="2026-10-05T09:59:30+02:00"))["taken"]
    for what, body in (("stop", {}), ("unlock", EMERGENCY)):
        command = ok(post(visit.client, csp, f"{about}/{what}", body))
        result = f"/api/v1/commands/{command['command_id']}/result"
        assert ok(post(visit.client, cso, result, {"result": "SUCCEEDED"}))["state"] == "succeeded"
    assert ok(visit.complete())["state"] == "completed"
    claim = changed(SDR, service_session_id=visit.session_id)
    from roaming.models.clock import set_business_clock

    set_business_clock(now + HOUR, speed=0, ceiling=now + HOUR)
    taken = ok(post(visit.client, cso, "/api/v1/sdrs", claim))
    assert taken["state"] == "validated", taken
    assert models.Sdr.objects.get().agreement == visit.cast.agreement
    assert ok(visit.client.get("/api/v1/messages", headers=csp.headers))["messages"] is not None
    mine = models.Delivery.objects.filter(receiver=csp.platform)
    paths = set(mine.values_list("path", flat=True))
    assert {"uc3-4/result", "uc5-2/result", "uc3-5/completion", "uc3-9/sdrs"} <= paths


@trouble
def test_a_reservation_can_be_cancelled(remote, now, trouble):
    reservation_id = remote.reserved()["reservation_id"]
    trouble(remote.cast, now)
    command = remote.cancel(reservation_id).json()
    assert command["response"] == "ACCEPTED"
    assert remote.result(command["command_id"], "SUCCEEDED").status_code == 200
    assert (reservation().state, session().state) == ("cancelled", "cancelled")


@trouble
def test_an_asker_gets_the_result_of_what_was_under_way(remote, now, trouble):
    command = remote.start().json()
    trouble(remote.cast, now)
    assert remote.result(command["command_id"], "SUCCEEDED").status_code == 200
    assert session().state == "authorised"
    assert models.Delivery.objects.filter(path="uc3-2/result").exists()
    assert remote.stop(command["service_session_id"]).status_code == 200


# --- A start that worked although nobody heard of it in time --------------------------------------


def expired_under_a_start(remote, now):
    """A start on a reservation whose result did not come before the reservation ran out."""
    reservation_id = remote.reserved()["reservation_id"]
    command = remote.start(reservation_id=reservation_id).json()
    time_out_commands(now, timezone.now() + HOUR)
    assert expire_reservations(now + HOUR) == 1
    return command


def cancelled_under_a_start(remote, now):
    """A start on a reservation that was cancelled before the start's result came."""
    reservation_id = remote.reserved()["reservation_id"]
    command = remote.start(reservation_id=reservation_id).json()
    remote.result(remote.cancel(reservation_id).json()["command_id"], "SUCCEEDED")
    return command


ends = pytest.mark.parametrize("end", [expired_under_a_start, cancelled_under_a_start])


def say(remote, method, command, what, body):
    return getattr(remote.client, method)(
        f"/api/v1/service-sessions/{command['service_session_id']}/{what}",
        data=body, content_type="application/json", headers=remote.cast.visited_cso.headers,
    )  # fmt: skip


@ends
def test_a_report_takes_up_a_session_whose_reservation_has_ended(remote, now, end):
    command = end(remote, now)
    assert session().state == "cancelled"
    report = say(remote, "put", command, "charging-information", REPORT)
    assert report.status_code == 200, report.content
    assert report.json()["taken"]
    assert (reservation().state, session().state) == ("fulfilled", "active")
    assert session().authorised == "COMMAND"
    remote.result(command["command_id"], "SUCCEEDED")
    assert (reservation().state, session().state) == ("fulfilled", "active")
    assert remote.stop(command["service_session_id"]).status_code == 200
    assert say(remote, "post", command, "completion", COMPLETION).status_code == 200
    assert session().state == "completed"


@ends
def test_a_completion_ends_a_session_whose_reservation_has_ended(remote, now, end):
    command = end(remote, now)
    completion = say(remote, "post", command, "completion", COMPLETION)
    assert completion.status_code == 200, completion.content
    assert (reservation().state, session().state) == ("fulfilled", "completed")
    assert session().authorised == "COMMAND"
    assert say(remote, "post", command, "completion", COMPLETION).status_code == 200


@ends
def test_a_late_result_takes_up_a_session_whose_reservation_has_ended(remote, now, end):
    command = end(remote, now)
    remote.result(command["command_id"], "SUCCEEDED")
    assert (reservation().state, session().state) == ("fulfilled", "authorised")
    report = say(remote, "put", command, "charging-information", REPORT)
    assert report.status_code == 200, report.content
    assert say(remote, "post", command, "completion", COMPLETION).status_code == 200
    assert session().state == "completed"


@ends
@pytest.mark.parametrize("result", ["FAILED", "silence"])
def test_nothing_provided_leaves_it_ended(remote, now, end, result):
    command = end(remote, now)
    stood = reservation().state
    if result == "FAILED":
        remote.result(command["command_id"], "FAILED")
    nothing = say(remote, "post", command, "completion", {"nothing_provided": True})
    assert nothing.status_code == 200
    assert (reservation().state, session().state) == (stood, "cancelled")


@ends
def test_a_start_that_failed_takes_nothing_up(remote, now, end):
    command = end(remote, now)
    remote.result(command["command_id"], "FAILED")
    for method, what, body in (
        ("put", "charging-information", REPORT),
        ("post", "completion", COMPLETION),
    ):
        refused = say(remote, method, command, what, body)
        assert (refused.status_code, refused.json()["code"]) == (409, "session_state")


def test_a_start_whose_result_is_missing_can_be_stopped(remote, now):
    command = remote.start().json()
    assert remote.stop(command["service_session_id"]).status_code == 200
    time_out_commands(now, timezone.now() + HOUR)
    assert remote.stop(command["service_session_id"]).status_code == 200
    assert len(remote.asked("uc3-4/stop")) == 2


def test_a_start_on_a_reservation_that_has_ended_can_be_stopped(remote, now):
    command = expired_under_a_start(remote, now)
    assert remote.stop(command["service_session_id"]).status_code == 200


def test_a_start_that_failed_or_a_reservation_without_one_cannot(remote, now):
    failed = remote.start().json()
    remote.result(failed["command_id"], "FAILED")
    held = remote.reserved()
    for answer in (failed, held):
        refused = remote.stop(answer["service_session_id"])
        assert (refused.status_code, refused.json()["code"]) == (409, "session_state")


# --- Nothing new ---------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["suspended", "ended"])
@pytest.mark.parametrize("whitelist", ["ALWAYS", "ALLOWED", "ALLOWED_OFFLINE"])
@pytest.mark.parametrize("use_case", ["UC3-1", "UC4-1"])
def test_nobody_stands_in_for_a_home_csp_whose_platform_is_stopped(
    db, client, whitelist, status, use_case
):
    with stage(1) as one:
        distribute(one[0].party, whitelist=whitelist)
        models.Platform.objects.filter(pk=one[0].party.platform.pk).update(status=status)
        body, url = CARD_START, LOCAL
        if use_case == "UC4-1":
            url = "/api/v1/identifications/authorisation"
            body = changed(body, evse_id=..., connector_id=..., cso_session_id=...)
        response = post(client, one.cast.visited_cso, url, body)
        assert (response.status_code, response.json()["code"]) == (503, "receiver_not_connected")
        assert one[0].platform.received == []
        running = models.ServiceSession.objects.exclude(state="refused")
        assert not running.exists()
