"""The SDR of a reservation to which nobody came reconciles as authorised; of others it does not."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from roaming.domain.reservation import SESSION_FOLLOWS, ReservationState
from settlement.domain.reconciliation.authorisation import without_authorisation
from settlement.domain.reconciliation.case import Case, Claim, SessionEvidence

TEN = datetime(2026, 10, 5, 8, tzinfo=UTC)
CLAIM = Claim(
    reference="SDR-R",
    arrival=1,
    pair_id=7,
    home_csp_id=2,
    service_session_id=uuid.UUID(int=1),
    token_hmac=None,  # nobody identified
    authorised="",
    evse_id="DE*VIS*E001",
    evse_key="DEVISE001",
    started_at=TEN,
    ended_at=TEN + timedelta(hours=1),
    received_at=TEN + timedelta(hours=2),
    energy_kwh=Decimal(0),
    currency="EUR",
    before_tax=Decimal(4),
)


def case_of(state: ReservationState, **fields: object) -> Case:
    session = SessionEvidence(
        session_id=uuid.UUID(int=1),
        pair_id=7,
        state=SESSION_FOLLOWS[state].value,
        token_hmac=b"token",
        opened_at=TEN,
    )
    return Case(claim=replace(CLAIM, **fields), session=session)


@pytest.mark.parametrize("token", [None, b"token"])
def test_a_no_show_needs_no_authentication(token):
    assert without_authorisation(case_of(ReservationState.NO_SHOW, token_hmac=token)) is None


@pytest.mark.parametrize(
    "state",
    [
        ReservationState.REQUESTED,
        ReservationState.REJECTED,
        ReservationState.CANCELLED,
        ReservationState.EXPIRED,
    ],
)
def test_what_ended_otherwise_is_claimed_without_authorisation(state):
    verdict = without_authorisation(case_of(state))
    assert verdict is not None
    assert verdict.money_at_stake == 4


def test_a_no_show_is_of_whoever_reserved():
    verdict = without_authorisation(case_of(ReservationState.NO_SHOW, token_hmac=b"other"))
    assert verdict is not None
    assert verdict.causes == ("other_token",)
