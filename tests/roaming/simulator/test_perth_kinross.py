"""Real sessions in the Perth & Kinross form: every row is accounted for, whatever it holds."""

import gzip
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roaming.domain.identifiers import EvseId
from roaming.simulator.billing import bill
from roaming.simulator.mistakes import Mistake
from roaming.simulator.months import Month
from roaming.simulator.perth_files import COLUMNS, PerthFileError, rows
from roaming.simulator.perth_kinross import PerthReading, Reason, read_perth_kinross
from roaming.simulator.perth_rows import REASON_TEXTS, UnusableRowError, read_row
from roaming.simulator.wrong_biller import plant
from tests.roaming.simulator.test_generator import nothing_overlaps

JULY = Month(2018, 7)
HEADER = ",".join(COLUMNS)
GOOD = "1,50275,1,2018-07-16T00:00:00,09:00,2018-07-16T00:00:00,10:30,6.5,Friarton Depot,APT 7kW"


def row(**changed: str) -> str:
    """The good row with some fields changed, named by their column without blanks."""
    fields = dict(zip((c.replace(" ", "_") for c in COLUMNS), GOOD.split(","), strict=True))
    return ",".join((fields | changed).values())


def local(day: str, start: str, end: str, end_day: str = "") -> str:
    return row(
        Start_Date=f"{day}T00:00:00",
        Start_Time=start,
        End_Date=f"{end_day or day}T00:00:00",
        End_Time=end,
    )


@pytest.fixture
def read(tmp_path: Path):
    def read_lines(*lines: str, month: Month = JULY) -> PerthReading:
        path = tmp_path / "sessions.csv"
        path.write_text("\n".join((HEADER, *lines)) + "\n")
        return read_perth_kinross([path], month)

    return read_lines


def refused(reading: PerthReading) -> list[Reason]:
    assert reading.rows_read == (
        len(reading.sessions) + len(reading.refused) + reading.rows_of_other_months
    )
    return [r.reason for r in reading.refused]


@pytest.fixture(scope="module")
def files(shared_data: Path) -> list[Path]:
    found = sorted((shared_data / "sessions" / "perth-kinross").glob("*.csv.gz"))
    assert len(found) == 3
    return found


@pytest.fixture(scope="module")
def march(files: list[Path]) -> PerthReading:
    return read_perth_kinross(files, Month(2019, 3))


def test_every_real_row_is_a_session_or_has_its_reason(files: list[Path]) -> None:
    reasons: Counter[str] = Counter()
    for path in files:
        for number, fields in rows(path):
            try:
                read_row(path.name, number, fields)
            except UnusableRowError as refusal:
                reasons[refusal.reason.value] += 1
            else:
                reasons["session"] += 1
    assert reasons.total() == 66_664
    assert reasons == {
        "session": 63_987,
        "no_duration": 1169,
        "energy_zero": 711,
        "day_and_month_swapped": 539,
        "end_blank": 185,
        "energy_above_power": 30,
        "test_site": 21,
        "negative_duration": 8,
        "longer_than_seven_days": 7,
        "energy_negative": 7,
    }


def test_a_real_month_accounts_for_every_row(march: PerthReading) -> None:
    assert march.rows_read == 66_664
    assert len(march.sessions) == 2357
    assert march.rows_read == len(march.sessions) + len(march.refused) + march.rows_of_other_months
    assert march.refusals == {
        Reason.NO_DURATION: 31,
        Reason.KWH_ZERO: 17,
        Reason.SWAPPED: 11,
        Reason.END_BLANK: 7,
        Reason.NEGATIVE: 1,
    }
    assert all(r.file.endswith(".csv.gz") and r.row > 1 for r in march.refused)


def test_nobody_is_in_two_places_in_a_real_month(march: PerthReading) -> None:
    nothing_overlaps(march.sessions, "evse_id")
    nothing_overlaps(march.sessions, "token_uid")
    agreed = march.network.agreement_by_pair
    assert all((session.cso, session.csp) in agreed for session in march.sessions)
    assert {session.cso for session in march.sessions} == {
        o.operator_id for o in march.network.operators
    }
    assert {session.csp for session in march.sessions} == {
        p.provider_id for p in march.network.providers
    }
    holders = {d.token_uid: (d.csp, d.contract_id) for d in march.drivers}
    for session in march.sessions:
        assert holders[session.token_uid] == (session.csp, session.contract_id)


def test_a_real_month_can_be_billed_rightly_and_wrongly(march: PerthReading) -> None:
    for session in march.sessions:
        billed = bill(session, march.network)
        assert billed.costs.total.before_tax > 0
        connector = billed.place.evse.connector(session.connector_id)
        charging_s = int((session.end_of_charging - session.start).total_seconds())
        assert session.energy_kwh * 3_600_000 <= connector.max_power_w * charging_s
        assert EvseId.parse(session.evse_id).display == session.evse_id
    planted = plant(march.sessions, march.network, seed=1)
    assert {p.mistake for p in planted.values()} == set(Mistake)
    assert len(planted) == 71


