"""Menu group Network: sites and EVSEs as published, tariffs, identifications for offline use."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from roaming.admin.identification_search import fingerprints_of
from roaming.admin.tariff_elements import elements_panel
from roaming.domain.evse_status import state_at
from roaming.models import (
    Command,
    Connector,
    Evse,
    Identification,
    IdentificationVersion,
    JournalEntry,
    Outage,
    ServiceSession,
    Site,
    TariffVersion,
)
from roaming.models.clock import business_now
from roaming.staff_pages.cells import (
    badge,
    block,
    column,
    link_column,
    link_to,
    list_of,
    moment,
    moment_column,
    pretty_json,
    quantity,
    state_column,
)
from roaming.staff_pages.long_lists import clean_term
from roaming.staff_pages.personal_data import PersonalDataPages, Shown, masked
from roaming.staff_pages.ranges import range_text
from roaming.staff_pages.staff_admin import FactAdmin, Panel


@admin.register(Site)
class SiteAdmin(FactAdmin):
    """Sites, as their visited-CSO publishes them."""

    comes_from = "CSOs publish their sites (UC1-2) once their platform is registered."
    list_display = ("shown_name", "site_id", "cso", "city", "country", "environment", "standing")
    list_display_links = ("shown_name",)
    list_filter = ("environment", "country")
    list_select_related = ("visited_cso",)
    search_fields = ("key",)
    search_help_text = "Site id, or its beginning"
    fields = (
        "shown_name", "site_id", "cso", "environment", "address", "postal_code", "city", "country",
        "position", "time_zone", "updated", "received", "standing", "message",
    )  # fmt: skip
    readonly_fields = (
        "shown_name",
        "cso",
        "position",
        "updated",
        "received",
        "standing",
        "message",
    )

    shown_name = column("Site", str)
    cso = link_column("visited_cso", "visited-CSO")
    position = column("Position", lambda row: f"{row.latitude}, {row.longitude}")
    updated = moment_column("last_updated", "Updated by the CSO")
    received = moment_column("received_at", "Received")
    standing = column(
        "Standing",
        lambda row: (
            badge("withdrawn", "plain") if row.withdrawn_at else badge("published", "success")
        ),
    )
    message = column("As received", lambda row: block(pretty_json(row.body)))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By key, whatever separators were typed."""
        key = _key(clean_term(search_term))
        return (queryset.filter(key__startswith=key) if key else queryset), False

    def panels(self, request: HttpRequest, row: Any) -> Sequence[Panel]:
        lines = [
            (
                link_to(evse),
                ", ".join(_connector(c) for c in evse.connectors.all()) or "–",
                ", ".join(evse.authentication_methods) or "–",
                badge("removed") if evse.removed_at else badge("in use", "success"),
            )
            for evse in row.evses.prefetch_related("connectors")[:200]
        ]
        headers = ("EVSE", "Connectors", "Authentication", "Standing")
        return [Panel("EVSEs", headers, lines, "The site has no EVSE.")]


def _connector(row: Any) -> str:
    power = f"{row.max_power_w / 1000:g} kW" if row.max_power_w else ""
    return " ".join(part for part in (row.connector_id, row.power_type, power) if part)


def _key(text: str) -> str:
    return text.upper().replace("*", "").replace("-", "").replace(" ", "")


STATUSES = {
    "AVAILABLE": "success",
    "CHARGING": "info",
    "RESERVED": "info",
    "OUTOFORDER": "danger",
    "INOPERATIVE": "danger",
    "BLOCKED": "warning",
}


def _status(row: Evse) -> Any:
    """What may be told of it at this moment (UC1-3): past its time to live, UNKNOWN."""
    told = getattr(row, "status", None)
    if told is None:
        return "–"
    now_is = state_at(told.state, told.expires_at, business_now()).value
    words = {"OUTOFORDER": "out of order"}.get(now_is, now_is.lower())
    return badge(words, STATUSES.get(now_is, "plain"))


