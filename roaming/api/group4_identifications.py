"""Group 4, credentials handling (IEC 63119-2, 8.4): UC4-2, identifications for offline use."""

from __future__ import annotations

import django_filters
import msgspec
from django.conf import settings
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.urls import path
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    extend_schema,
    extend_schema_view,
)
from rest_framework import generics, serializers
from rest_framework.request import Request

from roaming.api.bulk_calls import JSON, NDJSON, RefusedLine, records_of
from roaming.api.filters import HomeCspFilter, MomentFilter
from roaming.api.message_view import MessageView, decode
from roaming.api.pages import NewestFirst
from roaming.api.rendering import AsSentField
from roaming.api.schema import READING, array_of, refusals
from roaming.domain.agreement import SERVICE_NEEDED
from roaming.domain.identification import IdentificationEntry
from roaming.domain.refusals import Refusal
from roaming.domain.use_case import UseCase
from roaming.models import (
    Agreement,
    AgreementSuspension,
    Identification,
    Operator,
    OperatorIdentifier,
    Platform,
    Role,
)
from roaming.models.clock import business_now
from roaming.use_cases.uc4_02_pre_distribution import (
    Distribution,
    EntryLine,
    distribute_delta,
    distribute_list,
)

LARGEST_ENTRY_BYTES = 10_000
MOST_REPORTED = 1_000
TAG = "UC4-2 Pre-distribution of identifications"


class RefusedEntry(msgspec.Struct, kw_only=True, frozen=True):
    """`index` counts from 0 in the order of the call; no entry is repeated here."""

    index: int
    refusal: RefusedLine | None


class DistributionAnswer(msgspec.Struct, kw_only=True, frozen=True):
    """What became of the call. Good entries are kept; `results` names the bad ones, up to 1,000."""

    received: int
    taken: int
    """New, changed or removed by an entry that says so."""
    unchanged: int
    ignored: int
    """Older than what is stored, or than another entry of the same call."""
    removed: int
    """Removed because a full list no longer holds them."""
    removals_withheld: bool
    """True: a full list had bad entries. Nothing is removed then, because nobody can tell which
    identifications they were meant to keep. Mend them and send the list again."""
    refused: int
    results: list[RefusedEntry]


OFFERED: list[dict[str, object]] = [
    {
        "token_uid": "04A2B3C4D5E6F7",
        "contract_id": "DE-HOM-C12345678-X",
        "kind": "RFID",
        "valid": True,
        "whitelist": "ALLOWED",
        "expires_at": "2027-12-31T23:59:59+01:00",
        "last_updated": "2026-10-05T09:00:00+02:00",
        "visual_number": "DF000-2001",
    },
    {
        "token_uid": "DE-HOM-C87654321-4",
        "kind": "EMAID",
        "whitelist": "ALLOWED_OFFLINE",
        "last_updated": "2026-10-05T09:00:00+02:00",
    },
]
DELTA = [
    {**OFFERED[0], "valid": False, "last_updated": "2026-10-06T07:30:00+02:00"},
    {
        "token_uid": "04B7C8D9",
        "kind": "RFID",
        "removed": True,
        "last_updated": "2026-10-06T07:30:00+02:00",
    },
]
ANSWER = OpenApiExample(
    "One entry was bad",
    response_only=True,
    status_codes=["200"],
    value={
        "received": 3,
        "taken": 2,
        "unchanged": 0,
        "ignored": 0,
        "removed": 0,
        "removals_withheld": True,
        "refused": 1,
        "results": [
            {
                "index": 2,
                "refusal": {
                    "code": "invalid_identifier",
                    "title": "An identifier does not follow its syntax",
                    "detail": "token UID: expected 8, 14 or 20 hexadecimal digits",
                    "field": "token_uid",
                    "what_to_do": "See ISO 15118 / DIN SPEC 91286 for the form of the named "
                    "identifier.",
                },
            }
        ],
    },
)
BODY = {
    JSON: array_of(IdentificationEntry, settings.MAX_BULK_IDENTIFICATIONS),
    NDJSON: {"type": "string", "description": "One identification in each line."},
}
OWNER = OpenApiParameter(
    "home_csp", str, required=True, description="Whose identifications they are, e.g. DE-HOM."
)
REFUSED = refusals("invalid_identifier", "too_many_records", "party_suspended", *READING)


class IdentificationSerializer(serializers.ModelSerializer[Identification]):
    """An identification as its home-CSP sent it; null where it was erased since."""

    home_csp = serializers.CharField(source="home_csp.identifier")
    removed = serializers.SerializerMethodField()
    identification = AsSentField(source="personal_data.content", default=None)

    class Meta:
        model = Identification
        fields = ["home_csp", "received_at", "removed", "identification"]

    def get_removed(self, row: Identification) -> bool:
        return row.removed_at is not None


class IdentificationFilter(django_filters.FilterSet):
    home_csp = HomeCspFilter("home_csp__key")
    updated_since = MomentFilter("received_at", lookup_expr="gte")

    class Meta:
        model = Identification
        fields = ["home_csp", "kind", "valid", "whitelist", "updated_since"]


