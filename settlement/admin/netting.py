"""Net positions and payments of the periods that are final."""

from __future__ import annotations

from django.contrib import admin

from roaming.staff_pages.cells import column, link_column, link_to, money_column
from roaming.staff_pages.staff_admin import FactAdmin
from settlement.models import NetPayment, NetPosition


@admin.register(NetPosition)
class NetPositionAdmin(FactAdmin):
    """Where each operator stands after each period."""

    list_display = ("position", "period_link", "owed", "owes", "net_amount", "environment")
    list_display_links = ("position",)
    list_filter = ("environment", "currency")
    list_select_related = ("operator", "period__calendar")
    fields = ("operator_link", "period_link", "environment", "owed", "owes", "net_amount")
    readonly_fields = ("operator_link", "period_link", "owed", "owes", "net_amount")

    position = column("Operator", lambda row: str(row.operator))
    operator_link = link_column("operator", "Operator")
    period_link = column("Period", lambda row: link_to(row.period, row.period.label))
    owed = money_column("gross_receivable", "Is owed")
    owes = money_column("gross_payable", "Owes")
    net_amount = money_column("net", "Net (owes −)")


@admin.register(NetPayment)
class NetPaymentAdmin(FactAdmin):
    """Payments that the periods ask for."""

    list_display = (
        "payment", "period_link", "to_pay", "gross_payer", "gross_payee", "mode", "environment",
    )  # fmt: skip
    list_display_links = ("payment",)
    list_filter = ("environment", "mode", "currency")
    list_select_related = ("payer", "payee", "period__calendar")
    fields = (
        "payer_link", "payee_link", "period_link", "environment", "mode", "netted", "to_pay",
        "gross_payer", "gross_payee",
    )  # fmt: skip
    readonly_fields = (
        "payer_link", "payee_link", "period_link", "to_pay", "gross_payer", "gross_payee",
    )  # fmt: skip

    payment = column("Payer → payee", lambda row: f"{row.payer} → {row.payee}")
    payer_link = link_column("payer", "Payer")
    payee_link = link_column("payee", "Payee")
    period_link = column("Period", lambda row: link_to(row.period, row.period.label))
    to_pay = money_column("amount", "To pay")
    gross_payer = money_column("payer_owes", "Payer owed, gross")
    gross_payee = money_column("payee_owes", "Payee owed, gross")
