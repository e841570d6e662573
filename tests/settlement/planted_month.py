"""A month of the simulator as rows, its SDRs through the door, and what reconciliation found."""

from __future__ import annotations

import hashlib
import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
from psycopg.types.range import TimestamptzRange

from roaming import models
from roaming.domain.identifiers import EvseId, OperatorId, ProviderId, TokenUid
from roaming.domain.sdr import SdrMessage
from roaming.domain.use_case import UseCase
from roaming.domain.uuid7 import period_of, uuid7_at
from roaming.hub_switch import Envelope
from roaming.models.fingerprints import token_fingerprint
from roaming.simulator.mistakes import Mistake, of_billing
from roaming.simulator.network import Network, Organisation
from roaming.simulator.planned_session import PlannedSession
from roaming.simulator.sdr_writer import Evidence, to_json
from roaming.simulator.submissions import submissions
from roaming.simulator.wrong_biller import Planted
from roaming.use_cases.uc3_09_sdr_information_exchange import SdrRecord, receive_sdrs
from settlement.domain.reconciliation.mistakes import MISTAKES
from settlement.use_cases.sdr_reconciliation import reconcile
from tests import factories

KNOWN = {mistake.code for mistake in MISTAKES}


@dataclass
class Month:
    """Everything of one month, as the clearing house has it before the SDRs come."""

    network: Network
    sessions: list[PlannedSession]
    planted: dict[str, Planted]
    identifiers: dict[str, models.OperatorIdentifier] = field(default_factory=dict)
    platforms: dict[str, models.Platform] = field(default_factory=dict)
    _evses: dict[str, models.Evse] = field(default_factory=dict)
    _evidence: dict[str, Evidence] = field(default_factory=dict)

    def arrive(self) -> int:
        """All SDRs, each on the day after its session or as late as planned; how many."""
        self._since = min(a.valid_from for a in self.network.agreements)
        for organisation in self.network.organisations:
            self._join(organisation)
        self._agree()
        self._publish()
        self._charge()
        by_day: defaultdict[tuple[datetime, str], list[bytes]] = defaultdict(list)
        for session in self.sessions:
            evidence = self._evidence.get(session.reference, Evidence())
            planted = self.planted.get(session.reference)
            for sent in submissions(session, self.network, evidence, planted):
                ended = datetime.fromisoformat(sent.sdr["end_date_time"])
                at = ended.astimezone(UTC) + sent.held_back + timedelta(days=1)
                day = at.replace(hour=0, minute=0, second=0, microsecond=0)
                by_day[day, session.cso].append(to_json(sent.sdr))
        for (day, cso), sdrs in sorted(by_day.items()):
            self._send(cso, sdrs, day)
        return sum(len(sdrs) for sdrs in by_day.values())

    def _send(self, cso: str, sdrs: list[bytes], at: datetime) -> None:
        envelope = Envelope(UseCase.UC3_9, self.platforms[cso], f"m-{cso}-{at}", "c", at)
        records = [SdrRecord(sdr, msgspec.json.decode(sdr, type=SdrMessage)) for sdr in sdrs]
        for receipt in receive_sdrs(envelope, records):
            assert receipt.refusal is None, receipt.refusal

    def _join(self, organisation: Organisation) -> None:
        operator = factories.OperatorFactory(
            name=organisation.name, legal_name=organisation.legal_name, country=organisation.country
        )
        platform = factories.PlatformFactory(run_by=operator)
        factories.EndpointFactory(platform=platform)
        for role, text in (("CSO", organisation.operator_id), ("CSP", organisation.provider_id)):
            if text:
                parse = OperatorId.parse if role == "CSO" else ProviderId.parse
                held = factories.IdentifierFactory(
                    operator=operator, role=role, identifier=text, key=parse(text).key
                )
                models.PlatformIdentifier.objects.create(
                    platform=platform, identifier=held, environment=platform.environment
                )
                self.identifiers[text], self.platforms[text] = held, platform

    def _agree(self) -> None:
        self._agreements = {
            (terms.operator_id, terms.provider_id): factories.make_agreement(
                self.identifiers[terms.operator_id].operator,
                self.identifiers[terms.provider_id].operator,
                valid_from=terms.valid_from,
                currency=terms.currency,
                sdr_window_hours=terms.sdr_window_hours,
                tolerance_money=Decimal(terms.tolerance_money),
                tolerance_energy_kwh=Decimal(terms.tolerance_energy_kwh),
            )
            for terms in self.network.agreements
        }

    def _publish(self) -> None:
        for version in self.network.tariffs:
            body = to_json(version.body)
            models.TariffVersion.objects.create(
                environment="live",
                visited_cso=self.identifiers[version.operator_id],
                home_csp=self.identifiers[version.home_csp] if version.home_csp else None,
                tariff_id=version.tariff_id,
                currency=version.body["currency"],
                valid_from=version.valid_from,
                received_at=version.published_at,
                body=body.decode(),
                body_sha256=hashlib.sha256(body).digest(),
            )
        for evse_id, place in self.network.places.items():
            key = EvseId.parse(evse_id).key
            evse = factories.make_site(
                self.identifiers[place.site.operator_id],
                evse_id,
                key=f"S{key}",
                site_id=f"S-{evse_id}",
                time_zone=place.site.time_zone,
            )
            evse.key = key
            evse.save(update_fields=["key"])
            during = TimestamptzRange(self._since, None)
            models.EvseOwnership.objects.filter(evse=evse).update(during=during)
            evse.connectors.all().delete()
            models.Connector.objects.bulk_create(
                models.Connector(
                    evse=evse,
                    connector_id=connector.connector_id,
                    power_type=connector.power_type,
                    max_power_w=connector.max_power_w,
                    tariff_ids=[connector.tariff_id],
                )
                for connector in place.evse.connectors
            )
            self._evses[evse_id] = evse

    def _charge(self) -> None:
        """The sessions as the switch saw them: all but those that were never announced."""
        rows = []
        pairs = {
            (pair.visited_cso_id, pair.home_csp_id): pair
            for pair in models.OperatorPair.objects.all()
        }
        for number, session in zip(itertools.count(1), self.sessions, strict=False):
            planted = self.planted.get(session.reference)
            if planted is not None and not planted.mistake.announced:
                continue
            key = uuid7_at(session.start)
            cso, csp = self.identifiers[session.cso], self.identifiers[session.csp]
            evidence = Evidence(str(key), f"A-{number}")
            self._evidence[session.reference] = evidence
            rows.append(
                models.ServiceSession(
                    id=key,
                    environment="live",
                    period=period_of(key),
                    pair=pairs[cso.operator_id, csp.operator_id],
                    agreement=self._agreements[session.cso, session.csp],
                    visited_cso=cso,
                    home_csp=csp,
                    evse=self._evses[session.evse_id],
                    state="completed",
                    identification_method=session.method.value,
                    authorised=evidence.authorised,
                    authorization_reference=evidence.authorization_reference,
                    token_hmac=token_fingerprint(TokenUid.parse(session.token_uid).key),
                    opened_at=session.start,
                    started_at=session.start,
                    ended_at=session.end,
                    energy_kwh=session.energy_kwh,
                )
            )
        models.ServiceSession.objects.bulk_create(rows, batch_size=1000)


