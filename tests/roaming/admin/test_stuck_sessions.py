"""Staff see which sessions are stuck, from the first page to the step that closes one."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from roaming import models
from roaming.domain.uuid7 import uuid7_at
from roaming.models import ChargingUpdate, ChargingUpdateBody, PlanStep
from tests.clearinghouse.admin.fixtures import offered, page, take, text_of, told
from tests.clearinghouse.admin.world import NOVEMBER, member_with, personal_data_permission

HOME = reverse("admin:index")
HOURS_30 = timedelta(hours=30)


@pytest.fixture
def silent(world):
    return world.trade.session(NOVEMBER - HOURS_30, state="active", energy_kwh="3.25")


@pytest.fixture
def unbilled(world):
    opened = NOVEMBER - timedelta(days=5)
    return world.trade.session(opened, completed_at=opened)


def figures(response):
    return {figure.words: figure for _, column in response.context["columns"] for figure in column}


def listed(response):
    return list(response.context["cl"].result_list)


def test_the_first_page_counts_them_and_leads_to_them(clerk, silent, unbilled):
    shown = figures(clerk.get(HOME))
    for words, row, age in (
        ("sessions without news", silent, "oldest 1 day"),
        ("completed sessions without an SDR", unbilled, "oldest 5 days"),
    ):
        figure = shown[words]
        assert (figure.value, figure.needs_somebody, figure.note) == ("1", True, age)
        assert listed(clerk.get(figure.url)) == [row]


def test_where_nothing_is_stuck_nobody_is_called(clerk, world):
    shown = figures(clerk.get(HOME))
    for words in ("sessions without news", "completed sessions without an SDR"):
        assert (shown[words].value, shown[words].needs_somebody) == ("0", False)


def test_who_may_not_see_sessions_is_not_told_how_many(client, world):
    client.force_login(member_with("roaming.view_delivery"))
    assert "sessions without news" not in figures(client.get(HOME))


def test_a_stuck_session_is_closed_with_a_reason_that_stays(clerk, world, silent):
    assert offered(clerk.get(page(silent, "change")))["close"] == ""
    before = text_of(clerk.get(page(silent, "step", "close")))
    assert "3.25 kWh" in before
    answer = take(clerk, silent, "close", reason="CSO confirmed by mail")
    assert told(answer) == "Closed: the session is completed."
    closing = models.SessionClosing.objects.get()
    assert (closing.closed_by, closing.reason) == (world.clerk, "CSO confirmed by mail")
    assert "CSO confirmed by mail" in text_of(clerk.get(page(silent, "change")))
    history = text_of(clerk.get(page(silent, "history")))
    assert "Close by hand: CSO confirmed by mail" in history
    assert world.clerk.username in history


def time_line(client, session):
    panels = client.get(page(session, "change")).context["panels"]
    (panel,) = [panel for panel in panels if panel.title == "Time line"]
    return [[str(cell) for cell in row] for row in panel.rows]


def test_its_story_tells_who_closed_it_what_became_of_it_and_why(clerk, world, silent, unbilled):
    take(clerk, silent, "close", reason="CSO confirmed by mail")
    told_of = [row for row in time_line(clerk, silent) if "Closed by hand" in row[1]]
    (row,) = told_of
    assert row[2:] == [str(world.clerk), "Active → Completed", "CSO confirmed by mail"]
    assert time_line(clerk, silent)[-1] == row
    take(clerk, unbilled, "close", reason="never billed")
    assert time_line(clerk, unbilled)[-1][2:] == [
        str(world.clerk), "Completed: its SDR given up", "never billed",
    ]  # fmt: skip


def test_a_reason_is_asked_for(clerk, silent):
    clerk.post(page(silent, "step", "close"), {"reason": " "})
    silent.refresh_from_db()
    assert silent.state == "active"


def test_the_sdr_of_a_completed_session_is_given_up(clerk, unbilled):
    assert told(take(clerk, unbilled, "close", reason="never billed")) == (
        "Its SDR is no longer waited for."
    )
    assert "close" not in offered(clerk.get(page(unbilled, "change")))


def test_a_session_of_which_news_came_waits(clerk, world):
    fresh = world.trade.session(NOVEMBER - timedelta(hours=1), state="authorised")
    assert "24 hours" in offered(clerk.get(page(fresh, "change")))["close"]
    take(clerk, fresh, "close", reason="too early")
    fresh.refresh_from_db()
    assert fresh.state == "authorised"


def test_who_may_only_look_closes_nothing(client, silent):
    client.force_login(member_with("roaming.view_servicesession"))
    assert "close" not in offered(client.get(page(silent, "change")))
    assert client.post(page(silent, "step", "close"), {"reason": "x"}).status_code == 403


def test_a_running_session_shows_how_it_is_doing_and_its_plan(clerk, silent):
    report = ChargingUpdate.objects.create(
        id=uuid7_at(silent.opened_at), environment="live", period=silent.period, session=silent,
        stamped_at=silent.opened_at, received_at=silent.opened_at, energy_kwh="3.25",
        power_kw="11", state_of_charge=40,
    )  # fmt: skip
    ChargingUpdateBody.objects.create(update=report, content='{"weather": "rain"}')
    step = PlanStep(
        made_by="home_csp", accepted=None, reason="receiver_timed_out",
        wishes='{"departure_time": "2026-11-20T17:30:00Z"}',
        stamped_at=silent.opened_at, received_at=silent.opened_at,
    )  # fmt: skip
    models.ChargePlan.objects.append_to(silent, step)
    shown = text_of(clerk.get(page(silent, "change")))
    for words in ("3.25 kWh", "11 kW", "40 %", "receiver timed out", "not reached"):
        assert words in shown.replace("\N{NO-BREAK SPACE}", " ").replace(
            "\N{NARROW NO-BREAK SPACE}", " "
        ), words
    assert "rain" not in shown
    assert "departure_time" not in shown


def test_what_was_said_is_shown_to_who_may_see_personal_data(client, world, silent):
    step = PlanStep(
        made_by="home_csp", accepted=True, wishes='{"departure_time": "early"}',
        plan='{"periods": []}', stamped_at=silent.opened_at, received_at=silent.opened_at,
    )  # fmt: skip
    models.ChargePlan.objects.append_to(silent, step)
    user = member_with("roaming.view_servicesession")
    user.user_permissions.add(personal_data_permission())
    client.force_login(user)
    assert "departure_time" in text_of(client.post(page(silent, "personal_data")))
