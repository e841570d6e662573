"""Rows, constraints and named queries of the switch."""

from roaming.models.agreements import (
    Agreement,
    AgreementAcceptance,
    AgreementService,
    AgreementSuspension,
    SettlementCalendar,
)
from roaming.models.clock import BusinessClock
from roaming.models.deliveries import Delivery
from roaming.models.fields import Environment
from roaming.models.identifications import Identification, IdentificationPersonalData
from roaming.models.journal import JournalBody, JournalEntry
from roaming.models.network import Connector, Evse, EvseOwnership, Site
from roaming.models.operators import (
    BankAccount,
    Operator,
    OperatorIdentifier,
    OperatorPair,
    Role,
    VatRegistration,
)
from roaming.models.platforms import (
    Credential,
    Platform,
    PlatformIdentifier,
    RegistrationToken,
    RoamingEndpoint,
)
from roaming.models.sdrs import Finding, Sdr, SdrEvent, SdrOriginal, SdrRegistry, SdrState
from roaming.models.sessions import ServiceSession, ServiceSessionPersonalData
from roaming.models.tariffs import TariffVersion

__all__ = [
    "Agreement",
    "AgreementAcceptance",
    "AgreementService",
    "AgreementSuspension",
    "BankAccount",
    "BusinessClock",
    "Connector",
    "Credential",
    "Delivery",
    "Environment",
    "Evse",
    "EvseOwnership",
    "Finding",
    "Identification",
    "IdentificationPersonalData",
    "JournalBody",
    "JournalEntry",
    "Operator",
    "OperatorIdentifier",
    "OperatorPair",
    "Platform",
    "PlatformIdentifier",
    "RegistrationToken",
    "RoamingEndpoint",
    "Role",
    "Sdr",
    "SdrEvent",
    "SdrOriginal",
    "SdrRegistry",
    "SdrState",
    "ServiceSession",
    "ServiceSessionPersonalData",
    "SettlementCalendar",
    "Site",
    "TariffVersion",
    "VatRegistration",
]
