"""Filters of the list of SDRs, each along an index: queue, age, rule, pair, money, who has it."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import DropdownFilter, TextFilter

from roaming.domain.sdr import SdrLifeState
from roaming.domain.uuid7 import uuid7_at
from roaming.models import Environment, Finding, OperatorPair
from roaming.models.clock import business_now
from settlement.domain.reconciliation.rules import rule_titles
from settlement.models.work_queues import (
    QUEUED_STATES,
    Queue,
    keys_of_overdue,
    usual_environment,
)

AGES = (1, 3, 7, 14, 30)
QUEUES = {*(state.value for state in QUEUED_STATES), Queue.OVERDUE.value}


def opened_between(begin: datetime, end: datetime) -> Q:
    """Keys carry the session's start: a day is a range of the primary key."""
    return Q(pk__gte=uuid7_at(begin, 0), pk__lt=uuid7_at(end, 0))


def shows_a_queue(request: HttpRequest) -> bool:
    """Whether the list is narrowed to what waits for a person: then the oldest comes first."""
    return request.GET.get("standing") in QUEUES or bool(request.GET.get("with"))


class EnvironmentFilter(DropdownFilter):
    """Live or test: their money never adds up."""

    title = "environment"
    parameter_name = "environment"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(Environment.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.value():
            return queryset
        # Said of both rows: the queues' index has it, and so has the SDR.
        return queryset.filter(environment=self.value(), standing__environment=self.value())


class StandingFilter(DropdownFilter):
    """The work queues, by the state's own index; overdue is what waits too long in any of them."""

    title = "state"
    parameter_name = "standing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        states = [(state.value, state.label) for state in SdrLifeState]
        return [*states, (Queue.OVERDUE.value, "Overdue")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.value():
            return queryset
        if self.value() == Queue.OVERDUE:
            asked = request.GET.get("environment", "")
            environment = asked if asked in Environment.values else usual_environment()
            return queryset.filter(pk__in=keys_of_overdue(environment, business_now()))
        return queryset.filter(standing__state=self.value())


class AgeFilter(DropdownFilter):
    """Visible for longer than so many days; the key bounds the search."""

    title = "age"
    parameter_name = "age"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(days), f"More than {days} day{'s' if days > 1 else ''}") for days in AGES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() not in {str(days) for days in AGES}:
            return queryset
        before = business_now() - timedelta(days=int(self.value()))
        return queryset.filter(pk__lt=uuid7_at(before, 0), standing__visible_at__lt=before)


class RuleFilter(DropdownFilter):
    """SDRs on which a finding of this rule stands."""

    title = "rule"
    parameter_name = "rule"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(rule, f"{rule} {title}") for rule, title in sorted(rule_titles().items())]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.value():
            return queryset
        found = Finding.objects.filter(
            sdr=OuterRef("pk"), rule=self.value(), superseded_at__isnull=True
        )
        return queryset.filter(Exists(found))


class PairFilter(DropdownFilter):
    """The two parties, by the pair's own index."""

    title = "parties"
    parameter_name = "pair"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        pairs = OperatorPair.objects.select_related("visited_cso", "home_csp")
        return [(str(pair.pk), str(pair)) for pair in pairs.order_by("visited_cso__name")[:500]]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.value():
            return queryset
        return queryset.filter(pair=self.value()) if self.value().isdigit() else queryset.none()


class MoneyFilter(TextFilter):
    """At least so much at stake, in whatever currency: of what waits, or waited, for a person."""

    title = "money at stake, at least"
    parameter_name = "at_stake"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.value():
            return queryset
        try:
            least = Decimal(self.value().strip().replace(",", "."))
        except InvalidOperation:
            return queryset.none()
        if not least.is_finite():
            return queryset.none()
        return queryset.filter(standing__money_at_stake__gte=least)


class AssignedFilter(DropdownFilter):
    """Who takes care of it; of what waits for a person only."""

    title = "assigned to"
    parameter_name = "with"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        staff = get_user_model().objects.filter(is_staff=True, is_active=True)
        names = [(str(user.pk), str(user)) for user in staff.order_by("username")[:200]]
        return [("me", "Me"), ("nobody", "Nobody"), *names]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.value():
            return queryset
        waiting = queryset.filter(standing__state__in=[state.value for state in QUEUED_STATES])
        if self.value() == "nobody":
            return waiting.filter(assignment__isnull=True)
        key = str(request.user.pk) if self.value() == "me" else self.value()
        return waiting.filter(assignment__assigned_to=key) if key.isdigit() else queryset.none()
