"""Agreements in the portal: read by both parties, accepted by a clerk of either."""

from __future__ import annotations

import pytest
from django.urls import reverse
from psycopg.types.range import TimestamptzRange

from roaming.models import Agreement
from roaming.use_cases.agreement_lifecycle import propose_agreement
from tests.clearinghouse.portal.people import member, signed_in, text


@pytest.fixture
def proposed(cast, now):
    """Between the visited-CSO and the outsider, waiting for both."""
    return propose_agreement(draft_of(cast, now), now)


def draft_of(cast, valid_from) -> Agreement:
    return Agreement.objects.create(
        visited_cso=cast.visited_cso.operator,
        home_csp=cast.outsider.operator,
        services=["local_start"],
        validity=TimestamptzRange(valid_from, None),
        calendar=cast.agreement.calendar,
    )


def page_of(agreement) -> str:
    return reverse("portal:agreement", args=[agreement.pk])


def accept(client, agreement):
    return client.post(page_of(agreement), {"read": "on"}, follow=True)


def test_it_becomes_active_when_both_have_accepted(cast, proposed):
    cso = signed_in(member(cast.visited_cso.operator, "clerk"))
    csp = signed_in(member(cast.outsider.operator, "administrator"))
    assert "waits for your yes" in text(cso.get("/portal/agreements/"))
    assert "when the other party accepts" in text(accept(cso, proposed))
    proposed.refresh_from_db()
    assert proposed.status == "proposed"
    assert "the agreement is active" in text(accept(csp, proposed))
    proposed.refresh_from_db()
    assert proposed.status == "active"
    said = proposed.acceptances.get(party="CSO")
    assert (said.how, said.reference) == ("portal", "Visited CSO: Clerk P")


def test_it_is_accepted_knowingly_and_once(cast, proposed):
    cso = signed_in(member(cast.visited_cso.operator, "clerk"))
    assert "Tick that" in text(cso.post(page_of(proposed), {}, follow=True))
    accept(cso, proposed)
    assert "does not wait for your yes" in text(accept(cso, proposed))
    assert proposed.acceptances.count() == 1


def test_a_reader_reads_it_and_does_not_accept(cast, proposed):
    reader = signed_in(member(cast.outsider.operator, "reader"))
    assert "can accept it" in text(reader.get(page_of(proposed)))
    assert accept(reader, proposed).status_code == 403
    assert not proposed.acceptances.exists()


def test_drafts_and_agreements_of_others_are_not_found(cast, proposed):
    stranger = signed_in(member(cast.home_csp.operator, "clerk"))
    assert stranger.get(page_of(proposed)).status_code == 404
    assert accept(stranger, proposed).status_code == 404
    party = signed_in(member(cast.outsider.operator, "clerk"))
    assert party.get(page_of(proposed)).status_code == 200
    draft = draft_of(cast, proposed.validity.lower)
    assert party.get(page_of(draft)).status_code == 404


def test_the_terms_are_shown_in_the_viewers_form(cast):
    person = member(cast.home_csp.operator, "reader")
    person.locale = "de-DE"
    person.save()
    assert "0,01\u00a0EUR" in text(signed_in(person).get(page_of(cast.agreement)))
