"""Addresses of what the clearing house does with SDRs (6.4.2), below /api/v1/."""

from __future__ import annotations

from settlement.api import (
    arrivals,
    csp_records,
    decisions,
    dispute_evidence,
    disputes,
    sdrs,
    totals,
)

app_name = "settlement"
urlpatterns = [
    *csp_records.urlpatterns,
    *decisions.urlpatterns,  # before the addresses of single SDRs
    *sdrs.urlpatterns,
    *disputes.urlpatterns,
    *dispute_evidence.urlpatterns,
    *totals.urlpatterns,
    *arrivals.urlpatterns,
]
