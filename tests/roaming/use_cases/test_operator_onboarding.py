"""An operator is brought on whole or not at all; a party is spoken for by one platform."""

from datetime import date

import pytest
from psycopg.types.range import DateRange

from roaming import models
from roaming.use_cases.operator_onboarding import (
    NewIdentifier,
    NewPlatform,
    OnboardingError,
    activate_operator,
    approve_bank_account,
    free_identifier,
    onboard_operator,
    pin_identifier,
    resume_platform,
    suspend_platform,
)
from tests import factories


def bring_on(*identifiers, platform=None):
    operator = factories.OperatorFactory.build(name="New")
    return operator, onboard_operator(
        operator, [NewIdentifier(role, text) for role, text in identifiers], platform
    )


def test_an_operator_comes_with_its_identifiers_and_its_pinned_platform(db):
    operator, platform = bring_on(
        ("CSO", "de*new"), ("CSP", "DE-NEW"), platform=NewPlatform("New platform", "test")
    )
    assert set(operator.identifiers.values_list("identifier", flat=True)) == {"DE*NEW", "DE-NEW"}
    assert platform.status == "expected"
    pins = platform.held_identifiers.values_list("identifier__key", "environment")
    assert set(pins) == {("DENEW", "test")}


def test_without_a_platform_somebody_else_speaks_for_it(cast):
    operator, platform = bring_on(("CSP", "DE-NEW"))
    assert platform is None
    pin = pin_identifier(cast.home_csp.platform, operator.identifiers.get())
    assert pin.environment == "live"
    assert pin_identifier(cast.home_csp.platform, operator.identifiers.get()) == pin


def test_one_wrong_identifier_leaves_nothing_behind(cast):
    with pytest.raises(OnboardingError, match="held by Visited CSO"):
        bring_on(("CSP", "DE-NEW"), ("CSO", "DE*VIS"))
    assert not models.Operator.objects.filter(name="New").exists()
    assert not models.OperatorIdentifier.objects.filter(key="DENEW").exists()


def test_the_same_code_in_the_other_role_is_free(cast):
    assert free_identifier(NewIdentifier("CSP", "DE-VIS")).key == "DEVIS"


def test_a_platform_s_name_is_taken_once(cast):
    with pytest.raises(OnboardingError, match="named Home CSP platform"):
        bring_on(("CSP", "DE-NEW"), platform=NewPlatform("Home CSP platform", "live"))


def test_a_party_is_spoken_for_once_in_each_environment(cast):
    live = factories.PlatformFactory()
    with pytest.raises(OnboardingError, match="speaks for DE-HOM already"):
        pin_identifier(live, cast.home_csp.identifier)
    test = factories.PlatformFactory(environment="test")
    assert pin_identifier(test, cast.home_csp.identifier).environment == "test"


def test_steps_that_a_state_forbids_are_refused(cast):
    platform = cast.home_csp.platform
    with pytest.raises(OnboardingError, match="registered"):
        resume_platform(platform)
    suspend_platform(platform)
    with pytest.raises(OnboardingError, match="suspended"):
        suspend_platform(platform)
    with pytest.raises(OnboardingError, match="active"):
        activate_operator(cast.home_csp.operator)


def test_nobody_approves_their_own_bank_account(cast):
    clerk = factories.UserFactory()
    account = models.BankAccount.objects.create(
        operator=cast.home_csp.operator,
        holder="Home CSP",
        iban="DE89370400440532013000",
        currency="EUR",
        validity=DateRange(date(2026, 1, 1), None),
        proposed_by=clerk,
    )
    with pytest.raises(OnboardingError, match="cannot approve"):
        approve_bank_account(account, clerk)
    colleague = factories.UserFactory()
    assert approve_bank_account(account, colleague).approved_by == colleague
    with pytest.raises(OnboardingError, match="already"):
        approve_bank_account(account, colleague)
