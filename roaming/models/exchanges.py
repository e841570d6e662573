"""What the edge remembers of messages: answers given, receivers' health, tokens nobody knows."""

from __future__ import annotations

from django.db import models

from roaming.models.fields import Environment
from roaming.models.operators import OperatorIdentifier
from roaming.models.platforms import Platform


class GivenAnswer(models.Model):
    """The answer to a POST under its Idempotency-Key or X-Message-ID (API manners, 5.3).

    Same key and body: same answer. Erased after its time to live; answers may name a person.
    """

    platform = models.ForeignKey(Platform, models.CASCADE, related_name="+")
    key = models.CharField(max_length=140, help_text="`key:` or `msg:` and what the sender sent.")
    request_hmac = models.BinaryField(max_length=32, help_text="Of method, path and body.")
    status = models.PositiveSmallIntegerField(null=True, help_text="Empty: under way.")
    content_type = models.CharField(max_length=60, blank=True)
    correlation_id = models.CharField(max_length=64)
    headers = models.JSONField(default=dict, help_text="Those that are part of the answer.")
    body = models.BinaryField(default=b"")
    created_at = models.DateTimeField(help_text="Real time.")
    leased_until = models.DateTimeField(help_text="Real time: then the attempt counts as lost.")

    class Meta:
        indexes = [models.Index(fields=["created_at"])]
        constraints = [
            models.UniqueConstraint(fields=["platform", "key"], name="answer_once_per_key")
        ]

    def __str__(self) -> str:
        return self.key


class EndpointHealth(models.Model):
    """How a platform's roaming endpoint has been lately, from traffic and from probes.

    Chatty, hence apart from the endpoint: what the switch caches must not change all day.
    """

    class State(models.TextChoices):
        CONNECTED = "connected", "Connected"
        DEGRADED = "degraded", "Degraded"
        OFFLINE = "offline", "Offline"

    platform = models.OneToOneField(
        Platform, models.CASCADE, primary_key=True, related_name="health"
    )
    state = models.CharField(max_length=9, choices=State, default=State.CONNECTED)
    since = models.DateTimeField(help_text="Real time, as everything here.")
    failures = models.PositiveIntegerField(default=0, help_text="In a row.")
    last_success_at = models.DateTimeField(null=True)
    last_failure_at = models.DateTimeField(null=True)
    last_probe_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=300, blank=True)

    class Meta:
        verbose_name_plural = "endpoint health"

    def __str__(self) -> str:
        return self.state

    @property
    def shown(self) -> str:
        """The health that others are told: a platform that is suspended or has ended is that."""
        stopped = (Platform.Status.SUSPENDED, Platform.Status.ENDED)
        return "suspended" if self.platform.status in stopped else self.state


class UnknownToken(models.Model):
    """A token that no home-CSP of this CSO knew a moment ago: the short negative cache (UC3-1)."""

    environment = models.CharField(max_length=4, choices=Environment)
    visited_cso = models.ForeignKey(OperatorIdentifier, models.CASCADE, related_name="+")
    token_hmac = models.BinaryField(max_length=32)
    until = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["until"])]
        constraints = [
            models.UniqueConstraint(
                fields=["environment", "visited_cso", "token_hmac"], name="unknown_token_once"
            )
        ]

    def __str__(self) -> str:
        return "unknown token"
