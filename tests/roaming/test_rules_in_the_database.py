"""The rules of migration 0002 hold against raw SQL too."""

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from roaming import models
from roaming.domain.uuid7 import uuid7_at
from tests import factories


def test_an_sdr_without_its_registry_entry_is_refused(cast):
    with pytest.raises(IntegrityError, match="registry"), transaction.atomic():
        models.Sdr.objects.create(
            id=uuid7_at(factories.EPOCH), environment="live", period="2026-10-01", arrival=1,
            sent_by=cast.visited_cso.platform, visited_cso=cast.visited_cso.identifier,
            reference="1", evse_id="x", evse_key="x", rated_part="{}", received_at=factories.EPOCH,
        )  # fmt: skip


def test_an_agreement_in_force_keeps_its_terms(cast):
    with pytest.raises(IntegrityError, match="never change"), transaction.atomic():
        models.Agreement.objects.filter(pk=cast.agreement.pk).update(currency="CHF")


def test_a_second_agreement_for_the_same_pair_service_and_time_is_refused(cast):
    with pytest.raises(IntegrityError, match="one_agreement_per_pair"), transaction.atomic():
        factories.make_agreement(cast.visited_cso.operator, cast.home_csp.operator)


def test_an_agreement_without_both_acceptances_never_becomes_active(cast):
    agreement = models.Agreement.objects.create(
        visited_cso=cast.visited_cso.operator, home_csp=cast.outsider.operator, services=[],
        validity=cast.agreement.validity, calendar=cast.agreement.calendar,
    )  # fmt: skip
    with pytest.raises(IntegrityError, match="both parties"), transaction.atomic():
        models.Agreement.objects.filter(pk=agreement.pk).update(status="active")
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_the_application_role_cannot_rewrite_the_journal(cast):
    for statement in (
        "UPDATE roaming_journalentry SET use_case = 'x'",
        "DELETE FROM roaming_sdr",
        "TRUNCATE roaming_tariffversion CASCADE",
    ):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def test_test_and_live_do_not_mix(cast):
    with pytest.raises(IntegrityError, match="same_environment"), transaction.atomic():
        factories.CredentialFactory(platform=cast.visited_cso.platform, environment="test")
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_what_one_party_accepted_is_what_the_other_accepts(cast, now):
    from roaming.use_cases.agreement_lifecycle import propose_agreement

    draft = models.Agreement.objects.create(
        visited_cso=cast.visited_cso.operator, home_csp=cast.outsider.operator,
        services=["local_start"], validity=cast.agreement.validity,
        calendar=cast.agreement.calendar,
    )  # fmt: skip
    propose_agreement(draft, now)
    with pytest.raises(IntegrityError, match="never change"), transaction.atomic():
        models.Agreement.objects.filter(pk=draft.pk).update(tolerance_money=1000)


def test_an_ended_agreement_stays_ended(cast, now):
    from roaming.use_cases.agreement_lifecycle import end_agreement

    end_agreement(cast.agreement, now)
    for change in ({"status": "active"}, {"validity": cast.agreement.validity}):
        with pytest.raises(IntegrityError, match="never change"), transaction.atomic():
            models.Agreement.objects.filter(pk=cast.agreement.pk).update(**change)
