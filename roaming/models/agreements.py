"""Agreements: the roaming contract of one home-CSP and one visited-CSO (domain.md, rules)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pghistory
from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import ExpressionWrapper, F, Q, Value

from roaming.domain.agreement import Service
from roaming.models.fields import Environment, ExactDecimalField
from roaming.models.operators import Operator, OperatorPair, Role

SERVICE_CHOICES = [(service.value, service.label) for service in Service]


class AgreementQuerySet(models.QuerySet["Agreement"]):
    def informing(self, at: datetime) -> AgreementQuerySet:
        """Under which a CSO's information reaches its home-CSPs; running sessions need it too."""
        standing = [Agreement.Status.ACTIVE, Agreement.Status.SUSPENDED]
        return self.filter(validity__contains=at, status__in=standing)

    def still_settling(self, at: datetime) -> AgreementQuerySet:
        """Ever in force, begun, and sessions that ran at its end may still send their SDRs."""
        window = ExpressionWrapper(
            F("sdr_window_hours") * Value(timedelta(hours=1)), output_field=models.DurationField()
        )
        closes_after = ExpressionWrapper(
            Value(at, models.DateTimeField()) - window, output_field=models.DateTimeField()
        )
        return self.filter(
            Q(validity__endswith=None) | Q(validity__endswith__gt=closes_after),
            validity__startswith__lte=at,
            status__in=Agreement.EVER_IN_FORCE,
        )

    def covering(self, pair: OperatorPair, environment: str, at: datetime) -> AgreementQuerySet:
        """Agreements that were ever in force and whose validity holds `at`."""
        return self.filter(
            visited_cso=pair.visited_cso_id,
            home_csp=pair.home_csp_id,
            environment=environment,
            validity__contains=at,
            status__in=Agreement.EVER_IN_FORCE,
        )


