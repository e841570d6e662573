"""A month end as a story: October 2026, four organisations, figures to check by hand.

Prices per kWh: Nordstrom 0.50, Suedlade 0.40, Kuestennetz 0.60. Nordstrom and Suedlade are both CSO
and CSP and owe each other. The clearing house charges 0.10 per SDR to the CSO and 0.05 to the CSP.

| CSO         | home-CSP  | what                                        | claims        | settled |
|-------------|-----------|---------------------------------------------|---------------|---------|
| Nordstrom   | Suedlade  | 3 sessions of 20 kWh                        | 3 x 10.00     |   30.00 |
| Suedlade    | Nordstrom | 30 kWh                                      | 12.00         |   12.00 |
| Suedlade    | Nordstrom | 30 kWh, billed at 0.48: declined            | 14.40         |       - |
| Kuestennetz | Fahrwerk  | 10 kWh                                      | 6.00          |    6.00 |
| Kuestennetz | Fahrwerk  | 15 kWh, billed as 90.00: credited, new SDR  | 90, -90, 9.00 |    9.00 |
| Kuestennetz | Fahrwerk  | 10 kWh, eight days late: approved           | 6.00          |    6.00 |
| Nordstrom   | Fahrwerk  | 20 kWh, billed twice: the second stays open | 2 x 10.00     |   10.00 |
"""

import csv
import io
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from roaming import models
from settlement.models import FeeCharge, NetPayment, NetPosition, Statement
from settlement.reports import settlement_report, write_csv
from settlement.use_cases.books import trial_balance
from settlement.use_cases.sdr_decision import Decision, accept_undecided, approve_sdr, decline_sdr
from settlement.use_cases.sdr_reconciliation import reconcile
from tests import factories
from tests.settlement.closing import Closing, clearing_house, fee
from tests.settlement.sdrs import Trade, announce, rules_of, standing_of

OCTOBER = datetime(2026, 10, 1, 8, tzinfo=UTC)
END_OF_MONTH = datetime(2026, 10, 31, 23, tzinfo=UTC)
DAY = timedelta(days=1)
PRICES = {"NOR": "0.50", "SUE": "0.40", "KUE": "0.60"}


@pytest.fixture
def parties(db):
    clearing_house()
    fee("CSO", "0.10")
    fee("CSP", "0.05")
    names = {"NOR": "Nordstrom", "SUE": "Suedlade", "KUE": "Kuestennetz", "FAH": "Fahrwerk"}
    operators = {code: factories.OperatorFactory(name=name) for code, name in names.items()}
    identifiers = {}
    for code, role in (("NOR", "CSO"), ("NOR", "CSP"), ("SUE", "CSO"), ("SUE", "CSP"),
                       ("KUE", "CSO"), ("FAH", "CSP")):  # fmt: skip
        sign = "*" if role == "CSO" else "-"
        identifiers[code, role] = factories.IdentifierFactory(
            operator=operators[code], role=role, identifier=f"DE{sign}{code}"
        )
    trades = {}
    for cso, csp in (("NOR", "SUE"), ("SUE", "NOR"), ("KUE", "FAH"), ("NOR", "FAH")):
        trades[cso, csp] = Trade(
            factories.make_agreement(operators[cso], operators[csp]),
            identifiers[cso, "CSO"],
            identifiers[csp, "CSP"],
            factories.PlatformFactory(run_by=operators[cso]),
            factories.make_site(identifiers[cso, "CSO"], f"DE*{cso}*E{csp}"),
        )
    for code, price in PRICES.items():
        announce(identifiers[code, "CSO"], price=price)
    return trades


