"""The native API's addresses, in clause order (IEC 63119-2, 8.1 to 8.5), below /api/v1/."""

from __future__ import annotations

from roaming.api import (
    agreements,
    commands,
    group1_authentication,
    group1_general,
    group1_statuses,
    group2_tariff_requests,
    group2_tariffs,
    group3_charge_plan,
    group3_charging,
    group3_remote,
    group3_reservation,
    group3_sdr,
    group3_session,
    group3_start,
    group4_credentials,
    group4_identifications,
    group5_outages,
    group5_unlocking,
    messages,
    operations,
)

app_name = "roaming"
urlpatterns = [
    *group1_authentication.urlpatterns,
    *group1_general.urlpatterns,
    *group1_statuses.urlpatterns,
    *group2_tariff_requests.urlpatterns,  # before the addresses of single tariffs
    *group2_tariffs.urlpatterns,
    *group3_start.urlpatterns,
    *group3_remote.urlpatterns,
    *group3_charging.urlpatterns,
    *group3_charge_plan.urlpatterns,
    *group3_session.urlpatterns,
    *group3_reservation.urlpatterns,
    *group3_sdr.urlpatterns,
    *group4_credentials.urlpatterns,
    *group4_identifications.urlpatterns,
    *group5_outages.urlpatterns,
    *group5_unlocking.urlpatterns,
    *commands.urlpatterns,
    *messages.urlpatterns,
    *agreements.urlpatterns,
    *operations.urlpatterns,
]