@pghistory.track()
class Agreement(models.Model):
    """Terms are never edited once active: a change of terms is a new row that adjoins this one."""

    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        PROPOSED = "proposed", "Waiting for acceptance"
        ACTIVE = "active", "Active"
        SUSPENDED = "suspended", "Suspended"
        ENDED = "ended", "Ended"

    EVER_IN_FORCE = (Status.ACTIVE, Status.SUSPENDED, Status.ENDED)

    class Rounding(models.TextChoices):
        HALF_UP = "HALF_UP", "Half up"
        CEILING = "CEILING", "Up to the next unit (ceiling)"

    class CollectionMode(models.TextChoices):
        DIRECT = "direct", "The parties pay each other"
        AGENT = "agent", "The clearing house collects and pays out"

    class Netting(models.TextChoices):
        NONE = "none", "None"
        BILATERAL = "bilateral", "Bilateral"

    class Silence(models.TextChoices):
        ACCEPTS = "accepts", "Accepts the SDR"
        DECLINES = "declines", "Declines the SDR"

    class Liability(models.TextChoices):
        HOME_CSP = "home_csp", "The home-CSP bears it"
        VISITED_CSO = "visited_cso", "The visited-CSO bears it"

    environment = models.CharField(max_length=4, choices=Environment, default=Environment.LIVE)
    visited_cso = models.ForeignKey(Operator, models.PROTECT, related_name="agreements_as_cso")
    home_csp = models.ForeignKey(Operator, models.PROTECT, related_name="agreements_as_csp")
    status = models.CharField(max_length=10, choices=Status, default=Status.DRAFT, editable=False)
    services = ArrayField(models.CharField(max_length=24, choices=SERVICE_CHOICES))
    validity = DateTimeRangeField(help_text="From (inclusive) to (exclusive); open where it lasts.")
    replaces = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="replaced_by"
    )

    # Money
    currency = models.CharField(max_length=3, default="EUR")
    rounding = models.CharField(max_length=8, choices=Rounding, default=Rounding.HALF_UP)
    collection_mode = models.CharField(
        max_length=6, choices=CollectionMode, default=CollectionMode.DIRECT
    )
    netting = models.CharField(max_length=10, choices=Netting, default=Netting.BILATERAL)
    calendar = models.ForeignKey(
        "roaming.SettlementCalendar", models.PROTECT, related_name="agreements"
    )

    # What may differ without a person looking at it: the larger of absolute and relative counts.
    tolerance_energy_kwh = ExactDecimalField("energy, kWh", default="0.01")
    tolerance_energy_share = ExactDecimalField("energy, share", default="0.005")
    tolerance_time_s = models.PositiveIntegerField("time, seconds", default=60)
    tolerance_money = ExactDecimalField("money, in the currency", default="0.01")
    tolerance_money_share = ExactDecimalField("money, share", default="0")

    # Windows and duties
    sdr_window_hours = models.PositiveIntegerField(
        default=168, help_text="An SDR that arrives later than this after the session is late."
    )
    decision_window_hours = models.PositiveIntegerField(
        default=72, help_text="The home-CSP's time to decline, from when the SDR is visible to it."
    )
    silence = models.CharField(max_length=8, choices=Silence, default=Silence.ACCEPTS)
    tariff_notice_hours = models.PositiveIntegerField(
        default=0, help_text="A tariff counts only when received this long before the session."
    )
    offline_liability = models.CharField(
        max_length=12, choices=Liability, default=Liability.HOME_CSP
    )
    requires_csp_record = models.BooleanField(default=False)
    requires_signed_meter_data = models.BooleanField(default=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = AgreementQuerySet.as_manager()

    class Meta:
        ordering = ["visited_cso__name", "home_csp__name"]
        indexes = [models.Index(fields=["visited_cso", "home_csp", "environment"])]
        constraints = [
            models.UniqueConstraint(fields=["id", "environment"], name="agreement_environment"),
            models.UniqueConstraint(
                fields=["id", "environment", "visited_cso", "home_csp", "validity"],
                name="agreement_terms_for_services",
            ),
            models.CheckConstraint(
                condition=~Q(visited_cso=F("home_csp")), name="agreement_of_two_parties"
            ),
            models.CheckConstraint(
                condition=Q(validity__startswith__isnull=False) & Q(validity__isempty=False),
                name="agreement_has_a_start",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.visited_cso} – {self.home_csp} ({self.environment}, {self.status})"

    def is_still_settling(self, at: datetime) -> bool:
        """Whether sessions that ran at its end may still be told of: its SDR window is open.

        New terms in its place are no end: then the window of what replaced it counts.
        """
        ends = self.validity.upper
        if ends is None or at < ends + timedelta(hours=self.sdr_window_hours):
            return True
        adjoining = self.replaced_by.filter(
            status__in=self.EVER_IN_FORCE, validity__startswith=ends
        )
        return any(following.is_still_settling(at) for following in adjoining)


class AgreementService(models.Model):
    """One service of an agreement in force; exists from activation on, so that none overlap.

    The exclusion constraint is what forbids two agreements of a pair for the same service and time,
    whether active, suspended or ended. A composite foreign key keeps the copied columns true.
    """

    agreement = models.ForeignKey(Agreement, models.PROTECT, related_name="covered_services")
    environment = models.CharField(max_length=4, choices=Environment)
    visited_cso = models.ForeignKey(Operator, models.PROTECT, related_name="+")
    home_csp = models.ForeignKey(Operator, models.PROTECT, related_name="+")
    service = models.CharField(max_length=24, choices=SERVICE_CHOICES)
    validity = DateTimeRangeField()

    class Meta:
        constraints = [
            ExclusionConstraint(
                name="one_agreement_per_pair_service_and_time",
                expressions=[
                    ("environment", RangeOperators.EQUAL),
                    ("visited_cso", RangeOperators.EQUAL),
                    ("home_csp", RangeOperators.EQUAL),
                    ("service", RangeOperators.EQUAL),
                    ("validity", RangeOperators.OVERLAPS),
                ],
            )
        ]

    def __str__(self) -> str:
        return self.service


class AgreementAcceptance(models.Model):
    """A party's recorded yes: by portal, API, or a document that a second member of staff saw."""

    class How(models.TextChoices):
        API = "api", "By the party's platform"
        PORTAL = "portal", "By the party in the portal"
        DOCUMENT = "document", "By a signed document"

    agreement = models.ForeignKey(Agreement, models.PROTECT, related_name="acceptances")
    party = models.CharField(max_length=3, choices=Role)
    how = models.CharField(max_length=8, choices=How)
    reference = models.CharField(max_length=200, help_text="Message id, or the document's name.")
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["agreement", "party"], name="a_party_accepts_once"),
            models.CheckConstraint(
                condition=~Q(how="document")
                | (Q(confirmed_by__isnull=False) & ~Q(confirmed_by=F("recorded_by"))),
                name="acceptance_by_document_four_eyes",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.party} {self.how}"


class AgreementSuspension(models.Model):
    """When new business was stopped. Sessions that ran at that moment go on (domain.md)."""

    agreement = models.ForeignKey(Agreement, models.PROTECT, related_name="suspensions")
    during = DateTimeRangeField()
    reason = models.CharField(max_length=200)
    ordered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )

    class Meta:
        constraints = [
            ExclusionConstraint(
                name="suspensions_do_not_overlap",
                expressions=[
                    ("agreement", RangeOperators.EQUAL),
                    ("during", RangeOperators.OVERLAPS),
                ],
            )
        ]

    def __str__(self) -> str:
        return self.reason


@pghistory.track()
class SettlementCalendar(models.Model):
    """Which periods an agreement is settled in: cycle, zone, and when a period may be closed."""

    class Cycle(models.TextChoices):
        DAILY = "daily", "Daily"
        WEEKLY = "weekly", "Weekly (from Monday)"
        MONTHLY = "monthly", "Monthly"

    name = models.CharField(max_length=60, unique=True)
    cycle = models.CharField(max_length=8, choices=Cycle, default=Cycle.MONTHLY)
    time_zone = models.CharField(max_length=60, default="Europe/Berlin")
    cut_off_hours = models.PositiveIntegerField(
        default=120, help_text="Hours after the period's end before it may be closed."
    )
    objection_hours = models.PositiveIntegerField(
        default=48, help_text="Time for objections between preliminary and final."
    )

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
