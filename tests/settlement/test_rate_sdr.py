"""`manage.py rate_sdr`: one valid document, with an error in the place of what cannot be rated."""

from __future__ import annotations

import copy
import io
import json
import os
import subprocess
import sys
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from hypothesis import given, settings
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[2]

TARIFF: dict[str, Any] = {
    "id": "18",
    "currency": "EUR",
    "elements": [
        {
            "price_components": [
                {"type": "FLAT", "price": 0.5, "vat": 20.0, "step_size": 1},
                {"type": "ENERGY", "price": 0.25, "vat": 10.0, "step_size": 1},
            ]
        },
        {
            "price_components": [
                {"type": "PARKING_TIME", "price": 2.0, "vat": 20.0, "step_size": 900}
            ],
            "restrictions": {"start_time": "08:00", "end_time": "20:00", "min_duration": 60},
        },
    ],
    "min_price": {"excl_vat": 0.5, "incl_vat": 0.55},
}
CDR: dict[str, Any] = {
    "start_date_time": "2019-02-04T10:00:00Z",
    "end_date_time": "2019-02-04T11:40:00Z",
    "currency": "EUR",
    "tariffs": [TARIFF],
    "charging_periods": [
        {
            "start_date_time": "2019-02-04T10:00:00Z",
            "dimensions": [{"type": "ENERGY", "volume": 20}, {"type": "MAX_POWER", "volume": 22}],
        },
        {
            "start_date_time": "2019-02-04T11:00:00Z",
            "dimensions": [{"type": "PARKING_TIME", "volume": 0.6666666666666666}],
        },
    ],
}
CASE: dict[str, Any] = {"cdr": CDR, "tariffs": [TARIFF], "time_zone": "Europe/Berlin"}


def run(content: bytes | str | object, *options: str) -> tuple[str, int]:
    """Output and exit status for a document on the standard input."""
    if not isinstance(content, bytes | str):
        content = json.dumps(content)
    data = content.encode() if isinstance(content, str) else content
    out, before = io.StringIO(), sys.stdin
    sys.stdin = io.TextIOWrapper(io.BytesIO(data))
    try:
        call_command("rate_sdr", "-", *options, stdout=out)
    except SystemExit as ended:
        return out.getvalue(), int(str(ended.code))
    finally:
        sys.stdin = before
    return out.getvalue(), 0


def answer(content: bytes | str | object) -> tuple[Any, int]:
    output, status = run(content)
    return json.loads(output), status


def case(**changes: Any) -> dict[str, Any]:
    return {**CASE, **changes}


def test_one_case_gives_one_object():
    found, status = answer(CASE)
    assert status == 0
    assert (found["total_before_tax"], found["total_after_tax"]) == ("7.00", "7.90")
    assert len(found["lines"]) == 3
    assert found["findings"] == []


def test_a_list_gives_a_list_with_errors_in_their_place_and_status_one():
    found, status = answer([CASE, case(time_zone="Mars/Olympus"), CASE])
    assert status == 1
    assert [each.get("total_before_tax") for each in found] == ["7.00", None, "7.00"]
    assert found[1]["error"]["code"] == "invalid_time_zone"


GOOD = json.dumps(CASE).encode()


@pytest.mark.parametrize(
    "bad",
    [
        GOOD.replace(b"0.25", b"NaN"),
        GOOD.replace(b'"18"', b'"\\ud800"'),
        GOOD.replace(b'"18"', b'"\xff"'),
        GOOD.replace(b'"18"', b'"\n"'),
        b"-Infinity",
    ],
)
def test_an_item_that_is_no_json_spoils_no_other_item_of_its_list(bad):
    found, status = answer(b"[" + GOOD + b" ,\n" + bad + b"," + GOOD + b"]")
    assert status == 1
    assert [each.get("total_before_tax") for each in found] == ["7.00", None, "7.00"]
    assert found[1]["error"]["code"] in ("invalid_json", "invalid_sdr", "invalid_tariff")


@pytest.mark.parametrize("tail", [b"", b",", b",]", b"] ]", b" " + GOOD + b"]", b",{]"])
def test_a_list_that_does_not_hold_together_is_refused_as_a_whole(tail):
    found, status = answer(b"[" + GOOD.replace(b"0.25", b"NaN") + tail)
    assert (found["error"]["code"], status) == ("invalid_json", 1)


def test_an_empty_list_gives_an_empty_list():
    assert answer([]) == ([], 0)


def test_a_list_of_one_stays_a_list():
    assert len(answer([CASE])[0]) == 1


