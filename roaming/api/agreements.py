"""Agreements of the caller and its partners (IEC 63119-2, 5.4.6): nobody else sees them."""

from __future__ import annotations

from typing import Any

import django_filters
import msgspec
from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpResponse
from django.urls import path
from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from rest_framework import generics, serializers
from rest_framework.request import Request

from roaming.api.agreement_examples import ACCEPTANCE, ACCEPTED, AGREEMENT, PARTNER
from roaming.api.filters import MomentFilter
from roaming.api.group1_examples import answered, asked
from roaming.api.message_view import MessageView, decode
from roaming.api.pages import NewestFirst
from roaming.api.rendering import ExactDecimal
from roaming.api.schema import READING, refusals
from roaming.domain.connection import Connection, connection_of
from roaming.domain.refusals import Refusal
from roaming.domain.use_case import Supporting
from roaming.models import (
    Agreement,
    AgreementAcceptance,
    Operator,
    OperatorIdentifier,
    Platform,
    PlatformIdentifier,
    Role,
)
from roaming.models.clock import business_now
from roaming.use_cases.agreement_lifecycle import accept_by_platform

TAG = "Agreements and partners"
_STATUSES = [value for value in Agreement.Status.values if value != Agreement.Status.DRAFT]


def operators_of(platform: Platform, role: Role) -> QuerySet[Any, Any]:
    """The operators for which the platform holds an identifier in this role, as a subquery."""
    held = OperatorIdentifier.objects.filter(role=role, held_by__platform=platform)
    return held.values("operator")


class OperatorPart(serializers.ModelSerializer[Operator]):
    """A legal entity, with its identifiers in the role that it has in the agreement."""

    identifiers = serializers.SerializerMethodField()

    class Meta:
        model = Operator
        fields = ["name", "legal_name", "country", "identifiers"]

    def get_identifiers(self, operator: Operator) -> list[str]:
        role = self.context["roles"][self.field_name]
        return [row.identifier for row in operator.identifiers.all() if row.role == role]


class AcceptancePart(serializers.ModelSerializer[AgreementAcceptance]):
    class Meta:
        model = AgreementAcceptance
        fields = ["party", "how", "at"]


class CalendarPart(serializers.Serializer[Any]):
    """Which periods the agreement is settled in."""

    name = serializers.CharField()
    cycle = serializers.CharField()
    time_zone = serializers.CharField()
    cut_off_hours = serializers.IntegerField()
    objection_hours = serializers.IntegerField()


class AgreementSerializer(serializers.ModelSerializer[Agreement]):
    """An agreement with its terms. Energy in kWh, time in seconds, money in `currency`."""

    visited_cso = OperatorPart()
    home_csp = OperatorPart()
    valid_from = serializers.DateTimeField(source="validity.lower")
    valid_to = serializers.DateTimeField(source="validity.upper", allow_null=True)
    services = serializers.ListField(child=serializers.CharField())
    calendar = CalendarPart()
    tolerance_energy_kwh = ExactDecimal()
    tolerance_energy_share = ExactDecimal()
    tolerance_money = ExactDecimal()
    tolerance_money_share = ExactDecimal()
    acceptances = AcceptancePart(many=True)
    suspended_since = serializers.SerializerMethodField()

    class Meta:
        model = Agreement
        fields = [
            "id", "environment", "status", "visited_cso", "home_csp", "services", "valid_from",
            "valid_to", "replaces", "currency", "rounding", "collection_mode", "netting",
            "calendar", "tolerance_energy_kwh", "tolerance_energy_share", "tolerance_time_s",
            "tolerance_money", "tolerance_money_share", "sdr_window_hours",
            "decision_window_hours", "silence", "tariff_notice_hours", "offline_liability",
            "requires_csp_record", "requires_signed_meter_data", "acceptances", "suspended_since",
        ]  # fmt: skip

    @extend_schema_field({"type": ["string", "null"], "format": "date-time"})
    def get_suspended_since(self, agreement: Agreement) -> Any:
        open_ones = [row for row in agreement.suspensions.all() if row.during.upper is None]
        return open_ones[0].during.lower if open_ones else None


