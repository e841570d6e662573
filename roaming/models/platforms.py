"""Platforms, their credentials and their roaming endpoints (IEC 63119-2, 5.3, 5.4.1; UC1-1)."""

from __future__ import annotations

import pghistory
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from roaming.models.fields import Environment
from roaming.models.operators import Operator, OperatorIdentifier


@pghistory.track()
class Platform(models.Model):
    """A system that speaks for one or hundreds of identifiers, in one environment."""

    class Status(models.TextChoices):
        EXPECTED = "expected", "Waiting for its registration"
        CONNECTED = "connected", "Registered"
        SUSPENDED = "suspended", "Suspended"
        ENDED = "ended", "Ended"

    name = models.CharField(max_length=120, unique=True)
    run_by = models.ForeignKey(Operator, models.PROTECT, related_name="platforms")
    environment = models.CharField(max_length=4, choices=Environment, default=Environment.LIVE)
    status = models.CharField(max_length=10, choices=Status, default=Status.EXPECTED)
    client_certificate_sha256 = models.CharField(
        "client certificate",
        max_length=64,
        blank=True,
        help_text="SHA-256 of its certificate, hex: only who presents it may speak for the "
        "platform. Empty: none is asked for.",
    )
    messages_per_minute = models.PositiveIntegerField(
        null=True, blank=True, help_text="Limit of its own; empty: the one of the settings."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["id", "environment"], name="platform_environment")
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.environment})"

    # DRF asks its authenticated party for this.
    is_authenticated = True


@pghistory.track()
class PlatformIdentifier(models.Model):
    """A party that the platform is pinned to: it may speak for this identifier and no other."""

    platform = models.ForeignKey(Platform, models.PROTECT, related_name="held_identifiers")
    identifier = models.ForeignKey(OperatorIdentifier, models.PROTECT, related_name="held_by")
    environment = models.CharField(max_length=4, choices=Environment)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["identifier", "environment"], name="identifier_spoken_for_once"
            )
        ]

    def __str__(self) -> str:
        return str(self.identifier)


class RegistrationToken(models.Model):
    """Lets a platform register once. Only its digest is kept."""

    platform = models.ForeignKey(Platform, models.CASCADE, related_name="registration_tokens")
    prefix = models.CharField(max_length=16, unique=True)
    secret_sha256 = models.BinaryField(max_length=32)
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.prefix}…"


class Credential(models.Model):
    """An inbound token: 256 random bits, found by its public prefix, stored as SHA-256 only."""

    platform = models.ForeignKey(Platform, models.PROTECT, related_name="credentials")
    environment = models.CharField(max_length=4, choices=Environment)
    prefix = models.CharField(max_length=16, unique=True)
    secret_sha256 = models.BinaryField(max_length=32)
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-issued_at"]

    def __str__(self) -> str:
        return f"{self.prefix}…"


class RoamingEndpoint(models.Model):
    """REP: the address and dialect through which others reach the platform, and what we present.

    The outbound secret is encrypted at rest (MultiFernet) and shown nowhere.
    """

    class Dialect(models.TextChoices):
        NATIVE = "native-1", "Native REST, version 1"

    platform = models.OneToOneField(Platform, models.PROTECT, related_name="roaming_endpoint")
    url = models.URLField(max_length=300)
    dialect = models.CharField(max_length=12, choices=Dialect, default=Dialect.NATIVE)
    outbound_secret = models.BinaryField(editable=False)
    paths = ArrayField(
        models.CharField(max_length=60),
        default=list,
        blank=True,
        help_text="What the platform said at the handshake that it takes; empty: everything.",
    )
    verified_at = models.DateTimeField(
        null=True, blank=True, help_text="When it last answered a handshake."
    )
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(url__regex=r"^https?://"), name="endpoint_speaks_http"
            )
        ]

    def __str__(self) -> str:
        return self.url
