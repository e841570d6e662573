"""An agreement becomes active by both parties' acceptance, and stops new business when told to."""

import json
from datetime import datetime, timedelta

import pytest
from psycopg.types.range import TimestamptzRange

from roaming import models
from roaming.use_cases.agreement_lifecycle import (
    AcceptanceRecord,
    AgreementError,
    accept_agreement,
    end_agreement,
    end_agreements_that_ran_out,
    propose_agreement,
    resume_agreement,
    suspend_agreement,
)
from tests import factories


@pytest.fixture
def draft(cast, now):
    return models.Agreement.objects.create(
        visited_cso=cast.visited_cso.operator,
        home_csp=cast.outsider.operator,
        services=["local_start", "reservation"],
        validity=TimestamptzRange(now, None),
        calendar=cast.agreement.calendar,
    )


def both_accept(agreement, now):
    for party in ("CSO", "CSP"):
        agreement = accept_agreement(agreement, AcceptanceRecord(party, "api", "m1"), now)
    return agreement


def test_the_second_acceptance_activates_it(draft, now):
    proposed = propose_agreement(draft, now)
    half = accept_agreement(proposed, AcceptanceRecord("CSO", "api", "m1"), now)
    assert half.status == "proposed"
    again = accept_agreement(proposed, AcceptanceRecord("CSO", "api", "m2"), now)
    assert again.status == "proposed"
    active = accept_agreement(proposed, AcceptanceRecord("CSP", "api", "m3"), now)
    assert active.status == "active"
    assert sorted(active.covered_services.values_list("service", flat=True)) == [
        "local_start",
        "reservation",
    ]


def test_a_draft_cannot_be_accepted(draft, now):
    with pytest.raises(AgreementError, match="Propose"):
        accept_agreement(draft, AcceptanceRecord("CSO", "api", "m1"), now)


def test_a_document_needs_a_second_person(draft, now):
    proposed = propose_agreement(draft, now)
    clerk, colleague = factories.UserFactory(), factories.UserFactory()
    alone = AcceptanceRecord("CSO", "document", "scan.pdf", clerk, clerk)
    with pytest.raises(AgreementError, match="second"):
        accept_agreement(proposed, alone, now)
    accept_agreement(
        proposed, AcceptanceRecord("CSO", "document", "scan.pdf", clerk, colleague), now
    )
    assert proposed.acceptances.get().confirmed_by == colleague


def test_an_overlap_is_seen_before_anybody_accepts(cast, now):
    rival = models.Agreement.objects.create(
        visited_cso=cast.visited_cso.operator,
        home_csp=cast.home_csp.operator,
        services=["reservation"],
        validity=TimestamptzRange(now, None),
        calendar=cast.agreement.calendar,
    )
    with pytest.raises(AgreementError, match="overlaps"):
        propose_agreement(rival, now)


def test_agent_mode_is_off_until_a_licence_check_is_recorded(draft, now):
    draft.collection_mode = "agent"
    draft.save()
    with pytest.raises(AgreementError, match="licence"):
        propose_agreement(draft, now)


def test_two_agreements_may_adjoin(cast, now):
    end_agreement(cast.agreement, now)
    following = models.Agreement.objects.create(
        visited_cso=cast.visited_cso.operator,
        home_csp=cast.home_csp.operator,
        services=["reservation"],
        validity=TimestamptzRange(now, None),
        calendar=cast.agreement.calendar,
        replaces=cast.agreement,
    )
    assert both_accept(propose_agreement(following, now), now).status == "active"


def test_suspension_and_resumption_are_dated(cast, now):
    clerk = factories.UserFactory()
    suspend_agreement(cast.agreement, now, "unpaid", clerk)
    resumed = resume_agreement(cast.agreement, now + timedelta(days=2))
    assert resumed.status == "active"
    suspension = resumed.suspensions.get()
    assert suspension.during.upper - suspension.during.lower == timedelta(days=2)
    with pytest.raises(AgreementError, match="active"):
        resume_agreement(cast.agreement, now)


def test_a_suspension_needs_a_reason(cast, now):
    with pytest.raises(AgreementError, match="why"):
        suspend_agreement(cast.agreement, now, " ", None)


def test_an_ended_agreement_keeps_its_services_up_to_its_end(cast, now):
    ended = end_agreement(cast.agreement, now)
    assert ended.status == "ended"
    uppers = set(ended.covered_services.values_list("validity", flat=True))
    assert {validity.upper for validity in uppers} == {now}
    with pytest.raises(AgreementError):
        end_agreement(cast.agreement, now)


# --- An agreement that just runs out --------------------------------------------------------------
def notices():
    rows = models.Delivery.objects.filter(path="agreements/notice").order_by("id")
    return [(row.receiver_id, json.loads(row.body)) for row in rows]


@pytest.fixture
def running_out(cast, now):
    """An agreement of the cast's two with a last moment, and one without."""
    models.Agreement.objects.filter(pk=cast.agreement.pk).update(
        validity=TimestamptzRange(factories.EPOCH, now)
    )
    factories.make_agreement(cast.visited_cso.operator, cast.outsider.operator)
    return cast


@pytest.mark.parametrize("suspended", [False, True])
def test_an_agreement_that_runs_out_is_ended_and_both_parties_are_told_once(
    running_out, now, suspended
):
    cast = running_out
    if suspended:
        suspend_agreement(cast.agreement, now - timedelta(days=1), "unpaid", None)
        models.Delivery.objects.all().delete()
    assert end_agreements_that_ran_out(now - timedelta(seconds=1)) == 0
    assert notices() == []
    later = now + timedelta(minutes=3)
    assert end_agreements_that_ran_out(later) == 1
    assert end_agreements_that_ran_out(later) == 0
    told = notices()
    both = {cast.visited_cso.platform.pk, cast.home_csp.platform.pk}
    assert (len(told), {receiver for receiver, _ in told}) == (2, both)
    for _, notice in told:
        assert (notice["event"], notice["agreement_id"]) == ("ended", cast.agreement.pk)
        assert datetime.fromisoformat(notice["at"]) == now
        assert datetime.fromisoformat(notice["valid_to"]) == now
    agreement = models.Agreement.objects.get(pk=cast.agreement.pk)
    assert (agreement.status, agreement.validity.upper) == ("ended", now)
    assert not agreement.suspensions.filter(during__endswith=None).exists()
    others = models.Agreement.objects.exclude(pk=agreement.pk)
    assert set(others.values_list("status", flat=True)) == {"active"}


def test_one_that_a_person_has_ended_is_told_of_once(running_out, now):
    end_agreement(running_out.agreement, now - timedelta(hours=1))
    assert len(notices()) == 2
    assert end_agreements_that_ran_out(now) == 0
    assert len(notices()) == 2


def test_a_proposal_that_nobody_accepted_in_time_just_stays(draft, now):
    models.Agreement.objects.filter(pk=draft.pk).update(
        validity=TimestamptzRange(now, now + timedelta(days=1))
    )
    propose_agreement(models.Agreement.objects.get(pk=draft.pk), now)
    assert end_agreements_that_ran_out(now + timedelta(days=2)) == 0


def test_the_beat_ends_them(running_out, now):
    from roaming.models.clock import set_business_clock
    from roaming.tasks import end_agreements_that_ran_out as tick

    set_business_clock(now, speed=0, ceiling=now)
    assert tick() == 1
    assert models.Agreement.objects.get(pk=running_out.agreement.pk).status == "ended"
