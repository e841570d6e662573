"""Calls of UC4-2: what a home-CSP distributes, and what is seen of it."""

from __future__ import annotations

import json

from tests.roaming.api.identifying import CARD

URL = "/api/v1/identifications"
SENT = "2026-10-05T09:00:00+02:00"
LATER = "2026-10-06T09:00:00+02:00"
EARLIER = "2026-10-04T09:00:00+02:00"
CARD_2, CARD_3 = "04B7C8D9", "04C0FFEE"


def entry(token=CARD, **fields):
    return {"token_uid": token, "whitelist": "ALLOWED", "last_updated": SENT, **fields}


def send(client, party, entries, method="put", query="?home_csp=DE-HOM", **options):
    body = entries if isinstance(entries, str | bytes) else json.dumps(entries)
    options.setdefault("content_type", "application/json")
    return getattr(client, method)(URL + query, data=body, headers=party.headers, **options)


def patch(client, party, entries, **options):
    return send(client, party, entries, "patch", **options)


def counts(response):
    assert response.status_code == 200, response.content
    answer = response.json()
    names = ("taken", "unchanged", "ignored", "removed", "refused")
    return tuple(answer[name] for name in names)


def seen(client, party, query=""):
    response = client.get(URL + query, headers=party.headers)
    assert response.status_code == 200, response.content
    return response.json()["results"]


def tokens(client, party, query=""):
    return sorted(row["identification"]["token_uid"] for row in seen(client, party, query))
