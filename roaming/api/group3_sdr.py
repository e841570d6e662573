"""Group 3, SDR information exchange (IEC 63119-2, 8.3, Annex B): UC3-9, one by one or in bulk."""

from __future__ import annotations

import uuid
from functools import cache

import django_filters
import msgspec
from django.conf import settings
from django.db.models import Prefetch, Q, QuerySet
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
from roaming.api.schema import READING, refusals
from roaming.domain.refusals import Refusal
from roaming.domain.sdr import DoorFinding, SdrLifeState, SdrMessage
from roaming.domain.use_case import UseCase
from roaming.models import Finding, Platform, Sdr
from roaming.use_cases.uc3_09_sdr_information_exchange import (
    SdrReceipt,
    SdrRecord,
    receive_sdr,
    receive_sdrs,
)


class FindingPart(msgspec.Struct, kw_only=True, frozen=True):
    """A check that failed: both values, and what it means."""

    rule: str
    severity: str
    explanation: str
    claimed: str
    expected: str

    @classmethod
    def of(cls, finding: DoorFinding) -> FindingPart:
        return cls(
            rule=finding.rule,
            severity=finding.severity.value,
            explanation=finding.explanation,
            claimed=finding.claimed,
            expected=finding.expected,
        )


class SdrAnswer(msgspec.Struct, kw_only=True, frozen=True):
    """`known`: the same content was taken in before. A `rejected` SDR is stored and visible."""

    id: str
    sdr_id: uuid.UUID | None
    state: str
    known: bool
    findings: list[FindingPart]


class BulkLine(msgspec.Struct, kw_only=True, frozen=True):
    """The result of one record: `index` counts from 0 in the order of the call."""

    index: int
    id: str
    accepted: bool
    sdr_id: uuid.UUID | None
    state: str
    known: bool
    findings: list[FindingPart]
    refusal: RefusedLine | None


class BulkAnswer(msgspec.Struct, kw_only=True, frozen=True):
    """Good records are kept, bad ones reported by index."""

    accepted: int
    refused: int
    results: list[BulkLine]


@cache
def _address_of_sdrs() -> str:
    return reverse("roaming:uc3-9-sdrs")


class SdrIntake(MessageView):
    """UC3-9, one SDR."""

    use_case = UseCase.UC3_9
    is_admitted = True

    @extend_schema(
        operation_id="send_sdr",
        tags=["UC3-9 SDR information exchange"],
        summary="Send one SDR",
        description="Content errors are findings, not refusals: read `state` and `findings`.",
        request=SdrMessage,
        responses={
            201: SdrAnswer,
            200: SdrAnswer,
            **refusals("invalid_identifier", "duplicate_with_other_content", *READING),
        },
    )
    def post(self, request: Request) -> HttpResponse:
        body = self.body_of(request)
        envelope = self.envelope(request, body)
        record = SdrRecord(body, decode(body, SdrMessage))
        receipt = receive_sdr(envelope, record)
        if receipt.refusal is not None:
            raise receipt.refusal
        content = SdrAnswer(
            id=receipt.reference,
            sdr_id=receipt.sdr_id,
            state=receipt.state,
            known=receipt.known,
            findings=[FindingPart.of(finding) for finding in receipt.findings],
        )
        if receipt.known:
            return self.render(request, content)
        return self.render(request, content, 201, f"{_address_of_sdrs()}/{receipt.sdr_id}")


class SdrBulkView(MessageView):
    """UC3-9, up to 10,000 SDRs as an array or as NDJSON."""

    use_case = UseCase.UC3_9
    media_types = (JSON, NDJSON)

    @property
    def max_bytes(self) -> int:
        return int(settings.MAX_BULK_BYTES)

    @extend_schema(
        operation_id="send_sdrs",
        tags=["UC3-9 SDR information exchange"],
        summary="Send up to 10,000 SDRs, as a JSON array or as NDJSON",
        description=(
            "Good records are kept and bad ones reported by index. A record that is no JSON ends "
            "an array, because nobody can tell where the next one begins: the call is refused "
            "whole with `malformed_body`. In NDJSON a line ends where it ends: the other lines "
            "are kept. Prefer NDJSON."
        ),
        request={
            "application/json": {
                "type": "array",
                "items": {"$ref": "#/components/schemas/SdrMessage"},
                "maxItems": 10_000,
            },
            "application/x-ndjson": {"type": "string", "description": "One SDR in each line."},
        },
        responses={200: BulkAnswer, **refusals("too_many_records", *READING)},
    )
    def post(self, request: Request) -> HttpResponse:
        body = self.body_of(request)
        envelope = self.envelope(request)
        records = records_of(request, body, settings.MAX_BULK_SDRS)
        with collector_paused():
            receipts = receive_sdrs(envelope, [_record(record) for record in records])
            lines = [_line(index, receipt) for index, receipt in enumerate(receipts)]
            refused = sum(not line.accepted for line in lines)
            content = BulkAnswer(accepted=len(lines) - refused, refused=refused, results=lines)
            return self.render(request, content)


