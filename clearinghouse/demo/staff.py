"""Two people of the clearing house at their desks: what they set up before the month begins.

They go through the same use cases and models as the admin's forms; where four eyes are needed, the
clerk proposes and the controller confirms.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.utils import timezone
from psycopg.types.range import DateRange, TimestamptzRange

from clearinghouse.models import User
from roaming.models import (
    Agreement,
    AgreementAcceptance,
    BankAccount,
    Environment,
    Operator,
    OperatorIdentifier,
    Platform,
    PlatformIdentifier,
    Role,
    SettlementCalendar,
    VatRegistration,
)
from roaming.simulator.network import AgreementTerms, Network, Organisation
from roaming.use_cases.agreement_lifecycle import (
    AcceptanceRecord,
    accept_agreement,
    propose_agreement,
)
from roaming.use_cases.uc1_01_platform_authentication import issue_registration_token
from settlement.models import FeeRule

ENVIRONMENT = Environment.TEST
"""A clock that can be set is for tests: nothing of the demo is live."""
FEE_PER_SDR = Decimal("0.035")
BEFORE_THE_MONTH = timedelta(days=400)


@dataclass(frozen=True)
class Staff:
    """The two, and what they type at the log-in."""

    clerk: User
    controller: User
    passwords: dict[str, str]


def hire_staff() -> Staff:
    """The clerk and the controller, with fresh random passwords."""
    passwords: dict[str, str] = {}
    people = []
    for name, first_name in (("clerk", "Chris"), ("controller", "Conny")):
        person, _ = User.objects.get_or_create(
            username=name,
            defaults={
                "first_name": first_name,
                "last_name": name.capitalize(),
                "email": f"{name}@clearinghouse.example",
                "is_staff": True,
                "is_superuser": True,
            },
        )
        passwords[name] = secrets.token_urlsafe(12)
        person.set_password(passwords[name])
        person.save(update_fields=["password"])
        people.append(person)
    return Staff(people[0], people[1], passwords)


@dataclass
class Desk:
    """The work of one replay: `joined_at` is when everything begins."""

    staff: Staff
    network: Network
    zone_name: str
    joined_at: datetime

    def bring_everybody_on(self) -> dict[str, str]:
        """Operators, platforms, agreements, fees; registration tokens by organisation's name."""
        self._clearing_house()
        operators = {o.name: self._operator(o) for o in self.network.organisations}
        tokens = {name: self._expect_platform(row) for name, row in operators.items()}
        calendar = self._calendar()
        for terms in self.network.agreements:
            self._agree(terms, operators, calendar)
        self._set_fee()
        return tokens

    def _clearing_house(self) -> None:
        Operator.objects.get_or_create(
            is_clearing_house=True,
            defaults={
                "name": "Clearing house",
                "legal_name": "Roaming Clearing House (demo)",
                "street": "-",
                "postal_code": "-",
                "city": "-",
                "country": self.network.organisations[0].country,
                "contact_email": "office@clearinghouse.example",
                "status": Operator.Status.ACTIVE,
            },
        )

    def _operator(self, organisation: Organisation) -> Operator:
        operator = Operator.objects.create(
            name=organisation.name,
            legal_name=organisation.legal_name,
            street=organisation.street,
            postal_code=organisation.postal_code,
            city=organisation.city,
            country=organisation.country,
            lei=organisation.lei,
            contact_email=organisation.contact_email,
            finance_email=organisation.finance_email,
            language=organisation.language,
            status=Operator.Status.ACTIVE,
        )
        since = (self.joined_at - BEFORE_THE_MONTH).date()
        for role, identifier in _identifiers(organisation):
            OperatorIdentifier.objects.create(
                operator=operator,
                role=role,
                identifier=identifier,
                key=identifier.replace("*", "").replace("-", "").upper(),
            )
        VatRegistration.objects.create(
            operator=operator,
            country=organisation.country,
            number=organisation.vat_id,
            validity=DateRange(since, None),
            proof="fictitious, of the demo",
        )
        BankAccount.objects.create(
            operator=operator,
            holder=organisation.legal_name,
            iban=organisation.iban,
            bic=organisation.bic,
            currency=self.network.currency,
            validity=DateRange(since, None),
            proposed_by=self.staff.clerk,
            approved_by=self.staff.controller,
        )
        return operator

    def _expect_platform(self, operator: Operator) -> str:
        platform = Platform.objects.create(
            name=f"{operator.name} platform", run_by=operator, environment=ENVIRONMENT
        )
        PlatformIdentifier.objects.bulk_create(
            PlatformIdentifier(platform=platform, identifier=held, environment=ENVIRONMENT)
            for held in operator.identifiers.all()
        )
        # Keys age in real time, whatever the business clock says.
        return issue_registration_token(platform, timezone.now())

    def _calendar(self) -> SettlementCalendar:
        calendar, _ = SettlementCalendar.objects.get_or_create(
            name=f"Monthly, {self.zone_name}",
            defaults={"cycle": SettlementCalendar.Cycle.MONTHLY, "time_zone": self.zone_name},
        )
        return calendar

    def _agree(
        self, terms: AgreementTerms, operators: dict[str, Operator], calendar: SettlementCalendar
    ) -> None:
        by_id = self.network.organisation_by_id
        agreement = Agreement.objects.create(
            environment=ENVIRONMENT,
            visited_cso=operators[by_id[terms.operator_id].name],
            home_csp=operators[by_id[terms.provider_id].name],
            services=list(terms.services),
            validity=TimestamptzRange(terms.valid_from, None),
            currency=terms.currency,
            netting=terms.netting,
            calendar=calendar,
            tolerance_money=Decimal(terms.tolerance_money),
            tolerance_energy_kwh=Decimal(terms.tolerance_energy_kwh),
            sdr_window_hours=terms.sdr_window_hours,
            decision_window_hours=terms.decision_window_hours,
            created_by=self.staff.clerk,
        )
        propose_agreement(agreement, self.joined_at)
        for party in Role:
            record = AcceptanceRecord(
                party=party.value,
                how=AgreementAcceptance.How.DOCUMENT,
                reference=f"{terms.operator_id} {terms.provider_id} signed.pdf",
                recorded_by=self.staff.clerk,
                confirmed_by=self.staff.controller,
            )
            accept_agreement(agreement, record, self.joined_at)

    def _set_fee(self) -> None:
        FeeRule.objects.create(
            environment=ENVIRONMENT,
            name="Per settled SDR",
            payer_role=Role.CSP,
            amount=FEE_PER_SDR,
            currency=self.network.currency,
            validity=TimestamptzRange(self.joined_at - BEFORE_THE_MONTH, None),
        )


def _identifiers(organisation: Organisation) -> Iterator[tuple[str, str]]:
    if organisation.operator_id:
        yield Role.CSO.value, organisation.operator_id
    if organisation.provider_id:
        yield Role.CSP.value, organisation.provider_id
