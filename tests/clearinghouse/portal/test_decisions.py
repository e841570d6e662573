"""The home-CSP decides in the portal: one or many, with a preview and a reason."""

from __future__ import annotations

from datetime import timedelta

from django.urls import reverse

from roaming import models
from roaming.models.clock import forget_reading, set_business_clock
from settlement.use_cases.sdr_decision import Decision, approve_sdr
from tests import factories
from tests.clearinghouse.portal.people import member, signed_in, text
from tests.clearinghouse.portal.stage import NOW
from tests.clearinghouse.portal.test_sdrs import page_of
from tests.settlement.sdrs import standing_of

DECIDE = "/portal/decisions/"


def decide(client, decision, *sdrs, **data):
    """Carries a decision out; the page that the person then sees."""
    given = {"decision": decision, "sdr": [str(sdr.pk) for sdr in sdrs], **data}
    return client.post(DECIDE, given, follow=True)


def test_a_clerk_declines_with_a_reason_and_it_is_disputed(stage, csp):
    response = decide(csp, "decline", stage.deviating, reason="PRC", note="12 instead of 10")
    assert "1 SDR is disputed." in text(response)
    assert standing_of(stage.deviating).state == "disputed"
    event = models.SdrEvent.objects.filter(sdr=stage.deviating).last()
    assert (event.reason, event.note) == ("PRC", "12 instead of 10")
    assert event.actor == "Home CSP: Clerk P"


def test_people_of_the_other_party_stay_unnamed(stage, csp, cso):
    decide(csp, "decline", stage.deviating, reason="PRC", note="too dear")
    ours, theirs = (text(side.get(page_of(stage.deviating))) for side in (csp, cso))
    assert "Home CSP: Clerk P" in ours
    assert "Clerk P" not in theirs
    assert "too dear" in theirs


def test_staff_stay_unnamed_too(stage, csp):
    person = factories.UserFactory(username="kim")
    decision = Decision(str(person), "agreed_with_parties")
    approve_sdr(stage.deviating.pk, decision, NOW)
    page = text(csp.get(page_of(stage.deviating)))
    assert "kim" not in page
    assert "clearing house" in page


def test_the_preview_says_what_will_happen_and_does_nothing(stage, csp):
    given = {"decision": "decline", "sdr": [stage.deviating.pk, stage.agreeing.pk]}
    page = text(csp.get(DECIDE, given))
    assert "22.00\u00a0EUR" in page
    assert standing_of(stage.deviating).state == "deviating"


def test_many_are_approved_at_once(stage, csp):
    response = decide(csp, "approve", stage.deviating, stage.agreeing)
    assert "2 SDRs are accepted." in text(response)
    assert standing_of(stage.deviating).settled_amount == 12


def test_a_decline_needs_a_reason_and_other_a_note(stage, csp):
    assert "This field is required" in text(decide(csp, "decline", stage.deviating))
    assert "Say which" in text(decide(csp, "decline", stage.deviating, reason="OTH"))
    assert standing_of(stage.deviating).state == "deviating"


def test_one_that_cannot_be_decided_holds_up_no_other(stage, csp):
    models.SdrState.objects.filter(sdr=stage.agreeing).update(state="rejected")
    response = decide(csp, "approve", stage.agreeing, stage.deviating)
    assert "1 SDR is accepted." in text(response)
    assert f"{stage.agreeing.reference}: " in text(response)


def test_the_visited_cso_readers_and_outsiders_do_not_decide(stage, cso, outsider):
    reader = signed_in(member(stage.cast.home_csp.operator, "reader"))
    for client, status in ((cso, 404), (reader, 403), (outsider, 404)):
        assert decide(client, "approve", stage.deviating).status_code == status
        assert (
            client.get(DECIDE, {"decision": "approve", "sdr": stage.deviating.pk}).status_code
            == status
        )
        assert "Approve…" not in text(client.get(page_of(stage.deviating)))
    assert standing_of(stage.deviating).state == "deviating"


def test_a_list_with_one_that_is_not_there_is_not_decided_at_all(stage, csp):
    unknown = str(stage.deviating.pk)[:-4] + "0000"
    given = {"decision": "approve", "sdr": [stage.deviating.pk, unknown]}
    assert csp.post(DECIDE, given).status_code == 404
    assert csp.post(DECIDE, {"decision": "burn", "sdr": [stage.deviating.pk]}).status_code == 404
    assert standing_of(stage.deviating).state == "deviating"


def test_nothing_chosen_leads_back_with_a_word(stage, csp):
    assert "Choose at least one" in text(csp.get(DECIDE, {"decision": "approve"}, follow=True))


def test_after_the_window_an_sdr_that_agrees_is_not_declined(stage, csp):
    later = NOW + timedelta(days=30)
    set_business_clock(later, speed=0, ceiling=later)
    forget_reading()
    assert "Decline…" not in text(csp.get(page_of(stage.agreeing)))
    response = decide(csp, "decline", stage.agreeing, reason="PRC")
    assert "window for this decision has passed" in text(response)


def test_boxes_stand_only_beside_what_may_be_decided(stage, csp, cso):
    decide(csp, "approve", stage.agreeing)
    rows = csp.get(reverse("portal:sdrs")).context["table"].rows
    assert [row.key for row in rows] == [str(stage.deviating.pk), ""]
    assert 'name="sdr"' not in text(cso.get(reverse("portal:sdrs")))
