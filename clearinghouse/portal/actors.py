"""Who did something, as a party may read it: one's own people by name, of others the operator."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from django.utils.translation import gettext as _

from clearinghouse.models import User
from clearinghouse.portal.viewer import Viewer

_SYSTEM = frozenset({"clearing house", "reconciliation"})


def naming(viewer: Viewer, actors: Iterable[str]) -> Callable[[str], str]:
    """How to name these actors: platforms as they are called, staff as the clearing house."""
    asked = {actor for actor in actors if ": " not in actor}
    staff = set(
        User.objects.filter(is_staff=True, username__in=asked).values_list("username", flat=True)
    )

    def name(actor: str) -> str:
        if actor in _SYSTEM or actor in staff:
            return _("clearing house")
        operator, colon, _person = actor.partition(": ")
        return operator if colon and operator != viewer.operator.name else actor

    return name