def test_a_file_is_read_also_with_a_byte_order_mark(tmp_path):
    file = tmp_path / "case.json"
    file.write_bytes(b"\xef\xbb\xbf\n" + json.dumps(CASE).encode())
    out = io.StringIO()
    call_command("rate_sdr", str(file), stdout=out)
    assert json.loads(out.getvalue())["total_before_tax"] == "7.00"


def test_without_tariffs_the_snapshot_of_the_cdr_prices_it():
    found, status = answer({"cdr": CDR, "time_zone": "UTC"})
    assert (found["total_before_tax"], status) == ("7.00", 0)


def test_the_rounding_may_be_said():
    tariff = copy.deepcopy(TARIFF)
    tariff["elements"][0]["price_components"][1]["price"] = "0.250001"
    cdr = {**CDR, "tariffs": [tariff]}
    assert answer(case(cdr=cdr))[0]["rounded"]["before_tax"] == "7.00"
    ceiling, _ = answer(case(cdr=cdr, rounding="CEILING"))
    assert ceiling["rounded"]["before_tax"] == "7.01"
    assert ceiling["total_before_tax"] == "7.00002"


def test_explain_prints_lines_for_people_and_errors_too():
    text, status = run([CASE, case(cdr={})], "--explain")
    assert status == 1
    assert "ENERGY 20 kWh x 0.25 EUR/kWh = 5.00 EUR before tax + VAT 10 % 0.50" in text
    assert "Total: 7.00 EUR before tax, 7.90 after tax" in text
    assert "Not rated: invalid_sdr at start_date_time: missing" in text


def with_period(**changes: Any) -> dict[str, Any]:
    return {**CDR, "charging_periods": [{**CDR["charging_periods"][0], **changes}]}


@pytest.mark.parametrize(
    ("content", "code", "reason"),
    [
        ("", "invalid_json", None),
        ("{", "invalid_json", None),
        (b"\xff\xfe", "invalid_json", None),
        ("[" * 50_000, "invalid_json", None),
        ('{"a":' * 50_000, "invalid_json", None),
        ("null", "invalid_input", None),
        ("7", "invalid_input", None),
        ({}, "invalid_input", None),
        ({"time_zone": "UTC"}, "invalid_input", None),
        ({"cdr": CDR}, "invalid_input", None),
        (case(time_zone=7), "invalid_input", None),
        (case(tariffs={}), "invalid_input", None),
        (case(rounding="DOWN"), "invalid_input", None),
        (case(time_zone=""), "invalid_time_zone", None),
        (case(time_zone="CEST"), "invalid_time_zone", None),
        (case(time_zone="../../etc/passwd"), "invalid_time_zone", None),
        (case(time_zone="/etc/localtime"), "invalid_time_zone", None),
        (case(time_zone="Europe"), "invalid_time_zone", None),
        (case(time_zone="localtime"), "invalid_time_zone", None),
        (case(time_zone="right/UTC"), "invalid_time_zone", None),
        (case(time_zone="posix/Europe/Berlin"), "invalid_time_zone", None),
        (case(time_zone="x" * 10_000), "invalid_time_zone", None),
        (case(time_zone="a\0b"), "invalid_time_zone", None),
        (case(cdr=None), "invalid_sdr", None),
        (case(cdr=[]), "invalid_sdr", None),
        (case(cdr={**CDR, "start_date_time": "2019-02-04"}), "invalid_sdr", None),
        (case(cdr={**CDR, "tariffs": [{}]}), "invalid_sdr", None),
        (case(tariffs=[None]), "invalid_tariff", None),
        (case(tariffs=[{**TARIFF, "elements": {}}]), "invalid_tariff", None),
        (case(cdr={**CDR, "charging_periods": []}), "not_ratable", "no_periods"),
        (case(cdr={**CDR, "currency": "CHF"}), "not_ratable", "currency_mismatch"),
        (case(cdr=with_period(tariff_id="99")), "not_ratable", "unknown_tariff_id"),
        (
            case(cdr=with_period(dimensions=[{"type": "ENERGY", "volume": -1}])),
            "not_ratable",
            "negative_volume",
        ),
        (case(cdr={**CDR, "tariffs": []}, tariffs=[]), "not_ratable", "no_tariff"),
    ],
)
def test_what_is_wrong_has_a_code(content, code, reason):
    found, status = answer(content)
    assert status == 1
    assert found["error"]["code"] == code
    assert found["error"].get("reason") == reason
    assert found["error"]["detail"]


def test_the_field_that_is_wrong_is_named_inside_its_tariff():
    broken = copy.deepcopy(TARIFF)
    broken["elements"][0]["price_components"][1]["price"] = "NaN"
    found, _ = answer(case(tariffs=[TARIFF, broken]))
    assert found["error"]["field"] == "tariffs[1].elements[0].price_components[1].price"


