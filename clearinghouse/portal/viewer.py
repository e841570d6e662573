"""Who looks: a person, for one operator, in one environment; and who may open which page.

Everything is read anew with each page, so that a suspension, another role or a removed device holds
from the next page on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import wraps
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache

from clearinghouse.models import MemberRole, Membership, User
from clearinghouse.second_factor import has_second_factor
from roaming.domain.time_zones import find_zone
from roaming.models import Agreement, Environment, Operator, OperatorPair, Platform, Role

OPERATOR, ENVIRONMENT = "portal_operator", "portal_environment"
LOCALES = (
    ("en-GB", gettext_lazy("English – 1,234.50")),
    ("de-DE", gettext_lazy("German – 1.234,50")),
    ("fr-FR", gettext_lazy("French – 1 234,50")),
    ("de-CH", gettext_lazy("Swiss – 1’234.50")),
)
DECIDE = frozenset({MemberRole.ADMINISTRATOR, MemberRole.CLERK})
ADMINISTER = frozenset({MemberRole.ADMINISTRATOR})
EVERYBODY = frozenset(MemberRole)
Page = Callable[..., HttpResponseBase]


@dataclass(frozen=True)
class Viewer:
    """A person at work for one operator. `memberships` are all that are active."""

    user: User
    membership: Membership
    memberships: tuple[Membership, ...]
    environment: str

    @property
    def operator(self) -> Operator:
        return self.membership.operator

    @property
    def zone(self) -> ZoneInfo:
        return find_zone(self.user.time_zone) or ZoneInfo("UTC")

    @property
    def decides(self) -> bool:
        return self.membership.role in DECIDE

    @property
    def administers(self) -> bool:
        return self.membership.role in ADMINISTER

    @cached_property
    def identifiers(self) -> frozenset[int]:
        """Keys of the identifiers that the operator holds."""
        return frozenset(self.operator.identifiers.values_list("pk", flat=True))

    @cached_property
    def pairs(self) -> dict[int, OperatorPair]:
        """The operator with each of its counterparties."""
        found = OperatorPair.objects.select_related("visited_cso", "home_csp")
        mine = found.filter(visited_cso=self.operator) | found.filter(home_csp=self.operator)
        return {pair.pk: pair for pair in mine.order_by("pk")}

    @cached_property
    def roles(self) -> frozenset[str]:
        """CSO, CSP, or both."""
        return frozenset(self.operator.identifiers.values_list("role", flat=True))

    @property
    def is_csp(self) -> bool:
        return Role.CSP in self.roles

    @property
    def is_cso(self) -> bool:
        return Role.CSO in self.roles

    @property
    def signature(self) -> str:
        """What stands on decisions. The other party is shown the operator only."""
        return f"{self.operator.name}: {self.user.get_full_name() or self.user.username}"


def viewer_of(request: HttpRequest) -> Viewer | None:
    """Who looks, or None where nobody with an active membership is signed in."""
    user: Any = request.user
    if not user.is_authenticated or user.is_staff:
        return None
    active = Membership.objects.select_related("operator").filter(
        user=user, status=Membership.Status.ACTIVE
    )
    memberships = tuple(active.order_by("operator__name"))
    if not memberships:
        return None
    wanted = request.session.get(OPERATOR)
    membership = next((m for m in memberships if m.operator_id == wanted), memberships[0])
    environment = request.session.get(ENVIRONMENT)
    if environment not in Environment.values:
        environment = _usual_environment(membership.operator)
    return Viewer(user, membership, memberships, environment)


def _usual_environment(operator: Operator) -> str:
    """Live, unless the operator only tries things out so far."""
    live = {"environment": Environment.LIVE}
    agreed = Agreement.objects.filter(visited_cso=operator, **live) | Agreement.objects.filter(
        home_csp=operator, **live
    )
    if agreed.exists() or Platform.objects.filter(run_by=operator, **live).exists():
        return str(Environment.LIVE)
    tries = Platform.objects.filter(run_by=operator, environment=Environment.TEST).exists()
    return str(Environment.TEST if tries else Environment.LIVE)


def portal_page(
    roles: Iterable[str] = EVERYBODY, *, half_way: bool = False
) -> Callable[[Page], Page]:
    """Makes a view a page of the portal: it gets (request, viewer, ...).

    `half_way`: open before the second factor, for setting one up.
    """
    allowed = frozenset(roles)

    def wrap(view: Page) -> Page:
        @wraps(view)
        @never_cache
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            viewer = getattr(request, "viewer", None)
            if viewer is None:
                return _turned_away(request)
            if not half_way and (way := _second_factor_first(request, viewer)) is not None:
                return way
            if viewer.membership.role not in allowed:
                raise PermissionDenied
            return view(request, viewer, *args, **kwargs)

        return guarded

    return wrap


def needs_second_factor(viewer: Viewer) -> bool:
    """Whether the person has to set one up: who decides for any operator, where settings ask it."""
    deciding = any(m.role in DECIDE for m in viewer.memberships)
    return bool(settings.SECOND_FACTOR_REQUIRED) and deciding


def _turned_away(request: HttpRequest) -> HttpResponse:
    user: Any = request.user
    if not user.is_authenticated:
        return redirect_to_login(request.get_full_path(), reverse("portal:sign-in"))
    if user.is_staff:
        return render(request, "portal/staff.html", status=403)
    logout(request)
    messages.error(request, _("Your access has ended. Ask your operator's administrator."))
    return redirect("portal:sign-in")


def _second_factor_first(request: HttpRequest, viewer: Viewer) -> HttpResponse | None:
    user: Any = request.user
    if user.is_verified():
        return None
    if has_second_factor(user):
        return redirect_to_login(request.get_full_path(), reverse("portal:second-factor"))
    return redirect("portal:second-factor-setup") if needs_second_factor(viewer) else None