def _outages(row: Evse) -> Panel:
    lines = [
        (
            link_to(outage),
            moment(outage.starts_at),
            moment(outage.ends_at),
            outage.get_state_display(),
        )
        for outage in Outage.objects.filter(evses=row).order_by("-starts_at")[:20]
    ]
    return Panel("Outages", ("Outage", "From", "Until", "State"), lines, "None was announced.")


@admin.register(Evse)
class EvseAdmin(FactAdmin):
    """Charging positions, whose they were when, and what can be plugged in."""

    comes_from = "EVSEs come with the sites that CSOs publish (UC1-2)."
    list_display = ("evse_id", "site_link", "cso", "now_is", "environment", "standing")
    list_filter = ("environment",)
    list_select_related = ("site__visited_cso", "status")
    search_fields = ("key",)
    search_help_text = "EVSE-ID, or its beginning"
    words = {"evse_id": "EVSE-ID"}
    fields = (
        "evse_id", "key", "environment", "site_link", "cso", "now_is", "told", "holds_until",
        "methods", "standing",
    )  # fmt: skip
    readonly_fields = (
        "site_link", "cso", "now_is", "told", "holds_until", "methods", "standing",
    )  # fmt: skip

    site_link = link_column("site", "Site")
    cso = link_column("site__visited_cso", "visited-CSO")
    now_is = column("Status now", _status)
    told = moment_column("status__stamped_at", "Status given at")
    holds_until = moment_column("status__expires_at", "Status holds until")
    methods = column("Authentication", lambda row: ", ".join(row.authentication_methods) or "–")
    standing = column(
        "Standing",
        lambda row: badge("removed") if row.removed_at else badge("in use", "success"),
    )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By key, whatever separators were typed."""
        key = _key(clean_term(search_term))
        return (queryset.filter(key__startswith=key) if key else queryset), False

    def panels(self, request: HttpRequest, row: Any) -> Sequence[Panel]:
        owners = row.ownerships.select_related("visited_cso").order_by("during")
        traffic = [
            (list_of(ServiceSession._meta, f"evse__id__exact={row.pk}", "Sessions at it"),),
            (list_of(Command._meta, f"q={row.key}", "Commands to it"),),
            (list_of(JournalEntry._meta, f"q={row.key}", "Messages about it"),),
        ]
        return [
            Panel(
                "Belongs to",
                ("visited-CSO", "When"),
                [(link_to(o.visited_cso), range_text(o.during, "%Y-%m-%d")) for o in owners],
                "Nobody is recorded as its owner.",
            ),
            Panel(
                "Connectors",
                ("Connector", "Standard", "Power", "At most", "Tariffs"),
                [
                    (
                        c.connector_id,
                        c.standard or "–",
                        c.power_type or "–",
                        _kilowatts(c),
                        _tariffs_of(c),
                    )
                    for c in row.connectors.prefetch_related("individual_tariffs__home_csp")
                ],
                "No connector was published.",
            ),
            _outages(row),
            Panel("Traffic", ("",), traffic, ""),
        ]


def _for_whom(row: TariffVersion) -> Any:
    return link_to(row.home_csp) if row.home_csp else "all home-CSPs"


def _how_told(row: TariffVersion) -> Any:
    """Announced to all or one, told to the one that asked (UC2-2), or withdrawn."""
    if row.withdrawn:
        return badge("withdrawal")
    return badge("told on request", "info") if row.on_request else badge("announced", "success")


def _kilowatts(row: Connector) -> Any:
    watts = row.max_power_w
    return quantity(None if watts is None else Decimal(watts) / 1000, "kW")


def _tariffs_of(row: Connector) -> str:
    """For all, then for single home-CSPs where theirs differ."""
    shown = [", ".join(row.tariff_ids) or "–"]
    shown += [
        f"{own.home_csp}: {', '.join(own.tariff_ids) or '–'}"
        for own in row.individual_tariffs.all()
    ]
    return "; ".join(shown)


@admin.register(TariffVersion)
class TariffVersionAdmin(FactAdmin):
    """Tariff versions: what was announced, when it came, from when it counts."""

    comes_from = "CSOs announce their tariffs (UC2-1) once their platform is registered."
    panels_first = True
    list_display = ("tariff_id", "cso", "csp", "environment", "valid", "received", "standing")
    list_filter = ("environment", "withdrawn", "currency")
    list_select_related = ("visited_cso", "home_csp")
    search_fields = ("tariff_id",)
    search_help_text = "Tariff id, or its beginning"
    fields = (
        "tariff_id", "cso", "csp", "environment", "currency", "valid", "received", "standing",
        "message",
    )  # fmt: skip
    readonly_fields = ("cso", "csp", "valid", "received", "standing", "message")

    cso = link_column("visited_cso", "visited-CSO")
    csp = column("For", _for_whom)
    valid = column(
        "Valid",
        lambda row: (
            f"from {moment(row.valid_from)}"
            + (f" until {moment(row.valid_to)}" if row.valid_to else "")
        ),
    )
    received = moment_column("received_at", "Received")
    standing = column("Standing", _how_told)
    message = column("As received", lambda row: block(pretty_json(row.body)))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By tariff id."""
        term = clean_term(search_term)
        return (queryset.filter(tariff_id__startswith=term) if term else queryset), False

    def panels(self, request: HttpRequest, row: Any) -> Sequence[Panel]:
        others = TariffVersion.objects.filter(
            environment=row.environment, visited_cso=row.visited_cso, tariff_id=row.tariff_id
        ).select_related("home_csp")
        lines = [
            (
                link_to(other, moment(other.valid_from)),
                moment(other.received_at),
                _for_whom(other),
                "this one" if other.pk == row.pk else "",
            )
            for other in others.order_by("-valid_from", "-received_at")[:50]
        ]
        headers = ("Valid from", "Received", "For", "")
        elements = [elements_panel(row.body)] if row.body else []
        return [*elements, Panel("Versions of this tariff", headers, lines, "")]


