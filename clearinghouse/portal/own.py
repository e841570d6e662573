"""The one way of the portal to rows: every query begins here, with what is the viewer's operator's.

A row of others is not found, whatever key is asked for. Test and live are never mixed.
"""

from __future__ import annotations

from django.db.models import QuerySet

from clearinghouse.models import Invitation, Membership
from clearinghouse.portal.viewer import Viewer


def members(viewer: Viewer) -> QuerySet[Membership]:
    """The people of the operator."""
    rows = Membership.objects.filter(operator=viewer.operator)
    return rows.select_related("user", "operator").order_by("user__last_name", "user__username")


def open_invitations(viewer: Viewer) -> QuerySet[Invitation]:
    """The operator's invitations that nobody accepted or withdrew."""
    rows = Invitation.objects.filter(operator=viewer.operator, accepted_at=None, withdrawn_at=None)
    return rows.select_related("invited_by")
