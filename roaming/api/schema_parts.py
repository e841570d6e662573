"""Parts of the OpenAPI document that operations refer to, and the webhooks (UC by UC)."""

from __future__ import annotations

from typing import Any

import msgspec

from roaming.api.field_limits import add_limits
from roaming.api.problems import Problem
from roaming.api.schema import schemas_of
from roaming.api.webhooks import WEBHOOKS, Webhook
from roaming.domain.refusals import CATALOGUE, Reason

Schema = dict[str, Any]
_ID = {"type": "string", "pattern": r"^[A-Za-z0-9_.:\-]{1,64}$", "maxLength": 64}


def _header(description: str, example: str, **schema: Any) -> Schema:
    return {
        "description": description,
        "schema": {"type": "string", **schema},
        "example": example,
    }


def _parameter(name: str, description: str, example: str, **schema: Any) -> Schema:
    """Its example stands in words: tools fill in what stands as one, and an id is used once."""
    return {
        "name": name,
        "in": "header",
        "required": False,
        "description": f"{description} For example `{example}`.",
        "schema": {"type": "string", **schema},
    }


PARAMETERS = {
    "CorrelationId": _parameter(
        "X-Correlation-ID",
        "Follows the message through everything, also to the other party. Minted where you send "
        "none, or one of another form.",
        "0199b2c4-7f1e-7c3a-9b52-6a1f0c9d8e77",
        maxLength=64,
    ),
    "MessageId": _parameter(
        "X-Message-ID",
        "Your id of this message. The same again, with the same body, gets the same answer.",
        "msg-2026-10-05-000117",
        **_ID,
    ),
    "IdempotencyKey": _parameter(
        "Idempotency-Key",
        "A key of your own for this message, 1 to 128 printable characters in double quotes: the "
        "same key with the same body gets the same answer, with other content "
        "`idempotency_conflict`. Goes before X-Message-ID.",
        '"8e03978e-40d5-43dd-bc93-6894a57f9324"',
        maxLength=258,
        pattern=r'^("([\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\]){1,128}"|'
        r"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]{1,128})$",
    ),
    "IfNoneMatch": _parameter(
        "If-None-Match",
        "The entity tag that you have: 304 where nothing has changed.",
        '"5f1c0e6a9b7d4c3e8a2f1b0d9c8e7f6a"',
    ),
    "IfMatch": _parameter(
        "If-Match",
        "The entity tag of the version that you mean to change: `precondition_failed` where "
        "another one is stored.",
        '"5f1c0e6a9b7d4c3e8a2f1b0d9c8e7f6a"',
        pattern=r'^(\*|(W/)?"[\x21\x23-\x7e]*"(, *(W/)?"[\x21\x23-\x7e]*")*)$',
    ),
}
HEADERS = {
    "CorrelationId": _header("The id to quote when you ask us.", "corr-1", maxLength=64),
    "CacheControl": _header("`no-store` where a person or a price may stand in it.", "no-store"),
    "ETag": _header("The entity tag of this answer.", '"5f1c0e6a9b7d4c3e8a2f1b0d9c8e7f6a"'),
    "IdempotencyReplayed": {
        "description": "This is the answer that was given to the same message before.",
        "schema": {"type": "string", "enum": ["true"]},
    },
    "Location": _header(
        "Where to read what was made.", "/api/v1/sdrs/0199b2c4-7f1e-7c3a-9b52-6a1f0c9d8e77"
    ),
    "RateLimit": _header("What is left of this minute's allowance.", '"platform";r=59998;t=41'),
    "RateLimitPolicy": _header("The allowance a minute.", '"platform";q=60000;w=60'),
    "RetryAfter": {
        "description": "Seconds after which it makes sense to try again.",
        "schema": {"type": "integer", "minimum": 1},
        "example": 5,
    },
    "WwwAuthenticate": _header("What to present.", 'Bearer realm="clearing house"'),
}


