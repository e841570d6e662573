"""Disputes: what is contested about an SDR, whose turn it is, and everything that happened.

Few and long-lived, so never partitioned (storage.md). The log of events explains the state.
"""

from __future__ import annotations

import pghistory
from django.db import models
from django.db.models import F, Q

from roaming.models import Agreement, Environment, OperatorIdentifier, OperatorPair, Sdr
from roaming.models.fields import ExactDecimalField
from settlement.domain.decision_reasons import ReasonCode
from settlement.domain.disputes import (
    CLAIMANT_SILENT,
    LIVE,
    RESPONDENT_SILENT,
    REVIEW_SILENT,
    DisputeState,
    Result,
    Side,
    Step,
    Terms,
)

_LIVE = [state.value for state in LIVE]
_SILENCE = {
    Step.CONCEDE: "Concedes: the undisputed amount is settled",
    Step.MAINTAIN: "Maintains its claim: the home-CSP is asked",
    Step.WITHDRAW: "Withdraws: the claim is settled",
    Step.ACCEPT: "Accepts the offer, or the claim where none was made",
    Step.INSIST: "Insists: the clearing house decides",
    Step.OVERDUE: "Stays with the clearing house, overdue",
    Step.UPHOLD: "Upheld: the undisputed amount is settled",
    Step.DISMISS: "Dismissed: the claim is settled",
}


def _choices(steps: tuple[Step, ...]) -> list[tuple[str, str]]:
    return [(step.value, _SILENCE[step]) for step in steps]


@pghistory.track()
class DisputeTerms(models.Model):
    """Windows and what silence means: of one agreement, or of all that have none of their own."""

    agreement = models.OneToOneField(
        Agreement, models.PROTECT, null=True, blank=True, related_name="dispute_terms",
        help_text="Only this agreement; empty: every agreement that has no terms of its own.",
    )  # fmt: skip
    respondent_hours = models.PositiveIntegerField(
        default=240, help_text="The visited-CSO's time to answer."
    )
    claimant_hours = models.PositiveIntegerField(
        default=120, help_text="The home-CSP's time to accept or to insist."
    )
    review_hours = models.PositiveIntegerField(
        default=480, help_text="The clearing house's time to rule."
    )
    respondent_silent = models.CharField(
        "A silent visited-CSO", max_length=12, choices=_choices(RESPONDENT_SILENT),
        default=Step.CONCEDE.value,
    )  # fmt: skip
    claimant_silent = models.CharField(
        "A silent home-CSP", max_length=12, choices=_choices(CLAIMANT_SILENT),
        default=Step.WITHDRAW.value,
    )  # fmt: skip
    review_silent = models.CharField(
        "An overdue review", max_length=12, choices=_choices(REVIEW_SILENT),
        default=Step.OVERDUE.value,
    )  # fmt: skip

    class Meta:
        verbose_name_plural = "dispute terms"
        constraints = [
            models.UniqueConstraint(
                F("agreement"), name="dispute_terms_once", nulls_distinct=False
            ),
            models.CheckConstraint(
                condition=Q(respondent_hours__gte=1, claimant_hours__gte=1, review_hours__gte=1),
                name="dispute_windows_are_open",
            ),
        ]

    def __str__(self) -> str:
        return f"Terms of {self.agreement}" if self.agreement else "Terms of all agreements"

    def as_value(self) -> Terms:
        """What the domain reckons with."""
        return Terms(
            respondent_hours=self.respondent_hours,
            claimant_hours=self.claimant_hours,
            review_hours=self.review_hours,
            respondent_silent=Step(self.respondent_silent),
            claimant_silent=Step(self.claimant_silent),
            review_silent=Step(self.review_silent),
        )


