"""What SQL says of an offline start is what the pure functions say, at every edge of time (AUT)."""

from datetime import timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from roaming import models
from settlement.use_cases.sdr_reconciliation import reconcile
from tests import factories
from tests.settlement.cases import judged
from tests.settlement.sdrs import OCTOBER_5, TOKEN, Trade, announce, standing_of

NOW = OCTOBER_5 + timedelta(days=3)
EDGES = [-1, 0, 1]  # minutes around the start of the session

versions = st.lists(
    st.fixed_dictionaries(
        {
            "received": st.sampled_from([-60, -60, *EDGES]),
            "token": st.sampled_from([TOKEN, TOKEN, TOKEN, b"o" * 32]),
            "environment": st.sampled_from(["live", "live", "live", "test"]),
            "own": st.sampled_from([True, True, True, False]),
            "valid": st.sampled_from([True, True, True, False]),
            "removed": st.sampled_from([False, False, False, True]),
            "expires": st.sampled_from([None, None, *EDGES]),
            "whitelist": st.sampled_from(["ALWAYS", "ALLOWED", "ALLOWED_OFFLINE", "NEVER"]),
        }
    ),
    max_size=3,
)


def minutes(number):
    return None if number is None else OCTOBER_5 + timedelta(minutes=number)


@pytest.fixture
def trade(cast):
    announce(cast.visited_cso.identifier)
    return Trade.of(cast)


@given(
    versions,
    st.sampled_from(["OFFLINE"] * 4 + ["ONLINE", ""]),
    st.sampled_from([TOKEN] * 4 + [None]),
    st.sampled_from([None, None, *EDGES]),
    st.sampled_from(["10", "10", "12"]),
)
@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)
def test_offline_starts(cast, trade, distributed, authorised, token, covered_from, claim):
    with transaction.atomic():
        for plan in distributed:
            models.IdentificationVersion.objects.create(
                environment=plan["environment"],
                home_csp=(cast.home_csp if plan["own"] else cast.outsider).identifier,
                token_hmac=plan["token"],
                valid=plan["valid"],
                whitelist=plan["whitelist"],
                expires_at=minutes(plan["expires"]),
                removed=plan["removed"],
                received_at=minutes(plan["received"]),
            )
        if covered_from is not None:
            _cover_offline_from(trade, minutes(covered_from))
        sdr = trade.sdr(authorised=authorised, token_hmac=token, claim=claim)
        expected = judged(sdr, [sdr])
        reconcile("live", NOW)
        standing = standing_of(sdr)
        found = models.Finding.objects.filter(sdr=sdr, superseded_at=None)
        assert (standing.outcome, standing.state) == (
            expected.outcome.value, expected.state.value,
        )  # fmt: skip
        assert sorted((row.rule, row.claimed, row.expected, row.causes) for row in found) == sorted(
            (rule.id, verdict.claimed, verdict.expected, list(verdict.causes))
            for rule, verdict in expected.failed
        )
        transaction.set_rollback(True)


def _cover_offline_from(trade, moment):
    """Another agreement covers offline identification, from this moment on."""
    models.AgreementService.objects.filter(service="offline").delete()
    calendar = factories.CalendarFactory()
    agreement = models.Agreement.objects.create(
        visited_cso=trade.visited_cso.operator, home_csp=trade.home_csp.operator,
        services=["offline"], validity=(moment, None), calendar=calendar,
    )  # fmt: skip
    models.AgreementService.objects.create(
        agreement=agreement,
        environment="live",
        visited_cso=agreement.visited_cso,
        home_csp=agreement.home_csp,
        service="offline",
        validity=agreement.validity,
    )
