"""Sessions tell their story, the journal says why, dead deliveries are sent again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from roaming import models
from roaming.staff_pages import long_lists
from roaming.use_cases.dead_deliveries import DeliveryError, send_again
from tests.clearinghouse.admin.fixtures import offered, page, take, text_of, told
from tests.clearinghouse.admin.world import (
    BODY,
    CONTRACT_ID,
    TOKEN_UID,
    member_with,
    personal_data_permission,
)

DAY = "2026-10-05"


def listed(response):
    return list(response.context["cl"].result_list)


def found(client, model, term):
    return listed(client.get(page(model, "changelist"), {"q": term}))


def test_a_session_s_page_tells_its_story_in_order(clerk, world):
    shown = text_of(clerk.get(page(world.session, "change")))
    story = [
        "Session opened",
        "Start locally at the EVSE: taken in",
        "Start locally at the EVSE: answered",
        "Complete the service transaction: handed on",
        f"SDR {world.sdr}",
        "accepted → settled",
    ]
    places = [shown.index(event) for event in story]
    assert places == sorted(places)
    assert "no agreement" in shown
    assert "12 ms" in shown
    assert page(world.sdr, "change") in shown
    assert page(world.delivery, "change") in shown


def test_a_session_is_found_by_id_evse_and_token(clerk, world):
    model = models.ServiceSession
    assert found(clerk, model, str(world.session.pk)) == [world.session]
    assert found(clerk, model, TOKEN_UID.lower()) == [world.session]
    assert world.session in found(clerk, model, "DE*VIS*E001")
    assert found(clerk, model, "nothing") == []


def test_sessions_are_listed_by_the_day_they_opened(clerk, world):
    url = page(models.ServiceSession, "changelist")
    assert listed(clerk.get(url, {"day": DAY})) == [world.session]
    assert listed(clerk.get(url, {"day": "2026-10-06"})) == []
    assert listed(clerk.get(url, {"day": "next week"})) == []


def test_a_long_list_goes_page_by_page_without_a_count(clerk, world, monkeypatch):
    for hour in range(4):
        world.trade.session(datetime(2026, 10, 7, hour, tzinfo=UTC))
    site = admin.site._registry[models.ServiceSession]
    monkeypatch.setattr(site, "list_per_page", 2)
    url = page(models.ServiceSession, "changelist")
    pages = [clerk.get(url, {"p": number}) for number in (1, 2, 3)]
    assert [len(listed(response)) for response in pages] == [2, 2, 2]
    keys = [session.pk for response in pages for session in listed(response)]
    assert keys == sorted(keys, reverse=True)
    assert "Older" in text_of(pages[0])
    assert "The end of the list" in text_of(pages[2])
    monkeypatch.setattr(long_lists, "LAST_PAGE", 2)
    assert "Narrow the list" in text_of(clerk.get(url, {"p": 2}))
    assert clerk.get(url, {"p": 3}).status_code == 302


@pytest.mark.parametrize("term", ["correlation-1", "DEVISE001", "de*vis*e001"])
def test_the_journal_is_searched_by_any_of_its_ids(clerk, world, term):
    assert world.entry in found(clerk, models.JournalEntry, term)


def test_the_journal_is_searched_by_session_and_transaction(clerk, world):
    for key in (world.session.pk, world.entry.transaction_id):
        assert len(found(clerk, models.JournalEntry, str(key))) == 2
    assert found(clerk, models.JournalEntry, "correlation") == []


def test_refusals_of_late_are_listed(clerk, world):
    url = page(models.JournalEntry, "changelist")
    assert listed(clerk.get(url, {"ended": "refused_by_hub"})) == [world.entry]
    assert listed(clerk.get(url, {"ended": "failed"})) == []
    assert len(listed(clerk.get(url, {"message": "UC3-1"}))) == 2


def test_a_refusal_says_whose_fault_it_was_and_what_to_do(clerk, world):
    shown = text_of(clerk.get(page(world.entry, "change")))
    assert "The two parties have no agreement that covers this moment" in shown
    assert "Ask your counterparty" in shown
    assert "the agreement of the two parties" in shown
    assert page(world.session, "change") in shown


@pytest.mark.parametrize("name", ["session", "sdr", "entry", "delivery", "identification"])
def test_personal_data_is_hidden_from_whoever_only_looks(client, world, name):
    row = row_of(world, name)
    opts = row._meta
    client.force_login(member_with(f"{opts.app_label}.view_{opts.model_name}"))
    shown = text_of(client.get(page(row, "change")))
    assert TOKEN_UID not in shown
    assert CONTRACT_ID not in shown
    assert "Show personal data" not in shown
    assert client.post(page(row, "personal_data")).status_code == 403
    assert not LogEntry.objects.filter(change_message__startswith="Looked").exists()


@pytest.mark.parametrize("name", ["session", "sdr", "entry", "delivery", "identification"])
def test_who_may_see_personal_data_sees_it_on_request_and_is_logged(client, world, name):
    row = row_of(world, name)
    opts = row._meta
    personal_data_permission()
    user = member_with(f"{opts.app_label}.view_{opts.model_name}", "roaming.view_personal_data")
    client.force_login(user)
    shown = text_of(client.get(page(row, "change")))
    assert TOKEN_UID not in shown
    assert "Show personal data" in shown
    assert client.get(page(row, "personal_data")).status_code == 302
    assert not LogEntry.objects.filter(change_message__startswith="Looked").exists()
    answer = client.post(page(row, "personal_data"))
    assert TOKEN_UID in text_of(answer)
    assert "no-store" in answer["Cache-Control"]
    logged = LogEntry.objects.get(change_message__startswith="Looked")
    assert (logged.user, logged.object_id) == (user, str(row.pk))
    assert TOKEN_UID not in logged.change_message
    assert user.username in text_of(client.get(page(row, "history")))


def row_of(world, name):
    if name == "entry":
        return models.JournalEntry.objects.get(phase="admitted")
    if name == "identification":
        return models.Identification.objects.get()
    return getattr(world, name)


def test_what_was_erased_is_not_shown_and_not_logged(clerk, world):
    world.session.personal_data.delete()
    models.ChargePlanBody.objects.all().delete()
    response = clerk.post(page(world.session, "personal_data"), follow=True)
    assert "nothing to show" in told(response)
    assert not LogEntry.objects.filter(change_message__startswith="Looked").exists()


def test_a_delivery_that_was_given_up_is_sent_again(clerk, world):
    assert "once more" in text_of(clerk.get(page(world.delivery, "step", "send-again")))
    assert "waits again" in told(take(clerk, world.delivery, "send-again"))
    world.delivery.refresh_from_db()
    assert world.delivery.state == "waiting"
    assert world.delivery.deadline - world.delivery.due_at >= timedelta(hours=1)
    assert offered(clerk.get(page(world.delivery, "change"))) == {}


def test_an_older_message_never_overtakes_a_newer_one(clerk, world):
    newer = models.Delivery.objects.get(pk=world.delivery.pk)
    newer.pk, newer.state, newer.message_id = None, "delivered", world.session.pk
    newer.save()
    assert "later message" in told(take(clerk, world.delivery, "send-again"))
    world.delivery.refresh_from_db()
    assert world.delivery.state == "dead"
    with pytest.raises(DeliveryError, match="delivered, not given up"):
        send_again(newer, datetime(2026, 11, 20, tzinfo=UTC))


def test_a_message_is_not_shown_on_a_delivery_s_page(clerk, world):
    assert BODY not in text_of(clerk.get(page(world.delivery, "change")))


@pytest.mark.parametrize(
    ("term", "kinds"),
    [
        ("correlation-1", {"journal"}),
        ("DE*VIS*E001", {"journal", "EVSEs", "sites"}),
        ("DE*VIS", {"operator identifiers"}),
        ("Visited", {"operators"}),
        ("AC", {"tariff versions"}),
        (TOKEN_UID, {"identifications", "service sessions"}),
    ],
)
def test_one_box_finds_rows_by_any_id(clerk, world, term, kinds):
    response = clerk.get(reverse("admin:find"), {"q": term})
    assert kinds <= {kind for kind, _ in response.context["groups"]}


def test_the_box_finds_a_session_and_an_sdr_by_their_ids(clerk, world):
    shown = text_of(clerk.get(reverse("admin:find"), {"q": str(world.session.pk)}))
    assert page(world.session, "change") in shown
    assert page(world.sdr, "change") in shown
    assert page(world.entry, "change") in shown
    assert page(world.sdr, "change") in text_of(
        clerk.get(reverse("admin:find"), {"q": world.sdr.reference})
    )


def test_the_box_says_when_nothing_is_found(clerk, world):
    assert "Nothing carries" in text_of(clerk.get(reverse("admin:find"), {"q": "x" * 300}))
    assert "Paste" in text_of(clerk.get(reverse("admin:find")))


def test_the_box_finds_only_what_one_may_see(client, world):
    client.force_login(member_with("roaming.view_evse"))
    response = client.get(reverse("admin:find"), {"q": "DE*VIS*E001"})
    assert [kind for kind, _ in response.context["groups"]] == ["EVSEs"]


def test_a_site_a_tariff_and_an_identification_are_found(clerk, world):
    assert len(found(clerk, models.Site, "DE*VIS*E001")) == 1
    assert len(found(clerk, models.Evse, "de*vis")) == 1
    assert len(found(clerk, models.TariffVersion, "AC")) == 1
    assert found(clerk, models.TariffVersion, "nothing") == []
    assert len(found(clerk, models.Identification, TOKEN_UID)) == 1
    assert found(clerk, models.Identification, "04FFFFFF") == []


def test_a_tariff_s_page_shows_its_numbers_as_they_came(clerk, world):
    tariff = models.TariffVersion.objects.get()
    assert "&quot;price&quot;: 0.50" in text_of(clerk.get(page(tariff, "change")))


WHO, WHY = "Nurse Ratched, ward 3", "Mr Bromden cannot unplug"


@pytest.fixture
def emergency(world):
    row = models.Command.objects.first()
    models.Command.objects.filter(pk=row.pk).update(
        kind="unlock", use_case="UC5-2", requested_by=WHO, why=WHY
    )
    return row


def test_who_wanted_a_command_and_why_is_hidden_from_whoever_only_looks(client, emergency):
    client.force_login(member_with("roaming.view_command"))
    shown = text_of(client.get(page(emergency, "change")))
    assert "Wanted by" in shown
    assert WHO not in shown
    assert WHY not in shown
    assert client.post(page(emergency, "personal_data")).status_code == 403
    assert WHO not in text_of(client.get(page(models.Command, "changelist")))


def test_who_may_see_personal_data_reads_it_and_is_logged(client, emergency):
    personal_data_permission()
    client.force_login(member_with("roaming.view_command", "roaming.view_personal_data"))
    assert WHO not in text_of(client.get(page(emergency, "change")))
    answer = text_of(client.post(page(emergency, "personal_data")))
    assert WHO in answer
    assert WHY in answer
    logged = LogEntry.objects.get(change_message__startswith="Looked")
    assert logged.change_message == "Looked at personal data: Wanted by, Why"
