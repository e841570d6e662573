"""Group 2, tariff and pricing (IEC 63119-2, 8.2): UC2-2."""

from __future__ import annotations

from datetime import datetime

import msgspec
from django.http import HttpResponse
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request

from roaming.api.message_view import MessageView, decode
from roaming.api.schema import AGREEING, ASKING, READING, refusals
from roaming.api.session_examples import TARIFF, answered, asked
from roaming.domain.refusals import Refusal
from roaming.domain.tariff.announcement import TariffMessage
from roaming.domain.tariff.requesting import TariffRequest
from roaming.domain.use_case import UseCase
from roaming.models import TariffVersion
from roaming.use_cases.uc2_02_request_tariffs import (
    TariffsAnswer,
    request_tariffs,
    tariffs_in_force,
)


class TariffInForce(msgspec.Struct, kw_only=True, frozen=True):
    """A version. `home_csp`: for whom, null: for all; `tariff` is as its CSO sent it.

    `on_request`: the CSO told it to this home-CSP when it was asked.
    """

    tariff_id: str
    home_csp: str | None
    currency: str
    valid_from: datetime
    valid_to: datetime | None
    received_at: datetime
    on_request: bool
    tariff: TariffMessage


class ConnectorTariffIds(msgspec.Struct, kw_only=True, frozen=True):
    """A connector of the EVSE that was asked about, with its tariffs for this home-CSP."""

    connector_id: str
    tariff_ids: list[str]


class TariffsInForce(msgspec.Struct, kw_only=True, frozen=True):
    """What holds for the home-CSP (null: for all) at the moment `at`.

    `source`: `store`, or `visited_cso` where the CSO was asked just now. `not_in_force`: ids that
    were asked for, or that a connector carries, of which no version is in force.
    """

    visited_cso: str
    home_csp: str | None
    at: datetime
    source: str
    evse_id: str | None
    connectors: list[ConnectorTariffIds]
    tariffs: list[TariffInForce]
    not_in_force: list[str]


_VERSION = {
    "tariff_id": "AC-1",
    "home_csp": None,
    "currency": "EUR",
    "valid_from": "2026-10-31T23:00:00Z",
    "valid_to": None,
    "received_at": "2026-10-12T08:14:03Z",
    "on_request": False,
    "tariff": TARIFF,
}
_IN_FORCE = answered(
    "At a connector",
    {
        "visited_cso": "DE*VIS",
        "home_csp": "DE-HOM",
        "at": "2026-11-05T12:00:00+01:00",
        "source": "store",
        "evse_id": "DE*VIS*E001",
        "connectors": [{"connector_id": "1", "tariff_ids": ["AC-1"]}],
        "tariffs": [_VERSION],
        "not_in_force": [],
    },
)
_TOLD = answered(
    "Told by a CSO that does not publish",
    {
        "visited_cso": "DE*VIS",
        "home_csp": "DE-HOM",
        "at": "2026-11-05T11:00:00Z",
        "source": "visited_cso",
        "evse_id": None,
        "connectors": [],
        "tariffs": [
            {**_VERSION, "home_csp": "DE-HOM", "received_at": "2026-11-05T11:00:00Z",
             "on_request": True}
        ],
        "not_in_force": [],
    },
)  # fmt: skip