@dataclass
class Outcome:
    """What was found: severe findings per SDR, and what was named of what was planted."""

    severe: dict[str, set[str]]
    causes: dict[str, tuple[str, ...]]
    planted: dict[str, Planted]

    @property
    def not_found(self) -> list[str]:
        """Planted mistakes without a severe finding of their family, in words."""
        return [
            f"{one.kind} in {reference}"
            for reference, one in self.planted.items()
            for mistake in one.mistakes
            if not any(
                rule.startswith(mistake.family)
                for sdr in concerned(one)
                for rule in self.severe.get(sdr, ())
            )
        ]

    @property
    def false(self) -> dict[str, set[str]]:
        """Severe findings on SDRs in which nothing was planted."""
        wrong = {sdr for one in self.planted.values() for sdr in concerned(one)}
        return {sdr: rules for sdr, rules in self.severe.items() if sdr not in wrong}

    def named(self, two: bool) -> tuple[list[str], list[str]]:
        """Kinds that the causes name (one cause with just these mistakes), and those not named."""
        named, missed = [], []
        for reference, one in self.planted.items():
            if of_billing(one.mistake) and (one.second is not None) is two:
                wanted = {mistake.value for mistake in one.mistakes}
                assert wanted <= KNOWN
                causes = self.causes.get(f"SDR-{reference}", ())
                hit = any(set(cause.split("+")) == wanted for cause in causes)
                text = one.kind if hit else f"{one.kind}: {', '.join(causes) or 'nothing'}"
                (named if hit else missed).append(text)
        return named, missed


def concerned(one: Planted) -> Iterable[str]:
    """The SDRs on which a planted mistake may show: an overlap on either session."""
    yield f"SDR-{one.reference}"
    if one.mistake is Mistake.BILLED_TWICE:
        yield f"SDR-{one.reference}-B"
    if one.other_reference:
        yield f"SDR-{one.other_reference}"


def reconciled(month: Month, now: datetime) -> Outcome:
    """What the real reconciliation makes of the month."""
    reconcile("live", now)
    severe: defaultdict[str, set[str]] = defaultdict(set)
    causes = {}
    for reference, rule, severity, found in _findings():
        if severity in ("severe", "fatal"):
            severe[reference].add(rule)
        if rule == "PRC-01":
            causes[reference] = tuple(found)
    return Outcome(dict(severe), causes, month.planted)


def _findings() -> Iterator[tuple[str, str, str, list[str]]]:
    standing = models.Finding.objects.filter(superseded_at=None)
    yield from standing.values_list("sdr__reference", "rule", "severity", "causes")
