"""Settlement periods: what is closed together, and who closed it (settlement.md, section 5)."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import F, Q

from roaming.models import Environment, SettlementCalendar


class SettlementPeriod(models.Model):
    """A stretch of a calendar. An SDR belongs to the one that holds its session's end.

    Once final, neither it nor its statements, lines, charges and positions change (trigger).
    """

    class Status(models.TextChoices):
        OPEN = "open", "Open"
        DRAFT = "draft", "Draft"
        PRELIMINARY = "preliminary", "Preliminary"
        FINAL = "final", "Final"

    environment = models.CharField(max_length=4, choices=Environment)
    calendar = models.ForeignKey(SettlementCalendar, models.PROTECT, related_name="periods")
    label = models.CharField(max_length=10, help_text="2026-10, 2026-W41 or 2026-10-05.")
    during = DateTimeRangeField(
        help_text="From (inclusive) to (exclusive), in the calendar's zone."
    )
    status = models.CharField(max_length=12, choices=Status, default=Status.OPEN)
    version = models.PositiveIntegerField(default=0, help_text="Counts the drafts.")
    input_hash = models.CharField(
        max_length=64, blank=True, help_text="SHA-256 over the ids, versions and amounts frozen."
    )
    drafted_at = models.DateTimeField(null=True, blank=True)
    preliminary_at = models.DateTimeField(null=True, blank=True)
    objections_until = models.DateTimeField(null=True, blank=True)
    final_at = models.DateTimeField(null=True, blank=True)
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    finalised_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ["-label", "calendar__name"]
        constraints = [
            ExclusionConstraint(
                name="settlement_periods_do_not_overlap",
                expressions=[
                    ("environment", RangeOperators.EQUAL),
                    ("calendar", RangeOperators.EQUAL),
                    ("during", RangeOperators.OVERLAPS),
                ],
            ),
            models.UniqueConstraint(fields=["id", "environment"], name="period_environment"),
            models.CheckConstraint(
                condition=Q(finalised_by__isnull=True) | ~Q(finalised_by=F("proposed_by")),
                name="period_four_eyes",
            ),
            models.CheckConstraint(
                condition=~Q(status="final")
                | Q(
                    proposed_by__isnull=False,
                    finalised_by__isnull=False,
                    final_at__gte=F("objections_until"),
                ),
                name="final_period_says_who_and_when",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["preliminary", "final"])
                | Q(
                    proposed_by__isnull=False,
                    preliminary_at__isnull=False,
                    objections_until__gte=F("preliminary_at"),
                    version__gte=1,
                ),
                name="preliminary_period_says_who_and_when",
            ),
            models.CheckConstraint(
                condition=Q(
                    during__isempty=False,
                    during__startswith__isnull=False,
                    during__endswith__isnull=False,
                ),
                name="period_has_both_ends",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.label} {self.calendar} ({self.environment})"
