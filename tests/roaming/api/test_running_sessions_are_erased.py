"""What was reported and planned in a session is erased with its other personal data."""

from datetime import timedelta

import pytest
from django.utils import timezone

from roaming import models
from roaming.use_cases.erasure import erase_by_age, erase_holder_of
from tests.roaming.api.messages import LOCAL_START

LONG = timedelta(days=10_000)


@pytest.fixture
def told(visit):
    """A session with a report, a plan and wishes, all handed on."""
    visit.cso.answers["/uc3-7/charge-plan-wishes"] = (200, {"decision": "ACCEPTED"})
    visit.wish()
    visit.plan()
    visit.report()
    visit.told("uc3-6/charging-information")
    return visit


def left():
    """What is left in clear of what the parties said."""
    return [
        *models.ChargingUpdateBody.objects.values_list("content", flat=True),
        *models.ChargePlanBody.objects.values_list("wishes", "plan"),
        *models.Delivery.objects.exclude(body="").values_list("object_key", flat=True),
    ]


def test_it_goes_by_age_once_the_session_is_over(told):
    erase_by_age(told.now + LONG, timezone.now())
    assert models.ChargingUpdateBody.objects.count() == 1
    told.complete()
    erase_by_age(told.now + LONG, timezone.now() + LONG)
    assert left() == []
    assert models.ChargingUpdate.objects.count() == 1
    assert models.ChargePlan.objects.count() == 2


def test_it_goes_with_everything_about_the_person_who_asks(told):
    told.complete()
    erase_holder_of(LOCAL_START["identification"]["token_uid"], timezone.now())
    assert left() == []


def test_what_is_erased_is_read_as_gone(told):
    told.complete()
    erase_by_age(told.now + LONG, timezone.now() + LONG)
    reading = told.read().json()
    assert (reading["information"], reading["age_s"]) == (None, 0)
    plan = told.read_plan().json()
    assert (plan["plan"], plan["history"][1]["wishes"]) == (None, None)
