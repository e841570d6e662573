"""The OpenAPI document: complete, true to its own schemas, and the same as what the code does."""

import json
import re

import pytest
from django.core.management import call_command
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from roaming.api.documentation import document
from roaming.domain.receiving import RECEIVED_PATHS
from roaming.domain.refusals import CATALOGUE
from roaming.domain.use_case import UseCase

METHODS = ("get", "post", "put", "patch", "delete")


def operations():
    return [
        (f"{method.upper()} {path}", operation)
        for path, item in document()["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    ]


def webhooks():
    return [(path, item["post"]) for path, item in document()["webhooks"].items()]


def named(entries):
    return pytest.mark.parametrize(
        "operation", [op for _, op in entries], ids=[n for n, _ in entries]
    )


@pytest.fixture(scope="module")
def registry():
    resource = Resource.from_contents(document(), default_specification=DRAFT202012)
    return Registry().with_resource("urn:api", resource)


def check(value, schema, registry):
    """Raises where a value is not what the schema says; references lead into the document."""
    absolute = json.loads(json.dumps(schema).replace('"#/', '"urn:api#/'))
    Draft202012Validator(absolute, registry=registry).validate(value)


def examples_of(holder):
    for media_type, media in holder.get("content", {}).items():
        for example in media.get("examples", {}).values():
            if media_type == "application/json":
                yield media["schema"], example["value"]


def test_the_document_is_valid_and_made_without_a_warning(capsys):
    call_command("spectacular", validate=True, fail_on_warn=True, file="/dev/null")
    assert capsys.readouterr().err == ""


def test_every_reference_leads_somewhere():
    for kind, name in set(re.findall(r"#/components/(\w+)/([\w.\-]+)", str(document()))):
        assert name in document()["components"][kind], (kind, name)


@named(operations())
def test_an_operation_shows_what_to_send_and_what_comes_back(operation):
    assert operation["summary"]
    assert operation["tags"]
    for media in operation.get("requestBody", {}).get("content", {}).values():
        assert media.get("examples"), "no example of the message"
    for status, answer in operation["responses"].items():
        if status[0] == "2":
            for media in answer.get("content", {}).values():
                assert media.get("examples"), f"no example of the answer {status}"


@named(operations())
def test_examples_of_an_operation_are_what_its_schema_says(operation, registry):
    for holder in (operation.get("requestBody", {}), *operation["responses"].values()):
        for schema, value in examples_of(holder):
            check(value, schema, registry)


@named(webhooks())
def test_a_webhook_shows_what_comes_and_how_to_answer(operation, registry):
    shown = list(examples_of(operation["requestBody"]))
    assert shown
    assert all(answer["description"] for answer in operation["responses"].values())
    for schema, value in [*shown, *examples_of(operation["responses"]["2XX"])]:
        check(value, schema, registry)
    headers = {parameter["name"] for parameter in operation["parameters"]}
    assert headers == {"X-Correlation-ID", "X-Message-ID", "X-Use-Case"}


@named(operations())
def test_refusals_of_an_operation_stand_under_their_own_status(operation):
    for status, answer in operation["responses"].items():
        for media in answer.get("content", {}).values():
            for code, example in media.get("examples", {}).items():
                if "$ref" in example:
                    assert str(CATALOGUE[code].status) == status
                    assert f"`{code}`" in answer["description"]


def test_every_path_below_a_roaming_endpoint_is_documented_for_who_implements_it():
    documented = [path for path, _ in webhooks()]
    assert documented == [received.path for received in RECEIVED_PATHS]


@pytest.mark.parametrize("case", UseCase, ids=lambda case: case.code)
def test_a_use_case_has_a_page(client, case):
    page = client.get(f"/api/docs/use-cases/{case.code}")
    assert page.status_code == 200
    text = page.content.decode()
    assert case.title in text
    for name, operation in operations():
        if any(tag.startswith(f"{case.code} ") for tag in operation["tags"]):
            assert name in text
            assert all(f"#{code}" in text for code in operation["x-own-refusals"])
    for path, operation in webhooks():
        if any(tag.startswith(f"{case.code} ") for tag in operation["tags"]):
            assert path in text


def test_a_use_case_that_does_not_exist_has_no_page(client):
    assert client.get("/api/docs/use-cases/UC9-9").status_code == 404


def test_the_document_comes_as_json_or_yaml(client):
    as_json = client.get("/api/schema?format=json")
    assert as_json.json()["openapi"].startswith("3.1")
    assert client.get("/api/schema", headers={"Accept": "application/json"}).json()
    as_yaml = client.get("/api/schema")
    assert as_yaml.content.startswith(b"openapi: 3.1")
    assert "json" not in as_yaml["Content-Type"]
    again = client.get("/api/schema", headers={"If-None-Match": as_yaml["ETag"]})
    assert again.status_code == 304
