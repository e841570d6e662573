"""The totals hand-shake (6.4.2): a party's own figures of a day, compared with ours."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

import django_filters
import msgspec
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.urls import path
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework import generics, serializers
from rest_framework.request import Request

from roaming.api.filters import HomeCspFilter, MomentFilter, VisitedCsoFilter
from roaming.api.message_view import MessageView, decode
from roaming.api.pages import NewestFirst
from roaming.api.rendering import ExactDecimal
from roaming.api.schema import READING, refusals
from roaming.domain.refusals import Refusal
from roaming.domain.sdr import usable_number
from roaming.domain.use_case import Supporting
from roaming.models import Platform
from roaming.models.clock import business_now
from settlement.domain.totals import Counted, Totals
from settlement.models import TotalsOfDay
from settlement.use_cases.totals import DayCompared, DaySaid, compare_totals, read_parties

TAG = "Reconciliation"
MOST_DAYS, MOST_SDRS = 100, 10_000


class ListedSdr(msgspec.Struct, kw_only=True, frozen=True):
    """An SDR that the party counted, with the values that it has."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    total_energy: Decimal | None = None
    before_tax: Decimal | None = None


class SaidDay(msgspec.Struct, kw_only=True, frozen=True):
    """The figures of a UTC day in which sessions ended. `sdrs`: what was counted, if you tell."""

    day: date
    currency: Annotated[str, msgspec.Meta(pattern="^[A-Z]{3}$", max_length=3)]
    count: Annotated[int, msgspec.Meta(ge=0, le=100_000_000)]
    total_energy: Decimal
    before_tax: Decimal
    sdrs: Annotated[list[ListedSdr], msgspec.Meta(max_length=MOST_SDRS)] | None = None


class TotalsMessage(msgspec.Struct, kw_only=True, frozen=True):
    """A party's own figures of its SDRs with one counterparty. Energy in kWh, amounts before tax.

    `side` says as whom you count, where you speak for both.
    """

    visited_cso: Annotated[str, msgspec.Meta(max_length=20)]
    home_csp: Annotated[str, msgspec.Meta(max_length=20)]
    side: Literal["CSO", "CSP"] | None = None
    days: Annotated[list[SaidDay], msgspec.Meta(min_length=1, max_length=MOST_DAYS)]


class FiguresPart(msgspec.Struct, kw_only=True, frozen=True):
    """Count, kWh and amount before tax."""

    count: int
    total_energy: Decimal
    before_tax: Decimal

    @classmethod
    def of(cls, totals: Totals) -> FiguresPart:
        return cls(count=totals.count, total_energy=totals.energy_kwh, before_tax=totals.before_tax)


class ComparedDay(msgspec.Struct, kw_only=True, frozen=True):
    """What came of a day. `difference`: ours less yours.

    `exact`: the SDRs named are the difference. Else each of `candidates` is a set of SDRs that come
    to it; none: list your SDRs.
    """

    day: date
    currency: str
    agreed: bool
    yours: FiguresPart
    ours: FiguresPart
    difference: FiguresPart
    exact: bool
    missing_with_you: list[str]
    missing_here: list[str]
    differing: list[str]
    candidates: list[list[str]]

    @classmethod
    def of(cls, day: DayCompared) -> ComparedDay:
        found = day.explanation
        return cls(
            day=day.said.day,
            currency=day.said.currency,
            agreed=day.agreed,
            yours=FiguresPart.of(day.said.totals),
            ours=FiguresPart.of(day.here),
            difference=FiguresPart.of(day.here - day.said.totals),
            exact=found.exact,
            missing_with_you=list(found.missing_there),
            missing_here=list(found.missing_here),
            differing=list(found.differing),
            candidates=[list(one) for one in found.candidates],
        )


class TotalsAnswer(msgspec.Struct, kw_only=True, frozen=True):
    """One result per day, in the order of the call."""

    agreed: bool
    days: list[ComparedDay]


def _figures(count: int, energy: str, amount: str) -> dict[str, Any]:
    return {"count": count, "total_energy": energy, "before_tax": amount}


_SAID = {
    "visited_cso": "DE*VIS",
    "home_csp": "DE-HOM",
    "days": [{"day": "2026-10-05", "currency": "EUR", **_figures(2, "40", "20.00")}],
}
_LISTED_SDRS = [
    {"id": "SDR-2026-1005-1", "total_energy": "20", "before_tax": "10.00"},
    {"id": "SDR-2026-1005-2", "total_energy": "20", "before_tax": "10.00"},
]
_NOTHING: dict[str, Any] = {"missing_here": [], "differing": [], "candidates": []}
_DIFFERS = {
    "agreed": False,
    "days": [
        {
            "day": "2026-10-05",
            "currency": "EUR",
            "agreed": False,
            "yours": _figures(2, "40", "20.00"),
            "ours": _figures(3, "52.5", "26.25"),
            "difference": _figures(1, "12.5", "6.25"),
            "exact": True,
            "missing_with_you": ["SDR-2026-1005-3"],
            **_NOTHING,
        }
    ],
}
_CONFIRMED = {
    "agreed": True,
    "days": [
        {
            "day": "2026-10-05",
            "currency": "EUR",
            "agreed": True,
            "yours": _figures(2, "40", "20.00"),
            "ours": _figures(2, "40", "20.00"),
            "difference": _figures(0, "0", "0.00"),
            "exact": True,
            "missing_with_you": [],
            **_NOTHING,
        }
    ],
}


