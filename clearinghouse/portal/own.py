"""The one way of the portal to rows: every query begins here, with what is the viewer's operator's.

A row of others is not found, whatever key is asked for. Test and live are never mixed.
"""

from __future__ import annotations

import uuid

from django.db.models import Q, QuerySet

from clearinghouse.models import Invitation, Membership
from clearinghouse.portal.viewer import Viewer
from roaming.models import (
    Agreement,
    Finding,
    JournalEntry,
    Role,
    Sdr,
    SdrEvent,
    SdrState,
    ServiceSession,
)
from settlement.domain.disputes import Side
from settlement.models import (
    CspRecord,
    Dispute,
    DisputeEvidence,
    SettlementPeriod,
    Statement,
)


def members(viewer: Viewer) -> QuerySet[Membership]:
    """The people of the operator."""
    rows = Membership.objects.filter(operator=viewer.operator)
    return rows.select_related("user", "operator").order_by("user__last_name", "user__username")


def open_invitations(viewer: Viewer) -> QuerySet[Invitation]:
    """The operator's invitations that nobody accepted or withdrew."""
    rows = Invitation.objects.filter(operator=viewer.operator, accepted_at=None, withdrawn_at=None)
    return rows.select_related("invited_by")


def sdrs(viewer: Viewer) -> QuerySet[Sdr]:
    """SDRs that the operator sent or that name it as home-CSP."""
    held = sorted(viewer.identifiers)
    # An SDR without a pair names a party that is unknown: its own side sees it all the same.
    mine = Q(pair__in=list(viewer.pairs)) | Q(pair=None) & (
        Q(visited_cso__in=held) | Q(home_csp__in=held)
    )
    return Sdr.objects.filter(mine, environment=viewer.environment)


def standings(viewer: Viewer, *, as_csp: bool) -> QuerySet[SdrState]:
    """Where the SDRs stand that the operator has to pay, or (`as_csp` False) that it claims."""
    side = "home_csp_id" if as_csp else "visited_cso_id"
    pairs = [key for key, pair in viewer.pairs.items() if getattr(pair, side) == viewer.operator.pk]
    return SdrState.objects.filter(pair__in=pairs, environment=viewer.environment)


def decides_on(viewer: Viewer, sdr: Sdr) -> bool:
    """Whether the operator is the SDR's home-CSP."""
    return sdr.home_csp_id in viewer.identifiers


def findings(sdr: Sdr) -> QuerySet[Finding]:
    """What stands against an SDR of `sdrs`."""
    return Finding.objects.filter(sdr=sdr, superseded_at=None)


def events(sdr: Sdr) -> QuerySet[SdrEvent]:
    """What happened to an SDR of `sdrs`."""
    return SdrEvent.objects.filter(sdr=sdr).order_by("at", "id")


def session(viewer: Viewer, key: uuid.UUID | None) -> ServiceSession | None:
    """A service session of the operator."""
    if key is None:
        return None
    held = sorted(viewer.identifiers)
    rows = ServiceSession.objects.filter(Q(visited_cso__in=held) | Q(home_csp__in=held))
    return rows.filter(pk=key, environment=viewer.environment).select_related("evse").first()


def messages(viewer: Viewer, session_key: uuid.UUID) -> QuerySet[JournalEntry]:
    """The verdicts on messages of a session in which the operator had a part."""
    held = sorted(viewer.identifiers)
    return (
        JournalEntry.objects.filter(
            service_session_id=session_key,
            environment=viewer.environment,
            phase=JournalEntry.Phase.VERDICT,
        )
        .filter(Q(visited_cso__in=held) | Q(home_csp__in=held))
        .select_related("sender__run_by")
        .order_by("recorded_at", "id")
    )


def csp_record(viewer: Viewer, sdr: Sdr) -> CspRecord | None:
    """The home-CSP's own record of an SDR of `sdrs`: nobody else ever sees it."""
    key = sdr.standing.csp_record_id
    if key is None or not decides_on(viewer, sdr):
        return None
    held = sorted(viewer.identifiers)
    return CspRecord.objects.filter(
        pk=key, home_csp__in=held, environment=viewer.environment
    ).first()


def agreements(viewer: Viewer) -> QuerySet[Agreement]:
    """Agreements of the operator that were laid before it."""
    mine = Q(visited_cso=viewer.operator) | Q(home_csp=viewer.operator)
    rows = Agreement.objects.filter(mine, environment=viewer.environment)
    return rows.exclude(status=Agreement.Status.DRAFT).select_related(
        "visited_cso", "home_csp", "calendar"
    )


def disputes(viewer: Viewer) -> QuerySet[Dispute]:
    """Disputes about the operator's SDRs."""
    held = sorted(viewer.identifiers)
    mine = Q(visited_cso__in=held) | Q(home_csp__in=held)
    rows = Dispute.objects.filter(mine, environment=viewer.environment)
    return rows.select_related("sdr", "visited_cso", "home_csp")


def side(viewer: Viewer, dispute: Dispute) -> Side:
    """The side of a dispute of `disputes` on which the operator stands."""
    mine = dispute.home_csp_id in viewer.identifiers
    return Side.HOME_CSP if mine else Side.VISITED_CSO


def evidence(viewer: Viewer) -> QuerySet[DisputeEvidence]:
    """The files of the operator's disputes, of both sides."""
    return DisputeEvidence.objects.filter(dispute__in=disputes(viewer).order_by().values("pk"))


def party(viewer: Viewer, agreement: Agreement) -> Role:
    """The side of an agreement of `agreements` on which the operator stands."""
    return Role.CSO if agreement.visited_cso_id == viewer.operator.pk else Role.CSP


def statements(viewer: Viewer) -> QuerySet[Statement]:
    """Statements that were published to the operator; drafts and what they replaced are not."""
    mine = Q(visited_cso=viewer.operator) | Q(home_csp=viewer.operator)
    published = [Statement.Status.PRELIMINARY, Statement.Status.FINAL]
    rows = Statement.objects.filter(mine, environment=viewer.environment, status__in=published)
    return rows.select_related("period__calendar", "visited_cso", "home_csp")


def periods(viewer: Viewer) -> QuerySet[SettlementPeriod]:
    """Settlement periods of calendars by which the operator settles."""
    calendars = agreements(viewer).order_by().values("calendar")
    rows = SettlementPeriod.objects.filter(environment=viewer.environment, calendar__in=calendars)
    return rows.select_related("calendar")