@admin.register(Identification)
class IdentificationAdmin(PersonalDataPages, FactAdmin):
    """Tokens that home-CSPs distributed. Found by the whole token; shown by permission only."""

    comes_from = (
        "Home-CSPs distribute tokens for offline use (UC4-2). Without any, each token is "
        "asked for live."
    )
    list_display = (
        "identification",
        "csp",
        "kind",
        "environment",
        "whitelist",
        "standing",
        "updated",
    )
    list_filter = ("environment", "valid", "whitelist", "kind")
    list_select_related = ("home_csp",)
    search_fields = ("pk",)
    search_help_text = "The whole token UID or contract id"
    fields = (
        "identification", "contract", "csp", "environment", "kind", "whitelist", "standing",
        "expires", "updated", "received",
    )  # fmt: skip
    readonly_fields = (
        "identification", "contract", "csp", "standing", "expires", "updated", "received",
    )  # fmt: skip

    identification = column("Token", lambda row: f"{masked('x')} no. {row.pk}")
    contract = column("Contract", lambda row: masked("x" if row.contract_hmac else ""))
    csp = link_column("home_csp", "home-CSP")
    standing = state_column(
        "valid", "Standing", {"True": "success"}, {"True": "valid", "False": "blocked"}
    )
    expires = moment_column("expires_at", "Expires")
    updated = moment_column("last_updated", "Updated by the CSP")
    received = moment_column("received_at", "Received")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By fingerprint: the token itself is in no searchable column."""
        if not (term := clean_term(search_term)):
            return queryset, False
        return queryset.filter(token_hmac__in=fingerprints_of(term)), False

    def personal_data(self, row: Any) -> Shown:
        data = getattr(row, "personal_data", None)
        return [("Token UID", data.token_uid), ("Contract id", data.contract_id)] if data else []

    def panels(self, request: HttpRequest, row: Any) -> Sequence[Panel]:
        versions = IdentificationVersion.objects.filter(
            environment=row.environment, home_csp=row.home_csp, token_hmac=row.token_hmac
        )
        lines = [
            (
                moment(version.received_at),
                "removed" if version.removed else "valid" if version.valid else "blocked",
                version.get_whitelist_display(),
                moment(version.expires_at),
            )
            for version in versions.order_by("-received_at")[:50]
        ]
        headers = ("Distributed", "Standing", "Whitelist", "Expires")
        return [Panel("What was distributed when", headers, lines, "Nothing is recorded.")]
