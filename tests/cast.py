"""The one fixed cast: a home-CSP, a visited-CSO, and an outsider who must see nothing."""

from __future__ import annotations

from dataclasses import dataclass

from roaming import models
from roaming.domain.agreement import Service
from tests import factories


@dataclass(frozen=True)
class Party:
    """An operator with one identifier, its platform, and the token it presents."""

    operator: models.Operator
    identifier: models.OperatorIdentifier
    platform: models.Platform
    token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


@dataclass(frozen=True)
class Cast:
    home_csp: Party
    visited_cso: Party
    outsider: Party  # a CSP without any agreement
    agreement: models.Agreement | None
    evse: models.Evse


def make_party(name: str, role: str, identifier: str, *, endpoint: str | None = None) -> Party:
    """A registered party; `endpoint` is the address of its fake platform."""
    operator = factories.OperatorFactory(name=name)
    held = factories.IdentifierFactory(operator=operator, role=role, identifier=identifier)
    platform = factories.PlatformFactory(name=f"{name} platform", run_by=operator)
    models.PlatformIdentifier.objects.create(
        platform=platform, identifier=held, environment=platform.environment
    )
    credential = factories.CredentialFactory(platform=platform)
    factories.EndpointFactory(platform=platform, url=endpoint or "http://127.0.0.1:1/")
    return Party(operator, held, platform, f"{credential.prefix}.secret")


def make_cast(
    *,
    csp_endpoint: str | None = None,
    cso_endpoint: str | None = None,
    services: tuple[Service, ...] | None = tuple(Service),
) -> Cast:
    """The whole cast, with an agreement for every service between the two; None: without one."""
    visited_cso = make_party("Visited CSO", "CSO", "DE*VIS", endpoint=cso_endpoint)
    home_csp = make_party("Home CSP", "CSP", "DE-HOM", endpoint=csp_endpoint)
    outsider = make_party("Outsider", "CSP", "FR-OUT")
    agreement = None
    if services is not None:
        agreement = factories.make_agreement(
            visited_cso.operator, home_csp.operator, services=services
        )
    evse = factories.make_site(visited_cso.identifier)
    return Cast(home_csp, visited_cso, outsider, agreement, evse)