class Month:
    """The SDRs of October as they come in, one session a day per trade; and what came of them."""

    def __init__(self, trades):
        self.trades = trades
        self._days = defaultdict(int)
        for _ in range(3):
            self.sdr("NOR", "SUE", "20", "10.00")
        self.sdr("SUE", "NOR", "30", "12.00")
        self.dear = self.sdr("SUE", "NOR", "30", "14.40")
        self.sdr("KUE", "FAH", "10", "6.00")
        session = self.session("KUE", "FAH")
        self.wrong = self.sdr("KUE", "FAH", "15", "90.00", session)
        self.right = self.sdr("KUE", "FAH", "15", "9.00", session)
        self.late = self.sdr("KUE", "FAH", "10", "6.00", received_at=OCTOBER + 10 * DAY)
        session = self.session("NOR", "FAH")
        self.sdr("NOR", "FAH", "20", "10.00", session)
        self.twice = self.sdr("NOR", "FAH", "20", "10.00", session)

    def session(self, cso, csp):
        day = self._days[cso, csp]
        self._days[cso, csp] += 1
        token = f"{cso}{csp}".encode().ljust(32)
        return self.trades[cso, csp].session(OCTOBER + day * DAY, token_hmac=token)

    def sdr(self, cso, csp, kwh, claim, session=None, **fields):
        session = session or self.session(cso, csp)
        token = bytes(session.token_hmac)
        fields.setdefault("ended_at", session.opened_at + timedelta(hours=2))  # 30 kWh at 22 kW
        return self.trades[cso, csp].sdr(session, kwh=kwh, claim=claim, token_hmac=token, **fields)

    def reconcile_and_decide(self):
        """The wrong SDR is credited; home-CSPs decide what deviates; silence takes the rest."""
        reconcile("live", OCTOBER + 11 * DAY)
        self.trades["KUE", "FAH"].credit_of(self.wrong)
        reconcile("live", OCTOBER + 12 * DAY)
        decline_sdr(self.dear.id, NORDSTROM, OCTOBER + 13 * DAY)
        approve_sdr(self.late.id, FAHRWERK, OCTOBER + 13 * DAY)
        return accept_undecided(END_OF_MONTH)

    def close(self):
        """Draft after the cut-off, preliminary, two days for objections, final by another."""
        self.reconcile_and_decide()
        closing = Closing.of(self.trades["NOR", "SUE"], OCTOBER)
        closing.finalise()
        return closing


NORDSTROM = Decision("Nordstrom", "PRC", "billed at 0.48 instead of 0.40", by_home_csp=True)
FAHRWERK = Decision("Fahrwerk", "late, but right", by_home_csp=True)


@pytest.fixture
def month(parties):
    return Month(parties)


@pytest.fixture
def october(month):
    return month.close()


def test_what_is_wrong_is_found_and_nothing_else(month):
    run = reconcile("live", OCTOBER + 11 * DAY)
    assert (run.judged, run.outcomes) == (11, {"agreed": 6, "deviating": 5})
    deviating = (month.dear, month.wrong, month.right, month.late, month.twice)
    found = [rules_of(sdr) for sdr in deviating]
    assert found == [["PRC-01"], ["PRC-01"], ["DUP-02"], ["TIM-05"], ["DUP-02"]]


def test_the_right_sdr_takes_the_place_of_the_credited_one_and_silence_accepts(month):
    assert month.reconcile_and_decide().accepted == 7
    states = [standing_of(s).state for s in (month.wrong, month.right, month.late, month.dear)]
    assert states == ["credited", "accepted", "accepted", "disputed"]


def test_the_statements_say_what_is_owed_and_what_was_carved_out(october):
    assert {
        (s.visited_cso.name, s.home_csp.name): (
            s.sdr_count, str(s.energy_kwh), str(s.payable), s.open_count, str(s.open_amount)
        )
        for s in Statement.objects.filter(period=october.period)
    } == {
        ("Nordstrom", "Suedlade"): (3, "60", "30.00", 0, "0"),
        ("Suedlade", "Nordstrom"): (1, "30", "12.00", 1, "14.40"),
        ("Kuestennetz", "Fahrwerk"): (4, "35", "21.00", 0, "0"),  # the credit is a line of zero
        ("Nordstrom", "Fahrwerk"): (1, "20", "10.00", 1, "10.00"),
    }  # fmt: skip


def test_each_pays_its_fees_and_the_credit_costs_nothing(october):
    fees = defaultdict(Decimal)
    for charged in FeeCharge.objects.filter(period=october.period):
        fees[charged.operator.name] += charged.amount
    assert fees == {
        "Nordstrom": Decimal("0.45"),  # 4 x 0.10 + 1 x 0.05
        "Suedlade": Decimal("0.25"),  # 1 x 0.10 + 3 x 0.05
        "Kuestennetz": Decimal("0.30"),  # 3 x 0.10
        "Fahrwerk": Decimal("0.20"),  # 4 x 0.05
    }


