"""Menu group Ledger: accounts, entries, postings, the trial balance; read only, for everybody."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse

from roaming.models import Environment, Sdr
from roaming.staff_pages.cells import (
    code,
    column,
    link_column,
    link_to,
    link_to_page,
    moment_cell,
    moment_column,
    money,
    money_column,
    money_text,
    quantity,
)
from roaming.staff_pages.staff_admin import FactAdmin, Panel, ShortFactAdmin
from settlement.domain.ledger import AccountKind
from settlement.models import FeeCharge, LedgerAccount, LedgerEntry, Posting, Statement
from settlement.use_cases.books import explain_account, explain_posting, trial_balance

MOST = 200


@admin.register(LedgerAccount)
class LedgerAccountAdmin(ShortFactAdmin):
    """Accounts: one per operator, kind and currency. Positive is debit."""

    list_display = ("account", "owner", "kind", "currency", "environment")
    list_display_links = ("account",)
    list_filter = ("environment", "kind", "currency")
    list_select_related = ("operator",)
    search_fields = ("operator__name",)
    search_help_text = "Operator"
    fields = ("owner", "kind", "currency", "environment")
    readonly_fields = ("owner",)

    account = column("Account", str)
    owner = link_column("operator", "Operator", "operator__name")

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.trial_balance_view)
        own = path("trial-balance/", view, name="settlement_trial_balance")
        return [own, *super().get_urls()]

    def list_links(self, request: HttpRequest) -> Sequence[tuple[str, str]]:
        return [("Trial balance", reverse("admin:settlement_trial_balance"))]

    def trial_balance_view(self, request: HttpRequest) -> HttpResponse:
        """Every account, and the difference of all debits and credits, which is zero."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "title": "Trial balance",
            "opts": self.model._meta,
            "panels": [_trial_balance(Environment(value)) for value in Environment.values],
        }
        return render(request, "admin/staff/panel_page.html", context)

    def panels(self, request: HttpRequest, row: Any) -> Sequence[Panel]:
        lines = explain_account(row.pk)
        balance = lines[-1].balance if lines else Decimal(0)
        shown = [
            (
                moment_cell(line.booked_at),
                link_to_page(LedgerEntry._meta, line.entry_id, line.description),
                link_to_page(Posting._meta, line.posting_id, "SDRs behind it"),
                money(line.amount, row.currency),
                money(line.balance, row.currency),
            )
            for line in lines[-MOST:][::-1]
        ]
        note = f"The balance is {money_text(balance, row.currency)} now."
        if len(lines) > MOST:
            note += f" The newest {MOST} of {len(lines)} postings."
        return [
            Panel(
                "Postings",
                ("Booked", "Entry", "Behind it", "Amount", "Balance after"),
                shown,
                "Nothing is booked on it.",
                note,
            ),
        ]


def _trial_balance(environment: Environment) -> Panel:
    balance = trial_balance(environment)
    kinds = {kind.value: kind.label for kind in AccountKind}
    lines: list[Sequence[Any]] = [
        (
            link_to_page(LedgerAccount._meta, a.account_id, a.operator),
            kinds.get(a.kind, a.kind),
            money(a.debit, a.currency),
            money(a.credit, a.currency),
            money(a.balance, a.currency),
        )
        for a in balance.accounts
    ]
    for currency, difference in sorted(balance.differences.items()):
        lines.append((f"Sum, {currency}", "", "", "", money(difference, currency)))
    return Panel(
        f"Trial balance: {environment.label.lower()}",
        ("Operator", "Account", "Debit", "Credit", "Balance"),
        lines,
        "Nothing is booked.",
        note="Debits and credits are equal."
        if balance.balanced
        else "DEBITS AND CREDITS DIFFER: tell the administrator.",
    )


@admin.register(LedgerEntry)
class LedgerEntryAdmin(FactAdmin):
    """Entries, the newest first. A correction is a new entry."""

    list_display = ("description", "kind", "effective_on", "booked", "period_link", "environment")
    list_filter = ("environment", "kind")
    list_select_related = ("settlement_period__calendar",)
    fields = (
        "description", "kind", "environment", "effective_on", "booked", "period_link", "key",
        "reverses",
    )  # fmt: skip
    readonly_fields = ("booked", "period_link", "key")

    booked = moment_column("booked_at", "Booked")
    key = column("What it books", lambda row: code(row.idempotency_key))
    period_link = column(
        "Period",
        lambda row: (
            link_to(row.settlement_period, row.settlement_period.label)
            if row.settlement_period
            else "–"
        ),
    )

    def panels(self, request: HttpRequest, row: Any) -> Sequence[Panel]:
        found = Posting.objects.filter(entry=row).select_related("account__operator")
        lines = [
            (
                link_to(p.account),
                money(p.amount, p.currency),
                _source(p),
                link_to(p, "SDRs behind it"),
            )
            for p in found.order_by("id")[:MOST]
        ]
        headers = ("Account", "Debit (credit −)", "From", "Behind it")
        return [Panel("Postings", headers, lines, "", note="Per currency they sum to zero.")]


def _source(row: Posting) -> Any:
    if row.statement_id is not None:
        return link_to_page(Statement._meta, row.statement_id, "statement")
    if row.fee_charge_id is not None:
        return link_to_page(FeeCharge._meta, row.fee_charge_id, "fee")
    return "–"


@admin.register(Posting)
class PostingAdmin(FactAdmin):
    """Postings, the newest first."""

    list_display = ("posting", "entry_link", "account_link", "source", "environment")
    list_display_links = ("posting",)
    list_filter = ("environment", "currency")
    list_select_related = ("entry", "account__operator")
    fields = ("value", "entry_link", "account_link", "source", "environment")
    readonly_fields = ("value", "entry_link", "account_link", "source")

    posting = column("Amount", lambda row: money(row.amount, row.currency))
    value = money_column("amount", "Debit (credit −)")
    entry_link = link_column("entry", "Entry")
    account_link = link_column("account", "Account")
    source = column("From", _source)

    def panels(self, request: HttpRequest, row: Any) -> Sequence[Panel]:
        lines = [
            (
                link_to_page(Sdr._meta, behind.sdr_id, behind.reference),
                moment_cell(behind.ended_at),
                quantity(behind.energy_kwh, "kWh"),
                money(behind.amount, row.currency),
            )
            for behind in explain_posting(row.pk, limit=MOST)
        ]
        note = f"The first {MOST}." if len(lines) == MOST else ""
        headers = ("SDR", "Session ended", "Energy", "Amount")
        return [Panel("SDRs behind it", headers, lines, "It nets others: no SDR of its own.", note)]
