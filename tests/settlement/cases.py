"""Rows as the domain's cases, read with the ORM: what the set-based rules are held against."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings

from roaming import models
from roaming.domain.money import Rounding
from roaming.domain.sdr import Severity
from roaming.domain.session import WITHOUT_AUTHORISATION
from roaming.domain.tariff import Asked, Version
from roaming.domain.time_zones import find_zone
from roaming.domain.whitelist import Distributed, Whitelist
from settlement.domain.reconciliation.body import BodyCase, read_stated
from settlement.domain.reconciliation.case import (
    Case,
    Claim,
    Neighbour,
    OfflineEvidence,
    OwnRecord,
    PriceEvidence,
    SessionEvidence,
    Terms,
    Verdict,
)
from settlement.domain.reconciliation.identity import CreditCase
from settlement.domain.reconciliation.matching import Match, MatchedBy, Trace, find_match
from settlement.domain.reconciliation.outcome import Judgement, judge
from settlement.domain.reconciliation.rerating import Rerated, Rerater, ToRerate
from settlement.domain.reconciliation.rule import BodyRule
from settlement.domain.reconciliation.rule_settings import (
    Parties,
    Rulings,
    allowances_of,
    rulings_for,
    severity_by,
)
from settlement.domain.reconciliation.tariff_store import TariffStore
from settlement.domain.reconciliation.tolerances import Allowance, Tolerances
from settlement.models import CspRecord, RuleSetting
from tests.settlement.sdrs import standing_of


def judged(
    sdr: models.Sdr,
    rows: Sequence[models.Sdr],
    in_body: Sequence[tuple[BodyRule, Verdict]] = (),
    reserved: bool = False,
    now: datetime | None = None,
) -> Judgement:
    """What the pure rules say of an SDR among others. `in_body`: what they found in its body;
    `reserved`: it charges for a reservation."""
    rulings = rulings_of(sdr)
    matched = match_of(sdr)
    record = record_match_of(sdr)
    own = CspRecord.objects.filter(id__in=record.candidates).order_by("id")
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
                identification_method=sdr.identification_method,
                authorization_reference=sdr.authorization_reference,
                cso_session_id=sdr.cso_session_id,
                total_time_h=sdr.total_time_h,
            ),
            services=_services(sdr),
            reserved=reserved,
            session=_session(sdr, matched.key),
            session_candidates=matched.candidates,
            record=_record(record.key),
            record_candidates=tuple(row.reference for row in own),
            judged_at=now,
            offline=_offline(sdr),
            terms=_terms(sdr.agreement),
            price=_price(sdr),
            evse_owned=_owned(sdr),
            neighbours=tuple(
                _neighbour(row)
                for row in rows
                if row.id != sdr.id and standing_of(row).state not in ("rejected", "credited")
            ),
        ),
        {verdict.severity or rule.severity for rule, verdict in in_body}
        | _at_the_door(sdr, rulings),
        rulings,
    )


def rulings_of(sdr: models.Sdr) -> Rulings:
    """What staff set for the parties of an SDR."""
    parties = Parties(sdr.agreement_id, sdr.pair.visited_cso_id, sdr.pair.home_csp_id)
    return rulings_for(parties, [row.as_value() for row in RuleSetting.objects.all()])


def _at_the_door(sdr: models.Sdr, rulings: Rulings) -> set[Severity]:
    found = models.Finding.objects.filter(sdr=sdr, superseded_at=None)
    counted = [severity_by(rulings, row.rule, Severity(row.severity)) for row in found]
    return {severity for severity in counted if severity is not None}


def match_of(sdr: models.Sdr) -> Match:
    """The session that the SDR names, that was chosen for it, or that fits it."""
    chosen = standing_of(sdr).chosen_session_id
    if chosen or sdr.service_session_id:
        by = MatchedBy.CHOSEN if chosen else MatchedBy.SESSION_ID
        return Match(chosen or sdr.service_session_id, by)
    return find_match(
        _trace(sdr),
        (
            (
                row.id,
                Trace(
                    pair_id=row.pair_id,
                    service_session_id=row.id,
                    authorization_reference=row.authorization_reference,
                    token_hmac=bytes(row.token_hmac),
                    evse_key=row.evse.key,
                    started_at=row.opened_at,
                    ended_at=row.ended_at,
                ),
            )
            for row in models.ServiceSession.objects.filter(environment=sdr.environment)
            if row.state not in WITHOUT_AUTHORISATION
        ),
    )


def _trace(sdr: models.Sdr) -> Trace:
    return Trace(
        pair_id=sdr.pair_id,
        service_session_id=sdr.service_session_id,
        authorization_reference=sdr.authorization_reference,
        token_hmac=sdr.token_hmac and bytes(sdr.token_hmac),
        evse_key=sdr.evse_key,
        started_at=sdr.started_at,
        ended_at=sdr.ended_at,
    )


def record_match_of(sdr: models.Sdr) -> Match:
    """The home-CSP's own record that fits the SDR and its session."""
    session_id = match_of(sdr).key
    session = models.ServiceSession.objects.filter(
        id=session_id, environment=sdr.environment, pair=sdr.pair_id
    ).first()
    wanted = replace(_trace(sdr), service_session_id=session_id)
    if not wanted.authorization_reference and session is not None:
        wanted = replace(wanted, authorization_reference=session.authorization_reference)
    return find_match(
        wanted,
        (
            (
                row.id,
                Trace(
                    pair_id=row.pair_id,
                    service_session_id=row.service_session_id,
                    authorization_reference=row.authorization_reference,
                    token_hmac=row.token_hmac and bytes(row.token_hmac),
                    evse_key=row.evse_key,
                    started_at=row.started_at,
                    ended_at=row.ended_at,
                ),
            )
            for row in CspRecord.objects.filter(environment=sdr.environment)
        ),
    )


