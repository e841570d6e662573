"""Forms of the legal entity: every number checked when saved, and by the page as it is typed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from roaming.domain.legal_data import (
    LegalDataError,
    check_bic,
    check_country,
    check_iban,
    check_lei,
    check_vat,
)
from roaming.models import BankAccount, Environment, Operator, Platform, Role, VatRegistration
from roaming.use_cases.operator_onboarding import (
    NewIdentifier,
    NewPlatform,
    OnboardingError,
    free_identifier,
)


def _checked(check: Callable[..., Any], *values: str) -> Any:
    try:
        return check(*values)
    except (LegalDataError, OnboardingError) as error:
        raise ValidationError(str(error)) from error


def _live(kind: str) -> UnfoldAdminTextInputWidget:
    return UnfoldAdminTextInputWidget(attrs={"data-check": kind, "autocomplete": "off"})


def check_as_typed(kind: str, value: str, country: str = "") -> str:
    """What to tell a person about a number while they type; LegalDataError says what is wrong."""
    if kind == "iban":
        iban = check_iban(value)
        return " ".join(part for part in ("Fine.", iban.bank, iban.bic) if part)
    if kind == "vat":
        return f"Fine: {check_vat(country, value)}"
    if kind == "identifiers-cso":
        return f"Fine: {', '.join(new.identifier for new in _identifiers(Role.CSO, value))}"
    if kind == "identifiers-csp":
        return f"Fine: {', '.join(new.identifier for new in _identifiers(Role.CSP, value))}"
    check = {"lei": check_lei, "bic": check_bic, "country": check_country}[kind]
    return f"Fine: {check(value)}"


KINDS = ("iban", "vat", "lei", "bic", "country", "identifiers-cso", "identifiers-csp")


def _identifiers(role: str, text: str) -> list[NewIdentifier]:
    names = text.replace(",", " ").replace(";", " ").split()
    return [NewIdentifier(role, free_identifier(NewIdentifier(role, n)).identifier) for n in names]


class OperatorForm(forms.ModelForm):  # type: ignore[type-arg]
    """The legal entity."""

    class Meta:
        model = Operator
        fields = "__all__"
        widgets = {"country": _live("country"), "lei": _live("lei")}

    def clean_country(self) -> Any:
        return _checked(check_country, self.cleaned_data["country"])

    def clean_lei(self) -> Any:
        text = self.cleaned_data["lei"]
        return _checked(check_lei, text) if text else ""


class NewOperatorForm(OperatorForm):
    """Everything to bring an operator on: also its identifiers and its platform."""

    cso_identifiers = forms.CharField(
        label="As visited-CSO",
        required=False,
        widget=_live("identifiers-cso"),
        help_text="DE*ABC; several with blanks between them; empty if it runs no stations.",
    )
    csp_identifiers = forms.CharField(
        label="As home-CSP",
        required=False,
        widget=_live("identifiers-csp"),
        help_text="DE-ABC; several with blanks between them; empty if it has no drivers.",
    )
    platform_name = forms.CharField(
        label="Name",
        max_length=120,
        required=False,
        widget=UnfoldAdminTextInputWidget(),
        help_text="Empty: another operator's platform speaks for it; pin it there.",
    )
    platform_environment = forms.ChoiceField(
        label="Environment", choices=Environment.choices, widget=UnfoldAdminSelectWidget()
    )

    def clean_cso_identifiers(self) -> Any:
        return _checked(_identifiers, Role.CSO, self.cleaned_data["cso_identifiers"])

    def clean_csp_identifiers(self) -> Any:
        return _checked(_identifiers, Role.CSP, self.cleaned_data["csp_identifiers"])

    def clean_platform_name(self) -> str:
        name: str = self.cleaned_data["platform_name"].strip()
        if name and Platform.objects.filter(name=name).exists():
            raise ValidationError("There is a platform with this name already.")
        return name

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if not self.errors and not self.identifiers:
            raise ValidationError("Name at least one identifier, as visited-CSO or as home-CSP.")
        return data

    @property
    def identifiers(self) -> list[NewIdentifier]:
        data = self.cleaned_data
        return [*data.get("cso_identifiers", ()), *data.get("csp_identifiers", ())]

    @property
    def platform(self) -> NewPlatform | None:
        name = self.cleaned_data["platform_name"]
        return NewPlatform(name, self.cleaned_data["platform_environment"]) if name else None


class IdentifierForm(forms.ModelForm):  # type: ignore[type-arg]
    """A further identifier of an operator."""

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        role, text = data.get("role"), data.get("identifier")
        if role and text:
            try:
                data["identifier"] = free_identifier(NewIdentifier(role, text)).identifier
            except OnboardingError as error:
                self.add_error("identifier", str(error))
        return data


def _needs_a_start(form: forms.ModelForm[Any]) -> None:
    validity = form.cleaned_data.get("validity")
    if "validity" not in form.errors and (validity is None or validity.lower is None):
        form.add_error("validity", "Say from when.")


class VatRegistrationForm(forms.ModelForm):  # type: ignore[type-arg]
    """A VAT id with the time it is valid for."""

    class Meta:
        model = VatRegistration
        fields = "__all__"
        widgets = {"country": _live("country"), "number": _live("vat")}

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        _needs_a_start(self)
        try:
            if data.get("country"):
                data["country"] = check_country(data["country"])
                if data.get("number"):
                    data["number"] = check_vat(data["country"], data["number"])
        except LegalDataError as error:
            self.add_error("number" if data.get("number") else "country", str(error))
        return data


class BankAccountForm(forms.ModelForm):  # type: ignore[type-arg]
    """A proposal of a bank account: it counts once a second person approved it."""

    class Meta:
        model = BankAccount
        fields = ("holder", "iban", "bic", "currency", "validity")
        widgets = {"iban": _live("iban"), "bic": _live("bic")}

    def clean_iban(self) -> Any:
        return _checked(check_iban, self.cleaned_data["iban"]).number

    def clean_bic(self) -> Any:
        text = self.cleaned_data["bic"]
        return _checked(check_bic, text) if text else ""

    def clean_currency(self) -> str:
        text: str = self.cleaned_data["currency"].strip().upper()
        if len(text) != 3 or not text.isalpha():
            raise ValidationError("Three letters, ISO 4217, such as EUR.")
        return text

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        _needs_a_start(self)
        if data.get("iban") and not data.get("bic") and "bic" not in self.errors:
            data["bic"] = check_iban(data["iban"]).bic
        return data
