"""Commands: what a home-CSP asked a visited-CSO for, and what came of it (IEC 63119-2, 8.3, 8.5).

The asynchronous use cases UC3-2, UC3-4, UC3-8, UC5-2 and UC5-3 answer alike, and end here.
"""

from __future__ import annotations

import math
import uuid

import django_filters
import msgspec
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework import generics, serializers
from rest_framework.request import Request

from roaming.api.correlation import correlation_id_of, follow_correlation_id
from roaming.api.filters import HomeCspFilter, MomentFilter, VisitedCsoFilter
from roaming.api.message_view import MessageView, decode
from roaming.api.pages import NewestFirst
from roaming.api.schema import READING, refusals
from roaming.domain.command import CommandKind, CommandResult, CommandState
from roaming.domain.use_case import UseCase
from roaming.models import Command, Platform
from roaming.use_cases.command_results import receive_result, surroundings_of


class CommandTaken(msgspec.Struct, kw_only=True, frozen=True):
    """How the visited-CSO took the command. ACCEPTED: its result follows to `…/result`.

    `result_within_s`: seconds of real time; then you are told TIMED_OUT. Null: none is awaited.
    `state` may be a result already, where it was faster than the answer. NO_ANSWER: this is a
    repetition, and what the visited-CSO answered to the first attempt was lost.
    """

    command_id: uuid.UUID
    response: str
    state: str
    reason: str
    note: str
    result_within_s: int | None
    service_session_id: uuid.UUID | None
    reservation_id: uuid.UUID | None
    correlation_id: str


def taken(view: MessageView, request: Request, command: Command) -> HttpResponse:
    """The answer to a home-CSP's command."""
    within_s = None
    if CommandState(command.state).is_under_way and command.result_due_at is not None:
        left = (command.result_due_at - timezone.now()).total_seconds()
        within_s = max(0, math.ceil(left))
    content = CommandTaken(
        command_id=command.id,
        response=_response(command),
        state=command.state,
        reason=command.reason,
        note=command.note,
        result_within_s=within_s,
        service_session_id=command.session_id,
        reservation_id=command.reservation_id,
        correlation_id=correlation_id_of(request),
    )
    return view.render(request, content)


def _response(command: Command) -> str:
    if command.state == CommandState.REJECTED:
        return "REJECTED"
    unanswered = (CommandState.ASKED, CommandState.TIMED_OUT)
    if command.state in unanswered and command.answered_at is None:
        return "NO_ANSWER"
    return "ACCEPTED"


def taken_examples(**fields: object) -> list[OpenApiExample]:
    """A command taken and one rejected, as the home-CSP reads them."""
    accepted = {
        "command_id": "01a10bef-6200-7000-8000-00000000c0de",
        "response": "ACCEPTED",
        "state": "accepted",
        "reason": "",
        "note": "",
        "result_within_s": 30,
        "service_session_id": "01a10bef-6200-7000-8000-000000005e55",
        "reservation_id": None,
        "correlation_id": "a2f1c0de-0000-4000-8000-000000000001",
        **fields,
    }
    rejected = {
        **accepted,
        "response": "REJECTED",
        "state": "rejected",
        "reason": "EVSE_OCCUPIED",
        "note": "Another vehicle is charging there.",
        "result_within_s": None,
    }
    return [
        OpenApiExample("Taken, result awaited", accepted, response_only=True, status_codes=["200"]),
        OpenApiExample("Rejected", rejected, response_only=True, status_codes=["200"]),
    ]


class ResultTaken(msgspec.Struct, kw_only=True, frozen=True):
    """`late`: the asker had been told that no result came in time. `acknowledged`: it has taken
    this one; else it is being delivered."""

    command_id: uuid.UUID
    state: str
    late: bool
    acknowledged: bool
    correlation_id: str


