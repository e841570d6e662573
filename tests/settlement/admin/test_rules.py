"""The registry of rules in the admin, and staff who set them with a reason."""

import html
import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from roaming import models
from settlement.domain.reconciliation.rule_settings import PROTECTED
from settlement.domain.reconciliation.rules import every_rule
from settlement.models import RuleSetting
from settlement.models.rule_settings import how_often_fired
from settlement.use_cases.sdr_reconciliation import Scope, reconcile
from tests.clearinghouse.admin.fixtures import text_of
from tests.clearinghouse.admin.world import NOVEMBER
from tests.settlement.sdrs import rules_of, standing_of

REGISTRY = reverse("admin:settlement_rulesetting_registry")
ADD = reverse("admin:settlement_rulesetting_add")
LIST = reverse("admin:settlement_rulesetting_changelist")


def rule_page(rule):
    return reverse("admin:settlement_rulesetting_registry_rule", args=[rule])


def change(setting):
    return reverse("admin:settlement_rulesetting_change", args=[setting.pk])


def form(**fields):
    return {"rule": "PRC-01", "in_force": "on", "reason": "pilot", **fields}


def errors_of(response):
    return response.context["adminform"].form.errors


def words_of(panel):
    shown = " ".join(str(cell) for row in panel.rows for cell in row)
    return html.unescape(re.sub(r"<[^>]+>", "", shown))


def test_the_registry_lists_every_rule_with_what_it_means(clerk):
    page = clerk.get(REGISTRY)
    words = " ".join(words_of(panel) for panel in page.context["panels"])
    for rule in every_rule().values():
        assert f"{rule.id} {rule.title}" in words
        assert rule.explanation
        assert rule.explanation in words


def test_a_rule_says_how_often_it_fired_lately_and_leads_to_its_findings(clerk, world):
    deviating = world.trade.sdr(world.trade.session(NOVEMBER - timedelta(days=2)), claim="12.00")
    old = world.trade.sdr(world.trade.session(NOVEMBER - timedelta(days=40)), claim="12.00")
    reconcile("live", NOVEMBER)
    assert "PRC-01" in rules_of(deviating)
    assert "PRC-01" in rules_of(old)
    now = NOVEMBER
    lately = models.Finding.objects.filter(
        rule="PRC-01", sdr__started_at__gte=now - timedelta(days=30)
    )
    assert how_often_fired(["PRC-01", "PRC-05"], now) == {"PRC-01": lately.count(), "PRC-05": 0}
    page = clerk.get(rule_page("PRC-01"))
    assert "?rule=PRC-01" in text_of(page)


def test_the_registry_takes_few_queries_and_counts_nothing_whole(clerk):
    with CaptureQueriesContext(
        connection,
    ) as queries:
        clerk.get(REGISTRY)
    assert len(queries) <= 10
    assert all("LIMIT" in q["sql"] for q in queries if "roaming_finding" in q["sql"])


def test_a_rule_that_does_not_exist_has_no_page(clerk):
    assert clerk.get(rule_page("PRC-99")).status_code == 404


def test_who_may_not_see_settings_sees_no_registry(client, django_user_model):
    client.force_login(django_user_model.objects.create_user("nobody", is_staff=True))
    assert client.get(REGISTRY).status_code == 403
    assert client.get(rule_page("PRC-01")).status_code == 403


def test_staff_set_a_rule_for_an_agreement_and_history_says_who_and_why(clerk, world):
    given = form(agreement=world.trade.agreement.pk, tolerance="0.50", severity="warning")
    clerk.post(ADD, given, follow=True)
    setting = RuleSetting.objects.get(rule="PRC-01")
    assert (setting.changed_by, setting.tolerance) == (world.clerk, Decimal("0.50"))
    assert setting.reason == "pilot"
    clerk.post(change(setting), {"switched_off": "on", "in_force": "on", "reason": "noise"})
    setting.refresh_from_db()
    assert setting.switched_off
    assert setting.rule == "PRC-01"
    history = reverse("admin:settlement_rulesetting_history", args=[setting.pk])
    changes = clerk.get(history).context["changes"]
    assert {change.why for change in changes} >= {"pilot", "noise"}
    assert {change.who for change in changes} == {world.clerk.username}
    shown = text_of(clerk.get(rule_page("PRC-01")))
    assert "noise" in shown


