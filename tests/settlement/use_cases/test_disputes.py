"""Disputes from the decline to the last word, and what each end settles."""

import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from roaming.models import Delivery
from settlement.domain.disputes import Step
from settlement.domain.refusals import No, RefusedError
from settlement.models import Dispute, DisputeTerms, OutgoingMail
from settlement.use_cases.dispute import (
    Contest,
    Saying,
    add_evidence,
    expire_due,
    extend_deadline,
    open_dispute,
    take_dispute_step,
    write_message,
)
from settlement.use_cases.sdr_decision import (
    Decision,
    Wish,
    accept_undecided,
    approve_sdr,
    decide_many,
)
from settlement.use_cases.sdr_reconciliation import reconcile
from tests import factories
from tests.settlement.disputing import (
    CSO,
    CSP,
    DAY,
    HOUR,
    HOUSE,
    NOW,
    PRICE,
    disputed,
    explained,
    sdr_of,
)
from tests.settlement.sdrs import OCTOBER_5, Trade, announce


@pytest.fixture
def trade(cast):
    announce(cast.visited_cso.identifier)
    return Trade.of(cast)


@pytest.fixture
def dispute(trade):
    return disputed(trade)


def step(dispute, what, actor, now=NOW, amount=None, text=""):
    said = Saying(None if amount is None else Decimal(amount), text)
    return take_dispute_step(dispute.pk, what, actor, now, said)


def refused(call, *args, **kwargs):
    with pytest.raises(RefusedError) as refusal:
        call(*args, **kwargs)
    return refusal.value.no


def test_a_decline_opens_a_dispute_that_waits_for_the_cso(dispute):
    assert (dispute.origin, dispute.reason, dispute.state) == ("decline", "PRC", "respondent")
    assert (dispute.claim, dispute.undisputed) == (Decimal("14.40"), Decimal("12.00"))
    assert dispute.at_stake == Decimal("2.40")
    assert dispute.respond_by == NOW + 10 * DAY
    assert sdr_of(dispute).state == "disputed"
    assert explained(dispute)


