"""The case of one SDR: its claim, the clearing house's evidence, the terms, and its neighbours.

Every check is a function of a case. Times are aware, amounts before tax in the SDR's currency,
energy in kWh. What is unknown is None.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from roaming.domain.sdr import Severity
from roaming.domain.whitelist import Distributed
from settlement.domain.reconciliation.tolerances import NOTHING, ZERO, Allowance

# How far back a neighbour's session may have begun; a bound that an index can use.
LONGEST_SESSION = timedelta(days=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What the SDR says, and when it came. `arrival` numbers the SDRs as they came in.

    `evse_id` as it was sent, `evse_key` as EVSEs are compared.
    """

    reference: str
    arrival: int
    evse_id: str
    pair_id: int | None
    home_csp_id: int | None
    service_session_id: uuid.UUID | None
    token_hmac: bytes | None
    authorised: str
    evse_key: str
    started_at: datetime
    ended_at: datetime
    received_at: datetime
    energy_kwh: Decimal
    currency: str
    before_tax: Decimal
    identification_method: str = ""
    authorization_reference: str = ""
    cso_session_id: str = ""
    total_time_h: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """Another SDR that is neither a credit nor rejected, credited or written off.

    `decided`: it was accepted, or is settled already. `matched_session_id`: the session that it was
    matched with otherwise than by its id.
    """

    reference: str
    arrival: int
    decided: bool
    pair_id: int | None
    home_csp_id: int | None
    service_session_id: uuid.UUID | None
    token_hmac: bytes | None
    evse_key: str
    started_at: datetime
    ended_at: datetime
    cso_session_id: str = ""
    matched_session_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEvidence:
    """The service session that the SDR names, or that it was matched with, as the switch saw it.

    `completed_kwh`: the energy with which its CSO completed it; None where it did not say.
    """

    session_id: uuid.UUID
    pair_id: int
    state: str
    token_hmac: bytes
    opened_at: datetime
    evse_id: str = ""
    evse_key: str | None = None
    identification_method: str = ""
    authorised: str = ""
    authorization_reference: str = ""
    completed_kwh: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnRecord:
    """The home-CSP's own record of the session. `before_tax` None, `currency` and `evse_key` empty,
    `token_hmac` None: it does not say."""

    energy_kwh: Decimal
    started_at: datetime
    ended_at: datetime
    currency: str = ""
    before_tax: Decimal | None = None
    evse_id: str = ""
    evse_key: str = ""
    token_hmac: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OfflineEvidence:
    """What an offline start could rely on: the identification as its home-CSP had distributed it
    when the session started (None: not at all), and whether an agreement of the two parties
    covered offline identification then."""

    covered: bool = False
    distributed: Distributed | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the agreement says. `valid_to` None: open. `suspensions`: (from, to or None).

    `csp_record_hours`: how long after the SDR the home-CSP's own record is due; None: not required.
    """

    valid_from: datetime
    valid_to: datetime | None
    suspensions: tuple[tuple[datetime, datetime | None], ...]
    currency: str
    tolerance_energy_kwh: Decimal
    tolerance_energy_share: Decimal
    tolerance_time_s: int
    tolerance_money: Decimal
    tolerance_money_share: Decimal
    sdr_window_hours: int
    csp_record_hours: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceEvidence:
    """What rating the SDR anew gave.

    `payable` is the claim, `expected` the re-rated total, both rounded as the agreement rounds;
    `failure` says why there is no total. `tariff_issue` is set where the SDR was not priced by the
    version in force at its session's start; then `tariff_claimed` and `tariff_expected` name both.
    `causes` are the known mistakes that explain a claim beyond the tolerance, each to the cent.
    """

    payable: Decimal | None = None
    unrounded: Decimal | None = None
    expected: Decimal | None = None
    failure: str = ""
    periods_energy: Decimal | None = None
    tariff_version_id: int | None = None
    tariff_issue: str = ""
    tariff_claimed: str = ""
    tariff_expected: str = ""
    causes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """All that the checks of one SDR look at.

    `evse_owned`: when the EVSE that the SDR names belonged to its CSO, (from, to or None) each.
    `services`: what the agreements of the two parties covered when the session opened. `reserved`:
    the SDR's body charges for a reservation. `allowances`: what staff set for single rules.
    `session_candidates`, `record_candidates`: several that fit, of which none was taken.
    """

    claim: Claim
    session: SessionEvidence | None = None
    offline: OfflineEvidence = OfflineEvidence()
    terms: Terms | None = None
    price: PriceEvidence = PriceEvidence()
    neighbours: tuple[Neighbour, ...] = ()
    evse_owned: tuple[tuple[datetime, datetime | None], ...] = ()
    services: frozenset[str] = frozenset()
    reserved: bool = False
    allowances: Mapping[str, Allowance] = field(default_factory=dict)
    session_candidates: tuple[uuid.UUID, ...] = ()
    record: OwnRecord | None = None
    record_candidates: tuple[str, ...] = ()
    judged_at: datetime | None = None

    @property
    def matched(self) -> bool:
        """Whether the session of the SDR is one of its own two parties."""
        return self.session is not None and self.session.pair_id == self.claim.pair_id

    @property
    def claims_offline(self) -> bool:
        """An offline start that the clearing house has seen nothing of: distributed data decided,
        and the session is known from the SDR alone."""
        return (
            self.claim.authorised == "OFFLINE"
            and self.claim.service_session_id is None
            and self.session is None
            and not self.session_candidates
        )

    @property
    def session_id(self) -> uuid.UUID | None:
        """The session that the SDR was matched with, else the one that it names."""
        return self.session.session_id if self.session else self.claim.service_session_id

    @property
    def opening(self) -> datetime:
        """When the session opened: as the switch saw it, else as the SDR says."""
        if self.session is not None and self.matched:
            return self.session.opened_at
        return self.claim.started_at

    def allowed_money(self, rule: str) -> Decimal:
        """The money that may differ before this rule fires: by the agreement, zero without one."""
        agreed = NOTHING
        if self.terms is not None:
            agreed = Allowance(self.terms.tolerance_money, self.terms.tolerance_money_share)
        return self.allowances.get(rule, agreed).of(self.price.expected or ZERO)

    def allowed_energy_kwh(self, rule: str) -> Decimal:
        agreed = NOTHING
        if self.terms is not None:
            agreed = Allowance(self.terms.tolerance_energy_kwh, self.terms.tolerance_energy_share)
        return self.allowances.get(rule, agreed).of(self.claim.energy_kwh)

    def allowed_time_s(self, rule: str) -> Decimal:
        agreed = NOTHING
        if self.terms is not None:
            agreed = Allowance(Decimal(self.terms.tolerance_time_s))
        return self.allowances.get(rule, agreed).absolute

    def most(self, rule: str, otherwise: Decimal) -> Decimal:
        """The limit of a rule that has one of its own, in its own unit."""
        return self.allowances.get(rule, Allowance(otherwise)).absolute

    @property
    def money_difference(self) -> Decimal | None:
        """The claim less what rating gave, None where one is unknown."""
        if self.price.payable is None or self.price.expected is None:
            return None
        return self.price.payable - self.price.expected

    @property
    def energy_difference_kwh(self) -> Decimal | None:
        if self.price.periods_energy is None:
            return None
        return self.claim.energy_kwh - self.price.periods_energy


@dataclass(frozen=True, slots=True)
class Verdict:
    """That a check failed: both values as text, the money at stake, named causes.

    `severity` only where it is not the rule's own.
    """

    claimed: str
    expected: str
    money_at_stake: Decimal | None
    causes: tuple[str, ...] = ()
    severity: Severity | None = None


def precedes(neighbour: Neighbour, claim: Claim) -> bool:
    """Whether the neighbour keeps its place and the claim is the one in doubt."""
    return neighbour.decided or neighbour.arrival < claim.arrival


def seconds_between(start: datetime, end: datetime) -> Decimal:
    """Exact; negative where the end comes first.

    >>> seconds_between(datetime(2026, 1, 1, 0, 0, 2, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC))
    Decimal('-2')
    """
    lasted = end - start
    microseconds = (lasted.days * 86_400 + lasted.seconds) * 1_000_000 + lasted.microseconds
    return Decimal(microseconds) / 1_000_000


def utc_text(moment: datetime) -> str:
    """
    >>> utc_text(datetime(2026, 10, 5, 8, 0, 0, 999, tzinfo=UTC))
    '2026-10-05T08:00:00Z'
    """
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def number_text(number: Decimal) -> str:
    """All digits, no exponent.

    >>> number_text(Decimal("1E+2")), number_text(Decimal("7.50"))
    ('100', '7.50')
    """
    return format(number, "f")
