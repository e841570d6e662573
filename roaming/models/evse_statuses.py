"""Dynamic status of EVSEs (UC1-3), apart from the EVSE because it changes all day."""

from __future__ import annotations

from django.db import models

from roaming.domain.evse_status import EvseState
from roaming.models.network import Evse


class EvseStatus(models.Model):
    """The newest status that a visited-CSO sent for an EVSE; older ones are ignored."""

    evse = models.OneToOneField(Evse, models.CASCADE, primary_key=True, related_name="status")
    state = models.CharField(max_length=12, choices=[(s.value, s.value) for s in EvseState])
    stamped_at = models.DateTimeField(help_text="The CSO's own time stamp.")
    expires_at = models.DateTimeField(null=True, help_text="Past it the status is UNKNOWN.")
    received_at = models.DateTimeField()

    class Meta:
        verbose_name = "EVSE status"
        verbose_name_plural = "EVSE statuses"
        indexes = [models.Index(fields=["received_at"])]

    def __str__(self) -> str:
        return self.state
