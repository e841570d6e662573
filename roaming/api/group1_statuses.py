"""Group 1, general information exchange (IEC 63119-2, 8.1): UC1-3, dynamic status of EVSEs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import django_filters
import msgspec
from django.conf import settings
from django.db.models import Case, F, Prefetch, Q, QuerySet, Value, When
from django.http import HttpResponse
from django.urls import path
from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from rest_framework import generics, serializers
from rest_framework.request import Request

from roaming.api.bulk_calls import RefusedLine, items_of
from roaming.api.filters import EvseIdFilter, MomentFilter, VisitedCsoFilter
from roaming.api.group1_examples import STATUS, STATUSES, answered, asked
from roaming.api.group1_general import visible_cso_condition
from roaming.api.message_view import MessageView, decode
from roaming.api.pages import NewestFirst
from roaming.api.schema import READING, array_of, refusals
from roaming.domain.evse_status import EvseState, EvseStatusLine, EvseStatusMessage, state_at
from roaming.domain.identifiers import EvseId, IdentifierError
from roaming.domain.refusals import Refusal
from roaming.domain.use_case import UseCase
from roaming.models import Evse, Outage, Platform
from roaming.models.clock import business_now
from roaming.models.outages import in_force
from roaming.use_cases.uc1_03_dynamic_status import StatusRecord, receive_statuses

TAG = "UC1-3 Dynamic status"


class StatusAnswer(msgspec.Struct, kw_only=True, frozen=True):
    """`taken` is false where the same or something newer was stored already."""

    evse_id: str
    taken: bool


class StatusLine(msgspec.Struct, kw_only=True, frozen=True):
    """The result of one status: `index` counts from 0 in the order of the call."""

    index: int
    evse_id: str
    accepted: bool
    taken: bool
    refusal: RefusedLine | None


class StatusesAnswer(msgspec.Struct, kw_only=True, frozen=True):
    """Good statuses are kept, bad ones reported by index."""

    accepted: int
    refused: int
    results: list[StatusLine]


class StatusView(MessageView):
    """UC1-3, one EVSE."""

    use_case = UseCase.UC1_3

    @extend_schema(
        operation_id="report_evse_status",
        tags=[TAG],
        summary="Report the status of one EVSE",
        description="Older than what is stored, it changes nothing: `taken` is false.",
        request=EvseStatusMessage,
        responses={
            200: StatusAnswer,
            **refusals("invalid_identifier", "unknown_evse", "time_without_offset", *READING),
        },
        examples=[
            asked("A vehicle charges", {k: v for k, v in STATUS.items() if k != "evse_id"}),
            answered("Taken", {"evse_id": STATUS["evse_id"], "taken": True}),
        ],
    )
    def put(self, request: Request, evse_id: str) -> HttpResponse:
        body = self.body_of(request)
        envelope = self.envelope(request, body)
        message, key = decode(body, EvseStatusMessage), _key_of(evse_id)
        if message.evse_id is not None and _key_of(message.evse_id) != key:
            raise Refusal("invalid_field", "It differs from the one in the address.", "evse_id")
        fields = decode(body, dict[str, msgspec.Raw])
        fields.setdefault("evse_id", msgspec.Raw(msgspec.json.encode(evse_id)))
        raw = msgspec.json.encode(fields)
        (receipt,) = receive_statuses(envelope, [StatusRecord(raw, decode(raw, EvseStatusLine))])
        if receipt.refusal is not None:
            raise receipt.refusal
        content = StatusAnswer(evse_id=receipt.evse_id, taken=receipt.taken)
        return self.render(request, content)


def _key_of(evse_id: str) -> str:
    try:
        return EvseId.parse(evse_id).key
    except IdentifierError as error:
        raise Refusal("invalid_identifier", str(error), "evse_id") from error


class StatusIntake(MessageView):
    """UC1-3, up to 5,000 EVSEs in one call."""

    use_case = UseCase.UC1_3

    @property
    def max_bytes(self) -> int:
        return int(settings.MAX_BULK_BYTES)

    @extend_schema(
        operation_id="report_evse_statuses",
        tags=[TAG],
        summary="Report up to 5,000 statuses; each is judged by itself",
        request={"application/json": array_of(EvseStatusLine, settings.MAX_BULK_STATUSES)},
        responses={200: StatusesAnswer, **refusals("too_many_records", *READING)},
        examples=[asked("Two EVSEs", STATUSES["asked"]), answered("One taken", STATUSES["answer"])],
    )
    def post(self, request: Request) -> HttpResponse:
        envelope = self.envelope(request)
        raws = items_of(self.body_of(request))
        most = settings.MAX_BULK_STATUSES
        if len(raws) > most:
            raise Refusal("too_many_records", f"At most {most} statuses in a call.")
        receipts = receive_statuses(envelope, [_record(raw) for raw in raws])
        lines = [
            StatusLine(
                index=index,
                evse_id=receipt.evse_id,
                accepted=receipt.refusal is None,
                taken=receipt.taken,
                refusal=RefusedLine.of(receipt.refusal),
            )
            for index, receipt in enumerate(receipts)
        ]
        refused = sum(not line.accepted for line in lines)
        content = StatusesAnswer(accepted=len(lines) - refused, refused=refused, results=lines)
        return self.render(request, content)


def _record(raw: bytes) -> StatusRecord:
    try:
        return StatusRecord(raw, decode(raw, EvseStatusLine))
    except Refusal as refusal:
        return StatusRecord(raw, refusal)


class StatusSerializer(serializers.ModelSerializer[Evse]):
    """An EVSE as it is now. A status past its time to live, and one never reported, is UNKNOWN."""

    visited_cso = serializers.CharField(source="site.visited_cso.identifier")
    site_id = serializers.CharField(source="site.site_id")
    state = serializers.SerializerMethodField()
    stamped_at = serializers.DateTimeField(
        source="status.stamped_at", default=None, allow_null=True
    )
    expires_at = serializers.DateTimeField(
        source="status.expires_at", default=None, allow_null=True
    )
    received_at = serializers.DateTimeField(
        source="status.received_at", default=None, allow_null=True
    )
    outage_id = serializers.SerializerMethodField(
        help_text="The outage or maintenance that is in force there (UC5-1), or null."
    )

    class Meta:
        model = Evse
        fields = [
            "evse_id", "visited_cso", "site_id", "state", "stamped_at", "expires_at",
            "received_at", "outage_id",
        ]  # fmt: skip

    @extend_schema_field({"type": "string", "enum": [state.value for state in EvseState]})
    def get_state(self, evse: Any) -> str:
        status = getattr(evse, "status", None)
        if status is None:
            return EvseState.UNKNOWN.value
        return state_at(status.state, status.expires_at, self.context["view"].now).value

    def get_outage_id(self, evse: Any) -> str | None:
        return evse.outages_in_force[0].outage_id if evse.outages_in_force else None


class StatusFilter(django_filters.FilterSet):
    """`updated_since`: reported since, or run out since."""

    visited_cso = VisitedCsoFilter("site__visited_cso__key")
    site = django_filters.CharFilter(field_name="site__site_id")
    evse_id = EvseIdFilter("key")
    state = django_filters.ChoiceFilter(
        field_name="state_now", choices=[(state.value, state.value) for state in EvseState]
    )
    updated_since = MomentFilter(method="changed_since")

    class Meta:
        model = Evse
        fields = ["visited_cso", "site", "evse_id", "state", "updated_since"]

    def changed_since(self, rows: QuerySet[Evse], name: str, since: datetime) -> QuerySet[Evse]:
        """What expired became UNKNOWN, without anybody sending it."""
        ran_out = Q(status__expires_at__gt=since, status__expires_at__lte=business_now())
        return rows.filter(Q(status__received_at__gte=since) | ran_out)


@extend_schema_view(
    get=extend_schema(
        operation_id="list_evse_statuses",
        tags=[TAG],
        summary="Statuses of the caller's EVSEs, and of every CSO that it has an agreement with",
        examples=[answered("One EVSE", STATUSES["listed"])],
    )
)
class StatusesView(StatusIntake, generics.ListAPIView[Evse]):
    """UC1-3: GET lists, POST takes many in."""

    serializer_class = StatusSerializer
    filterset_class = StatusFilter
    pagination_class = NewestFirst
    queryset = Evse.objects.none()

    def get_queryset(self) -> QuerySet[Evse]:
        platform: Platform = self.request.user  # type: ignore[assignment]
        self.now = business_now()
        outages = Outage.objects.filter(in_force(self.now))
        unknown = Q(status__isnull=True) | Q(status__expires_at__lte=self.now)
        return (
            Evse.objects.filter(
                visible_cso_condition(platform, "site__visited_cso"),
                environment=platform.environment,
                removed_at=None,
            )
            .annotate(
                # As domain.evse_status.state_at says it.
                state_now=Case(
                    When(unknown, then=Value(EvseState.UNKNOWN.value)), default=F("status__state")
                )
            )
            .select_related("status", "site__visited_cso")
            .prefetch_related(Prefetch("outages", outages, to_attr="outages_in_force"))
        )


urlpatterns = [
    path("evse-statuses", StatusesView.as_view(), name="uc1-3-evse-statuses"),
    path("evses/<str:evse_id>/status", StatusView.as_view(), name="uc1-3-evse-status"),
]
