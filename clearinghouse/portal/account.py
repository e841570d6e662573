"""A person's own account: zone, form of numbers, password, devices, where it was signed in."""

from __future__ import annotations

from typing import Any

from axes.models import AccessLog
from django.contrib import messages
from django.contrib.auth import forms as auth_forms
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from clearinghouse.portal.invitations import HabitsForm
from clearinghouse.portal.presentation import moment
from clearinghouse.portal.tables import Row, Table, headers
from clearinghouse.portal.viewer import ENVIRONMENT, OPERATOR, Viewer, portal_page
from clearinghouse.second_factor import has_second_factor
from roaming.models import Environment

_SIGN_INS = 30


@portal_page()
def account(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """What the person may set, and the last sign-ins."""
    user = viewer.user
    form = HabitsForm(
        request.POST or None, initial={"time_zone": user.time_zone, "locale": user.locale}
    )
    if request.method == "POST" and form.is_valid():
        user.time_zone = form.cleaned_data["time_zone"]
        user.locale = form.cleaned_data["locale"]
        user.save(update_fields=["time_zone", "locale"])
        messages.success(request, _("Saved."))
        return redirect("portal:account")
    context = {
        "title": _("Your account"),
        "form": form,
        "viewer": viewer,
        "has_device": has_second_factor(user),
        "sign_ins": _sign_ins(viewer),
    }
    return render(request, "portal/account.html", context)


def _sign_ins(viewer: Viewer) -> Table:
    log = AccessLog.objects.filter(username=viewer.user.username).order_by("-attempt_time")
    rows = [
        Row((moment(entry.attempt_time), entry.ip_address or "–", (entry.user_agent or "–")[:120]))
        for entry in log[:_SIGN_INS]
    ]
    return Table(
        _("Your last sign-ins"),
        headers(_("When"), _("From"), _("With")),
        rows,
        _("None was recorded yet."),
        shown_caption=False,
        note=_("Not you? Set a new password: all other sessions end with it."),
    )


@portal_page()
@sensitive_post_parameters()
def password(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Another password, for who knows the old one; other sessions end."""
    form = auth_forms.PasswordChangeForm(viewer.user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        user: Any = form.save()
        update_session_auth_hash(request, user)
        messages.success(request, _("Your new password is set; your other sessions have ended."))
        return redirect("portal:account")
    context = {
        "title": _("Set a new password"),
        "form": form,
        "button": _("Set the password"),
        "back": reverse("portal:account"),
        "narrow": True,
    }
    return render(request, "portal/simple_form.html", context)


@portal_page()
@require_POST
def switch(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Another operator of the person, or the other environment."""
    wanted = request.POST.get("operator", "")
    chosen = next((m for m in viewer.memberships if str(m.operator_id) == wanted), None)
    other = chosen is not None and chosen.operator_id != viewer.operator.pk
    environment = request.POST.get("environment", "")
    if chosen is not None and other:
        request.session[OPERATOR] = chosen.operator_id
        request.session.pop(ENVIRONMENT, None)
        return redirect("portal:start")  # what was open is most likely not the other one's
    if environment in Environment.values and environment != viewer.environment:
        request.session[ENVIRONMENT] = environment
        return redirect("portal:start")
    back = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(back, None):
        return redirect(back)
    return redirect("portal:start")
