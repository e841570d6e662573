"""Rows, constraints and named queries of the switch."""

from roaming.models.agreements import (
    Agreement,
    AgreementAcceptance,
    AgreementService,
    AgreementSuspension,
    SettlementCalendar,
)
from roaming.models.charge_plans import (
    ChargePlan,
    ChargePlanBody,
    ChargingUpdate,
    ChargingUpdateBody,
    PlanStep,
)
from roaming.models.clock import BusinessClock
from roaming.models.commands import Command, Reservation
from roaming.models.deliveries import Delivery
from roaming.models.evse_statuses import EvseStatus
from roaming.models.exchanges import EndpointHealth, GivenAnswer, UnknownToken
from roaming.models.fields import Environment
from roaming.models.identifications import (
    Identification,
    IdentificationPersonalData,
    IdentificationVersion,
)
from roaming.models.journal import JournalBody, JournalEntry
from roaming.models.network import Connector, ConnectorTariffs, Evse, EvseOwnership, Site
from roaming.models.operators import (
    BankAccount,
    Operator,
    OperatorIdentifier,
    OperatorPair,
    Role,
    VatRegistration,
)
from roaming.models.outages import Outage
from roaming.models.platforms import (
    Credential,
    Platform,
    PlatformIdentifier,
    RegistrationToken,
    RoamingEndpoint,
)
from roaming.models.sdrs import Finding, Sdr, SdrDue, SdrEvent, SdrOriginal, SdrRegistry, SdrState
from roaming.models.sessions import (
    ServiceSession,
    ServiceSessionPersonalData,
    SessionClosing,
)
from roaming.models.switch_version import SwitchVersion
from roaming.models.tariffs import TariffVersion

__all__ = [
    "Agreement",
    "AgreementAcceptance",
    "AgreementService",
    "AgreementSuspension",
    "BankAccount",
    "BusinessClock",
    "ChargePlan",
    "ChargePlanBody",
    "ChargingUpdate",
    "ChargingUpdateBody",
    "Command",
    "Connector",
    "ConnectorTariffs",
    "Credential",
    "Delivery",
    "EndpointHealth",
    "Environment",
    "Evse",
    "EvseOwnership",
    "EvseStatus",
    "Finding",
    "GivenAnswer",
    "Identification",
    "IdentificationPersonalData",
    "IdentificationVersion",
    "JournalBody",
    "JournalEntry",
    "Operator",
    "OperatorIdentifier",
    "OperatorPair",
    "Outage",
    "PlanStep",
    "Platform",
    "PlatformIdentifier",
    "RegistrationToken",
    "Reservation",
    "RoamingEndpoint",
    "Role",
    "Sdr",
    "SdrDue",
    "SdrEvent",
    "SdrOriginal",
    "SdrRegistry",
    "SdrState",
    "ServiceSession",
    "ServiceSessionPersonalData",
    "SessionClosing",
    "SettlementCalendar",
    "Site",
    "SwitchVersion",
    "TariffVersion",
    "UnknownToken",
    "VatRegistration",
]
