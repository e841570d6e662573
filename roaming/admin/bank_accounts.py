"""Menu group Operators: bank accounts, which a second person approves."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from unfold.widgets import UnfoldAdminTextInputWidget

from roaming.models import BankAccount
from roaming.staff_pages.cells import badge, column, link_column
from roaming.staff_pages.ranges import day_input, range_text
from roaming.staff_pages.staff_admin import ShortFactAdmin
from roaming.staff_pages.steps import Situation, Step
from roaming.use_cases.operator_onboarding import approve_bank_account, end_bank_account


class LastDay(forms.Form):
    """When an account ends, and why."""

    last_day = forms.DateField(label="Last day", widget=day_input())
    reason = forms.CharField(max_length=200, widget=UnfoldAdminTextInputWidget())


def _may_approve(situation: Situation) -> bool | str:
    row = situation.row
    if row.approved_by_id is not None:
        return False
    if row.proposed_by_id is None:
        return "Nobody is known to have proposed it: add the account again."
    if row.proposed_by_id == situation.user.pk:
        return "You proposed it: another member of staff approves it."
    return True


def _approve(situation: Situation) -> str:
    approve_bank_account(situation.row, situation.user)
    return "The bank account is approved."


def _end(situation: Situation) -> str:
    end_bank_account(situation.row, situation.data["last_day"])
    return f"The account ends with {situation.data['last_day']}."


APPROVE = Step(
    name="approve",
    label="Approve",
    permission="roaming.change_bankaccount",
    act=_approve,
    when=_may_approve,
    preview=lambda situation: [
        f"{situation.row.holder}, {situation.row.iban} {situation.row.bic}",
        f"{situation.row.proposed_by} proposed it. Ask the operator by a way that you knew before "
        "(not by the letter or mail that brought the change) whether it is theirs.",
    ],
)
END = Step(
    name="end",
    label="End",
    permission="roaming.change_bankaccount",
    act=_end,
    when=lambda situation: situation.row.validity.upper is None,
    preview=lambda situation: ["Nothing is paid to it after that day; another one may follow it."],
    form=LastDay,
    danger=True,
)


def standing(row: BankAccount) -> str:
    """Approved, or who must act next."""
    if row.approved_by_id is not None:
        return badge("approved", "success")
    return badge("waits for a second person", "warning")


class ApprovalFilter(admin.SimpleListFilter):
    """What waits for a second person."""

    title = "approval"
    parameter_name = "approval"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        return [("waiting", "Waits for approval"), ("approved", "Approved")]

    def queryset(self, request: Any, queryset: Any) -> Any:
        if self.value() not in ("waiting", "approved"):
            return queryset
        return queryset.filter(approved_by__isnull=self.value() == "waiting")


@admin.register(BankAccount)
class BankAccountAdmin(ShortFactAdmin):
    """Bank accounts stay as proposed; a new one follows the one that ends."""

    steps = (APPROVE, END)
    list_display = ("iban", "owner", "holder", "currency", "valid", "state", "proposed_by")
    list_filter = (ApprovalFilter, "currency")
    list_select_related = ("operator", "proposed_by", "approved_by")
    search_fields = ("iban", "holder", "operator__name")
    search_help_text = "IBAN, holder, operator"
    ordering = ("-pk",)
    fields = (
        "owner", "holder", "iban", "bic", "currency", "valid", "state", "proposed_by",
        "approved_by",
    )  # fmt: skip
    readonly_fields = ("owner", "valid", "state")

    owner = link_column("operator", "Operator", "operator__name")
    valid = column("Valid", lambda row: range_text(row.validity, "%Y-%m-%d"))
    state = column("Approval", standing)