class CommandResultView(MessageView):
    """The result of any command, under the use case that it belongs to."""

    use_case = UseCase.UC3_2

    @extend_schema(
        operation_id="report_command_result",
        tags=["Commands"],
        summary="Say, once, what came of a command that you accepted",
        request=CommandResult,
        responses={
            200: ResultTaken,
            **refusals("unknown_command", "command_state", *READING),
        },
        examples=[
            OpenApiExample(
                "A remote start that worked",
                {"result": "SUCCEEDED", "cso_session_id": "VIS-S-4711"},
                request_only=True,
            ),
            OpenApiExample(
                "One that did not",
                {
                    "result": "FAILED",
                    "reason": "CABLE_NOT_PLUGGED_IN",
                    "note": "Plug the cable in first.",
                },
                request_only=True,
            ),
            OpenApiExample(
                "Taken",
                {
                    "command_id": "01a10bef-6200-7000-8000-00000000c0de",
                    "state": "succeeded",
                    "late": False,
                    "acknowledged": True,
                    "correlation_id": "a2f1c0de-0000-4000-8000-000000000001",
                },
                response_only=True,
                status_codes=["200"],
            ),
        ],
    )
    def post(self, request: Request, command_id: uuid.UUID) -> HttpResponse:
        surroundings = surroundings_of(request.user, command_id)  # type: ignore[arg-type]
        if surroundings is not None:
            self.use_case = UseCase.of(surroundings[0])
            follow_correlation_id(request, surroundings[1])
        body = self.body_of(request)
        envelope = self.envelope(request, body)
        command, acknowledged = receive_result(envelope, command_id, decode(body, CommandResult))
        content = ResultTaken(
            command_id=command.id,
            state=command.state,
            late=command.result_was_late,
            acknowledged=acknowledged,
            correlation_id=correlation_id_of(request),
        )
        return self.render(request, content)


class CommandSerializer(serializers.ModelSerializer[Command]):
    """A command as both its parties see it. `reason` and `note` are the visited-CSO's."""

    command_id = serializers.UUIDField(source="id")
    visited_cso = serializers.CharField(source="visited_cso.identifier")
    home_csp = serializers.CharField(source="home_csp.identifier")
    evse_id = serializers.CharField(source="evse.evse_id", allow_null=True, default=None)
    service_session_id = serializers.UUIDField(source="session_id", allow_null=True)
    reservation_id = serializers.UUIDField(allow_null=True)
    late = serializers.BooleanField(source="result_was_late")

    class Meta:
        model = Command
        fields = [
            "command_id", "use_case", "kind", "state", "visited_cso", "home_csp", "evse_id",
            "connector_id", "service_session_id", "reservation_id", "correlation_id",
            "requested_by", "why", "reason", "note", "cso_session_id", "cso_reference", "asked_at",
            "answered_at", "ended_at", "timed_out_at", "late",
        ]  # fmt: skip


class CommandFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(choices=[(s.value, s.label) for s in CommandState])
    kind = django_filters.ChoiceFilter(choices=[(k.value, k.value) for k in CommandKind])
    visited_cso = VisitedCsoFilter("visited_cso__key")
    home_csp = HomeCspFilter("home_csp__key")
    service_session_id = django_filters.UUIDFilter(field_name="session_id")
    reservation_id = django_filters.UUIDFilter(field_name="reservation_id")
    since = MomentFilter("asked_at", lookup_expr="gte")

    class Meta:
        model = Command
        fields = [
            "state", "kind", "use_case", "visited_cso", "home_csp", "service_session_id",
            "reservation_id", "correlation_id", "since",
        ]  # fmt: skip


class _OwnCommands(generics.GenericAPIView[Command]):
    """Only commands that the caller asked for, or was asked."""

    serializer_class = CommandSerializer
    queryset = Command.objects.none()

    def get_queryset(self) -> QuerySet[Command]:
        platform: Platform = self.request.user  # type: ignore[assignment]
        held = platform.held_identifiers.values("identifier")
        return (
            Command.objects.filter(environment=platform.environment)
            .filter(Q(visited_cso__in=held) | Q(home_csp__in=held))
            .select_related("visited_cso", "home_csp", "evse")
        )


@extend_schema_view(
    get=extend_schema(
        operation_id="list_commands",
        tags=["Commands"],
        summary="Commands that the caller asked for, or was asked",
    )
)
class CommandListView(_OwnCommands, generics.ListAPIView[Command]):
    filterset_class = CommandFilter
    pagination_class = NewestFirst


@extend_schema_view(
    get=extend_schema(
        operation_id="read_command",
        tags=["Commands"],
        summary="One command: its answer, its result",
        responses={200: CommandSerializer, **refusals("not_found")},
    )
)
class CommandDetailView(_OwnCommands, generics.RetrieveAPIView[Command]):
    lookup_url_kwarg = "command_id"


urlpatterns = [
    path("commands", CommandListView.as_view(), name="commands"),
    path("commands/<uuid:command_id>", CommandDetailView.as_view(), name="command"),
    path("commands/<uuid:command_id>/result", CommandResultView.as_view(), name="command-result"),
]
