"""The life of an agreement (IEC 63119-2, 5.4.6; domain.md, agreements).

Accepts: proposal, a party's recorded acceptance (by its platform too), suspension, resumption, end.
Refuses (AgreementError): a step that the state does not allow, an overlap with another agreement of
the pair for the same service, one person confirming their own record of a document. To a platform:
not_found, party_not_held, agreement_state, platform_suspended, party_suspended.
One that runs out is ended by the clock.
Leaves behind: the agreement's state, acceptances, dated suspensions, the services that it covers;
at each change of standing a delivery to both parties. It becomes active by the second party's
acceptance and by nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from psycopg.types.range import TimestamptzRange

from roaming.domain.refusals import Refusal
from roaming.hub_switch import Envelope, Route, Verdict, held_party, write_verdict
from roaming.hub_switch.agreement_notices import AgreementEvent, tell_parties
from roaming.hub_switch.route import check_operators
from roaming.models import (
    Agreement,
    AgreementAcceptance,
    AgreementService,
    AgreementSuspension,
    JournalEntry,
    OperatorPair,
    Role,
)

# A row of AUTH_USER_MODEL, which belongs to the project above this app.
User = Any
_BATCH = 100


class AgreementError(ValueError):
    """A step that cannot be taken; the text says why, for the person who tried."""


@dataclass(frozen=True, slots=True)
class AcceptanceRecord:
    """How a party said yes. By document, a second member of staff must have confirmed it."""

    party: str
    how: str
    reference: str
    recorded_by: User | None = None
    confirmed_by: User | None = None


def propose_agreement(agreement: Agreement, now: datetime) -> Agreement:
    """Lays a draft before the two parties. Refuses an overlap before anybody accepts anything."""
    with transaction.atomic():
        locked = _lock(agreement, Agreement.Status.DRAFT)
        if not locked.services:
            raise AgreementError("An agreement covers at least one service.")
        if locked.collection_mode == Agreement.CollectionMode.AGENT:
            # Holding other people's money needs a licence; nothing records its check yet.
            raise AgreementError("Collecting as agent is off: no licence check is recorded.")
        overlap = overlapping_agreements(locked).first()
        if overlap is not None:
            raise AgreementError(f"It overlaps with {overlap} for the same service.")
        locked.status = Agreement.Status.PROPOSED
        locked.save(update_fields=["status"])
        tell_parties(locked, AgreementEvent.PROPOSED, now)
    return locked


def overlapping_agreements(agreement: Agreement) -> QuerySet[Agreement]:
    """Agreements of the pair, active, suspended or ended, that share a service and a moment."""
    return Agreement.objects.filter(
        environment=agreement.environment,
        visited_cso=agreement.visited_cso_id,
        home_csp=agreement.home_csp_id,
        status__in=Agreement.EVER_IN_FORCE,
        services__overlap=agreement.services,
        validity__overlap=agreement.validity,
    ).exclude(pk=agreement.pk)


def accept_by_platform(
    envelope: Envelope, agreement_id: int, party: Role, identifier: str
) -> Agreement:
    """The yes of a party, by the platform that speaks for it. A repetition does no harm."""
    holder = held_party(envelope, identifier, party)
    check_operators(envelope.use_case, holder)
    side = "visited_cso" if party == Role.CSO else "home_csp"
    record = AcceptanceRecord(party.value, AgreementAcceptance.How.API, envelope.message_id)
    with transaction.atomic():
        agreement = (
            Agreement.objects.select_for_update(of=("self",))
            .filter(pk=agreement_id, environment=envelope.environment)
            .filter(**{side: holder.operator_id})
            .exclude(status=Agreement.Status.DRAFT)
            .first()
        )
        if agreement is None:
            raise Refusal("not_found", f"No agreement {agreement_id} of {holder} is known.")
        proposed = agreement.status == Agreement.Status.PROPOSED
        if not proposed and not agreement.acceptances.filter(party=party).exists():
            raise Refusal("agreement_state", f"The agreement is {agreement.status}.")
        try:
            accepted = accept_agreement(agreement, record, envelope.now, envelope.correlation_id)
        except AgreementError as error:
            raise Refusal("agreement_state", str(error)) from error
        cso, csp = (holder, None) if party == Role.CSO else (None, holder)
        write_verdict(
            envelope,
            Route(cso, csp, accepted),
            Verdict(JournalEntry.Outcome.ACCEPTED),
            object_key=f"agreement:{accepted.pk}",
        )
    return accepted


def accept_agreement(
    agreement: Agreement, record: AcceptanceRecord, now: datetime, correlation_id: str = ""
) -> Agreement:
    """Records a party's yes; the second one activates the agreement. A repetition does no harm."""
    if record.how == AgreementAcceptance.How.DOCUMENT and (
        record.confirmed_by is None or record.confirmed_by == record.recorded_by
    ):
        raise AgreementError("A second member of staff has to confirm the document.")
    with transaction.atomic():
        locked = Agreement.objects.select_for_update().get(pk=agreement.pk)
        if locked.status == Agreement.Status.DRAFT:
            raise AgreementError("Propose the agreement first.")
        AgreementAcceptance.objects.get_or_create(
            agreement=locked,
            party=record.party,
            defaults={
                "how": record.how,
                "reference": record.reference,
                "recorded_by": record.recorded_by,
                "confirmed_by": record.confirmed_by,
                "at": now,
            },
        )
        if locked.status == Agreement.Status.PROPOSED and locked.acceptances.count() == 2:
            _activate(locked)
            tell_parties(locked, AgreementEvent.ACTIVATED, now, correlation_id)
    return locked