def _record(key: uuid.UUID | None) -> OwnRecord | None:
    row = CspRecord.objects.filter(id=key).first()
    if row is None:
        return None
    return OwnRecord(
        energy_kwh=row.energy_kwh,
        started_at=row.started_at,
        ended_at=row.ended_at,
        currency=row.currency,
        before_tax=row.before_tax,
        evse_id=row.evse_id,
        evse_key=row.evse_key,
        token_hmac=row.token_hmac and bytes(row.token_hmac),
    )


def _session(sdr: models.Sdr, key: uuid.UUID | None) -> SessionEvidence | None:
    row = models.ServiceSession.objects.filter(id=key, environment=sdr.environment).first()
    if row is None:
        return None
    return SessionEvidence(
        session_id=row.id,
        pair_id=row.pair_id,
        state=row.state,
        token_hmac=bytes(row.token_hmac),
        opened_at=row.opened_at,
        evse_id=row.evse.evse_id,
        evse_key=row.evse.key,
        identification_method=row.identification_method,
        authorised=row.authorised,
        authorization_reference=row.authorization_reference,
        completed_kwh=row.energy_kwh if row.state == "completed" and row.ended_at else None,
    )


def _services(sdr: models.Sdr) -> frozenset[str]:
    """What the two had agreed on when the session opened."""
    session = models.ServiceSession.objects.filter(id=match_of(sdr).key).first()
    matched = session is not None and session.pair_id == sdr.pair_id
    opening = session.opened_at if session is not None and matched else sdr.started_at
    rows = models.AgreementService.objects.filter(
        environment=sdr.environment,
        visited_cso=sdr.pair.visited_cso,
        home_csp=sdr.pair.home_csp,
    )
    return frozenset(row.service for row in rows if opening in row.validity)


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
        csp_record_hours=settings.CSP_RECORD_HOURS if agreement.requires_csp_record else None,
    )


def _neighbour(row: models.Sdr) -> Neighbour:
    matched = match_of(row) if standing_of(row).state == "validated" else Match()
    return Neighbour(
        matched_session_id=matched.key,
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
        cso_session_id=row.cso_session_id,
    )


def body_of(sdr: models.Sdr) -> BodyCase:
    """The body of an SDR as the rules see it."""
    sdr.agreement.refresh_from_db()
    stated = read_stated(sdr.rated_part)
    assert stated is not None, "the tests write readable bodies"
    rerated = _rerated(sdr)
    evse = models.Evse.objects.filter(environment=sdr.environment, key=sdr.evse_key).first()
    connector = evse and evse.connectors.filter(connector_id=sdr.connector_id).first()
    limit = connector.max_power_w if connector else None
    terms = sdr.agreement
    return BodyCase(
        stated=stated,
        started_at=sdr.started_at,
        ended_at=sdr.ended_at,
        energy_kwh=sdr.energy_kwh,
        before_tax=sdr.claim_before_tax,
        currency=sdr.currency,
        time_zone=find_zone(sdr.time_zone),
        periods=rerated.parsed.charging_periods if rerated.parsed else (),
        priced=rerated.priced,
        max_power_kw=None if limit is None else Decimal(limit) / 1000,
        connector_id=sdr.connector_id,
        connector_unknown=bool(evse and sdr.connector_id and not connector),
        requires_signed_meter_data=terms.requires_signed_meter_data,
        tolerances=Tolerances(
            Allowance(terms.tolerance_energy_kwh, terms.tolerance_energy_share),
            Allowance(Decimal(terms.tolerance_time_s)),
            Allowance(terms.tolerance_money, terms.tolerance_money_share),
        ),
    )


def _price(sdr: models.Sdr) -> PriceEvidence:
    return _rerated(sdr).price


def _rerated(sdr: models.Sdr) -> Rerated:
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
    money = allowances_of(rulings_of(sdr)).get(
        "PRC-01", Allowance(agreement.tolerance_money, agreement.tolerance_money_share)
    )
    notice = timedelta(hours=agreement.tariff_notice_hours)
    return Rerater(store).rerate(
        ToRerate(
            rated_part=sdr.rated_part,
            time_zone=sdr.time_zone,
            asked=Asked(sdr.visited_cso_id, sdr.home_csp_id, sdr.started_at, notice),
            tariff_ids=(sdr.tariff_id,) if sdr.tariff_id else (),
            before_tax=sdr.claim_before_tax,
            currency=sdr.currency,
            rounding=Rounding(agreement.rounding),
            tolerance_money=money.absolute,
            tolerance_money_share=money.share,
        )
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
