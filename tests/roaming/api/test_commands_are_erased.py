"""What people wrote on commands is erased by age; that the command was given stays (5.4.3)."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from roaming.use_cases.erasure import erase_by_age
from tests.roaming.api.remote import EMERGENCY, command


@pytest.fixture
def old_command(remote):
    answer = remote.post("evses/DE*VIS*E001/unlock", {"home_csp": "DE-HOM", **EMERGENCY}).json()
    return answer["command_id"]


def long_after(now):
    return now + timedelta(days=settings.RETENTION_PERSONAL_DATA_DAYS + 1)


def test_old_words_are_erased_and_the_command_stays(remote, old_command, now):
    remote.result(old_command, "FAILED", reason="MECHANICAL", note="Call Mr Example")
    assert erase_by_age(now, timezone.now())["words of commands"] == 0
    assert erase_by_age(long_after(now), timezone.now())["words of commands"] == 1
    assert erase_by_age(long_after(now), timezone.now())["words of commands"] == 0
    row = command()
    assert (row.requested_by, row.why, row.note) == ("", "", "")
    assert (row.state, row.reason, row.use_case) == ("failed", "MECHANICAL", "UC5-3")


def test_of_a_command_under_way_nothing_is_erased(remote, old_command, now):
    assert erase_by_age(long_after(now), timezone.now())["words of commands"] == 0
    assert command().requested_by == EMERGENCY["requested_by"]
