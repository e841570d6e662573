"""Addresses of the portal. Those of OPEN can be asked for by whoever is not signed in."""

from __future__ import annotations

from django.urls import path

from clearinghouse.portal import (
    account,
    agreements,
    colleagues,
    decisions,
    dispute_page,
    dispute_steps,
    disputes,
    downloads,
    invitations,
    sdr_download,
    sdr_list,
    sdr_page,
    sign_in,
    start,
)

app_name = "portal"
OPEN = frozenset({"sign-in", "sign-out", "reset", "reset-sent", "reset-confirm", "invitation"})
urlpatterns = [
    path("", start.start, name="start"),
    # Reconciliation
    path("sdrs/", sdr_list.sdr_list, name="sdrs"),
    path("sdrs/sdrs.csv", sdr_download.sdrs_csv, name="sdrs-csv"),
    path("sdrs/<uuid:key>/", sdr_page.sdr_page, name="sdr"),
    path("decisions/", decisions.decide, name="decide"),
    path("disputes/", disputes.dispute_list, name="disputes"),
    path("disputes/<int:key>/", dispute_page.dispute_page, name="dispute"),
    path("disputes/<int:key>/message/", dispute_steps.message, name="dispute-message"),
    path("disputes/<int:key>/evidence/", dispute_steps.evidence, name="dispute-evidence"),
    path(
        "disputes/<int:key>/evidence/<int:number>/",
        dispute_steps.evidence_file,
        name="evidence-file",
    ),
    path("disputes/<int:key>/step/<slug:name>/", dispute_steps.step, name="dispute-step"),
    path("agreements/", agreements.agreement_list, name="agreements"),
    path("agreements/<int:key>/", agreements.agreement, name="agreement"),
    path("reports/", downloads.downloads, name="downloads"),
    path("reports/<slug:name>.csv", downloads.download, name="download"),
    # People
    path("sign-in/", sign_in.SignIn.as_view(), name="sign-in"),
    path("sign-out/", sign_in.SignOut.as_view(), name="sign-out"),
    path("second-factor/", sign_in.second_factor, name="second-factor"),
    path("second-factor/setup/", sign_in.set_up_second_factor, name="second-factor-setup"),
    path("reset/", sign_in.Reset.as_view(), name="reset"),
    path("reset/sent/", sign_in.reset_sent, name="reset-sent"),
    path("reset/<uidb64>/<token>/", sign_in.ResetConfirm.as_view(), name="reset-confirm"),
    path("invitation/<str:token>/", invitations.accept, name="invitation"),
    path("switch/", account.switch, name="switch"),
    path("account/", account.account, name="account"),
    path("account/password/", account.password, name="password"),
    path("colleagues/", colleagues.colleagues, name="colleagues"),
    path("colleagues/<int:key>/", colleagues.colleague, name="colleague"),
    path(
        "colleagues/<int:key>/<slug:standing>/", colleagues.set_standing, name="colleague-standing"
    ),
    path(
        "colleagues/invitations/<int:key>/withdraw/",
        colleagues.withdraw_invitation,
        name="withdraw-invitation",
    ),
]
