"""Fee rules, which staff edit, and what they came to."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from roaming.models.clock import business_now
from roaming.staff_pages.cells import column, link_column, link_to, money_column, plain_digits
from roaming.staff_pages.ranges import range_text, readable_range
from roaming.staff_pages.staff_admin import FactAdmin, StaffAdmin
from settlement.models import FeeCharge, FeeRule

_OVERLAP = "one_fee_per_payer_currency_and_time"


class FeeRuleForm(forms.ModelForm):  # type: ignore[type-arg]
    """A fee, who pays it, and from when."""

    class Meta:
        model = FeeRule
        fields = "__all__"

    def clean_currency(self) -> str:
        text: str = self.cleaned_data["currency"].strip().upper()
        if len(text) != 3 or not text.isalpha():
            raise ValidationError("Three letters, ISO 4217, such as EUR.")
        return text

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        validity, amount = data.get("validity"), data.get("amount")
        if "validity" not in self.errors and (validity is None or validity.lower is None):
            self.add_error("validity", "Say from when.")
        if amount is not None and amount < 0:
            self.add_error("amount", "A fee is zero or more.")
        return data

    def _update_errors(self, errors: ValidationError) -> None:
        """The database's rule in words."""
        if _OVERLAP in str(errors):
            errors = ValidationError(
                "Another fee is charged to the same payer in this currency at that time. End "
                "it first: its validity until the moment that this one begins."
            )
        super()._update_errors(errors)  # type: ignore[misc]


def _payer(row: FeeRule) -> str:
    return str(row.operator) if row.operator else f"every {row.get_payer_role_display()}"


@admin.register(FeeRule)
class FeeRuleAdmin(StaffAdmin):
    """Fee rules. One that has charged something is ended, not rewritten."""

    form = FeeRuleForm
    list_display = ("name", "payer", "each", "valid", "environment")
    list_filter = ("environment", "payer_role", "currency")
    list_select_related = ("operator",)
    search_fields = ("name", "operator__name")
    autocomplete_fields = ("operator",)
    readonly_preprocess_fields = {"amount": plain_digits, "validity": readable_range}
    fieldsets = (
        ("Fee", {"fields": ("name", "amount", "currency", "validity")}),
        ("Who pays", {"fields": ("environment", "payer_role", "operator")}),
    )

    payer = column("Paid by", _payer)
    each = money_column("amount", "Per SDR")
    valid = column("Validity", lambda row: range_text(row.validity, "%Y-%m-%d"))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """What was charged stays explained: then only the end may still be set."""
        if obj is None or not obj.charges.exists():
            return ()
        return ("name", "amount", "currency", "environment", "payer_role", "operator")

    def warnings(self, request: HttpRequest, row: Any) -> Any:
        ended = row.validity.upper is not None and row.validity.upper <= business_now()
        if row.charges.exists() and not ended:
            return ["It has been charged: only its validity can change, for periods still open."]
        return ()


@admin.register(FeeCharge)
class FeeChargeAdmin(FactAdmin):
    """What each rule came to, for each operator and period."""

    list_display = ("charge", "period_link", "rule_link", "sdr_count", "each", "total")
    list_display_links = ("charge",)
    list_filter = ("environment", "currency")
    list_select_related = ("operator", "rule", "period__calendar")
    fields = (
        "operator_link", "period_link", "rule_link", "environment", "sdr_count", "each", "total",
    )  # fmt: skip
    readonly_fields = ("operator_link", "period_link", "rule_link", "each", "total")

    charge = column("Operator", lambda row: str(row.operator))
    operator_link = link_column("operator", "Operator")
    period_link = column("Period", lambda row: link_to(row.period, row.period.label))
    rule_link = link_column("rule", "Rule")
    each = money_column("unit_amount", "Per SDR")
    total = money_column("amount", "Fee")
