"""The steps of a platform: its registration token, suspension, credentials revoked."""

from __future__ import annotations

from django.utils import timezone

from roaming.models import Credential, Platform
from roaming.staff_pages.steps import ShownOnce, Situation, Step, WithReason
from roaming.use_cases.operator_onboarding import resume_platform, suspend_platform
from roaming.use_cases.uc1_01_platform_authentication import (
    REGISTRATION_TOKEN_LIFE,
    issue_registration_token,
    revoke_credential,
)

STOPPED = (Platform.Status.SUSPENDED, Platform.Status.ENDED)


def _issue(situation: Situation) -> ShownOnce:
    token = issue_registration_token(situation.row, timezone.now())
    return ShownOnce(
        title="Registration token",
        explanation=f"Send it to the engineers of {situation.row.run_by} by a safe way. It lets "
        f"{situation.row.name} register once, within {REGISTRATION_TOKEN_LIFE.days} days. It is "
        "shown this one time: the clearing house keeps only its digest.",
        secret=token,
    )


def _issue_preview(situation: Situation) -> list[str]:
    held = ", ".join(str(pin) for pin in situation.row.held_identifiers.all())
    lines = [f"Whoever presents the token registers as this platform and speaks for {held}."]
    if not held:
        lines = ["The platform speaks for nobody yet: pin identifiers first, or later."]
    if situation.row.status == Platform.Status.CONNECTED:
        lines.append("It is registered: registering anew ends the credential it works with now.")
    return lines


def _suspend(situation: Situation) -> str:
    suspend_platform(situation.row)
    return f"{situation.row.name} is suspended: no new business from the next message on."


def _suspend_preview(situation: Situation) -> list[str]:
    held = [str(pin) for pin in situation.row.held_identifiers.all()]
    return [
        f"New business of {', '.join(held) or 'nobody'} stops with the next message: starts, "
        "identifications, reservations. Sessions that run go on and their SDRs are taken.",
        "Nobody is told by the clearing house: tell the operator.",
    ]


def _resume(situation: Situation) -> str:
    return f"{situation.row.name}: {resume_platform(situation.row).get_status_display().lower()}."


def _live_credentials(row: Platform) -> list[Credential]:
    return list(row.credentials.filter(revoked_at=None))


def _revoke(situation: Situation) -> str:
    now = timezone.now()
    credentials = _live_credentials(situation.row)
    for credential in credentials:
        revoke_credential(credential, now)
    return f"{len(credentials)} credential(s) revoked. A registration token lets it come back."


ISSUE = Step(
    name="registration-token",
    label="Issue registration token",
    permission="roaming.change_platform",
    act=_issue,
    when=lambda situation: situation.row.status not in STOPPED,
    preview=_issue_preview,
)
SUSPEND = Step(
    name="suspend",
    label="Suspend",
    permission="roaming.change_platform",
    act=_suspend,
    when=lambda situation: situation.row.status not in STOPPED,
    preview=_suspend_preview,
    form=WithReason,
    danger=True,
)
RESUME = Step(
    name="resume",
    label="Resume",
    permission="roaming.change_platform",
    act=_resume,
    when=lambda situation: situation.row.status == Platform.Status.SUSPENDED,
    preview=lambda situation: ["New business passes again from the next message on."],
    form=WithReason,
)
REVOKE = Step(
    name="revoke-credentials",
    label="Revoke credentials",
    permission="roaming.change_platform",
    act=_revoke,
    when=lambda situation: bool(_live_credentials(situation.row)),
    preview=lambda situation: [
        "Every message that it sends is refused from now on, until it registers anew with a fresh "
        "registration token. For when a credential leaked."
    ],
    form=WithReason,
    danger=True,
)

STEPS = (ISSUE, RESUME, REVOKE, SUSPEND)