class TariffsInForceView(MessageView):
    """UC2-2, from the store."""

    use_case = UseCase.UC2_2

    @extend_schema(
        operation_id="read_tariffs_in_force",
        tags=["UC2-2 Request tariffs"],
        summary="Which tariff version was, is or will be in force at a moment",
        description=(
            "By the rule that rates SDRs: valid at the moment, and received before it, less the "
            "agreement's notice; a tariff for one home-CSP beats the general one. The tariff ids "
            "of connectors are those of now. A CSO may ask about its own tariffs too."
        ),
        parameters=[
            OpenApiParameter("visited_cso", str, required=True),
            OpenApiParameter("home_csp", str, description="For whom; needed by who speaks for "
                             "several home-CSPs."),
            OpenApiParameter("at", OpenApiTypes.DATETIME, description="With its offset; now where "
                             "left out."),
            OpenApiParameter("evse_id", str, description="Only the tariffs of its connectors."),
            OpenApiParameter("connector_id", str, description="Only those of this connector."),
        ],
        responses={
            200: TariffsInForce,
            **refusals(
                "invalid_field", "invalid_identifier", "unknown_party", "unknown_evse",
                "time_without_offset", "party_not_held", "platform_suspended", *AGREEING,
            ),
        },
        examples=[_IN_FORCE],
    )  # fmt: skip
    def get(self, request: Request) -> HttpResponse:
        given = request.query_params
        question = TariffRequest(
            visited_cso=given.get("visited_cso", ""),
            home_csp=given.get("home_csp"),
            evse_id=given.get("evse_id"),
            connector_id=given.get("connector_id"),
        )
        answer = tariffs_in_force(self.envelope(request), question, moment_of(request, "at"))
        return self.render(request, _content(answer, question))


class TariffRequestView(MessageView):
    """UC2-2, switched on demand."""

    use_case = UseCase.UC2_2

    @extend_schema(
        operation_id="request_tariffs",
        tags=["UC2-2 Request tariffs"],
        summary="Ask a visited-CSO for its tariffs",
        description=(
            "Where the CSO publishes its tariffs (UC2-1), the store answers. Where it does not, it "
            "is asked (`uc2-2/tariff-request`), and what it tells is kept as received now, for the "
            "home-CSP that asked: sessions that start from now on are rated by it."
        ),
        request=TariffRequest,
        responses={
            200: TariffsInForce,
            **refusals(
                "invalid_identifier", "unknown_party", "unknown_evse", *READING, *AGREEING, *ASKING
            ),
        },
        examples=[
            asked("All that hold for us", {"visited_cso": "DE*VIS", "home_csp": "DE-HOM"}),
            _TOLD,
        ],
    )
    def post(self, request: Request) -> HttpResponse:
        body = self.body_of(request)
        envelope = self.envelope(request, body)
        question = decode(body, TariffRequest)
        answer = request_tariffs(envelope, question)
        return self.render(request, _content(answer, question))


def moment_of(request: Request, name: str) -> datetime | None:
    """A moment of the address, None where it is left out. Refuses invalid_field."""
    text = request.query_params.get(name)
    if text is None:
        return None
    try:
        # An unescaped plus sign arrives as a blank.
        return msgspec.convert(text.replace(" ", "+"), datetime)
    except msgspec.ValidationError as error:
        raise Refusal("invalid_field", "A time of RFC 3339, with its offset.", name) from error


def _content(answer: TariffsAnswer, question: TariffRequest) -> dict[str, object]:
    route = answer.route
    return {
        "visited_cso": str(route.visited_cso),
        "home_csp": str(route.home_csp) if route.home_csp else None,
        "at": answer.at,
        "source": "store" if answer.from_store else "visited_cso",
        "evse_id": question.evse_id,
        "connectors": [
            ConnectorTariffIds(connector_id=row.connector_id, tariff_ids=row.tariff_ids)
            for row in answer.connectors
        ],
        "tariffs": [_version(row) for row in answer.versions],
        "not_in_force": list(answer.absent),
    }


def _version(row: TariffVersion) -> dict[str, object]:
    return {
        "tariff_id": row.tariff_id,
        "home_csp": str(row.home_csp) if row.home_csp else None,
        "currency": row.currency,
        "valid_from": row.valid_from,
        "valid_to": row.valid_to,
        "received_at": row.received_at,
        "on_request": row.on_request,
        "tariff": msgspec.Raw(row.body.encode()),
    }


urlpatterns = [
    path("tariffs/in-force", TariffsInForceView.as_view(), name="uc2-2-tariffs-in-force"),
    path("tariff-requests", TariffRequestView.as_view(), name="uc2-2-tariff-requests"),
]