def test_those_who_owe_each_other_make_one_payment(october):
    """Suedlade owes 30.00 and is owed 12.00: it pays 18.00. 73.00 gross become 49.00."""
    assert paid_in(october) == {
        ("Suedlade", "Nordstrom", "30.00", "12.00"): Decimal("18.00"),
        ("Fahrwerk", "Kuestennetz", "21.00", "0"): Decimal("21.00"),
        ("Fahrwerk", "Nordstrom", "10.00", "0"): Decimal("10.00"),
    }


def test_net_positions_sum_to_zero_with_the_clearing_house_among_them(october):
    nets = dict(
        NetPosition.objects.filter(period=october.period).values_list("operator__name", "net")
    )
    assert nets == {
        "Nordstrom": Decimal("27.55"),  # 30.00 + 10.00 - 12.00 - 0.45
        "Suedlade": Decimal("-18.25"),  # 12.00 - 30.00 - 0.25
        "Kuestennetz": Decimal("20.70"),  # 21.00 - 0.30
        "Fahrwerk": Decimal("-31.20"),  # -21.00 - 10.00 - 0.20
        "Clearing House": Decimal("1.20"),
    }
    assert sum(nets.values()) == 0


def test_the_books_say_what_is_left_after_netting(october):
    assert balances() == {
        ("Suedlade", "memo_receivable"): Decimal("18.00"),
        ("Nordstrom", "memo_payable"): Decimal("-28.00"),  # 18.00 + 10.00
        ("Fahrwerk", "memo_receivable"): Decimal("31.00"),
        ("Kuestennetz", "memo_payable"): Decimal("-21.00"),
        ("Nordstrom", "receivable"): Decimal("0.45"),
        ("Suedlade", "receivable"): Decimal("0.25"),
        ("Kuestennetz", "receivable"): Decimal("0.30"),
        ("Fahrwerk", "receivable"): Decimal("0.20"),
        ("Clearing House", "fee_income"): Decimal("-1.20"),
    }


def test_the_settlement_report_sums_to_the_statements(october):
    file = io.BytesIO()
    write_csv(settlement_report(october.period), file)
    lines = list(csv.DictReader(io.StringIO(file.getvalue().decode())))
    assert len(lines) == 9
    assert sum(Decimal(line["Settled before tax"]) for line in lines) == Decimal("73.00")


def test_november_adjusts_and_october_stays_as_it_is(month, october):
    """Suedlade gives in, and Kuestennetz takes back an SDR that is settled already."""
    november_1 = END_OF_MONTH + 12 * DAY
    month.trades["SUE", "NOR"].credit_of(month.dear, received_at=november_1)
    session = models.ServiceSession.objects.get(id=month.dear.service_session_id)
    corrected = month.sdr("SUE", "NOR", "30", "12.00", session, received_at=november_1)
    month.trades["KUE", "FAH"].credit_of(month.late, received_at=november_1)
    reconcile("live", november_1)
    assert rules_of(corrected) == ["TIM-05"]  # it is late, of course
    approve_sdr(corrected.id, NORDSTROM, november_1 + DAY)
    november = october.following()
    november.finalise()
    assert {
        (s.visited_cso.name, s.home_csp.name): (str(s.before_tax), str(s.adjustments))
        for s in Statement.objects.filter(period=november.period)
    } == {("Suedlade", "Nordstrom"): ("0", "12.00"), ("Kuestennetz", "Fahrwerk"): ("0", "-6.00")}
    assert paid_in(november) == {
        ("Nordstrom", "Suedlade", "12.00", "0"): Decimal("12.00"),
        ("Kuestennetz", "Fahrwerk", "0", "-6.00"): Decimal("6.00"),
    }
    assert trial_balance("live").balanced
    assert not october.draft().changed


def paid_in(closing):
    """(payer, payee, what each owed) -> amount, without the fees."""
    rows = NetPayment.objects.filter(period=closing.period, mode="direct")
    return {
        (p.payer.name, p.payee.name, str(p.payer_owes), str(p.payee_owes)): p.amount for p in rows
    }


def balances():
    """(operator, kind) -> balance of every account that is not at zero; the trial balance is."""
    found = trial_balance("live")
    assert found.balanced
    return {(a.operator, a.kind): a.balance for a in found.accounts if a.balance}
