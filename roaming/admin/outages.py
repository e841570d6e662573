"""Maintenance and outages (UC5-1): what is announced, what it affects, who was told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from roaming.models import Delivery, Outage
from roaming.staff_pages.cells import (
    badge,
    block,
    brief_moment_column,
    column,
    link_column,
    link_to,
    moment_cell,
    moment_column,
    pretty_json,
    state_column,
)
from roaming.staff_pages.long_lists import clean_term
from roaming.staff_pages.staff_admin import FactAdmin, Panel

SHADES = {"announced": "warning", "ended": "success"}


@admin.register(Outage)
class OutageAdmin(FactAdmin):
    """Outages, the latest announced first."""

    comes_from = "CSOs announce maintenance and outages (UC5-1)."
    list_display = ("outage_id", "shown_kind", "shown_state", "cso", "starts", "ends", "about")
    list_filter = ("environment", "state", "kind")
    list_select_related = ("visited_cso",)
    search_fields = ("outage_id",)
    search_help_text = "Outage id of the CSO, or its beginning"
    fields = (
        "outage_id", "shown_kind", "shown_state", "cso", "environment", "starts_whole",
        "ends_whole", "description", "updated", "received", "message",
    )  # fmt: skip
    readonly_fields = (
        "shown_kind", "shown_state", "cso", "starts_whole", "ends_whole", "updated", "received",
        "message",
    )  # fmt: skip

    shown_kind = state_column("kind", "Kind", {"UNPLANNED": "danger", "PLANNED": "info"})
    shown_state = state_column("state", "State", SHADES)
    cso = link_column("visited_cso", "visited-CSO")
    starts = brief_moment_column("starts_at", "From")
    ends = brief_moment_column("ends_at", "Until")
    starts_whole = moment_column("starts_at", "From")
    ends_whole = moment_column("ends_at", "Until")
    about = column("What", lambda row: row.description[:60] or "–")
    updated = moment_column("last_updated", "Updated by the CSO")
    received = moment_column("received_at", "Received")
    message = column("As received", lambda row: block(pretty_json(row.body)))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By the CSO's id."""
        term = clean_term(search_term)
        return (queryset.filter(outage_id__startswith=term) if term else queryset), False

    def panels(self, request: HttpRequest, row: Any) -> Sequence[Panel]:
        affected = [(link_to(evse), link_to(evse.site)) for evse in _evses(row)]
        return [
            Panel("Affects", ("EVSE", "Site"), affected, "No EVSE is named."),
            _told(row),
        ]


def _evses(row: Outage) -> Any:
    return row.evses.select_related("site").order_by("key")[:200]


def _told(row: Outage) -> Panel:
    """Who was told, each at what moment."""
    found = Delivery.objects.filter(
        object_key=f"outage:{row.visited_cso.key}:{row.outage_id}"
    ).select_related("receiver")
    lines = [
        (
            link_to(delivery, delivery.receiver.name),
            badge(
                delivery.get_state_display(),
                {"delivered": "success", "dead": "danger"}.get(delivery.state, "warning"),
            ),
            moment_cell(delivery.created_at),
            moment_cell(delivery.delivered_at),
        )
        for delivery in found.order_by("id")[:100]
    ]
    return Panel("Told", ("Platform", "Standing", "Made", "Delivered"), lines, "Nobody was told.")
