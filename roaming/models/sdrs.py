"""Service detail records and what became of them (IEC 63119-2, Annex B; settlement.md, section 1).

`Sdr` is never edited. Its state is a projection (`SdrState`) of an append-only log (`SdrEvent`).
Uniqueness across months lives in `SdrRegistry`, which is written in the same statement.
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from roaming.domain.sdr import Basis, Outcome, SdrLifeState, Severity
from roaming.models.agreements import Agreement
from roaming.models.fields import Environment, ExactDecimalField
from roaming.models.hot import HotRow
from roaming.models.operators import OperatorIdentifier, OperatorPair
from roaming.models.platforms import Platform


class SdrRegistry(models.Model):
    """Who sent which reference, and a hash of what: same content, same answer; other, refusal."""

    environment = models.CharField(max_length=4, choices=Environment)
    # Checked on the SDR that is written in the same statement.
    visited_cso = models.ForeignKey(
        OperatorIdentifier, models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    reference = models.CharField(max_length=64)
    sdr_id = models.UUIDField(unique=True)
    content_hmac = models.BinaryField(max_length=32)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["environment", "visited_cso", "reference"], name="sdr_reference_once"
            )
        ]

    def __str__(self) -> str:
        return self.reference


class Sdr(HotRow):
    """One claim of a visited-CSO, as values that can be searched, compared and rated."""

    arrival = models.BigIntegerField(help_text="Arrival sequence: feeds page by it.")
    pair = models.ForeignKey(
        OperatorPair, models.PROTECT, null=True, related_name="+", db_index=False
    )
    # Sender and agreement are checked together with the environment (migration 0002).
    sent_by = models.ForeignKey(
        Platform, models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    visited_cso = models.ForeignKey(
        OperatorIdentifier, models.PROTECT, related_name="+", db_index=False
    )
    home_csp = models.ForeignKey(
        OperatorIdentifier, models.PROTECT, null=True, related_name="+", db_index=False
    )
    agreement = models.ForeignKey(
        Agreement, models.PROTECT, null=True, related_name="sdrs", db_index=False,
        db_constraint=False,
    )  # fmt: skip
    reference = models.CharField("SDR id", max_length=64, help_text="The CSO's id of this SDR.")
    service_session_id = models.UUIDField(null=True)
    cso_session_id = models.CharField(max_length=64, blank=True)
    csp_session_id = models.CharField(max_length=64, blank=True)
    authorization_reference = models.CharField(max_length=36, blank=True)
    identification_method = models.CharField(max_length=8, blank=True)
    authorised = models.CharField(max_length=8, blank=True)
    token_hmac = models.BinaryField(max_length=32, null=True)
    contract_hmac = models.BinaryField(max_length=32, null=True)
    evse_id = models.CharField("EVSE", max_length=48, help_text="As the CSO sent it.")
    evse_key = models.CharField(max_length=48)
    connector_id = models.CharField(max_length=36, blank=True)
    country = models.CharField(max_length=3, blank=True)
    time_zone = models.CharField(max_length=60, blank=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    energy_kwh = ExactDecimalField(null=True)
    total_time_h = ExactDecimalField(null=True)
    currency = models.CharField(max_length=3, blank=True)
    claim_before_tax = ExactDecimalField(null=True)
    claim_after_tax = ExactDecimalField(null=True)
    tariff_id = models.CharField(max_length=36, blank=True)
    credit = models.BooleanField(default=False)
    credit_reference = models.CharField(max_length=64, blank=True)
    # The part of the message that rating needs, as received; it names no person.
    rated_part = models.TextField()
    received_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        verbose_name = "SDR"
        verbose_name_plural = "SDRs"
        indexes = [
            models.Index(fields=["service_session_id"]),
            models.Index(fields=["evse_key", "started_at"]),
            models.Index(fields=["pair", "id"]),
            models.Index(fields=["reference"]),
            models.Index(fields=["token_hmac", "started_at"]),
            models.Index(
                fields=["authorization_reference"],
                condition=~Q(authorization_reference=""),
                name="sdr_authorization",
            ),
        ]

    def __str__(self) -> str:
        return self.reference


class SdrOriginal(models.Model):
    """Erasable: the received bytes, and the identification in clear."""

    sdr = models.OneToOneField(Sdr, models.CASCADE, primary_key=True, related_name="original")
    token_uid = models.CharField(max_length=36, blank=True)
    contract_id = models.CharField(max_length=36, blank=True)
    content = models.TextField()

    def __str__(self) -> str:
        return "original"


class SdrState(models.Model):
    """Where an SDR stands: a projection of its events, one row per SDR."""

    sdr = models.OneToOneField(Sdr, models.PROTECT, primary_key=True, related_name="standing")
    environment = models.CharField(max_length=4, choices=Environment)
    period = models.DateField()
    pair = models.ForeignKey(
        OperatorPair, models.PROTECT, null=True, related_name="+", db_index=False,
        db_constraint=False,
    )  # fmt: skip
    state = models.CharField(max_length=12, choices=[(s.value, s.label) for s in SdrLifeState])
    outcome = models.CharField(
        max_length=24, blank=True, choices=[(o.value, o.label) for o in Outcome]
    )
    service_session_id = models.UUIDField(null=True, help_text="The session it was matched with.")
    matched_by = models.CharField(max_length=24, blank=True)
    chosen_session_id = models.UUIDField(
        null=True, help_text="The session that a person chose, where several were possible."
    )
    csp_record_id = models.UUIDField(null=True, help_text="The home-CSP's own record of it.")
    tariff_version_id = models.BigIntegerField(null=True)
    rated_before_tax = ExactDecimalField(null=True, help_text="Unrounded.")
    money_at_stake = ExactDecimalField(
        null=True, help_text="The largest of its severe findings, never above the claim."
    )
    settled_amount = ExactDecimalField(null=True)
    basis = models.CharField(max_length=10, blank=True, choices=[(b.value, b.label) for b in Basis])
    visible_at = models.DateTimeField(help_text="When the home-CSP could first see it.")
    decide_by = models.DateTimeField(null=True)
    settlement_period_id = models.BigIntegerField(null=True)
    reconciled_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["state", "sdr"]),
            models.Index(fields=["settlement_period_id", "pair"]),
            models.Index(fields=["decide_by"], condition=Q(state="rated"), name="sdr_undecided"),
            models.Index(
                fields=["environment", "state", "sdr"],
                include=["visible_at", "money_at_stake"],
                condition=Q(state__in=["unmatched", "deviating", "not_ratable", "disputed"]),
                name="sdr_queued",
            ),
            models.Index(fields=["service_session_id"]),
            models.Index(
                fields=["csp_record_id"],
                condition=Q(csp_record_id__isnull=False),
                name="sdr_with_csp_record",
            ),
            models.Index(
                fields=["service_session_id"],
                condition=Q(matched_by__in=["authorization_reference", "identification", "chosen"]),
                name="sdr_matched_without_id",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(settled_amount__isnull=True) | ~Q(basis=""),
                name="settled_amount_has_a_basis",
            )
        ]

    def __str__(self) -> str:
        return self.state


class SdrDue(models.Model):
    """An SDR of which new evidence came: to be judged anew, if it is not decided.

    Written with the evidence, in its transaction; taken by the next run. Adding a row waits for
    nobody, whatever holds the SDR's standing at that moment.
    """

    environment = models.CharField(max_length=4, choices=Environment)
    sdr_id = models.UUIDField()

    class Meta:
        indexes = [models.Index(fields=["environment", "id"], name="sdr_due_in_order")]

    def __str__(self) -> str:
        return str(self.sdr_id)


class SdrEvent(HotRow):
    """The append-only log behind the state: from, to, who, why, when."""

    sdr = models.ForeignKey(Sdr, models.PROTECT, related_name="events")
    from_state = models.CharField(max_length=12, blank=True)
    to_state = models.CharField(max_length=12)
    actor = models.CharField(max_length=80)
    reason = models.CharField(max_length=60, blank=True)
    note = models.CharField(max_length=300, blank=True)
    at = models.DateTimeField()

    class Meta:
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return f"{self.from_state or '–'} → {self.to_state}"


class Finding(HotRow):
    """A check that failed: the rule, both values, and the money at stake."""

    sdr = models.ForeignKey(Sdr, models.PROTECT, related_name="findings")
    rule = models.CharField(max_length=8)
    severity = models.CharField(max_length=8, choices=[(s.value, s.label) for s in Severity])
    explanation = models.CharField(max_length=500)
    claimed = models.CharField(max_length=200, blank=True)
    expected = models.CharField(max_length=200, blank=True)
    money_at_stake = ExactDecimalField(null=True)
    causes = ArrayField(models.CharField(max_length=60), default=list)
    found_at = models.DateTimeField()
    superseded_at = models.DateTimeField(null=True, help_text="A later run judged anew.")

    class Meta:
        ordering = ["rule"]
        indexes = [models.Index(fields=["rule", "-id"])]

    def __str__(self) -> str:
        return f"{self.rule}: {self.explanation}"
