"""Operators are brought on by one form, and what was typed is checked."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.urls import reverse

from roaming import models
from tests import factories
from tests.clearinghouse.admin.fixtures import errors_of, offered, page, take, text_of, told
from tests.clearinghouse.admin.world import member_with

NEW = {
    "name": "Stadtwerke Jena",
    "legal_name": "Stadtwerke Jena GmbH",
    "lei": "529900T8BM49AURSDO55",
    "street": "Rudolstädter Straße 39",
    "postal_code": "07745",
    "city": "Jena",
    "country": "de",
    "contact_email": "roaming@jena.example",
    "finance_email": "",
    "dispute_email": "",
    "language": "de",
    "cso_identifiers": "DE*JEN, +49*823",
    "csp_identifiers": "DE-JEN",
    "platform_name": "Jena backend",
    "platform_environment": "test",
}
NO_INLINES = {
    f"{prefix}-{field}": "0"
    for prefix in ("identifiers", "vat_registrations", "bank_accounts")
    for field in ("TOTAL_FORMS", "INITIAL_FORMS", "MIN_NUM_FORMS", "MAX_NUM_FORMS")
}
ACCOUNT = {
    "bank_accounts-TOTAL_FORMS": "1",
    "bank_accounts-0-holder": "Stadtwerke Jena GmbH",
    "bank_accounts-0-iban": "DE89 3704 0044 0532 0130 00",
    "bank_accounts-0-bic": "",
    "bank_accounts-0-currency": "eur",
    "bank_accounts-0-validity_0": "2026-01-01",
    "bank_accounts-0-validity_1": "",
}
VAT = {
    "vat_registrations-TOTAL_FORMS": "1",
    "vat_registrations-0-country": "DE",
    "vat_registrations-0-number": "136 695 976",
    "vat_registrations-0-validity_0": "2026-01-01",
    "vat_registrations-0-validity_1": "",
    "vat_registrations-0-proof": "VIES, 2026-10-01",
}


def bring_on(client, **fields):
    data = {**NEW, **NO_INLINES, **fields}
    return client.post(page(models.Operator, "add"), data, follow=True)


def test_one_form_makes_the_operator_its_identifiers_and_its_platform(clerk, world):
    response = bring_on(clerk, **VAT, **ACCOUNT)
    operator = models.Operator.objects.get(name="Stadtwerke Jena")
    assert (operator.country, operator.status) == ("DE", "onboarding")
    held = set(operator.identifiers.values_list("role", "identifier", "key"))
    assert held == {
        ("CSO", "DE*JEN", "DEJEN"),
        ("CSO", "DE*823", "DE823"),
        ("CSP", "DE-JEN", "DEJEN"),
    }
    platform = operator.platforms.get()
    assert (platform.environment, platform.status) == ("test", "expected")
    pins = platform.held_identifiers.values_list("environment", flat=True)
    assert list(pins) == ["test"] * 3
    assert response.redirect_chain[-1][0] == page(platform, "change")
    assert "registration token" in told(response)
    assert operator.vat_registrations.get().number == "DE136695976"
    account = operator.bank_accounts.get()
    assert (account.iban, account.bic) == ("DE89370400440532013000", "COBADEFFXXX")
    assert (account.currency, account.proposed_by, account.approved_by) == (
        "EUR",
        world.clerk,
        None,
    )


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"country": "XX"}, "country", "No country"),
        ({"lei": "529900T8BM49AURSDO56"}, "lei", "check digit"),
        ({"lei": "5299"}, "lei", "20 letters and digits"),
        ({"cso_identifiers": "DE-JEN"}, "cso_identifiers", "CC*OOO"),
        ({"cso_identifiers": "DE*VIS"}, "cso_identifiers", "held by Visited CSO"),
        ({"csp_identifiers": "XX-JEN"}, "csp_identifiers", "country"),
        ({"platform_name": "Home CSP platform"}, "platform_name", "already"),
        ({"cso_identifiers": "", "csp_identifiers": ""}, "__all__", "at least one identifier"),
        ({"name": "Visited CSO"}, "name", "already exists"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_saved(clerk, fields, field, words):
    before = models.Operator.objects.count()
    response = bring_on(clerk, **fields)
    assert words in str(errors_of(response)[field])
    assert models.Operator.objects.count() == before


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({**VAT, "vat_registrations-0-number": "DE136695977"}, "check digit"),
        ({**VAT, "vat_registrations-0-country": "XX"}, "No country"),
        ({**VAT, "vat_registrations-0-validity_0": ""}, "This field is required"),
        (
            {
                **VAT,
                "vat_registrations-0-validity_0": "",
                "vat_registrations-0-validity_1": "2027-01-01",
            },
            "Say from when",
        ),
        ({**ACCOUNT, "bank_accounts-0-iban": "DE89370400440532013001"}, "checksum"),
        ({**ACCOUNT, "bank_accounts-0-bic": "NOBANK"}, "no BIC"),
        ({**ACCOUNT, "bank_accounts-0-currency": "EURO"}, "at most 3"),
        ({**ACCOUNT, "bank_accounts-0-currency": "E1"}, "Three letters"),
        (
            {
                **ACCOUNT,
                "bank_accounts-0-validity_0": "2026-02-01",
                "bank_accounts-0-validity_1": "2026-01-01",
            },
            "must not exceed",
        ),
    ],
)
def test_wrong_legal_data_in_a_row_is_said(clerk, fields, words):
    response = bring_on(clerk, **fields)
    assert response.status_code == 200
    assert words in text_of(response)
    assert not models.Operator.objects.filter(name="Stadtwerke Jena").exists()


@pytest.mark.parametrize(
    ("kind", "value", "country", "fine", "said"),
    [
        ("iban", "DE89370400440532013000", "", True, "Commerzbank"),
        ("iban", "DE8937040044053201300", "", False, "length"),
        ("vat", "136695976", "DE", True, "DE136695976"),
        ("vat", "12", "DE", False, "length"),
        ("vat", "12", "", False, "No country"),
        ("lei", "529900T8BM49AURSDO55", "", True, "Fine"),
        ("bic", "COBADEFF", "", True, "Fine"),
        ("country", "zz", "", False, "No country"),
        ("identifiers-cso", "DE*VIS", "", False, "held by"),
        ("identifiers-csp", "DE-NEW", "", True, "DE-NEW"),
    ],
)
def test_a_number_is_judged_while_it_is_typed(clerk, kind, value, country, fine, said):
    query = {"kind": kind, "value": value, "country": country}
    answer = clerk.get(reverse("admin:roaming_operator_check"), query).json()
    assert answer["fine"] is fine
    assert said in answer["said"]


def test_an_unknown_kind_of_number_is_refused(clerk):
    assert clerk.get(reverse("admin:roaming_operator_check"), {"kind": "x"}).status_code == 400


def test_who_may_not_edit_operators_is_told_nothing_of_numbers(client, world):
    client.force_login(member_with("roaming.view_operator"))
    url = reverse("admin:roaming_operator_check")
    assert client.get(url, {"kind": "lei", "value": "x"}).status_code == 403


def test_a_further_identifier_is_added_and_the_old_ones_stay(clerk, world):
    operator = world.cast.visited_cso.operator
    data = {
        **{name: value for name, value in NEW.items() if "identifiers" not in name},
        **NO_INLINES,
        "name": operator.name,
        "identifiers-TOTAL_FORMS": "1",
        "identifiers-0-role": "CSO",
        "identifiers-0-identifier": "de*v02",
    }
    clerk.post(page(operator, "change"), data)
    held = operator.identifiers.values_list("identifier", "key")
    assert set(held) == {("DE*VIS", "DEVIS"), ("DE*V02", "DEV02")}
    data["identifiers-0-identifier"] = "DE*VIS"
    response = clerk.post(page(operator, "change"), data)
    assert "held by Visited CSO" in text_of(response)


def test_an_operator_becomes_active_by_a_step(clerk, world):
    operator = factories.OperatorFactory(name="New", status="onboarding")
    assert "at least one identifier" in told(take(clerk, operator, "activate"))
    factories.IdentifierFactory(operator=operator, identifier="DE*NEW")
    assert "active" in told(take(clerk, operator, "activate"))
    operator.refresh_from_db()
    assert operator.status == "active"
    assert "activate" not in offered(clerk.get(page(operator, "change")))
    assert "not possible" in told(take(clerk, operator, "activate"))


def test_whoever_proposed_a_bank_account_cannot_approve_it(clerk, colleague, world):
    account = models.BankAccount.objects.get()
    assert "You proposed it" in offered(clerk.get(page(account, "change")))["approve"]
    assert "You proposed it" in told(take(clerk, account, "approve"))
    account.refresh_from_db()
    assert account.approved_by is None
    assert "approved" in told(take(colleague, account, "approve"))
    account.refresh_from_db()
    assert account.approved_by == world.colleague
    assert "approve" not in offered(colleague.get(page(account, "change")))


def test_a_bank_account_ends_and_another_follows(clerk, world):
    account = models.BankAccount.objects.get()
    early = take(clerk, account, "end", last_day="2025-12-31", reason="closed")
    assert "valid from 2026-01-01" in told(early)
    take(clerk, account, "end", last_day="2026-06-30", reason="closed")
    account.refresh_from_db()
    assert account.validity.upper == date(2026, 6, 30) + timedelta(days=1)
    assert "end" not in offered(clerk.get(page(account, "change")))


def test_a_step_is_taken_by_post_only(clerk, world):
    account = models.BankAccount.objects.get()
    assert clerk.get(page(account, "step", "end")).status_code == 200
    account.refresh_from_db()
    assert account.validity.upper is None


def test_a_step_needs_its_permission(client, world):
    client.force_login(member_with("roaming.view_bankaccount"))
    account = models.BankAccount.objects.get()
    assert offered(client.get(page(account, "change"))) == {}
    assert client.get(page(account, "step", "end")).status_code == 403
    assert client.post(page(account, "step", "end"), {}).status_code == 403
    assert client.get(page(account, "step", "no-such-step")).status_code == 404


def test_the_history_says_who_changed_what_when_and_why(clerk, world):
    account = models.BankAccount.objects.get()
    take(clerk, account, "end", last_day="2026-06-30", reason="the bank closed it")
    operator = world.cast.visited_cso.operator
    changes = clerk.get(page(operator, "history")).context["changes"]
    ended = next(change for change in changes if change.what == "bank account changed")
    assert ended.who == world.clerk.username
    assert ended.why == "the bank closed it"
    assert ended.fields == (("validity", "from 2026-01-01", "2026-01-01 until 2026-07-01"),)
    (added,) = (change for change in changes if change.what == "operator added")
    assert ("name", "", "Visited CSO") in added.fields


def test_an_identifier_is_found_in_any_form(clerk, world):
    for term in ("DE*VIS", "de-vis", "DEVIS", "visited"):
        response = clerk.get(page(models.OperatorIdentifier, "changelist"), {"q": term})
        assert [str(row) for row in response.context["cl"].result_list] == ["DE*VIS"]
