"""A world in which every page of the admin has something to show."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from axes.models import AccessAttempt
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.utils import timezone
from psycopg.types.range import DateRange, TimestamptzRange

from clearinghouse.portal import accounts
from roaming import models
from roaming.domain.uuid7 import uuid7_at
from roaming.models.clock import forget_reading, set_business_clock
from roaming.models.fingerprints import token_fingerprint
from settlement.models import Dispute, DisputeEvent, RuleSetting
from settlement.models.mails import enqueue_mails
from settlement.use_cases.sdr_reconciliation import reconcile
from tests import factories
from tests.cast import Cast, make_cast
from tests.clearinghouse.portal.people import member
from tests.settlement.closing import Closing, clearing_house, fee
from tests.settlement.sdrs import OCTOBER_5, Trade, announce

TOKEN_UID = "04A2B3C4D5E6F7"
CONTRACT_ID = "DE-HOM-C12345678"
BODY = '{"identification":{"token_uid":"04A2B3C4D5E6F7"}}'
NOVEMBER = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


@dataclass
class World:
    """The cast, a trade of theirs, one period that is final and one that is open, two clerks."""

    cast: Cast
    trade: Trade
    closing: Closing
    clerk: Any
    colleague: Any
    session: models.ServiceSession
    sdr: models.Sdr  # accepted and settled in the final period
    wrong_sdr: models.Sdr  # deviating: its claim is too high
    delivery: models.Delivery
    entry: models.JournalEntry


def make_world() -> World:
    """A row of every kind; business time is the 20th of November 2026."""
    cast = make_cast()
    clerk, colleague = factories.UserFactory(), factories.UserFactory()
    _office(cast, clerk)
    trade = Trade.of(cast)
    announce(cast.visited_cso.identifier)
    session = trade.session(token_hmac=token_fingerprint(TOKEN_UID))
    models.ServiceSessionPersonalData.objects.create(
        session=session, token_uid=TOKEN_UID, contract_id=CONTRACT_ID
    )
    sdr = trade.accepted(session=session, claim="10.00")
    models.SdrOriginal.objects.create(
        sdr=sdr, token_uid=TOKEN_UID, contract_id=CONTRACT_ID, content=BODY
    )
    fee("CSO", "0.10")
    closing = Closing.of(trade)
    closing.finalise()
    wrong = _deviating(trade)
    entry = _journal(cast, session)
    delivery = _delivery(cast, entry)
    AccessAttempt.objects.create(
        username="somebody", ip_address="192.0.2.1", user_agent="", http_accept="", path_info="",
        get_data="", post_data="", failures_since_start=2,
    )  # fmt: skip
    _running(cast, session)
    _disputed(trade, sdr)
    business_time(NOVEMBER)
    return World(
        cast, trade, closing, clerk, colleague, session, sdr, wrong, delivery, entry
    )  # fmt: skip


def _running(cast: Cast, session: models.ServiceSession) -> None:
    """What a running session and a network leave behind."""
    parties = {
        "visited_cso": cast.visited_cso.identifier,
        "home_csp": cast.home_csp.identifier,
    }
    common = {"environment": "live", "evse": cast.evse, **parties}
    hot = {"environment": "live", "session": session, "period": session.period}
    reservation = models.Reservation.objects.create(
        id=uuid7_at(OCTOBER_5), session=session, reference="R-1", state="fulfilled",
        starts_at=OCTOBER_5, expires_at=OCTOBER_5 + timedelta(hours=1), requested_at=OCTOBER_5,
        **common,
    )  # fmt: skip
    models.Command.objects.create(
        id=uuid7_at(OCTOBER_5), use_case="UC3-2", kind="start", state="timed_out",
        asked_by=cast.home_csp.platform, session=session, reservation=reservation,
        correlation_id="correlation-1", asked_at=OCTOBER_5, timed_out_at=OCTOBER_5,
        ended_at=OCTOBER_5, **common,
    )  # fmt: skip
    models.ChargingUpdate.objects.create(
        id=uuid7_at(OCTOBER_5), stamped_at=OCTOBER_5, received_at=OCTOBER_5, energy_kwh="3.5",
        power_kw=11, cost_before_tax="1.20", currency="EUR", state_of_charge=41, **hot,
    )  # fmt: skip
    for number, accepted in ((1, True), (2, None)):
        plan = models.ChargePlan.objects.create(
            id=uuid7_at(OCTOBER_5), number=number, made_by="home_csp", accepted=accepted,
            has_plan=bool(accepted), stamped_at=OCTOBER_5, received_at=OCTOBER_5, **hot,
        )  # fmt: skip
        models.ChargePlanBody.objects.create(
            step=plan, wishes='{"energy_kwh": 20}', plan='{"periods": []}' if accepted else ""
        )
    models.EvseStatus.objects.create(
        evse=cast.evse, state="AVAILABLE", stamped_at=OCTOBER_5, received_at=OCTOBER_5,
        expires_at=OCTOBER_5 + timedelta(days=60),
    )  # fmt: skip
    outage = models.Outage.objects.create(
        environment="live", visited_cso=parties["visited_cso"], outage_id="OUT-1",
        kind="PLANNED", starts_at=OCTOBER_5, ends_at=OCTOBER_5 + timedelta(hours=4),
        description="New meter", body="{}", last_updated=OCTOBER_5, received_at=OCTOBER_5,
    )  # fmt: skip
    outage.evses.add(cast.evse)
    models.EndpointHealth.objects.create(
        platform=cast.home_csp.platform, state="offline", since=OCTOBER_5, failures=7,
        last_failure_at=OCTOBER_5, last_error="receiver_timed_out",
    )  # fmt: skip
    known = models.Identification.objects.get()
    models.IdentificationVersion.objects.create(
        environment="live", home_csp=known.home_csp, token_hmac=known.token_hmac, valid=True,
        whitelist="ALWAYS", received_at=OCTOBER_5,
    )  # fmt: skip


def _disputed(trade: Trade, sdr: models.Sdr) -> None:
    """A dispute about the settled SDR that its home-CSP withdrew, and the e-mail about it."""
    dispute = Dispute.objects.create(
        environment="live", sdr=sdr, pair=trade.pair, visited_cso=trade.visited_cso,
        home_csp=trade.home_csp, origin="staff", reason="FRD", currency="EUR", claim="10.00",
        undisputed=0, settled_before="10.00", state="withdrawn", result="withdrawn",
        amount="10.00", opened_at=OCTOBER_5, closed_at=OCTOBER_5,
    )  # fmt: skip
    DisputeEvent.objects.create(
        dispute=dispute, at=OCTOBER_5, side="home_csp", actor="Home CSP", step="withdraw",
        to_state="withdrawn", amount="10.00",
    )  # fmt: skip
    enqueue_mails("live", [(trade.home_csp.operator, "Dispute", "It was withdrawn.")])


def business_time(now: datetime) -> None:
    """Stops the business clock at `now`."""
    set_business_clock(now, speed=0, ceiling=now)
    forget_reading()


def _office(cast: Cast, clerk: Any) -> None:
    operator = cast.visited_cso.operator
    clearing_house()
    models.VatRegistration.objects.create(
        operator=operator,
        country="DE",
        number="DE136695976",
        validity=DateRange(date(2026, 1, 1), None),
    )
    models.BankAccount.objects.create(
        operator=operator,
        holder=operator.legal_name,
        iban="DE89370400440532013000",
        bic="COBADEFFXXX",
        currency="EUR",
        validity=DateRange(date(2026, 1, 1), None),
        proposed_by=clerk,
    )
    known = models.Identification.objects.create(
        environment="live",
        home_csp=cast.home_csp.identifier,
        token_hmac=token_fingerprint(TOKEN_UID),
        last_updated=factories.EPOCH,
        received_at=factories.EPOCH,
    )
    models.IdentificationPersonalData.objects.create(
        identification=known, token_uid=TOKEN_UID, contract_id=CONTRACT_ID
    )
    Group.objects.create(name="Agreement staff")
    member(operator, "administrator")
    accounts.invite(operator, "invited@vis.example", "clerk", clerk, timezone.now())
    LogEntry.objects.create(
        user=clerk,
        content_type=ContentType.objects.get_for_model(operator),
        object_id=str(operator.pk),
        object_repr=str(operator),
        action_flag=CHANGE,
        change_message="Activate",
    )


def _deviating(trade: Trade) -> models.Sdr:
    """An SDR of November that claims 12.00 where the tariff makes 10.00."""
    opened = datetime(2026, 11, 5, 10, 0, tzinfo=UTC)
    session = trade.session(
        opened,
        authorised_at=opened,
        started_at=opened,
        ended_at=opened + timedelta(hours=1),
        energy_kwh=20,
    )
    sdr = trade.sdr(session=session, claim="12.00", started_at=opened)
    RuleSetting.objects.create(rule="TIM-11", severity="severe", reason="Cars left for weeks")
    reconcile("live", opened + timedelta(days=1))
    assert models.SdrState.objects.get(sdr=sdr).state == "deviating"
    return sdr


def _journal(cast: Cast, session: models.ServiceSession) -> models.JournalEntry:
    values: dict[str, Any] = {
        "transaction_id": uuid.uuid4(),
        "at": OCTOBER_5,
        "environment": "live",
        "use_case": "UC3-1",
        "message_id": "message-1",
        "correlation_id": "correlation-1",
        "sender": cast.visited_cso.platform,
        "visited_cso": cast.visited_cso.identifier,
        "home_csp": cast.home_csp.identifier,
        "agreement_id": cast.agreement.pk,
        "service_session_id": session.pk,
        "object_key": cast.evse.key,
    }
    admitted = models.JournalEntry.objects.create(phase="admitted", outcome="pending", **values)
    models.JournalBody.objects.create(entry=admitted, content=BODY)
    return models.JournalEntry.objects.create(
        phase="verdict",
        outcome="refused_by_hub",
        refusal_code="no_agreement",
        latency_us=12_345,
        **values,
    )


def _delivery(cast: Cast, entry: models.JournalEntry) -> models.Delivery:
    now = timezone.now()
    return models.Delivery.objects.create(
        receiver=cast.home_csp.platform,
        environment="live",
        use_case="UC3-5",
        path="uc3-5/completion",
        object_key=f"session:{entry.service_session_id}",
        message_id=uuid.uuid4(),
        correlation_id=entry.correlation_id,
        body=BODY,
        state="dead",
        attempts=14,
        created_at=now,
        due_at=now,
        deadline=now,
        last_error="receiver_timed_out",
    )


def personal_data_permission() -> Permission:
    """The permission to look at personal data."""
    return Permission.objects.get_or_create(
        content_type=ContentType.objects.get_for_model(models.ServiceSessionPersonalData),
        codename="view_personal_data",
        defaults={"name": "Can see personal data in clear"},
    )[0]


def member_with(*names: str) -> Any:
    """A member of staff who may do what is named, `app.codename`, and nothing else."""
    user = factories.UserFactory(is_superuser=False)
    for name in names:
        app, codename = name.split(".")
        user.user_permissions.add(
            Permission.objects.get(content_type__app_label=app, codename=codename)
        )
    return get_user_model().objects.get(pk=user.pk)


def draft_agreement(world: World, **terms: Any) -> models.Agreement:
    """A draft between the visited-CSO and the outsider."""
    values: dict[str, Any] = {
        "visited_cso": world.cast.visited_cso.operator,
        "home_csp": world.cast.outsider.operator,
        "services": ["local_start"],
        "validity": TimestamptzRange(NOVEMBER, None),
        "calendar": world.cast.agreement.calendar,
    }
    return models.Agreement.objects.create(**{**values, **terms})
