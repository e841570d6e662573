"""The native API's addresses, in clause order (IEC 63119-2, 8.1 to 8.5), below /api/v1/."""

from __future__ import annotations

from django.urls import path

from roaming.api import (
    group1_general,
    group2_tariffs,
    group3_energy_transfer,
    group3_sdr,
    group4_credentials,
    operations,
)

app_name = "roaming"
urlpatterns = [
    # UC1-1
    path("registration", group1_general.RegistrationView.as_view(), name="uc1-1-registration"),
    path("credentials", group1_general.CredentialsView.as_view(), name="uc1-1-credentials"),
    path("credentials/rotation", group1_general.RotationView.as_view(), name="uc1-1-rotation"),
    # UC1-2
    path("sites", group1_general.SiteListView.as_view(), name="uc1-2-sites"),
    path("sites/<str:site_id>", group1_general.SiteView.as_view(), name="uc1-2-site"),
    # UC2-1
    path("tariffs", group2_tariffs.TariffListView.as_view(), name="uc2-1-tariffs"),
    path("tariffs/<str:tariff_id>", group2_tariffs.TariffView.as_view(), name="uc2-1-tariff"),
    # UC3-1, UC3-5
    path(
        "service-sessions/local-start",
        group3_energy_transfer.LocalStartView.as_view(),
        name="uc3-1-local-start",
    ),
    path(
        "service-sessions/<uuid:service_session_id>/completion",
        group3_energy_transfer.CompletionView.as_view(),
        name="uc3-5-completion",
    ),
    path(
        "service-sessions",
        group3_energy_transfer.ServiceSessionListView.as_view(),
        name="service-sessions",
    ),
    path(
        "service-sessions/<uuid:service_session_id>",
        group3_energy_transfer.ServiceSessionDetailView.as_view(),
        name="service-session",
    ),
    # UC3-9
    path("sdrs", group3_sdr.SdrsView.as_view(), name="uc3-9-sdrs"),
    path("sdrs/bulk", group3_sdr.SdrBulkView.as_view(), name="uc3-9-sdrs-bulk"),
    path("sdrs/<uuid:sdr_id>", group3_sdr.SdrDetailView.as_view(), name="uc3-9-sdr"),
    # UC4-1
    path(
        "identifications/authorisation",
        group4_credentials.AuthorisationView.as_view(),
        name="uc4-1-authorisation",
    ),
    path("clock", operations.ClockView.as_view(), name="clock"),
]
