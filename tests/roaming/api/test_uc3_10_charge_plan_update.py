"""UC3-10: the visited-CSO changes its plan, the home-CSP is told at once, else later."""

import json

import msgspec
import pytest

from roaming import models
from roaming.domain.charge_plan import ChargePlanUpdateNotice
from tests.roaming.api.visit import PLAN, refusal

PATH = "uc3-10/charge-plan"


def test_a_changed_plan_is_passed_on_at_once(visit):
    answer = visit.plan(reason="grid")
    assert answer.status_code == 200, answer.content
    assert answer.json() == {
        "service_session_id": visit.session_id,
        "number": 1,
        "taken": True,
        "why_not": None,
        "acknowledged": True,
    }
    (message,) = visit.csp.messages(f"/{PATH}")
    assert {name: message.body[name] for name in PLAN} == PLAN
    notice = msgspec.convert(message.body, ChargePlanUpdateNotice, strict=False)
    assert (notice.number, notice.reason, notice.visited_cso) == (1, "grid", "DE*VIS")


def test_it_leaves_a_step_and_a_journal_row(visit):
    visit.plan()
    step = models.ChargePlan.objects.get()
    assert (step.made_by, step.accepted, step.has_plan) == ("visited_cso", True, True)
    assert json.loads(step.body.plan) == PLAN
    row = models.JournalEntry.objects.get(use_case="UC3-10")
    assert (row.phase, row.outcome, str(row.service_session_id)) == (
        "verdict", "accepted", visit.session_id,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("stamp", "why"),
    [("2026-10-05T09:58:59+02:00", "older"), ("2026-10-05T07:59:00Z", "repeated")],
)
def test_what_is_not_newer_is_left_aside(visit, stamp, why):
    visit.plan()
    answer = visit.plan(stamped_at=stamp)
    assert answer.status_code == 200
    assert (answer.json()["taken"], answer.json()["why_not"]) == (False, why)
    assert answer.json()["acknowledged"] is True
    assert models.ChargePlan.objects.count() == 1
    assert len(visit.csp.messages(f"/{PATH}")) == 1


def test_a_home_csp_that_is_away_gets_the_newest_later(visit):
    visit.csp.answers[f"/{PATH}"] = (503, {})
    assert visit.plan().json()["acknowledged"] is False
    newer = "2026-10-05T10:00:00+02:00"
    assert visit.plan(stamped_at=newer).json()["acknowledged"] is False
    assert len(visit.csp.messages(f"/{PATH}")) == 2
    visit.csp.answers[f"/{PATH}"] = (200, {})
    models.Delivery.objects.filter(state="waiting").update(due_at="2020-01-01T00:00:00Z")
    assert visit.told(PATH)[-1].body["stamped_at"] == newer
    assert len(visit.csp.messages(f"/{PATH}")) == 3
    assert visit.plan(stamped_at=newer).json()["acknowledged"] is True


def test_only_the_visited_cso_changes_the_plan(visit):
    for who in ("home_csp", "outsider"):
        assert refusal(visit.plan(who=who))[:2] == (404, "unknown_session")
    assert not models.ChargePlan.objects.exists()


def periods(*starts, **limits):
    return [{"start_date_time": start, **limits} for start in starts]


TEN, ELEVEN = "2026-10-05T10:00:00+02:00", "2026-10-05T11:00:00+02:00"


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"stamped_at": "2026-10-05T10:00:00"}, "time_without_offset", "stamped_at"),
        ({"stamped_at": "2026-10-05T10:06:00+02:00"}, "invalid_field", "stamped_at"),
        ({"periods": ...}, "invalid_field", None),
        ({"periods": []}, "invalid_field", "periods"),
        ({"periods": periods(TEN)}, "invalid_field", "periods[0]"),
        ({"periods": periods(TEN, TEN, maximum_power_kw=1)}, "invalid_field",
         "periods[1].start_date_time"),
        ({"periods": periods(ELEVEN, TEN, maximum_power_kw=1)}, "invalid_field",
         "periods[1].start_date_time"),
        ({"periods": periods("2026-10-05T10:00:00", maximum_power_kw=1)}, "time_without_offset",
         "periods[0].start_date_time"),
        ({"periods": periods(TEN, maximum_power_kw=-1)}, "invalid_field",
         "periods[0].maximum_power_kw"),
        ({"periods": periods(TEN, maximum_power_kw="NaN")}, "invalid_field",
         "periods[0].maximum_power_kw"),
        ({"periods": periods(TEN, maximum_power_kw=11000)}, "invalid_field",
         "periods[0].maximum_power_kw"),
        ({"periods": periods(TEN, maximum_current_a="Infinity")}, "invalid_field",
         "periods[0].maximum_current_a"),
        ({"periods": periods(TEN, maximum_current_a="16 A")}, "invalid_field",
         "periods[0].maximum_current_a"),
        ({"end_date_time": TEN}, "invalid_field", "end_date_time"),
        ({"end_date_time": "2026-10-05T20:00:00"}, "time_without_offset", "end_date_time"),
        ({"reason": "x" * 61}, "invalid_field", "reason"),
        ({"reason": "a\nb"}, "invalid_field", "reason"),
    ],
)  # fmt: skip
def test_a_bad_plan_is_refused_with_its_field(visit, fields, code, field):
    response = visit.plan(**fields)
    assert refusal(response) == (422, code, field), response.content
    assert not models.ChargePlan.objects.exists()