def complete(result: Schema, **context: Any) -> Schema:
    """The last step of drf-spectacular: a hook of SPECTACULAR_SETTINGS."""
    components = result["components"]
    schemas = components["schemas"]
    for name, schema in schemas_of([Problem, *_structs(WEBHOOKS)]).items():
        schemas.setdefault(name, schema)
    components["schemas"] = dict(sorted(schemas.items()))
    components["parameters"] = PARAMETERS
    components["headers"] = HEADERS
    components["examples"] = {code: _problem(reason) for code, reason in CATALOGUE.items()}
    components["securitySchemes"]["clearingHouseToken"] = {
        "type": "http",
        "scheme": "bearer",
        "description": "The token that you gave at your registration: the clearing house presents "
        "it at your endpoint.",
    }
    result["webhooks"] = {webhook.path: _webhook(webhook) for webhook in WEBHOOKS}
    _let_decimals_be_numbers(result)
    add_limits(result["components"]["schemas"])
    _drop(result, "x-spec-enum-id")  # a mark of drf-spectacular for itself
    return result


def _drop(node: Any, name: str) -> None:
    if isinstance(node, dict):
        node.pop(name, None)
    for child in node.values() if isinstance(node, dict) else node:
        if isinstance(child, (dict, list)):
            _drop(child, name)


def _let_decimals_be_numbers(result: Schema) -> None:
    """What is read takes a decimal as a number too; what is written is always a text."""
    operations = [op for item in result["paths"].values() for op in item.values()]
    read: list[Any] = [operation.get("requestBody") for operation in operations]
    read += list(result["webhooks"].values())
    seen: set[str] = set()
    while read:
        node = read.pop()
        if isinstance(node, list):
            read += node
        elif isinstance(node, dict):
            if node.get("format") == "decimal" and node.get("type") == "string":
                node["type"] = ["number", "string"]
            name = str(node.get("$ref", "")).removeprefix("#/components/schemas/")
            if name in result["components"]["schemas"] and name not in seen:
                seen.add(name)
                read.append(result["components"]["schemas"][name])
            read += node.values()


def _structs(webhooks: tuple[Webhook, ...]) -> list[type]:
    return [
        kind for webhook in webhooks for kind in (webhook.message, webhook.answer, *webhook.also)
        if isinstance(kind, type)
    ]  # fmt: skip


def _problem(reason: Reason) -> Schema:
    problem = Problem(
        type=f"/api/docs/refusals#{reason.code}",
        title=reason.title,
        status=reason.status,
        code=reason.code,
        detail="What exactly was wrong with this message.",
        whose_fault=reason.fault.value,
        what_to_do=reason.what_to_do,
        correlation_id="0199b2c4-7f1e-7c3a-9b52-6a1f0c9d8e77",
    )
    return {"summary": reason.title, "value": msgspec.to_builtins(problem)}


def _webhook(webhook: Webhook) -> Schema:
    """The message as an operation of the platform's own interface."""
    answers: Schema = {
        "2XX": {"description": webhook.taken},
        "4XX": {"description": webhook.refused},
        "5XX": {"description": webhook.refused},
    }
    if webhook.answer is not None:
        answers["2XX"]["content"] = _json(webhook.answer, "Answer", webhook.answer_examples)
    operation: Schema = {
        "operationId": f"receive_{webhook.path.replace('/', '_').replace('-', '_')}",
        "tags": [webhook.tag],
        "summary": webhook.summary,
        "description": f"For platforms of a {webhook.receiver}. `POST` below your roaming "
        f"endpoint's address. {webhook.when}",
        "security": [{"clearingHouseToken": []}],
        "parameters": [
            {**PARAMETERS["CorrelationId"], "required": True},
            {
                **PARAMETERS["MessageId"],
                "required": True,
                "description": "The same message may come again under the same id: answer it as "
                "you did the first time.",
            },
            {
                "name": "X-Use-Case",
                "in": "header",
                "required": True,
                "schema": {"type": "string"},
                "example": webhook.use_case,
            },
        ],
        "requestBody": {
            "required": True,
            "content": _json(webhook.message, "Message", webhook.examples),
        },
        "responses": answers,
    }
    return {"post": operation}


def _json(kind: type | Schema, title: str, examples: dict[str, Any]) -> Schema:
    schema = {"$ref": f"#/components/schemas/{kind.__name__}"} if isinstance(kind, type) else kind
    return {
        "application/json": {
            "schema": schema,
            "examples": {
                f"{title}{number}": {"summary": summary, "value": value}
                for number, (summary, value) in enumerate(examples.items(), start=1)
            },
        }
    }
