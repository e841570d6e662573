"""Rows for tests, made with factory-boy."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import factory
from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.contrib.auth import get_user_model
from factory.django import DjangoModelFactory
from psycopg.types.range import TimestamptzRange

from roaming import models
from roaming.domain.agreement import Service

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


class UserFactory(DjangoModelFactory):
    class Meta:
        model = get_user_model()

    username = factory.Sequence(lambda n: f"person{n}")
    is_staff = True
    is_superuser = True
    password = factory.django.Password("correct horse battery staple")


class OperatorFactory(DjangoModelFactory):
    class Meta:
        model = models.Operator

    name = factory.Sequence(lambda n: f"Operator {n}")
    legal_name = factory.LazyAttribute(lambda o: f"{o.name} GmbH")
    street = "Hauptstraße 1"
    postal_code = "10115"
    city = "Berlin"
    country = "DE"
    contact_email = "contact@operator.example"
    status = "active"


class IdentifierFactory(DjangoModelFactory):
    class Meta:
        model = models.OperatorIdentifier

    operator = factory.SubFactory(OperatorFactory)
    role = "CSO"
    identifier = "DE*VIS"
    key = factory.LazyAttribute(lambda o: o.identifier.replace("*", "").replace("-", "").upper())


class PlatformFactory(DjangoModelFactory):
    class Meta:
        model = models.Platform

    name = factory.Sequence(lambda n: f"platform {n}")
    run_by = factory.SubFactory(OperatorFactory)
    environment = "live"
    status = "connected"


class CredentialFactory(DjangoModelFactory):
    class Meta:
        model = models.Credential

    platform = factory.SubFactory(PlatformFactory)
    environment = factory.SelfAttribute("platform.environment")
    prefix = factory.Sequence(lambda n: f"tst{n:09d}")
    secret_sha256 = hashlib.sha256(b"secret").digest()
    issued_at = EPOCH


class EndpointFactory(DjangoModelFactory):
    class Meta:
        model = models.RoamingEndpoint

    platform = factory.SubFactory(PlatformFactory)
    url = "http://127.0.0.1:1/"
    outbound_secret = factory.LazyFunction(
        lambda: MultiFernet([Fernet(k) for k in settings.ENCRYPTION_KEYS]).encrypt(b"outbound")
    )
    updated_at = EPOCH


class CalendarFactory(DjangoModelFactory):
    class Meta:
        model = models.SettlementCalendar
        django_get_or_create = ("name",)

    name = "Monthly, Berlin"
    cycle = "monthly"
    time_zone = "Europe/Berlin"
    cut_off_hours = 120


def make_agreement(
    visited_cso: models.Operator,
    home_csp: models.Operator,
    *,
    valid_from: datetime = EPOCH,
    valid_to: datetime | None = None,
    services: tuple[Service, ...] = tuple(Service),
    **terms: object,
) -> models.Agreement:
    """An active agreement, accepted by both parties."""
    terms.setdefault("calendar", CalendarFactory())
    agreement = models.Agreement.objects.create(
        visited_cso=visited_cso,
        home_csp=home_csp,
        services=[service.value for service in services],
        validity=TimestamptzRange(valid_from, valid_to),
        **terms,
    )
    for party in ("CSO", "CSP"):
        models.AgreementAcceptance.objects.create(
            agreement=agreement, party=party, how="api", reference="test", at=valid_from
        )
    agreement.status = models.Agreement.Status.ACTIVE
    agreement.save(update_fields=["status"])
    for service in services:
        models.AgreementService.objects.create(
            agreement=agreement,
            environment=agreement.environment,
            visited_cso=visited_cso,
            home_csp=home_csp,
            service=service.value,
            validity=agreement.validity,
        )
    models.OperatorPair.objects.get_or_create(visited_cso=visited_cso, home_csp=home_csp)
    return agreement


def make_site(
    identifier: models.OperatorIdentifier, evse_id: str = "DE*VIS*E001", **fields: object
) -> models.Evse:
    """A published site with one EVSE and one connector; its owner since the epoch."""
    values: dict[str, object] = {
        "environment": "live",
        "site_id": f"S-{evse_id}",
        "key": evse_id.replace("*", ""),
        "name": "Station",
        "address": "Platz 1",
        "city": "Berlin",
        "country": "DE",
        "latitude": "52.5",
        "longitude": "13.4",
        "time_zone": "Europe/Berlin",
        "body": "{}",
        "last_updated": EPOCH,
        "received_at": EPOCH,
    }
    values.update(fields)
    site = models.Site.objects.create(visited_cso=identifier, **values)
    evse = models.Evse.objects.create(
        environment=site.environment, site=site, evse_id=evse_id, key=evse_id.replace("*", "")
    )
    models.EvseOwnership.objects.create(
        evse=evse, visited_cso=identifier, during=TimestamptzRange(EPOCH, None)
    )
    models.Connector.objects.create(
        evse=evse, connector_id="1", power_type="AC_3_PHASE", max_power_w=22_000
    )
    return evse


HOUR = timedelta(hours=1)
