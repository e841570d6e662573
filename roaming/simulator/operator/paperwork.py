"""What a simulated platform does beside the use cases: accepts agreements, fetches messages."""

from __future__ import annotations

import uuid

import msgspec

from roaming.simulator.operator.around import Around, Saying
from roaming.simulator.operator.config import Json
from roaming.simulator.operator.endpoint import OperatorEndpoint
from roaming.simulator.platform_hub import Message, path_of

_SIDES = {"CSO": "visited_cso", "CSP": "home_csp"}
PER_PAGE = 100


class _Fetched(msgspec.Struct, kw_only=True):
    arrival: int
    message_id: uuid.UUID
    correlation_id: str = ""
    path: str
    body: msgspec.Raw


class _Page(msgspec.Struct, kw_only=True):
    messages: list[_Fetched]
    next_after: int
    more: bool


class Paperwork:
    """For the parties that this platform speaks for."""

    def __init__(self, around: Around, endpoint: OperatorEndpoint) -> None:
        self._around = around
        self._endpoint = endpoint

    def accept_agreements(self) -> int:
        """Says yes to every agreement that waits for it; how many times."""
        accepted = 0
        for agreement in self._around.speaker.rows("/agreements?status=proposed"):
            done = {row.get("party") for row in agreement.get("acceptances", [])}
            for party in self._around.parties:
                side = _SIDES[party.role]
                ours = party.identifier in agreement[side]["identifiers"]
                if ours and party.role not in done:
                    done.add(party.role)
                    accepted += self._accept(agreement["id"], {side: party.identifier})
        return accepted

    def _accept(self, agreement_id: int, content: Json) -> bool:
        (whom,) = content.values()
        reply = self._around.speaker.say(
            Saying("", "agreement accepted", f"{agreement_id} for {whom}"),
            Message.of("POST", path_of("agreements", str(agreement_id), "acceptance"), content),
        )
        return reply.accepted

    def fetch_messages(self) -> int:
        """Takes what waits, as if it had been sent to the endpoint, and acknowledges it."""
        taken = after = 0
        more = True
        while more and not self._around.stopping():
            reply = self._around.speaker.get(
                f"/messages?state=waiting&limit={PER_PAGE}&after={after}"
            )
            if not reply.accepted:
                break
            page = msgspec.json.decode(reply.raw, type=_Page)
            ids = [str(m.message_id) for m in page.messages if self._take(m)]
            if ids:
                self._around.speaker.say(
                    Saying("", "messages fetched", f"{len(ids)} of {len(page.messages)}"),
                    Message.of("POST", "/messages/acknowledgement", {"message_ids": ids}),
                )
            taken += len(ids)
            after, more = page.next_after, page.more
        return taken

    def _take(self, message: _Fetched) -> bool:
        ids = {
            "message_id": str(message.message_id),
            "path": message.path,
            "correlation_id": message.correlation_id,
        }
        return self._endpoint.take(ids, bytes(message.body)).status == 200
