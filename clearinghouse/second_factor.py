"""The second factor of staff (5.4.1): time-based codes by django-otp, and codes for a lost phone.

Operators' people have the same devices; their pages are the portal's (clearinghouse/portal).

Who has a device must use it at every log-in. With CLEARINGHOUSE_SECOND_FACTOR on, who has none sees
nothing but the page that sets one up.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from typing import Any

import django_otp
import qrcode
from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.views import redirect_to_login
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice
from qrcode.image.svg import SvgPathImage
from unfold.widgets import UnfoldAdminTextInputWidget

RECOVERY_CODES = 10
_CODE_WIDGET = {"autocomplete": "one-time-code", "autofocus": True, "inputmode": "text"}


class CodeForm(forms.Form):
    """The six digits that the device shows, or a recovery code."""

    code = forms.CharField(
        max_length=16, strip=True, widget=UnfoldAdminTextInputWidget(attrs=_CODE_WIDGET)
    )


class SecondFactorMiddleware:
    """Lets a member of staff into the admin only after the second factor, where there is one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        user: Any = getattr(request, "user", None)
        if user is None or not user.is_authenticated or not request.path.startswith("/admin/"):
            return self.get_response(request)
        if user.is_verified() or request.path in _open_addresses():
            return self.get_response(request)
        if has_second_factor(user):
            return redirect_to_login(request.get_full_path(), reverse("second-factor"), "next")
        if settings.SECOND_FACTOR_REQUIRED:
            return redirect("second-factor-setup")
        return self.get_response(request)


def _open_addresses() -> set[str]:
    return {reverse("second-factor"), reverse("second-factor-setup"), reverse("admin:logout")}


def has_second_factor(user: Any) -> bool:
    """Whether a device of this person was confirmed."""
    return bool(TOTPDevice.objects.filter(user=user, confirmed=True).exists())


def remove_second_factor(user: Any) -> None:
    """For who lost phone and codes: the next log-in sets a new one up. Sessions are not ended."""
    with transaction.atomic():
        TOTPDevice.objects.filter(user=user).delete()
        StaticDevice.objects.filter(user=user).delete()


@never_cache
@sensitive_post_parameters("code")
def verify(request: HttpRequest) -> HttpResponse:
    """Asks for a code after the password."""
    user: Any = request.user
    if not user.is_authenticated or not user.is_staff:
        return redirect_to_login(request.get_full_path(), reverse("admin:login"))
    if not has_second_factor(user):
        return redirect("second-factor-setup")
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        # Each wrong code makes the device wait longer (django-otp's throttling).
        device = django_otp.match_token(user, form.cleaned_data["code"].replace(" ", ""))
        if device is not None:
            django_otp.login(request, device)
            return HttpResponseRedirect(_next_of(request))
        form.add_error("code", "That is not the code of this moment. Wait for the next one.")
    return _page(request, "Second factor", {"form": form, "next": request.GET.get("next", "")})


@never_cache
@sensitive_post_parameters("code")
def set_up(request: HttpRequest) -> HttpResponse:
    """Shows a new device's key until a code of it proves that it was taken."""
    user: Any = request.user
    if not user.is_authenticated or not user.is_staff:
        return redirect_to_login(request.get_full_path(), reverse("admin:login"))
    if has_second_factor(user) and not user.is_verified():
        return redirect("second-factor")  # else a stolen password could replace the device
    device = TOTPDevice.objects.filter(user=user, confirmed=False).first()
    if device is None:
        device = TOTPDevice.objects.create(user=user, name="phone", confirmed=False)
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if device.verify_token(form.cleaned_data["code"].replace(" ", "")):
            codes = confirm_device(user, device)
            django_otp.login(request, device)
            messages.success(request, "Your second factor is set up.")
            return _page(request, "Recovery codes", {"codes": codes})
        form.add_error("code", "That is not the code that the device should show now.")
    context = {
        "form": form,
        "picture": picture_of(device.config_url),
        "key": base64.b32encode(device.bin_key).decode(),
    }
    return _page(request, "Set up your second factor", context)


def confirm_device(user: Any, device: TOTPDevice) -> list[str]:
    """The device replaces earlier ones, and fresh recovery codes the old ones."""
    with transaction.atomic():
        TOTPDevice.objects.filter(user=user).exclude(pk=device.pk).delete()
        device.confirmed = True
        device.save(update_fields=["confirmed"])
        StaticDevice.objects.filter(user=user).delete()
        static = StaticDevice.objects.create(user=user, name="recovery codes")
        codes = [StaticToken.random_token() for _ in range(RECOVERY_CODES)]
        StaticToken.objects.bulk_create(StaticToken(device=static, token=code) for code in codes)
    return codes


def picture_of(text: str) -> str:
    """A QR code as an image that a page can carry."""
    buffer = io.BytesIO()
    qrcode.make(text, image_factory=SvgPathImage, box_size=8).save(buffer)
    return f"data:image/svg+xml;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def locked_out(request: HttpRequest, response: object, credentials: object) -> HttpResponse:
    """Said instead of the log-in after too many wrong passwords, in the look of the place."""
    if request.path.startswith("/portal/"):
        from clearinghouse.portal.sign_in import locked_out as in_the_portal

        return in_the_portal(request)
    context = {**admin.site.each_context(request), "title": "Locked out"}
    return render(request, "admin/staff/locked_out.html", context, status=429)


def _page(request: HttpRequest, title: str, context: dict[str, Any]) -> HttpResponse:
    user: Any = request.user
    # Before the second factor the menu would lead nowhere but back to this page.
    inside = user.is_verified() or not (settings.SECOND_FACTOR_REQUIRED or has_second_factor(user))
    layout = "admin/base_site.html" if inside else "unfold/layouts/unauthenticated.html"
    everywhere = {**admin.site.each_context(request), "title": title, "layout": layout}
    answer = render(request, "admin/staff/second_factor.html", {**everywhere, **context})
    answer["Cache-Control"] = "no-store"
    return answer


def _next_of(request: HttpRequest) -> str:
    """Where the person wanted to go; never to another host."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    if url_has_allowed_host_and_scheme(
        wanted, {request.get_host()}, require_https=request.is_secure()
    ):
        return wanted
    return reverse("admin:index")
