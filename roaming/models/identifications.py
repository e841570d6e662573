"""Identifications that a home-CSP distributes for offline use (UC4-2), personal data apart."""

from __future__ import annotations

from django.db import models

from roaming.models.fields import Environment
from roaming.models.operators import OperatorIdentifier


class Identification(models.Model):
    """A token or contract a driver identifies with. In clear only in the erasable side table."""

    class Whitelist(models.TextChoices):
        ALWAYS = "ALWAYS", "Always: the stored data decides"
        ALLOWED = "ALLOWED", "Allowed: where the home-CSP does not answer in time"
        ALLOWED_OFFLINE = "ALLOWED_OFFLINE", "Only where the home-CSP cannot be reached"
        NEVER = "NEVER", "Never: the home-CSP decides"

    environment = models.CharField(max_length=4, choices=Environment)
    home_csp = models.ForeignKey(OperatorIdentifier, models.PROTECT, related_name="identifications")
    token_hmac = models.BinaryField(max_length=32)
    contract_hmac = models.BinaryField(max_length=32, null=True)
    kind = models.CharField(max_length=8, default="RFID")
    valid = models.BooleanField(default=True)
    whitelist = models.CharField(max_length=16, choices=Whitelist, default=Whitelist.NEVER)
    expires_at = models.DateTimeField(null=True, blank=True)
    removed_at = models.DateTimeField(null=True, blank=True, help_text="No longer distributed.")
    last_updated = models.DateTimeField()
    received_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["environment", "home_csp", "token_hmac"], name="identification_once"
            )
        ]
        indexes = [
            models.Index(fields=["environment", "token_hmac"]),
            models.Index(fields=["home_csp", "-id"]),
            models.Index(fields=["contract_hmac"], name="identification_contract"),
            models.Index(fields=["home_csp", "received_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.home_csp}"


class IdentificationVersion(models.Model):
    """What was distributed when: an offline start is judged by what its CSO could know (AUT).

    Append-only. A removal is a version of its own.
    """

    environment = models.CharField(max_length=4, choices=Environment)
    home_csp = models.ForeignKey(OperatorIdentifier, models.PROTECT, related_name="+")
    token_hmac = models.BinaryField(max_length=32)
    contract_hmac = models.BinaryField(max_length=32, null=True)
    valid = models.BooleanField()
    whitelist = models.CharField(max_length=16, choices=Identification.Whitelist)
    expires_at = models.DateTimeField(null=True)
    removed = models.BooleanField(default=False)
    received_at = models.DateTimeField()

    class Meta:
        ordering = ["-received_at"]
        indexes = [models.Index(fields=["environment", "token_hmac", "-received_at"])]

    def __str__(self) -> str:
        return f"{self.whitelist} from {self.received_at:%Y-%m-%d %H:%M} UTC"


class IdentificationPersonalData(models.Model):
    """Erasable: what a person could be recognised by."""

    identification = models.OneToOneField(
        Identification, models.CASCADE, primary_key=True, related_name="personal_data"
    )
    token_uid = models.CharField(max_length=36)
    contract_id = models.CharField(max_length=36, blank=True)
    content = models.TextField(default="", help_text="The entry as the home-CSP sent it.")

    def __str__(self) -> str:
        return "personal data"