def test_a_setting_needs_a_reason_and_each_change_a_new_one(clerk):
    assert "reason" in errors_of(clerk.post(ADD, form(reason="")))
    clerk.post(ADD, form())
    setting = RuleSetting.objects.get(rule="PRC-01")
    page = clerk.get(change(setting))
    assert not page.context["adminform"].form["reason"].value()


@pytest.mark.parametrize("rule", sorted(PROTECTED))
def test_rules_that_protect_the_books_cannot_be_set(clerk, rule):
    refused = clerk.post(ADD, form(rule=rule, switched_off="on"))
    assert "stays as it is" in str(errors_of(refused)["rule"])
    assert "Set it" not in text_of(clerk.get(rule_page(rule)))
    with pytest.raises(IntegrityError, match="protected_rules_stay"), transaction.atomic():
        RuleSetting.objects.create(rule=rule, switched_off=True, reason="past the form")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"rule": "XXX-01"}, "rule"),
        ({"rule": "AUT-01", "tolerance": "1"}, "tolerance"),
        ({"tolerance": "-1"}, "tolerance"),
        ({"tolerance_share": "1.5"}, "tolerance_share"),
        ({"rule": "QTY-08", "tolerance_share": "0.1"}, "tolerance_share"),
        ({"severity": "fatal"}, "severity"),
    ],
)
def test_what_cannot_be_set_is_refused_with_its_reason(clerk, fields, field):
    assert field in errors_of(clerk.post(ADD, form(**fields)))
    assert not RuleSetting.objects.filter(reason="pilot").exists()


def test_a_rule_is_set_once_for_the_same_parties(clerk, world):
    operator = world.trade.agreement.visited_cso
    clerk.post(ADD, form(operator=operator.pk))
    twice = clerk.post(ADD, form(operator=operator.pk))
    assert "set for them already" in str(errors_of(twice))
    both = form(operator=operator.pk, agreement=world.trade.agreement.pk)
    assert "agreement" in errors_of(clerk.post(ADD, both))


def test_the_list_of_settings_says_what_is_set_for_whom(clerk, world):
    RuleSetting.objects.create(rule="QTY-08", tolerance=Decimal("350"), reason="no trucks")
    shown = text_of(clerk.get(LIST))
    assert "tolerates 350 kW" in shown
    assert "for all" in shown


def test_what_a_setting_makes_stale_is_superseded_once_and_comes_back(world):
    sdr = world.trade.sdr(world.trade.session(NOVEMBER - timedelta(days=2)), claim="12.00")
    reconcile("live", NOVEMBER)
    assert standing_of(sdr).state == "deviating"
    setting = RuleSetting.objects.create(rule="PRC-01", switched_off=True, reason="pilot")
    reconcile("live", NOVEMBER, scope=Scope.OPEN)
    assert "PRC-01" not in rules_of(sdr)
    assert standing_of(sdr).state == "rated"
    findings, events = sdr.findings.count(), sdr.events.count()
    assert reconcile("live", NOVEMBER, scope=Scope.OPEN).changed == 0
    assert (sdr.findings.count(), sdr.events.count()) == (findings, events)
    setting.in_force = False
    setting.save()
    reconcile("live", NOVEMBER, scope=Scope.OPEN)
    assert "PRC-01" in rules_of(sdr)
    assert standing_of(sdr).state == "deviating"
    stale = models.Finding.objects.filter(sdr=sdr, rule="PRC-01").exclude(superseded_at=None)
    assert stale.count() == 1


def test_an_operator_s_setting_gives_way_to_its_agreement_s(world):
    agreement = world.trade.agreement
    RuleSetting.objects.create(
        rule="PRC-01", operator=agreement.visited_cso, tolerance=Decimal(5), reason="pilot"
    )
    sdr = world.trade.sdr(world.trade.session(NOVEMBER - timedelta(days=2)), claim="12.00")
    reconcile("live", NOVEMBER)
    assert "PRC-01" not in rules_of(sdr)
    RuleSetting.objects.create(rule="PRC-01", agreement=agreement, reason="strict here")
    reconcile("live", NOVEMBER, scope=Scope.OPEN)
    assert "PRC-01" in rules_of(sdr)