def test_the_same_files_give_the_same_month(march: PerthReading, files: list[Path]) -> None:
    assert read_perth_kinross(files, Month(2019, 3)).sessions == march.sessions


def test_files_may_be_plain_or_compressed_and_in_parts(files: list[Path], tmp_path: Path) -> None:
    plain = tmp_path / "plain.csv"
    plain.write_bytes(b"\xef\xbb\xbf" + gzip.decompress(files[0].read_bytes()))
    may = Month(2017, 5)
    assert read_perth_kinross([plain], may).sessions == read_perth_kinross(files[:1], may).sessions


def test_a_good_row_becomes_a_session_in_utc(read) -> None:
    (session,) = read(GOOD).sessions
    assert session.reference == "201807160800-50275-1"
    assert (session.cso, session.evse_id, session.connector_id) == (
        "GB*GRA",
        "GB*GRA*E50275*1",
        "1",
    )
    assert session.start == datetime(2018, 7, 16, 8, 0, tzinfo=UTC)  # British Summer Time
    assert session.end - session.start == timedelta(minutes=90)
    assert session.energy_kwh == Decimal("6.5")
    # 6.5 kWh at half of 8.1 kW take 97 minutes: more than the stay, so there is no parking
    assert session.end_of_charging == session.end


def test_a_long_stay_with_little_energy_ends_in_parking(read) -> None:
    (session,) = read(local("2018-07-16", "09:00", "19:00")).sessions
    assert session.end_of_charging - session.start == timedelta(minutes=97)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (GOOD + ",one more", Reason.COLUMNS),
        ("1,50275", Reason.COLUMNS),
        (row(CP_ID=""), Reason.CHARGE_POINT),
        (row(CP_ID="5*0"), Reason.CHARGE_POINT),
        (row(Connector="left"), Reason.CHARGE_POINT),
        (row(Start_Date=""), Reason.START),
        (row(Start_Date="2018-02-30T00:00:00"), Reason.START),
        (row(Start_Time="25:00"), Reason.START),
        (row(Start_Date="16/07/2018"), Reason.START),
        (row(End_Date="", End_Time=""), Reason.END_BLANK),
        (row(End_Time=" "), Reason.END_BLANK),
        (row(End_Time="10:61"), Reason.END),
        (local("2018-07-16", "09:00", "08:00"), Reason.NEGATIVE),
        (local("2018-07-16", "09:00", "09:00"), Reason.NO_DURATION),
        (local("2018-07-16", "09:00", "09:01", "2018-07-23"), Reason.TOO_LONG),
        (local("2018-07-08", "23:00", "01:00", "2018-08-08"), Reason.SWAPPED),
        (local("2018-07-31", "21:32", "12:31", "2018-01-08"), Reason.SWAPPED),
        (row(Total_kWh=""), Reason.KWH),
        (row(Total_kWh="NaN"), Reason.KWH),
        (row(Total_kWh="1e3"), Reason.KWH),
        (row(Total_kWh="-6.5"), Reason.KWH_NEGATIVE),
        (row(Total_kWh="0"), Reason.KWH_ZERO),
        (row(Total_kWh="12.2"), Reason.KWH_IMPLAUSIBLE),  # 8.1 kW x 1.5 h = 12.15 kWh
        (row(Site="***TEST SITE*** Charge Your Car HQ"), Reason.TEST_SITE),
    ],
)
def test_a_row_that_is_no_session_is_refused_with_its_reason(read, line: str, reason) -> None:
    reading = read(line, row(Start_Time="12:00", End_Time="13:00"))
    assert refused(reading) == [reason]
    assert (reading.refused[0].file, reading.refused[0].row) == ("sessions.csv", 2)
    assert len(reading.sessions) == 1


def test_the_limits_themselves_pass(read) -> None:
    reading = read(
        row(Total_kWh="12.15"),
        row(CP_ID="50276", End_Date="2018-07-23T00:00:00", End_Time="09:00"),
        row(CP_ID="50277", Total_kWh="0.001"),
    )
    assert refused(reading) == []


def test_a_swap_names_the_dates_that_would_repair_it(read) -> None:
    (one,) = read(local("2018-07-08", "23:00", "01:00", "2018-08-08")).refused
    assert one.detail == "2018-07-08 23:00 to 2018-08-08 01:00, perhaps 2018-08-07 to 2018-08-08"


def test_the_later_of_two_overlapping_rows_is_refused(read) -> None:
    reading = read(
        row(Start_Time="09:45", End_Time="11:00"),
        GOOD,
        row(Connector="2"),
        row(Start_Time="10:30", End_Time="11:30"),
    )
    assert refused(reading) == [Reason.OVERLAP]
    assert (reading.refused[0].row, reading.refused[0].detail) == (
        2,
        "overlaps row 3 of sessions.csv",
    )
    assert len(reading.sessions) == 3


def test_a_file_given_twice_gives_its_sessions_once(tmp_path: Path) -> None:
    path = tmp_path / "sessions.csv"
    path.write_text(f"{HEADER}\n{GOOD}\n")
    reading = read_perth_kinross([path, path], JULY)
    assert len(reading.sessions) == 1
    assert refused(reading) == [Reason.OVERLAP]


