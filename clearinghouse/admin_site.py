"""The admin's look and its menu, in the words of those who work with it (settings read UNFOLD)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.urls import reverse_lazy

Item = dict[str, Any]

# Blue, because white on its button shade is readable (contrast 5 to 1).
_PRIMARY = {
    "50": "oklch(97% .014 254.604)",
    "100": "oklch(93.2% .032 255.585)",
    "200": "oklch(88.2% .059 254.128)",
    "300": "oklch(80.9% .105 251.813)",
    "400": "oklch(70.7% .165 254.624)",
    "500": "oklch(62.3% .214 259.815)",
    "600": "oklch(54.6% .245 262.881)",
    "700": "oklch(48.8% .243 264.376)",
    "800": "oklch(42.4% .199 265.638)",
    "900": "oklch(37.9% .146 265.522)",
    "950": "oklch(28.2% .091 267.935)",
}


def _may_view(app: str, model: str) -> Callable[[HttpRequest], bool]:
    return lambda request: request.user.has_perm(f"{app}.view_{model}")


def _list(title: str, icon: str, app: str, model: str) -> Item:
    """A menu item that leads to a list; hidden from whoever may not see it."""
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{app}_{model}_changelist"),
        "permission": _may_view(app, model),
    }


def _group(title: str, *items: Item) -> Item:
    return {"title": title, "separator": True, "collapsible": True, "items": list(items)}


_BELOW_THE_SDRS = [reverse_lazy("admin:queues"), reverse_lazy("admin:reconciliation_reports")]

NAVIGATION = [
    {
        "items": [
            {"title": "Today", "icon": "home", "link": reverse_lazy("admin:index")},
            {"title": "Find by any id", "icon": "search", "link": reverse_lazy("admin:find")},
        ]
    },
    _group(
        "Operators",
        _list("Operators", "domain", "roaming", "operator"),
        _list("Identifiers", "tag", "roaming", "operatoridentifier"),
        _list("Platforms", "dns", "roaming", "platform"),
        _list("Bank accounts", "account_balance", "roaming", "bankaccount"),
        _list("People", "groups", "clearinghouse", "membership"),
        _list("Invitations", "mail", "clearinghouse", "invitation"),
    ),
    _group(
        "Agreements",
        _list("Agreements", "handshake", "roaming", "agreement"),
        _list("Settlement calendars", "calendar_month", "roaming", "settlementcalendar"),
    ),
    _group(
        "Network",
        _list("Sites", "location_on", "roaming", "site"),
        _list("EVSEs", "ev_station", "roaming", "evse"),
        _list("Tariffs", "sell", "roaming", "tariffversion"),
        _list("Outages", "warning", "roaming", "outage"),
        _list("Identifications", "badge", "roaming", "identification"),
    ),
    _group(
        "Traffic",
        _list("Service sessions", "electric_car", "roaming", "servicesession"),
        _list("Commands", "smart_button", "roaming", "command"),
        _list("Reservations", "event_seat", "roaming", "reservation"),
        # The search page lies below the journal's address, and is not it.
        {
            **_list("Journal", "receipt_long", "roaming", "journalentry"),
            "active": lambda request: (
                request.path.startswith(str(reverse_lazy("admin:roaming_journalentry_changelist")))
                and request.path != str(reverse_lazy("admin:find"))
            ),
        },
        _list("Deliveries", "outbox", "roaming", "delivery"),
    ),
    _group(
        "Reconciliation",
        {
            "title": "Work queues",
            "icon": "inbox",
            "link": reverse_lazy("admin:queues"),
            "permission": _may_view("roaming", "sdr"),
        },
        # Queues and reports lie below the list's address, and are not it.
        {
            **_list("SDRs", "description", "roaming", "sdr"),
            "active": lambda request: (
                request.path.startswith(str(reverse_lazy("admin:roaming_sdr_changelist")))
                and request.path not in _BELOW_THE_SDRS
            ),
        },
        _list("Disputes", "gavel", "settlement", "dispute"),
        _list("Dispute terms", "schedule", "settlement", "disputeterms"),
        _list("Findings", "rule", "roaming", "finding"),
        {
            **_list("Rules", "rule_settings", "settlement", "rulesetting"),
            "link": reverse_lazy("admin:settlement_rulesetting_registry"),
            "active": lambda request: request.path.startswith(
                str(reverse_lazy("admin:settlement_rulesetting_changelist"))
            ),
        },
        _list("Runs", "play_circle", "settlement", "reconciliationrun"),
        {
            "title": "Reports",
            "icon": "download",
            "link": reverse_lazy("admin:reconciliation_reports"),
            "permission": lambda request: request.user.has_perms(
                ("roaming.view_sdr", "roaming.view_finding", "roaming.view_servicesession")
            ),
        },
    ),
    _group(
        "Settlement",
        _list("Periods", "event_available", "settlement", "settlementperiod"),
        _list("Statements", "request_quote", "settlement", "statement"),
        _list("Net positions", "balance", "settlement", "netposition"),
        _list("Net payments", "payments", "settlement", "netpayment"),
        _list("Fee rules", "percent", "settlement", "feerule"),
        _list("Fee charges", "receipt", "settlement", "feecharge"),
    ),
    _group(
        "Ledger",
        _list("Accounts", "account_tree", "settlement", "ledgeraccount"),
        _list("Entries", "menu_book", "settlement", "ledgerentry"),
        _list("Postings", "swap_vert", "settlement", "posting"),
    ),
    _group(
        "Administration",
        _list("Staff", "person", "clearinghouse", "user"),
        _list("Groups", "group", "auth", "group"),
        {
            "title": "Failed log-ins",
            "icon": "lock",
            "link": reverse_lazy("admin:axes_accessattempt_changelist"),
            "permission": lambda request: request.user.has_perm("clearinghouse.change_user"),
        },
        _list("E-mails", "mail", "settlement", "outgoingmail"),
        _list("What staff did", "history", "admin", "logentry"),
    ),
]


def clock_badge(request: HttpRequest) -> list[str] | None:
    """The business clock where it is not the real one, so that nobody is surprised by its times."""
    from django.conf import settings

    from roaming.models import BusinessClock
    from roaming.models.clock import business_now

    if not settings.BUSINESS_CLOCK_SETTABLE or not BusinessClock.objects.exists():
        return None
    return [f"Clock {business_now():%Y-%m-%d %H:%M} UTC", "warning"]


def _favicon(request: HttpRequest) -> str:
    """A hub and its spokes, without a file."""
    return (
        "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24'%3E"
        "%3Cg fill='none' stroke='%231d4ed8' stroke-width='2'%3E%3Ccircle cx='12' cy='12' r='4'/%3E"
        "%3Cpath d='M12 8V2M12 22v-6M8 12H2M22 12h-6'/%3E%3C/g%3E%3C/svg%3E"
    )


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Roaming clearing house",
    "SITE_HEADER": "Clearing house",
    "SITE_SUBHEADER": "Roaming after IEC 63119-2",
    "SITE_SYMBOL": "hub",
    "SITE_URL": None,
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": True,
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": _favicon}],
    "ENVIRONMENT": "clearinghouse.admin_site.clock_badge",
    "DASHBOARD_CALLBACK": "clearinghouse.admin_home.today",
    "COLORS": {"primary": _PRIMARY},
    "SIDEBAR": {"show_search": False, "show_all_applications": False, "navigation": NAVIGATION},
}
