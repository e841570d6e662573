"""Evidence of disputes over the API: sent as it is or in a form, given back as an attachment."""

from __future__ import annotations

import io
from typing import Any

import msgspec
from django.conf import settings
from django.core.files.uploadhandler import MemoryFileUploadHandler
from django.http import HttpResponse
from django.http.multipartparser import MultiPartParser, MultiPartParserError
from django.urls import path, reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import renderers
from rest_framework.request import Request

from roaming.api.group1_examples import answered
from roaming.api.message_view import MessageView
from roaming.api.rendering import ExactJSONRenderer
from roaming.api.schema import READING, refusals
from roaming.domain.refusals import Refusal
from roaming.domain.use_case import Supporting
from roaming.models.clock import business_now
from roaming.staff_pages.attachments import attachment
from settlement.api import examples
from settlement.api.callers import caller_of, refusing
from settlement.api.decisions import TAG
from settlement.api.disputes import actor_of, own_disputes
from settlement.domain.disputes import Side
from settlement.domain.evidence import EXTENSIONS
from settlement.models import DisputeEvidence
from settlement.models.evidence_files import read_file
from settlement.use_cases.dispute import add_evidence

_FORM, _BYTES = "multipart/form-data", "application/octet-stream"
_FRAME = 10_000  # bytes that a form may need around its file
_BINARY = {"type": "string", "format": "binary"}
_PARAMETERS = [
    OpenApiParameter("name", str, description="The file's name, where no form says it."),
    OpenApiParameter(
        "side", str, enum=["home_csp", "visited_cso"],
        description="Needed only by a platform that speaks for both.",
    ),
]  # fmt: skip


class EvidenceAnswer(msgspec.Struct, kw_only=True, frozen=True):
    """What was kept: the media type is of the content, the name was made safe."""

    evidence_id: int
    name: str
    media_type: str
    size: int
    sha256: str


class EvidenceView(MessageView):
    """One file."""

    use_case = Supporting.SDR_RECONCILIATION
    media_types = (_BYTES, _FORM, *EXTENSIONS)

    @property
    def max_bytes(self) -> int:
        return int(settings.DISPUTE_FILE_BYTES) + _FRAME

    @extend_schema(
        operation_id="add_dispute_evidence",
        tags=[TAG],
        summary="Add a file to a dispute",
        description="PDF, PNG, JPEG, CSV, text, JSON or XML, by its content and not by its name: "
        "the bytes as the body, or a form with one `file`. The two parties and the clearing house "
        "may read it, nobody else.",
        parameters=_PARAMETERS,
        request={
            _BYTES: _BINARY,
            _FORM: {"type": "object", "required": ["file"], "properties": {"file": _BINARY}},
        },
        responses={
            201: EvidenceAnswer,
            **refusals(
                "not_found", "party_not_held", "dispute_closed", "too_much_evidence", *READING
            ),
        },
        examples=[
            OpenApiExample("The bytes", "%PDF-1.7 …", request_only=True, media_type=_BYTES),
            OpenApiExample("A form", {"file": "%PDF-1.7 …"}, request_only=True, media_type=_FORM),
            answered("Kept", examples.EVIDENCE_PART, "201"),
        ],
    )
    def post(self, request: Request, dispute_id: int) -> HttpResponse:
        body = self.body_of(request)
        self.envelope(request)
        name, content = _file_of(request, body)
        actor = actor_of(caller_of(request), dispute_id, _side_of(request))
        with refusing():
            kept = add_evidence(dispute_id, actor, name, content, business_now())
        self.note(request, f"dispute {dispute_id}: evidence")
        answer = EvidenceAnswer(
            evidence_id=kept.pk,
            name=kept.name,
            media_type=kept.media_type,
            size=kept.size,
            sha256=kept.sha256,
        )
        where = reverse("settlement:dispute-evidence-file", args=[dispute_id, kept.pk])
        return self.render(request, answer, 201, where)


class AnyRenderer(renderers.BaseRenderer):
    """Whatever the caller accepts: a file is what it is."""

    media_type = "*/*"
    format = "file"


class EvidenceFileView(MessageView):
    """One file, back."""

    use_case = Supporting.SDR_RECONCILIATION
    renderer_classes = [ExactJSONRenderer, AnyRenderer]

    @extend_schema(
        operation_id="read_dispute_evidence",
        tags=[TAG],
        summary="A file of a dispute, as an attachment",
        responses={(200, _BYTES): OpenApiTypes.BINARY, **refusals("not_found")},
        examples=[OpenApiExample("The bytes", "%PDF-1.7 …", response_only=True, media_type=_BYTES)],
    )
    def get(self, request: Request, dispute_id: int, evidence_id: int) -> HttpResponse:
        own = own_disputes(caller_of(request)).filter(pk=dispute_id)
        found = DisputeEvidence.objects.filter(dispute__in=own, pk=evidence_id).first()
        content = read_file(found.sha256) if found else None
        if found is None or content is None:
            raise Refusal("not_found", "There is no such file.")
        return attachment(content, found.media_type, found.name)


def _file_of(request: Request, body: bytes) -> tuple[str, bytes]:
    media_type = (request.META.get("CONTENT_TYPE") or "").partition(";")[0].strip().lower()
    if media_type != _FORM:
        return request.query_params.get("name", ""), body
    handler: Any = MemoryFileUploadHandler()
    handler.activated = True
    try:
        _, files = MultiPartParser(request.META, io.BytesIO(body), [handler]).parse()
    except MultiPartParserError as error:
        raise Refusal("malformed_body", str(error)) from error
    file = files.get("file")
    if file is None:
        raise Refusal("invalid_field", "The form has no file of this name.", "file")
    return str(file.name), file.read()


def _side_of(request: Request) -> Side | None:
    text = request.query_params.get("side")
    if text is None:
        return None
    if text not in (Side.HOME_CSP, Side.VISITED_CSO):
        raise Refusal("invalid_field", "home_csp or visited_cso.", "side")
    return Side(text)


urlpatterns = [
    path(
        "reconciliation/disputes/<int:dispute_id>/evidence",
        EvidenceView.as_view(),
        name="dispute-evidence",
    ),
    path(
        "reconciliation/disputes/<int:dispute_id>/evidence/<int:evidence_id>",
        EvidenceFileView.as_view(),
        name="dispute-evidence-file",
    ),
]
