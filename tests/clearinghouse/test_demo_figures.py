"""What is shown at the end, and what makes the demo fail."""

import io
import json
from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest
from rich.console import Console

from clearinghouse.demo import comparison
from clearinghouse.demo.comparison import Books, differences, held_by_the_hub, shortfalls
from clearinghouse.demo.figures import (
    Deviation,
    Figures,
    PlantedKind,
    Position,
    Traffic,
    not_found,
    was_found,
    was_named,
)
from clearinghouse.demo.platforms import SteeredPlatform, counts_by
from clearinghouse.demo.screen import Screen
from clearinghouse.demo.table import money, show
from roaming.simulator.mistakes import Mistake
from roaming.simulator.platform_tally import Tallies, Tally
from roaming.simulator.world import WorldDescription, draw_world
from roaming.simulator.wrong_biller import Planted

FIGURES = Figures(
    month="2026-10",
    currency="EUR",
    period="2026-10 Monthly (test)",
    sessions=3,
    traffic=[
        Traffic(use_case="UC3-9", title="SDR information exchange", messages=1234, refused=1,
                delivered=5),
    ],
    outcomes={"agreed": 2, "deviating": 1},
    deviations=[Deviation(rule="DUP-02", title="Second SDR", sdrs=1, at_stake=Decimal("5.1"))],
    claimed=Decimal("1300.10"),
    settled=Decimal("1295.00"),
    open_sdrs=1,
    open_amount=Decimal("5.10"),
    gross=(2, Decimal("1295.00")),
    netted=(1, Decimal("800.00")),
    fees=(1, Decimal("0.11")),
    positions=[
        Position(operator="A", receivable=Decimal(8), payable=Decimal(0), net=Decimal(8)),
        Position(operator="B", receivable=Decimal(0), payable=Decimal(8), net=Decimal(-8)),
    ],
    trial_balance={"EUR": Decimal("0.00")},
    accounts=4,
    planted=[
        PlantedKind(kind="late", family="TIM", planted=1, found=1, at_stake=Decimal("5.10")),
    ],
    not_found=[],
    flagged_besides=0,
    seconds={"The month": 12.5},
    reports=["/data/reports/2026-10_settlement-report.csv"],
)  # fmt: skip


def changed(**fields: object) -> Figures:
    return msgspec.structs.replace(FIGURES, **fields)


def test_good_books_are_no_fault():
    assert FIGURES.faults == []


@pytest.mark.parametrize(
    ("figures", "words"),
    [
        (changed(trial_balance={"EUR": Decimal("0.01")}), "trial balance is 0.01 EUR"),
        (changed(losses=["DE*A/FR-B, sdrs: 3 sent"]), "3 sent"),
        (changed(not_found=["late in SDR-1"]), "not found: late in SDR-1"),
    ],
)
def test_what_went_wrong_is_a_fault(figures, words):
    (fault,) = figures.faults
    assert words in fault


def test_figures_are_kept_exactly():
    assert msgspec.json.decode(msgspec.json.encode(FIGURES), type=Figures) == FIGURES


def shown(figures: Figures, width: int = 110) -> str:
    screen = io.StringIO()
    show(figures, Console(file=screen, width=width))
    return screen.getvalue()


def test_the_table_names_every_figure():
    text = shown(FIGURES)
    for wanted in (
        "Messages switched",
        "1,234",
        "1,300.10 EUR",
        "1,295.00 EUR",
        "DUP-02",
        "Payments, gross",
        "Payments, netted",
        "800.00 EUR",
        "-8.00",
        "Trial balance",
        "0.00 EUR",
        "The month",
        "12.5",
        "/data/reports/2026-10_settlement-report.csv",
    ):
        assert wanted in text, wanted
    assert "FAILED" not in text
    assert "Rows of the files" not in text


def test_the_table_says_what_failed_and_which_rows_were_refused():
    text = shown(changed(losses=["sdrs: 3 planned, 2 sent"], refused_rows={"end_blank": 17}))
    assert "FAILED: sdrs: 3 planned, 2 sent" in text
    assert "end_blank" in text
    assert "17" in text


def test_a_path_is_never_broken_into_lines():
    path = "/data/" + "long-" * 40 + ".csv"
    assert path in shown(changed(reports=[path]), width=60)


@pytest.mark.parametrize(
    ("amount", "text"),
    [("0", "0.00"), ("1234567.1", "1,234,567.10"), ("-5", "-5.00"), ("0.0350", "0.035")],
)
def test_money_is_shown_with_every_digit_that_it_has(amount, text):
    assert money(Decimal(amount)) == text


def planted(mistake: Mistake, other: str | None = None) -> Planted:
    return Planted("1", mistake, Decimal(1), other_reference=other)


def test_a_mistake_is_found_by_a_rule_of_its_family_only():
    late = planted(Mistake.LATE)
    assert was_found(late, {"SDR-1": {"PRC-01", "TIM-05"}})
    assert not was_found(late, {"SDR-1": {"PRC-01"}, "SDR-2": {"TIM-05"}})
    assert not_found({"1": late}, {}) == ["late in SDR-1 (1 at stake)"]


def test_what_was_planted_is_named_where_a_cause_says_just_that():
    both = Planted("1", Mistake.FLAT_TWICE, Decimal(1), second=Mistake.STEP_TWICE)
    assert was_named(both, {"SDR-1": ["tax_left_in", "step_twice+flat_twice"]})
    assert not was_named(both, {"SDR-1": ["flat_twice", "step_twice"]})
    assert not was_named(both, {"SDR-2": ["step_twice+flat_twice"]})


