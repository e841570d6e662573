"""Messages for the caller, to fetch (IEC 63119-2, 6.4.1): by order of arrival, and acknowledged."""

from __future__ import annotations

import uuid
from datetime import datetime

import msgspec
from django.http import HttpResponse
from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.request import Request

from roaming.api.message_view import MessageView, decode
from roaming.api.schema import READING, refusals
from roaming.domain.refusals import Refusal
from roaming.domain.use_case import EXCHANGES
from roaming.models import Delivery, Platform
from roaming.use_cases.pulled_messages import PageWish, acknowledge_messages, read_messages

FEWEST, USUAL, MOST = 1, 100, 1_000
_LARGEST = 2**63 - 1
_USE_CASES = sorted(use_case.code for use_case in EXCHANGES)


class WaitingMessage(msgspec.Struct, kw_only=True, frozen=True):
    """A message as it is, or was, sent to your endpoint: `body` goes to `path`, unchanged.

    `body` is null once the retention time has erased it.
    """

    arrival: int
    message_id: uuid.UUID
    correlation_id: str
    use_case: str
    path: str
    state: str
    created_at: datetime
    body: msgspec.Raw


class MessagePage(msgspec.Struct, kw_only=True, frozen=True):
    """Read on with `after=next_after`; `more`: there is more already."""

    messages: list[WaitingMessage]
    next_after: int
    more: bool


class Acknowledgement(msgspec.Struct, kw_only=True, frozen=True):
    """The `message_id`s of messages that you have taken, 1 to 1,000."""

    message_ids: list[uuid.UUID]


class AcknowledgementAnswer(msgspec.Struct, kw_only=True, frozen=True):
    """How many are delivered now; `unknown`: none of yours."""

    acknowledged: int
    unknown: list[uuid.UUID]


_MESSAGE_EXAMPLE = {
    "arrival": 48213,
    "message_id": "6f0c7c0e-7d0e-4d53-9b61-3f3c6f1f0a5e",
    "correlation_id": "b1f0a9c2-1f7e-4a3e-8a51-9f0b7a5a2c11",
    "use_case": "UC2-1",
    "path": "uc2-1/tariffs",
    "state": "waiting",
    "created_at": "2026-10-05T08:00:00Z",
    "body": {
        "id": "T1",
        "visited_cso": "DE*VIS",
        "currency": "EUR",
        "elements": [
            {"price_components": [{"type": "ENERGY", "price": "0.25", "step_size": 1}]}
        ],
        "valid_from": "2026-10-01T00:00:00+02:00",
    },
}  # fmt: skip


class MessagesView(MessageView):
    """What was put down for the caller. Reading takes nothing away."""

    @extend_schema(
        operation_id="read_messages",
        tags=["Messages"],
        summary="Messages for you, by order of arrival: to catch up, or instead of being called",
        description="Every message that was put down for your platform, delivered or not. Keep "
        "`next_after` and go on from there: nothing ever appears behind it. Where your platform "
        "has no endpoint, acknowledge what you have taken, or it is given up at its deadline.",
        parameters=[
            OpenApiParameter("after", int, description="Arrival number after which to read (0)."),
            OpenApiParameter("limit", int, description=f"1 to {MOST:,} messages ({USUAL})."),
            OpenApiParameter("use_case", str, enum=_USE_CASES),
            OpenApiParameter("state", str, enum=Delivery.State.values),
        ],
        responses={200: MessagePage, **refusals("invalid_field")},
        examples=[
            OpenApiExample(
                "A tariff waits",
                {"messages": [_MESSAGE_EXAMPLE], "next_after": 48213, "more": False},
                response_only=True,
                status_codes=["200"],
            )
        ],
    )
    def get(self, request: Request) -> HttpResponse:
        platform: Platform = request.user  # type: ignore[assignment]
        wish = PageWish(
            after=_number(request, "after", 0, (0, _LARGEST)),
            limit=_number(request, "limit", USUAL, (FEWEST, MOST)),
            use_case=_choice(request, "use_case", _USE_CASES),
            state=_choice(request, "state", Delivery.State.values),
        )
        page = read_messages(platform, wish)
        messages = [_message(row) for row in page.messages]
        last = messages[-1].arrival if messages else wish.after
        content = MessagePage(messages=messages, next_after=last, more=page.more)
        return self.render(request, content)


class AcknowledgementView(MessageView):
    """Takes messages off the list of what waits."""

    journals_refusals = False

    @extend_schema(
        operation_id="acknowledge_messages",
        tags=["Messages"],
        summary="Say which messages you have taken: they are not sent again",
        request=Acknowledgement,
        responses={200: AcknowledgementAnswer, **refusals(*READING)},
        examples=[
            OpenApiExample(
                "One was taken",
                {"message_ids": [_MESSAGE_EXAMPLE["message_id"]]},
                request_only=True,
            ),
            OpenApiExample(
                "Taken off the list",
                {"acknowledged": 1, "unknown": []},
                response_only=True,
                status_codes=["200"],
            ),
        ],
    )
    def post(self, request: Request) -> HttpResponse:
        platform: Platform = request.user  # type: ignore[assignment]
        message = decode(self.body_of(request), Acknowledgement)
        if not 1 <= len(message.message_ids) <= MOST:
            raise Refusal("invalid_field", f"1 to {MOST:,} ids.", "message_ids")
        unknown = acknowledge_messages(platform, message.message_ids, timezone.now())
        known = len(set(message.message_ids)) - len(set(unknown))
        return self.render(request, AcknowledgementAnswer(acknowledged=known, unknown=unknown))


def _message(row: Delivery) -> WaitingMessage:
    assert row.arrival is not None, "only numbered rows are read"
    return WaitingMessage(
        arrival=row.arrival,
        message_id=row.message_id,
        correlation_id=row.correlation_id,
        use_case=row.use_case,
        path=row.path,
        state=row.state,
        created_at=row.created_at,
        body=msgspec.Raw(row.body.encode() or b"null"),
    )


def _number(request: Request, name: str, usual: int, bounds: tuple[int, int]) -> int:
    text = request.GET.get(name, "").strip()
    if not text:
        return usual
    least, most = bounds
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else -1
    if not least <= number <= most:
        raise Refusal("invalid_field", f"A whole number from {least} to {most}.", name)
    return number


def _choice(request: Request, name: str, choices: list[str]) -> str:
    text = request.GET.get(name, "").strip()
    if text and text not in choices:
        raise Refusal("invalid_field", f"One of {', '.join(choices)}.", name)
    return text


urlpatterns = [
    path("messages", MessagesView.as_view(), name="messages"),
    path("messages/acknowledgement", AcknowledgementView.as_view(), name="messages-acknowledged"),
]