class TotalsIntake(MessageView):
    """Figures in, agreement or the SDRs that explain the difference out."""

    use_case = Supporting.SDR_RECONCILIATION

    @extend_schema(
        operation_id="compare_totals",
        tags=[TAG],
        summary="Compare your own totals per day and counterparty",
        description="Counted are the SDRs whose session ended on that UTC day and that were not "
        "rejected; credits count with their negative amounts. Say it again whenever it changes: "
        "the newest word of each side counts.",
        request=TotalsMessage,
        responses={
            200: TotalsAnswer,
            **refusals("invalid_identifier", "unknown_party", *READING),
        },
        examples=[
            OpenApiExample("Figures alone", _SAID, request_only=True),
            OpenApiExample(
                "With the SDRs that were counted",
                {**_SAID, "days": [{**_SAID["days"][0], "sdrs": _LISTED_SDRS}]},  # type: ignore[dict-item]
                request_only=True,
            ),
            OpenApiExample("Agreement", _CONFIRMED, response_only=True, status_codes=["200"]),
            OpenApiExample(
                "One SDR explains it", _DIFFERS, response_only=True, status_codes=["200"]
            ),
        ],
    )
    def post(self, request: Request) -> HttpResponse:
        body = self.body_of(request)
        self.envelope(request, body)
        platform: Platform = request.user  # type: ignore[assignment]
        message = decode(body, TotalsMessage)
        days = [_day(number, day) for number, day in enumerate(message.days)]
        _check_each_once(days)
        with transaction.atomic():
            parties = read_parties(platform, message.visited_cso, message.home_csp, message.side)
            compared = compare_totals(platform, parties, days, business_now())
            agreed = sum(day.agreed for day in compared)
            self.note(request, f"totals of {len(days)} days, {agreed} agreed")
        content = TotalsAnswer(
            agreed=agreed == len(days), days=[ComparedDay.of(day) for day in compared]
        )
        return self.render(request, content)


def _day(number: int, said: SaidDay) -> DaySaid:
    for name, value in (("total_energy", said.total_energy), ("before_tax", said.before_tax)):
        _check_number(value, f"days[{number}].{name}")
    listed = None
    if said.sdrs is not None:
        for sdr in said.sdrs:
            _check_number(sdr.total_energy, f"days[{number}].sdrs")
            _check_number(sdr.before_tax, f"days[{number}].sdrs")
        if len({sdr.id for sdr in said.sdrs}) < len(said.sdrs):
            raise Refusal("invalid_field", "An SDR is listed twice.", f"days[{number}].sdrs")
        listed = tuple(Counted(sdr.id, sdr.total_energy, sdr.before_tax) for sdr in said.sdrs)
    if not 2000 <= said.day.year < 2100:
        raise Refusal("invalid_field", "A day between 2000 and 2100.", f"days[{number}].day")
    totals = Totals(said.count, said.total_energy, said.before_tax)
    return DaySaid(said.day, said.currency, totals, listed)


def _check_number(value: Decimal | None, field: str) -> None:
    if value is not None and not usable_number(value):
        raise Refusal("invalid_field", "Not a number of a possible size.", field)


def _check_each_once(days: list[DaySaid]) -> None:
    if len({(day.day, day.currency) for day in days}) < len(days):
        raise Refusal("invalid_field", "A day is told twice in one currency.", "days")


class TotalsSerializer(serializers.ModelSerializer[TotalsOfDay]):
    """Your newest figures of a day, beside ours as they were then (`..._here`)."""

    visited_cso = serializers.CharField(source="visited_cso.identifier")
    home_csp = serializers.CharField(source="home_csp.identifier")
    energy_kwh = ExactDecimal()
    before_tax = ExactDecimal()
    energy_kwh_here = ExactDecimal()
    before_tax_here = ExactDecimal()

    class Meta:
        model = TotalsOfDay
        fields = [
            "day", "visited_cso", "home_csp", "currency", "side", "state", "count", "energy_kwh",
            "before_tax", "count_here", "energy_kwh_here", "before_tax_here", "said_at",
        ]  # fmt: skip


class TotalsFilter(django_filters.FilterSet):
    visited_cso = VisitedCsoFilter("visited_cso__key")
    home_csp = HomeCspFilter("home_csp__key")
    state = django_filters.ChoiceFilter(choices=TotalsOfDay.State.choices)
    said_since = MomentFilter("said_at", lookup_expr="gte")

    class Meta:
        model = TotalsOfDay
        fields = ["visited_cso", "home_csp", "state", "said_since"]


@extend_schema_view(
    get=extend_schema(
        operation_id="list_totals",
        tags=[TAG],
        summary="What you said of which days, and whether it agreed",
        examples=[
            OpenApiExample(
                "A day that agreed",
                {
                    "day": "2026-10-05", "visited_cso": "DE*VIS", "home_csp": "DE-HOM",
                    "currency": "EUR", "side": "CSO", "state": "confirmed", "count": 2,
                    "energy_kwh": "40", "before_tax": "20.00", "count_here": 2,
                    "energy_kwh_here": "40", "before_tax_here": "20.00",
                    "said_at": "2026-10-06T06:00:00Z",
                },
                response_only=True,
            )
        ],
    )
)  # fmt: skip
class TotalsView(TotalsIntake, generics.ListAPIView[TotalsOfDay]):
    """GET lists one's own words; the counterparty's are its own."""

    serializer_class = TotalsSerializer
    filterset_class = TotalsFilter
    pagination_class = NewestFirst
    queryset = TotalsOfDay.objects.none()

    def get_queryset(self) -> QuerySet[TotalsOfDay]:
        platform: Platform = self.request.user  # type: ignore[assignment]
        held: Any = platform.held_identifiers.values("identifier")
        return (
            TotalsOfDay.objects.filter(environment=platform.environment)
            .filter(Q(side="CSO", visited_cso__in=held) | Q(side="CSP", home_csp__in=held))
            .select_related("visited_cso", "home_csp")
        )


urlpatterns = [path("reconciliation/totals", TotalsView.as_view(), name="totals")]