def test_a_second_bill_and_an_overlap_show_on_either_of_two():
    assert was_found(planted(Mistake.BILLED_TWICE), {"SDR-1-B": {"DUP-02"}})
    assert was_found(planted(Mistake.OVERLAP, other="2"), {"SDR-2": {"TIM-06"}})


def row(**counts: object) -> dict:
    return {"DE*A/FR-B": counts}


def test_three_equal_records_show_no_difference():
    counts = row(starts_accepted=2, completions=2, sdrs=2, money=Decimal("7.10"), sites=1)
    held = row(starts_accepted=2, completions=2, sdrs=2, money=Decimal("7.1"))
    assert list(differences(Books(counts, held, counts))) == []


@pytest.mark.parametrize(
    ("sent", "held", "received", "words"),
    [
        (row(sdrs=2), row(sdrs=2), row(sdrs=1), "2 sent, 2 at the clearing house, 1 received"),
        (row(sdrs=2), row(), row(sdrs=2), "sdrs: 2 sent, 0 at"),
        (row(money=Decimal("1.10")), row(money=Decimal("1.11")), row(money=Decimal("1.10")),
         "money: 1.10 sent, 1.11"),
        (row(sites=3), row(), row(sites=2), "sites: 3 sent, 2 received"),
        (row(), row(completions=1), row(), "completions: 0 sent, 1 at"),
    ],
)  # fmt: skip
def test_what_was_lost_is_named_with_its_pair(sent, held, received, words):
    (found,) = differences(Books(sent, held, received))
    assert found.startswith("DE*A/FR-B, ")
    assert words in found


def test_a_start_that_was_asked_again_may_stand_twice_at_the_others():
    books = Books(row(starts_accepted=2), row(starts_accepted=3), row(starts_accepted=2), 1)
    assert list(differences(books)) == []
    fewer = Books(row(starts_accepted=2), row(starts_accepted=1), row(starts_accepted=2), 1)
    assert len(list(differences(fewer))) == 1


def test_what_was_planned_has_to_have_been_sent():
    world = draw_world(WorldDescription(month="2026-10", size=150))
    kinds = [p.mistake for p in world.planted.values()]
    announced = 150 - sum(not kind.announced for kind in kinds)
    sdrs = 150 + kinds.count(Mistake.BILLED_TWICE)
    assert list(shortfalls(world, row(completions=announced, sdrs=sdrs))) == []
    assert len(list(shortfalls(world, row(completions=announced, sdrs=sdrs - 1)))) == 1


def test_counts_of_many_platforms_are_added_up_by_pair():
    tallies = Tallies(sent={"DE*A/FR-B": Tally(counts={"sdrs": 2}, money=Decimal("1.5"))})
    platforms = [SteeredPlatform("x", None, tallies), SteeredPlatform("y", None, tallies)]
    assert counts_by(platforms, "sent")["DE*A/FR-B"] == {
        "sdrs": 4, "money": Decimal("3.0"), "energy_kwh": 0,
    }  # fmt: skip
    assert counts_by(platforms, "received") == {}


def test_the_clearing_house_s_own_counts_are_by_pair(cast, monkeypatch):
    from roaming import models
    from roaming.domain.uuid7 import period_of, uuid7_at

    now = datetime(2026, 10, 5, tzinfo=UTC)
    for state in ("completed", "completed", "authorised", "refused"):
        key = uuid7_at(now)
        models.ServiceSession.objects.create(
            id=key, environment="live", period=period_of(key), agreement=cast.agreement,
            visited_cso=cast.visited_cso.identifier, home_csp=cast.home_csp.identifier,
            evse=cast.evse, state=state, identification_method="RFID", token_hmac=b"1" * 32,
            opened_at=now,
        )  # fmt: skip
    assert held_by_the_hub() == {}  # of the test environment there is nothing
    monkeypatch.setattr(comparison, "ENVIRONMENT", "live")
    assert held_by_the_hub() == {"DE*VIS/DE-HOM": {"starts_accepted": 3, "completions": 2}}


def test_plain_progress_says_a_few_lines_and_how_long_it_took():
    out = io.StringIO()
    seconds = iter([10.0, 12.5])
    screen = Screen(Console(file=out, width=80), clock=lambda: next(seconds))
    with screen.bar("The month", 100, "sessions") as advance:
        for day in range(50):
            advance(2, f"day {day}")
    lines = out.getvalue().splitlines()
    assert lines[0] == "  The month: 10 of 100 sessions, day 4"
    assert len(lines) == 10
    assert lines[-1] == "✓ The month, 2.5 s"
    assert screen.seconds == {"The month": 2.5}


def test_the_refused_rows_cannot_be_run_by_a_spreadsheet(tmp_path):
    from clearinghouse.demo.closing import write_refused_rows
    from roaming.simulator.perth_kinross import Reason, RefusedRow

    rows = [RefusedRow("=evil.csv", 7, Reason.KWH, "@SUM(A1)")]
    text = write_refused_rows(rows, tmp_path / "new" / "rows.csv").read_text()
    assert text.splitlines()[1] == "'=evil.csv,7,energy_unreadable,energy unreadable,'@SUM(A1)"


def test_json_reports_of_platforms_are_read_exactly():
    from clearinghouse.demo.platforms import Report

    tallies = {"sent": {"a/b": {"counts": {"sdrs": 1}, "money": "0.10"}}}
    reached = {"event": "reached", "moment": "2026-10-01T00:00:00Z", "tallies": tallies}
    line = json.dumps(reached)
    report = msgspec.json.decode(line, type=Report)
    assert report.tallies.sent["a/b"].money == Decimal("0.10")
    assert report.moment == datetime(2026, 10, 1, tzinfo=UTC)