class AgreementFilter(django_filters.FilterSet):
    """`counterparty`: an identifier of the other side, or of one's own."""

    status = django_filters.ChoiceFilter(choices=[(status, status) for status in _STATUSES])
    counterparty = django_filters.CharFilter(method="with_party")
    valid_at = MomentFilter("validity", lookup_expr="contains")

    class Meta:
        model = Agreement
        fields = ["status", "counterparty", "valid_at"]

    def with_party(self, rows: QuerySet[Agreement], name: str, value: str) -> QuerySet[Agreement]:
        """Joined by the operator of that identifier."""
        known = OperatorIdentifier.objects.filter(identifier=value.upper())
        as_cso = Q(visited_cso__in=known.filter(role=Role.CSO).values("operator"))
        return rows.filter(as_cso | Q(home_csp__in=known.filter(role=Role.CSP).values("operator")))


@extend_schema_view(
    get=extend_schema(
        operation_id="list_agreements",
        tags=[TAG],
        summary="Agreements of the operators that the caller speaks for, with their terms",
        description="Proposed ones too: accept them with `POST agreements/{id}/acceptance`.",
        examples=[answered("Waiting for the home-CSP", AGREEMENT)],
    )
)
class AgreementListView(generics.ListAPIView[Agreement]):
    """Only of the two parties, in the role in which the caller speaks for them."""

    serializer_class = AgreementSerializer
    filterset_class = AgreementFilter
    pagination_class = NewestFirst
    queryset = Agreement.objects.none()

    def get_serializer_context(self) -> dict[str, Any]:
        return {
            **super().get_serializer_context(),
            "roles": {"visited_cso": Role.CSO, "home_csp": Role.CSP},
        }

    def get_queryset(self) -> QuerySet[Agreement]:
        platform: Platform = self.request.user  # type: ignore[assignment]
        return (
            Agreement.objects.filter(
                Q(visited_cso__in=operators_of(platform, Role.CSO))
                | Q(home_csp__in=operators_of(platform, Role.CSP)),
                environment=platform.environment,
                status__in=_STATUSES,
            )
            .select_related("visited_cso", "home_csp", "calendar")
            .prefetch_related(
                "visited_cso__identifiers", "home_csp__identifiers", "acceptances", "suspensions"
            )
        )


class AcceptanceRequest(msgspec.Struct, kw_only=True, frozen=True):
    """For whom the platform accepts: exactly one of the two, as it was registered."""

    visited_cso: str | None = None
    home_csp: str | None = None


class AcceptanceAnswer(msgspec.Struct, kw_only=True, frozen=True):
    """`status` is `active` with the second party's yes. A repetition is answered the same."""

    agreement_id: int
    status: str
    party: str


class AcceptanceView(MessageView):
    """A party's recorded yes (5.4.6)."""

    use_case = Supporting.AGREEMENT_SHARING

    @extend_schema(
        operation_id="accept_agreement",
        tags=[TAG],
        summary="Accept a proposed agreement for one of its two parties",
        description="With the second party's yes it becomes active, and both are told "
        "(`agreements/notice`).",
        request=AcceptanceRequest,
        responses={
            200: AcceptanceAnswer,
            **refusals("invalid_identifier", "not_found", "agreement_state", "party_suspended",
                       *READING),
        },
        examples=[asked("As home-CSP", ACCEPTANCE), answered("Active now", ACCEPTED)],
    )  # fmt: skip
    def post(self, request: Request, agreement_id: int) -> HttpResponse:
        body = self.body_of(request)
        envelope = self.envelope(request, body)
        said = decode(body, AcceptanceRequest)
        if (said.visited_cso is None) == (said.home_csp is None):
            raise Refusal(
                "invalid_field", "Say visited_cso or home_csp, one of the two.", "home_csp"
            )
        party = Role.CSO if said.visited_cso is not None else Role.CSP
        identifier = said.visited_cso or said.home_csp or ""
        agreement = accept_by_platform(envelope, agreement_id, party, identifier)
        content = AcceptanceAnswer(
            agreement_id=agreement.pk, status=agreement.status, party=party.value
        )
        return self.render(request, content)


class SharedAgreementPart(serializers.ModelSerializer[Agreement]):
    """An agreement with this partner; all terms are in the list of agreements."""

    valid_from = serializers.DateTimeField(source="validity.lower")
    valid_to = serializers.DateTimeField(source="validity.upper", allow_null=True)

    class Meta:
        model = Agreement
        fields = ["id", "status", "valid_from", "valid_to"]


