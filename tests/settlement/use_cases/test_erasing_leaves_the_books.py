"""Erasing personal data leaves trial balance and statements as they were (5.4.3)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from roaming import models
from roaming.use_cases.erasure import erase_by_age
from settlement.models import LedgerEntry, Posting, Statement, StatementLine
from settlement.use_cases.books import trial_balance
from tests.settlement.closing import Closing

pytestmark = pytest.mark.django_db


def books() -> list[Any]:
    return [
        sorted(map(repr, kind.objects.values_list()))
        for kind in (LedgerEntry, Posting, Statement, StatementLine, models.SdrState, models.Sdr)
    ]


def test_erased_sdrs_stay_settled_and_proven(cast, now):
    closing = Closing.of_two(cast)
    closing.draft()
    closing.publish()
    closing.finalise()
    before, balance = books(), trial_balance("live")
    for sdr in models.Sdr.objects.all():
        models.SdrOriginal.objects.get_or_create(
            sdr=sdr, defaults={"token_uid": "04A2B3C4D5E6F7", "content": "{}"}
        )
    later = timedelta(days=10_000)
    done = erase_by_age(now + later, timezone.now() + later)
    assert done["originals of SDRs"] > 0
    assert not models.SdrOriginal.objects.exists()
    assert books() == before
    assert trial_balance("live") == balance
    assert balance.balanced
