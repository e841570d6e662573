"""The common life of commands: one result, time-outs, late results, and who may see what."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from roaming import models
from roaming.domain.command import CommandResultNotice
from roaming.hub_switch import close_unanswered, deliver_due
from roaming.hub_switch.commands import time_out_commands
from roaming.models.clock import set_business_clock
from tests.roaming.api.remote import EMERGENCY, command, session


@pytest.fixture
def started(remote):
    """A remote start that the visited-CSO accepted."""
    return remote.start().json()["command_id"]


def long_after():
    """When even the longest time-out has passed, in real time."""
    return timezone.now() + timedelta(minutes=10)


# --- The result -----------------------------------------------------------------------------------


def test_the_same_result_again_gets_the_same_answer_and_is_told_once(remote, started):
    first = remote.result(started, "SUCCEEDED", cso_session_id="S-1", note="Go")
    again = remote.result(started, "SUCCEEDED", cso_session_id="S-1", note="Go")
    assert (again.status_code, again.json()) == (200, first.json())
    assert len(remote.told("uc3-2/result")) == 1
    last = models.JournalEntry.objects.order_by("-id").first()
    assert last.body.content == "the same content again"


@pytest.mark.parametrize(
    "other",
    [
        {"result": "FAILED"},
        {"result": "SUCCEEDED", "cso_session_id": "S-2"},
        {"result": "SUCCEEDED", "cso_session_id": "S-1", "note": "other"},
        {"result": "SUCCEEDED", "cso_session_id": "S-1", "reason": "other"},
        {"result": "SUCCEEDED", "cso_session_id": "S-1", "cso_reference": "other"},
    ],
)
def test_another_result_is_refused_and_changes_nothing(remote, started, other):
    remote.result(started, "SUCCEEDED", cso_session_id="S-1")
    response = remote.result(started, **other)
    assert (response.status_code, response.json()["code"]) == (409, "command_state")
    assert (command().state, command().cso_session_id) == ("succeeded", "S-1")
    assert session().state == "authorised"
    assert len(remote.told("uc3-2/result")) == 1


def test_a_command_that_was_rejected_has_no_result(remote):
    remote.answers("uc3-2/remote-start", {"response": "REJECTED"})
    rejected = remote.start().json()["command_id"]
    response = remote.result(rejected, "SUCCEEDED")
    assert (response.status_code, response.json()["code"]) == (409, "command_state")
    assert session().state == "refused"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"reason": "x" * 61}, "reason"),
        ({"note": "x" * 301}, "note"),
        ({"cso_session_id": "x" * 65}, "cso_session_id"),
        ({"cso_reference": "x" * 65}, "cso_reference"),
        ({"note": 7}, "note"),
        ({"result": "PERHAPS"}, "result"),
    ],
)
def test_a_bad_result_is_refused_with_its_field(remote, started, fields, field):
    problem = remote.result(started, **{"result": "SUCCEEDED", **fields}).json()
    assert (problem["code"], problem["field"]) == ("invalid_field", field)
    assert command().state == "accepted"


def test_a_nul_character_is_refused(remote, started):
    assert remote.result(started, "FAILED", note="\x00").json()["code"] == "malformed_body"


def test_nobody_but_the_asked_cso_can_report(remote, started):
    for party in (remote.cast.home_csp, remote.cast.outsider):
        response = remote.result(started, "SUCCEEDED", party)
        assert (response.status_code, response.json()["code"]) == (404, "unknown_command")
    response = remote.result(str(uuid.uuid4()), "SUCCEEDED")
    assert (response.status_code, response.json()["code"]) == (404, "unknown_command")
    assert command().state == "accepted"


@pytest.mark.parametrize("status", ["suspended", "ended"])
def test_a_result_passes_whatever_became_of_the_agreement_and_the_platform(remote, started, status):
    models.Agreement.objects.update(status=status)
    models.Platform.objects.update(status="suspended")
    assert remote.result(started, "SUCCEEDED").status_code == 200
    assert session().state == "authorised"


def test_a_result_stands_under_its_own_use_case_and_correlation_id(remote):
    answer = remote.post("evses/DE*VIS*E001/unlock", {"home_csp": "DE-HOM", **EMERGENCY}).json()
    result = remote.result(answer["command_id"], "FAILED").json()
    assert result["correlation_id"] == answer["correlation_id"]
    entry = models.JournalEntry.objects.order_by("-id").first()
    assert (entry.use_case, entry.correlation_id) == ("UC5-3", answer["correlation_id"])
    remote.result(answer["command_id"], "SUCCEEDED")
    entry = models.JournalEntry.objects.order_by("-id").first()
    assert (entry.use_case, entry.refusal_code) == ("UC5-3", "command_state")


def test_a_sender_s_own_correlation_id_is_kept(remote, started):
    response = remote.post(
        f"commands/{started}/result", {"result": "SUCCEEDED"}, remote.cast.visited_cso,
        **{"X-Correlation-ID": "mine"},
    )  # fmt: skip
    assert response["X-Correlation-ID"] == "mine"
    assert models.JournalEntry.objects.order_by("-id").first().correlation_id == "mine"
    assert remote.csp.messages("/uc3-2/result")[0].headers["X-Correlation-ID"] != "mine"


def test_an_asker_that_is_away_is_told_later(remote, started):
    remote.csp.answers["/uc3-2/result"] = (503, {})
    answer = remote.result(started, "SUCCEEDED").json()
    assert answer["acknowledged"] is False
    remote.csp.answers["/uc3-2/result"] = (200, {})
    waiting = models.Delivery.objects.get()
    deliver_due(waiting.due_at)
    assert [told["result"] for told in remote.told("uc3-2/result")] == ["SUCCEEDED"] * 2
    assert remote.result(started, "SUCCEEDED").json()["acknowledged"] is True


def test_whoever_speaks_for_the_home_csp_now_is_told(remote, started):
    from tests import factories
    from tests.fake_party import fake_party

    with fake_party() as new_platform:
        moved = factories.PlatformFactory(name="new platform")
        factories.EndpointFactory(platform=moved, url=new_platform.url)
        models.PlatformIdentifier.objects.filter(identifier=remote.cast.home_csp.identifier).update(
            platform=moved
        )
        remote.result(started, "SUCCEEDED")
        assert len(new_platform.messages("/uc3-2/result")) == 1
    assert remote.told("uc3-2/result") == []


# --- No result in time ----------------------------------------------------------------------------


def test_that_nothing_came_is_told_once_the_announced_time_has_passed(remote, started, now):
    assert time_out_commands(now, timezone.now() + timedelta(seconds=25)) == 0
    assert time_out_commands(now, timezone.now() + timedelta(seconds=31)) == 1
    assert time_out_commands(now, long_after()) == 0
    assert (command().state, command().timed_out_at) == ("timed_out", now)
    assert session().state == "requested"
    deliver_due()
    (told,) = remote.told("uc3-2/result")
    assert (told["command_id"], told["result"]) == (started, "TIMED_OUT")
    entry = models.JournalEntry.objects.order_by("-id").first()
    assert (entry.outcome, entry.refusal_code) == ("failed", "receiver_timed_out")
    assert entry.correlation_id == command().correlation_id


def test_business_time_that_runs_fast_cuts_no_command_short(remote, started, now):
    tomorrow = now + timedelta(days=1)
    set_business_clock(tomorrow, speed=0, ceiling=tomorrow)
    assert time_out_commands(tomorrow, timezone.now()) == 0
    assert command().state == "accepted"


def test_a_late_result_is_recorded_and_told_as_late(remote, started, now):
    time_out_commands(now, long_after())
    deliver_due()
    answer = remote.result(started, "SUCCEEDED", cso_session_id="S-1").json()
    assert (answer["state"], answer["late"]) == ("succeeded", True)
    assert command().timed_out_at == now
    assert session().state == "authorised"
    told = remote.told("uc3-2/result")
    assert [(t["result"], t.get("late", False)) for t in told] == [
        ("TIMED_OUT", False), ("SUCCEEDED", True)
    ]  # fmt: skip
    assert remote.get(f"commands/{started}").json()["late"] is True


def test_a_late_result_never_overtakes_the_news_that_none_came(remote, started, now):
    time_out_commands(now, long_after())
    answer = remote.result(started, "SUCCEEDED").json()  # the news still waits for a worker
    assert answer["acknowledged"] is False
    assert remote.told("uc3-2/result") == []
    deliver_due()
    deliver_due()
    assert [told["result"] for told in remote.told("uc3-2/result")] == ["TIMED_OUT", "SUCCEEDED"]


def test_a_result_in_time_is_no_time_out(remote, started, now):
    remote.result(started, "FAILED")
    assert time_out_commands(now, long_after()) == 0
    assert command().timed_out_at is None


def test_a_command_whose_process_died_before_the_answer_times_out(remote, started, now):
    models.Command.objects.update(
        state="asked", answered_at=None, result_due_at=timezone.now() + timedelta(seconds=62)
    )
    models.ServiceSession.objects.update(state="requested")
    admitted = models.JournalEntry.objects.get(phase="admitted")
    lost = models.JournalEntry.objects.get(pk=admitted.pk)
    lost.pk, lost.transaction_id = None, uuid.uuid4()
    lost.save(force_insert=True)
    later = timezone.now() + timedelta(minutes=2)
    assert close_unanswered(now, later) == 1
    assert session().state == "requested"  # the charging station may be at work
    assert time_out_commands(now, timezone.now()) == 0
    assert time_out_commands(now, later) == 1
    remote.result(started, "SUCCEEDED")
    assert session().state == "authorised"


def test_a_rejected_or_unreached_command_never_times_out(remote, now):
    remote.answers("uc3-2/remote-start", {"response": "REJECTED"})
    remote.start()
    remote.answers("uc3-2/remote-start", {}, 500)
    remote.start()
    assert time_out_commands(now, long_after()) == 0


def test_many_time_outs_cost_as_many_statements_as_one(
    remote, started, now, django_assert_max_num_queries
):
    rows = []
    for _ in range(40):
        copy = models.Command.objects.get(pk=started)
        copy.pk = uuid.uuid4()
        rows.append(copy)
    models.Command.objects.bulk_create(rows)
    with django_assert_max_num_queries(8):
        assert time_out_commands(now, long_after()) == 41
    assert models.Delivery.objects.count() == 41
    assert models.JournalEntry.objects.filter(refusal_code="receiver_timed_out").count() == 41


def test_the_notice_is_what_the_struct_says(remote, started, now):
    import msgspec

    time_out_commands(now, long_after())
    body = models.Delivery.objects.get().body
    notice = msgspec.json.decode(body, type=CommandResultNotice, strict=True)
    assert notice.evse_id == "DE*VIS*E001"
    assert notice.csp_session_id == "HOM-S-1"
    assert set(msgspec.json.decode(body)) <= set(CommandResultNotice.__struct_fields__)


def test_the_beat_sweeps_them(remote, started):
    from roaming.tasks import time_out_overdue_commands

    assert time_out_overdue_commands() == 0
    models.Command.objects.update(result_due_at=timezone.now())
    assert time_out_overdue_commands() == 1


# --- Who may see what -----------------------------------------------------------------------------


def test_a_command_is_seen_by_its_two_parties_alone(remote, started):
    def seen(party):
        one = remote.get(f"commands/{started}", party).status_code
        many = remote.get("commands", party).json()["results"]
        return one, len(many)

    assert seen(remote.cast.home_csp) == (200, 1)
    assert seen(remote.cast.visited_cso) == (200, 1)
    assert seen(remote.cast.outsider) == (404, 0)
    assert remote.client.get("/api/v1/commands").status_code == 401


def test_the_lists_are_filtered(remote, started, now):
    remote.post("evses/DE*VIS*E001/unlock", {"home_csp": "DE-HOM", **EMERGENCY})
    remote.result(started, "SUCCEEDED")

    def found(**query):
        response = remote.get("commands", **query)
        assert response.status_code == 200, response.content
        return sorted(row["use_case"] for row in response.json()["results"])

    session_id = str(models.Command.objects.get(pk=started).session_id)
    assert found() == ["UC3-2", "UC5-3"]
    assert found(state="succeeded") == ["UC3-2"]
    assert found(kind="unlock") == ["UC5-3"]
    assert found(use_case="UC5-3") == ["UC5-3"]
    assert found(service_session_id=session_id) == ["UC3-2"]
    assert found(home_csp="DE-HOM") == ["UC3-2", "UC5-3"]
    assert found(visited_cso="DE*XXX") == []
    assert found(since=now.isoformat()) == ["UC3-2", "UC5-3"]
    assert found(since=(now + timedelta(seconds=1)).isoformat()) == []
    assert remote.get("commands", state="perhaps").json()["code"] == "invalid_field"


def test_a_command_tells_its_story(remote, started):
    remote.result(started, "FAILED", reason="NO_CABLE", note="Plug in first.")
    row = remote.get(f"commands/{started}", remote.cast.visited_cso).json()
    assert (row["use_case"], row["kind"], row["state"]) == ("UC3-2", "start", "failed")
    assert (row["reason"], row["note"]) == ("NO_CABLE", "Plug in first.")
    assert (row["evse_id"], row["home_csp"]) == ("DE*VIS*E001", "DE-HOM")
    assert row["answered_at"] is not None
    assert row["ended_at"] is not None
    assert row["timed_out_at"] is None


# --- What is said beyond our vocabulary -----------------------------------------------------------


def test_fields_that_we_do_not_know_go_along_both_ways(remote):
    body = {"home_csp": "DE-HOM", "bay": 7, "command_id": "smuggled", **EMERGENCY}
    answer = remote.post("evses/DE*VIS*E001/unlock", body).json()
    (asked,) = remote.asked("uc5-3/unlock")
    assert (asked["bay"], asked["command_id"]) == (7, answer["command_id"])
    remote.result(answer["command_id"], "SUCCEEDED", technician="on site", late=True)
    (told,) = remote.told("uc5-3/result")
    assert told["technician"] == "on site"
    assert "late" not in told


def test_a_late_result_takes_up_a_session_that_staff_closed(remote, started, now):
    from roaming.use_cases.stuck_sessions import ByHand, close_stuck_session
    from tests import factories

    week = now + timedelta(days=7)
    by_hand = ByHand(factories.UserFactory(), "No news for a week")
    close_stuck_session(session(), by_hand, week)
    assert session().state == "cancelled"
    remote.result(started, "SUCCEEDED")
    assert (session().state, session().closed_by_hand_at) == ("authorised", None)
