"""The home-CSP's own records of sessions (6.4.2): sent, listed, and read by their sender alone."""

from __future__ import annotations

import uuid
from typing import Any

import django_filters
import msgspec
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpResponse
from django.urls import path, reverse
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import generics, serializers
from rest_framework.request import Request

from roaming.api.bulk_calls import JSON, NDJSON, RefusedLine, records_of
from roaming.api.collector import collector_paused
from roaming.api.filters import HomeCspFilter, MomentFilter, VisitedCsoFilter
from roaming.api.message_view import MessageView, decode
from roaming.api.pages import LatestArrivalFirst
from roaming.api.rendering import AsSentField, ExactDecimal
from roaming.api.schema import READING, array_of, refusals
from roaming.domain.refusals import Refusal
from roaming.domain.use_case import Supporting
from roaming.models import Platform
from roaming.models.clock import business_now
from settlement.api.csp_record_examples import (
    BULK_ANSWERED,
    BULK_SENT,
    LISTED,
    RECORD_KNOWN,
    RECORD_SENT,
    RECORD_TAKEN,
)
from settlement.domain.csp_record import CspRecordMessage
from settlement.models import CspRecord
from settlement.use_cases.csp_records import OfferedRecord, RecordReceipt, receive_csp_records

TAG = "Reconciliation"
_REFUSED = (
    "invalid_identifier", "unknown_party", "no_agreement", "duplicate_with_other_content",
    "time_without_offset",
)  # fmt: skip


class CspRecordAnswer(msgspec.Struct, kw_only=True, frozen=True):
    """`known`: the same content was taken in before."""

    id: str
    record_id: uuid.UUID | None
    known: bool


class CspRecordLine(msgspec.Struct, kw_only=True, frozen=True):
    """The result of one record: `index` counts from 0 in the order of the call."""

    index: int
    id: str
    accepted: bool
    record_id: uuid.UUID | None
    known: bool
    refusal: RefusedLine | None


class CspRecordLines(msgspec.Struct, kw_only=True, frozen=True):
    """Good records are kept, bad ones reported by index."""

    accepted: int
    refused: int
    results: list[CspRecordLine]


class CspRecordIntake(MessageView):
    """One record."""

    use_case = Supporting.SDR_RECONCILIATION

    @extend_schema(
        operation_id="send_csp_record",
        tags=[TAG],
        summary="Send the home-CSP's own record of a session",
        description="The clearing house holds the SDR of the session against it. The visited-CSO "
        "sees what was found, never the record. It may come before or after the SDR.",
        request=CspRecordMessage,
        responses={
            201: CspRecordAnswer,
            200: CspRecordAnswer,
            **refusals(*_REFUSED, *READING),
        },
        examples=[RECORD_SENT, RECORD_TAKEN, RECORD_KNOWN],
    )
    def post(self, request: Request) -> HttpResponse:
        body = self.body_of(request)
        self.envelope(request, body)
        platform: Platform = request.user  # type: ignore[assignment]
        offered = OfferedRecord(body, decode(body, CspRecordMessage))
        with transaction.atomic():
            (receipt,) = receive_csp_records(platform, [offered], business_now())
            if receipt.refusal is not None:
                raise receipt.refusal
            self.note(request, f"CSP record {receipt.reference}")
        content = CspRecordAnswer(
            id=receipt.reference, record_id=receipt.record_id, known=receipt.known
        )
        if receipt.known:
            return self.render(request, content)
        location = reverse("settlement:csp-record", args=[receipt.record_id])
        return self.render(request, content, 201, location)


class CspRecordBulkView(MessageView):
    """Up to 10,000 records as an array or as NDJSON."""

    use_case = Supporting.SDR_RECONCILIATION
    media_types = (JSON, NDJSON)

    @property
    def max_bytes(self) -> int:
        return int(settings.MAX_BULK_BYTES)

    @extend_schema(
        operation_id="send_csp_records",
        tags=[TAG],
        summary="Send up to 10,000 records of the home-CSP, as a JSON array or as NDJSON",
        description="Good records are kept and bad ones reported by index, as with SDRs.",
        request={
            "application/json": array_of(CspRecordMessage, 10_000),
            "application/x-ndjson": {"type": "string", "description": "One record in each line."},
        },
        responses={200: CspRecordLines, **refusals("too_many_records", *READING)},
        examples=[*BULK_SENT, BULK_ANSWERED],
    )
    def post(self, request: Request) -> HttpResponse:
        body = self.body_of(request)
        self.envelope(request)
        platform: Platform = request.user  # type: ignore[assignment]
        raw = records_of(request, body, settings.MAX_BULK_SDRS)
        with collector_paused(), transaction.atomic():
            receipts = receive_csp_records(platform, [_offered(r) for r in raw], business_now())
            lines = [_line(index, receipt) for index, receipt in enumerate(receipts)]
            refused = sum(not line.accepted for line in lines)
            self.note(request, f"{len(lines) - refused} CSP records, {refused} refused")
        content = CspRecordLines(accepted=len(lines) - refused, refused=refused, results=lines)
        return self.render(request, content)


