"""Files of the portal: only what is the operator's, for people and for machines."""

from __future__ import annotations

import csv
import io

import pytest

from tests.clearinghouse.portal.people import member, signed_in, text
from tests.settlement.sdrs import OCTOBER_5

SDRS = "/portal/sdrs/sdrs.csv"
SUMMARY = "/portal/reports/summary.csv?month=2026-10"
DISCREPANCIES = "/portal/reports/discrepancies.csv?month=2026-10"


def lines(response, delimiter=",") -> list[list[str]]:
    body = b"".join(response.streaming_content).decode()
    return list(csv.reader(io.StringIO(body.lstrip("\ufeff")), delimiter=delimiter))


def records(response, delimiter=",") -> list[dict[str, str]]:
    head, *rows = lines(response, delimiter)
    return [dict(zip(head, row, strict=True)) for row in rows]


def test_the_filtered_list_is_streamed_as_csv(stage, csp):
    response = csp.get(f"{SDRS}?state=deviating&form=machine")
    assert response.streaming
    (row,) = records(response)
    assert row["SDR"] == stage.deviating.reference
    assert row["Claim before tax"] == "12.00"
    assert row["Session start"] == "2026-10-05T12:00:00Z"
    assert "2026-10-06_Home-CSP_SDRs.csv" in response["Content-Disposition"]


def test_a_spreadsheet_gets_decimal_commas_and_the_viewers_times(stage):
    person = member(stage.cast.home_csp.operator, "reader")
    person.locale = "de-DE"
    person.save()
    first, _ = records(signed_in(person).get(f"{SDRS}?form=spreadsheet"), ";")
    assert first["Claim before tax"] == "12,00"
    assert first["Session start (Europe/Berlin)"] == "2026-10-05 14:00:00"


def test_what_a_spreadsheet_would_run_is_defused(stage, csp):
    stage.trade.sdr(started_at=OCTOBER_5, reference="=HYPERLINK(1)")
    assert "'=HYPERLINK(1)" in [row["SDR"] for row in records(csp.get(SDRS))]


@pytest.mark.parametrize("address", [SDRS, SUMMARY, DISCREPANCIES])
def test_outsiders_download_a_head_and_nothing_else(stage, csp, outsider, address):
    assert len(lines(outsider.get(address))) == 1
    assert len(lines(csp.get(address))) > 1


def test_the_month_is_summed_up_exactly(stage, csp):
    assert "12.00\u00a0EUR" in text(csp.get("/portal/reports/?month=2026-10"))
    rows = records(csp.get(SUMMARY))
    assert sorted(row["Claimed before tax"] for row in rows) == ["10.00", "12.00"]
    assert records(csp.get(SUMMARY.replace("10", "09"))) == []


def test_findings_are_downloaded_with_both_values(stage, csp):
    row = records(csp.get(DISCREPANCIES))[0]
    assert row["SDR"] == stage.deviating.reference
    assert row["What is wrong"] not in ("", row["Rule"])


def test_an_unknown_file_is_not_found(stage, csp):
    assert csp.get("/portal/reports/everything.csv").status_code == 404
