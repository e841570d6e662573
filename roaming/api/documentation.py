"""For the people who connect a platform: the OpenAPI document, and a page for each use case.

Every page is made from what the code itself says: the operations and webhooks of the OpenAPI
document, the catalogue of refusals, the docstring of the use case.
"""

from __future__ import annotations

import json
import pkgutil
import re
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiYamlRenderer

from roaming import use_cases
from roaming.domain.refusals import CATALOGUE, Fault, Reason
from roaming.domain.use_case import UseCase

Schema = dict[str, Any]
_METHODS = ("get", "post", "put", "patch", "delete")
_PARAGRAPH = re.compile(r"^(Accepts|Refuses|Leaves behind|Passes)\b[^:\n]*:?", re.MULTILINE)
GROUPS = {
    "1": "General information exchange",
    "2": "Tariff and pricing",
    "3": "Energy transfer management",
    "4": "Credentials handling",
    "5": "Supporting functions",
}


@cache
def document() -> Schema:
    """The OpenAPI document; the same until the process ends."""
    schema: Schema = SchemaGenerator().get_schema(request=None, public=True)
    return schema


@cache
def _rendered(form: str) -> bytes:
    if form == "json":
        return json.dumps(document(), ensure_ascii=False).encode()
    return bytes(OpenApiYamlRenderer().render(document()))


def api_schema(request: HttpRequest) -> HttpResponse:
    """The OpenAPI document: JSON where it is asked for (`?format=json`, Accept), else YAML."""
    wanted = request.GET.get("format")
    if wanted not in ("json", "yaml"):
        wanted = "json" if "json" in request.META.get("HTTP_ACCEPT", "") else "yaml"
    response = HttpResponse(_rendered(wanted))
    suffix = "+json" if wanted == "json" else ""
    response["Content-Type"] = f"application/vnd.oai.openapi{suffix}; charset=utf-8"
    response["Content-Disposition"] = f'inline; filename="clearing-house.{wanted}"'
    response["Vary"] = "Accept"
    return response


@dataclass(slots=True)
class Shown:
    """One message on a page: where it goes, what it looks like, how it may be answered."""

    method: str
    address: str
    summary: str
    description: str = ""
    requests: list[tuple[str, str]] = field(default_factory=list)
    answers: list[tuple[str, str, str]] = field(default_factory=list)
    refusals: list[Reason] = field(default_factory=list)
    always: list[Reason] = field(default_factory=list)
    answer_texts: list[tuple[str, str]] = field(default_factory=list)


def refusal_catalogue(request: HttpRequest) -> HttpResponse:
    """The page that the `type` of every problem points to."""
    groups = [
        (fault.value, [reason for reason in CATALOGUE.values() if reason.fault is fault])
        for fault in Fault
    ]
    return render(request, "api/refusals.html", {"groups": groups})


def use_case_list(request: HttpRequest) -> HttpResponse:
    """All use cases in the standard's order, with their addresses in both directions."""
    groups = [
        (number, title, [_row(case) for case in UseCase if case.code[2] == number])
        for number, title in GROUPS.items()
    ]
    return render(request, "api/use_cases.html", {"groups": groups})


def _row(case: UseCase) -> dict[str, Any]:
    return {"case": case, "sent": operations_of(case), "received": webhooks_of(case)}


def use_case_page(request: HttpRequest, code: str) -> HttpResponse:
    """One use case: the messages in, what the other side receives, every refusal, what to do."""
    cases = list(UseCase)
    position = next((n for n, case in enumerate(cases) if case.code == code.upper()), None)
    if position is None:
        raise Http404
    case = cases[position]
    context = {
        "case": case,
        "words": words_of(case),
        "sent": operations_of(case),
        "received": webhooks_of(case),
        "before": cases[position - 1] if position else None,
        "after": cases[position + 1] if position + 1 < len(cases) else None,
    }
    return render(request, "api/use_case.html", context)


@cache
def words_of(case: UseCase) -> list[tuple[str, str]]:
    """What the use case accepts and leaves behind, by its own docstring."""
    group, number = case.code.removeprefix("UC").split("-")
    begins = f"uc{group}_{int(number):02}_"
    for module in pkgutil.iter_modules(use_cases.__path__):
        if module.name.startswith(begins):
            text = import_module(f"{use_cases.__name__}.{module.name}").__doc__ or ""
            return _paragraphs(text)
    return []


def _paragraphs(text: str) -> list[tuple[str, str]]:
    """Heading and text of each paragraph; the list of refusals stands on the page anyway."""
    found = list(_PARAGRAPH.finditer(text))
    ends = [*(match.start() for match in found[1:]), len(text)]
    return [
        (match[0].rstrip(":"), " ".join(text[match.end() : end].split()))
        for match, end in zip(found, ends, strict=True)
        if match[1] != "Refuses"
    ]


def operations_of(case: UseCase) -> list[Shown]:
    """The operations of the native API that belong to a use case."""
    return [
        _shown(method.upper(), address, operation)
        for address, item in document()["paths"].items()
        for method in _METHODS
        if (operation := item.get(method)) and _belongs(operation, case)
    ]


def webhooks_of(case: UseCase) -> list[Shown]:
    """What a platform receives in a use case."""
    found = []
    for path, item in document()["webhooks"].items():
        operation = item["post"]
        if _belongs(operation, case):
            shown = _shown("POST", f"<your endpoint>/{path}", operation)
            shown.answer_texts = [
                (status, answer["description"])
                for status, answer in operation["responses"].items()
                if status != "5XX"
            ]
            found.append(shown)
    return found


def _belongs(operation: Schema, case: UseCase) -> bool:
    return any(tag.split(" ")[0] == case.code for tag in operation.get("tags", ()))


def _shown(method: str, address: str, operation: Schema) -> Shown:
    shown = Shown(
        method,
        address,
        operation.get("summary", ""),
        operation.get("description", "").partition("\n\n[")[0],
        _examples(operation.get("requestBody", {})),
    )
    own = set(operation.get("x-own-refusals", ()))
    for status, answer in operation["responses"].items():
        content = answer.get("content", {})
        if "application/problem+json" in content:
            reasons = [CATALOGUE[code] for code in content["application/problem+json"]["examples"]]
            shown.refusals += [reason for reason in reasons if reason.code in own]
            shown.always += [reason for reason in reasons if reason.code not in own]
        else:
            shown.answers += [(status, name, text) for name, text in _examples(answer)]
    return shown


def _examples(holder: Schema) -> list[tuple[str, str]]:
    return [
        (example.get("summary") or name, _pretty(example["value"]))
        for media in holder.get("content", {}).values()
        for name, example in media.get("examples", {}).items()
    ]


def _pretty(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
