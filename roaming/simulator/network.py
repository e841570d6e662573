"""The simulated network as values: who takes part, where they charge, what it costs.

Money is in the currency of the tariff, power in W, positions in degrees (WGS 84).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Organisation:
    """A fictitious legal entity that operates stations, sells charging, or both."""

    name: str
    legal_name: str
    street: str
    postal_code: str
    city: str
    country: str
    language: str
    vat_id: str
    iban: str
    bic: str
    lei: str
    contact_email: str
    finance_email: str
    operator_id: str | None = None
    """`DE*NLN` where it is a charging station operator."""
    provider_id: str | None = None
    """`DE-NLM` where it is a charging service provider."""
    sends_tariff_snapshot: bool = False
    """Whether its SDRs carry the tariff itself, or its id only."""


@dataclass(frozen=True, slots=True)
class Connector:
    """A socket or cable, in OCPI's words."""

    connector_id: str
    standard: str
    format: str
    power_type: str
    max_voltage_v: int
    max_current_a: int
    max_power_w: int
    tariff_id: str


@dataclass(frozen=True, slots=True)
class Evse:
    """One charging position; charges one vehicle at a time."""

    evse_id: str
    connectors: tuple[Connector, ...]
    authentication_methods: tuple[str, ...] = ("RFID", "QR_CODE")

    def connector(self, connector_id: str) -> Connector:
        return next(c for c in self.connectors if c.connector_id == connector_id)


@dataclass(frozen=True, slots=True)
class Site:
    """A place with EVSEs of one operator."""

    site_id: str
    operator_id: str
    name: str
    address: str
    postal_code: str
    city: str
    country: str
    latitude: str
    longitude: str
    time_zone: str
    evses: tuple[Evse, ...]


@dataclass(frozen=True, slots=True)
class TariffVersion:
    """What an operator charges from `valid_from` on; `body` is OCPI 2.2.1 JSON with Decimals.

    `home_csp`: for the customers of this provider only; None for everybody.
    """

    operator_id: str
    tariff_id: str
    valid_from: datetime
    published_at: datetime
    body: dict[str, Any]
    home_csp: str | None = None


@dataclass(frozen=True, slots=True)
class AgreementTerms:
    """What one operator and one provider have agreed. Windows in hours, tolerance in money."""

    operator_id: str
    provider_id: str
    currency: str
    valid_from: datetime
    services: tuple[str, ...] = ("local_start",)
    netting: str = "bilateral"
    sdr_window_hours: int = 72
    decision_window_hours: int = 72
    tolerance_money: str = "0.01"
    tolerance_energy_kwh: str = "0.01"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a session takes place: everything about one EVSE."""

    site: Site
    evse: Evse
    zone: ZoneInfo


@dataclass(frozen=True)
class Network:
    """Everything that is fixed before the month begins."""

    currency: str
    organisations: tuple[Organisation, ...]
    sites: tuple[Site, ...]
    tariffs: tuple[TariffVersion, ...]
    """In the order of their publication."""
    agreements: tuple[AgreementTerms, ...]

    @property
    def operators(self) -> tuple[Organisation, ...]:
        return tuple(o for o in self.organisations if o.operator_id)

    @property
    def providers(self) -> tuple[Organisation, ...]:
        return tuple(o for o in self.organisations if o.provider_id)

    @cached_property
    def places(self) -> dict[str, Place]:
        """Every EVSE by its id."""
        return {
            evse.evse_id: Place(site, evse, ZoneInfo(site.time_zone))
            for site in self.sites
            for evse in site.evses
        }

    @cached_property
    def agreement_by_pair(self) -> dict[tuple[str, str], AgreementTerms]:
        """By operator id and provider id."""
        return {(a.operator_id, a.provider_id): a for a in self.agreements}

    @cached_property
    def organisation_by_id(self) -> dict[str, Organisation]:
        """By operator id and by provider id."""
        return {
            party_id: organisation
            for organisation in self.organisations
            for party_id in (organisation.operator_id, organisation.provider_id)
            if party_id
        }

    @cached_property
    def _versions(self) -> dict[str, list[TariffVersion]]:
        versions: dict[str, list[TariffVersion]] = {}
        for version in sorted(self.tariffs, key=lambda v: v.valid_from):
            versions.setdefault(version.tariff_id, []).append(version)
        return versions

    def tariff_in_force(
        self, tariff_id: str, at: datetime, csp: str | None = None
    ) -> TariffVersion:
        """The version valid at `at`; LookupError where none was.

        For the customers of `csp` a version of their own comes before the one for everybody.
        """
        valid = [v for v in self._versions[tariff_id] if v.valid_from <= at]
        for whose in (csp, None):
            for version in reversed(valid):
                if version.home_csp == whose:
                    return version
        raise LookupError(f"tariff {tariff_id} has no version in force at {at.isoformat()}")

    def older_versions(self, version: TariffVersion) -> Iterator[TariffVersion]:
        """The versions that `version` replaced, the latest first."""
        for other in reversed(self._versions[version.tariff_id]):
            if other.valid_from < version.valid_from and other.home_csp == version.home_csp:
                yield other

    def later_versions(self, version: TariffVersion, at: datetime) -> Iterator[TariffVersion]:
        """The versions that will replace `version`, as far as they are published at `at`."""
        for other in self._versions[version.tariff_id]:
            later = other.valid_from > version.valid_from and other.home_csp == version.home_csp
            if later and other.published_at <= at:
                yield other

    def announced_for(self, version: TariffVersion, csp: str, at: datetime) -> TariffVersion | None:
        """The first version for the customers of `csp` alone that is published at `at`."""
        for other in self._versions[version.tariff_id]:
            if other.home_csp == csp and other.published_at <= at:
                return other
        return None