def test_a_missing_file_and_a_folder_are_errors(tmp_path):
    for place in (tmp_path, tmp_path / "none.json", "a\0b"):
        out = io.StringIO()
        with pytest.raises(SystemExit):
            call_command("rate_sdr", str(place), stdout=out)
        assert json.loads(out.getvalue())["error"]["code"] == "unreadable_input"


def test_a_nan_that_is_no_json_is_refused():
    assert answer(json.dumps(CASE).replace("0.25", "NaN"))[0]["error"]["code"] in (
        "invalid_json",
        "invalid_sdr",
    )


def test_amounts_are_never_printed_with_an_exponent():
    tiny = copy.deepcopy(TARIFF)
    tiny["elements"][0]["price_components"][1]["price"] = "1E-12"
    cdr = {**with_period(dimensions=[{"type": "ENERGY", "volume": "1E-3"}]), "tariffs": [tiny]}
    output, status = run(case(cdr=cdr))
    assert status == 0
    amounts = [line["amount_before_tax"] for line in json.loads(output)["lines"]]
    assert amounts == ["0.50", "0.000000000000001"]


nonsense = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.sampled_from(["", "NaN", "-Infinity", "1e400", "2019-02-04T10:30:00+14:00", "RESERVATION"]),
    st.text(max_size=4),
    st.just([]),
    st.just({}),
    st.just([{}]),
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    children = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    return [path, *(found for key, child in children for found in places(child, (*path, key)))]


PLACES = places(CASE)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PLACES[1:]), nonsense), min_size=1, max_size=3))
def test_garbage_anywhere_is_answered_with_valid_json(changes):
    content = copy.deepcopy(CASE)
    for path, value in changes:
        target: Any = content
        try:
            for key in path[:-1]:
                target = target[key]
            target[path[-1]] = copy.deepcopy(value)
        except (KeyError, IndexError, TypeError):
            continue
    found, status = answer(content)
    assert status == (1 if "error" in found else 0)
    text, explained = run(content, "--explain")
    assert text
    assert explained == status


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_answered_with_valid_json(content):
    answer(content)


def test_all_vectors_give_their_totals(shared_data):
    vectors = json.loads((shared_data / "tariff-vectors" / "vectors_dev.json").read_bytes())
    found, status = answer(
        [{name: v[name] for name in ("cdr", "tariffs", "time_zone")} for v in vectors]
    )
    assert status == 0
    for vector, each in zip(vectors, found, strict=True):
        stated = {
            "total_before_tax": vector["expected"]["excl_vat"],
            "total_after_tax": vector["expected"]["incl_vat"],
        }
        for name, expected in stated.items():
            if expected is not None:
                amount = Decimal(each[name]).quantize(Decimal(expected), ROUND_HALF_UP)
                assert amount == Decimal(expected), vector["id"]


def shell(tmp_path: Path, content: bytes, options: str = "", **more: str) -> tuple[bytes, bytes]:
    """Output and errors of the command in a shell, where it must fail without a traceback.

    The database that is named does not exist: it must never be asked.
    """
    ran = subprocess.run(
        ["/bin/sh", "-c", f'"$0" "$1" rate_sdr - {options}', sys.executable, ROOT / "manage.py"],
        input=content,
        capture_output=True,
        check=False,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "CLEARINGHOUSE_DATA_DIR": str(tmp_path / "data"),
            "DATABASE_URL": "postgres://nobody@127.0.0.1:1/nothing",
            **more,
        },
        cwd=tmp_path,
    )
    assert ran.returncode == 1
    assert b"Traceback" not in ran.stderr
    return ran.stdout, ran.stderr


def test_it_runs_from_a_shell_with_no_database_and_no_settings(tmp_path):
    output, _ = shell(tmp_path, json.dumps([CASE, {}]).encode())
    assert json.loads(output)[0]["total_before_tax"] == "7.00"


def test_a_terminal_that_lacks_a_letter_shows_its_number(tmp_path):
    cdr = {**CDR, "tariffs": [{**TARIFF, "id": "t\u00e9"}]}
    content = json.dumps([case(cdr=cdr), case(time_zone="\u00e9")]).encode()
    output, _ = shell(tmp_path, content, "--explain", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert rb"tariff t\xe9, element 1" in output
    assert rb"Not rated: invalid_time_zone at time_zone: '\xe9'" in output


def test_a_closed_standard_input_is_an_error_like_others(tmp_path):
    output, _ = shell(tmp_path, b"", "<&-")
    assert json.loads(output)["error"]["code"] == "unreadable_input"
