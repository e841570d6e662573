"""Reports: what stands in them, that files agree with data, and that spreadsheets stay harmless."""

import csv
import io
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command

from roaming import models
from settlement.reports import (
    REPORTS,
    discrepancy_list,
    net_payments,
    net_positions,
    rows,
    settlement_report,
    statement_summary,
    write_csv,
)
from settlement.use_cases.sdr_reconciliation import reconcile
from tests.settlement.closing import Closing, fee
from tests.settlement.sdrs import OCTOBER_5, Trade, announce


@pytest.fixture
def closing(cast):
    announce(cast.visited_cso.identifier)
    return Closing.of(Trade.of(cast))


@pytest.fixture
def trade(closing):
    return closing.trade


def read(report):
    file = io.BytesIO()
    assert write_csv(report, file) == len(file.getvalue())
    return list(csv.DictReader(io.StringIO(file.getvalue().decode())))


def test_the_settlement_report_has_a_line_per_sdr_in_the_order_of_their_end(closing, trade):
    session = trade.session()
    late = trade.accepted(session=session, claim="10.00", started_at=OCTOBER_5 + timedelta(hours=5))
    early = trade.accepted(claim="2.50", kwh="5")
    closing.finalise()
    first, second = read(settlement_report(closing.period))
    assert (first["SDR id"], second["SDR id"]) == (early.reference, late.reference)
    assert second == {
        "Settlement period": "2026-10",
        "Statement": second["Statement"],
        "Statement version": "1",
        "Statement status": "final",
        "Visited-CSO": "Visited CSO",
        "Home-CSP": "Home CSP",
        "Visited-CSO id": "DE*VIS",
        "Home-CSP id": "DE-HOM",
        "SDR id": late.reference,
        "Service session id": str(session.id),
        "EVSE": "DE*VIS*E001",
        "Session start (UTC)": "2026-10-05T15:00:00Z",
        "Session end (UTC)": "2026-10-05T16:00:00Z",
        "Time zone of the site": "Europe/Berlin",
        "Energy (kWh)": "20",
        "Claim before tax": "10.00",
        "Settled before tax": "10.00",
        "Currency": "EUR",
        "Kind of line": "claim",
        "Basis": "claim",
        "Outcome of reconciliation": "agreed",
        "Tariff": "AC",
    }


def test_totals_agree_between_the_reports_and_the_payments(closing, trade):
    for n, claim in enumerate(("10.00", "2.50", "0.01")):
        trade.accepted(session=trade.session(OCTOBER_5 + timedelta(hours=n)), claim=claim)
    fee("CSO", "0.10")
    closing.finalise()
    lines = sum(Decimal(r["Settled before tax"]) for r in read(settlement_report(closing.period)))
    [statement] = read(statement_summary(closing.period))
    [payment] = [r for r in read(net_payments(closing.period)) if r["How"] == "direct"]
    assert lines == Decimal(statement["Payable"]) == Decimal(payment["To pay"]) == Decimal("12.51")
    nets = [Decimal(r["Net (negative: owes)"]) for r in read(net_positions(closing.period))]
    assert sum(nets) == 0
    assert len(nets) == 3


def test_the_discrepancy_list_says_both_values_the_money_and_the_rule_in_words(closing, trade):
    trade.sdr(trade.session(), claim="12.30")
    rejected = trade.sdr(state="rejected", ended_at=OCTOBER_5 - timedelta(hours=1), agreement=None)
    models.Finding.objects.create(
        id=rejected.id, environment="live", period=rejected.period, sdr=rejected, rule="TIM-01",
        severity="fatal", explanation="ends first", found_at=rejected.received_at,
    )  # fmt: skip
    november = trade.sdr(started_at=closing.period.during.upper)
    reconcile("live", OCTOBER_5 + timedelta(days=1))
    assert november.findings.exists()
    price, time = read(discrepancy_list(closing.period))
    assert (price["Rule"], price["What is wrong"]) == ("PRC-01", "Total differs")
    assert (price["Claimed"], price["Expected"]) == ("12.30 EUR", "10.00 EUR")
    assert price["Money at stake"] == "2.30"
    assert (time["Rule"], time["What is wrong"], time["Severity"]) == (
        "TIM-01", "End before start", "fatal"
    )  # fmt: skip


@pytest.mark.parametrize("text", ["=1+1", "+49*823*1", "-2", "@SUM(A1)", "\t=1", " =1", "\r=1"])
def test_text_that_a_spreadsheet_would_run_is_defused(closing, trade, text):
    trade.accepted(session=trade.session(), claim="-10", reference=text)
    closing.draft()
    [row] = read(settlement_report(closing.period))
    assert row["SDR id"] == f"'{text}"
    assert row["Settled before tax"] == "-10"  # a number is a number


def test_text_with_commas_quotes_and_line_ends_comes_back_as_it_was(closing, trade):
    text = 'a,"b"\nä; € 1'
    trade.accepted(session=trade.session(), claim="10", reference=text)
    closing.draft()
    [row] = read(settlement_report(closing.period))
    assert row["SDR id"] == text


def test_the_data_and_the_file_say_the_same(closing, trade):
    trade.accepted(session=trade.session(), claim="10")
    trade.sdr(trade.session(), claim="12")
    fee("CSP", "0.10")
    reconcile("live", OCTOBER_5 + timedelta(days=1))
    closing.finalise()
    for make in REPORTS.values():
        report = make(closing.period)
        data = [["" if v is None else str(v) for v in row] for row in rows(report)]
        assert data
        assert [list(row.values()) for row in read(report)] == data


def test_an_empty_report_has_its_headings(closing):
    for make in REPORTS.values():
        file = io.BytesIO()
        write_csv(make(closing.period), file)
        assert file.getvalue().startswith(b"Settlement period,")


def test_files_sort_by_period_and_never_collide(closing):
    names = {make(closing.period).file_name for make in REPORTS.values()}
    assert len(names) == len(REPORTS)
    assert settlement_report(closing.period).file_name == (
        "2026-10_monthly-berlin_live_settlement-report_v0.csv"
    )


def test_a_month_is_closed_by_hand_with_commands(closing, trade, capsys, tmp_path, monkeypatch):
    trade.sdr(trade.session())
    moments = [OCTOBER_5 + timedelta(days=1), OCTOBER_5 + timedelta(days=9)]
    moments += [closing.closes_at] * 2 + [closing.closes_at + timedelta(hours=48)] * 2
    at = iter(moments)

    from roaming.models.clock import set_business_clock

    def run(*arguments):
        now = next(at)
        set_business_clock(now, speed=0, ceiling=now)
        call_command(*arguments)

    run("reconcile")
    run("reconcile", "--open", "--accept")
    run("close_period", "draft", "2026-10")
    run("close_period", "publish", "2026-10", "--by", closing.proposer.username)
    run("close_period", "finalise", "2026-10", "--by", closing.finaliser.username)
    run("close_period", "reports", "2026-10", "--to", str(tmp_path))
    output = capsys.readouterr().out
    assert "1 SDRs judged, 1 changed" in output
    assert "1 accepted by silence" in output
    assert "is final, version 1" in output
    assert len(list(tmp_path.iterdir())) == len(REPORTS)


def test_a_step_that_is_refused_says_why(closing):
    for arguments, words in (
        (("draft", "2026-11"), "no period"),
        (("publish", "2026-10"), "Say who"),
        (("publish", "2026-10", "--by", closing.proposer.username), "not_draft"),
    ):
        with pytest.raises(CommandError, match=words):
            call_command("close_period", *arguments)
