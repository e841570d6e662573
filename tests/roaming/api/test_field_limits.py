"""Every limit that the documentation states is one that the API keeps."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from django.db import transaction

from roaming.api.documentation import document
from tests.roaming.api.matrix_world import World
from tests.roaming.api.test_permission_matrix import MATRIX

Place = tuple[str | int, ...]


def schema_of(node: dict[str, Any]) -> dict[str, Any]:
    name = node.get("$ref", "").rpartition("/")[2]
    return document()["components"]["schemas"][name] if name else node


def texts(node: dict[str, Any], place: Place = ()) -> Iterator[tuple[Place, dict[str, Any]]]:
    """Each text with a limit, and where it stands; of a list its first entry."""
    node = schema_of(node)
    if "maxLength" in node:
        yield place, node
    for name, inner in node.get("properties", {}).items():
        yield from texts(inner, (*place, name))
    if isinstance(node.get("items"), dict):
        yield from texts(node["items"], (*place, 0))
    for alternative in node.get("anyOf", ()):
        yield from texts(alternative, place)


def changed(body: Any, place: Place, text: str) -> Any:
    """The body with this text there, and what has to be around it."""
    result = copy.deepcopy(body)
    node = result
    for step, following in pairwise(place):
        empty: Any = [None] if following == 0 else {}
        if isinstance(step, int):
            while len(node) <= step:
                node.append(None)
            node[step] = node[step] or empty
        else:
            node[step] = node.get(step) or empty
        node = node[step]
    node[place[-1]] = text
    return result


def cases() -> list[tuple[str, str, Place, str]]:
    found = []
    for address, item in document()["paths"].items():
        for method, operation in item.items():
            media = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            for place, limits in texts(media.get("schema", {})):
                longest = limits["maxLength"]
                found.append((method, address, place, "A" * (longest + 1)))
                if "pattern" in limits and not re.search(limits["pattern"], "§"):
                    found.append((method, address, place, "§"))
    return found


ROWS = {
    (method, re.sub(r"\{\w+\}|LOC1|T1|M-1|DE\*VIS\*E001", "{}", row.path.partition("?")[0])): row
    for (_, method), row in MATRIX.items()
}


@pytest.fixture
def world(db, client, csp_platform, cso_platform, now):
    world = World(client, csp_platform, cso_platform, now)
    world.furnish()
    return world


def test_a_text_that_does_not_keep_to_its_limits_is_refused(world):
    tried, kept = set(), []
    for method, address, place, text in cases():
        short = re.sub(r"\{\w+\}", "{}", address.removeprefix("/api/v1/"))
        row = ROWS[method, short]
        party = world.cast.visited_cso if row.owner == "cso" else world.cast.home_csp
        body = changed(row.body, place, text)
        point = transaction.savepoint()
        response = world.send(method, row.path.format(**vars(world)), body, party)
        transaction.savepoint_rollback(point)
        if not is_refused(short, response, (text, str(place[-1]))):
            kept.append((address, place, text[:8], response.status_code, response.content[:200]))
        tried.add(address)
    assert not kept, "\n".join(map(str, kept))
    assert len(tried) >= 20


REFUSALS = (
    "invalid_field", "invalid_identifier", "unknown_evse", "party_not_held", "unknown_party",
    "time_without_offset",
)  # fmt: skip


def is_refused(address: str, response: Any, what: tuple[str, str]) -> bool:
    """Refused; of an SDR noted as a finding, of many records reported with its place."""
    answer = response.json()
    if address == "registration":  # without an invitation nothing is read
        return response.status_code == 401
    if response.status_code in (403, 422):
        return answer["code"] in REFUSALS
    if address in ("sdrs", "sdrs/bulk"):
        text, field = what
        return any(word in response.content.decode() for word in (text[:8], field, "refusal"))
    return response.status_code == 200 and answer.get("refused") == 1