def test_rows_of_other_months_are_counted_not_refused(read) -> None:
    reading = read(
        local("2018-06-16", "09:00", "10:30"),
        local("2018-06-16", "09:00", "08:00"),
        local("2018-06-30", "23:00", "00:30", "2018-07-01"),
        local("2018-07-31", "23:00", "00:30", "2018-08-01"),
    )
    assert reading.rows_of_other_months == 3
    assert refused(reading) == []
    # a session belongs to the month in which it ends
    assert [s.start for s in reading.sessions] == [datetime(2018, 6, 30, 22, tzinfo=UTC)]


def test_a_month_without_sessions_is_empty_and_no_error(read) -> None:
    reading = read(GOOD, month=Month(2016, 2))
    assert reading.sessions == []
    assert reading.rows_of_other_months == 1


def test_the_hour_that_the_clocks_skip_never_was(read) -> None:
    reading = read(
        local("2018-03-25", "01:30", "03:00"),
        local("2018-03-25", "00:30", "01:15"),
        local("2018-03-25", "00:30", "02:30"),
        month=Month(2018, 3),
    )
    assert refused(reading) == [Reason.LOCAL_TIME, Reason.LOCAL_TIME]
    assert reading.sessions[0].end - reading.sessions[0].start == timedelta(hours=1)


def test_the_repeated_hour_is_read_as_the_first_turn_that_fits(read) -> None:
    october = Month(2018, 10)

    def times(start: str, end: str) -> tuple[int, int]:
        line = local("2018-10-28", start, end).replace(",6.5,", ",0.5,")
        (session,) = read(line, month=october).sessions
        minutes = (session.end - session.start).total_seconds() / 60
        return session.start.hour * 60 + session.start.minute, int(minutes)

    assert times("00:30", "01:30") == (23 * 60 + 30, 60)  # summer time until the first turn
    assert times("01:10", "01:50") == (10, 40)
    assert times("01:50", "01:10") == (50, 20)  # only the second turn lies after the start
    assert times("01:30", "02:30") == (30, 120)


def test_what_is_not_such_a_file_is_named_and_explained(tmp_path: Path) -> None:
    bad = {
        "empty.csv": (b"", "the file is empty"),
        "other.csv": (b"a,b,c\n1,2,3\n", "columns missing from the header: CP ID"),
        "latin.csv": (f"{HEADER}\n{GOOD} caf\u00e9\n".encode("latin-1"), "not UTF-8"),
        "binary.csv": (bytes(range(256)) * 40, "not UTF-8"),
        "torn.csv.gz": (gzip.compress(f"{HEADER}\n{GOOD}\n".encode() * 500)[:-20], "gzip"),
        "false.csv.gz": (b"\x1f\x8bno gzip at all", "gzip"),
        "quote.csv": (f'{HEADER}\n"{"x" * 200_000}"\n'.encode(), "not CSV"),
        "nothing.csv": (b"\x00" * 1000, "columns missing"),
    }
    for name, (content, reason) in bad.items():
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(PerthFileError, match=reason) as caught:
            read_perth_kinross([path], JULY)
        assert name in str(caught.value)
    for path in (tmp_path / "missing.csv", tmp_path):
        with pytest.raises(PerthFileError, match="cannot be read"):
            read_perth_kinross([path], JULY)


def test_columns_may_stand_in_another_order_and_blank_lines_are_no_rows(tmp_path: Path) -> None:
    order = [1, 0, *range(2, 10)]
    lines = [",".join(line.split(",")[i] for i in order) for line in (HEADER, GOOD)]
    path = tmp_path / "sessions.csv"
    path.write_text("\r\n".join((lines[0], "", lines[1], "", "")))
    reading = read_perth_kinross([path], JULY)
    assert reading.rows_read == len(reading.sessions) == 1


def test_progress_is_told_row_by_row(tmp_path: Path) -> None:
    path = tmp_path / "sessions.csv"
    path.write_text(f"{HEADER}\n{GOOD}\n{GOOD}\n")
    seen = []
    read_perth_kinross([path], JULY, progress=lambda: seen.append(1))
    assert len(seen) == 2


def test_every_reason_has_words_for_people() -> None:
    assert set(REASON_TEXTS) == set(Reason)


@given(st.lists(st.text(max_size=30), min_size=10, max_size=10))
def test_any_fields_are_read_or_refused(fields: list[str]) -> None:
    try:
        read_row("any", 2, dict(zip(COLUMNS, fields, strict=True)))
    except UnusableRowError as refusal:
        told = REASON_TEXTS[refusal.reason]
    else:
        told = "a session"
    assert told


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_named_as_unreadable(tmp_path_factory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("any") / "any.csv"
    for whole in (content, HEADER.encode() + b"\n" + content, gzip.compress(content)):
        path.write_bytes(whole)
        try:
            reading = read_perth_kinross([path], JULY)
        except PerthFileError:
            continue
        assert len(reading.sessions) + len(reading.refused) == reading.rows_read
