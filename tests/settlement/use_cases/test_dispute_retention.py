"""Files and e-mails of disputes go by age; that there was a file, and which, stays."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from settlement.domain.disputes import Step
from settlement.models import OutgoingMail
from settlement.models.evidence_files import read_file
from settlement.use_cases.dispute import add_evidence, take_dispute_step
from settlement.use_cases.dispute_retention import Forgotten, forget_by_age
from tests.settlement.disputing import CSO, DAY, HOUR, NOW, disputed
from tests.settlement.sdrs import OCTOBER_5, Trade, announce

SAME, OWN = b"%PDF-1.7 the same of both", b"%PDF-1.7 of one"


@pytest.fixture
def two(cast, settings, tmp_path):
    """An ended dispute and a live one; one file was brought to both."""
    settings.DISPUTE_FILES_DIR = tmp_path
    announce(cast.visited_cso.identifier)
    trade = Trade.of(cast)
    ended, live = disputed(trade), disputed(trade, session=trade.session(OCTOBER_5 - 2 * HOUR))
    for dispute, content in ((ended, SAME), (ended, OWN), (live, SAME)):
        add_evidence(dispute.pk, CSO, "file", content, NOW)
    take_dispute_step(ended.pk, Step.CONCEDE, CSO, NOW)
    return ended, live


def test_bytes_of_old_disputes_go_unless_a_younger_one_needs_them(two, settings):
    ended, live = two
    late = NOW + settings.RETENTION_PERSONAL_DATA_DAYS * DAY
    assert forget_by_age(late, timezone.now()).files == 0
    assert forget_by_age(late + HOUR, timezone.now()).files == 1
    assert forget_by_age(late + HOUR, timezone.now()).files == 0
    kept = {file.sha256: read_file(file.sha256) for file in ended.evidence.all()}
    assert sorted(kept.values(), key=bool) == [None, SAME]
    assert read_file(live.evidence.get().sha256) == SAME
    assert ended.evidence.count() == 2


def test_mails_that_went_out_long_ago_go_and_those_that_wait_stay(two, settings):
    OutgoingMail.objects.update(state="sent")
    waiting = OutgoingMail.objects.first()
    waiting.state = "waiting"
    waiting.save()
    count = OutgoingMail.objects.count()
    late = timezone.now() + timedelta(days=settings.RETENTION_MESSAGES_DAYS, hours=1)
    assert forget_by_age(NOW, timezone.now()) == Forgotten(0, 0)
    assert forget_by_age(NOW, late) == Forgotten(0, count - 1)
    assert OutgoingMail.objects.get() == waiting
