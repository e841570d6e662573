"""Reports of reconciliation: their totals agree with each other and with sums made here by hand."""

from __future__ import annotations

import csv
import io
import random
import zipfile
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from xml.etree import ElementTree

import pytest

from roaming import models
from settlement.domain.disputes import LIVE
from settlement.models.disputes import Dispute
from settlement.reports import RECONCILIATION_REPORTS, Filters, Format, rows, spreadsheet, write
from settlement.use_cases.sdr_decision import Decision, decline_sdr
from settlement.use_cases.sdr_reconciliation import reconcile
from tests import factories
from tests.settlement.sdrs import OCTOBER_5, Trade, announce

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
OCTOBER = datetime(2026, 10, 1, tzinfo=UTC)
SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def filters(**given):
    values = {
        "environment": "live", "begin": OCTOBER, "end": OCTOBER + timedelta(days=61), "now": NOW,
        "sdr_address": "https://hub.example/sdr/{id}/",
        "session_address": "https://hub.example/session/{id}/",
    }  # fmt: skip
    return Filters(**{**values, **given})


def lines_of(name, **given):
    report = RECONCILIATION_REPORTS[name](filters(**given))
    titles = [column.title for column in report.columns]
    return [dict(zip(titles, row, strict=True)) for row in rows(report)]


def total(lines, column):
    return sum((line[column] or 0 for line in lines), Decimal(0))


@pytest.fixture
def trade(cast):
    announce(cast.visited_cso.identifier)
    return Trade.of(cast)


@pytest.fixture
def month(trade):
    """Sixty SDRs of two months: right, too dear, without session, late, disputed; one in CHF."""
    chance = random.Random(4)
    for number in range(60):
        opened = OCTOBER_5 + timedelta(hours=9 * number)
        session = trade.session(
            opened, authorised_at=opened, started_at=opened, ended_at=opened + timedelta(hours=1),
            energy_kwh=20, completed_at=opened + timedelta(hours=1),
        )  # fmt: skip
        claim = chance.choice(("10.00", "10.00", "12.50", "31.07"))
        lateness = timedelta(days=chance.choice((0, 0, 0, 90)))
        trade.sdr(
            session if number % 7 else None,
            claim=claim,
            started_at=opened,
            received_at=opened + timedelta(hours=2) + lateness,
        )
    trade.sdr(claim="5.00", currency="CHF", started_at=OCTOBER_5 + timedelta(days=1))
    missing = OCTOBER_5 + timedelta(minutes=5)
    trade.session(missing, completed_at=missing, cost_so_far=Decimal("4.40"), cost_currency="EUR")
    reconcile("live", NOW - timedelta(days=3))
    wrong = models.SdrState.objects.filter(state="deviating").order_by("sdr_id")
    for days, standing in zip((2, 10, 40), wrong[:3], strict=True):
        decision = Decision(by="clerk", reason="PRC", note="=1+1")
        decline_sdr(standing.sdr_id, decision, NOW - timedelta(days=days))
    return trade


def test_totals_agree_with_each_other_and_with_independent_sums(month):
    summary = lines_of("summary")
    claimed, energy, at_stake, settled = (defaultdict(Decimal) for _ in range(4))
    outcomes, count = defaultdict(int), 0
    for standing in models.SdrState.objects.select_related("sdr"):
        sdr = standing.sdr
        claimed[sdr.currency] += sdr.claim_before_tax
        energy[sdr.currency] += sdr.energy_kwh
        at_stake[sdr.currency] += standing.money_at_stake or 0
        settled[sdr.currency] += standing.settled_amount or 0
        outcomes[standing.outcome] += 1
        count += 1
    assert total(summary, "SDRs") == count == 61
    for currency in ("EUR", "CHF"):
        of_it = [line for line in summary if line["Currency"] == currency]
        assert total(of_it, "Claimed before tax") == claimed[currency] > 0
        assert total(of_it, "Energy (kWh)") == energy[currency] > 0
        assert total(of_it, "Money at stake") == at_stake[currency]
        assert total(of_it, "Settled before tax") == settled[currency]
    for outcome, number in outcomes.items():
        assert total([s for s in summary if s["Outcome"] == outcome], "SDRs") == number
    assert {line["Month"] for line in summary} == {"2026-10"}


