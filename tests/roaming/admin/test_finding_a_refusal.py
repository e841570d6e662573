"""Why a message was refused is one search away, by whatever id somebody has."""

from __future__ import annotations

import pytest
from django.urls import reverse

from roaming import models
from tests.clearinghouse.admin.fixtures import page, text_of
from tests.clearinghouse.admin.world import member_with

TITLE = "The two parties have no agreement that covers this moment"


def look_for(client, term):
    return text_of(client.get(reverse("admin:find"), {"q": str(term)}))


@pytest.mark.parametrize("term", ["correlation-1", "message-1", "DE*VIS*E001"])
def test_by_correlation_message_or_evse(clerk, world, term):
    shown = look_for(clerk, term)
    assert TITLE in shown
    assert "the agreement of the two parties" in shown
    assert "Ask your counterparty" in shown
    assert page(world.session, "change") in shown


def test_by_session_and_transaction(clerk, world):
    for term in (world.session.pk, world.entry.transaction_id):
        assert TITLE in look_for(clerk, term)


def test_a_message_that_was_answered_is_listed_once(clerk, world):
    admitted = models.JournalEntry.objects.get(phase="admitted")
    shown = look_for(clerk, "correlation-1")
    assert page(world.entry, "change") in shown
    assert page(admitted, "change") not in shown


def test_the_page_of_the_row_before_tells_the_reason_too(clerk, world):
    admitted = models.JournalEntry.objects.get(phase="admitted")
    assert TITLE in text_of(clerk.get(page(admitted, "change")))


def test_a_receiver_s_no_is_said_to_be_the_receiver_s(clerk, world):
    values = models.JournalEntry.objects.filter(pk=world.entry.pk).values().get()
    values |= {"id": None, "outcome": "refused", "refusal_code": "card_blocked"}
    values |= {"correlation_id": "correlation-9", "recorded_at": world.entry.at}
    models.JournalEntry.objects.create(**values)
    shown = look_for(clerk, "correlation-9")
    assert "The receiver said no: card blocked" in shown
    assert TITLE not in shown


def test_who_may_not_see_the_journal_is_told_nothing_of_it(client, world):
    client.force_login(member_with("roaming.view_delivery"))
    shown = look_for(client, "correlation-1")
    assert TITLE not in shown
    assert page(world.session, "change") not in shown
    assert page(world.delivery, "change") in shown


def test_a_delivery_given_up_leads_to_its_session_and_says_what_to_do(clerk, world):
    shown = text_of(clerk.get(page(world.delivery, "change")))
    assert page(world.session, "change") in shown
    assert "The receiver&#x27;s platform did not answer in time" in shown
    assert page(world.delivery.receiver, "change") in shown
    listed = clerk.get(page(models.Delivery, "changelist"), {"q": "correlation-1"})
    assert list(listed.context["cl"].result_list) == [world.delivery]


def test_a_command_without_a_result_says_where_it_stands(clerk, world):
    command = models.Command.objects.get()
    shown = text_of(clerk.get(page(command, "change")))
    assert "told no result in time" in shown
    assert page(world.entry, "change") in shown


def test_an_empty_list_says_what_brings_rows(clerk, world):
    models.Outage.objects.all().delete()
    address = page(models.Outage, "changelist")
    assert "CSOs announce maintenance" in text_of(clerk.get(address))
    assert "Nothing fits" in text_of(clerk.get(address, {"q": "zzz"}))