class Dispute(models.Model):
    """What a home-CSP contests of one SDR. Its state is what its events say; none is removed."""

    class Origin(models.TextChoices):
        DECLINE = "decline", "The home-CSP declined the SDR"
        OBJECTION = "objection", "Objection to a preliminary statement"
        SILENCE = "silence", "The home-CSP was silent, which declines by agreement"
        STAFF = "staff", "Opened by the clearing house"

    environment = models.CharField(max_length=4, choices=Environment)
    sdr = models.ForeignKey(Sdr, models.PROTECT, related_name="disputes")
    pair = models.ForeignKey(OperatorPair, models.PROTECT, null=True, related_name="+")
    visited_cso = models.ForeignKey(OperatorIdentifier, models.PROTECT, related_name="+")
    home_csp = models.ForeignKey(OperatorIdentifier, models.PROTECT, null=True, related_name="+")
    origin = models.CharField(max_length=10, choices=Origin)
    reason = models.CharField(
        max_length=3, choices=[(code.value, code.label) for code in ReasonCode]
    )
    note = models.CharField(max_length=300, blank=True)
    currency = models.CharField(max_length=3)
    claim = ExactDecimalField(help_text="Before tax, rounded as it would be settled.")
    undisputed = ExactDecimalField(default=0, help_text="What is right all the same.")
    offered = ExactDecimalField(null=True, help_text="What the visited-CSO offered to settle.")
    settled_before = ExactDecimalField(
        null=True, help_text="At what the SDR was settled before the dispute; else empty."
    )
    settleable = models.BooleanField(default=True)
    state = models.CharField(max_length=10, choices=[(s.value, s.label) for s in DisputeState])
    result = models.CharField(
        max_length=10, blank=True, choices=[(r.value, r.label) for r in Result]
    )
    amount = ExactDecimalField(null=True, help_text="What it ended at.")
    opened_at = models.DateTimeField()
    respond_by = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["respond_by"], condition=Q(closed_at=None), name="dispute_due"),
            models.Index(fields=["visited_cso", "-id"]),
            models.Index(fields=["home_csp", "-id"]),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["sdr"], condition=Q(closed_at=None), name="one_live_dispute_per_sdr"
            ),
            models.CheckConstraint(
                condition=(Q(amount=None) | Q(amount__lte=F("claim")))
                & (Q(offered=None) | Q(offered__lte=F("claim")))
                & Q(undisputed__lte=F("claim")),
                name="dispute_never_above_the_claim",
            ),
            models.CheckConstraint(
                condition=Q(
                    state__in=_LIVE,
                    closed_at=None,
                    respond_by__isnull=False,
                    result="",
                    amount=None,
                )
                | (
                    Q(state__in=["resolved", "withdrawn"], closed_at__isnull=False, respond_by=None)
                    & ~Q(result="")
                    & Q(amount__isnull=False)
                ),
                name="dispute_lives_or_has_ended",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """What people call it."""
        return f"D-{self.pk}"

    @property
    def at_stake(self) -> object:
        """What the two parties disagree about."""
        return self.claim - self.undisputed


class DisputeEvent(models.Model):
    """One step, message or piece of evidence: append-only, and what the state is a sum of."""

    dispute = models.ForeignKey(Dispute, models.PROTECT, related_name="events")
    at = models.DateTimeField()
    side = models.CharField(max_length=14, choices=[(s.value, s.value) for s in Side])
    actor = models.CharField(max_length=80)
    step = models.CharField(max_length=12, choices=[(s.value, s.label) for s in Step])
    by_silence = models.BooleanField(default=False)
    from_state = models.CharField(max_length=10, blank=True)
    to_state = models.CharField(max_length=10)
    amount = ExactDecimalField(null=True)
    respond_by = models.DateTimeField(null=True)
    text = models.CharField(max_length=2000, blank=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return Step(self.step).label


class DisputeEvidence(models.Model):
    """A file that a party brought. The bytes lie outside the web root, under their own hash."""

    event = models.OneToOneField(DisputeEvent, models.PROTECT, related_name="evidence")
    dispute = models.ForeignKey(Dispute, models.PROTECT, related_name="evidence")
    name = models.CharField(max_length=120)
    media_type = models.CharField(max_length=40)
    size = models.PositiveIntegerField(help_text="Bytes.")
    sha256 = models.CharField("SHA-256", max_length=64)

    class Meta:
        ordering = ["id"]
        verbose_name_plural = "dispute evidence"

    def __str__(self) -> str:
        return self.name
