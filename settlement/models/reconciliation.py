"""Runs of SDR reconciliation: when, by whom, and what came of it (6.4.2)."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from roaming.models import Environment


class ReconciliationRun(models.Model):
    """One run over what was due. The rows it judged carry the outcome; this counts them."""

    class Scope(models.TextChoices):
        NEW = "new", "SDRs that no run has judged"
        OPEN = "open", "Every SDR that is not decided"

    environment = models.CharField(max_length=4, choices=Environment)
    scope = models.CharField(max_length=4, choices=Scope)
    started_by = models.CharField(max_length=80)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField()
    duration_ms = models.PositiveIntegerField(help_text="Real time, milliseconds.")
    judged = models.PositiveIntegerField()
    changed = models.PositiveIntegerField(help_text="SDRs whose state or outcome is new.")
    agreed = models.PositiveIntegerField()
    within_tolerance = models.PositiveIntegerField()
    deviating = models.PositiveIntegerField()
    one_sided = models.PositiveIntegerField()
    not_ratable = models.PositiveIntegerField()
    credits = models.PositiveIntegerField(help_text="Credits accepted.")

    class Meta:
        ordering = ["-started_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(finished_at__gte=F("started_at")), name="run_ends_after_it_starts"
            )
        ]

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%d %H:%M} UTC, {self.judged} SDRs"
