"""The filtered list of SDRs as CSV, streamed: a million lines need no memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from clearinghouse.portal.csv_files import Form, csv_response, plain_name
from clearinghouse.portal.sdr_list import SdrFilterForm, filtered
from clearinghouse.portal.viewer import Viewer, portal_page
from roaming.models.clock import business_now

_COLUMNS = (
    ("SDR", "reference"),
    ("State", "standing__state"),
    ("Outcome", "standing__outcome"),
    ("Visited-CSO", "visited_cso__identifier"),
    ("Home-CSP", "home_csp__identifier"),
    ("EVSE", "evse_id"),
    ("Session start", "started_at"),
    ("Session end", "ended_at"),
    ("Energy (kWh)", "energy_kwh"),
    ("Claim before tax", "claim_before_tax"),
    ("Claim with tax", "claim_after_tax"),
    ("Rated before tax, unrounded", "standing__rated_before_tax"),
    ("Settled before tax", "standing__settled_amount"),
    ("Settled by", "standing__basis"),
    ("Currency", "currency"),
    ("Decide by", "standing__decide_by"),
    ("Tariff", "tariff_id"),
    ("Credit of", "credit_reference"),
    ("Service session id", "service_session_id"),
    ("CSO's session id", "cso_session_id"),
    ("CSP's session id", "csp_session_id"),
    ("Received", "received_at"),
    ("Clearing house id", "pk"),
)


@portal_page()
def sdrs_csv(request: HttpRequest, viewer: Viewer) -> HttpResponseBase:
    """The list as its filters have it, newest session first."""
    form = Form.asked(viewer, request.GET.get("form", ""))
    rows = filtered(viewer, SdrFilterForm(viewer, request.GET)).order_by("-pk")
    values = rows.values_list(*(path for _title, path in _COLUMNS))
    titles = [title for title, _path in _COLUMNS]
    if form.zone is not None:
        zone = f" ({viewer.zone.key})"
        moments = {"Session start", "Session end", "Decide by", "Received"}
        titles = [title + zone if title in moments else title for title in titles]
    name = f"{business_now():%Y-%m-%d}_{plain_name(viewer.operator.name)}_SDRs.csv"
    return csv_response(form, name, titles, _drawn(values))


def _drawn(values: Any) -> Iterator[Any]:
    yield from values.iterator(chunk_size=2_000)
