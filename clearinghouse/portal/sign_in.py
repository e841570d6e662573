"""Signing in and out, the second factor, a forgotten password (5.4.1)."""

from __future__ import annotations

import base64
from typing import Any

import django_otp
from axes.utils import reset
from django import forms
from django.contrib import messages
from django.contrib.auth import forms as auth_forms
from django.contrib.auth import views
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse, reverse_lazy
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters
from django_otp.plugins.otp_totp.models import TOTPDevice

from clearinghouse.models import Membership, User
from clearinghouse.portal.viewer import Viewer, portal_page
from clearinghouse.second_factor import confirm_device, has_second_factor, picture_of

_RESET_MAILS_APART_S = 300


class SignInForm(auth_forms.AuthenticationForm):
    """E-mail address and password. Staff and people without access hear what a wrong one hears."""

    username = auth_forms.UsernameField(
        label=gettext_lazy("E-mail address"),
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True}),
    )

    def clean_username(self) -> str:
        return str(self.cleaned_data["username"]).strip().lower()

    def confirm_login_allowed(self, user: Any) -> None:
        super().confirm_login_allowed(user)
        if user.is_staff or not _may_enter(user):
            raise self.get_invalid_login_error()

    def get_invalid_login_error(self) -> forms.ValidationError:
        return forms.ValidationError(
            _("That address and password do not open the portal."), code="invalid_login"
        )


def _may_enter(user: User) -> bool:
    return Membership.objects.filter(user=user, status=Membership.Status.ACTIVE).exists()


class SignIn(views.LoginView):
    """The first page for whoever is not signed in."""

    template_name = "portal/simple_form.html"
    authentication_form = SignInForm
    next_page = "portal:start"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(
            title=_("Sign in"),
            button=_("Sign in"),
            narrow=True,
            half_way=True,
            links=[(reverse("portal:reset"), _("Forgot your password?"))],
            **kwargs,
        )


class SignOut(views.LogoutView):
    """By POST only."""

    next_page = "portal:sign-in"


class CodeForm(forms.Form):
    """The six digits that the device shows, or a recovery code."""

    code = forms.CharField(
        label=gettext_lazy("Code"),
        max_length=16,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "autofocus": True}),
    )

    def clean_code(self) -> str:
        return str(self.cleaned_data["code"]).replace(" ", "")


def _wait(form: CodeForm) -> None:
    form.add_error("code", _("That is not the code of this moment. Wait for the next one."))


@portal_page(half_way=True)
@sensitive_post_parameters("code")
def second_factor(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Asks for a code after the password."""
    if not has_second_factor(viewer.user):
        return redirect("portal:second-factor-setup")
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        # Each wrong code makes the device wait longer (django-otp's throttling).
        device = django_otp.match_token(viewer.user, form.cleaned_data["code"])
        if device is not None:
            django_otp.login(request, device)
            return HttpResponseRedirect(next_of(request))
        _wait(form)
    context = {"form": form, "next": request.GET.get("next", "")}
    return _second_factor_page(request, _("Second factor"), context)


@portal_page(half_way=True)
@sensitive_post_parameters("code")
def set_up_second_factor(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Shows a new device's key until a code of it proves that it was taken."""
    user: Any = request.user
    if has_second_factor(user) and not user.is_verified():
        return redirect("portal:second-factor")  # else a stolen password could replace the device
    device = TOTPDevice.objects.filter(user=user, confirmed=False).first()
    if device is None:
        device = TOTPDevice.objects.create(user=user, name="phone", confirmed=False)
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if device.verify_token(form.cleaned_data["code"]):
            codes = confirm_device(user, device)
            django_otp.login(request, device)
            return _second_factor_page(request, _("Recovery codes"), {"codes": codes})
        _wait(form)
    context = {
        "form": form,
        "picture": picture_of(device.config_url),
        "key": base64.b32encode(device.bin_key).decode(),
    }
    return _second_factor_page(request, _("Set up your second factor"), context)


def _second_factor_page(request: HttpRequest, title: str, context: dict[str, Any]) -> HttpResponse:
    everywhere = {"title": title, "narrow": True, "half_way": "codes" not in context}
    answer = render(request, "portal/second_factor.html", {**everywhere, **context})
    answer["Cache-Control"] = "no-store"
    return answer


def locked_out(request: HttpRequest) -> HttpResponse:
    """Said instead of the sign-in after too many wrong passwords."""
    context = {"title": _("Too many wrong passwords"), "narrow": True, "half_way": True}
    return render(request, "portal/locked_out.html", context, status=429)


class ResetForm(auth_forms.PasswordResetForm):
    """Sends a link to an operator's person, and nothing to anybody else."""

    email = forms.EmailField(
        label=gettext_lazy("E-mail address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email", "autofocus": True}),
    )

    def get_users(self, email: str) -> Any:
        """At most one, and not more often than every five minutes."""
        address = email.strip().lower()
        user = User.objects.filter(username=address, is_active=True, is_staff=False).first()
        if user is None or not _may_enter(user):
            return []
        fresh = cache.add(f"portal-reset-{user.pk}", True, _RESET_MAILS_APART_S)
        return [user] if fresh else []


class Reset(views.PasswordResetView):
    """Asks for the address. What it answers does not tell who has an account."""

    template_name = "portal/simple_form.html"
    form_class = ResetForm
    email_template_name = "portal/mail/reset.txt"
    subject_template_name = "portal/mail/reset_subject.txt"
    success_url = reverse_lazy("portal:reset-sent")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        lines = [_("You get an e-mail with a link, with which you set a new password.")]
        return {
            **super().get_context_data(**kwargs),
            "title": _("Forgot your password?"),
            "button": _("Send the link"),
            "lines": lines,
            "narrow": True,
            "half_way": True,
            "links": [(reverse("portal:sign-in"), _("Back to the sign-in"))],
        }


def reset_sent(request: HttpRequest) -> HttpResponse:
    """The same for everybody."""
    context = {
        "title": _("Look into your mail"),
        "lines": [
            _("If the address has access to the portal, a link is on its way to it."),
            _("Nothing came after some minutes? Look for it among unwanted mail, then try again."),
        ],
        "links": [(reverse("portal:sign-in"), _("Back to the sign-in"))],
        "narrow": True,
        "half_way": True,
    }
    return render(request, "portal/said.html", context)


class ResetConfirm(views.PasswordResetConfirmView):
    """A new password by the link. The second factor is asked for all the same."""

    template_name = "portal/simple_form.html"
    success_url = reverse_lazy("portal:sign-in")

    def form_valid(self, form: Any) -> HttpResponse:
        response = super().form_valid(form)
        # Whoever reads the mail is the person: wrong tries before no longer count.
        reset(username=form.user.username)
        messages.success(self.request, _("Your new password is set. Sign in with it."))
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        return {
            **context,
            "title": _("Set a new password"),
            "button": _("Set the password"),
            "narrow": True,
            "half_way": True,
        }

    def render_to_response(self, context: dict[str, Any], **kwargs: Any) -> Any:
        if context["validlink"]:
            return super().render_to_response(context, **kwargs)
        told = {
            "title": _("This link does not work any more"),
            "lines": [_("It was used, or it is older than two hours.")],
            "links": [(reverse("portal:reset"), _("Ask for a new one"))],
            "narrow": True,
            "half_way": True,
        }
        return render(self.request, "portal/said.html", told, status=410)


def next_of(request: HttpRequest) -> str:
    """Where the person wanted to go; never to another host."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    if url_has_allowed_host_and_scheme(
        wanted, {request.get_host()}, require_https=request.is_secure()
    ):
        return wanted
    return reverse("portal:start")
