"""Tariff versions: immutable, with when they are valid and when we were told (UC2-1)."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from roaming.models.fields import Environment
from roaming.models.operators import OperatorIdentifier


class TariffVersion(models.Model):
    """What a CSO announced. In force = valid, and received in time (domain.md, tariffs).

    A withdrawal is a version of its own with an empty body. Rows are never changed (trigger).
    """

    environment = models.CharField(max_length=4, choices=Environment)
    visited_cso = models.ForeignKey(OperatorIdentifier, models.PROTECT, related_name="tariffs")
    home_csp = models.ForeignKey(
        OperatorIdentifier,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="individual_tariffs",
        help_text="The one home-CSP it is for; empty: for all.",
    )
    tariff_id = models.CharField(max_length=36)
    currency = models.CharField(max_length=3)
    valid_from = models.DateTimeField()
    valid_to = models.DateTimeField(null=True, blank=True)
    received_at = models.DateTimeField()
    withdrawn = models.BooleanField(default=False)
    on_request = models.BooleanField(
        default=False,
        help_text="Told to the one home-CSP that asked (UC2-2); counts as if told to all.",
    )
    body = models.TextField(blank=True, help_text="The JSON as received: decimals untouched.")
    body_sha256 = models.BinaryField(max_length=32)

    class Meta:
        ordering = ["visited_cso", "tariff_id", "-received_at"]
        indexes = [models.Index(fields=["environment", "visited_cso", "tariff_id", "-valid_from"])]
        constraints = [
            models.CheckConstraint(
                condition=Q(withdrawn=True) | ~Q(body=""), name="tariff_version_has_a_body"
            ),
            models.UniqueConstraint(
                fields=["environment", "visited_cso", "home_csp", "tariff_id", "received_at"],
                nulls_distinct=False,
                name="tariff_version_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tariff_id} from {self.valid_from:%Y-%m-%d %H:%M} UTC"
