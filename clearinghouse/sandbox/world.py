"""Who is in the sandbox: you, the counterpart, and the agreements between the two."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone
from psycopg.types.range import TimestamptzRange

from clearinghouse.demo.staff import Staff
from roaming.domain.agreement import Service
from roaming.models import (
    Agreement,
    AgreementAcceptance,
    Environment,
    Operator,
    OperatorPair,
    Platform,
    Role,
    SettlementCalendar,
)
from roaming.use_cases.agreement_lifecycle import (
    AcceptanceRecord,
    accept_agreement,
    propose_agreement,
)
from roaming.use_cases.operator_onboarding import NewIdentifier, NewPlatform, onboard_operator
from roaming.use_cases.uc1_01_platform_authentication import issue_registration_token
from settlement.models import RuleSetting

ENVIRONMENT = Environment.TEST
ALREADY_FOR = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Inhabitant:
    """An operator of the sandbox, with the two roles that it has."""

    name: str
    cso: str
    csp: str


YOU = Inhabitant("Your company", "DE*YOU", "DE-YOU")
COUNTERPART = Inhabitant("Sandbox Mobility", "DE*SBX", "DE-SBX")
GOOD_DRIVER = {"token_uid": "04A2B3C4D5E6F7", "contract_id": "DE-SBX-C12345678"}
BLOCKED_DRIVER = {
    "token_uid": "04B1B2B3B4B5B6",
    "contract_id": "DE-SBX-C87654321",
    "may_charge": False,
}


def populate(staff: Staff) -> None:
    """Sets up whoever is missing; again without harm."""
    Operator.objects.get_or_create(
        is_clearing_house=True, defaults=_legal("Clearing house", Operator.Status.ACTIVE)
    )
    operators = [_bring_on(inhabitant) for inhabitant in (YOU, COUNTERPART)]
    calendar, _ = SettlementCalendar.objects.get_or_create(
        name="Monthly, Europe/Berlin",
        defaults={"cycle": SettlementCalendar.Cycle.MONTHLY, "time_zone": "Europe/Berlin"},
    )
    for visited_cso, home_csp in (operators, reversed(operators)):
        _agree(staff, visited_cso, home_csp, calendar)
    let_time_fly()


def let_time_fly() -> None:
    """Nobody waits an hour for a car to charge: the rules that know how long it takes are off."""
    for rule in ("QTY-04", "QTY-08"):
        RuleSetting.objects.get_or_create(
            rule=rule,
            operator=None,
            agreement=None,
            defaults={"switched_off": True, "reason": "Here hours of charging pass in seconds."},
        )


def invitation_for(inhabitant: Inhabitant) -> str:
    """A registration token, good once."""
    platform = Platform.objects.get(run_by__name=inhabitant.name, environment=ENVIRONMENT)
    return issue_registration_token(platform, timezone.now())


def your_operator() -> Operator:
    """The operator of whoever connects."""
    return Operator.objects.get(name=YOU.name)


def _bring_on(inhabitant: Inhabitant) -> Operator:
    known = Operator.objects.filter(name=inhabitant.name).first()
    if known is not None:
        return known
    operator = Operator(**_legal(inhabitant.name, Operator.Status.ACTIVE))
    held = [
        NewIdentifier(Role.CSO, inhabitant.cso),
        NewIdentifier(Role.CSP, inhabitant.csp),
    ]
    onboard_operator(operator, held, NewPlatform(f"{inhabitant.name} platform", ENVIRONMENT))
    return operator


def _agree(
    staff: Staff, visited_cso: Operator, home_csp: Operator, calendar: SettlementCalendar
) -> None:
    """Every service, accepted by both."""
    pair = OperatorPair.objects.filter(visited_cso=visited_cso, home_csp=home_csp)
    if pair.exists():
        return
    now = timezone.now()
    agreement = Agreement.objects.create(
        environment=ENVIRONMENT,
        visited_cso=visited_cso,
        home_csp=home_csp,
        services=[service.value for service in Service],
        validity=TimestamptzRange(now - ALREADY_FOR, None),
        calendar=calendar,
        created_by=staff.clerk,
    )
    propose_agreement(agreement, now)
    for party in Role:
        record = AcceptanceRecord(
            party=party.value,
            how=AgreementAcceptance.How.DOCUMENT,
            reference="sandbox.pdf",
            recorded_by=staff.clerk,
            confirmed_by=staff.controller,
        )
        accept_agreement(agreement, record, now)


def _legal(name: str, status: str) -> dict[str, str]:
    return {
        "name": name,
        "legal_name": f"{name} (sandbox)",
        "street": "-",
        "postal_code": "-",
        "city": "-",
        "country": "DE",
        "contact_email": "sandbox@clearinghouse.example",
        "status": status,
    }