def _record(raw: bytes) -> SdrRecord:
    if len(raw) > settings.MAX_MESSAGE_BYTES:
        refusal = Refusal("body_too_large", f"At most {settings.MAX_MESSAGE_BYTES} bytes an SDR.")
        return SdrRecord(raw, refusal)
    try:
        return SdrRecord(raw, decode(raw, SdrMessage))
    except Refusal as refusal:
        return SdrRecord(raw, refusal)


def _line(index: int, receipt: SdrReceipt) -> BulkLine:
    refusal = receipt.refusal
    return BulkLine(
        index=index,
        id=receipt.reference,
        accepted=refusal is None,
        sdr_id=receipt.sdr_id,
        state=receipt.state,
        known=receipt.known,
        findings=[FindingPart.of(finding) for finding in receipt.findings],
        refusal=RefusedLine.of(refusal),
    )


class FindingSerializer(serializers.ModelSerializer[Finding]):
    money_at_stake = ExactDecimal(allow_null=True)

    class Meta:
        model = Finding
        fields = [
            "rule", "severity", "explanation", "claimed", "expected", "money_at_stake", "causes",
        ]  # fmt: skip
        extra_kwargs = {
            "causes": {
                "help_text": "Stable codes of what lies behind it. Of a total that differs: the "
                "known mistakes that each give the claim to the cent, two made together with a +."
            }
        }


class SdrSerializer(serializers.ModelSerializer[Sdr]):
    """An SDR with its state and findings; `sdr` is the record as the CSO sent it.

    `rated_before_tax` is what the tariff in force gives, unrounded; null until the clearing house
    has reconciled it (`reconciled_at`), or where it cannot be rated.
    """

    sdr_id = serializers.UUIDField(source="id")
    reference = serializers.CharField()
    visited_cso = serializers.CharField(source="visited_cso.identifier")
    home_csp = serializers.CharField(source="home_csp.identifier", default=None)
    state = serializers.CharField(source="standing.state")
    outcome = serializers.CharField(source="standing.outcome")
    claimed_before_tax = ExactDecimal(source="claim_before_tax", allow_null=True)
    rated_before_tax = ExactDecimal(source="standing.rated_before_tax", allow_null=True)
    reconciled_at = serializers.DateTimeField(source="standing.reconciled_at", allow_null=True)
    settled_amount = ExactDecimal(source="standing.settled_amount", allow_null=True)
    decide_by = serializers.DateTimeField(source="standing.decide_by", allow_null=True)
    findings = FindingSerializer(source="live_findings", many=True)
    sdr = AsSentField(source="original.content")

    class Meta:
        model = Sdr
        fields = [
            "sdr_id", "arrival", "reference", "visited_cso", "home_csp", "service_session_id",
            "state", "outcome", "currency", "claimed_before_tax", "rated_before_tax",
            "reconciled_at", "settled_amount", "decide_by", "received_at", "findings", "sdr",
        ]  # fmt: skip


class SdrFilter(django_filters.FilterSet):
    visited_cso = VisitedCsoFilter("visited_cso__key")
    home_csp = HomeCspFilter("home_csp__key")
    state = django_filters.ChoiceFilter(
        field_name="standing__state", choices=[(state.value, state.value) for state in SdrLifeState]
    )
    received_since = MomentFilter("received_at", lookup_expr="gte")

    class Meta:
        model = Sdr
        fields = [
            "visited_cso", "home_csp", "state", "reference", "service_session_id",
            "received_since",
        ]  # fmt: skip


class _OwnSdrs(generics.GenericAPIView[Sdr]):
    """Only SDRs that the caller sent or that name it as home-CSP."""

    serializer_class = SdrSerializer
    queryset = Sdr.objects.none()

    def get_queryset(self) -> QuerySet[Sdr]:
        platform: Platform = self.request.user  # type: ignore[assignment]
        held = platform.held_identifiers.values("identifier")
        return (
            Sdr.objects.filter(environment=platform.environment)
            .filter(Q(visited_cso__in=held) | Q(home_csp__in=held))
            .select_related("visited_cso", "home_csp", "standing", "original")
            .prefetch_related(
                Prefetch(
                    "findings", Finding.objects.filter(superseded_at=None), to_attr="live_findings"
                )
            )
        )


@extend_schema_view(
    get=extend_schema(
        operation_id="list_sdrs",
        tags=["UC3-9 SDR information exchange"],
        summary="SDRs that the caller sent or received, with state and findings",
    )
)
class SdrsView(SdrIntake, _OwnSdrs, generics.ListAPIView[Sdr]):
    """UC3-9: GET lists, POST takes one in."""

    filterset_class = SdrFilter
    pagination_class = LatestArrivalFirst


@extend_schema_view(
    get=extend_schema(
        operation_id="read_sdr",
        tags=["UC3-9 SDR information exchange"],
        summary="One SDR of the caller",
        responses={200: SdrSerializer, **refusals("not_found")},
    )
)
class SdrDetailView(_OwnSdrs, generics.RetrieveAPIView[Sdr]):
    lookup_url_kwarg = "sdr_id"


urlpatterns = [
    path("sdrs", SdrsView.as_view(), name="uc3-9-sdrs"),
    path("sdrs/bulk", SdrBulkView.as_view(), name="uc3-9-sdrs-bulk"),
    path("sdrs/<uuid:sdr_id>", SdrDetailView.as_view(), name="uc3-9-sdr"),
]
