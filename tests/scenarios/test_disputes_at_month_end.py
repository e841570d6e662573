"""Disputes around a month end, over the API, with figures to check by hand.

Visited CSO charges 0.60 per kWh. Home CSP declines four of its five SDRs of October; a fifth is
disputed for fraud after it was settled.

| SDR     | kWh | tariff gives | claim | holds right | how it ends                     | settled |
|---------|-----|--------------|-------|-------------|---------------------------------|---------|
| right   |  10 |         6.00 |  6.00 |             | nobody objects: accepted        |    6.00 |
| won     |  20 |        12.00 | 15.00 |       12.00 | reviewed: upheld                |   12.00 |
| lost    |  20 |        12.00 | 12.00 |        0.00 | reviewed: dismissed             |   12.00 |
| silent  |  10 |         6.00 |  9.00 |        6.00 | the CSO is silent: conceded     |    6.00 |
| partly  |  30 |        18.00 | 24.00 |       18.00 | 22.00 offered, ruled at 20.00   |   20.00 |

October closes while the four are open: 6.00 is settled, 15.00 + 12.00 + 9.00 + 24.00 = 60.00 carved
out. November takes them up at 12.00 + 12.00 + 6.00 + 20.00 = 50.00, less the 6.00 of the fraud that
the CSO concedes: 44.00. Over both months Home CSP pays 6.00 + 44.00 = 50.00 of 66.00 claimed. The
clearing house charges the CSO 0.10 per SDR: 0.10 in October, 0.40 in November.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from roaming.models import Delivery, Sdr, SdrState
from roaming.models.clock import set_business_clock
from settlement.models import Dispute, FeeCharge, NetPayment, OutgoingMail, Statement
from settlement.use_cases.books import trial_balance
from settlement.use_cases.dispute import Contest, expire_due, open_dispute
from settlement.use_cases.sdr_decision import accept_undecided
from settlement.use_cases.sdr_reconciliation import reconcile
from tests.clearinghouse.admin.fixtures import take
from tests.settlement.closing import Closing, fee
from tests.settlement.disputing import explained
from tests.settlement.sdrs import Trade, announce

OCTOBER = datetime(2026, 10, 1, 8, tzinfo=UTC)
DAY = timedelta(days=1)
CLAIMS = {
    "right": ("10", "6.00"),
    "won": ("20", "15.00"),
    "lost": ("20", "12.00"),
    "silent": ("10", "9.00"),
    "partly": ("30", "24.00"),
}


class Story:
    """What the two parties and the clearing house say, each at its time."""

    def __init__(self, client, cast, clerk):
        self.client, self.cast, self.clerk = client, cast, clerk
        announce(cast.visited_cso.identifier, price="0.60")
        fee("CSO", "0.10")
        self.trade = Trade.of(cast)
        self.sdrs = {}
        for n, (name, (kwh, claim)) in enumerate(CLAIMS.items()):
            session = self.trade.session(OCTOBER + n * DAY)
            self.sdrs[name] = self.trade.sdr(
                session, kwh=kwh, claim=claim, ended_at=session.opened_at + timedelta(hours=2)
            )
        reconcile("live", OCTOBER + 5 * DAY)

    def say(self, party, path, body, at):
        """A message of a party that has to work."""
        set_business_clock(at, speed=0, ceiling=at)
        answer = self.client.post(
            f"/api/v1/reconciliation/{path}",
            json.dumps(body),
            content_type="application/json",
            headers=party.headers,
        )
        assert answer.status_code in (200, 201), answer.content
        return answer.json()

    def decline(self):
        """In one call, each with its reason and what is right all the same."""
        why = {
            "won": ("PRC", "0.75 instead of 0.60", "12.00"),
            "lost": ("AUT", "not our driver", None),
            "silent": ("PRC", "0.90 instead of 0.60", "6.00"),
            "partly": ("PRC", "0.80 instead of 0.60", "18.00"),
        }
        lines = [
            {"sdr_id": str(self.sdrs[name].id), "decision": "decline", "reason": reason,
             "note": note, "undisputed_amount": right}
            for name, (reason, note, right) in why.items()
        ]  # fmt: skip
        answer = self.say(self.cast.home_csp, "sdrs/decisions", lines, OCTOBER + 3 * DAY)
        assert (answer["done"], answer["refused"]) == (4, 0)

    def dispute(self, name):
        return Dispute.objects.get(sdr=self.sdrs[name])

    def step(self, name, party, at, **said):
        self.say(party, f"disputes/{self.dispute(name).pk}/steps", said, at)

    def argue(self):
        """Both sides speak; the CSO says nothing of one."""
        cso, csp = self.cast.visited_cso, self.cast.home_csp
        answered, insisted = OCTOBER + 8 * DAY, OCTOBER + 10 * DAY
        for name in ("won", "lost"):
            self.step(name, cso, answered, step="maintain", text="as published, as authorised")
        self.say(cso, f"disputes/{self.dispute('lost').pk}/evidence?name=authorisation",
                 {"authorised": "ONLINE"}, answered)  # fmt: skip
        self.step("partly", cso, answered, step="offer", amount="22.00", text="the first hour")
        for name in ("won", "lost", "partly"):
            self.step(name, csp, insisted, step="insist")

    def rule(self, name, step, at, **data):
        """Staff rules on the dispute's page in the admin."""
        set_business_clock(at, speed=0, ceiling=at)
        take(self.clerk, self.dispute(name), step, text="as the tariff in force says", **data)

    def amounts(self):
        standings = SdrState.objects.in_bulk([sdr.id for sdr in self.sdrs.values()])
        return {name: standings[sdr.id].settled_amount for name, sdr in self.sdrs.items()}