def _offered(raw: bytes) -> OfferedRecord:
    if len(raw) > settings.MAX_MESSAGE_BYTES:
        refusal = Refusal("body_too_large", f"At most {settings.MAX_MESSAGE_BYTES} bytes a record.")
        return OfferedRecord(raw, refusal)
    try:
        return OfferedRecord(raw, decode(raw, CspRecordMessage))
    except Refusal as refusal:
        return OfferedRecord(raw, refusal)


def _line(index: int, receipt: RecordReceipt) -> CspRecordLine:
    return CspRecordLine(
        index=index,
        id=receipt.reference,
        accepted=receipt.refusal is None,
        record_id=receipt.record_id if receipt.refusal is None else None,
        known=receipt.known,
        refusal=RefusedLine.of(receipt.refusal),
    )


class CspRecordSerializer(serializers.ModelSerializer[CspRecord]):
    """A record as its home-CSP sent it (`record`; null once it was erased)."""

    record_id = serializers.UUIDField(source="id")
    reference = serializers.CharField()
    home_csp = serializers.CharField(source="home_csp.identifier")
    visited_cso = serializers.CharField(source="visited_cso.identifier")
    energy_kwh = ExactDecimal()
    before_tax = ExactDecimal(allow_null=True)
    record = AsSentField(source="original.content", default="")

    class Meta:
        model = CspRecord
        fields = [
            "record_id", "arrival", "reference", "home_csp", "visited_cso", "service_session_id",
            "started_at", "ended_at", "energy_kwh", "currency", "before_tax", "received_at",
            "record",
        ]  # fmt: skip


class CspRecordFilter(django_filters.FilterSet):
    visited_cso = VisitedCsoFilter("visited_cso__key")
    home_csp = HomeCspFilter("home_csp__key")
    received_since = MomentFilter("received_at", lookup_expr="gte")

    class Meta:
        model = CspRecord
        fields = ["visited_cso", "home_csp", "reference", "service_session_id", "received_since"]


class _OwnRecords(generics.GenericAPIView[CspRecord]):
    """Only records of home-CSPs that the caller holds: the visited-CSO sees findings."""

    serializer_class = CspRecordSerializer
    queryset = CspRecord.objects.none()

    def get_queryset(self) -> QuerySet[CspRecord]:
        platform: Platform = self.request.user  # type: ignore[assignment]
        held: Any = platform.held_identifiers.values("identifier")
        return CspRecord.objects.filter(
            environment=platform.environment, home_csp__in=held
        ).select_related("home_csp", "visited_cso", "original")


@extend_schema_view(
    get=extend_schema(
        operation_id="list_csp_records",
        tags=[TAG],
        summary="Records that the caller sent as home-CSP",
        examples=[LISTED],
    )
)
class CspRecordsView(CspRecordIntake, _OwnRecords, generics.ListAPIView[CspRecord]):
    """GET lists, POST takes one in."""

    filterset_class = CspRecordFilter
    pagination_class = LatestArrivalFirst


@extend_schema_view(
    get=extend_schema(
        operation_id="read_csp_record",
        tags=[TAG],
        summary="One record of the caller",
        responses={200: CspRecordSerializer, **refusals("not_found")},
        examples=[LISTED],
    )
)
class CspRecordDetailView(_OwnRecords, generics.RetrieveAPIView[CspRecord]):
    lookup_url_kwarg = "record_id"


urlpatterns = [
    path("reconciliation/csp-records", CspRecordsView.as_view(), name="csp-records"),
    path("reconciliation/csp-records/bulk", CspRecordBulkView.as_view(), name="csp-records-bulk"),
    path(
        "reconciliation/csp-records/<uuid:record_id>",
        CspRecordDetailView.as_view(),
        name="csp-record",
    ),
]