@extend_schema_view(
    get=extend_schema(
        operation_id="list_identifications",
        tags=[TAG],
        summary="Identifications that are distributed to the caller, or by it",
        description="A visited-CSO sees those of the home-CSPs whose agreement with it covers "
        "offline identification now; a home-CSP its own. With `updated_since`, the moment at which "
        "the clearing house took the news, those that were removed since are listed too; ask from "
        "a few minutes before your last reading, so that a call under way is not missed.",
    )
)
class IdentificationsView(MessageView, generics.ListAPIView[Identification]):
    """UC4-2: PUT is the full list, PATCH a delta, GET reads what is distributed."""

    use_case = UseCase.UC4_2
    media_types = (JSON, NDJSON)
    serializer_class = IdentificationSerializer
    filterset_class = IdentificationFilter
    pagination_class = NewestFirst
    queryset = Identification.objects.none()

    @property
    def max_bytes(self) -> int:
        return int(settings.MAX_BULK_BYTES)

    def get_queryset(self) -> QuerySet[Identification]:
        platform: Platform = self.request.user  # type: ignore[assignment]
        rows = (
            Identification.objects.filter(environment=platform.environment)
            .filter(visible_csp_condition(platform))
            .select_related("home_csp", "personal_data")
        )
        if self.request.query_params.get("updated_since"):
            return rows
        return rows.filter(removed_at=None)

    @extend_schema(
        operation_id="distribute_identifications",
        tags=[TAG],
        summary="The full list of a home-CSP: what is missing in it is removed",
        description="A JSON array or NDJSON, up to 200,000 entries. Good entries are kept, bad ones"
        " reported by index; **a list with bad entries removes nothing**. Entries older than what "
        "is stored are ignored. What is new goes on to the visited-CSOs whose agreement covers "
        "offline identification, whole, in parts of up to 1,000. For the daily business send a "
        "delta instead.",
        parameters=[OWNER],
        request=BODY,
        responses={200: DistributionAnswer, **REFUSED},
        examples=[OpenApiExample("A list", request_only=True, value=OFFERED), ANSWER],
    )
    def put(self, request: Request) -> HttpResponse:
        return self._take(request, full=True)

    @extend_schema(
        operation_id="update_identifications",
        tags=[TAG],
        summary="A delta: what is new, changed, or removed (`removed`: true)",
        description="A JSON array or NDJSON, up to 200,000 entries. Of a removal, `token_uid`, "
        "`kind` and `last_updated` are enough. The visited-CSOs receive what is new.",
        parameters=[OWNER],
        request=BODY,
        responses={200: DistributionAnswer, **REFUSED},
        examples=[OpenApiExample("A delta", request_only=True, value=DELTA), ANSWER],
    )
    def patch(self, request: Request) -> HttpResponse:
        return self._take(request, full=False)

    def _take(self, request: Request, *, full: bool) -> HttpResponse:
        body = self.body_of(request)
        envelope = self.envelope(request, body)
        home_csp = request.query_params.get("home_csp", "")
        if not home_csp:
            raise Refusal("invalid_field", "Say whose identifications they are.", "home_csp")
        records = records_of(request, body, settings.MAX_BULK_IDENTIFICATIONS)
        lines = [_line(record) for record in records]
        distribute = distribute_list if full else distribute_delta
        return self.render(request, _answer(distribute(envelope, home_csp, lines)))


def _line(raw: bytes) -> EntryLine:
    if len(raw) > LARGEST_ENTRY_BYTES:
        detail = f"At most {LARGEST_ENTRY_BYTES:,} bytes an identification."
        return EntryLine(raw, Refusal("body_too_large", detail))
    try:
        return EntryLine(raw.strip(), decode(raw, IdentificationEntry))
    except Refusal as refusal:
        return EntryLine(raw, refusal)


def _answer(result: Distribution) -> DistributionAnswer:
    return DistributionAnswer(
        received=result.received,
        taken=result.taken,
        unchanged=result.unchanged,
        ignored=result.ignored,
        removed=result.removed,
        removals_withheld=result.removals_withheld,
        refused=len(result.refused),
        results=[
            RefusedEntry(index=index, refusal=RefusedLine.of(refusal))
            for index, refusal in result.refused[:MOST_REPORTED]
        ],
    )


def visible_csp_condition(platform: Platform) -> Q:
    """Rows whose `home_csp` the platform holds, or may rely on offline as visited-CSO now."""
    now = business_now()
    agreements = Agreement.objects.filter(
        environment=platform.environment,
        status=Agreement.Status.ACTIVE,
        validity__contains=now,
        services__contains=[SERVICE_NEEDED[UseCase.UC4_2].value],
        visited_cso__identifiers__in=OperatorIdentifier.objects.filter(
            role=Role.CSO, held_by__platform=platform
        ),
    ).exclude(suspensions__in=AgreementSuspension.objects.filter(during__contains=now))
    stopped = (Operator.Status.SUSPENDED, Operator.Status.ENDED)
    if platform.status in (Platform.Status.SUSPENDED, Platform.Status.ENDED):
        agreements = agreements.none()
    return Q(home_csp__in=platform.held_identifiers.values("identifier")) | Q(
        home_csp__operator__in=agreements.exclude(visited_cso__status__in=stopped).values(
            "home_csp"
        )
    )


urlpatterns = [
    path("identifications", IdentificationsView.as_view(), name="uc4-2-identifications"),
]
