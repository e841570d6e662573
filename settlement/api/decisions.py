"""The home-CSP's decisions on SDRs (IEC 63119-2, 6.4.2): one, or up to 10,000 in a call."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Literal

import msgspec
from django.conf import settings
from django.http import HttpResponse
from django.urls import path
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request

from roaming.api.bulk_calls import JSON, NDJSON, RefusedLine, records_of
from roaming.api.group1_examples import answered, asked
from roaming.api.message_view import MessageView, decode
from roaming.api.schema import READING, array_of, refusals
from roaming.domain.refusals import Refusal
from roaming.domain.use_case import Supporting
from roaming.models import Platform
from roaming.models.clock import business_now
from settlement.api import examples
from settlement.api.callers import as_refusal, caller_of, identifiers_of
from settlement.domain.decision_reasons import ReasonCode
from settlement.use_cases.sdr_decision import Decision, Outcome, Party, Wish, decide_many

TAG = "Reconciliation"
_REASONS = "; ".join(
    f"`{code.value}` {code.label[0].lower()}{code.label[1:]}" for code in ReasonCode
)
_DECIDING = (
    "not_found", "party_not_held", "not_decidable", "window_over", "no_agreement",
    "other_currency", "amount_not_possible",
)  # fmt: skip


class SdrDecision(msgspec.Struct, kw_only=True, frozen=True):
    """Yes or no to one SDR. A decline carries a reason code; OTH needs a note.

    `undisputed_amount`: what of the claim is right all the same; nothing where it is left out.
    """

    decision: Literal["approve", "decline"]
    reason: str = ""
    note: str = ""
    undisputed_amount: Decimal | None = None


class SdrDecisionLine(SdrDecision, kw_only=True, frozen=True):
    """One line of a call of many."""

    sdr_id: uuid.UUID


class DecisionAnswer(msgspec.Struct, kw_only=True, frozen=True):
    """Where the SDR stands now: `accepted` at `settled_amount`, or `disputed`."""

    sdr_id: uuid.UUID
    state: str
    settled_amount: Decimal | None


class DecidedLine(msgspec.Struct, kw_only=True, frozen=True):
    """The result of one line: `index` counts from 0 in the order of the call."""

    index: int
    sdr_id: uuid.UUID | None
    done: bool
    state: str
    settled_amount: Decimal | None
    refusal: RefusedLine | None


class BulkDecisionAnswer(msgspec.Struct, kw_only=True, frozen=True):
    """What could be decided is; the others are refused by index."""

    done: int
    refused: int
    results: list[DecidedLine]


class DecisionView(MessageView):
    """One decision."""

    use_case = Supporting.SDR_RECONCILIATION

    @extend_schema(
        operation_id="decide_on_sdr",
        tags=[TAG],
        summary="Approve or decline an SDR as its home-CSP",
        description="Inside its window: until `decide_by` where it was rated (the window begins "
        "when the SDR is visible to you); at any time where it deviates, for nothing else "
        "settles it; as an objection to a preliminary statement until its objection window ends. "
        "A declined SDR is disputed and carved out, the rest settles; an approval ends that. "
        f"Reasons of a decline: {_REASONS}.",
        request=SdrDecision,
        responses={200: DecisionAnswer, **refusals(*_DECIDING, *READING)},
        examples=[
            asked("The price is wrong", examples.DECLINE),
            asked("Approved", {"decision": "approve"}),
            answered("Disputed", examples.DECLINED),
        ],
    )
    def post(self, request: Request, sdr_id: uuid.UUID) -> HttpResponse:
        body = self.body_of(request)
        self.envelope(request, body)
        platform = caller_of(request)
        wish = _wish(platform, sdr_id, decode(body, SdrDecision))
        (outcome,) = decide_many([wish], business_now(), _party(platform))
        if outcome.refusal is not None:
            raise as_refusal(outcome.refusal)
        assert outcome.effect is not None
        self.note(request, f"SDR {outcome.effect.state.value}")
        content = DecisionAnswer(
            sdr_id=sdr_id,
            state=outcome.effect.state.value,
            settled_amount=outcome.effect.settled_amount,
        )
        return self.render(request, content)


class BulkDecisionView(MessageView):
    """Many decisions, each for itself."""

    use_case = Supporting.SDR_RECONCILIATION
    media_types = (JSON, NDJSON)

    @property
    def max_bytes(self) -> int:
        return int(settings.MAX_BULK_BYTES)

    @extend_schema(
        operation_id="decide_on_sdrs",
        tags=[TAG],
        summary="Approve or decline up to 10,000 SDRs, as a JSON array or as NDJSON",
        description="Each line is answered by its index: done, or refused with a code. Lines that "
        "are refused leave nothing behind and do not hold up the others.",
        request={
            "application/json": array_of(SdrDecisionLine, 10_000),
            "application/x-ndjson": {"type": "string", "description": "One line for each SDR."},
        },
        responses={200: BulkDecisionAnswer, **refusals("too_many_records", *READING)},
        examples=[
            asked("Two lines", examples.DECISIONS),
            OpenApiExample(
                "Two lines of NDJSON", examples.DECISION_LINES, request_only=True, media_type=NDJSON
            ),
            answered("One done, one refused", examples.DECIDED),
        ],
    )
    def post(self, request: Request) -> HttpResponse:
        body = self.body_of(request)
        self.envelope(request)
        platform = caller_of(request)
        read = [_read(raw) for raw in records_of(request, body, settings.MAX_BULK_SDRS)]
        wishes = [
            _wish(platform, line.sdr_id, line) for line in read if not isinstance(line, Refusal)
        ]
        outcomes = iter(decide_many(wishes, business_now(), _party(platform)))
        lines = [
            _refused(index, line) if isinstance(line, Refusal) else _line(index, next(outcomes))
            for index, line in enumerate(read)
        ]
        done = sum(line.done for line in lines)
        self.note(request, f"{done} of {len(lines)} SDRs decided")
        content = BulkDecisionAnswer(done=done, refused=len(lines) - done, results=lines)
        return self.render(request, content)


def _read(raw: bytes) -> SdrDecisionLine | Refusal:
    try:
        return decode(raw, SdrDecisionLine)
    except Refusal as refusal:
        return refusal


def _wish(platform: Platform, sdr_id: uuid.UUID, said: SdrDecision) -> Wish:
    decision = Decision(
        by=platform.name,
        reason=said.reason,
        note=said.note,
        by_home_csp=True,
        undisputed=said.undisputed_amount,
    )
    return Wish(sdr_id, said.decision == "approve", decision)


def _party(platform: Platform) -> Party:
    return Party(platform.environment, identifiers_of(platform))


def _line(index: int, outcome: Outcome) -> DecidedLine:
    if outcome.refusal is not None:
        return _refused(index, as_refusal(outcome.refusal), outcome.sdr_id)
    assert outcome.effect is not None
    return DecidedLine(
        index=index,
        sdr_id=outcome.sdr_id,
        done=True,
        state=outcome.effect.state.value,
        settled_amount=outcome.effect.settled_amount,
        refusal=None,
    )


def _refused(index: int, refusal: Refusal, sdr_id: uuid.UUID | None = None) -> DecidedLine:
    return DecidedLine(
        index=index,
        sdr_id=sdr_id,
        done=False,
        state="",
        settled_amount=None,
        refusal=RefusedLine.of(refusal),
    )


urlpatterns = [
    path("reconciliation/sdrs/decisions", BulkDecisionView.as_view(), name="sdr-decisions"),
    path("reconciliation/sdrs/<uuid:sdr_id>/decision", DecisionView.as_view(), name="sdr-decision"),
]