def test_by_rule_and_the_list_say_the_same(month):
    by_rule, listed = lines_of("by-rule"), lines_of("discrepancies")
    standing = list(models.Finding.objects.filter(superseded_at=None))
    assert total(by_rule, "Findings") == len(listed) == len(standing) > 20
    for rule in {finding.rule for finding in standing}:
        of_rule = [finding for finding in standing if finding.rule == rule]
        counted = [line for line in by_rule if line["Rule"] == rule]
        assert total(counted, "Findings") == len(of_rule)
        stake = sum((finding.money_at_stake or 0 for finding in of_rule), Decimal(0))
        assert total(counted, "Money at stake") == stake
        assert lines_of("discrepancies", rule=rule) == [x for x in listed if x["Rule"] == rule]
        assert lines_of("by-rule", rule=rule) == counted


def test_each_line_leads_to_its_sdr(month):
    for line in lines_of("discrepancies"):
        sdr = models.Sdr.objects.get(reference=line["SDR id"])
        assert line["Page"] == f"https://hub.example/sdr/{sdr.pk}/"


def test_disputes_age_and_agree_with_the_summary(month):
    disputes = lines_of("dispute-ageing")
    assert [line["Days"] for line in disputes] == [40, 10, 2]
    assert [line["Age"] for line in disputes] == ["over 30 days", "8 to 14 days", "0 to 7 days"]
    assert {(line["Disputed by"], line["Reason"]) for line in disputes} == {("clerk", "PRC")}
    for line in disputes:
        assert line["Stands with"] in {state.value for state in LIVE}
    known = {dispute.name: dispute for dispute in Dispute.objects.all()}
    assert {line["Dispute"] for line in disputes} == set(known)
    overdue = {name for name, dispute in known.items() if dispute.respond_by < NOW}
    assert {line["Dispute"] for line in disputes if line["Overdue"] == "yes"} == overdue
    summary = lines_of("summary", state="disputed")
    assert total(summary, "SDRs") == 3
    assert total(summary, "Claimed before tax") == total(disputes, "Claim before tax")
    assert total(summary, "Money at stake") == total(disputes, "Money at stake")


def test_missing_and_late_ones_are_listed_with_who_is_behind(month):
    lines = lines_of("missing-and-late")
    missing = [line for line in lines if line["Kind"] == "missing"]
    without = [
        session
        for session in models.ServiceSession.objects.all()
        if not models.Sdr.objects.filter(service_session_id=session.pk).exists()
    ]
    assert {line["Service session id"] for line in missing} == {row.pk for row in without}
    assert total(missing, "Reported or claimed before tax") == Decimal("4.40")
    late = [line for line in lines if line["Kind"] == "late"]
    named = models.Finding.objects.filter(rule="TIM-05", superseded_at=None)
    assert len(late) == named.count() > 0
    assert {line["Visited-CSO"] for line in lines} == {"Visited CSO"}


def test_days_bound_every_report(month):
    half = {"end": OCTOBER + timedelta(days=14)}
    rest = {"begin": OCTOBER + timedelta(days=14)}
    for name in RECONCILIATION_REPORTS:
        first, second, whole = lines_of(name, **half), lines_of(name, **rest), lines_of(name)
        column = {"summary": "SDRs", "by-rule": "Findings"}.get(name)
        if column:
            assert total(first, column) + total(second, column) == total(whole, column)
        else:
            assert len(first) + len(second) == len(whole)


def test_an_operator_s_reports_hold_its_own_trade_only(month, cast):
    mine = {cast.visited_cso.operator.pk, cast.home_csp.operator.pk}
    for name in RECONCILIATION_REPORTS:
        whole = lines_of(name)
        assert whole
        for operator in mine:
            assert lines_of(name, of_operators=(operator,)) == whole
        assert lines_of(name, of_operators=(cast.outsider.operator.pk,)) == []
        assert lines_of(name, of_operators=()) == []
        assert lines_of(name, environment="test") == []
        assert lines_of(name, visited_cso=cast.visited_cso.operator.pk) == whole
        assert lines_of(name, home_csp=cast.outsider.operator.pk) == []


def test_another_pair_s_trade_stays_out(month, cast):
    other = factories.make_agreement(
        visited_cso=cast.visited_cso.operator, home_csp=cast.outsider.operator
    )
    theirs = Trade(
        other, cast.visited_cso.identifier, cast.outsider.identifier, cast.visited_cso.platform,
        cast.evse,
    )  # fmt: skip
    theirs.sdr(claim="99.00")
    (line,) = lines_of("summary", of_operators=(cast.outsider.operator.pk,))
    assert (line["Home-CSP"], line["Claimed before tax"]) == ("Outsider", Decimal("99.00"))
    of_both = lines_of("summary", of_operators=(cast.visited_cso.operator.pk,))
    of_home = lines_of("summary", of_operators=(cast.home_csp.operator.pk,))
    assert total(of_both, "SDRs") == total(of_home, "SDRs") + 1