def _activate(agreement: Agreement) -> None:
    agreement.status = Agreement.Status.ACTIVE
    agreement.save(update_fields=["status"])
    OperatorPair.objects.get_or_create(
        visited_cso=agreement.visited_cso, home_csp=agreement.home_csp
    )
    try:
        with transaction.atomic():
            AgreementService.objects.bulk_create(
                AgreementService(
                    agreement=agreement,
                    environment=agreement.environment,
                    visited_cso=agreement.visited_cso,
                    home_csp=agreement.home_csp,
                    service=service,
                    validity=agreement.validity,
                )
                for service in agreement.services
            )
    except IntegrityError as error:
        raise AgreementError(
            "Another agreement of the two covers one of the services at the same time."
        ) from error


def suspend_agreement(
    agreement: Agreement, now: datetime, reason: str, ordered_by: User | None
) -> Agreement:
    """Stops new business from now on; what runs goes on."""
    if not reason.strip():
        raise AgreementError("Say why.")
    with transaction.atomic():
        locked = _lock(agreement, Agreement.Status.ACTIVE)
        locked.status = Agreement.Status.SUSPENDED
        locked.save(update_fields=["status"])
        AgreementSuspension.objects.create(
            agreement=locked,
            during=TimestamptzRange(now, None),
            reason=reason,
            ordered_by=ordered_by,
        )
        tell_parties(locked, AgreementEvent.SUSPENDED, now)
    return locked


def resume_agreement(agreement: Agreement, now: datetime) -> Agreement:
    """Ends a suspension."""
    with transaction.atomic():
        locked = _lock(agreement, Agreement.Status.SUSPENDED)
        _end_suspensions(locked, now)
        locked.status = Agreement.Status.ACTIVE
        locked.save(update_fields=["status"])
        tell_parties(locked, AgreementEvent.RESUMED, now)
    return locked


def end_agreement(agreement: Agreement, now: datetime) -> Agreement:
    """Ends an agreement now: no new business; sessions that run are settled under it."""
    with transaction.atomic():
        locked = Agreement.objects.select_for_update().get(pk=agreement.pk)
        if locked.status not in (Agreement.Status.ACTIVE, Agreement.Status.SUSPENDED):
            raise AgreementError(f"The agreement is {locked.status}.")
        if locked.status == Agreement.Status.SUSPENDED:
            _end_suspensions(locked, now)
        begins = locked.validity.lower
        if now <= begins:
            raise AgreementError("The agreement has not begun.")
        if locked.validity.upper is None or now < locked.validity.upper:
            locked.validity = TimestamptzRange(begins, now)
        locked.status = Agreement.Status.ENDED
        locked.save(update_fields=["status", "validity"])
        tell_parties(locked, AgreementEvent.ENDED, now)
    return locked


def end_agreements_that_ran_out(now: datetime) -> int:
    """Ends one batch of those whose validity is over, and tells both parties, each once.

    Nothing passes under them anyway from that moment on. Returns how many.
    """
    with transaction.atomic():
        over = list(
            Agreement.objects.select_for_update(of=("self",), skip_locked=True)
            .select_related("visited_cso", "home_csp")
            .filter(
                status__in=[Agreement.Status.ACTIVE, Agreement.Status.SUSPENDED],
                validity__endswith__lte=now,
            )
            .order_by("pk")[:_BATCH]
        )
        for agreement in over:
            _end_suspensions(agreement, now)
            agreement.status = Agreement.Status.ENDED
            agreement.save(update_fields=["status"])
            tell_parties(agreement, AgreementEvent.ENDED, agreement.validity.upper)
    return len(over)


def _end_suspensions(agreement: Agreement, now: datetime) -> None:
    for suspension in agreement.suspensions.filter(during__endswith__isnull=True):
        suspension.during = TimestamptzRange(suspension.during.lower, now)
        suspension.save(update_fields=["during"])


def _lock(agreement: Agreement, expected: Agreement.Status) -> Agreement:
    locked = Agreement.objects.select_for_update().get(pk=agreement.pk)
    if locked.status != expected:
        raise AgreementError(f"The agreement is {locked.status}, not {expected}.")
    return locked
