"""From an operator's message to a settled amount: the API's own rows are reconciled and closed."""

from datetime import timedelta
from decimal import Decimal

import pytest

from roaming import models
from roaming.models.clock import set_business_clock
from settlement.use_cases.sdr_decision import accept_undecided
from settlement.use_cases.sdr_reconciliation import reconcile
from settlement.use_cases.settlement import draft_period, open_due_periods
from tests.roaming.api.messages import LOCAL_START, SDR, TARIFF, changed
from tests.settlement.sdrs import rules_of, standing_of


def at(now):
    set_business_clock(now, speed=0, ceiling=now)
    return now


@pytest.fixture
def send(client, connected_cast, csp_platform, now):
    at(now - timedelta(hours=1))

    def to(path, message):
        response = client.post(
            f"/api/v1/{path}",
            data=message,
            content_type="application/json",
            headers=connected_cast.visited_cso.headers,
        )
        assert response.status_code in (200, 201), response.content
        return response.json()

    response = client.put(
        "/api/v1/tariffs/T1", data=TARIFF, content_type="application/json",
        headers=connected_cast.visited_cso.headers,
    )  # fmt: skip
    assert response.status_code in (200, 201), response.content
    return to


@pytest.fixture
def seen(client, connected_cast):
    """What the home-CSP reads of an SDR: its state, and both prices."""

    def read(sdr_id):
        headers = connected_cast.home_csp.headers
        content = client.get(f"/api/v1/sdrs/{sdr_id}", headers=headers).json()
        names = ("state", "claimed_before_tax", "rated_before_tax")
        return {name: content[name] for name in names}

    return read


def test_a_message_becomes_a_settled_amount(send, seen, now):
    at(now)
    session = send("service-sessions/local-start", LOCAL_START)["service_session_id"]
    at(now + timedelta(hours=2))
    right = send("sdrs", changed(SDR, service_session_id=session))["sdr_id"]
    dear = changed(SDR, id="SDR-2", total_cost={"excl_vat": "5.50"})
    wrong = send("sdrs", dear | {"service_session_id": session})["sdr_id"]
    assert seen(right)["rated_before_tax"] is None
    reconcile("live", now + timedelta(hours=3))
    right, wrong = (models.Sdr.objects.get(pk=key) for key in (right, wrong))
    assert (standing_of(right).outcome, rules_of(right)) == ("agreed", [])
    assert (standing_of(wrong).outcome, rules_of(wrong)) == ("deviating", ["DUP-02", "PRC-01"])
    assert [seen(right.id), seen(wrong.id)] == [
        {"state": "rated", "claimed_before_tax": "5.00", "rated_before_tax": "5.00"},
        {"state": "deviating", "claimed_before_tax": "5.50", "rated_before_tax": "5.00"},
    ]
    assert accept_undecided(now + timedelta(days=4)).accepted == 1
    [october] = open_due_periods(now)
    draft_period(october.pk, october.during.upper + timedelta(hours=120))
    statement = october.statements.get()
    assert (statement.payable, statement.open_amount) == (Decimal("5.00"), Decimal("5.50"))
