"""Sites, EVSEs and connectors as the visited-CSOs publish them (UC1-2, UC1-3)."""

from __future__ import annotations

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateTimeRangeField, RangeOperators
from django.db import models

from roaming.models.fields import Environment
from roaming.models.operators import OperatorIdentifier


class Site(models.Model):
    """A group of EVSEs at one place. `body` is the message as the CSO sent it, whole."""

    environment = models.CharField(max_length=4, choices=Environment)
    visited_cso = models.ForeignKey(OperatorIdentifier, models.PROTECT, related_name="sites")
    site_id = models.CharField(max_length=48, help_text="As the CSO sent it.")
    key = models.CharField(max_length=48, help_text="Upper case, without separators.")
    name = models.CharField(max_length=255, blank=True)
    address = models.CharField(max_length=200)
    city = models.CharField(max_length=100)
    postal_code = models.CharField(max_length=20, blank=True)
    country = models.CharField(max_length=2)
    latitude = models.DecimalField(max_digits=9, decimal_places=6)
    longitude = models.DecimalField(max_digits=9, decimal_places=6)
    time_zone = models.CharField(max_length=60)
    body = models.TextField(help_text="The JSON as received.")
    last_updated = models.DateTimeField(help_text="The CSO's own time stamp.")
    received_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["site_id"]
        constraints = [
            models.UniqueConstraint(
                fields=["environment", "visited_cso", "key"], name="site_once_per_cso"
            ),
            models.UniqueConstraint(fields=["id", "environment"], name="site_environment"),
        ]

    def __str__(self) -> str:
        return self.name or self.site_id


class Evse(models.Model):
    """One charging position: charges one vehicle at a time. Its key is unique in an environment."""

    environment = models.CharField(max_length=4, choices=Environment)
    site = models.ForeignKey(Site, models.PROTECT, related_name="evses")
    evse_id = models.CharField(max_length=48, help_text="As the CSO sent it.")
    key = models.CharField(max_length=48, help_text="Upper case, without separators.")
    authentication_methods = ArrayField(models.CharField(max_length=12), default=list)
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["evse_id"]
        verbose_name = "EVSE"
        verbose_name_plural = "EVSEs"
        constraints = [
            models.UniqueConstraint(fields=["environment", "key"], name="evse_once_per_environment")
        ]

    def __str__(self) -> str:
        return self.evse_id


class EvseOwnership(models.Model):
    """Which CSO an EVSE belonged to and when: portfolios are sold, ids stay."""

    evse = models.ForeignKey(Evse, models.PROTECT, related_name="ownerships")
    visited_cso = models.ForeignKey(OperatorIdentifier, models.PROTECT, related_name="+")
    during = DateTimeRangeField()

    class Meta:
        constraints = [
            ExclusionConstraint(
                name="one_owner_per_evse_and_time",
                expressions=[("evse", RangeOperators.EQUAL), ("during", RangeOperators.OVERLAPS)],
            )
        ]

    def __str__(self) -> str:
        return f"{self.evse}: {self.visited_cso}"


class Connector(models.Model):
    """A socket or cable of an EVSE, with the limits that plausibility checks use."""

    evse = models.ForeignKey(Evse, models.CASCADE, related_name="connectors")
    connector_id = models.CharField(max_length=36)
    standard = models.CharField(max_length=40, blank=True)
    power_type = models.CharField(max_length=16, blank=True)
    max_power_w = models.PositiveIntegerField(null=True, blank=True)
    tariff_ids = ArrayField(models.CharField(max_length=36), default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["evse", "connector_id"], name="connector_once_per_evse")
        ]

    def __str__(self) -> str:
        return self.connector_id


class ConnectorTariffs(models.Model):
    """The tariffs of a connector for one home-CSP, where they differ from those for all."""

    connector = models.ForeignKey(Connector, models.CASCADE, related_name="individual_tariffs")
    home_csp = models.ForeignKey(OperatorIdentifier, models.PROTECT, related_name="+")
    tariff_ids = ArrayField(models.CharField(max_length=36), default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["connector", "home_csp"], name="connector_tariffs_once_per_csp"
            )
        ]

    def __str__(self) -> str:
        return f"{self.home_csp}: {', '.join(self.tariff_ids)}"