@pytest.fixture
def story(client, cast, settings, tmp_path, django_user_model):
    settings.DISPUTE_FILES_DIR = tmp_path
    from django.test import Client

    clerk = Client()
    person = django_user_model.objects.create_superuser("alice", password="x")
    clerk.force_login(person)
    return Story(client, cast, clerk)


@pytest.fixture
def october(story):
    """October is closed while four disputes are open."""
    story.decline()
    accept_undecided(OCTOBER + 20 * DAY)
    closing = Closing.of(story.trade, OCTOBER)
    closing.finalise()
    return closing


def test_what_is_disputed_is_carved_out_and_the_rest_settles(story, october):
    [statement] = october.statements()
    assert (statement.payable, statement.open_count, statement.open_amount) == (
        Decimal("6.00"), 4, Decimal("60.00")
    )  # fmt: skip


def test_one_won_one_lost_one_by_silence_one_partly(story):
    story.decline()
    story.argue()
    assert expire_due(OCTOBER + 13 * DAY) == 1  # ten days after the decline
    story.rule("won", "uphold", OCTOBER + 15 * DAY)
    story.rule("lost", "dismiss", OCTOBER + 15 * DAY)
    story.rule("partly", "rule-partly", OCTOBER + 15 * DAY, amount="20.00")
    accept_undecided(OCTOBER + 20 * DAY)
    assert story.amounts() == {
        "right": Decimal("6.00"), "won": Decimal("12.00"), "lost": Decimal("12.00"),
        "silent": Decimal("6.00"), "partly": Decimal("20.00"),
    }  # fmt: skip
    results = {name: story.dispute(name).result for name in CLAIMS if name != "right"}
    assert results == {
        "won": "upheld", "lost": "dismissed", "silent": "conceded", "partly": "partly"
    }  # fmt: skip
    assert all(explained(story.dispute(name)) for name in results)
    closing = Closing.of(story.trade, OCTOBER)
    closing.finalise()
    [statement] = closing.statements()
    assert (statement.payable, statement.open_count) == (Decimal("56.00"), 0)
    kinds = {line.sdr.reference: line.kind for line in closing.lines()}
    assert sorted(kinds.values()) == ["claim", "ruling", "ruling", "ruling", "ruling"]


def test_november_settles_what_was_ruled_and_credits_what_was_settled_wrongly(story, october):
    november = OCTOBER + 31 * DAY
    # the windows have passed meanwhile: the CSO was silent about all four but for more time
    for name in ("won", "lost", "partly"):
        story.rule(name, "extend", OCTOBER + 5 * DAY, days="60")
    assert expire_due(november) == 1
    cso, csp = story.cast.visited_cso, story.cast.home_csp
    for name in ("won", "lost"):
        story.step(name, cso, november, step="maintain", text="as published, as authorised")
    story.step("partly", cso, november, step="offer", amount="22.00", text="the first hour")
    for name in ("won", "lost", "partly"):
        story.step(name, csp, november + DAY, step="insist")
    story.rule("won", "uphold", november + 2 * DAY)
    story.rule("lost", "dismiss", november + 2 * DAY)
    story.rule("partly", "rule-partly", november + 2 * DAY, amount="20.00")
    fraud = Contest("FRD", "the card was cloned")
    open_dispute(story.sdrs["right"].id, fraud, "alice", november + 2 * DAY)
    story.step("right", cso, november + 3 * DAY, step="concede", text="we were told, too")

    closing = october.following()
    closing.finalise()
    [statement] = closing.statements()
    assert (statement.before_tax, statement.adjustments, statement.payable) == (
        0, Decimal("44.00"), Decimal("44.00")
    )  # fmt: skip
    assert sorted(line.amount for line in closing.lines()) == [
        Decimal("-6.00"), Decimal("6.00"), Decimal("12.00"), Decimal("12.00"), Decimal("20.00")
    ]  # fmt: skip
    paid = NetPayment.objects.filter(mode="direct", payer=csp.operator)
    assert sorted(paid.values_list("amount", flat=True)) == [Decimal("6.00"), Decimal("44.00")]
    fees = FeeCharge.objects.order_by("period__during").values_list("amount", flat=True)
    assert list(fees) == [Decimal("0.10"), Decimal("0.40")]
    assert trial_balance("live").balanced
    # October stays as it is: its SDR is settled at 6.00, and the credit names it
    assert story.amounts()["right"] == Decimal("6.00")
    credit = Sdr.objects.get(credit=True)
    assert (credit.credit_reference, credit.claim_before_tax) == (
        story.sdrs["right"].reference, Decimal("-6.00")
    )  # fmt: skip
    assert not october.draft().changed
    assert Statement.objects.filter(status="final").count() == 2


def test_both_are_told_of_every_step(story):
    story.decline()
    story.argue()
    expire_due(OCTOBER + 13 * DAY)
    steps = 4 + 2 + 1 + 1 + 3 + 1  # declines, maintained, evidence, offer, insisted, silence
    for party, own_files in ((story.cast.home_csp, 0), (story.cast.visited_cso, 1)):
        told = Delivery.objects.filter(receiver=party.platform, path="reconciliation/disputes")
        assert told.count() == steps
        # The four declines came in one call: one mail tells of them. Of its own file no mail.
        mails = OutgoingMail.objects.filter(operator=party.operator)
        assert mails.count() == steps - 3 - own_files
