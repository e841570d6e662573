"""UC4-2: lists and deltas merged in SQL come to what a plain dict comes to, call after call."""

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from roaming import models
from roaming.api.message_view import decode
from roaming.domain.identification import IdentificationEntry
from roaming.domain.refusals import Refusal
from roaming.domain.use_case import UseCase
from roaming.hub_switch import Envelope
from roaming.models.fingerprints import token_fingerprint
from roaming.use_cases.uc4_02_pre_distribution import (
    EntryLine,
    distribute_delta,
    distribute_list,
)

NOON = datetime(2026, 10, 5, 12, 0, tzinfo=UTC)
TOKENS = ["04A2B3C4", "04B7C8D9", "04C0FFEE", "04DEAD01"]


@dataclass(frozen=True)
class Known:
    """One identification of the model."""

    judged: tuple
    last_updated: str
    content: str
    removed: bool = False


@dataclass
class Model:
    """What a home-CSP distributes, as a dict; `history`: what an offline start is judged by."""

    known: dict = field(default_factory=dict)
    history: dict = field(default_factory=lambda: {token: [] for token in TOKENS})

    def take(self, entries, full):
        latest = {}
        for entry in (entry for entry in entries if entry != "rubbish"):
            before = latest.get(entry["token_uid"])
            if before is None or entry["last_updated"] >= before["last_updated"]:
                latest[entry["token_uid"]] = entry
        for token, entry in latest.items():
            self._take_one(token, entry)
        if full and "rubbish" not in entries:
            for token, known in list(self.known.items()):
                if token not in latest and not known.removed:
                    self._put(token, replace(known, removed=True))

    def _take_one(self, token, entry):
        known = self.known.get(token)
        if known is not None and known.last_updated > entry["last_updated"]:
            return
        if entry["removed"]:
            if known is not None and not known.removed:
                self._put(token, replace(known, removed=True, last_updated=entry["last_updated"]))
            return
        judged = (entry["valid"], entry["whitelist"], entry["expires_at"], entry["contract_id"])
        self._put(token, Known(judged, entry["last_updated"], json.dumps(entry)))

    def _put(self, token, after):
        before = self.known.get(token)
        if before is None or (before.judged, before.removed) != (after.judged, after.removed):
            self.history[token].append((after.judged[:2], after.removed))
        self.known[token] = after


def moment(hours):
    return (NOON - timedelta(hours=hours)).isoformat()


entries = st.fixed_dictionaries(
    {
        "token_uid": st.sampled_from(TOKENS),
        "valid": st.booleans(),
        "whitelist": st.sampled_from(["ALWAYS", "NEVER"]),
        "expires_at": st.sampled_from([None, "2027-01-01T00:00:00+00:00"]),
        "contract_id": st.sampled_from(["", "DE-HOM-C12345678"]),
        "last_updated": st.sampled_from([moment(1), moment(2), moment(3)]),
        "removed": st.sampled_from([False, False, False, True]),
        "remark": st.sampled_from(["", "a"]),
    }
)
calls = st.tuples(
    st.booleans(),
    st.lists(st.one_of(entries, entries, entries, entries, st.just("rubbish")), max_size=6),
)


def line(entry):
    raw = json.dumps(entry).encode()
    try:
        return EntryLine(raw, decode(raw, IdentificationEntry))
    except Refusal as refusal:
        return EntryLine(raw, refusal)


@given(st.lists(calls, min_size=1, max_size=5))
@settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)
def test_lists_and_deltas_come_to_what_a_dict_comes_to(cast, plan):
    model = Model()
    with transaction.atomic():
        for number, (full, sent) in enumerate(plan):
            envelope = Envelope(
                UseCase.UC4_2, cast.home_csp.platform, f"m{number}", "c",
                NOON + timedelta(minutes=number),
            )  # fmt: skip
            distribute = distribute_list if full else distribute_delta
            result = distribute(envelope, "DE-HOM", [line(entry) for entry in sent])
            before = {token: len(rows) for token, rows in model.history.items()}
            model.take(sent, full)
            assert result.removals_withheld == (full and "rubbish" in sent)
            accounted = result.taken + result.unchanged + result.ignored + len(result.refused)
            assert accounted == result.received == len(sent)
            written = sum(len(rows) for rows in model.history.values()) - sum(before.values())
            assert result.taken + result.removed >= written
            assert stored() == {
                token: (known.judged[:2], known.content, known.removed)
                for token, known in model.known.items()
            }
        assert versions() == model.history
        transaction.set_rollback(True)


def stored():
    return {
        row.personal_data.token_uid: (
            (row.valid, row.whitelist), row.personal_data.content, row.removed_at is not None,
        )
        for row in models.Identification.objects.select_related("personal_data")
    }  # fmt: skip


def versions():
    found = {token: [] for token in TOKENS}
    by_hmac = {token_fingerprint(token): token for token in TOKENS}
    for row in models.IdentificationVersion.objects.order_by("received_at", "id"):
        token = by_hmac[bytes(row.token_hmac)]
        found[token].append(((row.valid, row.whitelist), row.removed))
    return found
