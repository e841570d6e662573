"""Operators: the legal entities behind home-CSPs and visited-CSOs, and what they are known by."""

from __future__ import annotations

import pghistory
from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.db.models import F, Q


class Role(models.TextChoices):
    """The two roles of the standard; a legal entity may hold both."""

    CSP = "CSP", "home-CSP (charging service provider)"
    CSO = "CSO", "visited-CSO (charging station operator)"


@pghistory.track()
class Operator(models.Model):
    """A legal entity. Documents and money go to it; messages go to its identifiers."""

    class Status(models.TextChoices):
        ONBOARDING = "onboarding", "Being brought on"
        ACTIVE = "active", "Active"
        SUSPENDED = "suspended", "Suspended"
        ENDED = "ended", "Ended"

    name = models.CharField(max_length=120, unique=True, help_text="Short name, as people say it.")
    legal_name = models.CharField(max_length=200)
    street = models.CharField(max_length=200)
    postal_code = models.CharField(max_length=20)
    city = models.CharField(max_length=100)
    country = models.CharField(max_length=2, help_text="Seat: two letters, ISO 3166-1.")
    lei = models.CharField("LEI", max_length=20, blank=True, help_text="ISO 17442, 20 characters.")
    contact_email = models.EmailField()
    finance_email = models.EmailField(blank=True)
    dispute_email = models.EmailField(
        blank=True, help_text="Is told of disputes; empty: finance, else the contact."
    )
    language = models.CharField(
        max_length=2, default="en", choices=[("en", "English"), ("de", "German"), ("fr", "French")]
    )
    status = models.CharField(max_length=12, choices=Status, default=Status.ONBOARDING)
    allows_opaque_contract_ids = models.BooleanField(
        default=False, help_text="Accept contract ids of any form up to 36 characters."
    )
    strict_check_digits = models.BooleanField(
        default=False, help_text="Refuse contract ids with a wrong check digit, not only warn."
    )
    is_clearing_house = models.BooleanField(
        default=False, editable=False, help_text="The one row that is the clearing house itself."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["is_clearing_house"],
                condition=Q(is_clearing_house=True),
                name="one_clearing_house",
            )
        ]

    def __str__(self) -> str:
        return self.name


@pghistory.track()
class OperatorIdentifier(models.Model):
    """One (role, country, code) of a legal entity: DE*ABC and DE-ABC may be different companies."""

    operator = models.ForeignKey(Operator, models.PROTECT, related_name="identifiers")
    role = models.CharField(max_length=3, choices=Role)
    identifier = models.CharField(max_length=7, help_text="DE*ABC for a CSO, DE-ABC for a CSP.")
    key = models.CharField(max_length=5, editable=False)

    class Meta:
        ordering = ["identifier"]
        constraints = [
            models.UniqueConstraint(fields=["role", "key"], name="identifier_once_per_role"),
            models.CheckConstraint(
                condition=Q(key__regex=r"^[A-Z]{2}[A-Z0-9]{3}$"), name="identifier_key_form"
            ),
        ]

    def __str__(self) -> str:
        return self.identifier


@pghistory.track()
class VatRegistration(models.Model):
    """A dated VAT registration; the document of a supply shows the one valid on its date."""

    operator = models.ForeignKey(Operator, models.PROTECT, related_name="vat_registrations")
    country = models.CharField(max_length=2)
    number = models.CharField(max_length=20)
    validity = DateRangeField(help_text="From (inclusive) to (exclusive); open where it lasts.")
    proof = models.CharField(max_length=200, blank=True, help_text="Where the check is recorded.")

    class Meta:
        constraints = [
            ExclusionConstraint(
                name="one_vat_number_per_country_and_day",
                expressions=[
                    ("operator", RangeOperators.EQUAL),
                    ("country", RangeOperators.EQUAL),
                    ("validity", RangeOperators.OVERLAPS),
                ],
            )
        ]

    def __str__(self) -> str:
        return self.number


@pghistory.track()
class BankAccount(models.Model):
    """A dated bank account; proposed by one person and approved by another, superusers too."""

    operator = models.ForeignKey(Operator, models.PROTECT, related_name="bank_accounts")
    holder = models.CharField(max_length=140)
    iban = models.CharField("IBAN", max_length=34)
    bic = models.CharField("BIC", max_length=11, blank=True)
    currency = models.CharField(max_length=3)
    validity = DateRangeField()
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        constraints = [
            ExclusionConstraint(
                name="one_bank_account_per_currency_and_day",
                expressions=[
                    ("operator", RangeOperators.EQUAL),
                    ("currency", RangeOperators.EQUAL),
                    ("validity", RangeOperators.OVERLAPS),
                ],
            ),
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True) | ~Q(approved_by=F("proposed_by")),
                name="bank_account_four_eyes",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.iban} ({self.currency})"


class OperatorPair(models.Model):
    """The two operators that an agreement joins: the `pair` that every hot row carries.

    One scalar, so that it can become the distribution column of a larger installation (storage.md).
    """

    visited_cso = models.ForeignKey(Operator, models.PROTECT, related_name="+")
    home_csp = models.ForeignKey(Operator, models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["visited_cso", "home_csp"], name="pair_once"),
            models.CheckConstraint(
                condition=~Q(visited_cso=F("home_csp")), name="pair_of_two_parties"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.visited_cso} – {self.home_csp}"
