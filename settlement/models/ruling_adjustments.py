"""What a dispute changes after settlement: a credit of the clearing house (settlement.md, 1).

A settled SDR stays as it is. What it was settled at too much is a credit SDR of its own, written by
the clearing house, accepted on the basis of the ruling; the next period to close takes it up as an
adjustment of the earlier one, like any late credit.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings

from roaming.domain.sdr import Basis, Outcome, SdrLifeState
from roaming.domain.secrets import fingerprint
from roaming.domain.uuid7 import moment_of, period_of, uuid7_at
from roaming.models import Sdr, SdrEvent, SdrRegistry, SdrState
from settlement.models.disputes import Dispute

_ARRIVAL = "SELECT nextval('roaming_sdr_arrival')"


def write_adjustments(cursor: Any, disputes: Sequence[Dispute], now: datetime) -> list[Sdr]:
    """A credit for each dispute that ended below what its SDR had been settled at."""
    written = []
    for dispute in disputes:
        if dispute.settled_before is None or dispute.amount is None:
            continue
        difference = dispute.amount - dispute.settled_before
        if difference < 0:
            written.append(_credit(cursor, dispute, difference, now))
    return written


def reference_of(dispute: Dispute) -> str:
    """The id of the credit that a dispute leads to."""
    return f"CLEARING-HOUSE-{dispute.name}"


def _credit(cursor: Any, dispute: Dispute, difference: Decimal, now: datetime) -> Sdr:
    original = dispute.sdr
    key = uuid7_at(moment_of(original.pk))
    cursor.execute(_ARRIVAL)
    SdrRegistry.objects.create(
        environment=original.environment,
        visited_cso_id=original.visited_cso_id,
        reference=reference_of(dispute),
        sdr_id=key,
        content_hmac=fingerprint(settings.HMAC_KEY, "ruling", dispute.name),
    )
    credit = Sdr.objects.create(
        id=key,
        environment=original.environment,
        period=period_of(key),
        pair_id=original.pair_id,
        arrival=cursor.fetchone()[0],
        sent_by_id=original.sent_by_id,
        visited_cso_id=original.visited_cso_id,
        home_csp_id=original.home_csp_id,
        agreement_id=original.agreement_id,
        reference=reference_of(dispute),
        evse_id=original.evse_id,
        evse_key=original.evse_key,
        country=original.country,
        time_zone=original.time_zone,
        started_at=original.started_at,
        ended_at=original.ended_at,
        energy_kwh=Decimal(0),
        currency=original.currency,
        claim_before_tax=difference,
        credit=True,
        credit_reference=original.reference,
        rated_part="{}",
        received_at=now,
    )
    SdrState.objects.create(
        sdr=credit,
        environment=credit.environment,
        period=credit.period,
        pair_id=credit.pair_id,
        state=SdrLifeState.ACCEPTED.value,
        outcome=Outcome.AGREED.value,
        matched_by="credit_reference",
        settled_amount=difference,
        basis=Basis.RULING.value,
        visible_at=now,
        reconciled_at=now,
    )
    _tell(credit, original, dispute, now)
    return credit


def _tell(credit: Sdr, original: Sdr, dispute: Dispute, now: datetime) -> None:
    """Both logs name the dispute. The original counts as credited: a second credit is DUP-04."""
    states = {credit.pk: "received", original.pk: original.standing.state}
    accepted = {credit.pk: SdrLifeState.ACCEPTED.value, original.pk: original.standing.state}
    for sdr, reason in ((credit, dispute.result), (original, "credited")):
        key: uuid.UUID = uuid7_at(moment_of(sdr.pk))
        SdrEvent.objects.create(
            id=key,
            environment=sdr.environment,
            period=period_of(key),
            pair_id=sdr.pair_id,
            sdr_id=sdr.pk,
            from_state=states[sdr.pk],
            to_state=accepted[sdr.pk],
            actor="clearing house",
            reason=reason,
            note=f"dispute {dispute.name}, credit {credit.reference}",
            at=now,
        )
