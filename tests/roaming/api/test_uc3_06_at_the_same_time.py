"""UC3-6, UC3-7 and UC3-5 at the same time: one after the other at the session, nothing lost."""

import threading

import pytest
from django.db import connections
from django.test import Client

from roaming import models
from roaming.models.clock import set_business_clock
from tests.cast import make_cast
from tests.fake_party import fake_party
from tests.roaming.api.visit import Visit


@pytest.fixture
def committed_visit(committed_db, csp_platform, now):
    """The visit in a database in which commits are real."""
    with fake_party() as cso_platform:
        cast = make_cast(csp_endpoint=csp_platform.url, cso_endpoint=cso_platform.url)
        set_business_clock(now, speed=0, ceiling=now)
        story = Visit(Client(), cast, csp_platform, cso_platform, now)
        story.begin()
        yield story


def at_once(visit, *acts):
    """Does the acts in threads of their own, begun together; their answers in order."""
    answers = [None] * len(acts)
    barrier = threading.Barrier(len(acts))

    def do(number, act):
        own = Visit(Client(), visit.cast, visit.csp, visit.cso, visit.now, visit.session_id)
        try:
            barrier.wait()
            answers[number] = act(own)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=do, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_of_reports_at_the_same_time_the_newest_counts_and_is_delivered(committed_visit):
    visit = committed_visit
    acts = [lambda own, n=n: own.report_at(-n, str(20 - n)) for n in range(6)]
    answers = at_once(visit, *acts)
    assert [answer.status_code for answer in answers] == [200] * 6
    assert answers[0].json()["taken"] is True
    assert str(visit.session.energy_kwh) == "20"
    taken = [answer for answer in answers if answer.json()["taken"]]
    assert models.ChargingUpdate.objects.count() == len(taken)
    assert visit.told("uc3-6/charging-information")[-1].body["energy_kwh"] == "20"
    assert not models.Delivery.objects.filter(state="waiting").exists()


def test_a_report_and_the_end_at_the_same_time_leave_a_completed_session(committed_visit):
    visit = committed_visit
    report, end = at_once(visit, lambda own: own.report_at(0, "3"), lambda own: own.complete())
    assert (report.status_code, end.status_code) == (200, 200)
    session = visit.session
    assert (session.state, str(session.energy_kwh), session.updated_at) == (
        "completed", "20.125", None,
    )  # fmt: skip


def test_wishes_at_the_same_time_are_numbered_one_after_the_other(committed_visit):
    visit = committed_visit
    visit.cso.answers["/uc3-7/charge-plan-wishes"] = (200, {"decision": "REJECTED"})
    answers = at_once(visit, *[lambda own: own.wish()] * 4)
    assert sorted(answer.json()["number"] for answer in answers) == [1, 2, 3, 4]
    numbers = models.ChargePlan.objects.order_by("number").values_list("number", flat=True)
    assert list(numbers) == [1, 2, 3, 4]


def test_plans_at_the_same_time_leave_the_newest_in_force(committed_visit):
    visit = committed_visit
    stamps = [f"2026-10-05T09:5{n}:00+02:00" for n in range(5)]
    answers = at_once(visit, *[lambda own, s=s: own.plan(stamped_at=s) for s in stamps])
    assert [answer.status_code for answer in answers] == [200] * 5
    assert visit.read_plan().json()["plan"]["stamped_at"] == stamps[-1]
    assert visit.told("uc3-10/charge-plan")
    assert visit.csp.messages("/uc3-10/charge-plan")
    sent = [message.body["stamped_at"] for message in visit.csp.messages("/uc3-10/charge-plan")]
    assert stamps[-1] in sent
    assert not models.Delivery.objects.filter(state="waiting").exists()
