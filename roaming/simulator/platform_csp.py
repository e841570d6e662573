"""The home-CSP's side of a platform: who may charge, and what the clearing house delivered."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

import msgspec

from roaming.domain.identifiers import ContractId, IdentifierError, TokenUid
from roaming.simulator.drivers import Driver
from roaming.simulator.platform_tally import Counting


class _Handshake(msgspec.Struct, kw_only=True):
    nonce: str


class _Identification(msgspec.Struct, kw_only=True):
    token_uid: str = ""
    contract_id: str = ""


class _Question(msgspec.Struct, kw_only=True):
    """UC3-1 and UC4-1, as much of it as the decision needs."""

    visited_cso: str
    home_csp: str
    identification: _Identification


class _Completion(msgspec.Struct, kw_only=True):
    visited_cso: str
    home_csp: str
    service_session_id: str
    total_energy: Decimal


class _Cost(msgspec.Struct, kw_only=True):
    excl_vat: Decimal


class _Sdr(msgspec.Struct, kw_only=True):
    visited_cso: str
    home_csp: str
    total_energy: Decimal
    total_cost: _Cost


class _DeliveredSdr(msgspec.Struct, kw_only=True):
    sdr_id: str
    state: str
    sdr: _Sdr


class _SdrDelivery(msgspec.Struct, kw_only=True):
    sdrs: list[_DeliveredSdr]


class _Stored(msgspec.Struct, kw_only=True):
    """A site or a tariff; `valid_from` tells versions of a tariff apart, `home_csp` for whom."""

    id: str
    visited_cso: str
    valid_from: str = ""
    home_csp: str | None = None


class HomeCsp:
    """Decides on drivers and keeps count; `provider_id` is None where the organisation sells none.

    A message that is not understood raises msgspec.DecodeError.
    """

    def __init__(
        self,
        provider_id: str | None,
        people: tuple[Iterable[Driver], Iterable[Driver]],
        counting: Counting,
    ) -> None:
        good, blocked = people
        self._provider_id = provider_id or ""
        self._counting = counting
        self._lock = threading.Lock()
        self._seen: set[tuple[str, ...]] = set()
        # token key -> (the contract's key, as it is written, whether the driver may charge)
        self._drivers: dict[str, tuple[str, str, bool]] = {}
        for drivers, may_charge in ((good, True), (blocked, False)):
            for driver in drivers:
                if driver.csp == provider_id:
                    key = ContractId.parse(driver.contract_id).key_without_check_digit
                    token = TokenUid.parse(driver.token_uid).key
                    self._drivers[token] = (key, driver.contract_id, may_charge)

    def answers(self) -> dict[str, Callable[[bytes], Any]]:
        """By path: what takes the body of a message and returns the answer."""
        return {
            "/uc1-1/handshake": self._shake_hands,
            "/uc1-2/sites": lambda body: self._store(body, "sites"),
            "/uc2-1/tariffs": lambda body: self._store(body, "tariffs"),
            "/uc3-1/local-start": lambda body: self._decide(body, "starts"),
            "/uc3-5/completion": self._complete,
            "/uc3-9/sdrs": self._take_sdrs,
            "/uc4-1/authorisation": lambda body: self._decide(body, "questions"),
        }

    def _shake_hands(self, body: bytes) -> dict[str, Any]:
        """UC1-1: whoever gets here has presented our secret."""
        nonce = msgspec.json.decode(body, type=_Handshake).nonce
        paths = [path.removeprefix("/") for path in self.answers()]
        return {"nonce": nonce, "version": "1", "paths": paths}

    def _decide(self, body: bytes, what: str) -> dict[str, str]:
        """UC3-1 and UC4-1."""
        question = msgspec.json.decode(body, type=_Question)
        found = self._find(question.identification)
        reason = ""
        if found is None:
            reason = "unknown"
        elif not found[1]:
            reason = "blocked"
        verdict = "refused" if reason else "accepted"
        self._counting.received(question.visited_cso, question.home_csp, f"{what}_{verdict}")
        if reason or found is None:
            return {"decision": "REFUSED", "reason": reason}
        number = uuid.uuid4().hex[:16].upper()
        return {
            "decision": "ACCEPTED",
            "contract_id": found[0],
            "authorization_reference": f"A{number}",
            "csp_session_id": f"C{number}",
        }

    def _find(self, presented: _Identification) -> tuple[str, bool] | None:
        try:
            known = self._drivers.get(TokenUid.parse(presented.token_uid).key)
            if known is None:
                return None
            if presented.contract_id:
                contract = ContractId.parse(presented.contract_id)
                if contract.key_without_check_digit != known[0]:
                    return None
        except IdentifierError:
            return None
        return known[1], known[2]

    def _complete(self, body: bytes) -> dict[str, str]:
        """UC3-5."""
        notice = msgspec.json.decode(body, type=_Completion)
        if self._first_time("completion", notice.service_session_id):
            self._counting.received(
                notice.visited_cso,
                notice.home_csp,
                "completions",
            )
        return {}

    def _take_sdrs(self, body: bytes) -> dict[str, str]:
        """UC3-9."""
        for record in msgspec.json.decode(body, type=_SdrDelivery).sdrs:
            if self._first_time("sdr", record.sdr_id):
                sdr = record.sdr
                self._counting.received(
                    sdr.visited_cso,
                    sdr.home_csp,
                    "sdrs",
                    money=sdr.total_cost.excl_vat,
                    energy_kwh=sdr.total_energy,
                )
        return {}

    def _store(self, body: bytes, what: str) -> dict[str, str]:
        """UC1-2 and UC2-1."""
        stored = msgspec.json.decode(body, type=_Stored)
        version = (stored.valid_from, stored.home_csp or "")
        if self._first_time(what, stored.visited_cso, stored.id, *version):
            self._counting.received(stored.visited_cso, self._provider_id, what)
        return {}

    def _first_time(self, *what: str) -> bool:
        with self._lock:
            if what in self._seen:
                return False
            self._seen.add(what)
            return True
