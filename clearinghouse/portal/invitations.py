"""An invited person opens the one-time link, and has an account."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth import login, password_validation
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from clearinghouse.models import Invitation, User
from clearinghouse.portal.accounts import (
    AccountError,
    NewPerson,
    accept_as_known,
    accept_as_new,
    open_invitation,
)
from clearinghouse.portal.viewer import ENVIRONMENT, LOCALES, OPERATOR
from roaming.domain.time_zones import zone_names

BACKEND = "django.contrib.auth.backends.ModelBackend"


def zone_choices() -> list[tuple[str, str]]:
    """The zones of places, as people know them; UTC in front."""
    places = sorted(name for name in zone_names() if "/" in name and not name.startswith("Etc/"))
    return [("UTC", "UTC"), *((name, name.replace("_", " ")) for name in places)]


class HabitsForm(forms.Form):
    """How a person reads times and numbers."""

    time_zone = forms.ChoiceField(
        label=gettext_lazy("Time zone"), choices=zone_choices, initial="Europe/Berlin"
    )
    locale = forms.ChoiceField(
        label=gettext_lazy("Numbers and dates"), choices=LOCALES, initial="en-GB"
    )


class NewPersonForm(HabitsForm):
    """What an invited person types; the address is the invitation's."""

    field_order = ["first_name", "last_name", "password", "again", "time_zone", "locale"]
    first_name = forms.CharField(
        label=gettext_lazy("First name"),
        max_length=150,
        widget=forms.TextInput(attrs={"autocomplete": "given-name", "autofocus": True}),
    )
    last_name = forms.CharField(
        label=gettext_lazy("Last name"),
        max_length=150,
        widget=forms.TextInput(attrs={"autocomplete": "family-name"}),
    )
    password = forms.CharField(
        label=gettext_lazy("Password"),
        strip=False,
        max_length=200,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=password_validation.password_validators_help_text_html,
    )
    again = forms.CharField(
        label=gettext_lazy("The password once more"),
        strip=False,
        max_length=200,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, email: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._email = email
        # A callable of the class would be shown as it is.
        self.fields["password"].help_text = password_validation.password_validators_help_text_html()

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        password = data.get("password")
        if password and data.get("again") and password != data["again"]:
            self.add_error("again", _("The two passwords are not the same."))
        if password:
            person = User(
                username=self._email,
                email=self._email,
                first_name=data.get("first_name", ""),
                last_name=data.get("last_name", ""),
            )
            try:
                password_validation.validate_password(password, person)
            except ValidationError as error:
                self.add_error("password", error)
        return data


@never_cache
@sensitive_post_parameters("password", "again")
def accept(request: HttpRequest, token: str) -> HttpResponse:
    """The page behind the link of an invitation."""
    invitation = open_invitation(token, timezone.now())
    if invitation is None:
        context = {
            "title": _("This invitation does not work any more"),
            "lines": [
                _("It was used, withdrawn, or has expired. Ask who invited you for a new one.")
            ],
            "links": [(reverse("portal:sign-in"), _("You have an account already? Sign in"))],
            "narrow": True,
            "half_way": True,
        }
        return render(request, "portal/said.html", context, status=410)
    if User.objects.filter(username=invitation.email).exists():
        return _with_account(request, invitation)
    form = NewPersonForm(request.POST or None, email=invitation.email)
    if request.method == "POST" and form.is_valid():
        data = {name: form.cleaned_data[name] for name in NewPerson.__dataclass_fields__}
        try:
            user = accept_as_new(invitation, NewPerson(**data), timezone.now())
        except AccountError as error:
            form.add_error(None, str(error))
        else:
            login(request, user, BACKEND)
            messages.success(request, _("Welcome, %(name)s.") % {"name": user.first_name})
            return redirect("portal:start")
    lines = [
        _("Your account: %(email)s. You work for %(operator)s as %(role)s.")
        % {
            "email": invitation.email,
            "operator": invitation.operator.name,
            "role": invitation.get_role_display(),
        }
    ]
    return _page(request, form, lines, _("Make the account"))


def _with_account(request: HttpRequest, invitation: Invitation) -> HttpResponse:
    """Somebody with an account accepts signed in: the link alone must not open the account."""
    user: Any = request.user
    viewer = getattr(request, "viewer", None)
    if not user.is_authenticated or user.username != invitation.email:
        messages.info(
            request,
            _("Sign in as %(email)s to accept the invitation.") % {"email": invitation.email},
        )
        return redirect_to_login(request.get_full_path(), reverse("portal:sign-in"))
    if request.method == "POST" and viewer is not None:
        try:
            accept_as_known(invitation, user, timezone.now())
        except AccountError as error:
            messages.error(request, str(error))
        else:
            request.session[OPERATOR] = invitation.operator_id
            request.session.pop(ENVIRONMENT, None)
            messages.success(
                request,
                _("You work for %(operator)s now, too.") % {"operator": invitation.operator.name},
            )
        return redirect("portal:start")
    lines = [
        _("Work for %(operator)s as %(role)s, beside what you do already?")
        % {"operator": invitation.operator.name, "role": invitation.get_role_display()}
    ]
    return _page(request, forms.Form(), lines, _("Accept"))


def _page(request: HttpRequest, form: Any, lines: list[str], button: str) -> HttpResponse:
    context = {
        "title": _("Your invitation"),
        "form": form,
        "lines": lines,
        "button": button,
        "narrow": True,
        "half_way": True,
    }
    answer = render(request, "portal/simple_form.html", context)
    # The address of this page is a secret.
    answer["Referrer-Policy"] = "no-referrer"
    return answer
