"""Rows as the domain's cases, read with the ORM: what the set-based rules are held against."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from roaming import models
from roaming.domain.money import Rounding
from roaming.domain.tariff import Asked, Version
from roaming.domain.whitelist import Distributed, Whitelist
from settlement.domain.reconciliation.case import (
    Case,
    Claim,
    Neighbour,
    OfflineEvidence,
    PriceEvidence,
    SessionEvidence,
    Terms,
)
from settlement.domain.reconciliation.identity import CreditCase
from settlement.domain.reconciliation.outcome import Judgement, judge
from settlement.domain.reconciliation.rerating import Rerater, ToRerate
from settlement.domain.reconciliation.tariff_store import TariffStore
from tests.settlement.sdrs import standing_of


def judged(sdr: models.Sdr, rows: Sequence[models.Sdr]) -> Judgement:
    """What the pure rules say of an SDR among others."""
    return judge(
        Case(
            claim=Claim(
                reference=sdr.reference,
                arrival=sdr.arrival,
                pair_id=sdr.pair_id,
                home_csp_id=sdr.home_csp_id,
                service_session_id=sdr.service_session_id,
                token_hmac=sdr.token_hmac,
                authorised=sdr.authorised,
                evse_id=sdr.evse_id,
                evse_key=sdr.evse_key,
                started_at=sdr.started_at,
                ended_at=sdr.ended_at,
                received_at=sdr.received_at,
                energy_kwh=sdr.energy_kwh,
                currency=sdr.currency,
                before_tax=sdr.claim_before_tax,
            ),
            session=_session(sdr),
            offline=_offline(sdr),
            terms=_terms(sdr.agreement),
            price=_price(sdr),
            evse_owned=_owned(sdr),
            neighbours=tuple(
                _neighbour(row)
                for row in rows
                if row.id != sdr.id and standing_of(row).state not in ("rejected", "credited")
            ),
        )
    )


def _session(sdr: models.Sdr) -> SessionEvidence | None:
    row = models.ServiceSession.objects.filter(id=sdr.service_session_id).first()
    if row is None:
        return None
    return SessionEvidence(
        pair_id=row.pair_id,
        state=row.state,
        token_hmac=bytes(row.token_hmac),
        opened_at=row.opened_at,
        evse_id=row.evse.evse_id,
        evse_key=row.evse.key,
    )


def _owned(sdr: models.Sdr) -> tuple[tuple[datetime, datetime | None], ...]:
    rows = models.EvseOwnership.objects.filter(
        evse__environment=sdr.environment,
        evse__key=sdr.evse_key,
        visited_cso__operator=sdr.visited_cso.operator,
    )
    return tuple((row.during.lower, row.during.upper) for row in rows)


def _offline(sdr: models.Sdr) -> OfflineEvidence:
    """What was distributed of the SDR's token when its session started."""
    covering = models.AgreementService.objects.filter(
        environment=sdr.environment,
        visited_cso=sdr.visited_cso.operator,
        home_csp=sdr.home_csp.operator,
        service="offline",
    )
    versions = [
        row
        for row in models.IdentificationVersion.objects.filter(home_csp=sdr.home_csp)
        if row.environment == sdr.environment
        and sdr.token_hmac is not None
        and bytes(row.token_hmac) == bytes(sdr.token_hmac)
        and row.received_at <= sdr.started_at
    ]
    latest = max(versions, key=lambda row: (row.received_at, row.id), default=None)
    return OfflineEvidence(
        covered=any(sdr.started_at in row.validity for row in covering),
        distributed=latest
        and Distributed(
            Whitelist(latest.whitelist), latest.valid, latest.expires_at, latest.removed
        ),
    )


def _terms(agreement: models.Agreement) -> Terms:
    agreement.refresh_from_db()
    return Terms(
        valid_from=agreement.validity.lower,
        valid_to=agreement.validity.upper,
        suspensions=tuple(
            (suspension.during.lower, suspension.during.upper)
            for suspension in agreement.suspensions.all()
        ),
        currency=agreement.currency,
        tolerance_energy_kwh=agreement.tolerance_energy_kwh,
        tolerance_energy_share=agreement.tolerance_energy_share,
        tolerance_time_s=agreement.tolerance_time_s,
        tolerance_money=agreement.tolerance_money,
        tolerance_money_share=agreement.tolerance_money_share,
        sdr_window_hours=agreement.sdr_window_hours,
    )


def _neighbour(row: models.Sdr) -> Neighbour:
    return Neighbour(
        reference=row.reference,
        arrival=row.arrival,
        decided=standing_of(row).state in ("accepted", "settled"),
        pair_id=row.pair_id,
        home_csp_id=row.home_csp_id,
        service_session_id=row.service_session_id,
        token_hmac=row.token_hmac,
        evse_key=row.evse_key,
        started_at=row.started_at,
        ended_at=row.ended_at,
    )


def _price(sdr: models.Sdr) -> PriceEvidence:
    store = TariffStore(
        Version(
            version.pk,
            version.visited_cso_id,
            version.home_csp_id,
            version.tariff_id,
            version.valid_from,
            version.valid_to,
            version.received_at,
            version.withdrawn,
            version.body,
            version.on_request,
        )
        for version in models.TariffVersion.objects.all()
    )
    agreement = sdr.agreement
    notice = timedelta(hours=agreement.tariff_notice_hours)
    return (
        Rerater(store)
        .rerate(
            ToRerate(
                rated_part=sdr.rated_part,
                time_zone=sdr.time_zone,
                asked=Asked(sdr.visited_cso_id, sdr.home_csp_id, sdr.started_at, notice),
                tariff_ids=(sdr.tariff_id,) if sdr.tariff_id else (),
                before_tax=sdr.claim_before_tax,
                currency=sdr.currency,
                rounding=Rounding(agreement.rounding),
                tolerance_money=agreement.tolerance_money,
                tolerance_money_share=agreement.tolerance_money_share,
            )
        )
        .price
    )


def credit_case(row: models.Sdr, original: models.Sdr, taken: bool) -> CreditCase:
    """A credit beside the SDR of the test; `taken`: that one is credited already."""
    found = row.credit_reference == original.reference
    return CreditCase(
        reference=row.reference,
        credit_reference=row.credit_reference,
        before_tax=row.claim_before_tax,
        after_tax=row.claim_after_tax,
        currency=row.currency,
        home_csp_id=row.home_csp_id,
        has_agreement=row.agreement_id is not None,
        original_found=found,
        original_before_tax=original.claim_before_tax if found else None,
        original_after_tax=original.claim_after_tax if found else None,
        original_currency=original.currency if found else "",
        original_home_csp_id=original.home_csp_id if found else None,
        credited=found and taken,
    )