ENDS = [
    # steps of (who, what, amount); what the SDR is settled at, by what, how the dispute ended
    ([(CSO, Step.CONCEDE, None)], "12.00", "ruling", "conceded"),
    ([(CSO, Step.OFFER, "13.00"), (CSP, Step.ACCEPT, None)], "13.00", "ruling", "agreed"),
    ([(CSO, Step.MAINTAIN, None), (CSP, Step.ACCEPT, None)], "14.40", "claim", "withdrawn"),
    ([(CSP, Step.WITHDRAW, None)], "14.40", "claim", "withdrawn"),
    (
        [(CSO, Step.MAINTAIN, None), (CSP, Step.INSIST, None), (HOUSE, Step.UPHOLD, None)],
        "12.00", "ruling", "upheld",
    ),
    (
        [(CSO, Step.OFFER, "13.00"), (CSP, Step.INSIST, None), (HOUSE, Step.RULE_PARTLY, "12.50")],
        "12.50", "ruling", "partly",
    ),
    (
        [(CSO, Step.MAINTAIN, None), (CSP, Step.INSIST, None), (HOUSE, Step.DISMISS, None)],
        "14.40", "ruling", "dismissed",
    ),
    (
        [(CSO, Step.MAINTAIN, None), (CSP, Step.INSIST, None), (CSO, Step.CONCEDE, None)],
        "12.00", "ruling", "conceded",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("steps", "amount", "basis", "result"), ENDS)
def test_each_way_to_its_end_and_what_is_settled(dispute, steps, amount, basis, result):
    for n, (actor, what, named) in enumerate(steps, start=1):
        step(dispute, what, actor, NOW + n * HOUR, named, "for this reason")
    dispute.refresh_from_db()
    standing = sdr_of(dispute)
    assert (standing.state, str(standing.settled_amount), standing.basis) == (
        "accepted", amount, basis
    )  # fmt: skip
    assert (dispute.result, dispute.amount, dispute.respond_by) == (result, Decimal(amount), None)
    assert dispute.sdr.events.order_by("at", "id").last().reason == result
    assert explained(dispute)


def test_nobody_acts_out_of_turn(dispute):
    for actor, what in (
        (CSP, Step.ACCEPT), (CSP, Step.INSIST), (CSP, Step.MAINTAIN), (CSP, Step.OFFER),
        (CSO, Step.ACCEPT), (CSO, Step.WITHDRAW), (CSO, Step.UPHOLD),
        (HOUSE, Step.UPHOLD), (HOUSE, Step.RULE_PARTLY), (HOUSE, Step.CONCEDE),
    ):  # fmt: skip
        assert refused(step, dispute, what, actor, amount="1.00", text="x") is No.NOT_YOUR_TURN
    step(dispute, Step.MAINTAIN, CSO, text="as metered")
    for actor, what in ((CSO, Step.MAINTAIN), (CSO, Step.OFFER), (HOUSE, Step.DISMISS)):
        assert refused(step, dispute, what, actor, amount="1.00", text="x") is No.NOT_YOUR_TURN


def test_what_has_ended_has_ended(dispute):
    step(dispute, Step.CONCEDE, CSO)
    assert refused(step, dispute, Step.WITHDRAW, CSP) is No.DISPUTE_CLOSED
    assert refused(write_message, dispute.pk, CSP, "but", NOW) is No.DISPUTE_CLOSED
    assert refused(extend_deadline, dispute.pk, NOW + 99 * DAY, HOUSE, "x", NOW) is (
        No.DISPUTE_CLOSED
    )
    assert refused(step, Dispute(pk=0), Step.WITHDRAW, CSP) is No.UNKNOWN_DISPUTE
    # and a ruling is not declined anew by its home-CSP
    [outcome] = decide_many([Wish(dispute.sdr_id, False, PRICE)], NOW)
    assert outcome.refusal.no is No.NOT_DECIDABLE


@pytest.mark.parametrize("amount", ["14.41", "-0.01", "13.005", None])
def test_an_offer_is_never_above_the_claim(dispute, amount):
    assert refused(step, dispute, Step.OFFER, CSO, amount=amount) is No.AMOUNT_NOT_POSSIBLE


def test_who_maintains_or_rules_says_why(dispute):
    assert refused(step, dispute, Step.MAINTAIN, CSO, text=" ") is No.TEXT_MISSING


def test_a_step_after_its_deadline_comes_too_late_but_who_gives_in_may(dispute):
    late = dispute.respond_by + timedelta(seconds=1)
    assert refused(step, dispute, Step.MAINTAIN, CSO, late, text="x") is No.WINDOW_OVER
    step(dispute, Step.CONCEDE, CSO, late)


def test_silence_of_the_cso_concedes_and_of_the_csp_withdraws(trade, dispute):
    other = disputed(trade, session=trade.session(OCTOBER_5 - 2 * HOUR))
    step(other, Step.MAINTAIN, CSO, text="as metered")
    assert expire_due(NOW + 5 * DAY - timedelta(seconds=1)) == 0
    assert expire_due(NOW + 5 * DAY) == 1
    assert expire_due(NOW + 10 * DAY) == 1
    assert expire_due(NOW + 100 * DAY) == 0
    assert (sdr_of(dispute).settled_amount, sdr_of(other).settled_amount) == (
        Decimal("12.00"), Decimal("14.40")
    )  # fmt: skip
    for row, result in ((dispute, "conceded"), (other, "withdrawn")):
        row.refresh_from_db()
        assert row.result == result
        assert row.events.last().by_silence
        assert explained(row)


def test_silence_means_what_the_terms_of_the_agreement_say(trade):
    DisputeTerms.objects.create(
        agreement=trade.agreement, respondent_hours=24, claimant_hours=12, review_hours=6,
        respondent_silent="maintain", claimant_silent="insist", review_silent="uphold",
    )  # fmt: skip
    dispute = disputed(trade)
    states = []
    for hours in (24, 36, 42):
        assert expire_due(NOW + hours * HOUR) == 1
        dispute.refresh_from_db()
        states.append(dispute.state)
    assert states == ["claimant", "review", "resolved"]
    assert (dispute.result, dispute.amount) == ("upheld", Decimal("12.00"))


def test_an_offer_binds_by_silence_where_the_terms_say_so(trade):
    DisputeTerms.objects.update(claimant_silent="accept")
    dispute = disputed(trade)
    step(dispute, Step.OFFER, CSO, amount="13.00")
    expire_due(NOW + 6 * DAY)
    assert sdr_of(dispute).settled_amount == Decimal("13.00")


def test_an_overdue_review_stays_with_the_clearing_house(dispute):
    step(dispute, Step.MAINTAIN, CSO, text="as metered")
    step(dispute, Step.INSIST, CSP)
    assert expire_due(NOW + 100 * DAY) == 0
    step(dispute, Step.DISMISS, HOUSE, NOW + 100 * DAY, text="the meter is right")


def test_silence_goes_through_all_that_is_due_in_batches(trade):
    for n in range(5):
        disputed(trade, session=trade.session(OCTOBER_5 - 2 * n * HOUR))
    assert expire_due(NOW + 10 * DAY, batch_size=2) == 5


def test_the_clearing_house_gives_more_time_and_asks_for_more(dispute):
    until = NOW + 20 * DAY
    assert refused(extend_deadline, dispute.pk, until, HOUSE, " ", NOW) is No.TEXT_MISSING
    assert refused(extend_deadline, dispute.pk, NOW + DAY, HOUSE, "x", NOW) is No.NOT_LATER
    extend_deadline(dispute.pk, until, HOUSE, "the CSO is on holiday", NOW)
    assert expire_due(NOW + 11 * DAY) == 0
    step(dispute, Step.MAINTAIN, CSO, NOW + 12 * DAY, text="as metered")
    step(dispute, Step.INSIST, CSP, NOW + 12 * DAY)
    step(dispute, Step.REQUEST_MORE, HOUSE, NOW + 13 * DAY, text="send the signed meter data")
    dispute.refresh_from_db()
    assert (dispute.state, dispute.respond_by) == ("review", NOW + 33 * DAY)
    assert explained(dispute)


def test_there_is_one_live_dispute_and_another_only_after_it(trade, dispute):
    contest = Contest("FRD", "stolen card")
    assert refused(open_dispute, dispute.sdr_id, contest, "alice", NOW) is No.LIVE_DISPUTE
    assert refused(open_dispute, uuid.uuid4(), contest, "alice", NOW) is No.UNKNOWN_SDR
    step(dispute, Step.WITHDRAW, CSP)
    again = open_dispute(dispute.sdr_id, contest, "alice", NOW)
    assert (again.origin, again.state, sdr_of(again).state) == ("staff", "respondent", "disputed")
    copy = Dispute.objects.get(pk=again.pk)
    copy.pk = None
    with pytest.raises(IntegrityError, match="one_live_dispute"), transaction.atomic():
        copy.save()


def test_an_approval_withdraws_the_dispute(dispute):
    approve_sdr(dispute.sdr_id, Decision("Home CSP", by_home_csp=True), NOW)
    dispute.refresh_from_db()
    assert (dispute.state, dispute.amount) == ("withdrawn", Decimal("14.40"))
    assert (sdr_of(dispute).state, sdr_of(dispute).basis) == ("accepted", "claim")
    assert explained(dispute)


def test_silence_that_declines_opens_a_dispute(cast):
    announce(cast.visited_cso.identifier)
    strict = factories.make_agreement(
        cast.visited_cso.operator, cast.outsider.operator, silence="declines"
    )
    trade = Trade(
        strict, cast.visited_cso.identifier, cast.outsider.identifier,
        cast.visited_cso.platform, cast.evse,
    )  # fmt: skip
    sdr = trade.sdr(trade.session())
    reconcile("live", NOW)
    accept_undecided(NOW + 4 * DAY)
    dispute = Dispute.objects.get(sdr=sdr)
    assert (dispute.origin, dispute.reason, dispute.undisputed) == ("silence", "OTH", 0)


def test_both_parties_are_told_by_message_and_by_mail(trade, cast, dispute):
    step(dispute, Step.OFFER, CSO, amount="13.00", text="half-way")
    for party in (cast.home_csp, cast.visited_cso):
        told = Delivery.objects.filter(receiver=party.platform, path="reconciliation/disputes")
        assert [row.object_key for row in told] == [f"dispute:{dispute.pk}"] * 2
        body = told.latest("id").body
        assert '"step":"offer"' in body
        assert '"offered":"13.00"' in body
        mails = OutgoingMail.objects.filter(operator=party.operator)
        assert [mail.recipient for mail in mails] == ["contact@operator.example"] * 2
        assert "amount offered by the visited-CSO: 13.00 EUR" in mails[0].text
    assert not Delivery.objects.filter(receiver=cast.outsider.platform).exists()


def test_many_disputes_make_one_mail_and_few_statements(trade, cast, django_assert_max_num_queries):
    cast.home_csp.operator.dispute_email = "disputes@operator.example"
    cast.home_csp.operator.save()
    sdrs = [trade.sdr(trade.session(OCTOBER_5 - 2 * n * HOUR)) for n in range(12)]
    reconcile("live", NOW)
    with django_assert_max_num_queries(30):
        decide_many([Wish(sdr.id, False, PRICE_LIKE) for sdr in sdrs], NOW)
    assert Dispute.objects.count() == 12
    mails = OutgoingMail.objects.filter(operator=cast.home_csp.operator)
    assert [(m.recipient, m.subject) for m in mails] == [
        ("disputes@operator.example", "12 disputes have news")
    ]
    with django_assert_max_num_queries(30):
        assert expire_due(NOW + 10 * DAY) == 12


PRICE_LIKE = Decision("Home CSP", "PRC", by_home_csp=True)


def test_evidence_is_kept_under_its_hash_and_named_safely(dispute, settings, tmp_path):
    settings.DISPUTE_FILES_DIR = tmp_path
    kept = add_evidence(dispute.pk, CSO, "../../meter.exe", b"kWh;EUR\n24;14.40\n", NOW)
    assert (kept.name, kept.media_type, kept.size) == ("meter.exe.csv", "text/csv", 17)
    [file] = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert (file.name, file.stat().st_mode & 0o777) == (kept.sha256, 0o600)
    event = dispute.events.last()
    assert (event.step, event.side, event.text) == ("evidence", "visited_cso", "meter.exe.csv")
    assert explained(dispute)


def test_evidence_is_limited_in_size_number_and_kind(dispute, settings, tmp_path):
    settings.DISPUTE_FILES_DIR = tmp_path
    settings.DISPUTE_FILE_BYTES, settings.DISPUTE_FILES = 100, 1
    arguments = (dispute.pk, CSP, "a.pdf")
    assert refused(add_evidence, *arguments, b"%PDF-" + b"x" * 96, NOW) is No.EVIDENCE_TOO_LARGE
    assert refused(add_evidence, *arguments, b"MZ\x90\x00", NOW) is No.EVIDENCE_TYPE
    add_evidence(*arguments, b"%PDF-1.7", NOW)
    assert refused(add_evidence, *arguments, b"%PDF-1.7", NOW) is No.TOO_MUCH_EVIDENCE


def test_the_log_of_a_dispute_is_append_only_and_no_dispute_is_removed(dispute):
    for statement in (
        "UPDATE settlement_disputeevent SET text = 'nothing happened'",
        "DELETE FROM settlement_disputeevent",
        "DELETE FROM settlement_disputeevidence",
        "DELETE FROM settlement_dispute",
    ):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    with pytest.raises(IntegrityError, match="above_the_claim"), transaction.atomic():
        Dispute.objects.filter(pk=dispute.pk).update(offered=Decimal("14.41"))