class PartnerSerializer(serializers.ModelSerializer[OperatorIdentifier]):
    """A counterparty, and how it can be reached. `since` is real time, null where not known."""

    operator = serializers.CharField(source="operator.name")
    agreements = serializers.SerializerMethodField()
    connection = serializers.SerializerMethodField()
    since = serializers.SerializerMethodField()

    class Meta:
        model = OperatorIdentifier
        fields = ["identifier", "role", "operator", "agreements", "connection", "since"]

    @extend_schema_field(SharedAgreementPart(many=True))
    def get_agreements(self, partner: Any) -> Any:
        as_csp = partner.role == Role.CSP
        rows = partner.operator.as_my_csp if as_csp else partner.operator.as_my_cso
        return SharedAgreementPart(rows, many=True).data

    @extend_schema_field({"type": "string", "enum": [state.value for state in Connection]})
    def get_connection(self, partner: Any) -> str:
        platform = _platform_of(partner)
        if platform is None:
            return connection_of(None, None, False).value
        health = getattr(platform, "health", None)
        has_endpoint = hasattr(platform, "roaming_endpoint")
        return connection_of(platform.status, health.state if health else None, has_endpoint).value

    @extend_schema_field({"type": ["string", "null"], "format": "date-time"})
    def get_since(self, partner: Any) -> Any:
        platform = _platform_of(partner)
        health = getattr(platform, "health", None)
        shown = self.get_connection(partner)
        return health.since if health is not None and shown == health.state else None


def _platform_of(partner: Any) -> Platform | None:
    """Of the caller's environment."""
    return partner.spoken_for_here[0].platform if partner.spoken_for_here else None


class PartnerFilter(django_filters.FilterSet):
    role = django_filters.ChoiceFilter(choices=Role.choices)
    identifier = django_filters.CharFilter(lookup_expr="iexact")

    class Meta:
        model = OperatorIdentifier
        fields = ["role", "identifier"]


@extend_schema_view(
    get=extend_schema(
        operation_id="list_partners",
        tags=[TAG],
        summary="Counterparties of the caller's agreements, and how they can be reached",
        examples=[answered("A home-CSP that answers", PARTNER)],
    )
)
class PartnerListView(generics.ListAPIView[OperatorIdentifier]):
    """Counterparties under agreements that are active or suspended and not over."""

    serializer_class = PartnerSerializer
    filterset_class = PartnerFilter
    pagination_class = NewestFirst
    queryset = OperatorIdentifier.objects.none()

    def get_queryset(self) -> QuerySet[OperatorIdentifier]:
        platform: Platform = self.request.user  # type: ignore[assignment]
        living = Agreement.objects.filter(
            Q(validity__endswith=None) | Q(validity__endswith__gt=business_now()),
            environment=platform.environment,
            status__in=[Agreement.Status.ACTIVE, Agreement.Status.SUSPENDED],
        ).order_by("pk")
        as_cso = living.filter(visited_cso__in=operators_of(platform, Role.CSO))
        as_csp = living.filter(home_csp__in=operators_of(platform, Role.CSP))
        here = PlatformIdentifier.objects.filter(environment=platform.environment)
        spoken_for = here.select_related("platform__roaming_endpoint", "platform__health")
        return (
            OperatorIdentifier.objects.filter(
                Q(role=Role.CSP, operator__in=as_cso.values("home_csp"))
                | Q(role=Role.CSO, operator__in=as_csp.values("visited_cso"))
            )
            .select_related("operator")
            .prefetch_related(
                Prefetch("held_by", spoken_for, to_attr="spoken_for_here"),
                Prefetch("operator__agreements_as_csp", as_cso, to_attr="as_my_csp"),
                Prefetch("operator__agreements_as_cso", as_csp, to_attr="as_my_cso"),
            )
        )


urlpatterns = [
    path("agreements", AgreementListView.as_view(), name="agreements"),
    path(
        "agreements/<int:agreement_id>/acceptance",
        AcceptanceView.as_view(),
        name="agreement-acceptance",
    ),
    path("partners", PartnerListView.as_view(), name="partners"),
]