def written(name, kind, **given):
    file = io.BytesIO()
    write(RECONCILIATION_REPORTS[name](filters(**given)), kind, file)
    return file.getvalue()


def test_csv_comes_plain_and_with_decimal_commas(month):
    plain = written("dispute-ageing", Format.CSV).decode()
    lines = list(csv.DictReader(io.StringIO(plain)))
    assert lines[0]["Note"] == "'=1+1"
    comma = written("dispute-ageing", Format.CSV_COMMA)
    assert comma.startswith(b"\xef\xbb\xbf")
    other = list(csv.DictReader(io.StringIO(comma.decode("utf-8-sig")), delimiter=";"))
    assert len(other) == len(lines) == 3
    for one, two in zip(lines, other, strict=True):
        assert "." in one["Claim before tax"]
        assert two["Claim before tax"] == one["Claim before tax"].replace(".", ",")
        assert two["Disputed since (UTC)"] == one["Disputed since (UTC)"]
        assert two["Note"] == one["Note"]


def sheets_of(content):
    """Every sheet's lines, cell by cell: numbers as Decimal."""
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        assert book.testzip() is None
        names = sorted(n for n in book.namelist() if n.startswith("xl/worksheets/sheet"))
        return [_lines(ElementTree.fromstring(book.read(name))) for name in names]


def _lines(sheet):
    assert sheet.find(f".//{SHEET}f") is None, "a formula"
    return [[_value(cell) for cell in row] for row in sheet.iter(f"{SHEET}row")]


def _value(cell):
    if cell.get("t") == "inlineStr":
        return "".join(part.text or "" for part in cell.iter(f"{SHEET}t"))
    value = cell.find(f"{SHEET}v")
    return Decimal(value.text) if value is not None else None


def test_a_spreadsheet_holds_the_same_and_runs_nothing(month):
    (sheet,) = sheets_of(written("discrepancies", Format.XLSX))
    expected = lines_of("discrepancies")
    assert len(sheet) == len(expected) + 1
    place = sheet[0].index("Claim before tax")
    claims = [value for row in sheet[1:] for value in row if isinstance(value, Decimal)]
    known = [v for line in expected for v in line.values() if isinstance(v, Decimal)]
    assert place > 0
    assert sum(claims) == sum(known)
    (disputes,) = sheets_of(written("dispute-ageing", Format.XLSX))
    assert "'=1+1" in disputes[1]


def test_a_long_report_goes_on_on_the_next_sheet(month, monkeypatch):
    monkeypatch.setattr(spreadsheet, "LINES_OF_A_SHEET", 20)
    sheets = sheets_of(written("discrepancies", Format.XLSX))
    assert len(sheets) > 1
    assert {tuple(sheet[0]) for sheet in sheets} == {tuple(sheets[0][0])}
    assert sum(len(sheet) - 1 for sheet in sheets) == len(lines_of("discrepancies"))


def test_an_empty_report_is_a_file_with_headings(db):
    for kind in Format:
        assert b"Visited-CSO" in written("summary", kind) or kind is Format.XLSX
    ((heading, *others),) = sheets_of(written("summary", Format.XLSX))
    assert "Visited-CSO" in heading
    assert others == []


def test_file_names_sort_and_never_collide(db):
    names = {
        RECONCILIATION_REPORTS[name](filters(**given)).file_name
        for name in RECONCILIATION_REPORTS
        for given in (
            {}, {"visited_cso": 1}, {"home_csp": 1}, {"rule": "PRC-01"}, {"state": "disputed"},
            {"of_operators": (1,)}, {"of_operators": ()}, {"environment": "test"},
            {"now": NOW + timedelta(milliseconds=1)}, {"begin": OCTOBER + timedelta(days=1)},
        )
    }  # fmt: skip
    assert len(names) == 10 * len(RECONCILIATION_REPORTS)
    summary = RECONCILIATION_REPORTS["summary"](filters()).file_name
    assert summary.startswith("2026-10-01_2026-11-30_live_summary_20261120T090000000-")
