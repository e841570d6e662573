"""The download centre: filtered files for who may have them, each download logged."""

from __future__ import annotations

import csv
import io

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from tests.clearinghouse.admin.fixtures import page, text_of
from tests.clearinghouse.admin.world import member_with

REPORTS = reverse("admin:reconciliation_reports")
ASKED = {
    "report": "discrepancies", "environment": "live", "first_day": "2026-11-01",
    "last_day": "2026-11-30", "kind": "csv",
}  # fmt: skip


def content_of(answer):
    return b"".join(answer.streaming_content)


def test_a_report_is_downloaded_and_each_line_leads_to_its_sdr(clerk, world):
    assert "Reconciliation summary" in text_of(clerk.get(REPORTS))
    answer = clerk.get(REPORTS, ASKED)
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer["Content-Disposition"]
    assert "2026-11-01_2026-11-30_live_discrepancies_" in answer["Content-Disposition"]
    lines = list(csv.DictReader(io.StringIO(content_of(answer).decode())))
    assert {line["SDR id"] for line in lines} == {world.wrong_sdr.reference}
    address = f"http://testserver{page(world.wrong_sdr, 'change')}"
    assert {line["Page"] for line in lines} == {address}
    assert clerk.get(lines[0]["Page"]).status_code == 200


def test_every_report_comes_in_every_form(clerk, world):
    for report in ("summary", "by-rule", "discrepancies", "missing-and-late", "dispute-ageing"):
        for kind, beginning in (("csv", b""), ("csv-comma", b"\xef\xbb\xbf"), ("xlsx", b"PK")):
            answer = clerk.get(REPORTS, {**ASKED, "report": report, "kind": kind})
            content = content_of(answer)
            assert content.startswith(beginning)
            assert len(content) > 50


def test_a_download_is_logged(clerk, world):
    content_of(clerk.get(REPORTS, ASKED))
    entry = LogEntry.objects.latest("pk")
    assert entry.user == world.clerk
    assert "discrepancies" in entry.change_message
    assert "bytes" in entry.change_message
    assert entry.change_message in text_of(clerk.get(REPORTS))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"first_day": "tomorrow"}, "A day as YYYY-MM-DD"),
        ({"last_day": "2026-10-01"}, "It ends before it begins"),
        ({"last_day": "2029-10-01"}, "At most 400 days"),
        ({"report": "gossip"}, "Select a valid choice"),
        ({"visited_cso": "999999"}, "Select a valid choice"),
    ],
)
def test_what_cannot_be_made_is_said(clerk, world, given, said):
    before = LogEntry.objects.count()
    assert said in text_of(clerk.get(REPORTS, {**ASKED, **given}))
    assert LogEntry.objects.count() == before


def test_a_link_may_fill_in_the_form(clerk, world):
    shown = clerk.get(REPORTS, {"report": "dispute-ageing", "environment": "test"})
    assert shown.context["form"].initial["report"] == "dispute-ageing"
    assert shown.context["form"].initial["environment"] == "test"


def test_downloads_need_their_permission(client, world):
    client.force_login(member_with("roaming.view_sdr"))
    assert client.get(REPORTS, ASKED).status_code == 403
    assert REPORTS not in text_of(client.get(reverse("admin:roaming_sdr_changelist")))
    client.force_login(
        member_with("roaming.view_sdr", "roaming.view_finding", "roaming.view_servicesession")
    )
    assert content_of(client.get(REPORTS, ASKED))
    assert REPORTS in text_of(client.get(reverse("admin:roaming_sdr_changelist")))
