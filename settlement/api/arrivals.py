"""Sequence gaps (6.4.2): a party asks which of its SDRs arrived, and what is missing."""

from __future__ import annotations

import uuid
from typing import Annotated, Any

import msgspec
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.urls import path
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework import generics, serializers
from rest_framework.request import Request

from roaming.api.group3_sdr import SdrFilter
from roaming.api.message_view import MessageView, decode
from roaming.api.pages import LatestArrivalFirst
from roaming.api.schema import READING, refusals
from roaming.domain.refusals import Refusal
from roaming.domain.use_case import Supporting
from roaming.models import Platform, Sdr
from settlement.domain.arrivals import MOST_ASKED, references_of
from settlement.use_cases.arrivals import Arrived, which_arrived

TAG = "Reconciliation"
_Reference = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class NumberedRange(msgspec.Struct, kw_only=True, frozen=True):
    """SDR ids that count: `prefix` and a number from `first` to `last`, filled up with zeros to
    `digits`."""

    prefix: Annotated[str, msgspec.Meta(max_length=60)] = ""
    first: Annotated[int, msgspec.Meta(ge=0, le=10**15)]
    last: Annotated[int, msgspec.Meta(ge=0, le=10**15)]
    digits: Annotated[int, msgspec.Meta(ge=1, le=16)] = 1


class ArrivalsQuestion(msgspec.Struct, kw_only=True, frozen=True):
    """Which SDRs of a visited-CSO are asked about: by `sdr_ids`, or by a `range` of them.

    A home-CSP names itself too (`home_csp`) and learns of its own.
    """

    visited_cso: Annotated[str, msgspec.Meta(max_length=20)]
    home_csp: Annotated[str, msgspec.Meta(max_length=20)] | None = None
    sdr_ids: Annotated[list[_Reference], msgspec.Meta(max_length=MOST_ASKED)] | None = None
    range: NumberedRange | None = None


class ArrivedSdr(msgspec.Struct, kw_only=True, frozen=True):
    """An SDR that arrived, and where it stands."""

    id: str
    sdr_id: uuid.UUID
    arrival: int
    state: str

    @classmethod
    def of(cls, row: Arrived) -> ArrivedSdr:
        return cls(id=row.reference, sdr_id=row.sdr_id, arrival=row.arrival, state=row.state)


class ArrivalsAnswer(msgspec.Struct, kw_only=True, frozen=True):
    """What arrived, in the order of the question, and what is missing."""

    arrived: list[ArrivedSdr]
    missing: list[str]


class ArrivalsQuestionView(MessageView):
    """The question by ids."""

    use_case = Supporting.SDR_RECONCILIATION

    @extend_schema(
        operation_id="ask_for_arrivals",
        tags=[TAG],
        summary="Which of these SDRs arrived, and which are missing",
        description=f"Up to {MOST_ASKED:,} ids in a call. Send again what is missing; what did "
        "arrive does no harm.",
        request=ArrivalsQuestion,
        responses={
            200: ArrivalsAnswer,
            **refusals("invalid_identifier", "too_many_records", *READING),
        },
        examples=[
            OpenApiExample(
                "By id",
                {"visited_cso": "DE*VIS", "sdr_ids": ["SDR-2026-1005-1", "SDR-2026-1005-2"]},
                request_only=True,
            ),
            OpenApiExample(
                "A range",
                {
                    "visited_cso": "DE*VIS",
                    "range": {"prefix": "SDR-2026-1005-", "first": 1, "last": 2},
                },
                request_only=True,
            ),
            OpenApiExample(
                "One is missing",
                {
                    "arrived": [
                        {
                            "id": "SDR-2026-1005-1", "arrival": 4711, "state": "rated",
                            "sdr_id": "01a10bef-6200-7a3c-8f5e-3b1f0c9d2e01",
                        }
                    ],
                    "missing": ["SDR-2026-1005-2"],
                },
                response_only=True,
                status_codes=["200"],
            ),
        ],
    )  # fmt: skip
    def post(self, request: Request) -> HttpResponse:
        body = self.body_of(request)
        self.envelope(request, body)
        platform: Platform = request.user  # type: ignore[assignment]
        asked = decode(body, ArrivalsQuestion)
        if (asked.sdr_ids is None) == (asked.range is None):
            raise Refusal("invalid_field", "Say sdr_ids or range, one of the two.", "sdr_ids")
        references = asked.sdr_ids
        if references is None:
            assert asked.range is not None, "one of the two is there"
            said = asked.range
            references = references_of(said.prefix, said.first, said.last, said.digits)
        arrived, missing = which_arrived(platform, (asked.visited_cso, asked.home_csp), references)
        self.note(request, f"{len(arrived)} SDRs arrived, {len(missing)} missing")
        content = ArrivalsAnswer(arrived=[ArrivedSdr.of(row) for row in arrived], missing=missing)
        return self.render(request, content)


class ArrivalSerializer(serializers.ModelSerializer[Sdr]):
    """An SDR that arrived, and where it stands."""

    sdr_id = serializers.UUIDField(source="id")
    id = serializers.CharField(source="reference")
    visited_cso = serializers.CharField(source="visited_cso.identifier")
    state = serializers.CharField(source="standing.state")

    class Meta:
        model = Sdr
        fields = ["id", "sdr_id", "arrival", "visited_cso", "state", "received_at"]


class ArrivalFilter(SdrFilter):
    """The filters of the list of SDRs, without those by its content."""

    class Meta:
        model = Sdr
        fields = ["visited_cso", "home_csp", "state", "received_since"]


@extend_schema_view(
    get=extend_schema(
        operation_id="list_arrivals",
        tags=[TAG],
        summary="SDRs that arrived, the latest first, without their content",
        examples=[
            OpenApiExample(
                "An SDR",
                {
                    "id": "SDR-2026-1005-1", "arrival": 4711, "visited_cso": "DE*VIS",
                    "sdr_id": "01a10bef-6200-7a3c-8f5e-3b1f0c9d2e01", "state": "rated",
                    "received_at": "2026-10-05T09:01:12.300000Z",
                },
                response_only=True,
            )
        ],
    )
)  # fmt: skip
class ArrivalsView(ArrivalsQuestionView, generics.ListAPIView[Sdr]):
    """Only SDRs that the caller sent or that name it as home-CSP."""

    serializer_class = ArrivalSerializer
    filterset_class = ArrivalFilter
    pagination_class = LatestArrivalFirst
    queryset = Sdr.objects.none()

    def get_queryset(self) -> QuerySet[Sdr]:
        platform: Platform = self.request.user  # type: ignore[assignment]
        held: Any = platform.held_identifiers.values("identifier")
        return (
            Sdr.objects.filter(environment=platform.environment)
            .filter(Q(visited_cso__in=held) | Q(home_csp__in=held))
            .select_related("visited_cso", "standing")
        )


urlpatterns = [path("reconciliation/arrivals", ArrivalsView.as_view(), name="arrivals")]
