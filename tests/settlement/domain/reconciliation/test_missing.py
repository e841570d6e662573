"""TIM-09 says of one session what the queue of missing SDRs says of all."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from roaming import models
from roaming.domain.session import SessionState
from settlement.domain.reconciliation.missing import CompletedSession, sdr_missing
from settlement.domain.reconciliation.rules import SESSION_RULES
from tests.settlement.domain.reconciliation.right import HOUR, TEN
from tests.settlement.sdrs import Trade

AFTER = timedelta(hours=24)


def session(**fields):
    right = {
        "state": "completed",
        "opened_at": TEN,
        "last_news": TEN + HOUR,
        "accounted_for": False,
        "now": TEN + 26 * HOUR,
        "missing_after": AFTER,
    }
    return CompletedSession(**{**right, **fields})


def test_it_fires():
    verdict = sdr_missing(session())
    assert verdict is not None
    assert verdict.expected == "an SDR by 2026-10-06T09:00:00Z"


@pytest.mark.parametrize(
    "fields",
    [{"state": "active"}, {"accounted_for": True}, {"now": TEN + 25 * HOUR}],
)
def test_it_keeps_silent(fields):
    assert sdr_missing(session(**fields)) is None


def test_it_is_in_the_registry():
    assert [rule.id for rule in SESSION_RULES] == ["TIM-09"]


@given(
    state=st.sampled_from([state.value for state in SessionState]),
    opened_h=st.sampled_from([0, 1, 23, 30]),
    completed_after_h=st.sampled_from([None, 0, 1, 5]),
    accounted_for=st.booleans(),
)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_the_queue_holds_the_sessions_on_which_it_fires(
    cast, settings, state, opened_h, completed_after_h, accounted_for
):
    settings.SDR_MISSING_HOURS = 24
    now, opened = TEN + 30 * HOUR, TEN + opened_h * HOUR
    completed = None if completed_after_h is None else opened + completed_after_h * HOUR
    row = Trade.of(cast).session(
        opened, state=state, completed_at=completed, sdr_accounted_for=accounted_for
    )
    verdict = sdr_missing(
        session(
            state=state,
            opened_at=opened,
            last_news=completed or opened,
            accounted_for=accounted_for,
            now=now,
        )
    )
    queued = models.ServiceSession.objects.without_sdr(now).filter(pk=row.pk).exists()
    assert queued == (verdict is not None)
