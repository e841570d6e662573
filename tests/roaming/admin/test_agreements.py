"""Agreements: drafted by one, accepted by both parties, confirmed by a second person."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from psycopg.types.range import TimestamptzRange

from roaming import models
from tests.clearinghouse.admin.fixtures import errors_of, offered, page, take, text_of, told
from tests.clearinghouse.admin.world import (
    NOVEMBER,
    business_time,
    draft_agreement,
    member_with,
)


@pytest.fixture
def draft(world):
    return draft_agreement(world)


def terms(world, **fields):
    return {
        "visited_cso": world.cast.visited_cso.operator.pk,
        "home_csp": world.cast.outsider.operator.pk,
        "environment": "live",
        "services": ["local_start", "reservation"],
        "validity_0": "2026-12-01T00:00",
        "validity_1": "",
        "currency": "eur",
        "rounding": "HALF_UP",
        "collection_mode": "direct",
        "netting": "bilateral",
        "calendar": world.cast.agreement.calendar.pk,
        "tolerance_energy_kwh": "0.01",
        "tolerance_energy_share": "0.005",
        "tolerance_time_s": "60",
        "tolerance_money": "0.01",
        "tolerance_money_share": "0",
        "sdr_window_hours": "168",
        "decision_window_hours": "72",
        "silence": "accepts",
        "tariff_notice_hours": "0",
        "offline_liability": "home_csp",
        **fields,
    }


def add(client, world, **fields):
    return client.post(page(models.Agreement, "add"), terms(world, **fields))


def status_of(agreement):
    return models.Agreement.objects.get(pk=agreement.pk).status


def test_a_draft_is_made_with_all_its_terms(clerk, world):
    assert add(clerk, world).status_code == 302
    made = models.Agreement.objects.latest("pk")
    assert (made.status, made.currency, made.created_by) == ("draft", "EUR", world.clerk)
    assert made.services == ["local_start", "reservation"]
    assert made.validity.lower == datetime(2026, 12, 1, tzinfo=UTC)
    assert made.validity.upper is None


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"services": []}, "services", "required"),
        ({"services": ["teleport"]}, "services", "valid choice"),
        ({"validity_0": ""}, "validity", "required"),
        ({"validity_0": "", "validity_1": "2027-01-01T00:00"}, "validity", "Say from when"),
        ({"validity_0": "tomorrow"}, "validity", "valid date"),
        ({"currency": "EURO"}, "currency", "at most 3"),
        ({"currency": "12"}, "currency", "Three letters"),
        ({"tolerance_money": "NaN"}, "tolerance_money", "number"),
    ],
)
def test_terms_that_cannot_be_are_said(clerk, world, fields, field, words):
    assert words in str(errors_of(add(clerk, world, **fields))[field])


def test_an_agreement_joins_two_operators(clerk, world):
    response = add(clerk, world, home_csp=world.cast.visited_cso.operator.pk)
    assert "two operators" in str(errors_of(response)["home_csp"])


def test_an_overlap_is_seen_before_saving_and_can_be_kept_as_a_draft(clerk, world):
    rival = {"home_csp": world.cast.home_csp.operator.pk, "services": ["reservation"]}
    refused = add(clerk, world, **rival)
    assert "overlaps for the same service" in str(errors_of(refused)["__all__"])
    kept = add(clerk, world, **rival, keep_although_it_overlaps="on")
    assert kept.status_code == 302
    made = models.Agreement.objects.latest("pk")
    assert "cannot become active" in text_of(clerk.get(page(made, "change")))
    assert "overlaps with" in told(take(clerk, made, "propose"))
    assert status_of(made) == "draft"


def test_a_gap_to_the_agreement_before_is_seen(clerk, world):
    take(clerk, world.cast.agreement, "end", reason="over")
    following = draft_agreement(
        world,
        home_csp=world.cast.home_csp.operator,
        validity=TimestamptzRange(NOVEMBER + timedelta(days=5), None),
    )
    assert "have no agreement" in text_of(clerk.get(page(following, "change")))


def test_the_terms_of_another_agreement_are_copied(clerk, world):
    copied = world.cast.agreement
    form = clerk.get(page(models.Agreement, "add"), {"copy": copied.pk}).context["adminform"].form
    assert form.initial["replaces"] == copied.pk
    assert form.initial["home_csp"] == copied.home_csp_id
    assert form.initial["services"] == copied.services
    assert "validity" not in form.initial
    assert clerk.get(page(models.Agreement, "add"), {"copy": "x"}).status_code == 200


def record(client, agreement, party, reference="scan.pdf"):
    return take(client, agreement, "record-document", party=party, reference=reference)


def test_two_documents_seen_by_two_people_make_it_active(clerk, colleague, world, draft):
    assert "Proposed" in told(take(clerk, draft, "propose"))
    assert "Another member of staff" in told(record(clerk, draft, "CSO"))
    shown = clerk.get(page(draft, "change"))
    assert "another member of staff" in offered(shown)["confirm-cso"]
    assert "confirm-csp" not in offered(shown)
    assert "you recorded" in told(take(clerk, draft, "confirm-cso")).lower()
    assert not draft.acceptances.exists()
    assert offered(colleague.get(page(draft, "change")))["confirm-cso"] == ""
    assert "scan.pdf" in text_of(colleague.get(page(draft, "step", "confirm-cso")))
    assert "other party" in told(take(colleague, draft, "confirm-cso"))
    acceptance = draft.acceptances.get()
    assert (acceptance.how, acceptance.reference) == ("document", "scan.pdf")
    assert (acceptance.recorded_by, acceptance.confirmed_by) == (world.clerk, world.colleague)
    assert acceptance.at == NOVEMBER
    record(colleague, draft, "CSP", "letter.pdf")
    assert "the agreement is active" in told(take(clerk, draft, "confirm-csp"))
    assert status_of(draft) == "active"


def test_a_party_that_accepted_is_not_recorded_again(clerk, colleague, world, draft):
    take(clerk, draft, "propose")
    record(clerk, draft, "CSO")
    take(colleague, draft, "confirm-cso")
    assert "accepted already" in told(record(clerk, draft, "CSO"))
    assert "confirm-cso" not in offered(colleague.get(page(draft, "change")))


def test_a_draft_waits_for_its_proposal_and_a_proposal_for_the_parties(clerk, world, draft):
    def waits_for():
        response = clerk.get(page(models.Agreement, "changelist"), {"status__in": "draft,proposed"})
        return text_of(response)

    assert "its proposal" in waits_for()
    take(clerk, draft, "propose")
    assert "Visited CSO and Outsider" in waits_for()


def test_new_business_is_suspended_for_a_reason_and_resumed(clerk, world):
    agreement = world.cast.agreement
    preview = text_of(clerk.get(page(agreement, "step", "suspend")))
    assert "Local start" in preview
    assert status_of(agreement) == "active"
    assert "This field is required" in text_of(take(clerk, agreement, "suspend"))
    take(clerk, agreement, "suspend", reason="unpaid")
    assert status_of(agreement) == "suspended"
    suspension = agreement.suspensions.get()
    assert (suspension.reason, suspension.ordered_by) == ("unpaid", world.clerk)
    assert suspension.during.lower == NOVEMBER
    assert "unpaid" in text_of(clerk.get(page(agreement, "change")))
    take(clerk, agreement, "resume", reason="paid")
    assert status_of(agreement) == "active"
    history = text_of(clerk.get(page(agreement, "history")))
    assert "unpaid" in history
    assert world.clerk.username in history


def test_an_agreement_that_ended_offers_nothing_more(clerk, world):
    agreement = world.cast.agreement
    assert "Ended on 2026-11-20" in told(take(clerk, agreement, "end", reason="over"))
    assert status_of(agreement) == "ended"
    assert offered(clerk.get(page(agreement, "change"))) == {}
    assert "not possible" in told(take(clerk, agreement, "suspend", reason="x"))


def test_an_agreement_that_has_not_begun_is_not_ended(clerk, world):
    agreement = world.cast.agreement
    business_time(agreement.validity.lower - timedelta(days=1))
    assert "has not begun" in told(take(clerk, agreement, "end", reason="over"))
    assert status_of(agreement) == "active"


def test_terms_are_read_only_once_they_were_proposed(clerk, world, draft):
    assert clerk.post(page(world.cast.agreement, "change"), terms(world)).status_code == 403
    assert clerk.post(page(draft, "change"), terms(world, silence="declines")).status_code == 302
    take(clerk, draft, "propose")
    assert clerk.post(page(draft, "change"), terms(world)).status_code == 403
    draft.refresh_from_db()
    assert draft.silence == "declines"


def test_who_may_only_look_takes_no_step(client, world):
    client.force_login(member_with("roaming.view_agreement"))
    shown = client.get(page(world.cast.agreement, "change"))
    assert offered(shown) == {}
    assert shown.context["page_links"] == ()
    assert take(client, world.cast.agreement, "suspend", reason="x").status_code == 403
    assert status_of(world.cast.agreement) == "active"


def test_a_calendar_has_a_time_zone_that_exists(clerk, world):
    data = {
        "name": "Weekly",
        "cycle": "weekly",
        "time_zone": "Europe/Jena",
        "cut_off_hours": 48,
        "objection_hours": 24,
    }
    response = clerk.post(page(models.SettlementCalendar, "add"), data)
    assert "No time zone" in str(errors_of(response)["time_zone"])
    clerk.post(page(models.SettlementCalendar, "add"), {**data, "time_zone": "Europe/Paris"})
    assert models.SettlementCalendar.objects.filter(name="Weekly").exists()
